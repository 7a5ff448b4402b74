"""Which orbits lie on the same attractor.

Orbits are put together feature by feature: those of one map whose sorted values leave no gap wider
than a tolerance stay together. That depends neither on the order of the orbits nor on which of
them came first. Fixed points and cycles are told apart by a point of theirs; circles and chaotic
attractors by the time averages of their policies, which tell apart more than a rotation number and
a cycle strength: mirror images share those. What tells them apart is the policy's part of a state.
Orbits that drift are near no attractor in the space of logits, and are one group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.orbits.classification import Orbit
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.analysis.results import Result
from alignsim.batching import Batched
from alignsim.feedback import FeedbackMap
from alignsim.feedback.engines import Schedule, iterate
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray

Scalar = TypeVar("Scalar", bound=np.generic)

SAME_POINT = 1e-6
"""Fixed points, and extremal points of cycles, are one where z/(1 + max|z|) agrees to this."""

AVERAGED = 4096
"""Rounds in each of the two runs from which circles and chaotic attractors are averaged."""

SAME_AVERAGE = 1e-2
"""Means and deviations of policies are one to this share of the amplitude,"""

ERRORS = 6.0
"""and to this many standard errors, which the difference of the two runs tells."""

ORBIT_POINTS = 512
"""States of each attractor that are kept."""

FRAME_MEMORY = 2**25
"""Bytes of frames held at a time."""

ENTROPY_DIGITS = 3
POINT_DIGITS = 6
"""Decimals that count in the order of attractors: finer ones differ from start to start."""


POINT, CLOSED, WANDERING, DRIFT = range(4)
KIND = np.full(len(Phase), -1)
KIND[[Phase.CONVERGED, Phase.CYCLE, Phase.LOCKED]] = POINT, CLOSED, CLOSED
KIND[[Phase.CIRCLE, Phase.CHAOTIC, Phase.DRIFTING]] = WANDERING, WANDERING, DRIFT
"""What is compared to tell orbits of a code apart. Two codes of one kind may be told of one
attractor, of which some orbits were decided earlier than others; it has the more frequent one."""


@dataclass(frozen=True, eq=False, repr=False)
class Attractors(Result):
    """The attractors of n maps, of each of which m orbits were classified; A the largest number.

    The fields are those of :class:`~alignsim.analysis.Basins` of the same names; ``orbit_logits``
    has ``ORBIT_POINTS`` states.
    """

    WORDS: ClassVar = {"code": Phase}
    AXES: ClassVar[Mapping[str, int | None]] = {
        **dict.fromkeys(("label", "code", "period"), 1),
        **dict.fromkeys(("rotation_number", "entropy_mean", "cycle_strength"), 1),
        "logits": 2,
        "orbit_logits": 3,
    }
    _batch = "count"

    label: NDArray[np.int64]
    count: NDArray[np.int64]
    code: NDArray[np.int8]
    period: NDArray[np.int64]
    rotation_number: FloatArray
    entropy_mean: FloatArray
    cycle_strength: FloatArray
    logits: FloatArray
    orbit_logits: FloatArray

    def _summary(self) -> Lines:
        yield "count", numbers(self.count)
        yield "code", tally(self.words("code"))


@dataclass(frozen=True, eq=False)
class Ends(Batched):
    """Where n orbits end, each by itself; NaN for what is not attracted.

    Attributes
    ----------
    code, period, rotation_number, reason_code, evidence : (n,)
        As of :class:`~alignsim.analysis.Orbit`.
    attracted : (n,)
        Whether it has been decided and does not rest on a point that attracts nothing.
    point : (n, D·K)
        A point of the attractor: of a fixed point or a cycle the same from every start. NaN for
        orbits that drift.
    entropy, strength : (n,)
        Time averages of the entropy and of the variance of the policy; not of what drifts.
    moments : (n, 2K)
        Means and standard deviations of the policy in time, of circles and chaotic attractors.
    error : (n,)
        Largest standard error of these.
    """

    AXES: ClassVar = {"point": 1, "moments": 1}

    code: NDArray[np.int8]
    period: NDArray[np.int64]
    rotation_number: FloatArray
    reason_code: NDArray[np.int8]
    evidence: NDArray[np.int8]
    attracted: NDArray[np.bool_]
    point: FloatArray
    entropy: FloatArray
    strength: FloatArray
    moments: FloatArray
    error: FloatArray


def ends(loop: FeedbackMap, orbits: Orbit, threads: int) -> Ends:
    """Return where a flat batch of classified orbits ends."""
    n, K = loop.size, loop.responses
    resting = (orbits.code == Phase.CONVERGED) & ~(orbits.spectral_radius < 1.0)
    attracted = (orbits.code != Phase.UNDECIDED) & ~resting
    kind = np.where(attracted, KIND[orbits.code], -1)
    state = orbits.final_state.reshape(n, loop.width)
    found = Ends(
        code=orbits.code,
        period=orbits.period,
        rotation_number=orbits.rotation_number,
        reason_code=orbits.reason_code,
        evidence=orbits.evidence,
        attracted=attracted,
        point=np.where((kind >= 0)[:, None] & (kind != DRIFT)[:, None], state, np.nan),
        entropy=np.full(n, np.nan),
        strength=np.full(n, np.nan),
        moments=np.full((n, 2 * K), np.nan),
        error=np.full(n, np.nan),
    )
    at_rest = kind == POINT
    found.entropy[at_rest] = simplex.entropy(loop.policy_logits(found.point[at_rest]))
    found.strength[at_rest] = 0.0
    _go_around(loop, found, np.flatnonzero(kind == CLOSED), threads)
    _average(loop, found, np.flatnonzero(kind == WANDERING), threads)
    return found


def _follow(
    loop: FeedbackMap, point: FloatArray, rounds: int, threads: int
) -> tuple[FloatArray, FloatArray]:
    """Return ``rounds`` states (n, rounds, D·K) from ``point`` on, and averages over them."""
    kept = np.arange(rounds, dtype=np.int64)
    record = iterate(loop, point, Schedule(kept, 0, threads, whole=True))
    return record.frames, record.averages


def _go_around(loop: FeedbackMap, found: Ends, rows: NDArray[np.intp], threads: int) -> None:
    """Go once around each cycle, and stop at its extremal point."""
    K = loop.responses
    for period in np.unique(found.period[rows]):
        same = rows[found.period[rows] == period]
        share = max(1, int(FRAME_MEMORY // (8 * period * loop.width)))
        for begin in range(0, len(same), share):
            some = same[begin : begin + share]
            frames, averages = _follow(loop.take(some), found.point[some], int(period), threads)
            found.point[some] = extremal(frames, K)
            _put_averages(found, some, averages, K)


def _average(loop: FeedbackMap, found: Ends, rows: NDArray[np.intp], threads: int) -> None:
    """Average circles or chaotic orbits over two runs, whose difference tells the error."""
    if not len(rows):
        return
    here = loop.take(rows)
    schedule = Schedule(np.array([AVERAGED - 1]), 0, threads)
    first = iterate(here, found.point[rows], schedule)
    second = iterate(here, here.advance(first.state).value, schedule)
    halves = [_moments(run.averages, loop.responses) for run in (first, second)]
    found.moments[rows] = 0.5 * (halves[0] + halves[1])
    found.error[rows] = 0.5 * np.abs(halves[0] - halves[1]).max(axis=-1)
    _put_averages(found, rows, 0.5 * (first.averages + second.averages), loop.responses)


def _put_averages(found: Ends, rows: NDArray[np.intp], averages: FloatArray, K: int) -> None:
    found.strength[rows] = averages[:, K : 2 * K].mean(axis=-1)
    found.entropy[rows] = averages[:, 2 * K]


def _moments(averages: FloatArray, K: int) -> FloatArray:
    """Return means and standard deviations of the policy: (n, 2K)."""
    return np.concatenate([averages[:, :K], np.sqrt(averages[:, K : 2 * K])], axis=-1)


def attractors(loop: FeedbackMap, found: Ends, starts: int, threads: int) -> Attractors:
    """Return the attractors of a flat batch of maps.

    ``found`` has the ends of ``starts`` orbits of the first map, then those of the next.
    """
    rows = np.flatnonzero(found.attracted)
    seen = _Seen(loop, rows, rows // starts, found.taken(rows))
    group = seen.groups()
    return _listed(seen, group, _representatives(seen, group), starts, threads)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Orbits on attractors.

    Attributes
    ----------
    loop
        A flat batch of maps.
    rows, owner : (r,)
        The place of an orbit, and of its map.
    ends
        Of these orbits.
    """

    loop: FeedbackMap
    rows: NDArray[np.intp]
    owner: NDArray[np.intp]
    ends: Ends

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        """What is compared, (r,)."""
        return np.asarray(KIND[self.ends.code])

    @cached_property
    def keys(self) -> FloatArray:
        """What tells attractors of one kind apart, in units of the tolerance: (r, 2K + 1)."""
        K = self.loop.responses
        keys = np.zeros((len(self.rows), 2 * K + 1))
        still = (self.kind == POINT) | (self.kind == CLOSED)
        point = self.loop.policy_logits(self.ends.point[still])
        size = 1.0 + np.abs(point).max(axis=-1, keepdims=True)
        keys[still, 1 : 1 + K] = point / size / SAME_POINT
        closed = self.kind == CLOSED
        keys[closed, 0] = self.ends.period[closed] / 0.5
        wandering = self.kind == WANDERING
        moments, error = self.ends.moments[wandering], self.ends.error[wandering]
        owner = self.owner[wandering]
        amplitude = moments[:, K:].max(axis=-1, initial=0.0)
        tolerance = SAME_AVERAGE * _pooled(amplitude, owner) + ERRORS * _pooled(error, owner)
        keys[wandering, 1:] = moments / tolerance[:, None]
        return keys

    def groups(self) -> NDArray[np.int64]:
        """Return the group of each orbit, 0, 1, …: (r,)."""
        group = np.asarray(self.owner * len(Phase) + self.kind, dtype=np.int64)
        for values in self.keys.T:
            group = split(group, values)
        return group


def split(group: NDArray[np.int64], values: FloatArray) -> NDArray[np.int64]:
    """Return groups (r,) refined: sorted values more than 1 apart part their neighbours.

    >>> split(np.array([0, 0, 0, 1]), np.array([5.0, 0.0, 0.9, 0.5])).tolist()
    [1, 0, 0, 2]
    """
    order = np.lexsort((values, group))
    apart = (np.diff(group[order]) != 0) | (np.diff(values[order]) > 1.0)
    refined = np.empty(len(group), dtype=np.int64)
    refined[order] = np.concatenate([[0], np.cumsum(apart)])[: len(group)]
    return refined


def extremal(frames: FloatArray, responses: int) -> FloatArray:
    """Return the state (n, D·K) of (n, f, D·K) whose policy lies farthest along a direction.

    That is :func:`alignsim.simplex.asymmetric_direction`.
    """
    along = frames[..., :responses] @ simplex.asymmetric_direction(responses)
    return np.asarray(frames[np.arange(len(frames)), along.argmax(axis=-1)])


def _pooled(values: FloatArray, owner: NDArray[np.intp]) -> FloatArray:
    """Return the root of the mean square over all values (r,) of one owner: (r,)."""
    _, place = np.unique(owner, return_inverse=True)
    mean = np.bincount(place, values**2) / np.bincount(place)
    return np.asarray(np.sqrt(mean)[place])


def _representatives(seen: _Seen, group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an orbit of each group that has its most frequent code: the first by its keys."""
    codes = len(Phase)
    groups = int(group.max(initial=-1)) + 1
    code = seen.ends.code
    frequent = np.bincount(group * codes + code, minlength=groups * codes)
    rare = code != frequent.reshape(groups, codes).argmax(axis=-1)[group]
    order = np.lexsort((*seen.keys.T[::-1], rare, group))
    _, first = np.unique(group[order], return_index=True)
    return np.asarray(order[first])


def _listed(
    seen: _Seen, group: NDArray[np.int64], first: NDArray[np.int64], starts: int, threads: int
) -> Attractors:
    """Return the groups, each told by its orbit ``first``, sorted and padded map by map."""
    maps, K = seen.loop.size, seen.loop.responses
    points, orbits = _drawn(seen, first, threads)
    told = seen.ends.taken(first)
    owner = seen.owner[first]
    place_along = points @ simplex.asymmetric_direction(K)
    order = np.lexsort(
        (
            place_along.round(POINT_DIGITS),
            told.entropy.round(ENTROPY_DIGITS),
            told.period,
            told.code,
            owner,
        )
    )
    count = np.bincount(owner, minlength=maps)
    number = np.empty(len(first), dtype=np.int64)
    number[order] = np.arange(len(first)) - (np.cumsum(count) - count)[owner[order]]
    label = np.full(maps * starts, -1, dtype=np.int64)
    label[seen.rows] = number[group]
    shape = (maps, int(count.max(initial=0)))

    def padded(values: NDArray[Scalar], fill: float) -> NDArray[Scalar]:
        table = np.full((*shape, *values.shape[1:]), fill, dtype=values.dtype)
        table[owner, number] = values
        return table

    return Attractors(
        label=label.reshape(maps, starts),
        count=count,
        code=padded(told.code, -1),
        period=padded(told.period, 0),
        rotation_number=padded(told.rotation_number, np.nan),
        entropy_mean=padded(told.entropy, np.nan),
        cycle_strength=padded(told.strength, np.nan),
        logits=padded(points, np.nan),
        orbit_logits=padded(orbits, np.nan),
    )


def _drawn(seen: _Seen, first: NDArray[np.int64], threads: int) -> tuple[FloatArray, FloatArray]:
    """Return canonical points (g, K) of the attractors and their orbits (g, ORBIT_POINTS, K)."""
    K = seen.loop.responses
    loop, points, kind = seen.loop.take(seen.owner[first]), seen.ends.point[first], seen.kind[first]
    orbits = np.full((len(first), ORBIT_POINTS, K), np.nan)
    wandering = np.flatnonzero(kind == WANDERING)
    if len(wandering):
        frames, _ = _follow(loop.take(wandering), points[wandering], ORBIT_POINTS, threads)
        points[wandering] = extremal(frames, K)
    bounded = np.flatnonzero(kind != DRIFT)
    if len(bounded):
        frames, _ = _follow(loop.take(bounded), points[bounded], ORBIT_POINTS, threads)
        orbits[bounded] = loop.policy_logits(frames)
    return loop.policy_logits(points), orbits
