"""What an orbit does in the long run."""
