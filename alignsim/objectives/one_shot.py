"""One-shot optima: the policy that one round of IPO or DPO reaches, and its derivatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.errors import NoOptimumError
from alignsim.kernels.status import OK
from alignsim.objectives.catalogue import OBJECTIVES
from alignsim.objectives.comparison import Comparison, Pairs, ProductPairs, Solution, WeightedPairs
from alignsim.objectives.contract import Objective, named
from alignsim.preferences.conventions import signal_strength
from alignsim.simplex import centred_logits, covariance, softmax
from alignsim.validation import FloatArray, at, first_true, instance

TINY = np.finfo(np.float64).tiny

FAINTEST = 1e-280
"""The least weight of a pair, beside the largest: its products with P stay normal numbers."""


def optimum(
    objective: str | Objective,
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike,
    beta_convention: str = "signal",
    **parameters: ArrayLike | None,
) -> FloatArray:
    """Return the policies (..., K) that are the one-shot optima of an objective.

    Parameters
    ----------
    objective
        A name that :func:`alignsim.objectives_table` lists, or an objective.
    P, sampling, pair_weights, reference, beta, beta_convention
        As for :func:`alignsim.ipo_optimum`. Product pairs weigh 2μ_iμ_j, which adds up to 1 − Σμ²;
        pair weights are scaled to add up to 1. That matters where a loss has further terms.
    parameters
        Those of the objective: numbers or arrays (...), and policies (..., K).

    Raises
    ------
    ValueError
        For an unknown objective or parameter, for bad input, and
        ``NoOptimumError`` where there is no finite optimum; says why.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
    >>> asim.optimum("dpo", P, [0.5, 0.3, 0.2], beta=[0.5, 2.0]).round(4).tolist()
    [[0.3701, 0.3149, 0.3149], [0.4881, 0.2559, 0.2559]]
    """
    solver = named(objective, OBJECTIVES, **parameters)
    strength = signal_strength(beta, beta_convention)
    x = comparison(P, sampling, pair_weights, reference, strength)
    check_policies(solver, x.P.shape[-1])
    validation.batch_shape({"the problem": x.shape, f"the parameters of {solver}": solver.shape})
    solver.check(x)
    with np.errstate(over="ignore", invalid="ignore"):
        solution = solver.optimum(x)
    require_solved(solver, solution)
    return softmax(solution.value)


def ipo_optimum(
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike,
    beta_convention: str = "signal",
) -> FloatArray:
    """Return the policies (..., K) that minimise the IPO loss, in closed form.

    Parameters
    ----------
    P
        Preference matrices (..., K, K), P[i, j] = Pr(i beats j).
    sampling
        A policy μ (..., K) from which both responses of each pair are drawn. Zeros are allowed:
        then the KL-regularised form decides about the responses that are never sampled.
    pair_weights
        Instead of ``sampling``, any weights of the pairs (..., K, K), non-negative; symmetrised,
        the diagonal ignored. They must connect all responses.
    reference
        The policy (..., K) regularised towards, full support; uniform by default.
    beta
        Strength of the preference signal (...), at least 0.
    beta_convention
        ``"trl"`` if ``beta`` multiplies the KL penalty instead, as in TRL; see
        :func:`alignsim.preferences.signal_strength`.

    Raises
    ------
    ValueError
        For input that is not as above; ``NoOptimumError`` if the
        weights do not connect the responses, naming the components.

    Notes
    -----
    π ∝ π_ref ⊙ e^{βPμ} (Azar et al. 2023; theory 2.1), or u = βL⁺(w∘(P − ½))1 (theory 2.2).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
    >>> asim.ipo_optimum(P, [0.5, 0.3, 0.2], reference=[0.2, 0.3, 0.5], beta=2.0).round(4).tolist()
    [0.2268, 0.2899, 0.4832]
    """
    return optimum(
        "ipo", P, sampling, pair_weights=pair_weights, reference=reference, beta=beta,
        beta_convention=beta_convention,
    )  # fmt: skip


def dpo_optimum(
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike,
    beta_convention: str = "signal",
) -> FloatArray:
    """Return the policies (..., K) that minimise the DPO loss.

    Arguments and errors as for :func:`alignsim.ipo_optimum`.

    Raises
    ------
    ValueError
        Also ``NoOptimumError`` where some responses never lose to the
        others, so that the loss has no finite minimiser; names them.

    Notes
    -----
    Σ_j w_ij (P_ij − σ(v_i − v_j)) = 0 by damped Newton (theory 3.2 to 3.6).

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]]
    >>> asim.dpo_optimum(P, [0.5, 0.3, 0.2], reference=[0.2, 0.3, 0.5], beta=2.0).round(4).tolist()
    [0.3228, 0.2539, 0.4232]
    """
    return optimum(
        "dpo", P, sampling, pair_weights=pair_weights, reference=reference, beta=beta,
        beta_convention=beta_convention,
    )  # fmt: skip


def optimum_derivative(
    P: ArrayLike,
    sampling: ArrayLike | None = None,
    *,
    objective: str | Objective,
    pair_weights: ArrayLike | None = None,
    reference: ArrayLike | None = None,
    beta: ArrayLike,
    with_respect_to: str | None = None,
) -> FloatArray:
    """Return the derivative (..., K, K) or (..., K, K, K) of the optimal policy.

    Parameters
    ----------
    P, sampling, pair_weights, reference, beta
        As for :func:`alignsim.ipo_optimum`.
    objective
        A name, such as ``"ipo"`` or ``"dpo"``, or an objective.
    with_respect_to
        ``"reference"`` for ∂π_i/∂π_ref,j (..., K, K). ``"sampling"`` for ∂π_i/∂μ_j (..., K, K), or
        ``"pair_weights"`` for the change of π_k with the weight of the pair {i, j},
        (..., K, K, K); by default whichever of the two was given. Directions of policies are those
        within the simplex (they sum to zero).

    Raises
    ------
    ValueError
        For bad arguments, and where there is no optimum.

    Notes
    -----
    Theory 2.4 and 3.7, through the implicit function theorem.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> D = asim.objectives.optimum_derivative(P, [1/3, 1/3, 1/3], objective="ipo", beta=1.0)
    >>> D[0].round(6).tolist()[1:]
    [0.1, -0.1]
    """
    solver = named(objective, OBJECTIVES)
    given = "sampling" if pair_weights is None else "pair_weights"
    wanted = given if with_respect_to is None else with_respect_to
    variable = validation.choice(wanted, "with_respect_to", ("reference", given))
    x = comparison(P, sampling, pair_weights, reference, beta)
    solver.check(x)
    with np.errstate(over="ignore", invalid="ignore"):
        solution, tangent = solver.linearise(x)
        require_solved(solver, solution)
        slope = covariance(softmax(solution.value))
        if variable == "reference":
            scale = softmax(x.reference_logits)[..., None, :]
            derivative = slope @ tangent.reference / scale
        else:
            by_pairs = tangent.pairs
            if variable == "pair_weights":
                by_pairs = by_pairs.reshape(*by_pairs.shape[:-2], -1)
            derivative = slope @ by_pairs
            if variable == "pair_weights":
                derivative = derivative.reshape(*slope.shape, -1)
    if not np.isfinite(derivative).all():
        raise NoOptimumError(
            f"the derivative overflows float64 at beta = {x.beta.max():g}; lower beta"
        )
    return np.asarray(derivative)


def comparison(
    P: ArrayLike,
    sampling: ArrayLike | None,
    pair_weights: ArrayLike | None,
    reference: ArrayLike | None,
    beta: ArrayLike,
) -> Comparison:
    """Return the one-shot problem of checked arguments."""
    if (sampling is None) == (pair_weights is None):
        given = "neither" if sampling is None else "both"
        raise ValueError(
            f"sampling and pair_weights: {given} given; give exactly one, a policy (..., K) from "
            "which both responses are drawn, or weights of the pairs (..., K, K)"
        )
    matrices = validation.preference_matrix(P)
    K = matrices.shape[-1]
    strength = validation.parameter(beta, "beta")
    shapes = {"P": matrices.shape[:-2], "beta": strength.shape}
    pairs: Pairs
    if sampling is not None:
        pairs = ProductPairs(validation.policy(sampling, "sampling", responses=K))
        shapes["sampling"] = pairs.sampler.shape[:-1]
    else:
        assert pair_weights is not None
        pairs = WeightedPairs(checked_pair_weights(pair_weights, K))
        shapes["pair_weights"] = pairs.weights.shape[:-2]
    logits = reference_logits(reference, "reference", K)
    shapes["reference"] = logits.shape[:-1]
    validation.batch_shape(shapes)
    return Comparison(matrices, logits, strength, pairs)


def check_policies(objective: Objective, responses: int) -> None:
    """Raise unless the policies and vectors of the objective have as many responses as P."""
    for name in (*objective.policies, *objective.vectors):
        values = getattr(objective, name)
        if values is not None:
            validation.logits(values, name, responses=responses)


def reference_logits(reference: ArrayLike | None, name: str, responses: int) -> FloatArray:
    """Return the centred logits of a full-support policy; zeros, the uniform one, for None."""
    if reference is None:
        return np.zeros(responses)
    return centred_logits(
        validation.policy(reference, name, responses=responses, full_support=True)
    )


def checked_pair_weights(value: ArrayLike, responses: int) -> FloatArray:
    """Return weights of pairs (..., K, K), symmetric, 0 on the diagonal, with Σ_{i<j} w_ij = 1."""
    weights = validation.real_array(value, "pair_weights", min_ndim=2)
    if weights.shape[-2:] != (responses, responses):
        raise ValueError(
            f"pair_weights has shape {weights.shape}; the last two axes must be "
            f"{responses}×{responses}, as those of P"
        )
    if (weights < 0).any():
        index = first_true(weights < 0)
        raise ValueError(f"pair_weights{at(index)} is {weights[index]:.12g}; it must be at least 0")
    pairs = weights * (1.0 - np.eye(responses))
    pairs = pairs / np.maximum(pairs.max(axis=(-2, -1), keepdims=True), TINY)
    symmetric = pairs + np.swapaxes(pairs, -1, -2)
    faint = (symmetric > 0) & (symmetric < FAINTEST)
    if faint.any():
        index = first_true(faint)
        raise ValueError(
            f"pair_weights{at(index)} is {symmetric[index]:.3g} of the largest; less than "
            f"{FAINTEST:g} loses its digits: weigh the pairs more evenly, or give 0"
        )
    total = 0.5 * symmetric.sum(axis=(-2, -1), keepdims=True)
    return np.asarray(np.divide(symmetric, total, out=symmetric, where=total > 0.0))


def require_solved(objective: Objective, solution: Solution) -> None:
    """Raise unless every instance was solved."""
    logits, status = solution
    bad = np.broadcast_to(status != OK, logits.shape[:-1]) | ~np.isfinite(logits).all(axis=-1)
    if bad.any():
        raise NoOptimumError(
            f"the {objective} optimum of {instance(first_true(bad))} could not be "
            f"computed in float64: {objective.unsolved}"
        )
