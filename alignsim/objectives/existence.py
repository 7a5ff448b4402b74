"""Whether a one-shot problem has one finite optimum, in the language of graphs (theory 3.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim.errors import NoOptimumError
from alignsim.preferences.graphs import reachable
from alignsim.validation import FloatArray, at, first_true

BoolArray = NDArray[np.bool_]


def connects(pair_weights: FloatArray) -> BoolArray:
    """Return where the compared pairs connect all responses: (..., K, K) → (...)."""
    return np.asarray(_connected(pair_weights > 0).all(axis=(-2, -1)))


def require_connected(pair_weights: FloatArray) -> None:
    """Raise, naming the components, where the compared pairs do not connect all responses."""
    whole = connects(pair_weights)
    if whole.all():
        return
    index = first_true(~whole)
    names = " and ".join(str(part) for part in _components(_connected(pair_weights[index] > 0)))
    raise NoOptimumError(
        f"pair_weights{at(index)} never compares responses of {names} with each other, so their "
        "relative probability is undetermined; give a positive weight to a pair that joins them, "
        "or use sampling= with full support"
    )


def has_finite_scores(P: FloatArray, sampler: FloatArray) -> BoolArray:
    """Return where S(v)μ = Pμ has a finite solution: P (..., K, K), μ (..., K) → (...)."""
    shape = np.broadcast_shapes(P.shape[:-2], sampler.shape[:-1])
    if (P > 0).all():
        return np.ones(shape, dtype=np.bool_)
    support = sampler > 0
    pairs = support[..., :, None] & support[..., None, :]
    inside = (_connected((P > 0) & pairs) | ~pairs).all(axis=(-2, -1))
    outside = (support | _wins_and_loses(P, support)).all(axis=-1)
    return np.broadcast_to(inside & outside, shape)


def require_finite_scores(P: FloatArray, sampler: FloatArray) -> None:
    """Raise, naming the responses that never lose, where no finite DPO score exists."""
    finite = has_finite_scores(P, sampler)
    if finite.all():
        return
    index = first_true(~finite)
    matrix = _own(index, P.shape[:-2])
    policy = _own(index, sampler.shape[:-1])
    P, support = P[matrix], sampler[policy] > 0
    pairs = support[:, None] & support[None, :]
    reached = _connected((P > 0) & pairs)
    story = _never_lose(reached, support)
    if (reached | ~pairs).all():
        which = [int(i) for i in np.flatnonzero(~support & ~_wins_and_loses(P, support))]
        story = f"responses {which} always win or always lose against what is sampled"
    raise NoOptimumError(_unbounded(matrix, "sampling", policy, story))


def has_finite_pair_scores(P: FloatArray, pair_weights: FloatArray) -> BoolArray:
    """Return where the DPO pair loss has one finite minimiser: (..., K, K), (..., K, K) → (...)."""
    return np.asarray(_connected((P > 0) & (pair_weights > 0)).all(axis=(-2, -1)))


def require_finite_pair_scores(P: FloatArray, pair_weights: FloatArray) -> None:
    """Raise, naming the responses that never lose, where the DPO pair loss has no minimiser."""
    finite = has_finite_pair_scores(P, pair_weights)
    if finite.all():
        return
    index = first_true(~finite)
    matrix, weights = _own(index, P.shape[:-2]), _own(index, pair_weights.shape[:-2])
    reached = _connected((P[matrix] > 0) & (pair_weights[weights] > 0))
    story = _never_lose(reached, np.ones(P.shape[-1], dtype=np.bool_))
    raise NoOptimumError(_unbounded(matrix, "pair_weights", weights, story))


def _wins_and_loses(P: FloatArray, support: BoolArray) -> BoolArray:
    """Return which responses sometimes win and sometimes lose against the support, (..., K)."""
    against = support[..., None, :]
    wins = ((P > 0) & against).any(axis=-1)
    loses = ((np.swapaxes(P, -1, -2) > 0) & against).any(axis=-1)
    return np.asarray(wins & loses)


def _connected(edges: BoolArray) -> BoolArray:
    """Return which responses are reached from which, each from itself included."""
    return reachable(edges | np.eye(edges.shape[-1], dtype=np.bool_))


def _components(reached: BoolArray) -> list[list[int]]:
    return [[int(i) for i in np.flatnonzero(row)] for row in np.unique(reached, axis=0)[::-1]]


def _never_lose(reached: BoolArray, support: BoolArray) -> str:
    """Return which of the support never lose: a smallest set that none of the others reaches."""
    masked = reached & support[:, None] & support[None, :]
    winners = min((masked[:, j] for j in np.flatnonzero(support)), key=np.count_nonzero)
    names = [[int(i) for i in np.flatnonzero(mask)] for mask in (winners, support & ~winners)]
    return f"responses {names[0]} never lose to {names[1]}"


def _own(index: tuple[int, ...], batch: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of an argument with this batch shape at an index of the broadcast batch."""
    last = index[len(index) - len(batch) :]
    return tuple(i if size > 1 else 0 for i, size in zip(last, batch, strict=True))


def _unbounded(matrix: tuple[int, ...], name: str, data: tuple[int, ...], story: str) -> str:
    """Return what is wrong with P at ``matrix``, and with which sampling or weights if batched."""
    where = f" with {name}{at(data)}" if data else ""
    return (
        f"P{at(matrix)} has no finite DPO optimum{where}: {story}, so the scores run off to "
        "infinity; move P off 0 and 1, e.g. by smoothing the votes, or use the IPO objective"
    )
