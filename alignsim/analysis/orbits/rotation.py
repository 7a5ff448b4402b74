"""How fast an orbit turns: weighted Birkhoff averages, planes of rotation, frequencies."""

from __future__ import annotations

from functools import cache

import numpy as np

from alignsim import simplex
from alignsim.feedback import FeedbackMap
from alignsim.validation import FloatArray

POWER_STEPS = 20
"""Squarings of the skew matrix that single out its fastest plane; two suffice for K ≤ 4."""

FREQUENCY_STEPS = 3
"""Corrections of a spectral peak by the phase; the first is already good to its last digits."""

_direction = cache(simplex.asymmetric_direction)


@cache
def birkhoff_weights(size: int) -> FloatArray:
    """Return the weights exp(−1/(t(1−t))), t = 1/(n+1), …, n/(n+1), with sum 1: (n,).

    On a quasi-periodic orbit averages with these weights converge faster than any power of 1/n,
    where plain means converge like 1/n (Das, Saiki, Sander and Yorke 2017).
    """
    t = np.arange(1.0, size + 1.0) / (size + 1.0)
    weights = np.exp(-1.0 / (t * (1.0 - t)))
    weights = weights / weights.sum()
    weights.flags.writeable = False
    return np.asarray(weights)


def critical_plane(loop: FeedbackMap, fixed: FloatArray) -> FloatArray:
    """Return two functionals (n, 2, D·K) on X − X* that span the plane of the leading multiplier.

    ``loop`` is a flat batch, ``fixed`` (n, D·K) its fixed points; rows of NaN give zeros. The
    functionals are normalised for the π*-weighted norm of MRS-IPO, in which a round turns the
    plane rigidly; for other maps they are the leading left eigenvector.
    """
    found = np.asarray(np.isfinite(fixed).all(axis=-1))
    usable = np.where(found[:, None], fixed, 0.0)
    rigid = loop.linear and loop.mixes_references
    plane = _skew_plane(loop, usable) if rigid else _left_plane(loop, usable)
    return np.where(found[:, None, None] & np.isfinite(plane), plane, 0.0)


def _skew_plane(loop: FeedbackMap, fixed: FloatArray) -> FloatArray:
    q = np.sqrt(simplex.softmax(fixed))
    N = q[:, :, None] * (loop.P - 0.5) * q[:, None, :]
    r = (N @ q[..., None])[..., 0]
    skew = N + q[:, :, None] * r[:, None, :] - r[:, :, None] * q[:, None, :]
    K = q.shape[-1]
    first = np.broadcast_to(_direction(K), q.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(2 if K <= 4 else POWER_STEPS):
            first = (skew @ (skew @ first[..., None]))[..., 0]
            first = first / np.linalg.norm(first, axis=-1, keepdims=True)
        second = (skew @ first[..., None])[..., 0]
        second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.asarray(np.stack([first, second], axis=1) * q[:, None, :])


def _left_plane(loop: FeedbackMap, fixed: FloatArray) -> FloatArray:
    jacobian = loop.derivative(fixed, "tangent")
    finite = np.asarray(np.isfinite(jacobian).all(axis=(-2, -1)))
    values, vectors = np.linalg.eig(
        np.where(finite[:, None, None], np.swapaxes(jacobian, -1, -2), 0.0)
    )
    leading = np.abs(values).argmax(axis=-1)
    left = np.take_along_axis(vectors, leading[:, None, None], axis=-1)[..., 0]
    left = left.astype(complex) @ loop.basis.T
    return np.stack([left.real, left.imag], axis=1)


def principal_plane(frames: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean (n, K) of windows (n, N, K) and functionals (n, 2, K) on their main plane."""
    mean = frames.mean(axis=1)
    away = frames - mean[:, None, :]
    unit = np.abs(away).max(axis=(1, 2), keepdims=True)  # squares may overflow
    away /= np.where(unit > 0.0, unit, 1.0)
    spread = np.swapaxes(away, -1, -2) @ away
    values, vectors = np.linalg.eigh(spread)
    main = np.swapaxes(vectors[..., -2:], -1, -2)
    size = unit * np.sqrt(np.maximum(values[..., -2:], np.finfo(float).tiny))[..., None]
    size = np.maximum(size, np.finfo(float).tiny)
    return mean, main / size


def dominant_frequency(signal: FloatArray) -> FloatArray:
    """Return the strongest frequency of signals (n, N), in turns a round within (0, ½]: (n,).

    The largest peak of the Hann-windowed spectrum, then the phase that the signal gains on a wave
    of that frequency from one half to the other, both halves averaged with Birkhoff weights.
    """
    N = signal.shape[-1]
    centred = signal - signal.mean(axis=-1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(N), axis=-1))
    frequency = (spectrum[:, 1:].argmax(axis=-1) + 1.0) / N
    half = N // 2
    t = np.arange(half)
    weighted = np.stack([centred[:, :half], centred[:, half : 2 * half]], 1)
    weighted = weighted * birkhoff_weights(half)
    for _ in range(FREQUENCY_STEPS):
        wave = np.exp(-2j * np.pi * frequency[:, None] * t)
        parts = (weighted * wave[:, None]).sum(axis=-1)
        gain = np.angle(parts[:, 1] * parts[:, 0].conj() * np.exp(-2j * np.pi * frequency * half))
        frequency = frequency + gain / (2.0 * np.pi * half)
    return np.asarray(np.minimum(np.abs(frequency), 0.5))
