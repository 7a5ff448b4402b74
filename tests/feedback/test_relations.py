"""What scaling an objective obeys, and where a response may be split into clones.

The table of docs/objectives.md says which; here each entry is tested, and that none is missing.
"""

from pathlib import Path

import numpy as np
import pytest

import alignsim as asim
from alignsim.objectives import OBJECTIVES, GradientSteps
from alignsim.objectives.samplers import SAMPLERS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "objectives.md"
CYCLE = np.array([[0.5, 0.7, 0.35], [0.3, 0.5, 0.75], [0.65, 0.25, 0.5]])
WEIGHTS = np.array([[0.0, 3.0, 1.0], [3.0, 0.0, 2.0], [1.0, 2.0, 0.0]])
REWARDS = np.array([0.3, 0.0, -0.4])
REFERENCE, OFFLINE = np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.35, 0.25])
ANCHOR, START = np.array([0.3, 0.2, 0.5]), np.array([0.3, 0.6, 0.1])
WHOLE = (np.arange(3), np.ones(3))
SPLIT = (np.array([0, 1, 1, 2]), np.array([1.0, 0.3, 0.7, 1.0]))
UNEVEN = np.array([1.0, 0.6, 0.4, 1.0])

PROPORTIONAL = {"ipo", "dpo", "psi", "rlhf", "curation", "cdpo", "robust_dpo", "exo"}
WEIGHED = {"dpo_sft": "sft_weight", "xpo": "exploration", "slic": "sft_weight"}
FIELDS = [name for name, each in OBJECTIVES.items() if each.form == "c"]
LOOPS = [name for name in OBJECTIVES if name not in FIELDS]
OF_PAIRS = [name for name in LOOPS if name not in ("rlhf", "preference_matching", "curation")]
PAIRED = ("ipo", "dpo", "dpo_sft")
CASES = [(name, "product") for name in LOOPS]
CASES += [(name, sampler) for name in PAIRED for sampler in SAMPLERS if sampler != "product"]
COUNTS_CLONES = {("preference_matching", "product")}
COUNTS_CLONES |= {("dpo_sft", name) for name in ("two_policies", "mix_r", "mix_p", "pilaf")}
GIVEN = {
    "psi": {"odds_smoothing": 0.1},
    "cdpo": {"label_smoothing": 0.1},
    "exo": {"label_smoothing": 0.0},
}
GIVEN |= {
    "slic": {"sft_weight": 3.0},
    "robust_dpo": {"flip_rate": 0.05},
    "xpo": {"exploration": 0.05},
}


def loops(objective, sampler, split=WHOLE, offline=None, P=CYCLE, **parameters):
    """Return a loop whose responses are clones ``split[0]`` with shares ``split[1]``."""
    of, share = split
    objective = OBJECTIVES.get(objective, objective)
    given = dict.fromkeys(objective.vectors, REWARDS[of])
    given |= dict.fromkeys(objective.policies, ANCHOR[of] * share)
    given |= GIVEN.get(objective.name, {})
    drawn = SAMPLERS[sampler]
    given |= dict.fromkeys(drawn.vectors, REWARDS[of])
    given |= dict.fromkeys(drawn.policies, OFFLINE[of] * share)
    if "pair_weights" in drawn.AXES:
        given["pair_weights"] = WEIGHTS[np.ix_(of, of)] * np.outer(share, share)
    given |= {"lam": 0.6} if "lam" in drawn.takes else {}
    mixed = share if offline is None else offline
    given |= {"offline": OFFLINE[of] * mixed} if "offline" in drawn.takes else {}
    return asim.FeedbackMap(
        P[np.ix_(of, of)], objective=objective, sampler=sampler,
        reference=REFERENCE[of] * share, **({"beta": 0.9, "alpha": 0.3} | given | parameters),
    )  # fmt: skip


def orbit(loop, split=WHOLE):
    of, share = split
    found = loop.run(START[of] * share, rounds=5)
    assert (found.status == 0).all()
    return found.policies


def merged(policies):
    return np.stack([policies[:, 0], policies[:, 1] + policies[:, 2], policies[:, 3]], axis=-1)


@pytest.mark.parametrize(("objective", "sampler"), CASES)
def test_clones_share_what_their_response_had(objective, sampler):
    own = orbit(loops(objective, sampler))
    apart = orbit(loops(objective, sampler, SPLIT), SPLIT)
    if (objective, sampler) in COUNTS_CLONES:
        assert np.abs(merged(apart) - own)[1:].max() > 1e-3
        return
    np.testing.assert_allclose(merged(apart), own, rtol=0, atol=2e-9)
    np.testing.assert_allclose(apart[:, 1], 0.3 * own[:, 1], rtol=0, atol=2e-9)


@pytest.mark.parametrize("objective", LOOPS)
def test_clones_may_be_sampled_in_other_shares_where_nothing_weighs_the_pairs(objective):
    """A score is that of one response; a cross-entropy is held against the weights of its pairs."""
    apart = merged(orbit(loops(objective, "product", SPLIT, UNEVEN), SPLIT))
    gap = np.abs(apart - orbit(loops(objective, "product"))).max()
    assert gap < 2e-9 if objective in PROPORTIONAL else gap > 1e-5


@pytest.mark.parametrize("objective", ["ipo", "dpo", *FIELDS])
def test_training_does_not_keep_clones_together(objective):
    """Each clone moves by its own share of the force, and so more slowly than the response did."""
    steps = GradientSteps(OBJECTIVES[objective].configured(), 3, 0.8)
    own, apart = (orbit(loops(steps, "product", split), split) for split in (WHOLE, SPLIT))
    assert np.abs(merged(apart) - own).max() > 1e-3


def weaker(P, k):
    return 0.5 + k * (P - 0.5)


FREE = {"product", "two_policies", "mixture", "fixed_pairs", "mix_r"}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_ipo_depends_on_beta_times_the_margins_where_pairs_do_not_depend_on_beta(sampler):
    own = orbit(loops("ipo", sampler))
    other = orbit(loops("ipo", sampler, P=weaker(CYCLE, 0.5), beta=1.8))
    gap = np.abs(own - other).max()
    assert gap < 1e-12 if sampler in FREE else gap > 1e-5


def test_rejection_scales_with_its_sharpness():
    own = orbit(loops("ipo", "rejection", sharpness=1.0))
    other = orbit(loops("ipo", "rejection", P=weaker(CYCLE, 0.5), beta=1.8, sharpness=0.5))
    np.testing.assert_allclose(other, own, rtol=0, atol=1e-12)


def test_mix_r_with_fitted_rewards_does_not_scale():
    own = asim.FeedbackMap(CYCLE, beta=0.9, alpha=0.3, sampler="mix_r")
    other = asim.FeedbackMap(weaker(CYCLE, 0.5), beta=1.8, alpha=0.3, sampler="mix_r")
    assert np.abs(orbit(own) - orbit(other)).max() > 1e-5


@pytest.mark.parametrize("objective", [name for name in LOOPS if name != "ipo"])
def test_no_other_score_is_linear_in_the_margins(objective):
    own = orbit(loops(objective, "product"))
    other = orbit(loops(objective, "product", P=weaker(CYCLE, 0.5), beta=1.8))
    assert np.abs(own - other).max() > 1e-4


@pytest.mark.parametrize("objective", ["rlhf", "preference_matching"])
def test_rewards_count_times_beta(objective):
    own = orbit(loops(objective, "product"))
    other = orbit(loops(objective, "product", beta=1.8, rewards=0.5 * REWARDS))
    np.testing.assert_allclose(other, own, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("objective", "parameter", "factor"),
    [
        ("cdpo", "label_smoothing", lambda share: 1 - 2 * share),
        ("robust_dpo", "flip_rate", lambda share: 1 / (1 - 2 * share)),
    ],
)
def test_labels_count_by_their_margin_after_relabelling(objective, parameter, factor):
    own = orbit(loops(objective, "product", **{parameter: 0.05}))
    k = factor(0.05) / factor(0.2)
    P = weaker(CYCLE, k)
    other = orbit(loops(objective, "product", P=P, **{parameter: 0.2}))
    np.testing.assert_allclose(other, own, rtol=0, atol=1e-11)
    same = orbit(loops(objective, "product", **{parameter: 0.2}))
    assert np.abs(same - own).max() > 1e-3


@pytest.mark.parametrize("objective", LOOPS)
def test_logits_move_in_proportion_to_beta_where_there_is_a_score(objective):
    once, twice = (
        np.log(loops(objective, "product", beta=beta, alpha=0.0).step(START))
        for beta in (0.45, 0.9)
    )
    base = 0.0 if objective == "preference_matching" else np.log(REFERENCE)
    gap = np.ptp((twice - base) - 2.0 * (once - base))
    scored = objective in PROPORTIONAL or objective == "preference_matching"
    assert gap < 1e-9 if scored else gap > 1e-4


@pytest.mark.parametrize("objective", OF_PAIRS)
def test_the_scale_of_the_weights_of_pairs(objective):
    """Product pairs weigh 2μ_iμ_j; given ones are scaled to 1, and so must a second term be."""
    mu, maker = START, OBJECTIVES[objective]
    given = GIVEN.get(objective, {}) | {"reference": REFERENCE, "beta": 0.9}
    given |= dict.fromkeys(maker.policies, ANCHOR)
    other = dict(given, pair_weights=2 * np.outer(mu, mu))
    drawn = asim.optimum(objective, CYCLE, mu, **given)
    if objective in WEIGHED:
        name = WEIGHED[objective]
        gap = np.abs(asim.optimum(objective, CYCLE, **other) - drawn).max()
        assert gap > 1e-4
        other[name] = maker.values[name] if name not in given else np.float64(given[name])
        other[name] = other[name] / (1.0 - (mu**2).sum())
    np.testing.assert_allclose(asim.optimum(objective, CYCLE, **other), drawn, rtol=0, atol=2e-9)


def trained(objective, P=CYCLE, rate=0.5, **parameters):
    return asim.train(
        objective, P, START, reference=REFERENCE, start=OFFLINE, rate=rate, steps=20, **parameters
    ).final


def test_two_gains_count_times_the_rate():
    own = trained("two_gain", winner_gain=1.0, loser_gain=0.4)
    faster = trained("two_gain", winner_gain=2.0, loser_gain=0.8, rate=0.25)
    np.testing.assert_allclose(faster, own, rtol=0, atol=1e-13)
    assert np.abs(trained("two_gain", winner_gain=2.0, loser_gain=0.8) - own).max() > 1e-3


def test_kto_with_equal_weights_counts_them_times_the_margins():
    own = trained("kto", desirable=1.0, undesirable=1.0)
    other = trained("kto", weaker(CYCLE, 0.5), desirable=2.0, undesirable=2.0)
    np.testing.assert_allclose(other, own, rtol=0, atol=1e-13)
    own = trained("kto", desirable=1.0, undesirable=0.5)
    other = trained("kto", weaker(CYCLE, 0.5), desirable=2.0, undesirable=1.0)
    assert np.abs(other - own).max() > 1e-3


@pytest.mark.parametrize("objective", [name for name in FIELDS if name != "kto"])
def test_other_fields_do_not_scale_with_the_margins(objective):
    own = trained(objective)
    assert all(
        np.abs(trained(objective, weaker(CYCLE, 0.5), rate=rate) - own).max() > 1e-3
        for rate in (0.5, 1.0)
    )


def test_the_page_has_a_row_for_every_objective_and_sampler():
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## What scales, and what may be split") :]
    listed = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    names = {name.strip(" `") for cell in listed for name in cell.split(",")}
    assert names == set(OBJECTIVES) | set(SAMPLERS)
