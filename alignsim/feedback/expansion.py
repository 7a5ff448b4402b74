"""The round as a Taylor series: its exact derivatives up to the third, in any directions.

T(z) = αz + (1−α)z_ref + βv(λπ(z) + (1−λ)π_off), centred. The softmax has the derivatives π∘ũ,
π∘(ũṽ − ⟨ũṽ⟩), ... with ũ = u − ⟨u⟩, averages under π (analysis B.1). All are polynomials in the
directions, and hold for complex ones as they are, without conjugation.
"""

from __future__ import annotations

from alignsim import simplex
from alignsim.feedback.batch import MapBatch
from alignsim.objectives import OBJECTIVES, ScoreObjective
from alignsim.objectives.score_expansion import Directions, ScoreExpansion
from alignsim.validation import FloatArray


class Expansion:
    """Derivatives of the round of a batch of maps at logits (..., K); nothing is checked.

    Directions (..., K) are real or complex; results are centred (..., K).

    Raises
    ------
    ValueError
        For an objective that names no ``expansion``.
    """

    def __init__(self, loop: MapBatch, logits: FloatArray) -> None:
        expand, objective = self.require_known(loop)
        self._loop = loop
        self._logits = logits
        self._policy = simplex.softmax(logits)
        self._lam = loop.lam[..., None]
        self._score = expand(objective, loop.comparison(logits))

    @staticmethod
    def require_known(loop: MapBatch) -> tuple[type[ScoreExpansion], ScoreObjective]:
        """Return the expansion of the maps' objective; raise if its rounds cannot be expanded."""
        objective = loop.objective
        if objective.expansion is None or not isinstance(objective, ScoreObjective):
            known = [name for name, each in OBJECTIVES.items() if each.expansion is not None]
            raise ValueError(
                f"objective is {objective.name!r}, whose second and third derivatives are not "
                f"known; they are for {', '.join(map(repr, known))}: give its class an expansion"
            )
        return objective.expansion, objective

    def first(self, u: Directions) -> Directions:
        """Return DT[u]."""
        moved = self._score.first(self._lam * self.policy_first(u))
        return self._loop.alpha[..., None] * u + self._signal(moved)

    def second(self, u: Directions, v: Directions) -> Directions:
        """Return D²T[u, v]."""
        at_u, at_v = (self._lam * self.policy_first(direction) for direction in (u, v))
        bent = self._score.first(self._lam * self._policy_second(u, v))
        return self._signal(bent + self._score.second(at_u, at_v))

    def third(self, u: Directions, v: Directions, w: Directions) -> Directions:
        """Return D³T[u, v, w]."""
        lam, score = self._lam, self._score
        at_u, at_v, at_w = (lam * self.policy_first(direction) for direction in (u, v, w))
        at_vw, at_uw, at_uv = (
            lam * self._policy_second(*pair) for pair in ((v, w), (u, w), (u, v))
        )
        twisted = score.first(lam * self._policy_third(u, v, w))
        mixed = score.second(at_u, at_vw) + score.second(at_v, at_uw) + score.second(at_w, at_uv)
        return self._signal(twisted + mixed + score.third(at_u, at_v, at_w))

    def policy_first(self, u: Directions) -> Directions:
        """Return Dπ[u] = (diag π − ππᵀ)u."""
        return self._policy * self._deviation(u)

    def by_parameter(self, along: str) -> Directions:
        """Return the derivative of T by "beta", "alpha" or "lam"."""
        if along == "alpha":
            return simplex.centre(self._logits - self._loop.reference_logits)
        if along == "beta":
            return _centred(self._score.score)
        return self._signal(self._score.first(self._towards_itself()))

    def first_by_parameter(self, along: str, u: Directions) -> Directions:
        """Return the derivative of DT[u] by that parameter, at fixed logits."""
        if along == "alpha":
            return u
        at_u = self.policy_first(u)
        if along == "beta":
            return _centred(self._score.first(self._lam * at_u))
        mixed = self._score.second(self._towards_itself(), self._lam * at_u)
        return self._signal(self._score.first(at_u) + mixed)

    def _towards_itself(self) -> FloatArray:
        """Return π − π_off, the derivative of the sampler by λ."""
        return self._policy - self._loop.offline_policy

    def _signal(self, score: Directions) -> Directions:
        return _centred(self._loop.beta[..., None] * score)

    def _policy_second(self, u: Directions, v: Directions) -> Directions:
        return self.policy_first(self._deviation(u) * self._deviation(v))

    def _policy_third(self, u: Directions, v: Directions, w: Directions) -> Directions:
        a, b, c = (self._deviation(direction) for direction in (u, v, w))
        means = a * self._mean(b * c) + b * self._mean(a * c) + c * self._mean(a * b)
        return self.policy_first(a * b * c - means)

    def _deviation(self, u: Directions) -> Directions:
        return u - self._mean(u)

    def _mean(self, u: Directions) -> Directions:
        return (self._policy * u).sum(axis=-1, keepdims=True)


def _centred(vectors: Directions) -> Directions:
    return vectors - vectors.mean(axis=-1, keepdims=True)
