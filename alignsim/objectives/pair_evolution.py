"""How DPO on one pair moves all probabilities: the flow in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.errors import InputError
from alignsim.objectives.one_shot import reference_logits
from alignsim.preferences.conventions import signal_strength
from alignsim.preferences.logistic import sigmoid
from alignsim.summary import Lines, Summarised, maps, numbers
from alignsim.validation import FloatArray

SURE = 700.0
"""A gap whose exponential is next to overflow: nothing moves it any more."""


@dataclass(frozen=True, eq=False, repr=False)
class PairEvolution(Summarised):
    """The flow of DPO on a winner w and a loser l, among K responses.

    Attributes
    ----------
    times : (f,)
        Time of the flow, in which a pair of weight 1 pulls.
    gap : (..., f)
        u = ((θ − ref)_w − (θ − ref)_l)/β; it goes to log(P/(1 − P)).
    pull : (..., f)
        s = (P − σ(u))/β, by which the flow moves θ_w up and θ_l down.
    logits : (..., f, K)
        Centred logits.
    reference_logits : (..., K)
        Those of the reference.
    limit : (..., K)
        The policies where the flow ends; of sure preferences all is on one response.
    winner, loser : int
        Which responses w and l are.
    """

    _batch = "limit"

    times: FloatArray
    gap: FloatArray
    pull: FloatArray
    logits: FloatArray
    reference_logits: FloatArray
    limit: FloatArray
    winner: int
    loser: int

    @property
    def policies(self) -> FloatArray:
        """Policies at the times, (..., f, K)."""
        return simplex.softmax(self.logits)

    @property
    def rates(self) -> FloatArray:
        """D log π_i/dt, (..., f, K).

        s(1 − π_w + π_l) of the winner, −s(1 + π_w − π_l) of the loser and s(π_l − π_w) of all
        others: while s > 0 the winner never falls, and others rise while π_l > π_w.
        """
        policy = self.policies
        rates = policy[..., [self.loser]] - policy[..., [self.winner]] + np.zeros(policy.shape)
        rates[..., self.winner] += 1.0
        rates[..., self.loser] -= 1.0
        return np.asarray(self.pull[..., None] * rates)

    @property
    def loss_ratio(self) -> FloatArray:
        """|∂L/∂x_w|/|∂L/∂x_l| = x_l/x_w of the ratios x = π/ref for P = 1, (..., f).

        Below 1 once the gap is positive (Feng et al. 2024, arXiv 2404.04626). It takes the two
        probabilities for free coordinates, which on a softmax they are not.
        """
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(-self._log_ratio(self.reference_logits[..., None, :]))

    @property
    def speed_ratio(self) -> FloatArray:
        """|dπ_w/dt|/|dπ_l/dt| on the softmax, π_w(1 − π_w + π_l)/(π_l(1 + π_w − π_l)): (..., f)."""
        policy = self.policies
        ahead = policy[..., self.winner] - policy[..., self.loser]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return np.asarray(np.exp(self._log_ratio(0.0)) * (1.0 - ahead) / (1.0 + ahead))

    def _log_ratio(self, origin: FloatArray | float) -> FloatArray:
        moved = self.logits - origin
        return np.asarray(moved[..., self.winner] - moved[..., self.loser])

    def _title(self) -> str:
        return f"PairEvolution of {maps(self.limit.shape[:-1], 'policy', 'policies')}"

    def _summary(self) -> Lines:
        yield "times", f"{numbers(self.times)}"
        yield "winner", numbers(self.policies[..., -1, self.winner])
        yield "loser", numbers(self.policies[..., -1, self.loser])
        yield "limit of the winner", numbers(self.limit[..., self.winner])


def pair_evolution(
    start: ArrayLike,
    P: ArrayLike,
    times: ArrayLike,
    *,
    beta: ArrayLike = 1.0,
    beta_convention: str = "signal",
    reference: ArrayLike | None = None,
    winner: int = 0,
    loser: int = 1,
) -> PairEvolution:
    """Return how DPO on one pair moves policies (..., K) in time, in closed form.

    Parameters
    ----------
    start
        Policies where training starts, (..., K), of full support.
    P
        How often the winner beats the loser, (...), in [0, 1].
    times
        Times of the flow (f,), at least 0: what :func:`alignsim.train` does with ``flow=True`` and
        this pair alone in ``rate`` times as many steps.
    beta, beta_convention
        Strength of the preference signal (...), above 0.
    reference
        The reference policy (..., K), by default the start.
    winner, loser
        Which two responses are compared.

    Raises
    ------
    ValueError
        For bad arguments.

    Notes
    -----
    du/dt = (2/β²)(P − σ(u)). For P = 1, u = log ω(c) with the Wright function ω and
    c = 2t/β² + u_0 + e^{u_0}. For 0 < P < 1, Q = 1 − P, the root of
    2t/β² = (u − u_0)/P − log[(P − Qe^u)/(P − Qe^{u_0})]/(PQ), which is bracketed. The logits of w
    and l move by ±β(u − u_0)/2 and all others stay, so the flow ends at
    π_w ∝ π_w⁰e^{D/2}, π_l ∝ π_l⁰e^{−D/2}, π_o ∝ π_o⁰ with D = β(log(P/Q) − u_0).

    Examples
    --------
    A third response, never compared, gains too while the loser is likelier than the winner:

    >>> import alignsim as asim
    >>> path = asim.objectives.pair_evolution([0.1, 0.6, 0.3], 1.0, [0.0, 1.0, 9.0])
    >>> path.policies.round(3).tolist()
    [[0.1, 0.6, 0.3], [0.174, 0.474, 0.352], [0.473, 0.175, 0.352]]
    """
    initial = validation.policy(start, "start", full_support=True)
    K = initial.shape[-1]
    wins = validation.parameter(P, "P", high=1.0)
    moments = validation.parameter(times, "times")
    if moments.ndim != 1:
        raise InputError("times", f"has shape {moments.shape}", "give one row of times, (f,)")
    strength = signal_strength(beta, beta_convention)
    validation.refuse_where(strength == 0, "beta", strength, "training needs a β above 0")
    for name, place in (("winner", winner), ("loser", loser)):
        validation.integer(place, name, minimum=0, maximum=K - 1)
    if winner == loser:
        raise InputError("loser", f"is {loser}, as winner is", "compare two responses")
    begin = simplex.centred_logits(initial)
    anchor = begin if reference is None else reference_logits(reference, "reference", K)
    shapes = {"start": begin.shape[:-1], "P": wins.shape, "beta": strength.shape}
    shape = validation.batch_shape({**shapes, "reference": anchor.shape[:-1]})
    wins, strength = np.broadcast_to(wins, shape), np.broadcast_to(strength, shape)
    with np.errstate(over="ignore", divide="ignore"):
        clock = 2.0 * moments / strength[..., None] ** 2
    if not np.isfinite(clock).all():
        told = f"go up to {moments.max():g}, too long for beta = {strength.min():g}"
        raise InputError("times", told, "2t/β² overflows float64: give shorter times")
    moved = begin - anchor
    first = np.broadcast_to((moved[..., winner] - moved[..., loser]) / strength, shape)
    gap = _gap(wins[..., None], first[..., None], clock)
    ends = np.zeros(K)
    ends[winner], ends[loser] = 0.5, -0.5
    step = strength[..., None] * (gap - first[..., None])
    with np.errstate(divide="ignore"):
        last = np.log(wins) - np.log1p(-wins)
    return PairEvolution(
        times=moments,
        gap=gap,
        pull=_pull(wins[..., None], gap) / strength[..., None],
        logits=begin[..., None, :] + step[..., None] * ends,
        reference_logits=np.broadcast_to(anchor, (*shape, K)),
        limit=_limit(begin, strength * (last - first), ends),
        winner=winner,
        loser=loser,
    )


def _pull(wins: FloatArray, gap: FloatArray) -> FloatArray:
    """Return P − σ(u), from the side where P is at most ½."""
    return np.where(wins <= 0.5, wins - sigmoid(gap), sigmoid(-gap) - (1.0 - wins))


def _limit(begin: FloatArray, distance: FloatArray, ends: FloatArray) -> FloatArray:
    """Return the policies that logits reach when their pair has moved apart by the distance."""
    far = np.isinf(distance)
    step = np.where(far, 0.0, distance)[..., None] * ends
    corner = (ends * np.sign(distance)[..., None] > 0.0).astype(np.float64)
    return np.where(far[..., None], corner, simplex.softmax(begin + step))


def _gap(wins: FloatArray, first: FloatArray, time: FloatArray) -> FloatArray:
    """Return u after some time from u_0, du/dt = P − σ(u); mirrored so that P is at least ½."""
    mirrored = wins < 0.5
    sign = np.where(mirrored, -1.0, 1.0)
    Q = np.where(mirrored, wins, 1.0 - wins)
    sure = Q == 0.0
    u = np.where(
        sure, _sure_gap(sign * first, time), _open_gap(np.where(sure, 0.5, Q), sign * first, time)
    )
    return np.asarray(sign * u)


def _sure_gap(first: FloatArray, time: FloatArray) -> FloatArray:
    """Return u for P = 1: u + e^u = t + u_0 + e^{u_0}."""
    from scipy.special import wrightomega

    inner = np.minimum(first, SURE)
    c = time + inner + np.exp(inner)
    near = np.maximum(c, -SURE)
    u = np.where(c > -SURE, np.log(wrightomega(near).real), c)
    return np.where(first > SURE, first, u)


def _open_gap(Q: FloatArray, first: FloatArray, time: FloatArray) -> FloatArray:
    """Return u for ½ ≤ P < 1, from the distance Y = |log(P/Q) − u| that is left.

    With m(Y) = log(1 − e^{−Y}) the distance is the root of
    (Y_0 − Y)S − m(Y) + m(Y_0) = PQt, where S is Q below the end and P above it.
    """
    from scipy.optimize import elementwise

    P = 1.0 - Q
    end = np.log1p(-Q) - np.log(Q)
    left = end - first
    start = np.abs(left)
    there = start == 0.0
    Y0, slope = np.where(there, 1.0, start), np.where(left > 0.0, Q, P)
    Y0, slope, target, top = np.broadcast_arrays(Y0, slope, P * Q * time, np.log(Y0) + 1e-6)

    def excess(
        log_y: FloatArray, Y0: FloatArray, slope: FloatArray, target: FloatArray
    ) -> FloatArray:
        Y = np.exp(log_y)
        return np.asarray((Y0 - Y) * slope - _log_share(log_y) + _log_share(np.log(Y0)) - target)

    bottom = _log_share(np.log(Y0)) - target - 1.0
    found = elementwise.find_root(excess, (bottom, top), args=(Y0, slope, target))
    Y = np.where(there, 0.0, np.exp(found.x))
    return np.asarray(end - np.sign(left) * Y)


def _log_share(log_y: FloatArray) -> FloatArray:
    """Return log(1 − e^{−Y}) of log Y."""
    Y = np.exp(np.maximum(log_y, -SURE))
    small = np.log(-np.expm1(-np.minimum(Y, 1.0)))
    large = np.log1p(-np.exp(-np.maximum(Y, 0.5)))
    return np.where(log_y < -30.0, log_y - 0.5 * Y, np.where(Y < 0.7, small, large))
