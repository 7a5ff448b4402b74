"""Where a fixed point loses stability and where it regains it, along one parameter.

The test function is ρ − 1. It is continuous along a branch of fixed points, and unlike a label it
can be solved for its zeros. It may have several: raising β or α can restabilise (theory 6.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.analysis.bifurcations.ranges import default_range, in_range, searchable
from alignsim.analysis.bifurcations.searches import minima, roots
from alignsim.analysis.equilibria.stability import stability
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray


class SearchStatus(Code):
    """How much of a range was searched."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNDECIDED = "undecided"


LOST, REGAINED = 1, -1
DIRECTIONS = {LOST: "lost", REGAINED: "regained"}
"""What becomes of stability at a crossing, for a growing parameter."""

SCAN_POINTS = 160
"""Points of the scan along the parameter."""

CHUNK = 1024
"""Maps that are scanned at a time: bounds the memory, and the time until Ctrl-C is heard."""

HEAD_START = 0.05
"""Where the scan of a score that is not linear starts, as a share of the bound for linear ones."""

EXTREMUM_REACH = 4.0
"""An extremum of ρ − 1 is refined if it is at most this multiple of its rise to a neighbour away
from 0. Between three points a parabola dips by 1/8 of that rise, a kink by 1/2."""

ROOT_TOLERANCE = 4e-15
"""Width, relative to the parameter, at which a crossing is known."""

CONTINUOUS, SLOPE = 1e-6, 100.0
"""Largest |ρ − 1| at a crossing that is known to rounding; where it is larger, the branch of fixed
points jumped. At a crossing known to a relative width w, |ρ − 1| may be ``SLOPE`` times w."""

NEUTRAL = 1e-12
"""|ρ − 1| without an anchor that is rounding: the next point decides."""

LARGEST_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False, repr=False)
class Crossings(Result):
    """Where ρ = 1 along one parameter, for a batch of maps.

    Attributes
    ----------
    at : (..., m)
        The parameter at each crossing, ascending, NaN after the last; m is the largest number of
        crossings in the batch.
    direction : (..., m)
        +1 where stability is lost for a growing parameter, −1 where it is regained, 0 after the
        last.
    logits : (..., m, K)
        The fixed point at each crossing.
    status : (...)
        See :meth:`words`: 0 the whole range was searched, 1 a part of it (elsewhere there was no
        fixed point, or the branch of fixed points jumped), 2 none of it.
    searched_to : (...)
        The end of the range, or the last point before the first gap; NaN if undecided.
    along
        The parameter: ``"beta"``, ``"lam"``, or one of the method, as ``"alpha"`` of MRS.
    """

    WORDS: ClassVar = {"direction": DIRECTIONS, "status": SearchStatus}
    AXES: ClassVar = {"at": 1, "direction": 1, "logits": 2}

    at: FloatArray
    direction: NDArray[np.int8]
    logits: FloatArray
    status: NDArray[np.int8]
    searched_to: FloatArray
    along: str

    @property
    def count(self) -> NDArray[np.intp]:
        """How many crossings were found, (...)."""
        return np.asarray((self.direction != 0).sum(axis=-1))

    def _summary(self) -> Lines:
        yield "along", self.along
        yield "count", numbers(self.count)
        yield "at", numbers(self.at[self.direction != 0]) or "nowhere"
        yield "direction", tally(self.words("direction"))
        yield "searched to", numbers(self.searched_to)
        yield "status", tally(self.words("status"))


class _Found(NamedTuple):
    """Crossings of a flat chunk, in any order, and how far each map was searched."""

    which: NDArray[np.intp]
    at: FloatArray
    direction: NDArray[np.int8]
    logits: FloatArray
    status: NDArray[np.int8]
    searched_to: FloatArray


class _Brackets(NamedTuple):
    """Intervals (b,) of the parameter for maps ``which`` (b,), with fixed points to start from.

    ``ends`` (2, b) are the interval's ends, ``tests`` (2, b) the values of ρ − 1 there.
    """

    which: NDArray[np.intp]
    ends: FloatArray
    tests: FloatArray
    logits: FloatArray


def crossings(
    loop: FeedbackMap,
    along: str = "beta",
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    *,
    points: int = SCAN_POINTS,
    tolerance: float = ROOT_TOLERANCE,
) -> Crossings:
    """Return the crossings of ρ = 1 as one parameter grows from ``low`` to ``high``, (..., m).

    ρ − 1 is scanned at ``points`` values, each fixed point started from the one before, and its
    zeros are polished to rounding. A local extremum between the points that may reach 0 is
    refined first, so that a pair of crossings between two points is found if the scan sees the
    dip. β is spaced geometrically (from 0 on: after a jump over values that are known to be
    stable), 1−α geometrically, λ evenly.

    Parameters
    ----------
    loop
        The maps; their own value of the parameter does not matter.
    along
        ``"beta"``, ``"lam"``, or a parameter of the method that is no whole number.
    low, high : (...)
        The range. By default β in [0, 100], α in [0, .999], and the whole range of others.
    points
        Points of the scan, at least 3.
    tolerance
        Width, relative to the parameter, at which a crossing is known; 4e-15 is rounding.

    Raises
    ------
    ValueError
        For another parameter, a range that is empty, leaves the parameter's domain, or reaches
        α = 1, where no fixed point is looked for.

    Examples
    --------
    Raising β ends the oscillation that it began (theory 6.6):

    >>> import alignsim as asim
    >>> import numpy as np
    >>> M = np.zeros((4, 4))
    >>> M[0, 1:] = 0.02
    >>> M[1, 2] = M[2, 3] = M[3, 1] = 0.5
    >>> loop = asim.FeedbackMap(0.5 + M - M.T, beta=1.0, alpha=0.9)
    >>> found = asim.analysis.crossings(loop, along="beta", high=100.0)
    >>> found.at.round(3).tolist(), found.direction.tolist()
    ([2.309, 17.197], [1, -1])
    """
    validation.feedback_map(loop, "loop")
    validation.choice(along, "along", searchable(loop))
    scanned = validation.integer(points, "points", minimum=3)
    share = min(loop.size, CHUNK) * (2 + loop.responses)
    validation.affordable(8.0 * scanned * share, "points", f"is {scanned:,}, and its scan")
    width = validation.number(tolerance, "tolerance", low=ROOT_TOLERANCE, high=LARGEST_TOLERANCE)
    start, end = _range(loop, along, low, high)
    flat = loop.part(0, loop.size)
    parts = []
    for first in range(0, flat.size, CHUNK):
        own = slice(first, first + CHUNK)
        some = flat.part(first, first + CHUNK)
        part = _search(some, along, start[own], end[own], scanned, width)
        parts.append(part._replace(which=part.which + first))
    every = _Found(*map(np.concatenate, zip(*parts, strict=True)))
    order = np.lexsort((every.at, every.which))
    owner = every.which[order]
    column = np.arange(len(owner)) - np.searchsorted(owner, owner)
    shape = (flat.size, int(column.max(initial=-1)) + 1)

    def tabled(values: NDArray[Any], beyond: float) -> NDArray[Any]:
        table = np.full((*shape, *values.shape[1:]), beyond, dtype=values.dtype)
        table[owner, column] = values[order]
        return table

    return Crossings(
        at=tabled(every.at, np.nan),
        direction=tabled(every.direction, 0),
        logits=tabled(every.logits, np.nan),
        status=every.status,
        searched_to=every.searched_to,
        along=along,
    ).reshaped(loop.shape)


def _range(
    loop: FeedbackMap, along: str, low: ArrayLike | None, high: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Return the checked ends of the search, (n,) each."""
    least, most = default_range(loop, along)
    ends = {
        "low": in_range(loop, along, least if low is None else low, "low"),
        "high": in_range(loop, along, most if high is None else high, "high"),
    }
    shape = validation.batch_shape(
        {"the map": loop.shape, **{name: end.shape for name, end in ends.items()}}
    )
    if shape != loop.shape:
        raise ValueError(
            f"low and high have batch shape {shape}; the map has {loop.shape}: give one range a map"
        )
    start, end = (np.broadcast_to(values, shape).ravel() for values in ends.values())
    if (start >= end).any():
        i = int(np.argmax(start >= end))
        raise ValueError(f"low is {start[i]:.12g} and high {end[i]:.12g}; low must be less")
    if along == "alpha" and loop.mixes_references and (end == 1.0).any():
        raise ValueError(
            "high is 1; at alpha = 1 no fixed point is looked for: end the range below it"
        )
    return start, end


def _search(
    flat: FeedbackMap,
    along: str,
    low: FloatArray,
    high: FloatArray,
    points: int,
    tolerance: float,
) -> _Found:
    """Return the crossings of a flat batch."""
    grid = _grid(flat, along, low, high, points)
    tests = np.empty(grid.shape)
    logits = np.empty((*grid.shape, flat.responses))
    start = flat.reference_logits
    for i, values in enumerate(grid):
        tests[i], logits[i] = _test(flat, along, values, start)
        start = np.where(np.isfinite(logits[i]), logits[i], start)
    if along == "beta" and not flat.mixes_references:
        loose = ~flat.scheme.rest().anchored
        for i in range(points - 2, -1, -1):  # at β = 0 nothing moves, and near it little
            tests[i] = np.where(loose & (np.abs(tests[i]) <= NEUTRAL), tests[i + 1], tests[i])
        tests[0] = np.where(loose & (grid[0] == 0.0), tests[1], tests[0])
    brackets = _join(_changes(grid, tests, logits), _dips(flat, along, grid, tests, logits))
    at = roots(
        lambda x, part: _test(
            flat.take(brackets.which[part]), along, x, brackets.logits[part]
        )[0],
        brackets.ends, brackets.tests, xrtol=tolerance,
    ).x  # fmt: skip
    at = np.where(np.isfinite(at), at, brackets.ends[1])
    test, points_at = (
        _test(flat.take(brackets.which), along, at, brackets.logits)
        if len(at)
        else (at, brackets.logits)
    )
    smooth = np.abs(test) <= max(CONTINUOUS, SLOPE * tolerance)
    known = np.isfinite(tests)
    gaps = np.where(known, np.inf, grid).min(axis=0)
    np.minimum.at(gaps, brackets.which[~smooth], brackets.ends[1, ~smooth])
    reach = np.where((grid < gaps) & known, grid, -np.inf).max(axis=0)
    status = np.where(
        np.isinf(gaps),
        SearchStatus.COMPLETE,
        np.where(known.any(axis=0), SearchStatus.PARTIAL, SearchStatus.UNDECIDED),
    )
    direction = np.where(brackets.tests[0] < 0.0, LOST, REGAINED)
    return _Found(
        brackets.which[smooth],
        at[smooth],
        direction[smooth].astype(np.int8),
        points_at[smooth],
        status.astype(np.int8),
        np.where(np.isfinite(reach), reach, np.nan),
    )


def _grid(
    flat: FeedbackMap, along: str, low: FloatArray, high: FloatArray, points: int
) -> FloatArray:
    """Return where ρ is computed, ascending: (points, n)."""
    share = np.linspace(0.0, 1.0, points)[:, None]
    if along == "alpha":
        grid = 1.0 - (1.0 - low) ** (1.0 - share) * (1.0 - high) ** share
    elif along != "beta":
        grid = low + share * (high - low)
    else:
        first = np.where(low > 0.0, low, _stable_beta(flat, high))
        grid = first ** (1.0 - share) * high**share
    grid[0], grid[-1] = low, high
    return np.asarray(grid)


def _stable_beta(flat: FeedbackMap, high: FloatArray) -> FloatArray:
    """Return a β (n,) up to which the fixed point of a linear score is known to be stable.

    Of other scores it is supposed; if that is wrong, the first interval of the scan shows it.

    For preference matrices ω ≤ 2·max|P − ½|/π (theory 6.3). For any payoffs MRS has
    ρ ≤ α + ½βλ‖P − ½‖. Of a scheme whose limit is not known nothing is.
    """
    margins = flat.P - 0.5
    skew = np.abs(margins + np.swapaxes(margins, -1, -2)).max(axis=(-2, -1)) <= 1e-12
    limit = flat.scheme.limit()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        universal = np.pi * limit / (2.0 * np.abs(margins).max(axis=(-2, -1)))
        norm: FloatArray | float = 0.0
        if flat.mixes_references:
            norm = 2.0 * (1.0 - flat.alpha) / np.linalg.norm(margins, axis=(-2, -1))
        bound = np.where(skew, universal, norm) / flat.lam
    share = 1.0 if flat.linear else HEAD_START
    return np.clip(np.nan_to_num(share * bound, nan=0.0, posinf=np.inf), 1e-9 * high, high)


def _test(
    flat: FeedbackMap, along: str, values: FloatArray, start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return ρ − 1 (n,) and the fixed points (n, K) with the parameter at ``values`` (n,)."""
    changes: dict[str, FloatArray] = {along: values}
    maps = flat.replace(**changes)
    local = stability(maps, start)
    return -local.margin, local.fixed_point.logits


def _changes(grid: FloatArray, tests: FloatArray, logits: FloatArray) -> _Brackets:
    """Return the intervals of the scan over which the sign changes."""
    known = np.isfinite(tests)
    unstable = tests >= 0.0
    row, which = np.nonzero(known[:-1] & known[1:] & (unstable[:-1] != unstable[1:]))
    return _Brackets(
        which,
        np.stack([grid[row, which], grid[row + 1, which]]),
        np.stack([tests[row, which], tests[row + 1, which]]),
        logits[row, which],
    )


def _dips(
    flat: FeedbackMap, along: str, grid: FloatArray, tests: FloatArray, logits: FloatArray
) -> _Brackets:
    """Return the intervals on both sides of extrema that reach across 0 between scan points.

    Each is a minimum of |ρ − 1| between the neighbours of the scan's extremum.
    """
    size = np.abs(tests)
    side = np.where(tests >= 0.0, 1.0, -1.0)
    left, middle, right = size[:-2], size[1:-1], size[2:]
    with np.errstate(invalid="ignore", over="ignore"):
        rise = np.fmax(left, right) - middle
        extreme = (middle <= left) & (middle <= right) & (middle <= EXTREMUM_REACH * rise)
        extreme &= (side[:-2] == side[1:-1]) & (side[1:-1] == side[2:]) & (rise > 0.0)
    row, which = np.nonzero(extreme)
    near = row + np.arange(3)[:, None]
    sign, start = side[row + 1, which], logits[row + 1, which]
    lowest = minima(
        lambda x, part: sign[part] * _test(flat.take(which[part]), along, x, start[part])[0],
        grid[near, which],
        size[near, which],
    )
    hit = np.flatnonzero(lowest.f_x < 0.0)
    row, which = row[hit], which[hit]
    across, value = lowest.x[hit], sign[hit] * lowest.f_x[hit]
    return _join(
        _Brackets(
            which,
            np.stack([grid[row, which], across]),
            np.stack([tests[row, which], value]),
            logits[row, which],
        ),
        _Brackets(
            which,
            np.stack([across, grid[row + 2, which]]),
            np.stack([value, tests[row + 2, which]]),
            logits[row + 2, which],
        ),
    )


def _join(first: _Brackets, second: _Brackets) -> _Brackets:
    return _Brackets(
        np.concatenate([first.which, second.which]),
        np.concatenate([first.ends, second.ends], axis=1),
        np.concatenate([first.tests, second.tests], axis=1),
        np.concatenate([first.logits, second.logits]),
    )
