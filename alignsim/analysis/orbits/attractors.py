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
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.analysis.orbits.classification import Orbit
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.analysis.results import Result
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


def attracted(orbits: Orbit) -> NDArray[np.bool_]:
    """Return which orbits have been decided and do not rest on a point that attracts nothing."""
    resting = (orbits.code == Phase.CONVERGED) & ~(orbits.spectral_radius < 1.0)
    return np.asarray((orbits.code != Phase.UNDECIDED) & ~resting)


def attractors(loop: FeedbackMap, orbits: Orbit, starts: int, threads: int) -> Attractors:
    """Return the attractors that a flat batch of classified orbits lies on.

    ``loop`` and ``orbits`` hold ``starts`` orbits of the first map, then those of the next.
    """
    rows = np.flatnonzero(attracted(orbits))
    seen = _Seen(loop.take(rows), rows // starts, orbits, rows, threads)
    group = seen.groups()
    return _listed(seen, group, _representatives(seen, group), loop.size // starts, starts)


class _Seen:
    """Orbits on their attractors: a point of each, averages, and the keys that tell them apart.

    Attributes
    ----------
    loop : flat batch of r maps
    rows, owner : (r,)
        The place of an orbit, and of its map.
    point : (r, D·K)
        Canonical state of a fixed point or cycle, the last state of other orbits.
    entropy, strength : (r,)
    keys : (r, 2K + 1)
        What tells attractors of one kind apart, in units of the tolerance.
    """

    def __init__(
        self,
        loop: FeedbackMap,
        owner: NDArray[np.intp],
        orbits: Orbit,
        rows: NDArray[np.intp],
        threads: int,
    ) -> None:
        self.loop = loop
        self.owner = owner
        self.rows = rows
        self.threads = threads
        self.code = orbits.code[rows]
        self.period = orbits.period[rows]
        self.turns = orbits.rotation_number[rows]
        self.point = orbits.final_state[rows].reshape(len(rows), loop.width)
        self.entropy = np.full(len(rows), np.nan)
        self.strength = np.full(len(rows), np.nan)
        self.keys = np.zeros((len(rows), 2 * loop.responses + 1))
        self.kind = KIND[self.code]
        self._at_rest(np.flatnonzero(self.kind == POINT))
        self._on_cycles(np.flatnonzero(self.kind == CLOSED))
        self._wandering(np.flatnonzero(self.kind == WANDERING))
        self.point[self.kind == DRIFT] = np.nan

    def groups(self) -> NDArray[np.int64]:
        """Return the group of each orbit, 0, 1, …: (r,)."""
        group = np.asarray(self.owner * len(Phase) + self.kind, dtype=np.int64)
        for values in self.keys.T:
            group = split(group, values)
        return group

    def follow(
        self, rows: NDArray[np.intp], point: FloatArray, rounds: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return ``rounds`` states (r, rounds, D·K) from ``point`` on, and averages over them."""
        kept = np.arange(rounds, dtype=np.int64)
        record = iterate(self.loop.take(rows), point, Schedule(kept, 0, self.threads, whole=True))
        return record.frames, record.averages

    def _at_rest(self, rows: NDArray[np.intp]) -> None:
        self.entropy[rows] = simplex.entropy(self.loop.policy_logits(self.point[rows]))
        self.strength[rows] = 0.0
        self._tell_by_point(rows)

    def _on_cycles(self, rows: NDArray[np.intp]) -> None:
        """Go once around each cycle, and stop at its extremal point."""
        for period in np.unique(self.period[rows]):
            same = rows[self.period[rows] == period]
            share = max(1, int(FRAME_MEMORY // (8 * period * self.loop.width)))
            for begin in range(0, len(same), share):
                some = same[begin : begin + share]
                frames, averages = self.follow(some, self.point[some], int(period))
                self.point[some] = extremal(frames, self.loop.responses)
                self._average(some, averages)
        self.keys[rows, 0] = self.period[rows] / 0.5
        self._tell_by_point(rows)

    def _tell_by_point(self, rows: NDArray[np.intp]) -> None:
        point = self.loop.policy_logits(self.point[rows])
        size = 1.0 + np.abs(point).max(axis=-1, keepdims=True)
        self.keys[rows, 1 : 1 + point.shape[-1]] = point / size / SAME_POINT

    def _wandering(self, rows: NDArray[np.intp]) -> None:
        """Average circles or chaotic orbits over two runs, whose difference tells the error."""
        if not len(rows):
            return
        K = self.loop.responses
        here = self.loop.take(rows)
        schedule = Schedule(np.array([AVERAGED - 1]), 0, self.threads)
        first = iterate(here, self.point[rows], schedule)
        second = iterate(here, here.advance(first.state).value, schedule)
        averages = 0.5 * (first.averages + second.averages)
        self._average(rows, averages)
        halves = [_moments(run.averages, K) for run in (first, second)]
        moments = 0.5 * (halves[0] + halves[1])
        error = 0.5 * np.abs(halves[0] - halves[1]).max(axis=-1)
        amplitude = moments[:, K:].max(axis=-1)
        owner = self.owner[rows]
        tolerance = SAME_AVERAGE * _pooled(amplitude, owner) + ERRORS * _pooled(error, owner)
        self.keys[rows, 1:] = moments / tolerance[:, None]

    def _average(self, rows: NDArray[np.intp], averages: FloatArray) -> None:
        K = self.loop.responses
        self.strength[rows] = averages[:, K : 2 * K].mean(axis=-1)
        self.entropy[rows] = averages[:, 2 * K]


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


def _moments(averages: FloatArray, K: int) -> FloatArray:
    """Return means and standard deviations of the policy: (n, 2K)."""
    return np.concatenate([averages[:, :K], np.sqrt(averages[:, K : 2 * K])], axis=-1)


def _pooled(values: FloatArray, owner: NDArray[np.intp]) -> FloatArray:
    """Return the root of the mean square over all values (r,) of one owner: (r,)."""
    _, place = np.unique(owner, return_inverse=True)
    mean = np.bincount(place, values**2) / np.bincount(place)
    return np.asarray(np.sqrt(mean)[place])


def _representatives(seen: _Seen, group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an orbit of each group that has its most frequent code: the first by its keys."""
    codes = len(Phase)
    groups = int(group.max(initial=-1)) + 1
    frequent = np.bincount(group * codes + seen.code, minlength=groups * codes)
    rare = seen.code != frequent.reshape(groups, codes).argmax(axis=-1)[group]
    order = np.lexsort((*seen.keys.T[::-1], rare, group))
    _, first = np.unique(group[order], return_index=True)
    return np.asarray(order[first])


def _listed(
    seen: _Seen, group: NDArray[np.int64], first: NDArray[np.int64], maps: int, starts: int
) -> Attractors:
    """Return the groups, each told by its orbit ``first``, sorted and padded map by map."""
    K = seen.loop.responses
    points, orbits = _drawn(seen, first)
    owner = seen.owner[first]
    place_along = points @ simplex.asymmetric_direction(K)
    order = np.lexsort(
        (
            place_along.round(POINT_DIGITS),
            seen.entropy[first].round(ENTROPY_DIGITS),
            seen.period[first],
            seen.code[first],
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
        code=padded(seen.code[first], -1),
        period=padded(seen.period[first], 0),
        rotation_number=padded(seen.turns[first], np.nan),
        entropy_mean=padded(seen.entropy[first], np.nan),
        cycle_strength=padded(seen.strength[first], np.nan),
        logits=padded(points, np.nan),
        orbit_logits=padded(orbits, np.nan),
    )


def _drawn(seen: _Seen, first: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return canonical points (g, K) of the attractors and their orbits (g, ORBIT_POINTS, K)."""
    points = seen.point[first]
    orbits = np.full((len(first), ORBIT_POINTS, seen.loop.responses), np.nan)
    wandering = np.flatnonzero(seen.kind[first] == WANDERING)
    if len(wandering):
        frames, _ = seen.follow(first[wandering], points[wandering], ORBIT_POINTS)
        points[wandering] = extremal(frames, seen.loop.responses)
    bounded = np.flatnonzero(seen.kind[first] != DRIFT)
    if len(bounded):
        frames, _ = seen.follow(first[bounded], points[bounded], ORBIT_POINTS)
        orbits[bounded] = seen.loop.policy_logits(frames)
    return seen.loop.policy_logits(points), orbits
