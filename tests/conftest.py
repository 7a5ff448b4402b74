import json
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data():
    """The folder of real preference data, which stands beside the repository."""
    if not DATA.is_dir():
        pytest.skip(f"real data absent: {DATA} is no folder")
    return DATA


@pytest.fixture(scope="session")
def named(data):
    return json.loads((data / "named_matrices.json").read_text(encoding="utf-8"))


@pytest.fixture
def write(tmp_path):
    """Write a file (text as UTF-8, or bytes) and return its path."""

    def _write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return _write
