import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from alignsim import FeedbackMap
from alignsim.plotting import timeline
from alignsim.preferences import bradley_terry


@pytest.fixture
def pair():
    return Figure(layout="constrained").subplots(2)


def _course(ax, label):
    """Return the line of a label, as rounds to values, and the two edges of the band after it."""
    (line,) = (line for line in ax.lines if line.get_label() == label)
    edges = [
        other.get_xydata()
        for other in ax.lines
        if other.get_label().startswith("_") and other.get_color() == line.get_color()
    ]
    return dict(line.get_xydata()), edges


@pytest.mark.parametrize("time", ["log", "linear"])
@pytest.mark.parametrize("rounds", [50, 2000])
def test_every_round_is_on_a_line_or_in_its_band(run, pair, time, rounds):
    orbit = run(rounds=rounds, start=[0.8, 0.1, 0.1])
    top, bottom = timeline(orbit, labels=["a", "b", "c"], time=time, ax=pair)
    courses = [(top, name, orbit.policies[:, i]) for i, name in enumerate("abc")]
    for ax, name, values in [*courses, (bottom, "orbit 1", orbit.entropy)]:
        followed, edges = _course(ax, name)
        assert list(followed) == orbit.rounds[: len(followed)].tolist()
        assert list(followed.values()) == pytest.approx(values[: len(followed)])
        assert len(edges) == (0 if rounds == 50 else 2)
        if edges:
            rest = slice(len(followed), None)
            low, high = (np.interp(orbit.rounds[rest], *edge.T) for edge in edges)
            assert (low <= values[rest] + 1e-12).all()
            assert (values[rest] <= high + 1e-12).all()
            assert low.min() == values[len(followed) - 1 :].min()
            assert high.max() == values[len(followed) - 1 :].max()
    assert top.get_xscale() == ("symlog" if time == "log" else "linear")
    assert top.get_title() == f"MRS-IPO, {rounds} rounds"
    assert bottom.get_ylabel() == "entropy (nats)"


def test_short_runs_are_lines_and_long_ones_end_in_bands(run, pair):
    few, _ = timeline(run(rounds=50), time="linear", ax=pair)
    assert not few.collections
    many, _ = timeline(run(rounds=3000), ax=Figure().subplots(2))
    assert len(many.collections) == 3
    entries = [text.get_text() for text in many.get_legend().get_texts()]
    assert entries == ["$π_{0}$", "$π_{1}$", "$π_{2}$", "range of rounds"]


def test_a_band_is_narrow_where_the_orbit_rests_and_wide_where_it_oscillates(run):
    for beta, wide in ((1.0, False), (8.0, True)):
        top, _ = timeline(run(rounds=3000, beta=beta), ax=Figure().subplots(2))
        _, (low, high) = _course(top, "$π_{0}$")
        gap = high[-20:, 1] - low[-20:, 1]
        assert (gap > 0.5).all() if wide else (gap < 1e-6).all()


def test_a_run_that_fails_is_drawn_up_to_its_failure(pair, tmp_path):
    loop = FeedbackMap(bradley_terry([0.99, 0.282, 0.0]), objective="dpo", beta=2.0, alpha=0.5)
    orbit = loop.run(rounds=3000, samples_per_round=2000, rng=0)
    lost = np.isnan(orbit.entropy).argmax()
    assert lost > 20
    top, _ = timeline(orbit, ax=pair)
    followed, _ = _course(top, "$π_{0}$")
    drawn = np.isfinite(list(followed.values()))
    assert drawn.sum() == lost
    assert f"in round {lost}, the sample" in top.texts[0].get_text().replace("\n", " ")
    top.figure.savefig(tmp_path / "part.png")


def test_only_the_most_probable_of_many_are_named(run, pair):
    orbit = run(11, rounds=200)
    top, _ = timeline(orbit, ax=pair)
    entries = [text.get_text() for text in top.get_legend().get_texts()]
    assert entries[-2:] == ["3 others", "range of rounds"]
    assert len(entries) == 8 + 2
    highest = np.argsort(-orbit.policies.max(axis=0), kind="stable")[:8]
    assert set(entries[:8]) == {f"$π_{{{i}}}$" for i in highest}


def test_keywords_reach_the_lines(run, pair):
    top, bottom = timeline(run(), ax=pair, linewidth=3.0)
    named = {line.get_linewidth() for line in top.lines if line.get_label()[0] != "_"}
    assert named == {3.0}
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
    with pytest.raises(ValueError, match=r"give Axes of shape \(2,\)"):
        timeline(run(), ax=pair[0])
    with pytest.raises(ValueError, match="keeps round 300 only"):
        timeline(run(keep="last"), ax=pair)
    with pytest.raises(ValueError, match=r"index is 0; the batch has shape \(\): give \(\)"):
        timeline(run(), index=0, ax=pair)
