"""The rotation at which each method begins to oscillate, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Instances, Scaled, least
from alignsim.claims.scheme_rests import FARTHEST, AtRest, growth, scheme
from alignsim.claims.scheme_stability import (
    ComplexArray,
    StabilityLimit,
    least_root,
    parameters,
)
from alignsim.claims.spectra import dpo_rotation, radius, rotation
from alignsim.feedback import FeedbackMap, Scheme
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.objectives import dpo_optimum
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class MixedReferencesLimit(StabilityLimit):
    """MRS."""

    name = "limit-of-mrs"
    statement = "mrs has the multipliers α + g; it is stable exactly if α² + y² < 1."
    method = "mrs"
    status = "proved"
    gain: float = 1.0

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        return {"alpha": draw.shares(rng, trials, high=0.99)}

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        return [-(x["alpha"] + g)]

    def limit(self, x: Instances) -> FloatArray:
        return np.asarray(self.gain * np.sqrt(1.0 - x["alpha"] ** 2))


@dataclass(frozen=True)
class SoftReferenceLimit(StabilityLimit):
    """Without a pull."""

    name = "limit-of-soft-reference"
    statement = (
        "soft_reference without a pull, q = 1−m, has z² − (1+αq+g)z + (α+g)q; it is stable exactly "
        "if y² < (1+αq)(2q(1−αq) − m(1+αq))/(q²(1+q)). At α = 0: m < 2/3 and y² < (2−3m)/((2−m)"
        "(1−m)²), so m = 1 is never stable. Slow rotation is damped exactly for "
        "m < (√((1−α)(9−α)) − 3(1−α))/(2α)."
    )
    method = "soft_reference"
    gain: float = 1.0
    thirds: float = 2.0
    """The largest mixup that damps at α = 0, in thirds."""

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        drawn = super().own(rng, trials)
        drawn["pull"] = np.zeros(trials)
        drawn["mixup"] = np.maximum(drawn["mixup"], 0.02)
        drawn["mixup"][:4] = (0.6, 0.66, 0.67, 1.0)[:trials]
        drawn["alpha"][:4] = 0.0
        return drawn

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        q, alpha = 1.0 - x["mixup"], x["alpha"]
        return [-(1.0 + alpha * q + g), (alpha + g) * q]

    def limit(self, x: Instances) -> FloatArray:
        m, alpha = x["mixup"], x["alpha"]
        q = 1.0 - m
        small = np.maximum(alpha, 1e-300)
        slow = (np.sqrt((1.0 - alpha) * (9.0 - alpha)) - 3.0 * (1.0 - alpha)) / (2.0 * small)
        damps = m < np.where(alpha == 0.0, self.thirds / 3.0, slow)
        room = (1.0 + alpha * q) * (2.0 * q * (1.0 - alpha * q) - m * (1.0 + alpha * q))
        found = np.sqrt(np.abs(room) / np.maximum(q * q * (1.0 + q), 1e-300))
        known = np.sqrt(np.abs(2.0 - 3.0 * m) / np.maximum((2.0 - m) * q * q, 1e-300))
        return np.where(damps, self.gain * np.where(alpha == 0.0, known, found), 0.0)


@dataclass(frozen=True)
class PulledReferenceLimit(StabilityLimit):
    """With a pull."""

    name = "limit-of-soft-reference-with-pull"
    statement = (
        "soft_reference with a pull e > 0, Q = 1−m−e and h = α(1−m)+1−e, has z² − (h+g)z + (α+g)Q; "
        "it is stable exactly if y⁴Q²(1−Q²) + y²((1−Q(h−α))² − 2hQ(1−αQ) + 2Q²(1−Q²α²)) < "
        "(1−αQ)²((1+αQ)² − h²)."
    )
    method = "soft_reference"
    gain: float = 1.0

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        drawn = super().own(rng, trials)
        drawn["mixup"] = 0.9 * drawn["mixup"]
        drawn["alpha"] = 0.8 * drawn["alpha"]
        drawn["pull"] = (1.0 - drawn["mixup"]) * rng.uniform(0.1, 1.0, trials)
        return drawn

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        Q, h = self._terms(x)
        return [-(h + g), (x["alpha"] + g) * Q]

    def limit(self, x: Instances) -> FloatArray:
        Q, h = self._terms(x)
        alpha = x["alpha"]
        square = (1.0 - Q * (h - alpha)) ** 2 - 2.0 * h * Q * (1.0 - alpha * Q)
        square += 2.0 * Q**2 * (1.0 - (Q * alpha) ** 2)
        room = (1.0 - alpha * Q) ** 2 * ((1.0 + alpha * Q) ** 2 - h * h)
        return self.gain * least_root(Q**2 * (1.0 - Q**2), square, room)

    def _terms(self, x: Instances) -> tuple[FloatArray, FloatArray]:
        return 1.0 - x["mixup"] - x["pull"], x["alpha"] * (1.0 - x["mixup"]) + 1.0 - x["pull"]


@dataclass(frozen=True)
class HardReferenceLimit(StabilityLimit):
    """Resets after one to seven rounds."""

    name = "limit-of-hard-reference"
    statement = (
        "hard_reference with a reset every n rounds has the multiplier ((1−α) − g(α+g)ⁿ)/(1−α−g); "
        "it is stable exactly if 2(1−α)·Im((α+iy)ⁿ)/y + (α²+y²)ⁿ < 1. n = 1 never; n = 2: "
        "y² < 1−2α−α²; at α = 0 every even n: y < 1, n = 3: y² < (1+√5)/2, n = 5: y < .8130, "
        "n = 7: y < 1.1215."
    )
    method = "hard_reference"
    gain: float = 1.0
    singled: tuple[float, ...] = (0.0, 1.0, 1.2720196495140690, 1.0, 0.8130, 1.0, 1.1215)
    """Limits at α = 0, by n."""
    digits: float = 5e-5

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        drawn = super().own(rng, trials)
        drawn["every"][:7] = np.arange(1.0, 8.0)[:trials]
        drawn["alpha"] = np.where(np.arange(trials) < 7, 0.0, 0.4 * drawn["alpha"])
        return drawn

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        alpha, n = x["alpha"], x["every"]
        return [-((1.0 - alpha) - g * (alpha + g) ** n) / (1.0 - alpha - g)]

    def limit(self, x: Instances) -> FloatArray:
        """Return the first y of a fine grid, refined by bisection, at which the test fails."""
        alpha, n = x["alpha"], x["every"]

        def room(y: FloatArray) -> FloatArray:
            turn = (alpha + 1j * y) ** n
            return 1.0 - 2.0 * (1.0 - alpha) * turn.imag / y - np.abs(turn) ** 2

        grid = np.linspace(1e-4, 2.0, 20_000)
        fails = np.stack([room(np.full(len(n), y)) for y in grid]) <= 0.0
        high = grid[fails.argmax(axis=0)]
        low = high - (grid[1] - grid[0])
        for _ in range(50):
            middle = 0.5 * (low + high)
            holds = room(middle) > 0.0
            low, high = np.where(holds, middle, low), np.where(holds, high, middle)
        return np.where(fails[0], 0.0, self.gain * high)

    def margin(self, x: Instances) -> FloatArray:
        alpha, n, limit = x["alpha"], x["every"], self.limit(x)
        two = np.sqrt(np.maximum(1.0 - 2.0 * alpha - alpha**2, 0.0))
        pair = np.where(n == 2.0, 1.0 - np.abs(limit - two) / self.tolerance, 1.0)
        named = np.abs(limit - np.take(self.singled, n.astype(int) - 1)) / self.digits
        return least(super().margin(x), pair, np.where(alpha == 0.0, 1.0 - named, 1.0))


@dataclass(frozen=True)
class ExtragradientLimit(StabilityLimit):
    """Extragradient."""

    name = "limit-of-extragradient"
    statement = (
        "extragradient, a = 1−κ, has the multiplier a + ag + g²; it is stable exactly if "
        "y² < (2a−a² + √((2a−a²)² + 4(1−a²)))/2. Without an anchor: y < 1."
    )
    method = "extragradient"
    gain: float = 1.0

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        drawn = super().own(rng, trials)
        drawn["kappa"][:2] = (0.0, 1.0)
        return drawn

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        a = 1.0 - x["kappa"]
        return [-(a + a * g + g * g)]

    def limit(self, x: Instances) -> FloatArray:
        a = 1.0 - x["kappa"]
        room = 2.0 * a - a * a
        square = 0.5 * (room + np.sqrt(room**2 + 4.0 * (1.0 - a * a)))
        return np.where(a == 1.0, self.gain, self.gain * np.sqrt(square))


@dataclass(frozen=True)
class OptimisticLimit(StabilityLimit):
    """Optimism."""

    name = "limit-of-optimistic"
    statement = (
        "optimistic, a = 1−κ, has z² − (a + (1+c)g)z + cg; it is stable exactly if y⁴c²(1+2c) + "
        "y²((1+c−ac)² − 2ac(1+c) + 2c²) < 1−a². Without an anchor: c > ½ and y² < (2c−1)/"
        "(c²(1+2c)), y < 1/√3 at c = 1."
    )
    method = "optimistic"
    gain: float = 1.0
    least_optimism: float = 0.5

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        drawn = super().own(rng, trials)
        drawn["kappa"][:4] = 0.0
        drawn["optimism"][:4] = (1.0, 0.5, 0.55, 0.45)[:trials]
        return drawn

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        c, a = x["optimism"], 1.0 - x["kappa"]
        return [-(a + (1.0 + c) * g), c * g]

    def limit(self, x: Instances) -> FloatArray:
        c, a = x["optimism"], 1.0 - x["kappa"]
        square = (1.0 + c - a * c) ** 2 - 2.0 * a * c * (1.0 + c) + 2.0 * c * c
        held = least_root(c * c * (1.0 + 2.0 * c), square, 1.0 - a * a)
        damps = c > self.least_optimism
        room = np.where(damps, (2.0 * c - 1.0) / np.maximum(c * c * (1.0 + 2.0 * c), 1e-300), 0.0)
        return self.gain * np.where(a == 1.0, np.sqrt(np.maximum(room, 0.0)), held)


@dataclass(frozen=True)
class MomentumLimit(StabilityLimit):
    """Momentum."""

    name = "limit-of-momentum"
    statement = (
        "momentum, a = 1−κ and Z = a²+y², has z² − (1+m)(a+g)z + m(a+g); it is stable exactly if "
        "m²Z < 1 and m²(1+2m)Z² + ((1+m)²(1−2am) + 2m²)Z < 1: never without an anchor. With one "
        "m > 0 always shrinks the limit of mrs, and −1 < m < 0 enlarges it."
    )
    method = "momentum"
    status = "proved"
    gain: float = 1.0
    helps: float = -1.0
    """The sign of the momentum that enlarges the limit."""

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        drawn = super().own(rng, trials)
        drawn["kappa"][:2], drawn["momentum"][:2] = 0.0, (0.3, -0.3)
        return drawn

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        m, step = x["momentum"], 1.0 - x["kappa"] + g
        return [-(1.0 + m) * step, m * step]

    def limit(self, x: Instances) -> FloatArray:
        m, a = x["momentum"], 1.0 - x["kappa"]
        square = (1.0 + m) ** 2 * (1.0 - 2.0 * a * m) + 2.0 * m * m
        largest = least_root(m * m * (1.0 + 2.0 * m), square, np.ones_like(a)) ** 2
        largest = np.minimum(largest, 1.0 / np.maximum(m * m, 1e-300)) - a * a
        return np.where(a == 1.0, 0.0, self.gain * np.sqrt(np.maximum(largest, 0.0)))

    def margin(self, x: Instances) -> FloatArray:
        m, a = x["momentum"], 1.0 - x["kappa"]
        plain = np.sqrt(1.0 - a * a)
        gained = self.helps * np.sign(m) * (self.limit(x) - plain)
        compared = (m != 0.0) & (np.abs(m) != 1.0) & (a < 1.0) & (a > 0.0)
        return np.minimum(super().margin(x), np.where(compared, gained, 1.0))


@dataclass(frozen=True)
class ReplayLimit(StabilityLimit):
    """Replay."""

    name = "limit-of-replay"
    statement = (
        "replay, a = 1−κ, has z² − (a+1−δ+δg)z + a(1−δ); it is stable exactly if y² < (1−a²)"
        "((2−δ)/δ)((1−a(1−δ))/(1+a(1−δ)))²: never without an anchor. A buffer that is short "
        "(δ near 1) helps exactly if a < ½."
    )
    method = "replay"
    gain: float = 1.0
    share: float = 0.5
    """The a below which a short buffer helps."""

    def own(self, rng: np.random.Generator, trials: int) -> Instances:
        drawn = super().own(rng, trials)
        drawn["fresh"] = np.maximum(drawn["fresh"], 0.05)
        drawn["kappa"][:2] = (0.0, 1.0)
        drawn["fresh"][2:6] = 1.0 - 1e-4
        drawn["kappa"][2:6] = (0.48, 0.49, 0.51, 0.52)[: max(trials - 2, 0)]
        return drawn

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        a, fresh = 1.0 - x["kappa"], x["fresh"]
        return [-(a + 1.0 - fresh + fresh * g), a * (1.0 - fresh) + 0.0 * g]

    def limit(self, x: Instances) -> FloatArray:
        a, fresh = 1.0 - x["kappa"], x["fresh"]
        kept = a * (1.0 - fresh)
        square = (1.0 - a * a) * (2.0 - fresh) / fresh * ((1.0 - kept) / (1.0 + kept)) ** 2
        return self.gain * np.sqrt(square)

    def margin(self, x: Instances) -> FloatArray:
        a = 1.0 - x["kappa"]
        short = x["fresh"] == 1.0 - 1e-4
        gained = np.sign(self.share - a) * (self.limit(x) - self.gain * np.sqrt(1.0 - a * a))
        return np.minimum(super().margin(x), np.where(short, gained, 1.0))


@dataclass(frozen=True)
class NashMDLimit(StabilityLimit):
    """Nash-MD."""

    name = "limit-of-nash-md"
    statement = "nash_md, a = 1−κ, has the multiplier a(1+g); it is stable exactly if a²(1+y²) < 1."
    method = "nash_md"
    status = "proved"
    gain: float = 1.0

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        return [-(1.0 - x["kappa"]) * (1.0 + g)]

    def limit(self, x: Instances) -> FloatArray:
        a = 1.0 - x["kappa"]
        finite = self.gain * np.sqrt(1.0 - a * a) / np.maximum(a, 1e-300)
        return np.where(a == 0.0, np.inf, finite)


@dataclass(frozen=True)
class IPOMDLimit(StabilityLimit):
    """IPO-MD."""

    name = "limit-of-ipo-md"
    statement = "ipo_md has the multiplier (1−b)g; it is stable exactly if (1−b)y < 1."
    method = "ipo_md"
    status = "proved"
    gain: float = 1.0

    def polynomial(self, g: ComplexArray, x: Instances) -> list[ComplexArray]:
        return [-(1.0 - x["mixture"]) * g]

    def limit(self, x: Instances) -> FloatArray:
        share = 1.0 - x["mixture"]
        return np.where(share == 0.0, np.inf, self.gain / np.maximum(share, 1e-300))


@dataclass(frozen=True)
class SoftReferenceDPO(Scaled):
    """Multipliers and orbits of DPO on both sides of the limit."""

    name = "limit-of-soft-reference-dpo"
    statement = (
        "At λ = 1 the limits of soft_reference hold for DPO with y = βω_D. At an interior Nash "
        "equilibrium without an anchor the score is 0 and ω_D = 4ω: a quarter of IPO's β."
    )
    section = "10.2"
    status = "checked"
    costly = True
    tolerance: float = 1e-7
    step: float = 0.01
    rounds: int = 20_000

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw games and parameters; half of them have a pull, and then any equilibrium."""
        policy = draw.policies(rng, trials, 3, smallest=0.05)
        own = parameters("soft_reference", rng, trials)
        mixup = 0.05 + 0.5 * own["mixup"]
        pull = np.where(own["pull"] > 0.0, (1.0 - mixup) * rng.uniform(0.05, 0.5, trials), 0.0)
        game = draw.with_equilibrium(rng, policy)
        bent = draw.preferences(rng, trials, 3, smallest=0.1)
        return {
            "P": np.where((pull > 0.0)[:, None, None], 0.5 * (game + bent), game),
            "policy": policy,
            "mixup": mixup,
            "pull": pull,
            "alpha": 0.3 * own["alpha"],
            "nudge": 1e-9 * simplex.centre(rng.normal(size=(trials, 2, 3))),
        }

    def margin(self, x: Instances) -> FloatArray:
        own = {name: x[name] for name in ("mixup", "pull", "alpha")}
        policy = np.log(x["policy"])
        score = np.log(dpo_optimum(x["P"], x["policy"], beta=1.0))
        omega = self.gain * dpo_rotation(x["P"], policy, score)
        fact = METHODS["soft_reference"].facts.limit
        assert fact is not None
        limit = fact.value(**own)
        known = np.isfinite(limit) & (limit > 0.0)
        free = 1.0 - np.abs(omega / (4.0 * rotation(x["P"], policy)) - 1.0) / self.tolerance
        slack = [np.where(x["pull"] == 0.0, free, 1.0)]
        for side in (-1.0, 1.0):
            y = np.where(known, limit, 1.0) * (1.0 + side * self.step)
            wired = scheme("soft_reference", own)
            far = np.nan_to_num(wired.rest().gain) * y / omega * np.abs(score).max(axis=-1)
            near = known & (far < FARTHEST)
            at = _dpo_at_rest(x, wired, score, np.where(near, y / omega, 1e-3))
            flat = at.state.reshape(len(y), -1)
            moved = np.abs(at.loop.advance(flat).value - flat).max(axis=-1)
            apart = side * (radius(at.loop, flat) - 1.0)
            grown = side * growth(at, x["nudge"], self.rounds)
            slack.append(np.where(near, np.minimum(apart, grown), 1.0))
            slack.append(1.0 - moved / self.tolerance)
        return least(*slack)


def _dpo_at_rest(x: Instances, wired: Scheme, score: FloatArray, beta: FloatArray) -> AtRest:
    """Return DPO loops that rest at ``policy``, for a reference that makes them, and where."""
    rest = wired.rest()
    pull = beta[:, None] * simplex.centre(score)
    held = np.log(x["policy"]) - np.nan_to_num(rest.gain)[:, None] * pull
    loop = FeedbackMap(
        x["P"], objective="dpo", beta=beta, reference=simplex.softmax(held), scheme=wired
    )
    lift = np.nan_to_num(rest.lift)[..., None] * pull[:, None]
    return AtRest(loop, simplex.centre(held)[:, None] + lift)
