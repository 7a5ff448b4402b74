"""Ratings that the package makes by itself: integer scores of responses, attributes correlated."""

from __future__ import annotations

import numpy as np

from alignsim import validation
from alignsim.data.ratings import HELPSTEER_ATTRIBUTES, Ratings
from alignsim.preferences.seeds import Seed, generator

HELPSTEER_PROMPTS = 35_331 // 4
"""The most prompts of HelpSteer's training split that can have four responses (theory 9)."""

SPREAD = 0.22
"""Standard deviation of a score before rounding, as a share of the range of the scale.

At a correlation of .8, four responses, five attributes and five levels it makes 64 % of the
matrices of the recipe "random-attribute" weakly strongly transitive, 0.6 % strictly, and 0.9 %
cyclic, the rates in theory 9.
"""


def synthetic_ratings(
    *,
    prompts: int = HELPSTEER_PROMPTS,
    responses: int = 4,
    attributes: int = 5,
    correlation: float = 0.8,
    levels: int = 5,
    rng: Seed = None,
) -> Ratings:
    """Return ratings of made-up responses, whole numbers from 0 to ``levels`` − 1, one rater.

    A response has a quality that all of its attributes share. With quality q and own parts e_a,
    independent standard normal numbers, attribute a of the response scores

        (levels − 1) · (½ + 0.22 · (√correlation · q + √(1 − correlation) · e_a)),

    rounded to a whole number and clipped to the scale. Before rounding, any two attributes of one
    response thus correlate by ``correlation``; different responses are independent.

    Parameters
    ----------
    prompts, responses, attributes
        How many: prompts, responses of each prompt (at least 2), attributes of each response.
    correlation
        Between two attributes of a response, in [0, 1]. At 1 all attributes agree, and no
        matrix is cyclic.
    levels
        Size of the scale, at least 2.
    rng
        None, a seed, or a ``numpy.random.Generator``.

    References
    ----------
    ``docs/theory.md`` section 9: the model is ours, made to resemble HelpSteer's ratings.

    Examples
    --------
    >>> import alignsim as asim
    >>> ratings = asim.data.synthetic_ratings(prompts=2, rng=0)
    >>> ratings.attributes
    ('helpfulness', 'correctness', 'coherence', 'complexity', 'verbosity')
    >>> ratings.aggregate()[0].astype(int).tolist()
    [[2, 2, 2, 2, 1], [2, 1, 2, 2, 2], [3, 3, 2, 3, 2], [2, 2, 2, 2, 2]]
    >>> ratings.matrices(rng=0)[4].P.shape
    (2, 4, 4)
    """
    count = validation.integer(prompts, "prompts", minimum=1)
    K = validation.integer(responses, "responses", minimum=2)
    A = validation.integer(attributes, "attributes", minimum=1)
    many = f"is {count}: with {K} responses and {A} attributes its scores"
    validation.affordable(8.0 * count * K * A, "prompts", many)
    top = validation.integer(levels, "levels", minimum=2) - 1
    shared = validation.number(correlation, "correlation", high=1.0)
    draw = generator(rng)
    quality = draw.standard_normal((count, K, 1))
    own = draw.standard_normal((count, K, A))
    latent = np.sqrt(shared) * quality + np.sqrt(1.0 - shared) * own
    scores = np.clip(np.floor(top * (0.5 + SPREAD * latent) + 0.5), 0.0, top)
    numbered = tuple(f"attribute {a}" for a in range(A))
    return Ratings(
        prompts=tuple(f"prompt {p}" for p in range(count)),
        responses=(tuple(f"response {i}" for i in range(K)),) * count,
        raters=(("",),) * count,
        attributes=HELPSTEER_ATTRIBUTES if len(HELPSTEER_ATTRIBUTES) == A else numbered,
        scores=tuple(scores[:, :, None, :]),
    )
