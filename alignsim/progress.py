"""A progress bar that comes late, or not at all."""

from __future__ import annotations

import time
from typing import Any

from alignsim import validation

DELAY = 1.5
"""Seconds before a bar appears."""


class ProgressBar:
    """A bar on standard error for work that takes longer than :data:`DELAY`; a context manager.

    tqdm is imported when the bar appears, not before: in a notebook without ipywidgets its import
    alone warns.

    Parameters
    ----------
    shown
        Whether there is to be a bar at all.
    title, unit
        What is done, and to what.
    total
        How many units, if that is known.

    Examples
    --------
    >>> with ProgressBar(True, "sweep", "maps", total=3) as bar:
    ...     bar.update(3)
    """

    def __init__(self, shown: bool, title: str, unit: str, total: int | None = None) -> None:
        self._shown = validation.boolean(shown, "progress")
        self._look = {"desc": title, "unit": f" {unit}", "total": total}
        self._begun = time.perf_counter()
        self._done = 0
        self._bar: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, units: int) -> None:
        """Say that more units are done."""
        self._done += units
        if self._bar is not None:
            self._bar.update(units)
        elif self._shown and time.perf_counter() - self._begun >= DELAY:
            from tqdm.auto import tqdm

            self._bar = tqdm(**self._look, delay=1e-9)  # of 0 it would show an empty bar first
            elapsed = time.perf_counter() - self._begun
            self._bar.start_t -= elapsed
            self._bar.last_print_t -= elapsed
            self._bar.update(self._done)
