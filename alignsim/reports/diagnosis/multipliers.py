"""Rest points and leading multipliers of fitted maps x' = ax + cx₋ + BᵀUπ(Bx)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alignsim import simplex
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Fits:
    """Fitted maps, n draws of one log.

    Attributes
    ----------
    a, memory : (n,)
        How much of the last state a round keeps, and of the one before it.
    u : (n, m)
        The entries of U of the pairs i < j, row by row. They are no preferences: constants that
        the reference and the offline policy add hide in them.
    """

    a: FloatArray
    memory: FloatArray
    u: FloatArray

    def __len__(self) -> int:
        return len(self.a)

    def taken(self, which: NDArray[np.intp] | slice) -> Fits:
        """Return some of the draws."""
        return Fits(self.a[which], self.memory[which], self.u[which])

    def scaled(self, factors: FloatArray, held: FloatArray) -> Fits:
        """Return the maps with β times ``factors`` (n,), of whose u ``held`` (n, m) stays."""
        return Fits(self.a, self.memory, held + factors[:, None] * (self.u - held))


@dataclass(frozen=True)
class Leading:
    """The leading multiplier at the rest point of each of n maps; NaN where none was found.

    Attributes
    ----------
    rho, theta : (n,)
        Its modulus and its argument in [0, π].
    states : (n, K−1)
        The rest points.
    """

    rho: FloatArray
    theta: FloatArray
    states: FloatArray

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which maps have a rest point that was found, (n,)."""
        return np.isfinite(self.rho)


def responses_of(pairs: int) -> int:
    """Return the K of which there are K(K−1)/2 pairs."""
    return round((1 + (1 + 8 * pairs) ** 0.5) / 2)


def antisymmetric(u: FloatArray) -> FloatArray:
    """Return the matrices U (n, K, K) of their entries above the diagonal (n, m)."""
    K = responses_of(u.shape[-1])
    U = np.zeros((len(u), K, K))
    i, j = np.triu_indices(K, 1)
    U[:, i, j] = u
    U[:, j, i] = -u
    return U


def leading(fits: Fits, start: FloatArray) -> Leading:
    """Return the leading multipliers (n,) at the rest points that are found from ``start``.

    Where none is, the search begins again at the uniform policy.
    """
    basis = simplex.mean_zero_basis(responses_of(fits.u.shape[-1]))
    n, d = len(fits), basis.shape[1]
    points, slopes = _rest_points(basis, fits, start)
    lost = np.flatnonzero(np.isnan(points).any(axis=1))
    if len(lost):
        points[lost], slopes[lost] = _rest_points(basis, fits.taken(lost), np.zeros(d))
    jacobian = slopes + fits.a[:, None, None] * np.eye(d)
    if fits.memory.any():
        kept = np.broadcast_to(np.eye(d), (n, d, d))
        top = np.concatenate([jacobian, fits.memory[:, None, None] * kept], axis=2)
        jacobian = np.concatenate([top, np.concatenate([kept, 0.0 * kept], axis=2)], axis=1)
    found = np.isfinite(points).all(axis=1) & np.isfinite(jacobian).all(axis=(1, 2))
    rho, theta = np.full(n, np.nan), np.full(n, np.nan)
    if found.any():
        values = np.linalg.eigvals(jacobian[found]).astype(complex)
        which = np.abs(values).argmax(axis=1)[:, None]
        first = np.take_along_axis(values, which, axis=1)[:, 0]
        rho[found], theta[found] = np.abs(first), np.abs(np.angle(first))
    return Leading(rho, theta, points)


def _rest_points(basis: FloatArray, fits: Fits, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rest points (n, K−1), NaN where none is found, and BᵀU(diag π − ππᵀ)B there."""
    from alignsim.kernels import log_maps

    n, d = len(fits), basis.shape[1]
    points, slopes = np.empty((n, d)), np.empty((n, d, d))
    matrices, begin = antisymmetric(fits.u), np.ascontiguousarray(start)
    log_maps.rest_points(basis, fits.a, fits.memory, matrices, begin, points, slopes)
    return points, slopes
