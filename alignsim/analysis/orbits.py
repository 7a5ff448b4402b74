"""What an orbit does in the long run: converge, cycle, turn on a circle, lock, wander, drift.

Questions are asked in a fixed order, the exact ones first: the multipliers of the fixed point say
how long a transient lasts; a cycle counts once Newton's method has closed it and its multipliers
lie inside the unit circle; a rotation number counts once two halves of the window agree on it and
nearby orbits stay together, for the phases of chaos can be as regular as a clock; a positive
Lyapunov exponent counts once it exceeds three standard errors. A small step decides nothing. What
no question settles is undecided, with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis import evidence
from alignsim.analysis.approach import WINDOW, approaches
from alignsim.analysis.certificates import certificates
from alignsim.analysis.cycles import Cycle, polish
from alignsim.analysis.evidence import MEANINGS as EVIDENCE
from alignsim.analysis.lyapunov import leading_exponent
from alignsim.analysis.results import Result
from alignsim.analysis.rotation import (
    birkhoff_weights,
    critical_plane,
    denominators,
    dominant_frequency,
    principal_plane,
)
from alignsim.analysis.stability import Stability, stability
from alignsim.feedback import FeedbackMap
from alignsim.feedback.engines import Record, Schedule, available_threads, iterate
from alignsim.kernels.status import OK
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray, at

CONVERGED, CYCLE, CIRCLE, LOCKED, CHAOTIC, DRIFTING, UNDECIDED = range(7)
MEANINGS = {
    CONVERGED: "converged",
    CYCLE: "cycle",
    CIRCLE: "invariant_circle",
    LOCKED: "locked",
    CHAOTIC: "chaotic",
    DRIFTING: "drifting",
    UNDECIDED: "undecided",
}
OSCILLATING = (CYCLE, CIRCLE, LOCKED, CHAOTIC)
"""The phases of attractors that move."""

DECIDED, TRANSIENT, AT_REST, IRREGULAR, FAILED = range(5)
REASONS = {
    DECIDED: "decided",
    TRANSIENT: "the transient has not ended; give more rounds",
    AT_REST: "it rests on a fixed point that repels; start elsewhere",
    IRREGULAR: (
        "it is neither regular nor is its Lyapunov exponent positive beyond three standard "
        "errors; give more rounds"
    ),
    FAILED: "the run failed numerically; see FeedbackMap.run(...).reason",
}

FIRST_LOOK = 384
"""Rounds after which the orbits that have converged by then leave."""

SECOND_LOOK = 3000
"""Rounds at the next look; then twice as many each time."""

SHORTEST_WINDOW = 1024
LONGEST_WINDOW = 65536
"""Rounds in the window from which an orbit is classified; it doubles with the rounds."""

CHAOS_WINDOW = 4096
"""The window from which on chaos is looked for although rounds are left."""

PERIODS = 64
"""Longest period looked for in a window of ``SHORTEST_WINDOW``; eight times as many above."""

TRANSIENT_FACTOR = np.log(1e10)
LONGEST_TRANSIENT = 1e6
"""A transient is followed until it has shrunk by 1e10, for at most so many rounds."""

TIGHT = 1e-7
"""A return closer than this share of the orbit's size is taken for a closed cycle."""

REST = 1e-9
"""Residual, in units of 1 − α, of a fixed point on which an orbit rests."""

POINT = 1e-9
"""Size of an orbit, as a span of logits, that is called a point."""

ROUND_CIRCLE = 0.05
"""An orbit winds around a point when its least radius is above this share of the largest."""

REGULAR_DIGITS = 8.0
LAST_DIGITS = 6.0
"""Decimal digits to which two halves of a window must agree on the rotation, and those that are
enough once rounds have run out."""

IRREGULAR_DIGITS = 4.0
"""With no more digits an orbit is called irregular."""

STEADY = 1e-4
"""Relative change of the mean squared radius, from half to half, of an orbit that has settled."""

DRIFTLESS = 0.05
"""Difference of the means of its two halves, in standard deviations, of what does not drift."""

PARTING = 10.0
"""Nearby orbits part when their distance grows by more than e^10 over the rounds looked at."""

SPARSE = 5
"""Every such frame is enough to find the plane of an orbit."""

FEWEST_TURNS = 2.0
"""Turns in a window from which an orbit is said to turn at all."""

RATIONAL = 1e-8
"""A rotation number this close to a fraction may be locked."""

FRAME_MEMORY = 2**24
"""Bytes of frames held at a time."""


@dataclass(frozen=True, repr=False)
class Orbit(Result):
    """The long-run behaviour of a batch of orbits.

    Attributes
    ----------
    code : (...)
        The phase as a number; see :attr:`phase`.
    period : (...)
        Rounds after which the attractor repeats: 1 for a fixed point, 0 where it never does.
    rotation_number : (...)
        Turns a round, in [0, ½], around the fixed point (or, for an orbit that winds around
        nothing, its strongest frequency); NaN where the orbit does not turn.
    rotation_digits : (...)
        Decimal digits to which the two halves of the window agree on it.
    cycle_strength : (...)
        Time variance of the policy on the attractor, averaged over coordinates.
    amplitude : (...)
        Largest standard deviation in time of a policy coordinate.
    entropy_mean, entropy_min : (...)
        Over the attractor, in nats.
    spectral_radius : (...)
        Largest modulus of a multiplier of the attracting fixed point or cycle, else NaN.
    exponent, exponent_error : (...)
        Leading Lyapunov exponent and its standard error, where it had to decide, else NaN.
    rounds : (...)
        Rounds that were looked at.
    final_logits : (..., K)
        A point of the attractor, where it was found; else the last state.
    evidence : (...)
        How the phase was obtained; see :meth:`words`, :mod:`alignsim.analysis.evidence`.
    reason_code : (...)
        Why an orbit is undecided; see :meth:`reason`.
    stability : Stability
        Of the fixed point beside the orbit.
    """

    WORDS: ClassVar = {"code": MEANINGS, "evidence": EVIDENCE, "reason_code": REASONS}
    _batch = "code"

    code: NDArray[np.int8]
    period: NDArray[np.int64]
    rotation_number: FloatArray
    rotation_digits: FloatArray
    cycle_strength: FloatArray
    amplitude: FloatArray
    entropy_mean: FloatArray
    entropy_min: FloatArray
    spectral_radius: FloatArray
    exponent: FloatArray
    exponent_error: FloatArray
    rounds: NDArray[np.int64]
    final_logits: FloatArray
    evidence: NDArray[np.int8]
    reason_code: NDArray[np.int8]
    stability: Stability

    @property
    def phase(self) -> NDArray[np.str_]:
        """The phase in words, (...)."""
        return self.words("code")

    @property
    def oscillates(self) -> NDArray[np.bool_]:
        """Whether the attractor is one that moves: a cycle, a circle, locked or chaotic, (...)."""
        return np.asarray(np.isin(self.code, OSCILLATING))

    @property
    def final(self) -> FloatArray:
        """The policy of ``final_logits``, (..., K)."""
        return simplex.softmax(self.final_logits)

    def reason(self, index: tuple[int, ...] | int = ()) -> str:
        """Return why the orbit at ``index`` is undecided, or that it is not."""
        place = index if isinstance(index, tuple) else (index,)
        if len(place) != self.code.ndim:
            raise ValueError(
                f"index is {index}; the batch has shape {self.code.shape}: one number an axis"
            )
        where = f"orbit {at(place)}: " if place else ""
        return f"{where}{REASONS[int(self.reason_code[place])]}"

    def _summary(self) -> Lines:
        yield "phase", tally(self.phase)
        yield "reason", tally(np.where(self.code == UNDECIDED, self.words("reason_code"), ""))
        yield "period", numbers(np.where(self.period > 0, self.period, np.nan))
        yield "rotation number", numbers(self.rotation_number)
        yield "exponent", numbers(self.exponent)
        yield "exponent error", numbers(self.exponent_error)
        yield "evidence", tally(self.words("evidence"))


def classify(
    loop: FeedbackMap,
    start: ArrayLike | None = None,
    rounds: int | None = None,
    *,
    start_logits: ArrayLike | None = None,
    threads: int | None = None,
) -> Orbit:
    """Return what the orbits from ``start`` do in the long run.

    Parameters
    ----------
    loop
        A batch of maps.
    start, start_logits : (..., K)
        As for :meth:`~alignsim.FeedbackMap.run`.
    rounds
        At most this many; by default as many as the multipliers of the fixed point ask for, up to
        a million. An orbit that is decided earlier is not followed further.
    threads
        At most this many. The result does not depend on it.

    Raises
    ------
    ValueError
        For bad arguments. An orbit that fails numerically is undecided, with a reason.

    Notes
    -----
    *converged*: near a stable fixed point and shrinking as its spectral radius demands. *locked*:
    a cycle that winds around an unstable fixed point, a mode-locked invariant circle; *cycle*:
    any other. *drifting*: α = 1, where nothing anchors the logits. Collapse is no phase: see
    :func:`alignsim.analysis.collapse`.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> loop = asim.FeedbackMap(P, beta=[2.9, 3.1], alpha=0.5)
    >>> seen = asim.analysis.classify(loop)
    >>> seen.phase.tolist(), seen.rotation_number.round(4).tolist()
    (['converged', 'invariant circle'], [nan, 0.1674])
    """
    validation.feedback_map(loop, "loop")
    limit = None if rounds is None else validation.integer(rounds, "rounds", minimum=0)
    workers = (
        available_threads()
        if threads is None
        else validation.integer(threads, "threads", minimum=1)
    )
    whole, logits = loop.with_start(start, start_logits)
    local = stability(whole)
    search = _Search(
        whole.part(0, whole.size), logits.reshape(-1, loop.responses), local, limit, workers
    )
    for target, window in search.levels():
        search.look(target, window)
    return search.result(whole.shape)


class _Search:
    """Orbits of a flat batch, followed until each is decided or out of rounds."""

    def __init__(
        self,
        loop: FeedbackMap,
        start: FloatArray,
        local: Stability,
        limit: int | None,
        threads: int,
    ) -> None:
        n = loop.size
        self.loop = loop
        self.threads = threads
        self.local = local
        self.fixed = local.fixed_point.logits.reshape(start.shape)
        self.radius = local.spectral_radius.ravel()
        self.state = np.array(start)
        self.budget = np.full(n, limit) if limit is not None else _budget(self.radius)
        self.spent = np.zeros(n, dtype=np.int64)
        self.code = np.full(n, UNDECIDED, dtype=np.int8)
        self.reason = np.full(n, TRANSIENT, dtype=np.int8)
        self.evidence = np.full(n, evidence.NOTHING, dtype=np.int8)
        self.period = np.zeros(n, dtype=np.int64)
        self.turns = np.full(n, np.nan)
        self.digits = np.full(n, np.nan)
        self.strength = np.full(n, np.nan)
        self.amplitude = np.full(n, np.nan)
        self.entropies = np.full((n, 2), np.nan)
        self.multiplier = np.full(n, np.nan)
        self.exponent = np.full((n, 2), np.nan)

    # Rounds

    def levels(self) -> Iterator[tuple[int, int]]:
        """Yield rounds to go to and the window to look at then, while orbits are undecided."""
        longest = int(self.budget.max())
        window, goal, target = SHORTEST_WINDOW, SECOND_LOOK, 0
        if longest >= FIRST_LOOK + SHORTEST_WINDOW:
            target = FIRST_LOOK
            yield target, WINDOW
        while target < longest and len(self.active):
            target = min(goal, longest)
            yield target, window
            goal *= 2
            window = min(2 * window, LONGEST_WINDOW)

    @property
    def active(self) -> NDArray[np.intp]:
        """The orbits that are undecided and have rounds left."""
        open_ = (self.code == UNDECIDED) & (self.reason == TRANSIENT)
        return np.flatnonzero(open_ & (self.spent < self.budget))

    def look(self, target: int, window: int) -> None:
        """Follow the undecided orbits to round ``target`` and judge them by a last window."""
        going = self.active
        share = max(1, FRAME_MEMORY // (8 * (window + 1) * self.loop.responses))
        for first in range(0, len(going), share):
            which = going[first : first + share]
            for goal in np.unique(np.minimum(self.budget[which], target)):
                own = which[np.minimum(self.budget[which], target) == goal]
                self._look(own, int(goal), window)

    def _look(self, which: NDArray[np.intp], goal: int, window: int) -> None:
        part = self.loop.take(which)
        ahead = goal - int(self.spent[which[0]])
        record = _follow(part, self.state[which], ahead, window, self.threads)
        self.state[which] = record.state
        self.spent[which] = goal
        self.reason[which[record.status != OK]] = FAILED
        self._anchorless(which, record)
        self._converged(which, record)
        left = np.flatnonzero(self._open(which))
        if len(left) and record.frames.shape[1] > SHORTEST_WINDOW // 2:
            _Window(self, which[left], record, left).judge()

    def _open(self, which: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.asarray((self.code[which] == UNDECIDED) & (self.reason[which] == TRANSIENT))

    # Verdicts

    def rest(
        self, which: NDArray[np.intp], point: FloatArray, radius: FloatArray, proof: int
    ) -> None:
        """Label the orbits ``which`` as converged to fixed points (m, K)."""
        self.code[which] = CONVERGED
        self.reason[which] = DECIDED
        self.evidence[which] = proof
        self.period[which] = 1
        self.strength[which] = self.amplitude[which] = 0.0
        self.entropies[which] = simplex.entropy(point)[:, None]
        self.multiplier[which] = radius
        self.state[which] = point

    def _anchorless(self, which: NDArray[np.intp], record: Record) -> None:
        """At α = 1 an orbit drifts, unless nothing moves it at all."""
        free = np.flatnonzero((self.loop.alpha[which] == 1.0) & (record.status == OK))
        if not len(free):
            return
        frames = record.frames[free]
        moves = (frames[:, -1] != frames[:, 0]).any(axis=-1)
        drifting, resting = which[free[moves]], which[free[~moves]]
        self.code[drifting] = DRIFTING
        self.reason[drifting] = DECIDED
        self.evidence[drifting] = evidence.ANALYTIC
        if frames.shape[1] > 1:
            self.rest(resting, self.state[resting], np.ones(len(resting)), evidence.ITERATED)

    def _converged(self, which: NDArray[np.intp], record: Record) -> None:
        """Decide the orbits that approach their stable fixed point, or must."""
        rows = np.flatnonzero(self._open(which) & (self.radius[which] < 1.0))
        if not len(rows):
            return
        near = which[rows]
        length = record.frames.shape[1]
        width = min(WINDOW, length // 2 + 1)
        there = approaches(
            record.frames[rows, :width], record.frames[rows, -width:], self.fixed[near],
            self.radius[near], length - width,
        )  # fmt: skip
        self.rest(near[there], self.fixed[near[there]], self.radius[near[there]], evidence.ITERATED)
        slow = near[~there]
        if len(slow) and self.loop.objective == "ipo" and self.spent[slow[0]] > FIRST_LOOK:
            must = slow[certificates(self.loop.take(slow)).certified]
            self.rest(must, self.fixed[must], self.radius[must], evidence.CERTIFIED)

    def result(self, shape: tuple[int, ...]) -> Orbit:
        """Return what was found, in the batch shape."""
        return Orbit(
            code=self.code.reshape(shape),
            period=self.period.reshape(shape),
            rotation_number=self.turns.reshape(shape),
            rotation_digits=self.digits.reshape(shape),
            cycle_strength=self.strength.reshape(shape),
            amplitude=self.amplitude.reshape(shape),
            entropy_mean=self.entropies[:, 0].reshape(shape),
            entropy_min=self.entropies[:, 1].reshape(shape),
            spectral_radius=self.multiplier.reshape(shape),
            exponent=self.exponent[:, 0].reshape(shape),
            exponent_error=self.exponent[:, 1].reshape(shape),
            rounds=self.spent.reshape(shape),
            final_logits=self.state.reshape(*shape, -1),
            evidence=self.evidence.reshape(shape),
            reason_code=self.reason.reshape(shape),
            stability=self.local,
        )


class _Window:
    """Undecided orbits with their last rounds: cycles, circles, chaos."""

    def __init__(
        self, search: _Search, which: NDArray[np.intp], record: Record, places: NDArray[np.intp]
    ) -> None:
        self.search = search
        self.which = which
        self.record = record
        self.places = places
        self.length = record.frames.shape[1]
        self.measured = np.zeros(len(which), dtype=bool)
        self.loop = search.loop.take(which)
        self.fixed = search.fixed[which]
        self.last = search.spent[which] >= search.budget[which]

    def judge(self) -> None:
        """Label what can be labelled; leave the rest to a longer window."""
        plane = critical_plane(self.loop, self.fixed)
        found = np.asarray(np.isfinite(self.fixed).all(axis=-1))
        rows = np.arange(len(self.which))
        centre = np.where(found[:, None], self.fixed, self._frame(rows, -1))
        self.report = self._examine(rows, centre, plane)
        self._points()
        self._cycles()
        self._turning(self._open(), REGULAR_DIGITS)
        if self.length > CHAOS_WINDOW:
            self._chaos(self._open())
        self._rest()

    def _frame(self, rows: NDArray[np.intp], t: NDArray[np.int64] | int) -> FloatArray:
        """Return frame ``t`` of each of ``rows``, (m, K)."""
        return np.asarray(self.record.frames[self.places[rows], t])

    def _examine(self, rows: NDArray[np.intp], centre: FloatArray, plane: FloatArray) -> FloatArray:
        from alignsim.kernels import orbits

        turns = self.length - 1
        periods = PERIODS if turns <= SHORTEST_WINDOW else 8 * PERIODS
        report = np.empty((len(rows), orbits.COLUMNS))
        orbits.examine(
            self.record.frames, self.places[rows], centre, plane, birkhoff_weights(turns),
            birkhoff_weights(turns // 2), min(periods, turns - orbits.LAGS - 1), TIGHT, report,
        )  # fmt: skip
        return report

    def _column(self, name: str) -> FloatArray:
        from alignsim.kernels import orbits

        return np.asarray(self.report[:, getattr(orbits, name)])

    def _open(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.search._open(self.which))

    def _decide(self, rows: NDArray[np.intp], code: int) -> None:
        """Label orbits that move by what was seen of them."""
        which, K = self.which[rows], self.search.loop.responses
        averages = self.record.averages[self.places[rows]]
        self.search.code[which] = code
        self.search.reason[which] = DECIDED
        self.search.evidence[which] = evidence.ITERATED
        self.search.strength[which] = averages[:, K : 2 * K].mean(axis=-1)
        self.search.amplitude[which] = np.sqrt(averages[:, K : 2 * K].max(axis=-1))
        self.search.entropies[which] = averages[:, 2 * K :]

    def _points(self) -> None:
        """Orbits that have come to rest, on whichever fixed point."""
        size = self._column("SCALE")
        end = self._frame(np.arange(len(size)), -1)
        rows = np.flatnonzero(size <= POINT * (1.0 + np.abs(end).max(axis=-1)))
        if not len(rows):
            return
        ones = np.ones(len(rows), dtype=np.int64)
        found = polish(self.loop.take(rows), ones, end[rows])
        here = self.which[rows]
        reach = 1.0 - self.loop.alpha[rows]  # near α = 1 what moves slowly is not at rest
        there = found.attracting & (found.residual <= REST * reach)
        self.search.rest(
            here[there], found.logits[there], found.spectral_radius[there], evidence.ITERATED
        )
        self.search.reason[here[found.closed & ~found.attracting]] = AT_REST

    def _cycles(self) -> None:
        rows = self._open()
        rows = rows[self._column("PERIOD")[rows] > 0]
        if len(rows):
            self._close(rows, self._column("PERIOD")[rows].astype(np.int64))

    def _close(self, rows: NDArray[np.intp], period: NDArray[np.int64]) -> None:
        """Label the orbits that settle on an attracting cycle of the given period."""
        found = polish(self.loop.take(rows), period, self._frame(rows, -1))
        good = found.attracting & self._settles(rows, found)
        single = good & (found.period == 1)
        here = self.which[rows]
        self.search.rest(
            here[single], found.logits[single], found.spectral_radius[single], evidence.ITERATED
        )
        good &= ~single
        around = self._winds()[rows] & (self.search.radius[here] > 1.0)
        for code, chosen in ((LOCKED, good & around), (CYCLE, good & ~around)):
            if not chosen.any():
                continue
            which = here[chosen]
            self._decide(rows[chosen], code)
            self.search.period[which] = found.period[chosen]
            self.search.multiplier[which] = found.spectral_radius[chosen]
            self.search.state[which] = found.logits[chosen]
            turns = np.abs(self._column("TURN")[rows[chosen]]) / (2.0 * np.pi)
            exact = np.round(turns * found.period[chosen]) / found.period[chosen]
            winds = self._winds()[rows[chosen]]
            self.search.turns[which] = np.where(winds, exact, np.nan)

    def _settles(self, rows: NDArray[np.intp], found: Cycle) -> NDArray[np.bool_]:
        """Return where an orbit is on a cycle, or comes closer to it as its multipliers demand."""
        laps = (self.length - 1) // (2 * found.period)
        early = self._frame(rows, self.length - 1 - laps * found.period)
        late = self._frame(rows, -1)
        before, after = _span(early - found.logits), _span(late - found.logits)
        size = self._column("SCALE")[rows]
        with np.errstate(invalid="ignore", under="ignore", over="ignore"):
            promised = found.spectral_radius**laps
        near = before <= 0.1 * size
        return np.asarray(
            (after <= TIGHT * size) | (near & (after <= 0.5 * (1.0 + promised) * before))
        )

    def _winds(self) -> NDArray[np.bool_]:
        """Return where the orbit winds around the centre, always in the same sense."""
        return np.asarray(
            (self._column("NEAREST") > ROUND_CIRCLE) & (self._column("CONSTANCY") == 1.0)
        )

    def _turning(self, rows: NDArray[np.intp], digits: float) -> None:
        """Label those of ``rows`` whose rotation number both halves of the window agree on."""
        winds = self._winds()
        turns = np.abs(self._column("TURN")) / (2.0 * np.pi)
        apart = np.abs(self._column("TURN_1") - self._column("TURN_2")) / (2.0 * np.pi)
        agreed = -np.log10(np.maximum(apart, 1e-16))
        first, second = self._column("SIZE_1"), self._column("SIZE_2")
        steady = np.abs(second - first) <= STEADY * (first + second)
        self.search.digits[self.which[rows]] = np.where(winds, agreed, np.nan)[rows]
        winds &= turns * (self.length - 1) >= FEWEST_TURNS
        rows = rows[(winds & steady & (agreed >= digits))[rows]]
        if not len(rows):
            return
        longest = min(8 * PERIODS, self.length // 2)
        period = denominators(turns[rows], longest, RATIONAL)
        if period.any():
            self._close(rows[period > 0], period[period > 0])
        self._smooth(rows[self.search._open(self.which[rows])], turns)

    def _smooth(self, rows: NDArray[np.intp], turns: FloatArray) -> None:
        """Label those of ``rows`` that turn as a circle does unless nearby orbits part."""
        growth, _ = self._exponents(rows)
        smooth = rows[growth <= PARTING / self._exponent_rounds]
        self._decide(smooth, CIRCLE)
        self.search.turns[self.which[smooth]] = turns[smooth]

    def _rest(self) -> None:
        """Decide, once rounds have run out, by another plane, the spectrum, and the exponent."""
        rows = self._open()
        rows = rows[self.last[rows]]
        if not len(rows):
            return
        centre, plane = principal_plane(self.record.frames[self.places[rows], ::SPARSE])
        report = np.array(self.report)
        report[rows] = self._examine(rows, centre, plane)
        self.report = report
        self._turning(rows, LAST_DIGITS)
        rows = rows[self.search._open(self.which[rows])]
        if not len(rows):
            return
        self._chaos(rows)
        rows = rows[self.search._open(self.which[rows])]
        self._spectral(rows[~self._winds()[rows]])
        left = self.which[rows]
        left = left[self.search._open(left)]
        regular = self.search.digits[left] > IRREGULAR_DIGITS
        self.search.reason[left] = np.where(regular, TRANSIENT, IRREGULAR)

    def _chaos(self, rows: NDArray[np.intp]) -> None:
        """Label orbits whose leading exponent is surely positive."""
        rows = rows[self._column("SCALE")[rows] > POINT]
        growth, error = self._exponents(rows)
        wild = rows[(growth > 3.0 * error) & (growth > PARTING / self._exponent_rounds)]
        self._decide(wild, CHAOTIC)

    def _exponents(self, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Return the leading exponents of ``rows`` and their standard errors."""
        new = rows[~self.measured[rows]]
        if len(new):
            found = leading_exponent(self.loop.take(new), self.record.frames, self.places[new])
            self.search.exponent[self.which[new]] = np.stack(found, axis=-1)
            self.measured[new] = True
        here = self.which[rows]
        return self.search.exponent[here, 0], self.search.exponent[here, 1]

    @property
    def _exponent_rounds(self) -> int:
        return self.length - 1

    def _spectral(self, rows: NDArray[np.intp]) -> None:
        """Label orbits that wind around nothing but have one frequency in both halves."""
        if not len(rows):
            return
        half = self.length // 2
        frames = self.record.frames[self.places[rows]]
        mean, plane = principal_plane(frames)
        signal = ((frames - mean[:, None]) @ plane[:, 1, :, None])[..., 0]
        first, second = dominant_frequency(signal[:, :half]), dominant_frequency(signal[:, half:])
        agreed = -np.log10(np.maximum(np.abs(first - second), 1e-16))
        spread = [part.var(axis=-1) for part in (signal[:, :half], signal[:, half:])]
        steady = np.abs(spread[1] - spread[0]) <= 100.0 * STEADY * (spread[0] + spread[1])
        means = np.stack([signal[:, :half].mean(axis=-1), signal[:, half:].mean(axis=-1)])
        steady &= np.ptp(means, axis=0) <= DRIFTLESS * np.sqrt(spread[0] + spread[1])
        good = rows[steady & (agreed >= LAST_DIGITS)]
        self.search.digits[self.which[good]] = agreed[steady & (agreed >= LAST_DIGITS)]
        turns = np.full(len(self.which), np.nan)
        turns[rows] = dominant_frequency(signal)
        self._smooth(good, turns)


def _budget(radius: FloatArray) -> NDArray[np.int64]:
    """Return the rounds for a transient and the longest window, at a multiple of the looks."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shrinking = TRANSIENT_FACTOR / np.abs(np.log(radius))
        growing = TRANSIENT_FACTOR / (2.0 * (radius - 1.0))
    rounds = np.where(radius > 1.0, np.maximum(growing, shrinking), shrinking)
    rounds = np.where(np.isnan(rounds), 1e5, np.clip(rounds, 0.0, LONGEST_TRANSIENT))
    looks = np.ceil(np.log2((rounds + 2 * LONGEST_WINDOW) / SECOND_LOOK))
    return np.asarray(SECOND_LOOK * 2**looks, dtype=np.int64)


def _follow(loop: FeedbackMap, state: FloatArray, ahead: int, window: int, threads: int) -> Record:
    """Return the record of ``ahead`` rounds whose frames are the last ``window``, ends included."""
    kept = np.arange(max(0, ahead - window), ahead + 1, dtype=np.int64)
    return iterate(loop, state, Schedule(kept=kept, burn_in=int(kept[0]), threads=threads))


def _span(logits: FloatArray) -> FloatArray:
    return np.asarray(logits.max(axis=-1) - logits.min(axis=-1))
