"""Every format, by its name; the first that recognises some content reads it."""

from __future__ import annotations

from alignsim.data.formats import (
    aggregated,
    battles,
    chosen_rejected,
    counts,
    games,
    graded,
    matrices,
    one_hot,
    orders,
    payoffs,
    rankings,
    rated,
    strengths,
    unpaired,
    winners,
)
from alignsim.data.formats.contract import Format

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        orders,
        matrices,
        payoffs,
        counts,
        chosen_rejected,
        winners,
        one_hot,
        aggregated,
        games,
        strengths,
        graded,
        battles,
        rankings,
        unpaired,
        rated,
    )
}
"""Name → what the format recognises and how it is read."""

LAST = {"votes": battles.FORMAT, "ratings": rated.FORMAT, "matrices": matrices.FORMAT}
"""Which format of a family complains where none recognises a content."""
