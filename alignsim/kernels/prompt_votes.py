"""The likelihood of strengths, for many prompts of few votes each, by importance sampling."""

from __future__ import annotations

from alignsim.kernels.compile import kernel, part


@kernel
def weigh(kinds, table, low, step, i, j, centre, root, points, precision, found):  # type: ignore[no-untyped-def]
    """Compute log likelihood plus log prior of strengths r = centre + root·z, e integrated out.

    Parameters
    ----------
    kinds : (B, m)
        Row of ``table`` for each prompt and pair, −1 for a pair without votes.
    table : (T, G, 2)
        L and L′ on the grid of differences that starts at ``low`` (T,) with ``step`` (T,).
    i, j : (m,)
        The responses of each pair.
    centre, root : (B, K), (B, K, d)
        Where the points of each prompt lie.
    points : (S, d)
        z.
    precision
        1/s² of the strengths' prior.
    found : (B, S)
        Out.
    """
    B, K = centre.shape
    S, d = points.shape
    for b in range(B):
        for s in range(S):
            total = 0.0
            for k in range(K):
                total -= 0.5 * precision * _strength(centre, root, points, b, s, k) ** 2
            for p in range(i.shape[0]):
                kind = kinds[b, p]
                if kind >= 0:
                    gap = centre[b, i[p]] - centre[b, j[p]]
                    for a in range(d):
                        gap += (root[b, i[p], a] - root[b, j[p], a]) * points[s, a]
                    total += _interpolated(table[kind], low[kind], step[kind], gap)
            found[b, s] = total


@part
def _strength(centre, root, points, b, s, k):  # type: ignore[no-untyped-def]
    r = centre[b, k]
    for a in range(points.shape[1]):
        r += root[b, k, a] * points[s, a]
    return r


@part
def _interpolated(values, low, step, x):  # type: ignore[no-untyped-def]
    """Return Hermite's cubic through values and slopes (G, 2); beyond the ends a straight line."""
    last = values.shape[0] - 1
    place = (x - low) / step
    if place <= 0.0:
        return values[0, 0] + values[0, 1] * (x - low)
    if place >= last:
        return values[last, 0] + values[last, 1] * (x - low - step * last)
    k = int(place)
    t = place - k
    u = 1.0 - t
    return u * u * ((1.0 + 2.0 * t) * values[k, 0] + t * step * values[k, 1]) + t * t * (
        (1.0 + 2.0 * u) * values[k + 1, 0] - u * step * values[k + 1, 1]
    )
