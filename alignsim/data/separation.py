"""Which votes are one problem: prompts are separate unless that leaves nothing to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.data.comparisons import UNNAMED, Comparisons
from alignsim.errors import Argument, InputError, listed, quote

TELLING = 0.1
"""Share of the prompts that must compare three responses and repeat a pair, to be separate."""

OFTEN = 5
"""Times that responses must occur at the median for one that occurs once to be odd."""

NAMED = 3
"""Odd names that a note lists."""

RECURRING = 0.5
"""Different labels, over labels of all prompts, up to which the same responses recur."""


def separated(votes: Comparisons, by: str | None, pool: bool | None) -> Comparisons:
    """Return votes with their ``by``, as it is asked for or as the votes suggest.

    Prompts are separate problems, judges are pooled. Where the same responses recur between prompts
    and hardly a prompt by itself says how often one beats another (it compares two, or no pair
    twice), the prompts are pooled, and a note says so.
    """
    if pool is not None:
        validation.boolean(pool, "pool")
    if by is not None:
        validation.choice(by, "split_by", ("prompt", "judge"))
        if pool:
            told = "is given, and so is what divides the votes"
            raise InputError(
                "pool", told, ["leave it out, or leave out ", Argument("split_by", by)]
            )
        if getattr(votes, f"{by}s") == UNNAMED:
            told = f"is {quote(by)}, but nothing says which {by} a vote belongs to"
            raise InputError("split_by", told, ["name the column with ", Argument(by, ...)])
        return replace(votes, by=by)
    votes = replace(votes, notes=(*votes.notes, *_oddities(votes), *_of_judges(votes)))
    if votes.prompts == UNNAMED or pool:
        return replace(votes, by="")
    if len(votes.prompts) == 1:
        return replace(votes, by="prompt")
    if pool is False or not _recur(votes) or _telling(votes) >= TELLING:
        note = f"The {len(votes.prompts):,} prompts are separate problems; --pool, or pool=True, "
        return replace(votes, by="prompt", notes=(*votes.notes, note + "makes them one."))
    note = (
        f"The votes on {len(votes.prompts):,} prompts are pooled, as hardly any of them "
        "compares three responses and repeats a pair; --split-by prompt, or split_by='prompt', "
        "keeps them apart."
    )
    return replace(votes, by="", notes=(*votes.notes, note))


def _oddities(votes: Comparisons) -> Iterator[str]:
    """Yield what may be a slip of the pen: a name that occurs once, votes without a prompt."""
    often = np.bincount(np.concatenate([votes.left, votes.right]), minlength=len(votes.labels))
    once = np.flatnonzero(often == 1)
    usual = float(np.median(often))
    if len(once) and usual >= OFTEN:
        named = f"{listed(votes.labels[k] for k in once[:NAMED])}{', ...' * (len(once) > NAMED)}"
        verb = "occur" if len(once) > 1 else "occurs"
        yield f"{named} {verb} only once, others {usual:g} times at the median: mind the spelling."
    if len(votes.prompts) > 1 and "" in votes.prompts:
        nowhere = int((votes.prompt == votes.prompts.index("")).sum())
        if nowhere == 1:
            yield "1 vote has no prompt and is a problem of its own."
        else:
            yield f"{nowhere:,} votes have no prompt and are a problem of their own."


def _of_judges(votes: Comparisons) -> tuple[str, ...]:
    if len(votes.judges) < 2:
        return ()
    told = f"The votes of {len(votes.judges):,} judges are pooled; "
    return (f"{told}--split-by judge, or split_by='judge', keeps them apart.",)


def _recur(votes: Comparisons) -> bool:
    """Return whether most prompts compare responses that others compare too."""
    return len(votes.labels) <= RECURRING * len(_met(votes))


def _telling(votes: Comparisons) -> float:
    """Return the share of prompts in which three responses or more meet, and some pair twice."""
    K, prompts = len(votes.labels), len(votes.prompts)
    responses = np.bincount(_met(votes) // K, minlength=prompts)
    low, high = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    pairs, pair = np.unique((votes.prompt * K + low) * K + high, return_inverse=True)
    repeated = np.bincount(pair, votes.count) > 1
    repeats = np.bincount((pairs // K**2)[repeated], minlength=prompts)
    return float(((responses > 2) & (repeats > 0)).mean())


def _met(votes: Comparisons) -> NDArray[np.int64]:
    """Return the different pairs of a prompt and a response as prompt · K + response, ascending."""
    K = len(votes.labels)
    every = np.sort(np.concatenate([votes.prompt * K + side for side in (votes.left, votes.right)]))
    return np.asarray(every[np.r_[True, np.diff(every) > 0]])
