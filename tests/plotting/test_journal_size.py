"""Figures of one column of a journal, and of the default size: all text is there, none overlaps."""

import itertools
from functools import cache

import matplotlib
import mpltern  # noqa: F401  (makes the projection known)
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import alignsim as asim
from alignsim import plotting

COLUMN, WIDE = (3.3, 2.4), (6.6, 2.4)
NAMES = ["rock", "paper", "scissors"]
P = asim.preferences.cyclic(3, advantage=0.47)
LOOP = asim.FeedbackMap(P, beta=8.0, alpha=0.6)


def run(responses=3, rounds=1000, **options):
    cycle = asim.preferences.cyclic(responses, advantage=0.3)
    start = np.full(responses, 0.2 / (responses - 1))
    start[0] = 0.8
    return asim.FeedbackMap(cycle, beta=8.0, alpha=0.6, **options).run(start, rounds)


@cache
def swept(**options):
    beta, lam = np.linspace(0, 24, 13), np.linspace(0, 1, 7)
    return asim.sweep(P, beta=beta, lam=lam, alpha=0.6, rounds=200, progress=False, **options)


def phases(value):
    return lambda **options: plotting.phase_diagram(swept(), value=value, **options)


def tongues(value):
    ds = asim.phase_diagram(
        P, x=("beta", 0, 24), y=("alpha", 0, 0.9), lam=1.0, by="orbit", resolution=16,
        progress=False,
    )  # fmt: skip
    return lambda **options: plotting.phase_diagram(ds, value=value, **options)


@cache
def method():
    P = asim.preferences.cyclic(3, advantage=0.5)
    axes = {"x": ("beta", 0.1, 12), "y": ("mixup", 0.1, 1)}
    return asim.phase_diagram(P, method="soft_reference", **axes, resolution=16, progress=False)


@cache
def visited():
    return asim.sweeps.orbit_diagram(P, alpha=0.5, lam=1.0, points=40, progress=False)


@cache
def basins(K):
    corners = asim.FeedbackMap.from_payoffs(np.eye(K), beta=8.0)
    return asim.basins(corners, **({"resolution": 9} if K == 3 else {"samples": 32}))


def members():
    prefs = asim.preferences
    ties, ranked = prefs.bradley_terry([1.0, 1.0, 0.0]), prefs.bradley_terry([2.0, 1.0, 0.0])
    return np.stack([prefs.cyclic(3, advantage=0.4), ties, ranked])


@cache
def reproduced():
    grid = {"beta": [0.5, 2.0, 8.0], "alpha": [0.0, 0.5], "rounds": 100, "progress": False}
    return asim.experiments.reproduce(members(), **grid)


@cache
def winners():
    above = np.array([[5, 7, 7, 7], [3, 5, 8, 2], [3, 2, 5, 8], [3, 8, 2, 5]]) / 10
    grid = {"beta": [0.5, 2.0, 8.0], "alpha": [0.0, 0.5], "rounds": 100, "progress": False}
    return asim.experiments.winner_from_corners(above[None], **grid)


@cache
def many():
    stack = np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.05, 0.2, 0.4)])
    beta, lam = np.linspace(0, 12, 7), np.linspace(0, 1, 5)
    return asim.sweep(stack, beta=beta, lam=lam, alpha=0.6, rounds=200, progress=False)


ONE = {
    "simplex, 3": lambda ax: plotting.simplex(run(), labels=NAMES, ax=ax),
    "simplex, 5": lambda ax: plotting.simplex(run(5), ax=ax),
    "simplex, two": lambda ax: plotting.simplex([run(), run(offline=[0.6, 0.3, 0.1])], ax=ax),
    "basins, 3": lambda ax: plotting.basins(basins(3), by="response", labels=NAMES, ax=ax),
    "basins, 4": lambda ax: plotting.basins(basins(4), ax=ax),
    "motion": lambda ax: plotting.motion(LOOP.run(asim.simplex.lattice(6), rounds=1), ax=ax),
    "phases": lambda ax: phases("phase")(ax=ax),
    "method": lambda ax: plotting.phase_diagram(method(), ax=ax),
    "likeliest": lambda ax: phases("likeliest")(labels=NAMES, ax=ax),
    "entropy": lambda ax: phases("entropy_mean")(ax=ax),
    "period": lambda ax: tongues("period")(ax=ax),
    "rotation": lambda ax: tongues("rotation_number")(ax=ax),
    "orbit diagram": lambda ax: plotting.orbit_diagram(visited(), labels=NAMES, ax=ax),
}
TERNARY = {"simplex, 3", "simplex, two", "basins, 3", "motion"}


def side_by_side():
    names = ["mrs", "soft_reference", "extragradient", "optimistic"]
    given = {"mrs": {"alpha": 0.6}, "soft_reference": {"mixup": 0.5}}
    return asim.compare(names, P, beta=2.0, rounds=60, **given)


def watched():
    return asim.diagnostics(LOOP, LOOP.run(rounds=500))


SEVERAL = {
    "diagnostics": (lambda ax: plotting.diagnostics(watched(), ax=ax), (3, 1), (3.25, 3.6)),
    "compare": (lambda ax: plotting.compare(side_by_side(), ax=ax), (2, 1), COLUMN),
    "timeline": (lambda ax: plotting.timeline(run(), labels=NAMES, ax=ax), (2, 1), COLUMN),
    "timeline, 11": (lambda ax: plotting.timeline(run(11), ax=ax), (2, 1), COLUMN),
    "timeline, two": (lambda ax: plotting.timeline([run(), run()], ax=ax), (2, 1), COLUMN),
    "advice": (lambda ax: plotting.advice(asim.advise(members()[2], 10.0), ax=ax), (1, 2), WIDE),
    "population": (lambda ax: plotting.population(many(), ax=ax), (1, 2), WIDE),
    "evolution": (
        lambda ax: plotting.evolution(asim.experiments.evolution(members()), ax=ax), (2, 3),
        (6.6, 3.2),
    ),
    "oscillation": (lambda ax: plotting.oscillation(reproduced(), ax=ax), (2, 2), (6.6, 4.8)),
    "entropy": (lambda ax: plotting.terminal_entropy(reproduced(), ax=ax), (1, 2), WIDE),
    "winner": (lambda ax: plotting.condorcet_winner(winners(), ax=ax), (1, 2), WIDE),
}  # fmt: skip


@pytest.fixture
def written(monkeypatch):
    """The texts that are drawn, in a list."""
    found = []
    draw = Text.draw

    def recorded(text, renderer, *args, **options):
        if text.get_visible() and text.get_text().strip():
            found.append(text)
        draw(text, renderer, *args, **options)

    monkeypatch.setattr(Text, "draw", recorded)
    return found


def assert_all_text_is_whole_and_apart(figure, written):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    written.clear()
    canvas.draw()
    assert len(written) > 3
    boxes = {text: text.get_window_extent() for text in written}
    page = figure.bbox
    for text, box in boxes.items():
        inside = page.x0 - 0.5 <= box.x0 and box.x1 <= page.x1 + 0.5
        inside &= page.y0 - 0.5 <= box.y0 and box.y1 <= page.y1 + 0.5
        assert inside, f"{text.get_text()!r} leaves the figure: {box}"
    for (one, first), (other, second) in itertools.combinations(boxes.items(), 2):
        if one.get_rotation() % 90 or other.get_rotation() % 90:
            continue  # the box of a slanted text is larger than the text
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        up = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across <= 1.0 or up <= 1.0, f"{one.get_text()!r} lies on {other.get_text()!r}"


@pytest.mark.parametrize("name", ONE)
def test_one_picture_fits_a_column(name, written):
    figure = Figure(COLUMN, layout="constrained", dpi=200)
    projection = "ternary" if name in TERNARY else None
    ax = ONE[name](figure.add_subplot(projection=projection))
    assert_all_text_is_whole_and_apart(ax.figure, written)
    assert max(text.get_fontsize() for text in written) <= 8.0


@pytest.mark.parametrize("name", ONE)
def test_one_picture_of_the_default_size(name, written):
    assert_all_text_is_whole_and_apart(ONE[name](None).figure, written)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_panels_fit_a_column_each(name, written):
    draw, shape, size = SEVERAL[name]
    figure = Figure(size, layout="constrained", dpi=200)
    ratios = {"height_ratios": (2, 1)} if shape == (2, 1) else {}
    axes = figure.subplots(*shape, **ratios)
    draw(axes[None] if name == "population" else axes)
    assert_all_text_is_whole_and_apart(figure, written)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_panels_of_the_default_size(name, written):
    axes = SEVERAL[name][0](None)
    assert_all_text_is_whole_and_apart(axes.flat[0].figure, written)


def test_text_that_is_small_already_stays_as_it_is():
    with matplotlib.rc_context({"font.size": 5.0}):
        figure = Figure(COLUMN, layout="constrained")
        ax = ONE["phases"](figure.add_subplot())
    assert ax.xaxis.label.get_fontsize() == 5.0
    assert ax.get_legend().get_texts()[0].get_fontsize() == 5.0
