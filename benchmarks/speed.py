"""Measure what alignsim promises about speed and memory; print a Markdown table.

    python benchmarks/speed.py [--quick] [--write]

Contestants of a row take turns within one process, in float64 and on one thread unless the row
says otherwise. A figure is the median, over the turns, of the ratio of two times of one turn: what
else the machine does slows both. Start-up and memory are measured in fresh processes.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import analysis
import numba
import numpy as np
import rivals
from measuring import Effort, Row, at_least, child, interleave, ratio
from rivals import Problem, SkippedError, random_problem
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import alignsim as asim

TABLE = Path(__file__).with_name("table.md")
PAGE = Path(__file__).parents[1] / "figures" / "readme.py"

MAPS, RESPONSES, ROUNDS = 4096, 4, 1000
WIDE_MAPS, WIDE_RESPONSES, WIDE_ROUNDS = 256, 1000, 50
FEW_ROUNDS = 10  # few enough that no chaotic map can amplify rounding
AGREEMENT = 1e-12
DPO_FACTOR = 4.0  # the DPO score of weak preferences is four times IPO's (theory 3.5)
SHORT, LONG = 100, 3000  # rounds between which memory must not grow
PLAIN = """
import sys
sys.modules.update(dask=None, pyarrow=None)
from alignsim.cli import main
main()
"""  # the command as an installation without extras has it: pandas and xarray would import these
ROUNDING = 1.05  # growth of memory that counts as none


FULL = Effort(turns=15, processes=7)
QUICK = Effort(turns=3, processes=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns; noisier")
    parser.add_argument("--write", action="store_true", help="keep the table, also in README.md")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    sections = (
        *(ipo, dpo, wide, threads, memory),
        *(analysis.stability, analysis.exponents, analysis.classification),
        *(analysis.random_maps, analysis.diagram),
        *(start_up, first_command),
    )
    rows: list[Row] = []
    with threadpool_limits(1):
        for section in tqdm(sections, desc="sections", file=sys.stderr):
            rows += section(effort)
    table = "\n".join(
        ["| work | measured | required | reached |", "| --- | --- | --- | --- |", *map(str, rows)]
    )
    text = f"{table}\n\n*{circumstances()}*"
    print(text)
    if options.write:
        TABLE.write_text(f"{text}\n", encoding="utf-8")
        subprocess.run(
            [sys.executable, Path(__file__).parents[1] / "figures" / "readme.py"], check=True
        )


# Rows


def ipo(effort: Effort) -> Iterable[Row]:
    """MRS-IPO in lanes against NumPy, JAX and C."""
    problem = random_problem(MAPS, RESPONSES)
    contestants = {"ours": ours(problem), "averages": ours(problem, averages=True)}
    missing: dict[str, str] = {}
    for name, prepare in {
        "NumPy": rivals.numpy_batch_first,
        "NumPy lanes": rivals.numpy_lanes,
        "JAX": rivals.jax_batch_first,
        "JAX lanes": rivals.jax_lanes,
        "C": rivals.c_any_size,
        "C four": rivals.c_four,
    }.items():
        try:
            contestants[name] = prepare(problem)
        except SkippedError as reason:
            missing[name] = str(reason)
    agree(contestants)
    times = interleave(contestants, effort, rounds=ROUNDS)
    work = f"MRS-IPO, K={RESPONSES}, {MAPS:,} maps, {ROUNDS:,} rounds"

    def speed_up(what: str, name: str, required: float | None = None) -> Row:
        if name in missing:
            return Row(what, f"skipped: {missing[name]}", at_least(required))
        factor = ratio(times, name, "ours")
        return Row(
            what,
            f"{factor:.1f}×",
            at_least(required),
            None if required is None else factor >= required,
        )

    fastest = 1e9 * times["ours"].min() / MAPS / ROUNDS
    yield Row(work, f"{fastest:.1f} ns a map and round (fastest turn)")
    yield speed_up("– faster than vectorised NumPy", "NumPy", 12.0)
    yield speed_up("– faster than JAX (jit, scan, batched)", "JAX", 2.5)
    if "C" in missing:
        yield Row("– beside hand-written C", f"skipped: {missing['C']}", "≤ 1.3× its time")
    else:
        factor = max(ratio(times, "ours", "C"), ratio(times, "ours", "C four"))
        yield Row("– beside hand-written C", f"{factor:.2f}× its time", "≤ 1.3×", factor <= 1.3)
    yield speed_up("– faster than NumPy rewritten in our layout", "NumPy lanes")
    yield speed_up("– faster than JAX rewritten in our layout", "JAX lanes")
    factor = ratio(times, "averages", "ours")
    yield Row("– with time averages over half of the rounds", f"{factor:.2f}× the time")


def dpo(effort: Effort) -> Iterable[Row]:
    """MRS-DPO in lanes beside MRS-IPO, and the accuracy of its scores."""
    problem = random_problem(MAPS, RESPONSES)
    times = interleave(
        {
            "ipo": ours(problem),
            "dpo": ours(problem, "dpo", problem.beta / DPO_FACTOR),
            "dpo, same β": ours(problem, "dpo"),
        },
        effort,
        rounds=ROUNDS,
    )
    factor = ratio(times, "dpo", "ipo")
    yield Row("MRS-DPO, same maps, β/4 (its signal is 4 times as strong)",
              f"{factor:.1f}× the IPO time", "≤ 8×", factor <= 8.0)  # fmt: skip
    yield Row("– at the same β", f"{ratio(times, 'dpo, same β', 'ipo'):.1f}× the IPO time")
    error = score_error(problem)
    yield Row("– error of the score", f"{error:.0e}", "≤ 1e-12", error <= 1e-12)


def wide(effort: Effort) -> Iterable[Row]:
    """One large matrix shared by all maps, beside its matrix products alone."""
    maps = random_problem(WIDE_MAPS, 2)
    large = random_problem(1, WIDE_RESPONSES)
    P = large.matrices[0]
    start = np.random.default_rng(1).standard_normal((WIDE_MAPS, WIDE_RESPONSES))
    policies, pull = asim.simplex.softmax(start), np.empty_like(start)

    def run(rounds: int) -> np.ndarray:
        loop = asim.FeedbackMap(P, beta=maps.beta, alpha=maps.alpha, lam=maps.lam)
        return loop.run(
            start_logits=start, rounds=rounds, keep="last", burn_in=rounds, threads=1
        ).final_logits

    def products(rounds: int) -> np.ndarray:
        for _ in range(rounds):
            np.matmul(policies, P.T, out=pull)
        return pull

    times = interleave({"run": run, "products": products}, effort, rounds=WIDE_ROUNDS)
    factor = ratio(times, "run", "products")
    yield Row(f"K={WIDE_RESPONSES:,}, one P, {WIDE_MAPS} maps, {WIDE_ROUNDS} rounds",
              f"{factor:.2f}× its matrix products", "≤ 1.5×", factor <= 1.5)  # fmt: skip


def threads(effort: Effort) -> Iterable[Row]:
    """Two threads beside one, and what C gains from a second thread on the same machine."""
    work, required = "two threads, MRS-IPO as above", "≥ 1.8× one thread"
    if (os.cpu_count() or 1) < 2:
        yield Row(work, "skipped: one processor", required)
        return
    problem = random_problem(MAPS, RESPONSES)
    contestants = {"one": ours(problem), "two": ours(problem, threads=2)}
    with ThreadPoolExecutor(2) as pool:
        with contextlib.suppress(SkippedError):
            contestants["C, one"] = rivals.c_four(problem)
            halves = [rivals.c_four(problem.part(half)) for half in np.split(np.arange(MAPS), 2)]
            contestants["C, two"] = lambda rounds: list(pool.map(lambda run: run(rounds), halves))
        times = interleave(contestants, effort, rounds=ROUNDS, one_thread=False)
    factor = ratio(times, "one", "two")
    yield Row(work, f"{factor:.2f}× one thread", required, factor >= 1.8)
    if "C, two" in times:
        ceiling = ratio(times, "C, one", "C, two")
        yield Row("– hand-written C, one half a thread", f"{ceiling:.2f}× one thread")


def memory(effort: Effort) -> Iterable[Row]:
    """How far a call makes its process grow, for few rounds and for many.

    Left alone, glibc keeps some freed arrays, by chance up to 30 MB of them; a fixed threshold
    makes it return each at once, so that what counts is what is in use.
    """
    environment = {"MALLOC_MMAP_THRESHOLD_": str(2**17)}
    for work, name in (("run", '`run(keep="last")`, 200,000 maps'), ("sweep", "`sweep`, 450×450")):
        title = f"memory of {name}, {SHORT} and {LONG:,} rounds"
        required = "copies of input + output; not growing"
        if not Path("/proc/self/status").exists():
            yield Row(title, "skipped: needs Linux's /proc", required)
            continue
        child(["memory.py", work, "2"])  # fills the cache of kernels
        copies = []
        for rounds in (SHORT, LONG):
            repeats = range(min(effort.processes, 3))
            figures = [
                json.loads(child(["memory.py", work, str(rounds)], environment)) for _ in repeats
            ]
            copies.append(statistics.median(each["grown"] / each["data"] for each in figures))
        short, long = copies
        yield Row(title, f"{short:.1f} and {long:.1f}", required, long <= ROUNDING * short)


def start_up(effort: Effort) -> Iterable[Row]:
    """Time the import, and count what it compiles."""
    everything = "import alignsim; [getattr(alignsim, name) for name in alignsim.__all__]"

    def seconds(statement: str) -> float:
        clock = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        child(["-c", clock])
        return statistics.median(float(child(["-c", clock])) for _ in range(effort.processes))

    bare = seconds("import alignsim")
    yield Row("`import alignsim`", f"{bare:.2f} s", "≤ 1.2 s", bare <= 1.2)
    yield Row("– with every public name looked up", f"{seconds(everything):.2f} s")
    count = (
        "from numba.core import event\n"
        f"with event.install_recorder('numba:compile') as compiled: {everything}\n"
        "print(len(compiled.buffer))"
    )
    kernels = int(child(["-c", count]))
    yield Row("– kernels compiled by then", str(kernels), "0", kernels == 0)


def first_command(effort: Effort) -> Iterable[Row]:
    """Time the README's first command once the package is installed, its bytecode with it."""
    compileall.compile_dir(Path(asim.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder:

        def run(cache: str) -> float:
            picture = Path(folder, "phase_diagram.png")
            environment = {"NUMBA_CACHE_DIR": str(Path(folder, cache))}
            begin = time.perf_counter()
            child(["-c", PLAIN, "phase-diagram", "--out", str(picture)], environment)
            seconds = time.perf_counter() - begin
            picture.unlink()
            return seconds

        repeats = range(min(effort.processes, 3))
        cold = statistics.median(run(f"cache_{turn}") for turn in repeats)
        warm = statistics.median(run("cache_0") for _ in repeats)
    work = "`alignsim phase-diagram`"
    yield Row(f"{work}, empty JIT cache", f"{cold:.1f} s", "≤ 12 s", cold <= 12.0)
    yield Row(f"{work}, warm JIT cache", f"{warm:.1f} s", "≤ 3 s", warm <= 3.0)


# Measuring


def ours(
    problem: Problem,
    objective: str = "ipo",
    beta: np.ndarray | None = None,
    *,
    averages: bool = False,
    threads: int = 1,
) -> rivals.Run:
    """Return alignsim as a contestant: the whole public call, checks and all."""

    def run(rounds: int) -> np.ndarray:
        loop = asim.FeedbackMap(
            problem.matrices,
            objective=objective,
            beta=problem.beta if beta is None else beta,
            alpha=problem.alpha,
            lam=problem.lam,
        )
        return loop.run(
            start_logits=problem.logits,
            rounds=rounds,
            keep="last",
            burn_in=None if averages else rounds,
            threads=threads,
        ).final_logits

    return run


def agree(contestants: dict[str, rivals.Run]) -> None:
    """Check that all contestants compute the same, before any of them is timed."""
    expected = contestants["ours"](FEW_ROUNDS)
    for name, run in contestants.items():
        error = np.abs(run(FEW_ROUNDS) - expected).max() / np.abs(expected).max()
        if not error <= AGREEMENT:
            raise SystemExit(f"{name} disagrees with alignsim by {error:.1e} of the largest logit")


def score_error(problem: Problem, rounds: int = 20) -> float:
    """Return the largest error of a DPO score on warm-started orbits, relative to 1 + max |v|.

    With α = 0 and uniform references a round is z' = β·v(μ), so an orbit shows its scores.
    """
    beta = np.maximum(problem.beta / DPO_FACTOR, 0.5)
    loop = asim.FeedbackMap(problem.matrices, objective="dpo", beta=beta, lam=problem.lam)
    orbit = loop.run(start_logits=problem.logits, rounds=rounds, burn_in=rounds).logits
    mixture = problem.lam[:, None]
    worst = 0.0
    for before, after in zip(orbit.swapaxes(0, 1)[:-1], orbit.swapaxes(0, 1)[1:], strict=True):
        weights = np.exp(before.astype(np.longdouble))
        policy = weights / weights.sum(axis=-1, keepdims=True)
        exact = careful_scores(problem.matrices, mixture * policy + (1.0 - mixture) / RESPONSES)
        error = np.abs(after / beta[:, None] - exact) / (1.0 + np.abs(exact).max(-1, keepdims=True))
        worst = max(worst, float(error.max()))
    return worst


def careful_scores(matrices: np.ndarray, sampler: np.ndarray, steps: int = 30) -> np.ndarray:
    """Solve S(v)μ = Pμ by Newton's method with residuals in extended precision; centred (n, K)."""
    scores = np.zeros_like(sampler)
    P, identity = matrices.astype(np.longdouble), np.eye(RESPONSES)
    for _ in range(steps):
        wins = 1.0 / (1.0 + np.exp(scores[:, None, :] - scores[:, :, None]))
        residual = ((wins - P) * sampler[:, None, :]).sum(axis=-1)
        pull = wins * (1.0 - wins) * sampler[:, None, :]
        system = pull.sum(axis=-1)[:, :, None] * identity - pull + sampler[:, None, :]
        step = np.linalg.solve(system.astype(float), -residual.astype(float)[..., None])[..., 0]
        scores += step / np.maximum(1.0, np.abs(step).max(axis=-1, keepdims=True) / 4.0)
    return scores - scores.mean(axis=-1, keepdims=True)


# The table


def circumstances() -> str:
    """Return what the figures were measured on."""
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{module.__name__} {module.__version__}" for module in (np, numba)]
    if "jax" in sys.modules:
        versions.append(f"jax {sys.modules['jax'].__version__}")
    return f"{processor()}, one thread, float64; {', '.join(versions)}; `benchmarks/speed.py`."


@functools.cache
def processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
