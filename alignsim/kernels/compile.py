"""How every kernel is compiled: on first call, cached on disk where a folder can be written."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import NativeLowering

SOURCES = tuple(
    (path.name, path.stat().st_mtime_ns, path.stat().st_size)
    for path in sorted(Path(__file__).parent.glob("*.py"))
)
"""What the kernels were compiled from."""


class _WholeRegisters(Lower):
    """Numba's code, in vectors as wide as the processor's registers.

    For some processors that have registers of 512 bits LLVM prefers 256, lest a few wide
    instructions slow down much other code. Kernels are little else: a round takes a quarter less.
    """

    def setup_function(self, fndesc: Any) -> None:
        super().setup_function(fndesc)  # type: ignore[no-untyped-call]
        # llvmlite's own `add` knows attributes without a value only
        set.add(self.function.attributes, '"prefer-vector-width"="512"')


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[no-untyped-call]
class _WholeRegisterLowering(NativeLowering):
    _name = "whole_register_lowering"

    @property
    def lowering_class(self) -> type[Lower]:
        return _WholeRegisters


class _Compiler(CompilerBase):
    """Numba's compiler with its last step replaced by ours."""

    def define_pipelines(self) -> list[PassManager]:
        manager: PassManager = DefaultPassBuilder.define_nopython_pipeline(self.state)  # type: ignore[no-untyped-call]
        manager.passes[:] = [
            (_WholeRegisterLowering if step is NativeLowering else step, why)
            for step, why in manager.passes
        ]
        manager.finalize()  # type: ignore[no-untyped-call]
        return [manager]


OPTIONS: dict[str, Any] = {
    "pipeline_class": _Compiler,
    "nogil": True,
    "fastmath": {"contract"},
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}
"""``contract`` is the only fast-math licence: reassociation would undo the range reduction of
:mod:`alignsim.kernels.vectormath`, and NaN must survive as the mark of a failed lane."""

PART: dict[str, Any] = {**OPTIONS, "no_cpython_wrapper": True}

_warned = False


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` jitted for the lanes: no GIL, contraction to FMA and nothing looser.

    Numba caches beside the source file, else in the user's cache folder. Where neither can be
    written the kernels are compiled anew in each process, and one warning says so.
    """
    try:
        dispatcher = njit(cache=True, **OPTIONS)(function)
    except (RuntimeError, OSError) as error:
        _warn_once(error)
        return njit(**OPTIONS)(function)
    _stamp(dispatcher)
    return dispatcher


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` jitted for the use of kernels only, which spares a fifth of the time.

    It has no entry from Python and is not cached: what calls it is.
    """
    return njit(**PART)(function)


def unrolled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` jitted into its callers, whose literals its loops unroll by."""
    return njit(**{**PART, "forceinline": True})(function)


def cached(dispatcher: Any) -> bool | None:
    """Return whether the disk holds code of a kernel; None where nothing is kept there."""
    index = _index(dispatcher)
    return None if index is None else os.path.exists(index._index_path)


def _index(dispatcher: Any) -> Any:
    return getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)


def _stamp(dispatcher: Any) -> None:
    """Let the cached code depend on every file of this folder, not only on the kernel's own.

    Numba would otherwise run an old copy of a kernel whose callee in another file has changed.
    """
    index = _index(dispatcher)
    if index is not None and hasattr(index, "_source_stamp"):
        index._source_stamp = SOURCES


def _warn_once(error: Exception) -> None:
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"no folder for compiled kernels can be written ({error}); every process compiles "
            "them again (some seconds). Set NUMBA_CACHE_DIR to a writable folder.",
            RuntimeWarning,
            stacklevel=4,
        )
