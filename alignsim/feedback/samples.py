"""Rounds learned from finitely many comparisons, each round from new ones (theory 8).

Two noise models. ``"pairs"``: n pairs, each judged once; both responses are drawn from one policy
μ, or the pair by its weight. The one-shot problem is then solved with the empirical weights and
labels, after each pair has got ``smoothing`` pseudo-votes, half to either side. ``"opponents"``:
every response meets n opponents of its own, and its score is the share that it won; for objectives
whose score is Pμ. Numbers come from a counter of (key, map, round), so that neither threads nor
the batch's order of work matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.feedback.batch import MapBatch
from alignsim.kernels.status import NOT_FINITE, OK
from alignsim.objectives import Comparison, Objective, ScoreObjective, Solution, WeightedPairs
from alignsim.objectives.samplers import Sampler
from alignsim.preferences.seeds import Seed, generator
from alignsim.validation import FloatArray

NOISE = ("pairs", "opponents")

SLICE = 2**22
"""Numbers that a call draws, at some 10 ns each."""

Spread = Callable[[Callable[[int, int], Iterable[int]], int], None]
"""Runs a function over all maps, in chunks."""


@dataclass(frozen=True)
class Sampling:
    """The comparisons of a round: how many, of which kind, with how many pseudo-votes a pair.

    ``key`` is that of their random numbers.
    """

    count: int
    noise: str
    smoothing: float
    key: NDArray[np.uint64]


def sampling(
    samples_per_round: int,
    noise: str,
    smoothing: float,
    rng: Seed,
    objective: Objective,
    sampler: Sampler,
) -> Sampling:
    """Return the checked arguments; a generator is drawn on once, for the key.

    Raises
    ------
    ValueError
        For bad arguments, and ``"opponents"`` with smoothing, with an objective whose score is not
        Pμ, or with a sampler whose pairs have weights.
    """
    count = validation.integer(samples_per_round, "samples_per_round", minimum=1)
    if count >= 2**32:
        raise ValueError(f"samples_per_round is {count}; it must be below 2³²")
    validation.choice(noise, "noise", NOISE)
    if not isinstance(objective, ScoreObjective):
        raise ValueError(
            f"samples_per_round is {count}, but a round of {objective} has no score to estimate; "
            "leave samples_per_round out"
        )
    if noise == "opponents" and sampler.weighted:
        raise ValueError(
            "noise is 'opponents', which meet every response alike, and pairs of sampler "
            f"{sampler.name!r} have weights; use noise='pairs'"
        )
    if noise == "opponents" and objective.facts.linear is None:
        raise ValueError(
            f"noise is 'opponents', which estimates Pμ, and the score of {objective} is another; "
            "use noise='pairs'"
        )
    prior = validation.number(smoothing, "smoothing")
    if noise == "opponents" and prior > 0:
        raise ValueError(
            f"smoothing is {prior:g}, but a share of won opponents is always finite: pseudo-votes "
            "would only lower beta; use smoothing=0, or noise='pairs'"
        )
    key = generator(rng).integers(0, 2**32, 2, dtype=np.uint64)
    return Sampling(count, noise, prior, key)


def advance(
    loop: MapBatch, logits: FloatArray, round_: int, plan: Sampling, spread: Spread
) -> Solution:
    """Return the centred states after round ``round_`` of sampled comparisons: (n, D·K)."""
    draw = _opponents if plan.noise == "opponents" else _pairs
    stages = loop.scheme.stages

    def solve(stage: int, x: Comparison) -> Solution:
        pairs = x.spread((loop.size,)).pairs
        law = np.array(pairs.weights if isinstance(pairs, WeightedPairs) else pairs.sampler)
        broken = ~np.isfinite(law).all(axis=tuple(range(1, law.ndim)))
        law[broken] = 1.0
        score, status = draw(loop, law, round_ * stages + stage, plan, spread)
        status = np.where(broken, NOT_FINITE, status).astype(np.int8)
        return Solution(x.reference_logits + loop.beta[:, None] * score, status)

    return loop.advance(logits, solve)


def _opponents(
    loop: MapBatch, sampler: FloatArray, round_: int, plan: Sampling, spread: Spread
) -> Solution:
    from alignsim.kernels import samples

    expected = (loop.P @ sampler[..., None])[..., 0]
    won = np.zeros_like(expected)

    def draw(draws: tuple[int, int], first: int, last: int) -> None:
        samples.opponents(expected, plan.key, round_, draws, won, first, last)

    spread(_in_slices(draw, plan.count, width=loop.responses), len(won))
    return Solution(won / plan.count, np.full(len(won), OK, dtype=np.int8))


def _in_slices(
    draw: Callable[[tuple[int, int], int, int], None], count: int, width: int
) -> Callable[[int, int], Iterator[int]]:
    """Return what makes ``count`` draws of each map, by calls short enough to interrupt.

    A draw takes ``width`` numbers.
    """
    abreast = max(1, SLICE // (count * width))
    stretch = max(4, SLICE // width // 4 * 4)

    def work(first: int, last: int) -> Iterator[int]:
        for low in range(first, last, abreast):
            high = min(low + abreast, last)
            for begin in range(0, count, stretch):
                draw((begin, min(begin + stretch, count)), low, high)
                yield 0

    return work


def _pairs(
    loop: MapBatch, law: FloatArray, round_: int, plan: Sampling, spread: Spread
) -> Solution:
    from alignsim.kernels import samples

    matrices, which = loop.matrix_table()
    n, K = law.shape[:2]
    wins = np.zeros((n, K, K))
    kernel = samples.pairs if law.ndim == 2 else samples.weighted_pairs

    def draw(draws: tuple[int, int], first: int, last: int) -> None:
        kernel(matrices, which, law, plan.key, round_, draws, wins, first, last)

    spread(_in_slices(draw, plan.count, width=1), n)
    if plan.smoothing > 0:
        wins += 0.5 * plan.smoothing * (1.0 - np.eye(K))
    assert isinstance(loop.objective, ScoreObjective)
    return loop.objective.of_sample(wins)
