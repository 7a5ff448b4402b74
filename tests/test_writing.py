"""Files are whole or not there."""

import pytest

from alignsim.writing import beside


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with beside(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.parent == tmp_path
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_what_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def broken_off():
        with beside(path) as part:
            part.write_text("ne")
            raise error

    with pytest.raises(type(error)):
        broken_off()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_a_place_that_is_closed_is_named(tmp_path):
    def into_nothing():
        with beside(tmp_path / "none" / "a.txt") as part:
            part.write_text("new")

    with pytest.raises(OSError, match=r"a\.txt' cannot be written: No such file"):
        into_nothing()
