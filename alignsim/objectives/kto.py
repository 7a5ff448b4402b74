"""KTO: each response is judged alone, as desirable or undesirable, against a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alignsim.objectives.comparison import Comparison, Push
from alignsim.objectives.contract import Field
from alignsim.objectives.pair_fields import rows, rows_by_pairs
from alignsim.parameters import Parameter
from alignsim.preferences.logistic import sigmoid
from alignsim.simplex import covariance, kl_divergence, log_softmax
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class KTO(Field):
    """The descent direction of 1 − σ(±(h_i − z)/β) of winners and losers, h = log(π/ref).

    The baseline z is KL(π ‖ ref) of the present policy, through which the method does not
    differentiate: so the field is smooth, but no gradient. It depends on the preferences only
    through n_i = λ_D q_i − λ_U q⁻_i, where q and q⁻ say how often a response wins and loses. For
    small β there may be several places where training ends.

    Parameters
    ----------
    desirable, undesirable
        λ_D and λ_U, (...), at least 0. The weights of the pairs are 2μ_iμ_j, or add up to 1.

    Notes
    -----
    F = c − (Σc)π with c_i = (n_i/β)σ'((h_i − z)/β). β is one over that of Ethayarajh et al.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.bradley_terry([1.0, 0.0, -1.0])
    >>> path = asim.train("kto", P, [1/3, 1/3, 1/3], rate=1.0, undesirable=[1.0, 2.0])
    >>> path.final.round(3).tolist()
    [[0.994, 0.005, 0.001], [0.998, 0.001, 0.0]]
    """

    name: ClassVar[str] = "kto"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("desirable", "weight of winners", 1.0, high=np.inf),
        Parameter("undesirable", "weight of losers", 1.0, high=np.inf),
    )
    source: ClassVar[str] = "Ethayarajh et al. (2024), arXiv 2402.01306"

    desirable: FloatArray | float = 1.0
    undesirable: FloatArray | float = 1.0

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return F (..., K)."""
        policy, win, _ = self._baseline(logits, x)
        pull = rows(self._shares(x), x.pairs) * win * (1.0 - win) / x.beta[..., None]
        return np.asarray(pull - policy * pull.sum(axis=-1, keepdims=True))

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ, ∂F/∂ref and ∂F/∂pairs, with z moving along."""
        policy, win, lead = self._baseline(logits, x)
        beta = x.beta[..., None]
        shares = self._shares(x)
        slope = win * (1.0 - win) / beta
        net = rows(shares, x.pairs)
        bend = net * slope * (1.0 - 2.0 * win) / beta
        own = np.eye(logits.shape[-1])
        outward = own - policy[..., None]
        by_lead = outward * bend[..., None, :]
        by_reference = by_lead @ (policy[..., None, :] - own)
        by_logits = by_lead @ (own - (policy * (1.0 + lead))[..., None, :])
        by_logits = by_logits - (net * slope).sum(axis=-1)[..., None, None] * covariance(policy)
        by_pairs = rows_by_pairs(shares, x.pairs, outward * slope[..., None, :])
        return Push(by_logits, by_reference, by_pairs)

    def _shares(self, x: Comparison) -> FloatArray:
        """Return λ_D P_ij − λ_U P_ji."""
        wanted, unwanted = (
            np.asarray(weight)[..., None, None] for weight in (self.desirable, self.undesirable)
        )
        return np.asarray(wanted * x.P - unwanted * np.swapaxes(x.P, -1, -2))

    @staticmethod
    def _baseline(logits: FloatArray, x: Comparison) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return π, σ((h − z)/β) and h − z."""
        log_policy = log_softmax(logits)
        lead = log_policy - log_softmax(x.reference_logits)
        lead = lead - kl_divergence(logits, x.reference_logits)[..., None]
        return np.exp(log_policy), sigmoid(lead / x.beta[..., None]), lead
