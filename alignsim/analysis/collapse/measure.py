"""Entropy collapse: whether a loop concentrates on few responses, of what kind, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.collapse.entropy_bounds import (
    entropy_floor,
    span_bound,
    tail_entropy,
    winners,
)
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.orbits.anchor import anchored
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.summary import Lines, holding, numbers, tally
from alignsim.validation import FloatArray


class CollapseKind(Code):
    """How the mass of a policy concentrates, from the burn-in on.

    How the policy's mass concentrates, over the rounds from the burn-in on. ``none``: the mean
    entropy is above the threshold. Below it: ``vertex``, one response holds ``CERTAIN`` of the
    mean policy; ``face``, a tied top set of several does; ``switching``, each round is nearly
    certain, but not of the same response; ``soft``, the top response leaves others a share that
    can still be sampled. Where no reference holds the logits back (α = 1 for MRS), and they
    still move on: ``drift``, their span grows linearly; ``heteroclinic``, the leader changes for
    ever, each stay longer than the last; ``undecided``, neither is seen yet. ``undecided`` too
    where the orbit failed.
    """

    OPEN = "none"
    VERTEX = "vertex"
    FACE = "face"
    SOFT = "soft"
    SWITCHING = "switching"
    DRIFT = "drift"
    HETEROCLINIC = "heteroclinic"
    UNDECIDED = "undecided"


COLLAPSE_SHARE = 0.05
"""Collapsed is an effective support below 1 + 0.05(K − 1)."""

CERTAIN = 0.99
"""Share of the mass that makes a policy nearly deterministic (analysis C.6)."""

STRAIGHT = 0.999
"""R² from which the span of the logits is called linear in time (analysis C.6)."""

RESTING = 1e-9
"""Spread of the span, relative to 1 + span, below which logits have come to rest."""

WIDER = 1.01
"""How much wider than in the first half the span gets in the second if logits grow for ever."""

FEWEST_FITTED = 8
"""The fewest rounds to which a line is fitted."""

FEWEST_SWITCHES = 3
"""Changes of the leader after the burn-in from which it is said to change for ever."""

BLOCK_ENTRIES = 2**22
"""Numbers in a chunk of frames (32 MiB), which bounds the memory of a run."""

SHORTEST_CHUNK = 64
"""Rounds that a chunk has at least, whatever the number of maps."""

GONE = 1e4
"""A logit that lies so far below all others has no weight in float64."""


@dataclass(frozen=True, eq=False, repr=False)
class Collapse(Result):
    """How far the orbits of a batch of maps have collapsed, and the bounds beside it.

    Attributes
    ----------
    entropy_final, entropy_mean, entropy_min : (...)
        In nats: after the last round, and time mean and minimum from the burn-in (half of the
        rounds) on. NaN where the orbit failed.
    merged_entropy : (...)
        Time mean from the burn-in on of the entropy with the tied top set counted as one
        response; ``entropy_mean`` where there is none. ``first_round``, ``recovered`` and
        ``kind`` are judged by it.
    threshold : (...)
        The effective support below which a policy is called collapsed.
    first_round : (...)
        First round below the threshold, −1 if there is none.
    recovered : (...)
        Whether a later round was above it again.
    kind : (...)
        See :meth:`words`.
    slope : (...)
        Growth a round of the span of the logits where ``kind`` is drift, else NaN.
    predicted_slope : (...)
        What it tends to for MRS at α = 1: β·max_j g_j (theory 6.8). NaN where no single response
        leads: tied ones keep the ratios of the start, on which the slope then depends.
    top : (..., K)
        The response, or the responses tied with it, on which the fixed point concentrates as η
        grows; all False where there is none, as in a majority cycle.
    entropy_floor : (...)
        See :func:`~alignsim.analysis.entropy_floor`.
    span_bound : (...)
        See :func:`~alignsim.analysis.span_bound`.
    asymptotic_entropy : (...)
        See :func:`~alignsim.analysis.asymptotic_entropy`.
    eta : (...)
        :attr:`alignsim.FeedbackMap.eta`, β/(1−α) for MRS, where it controls it all; infinite
        without an anchor.
    evidence : (...)
        How ``kind`` was obtained; see :meth:`words`.
    responses : int
        K.
    """

    WORDS: ClassVar = {"kind": CollapseKind, "evidence": Evidence}
    AXES: ClassVar = {"top": 1}
    _batch = "kind"

    entropy_final: FloatArray
    entropy_mean: FloatArray
    entropy_min: FloatArray
    merged_entropy: FloatArray
    threshold: FloatArray
    first_round: NDArray[np.int64]
    recovered: NDArray[np.bool_]
    kind: NDArray[np.int8]
    slope: FloatArray
    predicted_slope: FloatArray
    top: NDArray[np.bool_]
    entropy_floor: FloatArray
    span_bound: FloatArray
    asymptotic_entropy: FloatArray
    eta: FloatArray
    evidence: NDArray[np.int8]
    responses: int

    @property
    def collapsed(self) -> NDArray[np.bool_]:
        """Whether the effective support stays below the threshold on average, (...)."""
        with np.errstate(invalid="ignore"):  # by the entropy in which tied responses are one
            return np.asarray(np.exp(self.merged_entropy) < self.threshold)

    @property
    def impossible(self) -> NDArray[np.bool_]:
        """Whether no attractor can be below the threshold, by the entropy floor, (...).

        False where several responses are tied at the top: they count as one, and the floor does
        not bound what is left then.
        """
        floor = np.exp(self.entropy_floor)
        return np.asarray((floor >= self.threshold) & (self.top.sum(axis=-1) < 2))

    @property
    def support_final(self) -> FloatArray:
        """e^H after the last round, between 1 and K, (...)."""
        return np.asarray(np.exp(self.entropy_final))

    @property
    def support_min(self) -> FloatArray:
        """The smallest e^H from the burn-in on, (...)."""
        return np.asarray(np.exp(self.entropy_min))

    @property
    def normalised_entropy(self) -> FloatArray:
        """H/log K after the last round, between 0 and 1, (...)."""
        return np.asarray(self.entropy_final / np.log(self.responses))

    def _summary(self) -> Lines:
        yield "kind", tally(self.words("kind"))
        yield "collapsed", holding(self.collapsed)
        yield "entropy final", numbers(self.entropy_final)
        yield "entropy floor", numbers(self.entropy_floor)
        yield "slope", numbers(self.slope)
        yield "eta", numbers(self.eta)
        yield "evidence", tally(self.words("evidence"))


def collapse(
    loop: FeedbackMap,
    start: ArrayLike | None = None,
    rounds: int = 3000,
    *,
    threshold: ArrayLike | None = None,
    start_logits: ArrayLike | None = None,
    start_state: ArrayLike | None = None,
) -> Collapse:
    """Return how far orbits (...) collapse, of what kind, and what bounds it.

    The maps are run in blocks and chunks of rounds; only sums are kept.

    Parameters
    ----------
    loop
        Maps of any batch shape.
    start, start_logits, start_state
        As in :meth:`FeedbackMap.run`.
    rounds
        How many, at least 1; the attractor is taken to be reached after half of them.
    threshold : (...)
        Effective support below which a policy is called collapsed, in [1, K]; by default
        1 + 0.05(K − 1).

    Raises
    ------
    ValueError
        For bad arguments. An orbit that fails gets NaN and the kind ``undecided``.

    Notes
    -----
    Theory 6.7, 6.8; analysis C.6.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.additive([0.2, 0.1, 0.0])
    >>> found = asim.collapse(asim.FeedbackMap(P, beta=[1.0, 30.0, 1.0], alpha=[0.5, 0.5, 1.0]))
    >>> found.words("kind").tolist()
    ['none', 'vertex', 'drift']
    >>> round(float(found.slope[2]), 9)
    0.2
    """
    validation.feedback_map(loop, "loop")
    total = validation.integer(rounds, "rounds", minimum=1)
    K = loop.responses
    if threshold is None:
        threshold = _threshold(K)
    limit = validation.parameter(threshold, "threshold", low=1.0, high=float(K))
    started, opening = loop.with_start(start, start_logits, start_state)
    shape = validation.batch_shape(
        {"the map and its start": started.shape, "threshold": limit.shape}
    )
    full = started.replace(beta=np.broadcast_to(loop.beta, shape))
    limit = np.broadcast_to(limit, shape)
    first = np.broadcast_to(opening, (*shape, loop.width)).reshape(-1, loop.width)
    flat = full.part(0, full.size)
    block = max(1, BLOCK_ENTRIES // (K * max(K, SHORTEST_CHUNK)))
    parts = [
        _collapse_block(
            flat.part(at, at + block), first[at : at + block], limit.ravel()[at : at + block], total
        )
        for at in range(0, flat.size, block)
    ]
    gathered = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found = Collapse(**gathered, threshold=limit.ravel(), eta=flat.eta, responses=K)
    return found.reshaped(shape)


def collapsed(logits: ArrayLike) -> NDArray[np.bool_]:
    """Return where a policy with ``logits`` (..., K) has collapsed, (...)."""
    checked = validation.logits(logits, "logits", missing=True)
    K = checked.shape[-1]
    with np.errstate(invalid="ignore"):
        return np.asarray(simplex.effective_support(checked) < _threshold(K))


def _threshold(responses: int) -> float:
    """Return the effective support below which a policy is called collapsed."""
    return 1.0 + COLLAPSE_SHARE * (responses - 1)


def _collapse_block(
    flat: FeedbackMap, opening: FloatArray, limit: FloatArray, rounds: int
) -> dict[str, np.ndarray]:
    """Return the fields of :class:`Collapse` for a flat batch that is run at once."""
    ends = winners(flat)
    course = _Course(flat, limit, ends.top, rounds)
    state = opening
    course.add(flat.policy_logits(state)[:, None], 0)
    chunk = max(1, BLOCK_ENTRIES // (flat.size * flat.responses))
    last_early = course.burn_in - 1
    at = 0
    while at < rounds:
        stop = min(at - at % chunk + chunk, rounds)
        stop = min(stop, last_early) if at < last_early else stop
        slots = state.reshape(flat.size, flat.scheme.size, flat.responses)
        orbit = flat.run(start_state=slots, rounds=stop - at, burn_in=1)
        course.failed |= orbit.failed
        course.add(orbit.logits[:, 1:], at + 1)
        course.add_policy(orbit.policy_mean, stop - at, stop)
        final = orbit.final_state.reshape(opening.shape)
        state = np.where(course.failed[:, None], opening, final)
        at = stop
    free = ~anchored(flat)
    kind, slope = course.kind(free, surely=flat.mixes_references and flat.samples_alike)
    failed = course.failed
    valid = np.where(failed, np.nan, 1.0)
    with np.errstate(invalid="ignore"):
        alone = free & (ends.top.sum(axis=-1) == 1) & flat.mixes_references
        predicted = np.where(alone, flat.beta * ends.gap.max(axis=-1), np.nan)
    return {
        "entropy_final": valid * course.entropy_final,
        "entropy_mean": valid * course.entropy_sum / course.late_rounds,
        "entropy_min": valid * course.entropy_min,
        "merged_entropy": valid * course.merged_sum / course.late_rounds,
        "first_round": np.where(failed, -1, course.first_round),
        "recovered": course.recovered & ~failed,
        "kind": np.where(failed, CollapseKind.UNDECIDED, kind).astype(np.int8),
        "slope": np.where(failed | (kind != CollapseKind.DRIFT), np.nan, slope),
        "predicted_slope": predicted,
        "top": ends.top,
        "entropy_floor": entropy_floor(flat),
        "span_bound": span_bound(flat),
        "asymptotic_entropy": tail_entropy(flat, ends),
        "evidence": np.where(failed, Evidence.NOTHING, Evidence.ITERATED).astype(np.int8),
    }


class _Course:
    """What is kept of the orbits of a flat batch while they are run, chunk by chunk.

    "Early" rounds come before the burn-in, "late" ones from it on.
    """

    def __init__(
        self, flat: FeedbackMap, limit: FloatArray, top: NDArray[np.bool_], rounds: int
    ) -> None:
        n = flat.size
        self.limit, self.top = limit, top
        self.burn_in = rounds // 2
        self.late_rounds = rounds + 1 - self.burn_in
        self.middle = 0.5 * (rounds + self.burn_in)
        self.failed = np.zeros(n, dtype=bool)
        self.first_round = np.full(n, -1, dtype=np.int64)
        self.recovered = np.zeros(n, dtype=bool)
        self.entropy_final = np.full(n, np.nan)
        self.entropy_sum, self.merged_sum = np.zeros(n), np.zeros(n)
        self.entropy_min = np.full(n, np.inf)
        self.policy_sum = np.zeros((n, flat.responses))
        self.leader = np.zeros(n, dtype=np.intp)
        self.since = np.zeros(n, dtype=np.int64)
        self.switches = np.zeros(n, dtype=np.int64)
        self.longest = np.zeros((2, n), dtype=np.int64)
        self.widest = np.zeros((2, n))
        self.origin = np.zeros(n)
        self.line = np.zeros((3, n))

    def add(self, logits: FloatArray, first: int) -> None:
        """Take in the frames (n, c, K) of rounds ``first`` on, all early or all late."""
        late = first >= self.burn_in
        times = np.arange(first, first + logits.shape[1])
        entropy = simplex.entropy(logits)
        merged = entropy
        several = np.flatnonzero(self.top.sum(axis=-1) > 1)
        if len(several):
            merged = entropy.copy()
            merged[several] = simplex.entropy(_merged(logits[several], self.top[several]))
        self._judge(merged, first)
        self._follow_leader(logits.argmax(axis=-1), times, int(late))
        span = np.ptp(logits, axis=-1)
        self.widest[int(late)] = np.maximum(self.widest[int(late)], span.max(axis=-1))
        self.entropy_final = entropy[:, -1]
        if late:
            self.entropy_sum += entropy.sum(axis=-1)
            self.merged_sum += merged.sum(axis=-1)
            self.entropy_min = np.minimum(self.entropy_min, entropy.min(axis=-1))
            if first == self.burn_in:
                self.origin = span[:, 0]
            grown = span - self.origin[:, None]
            with np.errstate(over="ignore", invalid="ignore"):  # an infinite sum fits no line
                lean = (grown * (times - self.middle)).sum(axis=-1)
                self.line += grown.sum(axis=-1), lean, (grown**2).sum(axis=-1)
        if first == 0:
            self.add_policy(simplex.softmax(logits[:, 0]), 1, 0)

    def add_policy(self, mean: FloatArray, rounds: int, last: int) -> None:
        """Take in the mean policy (n, K) of a number of rounds that end with ``last``."""
        if last >= self.burn_in:
            self.policy_sum += rounds * mean

    def _judge(self, merged: FloatArray, first: int) -> None:
        """Find the first round below the threshold, and whether one is above it again later."""
        with np.errstate(invalid="ignore"):
            below = np.exp(merged) < self.limit[:, None]
        place = below.argmax(axis=-1)
        new = (self.first_round < 0) & below.any(axis=-1)
        self.first_round[new] = first + place[new]
        after = np.arange(first, first + below.shape[1]) > self.first_round[:, None]
        self.recovered |= (self.first_round >= 0) & (~below & after).any(axis=-1)

    def _follow_leader(self, leaders: NDArray[np.intp], times: NDArray[np.intp], late: int) -> None:
        """Count how often the top response changes, and how long it stays at most."""
        before = np.concatenate([self.leader[:, None], leaders[:, :-1]], axis=-1)
        changed = leaders != before
        since = np.maximum.accumulate(np.where(changed, times, self.since[:, None]), axis=-1)
        self.longest[late] = np.maximum(self.longest[late], (times - since).max(axis=-1))
        self.switches += late * changed.sum(axis=-1)
        self.leader, self.since = leaders[:, -1], since[:, -1]

    def kind(self, free: NDArray[np.bool_], *, surely: bool) -> tuple[NDArray[np.intp], FloatArray]:
        """Return the kinds and the slopes of the span, (n,).

        ``free`` (n,) orbits have no anchor. Without one, those of MRS ``surely`` go on for ever
        if they move; others may oscillate within bounds.
        """
        count = self.late_rounds
        policy = self.policy_sum / count
        switching = self.switches >= FEWEST_SWITCHES
        held = np.where(switching, CollapseKind.SWITCHING, CollapseKind.SOFT)
        several = self.top.sum(axis=-1) > 1
        held = np.where(
            several & ((policy * self.top).sum(axis=-1) >= CERTAIN), CollapseKind.FACE, held
        )
        held = np.where(policy.max(axis=-1) >= CERTAIN, CollapseKind.VERTEX, held)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            collapsed = np.exp(self.merged_sum / count) < self.limit
            total, lean, square = self.line
            spread = count * (count * count - 1) / 12.0
            slope = lean / spread
            variation = np.maximum(square - total * total / count, 0.0)
            straight = lean * lean > STRAIGHT * spread * variation
            moving = np.sqrt(variation / count) > RESTING * (1.0 + self.origin)
            moving &= surely | (self.widest[1] > WIDER * self.widest[0])
        linear = straight & (slope > 0.0) & (count >= FEWEST_FITTED)
        longer = switching & (self.longest[1] > self.longest[0])
        longer &= self.widest[1] > self.widest[0]
        growing = np.where(
            longer,
            CollapseKind.HETEROCLINIC,
            np.where(linear, CollapseKind.DRIFT, CollapseKind.UNDECIDED),
        )
        at_rest = np.where(collapsed, held, CollapseKind.OPEN)
        return np.where(free & moving, growing, at_rest), slope


def _merged(logits: FloatArray, top: NDArray[np.bool_]) -> FloatArray:
    """Return logits (n, c, K) in which the top set (n, K) is one response and the rest is gone."""
    inside = np.broadcast_to(top[:, None, :], logits.shape)
    lead = np.where(inside, logits, -np.inf).max(axis=-1, keepdims=True)
    weight = np.where(inside, np.exp(np.where(inside, logits - lead, 0.0)), 0.0)
    total = lead + np.log(weight.sum(axis=-1, keepdims=True))
    merged = np.where(inside, logits.min(axis=-1, keepdims=True) - GONE, logits)
    np.put_along_axis(merged, inside.argmax(axis=-1)[..., None], total, axis=-1)
    return merged
