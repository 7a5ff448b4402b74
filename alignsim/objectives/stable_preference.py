"""DPO within a ball of an anchor policy, in the Kullback-Leibler divergence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.errors import NoOptimumError
from alignsim.kernels.status import NOT_CONVERGED, OK
from alignsim.objectives.comparison import Comparison, ProductPairs, Solution, Tangent
from alignsim.objectives.contract import BoolArray, Objective
from alignsim.objectives.dpo import DPO
from alignsim.objectives.existence import connects
from alignsim.objectives.residual import Balance, Logistic, solved
from alignsim.parameters import SMALLEST, Parameter
from alignsim.simplex import covariance, log_softmax, softmax
from alignsim.validation import FloatArray, first_true, instance

SEARCHES = 100
CLOSE = 1e-9  # of the multiplier's logarithm; the last step squares what is left
LONGEST = 3.0


class _Held(NamedTuple):
    """Scores u (n, K), multipliers (n,), status (n,) of a flat batch."""

    u: FloatArray
    multiplier: FloatArray
    status: NDArray[np.int8]


@dataclass(frozen=True)
class StablePreference(Objective):
    """min L_DPO subject to KL(anchor‖π) ≤ kl_radius.

    This is the value-function relaxation of the bilevel problem of Stable Preference Optimization
    (Jian et al. 2025): preferences above, SFT below, whose optimum the policy may miss by
    kl_radius. The equations of the first version of that paper are not known to us, and no claim is
    made that these are the same. The optimum is that of ``dpo_sft`` with ``sft_weight`` the
    multiplier of the constraint, 0 where DPO stays within the ball; it is finite and unique for any
    P that is compared, even of 0 and 1.

    Parameters
    ----------
    kl_radius
        The largest KL(anchor‖π) in nats, above 0.
    anchor
        The policy (..., K) in the middle of the ball; by default the reference of the problem: in a
        loop that of each round.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.9], [0.1, 0.5]]
    >>> radii = [0.01, 0.1, 1.0]
    >>> near = asim.optimum("stable_preference", P, [0.5, 0.5], beta=1.0, kl_radius=radii)
    >>> near.round(4).tolist()
    [[0.5704, 0.4296], [0.7129, 0.2871], [0.9, 0.1]]
    """

    name: ClassVar[str] = "stable_preference"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("kl_radius", "largest KL(anchor‖π), in nats", 0.1, low=SMALLEST, high=np.inf),
    )
    policies: ClassVar[tuple[str, ...]] = ("anchor",)
    source: ClassVar[str] = "relaxation of Jian et al. (2025), arXiv 2507.07723"

    kl_radius: FloatArray | float = 0.1
    anchor: FloatArray | None = None

    def optimum(self, x: Comparison) -> Solution:
        """Return ref + βu."""
        shape, flat, _, held = self._solved(x)
        value = flat.reference_logits + flat.beta[:, None] * held.u
        return Solution(value.reshape(*shape, -1), held.status.reshape(shape))

    def multipliers(self, x: Comparison) -> FloatArray:
        """Return the multiplier (...) of the constraint, NaN where there is no optimum.

        With it as ``sft_weight``, ``dpo_sft`` has the same optimum.
        """
        shape, _, _, held = self._solved(x)
        return held.multiplier.reshape(shape)

    def linearise(self, x: Comparison) -> tuple[Solution, Tangent]:
        """Return ref + βu and its derivatives; the multiplier moves along where it is positive."""
        shape, flat, own, held = self._solved(x)
        balance = own._balance(flat, held.multiplier)
        base = balance.tangent(held.u)
        value = flat.reference_logits + flat.beta[:, None] * held.u
        policy, n, K = softmax(value), len(value), value.shape[-1]
        normal = policy - balance.anchor
        active = held.multiplier > 0.0
        by_weight = np.where(active[:, None], balance.by_weight(held.u), 0.0)
        reach = np.where(active, (normal * by_weight).sum(axis=-1), -1.0)
        parts = []
        for place, part in enumerate(base[:2]):
            assert part is not None
            columns = part.reshape(n, K, -1)
            rise = (normal[:, None, :] @ columns)[:, 0]
            if place == 0 and balance.follows:
                apart = log_softmax(flat.reference_logits) - log_softmax(value)
                rise = rise + (covariance(balance.anchor) @ apart[..., None])[..., 0]
            moved = columns - by_weight[..., None] * (rise / reach[:, None])[:, None, :]
            parts.append(moved.reshape(*shape, *part.shape[1:]))
        solution = Solution(value.reshape(*shape, -1), held.status.reshape(shape))
        return solution, Tangent(*parts)

    def exists(self, x: Comparison) -> BoolArray:
        """Return where β > 0 and the pairs compare all responses."""
        if isinstance(x.pairs, ProductPairs):
            compared = (x.pairs.sampler > 0.0).all(axis=-1)
        else:
            compared = connects(x.pairs.weights)
        shape = np.broadcast_shapes(x.shape, self.shape)
        return np.asarray(np.broadcast_to(compared & (x.beta > 0.0), shape))

    def check(self, x: Comparison) -> None:
        """Raise where the ball may hold several optima."""
        there = self.exists(x)
        if not there.all():
            raise NoOptimumError(
                f"{instance(first_true(~there))} has no unique stable_preference "
                "optimum: beta is 0, or pairs do not join all responses, so that the loss leaves "
                "directions open within the ball; give beta above 0 and sampling full support, or "
                "weights that connect the responses"
            )

    def _solved(self, x: Comparison) -> tuple[tuple[int, ...], Comparison, StablePreference, _Held]:
        shape = np.broadcast_shapes(x.shape, self.shape)
        flat, own = x.spread(shape), self.spread(shape)
        return shape, flat, own, own._held(flat)

    def _balance(self, x: Comparison, multiplier: FloatArray) -> Balance:
        return Balance(Logistic(), x, multiplier, self.anchor)

    def _held(self, x: Comparison) -> _Held:
        there = self.exists(x)
        free = self._balance(x, np.zeros(len(x.P)))
        u, status = solved(free, there & DPO().exists(x))
        radius = np.broadcast_to(self.kl_radius, there.shape)
        with np.errstate(invalid="ignore"):
            loose = (status == OK) & (_divergence(free, u)[0] <= radius)
        multiplier = np.where(loose, 0.0, np.nan)
        tight = np.flatnonzero(there & ~loose)
        if len(tight):
            u[tight], multiplier[tight], status[tight] = _on_the_edge(
                free.taken(tight), radius[tight]
            )
        return _Held(np.where((status == OK)[:, None], u, np.nan), multiplier, status)


def _on_the_edge(free: Balance, radius: FloatArray) -> _Held:
    """Return where KL(anchor‖π) is the radius, by bracketed Newton steps of the multiplier.

    The divergence falls as the multiplier grows; the unknown is its logarithm.
    """
    n, K = len(radius), free.anchor.shape[-1]
    u, s = np.zeros((n, K)), -np.log(free.x.beta)
    low, high, last = np.full(n, -np.inf), np.full(n, np.inf), np.full(n, np.inf)
    status = np.full(n, NOT_CONVERGED, dtype=np.int8)
    active, ending = np.arange(n), np.zeros(n, dtype=np.bool_)
    for _ in range(SEARCHES):
        balance = free.taken(active, np.exp(s[active]))
        u[active], own = balance.solve(u[active])
        lost = np.flatnonzero(own != OK)
        if len(lost):
            again = balance.taken(lost)
            u[active[lost]], own[lost] = again.solve(again.descend(np.zeros((len(lost), K))))
        there = own == OK
        status[active[ending[active] & there]] = OK
        keep = there & ~ending[active]
        active, balance = active[keep], balance.taken(np.flatnonzero(keep))
        if not len(active):
            break
        divergence, policy = _divergence(balance, u[active])
        turn = ((policy - balance.anchor) * balance.by_weight(u[active])).sum(axis=-1)
        excess = divergence > radius[active]
        low[active] = np.where(excess, s[active], low[active])
        high[active] = np.where(excess, high[active], s[active])
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = -turn * np.exp(s[active]) / divergence
            step = np.nan_to_num(np.log(divergence / radius[active]) / rate)
        step = np.clip(step, -LONGEST, LONGEST)
        ending[active] = np.abs(step) <= CLOSE * (1.0 + np.abs(s[active]))
        aim, middle = s[active] + step, 0.5 * (low[active] + high[active])
        fits = (aim >= low[active]) & (aim <= high[active])
        fits &= np.abs(step) <= 0.5 * np.abs(last[active])
        aim = np.where(fits | ending[active] | ~np.isfinite(middle), aim, middle)
        last[active] = aim - s[active]
        s[active] = aim
    return _Held(u, np.exp(s), status)


def _divergence(balance: Balance, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return KL(anchor‖π), (n,), without cancellation, and π (n, K)."""
    logits = balance.x.reference_logits + balance.x.beta[:, None] * u
    apart = log_softmax(logits) - np.log(balance.anchor)
    policy = softmax(logits)
    return np.asarray((balance.anchor * (np.expm1(apart) - apart)).sum(axis=-1)), policy
