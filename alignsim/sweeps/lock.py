"""A lock on a file that the operating system takes back when its process ends, however it ends."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_own: set[str] = set()
_alone = threading.Lock()
"""The files that this process has locked: to the system, a process never stands in its own way."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_own.clear)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, which is made; a process that is forked does not hold it.

    Raises
    ------
    BlockingIOError
        If another process holds it, or another thread of this one.
    """
    name = os.path.realpath(path)
    with _alone:
        if name in _own:
            raise BlockingIOError(f"'{path}' is locked by this process")
        _own.add(name)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
            yield
        finally:
            os.close(handle)  # which ends the lock
    finally:
        with _alone:
            _own.discard(name)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(str(error)) from None

else:
    import fcntl

    def _lock(handle: int) -> None:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise BlockingIOError(str(error)) from None
