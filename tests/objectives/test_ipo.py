"""The IPO score: theory 2.1 (product sampler), 2.2 (pair weights) and its force."""

import numpy as np
import pytest

from alignsim.objectives import IPO, Comparison, ProductPairs, WeightedPairs
from tests import naive


def problem(K):
    rng = np.random.default_rng(K)
    w = rng.uniform(0.1, 1, (K, K))
    w = w + w.T
    np.fill_diagonal(w, 0)
    return naive.random_preferences(rng, K), rng.dirichlet(np.ones(K)), w


@pytest.mark.parametrize("K", [2, 3, 4, 7])
def test_both_scores_equal_the_naive_ones_up_to_a_constant(K):
    P, mu, w = problem(K)
    for data, expected in [
        (ProductPairs(mu), naive.ipo_score(P, mu)),
        (WeightedPairs(w), naive.laplacian_score(P, w)),
    ]:
        v, status = IPO().score(Comparison(P, np.zeros(K), np.array(1.0), data))
        assert status == 0
        gaps = np.float64(naive.centre(expected))
        np.testing.assert_allclose(v - v.mean(), gaps, rtol=0, atol=1e-15)
