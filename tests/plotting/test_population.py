import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from alignsim.analysis.orbits.verdicts import OSCILLATING, Phase
from alignsim.plotting import population


@pytest.fixture
def panels():
    return Figure(layout="constrained").subplots(2, 2)


def _values(ax):
    return next(c for c in ax.collections if isinstance(c, QuadMesh)).get_array()


def _hatched(ax):
    return [c for c in ax.collections if c.get_label() == "over 5 % undecided or failed"]


def test_shares_and_means_over_the_matrices(many, panels):
    axes = population(many, ax=panels)
    assert axes.shape == (2, 2)
    share = many.phase.isin(OSCILLATING).mean("matrix").transpose("alpha", "lam", "beta").values
    entropy = many.entropy_mean.mean("matrix").transpose("alpha", "lam", "beta").values
    for row in range(2):
        assert np.asarray(_values(axes[row, 0])) == pytest.approx(share[row])
        assert np.asarray(_values(axes[row, 1])) == pytest.approx(entropy[row])
    titles = [ax.get_title() for ax in axes[:, 0]]
    assert titles == ["share of 3 that oscillate, α = 0.3", "share of 3 that oscillate, α = 0.8"]


def test_rows_share_their_colour_scale(many, panels):
    axes = population(many, ax=panels)
    scales = {tuple(ax.collections[0].get_clim()) for ax in axes[:, 1]}
    assert scales == {(0.0, float(many.entropy_mean.max()))}


def test_failed_matrices_are_left_out_and_hatched(many, panels):
    many.status[0, 1, 3, 2] = 1
    many.entropy_mean[0, 1, 3, 2] = np.nan
    many.phase[0, 1, 3, 2] = Phase.UNDECIDED
    axes = population(many, ax=panels)
    others = many.isel(matrix=[1, 2], alpha=1, beta=3, lam=2)
    assert _values(axes[1, 1])[2, 3] == pytest.approx(others.entropy_mean.mean().item())
    assert _values(axes[1, 0])[2, 3] == pytest.approx(others.phase.isin(OSCILLATING).mean().item())
    assert not _hatched(axes[0, 0])
    (marked,) = _hatched(axes[1, 0])
    assert len(marked.get_paths()) == 1


def test_a_cell_without_any_result_is_blank(many, panels):
    many.status[:, 0, 3, 2] = 1
    axes = population(many, ax=panels)
    assert _values(axes[0, 0]).mask[2, 3]
    assert _hatched(axes[0, 0])


def test_one_alpha_is_one_row(many, tmp_path):
    axes = population(many.isel(alpha=1))
    assert axes.shape == (1, 2)
    assert pyplot.fignum_exists(axes[0, 0].figure.number)
    axes[0, 0].figure.savefig(tmp_path / "population.png")


def test_bad_input_is_named(many, panels):
    with pytest.raises(ValueError, match=r"no dimension 'matrix'; .*phase_diagram"):
        population(many.isel(matrix=0), ax=panels)
    with pytest.raises(ValueError, match=r"ax has shape \(1, 2\); give Axes of shape \(2, 2\)"):
        population(many, ax=panels[0])
    with pytest.raises(ValueError, match="y is 'lam', which ds does not sweep"):
        population(many.isel(lam=0), ax=panels)
    with pytest.raises(ValueError, match="ds has no variable 'entropy_mean'"):
        population(many.drop_vars("entropy_mean"), ax=panels)
