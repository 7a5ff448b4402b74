"""The fastest parameters of each method, by minimisation of the symbol's spectral radius."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, Scaled, agreement, least
from alignsim.claims.scheme_rests import resting, scheme
from alignsim.claims.spectra import rotation
from alignsim.validation import FloatArray

Radius = Callable[..., FloatArray]

TRIES = 3000
"""Other parameters that are tried against the fastest, half of them near."""

DOUBLE_ROOT = 1e-6
"""How exact a multiplier is that is a double eigenvalue."""

LARGEST_KEPT = (1.0 + np.sqrt(17.0)) / 8.0
"""The q that the fastest soft reference tends to as modes part."""


def radius(name: str, y: FloatArray, **own: FloatArray) -> FloatArray:
    """Return max|multiplier| of a method at g = iy; everything broadcasts."""
    values = dict(zip(own, np.broadcast_arrays(*own.values()), strict=True))
    return np.asarray(np.abs(scheme(name, values).multipliers(1j * y)).max(axis=-1))


def lead(found: Radius, best: Instances, high: dict[str, float], seed: FloatArray) -> FloatArray:
    """Return how far the least radius of other parameters is above that of ``best``: (n,).

    Parameters are tried in [0, ``high``] each, everywhere and near the best.
    """
    rng = np.random.default_rng(np.abs(seed).view(np.uint64) % 2**32)
    shape = (len(seed), TRIES)
    near = 10.0 ** rng.uniform(-6.0, -0.5, shape)
    local = np.arange(TRIES) % 2 == 0
    tried = {}
    for name, top in high.items():
        moved = best[name][:, None] + near * top * rng.uniform(-1.0, 1.0, shape)
        tried[name] = np.where(local, np.clip(moved, 0.0, top), rng.uniform(0.0, top, shape))
    at_best = found(**{name: values[:, None] for name, values in best.items()})[:, 0]
    return np.asarray(found(**tried).min(axis=-1) - at_best)


@dataclass(frozen=True)
class FastestSoftReference(Scaled):
    """All mixups and rotations, at α."""

    statement = (
        "Without an anchor and with one ω the multipliers of soft_reference are least at "
        "m = (1−α)/(2−α) and y = 2m: ρ = √(1+(1−α)²)/(2−α). The best is α = 0: m = ½, y = 1 and "
        "ρ = 1/√2."
    )
    section = "10.3"
    status = "checked"

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"alpha": draw.shares(rng, trials, high=0.95), "seed": rng.normal(size=trials)}

    def margin(self, x: Instances) -> FloatArray:
        alpha = x["alpha"]
        m = (1.0 - alpha) / (2.0 - alpha)
        rate = self.gain * np.hypot(1.0, 1.0 - alpha) / (2.0 - alpha)

        def found(mixup: FloatArray, y: FloatArray) -> FloatArray:
            return radius("soft_reference", y, mixup=mixup, alpha=alpha[:, None])

        ahead = lead(found, {"mixup": m, "y": 2.0 * m}, {"mixup": 1.0, "y": 2.0}, x["seed"])
        at_best = found(m[:, None], 2.0 * m[:, None])[:, 0]
        return np.minimum(
            agreement(at_best, rate, DOUBLE_ROOT), 1.0 + ahead / DOUBLE_ROOT + rate - np.sqrt(0.5)
        )


@dataclass(frozen=True)
class FastestHardReference(Claim):
    """Errors of three rounds from near the equilibrium."""

    statement = (
        "hard_reference with a reset after three rounds, α = 0 and y = 1 has the multiplier "
        "(1−y²)(1+iy) = 0: with three responses it converges quadratically to an interior Nash "
        "equilibrium from nearby."
    )
    section = "10.3"
    every: float = 3.0
    y: float = 1.0
    nudge: float = 1e-5
    width: float = 300.0
    """Bounds the error of a round over the square of that before."""

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        policy = draw.policies(rng, trials, 3, smallest=0.1)
        return {
            "P": draw.with_equilibrium(rng, policy),
            "policy": policy,
            "offline": policy,
            "lam": np.ones(trials),
            "start": self.nudge * rng.normal(size=(trials, 3)),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the relative slack of the first error; those after are rounding."""
        beta = self.y / rotation(x["P"], np.log(x["policy"]))
        every = np.full(len(beta), self.every)
        loop, state = resting(x, scheme("hard_reference", {"every": every}), beta)
        start = state[:, 0] + simplex.centre(x["start"])
        error = np.abs(loop.run(start_logits=start, rounds=1).logits - state).max(axis=-1)
        return np.asarray(1.0 - error[:, 1] / (self.width * error[:, 0] ** 2))


@dataclass(frozen=True)
class FastestAtTarget(Scaled):
    """All parameters of six methods whose fixed point is the given one."""

    statement = (
        "Let C = ηλω be given by the fixed point to be reached. mrs, nash_md, momentum and replay "
        "are at best C/√(1+C²), at κ = 1/(1+C²), without momentum and with new responses only. "
        "optimistic is fastest at κ = √(1+C²) − C and c = (1−κ)/(1+κ), as is soft_reference at "
        "e = κ, m = (1−κ)/2 and α = 0: ρ = (1−κ)/√2 < 1/√2 for every C. extragradient is fastest "
        "at the root of 2C²(1+C²)κ³ + (1−C²)κ = 1."
    )
    section = "10.3"
    status = "checked"

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {
            "target": draw.log_uniform(rng, trials, 0.05, 50.0),
            "seed": rng.normal(size=trials),
        }

    def margin(self, x: Instances) -> FloatArray:
        """Return the slack of the rates, and how far no other parameters are ahead of them."""
        C = x["target"][:, None]
        plain = C[:, 0] / np.hypot(1.0, C[:, 0])
        free = 1.0 / (1.0 + C[:, 0] ** 2)
        ones, none = np.ones_like(free), np.zeros_like(free)
        kappa = np.hypot(1.0, C[:, 0]) - C[:, 0]
        cubic = _extragradient_anchor(C[:, 0])
        prox = np.abs(1.0 - cubic + 1j * cubic * C[:, 0] * (1.0 - cubic + 1j * cubic * C[:, 0]))

        def pulled(mixup: FloatArray, pull: FloatArray, alpha: FloatArray) -> FloatArray:
            pull = np.minimum(pull, 1.0 - mixup)
            y = C * (1.0 - alpha) * pull / np.maximum(mixup + pull, 1e-300)
            return radius("soft_reference", y, mixup=mixup, pull=pull, alpha=alpha)

        def anchored(name: str) -> Radius:
            return lambda kappa, **own: radius(name, kappa * C, kappa=kappa, **own)

        def mixed(kappa: FloatArray) -> FloatArray:
            kappa = np.minimum(kappa, 1.0 - 1e-9)
            return radius("nash_md", kappa * C / (1.0 - kappa), kappa=kappa)

        unit = {"kappa": 1.0}
        fastest: list[tuple[Radius, Instances, dict[str, float], FloatArray]] = [
            (mixed, {"kappa": free}, unit, plain),
            (anchored("momentum"), {"kappa": free, "momentum": none}, {**unit, "momentum": 1.0},
             plain),
            (anchored("replay"), {"kappa": free, "fresh": ones}, {**unit, "fresh": 1.0}, plain),
            (anchored("optimistic"), {"kappa": kappa, "optimism": (1.0 - kappa) / (1.0 + kappa)},
             {**unit, "optimism": 2.0}, (1.0 - kappa) / np.sqrt(2.0)),
            (anchored("extragradient"), {"kappa": cubic}, unit, prox),
            (pulled, {"mixup": 0.5 * (1.0 - kappa), "pull": kappa, "alpha": none},
             {"mixup": 1.0, "pull": 1.0, "alpha": 1.0}, (1.0 - kappa) / np.sqrt(2.0)),
        ]  # fmt: skip
        slack = []
        for found, best, high, rate in fastest:
            at_best = found(**{name: values[:, None] for name, values in best.items()})[:, 0]
            slack.append(agreement(at_best, self.gain * rate, DOUBLE_ROOT))
            slack.append(1.0 + lead(found, best, high, x["seed"]) / DOUBLE_ROOT)
        return least(*slack)


@dataclass(frozen=True)
class FastestExtragradient(Scaled):
    """All rotations, at κ."""

    statement = (
        "At fixed κ, a = 1−κ, the multipliers of extragradient are least at y² = a(2−a)/2: "
        "ρ² = a³(4−a)/4."
    )
    section = "10.3"
    tolerance: float = 1e-9

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"kappa": draw.shares(rng, trials), "seed": rng.normal(size=trials)}

    def margin(self, x: Instances) -> FloatArray:
        a = 1.0 - x["kappa"]
        best, rate = np.sqrt(0.5 * a * (2.0 - a)), np.sqrt(0.25 * a**3 * (4.0 - a))

        def found(y: FloatArray) -> FloatArray:
            return radius("extragradient", y, kappa=x["kappa"][:, None])

        ahead = lead(found, {"y": best}, {"y": 1.5}, x["seed"])
        at_best = found(best[:, None])[:, 0]
        return np.minimum(
            agreement(at_best, self.gain * rate, self.tolerance), 1.0 + ahead / self.tolerance
        )


@dataclass(frozen=True)
class FastestForModes(Scaled):
    """All mixups and step sizes, at the worse of two modes, and a third between them."""

    statement = (
        "Without an anchor, modes between ω_min and ω_max = Λω_min and α = 0, soft_reference (and "
        "optimistic) is fastest at m = 1−q with (Λ+1/Λ)² = 4(3q−1)(3−4q)²/((4q−1)(1+q−4q²)), "
        "½ ≤ q < (1+√17)/8, and y_max·y_min = ρ³√((1−ρ²)/(ρ²−q²))/q: ρ = √(q(4q−1)). Λ = 2: "
        "m = .3875, ρ = .9425; 3: .9747; 5: .9909; 10: .99773. So m is between .36 and ½, never .6."
    )
    section = "10.3"
    status = "checked"
    rates: tuple[float, ...] = (0.9425, 0.9747, 0.9909, 0.99773)
    """At the Λ that the statement names."""
    digits: float = 6e-5
    tolerance: float = 1e-7

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        ratio = np.exp(rng.uniform(np.log(1.05), np.log(20.0), trials))
        ratio[:4] = (2.0, 3.0, 5.0, 10.0)[:trials]
        return {
            "ratio": ratio,
            "between": rng.uniform(size=trials),
            "seed": rng.normal(size=trials),
        }

    def margin(self, x: Instances) -> FloatArray:
        ratio = x["ratio"]
        q, rate = _two_modes(ratio)
        rate = self.gain * rate
        square = rate**2
        product = rate**3 * np.sqrt((1.0 - square) / (square - q * q)) / q
        middle = np.sqrt(product)

        def found(mixup: FloatArray, middle: FloatArray) -> FloatArray:
            apart = np.sqrt(ratio)[:, None]
            worst = [
                radius("soft_reference", y, mixup=mixup) for y in (middle * apart, middle / apart)
            ]
            return np.maximum(*worst)

        at_best = found(1.0 - q[:, None], middle[:, None])[:, 0]
        ahead = lead(
            found, {"mixup": 1.0 - q, "middle": middle}, {"mixup": 1.0, "middle": 1.5}, x["seed"]
        )
        inner = middle * ratio ** (x["between"] - 0.5)
        told = np.array([2.0, 3.0, 5.0, 10.0])
        stated = np.where(
            (ratio[:, None] == told).any(axis=-1), np.interp(ratio, told, self.rates), rate
        )
        return least(
            agreement(at_best, rate, self.tolerance),
            1.0 + ahead / self.tolerance,
            1.0 + (rate - radius("soft_reference", inner, mixup=1.0 - q)) / self.tolerance,
            agreement(rate, stated, self.digits),
            LARGEST_KEPT - q,
        )  # fmt: skip


@dataclass(frozen=True)
class ExtragradientForModes(Scaled):
    """All step sizes, at the worse of two modes, beside soft references."""

    statement = (
        "Without an anchor and with modes between ω_min and ω_max = Λω_min extragradient is "
        "fastest at y_max = Λ/√(1+Λ²): ρ² = 1 − Λ²/(1+Λ²)². Per optimum it is faster than the best "
        "soft reference exactly for Λ > 4.115."
    )
    section = "10.3"
    status = "checked"
    tolerance: float = 1e-9
    crossing: float = 4.115

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        ratio = np.exp(rng.uniform(0.0, np.log(20.0), trials))
        ratio[:3] = (1.0, 4.1145, 4.1155)[:trials]
        return {"ratio": ratio, "seed": rng.normal(size=trials)}

    def margin(self, x: Instances) -> FloatArray:
        ratio = x["ratio"]
        share = ratio / (1.0 + ratio**2)
        rate, best = np.sqrt(1.0 - share**2), ratio / np.hypot(1.0, ratio)

        def found(y: FloatArray) -> FloatArray:
            zero = np.zeros_like(y)
            slow = radius("extragradient", y / ratio[:, None], kappa=zero)
            return np.maximum(radius("extragradient", y, kappa=zero), slow)

        ahead = lead(found, {"y": best}, {"y": 1.2}, x["seed"])
        at_best = found(best[:, None])[:, 0]
        soft = np.sqrt(np.maximum(_two_modes(np.maximum(ratio, 1.0 + 1e-9))[1], 0.0))
        per_optimum = np.sign(ratio - self.crossing) * (soft**2 - np.sqrt(rate))
        return least(
            agreement(at_best, self.gain * rate, self.tolerance),
            1.0 + ahead / self.tolerance,
            np.where(np.abs(ratio - self.crossing) > 4e-4, per_optimum, 1.0),
        )


def _two_modes(ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return q and ρ of the fastest soft reference for Λ (n,), by bisection."""
    wanted = (ratio + 1.0 / ratio) ** 2
    low, high = np.full_like(ratio, 0.5), np.full_like(ratio, LARGEST_KEPT)
    for _ in range(60):
        q = 0.5 * (low + high)
        reached = 4.0 * (3.0 * q - 1.0) * (3.0 - 4.0 * q) ** 2
        below = reached < wanted * (4.0 * q - 1.0) * (1.0 + q - 4.0 * q * q)
        low, high = np.where(below, q, low), np.where(below, high, q)
    return low, np.sqrt(low * (4.0 * low - 1.0))


def _extragradient_anchor(target: FloatArray) -> FloatArray:
    """Return the positive root κ of 2C²(1+C²)κ³ + (1−C²)κ = 1, by bisection."""
    square = target**2
    low, high = np.zeros_like(target), np.ones_like(target)
    for _ in range(60):
        kappa = 0.5 * (low + high)
        below = 2.0 * square * (1.0 + square) * kappa**3 + (1.0 - square) * kappa < 1.0
        low, high = np.where(below, kappa, low), np.where(below, high, kappa)
    return low
