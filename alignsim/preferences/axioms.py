"""Ranking axioms: which a policy breaks, and which samplers keep them (theory 4).

For a sampler μ the scores are s = Pμ; IPO ranks by them, and DPO ranks alike (theory 3.5).

*Condorcet-top*: a response that beats every other is on top. *Smith-top*: every member of the
Smith set is above every non-member. *Order-preserving*: where the majority is a strict
transitive order, the ranking is that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.errors import InputError
from alignsim.preferences.games import best_mixture
from alignsim.preferences.structure import TOLERANCE, condorcet_winner, smith_set
from alignsim.summary import Lines, Summarised, holding, maps, numbers
from alignsim.validation import FloatArray

BoolArray = NDArray[np.bool_]

SHARE = 0.5
"""Of the largest uniform part that a Smith-top sampler could take."""


@dataclass(frozen=True, eq=False, repr=False)
class Violations(Summarised):
    """Which axioms a batch of policies breaks; an axiom that does not apply is not broken.

    Attributes
    ----------
    condorcet_top, smith_top, order_preserving : (...)
        True where the axiom is broken.
    """

    condorcet_top: BoolArray
    smith_top: BoolArray
    order_preserving: BoolArray

    def _title(self) -> str:
        return f"Violations by {maps(self.condorcet_top.shape, 'policy', 'policies')}"

    def _summary(self) -> Lines:
        for name in ("condorcet_top", "smith_top", "order_preserving"):
            yield name.replace("_", " "), holding(getattr(self, name))


@dataclass(frozen=True, eq=False, repr=False)
class OrderLP(Summarised):
    """The best that a sampler can do for a majority order, for a batch of matrices.

    Attributes
    ----------
    margin : (...)
        The largest t for which some μ has s_i ≥ s_j + t for every two neighbours of the order. A
        sampler of full support preserves the order if and only if it is positive.
    sampler : (..., K)
        A μ that reaches it; where the margin is positive, with full support.
    certificate : (..., K−1)
        Weights y of the K−1 pairs of neighbours, with sum 1, for which Σ y_i (s_i − s_{i+1}) ≤
        margin whatever is sampled (Gordan): where the margin is not positive, the proof that no
        sampler of full support preserves the order.
    order : (..., K)
        The responses, best first.
    """

    margin: FloatArray
    sampler: FloatArray
    certificate: FloatArray
    order: NDArray[np.int64]

    def _title(self) -> str:
        return f"OrderLP of {maps(self.margin.shape, 'matrix', 'matrices')}"

    def _summary(self) -> Lines:
        yield "feasible", holding(self.feasible)
        yield "margin", numbers(self.margin)

    @property
    def feasible(self) -> BoolArray:
        """Whether a sampler of full support preserves the order, (...)."""
        return np.asarray(self.margin > TOLERANCE)


def violations(
    policy: ArrayLike,
    P: ArrayLike,
    *,
    reference: ArrayLike | None = None,
    tolerance: float = TOLERANCE,
) -> Violations:
    """Return which ranking axioms policies (..., K) break on preferences (..., K, K).

    Parameters
    ----------
    policy
        Ranked by π/π_ref, which is what an optimum's score decides. Scores s = Pμ that have been
        turned into a policy by any increasing function do as well.
    reference : (..., K)
        The reference of the policy; uniform by default.
    tolerance
        Probabilities closer than this are equal: a pair within it of ½ is a tie.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[0.5, 0.6, 0.6], [0.4, 0.5, 1.0], [0.4, 0.0, 0.5]]
    >>> found = asim.preferences.violations([0.3, 0.6, 0.1], P)
    >>> bool(found.condorcet_top), bool(found.order_preserving)
    (True, True)
    """
    matrices = validation.preference_matrix(P)
    K = matrices.shape[-1]
    ranked = validation.policy(policy, "policy", responses=K)
    base = np.full(K, 1.0 / K)
    if reference is not None:
        base = validation.policy(reference, "reference", responses=K, full_support=True)
    shape = validation.batch_shape(
        {"P": matrices.shape[:-2], "policy": ranked.shape[:-1], "reference": base.shape[:-1]}
    )
    with np.errstate(divide="ignore"):
        ratio = ranked if reference is None else np.log(ranked) - np.log(base)
    worth = np.broadcast_to(ratio, (*shape, K))
    not_above = worth[..., :, None] <= worth[..., None, :]

    def broken(rank: NDArray[Any]) -> BoolArray:
        """Return where a response of lower rank is not above one of higher."""
        wanted = rank[..., :, None] < rank[..., None, :]
        return np.asarray((wanted & not_above).any(axis=(-2, -1)))

    winner = condorcet_winner(matrices, tolerance=tolerance)
    return Violations(
        condorcet_top=broken(np.arange(K) != winner[..., None]),
        smith_top=broken(~smith_set(matrices, tolerance=tolerance)),
        order_preserving=broken(_ranks(matrices, tolerance)),
    )


def smith_top_sampler(P: ArrayLike) -> FloatArray:
    """Return a full-support sampler under which the Smith set is on top: (..., K, K) → (..., K).

    A maximal lottery q of the reversed game on the Smith set S gives every member a score of at
    least ½ and every other response less; with δ the gap, a uniform part of ε < δ/(1+δ) keeps it.
    It also puts a Condorcet winner on top. P must be known: this is a construction, not an
    algorithm for unknown preferences.

    Examples
    --------
    >>> import alignsim as asim
    >>> import numpy as np
    >>> P = np.array([[0.5, 0.6, 0.6], [0.4, 0.5, 1.0], [0.4, 0.0, 0.5]])
    >>> mu = asim.preferences.smith_top_sampler(P)
    >>> int((P @ mu).argmax()), bool((mu > 0).all())
    (0, True)
    """
    matrices = validation.preference_matrix(P)
    K = matrices.shape[-1]
    members = smith_set(matrices)
    samplers = np.empty(matrices.shape[:-1])
    for index in np.ndindex(matrices.shape[:-2]):
        top = members[index]
        lottery = np.zeros(K)
        _, lottery[top] = best_mixture(matrices[index][np.ix_(top, top)] - 0.5)
        scores = matrices[index] @ lottery
        gap = scores[top].min() - scores[~top].max() if not top.all() else 1.0
        spread = SHARE * gap / (1.0 + gap)
        samplers[index] = (1.0 - spread) * lottery + spread / K
    return samplers


def order_lp(P: ArrayLike) -> OrderLP:
    """Return how well some sampler can preserve the majority order, with a proof if none can.

    Raises
    ------
    ValueError
        If the majority is no strict transitive order.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = [[.5, .55, .65, .55], [.45, .5, .8, .65], [.35, .2, .5, .55], [.45, .35, .45, .5]]
    >>> found = asim.preferences.order_lp(P)
    >>> float(found.margin.round(6)), found.certificate.round(6).tolist()
    (-0.025, [0.5, 0.0, 0.5])
    """
    matrices = validation.preference_matrix(P)
    K = matrices.shape[-1]
    ranks = _ranks(matrices, TOLERANCE)
    told = "has ties or a cycle, so that its majority is no strict order"
    remedy = "see alignsim.preferences.structure(P)"
    validation.refuse_where((ranks < 0).any(axis=-1), "P", ranks, remedy, told)
    order = ranks.argsort(axis=-1)
    batch = matrices.shape[:-2]
    margin, sampler = np.empty(batch), np.empty((*batch, K))
    certificate = np.empty((*batch, K - 1))
    for index in np.ndindex(batch):
        rows = matrices[index][order[index]]
        gaps = rows[:-1] - rows[1:]
        margin[index], lottery = best_mixture(gaps)
        _, certificate[index] = best_mixture(-gaps.T)
        if margin[index] > 0:
            worst = (gaps @ np.full(K, 1.0 / K)).min()
            spread = SHARE * margin[index] / (margin[index] + max(-worst, 0.0))
            lottery = (1.0 - spread) * lottery + spread / K
        sampler[index] = lottery
    return OrderLP(margin, sampler, certificate, order)


def fixed_sampling_counterexample(sampler: ArrayLike, *, certainty: float = 1.0) -> FloatArray:
    """Return preferences on which a fixed sampler breaks all three axioms: (..., K) → (..., K, K).

    A Condorcet winner c beats everyone barely; a response j, which only loses to c, beats the
    others with probability ``certainty`` and outscores c. No sampler is safe from this (theory 4).

    Parameters
    ----------
    sampler
        Policies μ over K ≥ 3 responses; of its support, one response is neither c nor j.
    certainty
        P_jx, in (½, 1]; below 1 a DPO optimum exists too.

    Raises
    ------
    ValueError
        If K = 2, where no sampler breaks an axiom, or for other bad arguments.

    Examples
    --------
    >>> import alignsim as asim
    >>> import numpy as np
    >>> mu = np.array([0.2, 0.3, 0.5])
    >>> P = asim.preferences.fixed_sampling_counterexample(mu)
    >>> int((P @ mu).argmax()) == int(asim.preferences.condorcet_winner(P))
    False
    """
    mu = validation.policy(sampler, "sampler")
    K = mu.shape[-1]
    if K < 3:
        remedy = "with fewer than 3 no axiom can be broken"
        raise InputError("sampler", f"has {K} responses", remedy)
    validation.responses(K, "sampler", minimum=3, batch=mu.shape[:-1])
    sure = validation.number(certainty, "certainty", low=0.5, high=1.0)
    if sure == 0.5:
        raise ValueError("certainty is 0.5; it must be above ½, or nothing is preferred")
    # the two rarest responses are c and j: the others are sampled most
    ranks = mu.argsort(axis=-1, kind="stable")
    winner, rival = ranks[..., :1], ranks[..., 1:2]
    rest = 1.0 - np.take_along_axis(mu, winner, -1) - np.take_along_axis(mu, rival, -1)
    barely = 0.5 * (sure - 0.5) * rest
    place = ranks.argsort(axis=-1)
    margin = np.where(place == 0, barely, (sure - 0.5) * np.where(place == 1, 1.0, 0.5))
    upper = np.where(place[..., :, None] < place[..., None, :], margin[..., None], 0.0)
    return np.asarray(0.5 + upper - np.swapaxes(upper, -1, -2))


def _ranks(P: FloatArray, tolerance: float) -> NDArray[np.int64]:
    """Return the place of each response in the majority order, 0 the best; −1 where none is."""
    K = P.shape[-1]
    beats = tolerance < P - 0.5
    ranks = K - 1 - beats.sum(axis=-1)
    strict = (np.sort(ranks, axis=-1) == np.arange(K)).all(axis=-1, keepdims=True)
    return np.where(strict, ranks, -1)
