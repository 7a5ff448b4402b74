"""Quantal response equilibria: their equation, their limit, and the loops that rest there."""

import numpy as np
import pytest

import alignsim as asim
from tests import naive


def games(seed, K, count=6):
    rng = np.random.default_rng(seed)
    P = np.array([naive.random_preferences(rng, K) for _ in range(count)])
    return P, rng.dirichlet(np.ones(K))


@pytest.mark.parametrize("tau", [1e-4, 0.02, 0.3, 5.0])
@pytest.mark.parametrize("K", [2, 3, 6])
def test_they_solve_their_equation(K, tau):
    P, ref = games(K, K)
    found = asim.qre(P, tau=tau, reference=ref)
    assert (found.words("status") == "unique").all()
    scores = np.log(ref) + (P @ found.policy[..., None])[..., 0] / tau
    answer = np.exp(scores - scores.max(axis=-1, keepdims=True))
    answer /= answer.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found.policy, answer, rtol=0, atol=1e-9)


def test_they_tend_to_the_maximal_lottery_and_to_the_reference():
    P, ref = games(1, 4)
    lottery = asim.maximal_lottery(P).policy
    near = [np.abs(asim.qre(P, tau=tau).policy - lottery).max() for tau in (1e-2, 1e-4, 1e-6)]
    assert near[0] > near[1] > near[2]
    assert near[2] < 1e-3
    far = asim.qre(P, tau=1e6, reference=ref).policy
    np.testing.assert_allclose(far, np.broadcast_to(ref, far.shape), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "own"),
    [("mrs", {"beta": 0.5, "alpha": 0.9}), ("egpo", {"eta": 0.5, "tau": 0.2})],
)
def test_loops_rest_there(name, own):
    """β/(1−α) = 1/τ for MRS-IPO; EGPO takes τ by name."""
    P, ref = games(2, 3)
    orbit = asim.method(name, P, reference=ref, **own).run(rounds=3000, keep="last")
    np.testing.assert_allclose(orbit.final, asim.qre(P, tau=0.2, reference=ref).policy, atol=1e-9)


def test_taus_broadcast_and_must_be_positive():
    P = asim.preferences.cyclic(3, advantage=0.3)
    assert asim.qre(P, tau=[[0.1], [1.0]], reference=[0.5, 0.3, 0.2]).policy.shape == (2, 1, 3)
    with pytest.raises(ValueError, match=r"tau\[1\] is 0; give at least 1e-06; .*maximal_lottery"):
        asim.qre(P, tau=[1.0, 0.0])
