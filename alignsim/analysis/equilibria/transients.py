"""How far a perturbation of a stable fixed point can grow before it dies out.

The Jacobian J of a map at a fixed point is a normal matrix only in special cases. Then ρ < 1 does
not forbid that ‖Jⁿ‖ exceeds 1 for a while: a perturbation of the logits grows before it shrinks,
and may leave the region where the linear picture holds (analysis B.7, C.3). In discrete time the
growth is max‖Jⁿ‖ and the reactivity ‖J‖, both to be read against 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.analysis.equilibria.stability import Verdict, stability
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray


class GrowthStatus(Code):
    """How a transient growth is known."""

    EXACT = "exact"
    LOWER_BOUND = "lower_bound"
    UNSTABLE = "unstable"
    UNDECIDED = "undecided"


RELAXATIONS = 10.0
"""Powers of J are taken for this many relaxation times 1/(1 − ρ) at most (analysis C.3)."""

LARGEST_BUDGET = 20_000
"""And for no more rounds than this."""


@dataclass(frozen=True, eq=False, repr=False)
class TransientGrowth(Result):
    """Transient growth at the fixed points of a batch of maps.

    Attributes
    ----------
    growth : (...)
        max over n ≥ 0 of ‖Jⁿ‖₂, at least 1; infinite where the fixed point is unstable.
    at_round : (...)
        The n of the maximum; 0 where nothing grows, −1 where it is infinite or unknown.
    reactivity : (...)
        ‖J‖₂, the largest growth in one round.
    status : (...)
        See :meth:`words`: 0 exact, up to rounding; 1 a lower bound, because the budget of rounds
        ended before a later maximum was ruled out; 2 unstable; 3 undecided (no fixed point).
    """

    WORDS: ClassVar = {"status": GrowthStatus}

    growth: FloatArray
    at_round: NDArray[np.intp]
    reactivity: FloatArray
    status: NDArray[np.int8]

    def _summary(self) -> Lines:
        yield "status", tally(self.words("status"))
        yield "growth", numbers(self.growth)
        yield "at round", numbers(np.where(self.at_round >= 0, self.at_round, np.nan))
        yield "reactivity", numbers(self.reactivity)


def transient_growth(
    loop: FeedbackMap, start_logits: ArrayLike | None = None, rounds: int | None = None
) -> TransientGrowth:
    """Return how far a small perturbation of the state grows at stable fixed points, (...).

    J is the Jacobian in the mean-zero basis, the norm that of centred logits. Once ‖Jⁿ‖ < 1 no
    later power can exceed those before, because ‖Jᵐ⁺ⁿ‖ ≤ ‖Jᵐ‖‖Jⁿ‖: the search ends there, with
    the exact maximum.

    Parameters
    ----------
    loop
        The maps.
    start_logits : (..., K)
        Where the search for the fixed point begins; by default the reference.
    rounds
        The largest n; by default ten relaxation times, 10/(1 − ρ), at most 20,000.

    Examples
    --------
    At the uniform fixed point of a cycle J is normal. A skewed reference makes it non-normal:

    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> skewed = [0.001, 0.01, 0.989]
    >>> loop = asim.FeedbackMap(P, beta=[3.0, 10.0], reference=[[1 / 3] * 3, skewed])
    >>> asim.analysis.stability(loop).spectral_radius.round(3).tolist()
    [0.866, 0.793]
    >>> found = asim.transient_growth(loop)
    >>> found.growth.round(3).tolist(), found.at_round.tolist()
    ([1.0, 4.224], [0, 1])
    """
    validation.feedback_map(loop, "loop")
    local = stability(loop, start_logits)
    verdict = local.verdict.ravel()
    growth = np.where(verdict == Verdict.UNSTABLE, np.inf, np.nan)
    at_round = np.full(loop.size, -1)
    reactivity = np.full(loop.size, np.nan)
    status = np.where(verdict == Verdict.UNSTABLE, GrowthStatus.UNSTABLE, GrowthStatus.UNDECIDED)
    known = np.flatnonzero(verdict != Verdict.UNDECIDED)
    if len(known):
        states = local.fixed_point.state.reshape(loop.size, -1)[known]
        jacobians = loop.take(known).derivative(states, "tangent")
        size = np.abs(jacobians).max(axis=(-2, -1), keepdims=True)  # squares may overflow
        with np.errstate(over="ignore", invalid="ignore"):
            unit = np.where(np.isfinite(size), jacobians / np.where(size > 0.0, size, 1.0), 0.0)
            norm = np.linalg.norm(unit, 2, axis=(-2, -1))
            reactivity[known] = np.where(norm > 0.0, size[:, 0, 0] * norm, size[:, 0, 0])
        bounded = verdict[known] != Verdict.UNSTABLE
        kept = known[bounded]
        budget = _budget(local.spectral_radius.ravel()[kept], rounds)
        growth[kept], at_round[kept], ended = _largest_power(jacobians[bounded], budget)
        status[kept] = np.where(ended, GrowthStatus.EXACT, GrowthStatus.LOWER_BOUND)
    found = TransientGrowth(growth, at_round, reactivity, status.astype(np.int8))
    return found.reshaped(loop.shape)


def _budget(radius: FloatArray, rounds: int | None) -> NDArray[np.intp]:
    """Return the largest power to take of each Jacobian, (n,)."""
    if rounds is not None:
        return np.full(len(radius), validation.integer(rounds, "rounds", minimum=1))
    with np.errstate(divide="ignore"):
        wanted = np.ceil(RELAXATIONS / np.maximum(1.0 - radius, 0.0))
    return np.minimum(wanted, LARGEST_BUDGET).astype(np.intp)


def _largest_power(
    jacobians: FloatArray, budget: NDArray[np.intp]
) -> tuple[FloatArray, NDArray[np.intp], NDArray[np.bool_]]:
    """Return max‖Jⁿ‖₂, its n, and whether no later power can exceed it: (m,) each.

    The Frobenius norm bounds ‖Jⁿ‖₂: singular values are taken only where it exceeds the maximum.
    """
    growth = np.ones(len(jacobians))
    at_round = np.zeros(len(jacobians), dtype=np.intp)
    ended = np.zeros(len(jacobians), dtype=bool)
    open_ = np.arange(len(jacobians))
    power = jacobians
    for n in range(1, int(budget.max(initial=0)) + 1):
        bound = np.sqrt((power * power).sum(axis=(-2, -1)))
        larger = np.flatnonzero(bound > growth[open_])
        if len(larger):
            norm = np.linalg.norm(power[larger], 2, axis=(-2, -1))
            exceeds = norm > growth[open_[larger]]
            growth[open_[larger[exceeds]]] = norm[exceeds]
            at_round[open_[larger[exceeds]]] = n
        ended[open_[bound < 1.0]] = True
        going = (bound >= 1.0) & (budget[open_] > n)
        open_, power = open_[going], power[going]
        if not len(open_):
            break
        power = power @ jacobians[open_]
    return growth, at_round, ended
