"""Payoff matrices of symmetric games in which one side wins what the other loses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from alignsim.data.contents import Content
from alignsim.data.formats import matrices
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.squares import CLOSE, kind_of
from alignsim.data.grids import Grid, Grids
from alignsim.data.matrices import Matrices
from alignsim.errors import FileFormatError

OPTIONS = frozenset({"key"})


def recognises(content: Content, given: Given) -> bool:  # noqa: ARG001
    """Return whether the content holds payoffs, by name or as what one wins the other loses."""
    return isinstance(content, Grids) and kind_of(content.entries[0]) == "payoffs"


def read(content: Content, given: Given) -> Matrices:
    """Return P = (1 + payoff)/2 where payoffs are from −1 to 1, and P where they are that."""
    if not isinstance(content, Grids):
        raise FileFormatError(content.path, "holds no square array of payoffs")
    notes, entries = [], []
    for grid in content.entries:
        A = grid.array
        both = A + np.swapaxes(A, -1, -2)
        if np.all(np.abs(both - 1.0) <= CLOSE) and np.all((A >= 0) & (A <= 1)):
            P = A
            notes.append("Payoffs that add up to 1 are read as probabilities of winning.")
        elif not np.all(np.abs(both) <= CLOSE):
            told = "is no symmetric zero-sum game: payoffs of a pair add up neither to 0 nor to 1"
            raise FileFormatError(
                content.path, told, "give one in which one wins what the other loses"
            )
        elif (most := float(np.abs(A).max())) > 1.0:
            told = f"holds payoffs up to {most:g}"
            raise FileFormatError(content.path, told, "divide them so that 1 is a sure win")
        else:
            P = 0.5 + 0.5 * A
            notes.append("A payoff of 1 is read as a sure win, −1 as a sure loss, 0 as even.")
        entries.append(Grid(grid.name, P, grid.labels, grid.names, "P"))
    found = matrices.read(Grids(content.path, tuple(entries), content.notes), given)
    return replace(found, notes=(*found.notes, *dict.fromkeys(notes)))


FORMAT = Format(
    name="payoffs",
    gives="matrices",
    holds="payoffs of a symmetric zero-sum game, from −1 to 1; also games of Nashpy and others",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example=",milk,tea\nmilk,0,-0.5\ntea,0.5,0\n",
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
