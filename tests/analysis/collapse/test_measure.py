"""Entropy collapse: kinds told from each other, and nothing changes with how it is run."""

import importlib

import numpy as np
import pytest

import alignsim as asim
from alignsim import simplex
from alignsim.analysis.collapse.entropy_bounds import entropy_falls_from
from alignsim.analysis.collapse.measure import CollapseKind, collapse, collapsed
from alignsim.analysis.equilibria.fixed_point import fixed_point
from alignsim.analysis.evidence import Evidence
from tests.analysis.collapse.test_entropy_bounds import CYCLE, LADDER, TIED, objectives, random_maps


def kinds(loop, start=None, rounds=3000, **options):
    found = collapse(loop, start, rounds, **options)
    return [CollapseKind(int(kind)).word for kind in np.ravel(found.kind)]


def test_the_leader_depends_on_the_sampler():
    """Response 0 beats both others, but against an opponent that is mostly 2, 1 scores more."""
    P = np.array([[0.5, 0.6, 0.6], [0.4, 0.5, 0.9], [0.4, 0.1, 0.5]])
    loop = asim.FeedbackMap(P, beta=300.0, lam=[1.0, 0.0], offline=[0.1, 0.1, 0.8])
    found = collapse(loop, rounds=10)
    assert found.top.tolist() == [[True, False, False], [False, True, False]]
    assert fixed_point(loop).policy.argmax(axis=-1).tolist() == [0, 1]


# Kinds


@objectives
def test_what_eta_does_to_a_ladder(objective):
    beta = np.array([1.0, 42.0, 60.0]) / (1.0 if objective == "ipo" else 4.0)
    loop = asim.FeedbackMap(LADDER, objective=objective, beta=0.5 * beta, alpha=0.5)
    assert kinds(loop) == ["none", "soft", "vertex"]
    found = collapse(loop)
    assert found.collapsed.tolist() == [False, True, True]
    assert found.eta == pytest.approx(beta, rel=1e-14)
    assert found.impossible.tolist() == [True, False, False]
    assert (found.evidence == Evidence.ITERATED).all()


def test_alpha_and_beta_matter_through_eta_only():
    alpha = np.array([0.0, 0.5, 0.9, 0.98])
    found = collapse(asim.FeedbackMap(LADDER, beta=60 * (1 - alpha), alpha=alpha))
    assert found.entropy_final == pytest.approx(np.full(4, 1.7391e-2), abs=5e-7)
    assert (np.diff(found.first_round) > 0).all()


def test_a_collapse_onto_tied_responses_is_not_called_impossible():
    equal = asim.preferences.additive([0.2, 0.2, 0.0, -0.1])
    found = collapse(asim.FeedbackMap(equal, beta=200.0, alpha=0.5))
    assert np.exp(found.entropy_floor) > found.threshold
    assert (found.words("kind"), found.collapsed, found.impossible) == ("face", True, False)


def test_tied_responses_keep_their_shares_and_collapse_together():
    found = collapse(asim.FeedbackMap(TIED, beta=30.0, alpha=0.5, reference=[0.3, 0.3, 0.4]))
    assert found.kind == CollapseKind.FACE
    assert found.top.tolist() == [True, True, False]
    assert found.entropy_mean == pytest.approx(np.log(2), abs=1e-4)
    assert found.merged_entropy == pytest.approx(found.asymptotic_entropy, rel=1e-4)
    assert found.collapsed
    assert np.isnan(found.slope)


def test_a_policy_that_jumps_from_one_response_to_the_next_is_switching():
    found = collapse(asim.FeedbackMap(CYCLE, beta=100.0, alpha=0.5))
    assert found.kind == CollapseKind.SWITCHING
    assert found.support_min < 1.01


def test_a_tied_top_set_that_the_orbit_never_finds_is_no_face():
    """As in theory 6.6, with two equal winners above the cycle."""
    M = np.zeros((5, 5))
    M[:2, 2:] = 0.02
    M[2, 3] = M[3, 4] = M[4, 2] = 0.5
    loop = asim.FeedbackMap(0.5 + M - M.T, beta=200.0, alpha=0.9)
    found = collapse(loop, start_logits=[0.0, 0.0, 3.0, 1.0, 2.0])
    assert found.top.tolist() == [True, True, False, False, False]
    assert found.kind == CollapseKind.SWITCHING


def test_leaders_that_take_turns_without_growth_are_not_heteroclinic():
    """Anti-coordination at α = 1: a step too long, back and forth for ever."""
    loop = asim.FeedbackMap.from_payoffs(-np.diag([1.0, 2.0, 3.0]), beta=20.0, alpha=1.0)
    found = collapse(loop, [0.5, 0.3, 0.2])
    assert found.kind in (CollapseKind.SWITCHING, CollapseKind.UNDECIDED)


def test_a_cycle_that_recovers_in_every_turn():
    found = collapse(asim.FeedbackMap(CYCLE, beta=20.0, alpha=0.8))
    assert found.kind == CollapseKind.OPEN
    assert found.recovered
    assert found.first_round > 0
    steady = collapse(asim.FeedbackMap(LADDER, beta=60.0))
    assert not steady.recovered
    assert steady.first_round == 1


@objectives
@pytest.mark.parametrize("beta", [0.1, 1.0, 30.0])
def test_self_play_on_a_cycle_is_heteroclinic(objective, beta):
    loop = asim.FeedbackMap(CYCLE, objective=objective, beta=beta, alpha=1.0)
    assert kinds(loop, [0.5, 0.3, 0.2]) == ["heteroclinic"]


def test_a_cycle_above_a_loser_is_heteroclinic_although_its_span_grows_linearly():
    P = np.full((4, 4), 0.5)
    P[:3, :3] = CYCLE
    P[:3, 3], P[3, :3] = 0.7, 0.3
    assert kinds(asim.FeedbackMap(P, beta=1.0, alpha=1.0), [0.4, 0.3, 0.2, 0.1]) == ["heteroclinic"]


@objectives
@pytest.mark.parametrize("lam", [0.0, 0.6, 1.0])
def test_the_drift_has_the_slope_of_the_theory(objective, lam):
    """Theory 6.8: β[λ(P_1j − ½) + (1−λ)⟨P_1 − P_j, π_off⟩]; for DPO the score's gap there."""
    P = asim.preferences.bradley_terry([1.0, 0.4, 0.0, 0.3])
    offline = np.array([0.1, 0.2, 0.3, 0.4])
    loop = asim.FeedbackMap(P, objective=objective, beta=0.7, alpha=1.0, lam=lam, offline=offline)
    found = collapse(loop, rounds=2000)
    assert found.kind == CollapseKind.DRIFT
    if objective == "ipo":
        rate = 0.7 * (lam * (P[0] - 0.5) + (1 - lam) * (P[0] - P) @ offline).max()
    else:
        rate = 0.7 * 1.0  # Bradley-Terry: the score is the reward, whatever the sampler
    assert found.predicted_slope == pytest.approx(rate, rel=1e-9)
    assert found.slope == pytest.approx(rate, rel=1e-6)


def test_tied_leaders_drift_together_and_nothing_is_predicted():
    found = collapse(asim.FeedbackMap(TIED, beta=1.0, alpha=1.0), [0.25, 0.35, 0.4])
    assert found.kind == CollapseKind.DRIFT
    assert np.isnan(found.predicted_slope)
    assert found.merged_entropy < 1e-9 < found.entropy_mean


def test_at_alpha_one_what_does_not_move_is_judged_by_its_mass():
    still = asim.FeedbackMap(CYCLE, beta=0.0, alpha=1.0)
    assert kinds(still, [[0.4, 0.3, 0.3], [0.985, 0.008, 0.007], [0.995, 0.003, 0.002]]) == [
        "none", "soft", "vertex",
    ]  # fmt: skip
    assert kinds(asim.FeedbackMap(np.full((3, 3), 0.5), beta=2.0, alpha=1.0)) == ["none"]


def test_an_orbit_that_still_unwinds_is_undecided():
    """The worst response starts so far ahead that it leads in all late rounds too."""
    loop = asim.FeedbackMap(LADDER, beta=0.1, alpha=1.0)
    assert kinds(loop, start_logits=[0.0, 0.0, 100.0], rounds=500) == ["undecided"]
    assert kinds(loop, rounds=3) == ["undecided"]


# The record, round by round


def slow(loop, start, rounds, threshold):
    """One map, all frames kept, everything by definition."""
    entropy = loop.run(start, rounds, keep="all").entropy.ravel()
    late = entropy[rounds // 2 :]
    below = np.exp(entropy) < threshold
    first = int(np.argmax(below)) if below.any() else -1
    return {
        "entropy_final": entropy[-1],
        "entropy_mean": late.mean(),
        "entropy_min": late.min(),
        "first_round": first,
        "recovered": bool(first >= 0 and (~below[first:]).any()),
    }


@objectives
def test_chunks_and_blocks_change_nothing(objective, monkeypatch):
    loop = random_maps(objective, 3, 12, beta=2.0 ** np.arange(-2, 4).repeat(2))
    whole = collapse(loop, rounds=101, threshold=1.5)
    module = importlib.import_module("alignsim.analysis.collapse.measure")
    monkeypatch.setattr(module, "BLOCK_ENTRIES", 3 * 64 * 5)
    pieces = collapse(loop, rounds=101, threshold=1.5)
    for name in ("entropy_final", "entropy_mean", "entropy_min", "first_round", "recovered",
                 "kind", "merged_entropy"):  # fmt: skip
        found, again = getattr(whole, name), getattr(pieces, name)
        assert np.asarray(found) == pytest.approx(np.asarray(again), rel=1e-9), name
    for m in range(12):
        for name, value in slow(loop.take(np.array([m])), None, 101, 1.5).items():
            assert getattr(whole, name)[m] == pytest.approx(value, rel=1e-9, abs=1e-300), (m, name)


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_short_runs_count_every_round_once(rounds):
    loop = asim.FeedbackMap(LADDER, beta=20.0, alpha=0.3)
    found = collapse(loop, rounds=rounds)
    for name, value in slow(loop, None, rounds, 1.1).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-12)


def test_batches_broadcast_over_map_start_and_threshold():
    loop = asim.FeedbackMap(LADDER, beta=[20.0, 60.0, 90.0])
    starts = [[[0.4, 0.3, 0.3]], [[0.001, 0.001, 0.998]]]
    found = collapse(loop, starts, rounds=50)
    assert found.kind.shape == (2, 3)
    assert found.top.shape == (2, 3, 3)
    assert found.first_round.tolist() == [[-1, 1, 1], [0, 0, 0]]
    assert found.recovered.tolist() == [[False, False, False], [True, False, False]]
    limits = collapse(loop, rounds=50, threshold=[[1.0], [1.05], [3.0]])
    assert limits.collapsed.tolist() == [[False] * 3, [False, True, True], [True] * 3]
    alone = collapse(asim.FeedbackMap(LADDER, beta=60.0), rounds=50)
    assert alone.kind.shape == ()
    assert alone.entropy_final == pytest.approx(found.entropy_final[0, 1], rel=1e-12)
    assert alone.normalised_entropy == pytest.approx(alone.entropy_final / np.log(3))
    assert alone.support_final == pytest.approx(np.exp(alone.entropy_final))


def test_a_response_by_another_name_collapses_alike():
    rng = np.random.default_rng(3)
    loop = random_maps("ipo", 5, 20)
    order = rng.permutation(5)
    renamed = asim.FeedbackMap(
        loop.P[:, order][:, :, order], beta=loop.beta, alpha=loop.alpha, lam=loop.lam,
        reference=simplex.softmax(loop.reference_logits)[:, order],
        offline=loop.offline_policy[:, order],
    )  # fmt: skip
    start = rng.dirichlet(np.ones(5), 20)
    one, other = collapse(loop, start, 400), collapse(renamed, start[:, order], 400)
    assert one.kind.tolist() == other.kind.tolist()
    assert one.entropy_mean == pytest.approx(other.entropy_mean, rel=1e-6)
    assert one.entropy_floor == pytest.approx(other.entropy_floor, rel=1e-9)
    assert one.top[:, order].tolist() == other.top.tolist()


def test_a_failed_orbit_is_undecided_and_alone():
    dominated = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
    loop = asim.FeedbackMap(np.stack([dominated, LADDER]), objective="dpo", beta=20.0, alpha=0.5)
    found = collapse(loop, rounds=200)
    assert found.kind.tolist() == [CollapseKind.UNDECIDED, CollapseKind.VERTEX]
    assert found.evidence.tolist() == [Evidence.NOTHING, Evidence.ITERATED]
    assert np.isnan(found.entropy_mean).tolist() == [True, False]
    assert found.first_round[0] == -1
    assert not found.collapsed[0]


def test_a_game_that_is_no_preference_has_its_bounds_too():
    """Coordination: every response is a best answer to itself."""
    loop = asim.FeedbackMap.from_payoffs(np.eye(3), beta=8.0)
    found = collapse(loop, [0.8, 0.1, 0.1], rounds=200)
    assert found.kind == CollapseKind.VERTEX
    assert found.entropy_floor <= found.entropy_min
    assert not found.top.any()


def test_bad_input_is_named():
    loop = asim.FeedbackMap(LADDER, beta=[1.0, 2.0])
    with pytest.raises(ValueError, match="rounds is 0"):
        collapse(loop, rounds=0)
    with pytest.raises(ValueError, match=r"threshold is 4; it must be in \[1, 3\]"):
        collapse(loop, threshold=4.0)
    with pytest.raises(ValueError, match=r"threshold\[1\] is 0.5"):
        collapse(loop, threshold=[1.5, 0.5])
    with pytest.raises(ValueError, match="do not broadcast"):
        collapse(loop, threshold=[1.5] * 3)
    with pytest.raises(ValueError, match=r"start\[1\] is 0"):
        collapse(loop, [1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="start_logits has 2 responses"):
        entropy_falls_from(loop, [0.0, 1.0])


def test_collapsed_means_an_effective_support_near_one():
    """e^H < 1 + 0.05(K − 1)."""
    for K in (2, 3, 10):
        limit = 1 + 0.05 * (K - 1)
        low, high = 1e-9, 0.5
        for _ in range(200):
            rest = 0.5 * (low + high)
            pi = np.append(1 - rest, np.full(K - 1, rest / (K - 1)))
            support = np.exp(-(pi * np.log(pi)).sum())
            low, high = (rest, high) if support < limit else (low, rest)
        sides = [
            np.log(np.append(1 - r, np.full(K - 1, r / (K - 1)))) for r in (0.99 * low, 1.01 * low)
        ]
        assert collapsed(np.array(sides)).tolist() == [True, False]
    assert collapsed(np.array([900.0, 0.0, -900.0]))
    assert not collapsed(np.zeros((2, 3))).any()
    assert not collapsed(np.full(3, np.nan))


def test_endless_rounds_start_at_once(monkeypatch):
    """Where the blocks of rounds end is not listed before: that took for ever, deaf to Ctrl-C."""

    class Started(Exception):
        pass

    def run(*_, **__):
        raise Started

    monkeypatch.setattr(asim.FeedbackMap, "run", run)
    with pytest.raises(Started):
        asim.collapse(asim.FeedbackMap(CYCLE, beta=1.0), rounds=10**15)
