"""The work of a chunk: a function of its inputs alone, small to send to whoever computes it."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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


class WrongWorkerError(RuntimeError):
    """A worker would not compute the same bits: its versions or its processor differ."""


def compute(P: FloatArray, chunk: Chunk, threads: int | None, home: Mapping[str, str]) -> Columns:
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
        What :func:`site` says where the study was begun.

    Raises
    ------
    WrongWorkerError
        If this process differs from that.
    """
    refuse_other(home)
    with _plain_products():
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


_held = threading.Lock()
_inside = 0
_limits: Any = None


@contextmanager
def _plain_products() -> Iterator[None]:
    """Keep matrix products on one thread, in the whole process, while any chunk is computed.

    Their last bits may depend on the number of threads, and workers would meet on the cores.
    """
    global _inside, _limits
    from threadpoolctl import threadpool_limits

    with _held:
        if not _inside:
            _limits = threadpool_limits(1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _held:
            _inside -= 1
            if not _inside:
                _limits.restore_original_limits()


def _forget_parent() -> None:
    """Begin anew in a fork: its parent may have been in a chunk."""
    global _held, _inside
    _held, _inside = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)
