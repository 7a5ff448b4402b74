"""What files of preferences look like: one short file a format, and their table."""
