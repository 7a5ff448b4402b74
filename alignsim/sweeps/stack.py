"""Preference matrices of a sweep, in memory or read part by part."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np

from alignsim import validation
from alignsim.errors import InputError
from alignsim.validation import FloatArray

ENTRIES_AT_A_TIME = 2**21
"""Entries of matrices that are read and checked together."""


class Stack:
    """Checked preference matrices: one (K, K), or several (m, K, K).

    A memory-mapped array, and one that is stored in chunks (of Zarr, HDF5 or dask), stays where it
    is: each part is read and checked when it is needed.

    Examples
    --------
    >>> import alignsim as asim
    >>> stack = Stack(np.stack([asim.preferences.cyclic(3, advantage=a) for a in (0.1, 0.3)]))
    >>> stack.several, stack.shape, stack.part(1, 2)[0, 0].tolist()
    (True, (2, 3, 3), [0.5, 0.8, 0.2])
    """

    def __init__(self, P: Any) -> None:
        away = isinstance(P, np.memmap) or getattr(P, "chunks", None) is not None
        self._away = away and len(getattr(P, "shape", ())) == 3
        self._P: Any = P if self._away else validation.preference_matrix(P)
        self.shape: tuple[int, ...] = tuple(self._P.shape)
        if len(self.shape) > 3:
            raise ValueError(
                f"P has shape {self.shape}; a sweep takes one matrix (K, K) or a stack (m, K, K): "
                "reshape it to one"
            )
        self._last: tuple[tuple[int, int], FloatArray] | None = None

    @property
    def several(self) -> bool:
        """Whether there is a stack."""
        return len(self.shape) == 3

    @property
    def ndim(self) -> int:
        """2 or 3."""
        return len(self.shape)

    @property
    def responses(self) -> int:
        """K."""
        return self.shape[-1]

    def __len__(self) -> int:
        return self.shape[0] if self.several else 1

    def part(self, first: int, last: int) -> FloatArray:
        """Return matrices ``first`` to ``last`` (excluded), (n, K, K); the same twice in a row."""
        if self._last is None or self._last[0] != (first, last):
            self._last = (first, last), self._read(first, last)
        return self._last[1]

    def __getitem__(self, places: Any) -> FloatArray:
        """Return matrices at consecutive places (...): (..., K, K)."""
        first, last = int(np.min(places)), int(np.max(places)) + 1
        return self.part(first, last).reshape(*np.shape(places), *self.shape[-2:])

    @cached_property
    def sha256(self) -> str:
        """The hash of all matrices, for which they are all read and checked."""
        digest = hashlib.sha256()
        each = max(1, ENTRIES_AT_A_TIME // self.responses**2)
        for first in range(0, len(self), each):
            digest.update(np.ascontiguousarray(self._read(first, first + each)).tobytes())
        return digest.hexdigest()

    def _read(self, first: int, last: int) -> FloatArray:
        if not self._away:
            return np.asarray(self._P.reshape(-1, *self.shape[-2:])[first:last])
        try:
            return validation.preference_matrix(np.asarray(self._P[first:last]))
        except InputError as error:
            if not error.index:
                raise
            place = (error.index[0] + first, *error.index[1:])
            raise InputError("P", error.complaint, error.remedy, index=place) from None
