"""From scores on several attributes to preference matrices: the recipes.

The recipe decides what comes out. On the HANNA ratings, drawing one attribute a pair makes
about 3 % of the K = 4 matrices cyclic; averaging the sigmoid over attributes makes none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.data.votes import count_wins
from alignsim.errors import InputError, quote
from alignsim.preferences.logistic import positive_temperature, win_probability
from alignsim.preferences.seeds import Seed, generator
from alignsim.validation import FloatArray

Recipe = Callable[[FloatArray, FloatArray, np.random.Generator], FloatArray]


def from_scores(
    scores: ArrayLike,
    *,
    recipe: str = "random-attribute",
    temperature: ArrayLike | None = None,
    rng: Seed = None,
) -> FloatArray:
    """Return preference matrices from scores: (..., K, A) → (..., K, K), higher is better.

    Parameters
    ----------
    scores
        (..., K, A): K responses, A attributes.
    recipe
        ``"random-attribute"``: each pair draws one attribute, P = σ(score difference), as for
        HelpSteer in the paper; the pairs draw independently, which is what makes cycles.
        ``"mean"``: the average of that sigmoid over the attributes.
        ``"mean-score"``: the sigmoid of the difference of mean scores, a Bradley-Terry matrix.
        ``"votes"``: the share of attributes on which i scores higher, ties half.
    temperature
        (...), above 0; divides the score differences, 1 by default. Not for "votes".
    rng
        None, a seed, or a ``numpy.random.Generator``. For "random-attribute" only.

    Raises
    ------
    ValueError
        If a score is not finite (its index is named), K < 2, a temperature is not above 0, the
        recipe is unknown, or an argument says nothing under it.

    References
    ----------
    ``docs/theory.md`` section 9.

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.data.from_scores([[3, 1, 2], [1, 2, 2]], recipe="votes").tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    >>> asim.data.from_scores([[3, 1, 2], [1, 2, 2]], recipe="mean")[0, 1].round(4).item()
    0.5499
    """
    rule = RECIPES[validation.choice(recipe, "recipe", RECIPES)]
    refuse_idle(recipe, temperature=temperature, rng=rng)
    array = validation.logits(scores, "scores")
    if array.ndim < 2 or array.shape[-2] < 2:
        told = f"has shape {array.shape}, (..., responses, attributes)"
        raise InputError("scores", told, "a preference needs at least 2 responses")
    warmth = positive_temperature(1.0 if temperature is None else temperature)
    batch = validation.batch_shape({"scores": array.shape[:-2], "temperature": warmth.shape})
    validation.responses(array.shape[-2], "scores", minimum=2, batch=batch)
    array = np.broadcast_to(array, (*batch, *array.shape[-2:]))
    return rule(array, warmth[..., None, None], generator(rng))


def refuse_idle(recipe: str, **given: object) -> None:
    """Raise InputError for an argument that is given, though it says nothing under a recipe."""
    for name, value in given.items():
        if value is not None and name in IDLE.get(recipe, ()):
            told = f"is {quote(value)}, but the recipe {recipe!r} does not use it"
            raise InputError(name, told, "leave it out")


def _random_attribute(
    scores: FloatArray, temperature: FloatArray, draw: np.random.Generator
) -> FloatArray:
    responses, attributes = scores.shape[-2:]
    i, j = np.triu_indices(responses, 1)
    drawn = draw.integers(attributes, size=(*scores.shape[:-2], len(i), 1))
    first, second = (
        np.take_along_axis(scores[..., own, :], drawn, axis=-1)[..., 0] for own in (i, j)
    )
    P = np.full((*scores.shape[:-1], responses), 0.5)
    P[..., i, j] = win_probability(first, second, temperature[..., 0])
    P[..., j, i] = win_probability(second, first, temperature[..., 0])
    return P


def _mean(scores: FloatArray, temperature: FloatArray, _: np.random.Generator) -> FloatArray:
    own, other = scores[..., :, None, :], scores[..., None, :, :]
    return np.asarray(win_probability(own, other, temperature[..., None]).mean(axis=-1))


def _mean_score(scores: FloatArray, temperature: FloatArray, _: np.random.Generator) -> FloatArray:
    reward = scores.mean(axis=-1)
    return win_probability(reward[..., :, None], reward[..., None, :], temperature)


def _votes(scores: FloatArray, _: FloatArray, __: np.random.Generator) -> FloatArray:
    return np.asarray(count_wins(scores) / scores.shape[-1])


IDLE = {
    "votes": ("temperature", "raters", "rounding", "rng"),
    "mean": ("rng",),
    "mean-score": ("rng",),
}
"""Arguments that say nothing under a recipe."""

RECIPES: dict[str, Recipe] = {
    "random-attribute": _random_attribute,
    "mean": _mean,
    "mean-score": _mean_score,
    "votes": _votes,
}
"""Every recipe by its name; a new one is one function and one line."""
