"""Methods: how a round is wired, one short file each."""
