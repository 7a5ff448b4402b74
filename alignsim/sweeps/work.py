"""The work of a chunk: a function of its inputs alone, small to send to whoever computes it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from alignsim._version import __version__
from alignsim.feedback import FeedbackMap
from alignsim.feedback.naming import method
from alignsim.validation import FloatArray

Columns = dict[str, np.ndarray]
"""One value a map for every variable."""

LIBRARIES = ("numba", "numpy", "scipy")
"""On whose versions the last bits may depend."""


class Labeller(Protocol):
    """What is asked of maps: a small object that can be pickled."""

    def columns(self, maps: FeedbackMap, threads: int | None) -> Columns:
        """Return one value a map of a flat batch for every variable."""


@dataclass(frozen=True)
class Chunk:
    """Maps of one method, and what is asked of them, without their preference matrices.

    The parameters broadcast, so that they are much smaller than the batch.

    Attributes
    ----------
    method
        The name of the method.
    values
        The parameters, (...) each.
    further
        The objective and the policies.
    labeller
        What is asked.
    """

    method: str
    values: Mapping[str, Any]
    further: Mapping[str, Any]
    labeller: Labeller

    def loop(self, P: FloatArray) -> FeedbackMap:
        """Return the maps of matrices (..., K, K) as a flat batch."""
        whole = method(self.method, P, **self.values, **self.further)
        return whole.part(0, whole.size)


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


def compute(P: FloatArray, chunk: Chunk, threads: int | None, home: Home) -> Columns:
    """Return the columns of a chunk; nothing but P and the chunk decides a bit of them.

    Parameters
    ----------
    P : (..., K, K)
        The matrices that the maps of the chunk need, no others.
    chunk
        What to compute.
    threads
        For the kernels; by default all that there are.
    home
        Where the study was begun.

    Raises
    ------
    WrongWorkerError
        If this process differs from that.
    """
    refuse_other(home.versions)
    if home.process != place():
        _keep_to_one_thread()
    return chunk.labeller.columns(chunk.loop(P), threads)


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


@cache
def _keep_to_one_thread() -> None:
    """Let matrix products of this process run on one thread from now on."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
