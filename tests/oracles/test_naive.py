"""The naive twins themselves: anchored to numbers from elsewhere before anything trusts them."""

import numpy as np
import pytest

from tests import naive
from tests.oracles import closed_forms, golden


def test_naive_scores_give_the_golden_optima():
    reference = np.log(golden.REFERENCE)
    for score, expected in [
        (naive.ipo_score(golden.P, golden.SAMPLING), golden.IPO),
        (naive.dpo_score(golden.P, golden.SAMPLING), golden.DPO),
        (naive.laplacian_score(golden.P, golden.PAIR_WEIGHTS), golden.IPO_PAIRS),
        (naive.pair_score(golden.P, golden.PAIR_WEIGHTS), golden.DPO_PAIRS),
    ]:
        policy = naive.softmax(reference + golden.BETA * score)
        np.testing.assert_allclose(np.float64(policy), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_naive_orbit_is_the_golden_orbit(objective):
    loop = naive.Map(
        objective,
        golden.P,
        beta=golden.LOOP_BETA[objective],
        reference=np.log(golden.REFERENCE),
        offline=golden.OFFLINE,
        **golden.LOOP,
    )
    states = naive.orbit(loop, np.log(golden.REFERENCE), 3)
    policies = np.float64([naive.softmax(z) for z in states[1:]])
    np.testing.assert_allclose(policies, golden.ORBIT[objective], rtol=0, atol=1e-15)


def test_naive_pair_scores_follow_the_closed_form_of_two_samplers():
    rng = np.random.default_rng(1)
    P, first, second = naive.random_preferences(rng, 4), *rng.dirichlet(np.ones(4), 2)
    w = np.outer(first, second) + np.outer(second, first)
    np.fill_diagonal(w, 0)
    u = closed_forms.two_samplers(P, first, second, beta=1.0)
    np.testing.assert_allclose(
        np.float64(naive.laplacian_score(P, w)), u - u.mean(), rtol=0, atol=1e-14
    )


def test_naive_entropy_of_two_responses_is_the_textbook_one():
    for p in (0.5, 0.9, 0.999):
        z = np.log([p, 1 - p])
        textbook = -p * np.log(p) - (1 - p) * np.log(1 - p)
        assert abs(naive.entropy(z) - textbook) < 1e-15
