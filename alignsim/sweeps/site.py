"""Where bits are made: on which versions and which kind of processor, and in which process."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from alignsim._version import __version__

LIBRARIES = ("numba", "numpy", "scipy")
"""On whose versions the last bits may depend."""


@dataclass(frozen=True)
class Home:
    """Where a study was begun: what :func:`site` and :func:`place` say there."""

    versions: Mapping[str, str]
    process: tuple[str, int]

    @classmethod
    def here(cls) -> Home:
        """Return that of this process."""
        return cls(site(), place())


class WrongWorkerError(RuntimeError):
    """A worker would not compute the same bits: its versions or its processor differ."""


@cache
def site() -> dict[str, str]:
    """Return on what the last bits depend here: versions, and the kind of processor."""
    import llvmlite.binding
    import numba

    settings: Any = numba.config
    kind = settings.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    compiled = ", without JIT" if settings.DISABLE_JIT else ""
    return {
        "alignsim": __version__,
        **{library: version(library) for library in LIBRARIES},
        "processor": f"{platform.machine()} {kind}{compiled}",
    }


def place() -> tuple[str, int]:
    """Return the machine and the process that this is."""
    return platform.node(), os.getpid()


def refuse_other(home: Mapping[str, str]) -> None:
    """Raise :class:`WrongWorkerError` where a study of another site would not keep its bits."""
    here = site()
    apart = [f"{name} {here[name]}, not {home[name]}" for name in home if here[name] != home[name]]
    if apart:
        raise WrongWorkerError(
            f"the worker of process {os.getpid()} on {platform.node()} has {'; '.join(apart)}: its "
            "last digits could differ; start it with the same versions on the same kind of "
            "processor"
        )


def settle(home: Home) -> None:
    """Make ready to compute for a study that was begun elsewhere, as its bits demand.

    Raises
    ------
    WrongWorkerError
        If versions or the kind of processor differ.
    """
    refuse_other(home.versions)
    if home.process != place():
        _keep_to_one_thread()


@cache
def _keep_to_one_thread() -> None:
    """Let matrix products of this process run on one thread from now on."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
