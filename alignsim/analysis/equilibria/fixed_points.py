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
from alignsim.analysis.equilibria import rest
from alignsim.analysis.equilibria.fixed_point import fixed_point, unmoved
from alignsim.analysis.equilibria.root_search import search, slope
from alignsim.analysis.equilibria.stability import all_multipliers
from alignsim.analysis.evidence import Evidence
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.preferences.payoffs import row_span
from alignsim.preferences.seeds import Seed, generator
from alignsim.summary import Lines, numbers, settled, span, tally
from alignsim.validation import FloatArray

ComplexArray = NDArray[np.complex128]


class ListStatus(Code):
    """Whether a list of fixed points is complete."""

    UNIQUE = "unique"
    SEVERAL_POSSIBLE = "several_possible"
    NONE = "none_at_alpha_1"
    NOT_FOUND = "not_found"
    UNANCHORED = "none_without_an_anchor"


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
    state : (..., F, D, K)
        The whole states, the policy's centred logits first; NaN beyond ``count``, as in all that
        follows.
    multipliers : (..., F, D·(K−1))
        Eigenvalues of the round's derivative, the largest modulus first; complex.
    degenerate : (..., F)
        Whether I − T' is so ill-conditioned that the point may stand for several.
    count : (...)
        How many were found.
    status : (...)
        See :meth:`words`: 0 the only one; 1 there may be more; 2 none (α = 1); 3 none was found; 4
        a scheme without an anchor and no isolated interior equilibrium.
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
    AXES: ClassVar = {"state": 3, "multipliers": 2, "degenerate": 1}

    state: FloatArray
    multipliers: ComplexArray
    degenerate: NDArray[np.bool_]
    count: NDArray[np.int64]
    status: NDArray[np.int8]
    evidence: NDArray[np.int8]
    unseen: FloatArray
    index: NDArray[np.int64]
    starts: NDArray[np.int64]

    @property
    def logits(self) -> FloatArray:
        """The policies' centred logits, (..., F, K)."""
        return self.state[..., 0, :]

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
        radii = self.spectral_radius[self.kind != PointKind.NO_POINT]
        yield "spectral radius", span(settled(radii))
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
    point = fixed_point(loop).reshaped((loop.size,))
    kinds = rest.kind(flat)
    anchored = rest.at_alpha_zero(flat)
    proof = _uniqueness(flat, anchored, kinds)
    if flat.mixes_references:
        bound = np.asarray(flat.alpha < 1.0)
        alone = ~bound
    else:
        bound = np.ones(flat.size, dtype=np.bool_)
        alone = kinds.loose | kinds.free
    roots = point.state.reshape(flat.size, 1, flat.width)
    unseen = np.zeros(flat.size)
    used = np.ones(flat.size, dtype=np.int64)
    for several, by_opponent in ((kinds.held, True), (~kinds.held, False)):
        which = np.flatnonzero(several & ~alone & (proof == Evidence.NOTHING))
        if not len(which):
            continue
        part = flat.take(which)
        reference = part.reference_logits
        first = point.logits[which]
        known = np.where(np.isfinite(first), first, reference)
        begin = np.concatenate([known[:, None], reference[:, None], given[which]], axis=1)
        found = search(anchored.take(which) if by_opponent else part, begin, source)
        states = found.logits
        if by_opponent:
            owner, place = np.nonzero(np.isfinite(states).all(axis=-1))
            lifted = np.full((*states.shape[:2], flat.width), np.nan)
            lifted[owner, place] = rest.states(part.take(owner), states[owner, place])
            states = lifted
        extra = max(0, states.shape[1] - roots.shape[1])
        roots = np.pad(roots, ((0, 0), (0, extra), (0, 0)), constant_values=np.nan)
        roots[which, : states.shape[1]] = states
        unseen[which], used[which] = found.unseen, found.starts
    count = np.isfinite(roots).all(axis=-1).sum(axis=-1)
    listed = count > 0
    sole = proof != Evidence.NOTHING
    status = np.where(
        listed, np.where(sole, ListStatus.UNIQUE, ListStatus.SEVERAL_POSSIBLE), ListStatus.NOT_FOUND
    )
    status = np.where(~listed & alone, ListStatus.UNANCHORED, status)
    obtained = np.where(sole, proof, Evidence.ITERATED)
    states, multipliers, degenerate, index = _described(flat, anchored, kinds.held, roots)
    return FixedPoints(
        state=states.reshape(*states.shape[:2], -1, flat.responses),
        multipliers=multipliers,
        degenerate=degenerate,
        count=count,
        status=np.where(bound, status, ListStatus.NONE).astype(np.int8),
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


def _uniqueness(flat: FeedbackMap, anchored: FeedbackMap, kinds: rest.Kind) -> NDArray[np.int8]:
    """Return how it is known that there is one fixed point, (n,); NOTHING where it is not.

    What is proved for one policy holds for a scheme whose stages all rest on one.
    """
    theorem = anchored.holds(anchored.facts.unique_from)
    if anchored.linear:
        pull = anchored.beta * anchored.lam
        theorem |= pull * anchored.of_matrices(row_span) < CONTRACTING
    found = np.where(theorem, Evidence.CERTIFIED, Evidence.NOTHING)
    found = np.where(unmoved(anchored), Evidence.ANALYTIC, found)
    if flat.mixes_references:
        return found.astype(np.int8)
    one = rest.on_one_policy(flat)
    lone = kinds.loose & (flat.facts.win_gain is not None)
    found = np.where(lone, Evidence.ANALYTIC, np.where(kinds.held, found, Evidence.NOTHING))
    return np.where(one, found, Evidence.NOTHING).astype(np.int8)


def _described(
    flat: FeedbackMap, anchored: FeedbackMap, held: NDArray[np.bool_], roots: FloatArray
) -> tuple[FloatArray, ComplexArray, NDArray[np.bool_], NDArray[np.int64]]:
    """Return states (n, F, D·K) sorted, their multipliers, what is degenerate, and the index."""
    present = np.asarray(np.isfinite(roots).all(axis=-1))
    spectra = np.full(
        (*present.shape, flat.scheme.size * (flat.responses - 1)), np.nan, dtype=np.complex128
    )
    degenerate = np.zeros_like(present)
    sign = np.zeros(present.shape, dtype=np.int64)
    for by_opponent, of in ((True, anchored), (False, flat)):
        row, place = np.nonzero(present & (held == by_opponent)[:, None])
        if not len(row):
            continue
        at, maps = roots[row, place], flat.take(row)
        spectra[row, place] = all_multipliers(maps, at)
        if by_opponent:
            at = rest.opponents(maps, at[:, : flat.responses])
        gap = slope(of.take(row), at)
        known = np.asarray(np.abs(gap).max(axis=(-2, -1)) < STEEPEST)
        gap = np.where(known[:, None, None], gap, 0.0)
        values = np.linalg.svd(gap, compute_uv=False)
        degenerate[row, place] = ~known | (values[:, 0] / DEGENERATE > values[:, -1])
        sign[row, place] = np.linalg.slogdet(gap).sign
    order = _order(roots[..., : flat.responses], _kind(spectra, degenerate))
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
