"""Labels of oscillating systems, held against orbits a million rounds long.

Systems are drawn at random, and kept if their fixed point repels. Each is iterated for 10⁶ rounds.
Then the orbit either comes back to the same point, within 50,000 rounds and to nine digits, or
not; and a second orbit, put next to it again every few rounds over the last half, tells whether
neighbours part. Neither uses any code of the classification. Run as

    python benchmarks/labels.py [--systems 1000] [--seed 0]

to write the table of that seed into ``benchmarks/README.md``; it takes some minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import alignsim as asim

ROUNDS = 1_000_000
LONGEST_PERIOD = 50_000
CLOSED = 1e-9  # a return closer than this share of 1 + span(z) closes a cycle
APART = 1e-6  # distance at which the second orbit is put
TOGETHER = 25  # rounds for which it is left alone
STRETCH = 1000  # rounds looked at at a time for a return
PARTS = 20  # of the second half, whose means give a standard error
NEUTRAL = 2e-5  # an exponent below it over 5·10⁵ rounds is none

SEEDS = (0, 1)
PAGE = Path(__file__).parent / "README.md"

FINDINGS = ("returns", "neighbours part", "neither", "neighbours close in, no return")


@dataclass(frozen=True)
class Truth:
    """What the long orbits of n maps do: least period (0 for none), exponent and its error."""

    period: np.ndarray
    exponent: np.ndarray
    error: np.ndarray

    @property
    def finding(self) -> np.ndarray:
        """Return the index in ``FINDINGS`` of each orbit, (n,)."""
        parting = self.exponent > np.maximum(3.0 * self.error, NEUTRAL)
        closing = self.exponent < -NEUTRAL
        return np.select([self.period > 0, parting, ~closing], [0, 1, 2], 3)


def systems(count: int, seed: int) -> Iterator[asim.FeedbackMap]:
    """Yield batches of systems whose fixed point repels, ``count`` in all."""
    kinds = [(objective, K) for K in (3, 4, 5) for objective in ("ipo", "dpo")]
    for place, (objective, K) in enumerate(kinds):
        rng = np.random.default_rng([seed, place])
        wanted = count // len(kinds) + (place < count % len(kinds))
        drawn = 40 * wanted
        P = np.full((drawn, K, K), 0.5)
        i, j = np.triu_indices(K, 1)
        P[:, i, j] = 1.0 / (1.0 + np.exp(-2.0 * rng.normal(size=(drawn, len(i)))))
        P[:, j, i] = 1.0 - P[:, i, j]
        loop = asim.FeedbackMap(
            P,
            objective=objective,
            beta=10.0 ** rng.uniform(0.0, 1.7, drawn) / (1.0 if objective == "ipo" else 4.0),
            alpha=rng.uniform(0.0, 0.95, drawn),
            lam=rng.uniform(0.3, 1.0, drawn),
        )
        yield loop.take(np.flatnonzero(asim.stability(loop).spectral_radius > 1.0)[:wanted])


def follow(loop: asim.FeedbackMap, state: np.ndarray | None, rounds: int) -> np.ndarray:
    """Return the logits (n, K) after ``rounds`` more."""
    return loop.run(start_logits=state, rounds=rounds, keep="last", burn_in=rounds).final_logits


def long_orbits(loop: asim.FeedbackMap) -> Truth:
    """Return what the orbits from the default start do after ``ROUNDS`` rounds."""
    n, K = loop.size, loop.responses
    state = follow(loop, None, ROUNDS // 2)
    twice = loop.take(np.concatenate([np.arange(n), np.arange(n)]))
    offset = np.random.default_rng(1).normal(size=(n, K))
    offset -= offset.mean(axis=-1, keepdims=True)
    growth = np.empty((ROUNDS // 2 // TOGETHER, n))
    for piece in growth:
        offset *= APART / np.linalg.norm(offset, axis=-1, keepdims=True)
        ends = follow(twice, np.concatenate([state, state + offset]), TOGETHER)
        state, offset = ends[:n], ends[n:] - ends[:n]
        size = np.linalg.norm(offset, axis=-1)
        lost = size < 1e-15
        offset[lost] = np.roll(offset, 1, axis=-1)[lost] + 1e-15 * np.arange(K)
        piece[:] = np.log(np.maximum(size, 1e-15) / APART) / TOGETHER
    t = np.arange(1.0, len(growth) + 1) / (len(growth) + 1)
    weights = np.exp(-1.0 / (t * (1.0 - t)))
    exponent = weights @ growth / weights.sum()
    means = growth.reshape(PARTS, -1, n).mean(axis=1)
    return Truth(returns(loop, state), exponent, means.std(axis=0, ddof=1) / np.sqrt(PARTS))


def returns(loop: asim.FeedbackMap, origin: np.ndarray) -> np.ndarray:
    """Return the rounds after which the orbits are back at ``origin`` (n, K), 0 for never: (n,)."""
    period = np.zeros(loop.size, dtype=np.int64)
    size = CLOSED * (1.0 + np.ptp(origin, axis=-1))
    state = origin
    for first in range(0, LONGEST_PERIOD, STRETCH):
        orbit = loop.run(start_logits=state, rounds=STRETCH, keep="all", burn_in=STRETCH)
        gap = np.ptp(orbit.logits[:, 1:] - origin[:, None], axis=-1)
        back = gap <= size[:, None]
        new = (period == 0) & back.any(axis=-1)
        period[new] = first + 1 + back[new].argmax(axis=-1)
        state = orbit.final_logits
    return period


def wrong(found: asim.Orbit, truth: Truth) -> np.ndarray:
    """Return which decided labels the long orbits contradict, (n,)."""
    finding, phase = truth.finding, found.phase
    repeats = np.isin(phase, ("cycle", "locked", "converged"))
    right = np.select(
        [repeats, phase == "chaotic", phase == "invariant circle"],
        [(finding == 0) & (found.period == truth.period), finding == 1, finding == 2],
        phase == "undecided",
    )
    turns = found.rotation_number * found.period
    fraction = np.isnan(turns) | (np.abs(turns - np.round(turns)) < 1e-9)
    return ~(right & fraction)


def table(count: int, seed: int) -> str:
    """Return what was found, by label, as text."""
    counts: dict[tuple[str, int], int] = {}
    mistaken = 0
    for loop in systems(count, seed):
        truth, found = long_orbits(loop), asim.classify(loop)
        labels = np.where(
            found.phase == "undecided",
            [f"undecided: {reason}" for reason in found.words("reason_code")],
            found.phase,
        )
        for cell in zip(labels.tolist(), truth.finding.tolist(), strict=True):
            counts[cell] = counts.get(cell, 0) + 1
        mistaken += int(wrong(found, truth).sum())
    rows = [["label", *FINDINGS], ["---", *["---:"] * len(FINDINGS)]]
    rows += [
        [label, *(str(counts.get((label, each), 0)) for each in range(len(FINDINGS)))]
        for label in sorted({label for label, _ in counts})
    ]
    lines = [f"Seed {seed}, {count:,} systems; decided labels that are contradicted: {mistaken}."]
    return "\n".join([*lines, "", *(f"| {' | '.join(row)} |" for row in rows)])


def main() -> None:
    """Write the table of one seed between its markers, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", type=int, default=1000)
    parser.add_argument("--seed", type=int, choices=SEEDS, default=0)
    given = parser.parse_args()
    found = table(given.systems, given.seed)
    print(found)
    begin, end = (f"<!-- labels-{given.seed}:{place} -->" for place in ("begin", "end"))
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.index(begin) + len(begin), page.index(end)
    PAGE.write_text(f"{page[:before]}\n{found}\n{page[after:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
