"""Measure a round of every scheme over a round of MRS; print a Markdown table.

    python benchmarks/schemes.py [--quick] [--write]

4,096 maps of different matrices, float64, one thread; IPO runs 1,000 rounds with averages over the
second half. A figure is the processor time a stage over that of an MRS round: the median, over the
turns, of the ratio of two times of one turn. nash_md and ipo_md do not play against the policy, so
that a round which goes into averages takes a second softmax, that of the policy. What is required
of a stage is required of them without averages, for MRS too, and with averages of a softmax, of
which they take one and a half a round.

How many Newton steps a DPO round takes depends on how far the sampler moves, and one that stands
still takes none. So the DPO maps have no anchor (nash_md nearly none) and a small β, by which all
policies move slowly over all of the 200 rounds, and β of each method is such that the policy moves
as far a round as with MRS. What is left are the method's own costs: its rows, and the prediction
that each stage starts from. ipo_md, whose reference does not move, comes to rest in a few rounds
and cannot be compared so; its kernel is that of nash_md.
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

TABLE = Path(__file__).with_name("schemes.md")
MAPS = 4096
ROUNDS = {"ipo": 1000, "dpo": 200}
BY_HAND = asim.Scheme(reference=[[0.4, 0.6, 0]], opponent=[[0, 1, 0]], update=[[0, 0, 1]])
SLOW_BY_HAND = asim.Scheme(reference=[[0, 1, 0]], opponent=[[0, 1, 0]], update=[[0, 0, 1]])
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
SLOW = {name: {**METHODS[name], "kappa": 0.0} for name in METHODS if "kappa" in METHODS[name]}
SLOW = {**METHODS, **SLOW, "nash_md": {"kappa": 0.005}}
SLOW.pop("ipo_md")
SLOW_BETA = 0.05
IPO_LIMITS = {(4, 1): 1.15, (4, 2): 1.35}
IPO_LIMIT, DPO_LIMIT = 1.5, 1.3
OFF_POLICY = ("nash_md", "ipo_md")
SOFTMAXES = 1.5  # of theirs a round, the second half of the rounds going into averages


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
    slow = objective == "dpo"

    def ready(name: str, given: dict[str, Any]) -> asim.FeedbackMap:
        if name == "MRS as given rows":
            scheme = SLOW_BY_HAND if slow else BY_HAND
            loop = asim.FeedbackMap(P, beta=1.0, objective=objective, scheme=scheme)
        else:
            loop = asim.method(name, P, beta=1.0, objective=objective, **given)
        return loop.replace(beta=SLOW_BETA / speed(loop.scheme)) if slow else loop

    made = {name: ready(name, given) for name, given in (SLOW if slow else METHODS).items()}
    runs = {(name, True): loop for name, loop in made.items()}
    runs[("mrs", True)] = ready("mrs", {"alpha": 1.0 if slow else 0.6})
    if not slow:
        runs |= {(name, False): runs[(name, True)] for name in (*OFF_POLICY, "mrs")}
    times = {case: np.empty(turns) for case in runs}
    for turn in range(-1, turns):
        for (name, averaged), loop in runs.items():
            rounds = ROUNDS[objective] if turn >= 0 else 1
            burn_in = rounds // 2 if averaged else rounds
            before = time.process_time()
            loop.run(start, rounds=rounds, keep="last", burn_in=burn_in, threads=1)
            times[(name, averaged)][turn] = time.process_time() - before
    for (name, averaged), taken in times.items():
        if name == "mrs":
            continue
        scheme = made[name].scheme
        figure = float(np.median(taken / times[("mrs", averaged)])) / scheme.stages
        limit = DPO_LIMIT if slow else IPO_LIMITS.get((K, scheme.size), IPO_LIMIT)
        work = f"{name}, {objective.upper()}, K = {K}, D = {scheme.size}"
        if not slow and name in OFF_POLICY and averaged:
            yield Row(f"{work}, a stage", f"{figure:.2f}×")
            figure /= SOFTMAXES
            work = f"{work}, a softmax"
        else:
            work = f"{work}, a stage" + ("" if averaged else ", without averages")
        yield Row(work, f"{figure:.2f}×", f"≤ {limit:g}×", figure <= limit)


def speed(scheme: asim.Scheme) -> float:
    """Return how far a round moves the policy once every round has had the pull 1."""
    update = scheme.canonical()[1]
    update = update.reshape(-1, *update.shape[-2:])[0]
    slots = np.zeros(scheme.size)
    for _ in range(50):
        before = slots
        slots = update[:, 1 : 1 + scheme.size] @ slots + update[:, 1 + scheme.size :].sum(axis=1)
    return float((slots - before)[0] / (1.0 - update[0, 0]) ** 50)


if __name__ == "__main__":
    main()
