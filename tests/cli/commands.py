"""What tests of several commands share."""

PNG = b"\x89PNG\r\n\x1a\n"
PAIR = "m.json"
GRID = ["--beta-points", "13", "--lam-points", "9"]
SMALL = [*GRID, "--rounds", "400"]


def matrix(folder):
    """Write a matrix of two responses, and return its name."""
    (folder / PAIR).write_text("[[0.5, 0.7], [0.3, 0.5]]", encoding="utf-8")
    return PAIR


def listing(folder):
    """Return what the files of a folder hold, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
