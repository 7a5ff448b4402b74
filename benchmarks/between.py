"""Time the main calls of another commit beside those of this tree; print a Markdown table.

    python benchmarks/between.py REVISION [--turns 41]

Each tree has a process of its own, on one thread. Both wait while the other works, and take turns
at every call, so what else the machine does slows both; a figure is the median ratio of two times
of one turn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
MAPS, ROUNDS = 4096, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", nargs="?", help="a commit of this repository")
    parser.add_argument("--turns", type=int, default=41)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    if options.revision is None:
        parser.error("name the commit to compare with")
    with checkout(options.revision) as other, process(other) as before, process(ROOT) as now:
        print(f"| call | now beside {options.revision} | middle half |\n| --- | ---: | ---: |")
        for name in calls():
            ask(before, name), ask(now, name)  # the first call compiles
            turns = [(ask(now, name), ask(before, name)) for _ in range(options.turns)]
            low, middle, high = np.quantile([a / b for a, b in turns], [0.25, 0.5, 0.75])
            print(f"| {name} | {middle:.3f}× | {low:.3f} to {high:.3f} |", flush=True)


def serve() -> None:
    """Answer each name on standard input by the seconds that its call takes."""
    work = calls()
    for line in sys.stdin:
        begin = time.perf_counter()
        work[line.strip()]()
        print(time.perf_counter() - begin, flush=True)


def calls() -> dict[str, Callable[[], object]]:
    """Return the calls that are timed, by name; they use only what every commit has."""
    import alignsim as asim

    rng = np.random.default_rng(0)
    margins = np.triu(rng.uniform(-0.3, 0.3, (MAPS, 4, 4)), 1)
    beta, alpha, lam = (rng.uniform(0, high, MAPS) for high in (12.0, 0.95, 1.0))
    start = 0.1 * rng.standard_normal((MAPS, 4))
    P = 0.5 + margins - margins.swapaxes(-1, -2)
    loop = asim.FeedbackMap(P, beta=beta, alpha=alpha, lam=lam)
    weak = asim.FeedbackMap(P, objective="dpo", beta=beta / 4, alpha=alpha, lam=lam)
    three = asim.FeedbackMap(
        asim.preferences.cyclic(3, advantage=0.4), beta=beta, alpha=alpha, lam=lam
    )
    many = asim.FeedbackMap(np.tile(P, (25, 1, 1)), beta=3.0, alpha=0.5)
    wide = asim.FeedbackMap(
        asim.preferences.random_skew(1000, max_margin=0.3, rng=0),
        beta=beta[:256],
        alpha=alpha[:256],
    )

    def run(loop: asim.FeedbackMap, burn_in: int | None = ROUNDS) -> object:
        return loop.run(start_logits=start, rounds=ROUNDS, keep="last", burn_in=burn_in, threads=1)

    return {
        f"`run`, IPO, K=4, {MAPS:,} maps, {ROUNDS:,} rounds": lambda: run(loop),
        "– with time averages": lambda: run(loop, None),
        "– DPO": lambda: run(weak),
        f"`stability`, K=4, {25 * MAPS:,} maps": lambda: asim.stability(many),
        "`lyapunov_spectrum`, K=3": lambda: asim.lyapunov_spectrum(
            three, start_logits=start[:, :3], rounds=ROUNDS, threads=1
        ),
        "`run`, IPO, K=1,000, one P, 256 maps, 50 rounds": lambda: wide.run(
            rounds=50, keep="last", burn_in=50, threads=1
        ),
        f"`classify`, the maps of the first row, {3 * ROUNDS:,} rounds": lambda: asim.classify(
            loop, start_logits=start, rounds=3 * ROUNDS, threads=1
        ),
        "`phase_diagram`, 1,025² points": lambda: asim.phase_diagram(
            asim.preferences.cyclic(3, advantage=0.3), alpha=0.6, progress=False
        ),
    }


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """Make a working tree of a commit, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", tree, revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", tree], check=True)


@contextmanager
def process(tree: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that imports alignsim from a tree and answers names by seconds."""
    one = dict.fromkeys(["NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"], "1")
    child = subprocess.Popen(
        [sys.executable, Path(__file__), "--serve"],
        env={**os.environ, **one, "PYTHONPATH": str(tree)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        try:
            yield child
        finally:
            child.kill()


def ask(child: subprocess.Popen[str], name: str) -> float:
    assert child.stdin is not None
    assert child.stdout is not None
    print(name, file=child.stdin, flush=True)
    return float(child.stdout.readline())


if __name__ == "__main__":
    main()
