"""The rivals of MRS-IPO in lanes: NumPy, JAX and C, each written as well as we can.

A rival takes a :class:`Problem` and returns ``run(rounds)``, which gives the centred logits (n, K).
What can be made before the clock starts (combined matrices, compiled code) is made before, in the
rival's favour. NumPy and JAX come twice: batch first, as one would write them, and in the layout
of our lanes, the map index last.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

Run = Callable[[int], np.ndarray]

C_SOURCE = Path(__file__).with_name("ipo.c")
C_FLAGS = ["-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-shared", "-fPIC"]
C_LIBRARIES = ["-lmvec", "-lm"]
JAX_BLOCK = 128  # maps; the fastest of 128, 512 and 2,048
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


class SkippedError(Exception):
    """A rival that cannot run here; the message says why."""


@dataclass(frozen=True)
class Problem:
    """A batch of feedback maps with uniform references, each with its own matrix and start."""

    matrices: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    lam: np.ndarray
    logits: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Maps and responses."""
        return self.logits.shape

    @functools.cached_property
    def signal(self) -> np.ndarray:
        """What multiplies the policy: W = βλ(P − ½), (n, K, K)."""
        return (self.beta * self.lam)[:, None, None] * (self.matrices - 0.5)

    @functools.cached_property
    def drift(self) -> np.ndarray:
        """What no policy changes: d = β(1−λ)(P − ½)π_off, (n, K)."""
        return (self.beta * (1.0 - self.lam))[:, None] * (self.matrices - 0.5).mean(axis=-1)

    def part(self, which: np.ndarray) -> Problem:
        """Return some of the maps."""
        return Problem(*(getattr(self, field.name)[which] for field in fields(self)))


def random_problem(maps: int, responses: int, seed: int = 0) -> Problem:
    """Return maps with skew margins in ±0.3, α below 0.95, β up to 12 and any λ."""
    rng = np.random.default_rng(seed)
    margins = np.triu(rng.uniform(-0.3, 0.3, (maps, responses, responses)), 1)
    logits = 0.1 * rng.standard_normal((maps, responses))
    return Problem(
        matrices=0.5 + margins - margins.swapaxes(-1, -2),
        alpha=rng.uniform(0.0, 0.95, maps),
        beta=rng.uniform(0.0, 12.0, maps),
        lam=rng.uniform(0.0, 1.0, maps),
        logits=logits - logits.mean(axis=-1, keepdims=True),
    )


def lanes_last(array: np.ndarray) -> np.ndarray:
    """Return a contiguous copy with the map index moved from the first axis to the last."""
    return np.ascontiguousarray(np.moveaxis(array, 0, -1))


# NumPy


def numpy_batch_first(problem: Problem) -> Run:
    """Vectorised NumPy on (n, K) arrays, no allocation inside the loop."""
    signal, drift, alpha = problem.signal, problem.drift, problem.alpha[:, None]

    def run(rounds: int) -> np.ndarray:
        logits = problem.logits.copy()
        policy, pull, column = np.empty_like(logits), np.empty_like(logits), np.empty_like(alpha)
        for _ in range(rounds):
            np.max(logits, axis=1, keepdims=True, out=column)
            np.subtract(logits, column, out=policy)
            np.exp(policy, out=policy)
            np.sum(policy, axis=1, keepdims=True, out=column)
            policy /= column
            np.einsum("nij,nj->ni", signal, policy, out=pull)
            logits *= alpha
            logits += drift
            logits += pull
            np.mean(logits, axis=1, keepdims=True, out=column)
            logits -= column
        return logits

    return run


def numpy_lanes(problem: Problem) -> Run:
    """Vectorised NumPy on (K, n) arrays, where every reduction runs over long rows."""
    signal, drift, alpha = lanes_last(problem.signal), lanes_last(problem.drift), problem.alpha

    def run(rounds: int) -> np.ndarray:
        logits = lanes_last(problem.logits)
        policy, pull, row = np.empty_like(logits), np.empty_like(logits), np.empty_like(alpha)
        for _ in range(rounds):
            np.max(logits, axis=0, out=row)
            np.subtract(logits, row, out=policy)
            np.exp(policy, out=policy)
            np.sum(policy, axis=0, out=row)
            policy /= row
            np.einsum("ijn,jn->in", signal, policy, out=pull)
            logits *= alpha
            logits += drift
            logits += pull
            np.mean(logits, axis=0, out=row)
            logits -= row
        return logits.T

    return run


# JAX


def jax_batch_first(problem: Problem) -> Run:
    """JAX on (n, K) arrays: jit around a scan around one batched round."""
    jax = _jax()
    arrays = [
        jax.numpy.asarray(array)
        for array in (problem.signal, problem.drift, problem.alpha[:, None], problem.logits)
    ]

    @functools.partial(jax.jit, static_argnums=4)
    def iterate(signal, drift, alpha, logits, rounds):
        def advance(logits, _):
            policy = jax.nn.softmax(logits, axis=-1)
            moved = alpha * logits + drift + jax.numpy.einsum("nij,nj->ni", signal, policy)
            return moved - moved.mean(axis=-1, keepdims=True), None

        return jax.lax.scan(advance, logits, None, length=rounds)[0]

    return lambda rounds: np.asarray(iterate(*arrays, rounds))


def jax_lanes(problem: Problem) -> Run:
    """JAX in our layout: blocks of lanes small enough for the cache, one after another."""
    jax = _jax()
    maps, K = problem.shape
    blocks = -(-maps // JAX_BLOCK)
    padded = np.minimum(np.arange(blocks * JAX_BLOCK), maps - 1).reshape(blocks, JAX_BLOCK)
    arrays = [
        jax.numpy.asarray(np.moveaxis(array[padded], 1, -1))
        for array in (problem.signal, problem.drift, problem.alpha, problem.logits)
    ]

    @functools.partial(jax.jit, static_argnums=1)
    def iterate(arrays, rounds):
        def one_block(block):
            signal, drift, alpha, start = block

            def advance(logits, _):
                policy = jax.nn.softmax(logits, axis=0)
                moved = alpha * logits + drift + (signal * policy).sum(axis=1)
                return moved - moved.mean(axis=0), None

            return jax.lax.scan(advance, start, None, length=rounds)[0]

        return jax.lax.map(one_block, arrays)

    return lambda rounds: np.asarray(iterate(arrays, rounds)).swapaxes(-1, -2).reshape(-1, K)[:maps]


def _jax():
    """Return the module, held to one thread and float64."""
    os.environ["NPROC"] = "1"  # the size of XLA's thread pool; the flags alone do not hold it
    os.environ["XLA_FLAGS"] = XLA_ONE_THREAD
    try:
        import jax
    except ImportError as error:
        raise SkippedError('jax is not installed (pip install ".[bench]")') from error
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return jax


# C


def c_any_size(problem: Problem) -> Run:
    """Hand-written C for every K."""
    return _c(problem, "ipo_any")


def c_four(problem: Problem) -> Run:
    """Hand-written C for K = 4."""
    return _c(problem, "ipo_four")


def _c(problem: Problem, name: str) -> Run:
    function = getattr(_library(), name)
    pointer = np.ctypeslib.ndpointer(dtype=np.float64, flags="C_CONTIGUOUS")
    function.argtypes = [ctypes.c_long, ctypes.c_long, *5 * [pointer], ctypes.c_long]
    function.restype = None

    def run(rounds: int) -> np.ndarray:
        logits = problem.logits.copy()
        strength = problem.beta * problem.lam
        function(
            *problem.shape, problem.matrices, problem.alpha, strength, problem.drift, logits, rounds
        )
        return logits

    return run


@functools.cache
def _library() -> ctypes.CDLL:
    """Return ipo.c compiled, from a folder that is gone when it has been loaded."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise SkippedError("gcc was not found")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "ipo.so")
        command = [compiler, *C_FLAGS, str(C_SOURCE), "-o", str(library), *C_LIBRARIES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SkippedError(f"gcc could not compile ipo.c: {done.stderr.strip()[:200]}")
        return ctypes.CDLL(str(library))
