"""Where a loop can rest, and whether it stays there."""
