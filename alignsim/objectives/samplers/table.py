"""Samplers to look at: their table, and their weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.listing import Listing
from alignsim.objectives.one_shot import reference_logits
from alignsim.objectives.samplers.catalogue import SAMPLERS, sampler_named
from alignsim.objectives.samplers.contract import Sampler, Stage
from alignsim.parameters import call, described
from alignsim.summary import Lines
from alignsim.validation import FloatArray


class SamplerTable(Listing):
    """All samplers, one a row: their names; ``print`` shows the rest, and so does a notebook."""

    kind = "samplers"
    caption = "pairs, parameters, sources"

    def __init__(self, samplers: Sequence[Sampler]) -> None:
        self.samplers = tuple(samplers)

    def _summary(self) -> Lines:
        for each in self.samplers:
            yield call(each.name, each.parameters, *each.AXES), each.draws

    def rows(self) -> list[dict[str, str]]:
        """Return name, pairs, parameters, what else is used, and source, as words."""
        return [
            {
                "name": each.name,
                "pairs": each.draws,
                "parameters": ", ".join([*map(described, each.parameters), *each.AXES]),
                "uses": ", ".join(each.takes),
                "source": each.source,
            }
            for each in self.samplers
        ]


def samplers() -> SamplerTable:
    """Return the table of all samplers: names, pairs, parameters with ranges, source.

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.samplers().names[:4]
    ['product', 'two_policies', 'mixture', 'fixed_pairs']
    """
    return SamplerTable(tuple(SAMPLERS.values()))


def sampler_weights(
    sampler: str | Sampler,
    P: ArrayLike,
    policy: ArrayLike,
    *,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    beta: ArrayLike = 1.0,
    lam: ArrayLike = 1.0,
    **parameters: ArrayLike | None,
) -> FloatArray:
    """Return the weights of pairs (..., K, K) that a sampler draws from a policy.

    Symmetric, 0 on the diagonal. They add up to 1 over all pairs i < j; those of samplers that draw
    both responses from one policy μ (product, mixture, rejection) are 2μ_iμ_j, the probability of
    each pair, and pairs of a response with itself are what is missing.

    Parameters
    ----------
    sampler
        A name that :func:`alignsim.samplers` lists, or a sampler.
    P : (..., K, K)
        Preference matrices.
    policy : (..., K)
        The policy that samples, full support.
    reference, offline : (..., K)
        The reference, and the fixed sampler; uniform by default.
    beta, lam : (...)
        Strength of the preference signal, and share of the policy in what it samples.
    parameters
        Those of the sampler.

    Raises
    ------
    ValueError
        For an unknown sampler or parameter, and bad input; names it.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.bradley_terry([1.0, 0.0, -1.0])
    >>> asim.sampler_weights("mix_r", P, [1/3, 1/3, 1/3]).round(3).tolist()
    [[0.0, 0.258, 0.484], [0.258, 0.0, 0.258], [0.484, 0.258, 0.0]]
    """
    matrices = validation.preference_matrix(P)
    K = matrices.shape[-1]
    drawn = sampler_named(sampler, **parameters).fitted(matrices)
    given = validation.policy(policy, "policy", responses=K, full_support=True)
    fixed = np.full(K, 1.0 / K)
    if offline is not None:
        fixed = validation.policy(offline, "offline", responses=K)
    stage = Stage(
        matrices,
        reference_logits(reference, "reference", K),
        simplex.centred_logits(given),
        fixed,
        validation.parameter(beta, "beta"),
        validation.parameter(lam, "lam", high=1.0),
    )
    shape = validation.batch_shape(
        {
            "P": matrices.shape[:-2],
            "policy": given.shape[:-1],
            "reference": stage.reference_logits.shape[:-1],
            "offline": fixed.shape[:-1],
            "beta": stage.beta.shape,
            "lam": stage.lam.shape,
            f"sampler {drawn}": drawn.shape,
        }
    )
    return np.broadcast_to(drawn.pairs(stage).weights, (*shape, K, K)).copy()
