"""Ratings as votes: every score that one rater gave on one attribute is held against the others."""

from __future__ import annotations

import numpy as np

from alignsim.data.comparisons import Comparisons, coded
from alignsim.data.ratings import Ratings
from alignsim.errors import InputError, quote


def rating_votes(ratings: Ratings) -> Comparisons:
    """Return votes between the responses that recur, one problem, each prompt a source of votes.

    Raises
    ------
    InputError
        If no two responses recur between prompts, or a prompt has a label twice.

    Examples
    --------
    >>> import alignsim as asim
    >>> scores = np.array([[[3.0], [2.0]], [[1.0], [2.0]]])
    >>> ratings = asim.data.Ratings(("p",), (("a", "b"),), (("x", "y"),), ("taste",), (scores,))
    >>> rating_votes(ratings).wins.tolist()
    [[0.0, 1.5], [0.5, 0.0]]
    """
    labels = ratings.recurring()
    place = {label: i for i, label in enumerate(labels)}
    rows: list[tuple[int, int, float, int, str]] = []
    for prompt, here, scores in zip(
        ratings.prompts, ratings.responses, ratings.scores, strict=True
    ):
        known = [(place[label], row) for row, label in enumerate(here) if label in place]
        if len({system for system, _ in known}) < len(known):
            told = f"one prompt has two responses of the same name ({quote(here)})"
            raise InputError("", told, "pooling needs a name to mean one system: use matrices()")
        flat = scores.reshape(len(scores), -1)
        for a, (i, own) in enumerate(known):
            for j, other in known[a + 1 :]:
                apart = flat[own] - flat[other]
                for share, count in (
                    (1.0, int((apart > 0).sum())),
                    (0.5, int((apart == 0).sum())),
                    (0.0, int((apart < 0).sum())),
                ):
                    rows += [(i, j, share, count, prompt)] * (count > 0)
    if not rows:
        raise InputError("", "no rater scored two of the responses on the same attribute")
    left, right, shares, counts, asked = zip(*rows, strict=True)
    prompts, prompt_code = coded(asked, len(rows), "prompts")
    return Comparisons(
        labels=labels,
        left=np.array(left),
        right=np.array(right),
        share=np.array(shares),
        count=np.array(counts, dtype=np.float64),
        judges=("",),
        judge=np.zeros(len(rows), dtype=np.int64),
        prompts=prompts,
        prompt=prompt_code,
        by="",
    )
