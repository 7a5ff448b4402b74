"""How other methods than MRS lose stability: along any of their parameters, and how gently."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.analysis.bifurcations.criticality import BifurcationKind, Criticality
from alignsim.feedback.expansion import Expansion
from alignsim.feedback.methods.catalogue import METHODS
from tests.feedback.methods.systems import EXAMPLES

CYCLE = asim.preferences.cyclic(3, advantage=0.5)
OMEGA = 0.5 / np.sqrt(3.0)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("name", METHODS)
def test_the_series_of_a_round_against_differences(name, objective):
    loop = asim.method(
        name, asim.preferences.cyclic(3, advantage=0.4), beta=1.3, lam=0.8, objective=objective,
        reference=[0.2, 0.3, 0.5], offline=[0.4, 0.4, 0.2], **EXAMPLES[name],
    )  # fmt: skip
    rng = np.random.default_rng(0)
    state, u, v, w = (loop.basis @ rng.normal(size=loop.basis.shape[1]) for _ in range(4))
    series, h = Expansion(loop, state), 1e-4

    def slope(by_v, by_w):
        return loop.derivative(state + h * (by_v * v + by_w * w)) @ u

    assert np.allclose(series.first(u), slope(0, 0), atol=1e-13)
    second = (slope(1, 0) - slope(-1, 0)) / (2 * h)
    assert np.allclose(series.second(u, v), second, atol=1e-7)
    third = (slope(1, 1) - slope(1, -1) - slope(-1, 1) + slope(-1, -1)) / (4 * h * h)
    assert np.allclose(series.third(u, v, w), third, atol=1e-6)
    for along, value in loop.parameters.items():
        if along == "every":
            continue
        above, below = (loop.with_parameters(**{along: value + sign * h}) for sign in (1, -1))
        moved = (above.advance(state).value - below.advance(state).value) / (2 * h)
        assert np.allclose(series.by_parameter(along), moved, atol=1e-6)
        turned = (above.derivative(state) - below.derivative(state)) @ u / (2 * h)
        assert np.allclose(series.first_by_parameter(along, u), turned, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "parameters", "limit", "coefficient"),
    [
        ("extragradient", {}, 1.0, -1.75),
        ("soft_reference", {"mixup": 0.3}, 1.14914, -0.96),
        ("soft_reference", {"mixup": 0.5}, 2.0 / np.sqrt(3.0), -1.18),
        ("soft_reference", {"mixup": 0.6}, 0.94491, -0.27),
        ("optimistic", {"optimism": 1.0, "kappa": 0.1}, 0.57002, -1.07),
    ],
)
def test_the_three_cycle_loses_stability_gently(name, parameters, limit, coefficient):
    """First Lyapunov coefficients of schemes 6."""
    loop = asim.method(name, CYCLE, beta=1.0, **parameters)
    found = asim.bifurcations(loop, along="beta", high=10.0)
    assert np.allclose(found.at * OMEGA, limit, atol=1e-5)
    assert found.kind.tolist() == [BifurcationKind.NEIMARK_SACKER]
    assert found.criticality.tolist() == [Criticality.SUPERCRITICAL]
    assert np.allclose(found.first_lyapunov_coefficient, coefficient, atol=0.005)


def test_soft_updates_with_the_usual_share_have_a_hard_onset():
    """At the equilibrium of schemes 6; with m = ½ the same game has a gentle one."""
    nash = np.array([0.165, 0.187, 0.648])
    P = np.full((3, 3), 0.5)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        P[i, j], P[j, i] = 0.5 + 0.5 * nash[k], 0.5 - 0.5 * nash[k]
    loop = asim.method("soft_reference", P, beta=1.0, mixup=[0.5, 0.6])
    found = asim.bifurcations(loop, along="beta", high=100.0)
    assert found.criticality[:, 0].tolist() == [
        Criticality.SUPERCRITICAL,
        Criticality.SUBCRITICAL,
    ]


def test_the_share_of_the_new_policy_has_an_onset_of_its_own():
    loop = asim.method("soft_reference", CYCLE, beta=2.5, mixup=0.5)
    found = asim.bifurcations(loop, along="mixup")
    limit = METHODS["soft_reference"].facts.limit.value
    assert found.count == 1
    assert np.isclose(limit(found.at, np.zeros(1), np.zeros(1))[0], 2.5 * OMEGA, atol=1e-9)
    ahead = loop.replace(mixup=found.at + 1e-6), loop.replace(mixup=found.at - 1e-6)
    radii = [asim.stability(each).spectral_radius for each in ahead]
    assert np.allclose((radii[0] - radii[1]) / 2e-6, found.multiplier_slope, atol=1e-5)


def test_what_cannot_be_searched_is_refused():
    loop = asim.method("hard_reference", CYCLE, beta=1.0, every=3)
    with pytest.raises(ValueError, match="along is 'every'; known: 'alpha', 'beta', 'lam'"):
        asim.bifurcations(loop, along="every")
    with pytest.raises(ValueError, match=r"^high is 2; it must be in \[0, 1\]"):
        asim.bifurcations(asim.method("nash_md", CYCLE, beta=1.0, kappa=0.3), "kappa", 0.0, 2.0)


def test_what_is_never_stable_has_no_crossing():
    for name, parameters in (
        ("hard_reference", {"every": 1}),
        ("momentum", {"momentum": 0.4}),
        ("soft_reference", {"mixup": [0.7, 1.0]}),
        ("optimistic", {"optimism": 0.4}),
    ):
        loop = asim.method(name, CYCLE, beta=1.0, **parameters)
        assert (asim.analysis.crossings(loop, high=20.0).count == 0).all()
    stable = asim.method("soft_reference", CYCLE, beta=1.0, mixup=0.66)
    assert asim.analysis.crossings(stable, high=20.0).direction.tolist() == [1]
