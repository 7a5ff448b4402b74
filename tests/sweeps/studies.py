"""A small sweep of many chunks, jobs for runners, and processes that end badly."""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np

import alignsim as asim

STACK = np.stack(
    [asim.preferences.cyclic(3, advantage=0.4), asim.preferences.bradley_terry([0.0, 0.5, 1.5]),
     np.array([[0.5, 0.7, 0.4], [0.3, 0.5, 0.8], [0.6, 0.2, 0.5]])]
)  # fmt: skip
GRID = {"alpha": [0.0, 0.6], "beta": [0.5, 2.0, 6.0, 9.0, 12.0], "lam": [0.3, 0.7, 1.0]}
CHUNK = 6
"""Most maps of a chunk in these tests: there are 18 chunks."""


def study(**given):
    """Return a sweep of 90 maps."""
    return asim.sweep(STACK, **{**GRID, "by": "both", "rounds": 60, "progress": False, **given})


def values(ds):
    """Return a dataset as it is in memory, without the mask of a store."""
    return ds.load().drop_vars("computed")


def forked(function, *arguments):
    """Return a process that runs a function, begun as a copy of this one."""
    process = multiprocessing.get_context("fork").Process(target=function, args=arguments)
    process.start()
    return process


def added(shared, number):
    """Return a sum: the work of a job."""
    return shared + number


def added_in(shared, number):
    """Return a sum, and in which process it was computed."""
    return shared + number, os.getpid()


def failing(shared, number):
    """Fail."""
    raise ValueError(f"no {number}")


def dying_once(shared, number):
    """End the process of whoever computes this first; then return a sum."""
    mark = Path(shared, f"died-{number}")
    if number in (1, 4) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dying(shared, number):
    """End the process of whoever computes this."""
    os.kill(os.getpid(), signal.SIGKILL)


def of_another_version():
    """Make this process one in which another version is installed."""
    from alignsim.sweeps import site

    site.__version__ = "9.9"
    site.site.cache_clear()
