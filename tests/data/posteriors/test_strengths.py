"""Laplace's evidence, and Bradley-Terry strengths."""

import numpy as np
import pytest

from alignsim.data.posteriors.pairs import Pairs, compared
from alignsim.data.posteriors.strengths import bradley_terry, strengths
from tests.data.posteriors.boards import GOLDEN, counted

PAIRS = compared(counted(GOLDEN).wins)


@pytest.mark.parametrize(
    ("tau", "scale", "evidence"),
    [
        (0, 1, -76.2602),
        (0.25, 1, -75.5151),
        (0.5, 1, -74.6213),
        (1, 1, -74.4706),
        (0.5, 2, -76.0616),
    ],
)
def test_golden_evidence(tau, scale, evidence):
    found = strengths(PAIRS, tau, np.array([float(scale)]), 0.05)
    assert found.evidence[0] == pytest.approx(evidence, abs=1e-3)


def test_golden_strengths():
    found = strengths(PAIRS, 0.5, np.array([1.0]), 0.05)
    assert found.mode[0] == pytest.approx([0.262, 0.324, 0.353, -0.939], abs=1e-3)


def test_several_scales_at_once_are_the_same_as_one_by_one():
    scales = np.array([0.1, 1.0, 3.2])
    together = strengths(PAIRS, 0.5, scales, 0.05)
    for k, scale in enumerate(scales):
        alone = strengths(PAIRS, 0.5, scales[k : k + 1], 0.05)
        assert together.evidence[k] == pytest.approx(alone.evidence[0], abs=1e-6), scale


def test_with_a_wide_prior_strengths_are_the_log_odds_of_exact_shares():
    strength = np.array([0.7, 0.1, -0.8])
    share = 1.0 / (1.0 + np.exp(strength - strength[:, None]))
    pairs = compared(1e6 * (share - np.diag(np.diag(share))))
    assert bradley_terry(pairs, 100.0) == pytest.approx(strength, abs=1e-4)
    many = Pairs(3, pairs.i, pairs.j, np.stack([pairs.wins, pairs.votes - pairs.wins]), pairs.votes)
    assert bradley_terry(many, 100.0) == pytest.approx(np.stack([strength, -strength]), abs=1e-4)


def test_whoever_never_loses_stays_finite():
    never = np.zeros((3, 3))
    never[0, 1] = never[0, 2] = never[1, 2] = 1e6
    found = strengths(compared(never), 0.02, np.array([3.2]), 0.05)
    assert np.isfinite(found.mode).all()
    assert np.isfinite(found.evidence).all()
