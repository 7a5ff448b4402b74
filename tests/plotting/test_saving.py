import matplotlib
import pytest
from matplotlib.figure import Figure

from alignsim.plotting import save, timeline


@pytest.fixture
def picture(run):
    return timeline(run(rounds=30), labels=["α", "b", "$c$"], ax=Figure().subplots(2))


@pytest.mark.parametrize("kind", ["pdf", "eps"])
def test_fonts_are_of_type_42(picture, kind, tmp_path):
    before = dict(matplotlib.rcParams)
    text = save(picture, tmp_path / f"figure.{kind}").read_bytes()
    assert b"FontType 3" not in text
    assert b"/Type3" not in text
    assert b"/FontFile2" in text or b"/FontType 42" in text
    assert dict(matplotlib.rcParams) == before
    plain = tmp_path / f"plain.{kind}"
    picture[0].figure.savefig(plain)
    assert b"/Type3" in plain.read_bytes() or b"FontType 3" in plain.read_bytes()


def test_the_command_line_writes_them_too(tmp_path):
    from typer.testing import CliRunner

    from alignsim.cli import app

    path = tmp_path / "orbit.pdf"
    done = CliRunner().invoke(app, ["simulate", "--rounds", "20", "--out", str(path)])
    assert done.exit_code == 0, done.output
    assert b"/FontFile2" in path.read_bytes()
    assert b"/Type3" not in path.read_bytes()


def test_a_figure_one_of_its_axes_or_all_of_them_are_saved(picture, tmp_path):
    for i, given in enumerate([picture, picture[0], picture[0].figure, picture.tolist()[0]]):
        assert save(given, tmp_path / f"{i}.png", dpi=50).stat().st_size > 1000


def test_the_size_in_dots_is_that_of_the_page(picture, tmp_path):
    from PIL import Image

    picture[0].figure.set_size_inches(3.3, 2.4)
    with Image.open(save(picture, tmp_path / "small.png", dpi=100)) as image:
        assert image.size == (330, 240)


def test_an_older_file_stays_where_writing_fails(picture, tmp_path, monkeypatch):
    place = tmp_path / "figure.png"
    place.write_text("old")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match=r"figure\.png' cannot be written: disk full"):
        save(picture, place)
    assert place.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["figure.png"]


def test_bad_input_is_named(picture, tmp_path):
    with pytest.raises(ValueError, match=r"path is '.*figure\.jpg'; let it end in \.png or \.pdf"):
        save(picture, tmp_path / "figure.jpg")
    with pytest.raises(ValueError, match=r"path is .*; let it end in"):
        save(picture, tmp_path / "figure.gif")
    with pytest.raises(ValueError, match="picture is of type int; give a Figure, Axes or an anim"):
        save(3, tmp_path / "figure.png")
    axes = Figure().add_subplot()
    axes.remove()
    with pytest.raises(ValueError, match="picture is of type Axes; give a Figure"):
        save(axes, tmp_path / "figure.png")
    with pytest.raises(ValueError, match="dpi is 0"):
        save(picture, tmp_path / "figure.png", dpi=0)
