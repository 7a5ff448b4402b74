"""Frozen dataclasses whose arrays share leading batch axes: taken, reshaped and compared as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Batched:
    """What the fields of a frozen dataclass have in common with its batch.

    An array field holds one entry an instance, (...). ``AXES`` names those that have further axes,
    with their number, or None for an array that is not part of the batch. A field that is batched
    itself goes along. Everything else is shared by all instances.

    Examples
    --------
    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Pair(Batched):
    ...     AXES = {"place": 1}
    ...     size: np.ndarray
    ...     place: np.ndarray
    >>> pair = Pair(np.arange(6), np.zeros((6, 3)))
    >>> pair.reshaped((2, 3)).place.shape, pair.taken(np.array([4, 5])).size.tolist()
    ((2, 3, 3), [4, 5])
    """

    AXES: ClassVar[Mapping[str, int | None]] = {}

    def reshaped(self, shape: tuple[int, ...]) -> Self:
        """Return the same with another shape of the batch."""
        return self._changed(lambda value, further: value.reshape((*shape, *further)))

    def taken(self, which: Any) -> Self:
        """Return the instances at an index of the batch: an array, a slice, a tuple of arrays."""
        rows = isinstance(which, np.ndarray) and which.dtype.kind == "i"
        return self._changed(lambda value, _: _at(value, which) if rows else value[which])

    def repeated(self, shape: tuple[int, ...]) -> Self:
        """Return the same broadcast to a larger shape of the batch."""
        return self._changed(lambda value, further: np.broadcast_to(value, (*shape, *further)))

    def put(self, which: Any, found: Self) -> None:
        """Overwrite the instances at an index of the batch by those of ``found``."""
        for own, new in zip(self._arrays(), found._arrays(), strict=True):
            own[which] = new

    def _with(self, **changes: Any) -> Self:
        """Return a copy with other values of fields."""
        kind: type = type(self)
        new: Self = object.__new__(kind)
        vars(new).update({name: getattr(self, name) for name in _names(kind)} | changes)
        return new

    def _changed(self, change: Callable[[Array, tuple[int, ...]], Array]) -> Self:
        """Return a copy with every batched array changed, given the sizes of its further axes."""
        changes: dict[str, Any] = {}
        for name, value in self._members():
            if isinstance(value, Batched):
                changes[name] = value._changed(change)
            else:
                further = value.ndim - (self.AXES.get(name) or 0)
                changes[name] = change(value, value.shape[further:])
        return self._with(**changes) if changes else self

    def _members(self) -> Iterator[tuple[str, Any]]:
        """Yield the fields that are part of the batch."""
        kind: type = type(self)
        for name in _names(kind):
            value = getattr(self, name)
            own = isinstance(value, np.ndarray) and self.AXES.get(name, 0) is not None
            if own or isinstance(value, Batched):
                yield name, value

    def _arrays(self) -> Iterator[Array]:
        for _, value in self._members():
            if isinstance(value, Batched):
                yield from value._arrays()
            else:
                yield value


def _at(value: Array, rows: NDArray[np.intp]) -> Array:
    """Return ``value[rows]``, where the further axes are short ten times as fast.

    ``take`` would copy first what is not contiguous.
    """
    return value.take(rows, axis=0) if value.flags.c_contiguous else value[rows]


@cache
def _names(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass, which ``fields`` sorts out at each call."""
    return tuple(entry.name for entry in fields(kind))
