"""Where the rounds of a scheme rest, as a problem in the K logits of one policy.

Where a round has a score and all stages rest on one opponent policy with logits o, the state
follows from o, and o solves z_ref + ηv(μ(o)) = o with η = gain·β: a round of MRS at α = 0. Without
an anchor v(μ(o)) must be constant instead (schemes 4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.feedback import FeedbackMap
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.methods.scheme import Scheme
from alignsim.preferences.payoffs import is_zero_sum
from alignsim.validation import FloatArray

FORCED = 1e-9
"""Share of a pull that must be left over for it to move a state that nothing anchors."""

LEVEL = 1e-14
"""Span of Pμ that is rounding."""

RESOLVED = 1e-12
"""Relative least singular value of the margins with one equilibrium only."""


class Kind(NamedTuple):
    """How the loops of a flat batch can rest, (n,) each: at most one of them holds.

    ``held``: by the anchor. ``loose``: only where the score is constant. ``free``: anywhere that
    the start decides. None of them: nothing is known but the round itself.
    """

    held: NDArray[np.bool_]
    loose: NDArray[np.bool_]
    free: NDArray[np.bool_]


def kind(flat: FeedbackMap) -> Kind:
    """Return how the loops of a flat batch can rest."""
    nothing = np.zeros(flat.size, dtype=np.bool_)
    if flat.mixes_references:
        anchored = np.asarray(flat.alpha < 1.0)
        return Kind(anchored, nothing, nothing) if flat.has_score else Kind(*(nothing,) * 3)
    if not flat.has_score:
        return Kind(*(nothing,) * 3)
    rest = flat.scheme.rest()
    held = rest.anchored & (rest.gain >= 0.0)
    moved = _forced(flat.scheme) & ~_still(flat)
    return Kind(held, ~rest.anchored & moved, ~rest.anchored & ~moved)


def on_one_policy(flat: FeedbackMap) -> NDArray[np.bool_]:
    """Return where all stages are known to rest on one policy, whatever the rest point, (n,)."""
    if flat.scheme.stages == 1:
        return np.ones(flat.size, dtype=np.bool_)
    if flat.scheme.method.facts.one_policy is None:
        return np.zeros(flat.size, dtype=np.bool_)
    return np.asarray(flat.of_matrices(is_zero_sum) & flat.linear)


def score_problem(flat: FeedbackMap) -> FeedbackMap:
    """Return the rounds z_ref + v(μ(o)), whose derivative is that of the score."""
    return at_zero(flat, np.ones(flat.size))


def at_zero(flat: FeedbackMap, beta: FloatArray) -> FeedbackMap:
    """Return the maps of MRS at α = 0 with ``beta`` (n,)."""
    scheme = Scheme.of(MRS, {"alpha": np.zeros(flat.size)})
    return flat.with_scheme(scheme).with_parameters(beta=beta)


def at_alpha_zero(flat: FeedbackMap) -> FeedbackMap:
    """Return maps of which the opponent of a rest point is the fixed point: at α = 0, β = η.

    Maps without a score are returned as they are. Where η is infinite β is 0.
    """
    if not flat.has_score:
        return flat
    eta = flat.eta
    return at_zero(flat, np.where(np.isfinite(eta) & (eta >= 0.0), eta, 0.0))


def opponents(flat: FeedbackMap, logits: FloatArray) -> FloatArray:
    """Return the opponents (n, K) at rest points with policies of ``logits`` (n, K)."""
    if flat.mixes_references or not flat.has_score:
        return logits
    rest = flat.scheme.rest()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = rest.gain / rest.lift[..., 0]
    ratio = np.where(rest.anchored, ratio, 1.0)[:, None]
    reference = flat.reference_logits
    exact = np.where(ratio == 1.0, logits, reference + ratio * (logits - reference))
    return np.asarray(exact)


def states(flat: FeedbackMap, opponent: FloatArray) -> FloatArray:
    """Return the states (n, D·K) at rest points on ``opponent`` (n, K)."""
    if flat.mixes_references or not flat.has_score:
        return opponent
    usable = np.where(np.isfinite(opponent), opponent, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        pull = at_zero(flat, flat.beta).advance(usable).value - flat.reference_logits
    return _lifted(flat, opponent, pull)


def states_of_policies(flat: FeedbackMap, logits: FloatArray) -> FloatArray:
    """Return the states (n, D·K) at rest points with policies of ``logits`` (n, K)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = (logits - flat.reference_logits) / flat.scheme.rest().lift[:, :1]
    state = _lifted(flat, logits, pull)
    state[:, : flat.responses] = logits
    return state


def _lifted(flat: FeedbackMap, position: FloatArray, pull: FloatArray) -> FloatArray:
    """Return the states that a pull (n, K) holds, or whose positions are those given (n, K)."""
    rest = flat.scheme.rest()
    positions = ~flat.scheme.directions[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        lifted = rest.lift[:, :, None] * pull[:, None, :]
    held = np.where(positions, flat.reference_logits[:, None, :], 0.0) + lifted
    found = np.where(
        rest.anchored[:, None, None], held, np.where(positions, position[:, None], 0.0)
    )
    known = np.asarray(np.isfinite(position).all(axis=-1))
    return np.where(known[:, None, None], found, np.nan).reshape(flat.size, -1)


def interior_equilibrium(flat: FeedbackMap) -> FloatArray:
    """Return the logits (n, K) of the policy whose sampler makes Pμ constant, NaN if none does.

    It is unique where it exists: margins with several such samplers have none that is named.
    """
    n, K = flat.size, flat.responses
    margins = np.broadcast_to(flat.P, (n, K, K)) - 0.5
    system = np.zeros((n, K + 1, K + 1))
    system[:, :K, :K] = margins
    system[:, :K, K], system[:, K, :K] = -1.0, 1.0
    values = np.linalg.svd(system, compute_uv=False)
    sole = values[:, -1] > RESOLVED * values[:, 0]
    usable = np.where(sole[:, None, None], system, np.eye(K + 1))
    right = np.zeros((n, K + 1, 1))
    right[:, K] = 1.0
    sampler = np.linalg.solve(usable, right)[:, :K, 0]
    lam = flat.lam[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        policy = (sampler - (1.0 - lam) * flat.offline_policy) / lam
        there = np.asarray(sole & (policy > 0.0).all(axis=-1) & np.isfinite(policy).all(axis=-1))
        logits = simplex.centre(np.log(np.where(there[:, None], policy, 1.0)))
    return np.where(there[:, None], logits, np.nan)


def _still(flat: FeedbackMap) -> NDArray[np.bool_]:
    """Return where no policy pulls: β is 0, or all learn from an offline policy that levels P."""
    won = (flat.P @ flat.offline_policy[..., None])[..., 0]
    level = np.ptp(won, axis=-1) <= LEVEL
    return np.asarray((flat.beta == 0.0) | ((flat.lam == 0.0) & level))


def _forced(scheme: Scheme) -> NDArray[np.bool_]:
    """Return where a pull moves the state for ever, so that at rest there is none, (n,)."""
    update = scheme.canonical().update
    D = scheme.size
    held = np.eye(D) - update[..., 1 : 1 + D]
    pull = update[..., 1 + D :].sum(axis=-1)
    moved = np.linalg.pinv(held, rcond=FORCED) @ pull[..., None]
    left = pull[..., None] - held @ moved
    return np.asarray(np.abs(left[..., 0]).max(axis=-1) > FORCED * np.abs(pull).max(axis=-1))
