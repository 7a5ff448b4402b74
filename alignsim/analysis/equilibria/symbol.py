"""Multipliers at rest points of any scheme, by its symbol where all stages rest on one policy.

They are then the eigenvalues of the D × D symbol S(g), g = βλν_k, for the eigenvalues ν_k of the
derivative of the score (schemes 4): ±iω_k for a linear score and zero-sum payoffs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.analysis.equilibria import rest
from alignsim.analysis.equilibria.rotations import largest_rotation, rotations
from alignsim.feedback import FeedbackMap
from alignsim.preferences.payoffs import is_zero_sum
from alignsim.validation import FloatArray

ComplexArray = NDArray[np.complex128]

ROUNDING = 64.0 * np.finfo(np.float64).eps
"""Relative error of a gain, and absolute error of a multiplier, that rounding leaves."""

EIGENVALUE = 1e-9
"""Relative error of the eigenvalues of a matrix that need not be normal."""

STILL = 1e-12
"""Gain, relative to β, of a mode on which the score does nothing."""


class Modes(NamedTuple):
    """What the score does at rest points: gains g (n, m), and their relative error (n,).

    ``omega`` (n,) is the largest ω_k, NaN where the eigenvalues need not be imaginary.
    """

    gains: ComplexArray
    error: FloatArray
    omega: FloatArray


def modes(flat: FeedbackMap, opponent: FloatArray, residual: FloatArray, every: bool) -> Modes:
    """Return the gains at opponents (n, K): all of them, or those that can decide stability."""
    line = np.asarray(flat.of_matrices(is_zero_sum) & flat.linear)
    if line.all():
        return _on_a_line(flat, opponent, residual, every)
    gains = _by_eigenvalues(flat, opponent)
    imaginary = flat.holds(flat.facts.imaginary_from)
    gains = np.where(imaginary[:, None], 1j * gains.imag, gains)
    with np.errstate(divide="ignore", invalid="ignore"):
        omega = np.where(imaginary, np.abs(gains.imag).max(axis=-1) / flat.beta, np.nan)
    error = EIGENVALUE + residual * (1.0 + np.abs(opponent).max(axis=-1))
    if line.any():
        which = np.flatnonzero(line)
        exact = _on_a_line(flat.take(which), opponent[which], residual[which], True)
        gains[which], error[which], omega[which] = exact
    return Modes(gains, error, omega)


def multipliers(flat: FeedbackMap, state: FloatArray) -> ComplexArray:
    """Return all multipliers at rest points with finite states (n, D·K): (n, D·(K−1))."""
    n, D, K = flat.size, flat.scheme.size, flat.responses
    found = np.full((n, D * (K - 1)), np.nan + 0j)
    known = np.asarray(np.isfinite(state).all(axis=-1))
    one = _one_policy(flat)
    which = np.flatnonzero(known & one)
    if len(which):
        part = flat.take(which)
        opponent = rest.opponents(part, state[which, :K])
        gains = modes(part, opponent, np.zeros(len(which)), True).gains
        found[which] = _eigenvalues(part, gains).reshape(len(which), -1)
    which = np.flatnonzero(known & ~one)
    if len(which):
        jacobian = flat.take(which).derivative(state[which], "tangent")
        finite = np.asarray(np.isfinite(jacobian).all(axis=(-2, -1)))
        values = np.linalg.eigvals(np.where(finite[:, None, None], jacobian, 0.0))
        found[which] = np.where(finite[:, None], values, np.nan)
    return found


class Leading(NamedTuple):
    """ρ, the largest ω, the leading multiplier's argument, 1 − ρ, and the doubt: (n,) each."""

    radius: FloatArray
    omega: FloatArray
    angle: FloatArray
    margin: FloatArray
    doubt: FloatArray


def leading(flat: FeedbackMap, state: FloatArray, residual: FloatArray) -> Leading:
    """Return what the multipliers at rest points (n, D·K) decide.

    Without an anchor the multipliers 1 of a continuum of equilibria are left out: stable means
    transversally so. The doubt is how far ρ moves with the error of the gains.
    """
    K = flat.responses
    found = Leading(*(np.full(flat.size, np.nan) for _ in Leading._fields))
    one = _one_policy(flat)
    which = np.flatnonzero(one)
    if len(which):
        part = flat.take(which)
        opponent = rest.opponents(part, state[which, :K])
        gains, error, omega = modes(part, opponent, residual[which], False)
        values = _eigenvalues(part, gains)
        radius, angle = _largest(values)
        shift = (1.0 + ROUNDING + error)[:, None]
        moved = [_largest(_eigenvalues(part, gains * by))[0] for by in (shift, 1.0 / shift)]
        with np.errstate(invalid="ignore"):  # of radii beyond float64 nothing is sure
            doubt = ROUNDING + np.max([np.abs(other - radius) for other in moved], axis=0)
        for target, value in zip(found, (radius, omega, angle, 1.0 - radius, doubt), strict=True):
            target[which] = value
    which = np.flatnonzero(~one)
    if len(which):
        values = multipliers(flat.take(which), state[which])[:, :, None]
        radius, angle = _largest(values)
        doubt = EIGENVALUE * np.maximum(radius, 1.0)
        for target, value in zip(
            found, (radius, np.full(len(which), np.nan), angle, 1.0 - radius, doubt), strict=True
        ):
            target[which] = value
    return found


def _one_policy(flat: FeedbackMap) -> NDArray[np.bool_]:
    kinds = rest.kind(flat)
    return np.asarray(kinds.held | kinds.loose | kinds.free)


def _on_a_line(flat: FeedbackMap, opponent: FloatArray, residual: FloatArray, every: bool) -> Modes:
    """Return gains ±iβλω_k; of each pair one, unless ``every`` one is wanted.

    A change of the logits moves log ω by at most twice.
    """
    K = flat.responses
    few = K <= 4 and not every
    matrices, which = flat.matrix_table()
    if few:
        omegas = largest_rotation(matrices, which, opponent)[:, None]
    else:
        omegas = rotations(flat.P, opponent)
    with np.errstate(over="ignore", invalid="ignore"):
        turning = 1j * (flat.beta * flat.lam)[:, None] * omegas
    still = np.zeros((flat.size, (K - 1) % 2), dtype=complex)
    parts = [turning, -turning, still] if every else [turning, still]
    error = 2.0 * residual * (1.0 + np.abs(opponent).max(axis=-1))
    return Modes(np.concatenate(parts, axis=-1), error, omegas.max(axis=-1, initial=0.0))


def _by_eigenvalues(flat: FeedbackMap, opponent: FloatArray) -> ComplexArray:
    with np.errstate(invalid="ignore", over="ignore"):
        derivative = rest.score_problem(flat).derivative(opponent, "tangent")
    finite = np.asarray(np.isfinite(derivative).all(axis=(-2, -1)))
    values = np.linalg.eigvals(np.where(finite[:, None, None], derivative, 0.0))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(finite[:, None], flat.beta[:, None] * values, np.nan + 0j)


def _eigenvalues(flat: FeedbackMap, gains: ComplexArray) -> ComplexArray:
    """Return the multipliers of every mode, (n, m, D), less those of a continuum."""
    scheme = flat.scheme
    each = scheme.taken(np.arange(flat.size)[:, None]).repeated(gains.shape)
    values = each.eigenvalues(gains)
    loose = ~scheme.rest().anchored
    if loose.any():
        still = np.asarray(loose[:, None] & (np.abs(gains) <= STILL * flat.beta[:, None]))
        nearest = np.abs(values - 1.0).argmin(axis=-1)
        along = still[..., None] & (np.arange(scheme.size) == nearest[..., None])
        values = np.where(along & (np.abs(values - 1.0) <= 1e-9), 0.0, values)
    return values


def _largest(values: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Return the largest modulus (n,) of multipliers (n, m, D), and its argument in [0, π]."""
    flat = values.reshape(len(values), -1)
    modulus = np.abs(flat)
    place = np.where(np.isnan(modulus), np.inf, modulus).argmax(axis=-1)[:, None]
    radius = np.take_along_axis(modulus, place, axis=-1)[:, 0]
    return radius, np.abs(np.angle(np.take_along_axis(flat, place, axis=-1)[:, 0]))
