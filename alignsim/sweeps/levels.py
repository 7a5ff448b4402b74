"""Levels of refinement of a diagram, each kept in a store of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alignsim.sweeps import provenance
from alignsim.sweeps.lattice import IntArray
from alignsim.sweeps.plan import Plan
from alignsim.sweeps.shelf import Shelf
from alignsim.sweeps.store import Contents, Store, Variables
from alignsim.validation import FloatArray


@dataclass
class Levels:
    """The stores of a diagram: of the points that are asked for first, then, and so on.

    Attributes
    ----------
    stores
        What opens them.
    recipe
        All that decides the values, but for the points.
    variables, attributes
        Of each level.
    axes
        The attributes of the parameter on each axis, by its name.
    count
        How many were opened.
    """

    stores: Shelf
    recipe: Mapping[str, Any]
    variables: Variables
    attributes: Mapping[str, Any]
    axes: Mapping[str, Mapping[str, Any]]
    count: int = 0

    def keep(self, points: IntArray, values: Mapping[str, FloatArray], plan: Plan) -> Store:
        """Return the store of the next level, for points by number and by their parameters."""
        level, self.count = self.count, self.count + 1
        contents = Contents(
            recipe={**self.recipe, "points": provenance.said(points), "chunks": list(plan.box)},
            dims=["point"],
            plan=plan,
            variables=self.variables,
            coordinates={name: (["point"], values[name], of) for name, of in self.axes.items()},
            attributes={**self.attributes, "level": level},
        )
        return self.stores(f"level-{level:02}", contents)
