"""EXO: the reverse Kullback-Leibler divergence of each pair from its labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from alignsim.errors import NoOptimumError
from alignsim.objectives.comparison import Comparison, ProductPairs, Push, Solution
from alignsim.objectives.contract import BoolArray, ScoreObjective, Trainable, by_pairs, laplacian
from alignsim.objectives.existence import connects
from alignsim.objectives.residual import Balance, solved
from alignsim.parameters import Parameter
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray, first_true, instance


class ReverseDivergence:
    """The loss KL(σ(gap)‖σ(t)) of pairs whose targets t (..., K, K) stand in place of P."""

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return σ'(gap)(t − gap)."""
        win = sigmoid(gaps)
        return np.asarray(win * np.swapaxes(win, -1, -2) * (P - gaps))

    def bend(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return σ' + σ''·(gap − t), which may be negative."""
        win = sigmoid(gaps)
        lose = np.swapaxes(win, -1, -2)
        return np.asarray(win * lose * (1.0 + (lose - win) * (gaps - P)))

    def cost(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return KL(σ(gap)‖σ(t))."""
        spent = sigmoid(gaps) * (gaps - P)
        return np.asarray(spent - np.logaddexp(0.0, gaps) + np.logaddexp(0.0, P))


TERMS = ReverseDivergence()


@dataclass(frozen=True)
class EXO(ScoreObjective, Trainable):
    """L = Σ_{i<j} W_ij KL(σ(u_i − u_j)‖σ(t_ij)), u = (θ − ref)/β, with targets t_ij.

    Soft labels have t_ij = logit P_ij. Hard ones, smoothed by ε, have
    t_ij = (2P_ij − 1)·logit(1 − ε), linear in P as for IPO. A single pair, a tree of pairs and
    Bradley-Terry preferences with soft labels are fitted exactly. In general the loss is not convex
    and may have several local minima: the optimum is the one that a descent from the reference
    leads to, and :func:`alignsim.objectives.minima` lists what is found from many starts.

    Parameters
    ----------
    label_smoothing
        ε of hard labels, at most ½; 0 for soft labels, which need P strictly between 0 and 1.

    Notes
    -----
    TRL's ``exo_pair``. It stands here for DMPO, whose own pair loss is not known to us.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.8], [0.2, 0.5]]
    >>> shares = asim.optimum("exo", P, [0.5, 0.5], beta=1.0, label_smoothing=[0.0, 0.1])
    >>> shares.round(4).tolist()
    [[0.8, 0.2], [0.7889, 0.2111]]
    """

    name: ClassVar[str] = "exo"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("label_smoothing", "ε, smoothing of hard labels; 0 for soft ones", 0.0, high=0.5),
    )
    source: ClassVar[str] = "Ji et al. (2024), arXiv 2402.00856"

    convex: ClassVar[bool] = False

    label_smoothing: FloatArray | float = 0.0

    def targets(self, P: FloatArray) -> FloatArray:
        """Return t, (..., K, K): the gap that each pair alone would have."""
        share = np.asarray(self.label_smoothing)[..., None, None]
        with np.errstate(divide="ignore"):
            soft = np.log(P) - np.log(np.swapaxes(P, -1, -2))
            size = np.log1p(-share) - np.log(share)
        with np.errstate(invalid="ignore"):
            hard = (P - np.swapaxes(P, -1, -2)) * size
        return np.asarray(np.where(share > 0.0, hard, soft))

    def score(self, x: Comparison) -> Solution:
        """Return the score (..., K) of a local minimum, and a status."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        flat, own = x.spread(shape), self.spread(shape)
        u, status = solved(own.balance(flat), own.exists(flat), convex=False)
        return Solution(u.reshape(*shape, -1), status.reshape(shape))

    def score_derivative(self, x: Comparison, score: FloatArray) -> FloatArray:
        """Return the derivative of that local minimum by the pairs."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        flat = replace(x.spread(shape), beta=np.ones(int(np.prod(shape))))
        u = np.broadcast_to(score, (*shape, score.shape[-1])).reshape(len(flat.P), -1)
        found = self.spread(shape).balance(flat).tangent(u).pairs
        return found.reshape(*shape, *found.shape[1:])

    def balance(self, x: Comparison) -> Balance:
        """Return the systems of a flat batch."""
        return Balance(TERMS, replace(x, P=self.targets(x.P)), np.zeros(len(x.P)), None)

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return −∂L/∂θ."""
        pull = TERMS.pull(self._gaps(logits, x), self.targets(x.P))
        return np.asarray((x.pairs.weights * pull).sum(axis=-1) / x.beta[..., None])

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ, −∂F/∂θ and ∂F/∂pairs."""
        gaps, targets, beta = self._gaps(logits, x), self.targets(x.P), x.beta[..., None, None]
        by_logits = -laplacian(x.pairs.weights * TERMS.bend(gaps, targets)) / beta**2
        return Push(by_logits, -by_logits, by_pairs(TERMS.pull(gaps, targets) / beta, x.pairs))

    def exists(self, x: Comparison) -> BoolArray:
        """Return where targets are finite and the pairs compare all responses.

        Then a least loss is attained: where a gap between neighbouring scores is wider than all
        targets, closing it lowers every pair across it.
        """
        finite = np.isfinite(self.targets(x.P)).all(axis=(-2, -1))
        if isinstance(x.pairs, ProductPairs):
            compared = (x.pairs.sampler > 0.0).all(axis=-1)
        else:
            compared = connects(x.pairs.weights)
        shape = np.broadcast_shapes(x.shape, self.shape)
        return np.asarray(np.broadcast_to(finite & compared, shape))

    def check(self, x: Comparison) -> None:
        """Raise where a label is sure, or a response is never compared."""
        there = self.exists(x)
        if not there.all():
            raise NoOptimumError(
                f"{instance(first_true(~there))} has no finite exo optimum: a soft "
                "label is 0 or 1, or pairs do not join all responses; give label_smoothing above "
                "0 or move P off 0 and 1, and compare all responses"
            )

    @staticmethod
    def _gaps(logits: FloatArray, x: Comparison) -> FloatArray:
        u = (logits - x.reference_logits) / x.beta[..., None]
        return np.asarray(u[..., :, None] - u[..., None, :])
