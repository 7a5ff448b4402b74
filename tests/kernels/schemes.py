"""Schemes in the arrays that their kernels take, with poisoned space around them."""

import itertools
from dataclasses import dataclass

import numpy as np

from alignsim.feedback import engines
from alignsim.kernels import scheme_dpo_lanes, scheme_lanes
from tests import naive
from tests.kernels.batches import SPARE, Output, poison


def wirings(parameters):
    """Every method of schemes section 2 with the parameters (m, α, κ), by name."""
    m, alpha, kappa = parameters
    a, e, c = 1 - kappa, 0.4 * (1 - m), 1 + m
    wired = {
        "mrs": ([[kappa, a, 0]], [[0, 1, 0]], [[0, 0, 1]]),
        "soft_reference": (
            [[0, alpha, 1 - alpha, 0]],
            [[0, 1, 0, 0]],
            [[0, 0, 0, 1], [0, 0, 1 - m, m]],
        ),
        "anchored soft_reference": (
            [[0, alpha, 1 - alpha, 0]],
            [[0, 1, 0, 0]],
            [[0, 0, 0, 1], [e, 0, 1 - m - e, m]],
        ),
        "hard_reference(2)": (
            [[0, 1, 0, 0], [0, 1 - alpha, alpha, 0]],
            [[0, 1, 0, 0], [0, 0, 1, 0]],
            [[0, 0, 0, 1]],
        ),
        "hard_reference(4)": (
            [
                [0, 1, 0, 0, 0, 0],
                [0, 1 - alpha, alpha, 0, 0, 0],
                [0, 1 - alpha, 0, alpha, 0, 0],
                [0, 1 - alpha, 0, 0, alpha, 0],
            ],
            [[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0]],
            [[0, 0, 0, 0, 0, 1]],
        ),
        "hard_reference(3)": (
            [[0, 1, 0, 0, 0], [0, 1 - alpha, alpha, 0, 0], [0, 1 - alpha, 0, alpha, 0]],
            [[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]],
            [[0, 0, 0, 0, 1]],
        ),
        "extragradient": (
            [[kappa, a, 0, 0], [kappa, a, 0, 0]],
            [[0, 1, 0, 0], [0, 0, 1, 0]],
            [[0, 0, 0, 1]],
        ),
        "optimistic": (
            [[kappa, a, 0, 0]],
            [[0, 1, 0, 0]],
            [[-c * kappa, -c * a, -c, 1 + c], [-kappa, -a, 0, 1]],
        ),
        "momentum": ([[kappa, a, 0, 0]], [[0, 1, 0, 0]], [[0, 0, -m, 1 + m], [0, 0, 0, 1]]),
        "nash_md": ([[kappa, a, 0]], [[kappa, a, 0]], [[0, 0, 1]]),
        "ipo_md": ([[1, 0, 0]], [[m, 1 - m, 0]], [[0, 0, 1]]),
        "replay": (
            [[kappa, a, 0, 0]],
            [[0, 1, 0, 0]],
            [[kappa * (1 - m), a * (1 - m), 1 - m, m], [-m * kappa, -m * a, 1 - m, m]],
        ),
    }
    return {name: naive.Wiring(*map(np.float64, rows)) for name, rows in wired.items()}


def random_wiring(rng, D, s):
    """A wiring in which every row may use all that it can, and no slot grows by itself."""
    rows = [np.zeros((s, 1 + D + s)), np.zeros((s, 1 + D + s)), np.zeros((D, 1 + D + s))]
    for kind in rows:
        for i, row in enumerate(kind):
            known = 1 + D + (s if kind is rows[2] else i)
            row[:known] = rng.dirichlet(np.ones(known)) * rng.choice([-1, 1, 1], known)
    return naive.Wiring(*rows)


def canonical(wiring):
    """The rows of o_1 … o_s, x_1' … x_D' over ref, x_1 … x_D, u_1 … u_s, t_i = r_i + u_i."""
    s, columns = wiring.reference.shape
    basis = np.eye(columns)
    for i in range(s):
        at = columns - s + i
        basis[at] = wiring.reference[i] @ basis + np.eye(columns)[at]
    return np.concatenate([wiring.opponent @ basis, wiring.update @ basis])


@dataclass(frozen=True)
class Batch:
    """n maps, wirings with one (D, s), and starts (n, D, K)."""

    maps: list[naive.Map]
    wirings: list[naive.Wiring]
    starts: np.ndarray

    def take(self, which):
        return Batch([self.maps[i] for i in which], [self.wirings[i] for i in which],
                     self.starts[which])  # fmt: skip

    def orbits(self, rounds):
        """The states of the naive twin: (n, rounds + 1, D, K)."""
        each = zip(self.maps, self.wirings, self.starts, strict=True)
        return np.array([naive.scheme_orbit(*one, rounds) for one in each])


def random_batch(rng, objective, K, wired, *, beta=2.0):
    """One random map for each of the wirings."""
    D = len(wired[0].update)
    maps = [
        naive.Map(
            objective,
            naive.random_preferences(rng, K),
            alpha=np.nan,
            beta=rng.uniform(0, beta),
            lam=rng.uniform(0, 1),
            reference=np.float64(naive.centre(rng.normal(size=K))),
            offline=rng.dirichlet(np.ones(K)),
        )
        for _ in wired
    ]
    starts = rng.normal(size=(len(wired), D, K))
    return Batch(maps, wired, starts - starts.mean(axis=-1, keepdims=True))


def run(batch, kept, burn_in, *, blocks=None, cuts=(), whole=True):
    """Run the scheme kernel of the batch's objective, as ``batches.run`` does.

    Frames hold the ``whole`` state, or the policy only.
    """
    n, D, K = batch.starts.shape
    kept = np.asarray(kept, dtype=np.int64)

    def output(*shape, dtype=np.float64):
        return np.full((n + SPARE, *shape), poison(dtype), dtype=dtype)

    state, frames = output(D, K), output(len(kept), D * K if whole else K)
    averages, status = output(2 * K + 2), output(dtype=np.int8)
    state[:n] = batch.starts
    matrices = np.array([m.P for m in batch.maps])
    which = np.arange(n)
    rows = np.array([canonical(wiring) for wiring in batch.wirings])
    parameters = np.array([(m.beta, m.lam) for m in batch.maps])
    reference = np.array([m.reference for m in batch.maps])
    offline = np.array([m.offline for m in batch.maps])
    ipo = batch.maps[0].objective == "ipo"
    first, last = blocks or (0, -(-n // scheme_lanes.LANES))
    own = slice(first * scheme_lanes.LANES, min(last * scheme_lanes.LANES, n))
    sums = output(3 * K + 2 if ipo else scheme_dpo_lanes.width(K, rows.shape[1] - D))
    part = sums[: own.stop - own.start]
    fixed = np.empty((n, rows.shape[1], K))
    scheme_lanes.constants(matrices, which, parameters, rows, D, reference, offline, fixed)
    opponents = (1.0 - parameters[:, 1:]) * offline
    edges = [0, *cuts, int(kept[-1]) + 1]
    for begin, end in itertools.pairwise(edges):
        out = [state[:n], frames[:n], kept, (burn_in, begin, end), part]
        if ipo:
            code = scheme_lanes.code_for(K, D, rows.shape[1] - D)
            gains = parameters[:, 0] * parameters[:, 1]
            scheme_lanes.run(*code, matrices, which, gains, rows, fixed, *out, (first, last))
        else:
            scheme_dpo_lanes.run(
                *scheme_dpo_lanes.code_for(K), matrices, which, parameters, rows, reference,
                opponents, *out, status[:n], (first, last),
            )  # fmt: skip
    engines._store_averages(part, engines.Schedule(kept, burn_in, 1), averages[own])
    spare = [array[n:] for array in (state, frames, averages, status)] + [sums[len(part) :]]
    return Output(state[:n], frames[:n], averages[:n], status[:n], spare)
