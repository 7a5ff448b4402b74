"""How methods begin to oscillate: the first Lyapunov coefficient at their limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim import analysis, simplex
from alignsim.claims import instances as draw
from alignsim.claims.contract import Claim, Instances, agreement, least
from alignsim.claims.scheme_cycles import three_responses
from alignsim.claims.scheme_rests import resting, scheme
from alignsim.claims.spectra import rotation
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.validation import FloatArray


def coefficient(name: str, own: Instances, policy: FloatArray) -> FloatArray:
    """Return Re d at the limit of a method, at equilibria (n, 3) of games: (n,)."""
    wired = scheme(name, own)
    fact = METHODS[name].facts.limit
    assert fact is not None
    P = three_responses(policy)
    beta = fact.value(**wired.parameters) / rotation(P, np.log(policy))
    x = {"P": P, "policy": policy, "offline": policy, "lam": np.ones(len(policy))}
    loop = resting(x, wired, beta).loop
    found = analysis.first_lyapunov_coefficient(loop, simplex.centred_logits(policy))
    return np.asarray(found.coefficient.real, dtype=np.float64)


@dataclass(frozen=True)
class SymmetricOnset(Claim):
    """At rock-paper-scissors."""

    statement = (
        "On the symmetric three-cycle the onset of every method is gentle. First Lyapunov "
        "coefficients, ‖q‖² = K on the policy: extragradient without an anchor −7/4 (at a 1:4 "
        "resonance), soft_reference −.959 at m = .3, −33/28 at .5 and −.270 at .6, optimistic with "
        "c = 1 −1.075 at κ = .1."
    )
    section = "10.5"
    status = "checked"
    digits: float = 5e-4
    values: tuple[float, ...] = (-1.75, -0.9586, -33.0 / 28.0, -0.2698, -1.0746)

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        """Draw mixups; the coefficients that the statement names are checked in each trial."""
        return {"mixup": rng.uniform(0.05, 0.66, trials), "kappa": rng.uniform(0.05, 0.95, trials)}

    def margin(self, x: Instances) -> FloatArray:
        n = len(x["mixup"])
        policy = np.full((n, 3), 1.0 / 3.0)
        named = (
            ("extragradient", {"kappa": 0.0}),
            *(("soft_reference", {"mixup": m}) for m in (0.3, 0.5, 0.6)),
            ("optimistic", {"optimism": 1.0, "kappa": 0.1}),
        )
        found = [
            coefficient(name, {each: np.full(n, value) for each, value in own.items()}, policy)
            for name, own in named
        ]
        slack = [
            agreement(each, value, self.digits)
            for each, value in zip(found, self.values, strict=True)
        ]
        for name, own in (("soft_reference", {"mixup": x["mixup"]}),
                          ("extragradient", {"kappa": x["kappa"]}),
                          ("optimistic", {"kappa": x["kappa"]})):  # fmt: skip
            slack.append(-coefficient(name, own, policy))
        return least(*slack)


@dataclass(frozen=True)
class OnsetOfMixups(Claim):
    """At random equilibria."""

    statement = (
        "With three responses and without an anchor the onset of soft_reference is gentle at every "
        "equilibrium for m ≤ .56, as are those of optimistic (c = 1) and of resets after three "
        "rounds; at m = .6, TRL's default, it is hard at about two equilibria in three, (.165, "
        ".187, .648) among them."
    )
    section = "10.5"
    status = "seen"
    gentle: float = 0.56
    default: float = 0.6

    def instances(self, rng: np.random.Generator, trials: int) -> Instances:
        policy = draw.policies(rng, trials, 3, smallest=0.01)
        policy[0] = (0.165, 0.187, 0.648)
        share = rng.uniform(0.05, 1.0, trials)
        share[0] = 1.0
        return {"policy": policy, "share": share}

    def margin(self, x: Instances) -> FloatArray:
        n = len(x["share"])
        known = np.tile([0.165, 0.187, 0.648], (n, 1))
        return least(
            -coefficient("soft_reference", {"mixup": self.gentle * x["share"]}, x["policy"]),
            -coefficient("optimistic", {"optimism": np.ones(n)}, x["policy"]),
            -coefficient("hard_reference", {"every": np.full(n, 3.0)}, x["policy"]),
            coefficient("soft_reference", {"mixup": np.full(n, self.default)}, known),
        )
