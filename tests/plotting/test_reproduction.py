import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.figure import Figure

import alignsim as asim
from alignsim import experiments
from alignsim import preferences as prefs
from alignsim.plotting import condorcet_winner, evolution, oscillation, terminal_entropy

GRID = {"alpha": [0.0, 0.5], "beta": [0.5, 6.0, 40.0], "lam": [0.5, 1.0], "rounds": 200}


@pytest.fixture(scope="module")
def population():
    return asim.data.synthetic_ratings(prompts=3000, rng=0).matrices(rng=0)[4].P


@pytest.fixture(scope="module")
def found(population):
    return experiments.reproduce(population, most=8, progress=False, **GRID)


@pytest.fixture(scope="module")
def winner(population):
    return experiments.winner_from_corners(population, progress=False, **GRID)


def _panels(*shape):
    return Figure(layout="constrained").subplots(*shape, squeeze=False)


def _lines(ax, marker):
    return [line for line in ax.lines if line.get_marker() == marker]


def _legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_evolution_draws_every_round(population):
    ds = experiments.evolution(population, rounds=40)
    axes = evolution(ds, ax=_panels(2, 3))
    for place in np.ndindex(2, 3):
        drawn = np.array([line.get_ydata() for line in axes[place].lines])
        assert drawn == pytest.approx(ds.policy.values[place].T)
        assert axes[place].get_xlim() == (0, 40)
    radius = ds.spectral_radius.values
    assert (
        axes[1, 2].get_title() == f"α = 0.5, βλ = {ds.beta.values[1, 2]:g}: ρ = {radius[1, 2]:.2f}"
    )
    assert _legend(axes[0, 0]) == [f"$π_{{{i}}}$" for i in range(4)]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == [
        "α grows →\nprobability",
        "βλ grows →\nprobability",
    ]


def test_oscillation_draws_the_cyclic_class_over_the_signal(found):
    axes = oscillation(found, ax=_panels(2, 2))
    cyclic = found.sel({"class": "cyclic"})
    for column, objective in enumerate(found.objective.values):
        for row, name in enumerate(("cycle_strength", "oscillating")):
            ax = axes[row, column]
            circles, squares = _lines(ax, "o"), _lines(ax, "s")
            assert len(circles) == len(squares) == 2
            for line, lam in zip(circles, (1.0, 0.5), strict=True):
                course = cyclic[name].sel(objective=objective, alpha=0.0, lam=lam)
                assert line.get_ydata() == pytest.approx(course.values)
                assert line.get_xdata() == pytest.approx(lam * found.beta.values)
            assert ax.get_xscale() == "log"
        crosses = _lines(axes[1, column], "x")
        assert len(crosses) == (4 if objective == "ipo" else 0)
    assert [ax.get_title() for ax in axes[0]] == ["MRS-IPO, 8 matrices", "MRS-DPO, 8 matrices"]
    names = ["α = 0", "α = 0.5", "λ = 1", "λ = 0.5", "± 2 s.e. over matrices"]
    assert _legend(axes[0, 0]) == names
    others = found.completed.values[1:, 0].sum()
    assert _legend(axes[1, 0]) == [f"other classes ({others})", "unstable fixed point"]


def test_oscillation_bands_are_two_standard_errors(found):
    ax = oscillation(found, ax=_panels(2, 2))[0, 0]
    cell = found.sel({"class": "cyclic"}).sel(objective="ipo", alpha=0.0, lam=1.0)
    tops = [collection.get_paths()[0].vertices[:, 1].max() for collection in ax.collections]
    expected = (cell.cycle_strength + 2 * cell.cycle_strength_error).max().item()
    assert min(abs(top - expected) for top in tops) < 1e-12


def test_entropy_is_over_eta_with_its_limit(found):
    (axes,) = _panels(1, 2)
    terminal_entropy(found, ax=axes)
    weak = found.sel({"class": "strongly_transitive"})
    (line,) = (line for line in _lines(axes[0], "s") if line.get_linestyle() == "-")
    assert line.get_xdata() == pytest.approx(found.beta.values / 0.5)
    course = weak.entropy.sel(objective="ipo", alpha=0.5, lam=1.0)
    assert line.get_ydata() == pytest.approx(course.values)
    levels = [line.get_ydata() for line in axes[0].lines if line.get_linestyle() == ":"]
    assert np.unique(levels) == pytest.approx(weak.entropy_limit.sel(objective="ipo").item())
    assert axes[0].get_title() == "MRS-IPO, 8 matrices"
    strict = found.run.sel({"class": "strictly_strongly_transitive"}).item()
    assert _legend(axes[0])[-2:] == [
        "ties at the top, λ = 1",
        f"strictly strongly\ntransitive ({strict})",
    ]


def test_winner_has_a_band_down_to_the_least(winner):
    (axes,) = _panels(1, 2)
    condorcet_winner(winner, ax=axes)
    course = winner.winner.sel(objective="dpo", alpha=0.0, lam=1.0)
    (line,) = (line for line in _lines(axes[1], "o") if line.get_linestyle() == "-")
    assert line.get_ydata() == pytest.approx(course.values)
    lows = [band.get_paths()[0].vertices[:, 1].min() for band in axes[1].collections]
    least = winner.winner_least.sel(objective="dpo").min("beta").values.ravel()
    assert sorted(lows) == pytest.approx(sorted(least))
    assert _legend(axes[1])[-1] == "down to the least of all"
    assert any("winners beat ½ by 0.231" in text.get_text() for text in axes[0].texts)


def test_a_title_counts_the_matrices_that_are_averaged_over(found):
    some = found.copy(deep=True)
    some.completed.loc[{"objective": "dpo"}] = 7
    limit = some.entropy_limit.copy()
    limit.loc[{"objective": "dpo"}] = 0.25
    some["entropy_limit"] = limit
    (axes,) = _panels(1, 2)
    terminal_entropy(some, ax=axes)
    assert axes[1].get_title() == "MRS-DPO, 7 of 8 matrices"
    assert {line.get_ydata()[0] for line in axes[1].lines if line.get_linestyle() == ":"} == {0.25}
    panels = oscillation(some, ax=_panels(2, 2))
    assert panels[0, 1].get_title() == "MRS-DPO, 7 of 8 matrices"


def test_runs_that_failed_everywhere_are_named():
    certain = np.triu(np.ones((4, 4)), 1) + 0.5 * np.eye(4)
    grid = {"objective": "dpo", "alpha": 0.5, "beta": [1.0, 2.0], "lam": 1.0, "rounds": 9}
    ds = experiments.reproduce(certain[None], progress=False, **grid)
    (ax,) = terminal_entropy(ds, ax=_panels(1, 1)[0])
    assert ax.get_title() == "MRS-DPO, 0 of 1 matrices"
    assert [text.get_text() for text in ax.texts] == ["a run failed in every matrix"]


def test_keywords_reach_the_lines(found):
    axes = oscillation(found, ax=_panels(2, 2), linewidth=4.0)
    assert {line.get_linewidth() for line in _lines(axes[0, 0], "o")} == {4.0}


def test_each_makes_a_figure_by_itself(found, winner, population, tmp_path):
    for number, (draw, ds) in enumerate(
        [
            (oscillation, found),
            (terminal_entropy, found),
            (condorcet_winner, winner),
            (evolution, experiments.evolution(population, rounds=20)),
        ]
    ):
        figure = draw(ds).flat[0].figure
        assert pyplot.fignum_exists(figure.number)
        figure.savefig(tmp_path / f"{number}.png")


def test_one_objective_and_classes_without_members(tmp_path):
    P = prefs.cyclic(3, advantage=0.5)[None]
    ds = experiments.reproduce(P, objective="ipo", alpha=0.5, beta=[1.0, 4.0], lam=1.0, rounds=50,
                          progress=False)  # fmt: skip
    axes = oscillation(ds)
    assert axes.shape == (2, 1)
    axes[0, 0].figure.savefig(tmp_path / "one.png")
    assert "cyclic" not in " ".join(_legend(axes[1, 0]))
    empty = terminal_entropy(ds)
    assert empty[0].get_title() == "MRS-IPO, 0 matrices"
    empty[0].figure.savefig(tmp_path / "none.png")


def test_bad_input_is_named(found, winner, population):
    with pytest.raises(ValueError, match="ds is of type list"):
        oscillation([1.0])
    with pytest.raises(ValueError, match=r"no variable 'cycle_strength'.*experiments\.reproduce"):
        oscillation(xr.Dataset())
    with pytest.raises(ValueError, match=r"no variable 'winner'.*winner_from_corners"):
        condorcet_winner(found)
    with pytest.raises(ValueError, match=r"no variable 'policy'.*experiments\.evolution"):
        evolution(winner)
    swept = asim.sweep(population[0], beta=[1.0, 2.0], rounds=2)
    for draw, missing in (
        (oscillation, "oscillating"), (terminal_entropy, "entropy_limit"),
        (condorcet_winner, "winner"), (evolution, "policy"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"ds has no variable '{missing}'"):
            draw(swept)
    with pytest.raises(ValueError, match=r"ax has shape \(1, 2\); give Axes of shape \(2, 2\)"):
        oscillation(found, ax=_panels(1, 2))
    with pytest.raises(ValueError, match=r"give Axes of shape \(2,\)"):
        terminal_entropy(found, ax="here")
