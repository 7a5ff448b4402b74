"""What is watched while a policy trains: likelihoods, margins, diversity, who beats whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.errors import InputError, quote
from alignsim.feedback.feedback_map import FeedbackMap
from alignsim.feedback.trajectory import Trajectory
from alignsim.objectives import Pairs, ProductPairs
from alignsim.objectives.one_shot import comparison
from alignsim.preferences.games import best_answer
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

NEVER = -1
"""The round of a signal that does not sound."""


def diagnostics(
    game: FeedbackMap | ArrayLike,
    trajectory: Trajectory,
    *,
    sampling: ArrayLike | None = None,
    pair_weights: ArrayLike | None = None,
    top: int = 2,
    tau: ArrayLike = 0.0,
    fall: float = 0.01,
) -> xarray.Dataset:
    """Return what is watched of orbits and training paths: dimensions map_0, …, round.

    Parameters
    ----------
    game
        The loop that was run, whose pairs are those that its first stage compares at the policy of
        each round; or preferences P (..., K, K), with the pairs that were trained on.
    trajectory
        From ``FeedbackMap.run`` or ``alignsim.train``.
    sampling, pair_weights
        The pairs, as for :func:`alignsim.optimum`: a policy that draws both responses, or weights.
        Instead of those of a loop, pairs that are the same in each round, as of a validation set.
    top
        How many of the likeliest responses are the k of top-k, at least 1.
    tau : (...)
        The weight of KL penalties in the duality gap; 0 for none.
    fall
        By what share of its largest value so far a signal must have fallen to sound, in (0, 1).

    Returns
    -------
    xarray.Dataset
        After each round kept, in nats where they are logarithms:

        - ``chosen_log_likelihood`` and ``rejected_log_likelihood``: the mean of log π over the
          winners and over the losers of the pairs, Σ q_i log π_i with q_i = Σ_j w_ij P_ij. NaN
          where no two responses are compared. A response is not compared with itself.
        - ``margin``: the mean of log π/π_ref over winners less that over losers, 0 at the
          reference.
        - ``entropy``; ``top_mass``, the probability of the ``top`` likeliest responses, and
          ``top_entropy``, the entropy among these.
        - ``uncompared_mass``: the probability of responses that no pair has.
        - ``kl_to_reference``.
        - ``duality_gap``: what best answers gain over the policy, of both players together: twice
          :func:`alignsim.exploitability`.
        - ``win_rate_reference``: how often a draw from the policy beats one from the reference;
          ``win_rate_offline``: one from the offline policy of the loop, or from ``sampling``.

        And for each map ``entropy_alarm`` and ``mass_alarm``: the first round kept at which
        ``top_entropy``, or ``top_mass``, has fallen, −1 if none. They are the two signals of Shi et
        al. (2024) that likelihoods are over-optimised; how much is a fall is our choice.

    Raises
    ------
    ValueError
        For bad arguments: where P comes without pairs, or shapes do not fit.

    References
    ----------
    Shi et al. (2024), Understanding Likelihood Over-optimisation in Direct Alignment Algorithms,
    arXiv 2410.11677.

    Examples
    --------
    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0, alpha=0.6)
    >>> ds = asim.diagnostics(loop, loop.run([0.5, 0.3, 0.2], rounds=50))
    >>> ds["duality_gap"].values[[0, 1, -1]].round(4).tolist()
    [0.12, 0.1551, 0.002]
    >>> int(ds["entropy_alarm"]), int(ds["mass_alarm"])
    (3, 1)
    """
    import xarray

    if not isinstance(trajectory, Trajectory):
        raise InputError(
            "trajectory", f"is {quote(trajectory)}", "give what FeedbackMap.run returned"
        )
    K, shape = trajectory.logits.shape[-1], trajectory.status.shape
    count = validation.integer(top, "top", minimum=1, maximum=K)
    share = validation.number(fall, "fall", low=np.finfo(np.float64).tiny, high=1.0)
    weight = validation.parameter(tau, "tau")
    P, pairs, offline = _compared(game, trajectory, sampling, pair_weights)
    compared = pairs.weights.shape[:-3]
    given = {"trajectory": shape, "game": P.shape[:-3], "the pairs": compared, "tau": weight.shape}
    if (wider := validation.batch_shape(given)) != shape:
        told = f"has batch shape {shape}; game, pairs and tau have {wider}"
        raise InputError("trajectory", told, "run as many")

    logits, reference = trajectory.logits, trajectory.reference_logits[..., None, :]
    policy, log_policy = simplex.softmax(logits), simplex.log_softmax(logits)
    with np.errstate(invalid="ignore", divide="ignore"):
        chosen, rejected = _shares(P, pairs)
        seen = chosen + rejected
        total = chosen.sum(axis=-1, keepdims=True)
        chosen, rejected = chosen / total, rejected / total
        ratio = log_policy - simplex.log_softmax(reference)
        highest = np.sort(logits, axis=-1)[..., K - count :]
        best = {
            "top_mass": np.sort(policy, axis=-1)[..., K - count :].sum(axis=-1),
            "top_entropy": simplex.entropy(highest),
        }
        path = {
            "chosen_log_likelihood": (chosen * log_policy).sum(axis=-1),
            "rejected_log_likelihood": (rejected * log_policy).sum(axis=-1),
            "margin": ((chosen - rejected) * ratio).sum(axis=-1),
            "entropy": trajectory.entropy,
            **best,
            "uncompared_mass": np.where(seen <= 0.0, policy, 0.0 * policy).sum(axis=-1),
            "kl_to_reference": trajectory.kl_to_reference,
            "duality_gap": 2.0 * best_answer(P, policy, weight[..., None], reference),
            "win_rate_reference": _wins(P, policy, simplex.softmax(reference)),
        }
        if offline is not None:
            path["win_rate_offline"] = _wins(P, policy, offline[..., None, :])
    batch = [f"map_{axis}" for axis in range(len(shape))]
    length = (*shape, len(trajectory.rounds))
    variables: dict[str, Any] = {
        name: ([*batch, "round"], np.broadcast_to(values, length)) for name, values in path.items()
    }
    for name, values in (("entropy_alarm", "top_entropy"), ("mass_alarm", "top_mass")):
        variables[name] = batch, _sounds(best[values], trajectory.rounds, share)
    return xarray.Dataset(
        variables,
        coords={"round": trajectory.rounds},
        attrs={
            "objective": trajectory.objective, "scheme": trajectory.scheme, "top": count,
            "fall": share,
        },
    )  # fmt: skip


def _compared(
    game: FeedbackMap | ArrayLike,
    trajectory: Trajectory,
    sampling: ArrayLike | None,
    pair_weights: ArrayLike | None,
) -> tuple[FloatArray, Pairs, FloatArray | None]:
    """Return P (..., 1, K, K), the pairs (..., f or 1), and the offline policy (..., K)."""
    loop = game if isinstance(game, FeedbackMap) else None
    P = validation.preference_matrix(game) if loop is None else loop.P  # type: ignore[arg-type]
    K, shape = P.shape[-1], trajectory.status.shape
    if trajectory.logits.shape[-1] != K:
        told = f"has {trajectory.logits.shape[-1]} responses"
        raise InputError("trajectory", told, f"the game has {K}: give a run of it")
    if sampling is not None or pair_weights is not None:
        x = comparison(P, sampling, pair_weights, None, 1.0)
        if isinstance(x.pairs, ProductPairs):
            fixed = x.pairs.sampler
            own = ProductPairs(fixed[..., None, :])
            return P[..., None, :, :], own, fixed if loop is None else loop.offline_policy
        return (
            P[..., None, :, :],
            type(x.pairs)(x.pairs.weights[..., None, :, :]),
            None if loop is None else loop.offline_policy,
        )
    if loop is None:
        raise InputError(
            "sampling", "is missing", "of preferences give the pairs: sampling= or pair_weights="
        )
    if validation.batch_shape({"trajectory": shape, "the loop": loop.shape}) != shape:
        raise InputError("trajectory", f"has batch shape {shape}", f"the loop has {loop.shape}")
    whole = loop.broadcast_to(shape).reshaped((*shape, 1))
    x = whole.problem(whole.reference_logits, trajectory.logits)
    return x.P if x.P.ndim > 2 else x.P[None], x.pairs, loop.offline_policy


def _shares(P: FloatArray, pairs: Pairs) -> tuple[FloatArray, FloatArray]:
    """Return Σ_j w_ij P_ij and Σ_j w_ij P_ji: how often a response is chosen, and rejected."""
    apart = P * (1.0 - np.eye(P.shape[-1]))
    if isinstance(pairs, ProductPairs):
        mu = pairs.sampler
        won, lost = (_times(matrix, mu) for matrix in (apart, np.swapaxes(apart, -1, -2)))
        return 2.0 * mu * won, 2.0 * mu * lost
    weighed = pairs.weights * apart
    return weighed.sum(axis=-1), weighed.sum(axis=-2)


def _times(P: FloatArray, policy: FloatArray) -> FloatArray:
    """Return Pπ for matrices (..., 1, K, K) and policies (..., f, K), one product a matrix."""
    return np.asarray(policy @ np.swapaxes(P[..., 0, :, :], -1, -2))


def _wins(P: FloatArray, policy: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray((policy * _times(P, other)).sum(axis=-1))


def _sounds(values: FloatArray, rounds: NDArray[np.int64], fall: float) -> NDArray[np.int64]:
    """Return the first round (...) at which values (..., f) lie a share below their largest."""
    low = values < (1.0 - fall) * np.fmax.accumulate(values, axis=-1)
    return np.where(low.any(axis=-1), rounds[low.argmax(axis=-1)], NEVER)
