"""Preference matrices with the names of what they compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from alignsim import validation
from alignsim.data.problems import Problem
from alignsim.errors import InputError, quote
from alignsim.summary import LISTED, Lines, Summarised
from alignsim.validation import FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Matrices(Summarised):
    """A batch of preference matrices, checked, with labels.

    Attributes
    ----------
    P
        (..., K, K), P[i, j] = Pr(i beats j).
    labels
        The K responses of each matrix, matrices in row-major order; ``()`` if unnamed.
    names
        The prompt or name of each matrix, in the same order; ``()`` if unnamed.
    notes
        What was assumed when they were read, in sentences.

    Raises
    ------
    ValueError
        If P is no preference matrix, or the labels or names do not fit its shape.

    Examples
    --------
    >>> import alignsim as asim
    >>> matrices = asim.data.Matrices([[0.5, 0.7], [0.3, 0.5]], labels=(("tea", "coffee"),))
    >>> len(matrices), matrices.responses
    (1, 2)
    """

    P: FloatArray
    labels: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def _title(self) -> str:
        many = f"{len(self):,} matrices" if self.P.ndim > 2 else "one matrix"
        return f"Matrices: {many} of {self.responses} responses"

    def _summary(self) -> Lines:
        yield "names", _first(self.names)
        yield "labels", _first(self.labels[0]) if len(set(self.labels)) == 1 else ""
        for note in self.notes:
            yield "note", note

    def __post_init__(self) -> None:
        object.__setattr__(self, "P", validation.preference_matrix(self.P))
        object.__setattr__(self, "names", validation.names(self.names, "names"))
        for what, given in (("labels", self.labels), ("names", self.names)):
            if not isinstance(given, tuple):
                raise InputError(what, f"is {quote(given)}", "give a tuple, one entry a matrix")
            if given and len(given) != len(self):
                told = f"has {len(given)} entries for {len(self)} matrices"
                raise InputError(what, told, "give one a matrix, or none")
        for index, row in enumerate(self.labels):
            validation.names(row, f"labels[{index}]", letters=True)
            if len(row) != self.responses:
                told = f"names {len(row)} responses"
                raise InputError("labels", told, f"P has {self.responses}", index=(index,))

    def __len__(self) -> int:
        """Return the number of matrices, 1 for a single one."""
        return int(np.prod(self.P.shape[:-2], dtype=int))

    @property
    def responses(self) -> int:
        """Return K."""
        return int(self.P.shape[-1])

    def problems(self) -> list[Problem]:
        """Return each matrix with its name and labels; what has none is numbered from 0."""
        K = self.responses
        numbered = tuple(map(str, range(K)))
        named = self.names or ("",) * (len(self) == 1) or tuple(map(str, range(len(self))))
        labels = self.labels or (numbered,) * len(self)
        return list(map(Problem, named, labels, self.P.reshape(-1, K, K)))


@dataclass(frozen=True, eq=False, repr=False)
class MatrixStacks(Summarised, Mapping[int, Matrices]):
    """Matrices of several sizes: a mapping from K to the stack (n, K, K) of that size.

    Attributes
    ----------
    stacks
        The stacks by K, ascending.
    skipped
        The prompts that had too few responses for a matrix.

    Examples
    --------
    >>> import alignsim as asim
    >>> pair = asim.data.Matrices([[[0.5, 0.7], [0.3, 0.5]]], names=("tea or coffee",))
    >>> stacks = asim.data.MatrixStacks({2: pair}, skipped=("only water",))
    >>> list(stacks), stacks[2].names, len(stacks.skipped)
    ([2], ('tea or coffee',), 1)
    """

    stacks: Mapping[int, Matrices]
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.stacks, Mapping):
            raise InputError("stacks", f"is {quote(self.stacks)}", "give a dict of Matrices by K")

    def _title(self) -> str:
        return f"MatrixStacks of {len(self):,} sizes"

    def _summary(self) -> Lines:
        for size, stack in self.items():
            yield f"K = {size}", f"{len(stack):,} matrices"
        yield "skipped", f"{len(self.skipped):,} prompts" if self.skipped else ""

    def __getitem__(self, responses: int) -> Matrices:
        return self.stacks[responses]

    def __iter__(self) -> Iterator[int]:
        return iter(self.stacks)

    def __len__(self) -> int:
        return len(self.stacks)


def _first(names: tuple[str, ...]) -> str:
    """Return the first few names."""
    shown = ", ".join(names[:LISTED])
    return f"{shown}, …" if len(names) > LISTED else shown
