"""Measure a round of every scheme over a round of MRS; print a Markdown table.

    python benchmarks/schemes.py [--quick] [--write]

4,096 maps of different matrices, float64, one thread; IPO runs 1,000 rounds with averages over the
second half. A figure is the processor time a stage over that of an MRS round: the median, over the
turns, of the ratio of two times of one turn. DPO runs 200 rounds. How many Newton steps it takes
depends on how far a round moves, and a map at rest takes none: only "MRS as given rows" moves as
MRS does, and so measures the kernel alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Row
from tqdm import tqdm

import alignsim as asim

TABLE = Path(__file__).with_name("schemes.md")
MAPS = 4096
ROUNDS = {"ipo": 1000, "dpo": 200}
BY_HAND = asim.Scheme(reference=[[0.4, 0.6, 0]], opponent=[[0, 1, 0]], update=[[0, 0, 1]])
METHODS: dict[str, dict[str, Any]] = {
    "MRS as given rows": {},
    "soft_reference": {"mixup": 0.5, "alpha": 0.2},
    "optimistic": {"optimism": 0.7, "kappa": 0.3},
    "momentum": {"momentum": 0.2, "kappa": 0.6},
    "replay": {"fresh": 0.25, "kappa": 0.3},
    "hard_reference": {"every": 3, "alpha": 0.2},
    "extragradient": {"kappa": 0.3},
    "nash_md": {"kappa": 0.6},
    "ipo_md": {"mixture": 0.25},
}
IPO_LIMITS = {(4, 1): 1.15, (4, 2): 1.35}
IPO_LIMIT, DPO_LIMIT = 1.5, 1.3
OFF_POLICY = ("nash_md", "ipo_md")
"""Their opponent is not the policy, whose softmax the averages need as well."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns; noisier")
    parser.add_argument("--write", action="store_true", help="keep the table")
    options = parser.parse_args()
    turns = 3 if options.quick else 15
    cases = [("ipo", 4), ("ipo", 3), ("ipo", 6), ("dpo", 4), ("dpo", 3)]
    rows = [row for case in tqdm(cases, file=sys.stderr) for row in compared(*case, turns)]
    header = ["| work | measured | required | reached |", "| --- | --- | --- | --- |"]
    table = "\n".join([*header, *map(str, rows)])
    print(table)
    if options.write:
        TABLE.write_text(f"{table}\n", encoding="utf-8")


def compared(objective: str, K: int, turns: int) -> Iterable[Row]:
    """Yield a row for each method: its time a stage over that of an MRS round."""
    rng = np.random.default_rng(0)
    P = asim.preferences.random_skew(K, size=MAPS, max_margin=0.3, rng=rng)
    start = rng.dirichlet(np.ones(K), MAPS)

    def ready(name: str, parameters: dict[str, Any]) -> tuple[Callable[[int], object], asim.Scheme]:
        if name == "MRS as given rows":
            loop = asim.FeedbackMap(P, beta=1.0, objective=objective, scheme=BY_HAND)
        else:
            loop = asim.method(name, P, beta=1.0, objective=objective, **parameters)

        def run(rounds: int) -> object:
            return loop.run(start, rounds=rounds, keep="last", burn_in=rounds // 2, threads=1)

        return run, loop.scheme

    made = {name: ready(name, given) for name, given in METHODS.items()}
    contestants = {name: run for name, (run, _) in made.items()}
    contestants["mrs"] = ready("mrs", {"alpha": 0.6})[0]
    for run in contestants.values():
        run(1)
    times = {name: np.empty(turns) for name in contestants}
    for turn in range(turns):
        for name, run in contestants.items():
            before = time.process_time()
            run(ROUNDS[objective])
            times[name][turn] = time.process_time() - before
    for name, (_, scheme) in made.items():
        figure = float(np.median(times[name] / times["mrs"])) / scheme.stages
        limit = IPO_LIMITS.get((K, scheme.size), IPO_LIMIT) if objective == "ipo" else DPO_LIMIT
        work = f"{name}, {objective.upper()}, K = {K}, D = {scheme.size}, a stage"
        if name in OFF_POLICY and objective == "ipo":
            yield Row(work, f"{figure:.2f}×")
        else:
            yield Row(work, f"{figure:.2f}×", f"≤ {limit:g}×", figure <= limit)


if __name__ == "__main__":
    main()
