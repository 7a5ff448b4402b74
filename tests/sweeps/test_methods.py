"""Sweeps and diagrams of every method, over its own parameters, against loops one by one."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis import stability
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.sweeps import closed_form, findings
from alignsim.sweeps.axes import family

CYCLE = asim.preferences.cyclic(3, advantage=0.5)
OMEGA = 0.5 / np.sqrt(3)
SKEWED = np.array([[0.5, 0.8, 0.35], [0.2, 0.5, 0.9], [0.65, 0.1, 0.5]])
STABLE, UNSTABLE, MARGINAL, UNDECIDED = range(4)

AXES = {
    "mrs": {"alpha": [0.2, 0.7]},
    "soft_reference": {"mixup": [0.3, 0.6], "alpha": [0.0, 0.4], "pull": [0.0, 0.2]},
    "hard_reference": {"every": [1, 2, 5], "alpha": [0.0, 0.3]},
    "extragradient": {"kappa": [0.0, 0.3]},
    "optimistic": {"optimism": [0.6, 1.0], "kappa": [0.0, 0.2]},
    "momentum": {"momentum": [-0.5, 0.5], "kappa": [0.1, 0.3]},
    "nash_md": {"kappa": [0.2, 0.5]},
    "ipo_md": {"mixture": [0.2, 0.5]},
    "replay": {"fresh": [0.3, 0.8], "kappa": [0.1, 0.4]},
}  # fmt: skip


def verdicts(P=CYCLE, **given):
    return asim.sweep(P, by="stability", progress=False, **given)


def diagram(P=CYCLE, **given):
    return asim.phase_diagram(P, **{"progress": False, "resolution": 64, **given})


def test_every_method_is_tried():
    assert AXES.keys() == METHODS.keys()


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("name", AXES)
def test_every_point_is_the_verdict_on_its_own_loop(name, objective):
    grid = {**AXES[name], "beta": [1.0, 8.0], "lam": [1.0]}
    ds = verdicts(np.stack([CYCLE, SKEWED]), method=name, objective=objective, **grid)
    assert ds.phase.dims == ("matrix", *grid)
    for place in np.ndindex(ds.phase.shape):
        m, *rest = place
        values = {n: grid[n][i] for n, i in zip(grid, rest, strict=True)}
        loop = asim.method(name, [CYCLE, SKEWED][m], objective=objective, **values)
        local = stability(loop)
        assert ds.phase.values[place] == local.verdict
        np.testing.assert_allclose(
            ds.spectral_radius.values[place], local.spectral_radius, rtol=1e-9
        )
    assert len(np.unique(ds.phase)) > 1


@pytest.mark.parametrize("name", AXES)
def test_labels_change_at_the_limit_that_the_method_declares(name):
    grid = {key: values for key, values in AXES[name].items() if key != "pull"}
    beta = np.linspace(0.05, 9.0, 40)
    ds = verdicts(method=name, beta=beta, **grid)
    values = np.meshgrid(*map(np.asarray, grid.values()), indexing="ij")
    usual = {p.name: p.default for p in METHODS[name].parameters if p.name not in grid}
    limit = METHODS[name].facts.limit.value(
        **dict(zip(grid, map(np.asarray, values), strict=True)),
        **{key: np.asarray(value) for key, value in usual.items()},
    )
    assert ds.critical_signal.dims == tuple(grid)
    np.testing.assert_allclose(ds.critical_signal, limit / OMEGA)
    decided = (ds.phase <= UNSTABLE).values
    beyond = (ds.beta > ds.critical_signal).transpose(*ds.phase.dims).values
    assert decided.mean() > 0.9
    np.testing.assert_array_equal((ds.phase.values == UNSTABLE)[decided], beyond[decided])


def test_coordinates_and_attributes_say_what_they_are():
    ds = verdicts(method="soft_reference", mixup=[0.3, 0.5], beta=2.0)
    assert (ds.attrs["method"], ds.attrs["scheme"]) == ("soft_reference", "soft_reference")
    assert ds.attrs["parameters"] == "mixup alpha pull beta lam"
    assert (ds.mixup.attrs["symbol"], ds.beta.attrs["symbol"]) == ("mixup", "β")
    assert ds.mixup.attrs["long_name"] == "mixup, share of the new policy in the new reference"
    assert (float(ds.alpha), float(ds.pull), float(ds.lam)) == (0.0, 0.0, 1.0)
    rows = dict(findings(ds))
    assert rows["closed form"] == "stable up to a βλ that depends on mixup"
    assert verdicts(beta=1.0).attrs["parameters"] == "alpha beta lam"


def test_another_name_sweeps_the_parameters_of_the_literature():
    eta, tau = np.array([0.5, 2.0, 4.0]), np.array([0.0, 0.1, 0.2])
    ds = verdicts(method="omwu", eta=eta, tau=tau)
    assert ds.phase.dims == ("eta", "tau")
    assert (ds.attrs["method"], ds.attrs["scheme"]) == ("omwu", "optimistic")
    kappa = eta[:, None] * tau
    loop = asim.method("optimistic", CYCLE, beta=eta[:, None], kappa=kappa, optimism=1 - kappa)
    np.testing.assert_array_equal(ds.phase, stability(loop).verdict)
    np.testing.assert_array_equal(ds.beta, np.broadcast_to(eta[:, None], (3, 3)))
    assert ds.beta.attrs["symbol"] == "β"
    np.testing.assert_array_equal(ds.critical_signal, asim.analysis.critical_signal(loop))
    assert dict(findings(ds))["labels and closed form"].startswith("agree at all")


def test_the_closed_form_does_not_depend_on_the_blocks_it_is_computed_in(monkeypatch):
    given = {"method": "soft_reference", "mixup": np.linspace(0.1, 0.9, 7), "beta": 1.0}
    stack = np.stack([CYCLE, SKEWED])
    whole = [verdicts(P, alpha=[0.0, 0.3, 0.6], **given) for P in (CYCLE, stack)]
    assert len(np.unique(whole[0].critical_signal)) > 7
    monkeypatch.setattr(closed_form, "BLOCK", 6)
    for P, one in zip((CYCLE, stack), whole, strict=True):
        assert verdicts(P, alpha=[0.0, 0.3, 0.6], **given).identical(one)


# Diagrams


def limit(**values):
    usual = {"alpha": 0.0, "pull": 0.0, **values}
    return METHODS["soft_reference"].facts.limit.value(
        **{k: np.asarray(v) for k, v in usual.items()}
    )


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_the_diagram_of_soft_references_is_that_of_the_closed_form(objective):
    """At 1025 points a side: labels, and the boundary far within a cell."""
    gain = {"ipo": 1.0, "dpo": 4.0}[objective]
    ds = diagram(
        method="soft_reference", objective=objective, x=("beta", 0.0, 12.0 / gain),
        y=("mixup", 0.01, 1.0), resolution=1024,
    )  # fmt: skip
    assert ds.phase.dims == ("mixup", "beta")
    critical = limit(mixup=ds.mixup.values) / (gain * OMEGA)
    np.testing.assert_allclose(ds.critical_signal, critical)
    inside = ds.isel(beta=slice(1, None))
    beyond = inside.beta.values > critical[:, None]
    np.testing.assert_array_equal(inside.phase.values == UNSTABLE, beyond)
    np.testing.assert_array_equal(inside.phase.values == STABLE, ~beyond)
    assert ds.attrs["share"] < 0.25
    x, y = ds.boundary_x.values, ds.boundary_y.values
    bends = y < 0.66
    assert bends.sum() > 80
    np.testing.assert_allclose(x[bends], limit(mixup=y[bends]) / (gain * OMEGA), rtol=1e-6)
    assert (x[y > 2 / 3] < 12.0 / gain / 1024).all()


def test_two_parameters_of_a_method_can_be_the_axes():
    given = {"x": ("mixup", 0.05, 0.95), "y": ("alpha", 0.0, 0.9), "beta": 2.5}
    ds = diagram(method="soft_reference", **given)
    assert ds.critical_signal.dims == ds.phase.dims[::-1] == ("mixup", "alpha")
    critical = limit(mixup=ds.mixup.values, alpha=ds.alpha.values[:, None]) / OMEGA
    np.testing.assert_array_equal(ds.phase.values == UNSTABLE, critical < 2.5)
    vertices = limit(mixup=ds.boundary_x.values, alpha=ds.boundary_y.values) / OMEGA
    np.testing.assert_allclose(vertices, 2.5, rtol=1e-6)


def test_what_has_a_default_may_be_left_out():
    ds = diagram(method="soft_reference", x=("beta", 0.5, 3), mixup=0.6, resolution=2)
    assert ds.phase.dims == ("lam", "beta")
    assert (float(ds.mixup), float(ds.alpha), float(ds.pull)) == (0.6, 0.0, 0.0)
    assert (ds.beta.attrs["scale"], ds.beta.attrs["symbol"]) == ("linear", "β")
    assert float(diagram(x=("beta", 0.5, 3), y=("alpha", 0, 0.5), resolution=2).lam) == 1.0


def test_a_diagram_of_another_name():
    ds = diagram(method="omwu", x=("eta", 0.1, 4), y=("tau", 0.0, 0.2))
    signal = ds.beta.transpose(*ds.phase.dims).values
    critical = ds.critical_signal.transpose(*ds.phase.dims).values
    np.testing.assert_array_equal(ds.phase.values == UNSTABLE, signal > critical)
    assert {STABLE, UNSTABLE} <= set(np.unique(ds.phase))


BAD = [
    ({"method": "soft_referense"}, "method is 'soft_referense'; did you mean 'soft_reference'?"),
    ({"method": ["mrs"]}, "known: mrs, soft_reference, hard_reference, extragradient"),
    ({"method": "soft_reference"}, "mixup is missing; give a number, or an axis for it"),
    ({"method": "soft_reference", "y": ("mixup", 0, 2)}, r"y\[2\] is 2; it must be in \[0, 1\]"),
    ({"method": "momentum", "y": ("momentum", -2, 1)}, r"y\[1\] is -2; it must be in \[-1, 1\]"),
    ({"method": "nash_md", "y": ("mixup", 0, 1)}, r"y\[0\] is 'mixup'; .*known: 'beta', 'kappa'"),
    ({"method": "nash_md", "kappa": 0.1, "mixup": 1}, "mixup is no parameter of 'nash_md'; its"),
    ({"method": "hard_reference", "y": ("every", 1, 9)}, "which takes whole numbers; sweep them"),
    ({"method": "omwu", "eta": 1.0}, r"x\[0\] is 'beta'; .*known: 'eta', 'lam', 'tau'"),
    ({"y": ("mixup", 0, 1)}, r"y\[0\] is 'mixup'; .*known: 'alpha', 'beta', 'lam'"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_bad_arguments_of_a_diagram_are_refused_by_name(given, message):
    with pytest.raises(ValueError, match=message):
        diagram(**given)


def test_a_plane_that_leaves_what_fits_together_is_refused():
    with pytest.raises(ValueError, match=r"mixup \+ pull.* it must be at most 1"):
        diagram(method="soft_reference", x=("mixup", 0, 1), y=("pull", 0, 0.5), beta=1.0)


def test_an_axis_of_whole_numbers_has_each_once():
    (axis,) = (a for a in [family("hard_reference").parameter("every")])
    assert axis.whole
    ds = verdicts(method="hard_reference", every=[1, 2, 3, 4], beta=1.0)
    np.testing.assert_allclose(
        ds.critical_signal, METHODS["hard_reference"].facts.limit.value(
            every=np.array([1.0, 2, 3, 4]), alpha=np.array(0.0)) / OMEGA
    )  # fmt: skip


def test_visits_of_an_orbit_diagram_follow_one_another_by_the_round_of_the_method():
    ds = asim.sweeps.orbit_diagram(
        CYCLE, ("beta", 1.0, 3.0), method="soft_reference", mixup=0.5, points=3, visits=4,
        progress=False,
    )  # fmt: skip
    assert ds.policy.dims == ("beta", "visit", "response")
    loop = asim.method("soft_reference", CYCLE, beta=ds.beta.values, mixup=0.5)
    np.testing.assert_array_equal(ds.phase, asim.classify(loop).code)
    np.testing.assert_allclose(ds.policy, 1 / 3, atol=1e-6)
    moving = asim.sweeps.orbit_diagram(
        CYCLE, ("mixup", 0.5, 0.9), method="soft_reference", beta=4.5, points=2, visits=3,
        progress=False,
    )  # fmt: skip
    loop = asim.method("soft_reference", CYCLE, beta=4.5, mixup=moving.mixup.values)
    state = asim.classify(loop).final_state
    np.testing.assert_array_equal(
        moving.policy.values, np.moveaxis(loop.run(start_state=state, rounds=2).policies, -2, 1)
    )


@pytest.mark.parametrize("name", ["soft_reference", "extragradient", "momentum"])
def test_a_sweep_by_orbit_runs_every_loop_as_if_alone(name):
    """Averages of the policy over whole states, and a label that is that of the loop."""
    own = {"soft_reference": {"mixup": 0.4}, "momentum": {"momentum": 0.2, "kappa": 0.4}}
    grid = {"beta": [1.0, 6.0], "lam": [0.5, 1.0], **own.get(name, {})}
    ds = asim.sweep(CYCLE, method=name, rounds=3000, by="orbit", progress=False, **grid)
    loop = asim.method(name, CYCLE, beta=[[1.0], [6.0]], lam=[0.5, 1.0], **own.get(name, {}))
    orbit = loop.run(rounds=3000, keep="last")
    found = ds.squeeze().transpose("beta", "lam")
    np.testing.assert_array_equal(found.entropy_mean, orbit.entropy_mean)
    np.testing.assert_array_equal(found.cycle_strength, orbit.cycle_strength)
    np.testing.assert_array_equal(found.phase, asim.classify(loop).code)
    assert (found.phase == 0).any()
    assert found.phase.isin(asim.analysis.OSCILLATING).any()
