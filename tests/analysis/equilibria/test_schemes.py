"""Rest points and stability of every method: the symbol beside the derivative of the round."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import analysis
from alignsim.analysis.equilibria.fixed_point import PointStatus
from alignsim.analysis.equilibria.fixed_points import ListStatus
from alignsim.analysis.equilibria.stability import Verdict
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.contract import Method
from alignsim.feedback.methods.scheme import Scheme
from tests.feedback.methods.systems import EXAMPLES, drawn

CYCLE = asim.preferences.cyclic(3, advantage=0.5)
OMEGA = 0.5 / np.sqrt(3.0)
UNANCHORED = {
    "soft_reference": {"mixup": 0.5},
    "hard_reference": {"every": 3},
    "extragradient": {},
    "optimistic": {},
}


def three_cycles(size, rng):
    """Return random games of three responses with an interior equilibrium each."""
    margins = rng.uniform(0.1, 0.5, (size, 3))
    P = np.full((size, 3, 3), 0.5)
    for (i, j), margin in zip(((0, 1), (1, 2), (2, 0)), margins.T, strict=True):
        P[:, i, j] += margin
        P[:, j, i] -= margin
    return P


def same_values(found, wanted):
    """Return the largest distance between two sets of complex numbers, each row its own."""
    total = 0.0
    for one, other in zip(found, wanted, strict=True):
        left = list(other)
        for value in one:
            place = int(np.abs(np.array(left) - value).argmin())
            total = max(total, abs(left.pop(place) - value))
    return total


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("name", METHODS)
def test_the_symbol_has_the_multipliers_of_the_round(name, objective):
    rng = np.random.default_rng(7)
    n = 200
    parameters = drawn(name, n, rng)
    for anchor in ("kappa", "mixture"):
        if anchor in parameters:
            parameters[anchor] = 0.05 + 0.9 * parameters[anchor]
    loop = asim.method(
        name, three_cycles(n, rng), beta=rng.uniform(0.2, 3.0, n), lam=rng.uniform(0.5, 1.0, n),
        objective=objective, reference=rng.dirichlet([3.0] * 3, n), **parameters,
    )  # fmt: skip
    point = analysis.fixed_point(loop)
    known = np.isfinite(point.logits).all(axis=-1)
    assert known.mean() > 0.3
    maps, state = loop.take(np.flatnonzero(known)), point.state[known]
    flat = state.reshape(len(state), -1)
    assert np.abs(maps.advance(flat).value - flat).max() < 1e-9 * (1.0 + np.abs(flat).max())
    exact, vectors = np.linalg.eig(maps.derivative(flat, "tangent"))
    clear = np.linalg.cond(vectors) < 1e4  # the others are nearly defective
    assert clear.mean() > 0.9
    radius = np.abs(exact).max(axis=-1)[clear]
    found = analysis.stability(loop).spectral_radius[known][clear]
    assert np.abs(found - radius).max() < 1e-9
    tolerance = 1e-9 if objective == "ipo" else 1e-8
    found = analysis.multipliers(maps, state[:, 0])[clear]
    assert same_values(found, exact[clear]) < tolerance
    assert np.abs(analysis.spectral_radius(maps, state[:, 0])[clear] - radius).max() < 1e-9


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("name", METHODS)
def test_stability_ends_at_the_declared_limit(name, objective):
    parameters = {**EXAMPLES[name], **({"pull": 0.0} if name == "soft_reference" else {})}
    method = METHODS[name]
    limit = float(method.facts.limit.value(**method.checked(parameters)))
    gain = 1.0 if objective == "ipo" else 4.0
    beta = np.array([0.99, 1.0, 1.01]) * limit / (gain * OMEGA)
    loop = asim.method(name, CYCLE, beta=beta, objective=objective, **parameters)
    local = analysis.stability(loop)
    assert local.verdict.tolist() == [Verdict.STABLE, Verdict.MARGINAL, Verdict.UNSTABLE]
    assert np.allclose(analysis.critical_signal(loop), beta[1], rtol=1e-12)


@pytest.mark.parametrize("name", UNANCHORED)
def test_without_an_anchor_rounds_rest_on_the_interior_equilibrium(name):
    nash = np.array([0.2, 0.3, 0.5])
    P = np.full((3, 3), 0.5)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        P[i, j], P[j, i] = 0.5 + 0.6 * nash[k], 0.5 - 0.6 * nash[k]
    off = [0.3, 0.3, 0.4]
    for lam in (1.0, 0.8):
        loop = asim.method(name, P, beta=1.0, lam=lam, offline=off, **UNANCHORED[name])
        found = analysis.fixed_point(loop)
        sampler = lam * found.policy + (1.0 - lam) * np.array(off)
        assert np.allclose(sampler, nash, atol=1e-12)
    tilted = asim.method(name, P, beta=1.0, lam=0.1, offline=[0.9, 0.05, 0.05], **UNANCHORED[name])
    for loop in (tilted, tilted.replace(lam=0.0)):
        found = analysis.fixed_point(loop)
        assert found.status == PointStatus.NO_EQUILIBRIUM
        assert analysis.stability(loop).verdict == Verdict.UNDECIDED
        assert asim.fixed_points(loop).status == ListStatus.UNANCHORED


def test_a_reference_that_never_moves_leaves_the_rest_to_the_start():
    still = asim.method("soft_reference", CYCLE, beta=1.0, mixup=0.0)
    assert analysis.fixed_point(still).status == PointStatus.SET_BY_START
    assert asim.fixed_points(still).status == ListStatus.UNANCHORED


def test_where_nothing_pulls_the_start_decides():
    """With β = 0 every policy rests; with λ = 0 every one if the offline policy levels P."""
    for name, parameters in UNANCHORED.items():
        silent = asim.method(name, CYCLE, beta=[0.0, 1.0], lam=[1.0, 0.0], **parameters)
        assert (analysis.fixed_point(silent).status == PointStatus.SET_BY_START).all()
        start = silent.begin(np.array([0.3, -0.1, -0.2]))
        assert np.allclose(silent.advance(start).value, start, atol=1e-15)
        drawn_to = asim.method(
            name, CYCLE, beta=1.0, lam=0.0, offline=[0.5, 0.25, 0.25], **parameters
        )
        assert analysis.fixed_point(drawn_to).status == PointStatus.NO_EQUILIBRIUM


def test_extragradient_has_one_rest_point_where_that_is_proved():
    """Its two stages rest on one policy for a linear score between preferences, not for DPO."""
    known = asim.method("extragradient", CYCLE, beta=1.0, kappa=0.3)
    assert analysis.fixed_point(known).status == PointStatus.UNIQUE
    assert asim.fixed_points(known).status == ListStatus.UNIQUE
    for kappa in (0.0, 0.3):
        open_ = asim.method("extragradient", CYCLE, beta=0.3, kappa=kappa, objective="dpo")
        assert analysis.fixed_point(open_).status == PointStatus.FOUND
        assert asim.fixed_points(open_).status == ListStatus.SEVERAL_POSSIBLE
    game = asim.FeedbackMap.from_payoffs(np.eye(3), beta=0.3, scheme=known.scheme)
    assert analysis.fixed_point(game).status == PointStatus.FOUND


def test_what_is_proved_for_one_policy_needs_stages_that_rest_on_one():
    """Of hard updates with three rounds that is seen, not proved."""
    for name, parameters, status in (
        ("optimistic", {}, PointStatus.UNIQUE),
        ("extragradient", {}, PointStatus.UNIQUE),
        ("hard_reference", {"every": 3}, PointStatus.FOUND),
    ):
        assert analysis.fixed_point(asim.method(name, CYCLE, beta=1.0, **parameters)).status == (
            status
        )


def test_stages_that_rest_on_several_policies_are_left_to_the_round_itself():
    """One stage pulls twice as hard as the other: no single policy has both opponents."""
    scheme = asim.Scheme(
        reference=[[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0]],
        opponent=[[0, 1, 0, 0], [0.5, 0, 0.5, 0]],
        update=[[0, 0, 0, 1]],
    )
    assert np.isnan(scheme.rest().gain)
    rng = np.random.default_rng(0)
    P = three_cycles(5, rng)
    loop = asim.FeedbackMap(P, beta=1.5, scheme=scheme, reference=[0.2, 0.3, 0.5])
    point = analysis.fixed_point(loop)
    assert np.abs(loop.step_logits(point.logits) - point.logits).max() < 1e-12
    assert (point.status == PointStatus.FOUND).all()
    exact = np.linalg.eigvals(loop.jacobian_at(point.logits, basis="tangent"))
    local = analysis.stability(loop)
    assert np.allclose(local.spectral_radius, np.abs(exact).max(axis=-1), atol=1e-12)
    found = asim.fixed_points(loop)
    assert (found.status == ListStatus.SEVERAL_POSSIBLE).all()
    assert (found.index == 1).all()


def test_a_round_without_a_score_rests_in_its_whole_state():
    steps = asim.objectives.GradientSteps(asim.objectives.OBJECTIVES["dpo"], 5, 1.0)
    loop = asim.method(
        "soft_reference", CYCLE, beta=2.0, mixup=0.5, pull=0.2, objective=steps,
        reference=[0.2, 0.3, 0.5],
    )  # fmt: skip
    point = analysis.fixed_point(loop)
    assert np.abs(loop.step_logits(point.state) - point.state).max() < 1e-12
    exact = np.linalg.eigvals(loop.jacobian_at(point.state, basis="tangent"))
    assert np.isclose(analysis.stability(loop).spectral_radius, np.abs(exact).max(), atol=1e-12)
    with pytest.raises(ValueError, match="has no score, so the policy does not say where"):
        analysis.multipliers(loop, point.logits)
    found = asim.fixed_points(loop)
    assert np.allclose(found.state[0], point.state, atol=1e-9)


def test_a_continuum_of_equilibria_is_judged_across():
    """Two copies of a response: their ratio is free without an anchor, which decides nothing."""
    P = np.full((4, 4), 0.5)
    kind = np.array([0, 1, 2, 2])
    P = CYCLE[kind[:, None], kind]
    scheme = Scheme.of(METHODS["optimistic"], METHODS["optimistic"].checked({}))
    loop = asim.FeedbackMap(P, beta=1.0, scheme=scheme)
    logits = asim.simplex.centred_logits([1 / 3, 1 / 3, 1 / 6, 1 / 6])
    radius = analysis.spectral_radius(loop, logits)
    alone = analysis.spectral_radius(asim.method("optimistic", CYCLE, beta=1.0), np.zeros(3))
    assert np.isclose(radius, alone, atol=1e-12)
    assert radius < 1.0


def test_declared_certificates_hold_up_to_their_bound():
    """βλD against the bounds of schemes 6; the onset lies beyond each of them."""
    D = analysis.certificates(asim.FeedbackMap(CYCLE, beta=1.0)).beta_limit[2]
    row_span = 4.0 / D
    for name, parameters, bound, rate in (
        ("extragradient", {"kappa": 0.3}, 4.0 * np.sqrt(0.7), 0.7),
        ("optimistic", {"kappa": 0.3, "optimism": 0.7}, 2.0 * np.sqrt(0.7), 0.7),
        ("optimistic", {"kappa": 0.3, "optimism": 1.0}, 0.0, np.nan),
        ("soft_reference", {"mixup": 0.5}, 4.0, np.nan),
        ("soft_reference", {"mixup": 0.2}, 4.0 * (np.sqrt(2.0) - 1.0) / 0.8, np.nan),
        ("soft_reference", {"mixup": 0.6}, 0.0, np.nan),
        ("soft_reference", {"mixup": 0.5, "alpha": 0.1}, 0.0, np.nan),
    ):
        beta = np.array([0.999, 1.001]) * (bound or 1.0) / row_span
        loop = asim.method(name, CYCLE, beta=beta, **parameters)
        found = analysis.certificates(loop)
        assert found.holds.ravel().tolist() == [bound > 0.0, False]
        assert np.allclose(found.beta_limit, bound / row_span)
        assert np.array_equal(found.rate[0, 0], rate, equal_nan=True)
        assert (found.beta_limit[:, 0] <= analysis.critical_signal(loop)).all()
    half = asim.method("extragradient", CYCLE, beta=0.1, lam=0.9)
    assert not analysis.certificates(half).certified
    outside = asim.method("extragradient", asim.preferences.additive([0.2, 0.1, 0.0]), beta=0.1)
    assert not analysis.certificates(outside).certified
    with pytest.raises(ValueError, match="for which no convergence from everywhere is proved"):
        analysis.certificates(asim.method("momentum", CYCLE, beta=1.0, momentum=0.1))


def test_what_is_proved_for_mrs_alone_is_not_said_of_others():
    loop = asim.method("soft_reference", CYCLE, beta=1.0, mixup=0.5)
    region = analysis.capture_region(loop, analysis.fixed_point(loop))
    assert region.radius == 0.0
    with pytest.raises(ValueError, match="the equilibria of faces are those of MRS"):
        analysis.boundary_equilibria(loop)


def test_transient_growth_is_that_of_the_whole_state():
    loop = asim.method("soft_reference", CYCLE, beta=2.0, mixup=0.5)
    found = asim.transient_growth(loop)
    jacobian = loop.jacobian_at(analysis.fixed_point(loop).state, basis="tangent")
    powers = [np.linalg.norm(np.linalg.matrix_power(jacobian, n), 2) for n in range(60)]
    assert np.isclose(found.growth, max(powers), atol=1e-12)
    assert found.growth > 1.0


def test_a_method_that_declares_nothing_is_told_no_theorem(monkeypatch):
    """Extragradient under another name: numbers as before, and nothing that needs a proof."""
    known = METHODS["extragradient"]
    bare = Method(
        "bare", known.update, known.slots, known.parameters, known.wire, "a test for facts"
    )
    monkeypatch.setitem(METHODS, "bare", bare)
    loop = asim.method("bare", CYCLE, beta=[1.0, 5.0], kappa=0.3)
    same = asim.method("extragradient", CYCLE, beta=[1.0, 5.0], kappa=0.3)
    assert np.array_equal(loop.run(rounds=50).logits, same.run(rounds=50).logits)
    local = analysis.stability(loop)
    assert np.array_equal(local.spectral_radius, analysis.stability(same).spectral_radius)
    assert (local.fixed_point.status == PointStatus.FOUND).all()
    assert (asim.fixed_points(loop).status == ListStatus.SEVERAL_POSSIBLE).all()
    assert np.isnan(analysis.critical_signal(loop)).all()
    with pytest.raises(ValueError, match="no convergence from everywhere is proved"):
        analysis.certificates(loop)
    found = analysis.crossings(loop, high=20.0)
    assert np.allclose(found.at[:, 0], analysis.critical_signal(same), rtol=1e-9)
