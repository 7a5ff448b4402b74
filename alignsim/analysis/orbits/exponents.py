"""Lyapunov exponents: how fast small differences between orbits grow or shrink, a round.

Orthonormal tangent vectors are carried along the orbit by the exact derivative of the round and
made orthonormal again; the exponents are the mean logarithms of their growth (analysis C.5;
Benettin et al. 1980). MRS-IPO of up to 64 responses runs in lanes; every other loop takes the
general path of this file, which is slower: orbits by their engine, derivatives for many rounds
at a time, and one batched QR factorisation a round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.rotation import birkhoff_weights
from alignsim.analysis.results import Result
from alignsim.feedback import FeedbackMap
from alignsim.feedback.engines import (
    SLICE,
    WIDEST_LANE,
    Schedule,
    ipo_arrays,
    iterate,
    mark_failures,
)
from alignsim.feedback.status import MEANINGS as RUN_MEANINGS
from alignsim.feedback.tangents import jacobians_along
from alignsim.feedback.threads import in_threads, thread_count
from alignsim.kernels.status import NOT_FINITE, OK
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray

UNRESOLVED = len(RUN_MEANINGS)
MEANINGS = {**RUN_MEANINGS, UNRESOLVED: "unresolved"}
"""``unresolved``: the exponents that are NaN are lost in rounding, because single rounds shrink
their directions more than 10^14 times as much as others; those that are numbers hold."""

BATCHES = 20
"""Parts of the orbit whose means give the standard error."""

LARGEST_PART = 2**22
"""Entries of the Jacobians that the general path holds at a time."""

LONGEST_STRETCH = 256
"""Rounds that it differentiates at a time: enough to fill a batch of one map."""


@dataclass(frozen=True, eq=False, repr=False)
class LyapunovSpectrum(Result):
    """Lyapunov exponents of the orbits of a batch of maps.

    Attributes
    ----------
    exponents : (..., k)
        In nats a round, descending; −inf for directions that vanish within a round.
    standard_errors : (..., k)
        From the means of ``BATCHES`` parts of the orbit; NaN where the exponent is −inf.
    mean_log_det : (...)
        Mean of log|det J| on the tangent space, by elimination at each round; NaN if fewer than
        all D(K−1) exponents were asked for.
    final_state : (..., D, K)
        After the last round.
    rounds, burn_in : int
        The exponents are means over the rounds after ``burn_in``.
    status : (...)
        See :meth:`words`. Where the run failed, all numbers are NaN.
    evidence : (...)
        How the exponents were obtained; see :meth:`words`.
    """

    WORDS: ClassVar = {"status": MEANINGS, "evidence": Evidence}
    AXES: ClassVar = {"exponents": 1, "standard_errors": 1, "final_state": 2}

    exponents: FloatArray
    standard_errors: FloatArray
    mean_log_det: FloatArray
    final_state: FloatArray
    rounds: int
    burn_in: int
    status: NDArray[np.int8]
    evidence: NDArray[np.int8]

    @property
    def final_logits(self) -> FloatArray:
        """The policy's logits of ``final_state``, (..., K)."""
        return np.asarray(self.final_state[..., 0, :])

    @property
    def defect(self) -> FloatArray:
        """|Σλ − mean log|det J||, a check on both: 0 up to rounding, (...)."""
        total = self.exponents.sum(axis=-1)
        vanishing = np.isneginf(total) & np.isneginf(self.mean_log_det)
        with np.errstate(invalid="ignore"):
            return np.where(vanishing, 0.0, np.abs(total - self.mean_log_det))

    def _summary(self) -> Lines:
        yield "leading exponent", numbers(self.exponents[..., 0])
        yield "its standard error", numbers(self.standard_errors[..., 0])
        yield "least exponent", numbers(self.exponents[..., -1])
        yield "rounds", f"{self.rounds:,}"
        yield "status", tally(self.words("status"))
        yield "evidence", tally(self.words("evidence"))


def lyapunov_spectrum(
    loop: FeedbackMap,
    start: ArrayLike | None = None,
    rounds: int = 10_000,
    *,
    burn_in: int | None = None,
    exponents: int | None = None,
    start_logits: ArrayLike | None = None,
    start_state: ArrayLike | None = None,
    threads: int | None = None,
) -> LyapunovSpectrum:
    """Return the Lyapunov exponents (..., k) of the orbits from ``start``.

    Parameters
    ----------
    loop
        The maps.
    start, start_logits, start_state
        As for :meth:`alignsim.FeedbackMap.run`.
    rounds
        How many, the burn-in included.
    burn_in
        Rounds that do not count: the orbit finds its attractor in them, and the tangent vectors
        their directions. By default half.
    exponents
        The k largest, 1 ≤ k ≤ D(K−1), D the slots of the state; all by default.
    threads
        At most this many; by default all processors. The result does not depend on it.

    Raises
    ------
    ValueError
        For bad arguments. An orbit that fails numerically gets NaN and a status.

    Notes
    -----
    At α = 0 a round of MRS-IPO forgets all but rank(P − ½) directions, the constant one left out;
    the other exponents are −inf by that count, as is the last of MRS-DPO for even K. Objectives
    declare such a count in their facts.

    Examples
    --------
    A stable fixed point, an invariant circle, chaos:

    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> loop = asim.FeedbackMap(P, beta=[2.0, 4.0, 20.0], alpha=[0.5, 0.5, 0.4])
    >>> spectrum = asim.analysis.lyapunov_spectrum(loop)
    >>> (spectrum.exponents[:, 0].round(1) + 0.0).tolist()
    [-0.3, 0.0, 0.3]
    >>> bool((spectrum.defect < 1e-12).all())
    True
    """
    validation.feedback_map(loop, "loop")
    K, D = loop.responses, loop.scheme.size
    directions = D * (K - 1)
    total = validation.integer(rounds, "rounds", minimum=BATCHES)
    skip = total // 2 if burn_in is None else validation.integer(burn_in, "burn_in", minimum=0)
    if skip > total - BATCHES:
        raise ValueError(
            f"burn_in is {skip}; it must leave {BATCHES} of the {total} rounds to average over"
        )
    wanted = directions
    if exponents is not None:
        wanted = validation.integer(exponents, "exponents", minimum=1)
    if wanted > directions:
        slots = f" in {D} slots" if D > 1 else ""
        raise ValueError(f"exponents is {wanted}; {K} responses{slots} have {directions}")
    workers = thread_count(threads)
    whole, opening = loop.with_start(start, start_logits, start_state)
    if not loop.objective.analysable:
        whole.derivative(opening)  # says why there is none, before the rounds
    flat = whole.part(0, whole.size)
    state = np.array(opening.reshape(-1, loop.width), order="C")
    edges = skip + (total - skip) * np.arange(BATCHES + 1) // BATCHES
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if loop.linear and loop.mixes_references and K <= WIDEST_LANE:
            sums, status = _in_lanes(flat, state, wanted, edges, workers)
        else:
            sums, status = _in_parts(flat, state, wanted, edges, workers)
        growth, volume = sums[..., :wanted], sums[..., -1]
        _vanish(flat, growth, volume)
        means, errors = _batch_means(growth, np.diff(edges))
        order = np.argsort(-means, axis=-1, kind="stable")
        means, errors = (np.take_along_axis(each, order, axis=-1) for each in (means, errors))
        mean_log_det = volume.sum(axis=-1) / (total - skip)
    failed = status != OK
    for values in (state, means, errors, mean_log_det):
        values[failed] = np.nan
    status[~failed & np.isnan(means).any(axis=-1)] = UNRESOLVED
    if wanted < directions:
        mean_log_det[:] = np.nan
    obtained = np.where(failed, Evidence.NOTHING, Evidence.ITERATED).astype(np.int8)
    return LyapunovSpectrum(
        means, errors, mean_log_det, state.reshape(len(state), D, K), total, skip, status, obtained
    ).reshaped(whole.shape)


def leading_exponent(
    loop: FeedbackMap, frames: FloatArray, rows: NDArray[np.intp], threads: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Return the leading exponents along kept rounds, as plain and as smooth means: (n, 2) each.

    ``loop`` is a flat batch, ``frames`` (m, T + 1, D·K) the states of consecutive rounds of its
    maps, ``rows`` (n,) which of them are asked for. A fifth of the rounds is left to the vector to
    find its direction. Beside the plain mean stands its standard error, whatever the orbit does;
    beside the mean with Birkhoff weights, by how much it differs between the two halves: on a
    regular orbit that is many digits less.
    """
    from alignsim.kernels import lanes, tangents

    K, T = loop.responses, frames.shape[1] - 1
    directions = loop.scheme.size * (K - 1)
    each = (T - T // 5) // BATCHES
    count = each * BATCHES
    first = _first_vectors(directions)[:, 0]
    if abreast(loop) > 1:
        growth = np.empty((len(rows), count))
        matrices, which = loop.matrix_table()
        which, vector = which[rows], loop.basis @ first
        parameters = np.stack([loop.alpha, loop.beta * loop.lam], axis=-1)[rows]
        code = lanes.code_for(K, tangents.SMALL)

        def lead(begin: int, end: int) -> None:
            own = slice(begin * tangents.ABREAST, end * tangents.ABREAST)
            tangents.lead_along(
                *code, matrices, which[own], parameters[own], vector, frames, rows[own], growth[own]
            )  # fmt: skip

        in_threads(lead, -(-len(rows) // tangents.ABREAST), threads)
    else:
        both = np.zeros((len(rows), count, 2))
        pieces = np.arange(count - T, count)
        share = max(1, LARGEST_PART // (T * loop.width**2))
        for begin in range(0, len(rows), share):
            own = rows[begin : begin + share]
            vectors = np.tile(first, (len(own), 1, 1))
            slopes = jacobians_along(loop.take(own), frames[own])
            into = both[begin : begin + share]
            tangents.carry_along(slopes, pieces, np.zeros(len(own)), vectors, into)
        growth = both[..., 0]
    parts = growth.reshape(-1, BATCHES, each).sum(axis=-1)
    plain = _batch_means(parts[..., None], np.full(BATCHES, each))
    half = birkhoff_weights(count // 2)
    apart = growth[:, : count // 2] @ half - growth[:, count // 2 :] @ half
    smooth = np.stack([growth @ birkhoff_weights(count), np.abs(apart)], axis=-1)
    return np.concatenate(plain, axis=-1), smooth


def abreast(loop: FeedbackMap) -> int:
    """Return how many orbits :func:`leading_exponent` follows side by side, at the cost of one."""
    from alignsim.kernels.tangents import ABREAST

    return ABREAST if loop.linear and loop.mixes_references else 1


@lru_cache(maxsize=1)
def _first_vectors(directions: int) -> FloatArray:
    """Return orthonormal tangent vectors, the columns of a square, in no special direction.

    A basis that the symmetries of P leave alone would never turn to the directions of growth.
    """
    numbers = np.arange(1.0, directions + 1.0)
    vectors = np.linalg.qr(np.sin(np.outer(numbers, numbers) ** 2))[0]
    vectors.flags.writeable = False
    return np.asarray(vectors)


def _vanish(flat: FeedbackMap, growth: FloatArray, volume: FloatArray) -> None:
    """Set to −inf the growth of the directions that a round of MRS with α = 0 surely forgets.

    Growth that is still lost in rounding makes the volume unknown.
    """
    fact = flat.facts.forgotten
    lost = np.zeros(flat.size, dtype=np.intp)
    if fact is not None and flat.mixes_references and (flat.alpha == 0.0).any():
        lost = np.where(flat.alpha == 0.0, flat.of_matrices(fact.value), 0)
    vanishing = (
        np.arange(growth.shape[-1]) >= (flat.scheme.size * (flat.responses - 1) - lost)[:, None]
    )
    np.copyto(growth, -np.inf, where=vanishing[:, None])
    volume[lost > 0] = -np.inf
    volume[np.isnan(growth).any(axis=-1)] = np.nan


def _batch_means(growth: FloatArray, lengths: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return the mean growth a round (n, k), and the standard errors."""
    means = growth.sum(axis=1) / lengths.sum()
    scatter = growth / lengths[:, None] - means[:, None]
    errors = np.sqrt((scatter**2).sum(axis=1) / (BATCHES * (BATCHES - 1)))
    return means, errors


def _in_lanes(
    flat: FeedbackMap, state: FloatArray, wanted: int, edges: NDArray[np.int64], threads: int
) -> tuple[FloatArray, NDArray[np.int8]]:
    """Return the log growth of each batch of rounds (n, BATCHES, k + 1) and a status each.

    The last entry is that of the volume. ``state`` (n, K) moves on to the end.
    """
    from alignsim.kernels import ipo_lanes, lyapunov

    n, K = state.shape
    carried = K - 1 if K <= lyapunov.SMALL and wanted > 1 else wanted
    first_vectors = (simplex.mean_zero_basis(K) @ _first_vectors(K - 1)).T[:carried]
    vectors = np.repeat(first_vectors[:, None], n, axis=1)
    sums = np.zeros((n, BATCHES, carried + 1))
    arrays = ipo_arrays(flat)
    small = K <= lyapunov.SMALL
    code = ((0,) * K, (0,) * carried, None) if small else (None, None, K)

    total = int(edges[-1])
    stretch = max(1, SLICE // (ipo_lanes.LANES * K * K * (carried + 2)))

    def run(first: int, last: int) -> Iterator[int]:
        abreast = max(1, stretch // total)
        for low in range(first, last, abreast):
            blocks = (low, min(low + abreast, last))
            if total <= stretch:
                lyapunov.run(*code, *arrays, vectors, state, edges, sums, blocks)
                yield total
                continue
            own = slice(*(block * ipo_lanes.LANES for block in blocks))
            part = np.empty((n, 1, carried + 1))
            for begin, end in _pieces(edges, stretch):
                lyapunov.run(
                    *code, *arrays, vectors, state, np.array([0, end - begin]), part, blocks
                )
                if begin >= edges[0]:
                    batch = np.searchsorted(edges, begin, side="right") - 1
                    sums[own, batch] += part[own, 0]
                yield end - begin

    in_threads(run, -(-n // ipo_lanes.LANES), threads)
    status = np.zeros(n, dtype=np.int8)
    mark_failures(state, status)
    return sums, status


def _pieces(edges: NDArray[np.int64], stretch: int) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) from 0 to the last edge, cut at every edge and multiple of ``stretch``.

    >>> list(_pieces(np.array([3, 7, 10]), 4))
    [(0, 3), (3, 4), (4, 7), (7, 8), (8, 10)]
    """
    begin = 0
    for edge in edges.tolist():
        while begin < edge:
            end = min(edge, (begin // stretch + 1) * stretch)
            yield begin, end
            begin = end


def _in_parts(
    flat: FeedbackMap, state: FloatArray, wanted: int, edges: NDArray[np.int64], threads: int
) -> tuple[FloatArray, NDArray[np.int8]]:
    """Return what :func:`_in_lanes` does, for any objective and scheme."""
    from alignsim.kernels import lyapunov, tangents

    n, width = state.shape
    directions = flat.scheme.size * (flat.responses - 1)
    sums = np.zeros((n, BATCHES, wanted + 1))
    status = np.zeros(n, dtype=np.int8)
    stretch = int(np.clip(LARGEST_PART // width**2, 1, LONGEST_STRETCH))
    share = max(1, LARGEST_PART // (stretch * width**2))
    for first in range(0, n, share):
        part = flat.part(first, min(first + share, n))
        own = slice(first, first + share)
        noise = width * lyapunov.ROUNDING * _largest_slopes(part)
        first_vectors = np.ascontiguousarray(_first_vectors(directions)[:, :wanted].T)
        vectors = np.tile(first_vectors, (part.size, 1, 1))
        for begin in range(0, int(edges[-1]), stretch):
            rounds = np.arange(begin, min(begin + stretch, edges[-1]))
            jacobians = _jacobians(part, state[own], status[own], len(rounds), threads)
            batches = np.searchsorted(edges, rounds, side="right") - 1
            tangents.carry_along(jacobians, batches, noise, vectors, sums[own])
    return sums, status


def _largest_slopes(part: FeedbackMap) -> FloatArray:
    """Return how large the terms of a Jacobian are that may cancel, (n,); for MRS α + βλ."""
    sizes = part.scheme.wired().map(np.abs)
    signal = (part.beta * part.lam)[:, None]
    known: list[Any] = [None, *np.eye(part.scheme.size)]
    for reference, opponent in zip(sizes.references, sizes.opponents, strict=True):
        terms = reference.of(known), opponent.of(known)
        held, pulled = (0.0 if term is None else term for term in terms)
        known.append(held + signal * pulled)
    rows = [np.broadcast_to(row.of(known), (part.size, part.scheme.size)) for row in sizes.updates]
    return np.asarray(np.stack(rows, axis=1).sum(axis=-1).max(axis=-1))


def _jacobians(
    part: FeedbackMap,
    state: FloatArray,
    status: NDArray[np.int8],
    rounds: int,
    threads: int,
) -> FloatArray:
    """Run on from ``state`` and return the tangent maps of the rounds (n, rounds, d, d).

    An orbit that fails rests at the reference, with a status.
    """
    schedule = Schedule(kept=np.arange(rounds + 1), burn_in=rounds, threads=threads, whole=True)
    record = iterate(part, state, schedule)
    jacobians = jacobians_along(part, record.frames)
    finite = np.isfinite(jacobians)
    record.status[(record.status == OK) & ~finite.all(axis=(1, 2, 3))] = NOT_FINITE
    status[:] = np.where(status == OK, record.status, status)
    state[:] = np.where((status == OK)[:, None], record.state, part.begin(part.reference_logits))
    return np.where(finite, jacobians, 0.0)
