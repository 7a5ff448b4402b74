"""How every kernel is compiled: on first call, cached on disk where a folder can be written."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from numba import njit

_warned = False


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` jitted for the lanes: no GIL, contraction to FMA and nothing looser.

    ``contract`` is the only fast-math licence: reassociation would undo the range reduction of
    :mod:`alignsim.kernels.vectormath`, and NaN must survive as the mark of a failed lane.

    Numba caches beside the source file, else in the user's cache folder. Where neither can be
    written the kernels are compiled anew in each process, and one warning says so.
    """
    try:
        return njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")(function)
    except (RuntimeError, OSError) as error:
        _warn_once(error)
        return njit(nogil=True, fastmath={"contract"}, error_model="numpy")(function)


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
