"""The round as a Taylor series: its exact derivatives up to the third, in any directions.

Derivatives are pushed through the linear rows of the scheme and, stage by stage, through the score
(Faà di Bruno). A stage adds βv(λπ(o) + (1−λ)π_off) to its reference; the softmax π(o) has the
derivatives π∘ũ, π∘(ũṽ − ⟨ũṽ⟩), ... with ũ = u − ⟨u⟩, averages under π (analysis B.1). All are
polynomials in the directions, and hold for complex ones as they are, without conjugation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from alignsim import simplex
from alignsim.feedback.batch import MapBatch
from alignsim.feedback.methods.wiring import Combination, Wiring
from alignsim.objectives import OBJECTIVES, Comparison, ScoreObjective
from alignsim.objectives.score_expansion import Directions, ScoreExpansion
from alignsim.validation import FloatArray

Key = tuple[int, ...]
"""Which of the directions a derivative is taken in, ascending."""

PARAMETER = -1
"""The direction of a parameter."""


class Expansion:
    """Derivatives of the round of a batch of maps at states (..., D·K); nothing is checked.

    Directions (..., D·K), centred slot by slot, are real or complex; so are results.

    Raises
    ------
    ValueError
        For an objective that names no ``expansion``.
    """

    def __init__(self, loop: MapBatch, state: FloatArray) -> None:
        expand, objective = self.require_known(loop)
        self._loop = loop
        self._policy = _Softmax(loop.policy_logits(state))
        self._wiring = loop.scheme.wired()
        self._stages: list[_Stage] = []
        slots = np.split(state, loop.scheme.size, axis=-1)
        self._vocabulary: list[Any] = [loop.reference_logits, *slots]
        for r, o in zip(self._wiring.references, self._wiring.opponents, strict=True):
            opponent = o.of(self._vocabulary)
            x = loop.problem(r.of(self._vocabulary), opponent)
            stage = _Stage(loop, expand(objective, x), x, opponent)
            self._stages.append(stage)
            self._vocabulary.append(x.reference_logits + stage.value)

    @staticmethod
    def require_known(loop: MapBatch) -> tuple[type[ScoreExpansion], ScoreObjective]:
        """Return the expansion of the maps' objective; raise if its rounds cannot be expanded."""
        objective = loop.objective
        if not loop.samples_alike:
            raise ValueError(
                f"sampler is {loop.sampler.name!r}, for which second and third derivatives of a "
                "round are not known; they are for sampler 'product'"
            )
        if objective.expansion is None or not isinstance(objective, ScoreObjective):
            known = [name for name, each in OBJECTIVES.items() if each.expansion is not None]
            raise ValueError(
                f"objective is {objective.name!r}, whose second and third derivatives are not "
                f"known; they are for {', '.join(map(repr, known))}: give its class an expansion"
            )
        return objective.expansion, objective

    def first(self, u: Directions) -> Directions:
        """Return DT[u]."""
        return self._pushed([u], (0,))

    def second(self, u: Directions, v: Directions) -> Directions:
        """Return D²T[u, v]."""
        return self._pushed([u, v], (0, 1))

    def third(self, u: Directions, v: Directions, w: Directions) -> Directions:
        """Return D³T[u, v, w]."""
        return self._pushed([u, v, w], (0, 1, 2))

    def policy_first(self, u: Directions) -> Directions:
        """Return Dπ[u] = (diag π − ππᵀ)u of the policy, (..., K)."""
        return self._policy.first(self._loop.policy_logits(u))

    def by_parameter(self, along: str) -> Directions:
        """Return the derivative of T by β ("beta"), λ ("lam") or a parameter of the method."""
        return self._pushed([], (PARAMETER,), along)

    def first_by_parameter(self, along: str, u: Directions) -> Directions:
        """Return the derivative of DT[u] by that parameter, at a fixed state."""
        return self._pushed([u], (PARAMETER, 0), along)

    def _pushed(self, directions: Sequence[Directions], wanted: Key, along: str = "") -> Directions:
        """Return the derivative of the round in all directions of ``wanted``."""
        D = self._loop.scheme.size
        moving = self._moving(along)
        keys = [key for size in range(1, len(wanted) + 1) for key in combinations(wanted, size)]
        known: dict[Key, list[Any]] = {(): self._vocabulary}
        for key in keys:
            slots: list[Any] = [None] * D
            if len(key) == 1 and key[0] != PARAMETER:
                slots = np.split(directions[key[0]], D, axis=-1)
            known[key] = [None, *slots]
        for place, stage in enumerate(self._stages):
            o = {key: self._row(known, key, moving, "opponents", place) for key in keys}
            for key in keys:
                r = self._row(known, key, moving, "references", place)
                bent = stage.derivative(key, o, along)
                known[key].append(bent if r is None else r if bent is None else r + bent)
        rows = [self._row(known, wanted, moving, "updates", place) for place in range(D)]
        blank = np.zeros(self._vocabulary[1].shape)
        rows = [blank if row is None else row + blank for row in rows]
        return rows[0] if D == 1 else np.concatenate(rows, axis=-1)

    def _moving(self, along: str) -> Wiring | None:
        """Return the derivative of the coefficients by a parameter, None if they have none."""
        return (
            self._loop.scheme.derivative(along) if along in self._loop.scheme.parameters else None
        )

    def _row(
        self, known: dict[Key, list[Any]], key: Key, moving: Wiring | None, of: str, place: int
    ) -> Any:
        """Return the derivative of a row of the scheme: its coefficients may move, too."""
        row: Combination = getattr(self._wiring, of)[place]
        total = row.of(known[key])
        if moving is not None and PARAMETER in key:
            rest = tuple(each for each in key if each != PARAMETER)
            extra = getattr(moving, of)[place].of(known[rest])
            total = extra if total is None else total if extra is None else total + extra
        return total


class _Softmax:
    """A policy and its derivatives by its logits."""

    def __init__(self, logits: FloatArray) -> None:
        self.value = simplex.softmax(logits)

    def first(self, u: Directions) -> Directions:
        return self.value * self._deviation(u)

    def second(self, u: Directions, v: Directions) -> Directions:
        return self.first(self._deviation(u) * self._deviation(v))

    def third(self, u: Directions, v: Directions, w: Directions) -> Directions:
        a, b, c = (self._deviation(direction) for direction in (u, v, w))
        means = a * self._mean(b * c) + b * self._mean(a * c) + c * self._mean(a * b)
        return self.first(a * b * c - means)

    def _deviation(self, u: Directions) -> Directions:
        return u - self._mean(u)

    def _mean(self, u: Directions) -> Directions:
        return (self.value * u).sum(axis=-1, keepdims=True)


class _Stage:
    """What a stage adds to its reference, βv(λπ(o) + (1−λ)π_off), and its derivatives."""

    def __init__(
        self, loop: MapBatch, score: ScoreExpansion, x: Comparison, opponent: FloatArray
    ) -> None:
        self._score = score
        self._policy = _Softmax(opponent)
        self._beta = x.beta[..., None]
        self._lam = loop.lam[..., None]
        self._offline = loop.offline_policy
        self.value = self._signal(score.score)

    def derivative(self, key: Key, o: dict[Key, Any], along: str) -> Any:
        """Return the derivative in the directions of ``key``, given those of the opponent.

        None stands for 0.
        """
        total = None if o[key] is None else self._first(o[key])
        for left in ((key[:1], key[1:]), (key[1:2], key[:1] + key[2:]), (key[2:], key[:2])):
            if len(key) < 2 or (len(key) == 2 and left[0] != key[:1]):
                continue
            if o[left[0]] is not None and o[left[1]] is not None:
                total = _plus(total, self._second(o[left[0]], o[left[1]]))
        if len(key) == 3 and all(o[(each,)] is not None for each in key):
            total = _plus(total, self._third(*(o[(each,)] for each in key)))
        if key == (PARAMETER,):
            total = _plus(total, self._by_parameter(along))
        if len(key) == 2 and key[0] == PARAMETER and o[key[1:]] is not None:
            total = _plus(total, self._first_by_parameter(along, o[key[1:]]))
        return total

    def _first(self, u: Directions) -> Directions:
        return self._signal(self._score.first(self._lam * self._policy.first(u)))

    def _second(self, u: Directions, v: Directions) -> Directions:
        at_u, at_v = (self._lam * self._policy.first(direction) for direction in (u, v))
        bent = self._score.first(self._lam * self._policy.second(u, v))
        return self._signal(bent + self._score.second(at_u, at_v))

    def _third(self, u: Directions, v: Directions, w: Directions) -> Directions:
        lam, score = self._lam, self._score
        at_u, at_v, at_w = (lam * self._policy.first(direction) for direction in (u, v, w))
        at_vw, at_uw, at_uv = (
            lam * self._policy.second(*pair) for pair in ((v, w), (u, w), (u, v))
        )
        twisted = score.first(lam * self._policy.third(u, v, w))
        mixed = score.second(at_u, at_vw) + score.second(at_v, at_uw) + score.second(at_w, at_uv)
        return self._signal(twisted + mixed + score.third(at_u, at_v, at_w))

    def _by_parameter(self, along: str) -> Directions | None:
        if along == "beta":
            return _centred(self._score.score)
        return self._signal(self._score.first(self._towards_itself())) if along == "lam" else None

    def _first_by_parameter(self, along: str, u: Directions) -> Directions | None:
        at_u = self._policy.first(u)
        if along == "beta":
            return _centred(self._score.first(self._lam * at_u))
        if along != "lam":
            return None
        mixed = self._score.second(self._towards_itself(), self._lam * at_u)
        return self._signal(self._score.first(at_u) + mixed)

    def _towards_itself(self) -> FloatArray:
        """Return π − π_off, the derivative of the sampler by λ."""
        return self._policy.value - self._offline

    def _signal(self, score: Directions) -> Directions:
        return _centred(self._beta * score)


def _plus(total: Any, more: Any) -> Any:
    return more if total is None else total if more is None else total + more


def _centred(vectors: Directions) -> Directions:
    return vectors - vectors.mean(axis=-1, keepdims=True)
