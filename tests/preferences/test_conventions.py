import numpy as np
import pytest

import alignsim as asim
from alignsim.preferences import signal_strength


def test_beta_is_one_over_trls():
    trl = [[0.1, 0.5], [1.0, 4.0]]
    assert np.array_equal(signal_strength(trl, "trl"), [[10.0, 2.0], [1.0, 0.25]])
    assert np.array_equal(signal_strength(trl, "signal"), trl)


@pytest.mark.parametrize("bad", [[0.1, 0.0], [0.1, -1.0], [0.1, 1e-310], [0.1, np.inf]])
def test_beta_refusals_name_the_index(bad):
    with pytest.raises(ValueError, match=r"^tau\[1\] is "):
        signal_strength(bad, "trl", "tau")


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match=r"beta_convention is 'kl'.*'signal', 'trl'"):
        signal_strength(1.0, "kl")


@pytest.mark.parametrize("objective", ["ipo", "dpo"])
def test_trls_loss_has_its_minimum_at_the_one_shot_optimum(objective):
    """The losses as TRL writes them, minimised over two responses by their derivative."""
    p, beta = 0.8, 0.1
    optimum = asim.dpo_optimum if objective == "dpo" else asim.ipo_optimum
    policy = optimum([[0.5, p], [1 - p, 0.5]], [0.5, 0.5], beta=beta, beta_convention="trl")
    h = np.log(policy[0] / policy[1])
    if objective == "dpo":  # −p log σ(βh) − (1 − p) log σ(−βh)
        slope = p - 1 / (1 + np.exp(-beta * h))
    else:  # p (h − 1/2β)² + (1 − p) (−h − 1/2β)²
        slope = p * (h - 1 / (2 * beta)) + (1 - p) * (h + 1 / (2 * beta))
    assert abs(slope) < 1e-12


def test_a_map_takes_either_convention():
    P = asim.preferences.cyclic(3, advantage=0.3)
    ours = asim.FeedbackMap(P, beta=[10.0, 2.0], alpha=0.5)
    assert asim.FeedbackMap(P, beta=[0.1, 0.5], alpha=0.5, beta_convention="trl") == ours
