"""Equilibria of maps without an anchor, α = 1, and whether absent responses invade them.

A round is then z' = z + βv(μ): what has probability 0 keeps it, and a policy with support S stays
as it is where all responses of S have the same score. An absent response i grows by its exponent,
β(v_i − v_S), in log-odds a round, and invades where that is positive. Every vertex is an
equilibrium. Where the score ranks by win rates, scores are equal where the (Pμ)_i are: equilibria
of a larger support solve a linear system.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex, validation
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.kernels.status import OK
from alignsim.objectives import Comparison, ProductPairs
from alignsim.summary import Lines, holding, numbers, tally
from alignsim.validation import FloatArray


class SupportSearch(Code):
    """How equilibria of a map were searched."""

    SEARCHED = "all_supports_searched"
    VERTICES_ONLY = "vertices_only"
    CONTINUUM = "continuum_not_listed"
    ANCHORED = "none_below_alpha_1"


class WithinFace(Code):
    """What a round does within the face of an equilibrium."""

    VERTEX = "vertex"
    CONTRACTING = "contracting"
    NEUTRAL = "neutral"
    EXPANDING = "expanding"
    NO_POINT = "none"


LARGEST_ENUMERATED = 10
"""The largest K of which all 2^K − 1 supports are tried."""

SINGULAR = 1e12
"""Condition number from which a support has no isolated equilibrium."""

CONSISTENT = 1e-9
"""Residual below which a singular system has solutions."""

LEAST_SHARE = 1e-12
"""Probability below which a response does not belong to a support."""

ROUNDING = 1e-13
"""Differences of scores, relative to β·max|P − ½| and the largest score, that are 0."""

ON_CIRCLE = 1e-9
"""An internal spectral radius this close to 1 is neutral."""


@dataclass(frozen=True, eq=False, repr=False)
class BoundaryEquilibria(Result):
    """Equilibria of a batch of maps at α = 1, F the largest number of any of them.

    Vertices come first, in the order of the responses, then larger supports, up to the interior.

    Attributes
    ----------
    support : (..., F, K)
        Which responses have a probability; all False beyond ``count``.
    policy : (..., F, K)
        The equilibria; NaN beyond ``count``, as in what follows.
    exponents : (..., F, K)
        Growth of the log-odds of absent responses a round; 0 on the support. NaN too where the
        score does not exist (MRS-DPO with a P of 0 or 1).
    internal : (..., F)
        Spectral radius of the round within the face; 0 for a vertex.
    count : (...)
        How many were found.
    status : (...)
        See :meth:`words`: 0 all supports were searched; 1 vertices only (K above
        ``LARGEST_ENUMERATED``, or a score that is not proved to rank by win rates);
        2 searched, but some face may hold a continuum, which is
        not listed; 3 none, as α < 1.
    """

    WORDS: ClassVar = {"status": SupportSearch, "inside": WithinFace}
    AXES: ClassVar = {"support": 2, "policy": 2, "exponents": 2, "internal": 1}

    support: NDArray[np.bool_]
    policy: FloatArray
    exponents: FloatArray
    internal: FloatArray
    count: NDArray[np.int64]
    status: NDArray[np.int8]

    @property
    def inside(self) -> NDArray[np.int8]:
        """What the round does within the face, (..., F); see :meth:`words`.

        Between preferences it never contracts: multipliers are 1 ± iβλω for MRS-IPO.
        """
        inside = np.where(
            self.internal > 1.0 + ON_CIRCLE, WithinFace.EXPANDING, WithinFace.CONTRACTING
        )
        inside = np.where(np.abs(self.internal - 1.0) <= ON_CIRCLE, WithinFace.NEUTRAL, inside)
        size = self.support.sum(axis=-1)
        inside = np.where(
            size > 1, inside, np.where(size == 1, WithinFace.VERTEX, WithinFace.NO_POINT)
        )
        return np.asarray(inside.astype(np.int8))

    @property
    def invadable(self) -> NDArray[np.bool_]:
        """Whether an absent response grows, (..., F)."""
        return np.asarray((self.exponents > 0.0).any(axis=-1))

    @property
    def stable(self) -> NDArray[np.bool_]:
        """Whether all absent responses vanish and the face is not left within, (..., F).

        Within the face that may mean neutral, not attracting: see ``inside``.
        """
        vanish = (self.support | (self.exponents < 0.0)).all(axis=-1)
        return np.asarray(
            vanish & self.support.any(axis=-1) & (self.inside != WithinFace.EXPANDING)
        )

    def _summary(self) -> Lines:
        there = self.inside != WithinFace.NO_POINT
        yield "status", tally(self.words("status"))
        yield "count", numbers(self.count)
        yield "inside", tally(self.words("inside")[there])
        yield "stable", holding(self.stable[there]) if there.any() else ""
        yield "invadable", holding(self.invadable[there]) if there.any() else ""


class Equilibria(NamedTuple):
    """Equilibria of several maps: which map (m,), its support and its policy (m, K)."""

    which: NDArray[np.intp]
    support: NDArray[np.bool_]
    policy: FloatArray


def boundary_equilibria(loop: FeedbackMap) -> BoundaryEquilibria:
    """Return the equilibria of MRS at α = 1 on all faces, with their invasion exponents.

    Raises
    ------
    ValueError
        For another scheme.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=2.0, alpha=1.0)
    >>> found = asim.analysis.boundary_equilibria(loop)
    >>> found.exponents[0].round(3).tolist()  # where all choose response 0, 2 invades
    [0.0, -0.6, 0.6]
    >>> found.policy[3].round(3).tolist(), str(found.words("inside")[3])
    ([0.333, 0.333, 0.333], 'expanding')
    """
    validation.feedback_map(loop, "loop")
    if not loop.mixes_references:
        raise ValueError(
            f"the loop's scheme is {loop.scheme.name!r}; the equilibria of faces are those of MRS "
            "at alpha = 1: use alignsim.fixed_points(loop)"
        )
    if not loop.samples_alike:
        raise ValueError(
            f"sampler is {loop.sampler.name!r}, whose pairs follow the reference or rewards too; "
            "the equilibria of faces are those of sampler 'product'"
        )
    flat = loop.part(0, loop.size)
    K = flat.responses
    free = np.flatnonzero(flat.alpha == 1.0)
    part = flat.take(free)
    searched = K <= LARGEST_ENUMERATED and flat.facts.win_gain is not None
    found, continuum = _vertices(part), np.zeros(part.size, dtype=np.bool_)
    if searched and part.size:
        inner, continuum = face_equilibria(part)
        found = _merged(found, inner)
    which = free[found.which]
    here = flat.take(which)
    exponents, internal = _local(here, found)
    count = np.bincount(which, minlength=flat.size)
    place = np.arange(len(which)) - (np.cumsum(count) - count)[which]
    width = max(1, int(count.max(initial=0)))
    status = np.full(flat.size, SupportSearch.ANCHORED)
    status[free] = (
        np.where(continuum, SupportSearch.CONTINUUM, SupportSearch.SEARCHED)
        if searched
        else SupportSearch.VERTICES_ONLY
    )
    support = np.zeros((flat.size, width, K), dtype=np.bool_)
    policy, growth = np.full((2, flat.size, width, K), np.nan)
    radius = np.full((flat.size, width), np.nan)
    support[which, place], policy[which, place] = found.support, found.policy
    growth[which, place], radius[which, place] = exponents, internal
    found_all = BoundaryEquilibria(support, policy, growth, radius, count, status.astype(np.int8))
    return found_all.reshaped(loop.shape)


def face_equilibria(flat: FeedbackMap) -> tuple[Equilibria, NDArray[np.bool_]]:
    """Return the isolated solutions of (Pμ)_i = c on S, μ = λπ + (1−λ)π_off, for all |S| ≥ 2.

    α is not looked at. Also whether some support of a map (n,) may hold a continuum of them.
    """
    n, K = flat.size, flat.responses
    P = np.broadcast_to(flat.P, (n, K, K))
    pull = flat.lam[:, None, None] * P
    push = (1.0 - flat.lam)[:, None] * (P @ flat.offline_policy[..., None])[..., 0]
    pieces = [Equilibria(np.empty(0, np.intp), np.empty((0, K), np.bool_), np.empty((0, K)))]
    continuum = np.zeros(n, dtype=np.bool_)
    for size in range(2, K + 1):
        for chosen in combinations(range(K), size):
            S = np.array(chosen)
            inside, singular = _solved(pull[:, S[:, None], S], push[:, S])
            continuum |= singular
            rows = np.flatnonzero((inside > LEAST_SHARE).all(axis=-1))
            policy = np.zeros((len(rows), K))
            policy[:, S] = inside[rows] / inside[rows].sum(axis=-1, keepdims=True)
            pieces.append(Equilibria(rows, policy > 0.0, policy))
    return _merged(*pieces), continuum


def _solved(pull: FloatArray, push: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the x (n, s) with pull·x + push = c·1 and Σx = 1, NaN unless there is one.

    Also where the system is singular and has solutions, (n,).
    """
    n, s = push.shape
    bordered = np.zeros((n, s + 1, s + 1))
    scale = 1.0 + np.abs(pull).max(axis=(-2, -1))
    bordered[:, :s, :s] = pull / scale[:, None, None]
    bordered[:, :s, s] = -1.0
    bordered[:, s, :s] = 1.0
    right = np.ones((n, s + 1))
    right[:, :s] = -push / scale[:, None]
    left, values, rows = np.linalg.svd(bordered)
    singular = values[:, -1] * SINGULAR < values[:, 0]
    kept = values * SINGULAR >= values[:, :1]
    inverse = np.divide(1.0, values, where=kept, out=np.zeros_like(values))
    coordinates = (np.swapaxes(left, -1, -2) @ right[..., None])[..., 0]
    x = (np.swapaxes(rows, -1, -2) @ (inverse * coordinates)[..., None])[..., 0]
    lost = np.abs(np.where(kept, 0.0, coordinates)).max(axis=-1)
    return np.where(singular[:, None], np.nan, x[:, :s]), singular & (lost <= CONSISTENT)


def _vertices(flat: FeedbackMap) -> Equilibria:
    K = flat.responses
    vertices = np.tile(np.eye(K), (flat.size, 1))
    return Equilibria(np.repeat(np.arange(flat.size), K), vertices > 0.0, vertices)


def _merged(*pieces: Equilibria) -> Equilibria:
    """Return all pieces as one, those of a map together and in the order given."""
    joined = [np.concatenate(arrays) for arrays in zip(*pieces, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return Equilibria(*(array[order] for array in joined))


def _local(here: FeedbackMap, found: Equilibria) -> tuple[FloatArray, FloatArray]:
    """Return the exponents (m, K) and the internal spectral radius (m,) at each equilibrium."""
    size = found.support.sum(axis=-1)
    with np.errstate(over="ignore", invalid="ignore"):
        score, status = here.objective.optimum(_comparison(here, found.policy))
        level = np.where(found.support, score, 0.0).sum(axis=-1) / size
        exponents = score - level[:, None]
        scale = here.beta * np.abs(here.P - 0.5).max(axis=(-2, -1)) + np.abs(score).max(axis=-1)
    tied = np.abs(exponents) <= ROUNDING * scale[:, None]
    exponents[found.support | tied] = 0.0
    internal = np.where(size > 1, np.nan, 0.0)
    rows = np.flatnonzero((status == OK) & (size > 1))
    if len(rows):
        internal[rows] = _internal_radius(here.take(rows), found.policy[rows])
    return exponents, internal


def _internal_radius(here: FeedbackMap, policy: FloatArray) -> FloatArray:
    """Return max |1 + ν| over the |S| − 1 eigenvalues ν of the round's change within the face.

    The matrix of all responses has these and zeros. NaN where it overflows.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        response = here.objective.linearise(_comparison(here, policy))[1].pairs
        change = here.lam[:, None, None] * response @ simplex.covariance(policy)
    finite = np.asarray(np.isfinite(change).all(axis=(-2, -1)))
    values = np.linalg.eigvals(np.where(finite[:, None, None], change, 0.0)).astype(np.complex128)
    values[~finite] = np.nan
    largest_first = np.argsort(-np.abs(values), axis=-1, kind="stable")
    values = np.take_along_axis(values, largest_first, axis=-1)
    own = np.arange(here.responses) < (policy > 0.0).sum(axis=-1, keepdims=True) - 1
    return np.asarray(np.where(own, np.abs(1.0 + values), 0.0).max(axis=-1))


def _comparison(here: FeedbackMap, policy: FloatArray) -> Comparison:
    """Return the one-shot problem of a round at α = 1, without what the reference adds."""
    lam = here.lam[:, None]
    return Comparison(
        P=here.P,
        reference_logits=np.zeros_like(policy),
        beta=here.beta,
        pairs=ProductPairs(lam * policy + (1.0 - lam) * here.offline_policy),
    )
