"""A progress bar that comes late or not at all; in a file, a line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

from alignsim import validation

DELAY = 1.5
"""Seconds before a bar appears."""

FIRST_LINE = 30.0
"""Seconds before the first line in a file; each later one comes after twice as long as the last."""

WIDTH = 79
"""Characters of a bar in a notebook, which has no terminal to ask."""


class ProgressBar:
    """A bar on standard error for work that takes longer than :data:`DELAY`; a context manager.

    On a terminal it is tqdm's. In a notebook it is tqdm's widget where ipywidgets is installed,
    else a line that is written anew. Where standard error is a file or a pipe, which keeps every
    character, whole lines are written, ever more rarely.

    tqdm is imported when something is to be shown, not before.

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
        shown = validation.boolean(shown, "progress")
        self._shown = shown
        self._look = {"desc": title, "unit": f" {unit}", "total": total}
        self._begun = time.perf_counter()
        self._done = 0
        self._bar: Any = None
        self._keeps = shown and not in_kernel() and not _is_terminal()
        self._due = FIRST_LINE

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._due > FIRST_LINE:
            self._write_line(time.perf_counter() - self._begun)

    def update(self, units: int) -> None:
        """Say that more units are done."""
        self._done += units
        elapsed = time.perf_counter() - self._begun
        if self._bar is not None:
            self._bar.update(units)
        elif self._keeps and elapsed >= self._due:
            self._due = 2.0 * elapsed
            self._write_line(elapsed)
        elif self._shown and not self._keeps and elapsed >= DELAY:
            self._bar = _kind_of_bar()(**self._look, delay=1e-9)  # of 0 it would show an empty bar
            elapsed = time.perf_counter() - self._begun
            self._bar.start_t -= elapsed
            self._bar.last_print_t -= elapsed
            self._bar.update(self._done)

    def _write_line(self, elapsed: float) -> None:
        """Write how far the work is."""
        from tqdm.std import tqdm

        look = {"prefix": self._look["desc"], "unit": self._look["unit"], "ncols": WIDTH}
        line = tqdm.format_meter(self._done, self._look["total"], elapsed, ascii=True, **look)
        print(line, file=sys.stderr, flush=True)


def in_kernel() -> bool:
    """Return whether this runs in the kernel of a notebook."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return hasattr(shell, "kernel")


def _is_terminal() -> bool:
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def _kind_of_bar() -> Any:
    """Return tqdm for where we are; its own choice warns in a notebook without ipywidgets."""
    from importlib.util import find_spec

    if not in_kernel():
        from tqdm.std import tqdm
    elif find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm
    else:
        from functools import partial

        from tqdm.std import tqdm

        return partial(tqdm, ncols=WIDTH)
    return tqdm
