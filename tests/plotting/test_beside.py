"""Legends and colour bars can be switched off or placed, colours be named, in every picture."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import alignsim as asim
from alignsim import plotting
from tests.plotting.test_journal_size import ONE, SEVERAL, basins, run, swept, visited


def drawn(name, **options):
    """Return the Axes of a picture, drawn with options that its lambda does not know."""
    function = {
        "simplex": lambda **o: plotting.simplex(run(rounds=30), **o),
        "basins": lambda **o: plotting.basins(basins(3), **o),
        "phase_diagram": lambda **o: plotting.phase_diagram(swept(), **o),
        "orbit_diagram": lambda **o: plotting.orbit_diagram(visited(), **o),
        "timeline": lambda **o: plotting.timeline(run(rounds=30), **o)[0],
    }[name]
    return function(**options)


PICTURES = ["simplex", "basins", "phase_diagram", "orbit_diagram", "timeline"]


@pytest.mark.parametrize("name", PICTURES)
def test_a_legend_can_be_left_out_or_placed(name):
    assert drawn(name).get_legend() is not None
    assert drawn(name, legend=False).get_legend() is None
    inside = drawn(name, legend="lower left").get_legend()
    assert inside._get_loc() == 3  # Matplotlib's number of "lower left"
    beside = drawn(name, legend="right")
    beside.figure.canvas.draw()
    assert beside.get_legend().get_window_extent().x0 >= beside.get_window_extent().x1


def test_below_is_below_both_panels_of_a_timeline():
    top, bottom = plotting.timeline(run(rounds=30), legend="below")
    bottom.figure.canvas.draw()
    assert top.get_legend() is None
    box = bottom.get_legend().get_window_extent()
    assert box.y1 < bottom.xaxis.label.get_window_extent().y0


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("place", ["nowhere", None, 3, ["right"]])
def test_a_place_that_does_not_exist_is_refused(name, place):
    with pytest.raises(ValueError, match=r"^legend is .*; .*known: 'below', 'best'"):
        drawn(name, legend=place)


def test_a_colour_bar_can_be_left_out_or_placed():
    for draw in (
        lambda **o: plotting.simplex(run(rounds=30), **o),
        lambda **o: plotting.motion(run(rounds=9), **o),
        lambda **o: plotting.phase_diagram(swept(), value="entropy_mean", **o),
    ):
        assert len(draw(colorbar=False).figure.axes) == 1
        ax, bar = draw(colorbar="bottom").figure.axes
        ax.figure.canvas.draw()
        assert bar.get_position().y1 < ax.get_position().y0
        with pytest.raises(ValueError, match=r"colorbar is 'below'; .*known: 'bottom', 'left'"):
            draw(colorbar="below")


def test_panels_have_their_legends_and_bars_switched_off_together():
    for name, (draw, _, _) in SEVERAL.items():
        assert any(ax.get_legend() for ax in draw(None).flat) or name in ("population", "compare")
    axes = plotting.advice(asim.advise(asim.preferences.bradley_terry([1.0, 0.0]), 5.0),
                           legend=False, colorbar=False)  # fmt: skip
    assert not any(ax.get_legend() for ax in axes)
    assert len(axes[0].figure.axes) == 2


def test_phases_have_the_colours_that_are_given():
    given = {"converged": "#123456", "invariant circle": "#654321"}
    ax = plotting.phase_diagram(swept(), colors=given)
    shown = {
        text.get_text(): to_hex(patch.get_facecolor())
        for text, patch in zip(
            ax.get_legend().get_texts(), ax.get_legend().legend_handles, strict=True
        )
        if hasattr(patch, "get_facecolor")
    }
    assert shown["converged"] == "#123456"
    assert shown["invariant circle"] == "#654321"
    cells = ax.collections[0]
    names = swept().phase.attrs["flag_meanings"].split()
    assert to_hex(cells.cmap(names.index("invariant_circle"))) == "#654321"


def test_lines_and_basins_have_the_colours_that_are_given():
    top, _ = plotting.timeline(run(rounds=30), colors={"π1": "#123456"})
    assert [line.get_color() for line in top.lines][1] == "#123456"
    names = ["rock", "paper", "scissors"]
    top, _ = plotting.timeline(run(rounds=30), labels=names, colors={"rock": "k"})
    assert top.lines[0].get_color() == "k"
    ax = plotting.basins(basins(3), by="response", labels=names, colors={"paper": "#000000"})
    grounds = {to_hex(each.get_facecolor()[0]) for each in ax.collections}
    assert "#808080" in grounds  # the tint of black
    dots = plotting.simplex([run(), run(rounds=5)], names=["a", "b"], colors={"b": "#123456"})
    assert to_hex(dots.collections[-1].get_facecolor()[0]) == "#123456"


@pytest.mark.parametrize("name", PICTURES)
def test_colours_that_do_not_fit_are_refused(name):
    with pytest.raises(ValueError, match=r"^colors: a name is 'absent'; .*known: "):
        drawn(name, colors={"absent": "red"})
    with pytest.raises(ValueError, match=r"^colors is 'viridis'; give a dict"):
        drawn(name, colors="viridis")
    known = {"simplex": "orbit 1", "basins": "fixed point", "timeline": "π0"}.get(name, "converged")
    with pytest.raises(ValueError, match=r"^colors\['.*'\] is 'reddish'; give a Matplotlib col"):
        drawn(name, colors={known: "reddish"})


def test_numbers_have_a_scale_and_no_names():
    with pytest.raises(ValueError, match="colors is given, but 'entropy_mean' has a scale"):
        plotting.phase_diagram(swept(), value="entropy_mean", colors={"converged": "red"})


def test_pictures_of_these_tests_are_all_pictures():
    """What is drawn at the size of a journal's column is every function that draws."""
    told = {name.partition(",")[0].replace(" ", "_") for name in {**ONE, **SEVERAL}}
    drawn_by = told - {"method", "phases", "likeliest", "entropy", "period", "rotation", "winner"}
    drawn_by |= {"phase_diagram", "terminal_entropy", "condorcet_winner"}
    assert drawn_by == set(plotting.__all__) - {"animate", "save"}


def test_responses_that_end_likeliest_have_a_colour_each():
    P = np.array([[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]])
    ds = asim.sweep(P, beta=[0.0, 1.0, 4.0], lam=[0.0, 1.0], alpha=0.5, rounds=100, progress=False)
    ax = plotting.phase_diagram(
        ds, value="likeliest", labels=["a", "b", "c"], ax=Figure().add_subplot()
    )
    found = ds.likeliest.transpose("lam", "beta").values
    expected = np.where(found < 0, 3, found)
    np.testing.assert_array_equal(ax.collections[0].get_array(), expected)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[:2] == ["c", "no one response"]
