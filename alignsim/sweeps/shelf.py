"""Several stores in one folder, for a study of several parts: levels of a diagram, objectives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from alignsim import validation
from alignsim.sweeps.store import CHECKSUM, Contents, Store, opened, refuse_any

Shelf = Callable[[str, Contents], Store]
"""Opens the store of a part, by its name."""


@contextmanager
def shelf(path: str | os.PathLike[str]) -> Iterator[Shelf]:
    """Yield what opens stores in a folder; all are checked, and this process's until the end.

    Raises
    ------
    ValueError, OSError
        As of :func:`~alignsim.sweeps.store.opened`.
    """
    place = validation.path(path, "store")
    if place.exists() and not (place.is_dir() and all(map(_is_part, place.iterdir()))):
        refuse_any(place)
    with ExitStack() as held:

        def part(name: str, contents: Contents) -> Store:
            store = held.enter_context(opened(place / name, contents))
            store.check()
            return store

        yield part


def _is_part(path: Path) -> bool:
    return path.is_dir() and ((path / CHECKSUM).is_dir() or not any(path.iterdir()))
