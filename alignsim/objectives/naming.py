"""All objectives by name: how each is solved, its parameters, what is proved, where it is from."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from alignsim.listing import Listing
from alignsim.objectives.catalogue import OBJECTIVES
from alignsim.objectives.contract import FORMS, Field, Objective, Trainable
from alignsim.parameters import call, described
from alignsim.summary import Lines

FACTS = {
    "linear": "score linear in the sampler",
    "win_gain": "ranks by win rates",
    "uniform_gain": "onset of symmetric games",
    "unique_from": "one fixed point",
    "imaginary_from": "imaginary eigenvalues",
    "score_gaps": "bounded gaps of scores",
    "score_span": "bounded span of scores",
    "forgotten": "directions that are forgotten",
}
"""What each fact of :class:`~alignsim.objectives.Facts` says."""


class ObjectiveTable(Listing):
    """All objectives, one a row: their names; ``print`` shows the rest, and so does a notebook."""

    kind = "objectives"
    caption = "classes, parameters, what is proved, sources"

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.objectives = tuple(objectives)

    def _summary(self) -> Lines:
        for each in self.objectives:
            others = (*each.policies, *each.vectors)
            yield call(each.name, each.parameters, *others), FORMS[each.form]

    def rows(self) -> list[dict[str, str]]:
        """Return name, class, parameters, use, what is proved and source of each, as words."""
        return [_row(each) for each in self.objectives]


def objectives_table() -> ObjectiveTable:
    """Return the table of all objectives: classes, parameters, what is proved, sources.

    What the literature has beside these, and why it is not among them, stands in
    ``docs/objectives.md``.

    Examples
    --------
    >>> import alignsim as asim
    >>> table = asim.objectives_table()
    >>> table.names[:2], table.rows()[0]["class"]
    (['ipo', 'dpo'], 'a: closed form')
    """
    return ObjectiveTable(tuple(OBJECTIVES.values()))


def proved(of: Objective) -> dict[str, str]:
    """Return what is proved of an objective, in words, with where the proof stands."""
    return {FACTS[name]: source for name, source in of.facts.sources().items()}


def analysable(of: Objective) -> str:
    """Return whether loops have fixed points, multipliers and exponents to look for, or why not.

    >>> analysable(OBJECTIVES["dpo"])
    'yes'
    >>> analysable(OBJECTIVES["slic"])
    'no: a loss whose optimum is not differentiable where margins are met'
    """
    return "yes" if of.analysable else f"no: {of.unanalysable}"


def summary(of: Objective) -> str:
    """Return the first line of what is said of an objective's class."""
    return (inspect.getdoc(type(of)) or "").partition("\n")[0]


def _row(each: Objective) -> dict[str, str]:
    policies = [f"{name} (a policy)" for name in each.policies]
    vectors = [f"{name} (a number a response)" for name in each.vectors]
    return {
        "name": each.name,
        "class": f"{each.form}: {FORMS[each.form]}",
        "optimum": summary(each),
        "parameters": ", ".join([*map(described, each.parameters), *policies, *vectors]),
        "in loops": "of gradient steps" if isinstance(each, Field) else "yes",
        "analysable": analysable(each),
        "training": "yes" if isinstance(each, Trainable) else "no",
        "proved": ", ".join(proved(each)) or "nothing",
        "source": each.source,
    }
