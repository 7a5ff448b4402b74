"""Normal forms of a fixed point that is about to lose stability: algebra on a Taylor series.

Near its fixed point a map is x ↦ Ax + ½B(x, x) + ⅙C(x, x, x) + ..., with the multilinear forms of
a :class:`TaylorMap`. With the leading multiplier m, Aq = mq, Aᵀp = m̄p and ⟨p, q⟩ = p̄·q = 1 the
motion along q is

- Neimark–Sacker (m = |m|e^{iθ}): ζ ↦ mζ + e^{iθ}d·ζ|ζ|², x ≈ ζq + c.c., supercritical if Re d < 0;
- flip (m ≈ −1): ξ ↦ mξ + cξ³, supercritical if c > 0;
- fold (m ≈ 1): ξ ↦ mξ + aξ², with q turned so that a ≥ 0.

The coefficients depend on the length of q: they are multiplied by ‖q‖² (fold: ‖q‖). Away from the
bifurcation the formulas hold as they stand, with powers of m in place of powers of e^{iθ}
(Kuznetsov, Elements of Applied Bifurcation Theory; analysis C.7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.objectives.score_expansion import Directions
from alignsim.objectives.solvers import solve_each
from alignsim.validation import FloatArray

ComplexArray = NDArray[np.complex128]

REAL = 1e-7
"""Largest |Im m|/|m| of a multiplier that is taken as real: of a double one that was split."""

SIMULTANEOUS = 1e-6
"""How close in modulus a second multiplier must be to make the leading one multiple."""

RESONANCE_DISTANCE = 1e-3
"""Largest |e^{ikθ} − 1|, k = 1..4, that counts as a strong resonance."""

VANISHING = 1e-8
"""Largest share of its own terms that a coefficient may have and count as 0."""


class TaylorMap(NamedTuple):
    """Maps (n,) of d dimensions about their fixed points; forms take complex directions (n, d)."""

    A: FloatArray
    B: Callable[[Directions, Directions], Directions]
    C: Callable[[Directions, Directions, Directions], Directions]


class Leading(NamedTuple):
    """The multiplier of largest modulus, (n,), of a pair the one with Im > 0, and its vectors.

    ``right`` and ``left`` (n, d) are q and p with ⟨p, q⟩ = 1; ``simple`` says that no other
    multiplier, save the conjugate, is as large.
    """

    multiplier: ComplexArray
    right: ComplexArray
    left: ComplexArray
    simple: NDArray[np.bool_]


def leading(A: FloatArray, length: float = 1.0, within: int | None = None) -> Leading:
    """Return the leading multipliers of finite matrices (n, d, d), with ‖q‖ = ``length``.

    The length is that of the first ``within`` coordinates, by default of all.

    Both vectors come from one singular value decomposition of A − m, which knows the null space
    on either side to rounding even where other multipliers are defective. The largest entry of q
    is real and positive.
    """
    multipliers = np.linalg.eigvals(A).astype(np.complex128)
    modulus = np.abs(multipliers)
    first = np.argmax(modulus, axis=-1)[:, None]
    m = np.take_along_axis(multipliers, first, axis=-1)[:, 0]
    size = np.abs(m)
    real = np.abs(m.imag) <= REAL * size
    m = np.where(real, m.real, m.real + 1j * np.abs(m.imag))
    as_large = (modulus >= (size * (1.0 - SIMULTANEOUS))[:, None]).sum(axis=-1)
    u, _, vh = np.linalg.svd(A - m[:, None, None] * np.eye(A.shape[-1]))
    q = np.conj(vh[:, -1, :])
    largest = np.take_along_axis(q, np.argmax(np.abs(q), axis=-1)[:, None], axis=-1)
    q = q * (length * np.conj(largest) / np.abs(largest))
    if within is not None and within < q.shape[-1]:
        with np.errstate(divide="ignore", invalid="ignore"):
            q = q * (length / np.linalg.norm(q[:, :within], axis=-1))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = u[:, :, -1] / np.conj(inner(u[:, :, -1], q))[:, None]
    return Leading(m, q, p.astype(np.complex128), as_large == np.where(real, 1, 2))


def inner(p: Directions, q: Directions) -> ComplexArray:
    """Return ⟨p, q⟩ = p̄·q: (n, d), (n, d) → (n,)."""
    return np.asarray((np.conj(p) * q).sum(axis=-1))


class Coefficient(NamedTuple):
    """A coefficient (n,) and the sum of the moduli of its terms, to judge whether it vanishes."""

    value: ComplexArray
    scale: FloatArray

    @property
    def degenerate(self) -> NDArray[np.bool_]:
        """Whether its real part, which decides, is 0 up to rounding, (n,)."""
        return np.asarray(np.abs(self.value.real) <= VANISHING * self.scale)


def neimark_sacker_coefficient(series: TaylorMap, lead: Leading) -> Coefficient:
    """Return d (n,): Re d is the first Lyapunov coefficient (theory 6.4, analysis C.7).

    d = ½e^{−iθ}⟨p, C(q, q, q̄) + 2B(q, h11) + B(q̄, h20)⟩ with h11 = (|m|² − A)⁻¹B(q, q̄) and
    h20 = (m² − A)⁻¹B(q, q).
    """
    m, q, p = lead.multiplier, lead.right, lead.left
    q_bar = np.conj(q)
    h11 = _resolvent(series.A, np.abs(m) ** 2, series.B(q, q_bar))
    h20 = _resolvent(series.A, m**2, series.B(q, q))
    terms = [series.C(q, q, q_bar), 2.0 * series.B(q, h11), series.B(q_bar, h20)]
    return _sum([0.5 * np.abs(m) / m * inner(p, term) for term in terms])


def flip_coefficient(series: TaylorMap, lead: Leading) -> Coefficient:
    """Return c = ⅙⟨p, C(q, q, q) + 3B(q, (m² − A)⁻¹B(q, q))⟩, (n,)."""
    m, q, p = lead.multiplier, lead.right, lead.left
    h20 = _resolvent(series.A, m**2, series.B(q, q))
    terms = [series.C(q, q, q), 3.0 * series.B(q, h20)]
    return _sum([inner(p, term) / 6.0 for term in terms])


def fold_coefficient(series: TaylorMap, lead: Leading) -> Coefficient:
    """Return a = |½⟨p, B(q, q)⟩|, (n,): its sign is that of q, which means nothing."""
    q, p = lead.right, lead.left
    bent = series.B(q, q)
    lengths = np.linalg.norm(p, axis=-1) * np.linalg.norm(bent, axis=-1)
    size = 0.5 * np.abs(inner(p, bent))
    return Coefficient(size.astype(np.complex128), np.asarray(lengths))


def resonant(series: TaylorMap, lead: Leading) -> NDArray[np.bool_]:
    """Return whether a strong resonance spoils the Neimark–Sacker form, (n,).

    It does where θ is near 2π·j/k, k ≤ 4, unless the map has no resonant term: ζ̄² for k = 3, ζ̄³
    for k = 4. A symmetry can remove it, as that of rock–paper–scissors does for k = 4. Whether a
    term is 0 is judged beside the other terms of its degree.
    """
    q, p = lead.right, lead.left
    q_bar = np.conj(q)
    angle = np.angle(lead.multiplier)
    near = {k: np.abs(np.exp(1j * k * angle) - 1.0) <= RESONANCE_DISTANCE for k in (1, 2, 3, 4)}
    bent = series.B(q_bar, q_bar)
    h02 = _resolvent(series.A, np.conj(lead.multiplier) ** 2, bent)
    cubic = series.C(q_bar, q_bar, q_bar) + 3.0 * series.B(q_bar, h02)
    third = near[3] & ~_negligible(p, bent, series.B(q, q_bar))
    fourth = near[4] & ~_negligible(p, cubic, series.C(q, q, q_bar))
    return np.asarray(near[1] | near[2] | third | fourth)


def _negligible(p: Directions, term: Directions, other: Directions) -> NDArray[np.bool_]:
    """Return whether ⟨p, term⟩ is 0 up to rounding, beside an ``other`` term of its degree."""
    sizes = np.linalg.norm(term, axis=-1) + np.linalg.norm(other, axis=-1)
    return np.asarray(np.abs(inner(p, term)) <= VANISHING * np.linalg.norm(p, axis=-1) * sizes)


def _resolvent(A: FloatArray, shift: Directions, right: Directions) -> Directions:
    """Return (shift − A)⁻¹ right: (n, d)."""
    matrices: Directions = shift[:, None, None] * np.eye(A.shape[-1]) - A
    return solve_each(matrices, right)


def _sum(terms: list[Directions]) -> Coefficient:
    return Coefficient(np.asarray(np.sum(terms, axis=0)), np.asarray(np.sum(np.abs(terms), axis=0)))
