"""Advice: the stable and the fastest α are those of a direct search, and runs agree with it."""

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis import certificates, spectral_radius
from alignsim.analysis.equilibria.fixed_point import fixed_point
from alignsim.analysis.evidence import Evidence
from alignsim.reports import far_starts, tradeoff
from alignsim.reports.advice import advise
from alignsim.reports.caution import AdviceStatus
from alignsim.reports.far_starts import FAR_STARTS
from tests.feedback.systems import policy, preferences

CYCLE = asim.preferences.cyclic(3, advantage=0.3)
LADDER = asim.preferences.bradley_terry([1.0, 0.6, 0.0])

objectives = pytest.mark.parametrize("objective", ["ipo", "dpo"])


def hidden_winner():
    """Theory 6.6: a Condorcet winner above a cycle that most orbits never leave."""
    M = np.zeros((4, 4))
    M[0, 1:] = 0.02
    M[1, 2] = M[2, 3] = M[3, 1] = 0.5
    return 0.5 + M - M.T


def random_systems(K, n, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "P": np.array([preferences(rng, K) for _ in range(n)]),
        "reference": np.array([policy(rng, K) for _ in range(n)]),
        "offline": np.array([policy(rng, K) for _ in range(n)]),
    }


def radii(systems, found, alpha):
    """The spectral radius by the definition, at the advised fixed points: (...)."""
    loop = asim.FeedbackMap(
        objective=found.objective, beta=found.eta * (1 - alpha), alpha=alpha, lam=found.lam,
        **systems,
    )  # fmt: skip
    return spectral_radius(loop, np.log(found.policy))


# The α


@pytest.mark.parametrize("gain", [1.0, 4.0], ids=["ipo", "dpo"])
def test_a_cycle_has_the_closed_form(gain):
    """Theory 6.9 with c = ηλω, ω = a/√3, four times that for DPO."""
    eta, lam = np.array([0.5, 3.0, 20.0, 1000.0]), 0.8
    found = advise(CYCLE, eta, lam, "ipo" if gain == 1 else "dpo")
    c = gain * eta * lam * 0.3 / np.sqrt(3)
    assert found.alpha_lowest == pytest.approx(np.maximum((c**2 - 1) / (c**2 + 1), 0), abs=1e-9)
    assert found.alpha == pytest.approx(c**2 / (1 + c**2), rel=1e-9)
    assert found.rate == pytest.approx(c / np.sqrt(1 + c**2), rel=1e-9)
    assert found.beta == pytest.approx(eta / (1 + c**2), rel=1e-9)
    expected = np.ceil(np.log(1e-6) / np.log(c / np.sqrt(1 + c**2)))
    assert found.rounds == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
@pytest.mark.parametrize("lam", [0.4, 1.0])
def test_the_edge_and_the_best_are_those_of_a_search(objective, lam):
    """Twin: the spectral radius of the map itself, on a grid of α."""
    systems = random_systems(4, 15)
    eta = {("ipo", 1.0): 40.0, ("ipo", 0.4): 200.0}.get((objective, lam), 12.0)
    found = advise(systems["P"], eta, lam, objective, reference=systems["reference"],
                   offline=systems["offline"])  # fmt: skip
    assert (found.status == AdviceStatus.ADVISED).all()
    grid = 1 - np.geomspace(1.0, 1e-3, 150)
    seen = np.array([radii(systems, found, alpha) for alpha in grid])
    best = seen.min(axis=0)
    assert (found.rate <= best + 1e-7).all()
    assert found.rate == pytest.approx(best, abs=0.01)
    inside = np.minimum(found.alpha_lowest + 1e-6, 1.0)
    assert (radii(systems, found, inside) < 1).all()
    edge = found.alpha_lowest > 1e-5
    assert edge.sum() >= 2
    outside = np.maximum(found.alpha_lowest - 1e-6, 0.0)
    assert (radii(systems, found, outside)[edge] > 1).all()
    assert (seen[(grid[:, None] > found.alpha_lowest)] < 1).all()
    assert radii(systems, found, found.alpha) == pytest.approx(found.rate, rel=1e-6, abs=1e-7)


def test_a_huge_eta_keeps_its_digits():
    """c = 1.7e5: 1 − α = 3e-11 still has ten of them."""
    found = advise(CYCLE, 1e6)
    c = 1e6 * 0.3 / np.sqrt(3)
    assert found.beta == pytest.approx(1e6 / (1 + c**2), rel=1e-10)
    assert found.rounds == pytest.approx(np.log(1e6) * 2 * c**2, rel=1e-6)


def test_two_responses_converge_at_once_without_memory():
    found = advise([[0.5, 0.8], [0.2, 0.5]], 5.0)
    assert found.alpha == found.alpha_lowest == found.alpha_certified == 0
    assert found.rounds == 1
    assert found.evidence == Evidence.CERTIFIED
    assert found.warnings == ()


def test_other_alphas_are_judged_too():
    found = advise(CYCLE, [10.0, 20.0], alphas=[0.0, 0.8, 0.95, 1.0])
    assert found.radii.shape == (2, 4)
    for i, alpha in enumerate([0.0, 0.8, 0.95, 1.0]):
        c = np.array([10.0, 20.0]) * 0.3 / np.sqrt(3)
        assert found.radii[:, i] == pytest.approx(np.hypot(alpha, (1 - alpha) * c), rel=1e-12)
    assert advise(CYCLE, 10.0).radii.shape == (0,)


def test_a_saddle_of_dpo_has_no_stable_alpha(monkeypatch):
    """Theory 7: p lies between two attractors."""
    P = np.array([[0.5, 0.02, 0.16], [0.98, 0.5, 0.07], [0.84, 0.93, 0.5]])
    p = np.array([0.64, 0.357, 0.003])
    score = np.log(asim.dpo_optimum(P, 0.5 * p + 0.5 / 3, beta=1.0))
    reference = simplex.softmax(np.log(p) - 8.0 * score)
    arguments = {"P": P, "eta": 8.0, "lam": 0.5, "objective": "dpo", "reference": reference}
    found = advise(**arguments)
    assert found.status == AdviceStatus.ADVISED
    assert any("several fixed points" in warning for warning in found.warnings)
    follow = tradeoff.fixed_point
    monkeypatch.setattr(tradeoff, "fixed_point", lambda loop, _: follow(loop, np.log([p])))
    found = advise(**arguments)
    assert found.policy == pytest.approx(p, abs=1e-9)
    assert found.status == AdviceStatus.NO_STABLE_ALPHA
    assert np.isnan([found.alpha_lowest, found.alpha, found.rate, found.rounds]).all()
    assert found.evidence == Evidence.NOTHING
    assert found.warnings[0].startswith("No α makes this fixed point stable")


def test_dpo_without_an_optimum_gets_no_advice_and_stays_alone():
    sure = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
    found = advise(np.stack([sure, LADDER]), 5.0, objective="dpo", min_effective_support=1.5)
    assert found.status.tolist() == [AdviceStatus.NO_FIXED_POINT, AdviceStatus.ADVISED]
    assert np.isnan(found.alpha).tolist() == [True, False]
    assert np.isnan(found.eta_largest).tolist() == [True, False]
    assert found.evidence.tolist() == [Evidence.NOTHING, Evidence.ITERATED]
    assert found.warnings[0].startswith("1 of 2: No fixed point was found")
    assert np.isfinite(found.table()[found.tradeoff.wanted]).all()


# Certified for every start


def test_the_certified_alpha_is_where_the_certificates_begin_to_hold():
    systems = random_systems(5, 40)
    rng = np.random.default_rng(1)
    eta, lam = 10 ** rng.uniform(-0.5, 2.0, 40), rng.uniform(0.2, 1.0, 40)
    found = advise(systems["P"], eta, lam)

    def certified(alpha):
        loop = asim.FeedbackMap(systems["P"], beta=eta * (1 - alpha), alpha=alpha, lam=lam)
        return certificates(loop).certified

    edge = found.alpha_certified
    assert (edge > 0).sum() > 10
    assert (edge == 0).sum() > 5
    assert certified(np.minimum(edge + 1e-9, 1 - 1e-12)).all()
    assert not certified(edge - 1e-9 * (edge > 0))[edge > 0].any()
    for share in (0.1, 0.5, 0.9):
        assert certified(edge + share * (1 - edge)).all()
    assert (edge >= found.alpha_lowest - 1e-12).all()


def test_dpo_has_no_certified_alpha():
    assert np.isnan(advise(CYCLE, 5.0, objective="dpo").alpha_certified)


def test_the_winner_that_is_never_found_is_warned_of():
    """Theory 6.6: stable at the advised α, yet most far starts cycle for ever."""
    found = advise(hidden_winner(), 200.0)
    assert found.status == AdviceStatus.ADVISED
    assert found.evidence == Evidence.ITERATED
    assert found.far_starts == FAR_STARTS
    assert found.arrived < FAR_STARTS
    (warning, abrupt) = found.warnings
    assert "subcritical" in abrupt
    assert f"{int(found.arrived)} of {FAR_STARTS} far starts converged" in warning
    safe = float(found.alpha_certified)
    assert f"for α above {safe:.5g} (certified)" in warning
    alpha = 0.5 * (1 + safe)
    loop = asim.FeedbackMap(hidden_winner(), beta=200.0 * (1 - alpha), alpha=alpha)
    orbit = loop.run(start_logits=[0.0, 5.0, 1.0, -2.0], rounds=200_000, keep="last")
    assert np.abs(orbit.final - found.policy).max() < 1e-6


@objectives
def test_where_all_far_starts_arrive_this_is_said(objective):
    found = advise(CYCLE, 5.0, objective=objective)
    assert found.status == AdviceStatus.ADVISED
    if found.evidence == Evidence.ITERATED:
        assert found.arrived == FAR_STARTS
        assert f"{FAR_STARTS} of {FAR_STARTS} far starts converged" in found.warnings[0]
    else:
        assert found.warnings == ()
    assert (found.evidence == Evidence.ITERATED) == (objective == "dpo")


def test_a_probe_that_would_take_too_long_is_undecided(monkeypatch):
    monkeypatch.setattr(far_starts, "LONGEST_PROBE", 30)
    found = advise(hidden_winner(), 200.0)
    assert found.probe_rounds == 30
    assert found.arrived < FAR_STARTS
    assert "too slow to try" in found.warnings[0]
    assert not any("elsewhere" in warning for warning in found.warnings)


def test_a_slow_neighbour_does_not_lengthen_a_probe(monkeypatch):
    monkeypatch.setattr(far_starts, "PATIENCE", 0.2)
    P = asim.preferences.cyclic(3, advantage=0.3)
    alone, beside = (advise(P, eta, objective="dpo") for eta in (5.0, [5.0, 200.0]))
    assert alone.arrived < alone.far_starts
    assert beside.arrived[0] == alone.arrived


def test_dpo_says_that_there_may_be_several_and_that_its_onset_is_hard():
    several = advise(LADDER, 5.0, 0.5, "dpo").warnings
    assert any("several fixed points" in warning for warning in several)
    assert not any("several" in warning for warning in advise(LADDER, 5.0, 1.0, "dpo").warnings)
    for advantage, hard in ((0.40, False), (0.47, True)):
        P = asim.preferences.cyclic(3, advantage=advantage)
        said = " ".join(advise(P, 5.0, objective="dpo").warnings)
        assert ("abruptly" in said) == hard
    assert "abruptly" not in " ".join(
        advise(asim.preferences.cyclic(3, advantage=0.47), 5.0).warnings
    )


# The entropy floor and the trade-off


@objectives
@pytest.mark.parametrize("lam", [0.5, 1.0])
def test_the_largest_eta_sits_on_the_floor(objective, lam):
    systems = random_systems(4, 6)
    found = advise(systems["P"], 3.0, lam, objective, min_effective_support=1.8,
                   offline=systems["offline"])  # fmt: skip
    limited = np.isfinite(found.eta_largest)
    assert limited.sum() >= 2
    for share in (0.05, 0.3, 0.6, 0.9, 1.0):
        eta = share * found.eta_largest[limited]
        loop = asim.FeedbackMap(systems["P"][limited], objective=objective, beta=eta, lam=lam,
                                offline=systems["offline"][limited])  # fmt: skip
        support = simplex.effective_support(fixed_point(loop).logits)
        assert (support >= 1.8 * (1 - 1e-9)).all()
    assert support == pytest.approx(np.full(limited.sum(), 1.8), rel=1e-7)


def test_a_floor_that_nothing_breaks_and_one_that_the_reference_breaks():
    assert advise(CYCLE, 20.0, min_effective_support=2.9).eta_largest == np.inf
    found = advise(CYCLE, 20.0, reference=[0.98, 0.01, 0.01], min_effective_support=2.0)
    assert np.isnan(found.eta_largest)
    assert any("Not even the reference" in warning for warning in found.warnings)
    assert advise(CYCLE, 20.0, min_effective_support=3.0).eta_largest == np.inf
    assert np.isnan(advise(CYCLE, 20.0).eta_largest)


def test_a_wanted_eta_below_the_floor_is_warned_of():
    found = advise(LADDER, 40.0, min_effective_support=2.0)
    (warning,) = found.warnings
    assert f"({float(found.effective_support):.3g})" in warning
    assert f"η = {float(found.eta_largest):.4g} is the largest" in warning
    assert advise(LADDER, float(found.eta_largest), min_effective_support=2.0).warnings == ()
    assert advise(LADDER, 1.01 * float(found.eta_largest), min_effective_support=2.0).warnings


def test_the_table_of_a_batch_holds_medians():
    P = np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.2, 0.4)])
    found = advise(P, 10.0)
    assert found.table()[found.tradeoff.wanted].alpha == pytest.approx(
        float(found.alpha[1]), rel=1e-12
    )


def test_the_tolerance_sets_the_rounds_and_nothing_else():
    loose, tight = advise(CYCLE, 20.0, tolerance=1e-3), advise(CYCLE, 20.0, tolerance=1e-12)
    assert tight.rounds == pytest.approx(4 * loose.rounds, abs=4)
    assert tight.alpha == loose.alpha


def test_batches_broadcast():
    P = np.stack([CYCLE, LADDER])
    found = advise(P[:, None], [2.0, 10.0, 30.0], 0.9, min_effective_support=1.5)
    assert found.alpha.shape == found.eta_largest.shape == found.status.shape == (2, 3)
    assert found.policy.shape == (2, 3, 3)
    assert found.tradeoff.alpha.shape == (2, 3, 33)
    alone = advise(LADDER, 10.0, 0.9, min_effective_support=1.5)
    for name in ("alpha", "rate", "win_rate", "entropy", "eta_largest", "alpha_certified"):
        assert getattr(alone, name).shape == ()
        assert getattr(alone, name) == pytest.approx(getattr(found, name)[1, 1], rel=1e-9), name


def test_at_lambda_zero_nothing_turns_and_alpha_zero_is_best():
    found = advise(CYCLE, 20.0, 0.0, offline=[0.6, 0.3, 0.1])
    assert (found.alpha_lowest, found.alpha, found.rate) == (0.0, 0.0, 0.0)
    assert found.alpha_certified == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"eta": 0.0}, r"eta is 0; it must be in \[0.001, 1e\+06\]"),
        ({"eta": [1.0, np.nan]}, r"eta\[1\] is nan"),
        ({"lam": 1.5}, "lam is 1.5"),
        ({"objective": "ippo"}, "did you mean 'ipo'"),
        ({"min_effective_support": 0.5}, r"min_effective_support is 0.5; it must be in \[1, 3\]"),
        ({"min_effective_support": 4.0}, "min_effective_support is 4"),
        ({"min_effective_support": [1.0, 2.0]}, "give one number"),
        ({"tolerance": 0.0}, "tolerance is 0"),
        ({"tolerance": 1.0}, "tolerance is 1"),
        ({"alphas": [0.5, 1.5]}, r"alphas\[1\] is 1.5"),
        ({"alphas": [[0.5]]}, "give one list of numbers"),
        ({"P": [[0.5, 0.9], [0.9, 0.5]]}, "not 1"),
        ({"reference": [1.0, 0.0, 0.0]}, r"reference\[1\] is 0"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        advise(**{"P": CYCLE, "eta": 20.0, **arguments})


def test_what_is_wanted_has_its_documentation_on_the_class():
    assert asim.reports.Advice.alpha.__doc__.startswith("The fastest α")


@objectives
@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 1.0])
def test_the_safe_alpha_is_stable_for_the_share_of_the_batch_and_no_lower_one_is(objective, share):
    P = random_systems(4, 60)["P"].reshape(2, 30, 4, 4)
    found = advise(P, 15.0, objective=objective)
    safe = found.alpha_safe(share)
    assert safe.shape == (2,)
    for row in range(2):

        def stable(alpha, row=row):
            loop = asim.FeedbackMap(
                P[row], objective=objective, alpha=alpha, beta=15.0 * (1.0 - alpha)
            )
            return (spectral_radius(loop, fixed_point(loop).logits) < 1.0).mean()

        assert stable(safe[row] + 1e-6) >= share
        if safe[row] > 0.0:
            assert stable(safe[row] - 1e-6) < share


def test_no_alpha_is_safe_where_too_few_matrices_have_a_stable_one():
    found = advise(np.stack([CYCLE, LADDER]), 20.0)
    found.tradeoff.alpha_lowest[1] = np.nan
    assert found.alpha_safe(0.5) == found.alpha_lowest[0]
    assert np.isnan(found.alpha_safe(0.51))


@pytest.mark.parametrize("share", [0.0, 1.5, np.nan])
def test_refusals_of_a_share(share):
    with pytest.raises(ValueError, match="share is"):
        advise(np.stack([CYCLE, LADDER]), 20.0).alpha_safe(share)


def test_one_matrix_has_no_share():
    with pytest.raises(ValueError, match=r"share is 0\.95, but the advice is for one matrix"):
        advise(CYCLE, 20.0).alpha_safe()
