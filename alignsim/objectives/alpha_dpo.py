"""α-DPO: a margin for each pair that grows with how far the policy has moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.objectives.comparison import Comparison, Push
from alignsim.objectives.contract import Field, laplacian
from alignsim.objectives.pair_fields import by_single_pairs, rows, rows_by_pairs
from alignsim.parameters import Parameter
from alignsim.preferences.logistic import sigmoid
from alignsim.simplex import centred_logits, softmax
from alignsim.validation import FloatArray

TILT = Parameter("tilt", "α, share of the move in the margin", 0.1, high=np.inf)


@dataclass(frozen=True)
class AlphaDPO(Field):
    """F_i = (1/β) Σ_j w_ij [P_ij σ(−x_ij) − P_ji σ(−x_ji)], x_ij = (θ_i − θ_j − αz_ij − γ)/β.

    z_ij = (d_ij − mean)/deviation is the z-score of d_ij = (θ − ref)_i − (θ − ref)_j among the
    pairs, each as often as i wins it. The method does not differentiate through the margins αz + γ:
    the field is no gradient. Where all d_ij are equal, as at the reference, z is 0; near by it is
    not small, so that there the field jumps, and its derivatives are NaN. Wu et al. average mean
    and deviation over batches; here they are those of the present policy.

    Without the z-score, z = d, the method is DPO with other β and reference:
    :func:`alignsim.objectives.alpha_dpo_as_dpo`.

    Parameters
    ----------
    tilt, offset
        α and γ, (...), at least 0. The weights of the pairs are 2μ_iμ_j, or add up to 1.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.bradley_terry([1.0, 0.0, -1.0])
    >>> path = asim.train("alpha_dpo", P, [1/3, 1/3, 1/3], rate=1.0, tilt=[0.0, 0.5])
    >>> path.final.round(3).tolist()
    [[0.665, 0.245, 0.09], [0.743, 0.202, 0.055]]
    """

    name: ClassVar[str] = "alpha_dpo"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        TILT,
        Parameter("offset", "γ, the margin at rest", 0.0, high=np.inf),
    )
    source: ClassVar[str] = "Wu et al. (2024), arXiv 2410.10148"

    tilt: FloatArray | float = 0.1
    offset: FloatArray | float = 0.0

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return F (..., K)."""
        short = self._short(logits, x, _scores(logits, x))
        return rows(_shares(short, x), x.pairs)

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ, ∂F/∂ref and ∂F/∂pairs, with the margins moving along."""
        z = _scores(logits, x)
        short = self._short(logits, x, z)
        shares = _shares(short, x)
        beta = x.beta[..., None, None]
        gain = self._gain(z)[..., None, None]
        bend = x.P * short * (1.0 - short) / beta**2
        D = x.pairs.weights * bend
        direct = laplacian(D + np.swapaxes(D, -1, -2))
        level, size = _balance(D), _balance(D * z.value)  # what F gains from mean and deviation
        by_mean, by_deviation = _balance(z.share), _balance(z.share * z.value)
        moved = level[..., :, None] * by_mean[..., None, :]
        moved = moved + size[..., :, None] * by_deviation[..., None, :]
        by_logits = -((1.0 - gain) * direct + gain * moved)
        by_reference = -gain * (direct - moved)
        won, lost = z.value, np.swapaxes(z.value, -1, -2)
        mean = (x.P * won + np.swapaxes(x.P, -1, -2) * lost) / z.total[..., None, None]
        squares = x.P * won**2 + np.swapaxes(x.P, -1, -2) * lost**2
        spread = (squares - 1.0) / z.total[..., None, None]
        tilt = np.asarray(self.tilt)[..., None, None, None]
        changes = level[..., :, None, None] * mean[..., None, :, :]
        changes = changes + 0.5 * size[..., :, None, None] * spread[..., None, :, :]
        by_pairs = rows_by_pairs(shares, x.pairs) - by_single_pairs(tilt * changes, x.pairs)
        return Push(by_logits, by_reference, by_pairs)

    def _gain(self, z: _Scores) -> FloatArray:
        """Return α/deviation, NaN where no deviation is there to divide by."""
        tilt = np.asarray(self.tilt)
        there = z.deviation > 0.0
        gain = tilt / np.where(there, z.deviation, 1.0)
        return np.where(there | (tilt == 0.0), gain, np.nan)

    def _short(self, logits: FloatArray, x: Comparison, z: _Scores) -> FloatArray:
        """Return σ(−x_ij)."""
        tilt, offset = (np.asarray(each)[..., None, None] for each in (self.tilt, self.offset))
        gaps = logits[..., :, None] - logits[..., None, :]
        return sigmoid((tilt * z.value + offset - gaps) / x.beta[..., None, None])


class _Scores(NamedTuple):
    """z (..., K, K), the deviation (...), the share of each won pair, and the weight of all."""

    value: FloatArray
    deviation: FloatArray
    share: FloatArray
    total: FloatArray


def _scores(logits: FloatArray, x: Comparison) -> _Scores:
    moved = logits - x.reference_logits
    d = moved[..., :, None] - moved[..., None, :]
    won = x.pairs.weights * x.P
    total = won.sum(axis=(-2, -1))
    total = np.where(total > 0.0, total, 1.0)
    share = won / total[..., None, None]
    mean = (share * d).sum(axis=(-2, -1))[..., None, None]
    deviation = np.sqrt((share * (d - mean) ** 2).sum(axis=(-2, -1)))
    apart = deviation[..., None, None]
    there = apart > 0.0
    value = np.where(there, (d - mean) / np.where(there, apart, 1.0), 0.0)
    return _Scores(value, deviation, share, total)


def _shares(short: FloatArray, x: Comparison) -> FloatArray:
    own = x.P * short
    return np.asarray((own - np.swapaxes(own, -1, -2)) / x.beta[..., None, None])


def _balance(flow: FloatArray) -> FloatArray:
    """Return Σ_j (f_ij − f_ji)."""
    return np.asarray(flow.sum(axis=-1) - flow.sum(axis=-2))


def alpha_dpo_as_dpo(
    *, beta: ArrayLike = 1.0, tilt: ArrayLike = 0.1, reference: ArrayLike | None = None
) -> dict[str, FloatArray | None]:
    """Return the β and the reference with which DPO is α-DPO without its z-score.

    Parameters
    ----------
    beta, tilt
        Of α-DPO with the margin α(d_ij), (...); the tilt below 1.
    reference
        Its reference policy (..., K), uniform by default.

    Raises
    ------
    ValueError
        For bad arguments.

    Notes
    -----
    β/(1 − α) and softmax(−α/(1 − α) log ref), for any P and pairs: the optimum tilts away from the
    reference, and runs off as α nears 1. A margin γ besides makes it SimPO's field.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.bradley_terry([1.0, 0.0])
    >>> as_dpo = asim.objectives.alpha_dpo_as_dpo(beta=1.0, tilt=0.5, reference=[0.2, 0.8])
    >>> asim.optimum("dpo", P, [0.5, 0.5], **as_dpo).round(4).tolist()
    [0.9673, 0.0327]
    """
    strength, alpha = validation.parameter(beta, "beta"), TILT.checked(tilt)
    validation.refuse_where(alpha >= 1.0, "tilt", alpha, "it must be below 1 without a z-score")
    shapes = {"beta": strength.shape, "tilt": alpha.shape}
    tilted = None
    if reference is not None:
        logits = centred_logits(validation.policy(reference, "reference", full_support=True))
        validation.batch_shape({**shapes, "reference": logits.shape[:-1]})
        tilted = softmax(-(alpha / (1.0 - alpha))[..., None] * logits)
    validation.batch_shape(shapes)
    with np.errstate(over="ignore"):
        raised = np.asarray(strength / (1.0 - alpha))
    remedy = "over 1 − tilt it must stay within float64"
    validation.refuse_where(
        ~np.isfinite(raised), "beta", np.broadcast_to(strength, raised.shape), remedy
    )
    return {"beta": raised, "reference": tilted}
