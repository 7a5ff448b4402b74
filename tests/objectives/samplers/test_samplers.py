"""Samplers: the weights they are defined by, their derivatives, and their names."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.objectives import OBJECTIVES
from alignsim.objectives.samplers import SAMPLERS, MixP, MixR, Stage
from alignsim.simplex import softmax

K = 4
RNG = np.random.default_rng(7)
PI, REF, OFF = (RNG.dirichlet(np.full(K, 3.0), 5) for _ in range(3))
RAW = RNG.uniform(0.05, 0.95, (5, K, K))
P = np.triu(RAW, 1) + np.tril(1.0 - np.swapaxes(RAW, -1, -2), -1) + 0.5 * np.eye(K)
BETA = np.array([0.4, 0.7, 1.0, 1.6, 3.0])
LAM = np.array([0.0, 0.3, 0.5, 0.9, 1.0])
REWARDS = RNG.normal(size=(5, K))
GIVEN = {
    "fixed_pairs": {"pair_weights": RNG.uniform(0.1, 1.0, (5, K, K))},
    "mix_r": {"sampler_rewards": REWARDS},
    "mixture": {"reference_share": np.array([0.0, 0.2, 0.5, 0.9, 1.0])},
    "rejection": {"sharpness": 0.8, "sampler_rewards": REWARDS},
}


def weights(name, **changes):
    given = {"reference": REF, "beta": BETA} | GIVEN.get(name, {})
    takes = {"offline": OFF, "lam": LAM}
    given |= {key: takes[key] for key in SAMPLERS[name].takes}
    return asim.sampler_weights(name, P, PI, **(given | changes))


def inverse_slope(rewards):
    gap = rewards[:, :, None] - rewards[:, None, :]
    return 2.0 + np.exp(gap) + np.exp(-gap)  # 1/σ'


def paired(first, second):
    return first[:, :, None] * second[:, None, :] + second[:, :, None] * first[:, None, :]


def scaled(raw):
    raw = raw * (1.0 - np.eye(K))
    return raw / (0.5 * raw.sum(axis=(-2, -1), keepdims=True))


MU = LAM[:, None] * PI + (1.0 - LAM[:, None]) * OFF
IMPLIED = (np.log(PI) - np.log(REF)) / BETA[:, None]
SHARE = GIVEN["mixture"]["reference_share"][:, None]
MIXED = SHARE * REF + (1.0 - SHARE) * MU
ESTIMATE = softmax(np.log(REF) + 0.8 * BETA[:, None] * REWARDS)
DEFINITIONS = {
    "product": paired(MU, MU) * (1.0 - np.eye(K)),
    "two_policies": scaled(paired(MU, REF)),
    "mixture": paired(MIXED, MIXED) * (1.0 - np.eye(K)),
    "fixed_pairs": scaled(
        GIVEN["fixed_pairs"]["pair_weights"]
        + np.swapaxes(GIVEN["fixed_pairs"]["pair_weights"], -1, -2)
    ),
    "mix_r": scaled(paired(OFF, OFF) * inverse_slope(REWARDS)),
    "mix_p": scaled(paired(OFF, OFF) * inverse_slope(IMPLIED)),
    "pilaf": scaled(paired(MU, MU) * inverse_slope(IMPLIED)),
    "rejection": paired(ESTIMATE, ESTIMATE) * (1.0 - np.eye(K)),
}


def test_every_sampler_has_the_weights_of_its_definition():
    assert set(DEFINITIONS) == set(SAMPLERS)
    for name, expected in DEFINITIONS.items():
        np.testing.assert_allclose(weights(name), expected, rtol=1e-12, atol=1e-15, err_msg=name)


def test_the_mixtures_of_pilaf_and_mix_p_are_what_the_papers_mix():
    """W = 2π_iπ_j + Z₊Z₋(π⁺_iπ⁻_j + π⁻_iπ⁺_j), π^± ∝ π(π/ref)^{±1/β}; Mix-P with π uniform."""
    for name, base in (("pilaf", PI), ("mix_p", np.full((5, K), 1.0 / K))):
        tilts = [base * np.exp(sign * IMPLIED) for sign in (1.0, -1.0)]
        mixed = paired(base, base) + paired(*tilts)
        found = weights(name, **({"lam": 1.0} if name == "pilaf" else {"offline": base}))
        np.testing.assert_allclose(found, scaled(mixed), rtol=1e-12)


def test_a_partner_takes_the_place_of_the_reference():
    partner = RNG.dirichlet(np.ones(K))
    found = weights("two_policies", partner=partner)
    np.testing.assert_allclose(found, scaled(paired(MU, np.tile(partner, (5, 1)))), rtol=1e-12)


def test_rewards_that_are_not_given_are_those_of_a_bradley_terry_matrix():
    bt = asim.preferences.bradley_terry(REWARDS)
    for name in ("mix_r", "rejection"):
        given = {"reference": REF} | ({"offline": OFF} if name == "mix_r" else {})
        fitted = asim.sampler_weights(name, bt, PI, **given)
        told = asim.sampler_weights(name, bt, PI, sampler_rewards=REWARDS, **given)
        np.testing.assert_allclose(fitted, told, rtol=1e-10)


def test_extreme_policies_and_rewards_do_not_overflow():
    found = asim.sampler_weights("mix_r", P[0], PI[0], sampler_rewards=[2000.0, 0.0, 0.0, -1000.0])
    np.testing.assert_allclose(found[0, 3], 1.0)
    tiny = [1.0 - 3e-200, 1e-200, 1e-200, 1e-200]
    found = asim.sampler_weights("pilaf", P[0], tiny, beta=0.5)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0, 1:], 1.0 / 3.0, rtol=1e-12)
    # a partner that vanishes where the policy does not
    assert np.isfinite(asim.sampler_weights("two_policies", P[0], tiny, lam=0.0)).all()


def test_a_round_without_signal_has_pairs_all_the_same():
    found = asim.sampler_weights("mix_p", P[0], PI[0], reference=REF[0], beta=0.0)
    np.testing.assert_allclose(found, scaled(np.ones((1, K, K)))[0], rtol=1e-14)


def stage_of(name, policy, reference):
    sampler = SAMPLERS[name].configured(**GIVEN.get(name, {})).fitted(P)
    return sampler, Stage(P, reference, policy, OFF, BETA, LAM)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("by", ["opponent", "reference"])
def test_derivatives_are_those_of_finite_differences(name, by):
    own, held = np.log(PI), np.log(REF)
    sampler, stage = stage_of(name, own, held)
    pairs = sampler.pairs(stage)
    slope = getattr(sampler.slopes(stage, pairs), by)

    def moved(step):
        shift = np.array([step]) if by == "opponent" else np.zeros(K)
        other = np.array([step]) if by == "reference" else np.zeros(K)
        there = sampler.pairs(stage_of(name, own + shift, held + other)[1])
        return there.weights if sampler.weighted else there.sampler

    h = 1e-3
    for k in range(K):
        e = np.eye(K)[k]
        near = (moved(h * e) - moved(-h * e)) / (2 * h)
        far = (moved(2 * h * e) - moved(-2 * h * e)) / (4 * h)
        wide = (moved(3 * h * e) - moved(-3 * h * e)) / (6 * h)
        expected = 1.5 * near - 0.6 * far + 0.1 * wide
        found = np.zeros_like(expected) if slope is None else slope[..., k]
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_parameters_of_samplers_have_names_of_their_own():
    taken = {name for each in OBJECTIVES.values() for name in each.options()}
    for method in METHODS.values():
        taken |= {each.name for each in method.parameters}
        taken |= {each.name for alias in method.aliases for each in alias.parameters}
    for sampler in SAMPLERS.values():
        assert not taken & set(sampler.options()), sampler.name


def test_samplers_are_equal_only_if_their_arrays_are():
    assert MixR(sampler_rewards=[1.0, 2.0]) == MixR(sampler_rewards=(1, 2))
    assert MixR(sampler_rewards=[1.0, 2.0]) != MixR(sampler_rewards=[1.0, 2.5])
    assert hash(MixR(sampler_rewards=[1.0, 2.0])) == hash(MixR(sampler_rewards=(1, 2)))
    assert MixP() != MixR()


def test_the_table_lists_every_sampler():
    table = asim.samplers()
    assert table.names == list(SAMPLERS)
    for row in table.rows():
        assert row["pairs"]
        assert row["source"]
        assert row["name"] in str(table)


@pytest.mark.parametrize(
    ("sampler", "given", "told"),
    [
        ("mix-p", {}, "did you mean 'mix_p'.*'two_policies'"),
        (None, {}, "known: 'fixed_pairs'"),
        ("mix_r", {"rewads": 1.0}, "rewads is no parameter of .*mix_r.*sampler_rewards"),
        ("mix_p", {"sampler_rewards": REWARDS[0]}, "sampler_rewards is no parameter"),
        ("mix_r", {"sampler_rewards": [1.0, 2.0]}, "sampler_rewards has 2 responses; P has 4"),
        ("mix_r", {"sampler_rewards": [1.0, np.nan, 0.0, 0.0]}, "sampler_rewards"),
        ("mixture", {"reference_share": 1.5}, r"reference_share is 1.5; it must be in \[0, 1\]"),
        ("rejection", {"sharpness": -1.0}, "sharpness is -1"),
        ("two_policies", {"partner": [0.5, 0.5, 0.5, 0.5]}, "partner"),
        ("two_policies", {"partner": [0.5, 0.5]}, "partner has 2 responses; P has 4"),
        ("fixed_pairs", {}, "pair_weights is missing"),
        ("fixed_pairs", {"pair_weights": np.ones((3, 4))}, "pair_weights has shape"),
        ("fixed_pairs", {"pair_weights": -np.ones((4, 4))}, "at least 0"),
        ("fixed_pairs", {"pair_weights": 1.0}, "pair_weights"),
        ("mix_r", {"lam": 0.5}, "lam is 0.5; sampler 'mix_r' draws no share"),
        ("rejection", {"offline": OFF[0]}, "offline is given; sampler 'rejection'"),
    ],
)
def test_bad_samplers_and_parameters_are_named(sampler, given, told):
    with pytest.raises(ValueError, match=told):
        asim.FeedbackMap(P[0], sampler=sampler, beta=1.0, **given)


def test_rewards_that_cannot_be_fitted_are_asked_for():
    sure = [[0.5, 1.0, 1.0], [0.0, 0.5, 0.6], [0.0, 0.4, 0.5]]
    with pytest.raises(
        ValueError, match="sampler_rewards is missing, and P has no finite Bradley-Terry"
    ):
        asim.FeedbackMap(sure, sampler="mix_r", beta=1.0)
    loop = asim.FeedbackMap(sure, sampler="mix_r", sampler_rewards=[1.0, 0.0, 0.0], beta=1.0)
    assert np.isfinite(loop.step([0.2, 0.3, 0.5])).all()


def test_weights_of_a_batch_are_those_one_by_one():
    takes = {"offline": OFF, "lam": LAM}
    for name, sampler in SAMPLERS.items():
        together = weights(name)
        given = GIVEN.get(name, {}) | {key: takes[key] for key in sampler.takes}
        for i in range(5):
            own = {key: value[i] if np.ndim(value) else value for key, value in given.items()}
            alone = asim.sampler_weights(name, P[i], PI[i], reference=REF[i], beta=BETA[i], **own)
            np.testing.assert_allclose(together[i], alone, rtol=1e-14)
