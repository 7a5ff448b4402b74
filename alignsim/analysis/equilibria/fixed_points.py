"""All fixed points of a feedback map, with their multipliers.

Where a fact of the objective says that there is one only, or a linear score contracts the span at
α = 0, it is found and certified. Elsewhere there may be several. They are searched by Newton's
method from many starts, until the number of roots that were hit once or twice says that none is
left (Chao's estimator), or a budget is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.equilibria.fixed_point import at_alpha_zero, fixed_point, unmoved
from alignsim.analysis.equilibria.root_search import search, slope
from alignsim.analysis.equilibria.stability import multipliers
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.preferences.payoffs import row_span
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import Lines, numbers, span, tally
from alignsim.validation import FloatArray

ComplexArray = NDArray[np.complex128]


class ListStatus(Code):
    """Whether a list of fixed points is complete."""

    UNIQUE = "unique"
    SEVERAL_POSSIBLE = "several_possible"
    NONE = "none_at_alpha_1"
    NOT_FOUND = "not_found"


class PointKind(Code):
    """What a fixed point does to its neighbourhood."""

    ATTRACTOR = "attractor"
    SADDLE = "saddle"
    MARGINAL = "marginal"
    REPELLER = "repeller"
    NO_POINT = "none"


CONTRACTING = 4.0
"""A linear score contracts the span at α = 0 where ηλD is below this (theory 6.5, C3)."""

ON_CIRCLE = 1e-9
"""A multiplier whose modulus is this close to 1 decides nothing."""

DEGENERATE = 1e10
"""Condition number of I − T' beyond which a root may stand for several."""

STEEPEST = 1e150
"""An I − T' with larger entries has no condition number in float64: their squares overflow."""

SORTING_DIGITS = 6
"""Decimals of entropies and shares that count in the order of the list."""


@dataclass(frozen=True, eq=False, repr=False)
class FixedPoints(Result):
    """The fixed points of a batch of maps, F the largest number of any of them.

    They are sorted: attractors, saddles, marginal ones, repellers; each by falling entropy.

    Attributes
    ----------
    logits : (..., F, K)
        Centred; NaN beyond ``count``, as in all that follows.
    multipliers : (..., F, K−1)
        Eigenvalues of the round's derivative, the largest modulus first; complex.
    degenerate : (..., F)
        Whether I − T' is so ill-conditioned that the point may stand for several.
    count : (...)
        How many were found.
    status : (...)
        See :meth:`words`: 0 the only one; 1 there may be more; 2 none (α = 1); 3 none was found.
    evidence : (...)
        How the list was obtained, see :meth:`words`: analytic (a formula), certified (it is
        complete by a theorem), iterated (a search), or none.
    unseen : (...)
        Chao's estimate of the number of roots not seen, 0 where the list is complete; NaN where
        there is no list. A search that ended below ``UNSEEN`` was not cut off by its budget.
    index : (...)
        Sum of the signs of det(I − T') over the list. Of all fixed points, none degenerate, it is
        1 (the degree of z − T(z), as T is bounded): what differs is not complete.
    starts : (...)
        Starts used.
    """

    WORDS: ClassVar = {"status": ListStatus, "evidence": Evidence, "kind": PointKind}
    AXES: ClassVar = {"logits": 2, "multipliers": 2, "degenerate": 1}

    logits: FloatArray
    multipliers: ComplexArray
    degenerate: NDArray[np.bool_]
    count: NDArray[np.int64]
    status: NDArray[np.int8]
    evidence: NDArray[np.int8]
    unseen: FloatArray
    index: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def policies(self) -> FloatArray:
        """The fixed policies, (..., F, K)."""
        return simplex.softmax(self.logits)

    @property
    def spectral_radius(self) -> FloatArray:
        """The largest modulus of a multiplier, (..., F)."""
        return np.asarray(np.abs(self.multipliers).max(axis=-1))

    @property
    def stable(self) -> NDArray[np.bool_]:
        """Whether a point is an attractor, (..., F)."""
        return np.asarray(self.kind == PointKind.ATTRACTOR)

    @property
    def kind(self) -> NDArray[np.int8]:
        """What a point is, (..., F); see :meth:`words`.

        Attractor: all multipliers within the unit circle. Repeller: all without. Saddle: some and
        some. Marginal: one of them on it, up to ``ON_CIRCLE``.
        """
        return _kind(self.multipliers, self.degenerate)

    def _summary(self) -> Lines:
        yield "count", numbers(self.count)
        yield "status", tally(self.words("status"))
        yield "kind", tally(self.words("kind")[self.kind != PointKind.NO_POINT])
        yield "spectral radius", span(self.spectral_radius[self.kind != PointKind.NO_POINT])
        yield "evidence", tally(self.words("evidence"))
        yield "unseen", numbers(self.unseen)


def fixed_points(
    loop: FeedbackMap, start_logits: ArrayLike | None = None, rng: Seed = 0
) -> FixedPoints:
    """Return all fixed points that are found of a batch of maps.

    Parameters
    ----------
    loop
        The maps, (...).
    start_logits : (..., S, K)
        Logits to search from first, beside the reference, the vertices, the midpoints of edges and
        random logits.
    rng
        Seed of the random starts; they are the same for every map of the batch.

    Raises
    ------
    ValueError
        If ``start_logits`` are not finite logits, or do not fit the map.

    Examples
    --------
    >>> import alignsim as asim
    >>> coordination = asim.FeedbackMap.from_payoffs([[1, 0, 0], [0, 1, 0], [0, 0, 1]], beta=10.0)
    >>> found = asim.fixed_points(coordination)
    >>> int(found.count), found.words("kind").tolist()
    (7, ['attractor', 'attractor', 'attractor', 'saddle', 'saddle', 'saddle', 'repeller'])
    """
    validation.feedback_map(loop, "loop")
    flat = loop.part(0, loop.size)
    given = _given(loop, start_logits)
    source = generator(rng)
    first = fixed_point(loop).logits.reshape(-1, loop.responses)
    anchored = at_alpha_zero(flat)
    proof = _uniqueness(anchored)
    roots = first[:, None]
    unseen = np.zeros(flat.size)
    used = np.ones(flat.size, dtype=np.int64)
    several = np.flatnonzero((flat.alpha < 1.0) & (proof == Evidence.NOTHING))
    if len(several):
        reference = flat.reference_logits[several]
        known = np.where(np.isfinite(first[several]), first[several], reference)
        begin = np.concatenate([known[:, None], reference[:, None], given[several]], axis=1)
        found = search(anchored.take(several), begin, source)
        extra = max(0, found.logits.shape[1] - 1)
        roots = np.pad(roots, ((0, 0), (0, extra), (0, 0)), constant_values=np.nan)
        roots[several, : found.logits.shape[1]] = found.logits
        unseen[several], used[several] = found.unseen, found.starts
    count = np.isfinite(roots).all(axis=-1).sum(axis=-1)
    listed = count > 0
    sole = proof != Evidence.NOTHING
    status = np.where(
        listed, np.where(sole, ListStatus.UNIQUE, ListStatus.SEVERAL_POSSIBLE), ListStatus.NOT_FOUND
    )
    obtained = np.where(sole, proof, Evidence.ITERATED)
    logits, multipliers, degenerate, index = _described(flat, anchored, roots)
    return FixedPoints(
        logits=logits,
        multipliers=multipliers,
        degenerate=degenerate,
        count=count,
        status=np.where(flat.alpha < 1.0, status, ListStatus.NONE).astype(np.int8),
        evidence=np.where(listed, obtained, Evidence.NOTHING).astype(np.int8),
        unseen=np.where(listed, unseen, np.nan),
        index=index,
        starts=used,
    ).reshaped(loop.shape)


def _given(loop: FeedbackMap, start_logits: ArrayLike | None) -> FloatArray:
    """Return the starts that were given, checked: (n, S, K)."""
    K = loop.responses
    if start_logits is None:
        return np.empty((loop.size, 0, K))
    checked = validation.logits(start_logits, "start_logits", responses=K)
    if checked.ndim < 2:
        raise ValueError(
            f"start_logits has shape {checked.shape}; give (..., S, K), S starts for every map"
        )
    shape = validation.batch_shape({"the map": loop.shape, "start_logits": checked.shape[:-2]})
    if shape != loop.shape:
        raise ValueError(
            f"start_logits has batch shape {checked.shape[:-2]}; the map has {loop.shape}: "
            "broadcast the map first"
        )
    S = checked.shape[-2]
    return simplex.centre(np.broadcast_to(checked, (*shape, S, K)).reshape(-1, S, K))


def _uniqueness(anchored: FeedbackMap) -> NDArray[np.int8]:
    """Return how it is known that there is one fixed point, (n,); NOTHING where it is not."""
    theorem = anchored.holds(anchored.objective.facts.unique_from)
    if anchored.linear:
        pull = anchored.beta * anchored.lam
        theorem |= pull * anchored.of_matrices(row_span) < CONTRACTING
    found = np.where(theorem, Evidence.CERTIFIED, Evidence.NOTHING)
    return np.where(unmoved(anchored), Evidence.ANALYTIC, found).astype(np.int8)


def _described(
    flat: FeedbackMap, anchored: FeedbackMap, roots: FloatArray
) -> tuple[FloatArray, ComplexArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Return roots (n, F, K) sorted, their multipliers, what is degenerate, and the index (n,)."""
    present = np.asarray(np.isfinite(roots).all(axis=-1))
    row, place = np.nonzero(present)
    spectra = np.full((*present.shape, flat.responses - 1), np.nan, dtype=np.complex128)
    degenerate = np.zeros_like(present)
    sign = np.zeros(present.shape, dtype=np.int64)
    if len(row):
        at = roots[row, place]
        spectra[row, place] = multipliers(flat.take(row), at)
        gap = slope(anchored.take(row), at)
        known = np.asarray(np.abs(gap).max(axis=(-2, -1)) < STEEPEST)
        gap = np.where(known[:, None, None], gap, 0.0)
        values = np.linalg.svd(gap, compute_uv=False)
        degenerate[row, place] = ~known | (values[:, 0] / DEGENERATE > values[:, -1])
        sign[row, place] = np.linalg.slogdet(gap).sign
    order = _order(roots, _kind(spectra, degenerate))
    return (
        np.take_along_axis(roots, order[..., None], axis=1),
        np.take_along_axis(spectra, order[..., None], axis=1),
        np.take_along_axis(degenerate, order, axis=1),
        sign.sum(axis=-1),
    )


def _kind(multipliers: ComplexArray, degenerate: NDArray[np.bool_]) -> NDArray[np.int8]:
    modulus = np.abs(multipliers)
    kind = np.full(degenerate.shape, PointKind.SADDLE)
    kind[(modulus < 1.0).all(axis=-1)] = PointKind.ATTRACTOR
    kind[(modulus > 1.0).all(axis=-1)] = PointKind.REPELLER
    kind[(np.abs(modulus - 1.0) <= ON_CIRCLE).any(axis=-1) | degenerate] = PointKind.MARGINAL
    kind[np.isnan(modulus).any(axis=-1)] = PointKind.NO_POINT
    return kind.astype(np.int8)


def _order(roots: FloatArray, kind: NDArray[np.int8]) -> NDArray[np.intp]:
    """Return the order (n, F) by kind, then by falling entropy, then by policy."""
    shares = -simplex.softmax(roots).round(SORTING_DIGITS)
    spread = -simplex.entropy(roots).round(SORTING_DIGITS)
    return np.lexsort((*np.moveaxis(shares[..., ::-1], -1, 0), spread, kind), axis=-1)
