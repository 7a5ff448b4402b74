"""What to beware of where an α is advised, in sentences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.bifurcations.criticality import Criticality, first_lyapunov_coefficient
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.reports.far_starts import FAR_STARTS, Convergence
from alignsim.reports.tradeoff import ROUNDING, Tradeoff
from alignsim.summary import span
from alignsim.validation import FloatArray


class AdviceStatus(Code):
    """Whether an α can be advised."""

    ADVISED = "advised"
    NO_STABLE_ALPHA = "no_stable_alpha"
    NO_FIXED_POINT = "no_fixed_point"


class Findings(NamedTuple):
    """What warnings are made of."""

    flat: FeedbackMap
    status: NDArray[np.intp]
    seen: Convergence
    several: NDArray[np.bool_]
    logits: FloatArray
    floor: float
    largest: FloatArray
    tradeoff: Tradeoff


def sentences(found: Findings) -> tuple[str, ...]:
    """Return sentences; of a batch, each with the number of instances that it holds for."""
    flat, seen = found.flat, found.seen
    advised = found.status == AdviceStatus.ADVISED
    missed = seen.starts - seen.arrived
    entropy = found.tradeoff.entropy[:, found.tradeoff.wanted]
    with np.errstate(invalid="ignore"):
        below = np.exp(entropy) < found.floor * (1.0 - ROUNDING)
    runs = f"of {FAR_STARTS} far starts converged within {seen.rounds:,} rounds at the advised α"
    unproved = "No certificate of global convergence holds"
    tried = seen.starts > 0
    astray = tried & (missed > 0) & seen.decided
    slow = tried & (missed > 0) & ~seen.decided
    with_floor = not np.isnan(found.floor)
    said = [
        (
            found.status == AdviceStatus.NO_FIXED_POINT,
            "No fixed point was found; move P off 0 and 1.",
        ),
        (
            found.status == AdviceStatus.NO_STABLE_ALPHA,
            "No α makes this fixed point stable (a multiplier at α = 0 has real part 1 or more); "
            "choose another η or λ.",
        ),
        (tried & (missed == 0), f"{unproved}; {FAR_STARTS} {runs}."),
        (
            slow,
            f"{unproved}, and the loop is too slow to try; {span(seen.arrived[slow])} {runs}.",
        ),
        (
            astray,
            f"Local stability is not the whole story: {span(seen.arrived[astray])} {runs}, the "
            f"others went elsewhere. {_remedy(found, astray)}",
        ),
        (
            advised & found.several,
            "There may be several fixed points; this is the one that is followed from small η.",
        ),
        (
            _loses_stability_abruptly(found),
            "Below the lowest stable α stability is lost abruptly (a subcritical bifurcation), and "
            "near it another attractor may lie beside the fixed point. Keep away from it.",
        ),
        (
            below & ~np.isnan(found.largest),
            f"The wanted η leaves an effective support below {found.floor:g}"
            + (
                f" ({np.exp(entropy[0]):.3g}); η = {found.largest[0]:.4g} is the largest that "
                "keeps it."
                if flat.size == 1
                else "; see the largest η that keeps it."
            ),
        ),
        (
            np.isnan(found.largest) & with_floor & ~(found.status == AdviceStatus.NO_FIXED_POINT),
            f"Not even the reference has an effective support of {found.floor:g}.",
        ),
    ]
    return tuple(
        sentence if flat.size == 1 else f"{int(holds.sum()):,} of {flat.size:,}: {sentence}"
        for holds, sentence in said
        if holds.any()
    )


def _remedy(found: Findings, astray: NDArray[np.bool_]) -> str:
    """Return what helps where far starts went elsewhere."""
    if not found.flat.linear:
        return "A larger α may help, at the price of rounds."
    safe = found.tradeoff.alpha_certified[astray, found.tradeoff.wanted].max(initial=0.0)
    return f"Every orbit converges for α above {safe:.5g} (certified), at the price of rounds."


def _loses_stability_abruptly(found: Findings) -> NDArray[np.bool_]:
    """Return where stability is lost in a subcritical bifurcation at the lowest stable α, (n,)."""
    flat, low = found.flat, found.tradeoff.alpha_lowest[:, found.tradeoff.wanted]
    hard = np.zeros(flat.size, dtype=np.bool_)
    edge = np.flatnonzero((found.status == AdviceStatus.ADVISED) & (low > 0.0))
    if len(edge) and flat.expansion is not None:
        alpha = low[edge]
        maps = flat.take(edge).with_parameters(alpha=alpha, beta=flat.beta[edge] * (1.0 - alpha))
        form = first_lyapunov_coefficient(maps, found.logits[edge])
        hard[edge] = form.criticality == Criticality.SUBCRITICAL
    return hard
