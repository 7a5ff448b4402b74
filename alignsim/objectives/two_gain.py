"""DPO whose winners and losers have different gains: a neutral field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.objectives.comparison import Comparison, Push
from alignsim.objectives.contract import Field, laplacian
from alignsim.objectives.pair_fields import rows, rows_by_pairs
from alignsim.parameters import Parameter
from alignsim.preferences.logistic import sigmoid
from alignsim.simplex import centre
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class TwoGain(Field):
    """F_i = (1/β) Σ_j w_ij [a P_ij σ(−x_ij) − b P_ji σ(x_ij)].

    Here x_ij = ((θ − ref)_i − (θ − ref)_j)/β, and F is centred, which the policy does not notice.
    With a = b = 1 it is the descent direction of DPO; with a ≠ b it is in general no gradient, and
    need not come to rest. Methods that steer the gradients of chosen and of rejected responses
    apart are of this kind. SGDPO (arXiv 2505.12435) is one of those, but its formula is not known
    here, and this is not it. For two responses the gains change the speed only.

    Parameters
    ----------
    winner_gain, loser_gain
        a and b, (...), at least 0. The weights w of the pairs are 2μ_iμ_j, or add up to 1.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
    >>> given = {"sampling": [0.4, 0.3, 0.3], "rate": 1.0, "keep": "last"}
    >>> asim.train("two_gain", P, **given, loser_gain=[1.0, 0.5]).final.round(4).tolist()
    [[0.3778, 0.3485, 0.2737], [0.3942, 0.3366, 0.2691]]
    """

    name: ClassVar[str] = "two_gain"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("winner_gain", "a, gain of the pull on winners", 1.0, high=np.inf),
        Parameter("loser_gain", "b, gain of the push on losers", 1.0, high=np.inf),
    )
    source: ClassVar[str] = "derived here"

    winner_gain: FloatArray | float = 1.0
    loser_gain: FloatArray | float = 1.0

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return F (..., K), centred."""
        return centre(rows(self._shares(logits, x)[0], x.pairs))

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ, ∂F/∂ref and ∂F/∂pairs."""
        shares, slopes = self._shares(logits, x)
        inward = np.eye(x.P.shape[-1]) - 1.0 / x.P.shape[-1]
        by_logits = inward @ laplacian(x.pairs.weights * slopes)
        return Push(by_logits, -by_logits, rows_by_pairs(shares, x.pairs, inward))

    def _shares(self, logits: FloatArray, x: Comparison) -> tuple[FloatArray, FloatArray]:
        """Return c_ij and its derivative by θ_i − θ_j."""
        a, b = (np.asarray(g)[..., None, None] for g in (self.winner_gain, self.loser_gain))
        beta = x.beta[..., None, None]
        u = (logits - x.reference_logits) / x.beta[..., None]
        win = sigmoid(u[..., :, None] - u[..., None, :])
        lose = np.swapaxes(win, -1, -2)
        losses = np.swapaxes(x.P, -1, -2)
        slopes = -(a * x.P + b * losses) * win * lose / beta**2
        return (a * x.P * lose - b * losses * win) / beta, slopes
