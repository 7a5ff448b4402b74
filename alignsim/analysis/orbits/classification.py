"""What an orbit does in the long run: converge, cycle, turn on a circle, lock, wander, drift.

Questions are asked in a fixed order, the exact ones first: the multipliers of the fixed point say
how long a transient lasts; a cycle counts once Newton's method has closed it and its multipliers
lie inside the unit circle; a rotation number counts once two halves of the window agree on it and
the leading exponent is zero, for the phases of chaos can be as regular as a clock, and those of a
locked cycle are; a positive exponent counts once it exceeds three standard errors, and lasts. A
small step decides nothing. What no question settles is undecided, with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.equilibria.certificates import certificates
from alignsim.analysis.equilibria.stability import Stability, stability
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.anchor import Prospect
from alignsim.analysis.orbits.approach import WINDOW, approaches
from alignsim.analysis.orbits.cycles import polish
from alignsim.analysis.orbits.verdicts import OSCILLATING, Phase, Reason, Verdicts
from alignsim.analysis.orbits.windows import (
    CHAOS_ROUNDS,
    CHAOS_WINDOW,
    RELAXATIONS,
    SHORTEST_WINDOW,
    Window,
)
from alignsim.analysis.results import Result
from alignsim.feedback import FeedbackMap
from alignsim.feedback.engines import Record, Schedule, iterate
from alignsim.feedback.threads import thread_count
from alignsim.kernels.status import OK
from alignsim.preferences.payoffs import is_zero_sum
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray, at

FIRST_LOOK = 384
"""Rounds after which the orbits that have converged by then leave."""

SECOND_LOOK = 3000
"""Rounds at the next look; then twice as many each time,"""

LATE_LOOK = 48_000
"""and from here on four times: few orbits are left, and a look costs more than its rounds."""

LONGEST_WINDOW = 32768
"""Rounds in the longest window from which an orbit is judged; it doubles with the rounds."""

SETTLING = 2**17
"""Rounds, beside those of a transient, for which an orbit that no window decides is followed."""

TRANSIENT_FACTOR = np.log(1e10)
LONGEST_TRANSIENT = 1e6
"""A transient is followed until it has shrunk by 1e10, for at most this many rounds."""

NEUTRAL = 1e-12
"""Rounding of a multiplier of modulus 1: a point at which nothing moves without an anchor has such
ones."""

DRIFT_PARTS = 4
STEADILY = 0.99
"""Orbits drift if the distance reached grows from part to part of a window, at least as log t
does to this share: the gains of an orbit with a limit shrink faster."""

ABREAST = 64
"""Maps that an engine runs side by side."""

FRAME_MEMORY = 33 * 2**20
MOST_MEMORY = 2**28
"""Bytes of frames held at a time, and for so few maps that lanes would run empty with fewer."""


@dataclass(frozen=True, eq=False, repr=False)
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
        Of the policy in ``final_state``.
    final_state : (..., D, K)
        A point of the attractor, where it was found; else the last state. A run goes on from it
        with ``start_state=``.
    evidence : (...)
        How the phase was obtained; see :meth:`words`, ``alignsim.analysis.evidence``.
    reason_code : (...)
        Why an orbit is undecided; see :meth:`reason`.
    stability : Stability
        Of the fixed point beside the orbit.
    """

    WORDS: ClassVar = {"code": Phase, "evidence": Evidence, "reason_code": Reason}
    AXES: ClassVar = {"final_state": 2}
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
    final_state: FloatArray
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
    def final_logits(self) -> FloatArray:
        """The policy's logits of ``final_state``, (..., K)."""
        return np.asarray(self.final_state[..., 0, :])

    @property
    def final(self) -> FloatArray:
        """The policy of ``final_logits``, (..., K)."""
        return simplex.softmax(self.final_logits)

    def reason(self, index: tuple[int, ...] | int = ()) -> str:
        """Return why the orbit at ``index`` is undecided, or that it is not."""
        place = validation.position(index, "index", self.code.shape)
        where = f"orbit {at(place)}: " if place else ""
        return f"{where}{Reason(self.reason_code[place]).word}"

    def _summary(self) -> Lines:
        yield "phase", tally(self.phase)
        yield "reason", tally(np.where(self.code == Phase.UNDECIDED, self.words("reason_code"), ""))
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
    start_state: ArrayLike | None = None,
    threads: int | None = None,
) -> Orbit:
    """Return what the orbits from ``start`` do in the long run.

    Parameters
    ----------
    loop
        A batch of maps.
    start, start_logits, start_state
        As for :meth:`~alignsim.FeedbackMap.run`.
    rounds
        At most this many; by default as many as the multipliers of the fixed point and the memory
        of the logits, 1/(1−α) rounds for MRS, ask for, up to some million. An orbit that is decided
        earlier is not followed further.
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
    any other. *invariant circle*: neighbours neither part nor close in, to 1e-6 a round; a locking
    that is weaker cannot be told from it. *chaotic*: they part, and still do after 48,000
    rounds, or as many as were allowed; it can be a transient even so. *drifting*: nothing
    anchors the logits (α = 1 for MRS), and they grow without limit. Collapse is no phase: see
    :func:`alignsim.collapse`.

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
    workers = thread_count(threads)
    whole, state = loop.with_start(start, start_logits, start_state)
    local = stability(whole)
    search = _Search(
        whole.part(0, whole.size), state.reshape(-1, loop.width), local, limit, workers
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
        self.loop = loop
        self.threads = threads
        self.local = local
        fixed, radius = local.fixed_point.state, local.spectral_radius
        self.known = Prospect.of(loop, fixed.reshape(start.shape), radius.ravel())
        self.budget = np.full(loop.size, limit) if limit is not None else _budget(self.known)
        self.spent = np.zeros(loop.size, dtype=np.int64)
        self.found = Verdicts.none(start, loop.responses)
        self.memory = np.empty(0)

    def _slots(self, state: FloatArray) -> FloatArray:
        """Return flat states (n, D·K) as (n, D, K)."""
        return state.reshape(len(state), self.loop.scheme.size, self.loop.responses)

    def levels(self) -> Iterator[tuple[int, int]]:
        """Yield rounds to go to and the window to look at then, while orbits are undecided."""
        longest = int(self.budget.max())
        window, goal, target = SHORTEST_WINDOW, SECOND_LOOK, 0
        longest_window = LONGEST_WINDOW
        while longest_window > window and self._bytes(longest_window) * ABREAST > MOST_MEMORY:
            longest_window //= 2
        if longest >= FIRST_LOOK + SHORTEST_WINDOW:
            target = FIRST_LOOK
            yield target, WINDOW
        while target < longest and len(self.active):
            target = min(goal, longest)
            yield target, window
            goal *= 2 if goal < LATE_LOOK else 4
            window = min(2 * window, longest_window)

    def _bytes(self, window: int) -> int:
        """Return the size of the frames of one map."""
        return 8 * (window + 1) * self.loop.width

    @property
    def active(self) -> NDArray[np.intp]:
        """The orbits that are undecided and have rounds left."""
        return np.flatnonzero(self.found.open & (self.spent < self.budget))

    def look(self, target: int, window: int) -> None:
        """Follow the undecided orbits to round ``target`` and judge them by a last window."""
        going = self.active
        goal = np.minimum(self.budget, target)
        wild = self.found.wild[going]
        due = goal[going] >= np.minimum(self.budget[going], CHAOS_ROUNDS)
        for rows, width in ((going[~wild], window), (going[wild & due], CHAOS_WINDOW)):
            each = self._bytes(width)
            full = FRAME_MEMORY // each // ABREAST * ABREAST
            share = max(full, min(ABREAST, MOST_MEMORY // each), 1)
            for first in range(0, len(rows), share):
                which = rows[first : first + share]
                spent = self.spent[which]
                for begin in np.unique(spent):
                    since = which[spent == begin]
                    for end in np.unique(goal[since]):
                        self._look(since[goal[since] == end], int(end), width)

    def _look(self, which: NDArray[np.intp], goal: int, window: int) -> None:
        known, found = self.known.taken(which), self.found.taken(which)
        ahead = goal - int(self.spent[which[0]])
        record = self._follow(known.loop, found.state, ahead, window)
        self.spent[which] = goal
        found.state = record.state
        found.reason[record.status != OK] = Reason.FAILED
        _anchorless(known, record, found, goal)
        _converged(known, record, found, certify=goal > FIRST_LOOK)
        if record.frames.shape[1] > SHORTEST_WINDOW // 2 and found.open.any():
            last = goal >= self.budget[which]
            Window(known, record, goal, last, found, self.threads).judge()
        self.found.put(which, found)

    def _follow(self, loop: FeedbackMap, state: FloatArray, ahead: int, window: int) -> Record:
        """Return the record of ``ahead`` rounds; its frames are the last ``window``, ends included.

        All looks keep them in the same memory, for new one costs as much as some rounds.
        """
        kept = np.arange(max(0, ahead - window), ahead + 1, dtype=np.int64)
        if self.memory.size < state.size * len(kept):
            self.memory = np.empty(0)  # given back before more is asked for
            self.memory = np.empty(state.size * len(kept))
        schedule = Schedule(kept, int(kept[0]), self.threads, whole=True, memory=self.memory)
        return iterate(loop, state, schedule)

    def result(self, shape: tuple[int, ...]) -> Orbit:
        """Return what was found, in the batch shape."""
        found = self.found
        return Orbit(
            code=found.code, period=found.period, rotation_number=found.turns,
            rotation_digits=found.digits, cycle_strength=found.strength,
            amplitude=found.amplitude, entropy_mean=found.entropy_mean,
            entropy_min=found.entropy_min, spectral_radius=found.multiplier,
            exponent=found.exponent, exponent_error=found.exponent_error,
            rounds=self.spent, final_state=self._slots(found.state), evidence=found.evidence,
            reason_code=found.reason, stability=self.local,
        ).reshaped(shape)  # fmt: skip


def _anchorless(known: Prospect, record: Record, found: Verdicts, goal: int) -> None:
    """Decide orbits that no reference holds, which drift, or come to rest all the same.

    Those of MRS (α = 1) with zero-sum payoffs P and a linear score v cannot rest: with π* such
    that v(π*) is constant, KL(π* ‖ π_t) grows every round; where there is no π*, a linear function
    of the logits does. Elsewhere a point may attract, and the distance reached decides, once a
    fixed point that repels had the time to let go.
    """
    loop = known.loop
    free = np.flatnonzero(~known.anchored & (record.status == OK))
    if not len(free) or record.frames.shape[1] < 2:
        return
    frames = record.frames[free]
    moves = (frames[:, -1] != frames[:, 0]).any(axis=-1)
    proved = loop.linear and loop.mixes_references
    zero_sum = loop.of_matrices(is_zero_sum)[free] & proved
    found.drift(free[moves & zero_sum], Evidence.ANALYTIC)
    left = ~(moves & zero_sum)
    rows, frames, moves = free[left], frames[left], moves[left]
    if not len(rows):
        return
    seen = polish(loop.take(rows), np.ones(len(rows), dtype=np.int64), frames[:, -1])
    own = np.where(np.abs(seen.spectral_radius - 1.0) <= NEUTRAL, 1.0, seen.spectral_radius)
    near = seen.attracting & approaches(
        frames[:, :1], frames[:, -1:], seen.state, own, frames.shape[1] - 1, loop.scheme.size
    )
    near |= ~moves & ~(own > 1.0)
    found.rest(rows[near], seen.state[near], own[near], Evidence.ITERATED)
    found.reason[rows[~moves & (own > 1.0)]] = Reason.AT_REST
    if frames.shape[1] > SHORTEST_WINDOW // 2:
        left_behind = ~(_growing(known.radius[rows]) > goal)
        open_ended = moves & ~(own < 1.0) & left_behind & _recedes(loop.take(rows), frames, goal)
        found.drift(rows[open_ended], Evidence.ITERATED)


def _recedes(loop: FeedbackMap, frames: FloatArray, goal: int) -> NDArray[np.bool_]:
    """Return where the distance from the reference grows without a limit in sight, (n,)."""
    away = np.ptp(loop.policy_logits(frames) - loop.reference_logits[:, None], axis=-1)
    edges = np.linspace(0, away.shape[1], DRIFT_PARTS + 1).astype(int)
    gains = np.diff(np.maximum.reduceat(away, edges[:-1], axis=1), axis=1)
    pace = gains * (goal - away.shape[1] + edges[1:-1])
    return np.asarray(
        (gains > 0.0).all(axis=1) & (pace[:, 1:] >= STEADILY * pace[:, :-1]).all(axis=1)
    )


def _converged(known: Prospect, record: Record, found: Verdicts, *, certify: bool) -> None:
    """Decide the orbits that approach their stable fixed point, or (``certify``) must."""
    loop, fixed, radius = known.loop, known.fixed, known.radius
    rows = np.flatnonzero(found.open & (radius < 1.0))
    if not len(rows):
        return
    length = record.frames.shape[1]
    width = min(WINDOW, length // 2 + 1)
    there = approaches(
        record.frames[rows, :width], record.frames[rows, -width:], fixed[rows], radius[rows],
        length - width, loop.scheme.size,
    )  # fmt: skip
    near, slow = rows[there], rows[~there]
    found.rest(near, fixed[near], radius[near], Evidence.ITERATED)
    declared = loop.mixes_references or loop.scheme.method.facts.attraction is not None
    if certify and len(slow) and loop.linear and declared:
        must = slow[certificates(loop.take(slow)).certified]
        found.rest(must, fixed[must], radius[must], Evidence.CERTIFIED)


def _budget(known: Prospect) -> NDArray[np.int64]:
    """Return the rounds for a transient and the longest window, at a multiple of the looks.

    Where nothing anchors the logits, an equilibrium sets the pace, if there is one.
    """
    radius = known.radius
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shrinking = TRANSIENT_FACTOR / np.abs(np.log(radius))
        fading = RELAXATIONS / known.forgets
    rounds = np.where(radius > 1.0, np.maximum(_growing(radius), shrinking), shrinking)
    fading = np.where(known.anchored | np.isnan(radius), fading, 0.0)
    rounds = np.maximum(np.where(np.isnan(rounds), 1e5, rounds), fading)
    rounds = np.clip(rounds, 0.0, LONGEST_TRANSIENT)
    looks = np.ceil(np.log2((rounds + SETTLING) / SECOND_LOOK))
    return np.asarray(SECOND_LOOK * 2**looks, dtype=np.int64)


def _growing(radius: FloatArray) -> FloatArray:
    """Return the rounds in which an orbit leaves a point that repels with ``radius`` (n,)."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(np.where(radius > 1.0, TRANSIENT_FACTOR / (2.0 * (radius - 1.0)), 0.0))
