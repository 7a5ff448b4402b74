"""Whether Bradley-Terry fits, and how many cyclic triads it explains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alignsim.data.posteriors.pairs import Pairs
from alignsim.data.posteriors.strengths import bradley_terry
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

REPLICATES, FEW_REPLICATES, MANY = 999, 199, 100
"""Simulated boards, and how many of boards with more responses."""

FIT_SCALE = 3.0
"""Of the prior of strengths: wide, so that G² is nearly that of the maximum likelihood."""

EXPECTED = (0.025, 0.975)
"""Quantiles of the cyclic triads that noise alone gives."""

CORRELATED = 0.999
"""The most that votes of one pair are taken to agree."""

AT_ONCE = 2_000_000
"""Entries of the tables that are fitted at a time."""


@dataclass(frozen=True)
class FitCheck:
    """How well Bradley-Terry fits votes.

    Attributes
    ----------
    deviance
        G², twice the log-likelihood that Bradley-Terry gives away to the shares of wins.
    p_value
        Probability of as large a G² if Bradley-Terry holds, by a parametric bootstrap.
    cyclic_triads
        Triples of responses whose majorities go round.
    expected_low, expected_high
        95 % range of that number if Bradley-Terry holds.
    """

    deviance: float
    p_value: float
    cyclic_triads: int
    expected_low: int
    expected_high: int


def checked(pairs: Pairs, overdispersion: float, draw: np.random.Generator) -> FitCheck:
    """Return the check of votes whose variance exceeds the binomial by a factor."""
    P = sigmoid(pairs.gaps(bradley_terry(pairs, FIT_SCALE)))
    deviance = float(_deviance(pairs, P))
    triads = int(_cyclic_triads(pairs))
    count = REPLICATES if pairs.responses <= MANY else FEW_REPLICATES
    deviances, counts = np.empty(count), np.empty(count)
    step = max(AT_ONCE // pairs.responses**2, 1)
    for first in range(0, count, step):
        part = slice(first, min(first + step, count))
        wins = _simulated(pairs, P, overdispersion, part.stop - first, draw)
        again = replace(pairs, wins=wins)
        refitted = sigmoid(pairs.gaps(bradley_terry(again, FIT_SCALE)))
        deviances[part], counts[part] = _deviance(again, refitted), _cyclic_triads(again)
    low, high = np.quantile(counts, EXPECTED, method="inverted_cdf")
    p_value = (1 + int((deviances >= deviance).sum())) / (1 + count)
    return FitCheck(deviance, p_value, triads, int(low), int(high))


def _deviance(pairs: Pairs, P: FloatArray) -> FloatArray:
    """Return G² (...) of wins (..., m) against probabilities (..., m)."""
    from scipy.special import xlogy

    wins, losses = pairs.wins, pairs.votes - pairs.wins
    own = xlogy(wins, wins / pairs.votes) + xlogy(losses, losses / pairs.votes)
    fitted = xlogy(wins, P) + xlogy(losses, 1.0 - P)
    return np.asarray(2.0 * (own - fitted).sum(axis=-1))


def _cyclic_triads(pairs: Pairs) -> FloatArray:
    """Return how many triples go round, (...)."""
    margin = 2.0 * pairs.wins - pairs.votes
    beats = np.zeros((*margin.shape[:-1], pairs.responses, pairs.responses), dtype=np.float32)
    beats[..., pairs.i, pairs.j] = margin > 0.0
    beats[..., pairs.j, pairs.i] = margin < 0.0
    closed = beats @ beats * np.swapaxes(beats, -1, -2)
    return np.asarray(closed.sum(axis=(-2, -1), dtype=float) / 3.0)


def _simulated(
    pairs: Pairs, P: FloatArray, overdispersion: float, count: int, draw: np.random.Generator
) -> FloatArray:
    """Return wins (count, m) of Bradley-Terry with the same votes and the same dispersion."""
    votes = np.maximum(np.rint(pairs.votes), 1.0).astype(np.int64)
    scale = pairs.votes / votes
    shape = (count, len(votes))
    if overdispersion > 1.0:
        agree = (overdispersion - 1.0) / np.maximum(votes - 1, 1)
        strength = 1.0 / np.minimum(agree, CORRELATED) - 1.0
        chance = draw.beta(P * strength, (1.0 - P) * strength, shape)
        return np.asarray(draw.binomial(votes, chance, shape) * scale)
    tied = np.minimum(4.0 * (1.0 - overdispersion) * P * (1.0 - P), 2.0 * np.minimum(P, 1.0 - P))
    ties = draw.binomial(votes, tied, shape)
    rest = np.clip((P - 0.5 * tied) / np.maximum(1.0 - tied, 1e-300), 0.0, 1.0)
    return np.asarray((draw.binomial(votes - ties, rest, shape) + 0.5 * ties) * scale)
