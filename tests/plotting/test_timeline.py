import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from alignsim.plotting import timeline


@pytest.fixture
def pair():
    return Figure(layout="constrained").subplots(2)


def _course(ax, label):
    """Return the rounds and values drawn for a label, as a line and then as dots."""
    lines = [line for line in ax.lines if line.get_label() == label]
    (line,) = lines
    dots = ax.collections[0]
    same = (dots.get_facecolors() == np.array([*_rgb(line), 1.0])).all(axis=1)
    tail = np.asarray(dots.get_offsets())[same] if same.any() else np.empty((0, 2))
    return np.concatenate([np.transpose(line.get_data()), tail])


def _rgb(line):
    from matplotlib.colors import to_rgb

    return to_rgb(line.get_color())


@pytest.mark.parametrize("time", ["log", "linear"])
@pytest.mark.parametrize("rounds", [50, 2000])
def test_every_round_is_drawn(run, pair, time, rounds):
    orbit = run(rounds=rounds, start=[0.8, 0.1, 0.1])
    top, bottom = timeline(orbit, labels=["a", "b", "c"], time=time, ax=pair)
    for i, name in enumerate("abc"):
        drawn = dict(_course(top, name))
        assert list(drawn) == orbit.rounds.tolist()
        assert list(drawn.values()) == pytest.approx(orbit.policies[:, i])
    assert dict(_course(bottom, "entropy")) == pytest.approx(
        dict(zip(orbit.rounds, orbit.entropy, strict=True))
    )
    assert top.get_xscale() == ("symlog" if time == "log" else "linear")
    assert top.get_title() == f"MRS-IPO, {rounds} rounds"
    assert bottom.get_ylabel() == "entropy (nats)"


def test_short_runs_are_lines_and_long_ones_end_in_dots(run, pair):
    few, _ = timeline(run(rounds=50), time="linear", ax=pair)
    assert len(few.collections[0].get_offsets()) == 0
    many, _ = timeline(run(rounds=3000), ax=Figure().subplots(2))
    assert len(many.collections[0].get_offsets()) > 3 * 2000


def test_only_the_most_probable_of_many_are_named(run, pair):
    orbit = run(11, rounds=200)
    top, _ = timeline(orbit, ax=pair)
    entries = [text.get_text() for text in top.get_legend().get_texts()]
    assert entries[0] == "3 others"
    assert len(entries) == 9
    highest = np.argsort(-orbit.policies.max(axis=0), kind="stable")[:8]
    assert set(entries[1:]) == {f"$π_{{{i}}}$" for i in highest}


def test_keywords_reach_the_lines(run, pair):
    top, bottom = timeline(run(), ax=pair, linewidth=3.0)
    assert {line.get_linewidth() for line in top.lines} == {3.0}
    assert bottom.lines[0].get_linewidth() == 3.0


def test_failed_orbit_says_why(run, pair, tmp_path):
    top, _ = timeline(run(beta=1e308, alpha=1.0), ax=pair)
    assert [text.get_text()[:8] for text in top.texts] == ["failed: "]
    top.figure.savefig(tmp_path / "failed.png")


def test_makes_a_figure_by_itself(run, tmp_path):
    axes = timeline(run(rounds=3000))
    assert axes.shape == (2,)
    assert pyplot.fignum_exists(axes[0].figure.number)
    axes[0].figure.savefig(tmp_path / "timeline.png")


def test_bad_input_is_named(run, pair):
    with pytest.raises(ValueError, match="time is 'years'; known: 'linear', 'log'"):
        timeline(run(), time="years", ax=pair)
    with pytest.raises(ValueError, match="give two Axes"):
        timeline(run(), ax=pair[0])
    with pytest.raises(ValueError, match="keeps round 300 only"):
        timeline(run(keep="last"), ax=pair)
    with pytest.raises(ValueError, match=r"index is \(0,\), but orbit holds one orbit"):
        timeline(run(), index=0, ax=pair)
