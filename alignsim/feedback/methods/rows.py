"""Schemes that are given as arrays of coefficients: checked, and wired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from alignsim import validation
from alignsim.errors import InputError, quote
from alignsim.feedback.methods.contract import STARTS, Method, Slot
from alignsim.feedback.methods.wiring import Combination, Wiring
from alignsim.validation import FloatArray

BALANCED = 1e-9
"""How far the coefficients of positions may be from the sum that they must have."""


@dataclass(frozen=True)
class GivenRows(Method):
    """The method of a scheme that was given as arrays, which are its parameters."""

    stages: int = 1

    @classmethod
    def of(cls, slots: tuple[Slot, ...], stages: int) -> Self:
        """Return the method for these slots and a number of stages."""
        return cls("custom", "as given", slots, (), _no_wire, "", stages=stages)

    def wired(self, columns: Mapping[str, Any]) -> Wiring:
        """Return the wiring that the rows are."""
        D, s = len(self.slots), self.stages
        width = 1 + D + s
        rows = columns["rows"].reshape(*columns["rows"].shape[:-1], 2 * s + D, width)
        combinations = [
            Combination({v: rows[..., i, v] for v in range(width) if np.any(rows[..., i, v])})
            for i in range(2 * s + D)
        ]
        return Wiring(D, combinations[:s], combinations[s : 2 * s], tuple(combinations[2 * s :]))


def _no_wire(_: Wiring) -> None:
    raise TypeError("a custom scheme is wired by its arrays")


def slot_names(size: int) -> list[str]:
    """Return what the slots of a state are called in formulas."""
    return list("xyz"[:size]) if size <= 3 else [f"x{d}" for d in range(1, size + 1)]


def checked_starts(
    starts: Sequence[str] | None, size: int, usual: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """Return what each slot begins with; of a method, a slot keeps its kind."""
    begin = ("start",) * size if starts is None else validation.names(starts, "starts")
    if len(begin) != size:
        told = f"is {quote(begin)}"
        raise InputError("starts", told, f"give one word for each of {size} slots")
    for place, word in enumerate(begin):
        validation.choice(word, f"starts[{place}]", STARTS)
        if usual is not None and Slot("", word).direction != Slot("", usual[place]).direction:
            kind = "'zero' or 'score'" if Slot("", usual[place]).direction else "a policy"
            raise InputError(f"starts[{place}]", f"is {word!r}", f"the slot begins with {kind}")
    if begin[0] != "start":
        raise InputError("starts[0]", f"is {begin[0]!r}", "the policy begins with 'start'")
    return begin


def check_rows(rows: Mapping[str, FloatArray], slots: tuple[Slot, ...]) -> None:
    """Raise where rows do not wire a round."""
    D = len(slots)
    s = rows["reference"].shape[-2]
    directions = np.array([slot.direction for slot in slots])
    position = np.concatenate([[True], ~directions, np.ones(s, dtype=bool)])
    for name in ("reference", "opponent"):
        later = np.triu(np.ones((s, s), dtype=bool))
        used = rows[name][..., 1 + D :] != 0.0
        if (used & later).any():
            stage = int(np.argwhere((used & later).any(axis=tuple(range(used.ndim - 2))))[0, 0])
            raise InputError(
                name, f"lets stage {stage + 1} use the optimum of itself or of a later stage",
                "a stage may use earlier ones only",
            )  # fmt: skip
    for name, row in rows.items():
        total = row[..., position].sum(axis=-1)
        wanted = np.where(directions, 0.0, 1.0) if name == "update" else np.ones(s)
        off = np.abs(total - wanted) > BALANCED
        if off.any():
            place = tuple(int(i) for i in np.argwhere(off)[0])
            raise InputError(
                name,
                f"has positions that sum to {total[place]:.6g} in row {place[-1] + 1}",
                f"they must sum to {wanted[place[-1]]:g}",
            )
    _refuse_unused(rows, D, s)


def _refuse_unused(rows: Mapping[str, FloatArray], D: int, s: int) -> None:
    """Raise if a slot or a stage never reaches the policy."""
    width = 1 + D + s
    leads = np.zeros((width, width), dtype=bool)
    for name, first in (("update", 1), ("reference", 1 + D), ("opponent", 1 + D)):
        row = rows[name] != 0.0
        used = row.any(axis=tuple(range(row.ndim - 2)))
        leads[first : first + len(used)] |= used
    reached = np.zeros(width, dtype=bool)
    reached[1] = True
    for _ in range(width):
        reached |= leads[reached].any(axis=0)
    lost = np.flatnonzero(~reached[1:])
    if len(lost):
        place = int(lost[0])
        what = f"slot {place + 1}" if place < D else f"the optimum of stage {place - D + 1}"
        raise InputError(
            "update", f"never brings {what} to the policy, the first slot", "use it or leave it out"
        )
