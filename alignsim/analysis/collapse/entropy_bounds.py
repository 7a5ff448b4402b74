"""How far a loop can collapse, without an orbit: entropy floors, spans, limits as η grows.

All of it is proved for MRS. What controls it is η = β/(1−α). A fixed point's logit gaps lie in the
box of theory 6.7, and so do those of every attractor: an orbit is
z_t = αᵗz_0 + (1−α)Σ_s αˢ(z_ref + ηv_s), a mixture of such gaps. So for α < 1 no policy ever reaches
a vertex; at α = 1 nothing holds the logits back.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.orbits.anchor import anchored
from alignsim.feedback import FeedbackMap
from alignsim.kernels.status import OK
from alignsim.objectives import Comparison, ProductPairs
from alignsim.preferences.payoffs import row_gaps
from alignsim.validation import FloatArray

TIE = 1e-9
"""Probabilities and scores closer than this are tied."""


def entropy_floor(loop: FeedbackMap) -> FloatArray:
    """Return an entropy (...) in nats that no fixed point or attractor of the maps lies below.

    A response i that beats j by at most U_ij against any opponent has
    π_j/π_i ≥ (ref_j/ref_i)e^{−ηU_ij}, hence π_i ≤ 1/(1 + S_i), S_i the sum over j. The floor is
    the least entropy of a policy without a probability above 1/(1 + min_i S_i). U is what the
    objective declares: for DPO (K−1)·max logit P. NaN where nothing is declared, and for
    schemes other than MRS; 0 without an anchor, as at α = 1.

    Notes
    -----
    Theory 6.7.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.additive([0.2, 0.1, 0.0])
    >>> loop = asim.FeedbackMap(P, beta=60.0)
    >>> exact = asim.simplex.entropy(asim.analysis.fixed_point(loop).logits)
    >>> float(asim.analysis.entropy_floor(loop).round(6)), float(exact.round(6))
    (0.017348, 0.017391)
    """
    validation.feedback_map(loop, "loop")
    fact = loop.facts.score_gaps
    if fact is None or not loop.mixes_references:
        return np.where(anchored(loop), np.nan, 0.0)
    reference = loop.reference_logits
    eta = loop.eta[..., None, None]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        ratio = (
            reference[..., None, :] - reference[..., :, None] - eta * loop.of_matrices(fact.value)
        )
        ratio = np.where(np.eye(loop.responses, dtype=bool), -np.inf, ratio)
        rivals = np.exp(ratio).sum(axis=-1).min(axis=-1)
        whole = np.floor(rivals)
        rest = rivals - whole
        last = rest * np.log(np.where(rest > 0.0, rest, 1.0))
        floor = np.log1p(rivals) - last / (1.0 + rivals)
    bounded = (loop.alpha < 1.0) & ~np.isnan(floor)  # NaN: 0·∞, MRS-DPO at β = 0 with P at 0 or 1
    return np.asarray(np.where(bounded, floor, 0.0))


def span_bound(loop: FeedbackMap) -> FloatArray:
    """Return what the largest logit gap (...) ends below; infinite without an anchor.

    span(z_ref) + η·S with the bound S on the span of the score that the objective declares:
    max_k span(P[:, k]) for IPO (analysis C.6), (K−1)·max logit P for DPO. It holds in the long run;
    NaN without a declared bound, and for schemes other than MRS.
    """
    validation.feedback_map(loop, "loop")
    fact = loop.facts.score_span
    if fact is None or not loop.mixes_references:
        return np.where(anchored(loop), np.nan, np.inf)
    spread = loop.of_matrices(fact.value)
    reach = np.ptp(loop.reference_logits, axis=-1)
    with np.errstate(invalid="ignore", over="ignore"):
        pull = np.where(loop.beta * spread > 0.0, loop.eta * spread, 0.0)
    return np.asarray(np.where(loop.alpha < 1.0, reach + pull, np.inf))


def asymptotic_entropy(loop: FeedbackMap) -> FloatArray:
    """Return what the fixed point's entropy (...) tends to as η grows, in nats.

    H ≈ Σ_j ε_j(1 − log ε_j), ε_j = (ref_j/ref_1)e^{−ηg_j}, with the score gap g_j = v_1 − v_j at
    the sampler λe_1 + (1−λ)π_off: P_1j − ½ for MRS-IPO at λ = 1, logit P_1j for MRS-DPO. It needs
    a response 1 that leads there, g_j > 0 for all others: a strict Condorcet winner at λ = 1, a
    strictly row-dominant response for every λ. If several are tied at the top, they count as one
    (the entropy is relative to the tied set, which keeps the reference's ratios). NaN where none
    leads, where η is too small for it to hold most of the mass, at α = 1, and for schemes other
    than MRS.

    Notes
    -----
    Theory 6.7.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.additive([0.2, 0.1, 0.0])
    >>> float(asim.analysis.asymptotic_entropy(asim.FeedbackMap(P, beta=60.0)).round(6))
    0.017431
    """
    validation.feedback_map(loop, "loop")
    flat = loop.part(0, loop.size)
    return tail_entropy(flat, winners(flat)).reshape(loop.shape)


def entropy_falls_from(loop: FeedbackMap, start_logits: ArrayLike) -> FloatArray:
    """Return the round T (...) from which the entropy falls in every round, at α = 1.

    T = max (z_j − z_i)₊/(β·min_k(P_ik − P_jk)) over the pairs in which i dominates j, rounded up;
    a quarter of the ratio for MRS-DPO, whose gaps grow four times as fast. From there on the
    logits are ordered as the increments are. NaN where α < 1, β = 0, P is not strictly strongly
    transitive, or the scheme is not MRS.

    Notes
    -----
    Theory 6.8.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.additive([0.2, 0.1, 0.0]), beta=1.0, alpha=1.0)
    >>> float(asim.analysis.entropy_falls_from(loop, [0.0, 0.0, 1.05]))
    11.0
    """
    validation.feedback_map(loop, "loop")
    z = validation.logits(start_logits, "start_logits", responses=loop.responses)
    validation.batch_shape({"the map": loop.shape, "start_logits": z.shape[:-1]})
    fact = loop.facts.win_gain
    if fact is None or not loop.mixes_references:
        return np.full(loop.shape, np.nan)
    gain = fact.value
    least = -np.swapaxes(row_gaps(loop.P), -1, -2)
    above = least > 0.0
    strict = (above | np.swapaxes(above, -1, -2) | np.eye(loop.responses, dtype=bool)).all(
        axis=(-2, -1)
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        behind = np.maximum(z[..., None, :] - z[..., :, None], 0.0)
        wait = np.where(above, behind / (gain * loop.beta[..., None, None] * least), 0.0)
        rounds = np.ceil(wait.max(axis=(-2, -1)))
    known = strict & (loop.alpha == 1.0) & (loop.beta > 0.0)
    return np.asarray(np.where(known, rounds, np.nan))


class Winners(NamedTuple):
    """The set that wins as η grows, (n, K), and how far each score lies below it, (n, K)."""

    top: NDArray[np.bool_]
    gap: FloatArray


def winners(flat: FeedbackMap) -> Winners:
    """Return the top set of a flat batch: it wins against the sampler that it induces.

    A candidate is a response with those that tie with it, in the ratios of the reference, but not
    all responses. Of preferences no more than one wins; of other payoffs several may, then none is
    named; nor where the score is not proved to rank by win rates, so that Pμ finds the set.
    """
    K = flat.responses
    own = np.diagonal(flat.P, axis1=-2, axis2=-1)
    level = np.abs(flat.P - own[..., None, :]) <= TIE
    tied = np.broadcast_to(level & np.swapaxes(level, -1, -2), (flat.size, K, K))
    shares = tied * simplex.softmax(flat.reference_logits)[:, None, :]
    shares /= shares.sum(axis=-1, keepdims=True)
    lam = flat.lam[:, None, None]
    samplers = lam * shares + (1.0 - lam) * flat.offline_policy[:, None, :]
    scores = samplers @ np.swapaxes(flat.P, -1, -2)
    below = np.diagonal(scores, axis1=-2, axis2=-1)[..., None] - scores
    right = np.where(tied, np.abs(below) <= TIE, below > TIE)
    wins = np.asarray(right.all(axis=-1) & ~tied.all(axis=-1))
    leader = wins.argmax(axis=-1)
    each = np.arange(flat.size)
    found = wins[each, leader] & ~(wins & ~tied[each, leader]).any(axis=-1)
    sampler = samplers[each, leader]
    found &= flat.facts.win_gain is not None
    top = tied[each, leader] & found[:, None]
    problem = Comparison(flat.P, np.zeros(K), np.ones(flat.size), ProductPairs(sampler))
    value, status = flat.objective.optimum(problem)
    gap = value[each, leader][:, None] - value
    return Winners(top, np.where((found & (status == OK))[:, None], gap, np.nan))


def tail_entropy(flat: FeedbackMap, winning: Winners) -> FloatArray:
    """Return the entropy (n,) that is left when all but the winners share little mass.

    NaN for schemes other than MRS.
    """
    if not flat.mixes_references:
        return np.full(flat.size, np.nan)
    eta = flat.eta
    weight = simplex.log_softmax(flat.reference_logits)
    with np.errstate(divide="ignore"):
        held = np.log((np.exp(weight) * winning.top).sum(axis=-1))
    with np.errstate(invalid="ignore", under="ignore", over="ignore"):
        ratio = weight - held[:, None] - eta[:, None] * winning.gap
        share = np.where(winning.top, 0.0, np.exp(ratio))
        entropy = (share * np.where(share > 0.0, 1.0 - ratio, 0.0)).sum(axis=-1)
        known = (share.sum(axis=-1) < 1.0) & np.isfinite(eta)
    return np.where(known, entropy, np.nan)
