"""Preference matching: the policy that answers as often as people choose (Xiao et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from alignsim.objectives.comparison import Comparison, Push, Solution, Tangent
from alignsim.objectives.contract import BoolArray, Trainable
from alignsim.objectives.facts import Fact, Facts, always
from alignsim.objectives.rlhf import RLHF
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class PreferenceMatching(Trainable):
    """π ∝ e^{βr} whatever the reference, the maximum of E_π r + H(π)/β; β = 1 matches preferences.

    With the regulariser −log π of the policy instead of a KL divergence the policy at β = 1 has
    the odds of the Bradley–Terry model, π_i/π_j = P_ij/P_ji: minorities keep their share, where
    RLHF multiplies the odds of the reference by e^{βr}.

    Parameters
    ----------
    rewards : (..., K)
        r; by default the rewards of P, which must be a Bradley–Terry matrix.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.8], [0.2, 0.5]]
    >>> given = {"reference": [0.9, 0.1], "beta": 1.0}
    >>> asim.optimum("preference_matching", P, [0.5, 0.5], **given).round(4).tolist()
    [0.8, 0.2]
    >>> asim.optimum("rlhf", P, [0.5, 0.5], **given).round(4).tolist()
    [0.973, 0.027]
    """

    name: ClassVar[str] = "preference_matching"
    source: ClassVar[str] = "Xiao et al. (2024), arXiv 2405.16455"
    form: ClassVar[str] = "a"
    vectors: ClassVar[tuple[str, ...]] = ("rewards",)
    compares: ClassVar[bool] = False
    facts = Facts(unique_from=Fact(always, "theory 11.4: a round is constant"))

    rewards: FloatArray | None = None

    def optimum(self, x: Comparison) -> Solution:
        """Return βr."""
        return self._rlhf.optimum(_without_reference(x))

    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Return βr, with derivatives 0."""
        solution, tangent = self._rlhf.linearise(_without_reference(x))
        return solution, tangent._replace(reference=np.zeros_like(tangent.reference))

    def exists(self, x: Comparison) -> BoolArray:
        """Return where rewards are given, or P is a Bradley–Terry matrix."""
        return self._rlhf.exists(x)

    def check(self, x: Comparison) -> None:
        """Raise where P is no Bradley–Terry matrix and no rewards are given."""
        self._rlhf.check(x)

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return the gradient of E_π r + H(π)/β."""
        return self._rlhf.force(logits, _without_reference(x))

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return the derivatives of the force; that by the reference is 0."""
        push = self._rlhf.force_derivatives(logits, _without_reference(x))
        return push._replace(reference=np.zeros_like(push.reference))

    @property
    def _rlhf(self) -> RLHF:
        return RLHF(rewards=self.rewards)

    def __str__(self) -> str:
        """Return the name as it is written in text."""
        return "preference matching"


def _without_reference(x: Comparison) -> Comparison:
    return replace(x, reference_logits=np.zeros_like(x.reference_logits))
