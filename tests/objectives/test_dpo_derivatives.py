"""Second and third derivatives of the DPO score, by differences of a score in long doubles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsim.objectives import DPO, IPO, Comparison, ProductPairs
from alignsim.objectives.dpo_derivatives import LogisticScore
from alignsim.objectives.score_expansion import LinearScore
from tests import naive

COMMON = settings(deadline=None, derandomize=True, max_examples=25)
STENCIL = np.arange(-4, 5)


def comparison(P, mu):
    return Comparison(P, np.zeros(P.shape[-1]), np.array(1.0), ProductPairs(mu))


def problem(seed, K=None):
    """Preferences, a sampler, and three complex directions of sum zero, no longer than it."""
    rng = np.random.default_rng(seed)
    K = K or int(rng.integers(2, 6))
    mu = 0.9 * rng.dirichlet(np.ones(K)) + 0.1 / K
    directions = rng.normal(size=(3, K)) + 1j * rng.normal(size=(3, K))
    directions -= directions.mean(axis=-1, keepdims=True)
    return naive.random_preferences(rng, K), mu, directions / np.abs(directions).max() * mu.min()


def along(P, mu, direction):
    """d²v and d³v of the naive score along a real direction, by nine points in long double."""
    h = naive.Wide(0.05)
    weights = [
        naive.solve(
            np.array([(STENCIL * h) ** k for k in range(len(STENCIL))], dtype=naive.Wide),
            np.array([0] * order + [factorial] + [0] * (len(STENCIL) - order - 1)),
        )
        for order, factorial in ((2, 2), (3, 6))
    ]
    wide = np.asarray(mu, dtype=naive.Wide)
    values = [naive.centre(naive.dpo_score(P, wide + t * h * direction)) for t in STENCIL]
    return [sum(w * v for w, v in zip(row, values, strict=True)) for row in weights]


def centred(v):
    return v - v.mean(axis=-1, keepdims=True)


@naive.needs_extended
@COMMON
@given(seed=st.integers(0, 10_000))
def test_they_are_those_of_the_score_along_any_line(seed):
    P, mu, directions = problem(seed)
    a = directions[0].real
    expansion = LogisticScore(DPO(), comparison(P, mu))
    second, third = along(P, mu, a)
    scale = 1 + np.abs(third).max()
    np.testing.assert_allclose(centred(expansion.second(a, a)), second.astype(float), atol=1e-8)
    np.testing.assert_allclose(
        centred(expansion.third(a, a, a)), third.astype(float), rtol=0, atol=1e-6 * scale
    )


@COMMON
@given(seed=st.integers(0, 10_000))
def test_they_are_symmetric_and_linear_in_complex_directions(seed):
    """With the diagonal of the test above this fixes all of the forms, by polarisation."""
    P, mu, (a, b, c) = problem(seed)
    expansion = LogisticScore(DPO(), comparison(P, mu))
    second, third = expansion.second, expansion.third
    size = 1e-12 * (1 + np.abs(third(a, b, c)).max() + np.abs(second(a, b)).max())
    np.testing.assert_allclose(second(a, b), second(b, a), rtol=0, atol=size)
    split = second(a.real, b) + 1j * second(a.imag, b)
    np.testing.assert_allclose(second(a, b), split, rtol=0, atol=size)
    for swapped in (third(b, a, c), third(c, b, a), third(a, c, b)):
        np.testing.assert_allclose(third(a, b, c), swapped, rtol=0, atol=size)
    split = third(a.real, b, c) + 1j * third(a.imag, b, c)
    np.testing.assert_allclose(third(a, b, c), split, rtol=0, atol=size)


def test_two_responses_have_them_in_closed_form():
    """v₁ − v₂ = logit of P_12 at equal shares: at K = 2 the score does not depend on μ (2.3)."""
    P, mu, (a, b, c) = problem(1, K=2)
    expansion = LogisticScore(DPO(), comparison(P, mu))
    assert np.ptp(expansion.score) == pytest.approx(abs(np.log(P[0, 1] / P[1, 0])), rel=1e-12)
    for vector in (expansion.first(a), expansion.second(a, b), expansion.third(a, b, c)):
        assert np.abs(np.subtract(*vector)) < 1e-12


def test_they_vanish_where_sampling_does_not_matter():
    """Bradley–Terry preferences (theory 3.4)."""
    P = 1 / (1 + np.exp(np.subtract.outer(np.arange(4.0), np.arange(4.0))))
    _, mu, (a, b, c) = problem(2, K=4)
    expansion = LogisticScore(DPO(), comparison(P, mu))
    assert np.abs(expansion.second(a, b)).max() < 1e-14
    assert np.abs(expansion.third(a, b, c)).max() < 1e-14


def test_the_score_of_ipo_is_linear():
    P, mu, (a, b, c) = problem(3, K=4)
    expansion = LinearScore(IPO(), comparison(P, mu))
    np.testing.assert_allclose(expansion.first(a), (P - 0.5) @ a, rtol=1e-14)
    assert not expansion.second(a, b).any()
    assert expansion.third(a, b, c).shape == (4,)


def test_an_instance_without_a_score_has_nan_alone():
    P, mu, (a, b, c) = problem(4, K=3)
    certain = np.array([[0.5, 1.0, 1.0], [0.0, 0.5, 0.7], [0.0, 0.3, 0.5]])
    both = LogisticScore(DPO(), comparison(np.array([P, certain]), np.array([mu, mu])))
    one = LogisticScore(DPO(), comparison(P, mu))
    for name, given_ in (("first", (a,)), ("second", (a, b)), ("third", (a, b, c))):
        whole = getattr(both, name)(*(np.array([x, x]) for x in given_))
        np.testing.assert_allclose(whole[0], getattr(one, name)(*given_), rtol=1e-12)
        assert np.isnan(whole[1]).all()
