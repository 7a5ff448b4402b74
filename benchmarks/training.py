"""Measure training paths over rounds of MRS; print a Markdown table.

    python benchmarks/training.py [--quick] [--write]

4,096 problems of different matrices, references, samplers and starts, float64, one thread: 1,000
steps of gradient descent against 1,000 rounds of MRS, both as whole public calls with averages over
the second half. Contestants take turns; a figure is the median, over the turns, of the ratio of the
processor times of one turn.

A DPO round of MRS takes as many Newton steps as its sampler moves far, and one that stands still
takes none. So DPO stands in the table twice: against loops that settle (α = ½, β = 1, the kindest
to MRS) and against loops without an anchor, whose policies move in every round.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Row
from tqdm import tqdm

import alignsim as asim

TABLE = Path(__file__).with_name("training.md")
PROBLEMS, STEPS = 4096, 1000
LIMIT = 2.0
SETTLING: dict[str, Any] = {"alpha": 0.5, "beta": 1.0}
MOVING: dict[str, Any] = {"alpha": 1.0, "beta": 0.05}
CASES = (
    ("ipo", 4, "sampling", SETTLING, LIMIT),
    ("dpo", 4, "sampling", SETTLING, LIMIT),
    ("dpo", 4, "sampling", MOVING, LIMIT),
    ("ipo", 4, "pair_weights", SETTLING, LIMIT),
    ("dpo", 4, "pair_weights", SETTLING, LIMIT),
    ("ipo", 3, "sampling", SETTLING, None),
    ("dpo", 3, "sampling", SETTLING, None),
    ("ipo", 8, "sampling", SETTLING, None),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns; noisier")
    parser.add_argument("--write", action="store_true", help="keep the table")
    options = parser.parse_args()
    turns = 3 if options.quick else 9
    rows = [row for case in tqdm(CASES, file=sys.stderr) for row in compared(*case, turns=turns)]
    header = ["| work | measured | required | reached |", "| --- | --- | --- | --- |"]
    table = "\n".join([*header, *map(str, rows)])
    print(table)
    if options.write:
        TABLE.write_text(f"{table}\n", encoding="utf-8")


def compared(
    objective: str, K: int, pairs: str, loop: dict[str, Any], limit: float | None, *, turns: int
) -> Iterable[Row]:
    """Yield the time of steps over that of rounds."""
    rng = np.random.default_rng(0)
    P = asim.preferences.random_skew(K, size=PROBLEMS, max_margin=0.3, rng=rng)
    start, reference, sampler = rng.dirichlet(np.ones(K), (3, PROBLEMS))
    drawn = sampler if pairs == "sampling" else rng.uniform(size=(PROBLEMS, K, K))
    given: dict[str, Any] = {pairs: drawn, "reference": reference, "beta": 1.0, "rate": 0.05}
    rounds = asim.FeedbackMap(P, objective=objective, reference=reference, offline=sampler, **loop)
    ratios = np.empty(turns)
    for turn in range(-1, turns):
        count = STEPS if turn >= 0 else 1
        times = [time.process_time()]
        asim.train(objective, P, **given, start=start, steps=count, keep="last", threads=1)
        times.append(time.process_time())
        rounds.run(start, rounds=count, keep="last", threads=1)
        times.append(time.process_time())
        if turn >= 0:
            ratios[turn] = (times[1] - times[0]) / (times[2] - times[1])
    figure = float(np.median(ratios))
    kind = "settling" if loop is SETTLING else "moving"
    work = f"{objective.upper()}, K = {K}, {pairs.replace('_', ' ')}, over {kind} loops"
    told = "–" if limit is None else f"≤ {limit:g}×"
    yield Row(work, f"{figure:.2f}×", told, None if limit is None else figure <= limit)


if __name__ == "__main__":
    main()
