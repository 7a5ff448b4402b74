"""One gradient step a round: the errors to their digits, and the gradient on PILAF's pairs."""

import itertools

import numpy as np
import pytest

import alignsim as asim
from alignsim.objectives import learning_errors
from alignsim.objectives.samplers.learning import learning_step, learning_weights

MAXIMA = {
    "uniform": (0.0757657, 0.0151477, 0.0031932),
    "mix_r": (0.1752012, 0.0072292, 1.2087e-5),
    "mix_p": (0.0757657, 0.0012545, 3.6331e-7),
}


@pytest.mark.parametrize("learner", MAXIMA)
def test_the_largest_errors_have_the_digits_of_the_derivation(learner):
    largest = np.zeros(3)
    for K in range(2, 8):
        corners = np.array(list(itertools.product([0.0, 1.0], repeat=K)))
        largest = np.maximum(largest, learning_errors(corners, learner, 3)[:, 1:].max(axis=0))
    np.testing.assert_allclose(largest, MAXIMA[learner], rtol=2e-5)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="learner is 'mixp'"):
        learning_errors([1.0, 0.0], "mixp", 2)
    with pytest.raises(ValueError, match="rounds"):
        learning_errors([1.0, 0.0], "mix_p", -1)
    with pytest.raises(ValueError, match="rewards"):
        learning_errors("x", "mix_p", 1)


def test_steps_with_mix_p_end_where_its_loop_rests_and_how_fast_depends_on_the_misfit():
    """Quadratic for a Bradley-Terry matrix, linear off it."""
    cycle = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]])
    rates = []
    for misfit in (0.0, 0.04, 0.12):
        P = asim.preferences.bradley_terry([0.8, 0.0, -0.4]) + misfit * cycle
        loop = asim.FeedbackMap(P, objective="dpo", beta=1.0, sampler="mix_p")
        rest = asim.analysis.fixed_point(loop).logits
        u, errors = np.zeros(3), []
        for _ in range(25):
            u = learning_step(u, P, learning_weights("mix_p", u, u))
            errors.append(np.ptp(u - rest))
        assert errors[-1] < 1e-9
        late = [b / a for a, b in itertools.pairwise(errors) if a > 1e-9 and b > 1e-11]
        rates.append(late[-1])
    assert rates[0] < 1e-3 < rates[1] < rates[2] < 0.5


def test_the_gradient_on_pilafs_pairs_aligns_with_the_oracle_as_rewards_come_near():
    """The relative error falls at least 8 times a decade; that of on-policy pairs stays."""
    rng = np.random.default_rng(5)
    K = 5
    policy, reference = rng.dirichlet(np.full(K, 3.0), 2)
    beta = 0.3
    u = (np.log(policy) - np.log(reference)) / beta
    away = rng.normal(size=K)

    def error(sampler, size):
        r = u + size * away
        P = asim.preferences.bradley_terry(r)
        weights = asim.sampler_weights(sampler, P, policy, reference=reference, beta=beta)
        gaps = u[:, None] - u[None, :]
        pushed = (weights * (P - 1.0 / (1.0 + np.exp(-gaps)))).sum(axis=1)
        oracle = policy * (r - u - policy @ (r - u))
        scale = (pushed @ oracle) / (pushed @ pushed)
        return np.linalg.norm(scale * pushed - oracle) / np.linalg.norm(oracle)

    errors = [error("pilaf", size) for size in (1e-1, 1e-2, 1e-3)]
    assert errors[0] > 8.0 * errors[1]
    assert errors[1] > 8.0 * errors[2]
    plateau = [error("product", size) for size in (1e-2, 1e-3)]
    assert plateau[1] > 0.9 * plateau[0] > 0.05
