"""Votes on many prompts: their pairs in stacks of equal size, in an order that is their own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.data.comparisons import UNNAMED, Comparisons
from alignsim.data.posteriors.board import DIGITS, tied
from alignsim.data.posteriors.dispersion import LEAST
from alignsim.data.posteriors.ordering import DIGITS as STRENGTH_DIGITS
from alignsim.data.posteriors.ordering import canonical
from alignsim.data.posteriors.pairs import Pairs
from alignsim.data.posteriors.strengths import bradley_terry
from alignsim.preferences.logistic import sigmoid
from alignsim.validation import FloatArray

Index = NDArray[np.intp]

FIT_SCALE, ORDER_SCALE, ORDER_DECREMENT = 2.0, 1.0, 1e-12

REPEATED = 5.0
"""Votes of a pair from which it tells whether judges agree with themselves."""

INFORMATIVE = 25.0
"""Information from which the spread around rankings is known well enough to speak of cycles."""


class Places(NamedTuple):
    """Where each vote belongs: its problem, and the places of its sides among the responses there.

    ``problem``, ``low`` and ``high`` are (n,), ``wins`` (n,) is what goes to ``low``; ``sizes``
    (U,) is the number of responses of each problem.
    """

    problem: Index
    low: Index
    high: Index
    wins: FloatArray
    sizes: Index


def placed(votes: Comparisons) -> Places:
    """Return the places of votes, problem by problem as ``votes.by`` says."""
    code = votes.judge if votes.by == "judge" else votes.prompt
    _, problem = np.unique(code, return_inverse=True)
    K = len(votes.labels)
    keys = np.concatenate([problem * K + votes.left, problem * K + votes.right])
    known, place = np.unique(keys, return_inverse=True)
    owner = known // K
    own = place.reshape(2, -1) - np.searchsorted(owner, problem)
    left, right = own
    wins = votes.count * np.where(left < right, votes.share, 1.0 - votes.share)
    return Places(problem, own.min(axis=0), own.max(axis=0), wins, np.bincount(owner))


def stacked(votes: Comparisons, places: Places) -> list[Pairs]:
    """Return the pairs of all problems, those of equal size K together: wins and votes (B, m)."""
    stacks = []
    for K in np.unique(places.sizes).tolist():
        of_size = places.sizes == K
        row = np.cumsum(of_size) - 1
        mine = of_size[places.problem]
        i, j = np.triu_indices(K, 1)
        place = np.zeros((K, K), dtype=np.intp)
        place[i, j] = np.arange(len(i))
        cell = row[places.problem[mine]] * len(i) + place[places.low[mine], places.high[mine]]
        shape = (int(of_size.sum()), len(i))
        wins, cast = (
            np.bincount(cell, values[mine], shape[0] * shape[1]).astype(np.float64)
            for values in (places.wins, votes.count)
        )
        wins, cast = (np.round(each, DIGITS).reshape(shape) for each in (wins, cast))
        stacks.append(Pairs(K, i, j, wins, cast))
    return stacks


def information(stacks: list[Pairs], overdispersion: float) -> float:
    """Return how much the votes tell of the spread around the rankings: votes.md, section 4."""
    total = 0.0
    for pairs in stacks:
        n = np.maximum(pairs.votes / max(overdispersion, 1.0), 1.0)
        each = (1.0 - 1.0 / n) / (2.0 * (0.25 + 4.0 / n) ** 2)
        compared = (pairs.votes > 0).sum(axis=1)
        rank = compared - pairs.responses + components(pairs)
        total += float((rank / compared * each.sum(axis=1)).sum())
    return total


def components(pairs: Pairs) -> Index:
    """Return into how many parts the comparisons of each problem fall: (B,)."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    K, B = pairs.responses, len(pairs.votes)
    problem, pair = np.nonzero(pairs.votes)
    links = csr_array(
        (np.ones(len(problem)), (problem * K + pairs.i[pair], problem * K + pairs.j[pair])),
        shape=(B * K, B * K),
    )
    _, part = connected_components(links, directed=False)
    firsts = np.sort(part.reshape(B, K), axis=1)
    return np.asarray(1 + (np.diff(firsts, axis=1) > 0).sum(axis=1))


def overdispersion(votes: Comparisons, places: Places, stacks: list[Pairs]) -> float:
    """Return κ from ties, and from judges who vote on the same pair more than once."""
    variance = 0.0
    for pairs in stacks:
        P = sigmoid(pairs.gaps(bradley_terry(pairs, FIT_SCALE)))
        variance += float((pairs.votes * P * (1.0 - P)).sum())
    found = [1.0 - tied(votes) / variance, LEAST]
    if votes.by != "judge" and votes.judges != UNNAMED:
        found.append(_repetition(votes, places))
    return float(f"{max(found):.{DIGITS}g}")


def _repetition(votes: Comparisons, places: Places) -> float:
    """Return φ over the pairs with several votes, 0 if judges do not repeat themselves."""
    K = int(places.sizes.max())
    cell = (places.problem * K + places.low) * K + places.high
    _, pair = np.unique(cell, return_inverse=True)
    N, Y = np.bincount(pair, votes.count), np.bincount(pair, places.wins)
    known, unit = np.unique(pair * len(votes.judges) + votes.judge, return_inverse=True)
    n, y = np.bincount(unit, votes.count), np.bincount(unit, places.wins)
    own = known // len(votes.judges)
    P = (Y + 0.5) / (N + 1.0)
    shared = np.bincount(own, n**2) / N**2
    off = np.bincount(own, (y - n * P[own]) ** 2)
    expected = N * P * (1.0 - P) * (1.0 - shared)
    several = (N >= REPEATED) & (shared < 1.0)
    total = expected[several].sum()
    return float(off[several].sum() / total) if total > 0.0 else 0.0


def chosen(stacks: list[Pairs], most: int) -> list[Pairs]:
    """Return at most ``most`` problems, spread evenly over all, sorted and in canonical order.

    Neither the order of the votes nor the names decide which they are.
    """
    ordered = [_sorted(pairs) for pairs in stacks]
    total = sum(len(pairs.votes) for pairs in ordered)
    picked = np.arange(min(most, total)) * total // min(most, total)
    parts, first = [], 0
    for pairs in ordered:
        rows = picked[(picked >= first) & (picked < first + len(pairs.votes))] - first
        first += len(pairs.votes)
        if len(rows):
            parts.append(_renamed(pairs, rows))
    return parts


def _sorted(pairs: Pairs) -> Pairs:
    """Return the problems sorted by their strengths and votes."""
    strength = np.round(np.sort(_strengths(pairs), axis=1), STRENGTH_DIGITS) + 0.0
    table = np.sort(np.hstack([pairs.wins, pairs.votes - pairs.wins]), axis=1)
    order = np.lexsort(np.hstack([table, strength]).T)
    return Pairs(pairs.responses, pairs.i, pairs.j, pairs.wins[order], pairs.votes[order])


def _strengths(pairs: Pairs) -> FloatArray:
    return bradley_terry(pairs, ORDER_SCALE, decrement=ORDER_DECREMENT)


def _renamed(pairs: Pairs, rows: Index) -> Pairs:
    """Return some problems, each with its responses in canonical order."""
    some = Pairs(pairs.responses, pairs.i, pairs.j, pairs.wins[rows], pairs.votes[rows])
    strength = np.round(_strengths(some), STRENGTH_DIGITS)
    order = np.argsort(-strength, axis=1, kind="stable")
    wins = np.zeros((len(rows), pairs.responses, pairs.responses))
    wins[:, pairs.i, pairs.j] = some.wins
    wins[:, pairs.j, pairs.i] = some.votes - some.wins
    alike = (np.diff(np.sort(strength, axis=1), axis=1) == 0.0).any(axis=1)
    for row in np.flatnonzero(alike):
        order[row] = canonical(wins[row])
    wins = np.take_along_axis(wins, order[:, :, None], axis=1)
    wins = np.take_along_axis(wins, order[:, None, :], axis=2)
    own, other = wins[:, pairs.i, pairs.j], wins[:, pairs.j, pairs.i]
    return Pairs(pairs.responses, pairs.i, pairs.j, own, own + other)
