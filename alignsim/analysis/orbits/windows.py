"""The phase of an orbit from a window of its rounds: at rest, a cycle, a circle, chaos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.anchor import anchored, forgetting
from alignsim.analysis.orbits.cycles import Cycle, polish
from alignsim.analysis.orbits.exponents import abreast, leading_exponent
from alignsim.analysis.orbits.rotation import (
    birkhoff_weights,
    critical_plane,
    dominant_frequency,
    principal_plane,
)
from alignsim.analysis.orbits.verdicts import Phase, Reason, Verdicts
from alignsim.feedback import FeedbackMap
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
    """The last rounds of a flat batch of n undecided orbits.

    Attributes
    ----------
    loop : (n,)
        The maps.
    fixed, radius : (n, D·K), (n,)
        Their fixed points and spectral radii, NaN where there is none.
    record
        The last rounds of these orbits and others; its frames are whole states.
    places : (n,)
        Which rows of the record are theirs.
    spent
        The rounds until now.
    last : (n,)
        Which of them have no rounds left.
    found
        What is known of them; :meth:`judge` adds to it.
    threads
        That kernels use, at most.
    """

    loop: FeedbackMap
    fixed: FloatArray
    radius: FloatArray
    record: Record
    places: NDArray[np.intp]
    spent: int
    last: NDArray[np.bool_]
    found: Verdicts
    threads: int

    def __post_init__(self) -> None:
        n = len(self.places)
        self.length = self.record.frames.shape[1]
        self.measured = np.zeros(n, dtype=bool)
        self.plain, self.smooth = np.full((2, n, 2), np.nan)
        self.relaxed = self.spent * forgetting(self.loop) >= RELAXATIONS
        self.relaxed |= ~anchored(self.loop) & np.isfinite(self.radius)

    def judge(self) -> None:
        """Label what can be labelled; leave the rest to a longer window."""
        with np.errstate(over="ignore", invalid="ignore"):  # logits may be as large as 1e300
            self._judge()

    def _judge(self) -> None:
        self.found.wild[:] = False
        self.plane = critical_plane(self.loop, self.fixed)
        known = np.asarray(np.isfinite(self.fixed).all(axis=-1))
        rows = np.arange(len(self.places))
        self.centre = np.where(known[:, None], self.fixed, self._frame(rows, -1))
        self.report = self._examine(rows, self.centre, self.plane)
        self._points()
        self._cycles(self._open())
        self._turning(self._open(), REGULAR_DIGITS, FLAT)
        if self.length > CHAOS_WINDOW:
            self._chaos(self._open())
        self._rest()

    def _frame(self, rows: NDArray[np.intp], t: NDArray[np.int64] | int) -> FloatArray:
        """Return frame ``t`` of each of ``rows``, (m, D·K)."""
        return np.asarray(self.record.frames[self.places[rows], t])

    def _examine(self, rows: NDArray[np.intp], centre: FloatArray, plane: FloatArray) -> FloatArray:
        from alignsim.kernels import orbits

        turns, places, plane = self.length - 1, self.places[rows], np.ascontiguousarray(plane)
        weights = birkhoff_weights(turns), birkhoff_weights(turns // 2)
        report = np.empty((len(rows), orbits.COLUMNS))

        def examine(first: int, last: int) -> None:
            own = slice(first, last)
            orbits.examine(
                self.record.frames, places[own], centre[own], plane[own], *weights,
                turns - orbits.LAGS - 1, TIGHT, report[own],
            )  # fmt: skip

        in_threads(examine, len(rows), self.threads)
        return report

    def _column(self, name: str) -> FloatArray:
        from alignsim.kernels import orbits

        return np.asarray(self.report[:, getattr(orbits, name)])

    def _open(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.found.open)

    def _move(self, rows: NDArray[np.intp], code: int) -> None:
        self.found.move(rows, code, self.record.averages[self.places[rows]])

    def _points(self) -> None:
        """Orbits that have come to rest, on whichever fixed point."""
        size = self._column("SCALE")
        end = self._frame(np.arange(len(size)), -1)
        rows = np.flatnonzero(size <= POINT * (1.0 + np.abs(end).max(axis=-1)))
        if not len(rows):
            return
        ones = np.ones(len(rows), dtype=np.int64)
        seen = polish(self.loop.take(rows), ones, end[rows])
        reach = forgetting(self.loop)[rows]  # what moves slowly because it forgets slowly moves
        there = seen.attracting & (seen.residual <= REST * reach)
        self.found.rest(
            rows[there], seen.state[there], seen.spectral_radius[there], Evidence.ITERATED
        )
        self.found.reason[rows[seen.closed & ~seen.attracting]] = Reason.AT_REST

    def _cycles(self, rows: NDArray[np.intp]) -> None:
        """Label the orbits that are on a cycle, or come to one in whose reach neighbours close in.

        Neighbours that do not close in are on no attracting cycle, however near the orbit returns.
        """
        period, miss = self._column("PERIOD"), self._column("MISS")
        rows = rows[period[rows] > 0]
        tight = miss[rows] <= TIGHT * self._column("SCALE")[rows]
        near = rows[~tight & self.last[rows] & (2 * period[rows] < self.length)]
        self._close(np.concatenate([rows[tight], near[self._attracted(near)]]))

    def _close(self, rows: NDArray[np.intp]) -> None:
        """Label those of ``rows`` that settle on an attracting cycle of the period they show."""
        if not len(rows):
            return
        period = self._column("PERIOD")[rows].astype(np.int64)
        seen = polish(self.loop.take(rows), period, self._frame(rows, -1))
        good = seen.attracting & self._settles(rows, seen)
        good[good] &= self._closes_in(rows[good], seen.spectral_radius[good], seen.period[good])
        single = good & (seen.period == 1)
        self.found.rest(
            rows[single], seen.state[single], seen.spectral_radius[single], Evidence.ITERATED
        )
        good &= ~single
        turns = np.full(len(rows), np.nan)
        turns[good] = self._turns(rows[good], seen.period[good])
        around = ~np.isnan(turns) & (self.radius[rows] > 1.0)
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
        found = np.full(len(rows), np.nan)
        for lap in np.unique(period):
            which = np.flatnonzero(period == lap)
            own = rows[which]
            gap = self.record.frames[self.places[own], -1 - lap :] - self.centre[own, None]
            x, y = np.moveaxis(gap @ np.swapaxes(self.plane[own], -1, -2), -1, 0)
            cross = x[:, :-1] * y[:, 1:] - y[:, :-1] * x[:, 1:]
            turn = np.arctan2(cross, x[:, :-1] * x[:, 1:] + y[:, :-1] * y[:, 1:])
            square = x * x + y * y
            wide = square.min(axis=-1) > ROUND_CIRCLE**2 * square.max(axis=-1)
            steady = wide & (np.ptp(np.sign(turn), axis=-1) == 0.0)
            laps = np.abs(np.round(turn.sum(axis=-1) / (2.0 * np.pi)))
            found[which] = np.where(steady, laps, np.nan)
        return found

    def _settles(self, rows: NDArray[np.intp], seen: Cycle) -> NDArray[np.bool_]:
        """Return where an orbit is on a cycle, or close and comes closer as its multipliers demand.

        Half of what they promise is enough, however little that is: the cycle attracts, and an
        orbit so close to it that did not come closer would have to turn around it.
        """
        laps = (self.length - 1) // (2 * seen.period)
        early = self._frame(rows, self.length - 1 - laps * seen.period)
        late = self._frame(rows, -1)
        before, after = np.ptp(early - seen.state, axis=-1), np.ptp(late - seen.state, axis=-1)
        size = self._column("SCALE")[rows]
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

    def _winds(self) -> NDArray[np.bool_]:
        """Return where the orbit winds around the centre, always in the same sense."""
        return np.asarray(
            (self._column("NEAREST") > ROUND_CIRCLE) & (self._column("CONSTANCY") == 1.0)
        )

    def _turning(self, rows: NDArray[np.intp], digits: float, flat: float) -> None:
        """Label those of ``rows`` whose rotation number both halves of the window agree on."""
        winds = self._winds()
        turns = np.abs(self._column("TURN")) / (2.0 * np.pi)
        apart = np.abs(self._column("TURN_1") - self._column("TURN_2")) / (2.0 * np.pi)
        agreed = -np.log10(np.maximum(apart, 1e-16))
        first, second = self._column("SIZE_1"), self._column("SIZE_2")
        steady = np.abs(second - first) <= STEADY * (first + second)
        self.found.digits[rows] = np.where(winds, agreed, np.nan)[rows]
        winds &= turns * (self.length - 1) >= FEWEST_TURNS
        self._smooth(rows[(winds & steady & (agreed >= digits))[rows]], turns, flat)

    def _smooth(self, rows: NDArray[np.intp], turns: FloatArray, flat: float) -> None:
        """Label those of ``rows``, which turn as a circle does, whose neighbours stay as near."""
        growth, error = self._exponents(rows)
        size = np.abs(growth)
        zero = (size <= 3.0 * error + ROUNDING) & (size <= flat) & (error <= UNSURE * flat)
        circle = rows[zero]
        self._move(circle, Phase.CIRCLE)
        self.found.turns[circle] = turns[circle]
        self.found.exponent[circle] = self.smooth[circle]

    def _rest(self) -> None:
        """Decide, once rounds have run out, by the exponent, another plane, and the spectrum."""
        rows = self._open()
        self._chaos(rows[self.last[rows]])
        rows = self._open()
        rows = rows[self.last[rows]]
        if not len(rows):
            return
        centre, plane = principal_plane(self.record.frames[self.places[rows], ::SPARSE])
        report = np.array(self.report)
        report[rows] = self._examine(rows, centre, plane)
        self.report = report
        self._turning(rows, LAST_DIGITS, LAST_FLAT)
        rows = rows[self.found.open[rows]]
        self._spectral(rows[~self._winds()[rows]])
        left = rows[self.found.open[rows]]
        irregular = self.relaxed[left] & ~(self.found.digits[left] > IRREGULAR_DIGITS)
        closing = self._attracted(left)
        self.found.reason[left] = np.select(
            [closing, irregular], [Reason.UNSETTLED, Reason.IRREGULAR], Reason.TRANSIENT
        )

    def _chaos(self, rows: NDArray[np.intp]) -> None:
        """Label orbits whose leading exponent is surely positive, and has been for long."""
        rows = rows[self.relaxed[rows] & (self._column("SCALE")[rows] > POINT)]
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
                self.loop.take(new), self.record.frames, self.places[new], self.threads
            )
        self.found.exponent[rows] = self.plain[rows]
        return self.smooth[rows, 0], self.smooth[rows, 1]

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
        self.found.digits[good] = agreed[steady & (agreed >= LAST_DIGITS)]
        turns = np.full(len(self.places), np.nan)
        turns[rows] = dominant_frequency(signal)
        self._smooth(good, turns, LAST_FLAT)
