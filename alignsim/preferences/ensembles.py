"""Random preference matrices, drawn from stated distributions."""

from __future__ import annotations

import numpy as np

from alignsim import validation
from alignsim.preferences.seeds import Seed, generator
from alignsim.validation import FloatArray

Size = None | int | tuple[int, ...]

SMALLEST_INCREMENT = 0.01
"""Lower end of the increments of the strongly transitive ensemble; the upper end is 1.

Bounded away from 0, so that "strictly" survives rounding and any sensible tolerance."""


def random_skew(
    responses: int, *, size: Size = None, max_margin: float = 0.5, rng: Seed = None
) -> FloatArray:
    """Return P = ½ + M with margins M_ij iid uniform in (−max_margin, max_margin).

    Parameters
    ----------
    responses
        K, at least 2.
    size
        Shape of the batch: None for one matrix (K, K), n for (n, K, K), a tuple for
        ``(*size, K, K)``.
    max_margin
        Bound on |P_ij − ½|, in [0, ½].
    rng
        None, a seed, or a ``numpy.random.Generator``.

    References
    ----------
    ``docs/theory.md`` section 4 (its random transitive matrices have such margins).

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.preferences.random_skew(4, size=(2, 5), rng=0).shape
    (2, 5, 4, 4)
    """
    batch = _batch(size)
    count = validation.responses(responses, "responses", minimum=2, batch=batch)
    bound = validation.number(max_margin, "max_margin", high=0.5)
    i, j = np.triu_indices(count, 1)
    drawn = generator(rng).uniform(-bound, bound, (*batch, len(i)))
    margins = np.zeros((*drawn.shape[:-1], count, count))
    margins[..., i, j] = drawn
    return _from_upper_margins(margins)


def random_strictly_strongly_transitive(
    responses: int, *, size: Size = None, max_margin: float = 0.5, rng: Seed = None
) -> FloatArray:
    """Return matrices with P_ik > P_jk for all k whenever i < j; response 0 is the best.

    Filled by diagonals: M_ik = max(M_{i,k−1}, M_{i+1,k}) + an increment uniform in [0.01, 1],
    then rescaled so that the largest margin is uniform in [max_margin / 2, max_margin): with
    the default no probability is exactly 0 or 1.

    The arguments are those of `random_skew`, but ``max_margin`` is above 0.

    References
    ----------
    ``docs/theory.md`` section 9 (generator), section 4 (definition).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.random_strictly_strongly_transitive(5, rng=0)
    >>> bool((P[:-1] > P[1:]).all())
    True
    """
    batch, draw = _batch(size), generator(rng)
    count = validation.responses(responses, "responses", minimum=2, batch=batch)
    bound = validation.number(max_margin, "max_margin", high=0.5)
    if bound == 0:
        raise ValueError("max_margin is 0, which leaves only ties; it must be above 0")
    margins = np.zeros((*batch, count, count))
    for distance in range(1, count):
        i = np.arange(count - distance)
        k = i + distance
        floor = np.maximum(margins[..., i, k - 1], margins[..., i + 1, k])
        margins[..., i, k] = floor + draw.uniform(SMALLEST_INCREMENT, 1.0, floor.shape)
    largest = bound * draw.uniform(0.5, 1.0, batch)
    scale = np.asarray(largest / margins[..., 0, -1])
    return _from_upper_margins(margins * scale[..., None, None])


def _from_upper_margins(margins: FloatArray) -> FloatArray:
    return np.asarray(0.5 + margins - np.swapaxes(margins, -1, -2))


def _batch(size: Size) -> tuple[int, ...]:
    if size is None:
        return ()
    axes = size if isinstance(size, tuple) else (size,)
    return tuple(validation.integer(axis, "size", minimum=1) for axis in axes)
