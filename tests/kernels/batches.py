"""Batches of maps in the arrays that the lane kernels take, with poisoned space around them."""

import itertools
from dataclasses import dataclass

import numpy as np

from alignsim.feedback import engines
from alignsim.kernels import dpo_lanes, dpo_newton, ipo_lanes, lanes
from tests import naive

POISON = -1.2345e300
SPARE = 70
"""Rows past the end of every output: more than a block of lanes."""


@dataclass(frozen=True)
class Batch:
    """n maps of one objective, and their starts."""

    maps: list[naive.Map]
    starts: np.ndarray

    def tiled(self, n):
        """The first n of these maps, repeated for ever."""
        which = np.arange(n) % len(self.maps)
        return Batch([self.maps[i] for i in which], self.starts[which])


@dataclass(frozen=True)
class Output:
    """What a kernel wrote, and the spare rows that it must not have written."""

    state: np.ndarray
    frames: np.ndarray
    averages: np.ndarray
    status: np.ndarray
    spare: list[np.ndarray]

    def spare_is_untouched(self):
        return all((rows == rows.dtype.type(poison(rows.dtype))).all() for rows in self.spare)


def poison(dtype):
    return POISON if dtype == np.float64 else 77


def random_batch(rng, objective, K, n, *, beta=2.0):
    maps = [
        naive.Map(
            objective,
            naive.random_preferences(rng, K),
            alpha=rng.uniform(0, 1),
            beta=rng.uniform(0, beta),
            lam=rng.uniform(0, 1),
            reference=np.float64(naive.centre(rng.normal(size=K))),
            offline=rng.dirichlet(np.ones(K)),
        )
        for _ in range(n)
    ]
    return Batch(maps, np.float64([naive.centre(rng.normal(size=K)) for _ in range(n)]))


def run(batch, kept, burn_in, *, blocks=None, cuts=()):
    """Run the lane kernel of the batch's objective over all blocks, or over ``blocks``.

    The run is cut into parts before each of the rounds ``cuts``.
    """
    n, K = batch.starts.shape
    kept = np.asarray(kept, dtype=np.int64)

    def output(*shape, dtype=np.float64):
        return np.full((n + SPARE, *shape), poison(dtype), dtype=dtype)

    state, frames = output(K), output(len(kept), K)
    averages, status = output(2 * K + 2), output(dtype=np.int8)
    state[:n] = batch.starts
    matrices = np.array([m.P for m in batch.maps])
    which = np.arange(n)
    ipo = batch.maps[0].objective == "ipo"
    first, last = blocks or (0, -(-n // ipo_lanes.LANES))
    own = slice(first * ipo_lanes.LANES, min(last * ipo_lanes.LANES, n))
    sums = output(3 * K + 2 + (0 if ipo else 2 * max(K, dpo_newton.SMALL)))
    part = sums[: own.stop - own.start]
    edges = [0, *cuts, int(kept[-1]) + 1]
    for begin, end in itertools.pairwise(edges):
        out = [state[:n], frames[:n], kept, (burn_in, begin, end), part]
        if ipo:
            code = lanes.code_for(K, ipo_lanes.UNROLLED)
            parameters = np.array([(m.alpha, m.beta * m.lam) for m in batch.maps])
            drift = np.float64([_ipo_drift(m) for m in batch.maps])
            ipo_lanes.run(*code, matrices, which, parameters, drift, *out, (first, last))
        else:
            code = lanes.code_for(K, dpo_newton.SMALL)
            parameters = np.array([(m.alpha, m.beta, m.lam) for m in batch.maps])
            drift = np.array([(1 - m.alpha) * m.reference for m in batch.maps])
            opponents = np.array([(1 - m.lam) * m.offline for m in batch.maps])
            dpo_lanes.run(
                *code, matrices, which, parameters, drift, opponents, *out, status[:n],
                (first, last),
            )  # fmt: skip
    engines._store_averages(part, engines.Schedule(kept, burn_in, 1), averages[own])
    spare = [array[n:] for array in (state, frames, averages, status)] + [sums[len(part) :]]
    return Output(state[:n], frames[:n], averages[:n], status[:n], spare)


def _ipo_drift(map_):
    """d = (1−α) z_ref + β(1−λ)Pπ_off (6.1), centred."""
    pull = naive.ipo_score(map_.P, map_.offline)
    return naive.centre((1 - map_.alpha) * map_.reference + map_.beta * (1 - map_.lam) * pull)
