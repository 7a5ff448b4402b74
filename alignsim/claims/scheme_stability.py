"""Exact stability of every method: the multipliers of its symbol."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from alignsim import analysis, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.scheme_rests import growth, resting, scheme
from alignsim.claims.spectra import rotation
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.validation import FloatArray

ComplexArray = NDArray[np.complex128]

NUDGE = 1e-9
"""How far orbits begin from rest, in logits."""

TRANSIENT = 7.0
"""Orbits are judged where they grow or decay by this many e-folds."""

FAR = 3.0
"""Up to this many times its limit a method is checked to stay unstable."""


def parameters(name: str, rng: np.random.Generator, trials: int) -> Instances:
    """Return parameters (n,) of a method, their edges among them; those from 0 on reach up to 2."""
    drawn = {}
    for each in METHODS[name].parameters:
        high = min(each.high, 2.0)
        values = rng.uniform(each.low, high, trials)
        at = rng.uniform(size=trials)
        values = np.where(at < 0.1, each.low, np.where(at > 0.9, high, values))
        drawn[each.name] = rng.integers(1, 8, trials) * 1.0 if each.whole else values
    if "pull" in drawn:
        none = rng.uniform(size=trials) < 0.5
        drawn["pull"] = np.where(none, 0.0, drawn["pull"] * (1.0 - drawn["mixup"]))
    return drawn


@dataclass(frozen=True)
class SymbolMultipliers(Scaled):
    """Eigenvalues of the symbol over all modes, against those of the round's derivative."""

    statement = (
        "Where all stages of a scheme rest on one opponent policy π, the multipliers of a round of "
        "an objective with a score are the eigenvalues of the D × D symbol S(g), g = βλν_k, over "
        "the eigenvalues ν_k of (∂v/∂μ)J(π) on mean-zero vectors; ν_k = ±iω_k for IPO."
    )
    section = "10.2"
    tolerance: float = 1e-7

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw parameters of every method, and games of which π is the Nash equilibrium."""
        K = int(rng.choice([3, 5]))
        policy = draw.policies(rng, trials, K, smallest=0.02)
        return {
            "P": draw.with_equilibrium(rng, policy),
            "policy": policy,
            "offline": draw.policies(rng, trials, K),
            "lam": draw.shares(rng, trials)[::-1],
            "beta": draw.log_uniform(rng, trials, 0.1, 3.0),
            **{
                f"{name} {own}": values
                for name in METHODS
                for own, values in parameters(name, rng, trials).items()
            },
        }

    def margin(self, x: Instances) -> FloatArray:
        E = simplex.mean_zero_basis(x["P"].shape[-1])
        spin = _multipliers(E.T @ x["P"] @ simplex.covariance(x["policy"]) @ E)
        return least(*(self._margin_of(name, spin, x) for name in METHODS))

    def _margin_of(self, name: str, spin: ComplexArray, x: Instances) -> FloatArray:
        """Return the slack of the characteristic polynomials, whose roots may be double."""
        own = {each.name: x[f"{name} {each.name}"] for each in METHODS[name].parameters}
        loop, state = resting(x, scheme(name, own), x["beta"])
        flat = state.reshape(len(state), -1)
        found = characteristic(_multipliers(loop.derivative(flat, "tangent")))
        modes = scheme(name, {each: values[:, None] for each, values in own.items()})
        gains = self.gain * (loop.beta * loop.lam)[:, None] * spin
        expected = characteristic(modes.multipliers(gains).reshape(len(state), -1))
        size = self.tolerance * (1.0 + np.abs(expected).max(axis=-1))
        moved = loop.advance(flat).value - flat
        return np.minimum(
            1.0 - np.abs(found - expected).max(axis=-1) / size,
            1.0 - np.abs(moved).max(axis=-1) / self.tolerance,
        )


def _multipliers(matrices: FloatArray) -> ComplexArray:
    """Return the eigenvalues, (n, m, m) → (n, m)."""
    return np.asarray(np.linalg.eigvals(matrices), dtype=np.complex128)


def characteristic(roots: ComplexArray) -> ComplexArray:
    """Return the coefficients of Π(z − root), (n, r) → (n, r)."""
    coefficients = np.ones((len(roots), 1), dtype=np.complex128)
    for root in roots.T:
        shifted = np.pad(coefficients, ((0, 0), (1, 0))) * root[:, None]
        coefficients = np.pad(coefficients, ((0, 0), (0, 1))) - shifted
    return coefficients[:, 1:]


class StabilityLimit(Claim):
    """The limit of one method: in the symbol on a line of y, by stability, and by orbits."""

    section: ClassVar[str] = "10.2"
    status: ClassVar[str] = "checked"
    costly: ClassVar[bool] = True
    method: ClassVar[str]

    tolerance: ClassVar[float] = 1e-9
    step: ClassVar[float] = 0.01
    """To both sides of the limit, as a share of it."""
    rounds: ClassVar[int] = 30_000

    @abstractmethod
    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        """Return the characteristic polynomial of S(g), by falling powers, but for the first."""

    @abstractmethod
    def limit(self, x: Instances) -> FloatArray:
        """Return the y up to which the statement has the method stable: (n,), 0 or inf too."""

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw the parameters of the method, those that the statement singles out first."""
        return parameters(self.method, rng, trials)

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw parameters, games with their equilibria, and gains of the symbol."""
        K = int(rng.choice([3, 5]))
        policy = draw.policies(rng, trials, K, smallest=0.02)
        size = len(METHODS[self.method].slots)
        return {
            **self.own(rng, trials),
            "P": draw.with_equilibrium(rng, policy),
            "policy": policy,
            "offline": draw.policies(rng, trials, K),
            "lam": np.maximum(draw.shares(rng, trials)[::-1], 0.05),
            "real": rng.normal(size=trials),
            "imaginary": rng.normal(size=trials),
            "nudge": NUDGE * simplex.centre(rng.normal(size=(trials, size, K))),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the least slack of the polynomial, of the line of y, and of two orbits."""
        own = {each.name: x[each.name] for each in METHODS[self.method].parameters}
        wired = scheme(self.method, own)
        slack = []
        for gain in (x["real"] + 1j * x["imaginary"], 0j * x["real"]):
            found = characteristic(wired.multipliers(gain))
            expected = np.stack(np.broadcast_arrays(*self.polynomial(gain, x)), axis=-1)
            slack.append(
                agreement(np.abs(found - expected), 0.0, self.tolerance * (1.0 + 4.0 * FAR))
            )
        limit = self.limit(x)
        line = np.concatenate([np.linspace(0.05, 0.95, 40), [1.0 - self.step]])
        beyond = np.concatenate([[1.0 + self.step], np.linspace(1.05, FAR, 40)])
        beyond = np.where(limit[:, None] > 0.0, beyond, np.geomspace(0.05, FAR, 41))
        known = np.isfinite(limit) & (limit > 0.0)
        scale = np.where(known, limit, 1.0)[:, None]
        wide = scheme(self.method, {name: values[:, None] for name, values in own.items()})
        inside = np.abs(wide.multipliers(1j * scale * line)).max(axis=(-2, -1))
        outside = np.abs(wide.multipliers(1j * scale * beyond)).max(axis=-1).min(axis=-1)
        slack.append(np.where(limit > 0.0, 1.0 - inside, 1.0))
        slack.append(np.where(np.isfinite(limit), outside - 1.0, 1.0))
        return least(*slack, *self._orbits(x, scale[:, 0], limit))

    def _orbits(self, x: Instances, scale: FloatArray, limit: FloatArray) -> list[FloatArray]:
        own = {each.name: x[each.name] for each in METHODS[self.method].parameters}
        wired = scheme(self.method, own)
        omega = rotation(x["P"], np.log(x["policy"]))
        slack = []
        for side, holds in ((-1.0, limit > 0.0), (1.0, np.isfinite(limit))):
            lam = np.where(wired.rest().anchored, x["lam"], 1.0)
            y = scale * (1.0 + side * self.step)
            at = resting(x, wired, y / (lam * omega))
            grown = growth(at, x["nudge"], self.rounds)
            found = analysis.stability(at.loop).spectral_radius
            slow = np.abs(np.log(np.maximum(found, 1e-300))) * self.rounds < TRANSIENT
            slack.append(np.where(holds, side * (found - 1.0), 1.0))
            slack.append(np.where(holds & ~slow, side * grown, 1.0))
        return slack


def least_root(A: FloatArray, B: FloatArray, C: FloatArray) -> FloatArray:
    """Return the y up to which Ay⁴ + By² < C, C ≥ 0: the least root by a companion matrix."""
    found = np.full(len(A), np.inf)
    for i in range(len(A)):
        roots = np.roots([A[i], B[i], -C[i]])
        real = roots[np.isreal(roots)].real
        positive = real[real > 0.0]
        if C[i] <= 0.0 and B[i] >= 0.0:
            found[i] = 0.0
        elif len(positive):
            found[i] = np.sqrt(positive.min())
    return found
