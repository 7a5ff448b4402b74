"""Preference matrices: P[i, j] = Pr(i beats j)."""

from __future__ import annotations

import numpy as np

from alignsim import validation
from alignsim.data.contents import Content
from alignsim.data.formats.contract import Format, Given
from alignsim.data.formats.squares import kind_of
from alignsim.data.grids import PICK_ONE, Grid, Grids
from alignsim.data.matrices import Matrices
from alignsim.errors import FileFormatError, InputError, listed, words

OPTIONS = frozenset({"key"})


def recognises(content: Content, given: Given) -> bool:  # noqa: ARG001
    """Return whether the content holds square arrays of probabilities."""
    return isinstance(content, Grids) and kind_of(content.entries[0]) in ("P", "percent")


def read(content: Content, given: Given) -> Matrices:
    """Return the matrices; several entries of one size become a stack."""
    if not isinstance(content, Grids):
        told = words("holds a table, which has no {key}; leave it out")
        if "key" not in given:
            told = words("holds no square matrices")
        raise FileFormatError(content.path, told)
    found = [_checked(content, entry) for entry in content.entries]
    if len({entry.P.shape for entry in found}) > 1:
        known = listed(entry.name for entry in content.entries)
        several = "holds matrices of several sizes"
        raise FileFormatError(content.path, several, [*PICK_ONE, f" ({known})"])
    if len(found) == 1:
        return found[0]
    labelled = all(entry.labels for entry in found)
    labels = tuple(row for entry in found for row in entry.labels) if labelled else ()
    each = tuple(entry.name for entry in content.entries) if found[0].P.ndim == 2 else ()
    notes = tuple(dict.fromkeys(note for entry in found for note in entry.notes))
    return Matrices(np.stack([entry.P for entry in found]), labels, each, notes)


def _checked(content: Grids, grid: Grid) -> Matrices:
    P = grid.array.copy()
    notes = list(content.notes)
    if kind_of(grid) == "percent":
        P /= 100.0
        notes.append("The numbers of a pair add up to 100 and are read as per cent.")
    K = P.shape[-1]
    on = np.arange(K)
    if np.isnan(P[..., on, on]).all() or (P[..., on, on] == 0).all():
        P[..., on, on] = 0.5
        notes.append("The diagonal is empty and is set to 1/2.")
    name = grid.name or "P"
    try:
        P = validation.preference_matrix(P, name)
    except InputError as error:
        raise FileFormatError.within(content.path, error) from None
    own = (grid.name,) if grid.name and P.ndim == 2 else ()
    names: tuple[str, ...] = grid.names or own
    return Matrices(P, grid.labels, names, tuple(notes))


FORMAT = Format(
    name="matrices",
    gives="matrices",
    holds="square arrays of Pr(row beats column), bare or labelled, in CSV, JSON or NumPy files",
    options=OPTIONS,
    recognises=recognises,
    read=read,
    suffix=".csv",
    example=",milk,tea\nmilk,0.5,0.25\ntea,0.75,0.5\n",
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
