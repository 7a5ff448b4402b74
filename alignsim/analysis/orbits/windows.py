"""The phase of an orbit from a window of its rounds: at rest, a cycle, a circle, chaos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.anchor import Prospect
from alignsim.analysis.orbits.cycles import Cycle, polish
from alignsim.analysis.orbits.exponents import abreast, leading_exponent
from alignsim.analysis.orbits.rotation import (
    birkhoff_weights,
    critical_plane,
    dominant_frequency,
    principal_plane,
)
from alignsim.analysis.orbits.verdicts import Phase, Reason, Verdicts
from alignsim.feedback.engines import Record
from alignsim.feedback.threads import in_threads
from alignsim.validation import FloatArray

SHORTEST_WINDOW = 1024
"""Rounds in the shortest window that is judged."""

CHAOS_WINDOW = 4096
"""The window from which on chaos is looked for although rounds are left."""

CHAOS_ROUNDS = 48_000
"""Rounds for which it must last, if there are as many: often it is a transient towards a cycle."""

RELAXATIONS = 20.0
"""Chaos is looked for after this many times the rounds in which the logits forget, 1/(1−α) for MRS:
until then what parts nearby orbits may be the transient."""

CLOSE = 0.1
"""An orbit within this share of its size of a cycle is close to it."""

TIGHT = 1e-7
"""A return closer than this share of the orbit's size is taken for a closed cycle."""

STRONG = 0.5
"""A cycle that an orbit is on, and whose multipliers are below it, needs no further evidence."""

REST = 1e-9
"""Residual, in units of what a round forgets, of a fixed point on which an orbit rests."""

POINT = 1e-9
"""Size of an orbit, as a span of logits, that is called a point."""

ROUND_CIRCLE = 0.05
"""An orbit winds around a point when its least radius is above this share of the largest."""

REGULAR_DIGITS = 7.0
LAST_DIGITS = 6.0
"""Decimal digits to which two halves of a window must agree on the rotation, and those that are
enough once rounds have run out."""

FLAT = 1e-6
LAST_FLAT = 1e-5
"""Largest exponent of a circle, and once rounds have run out: neighbours on it neither part nor
close in. A locking that is weaker than this cannot be told from a circle."""

UNSURE = 30.0
"""And the largest error of that exponent, in units of it. The error is that of half a window: that
of the whole is about its square."""

ROUNDING = 1e-10
"""An exponent below it is zero, however small its error."""

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


@dataclass
class Window:
    """The last rounds of a flat batch of n orbits, of which those that are open are judged.

    Attributes
    ----------
    known
        What was known of them before.
    record
        Their last rounds; its frames are whole states.
    spent
        The rounds until now.
    last : (n,)
        Which of them have no rounds left.
    found
        What is known of them; :meth:`judge` adds to it.
    threads
        That kernels use, at most.
    """

    known: Prospect
    record: Record
    spent: int
    last: NDArray[np.bool_]
    found: Verdicts
    threads: int

    def __post_init__(self) -> None:
        n, self.length, _ = self.record.frames.shape
        self.loop, known = self.known.loop, self.known
        self.measured = np.zeros(n, dtype=bool)
        self.plain, self.smooth = np.full((2, n, 2), np.nan)
        self.relaxed = self.spent * known.forgets >= RELAXATIONS
        self.relaxed |= ~known.anchored & np.isfinite(known.radius)

    def judge(self) -> None:
        """Label what can be labelled; leave the rest to a longer window."""
        with np.errstate(over="ignore", invalid="ignore"):  # logits may be as large as 1e300
            self._judge()

    def _judge(self) -> None:
        from alignsim.kernels.orbits import COLUMNS

        self.found.wild[:] = False
        rows, fixed = self._open(), self.known.fixed
        there = np.isfinite(fixed).all(axis=-1, keepdims=True)
        self.centre = np.where(there, fixed, self.record.state)
        self.plane = np.empty((len(fixed), 2, fixed.shape[1]))
        self.plane[rows] = critical_plane(self.loop.take(rows), fixed[rows])
        self.report = np.empty((len(fixed), COLUMNS))
        self._examine(rows, self.centre[rows], self.plane[rows])
        self._points(rows)
        self._cycles(self._open())
        self._turning(self._open(), REGULAR_DIGITS, FLAT)
        if self.length > CHAOS_WINDOW:
            self._chaos(self._open())
        if self.last.any():
            self._rest()

    def _examine(self, rows: NDArray[np.intp], centre: FloatArray, plane: FloatArray) -> None:
        from alignsim.kernels import lanes, orbits

        code = lanes.code_for(self.record.frames.shape[-1], orbits.SMALL)
        turns, plane = self.length - 1, np.ascontiguousarray(plane)
        weights = birkhoff_weights(turns), birkhoff_weights(turns // 2)
        report = np.empty((len(rows), orbits.COLUMNS))

        def examine(first: int, last: int) -> None:
            own = slice(first, last)
            orbits.examine(
                *code, self.record.frames, rows[own], centre[own], plane[own], *weights,
                turns - orbits.LAGS - 1, TIGHT, report[own],
            )  # fmt: skip

        in_threads(examine, len(rows), self.threads)
        self.report[rows] = report

    def _column(self, name: str, rows: NDArray[np.intp]) -> FloatArray:
        from alignsim.kernels import orbits

        return np.asarray(self.report[rows, getattr(orbits, name)])

    def _open(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.found.open)

    def _move(self, rows: NDArray[np.intp], code: int) -> None:
        self.found.move(rows, code, self.record.averages[rows])

    def _points(self, rows: NDArray[np.intp]) -> None:
        """Label those of ``rows`` that have come to rest, on whichever fixed point."""
        size = 1.0 + np.abs(self.record.state[rows]).max(axis=-1)
        rows = rows[self._column("SCALE", rows) <= POINT * size]
        if not len(rows):
            return
        ones = np.ones(len(rows), dtype=np.int64)
        seen = polish(self.loop.take(rows), ones, self.record.state[rows])
        reach = self.known.forgets[rows]  # what moves slowly because it forgets slowly moves
        there = seen.attracting & (seen.residual <= REST * reach)
        self.found.rest(
            rows[there], seen.state[there], seen.spectral_radius[there], Evidence.ITERATED
        )
        self.found.reason[rows[seen.closed & ~seen.attracting]] = Reason.AT_REST

    def _cycles(self, rows: NDArray[np.intp]) -> None:
        """Label the orbits that are on a cycle, or come to one in whose reach neighbours close in.

        Neighbours that do not close in are on no attracting cycle, however near the orbit returns.
        """
        rows = rows[self._column("PERIOD", rows) > 0]
        tight = self._column("MISS", rows) <= TIGHT * self._column("SCALE", rows)
        near = ~tight & self.last[rows] & (2 * self._column("PERIOD", rows) < self.length)
        if near.any():
            near[near] = self._attracted(rows[near])
        self._close(np.concatenate([rows[tight], rows[near]]))

    def _close(self, rows: NDArray[np.intp]) -> None:
        """Label those of ``rows`` that settle on an attracting cycle of the period they show."""
        if not len(rows):
            return
        period = self._column("PERIOD", rows).astype(np.int64)
        seen = polish(self.loop.take(rows), period, self.record.state[rows])
        good = seen.attracting & self._settles(rows, seen)
        good[good] &= self._closes_in(rows[good], seen.spectral_radius[good], seen.period[good])
        single = good & (seen.period == 1)
        self.found.rest(
            rows[single], seen.state[single], seen.spectral_radius[single], Evidence.ITERATED
        )
        good &= ~single
        turns = np.full(len(rows), np.nan)
        turns[good] = self._turns(rows[good], seen.period[good])
        around = ~np.isnan(turns) & (self.known.radius[rows] > 1.0)
        for code, chosen in ((Phase.LOCKED, good & around), (Phase.CYCLE, good & ~around)):
            if not chosen.any():
                continue
            own = rows[chosen]
            self._move(own, code)
            self.found.period[own] = seen.period[chosen]
            self.found.multiplier[own] = seen.spectral_radius[chosen]
            self.found.state[own] = seen.state[chosen]
            self.found.turns[own] = turns[chosen] / seen.period[chosen]

    def _turns(self, rows: NDArray[np.intp], period: NDArray[np.int64]) -> FloatArray:
        """Return the whole turns of a lap, NaN where it does not always turn in the same sense."""
        first = np.cumsum(period + 1) - (period + 1)  # lap after lap, ends included
        edges = np.stack([first, first + period], axis=-1).ravel()[:-1]
        own = np.repeat(rows, period + 1)
        t = np.arange(len(own)) - np.repeat(first + period + 1 - self.length, period + 1)
        gap = self.record.frames[own, t] - self.centre[own]
        x, y = np.einsum("nij,nj->in", self.plane[own], gap)
        cross = x[:-1] * y[1:] - y[:-1] * x[1:]
        turn = np.arctan2(cross, x[:-1] * x[1:] + y[:-1] * y[1:])
        least, most, total = (
            each.reduceat(turn, edges)[::2] for each in (np.minimum, np.maximum, np.add)
        )
        square = x * x + y * y
        nearest, farthest = (each.reduceat(square, first) for each in (np.minimum, np.maximum))
        steady = (np.sign(least) == np.sign(most)) & (nearest > ROUND_CIRCLE**2 * farthest)
        return np.where(steady, np.abs(np.round(total / (2.0 * np.pi))), np.nan)

    def _settles(self, rows: NDArray[np.intp], seen: Cycle) -> NDArray[np.bool_]:
        """Return where an orbit is on a cycle, or close and comes closer as its multipliers demand.

        Half of what they promise is enough, however little that is: the cycle attracts, and an
        orbit so close to it that did not come closer would have to turn around it.
        """
        laps = (self.length - 1) // (2 * seen.period)
        early = self.record.frames[rows, self.length - 1 - laps * seen.period]
        late = self.record.state[rows]
        before, after = np.ptp(early - seen.state, axis=-1), np.ptp(late - seen.state, axis=-1)
        size = self._column("SCALE", rows)
        with np.errstate(invalid="ignore", under="ignore", over="ignore"):
            promised = seen.spectral_radius**laps
        closer = (before <= CLOSE * size) & (after <= 0.5 * (1.0 + promised) * before)
        return np.asarray((after <= TIGHT * size) | closer)

    def _closes_in(
        self, rows: NDArray[np.intp], radius: FloatArray, period: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return where neighbours of an orbit close in as fast as the multipliers of its cycle say.

        On a circle, too, a near return can be polished to a cycle, with multipliers next to 1.
        """
        close = np.asarray(radius <= STRONG)
        weak = np.flatnonzero(~close)
        growth, error = self._exponents(rows[weak])
        rate = -np.log(radius[weak]) / period[weak]
        close[weak] = (np.abs(growth + rate) <= 0.5 * rate) & (rate > 3.0 * error + ROUNDING)
        return close

    def _attracted(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return where neighbours surely close in: a cycle attracts the orbit."""
        growth, error = self._exponents(rows)
        return np.asarray(growth < -(3.0 * error + ROUNDING))

    def _winds(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which of ``rows`` wind around the centre, always in the same sense."""
        away = self._column("NEAREST", rows) > ROUND_CIRCLE
        return np.asarray(away & (self._column("CONSTANCY", rows) == 1.0))

    def _turning(self, rows: NDArray[np.intp], digits: float, flat: float) -> None:
        """Label those of ``rows`` whose rotation number both halves of the window agree on."""
        winds = self._winds(rows)
        turns = np.abs(self._column("TURN", rows)) / (2.0 * np.pi)
        apart = self._column("TURN_1", rows) - self._column("TURN_2", rows)
        agreed = -np.log10(np.maximum(np.abs(apart) / (2.0 * np.pi), 1e-16))
        first, second = self._column("SIZE_1", rows), self._column("SIZE_2", rows)
        steady = np.abs(second - first) <= STEADY * (first + second)
        self.found.digits[rows] = np.where(winds, agreed, np.nan)
        good = winds & steady & (agreed >= digits) & (turns * (self.length - 1) >= FEWEST_TURNS)
        self._smooth(rows[good], turns[good], flat)

    def _smooth(self, rows: NDArray[np.intp], turns: FloatArray, flat: float) -> None:
        """Label those of ``rows``, which turn as a circle does, whose neighbours stay as near.

        ``turns`` are theirs, a round.
        """
        growth, error = self._exponents(rows)
        size = np.abs(growth)
        zero = (size <= 3.0 * error + ROUNDING) & (size <= flat) & (error <= UNSURE * flat)
        circle = rows[zero]
        self._move(circle, Phase.CIRCLE)
        self.found.turns[circle] = turns[zero]
        self.found.exponent[circle], self.found.exponent_error[circle] = self.smooth[circle].T

    def _rest(self) -> None:
        """Decide, once rounds have run out, by the exponent, another plane, and the spectrum."""
        self._chaos(np.flatnonzero(self.found.open & self.last))
        rows = np.flatnonzero(self.found.open & self.last)
        if not len(rows):
            return
        self._examine(rows, *principal_plane(self.record.frames[rows, ::SPARSE]))
        self._turning(rows, LAST_DIGITS, LAST_FLAT)
        rows = rows[self.found.open[rows]]
        self._spectral(rows[~self._winds(rows)])
        left = rows[self.found.open[rows]]
        irregular = self.relaxed[left] & ~(self.found.digits[left] > IRREGULAR_DIGITS)
        closing = self._attracted(left)
        self.found.reason[left] = np.select(
            [closing, irregular], [Reason.UNSETTLED, Reason.IRREGULAR], Reason.TRANSIENT
        )

    def _chaos(self, rows: NDArray[np.intp]) -> None:
        """Label orbits whose leading exponent is surely positive, and has been for long."""
        rows = rows[self.relaxed[rows] & (self._column("SCALE", rows) > POINT)]
        self._exponents(rows)
        growth, error = self.plain[rows].T
        wild = rows[(growth > 3.0 * error) & (growth > PARTING / (self.length - 1))]
        lasting = self.last[wild] | (self.spent >= CHAOS_ROUNDS)
        self._move(wild[lasting], Phase.CHAOTIC)
        self.found.wild[wild[~lasting]] = True

    def _exponents(self, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Return the leading exponents of ``rows``, smooth means, and their errors.

        Other rows that are open and may be asked for next fill the lanes that are left: they cost
        nothing there.
        """
        new = rows[~self.measured[rows]]
        if len(new):
            self.measured[new] = True
            others = np.flatnonzero(self.found.open & ~self.measured)
            others = others[: -len(new) % abreast(self.loop)]
            self.measured[others] = True
            new = np.concatenate([new, others])
            self.plain[new], self.smooth[new] = leading_exponent(
                self.loop, self.record.frames, new, self.threads
            )
        self.found.exponent[rows], self.found.exponent_error[rows] = self.plain[rows].T
        return self.smooth[rows, 0], self.smooth[rows, 1]

    def _spectral(self, rows: NDArray[np.intp]) -> None:
        """Label orbits that wind around nothing but have one frequency in both halves."""
        if not len(rows):
            return
        half = self.length // 2
        frames = self.record.frames[rows]
        mean, plane = principal_plane(frames)
        signal = ((frames - mean[:, None]) @ plane[:, 1, :, None])[..., 0]
        first, second = dominant_frequency(signal[:, :half]), dominant_frequency(signal[:, half:])
        agreed = -np.log10(np.maximum(np.abs(first - second), 1e-16))
        spread = [part.var(axis=-1) for part in (signal[:, :half], signal[:, half:])]
        steady = np.abs(spread[1] - spread[0]) <= 100.0 * STEADY * (spread[0] + spread[1])
        means = np.stack([signal[:, :half].mean(axis=-1), signal[:, half:].mean(axis=-1)])
        steady &= np.ptp(means, axis=0) <= DRIFTLESS * np.sqrt(spread[0] + spread[1])
        good = steady & (agreed >= LAST_DIGITS)
        self.found.digits[rows[good]] = agreed[good]
        self._smooth(rows[good], dominant_frequency(signal)[good], LAST_FLAT)
