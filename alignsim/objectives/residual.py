"""Objectives whose optimum balances the pull of the pairs against a pull towards a policy.

With scores u = (θ − ref)/β and π = softmax(θ) the optimum of a :class:`Residual` solves::

    Σ_j W_ij g(u_i − u_j; P_ij) = βw (π_i − p_i)      in every row i

Both sides are sums of skew terms, since π_i − p_i = Σ_j (π_i p_j − p_i π_j), and the derivative of
the right side is the Laplacian of the rates π_iπ_j: a Newton step is a problem of potentials.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from alignsim.kernels.status import NO_OPTIMUM, NOT_CONVERGED, OK
from alignsim.objectives.comparison import Comparison, ProductPairs, Push, Solution, Tangent
from alignsim.objectives.contract import Trainable, by_pairs, gauged, laplacian
from alignsim.objectives.dpo import DPO
from alignsim.objectives.solvers import damped_newton, potentials, solve_columns
from alignsim.simplex import covariance, softmax
from alignsim.validation import FloatArray

ROUNDING = 4e-16  # of the largest residual; it may hide a smaller one that still falls
LAST_STEP = 1e-10  # relative to 1 + max|u|; Newton's method squares what is left
LONGEST_STEP = 4.0
DESCENTS = 500
NEAR = 1e-6  # a step from which Newton's method alone goes on
LEAST_CURVATURE = 1e-8  # beside the largest
FLAT = 1e-12  # curvature, in units of the pairs' own, that rounding may leave of 0
SAME = 0.1  # how far Newton's method may move from where a descent ended

_LOGISTIC = DPO()


class PairTerms(Protocol):
    """The loss of a pair, as a function of the gap of its scores."""

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return g, minus the derivative of ``cost`` by the gap; antisymmetric."""

    def bend(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return −∂g/∂gap; symmetric."""

    def cost(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return the loss of each pair, up to a constant; symmetric."""


class Logistic:
    """The pair loss of DPO, −log σ(gap) of what won."""

    def pull(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return P_ij − σ(u_i − u_j)."""
        return _LOGISTIC.pull(gaps, P)

    def bend(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return σ'(u_i − u_j)."""
        return np.broadcast_to(_LOGISTIC.slope(gaps), np.broadcast_shapes(gaps.shape, P.shape))

    def cost(self, gaps: FloatArray, P: FloatArray) -> FloatArray:
        """Return −P_ij log σ(u_i − u_j) − P_ji log σ(u_j − u_i)."""
        return np.asarray(np.logaddexp(0.0, -gaps) + np.swapaxes(P, -1, -2) * gaps)


class Balance:
    """A flat batch of such systems, each row divided by its own size.

    Parameters
    ----------
    terms
        g.
    x
        The problems, spread flat.
    weight : (n,)
        w; below 0 it pushes away from the policy.
    anchor : (n, K)
        p; None for the reference.
    """

    def __init__(
        self, terms: PairTerms, x: Comparison, weight: FloatArray, anchor: FloatArray | None
    ) -> None:
        self.terms, self.x, self.weight = terms, x, weight
        self.follows = anchor is None
        self.anchor = softmax(x.reference_logits) if anchor is None else anchor
        strength = (x.beta * weight)[:, None]
        if isinstance(x.pairs, ProductPairs):
            own = 2.0 * x.pairs.sampler
            rows = x.pairs.sampler[:, None, :]
        else:
            own = x.pairs.weights.sum(axis=-1)
            rows = x.pairs.weights / np.where(own > 0.0, own, 1.0)[..., None]
        self.size = own + np.abs(strength)
        there = self.size > 0.0
        size = np.where(there, self.size, 1.0)
        self.share = np.where(there, own / size, 1.0)
        self.rows = self.share[..., None] * rows
        self.towards = np.where(there, strength / size, 0.0)

    def taken(self, which: NDArray[np.intp], weight: FloatArray | None = None) -> Balance:
        """Return the systems of some of the batch, with another w if one is given."""
        anchor = None if self.follows else self.anchor[which]
        weight = self.weight[which] if weight is None else weight
        return Balance(self.terms, self.x.taken(which), weight, anchor)

    def solve(self, start: FloatArray) -> tuple[FloatArray, NDArray[np.int8]]:
        """Return u (n, K), its mean 0, by damped Newton from ``start``, and a status each."""
        order = np.argsort(-self.size, axis=-1, kind="stable")
        rank = np.argsort(order, axis=-1)
        one = np.arange(len(order))[:, None]
        pairs = (one[..., None], order[:, :, None], order[:, None, :])
        P, rows = self.x.P[pairs], self.rows[pairs]
        towards, anchor, reference = (
            values[one, order] for values in (self.towards, self.anchor, self.x.reference_logits)
        )
        beta = self.x.beta

        def system(u: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
            gaps, strength = _gaps(u), beta[which, None]
            policy = softmax(reference[which] + strength * u)
            pull, bend = self.terms.pull(gaps, P[which]), self.terms.bend(gaps, P[which])
            back, joint = _outer(policy, anchor[which]), policy[:, :, None] * policy[:, None, :]
            own = towards[which, :, None]
            back = back - np.swapaxes(back, -1, -2)
            parts = np.stack(
                [
                    rows[which] * bend + own * strength[..., None] * joint,
                    own * back - rows[which] * pull,
                ],
                axis=1,
            )
            return parts[:, 1].sum(axis=-1), parts

        def step(parts: FloatArray, _: FloatArray) -> FloatArray:
            return potentials(parts[:, 0], parts[:, 1])

        result = damped_newton(
            system, start[one, order], solve=step, step_cap=self.cap(), tolerance=LAST_STEP,
            rounding=ROUNDING,
        )  # fmt: skip
        u = np.take_along_axis(result.point, rank, axis=-1)
        u = np.where((result.status == OK)[:, None], u - u.mean(axis=-1, keepdims=True), np.nan)
        return u, result.status

    def cap(self) -> FloatArray:
        """Return the longest steps (n,): as long in logits βu as in u."""
        return np.asarray(LONGEST_STEP / np.clip(self.x.beta, 1e-3, 1.0))

    def loss(self, u: FloatArray, which: Any = slice(None)) -> FloatArray:
        """Return the loss (n,) of scores u (n, K), up to a constant of the problem."""
        x = self.x.taken(which)
        apart = np.triu(x.pairs.weights, 1) * self.terms.cost(_gaps(u), x.P)
        logits = x.reference_logits + x.beta[:, None] * u
        top = logits.max(axis=-1)
        total = top + np.log(np.exp(logits - top[:, None]).sum(axis=-1))
        cross = total - (self.anchor[which] * logits).sum(axis=-1)
        return np.asarray(apart.sum(axis=(-2, -1)) + self.weight[which] * cross)

    def descend(self, start: FloatArray) -> FloatArray:
        """Return where a descent of the loss from ``start`` (n, K) ends, near a local minimum.

        Its steps are Newton's with the absolute values of the curvatures, so that they lead away
        from saddles, halved until the loss falls.
        """
        u = np.array(start)
        active = np.arange(len(u))
        loss = self.loss(u)
        for _ in range(DESCENTS):
            step, fall = self._downhill(u[active], active)
            length = np.abs(step).max(axis=-1)
            going = np.isfinite(length) & (length > NEAR)
            if not going.any():
                break
            active, step, fall, length = active[going], step[going], fall[going], length[going]
            shrink = np.minimum(1.0, LONGEST_STEP / length)
            step, fall = step * shrink[:, None], fall * shrink
            moved, share = loss[active], np.ones(len(active))
            left = np.arange(len(active))
            for _ in range(40):
                moved[left] = self.loss(
                    u[active[left]] + share[left, None] * step[left], active[left]
                )
                allowed = loss[active[left]] - 1e-4 * share[left] * fall[left]
                left = left[~(moved[left] <= allowed + 1e-15 * np.abs(allowed))]
                if not len(left):
                    break
                share[left] *= 0.5
            fell = np.setdiff1d(np.arange(len(active)), left)
            u[active[fell]] += share[fell, None] * step[fell]
            loss[active[fell]] = moved[fell]
            active = active[fell]
        return np.asarray(u - u.mean(axis=-1, keepdims=True))

    def settle(self, start: FloatArray) -> tuple[FloatArray, NDArray[np.int8]]:
        """Return a local minimum (n, K) that a descent from ``start`` leads to, and a status."""
        near = self.descend(start)
        u, status = self.solve(near)
        with np.errstate(invalid="ignore"):
            strayed = ~(np.abs(u - near).max(axis=-1) <= SAME)
        strayed[~strayed] = self._curvatures(u[~strayed], np.flatnonzero(~strayed))[0][:, 0] < -FLAT
        lost = (status == OK) & strayed
        status = np.where(lost, NOT_CONVERGED, status).astype(np.int8)
        return np.where((status == OK)[:, None], u, np.nan), status

    def _downhill(self, u: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Return a step (m, K) down from u, and the rate at which the loss falls along it."""
        x = self.x.taken(which)
        policy = softmax(x.reference_logits + x.beta[:, None] * u)
        force = (x.pairs.weights * self.terms.pull(_gaps(u), x.P)).sum(axis=-1)
        force -= (self.weight[which] * x.beta)[:, None] * (policy - self.anchor[which])
        values, vectors, root = self._curvatures(u, which)
        sizes = np.abs(values)
        sizes = np.maximum(sizes, LEAST_CURVATURE * sizes.max(axis=-1, keepdims=True))
        along = (np.swapaxes(vectors, -1, -2) @ (force / root)[..., None])[..., 0]
        step = (vectors @ (along / sizes)[..., None])[..., 0] / root
        return step, (force * step).sum(axis=-1)

    def _curvatures(
        self, u: FloatArray, which: NDArray[np.intp]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the loss's curvatures, ascending, their directions, and the units (m, K) of u."""
        x, w = self.x.taken(which), self.weight[which]
        policy, weights = softmax(x.reference_logits + x.beta[:, None] * u), x.pairs.weights
        curve = laplacian(weights * self.terms.bend(_gaps(u), x.P))
        curve = curve + (w * x.beta**2)[:, None, None] * covariance(policy)
        size = weights.sum(axis=-1) + (np.abs(w) * x.beta**2)[:, None] * policy
        root = np.sqrt(np.maximum(size, 1e-100 * size.max(axis=-1, keepdims=True)))
        values, vectors = np.linalg.eigh(curve / (root[:, :, None] * root[:, None, :]))
        return values, vectors, root

    def tangent(self, u: FloatArray) -> Tangent:
        """Return the derivatives of θ = ref + βu at solutions u (n, K), w and p as they are.

        Where p is the reference, it moves along.
        """
        x, K = self.x, u.shape[-1]
        gaps, beta = _gaps(u), x.beta[:, None, None]
        policy = softmax(x.reference_logits + x.beta[:, None] * u)
        towards, share = self.towards[..., None], self.share[..., None]
        joint = policy[:, :, None] * policy[:, None, :]
        pull = self.terms.pull(gaps, x.P)
        matrix = laplacian(self.rows * self.terms.bend(gaps, x.P) + towards * beta * joint)
        apart = covariance(policy) - (covariance(self.anchor) if self.follows else 0.0)
        if isinstance(x.pairs, ProductPairs):
            won = (pull * x.pairs.sampler[:, None, :]).sum(axis=-1)
            size = np.where(self.size > 0.0, self.size, 1.0)
            by_data = 2.0 * (won / size)[..., None] * np.eye(K) + share * pull
        else:
            size = np.where(self.size > 0.0, self.size, 1.0)[..., None, None]
            by_data = (by_pairs(pull, x.pairs) / size).reshape(len(u), K, K * K)
        sides = np.concatenate([-towards * apart, by_data], axis=-1)
        moved = beta * solve_columns(gauged(matrix, 1.0 / K), sides)
        shape = by_data.shape if isinstance(x.pairs, ProductPairs) else (len(u), K, K, K)
        return Tangent(np.eye(K) + moved[..., :K], moved[..., K:].reshape(shape))

    def by_weight(self, u: FloatArray) -> FloatArray:
        """Return the derivative of θ = ref + βu by w at solutions u: (n, K)."""
        x, K = self.x, u.shape[-1]
        beta = x.beta[:, None, None]
        policy = softmax(x.reference_logits + x.beta[:, None] * u)
        joint = self.towards[..., None] * beta * policy[:, :, None] * policy[:, None, :]
        matrix = laplacian(self.rows * self.terms.bend(_gaps(u), x.P) + joint)
        size = np.where(self.size > 0.0, self.size, 1.0)
        side = -(x.beta[:, None] / size) * (policy - self.anchor)
        found = solve_columns(gauged(matrix, 1.0 / K), side[..., None])[..., 0]
        return np.asarray(x.beta[:, None] * found)


@dataclass(frozen=True)
class Residual(Trainable):
    """A pair loss plus w·E_p[−log π]: Σ_j W_ij g(u_i − u_j; P_ij) = βw(π_i − p_i).

    For developers: give ``weight``, and ``terms`` unless the pairs are those of DPO. ``anchor`` is
    p, by default the reference of the problem. Where the loss is not convex set ``convex`` to
    False: the optimum is then the local minimum that a descent from the reference leads to.
    """

    terms: ClassVar[PairTerms] = Logistic()
    convex: ClassVar[bool] = True

    @property
    @abstractmethod
    def weight(self) -> FloatArray:
        """w, (...)."""

    @property
    def towards(self) -> FloatArray | None:
        """p, (..., K), or None for the reference."""
        return None

    def optimum(self, x: Comparison) -> Solution:
        """Return ref + βu."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        flat, own = x.spread(shape), self.spread(shape)
        u, status = own.scores(flat)
        value = flat.reference_logits + flat.beta[:, None] * u
        return Solution(value.reshape(*shape, -1), status.reshape(shape))

    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Return ref + βu and its derivatives, by the implicit function theorem."""
        shape = np.broadcast_shapes(x.shape, self.shape)
        flat, own = x.spread(shape), self.spread(shape)
        u, status = own.scores(flat)
        tangent = own.balance(flat).tangent(u)
        value = flat.reference_logits + flat.beta[:, None] * u
        return (
            Solution(value.reshape(*shape, -1), status.reshape(shape)),
            Tangent(*(part.reshape(*shape, *part.shape[1:]) for part in tangent[:2])),
        )

    def balance(self, x: Comparison) -> Balance:
        """Return the systems of a flat batch."""
        return Balance(self.terms, x, self.weight, self.towards)

    def scores(self, x: Comparison) -> Solution:
        """Return u (n, K) of a flat batch."""
        return solved(self.balance(x), self.exists(x), self.convex)

    def force(self, logits: FloatArray, x: Comparison) -> FloatArray:
        """Return −∂L/∂θ: the pull of the pairs by β, less w(π − p)."""
        gaps = _gaps((logits - x.reference_logits) / x.beta[..., None])
        pulled = (x.pairs.weights * self.terms.pull(gaps, x.P)).sum(axis=-1)
        anchor = softmax(x.reference_logits) if self.towards is None else self.towards
        apart = self.weight[..., None] * (softmax(logits) - anchor)
        return np.asarray(pulled / x.beta[..., None] - apart)

    def force_derivatives(self, logits: FloatArray, x: Comparison) -> Push:
        """Return ∂F/∂θ, ∂F/∂ref and ∂F/∂pairs."""
        gaps = _gaps((logits - x.reference_logits) / x.beta[..., None])
        beta, weight = x.beta[..., None, None], self.weight[..., None, None]
        stiff = laplacian(x.pairs.weights * self.terms.bend(gaps, x.P)) / beta**2
        by_logits = -stiff - weight * covariance(softmax(logits))
        by_reference = np.broadcast_to(stiff, by_logits.shape)
        if self.towards is None:
            by_reference = stiff + weight * covariance(softmax(x.reference_logits))
        return Push(by_logits, by_reference, by_pairs(self.terms.pull(gaps, x.P) / beta, x.pairs))


def solved(balance: Balance, there: NDArray[np.bool_], convex: bool = True) -> Solution:
    """Return the scores u (n, K) of a flat batch; NaN with a status where there is no optimum."""
    n, K = len(there), balance.anchor.shape[-1]
    u, status = np.full((n, K), np.nan), np.full(n, NO_OPTIMUM, dtype=np.int8)
    live = np.flatnonzero(there)
    part, zeros = balance.taken(live), np.zeros((len(live), K))
    if not convex:
        u[live], status[live] = part.settle(zeros)
        return Solution(u, status)
    u[live], status[live] = part.solve(zeros)
    failed = np.flatnonzero(there & (status != OK))
    if len(failed):
        hard = balance.taken(failed)
        u[failed], status[failed] = hard.solve(hard.descend(np.zeros((len(failed), K))))
    return Solution(u, status)


def _gaps(u: FloatArray) -> FloatArray:
    return np.asarray(u[..., :, None] - u[..., None, :])


def _outer(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[..., :, None] * b[..., None, :])
