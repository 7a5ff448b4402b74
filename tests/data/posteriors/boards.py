"""Boards of votes that several tests use."""

import numpy as np

from alignsim.data import Comparisons

GOLDEN = (
    ("a", "b", 14, 6), ("b", "c", 13, 7), ("c", "a", 15, 5),
    ("a", "d", 16, 4), ("b", "d", 17, 3), ("c", "d", 15, 5),
)  # fmt: skip
"""The board of votes.md, section 5: two names, wins of the first, wins of the second."""


def counted(rows, times=1.0):
    """Return votes from rows of two names and how often each won."""
    kept = [
        (left, right, share, times * count)
        for left, right, won, lost in rows
        for share, count in ((1.0, won), (0.0, lost))
        if count
    ]
    left, right, share, count = zip(*kept, strict=True)
    return Comparisons.from_names(left, right, share, count=count)


def bradley_terry(strength, votes, seed, *, ties=0.0, compared=1.0, judges=None):
    """Return single votes on a ranking, a share of them ties, a share of the pairs compared."""
    draw = np.random.default_rng(seed)
    i, j = np.triu_indices(len(strength), 1)
    kept = draw.random(len(i)) < compared
    i, j = np.repeat(i[kept], votes), np.repeat(j[kept], votes)
    won = draw.random(len(i)) < 1.0 / (1.0 + np.exp(strength[j] - strength[i]))
    share = np.where(draw.random(len(i)) < ties, 0.5, won)
    names = [f"m{k:02}" for k in range(len(strength))]
    left, right = ([names[k] for k in side] for side in (i, j))
    return Comparisons.from_names(left, right, share, judges=judges)


def prompts(count, K, votes, tau, scale, seed):
    """Return votes on prompts whose log-odds scatter by ``tau`` around rankings of their own."""
    draw = np.random.default_rng(seed)
    i, j = np.triu_indices(K, 1)
    r = draw.normal(0.0, scale, (count, K))
    theta = r[:, i] - r[:, j] + draw.normal(0.0, tau, (count, len(i)))
    won = draw.binomial(votes, 1.0 / (1.0 + np.exp(-theta))).ravel()
    left, right = np.tile(i, 2 * count), np.tile(j, 2 * count)
    cast = np.concatenate([won, votes - won]).astype(np.float64)
    share = np.repeat([1.0, 0.0], len(won))
    asked = np.tile(np.repeat(np.arange(count), len(i)), 2)
    kept = cast > 0.0
    return Comparisons(
        tuple("abcdefgh"[:K]), left[kept], right[kept], share[kept], cast[kept], ("",),
        np.zeros(int(kept.sum()), dtype=np.int64), tuple(f"p{n}" for n in range(count)),
        asked[kept],
    )  # fmt: skip
