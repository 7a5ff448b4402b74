"""Pictures of methods other than MRS: names on axes and in titles, and the closed form."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import alignsim as asim
from alignsim import plotting
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.plotting import parameters

CYCLE = asim.preferences.cyclic(3, advantage=0.5)
OMEGA = 0.5 / np.sqrt(3)


def limit(name, **values):
    usual = {p.name: p.default for p in METHODS[name].parameters}
    given = {key: np.asarray(value) for key, value in {**usual, **values}.items()}
    return METHODS[name].facts.limit.value(**given)


def diagram(x, y, method="soft_reference", **given):
    return asim.phase_diagram(
        CYCLE, x=x, y=y, method=method, resolution=64, progress=False, **given
    )


def drawn(ds, size=(7.2, 4.6), **given):
    return plotting.phase_diagram(ds, ax=Figure(size).add_subplot(), **given)


def curve(ax, label="closed form"):
    (line,) = (line for line in ax.lines if line.get_label() == label)
    points = np.array(line.get_data()).T
    return points[np.isfinite(points).all(axis=1)].T


def test_axes_and_title_have_the_names_of_the_method():
    ax = drawn(diagram(("beta", 0.1, 12), ("mixup", 0.01, 1)), size=(7.2, 9))
    assert ax.get_xlabel() == "β, strength of the preference signal"
    assert ax.get_ylabel() == "mixup, share of the new policy in the new reference"
    assert ax.get_title() == "soft reference IPO, α = 0, pull = 0, λ = 1"
    small = drawn(diagram(("beta", 0.1, 12), ("mixup", 0.01, 1)), size=(3.3, 2.4))
    assert (small.get_xlabel(), small.get_ylabel()) == ("β", "mixup")


@pytest.mark.parametrize("swap", [False, True])
def test_the_closed_form_of_a_method_is_drawn_over_its_boundary(swap):
    axes = ("mixup", 0.05, 0.95), ("beta", 0.1, 12)
    ax = drawn(diagram(*(axes[::-1] if swap else axes)))
    mixup, beta = curve(ax)[::-1] if swap else curve(ax)
    assert len(beta) > 30
    np.testing.assert_allclose(beta, limit("soft_reference", mixup=mixup) / OMEGA)
    mixup, beta = curve(ax, "boundary, ρ = 1")[:: -1 if swap else 1]
    inner = mixup < 0.66
    np.testing.assert_allclose(
        beta[inner], limit("soft_reference", mixup=mixup[inner]) / OMEGA, rtol=1e-6
    )


def test_the_closed_form_over_two_parameters_of_the_method():
    ax = drawn(diagram(("mixup", 0.05, 0.95), ("alpha", 0, 0.9), beta=2.5))
    mixup, alpha = curve(ax)
    assert len(mixup) > 30
    assert limit("soft_reference", mixup=mixup, alpha=alpha) / OMEGA == pytest.approx(2.5, rel=0.03)


def test_the_closed_form_of_another_name():
    eta, tau = curve(drawn(diagram(("eta", 0.1, 4), ("tau", 0, 0.2), method="omwu")))
    critical = limit("optimistic", kappa=eta * tau, optimism=1 - eta * tau) / OMEGA
    np.testing.assert_allclose(critical, eta, rtol=1e-3)


def test_whole_numbers_have_steps():
    every = np.arange(2, 7)
    ds = asim.sweep(
        CYCLE, method="hard_reference", every=every, beta=np.linspace(0.1, 8, 30),
        by="stability", progress=False,
    )  # fmt: skip
    ax = drawn(ds)
    assert (ax.get_xlabel(), ax.get_ylabel()[:6]) == (
        "β, strength of the preference signal",
        "every,",
    )
    beta, count = curve(ax)
    nearest = np.repeat(every, 2)
    np.testing.assert_allclose(beta, limit("hard_reference", every=nearest) / OMEGA)
    np.testing.assert_array_equal(count, np.repeat([2, 2.5, 3.5, 4.5, 5.5, 6], 2)[1:-1])


def test_a_sweep_is_drawn_over_what_it_sweeps():
    ds = asim.sweep(
        CYCLE, method="soft_reference", mixup=[0.2, 0.5, 0.8], alpha=[0.0, 0.5], beta=2.0,
        by="stability", progress=False,
    )  # fmt: skip
    ax = drawn(ds)
    assert (ax.get_xlabel()[:5], ax.get_ylabel()[:1]) == ("mixup", "α")
    with pytest.raises(ValueError, match=r"x is 'kappa'; .*'mixup'"):
        drawn(ds, x="kappa")


def test_a_dataset_that_names_no_method_is_of_mrs():
    ds = asim.sweep(
        CYCLE, beta=[1.0, 4.0], lam=[0.5, 1.0], alpha=0.3, by="stability", progress=False
    )
    for name in ("method", "parameters"):
        del ds.attrs[name]
    for name in ("alpha", "beta", "lam"):
        ds[name].attrs.clear()
    ax = drawn(ds)
    assert ax.get_xlabel() == "β, strength of the preference signal"
    assert ax.get_title() == "MRS-IPO, α = 0.3"
    assert parameters.names(ds) == ["alpha", "beta", "lam"]


def test_titles_of_orbits_name_the_scheme():
    loop = asim.method("soft_reference", CYCLE, beta=2.0, mixup=0.5, objective="dpo")
    other = asim.FeedbackMap(CYCLE, beta=2.0)
    axes = plotting.timeline([loop.run(rounds=9), other.run(rounds=9)], ax=Figure().subplots(2))
    assert axes[0].get_title() == "soft reference DPO and MRS-IPO, 9 rounds"
