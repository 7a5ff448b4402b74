"""Of an objective for which nothing is proved, nothing is said that would need a proof.

The truth comes from rounds that are iterated here, in a few lines of NumPy.
"""

import dataclasses

import numpy as np
import pytest

import alignsim as asim
from alignsim import analysis
from alignsim.analysis.evidence import Evidence
from tests import hostile
from tests.analysis.test_metamorphic import QUESTIONS, family
from tests.hostile import TOYS

P3 = asim.preferences.cyclic(3, advantage=0.4)
PROVED = {"unique", "certified", "analytic"}
"""Words that claim a theorem."""


class Loop:
    """One loop, followed without the package: z' = αz + (1−α)·0 + β·v(λπ + (1−λ)/K)."""

    def __init__(self, name, P, beta, alpha, lam=1.0):
        self.name, self.alpha, self.beta, self.lam = name, alpha, beta, lam
        self.A, self.K = hostile.payoffs(name, P), len(P)
        self.loop = asim.FeedbackMap(P, objective=TOYS[name], beta=beta, alpha=alpha, lam=lam)

    def sampler(self, z):
        policy = np.exp(z - z.max(axis=-1, keepdims=True))
        policy /= policy.sum(axis=-1, keepdims=True)
        return policy, self.lam * policy + (1 - self.lam) / self.K

    def step(self, z):
        sums = self.sampler(z)[1] @ self.A.T
        out = self.alpha * z + self.beta * hostile.bend(self.name, sums)
        return out - out.mean(axis=-1, keepdims=True)

    def slope(self, z):
        """Return the derivative of the round on mean-zero logits, (K−1, K−1)."""
        policy, mu = self.sampler(z)
        S = np.diag(policy) - np.outer(policy, policy)
        bend = np.diag(hostile.bend_slope(self.name, self.A @ mu))
        E = np.linalg.svd(np.ones((1, self.K)))[2][1:].T
        whole = self.alpha * np.eye(self.K) + self.beta * self.lam * bend @ self.A @ S
        return E.T @ whole @ E

    def ends(self, starts, rounds=3000):
        z = starts - starts.mean(axis=-1, keepdims=True)
        for _ in range(rounds):
            z = self.step(z)
        return z


def answered(question, *arguments):
    """Return an answer; None where it is refused for want of a fact about the objective."""
    try:
        return question(*arguments)
    except ValueError as error:
        if "objective is " not in str(error):
            raise
        return None


def starts(K, count=200):
    return np.random.default_rng(K).normal(scale=2.0, size=(count, K))


COORDINATION = Loop("coordination", P3, beta=60.0, alpha=0.5)
SELF = Loop("self", P3, beta=60.0, alpha=0.5)
SELF4 = Loop("self", asim.preferences.random_skew(4, rng=3), beta=1.5, alpha=0.0)
CONTRARY = Loop("contrary", P3, beta=2.0, alpha=0.5)
ALL = {
    "coordination": COORDINATION,
    "weak coordination": Loop("coordination", P3, beta=6.0, alpha=0.5),
    "self": SELF,
    "self, four": SELF4,
    "contrary": CONTRARY,
    "contrary, oscillating": Loop("contrary", P3, beta=9.0, alpha=0.5, lam=0.9),
}  # fmt: skip
each_loop = pytest.mark.parametrize("case", ALL.values(), ids=ALL)


@each_loop
def test_the_package_runs_the_same_rounds(case):
    z = starts(case.K, 20)
    moved = case.loop.broadcast_to((20,)).step_logits(z)
    np.testing.assert_allclose(moved, case.step(z - z.mean(axis=-1, keepdims=True)), atol=1e-12)
    for point in z[:3]:
        ours = np.linalg.eigvals(case.loop.jacobian_at(point, basis="tangent"))
        expected = np.linalg.eigvals(case.slope(point))
        np.testing.assert_allclose(np.sort_complex(ours), np.sort_complex(expected), atol=1e-10)


@each_loop
def test_a_run_is_the_same_rounds(case):
    orbit = case.loop.run(start_logits=starts(case.K, 5), rounds=40, keep="last")
    np.testing.assert_allclose(orbit.final_logits, case.ends(starts(case.K, 5), 40), atol=1e-8)


@pytest.mark.parametrize("case", [COORDINATION, SELF], ids=["coordination", "self"])
def test_three_vertices_attract_and_nothing_says_unique(case):
    ends = case.ends(starts(3))
    assert set(ends.argmax(axis=-1)) == {0, 1, 2}
    assert np.abs(case.step(ends) - ends).max() < 1e-9
    found = asim.fixed_points(case.loop)
    assert found.words("status") == "several possible"
    assert found.evidence == Evidence.ITERATED
    assert found.stable.sum() == 3
    attractors = found.logits[found.stable]
    nearest = np.abs(ends[:, None] - attractors).max(axis=-1).min(axis=-1)
    assert nearest.max() < 1e-6
    assert analysis.fixed_point(case.loop).words("status") == "one of possibly several"


def test_the_onset_is_searched_for_not_asserted():
    """At the uniform policy the multiplier is α + β·0.16/3, which is 1 at β = 9.375."""
    assert np.isnan(analysis.critical_signal(COORDINATION.loop))
    onset = analysis.critical_beta(P3, objective=TOYS["coordination"], alpha=0.5)
    assert np.isnan(onset) or abs(onset - 9.375) < 1e-6
    crossed = analysis.crossings(COORDINATION.loop, high=20.0)
    known = crossed.at[np.isfinite(crossed.at)]
    assert len(known) == 0 or np.abs(known - 9.375).min() < 1e-6
    with pytest.raises(ValueError, match="'coordination', whose second and third derivatives"):
        asim.bifurcations(COORDINATION.loop, high=20.0)


@each_loop
def test_no_bound_is_undercut(case):
    z = case.ends(starts(case.K), 1000)
    least, widest = np.inf, 0.0
    for _ in range(300):
        z = case.step(z)
        least = min(least, asim.simplex.entropy(z).min())
        widest = max(widest, np.ptp(z, axis=-1).max())
    bounds = asim.collapse(case.loop, rounds=300)
    for floor in (bounds.entropy_floor, analysis.entropy_floor(case.loop)):
        assert np.isnan(floor) or floor <= least
    for bound in (bounds.span_bound, analysis.span_bound(case.loop)):
        assert np.isnan(bound) or bound >= widest
    assert np.isnan(analysis.asymptotic_entropy(case.loop))


@pytest.mark.parametrize("start", starts(3, 4))
def test_entropy_need_not_fall(start):
    """Under α = 1 the entropy of a contrary loop does not fall from the round that IPO would."""
    for name, toy in TOYS.items():
        P = asim.preferences.additive([0.2, 0.1, 0.0])
        case = Loop(name, P, beta=1.0, alpha=1.0)
        assert case.loop.objective == toy
        assert np.isnan(analysis.entropy_falls_from(case.loop, start))


def test_the_determinant_of_a_round_decides_whether_an_exponent_is_infinite():
    spectrum = asim.lyapunov_spectrum(SELF4.loop, rounds=2000, start_logits=starts(4, 1)[0])
    z = SELF4.ends(starts(4, 1), 2000)[0]
    slopes = []
    for _ in range(500):
        slopes.append(np.linalg.det(SELF4.slope(z)))
        z = SELF4.step(z[None])[0]
    assert np.abs(slopes).min() > 1e-6
    assert np.isfinite(spectrum.exponents).all()
    expected = np.mean(np.log(np.abs(slopes)))
    assert abs(spectrum.exponents.sum() - expected) < 0.05 * max(1.0, abs(expected))


@each_loop
def test_exponents_are_those_of_the_derivatives(case):
    start = starts(case.K, 1)[0]
    found = asim.lyapunov_spectrum(case.loop, rounds=3000, burn_in=500, start_logits=start)
    z = case.ends(start[None], 500)[0]
    Q, total = np.eye(case.K - 1), np.zeros(case.K - 1)
    for _ in range(2500):
        Q, R = np.linalg.qr(case.slope(z) @ Q)
        total += np.log(np.abs(np.diag(R)))
        z = case.step(z[None])[0]
    assert not np.isneginf(found.exponents).any()
    np.testing.assert_allclose(found.exponents, np.sort(total / 2500)[::-1], atol=0.02)


@pytest.mark.parametrize("by", ["stability", "orbit"])
def test_a_diagram_draws_no_closed_form(by):
    axes = {"x": ("beta", 1.0, 20.0), "y": ("lam", 0.5, 1.0), "alpha": 0.5, "resolution": 16}
    found = asim.phase_diagram(P3, objective=TOYS["coordination"], by=by, progress=False, **axes)
    assert found["critical_signal"].isnull().all()
    rows = dict(asim.sweeps.findings(found))
    assert rows["closed form"].startswith("none known")
    assert "labels and closed form" not in rows
    rounds = None if by == "stability" else 300
    ds = asim.sweep(
        P3, objective=TOYS["self"], beta=[1.0, 9.0], alpha=0.5, by=by, rounds=rounds, progress=False
    )
    assert ds["critical_signal"].isnull().all()


@each_loop
def test_no_certificate_holds(case):
    found = answered(asim.certificates, case.loop)
    assert found is None or not found.holds.any()
    region = analysis.capture_region(case.loop, analysis.fixed_point(case.loop))
    assert region.radius == 0.0
    assert not region.contains(region.logits)


@pytest.mark.parametrize("name", TOYS)
def test_advice_is_not_certified(name):
    P = np.stack([P3, asim.preferences.additive([0.3, 0.2, 0.0])])
    found = asim.reports.advise(P, eta=20.0, objective=TOYS[name], alphas=[0.2, 0.9])
    assert np.isnan(found.alpha_certified).all()
    assert not PROVED & set(np.unique(found.words("evidence")).tolist())


@pytest.mark.parametrize("name", TOYS)
def test_vertices_are_invaded_as_the_scores_say(name):
    P = asim.preferences.random_skew(3, rng=5)
    case = Loop(name, P, beta=3.0, alpha=1.0)
    found = answered(analysis.boundary_equilibria, case.loop)
    if found is None:
        return
    assert found.words("status") != "all supports searched" or name != "contrary"
    for i, vertex in enumerate(np.eye(3)):
        scores = 3.0 * hostile.bend(name, case.A @ vertex)
        here = [n for n in range(found.count) if (found.support[n] == vertex.astype(bool)).all()]
        assert len(here) == 1
        others = [j for j in range(3) if j != i]
        np.testing.assert_allclose(
            found.exponents[here[0]][others], scores[others] - scores[i], atol=1e-12
        )


def test_basins_are_those_of_the_rounds():
    begin = starts(3, 60)
    found = asim.basins(COORDINATION.loop, asim.simplex.softmax(begin), rounds=3000)
    assert found.count == 3
    truth = COORDINATION.ends(begin).argmax(axis=-1)
    pairs = set(zip(found.label.tolist(), truth.tolist(), strict=True))
    assert {label for label, _ in pairs} == {0, 1, 2}
    assert len(pairs) == 3


@each_loop
def test_what_an_orbit_ends_in(case):
    begin = starts(case.K, 12)
    found = asim.classify(case.loop.broadcast_to((12,)), start_logits=begin)
    end = case.ends(begin, 20_000)
    still = np.abs(case.step(end) - end).max(axis=-1) < 1e-9
    said = found.words("code")
    assert not PROVED & set(found.words("evidence").tolist())
    for i in range(12):
        if said[i] == "undecided":
            continue
        assert (said[i] == "converged") == still[i]
        if still[i]:
            assert np.abs(found.final_logits[i] - end[i]).max() < 1e-5


@each_loop
def test_growth_is_that_of_the_powers(case):
    found = asim.transient_growth(case.loop)
    point = analysis.fixed_point(case.loop)
    power, largest = np.eye(case.K - 1), 1.0
    slope = case.slope(point.logits)
    for _ in range(200):
        power = slope @ power
        largest = max(largest, np.linalg.norm(power, 2))
    radius = np.abs(np.linalg.eigvals(slope)).max()
    local = asim.stability(case.loop)
    np.testing.assert_allclose(local.spectral_radius, radius, rtol=1e-8)
    assert local.words("verdict") == ("stable" if radius < 1 else "unstable")
    if radius < 1:
        np.testing.assert_allclose(found.growth, largest, rtol=1e-6)


def said(answer):
    """Return all words of an answer, those of the answers in it included."""
    if dataclasses.is_dataclass(answer):
        for name in getattr(answer, "WORDS", {}):
            yield from np.ravel(answer.words(name)).tolist()
        for field in dataclasses.fields(answer):
            yield from said(getattr(answer, field.name))


def numbers(answer):
    """Return all arrays of numbers of an answer, by name."""
    parts = answer if isinstance(answer, dict) else None
    if dataclasses.is_dataclass(answer):
        parts = {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}
    if parts is None:
        return {"": answer} if getattr(answer, "dtype", np.dtype("O")).kind == "f" else {}
    return {f"{k}.{name}": v for k, part in parts.items() for name, v in numbers(part).items()}


@pytest.mark.parametrize("kind", ["coordination-3", "self-4", "contrary-3"])
@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_claims_a_theorem(name, kind):
    """Of every question of the room, asked of toys as of all others."""
    answer = answered(QUESTIONS[name].ask, family(kind))
    assert not PROVED & set(said(answer))
    minus = [field for field, values in numbers(answer).items() if np.isneginf(values).any()]
    assert not minus, f"-inf in {minus}"


def test_a_name_in_the_register_is_as_good_as_the_objective(monkeypatch):
    hostile.register(monkeypatch)
    by_name = asim.FeedbackMap(P3, objective="coordination", beta=60.0, alpha=0.5)
    ends = [loop.run(rounds=50).final_logits for loop in (by_name, COORDINATION.loop)]
    assert np.array_equal(*ends)
