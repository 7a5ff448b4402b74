"""Where stability is lost, and how."""
