"""From votes to what the model needs: wins and votes of the pairs that comparisons connect."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignsim.data.comparisons import UNNAMED, Comparisons
from alignsim.data.posteriors.dispersion import Rows, overdispersion
from alignsim.data.posteriors.ordering import Order, canonical
from alignsim.data.posteriors.pairs import Pairs, compared
from alignsim.validation import FloatArray

DIGITS = 9
"""Of sums of votes: graded votes add up to the same in every order of rows."""


class Board(NamedTuple):
    """Votes among K responses that comparisons connect.

    ``pairs`` are in the canonical ``order`` (K,): its response k is ``labels[order[k]]``.
    ``left_out`` are the labels that no chain of comparisons connects with them. ``judges`` is 0
    where they are not named.
    """

    labels: tuple[str, ...]
    left_out: tuple[str, ...]
    order: Order
    pairs: Pairs
    overdispersion: float
    judges: int

    @property
    def scaled(self) -> Pairs:
        """The pairs with wins and votes divided by the overdispersion: what they weigh."""
        return divided(self.pairs, self.overdispersion)


def board(votes: Comparisons) -> Board:
    """Return the votes of the largest set of responses that comparisons connect."""
    wins = np.round(votes.wins, DIGITS)
    kept = _largest_component(wins)
    labels = tuple(votes.labels[i] for i in kept)
    left_out = tuple(label for label in votes.labels if label not in set(labels))
    if left_out:
        votes = votes.restrict(labels)
        wins = np.round(votes.wins, DIGITS)
    every = compared(wins)
    order = canonical(wins)
    return Board(
        labels,
        left_out,
        order,
        compared(wins[np.ix_(order, order)]),
        overdispersion(every, tied(votes), _units(votes, every)),
        0 if votes.judges == UNNAMED else len(np.unique(votes.judge)),
    )


def divided(pairs: Pairs, by: float) -> Pairs:
    """Return the pairs with wins and votes divided by a number."""
    return Pairs(pairs.responses, pairs.i, pairs.j, pairs.wins / by, pairs.votes / by)


def tied(votes: Comparisons) -> float:
    """Return Σ y(1 − y) over the votes, a quarter of the number of ties."""
    return float((votes.count * votes.share * (1.0 - votes.share)).sum())


def _units(votes: Comparisons, pairs: Pairs) -> list[Rows]:
    """Return the votes by judge and by prompt, whichever are named."""
    first = votes.left < votes.right
    low, high = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    place = np.searchsorted(pairs.i * pairs.responses + pairs.j, low * pairs.responses + high)
    wins = votes.count * np.where(first, votes.share, 1.0 - votes.share)
    return [
        Rows(np.unique(code, return_inverse=True)[1].reshape(-1), place, wins, votes.count)
        for names, code in ((votes.judges, votes.judge), (votes.prompts, votes.prompt))
        if names != UNNAMED
    ]


def _largest_component(wins: FloatArray) -> NDArray[np.intp]:
    """Return the largest connected set, ascending; of equals that with most votes."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    votes = wins + wins.T
    _, component = connected_components(csr_array(votes), directed=False)
    size = np.bincount(component)
    cast = np.bincount(component, votes.sum(axis=1))
    return np.flatnonzero(component == np.lexsort((cast, size))[-1])
