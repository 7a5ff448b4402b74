"""The classes of the paper's experiments, and how often a recipe makes each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.data.ratings import Ratings
from alignsim.data.scores import RECIPES
from alignsim.errors import InputError
from alignsim.preferences.structure import BoolArray, structure
from alignsim.summary import Lines, Summarised
from alignsim.validation import FloatArray

CLASSES = {
    "cyclic": "cyclic, without a Condorcet winner",
    "cyclic_winner": "cyclic, below a Condorcet winner",
    "strongly_transitive": "strongly transitive, ties allowed",
    "strictly_strongly_transitive": "strictly strongly transitive",
}
"""Names and meanings. The last is a part of the one before; no other two overlap."""


@dataclass(frozen=True, eq=False, repr=False)
class ClassRates(Summarised):
    """How many matrices of each class the draws of a recipe made.

    Attributes
    ----------
    counts
        (seeds, classes), in the order of ``CLASSES``.
    matrices
        How many matrices a draw makes.
    share, standard_error
        (classes,): mean over the draws, and its standard error (NaN for one draw): the spread of
        the recipe, given the ratings.
    """

    counts: NDArray[np.int64]
    matrices: int
    share: FloatArray
    standard_error: FloatArray

    def _title(self) -> str:
        return f"ClassRates of {len(self.counts):,} draws of {self.matrices:,} matrices"

    def _summary(self) -> Lines:
        for name, share, error in zip(CLASSES, self.share, self.standard_error, strict=True):
            doubt = "" if np.isnan(error) else f" ± {100.0 * error:.2g}"
            yield name.replace("_", " "), f"{100.0 * share:.3g}{doubt} %"


def stacked(P: ArrayLike) -> FloatArray:
    """Return a stack of preference matrices (m, K, K), checked."""
    matrices = validation.preference_matrix(P)
    if matrices.ndim != 3:
        raise ValueError(
            f"P has shape {matrices.shape}; give a stack of matrices, (m, K, K): reshape it to one"
        )
    return matrices


def split_classes(P: ArrayLike) -> dict[str, BoolArray]:
    """Return which matrices are in each class of ``CLASSES``: (..., K, K) → masks (...).

    Raises
    ------
    ValueError
        If P is no preference matrix.

    References
    ----------
    ``docs/theory.md`` section 9. That the paper's "strongly transitive" allows ties is inferred.

    Examples
    --------
    >>> import alignsim as asim
    >>> masks = asim.experiments.split_classes(asim.preferences.cyclic(3, advantage=0.2))
    >>> {name: bool(mask) for name, mask in masks.items() if mask}
    {'cyclic': True}
    """
    found = structure(P)
    crowned = found.condorcet_winner >= 0
    return {
        "cyclic": found.cyclic & ~crowned,
        "cyclic_winner": found.cyclic & crowned,
        "strongly_transitive": found.strongly_transitive,
        "strictly_strongly_transitive": found.strictly_strongly_transitive,
    }


def class_rates(
    ratings: Ratings,
    *,
    responses: int = 4,
    recipe: str = "random-attribute",
    rounding: str | None = "nearest",
    seed: int = 0,
    draws: int = 10,
) -> ClassRates:
    """Return how often each class comes out when a recipe is drawn ``draws`` times.

    Parameters
    ----------
    ratings
        What is drawn from.
    responses
        K: every set of K responses of a prompt makes a matrix.
    recipe, rounding
        As in `Ratings.matrices`.
    seed
        The recipe is drawn with seeds ``seed``, ``seed`` + 1, and so on.
    draws
        Times the recipe is drawn.

    Raises
    ------
    ValueError
        If an argument is outside its range, or no prompt has enough responses.

    Examples
    --------
    >>> import alignsim as asim
    >>> ratings = asim.data.synthetic_ratings(prompts=500, rng=0)
    >>> rates = asim.experiments.class_rates(ratings, draws=3)
    >>> rates.matrices, rates.counts.shape
    (500, (3, 4))
    """
    if not isinstance(ratings, Ratings):
        kind = type(ratings).__name__
        raise InputError("ratings", f"is of type {kind}", "give those of alignsim.data.read")
    validation.choice(recipe, "recipe", RECIPES)
    first = validation.integer(seed, "seed", minimum=0)
    count = validation.integer(draws, "draws", minimum=1)
    validation.affordable(8.0 * count * len(CLASSES), "draws", f"is {count:,}, and their counts")
    counts = np.empty((count, len(CLASSES)), dtype=np.int64)
    for d in range(count):
        rng = first + d if recipe == "random-attribute" else None
        P = ratings.matrices(recipe, subsets=responses, rounding=rounding, rng=rng)[responses].P
        counts[d] = [mask.sum() for mask in split_classes(P).values()]
    shares = counts / len(P)
    return ClassRates(counts, len(P), shares.mean(axis=0), standard_error(shares))


def standard_error(values: FloatArray) -> FloatArray:
    """Return the standard error of the mean over the first axis, NaN for fewer than two values."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))
