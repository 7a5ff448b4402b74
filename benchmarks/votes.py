"""Calibration of what votes say of cycles and onsets, on boards whose truth is known.

Each row draws boards from a kind of preferences, and votes on them. Counted are how often the model
is likely (p ≥ .8) or sure (p ≥ .95) of a cycle at the top, how often it says that there is none,
and how often the 95 % interval of the onset covers that of the true preferences, for several loops.
Run as

    python benchmarks/votes.py [--share 1] [--draws 150] [--seed 0] [--only prior]

to write the tables into ``benchmarks/README.md``. All boards take an hour and a half; with a share
of them the bands are wider.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import alignsim as asim
from alignsim.reports.onsets import onset_range
from alignsim.reports.votes import LIKELY, RARE, RARE_UNPOOLED, SURE

PAGE = Path(__file__).parent / "README.md"
LOOPS = {
    "IPO α .5": {"objective": "ipo", "alpha": 0.5},
    "IPO α 0": {"objective": "ipo", "alpha": 0.0},
    "IPO α .9": {"objective": "ipo", "alpha": 0.9},
    "DPO α .5": {"objective": "dpo", "alpha": 0.5},
}
BETA_MAX = 100.0
SLOW = {4: 100, 10: 20}
"""The number of boards, by K, whose onset under DPO is computed too; at K = 10 it takes 6 s."""

BAND, LEAST_COVER, MOST_FALSE, BAND_BOARDS = 0.08, 0.87, 2, 250
"""At 250 boards or more: shares within .08 of what is expected, covers of .87 at least, and at most
two rankings likely to be cycles. With fewer boards R the bands are √(250/R) times as wide."""

PRIOR_BOARDS, JUDGE_BOARDS = 800, 80
SPREADS = (0.07, 4.5)
"""What the model's grid of spreads stands for; the prior beyond it is cut off."""

Draw = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """A kind of boards: K responses, votes a pair, and what is expected.

    Expected are the shares of boards with p ≥ .8 and p ≥ .95, and of "no cycle".
    """

    name: str
    truth: Callable[[Draw, int], np.ndarray]
    K: int
    boards: int
    votes: tuple[int, int] = (20, 20)
    missing: float = 0.0
    ties: float = 0.0
    likely: float = 0.0
    sure: float = 0.0
    none: float = 0.0
    ranking: bool = False


def ranking(sd: float) -> Callable[[Draw, int], np.ndarray]:
    """Return Bradley-Terry preferences with normal strengths."""

    def truth(draw: Draw, K: int) -> np.ndarray:
        strength = draw.normal(0.0, sd, K)
        return 1.0 / (1.0 + np.exp(strength - strength[:, None]))

    return truth


def circle(advantage: float) -> Callable[[Draw, int], np.ndarray]:
    """Return a circle of three above a ranking."""

    def truth(draw: Draw, K: int) -> np.ndarray:
        strength = draw.normal(0.0, 0.4, K)
        strength[:3] = strength[3:].max() + 0.4
        P = 1.0 / (1.0 + np.exp(strength - strength[:, None]))
        for i, j in ((0, 1), (1, 2), (2, 0)):
            P[i, j], P[j, i] = 0.5 + advantage, 0.5 - advantage
        return P

    return truth


def scattered(draw: Draw, K: int) -> np.ndarray:
    """Return log-odds with a normal scatter of .5 around a ranking: 17 % without a winner."""
    strength = draw.normal(0.0, 1.0, K)
    scatter = np.triu(draw.normal(0.0, 0.5, (K, K)), 1)
    return 1.0 / (1.0 + np.exp(strength - strength[:, None] - scatter + scatter.T))


def three_kinds(draw: Draw, K: int) -> np.ndarray:
    """Return the mean of three rankings: 9 % without a winner."""
    return np.mean([ranking(1.6)(draw, K) for _ in range(3)], axis=0)


def additive(draw: Draw, K: int) -> np.ndarray:
    """Return probabilities that are differences of values, as far apart as they may be."""
    value = draw.uniform(-0.25, 0.25, K)
    return 0.5 + value[:, None] - value


KINDS = (
    Kind("ranking, sd .4", ranking(0.4), 4, 300, none=0.19, ranking=True),
    Kind("– sd .2, ties", ranking(0.2), 10, 250, ties=0.38, ranking=True),
    Kind("– sd .4, half missing", ranking(0.4), 10, 200, (20, 200), 0.5, ranking=True),
    Kind("– sd .4, 80 % missing, ties", ranking(0.4), 20, 60, missing=0.8, ties=0.38, ranking=True),
    Kind("– sd .4, 19 % missing, ties", ranking(0.4), 55, 20, (20, 200), 0.19, 0.38, ranking=True),
    Kind("– sd .4, 80 % missing", ranking(0.4), 55, 50, missing=0.8, ranking=True),
    Kind("circle on top, .1", circle(0.1), 4, 300, (50, 50), likely=0.09, sure=0.01, none=0.01),
    Kind("– .2", circle(0.2), 4, 300, (50, 50), likely=0.80, sure=0.44),
    Kind("– .1", circle(0.1), 10, 160, (20, 200), likely=0.07, sure=0.01, none=0.025),
    Kind("– .2", circle(0.2), 10, 250, (20, 200), likely=0.49, sure=0.22),
    Kind("scatter .5 around a ranking", scattered, 10, 250, (20, 200), 0.0, 0.0, 0.07, 0.02, 0.53),
    Kind("voters of three kinds", three_kinds, 10, 250, (20, 200), none=0.39),
    Kind("additive", additive, 10, 200, (20, 200), none=0.34),
    Kind("circle on top, .2", circle(0.2), 55, 15, (200, 200), likely=1.0, sure=0.87),
)

PRIOR = Kind("from the prior", scattered, 4, PRIOR_BOARDS, (5, 200))


def cast(kind: Kind, P: np.ndarray, draw: Draw) -> asim.data.Comparisons:
    """Return votes on a board; a tie is half of either outcome's probability of meeting it."""
    K = len(P)
    i, j = np.triu_indices(K, 1)
    kept = draw.random(len(i)) >= kind.missing
    i, j = i[kept], j[kept]
    low, high = kind.votes
    n = np.exp(draw.uniform(np.log(low), np.log(high), len(i))).round().astype(int)
    tied = draw.binomial(n, np.clip(4.0 * kind.ties * P[i, j] * P[j, i], 0.0, 1.0))
    chance = (P[i, j] - 2.0 * kind.ties * P[i, j] * P[j, i]) / (
        1.0 - 4.0 * kind.ties * P[i, j] * P[j, i]
    )
    won = draw.binomial(n - tied, chance)
    counts = np.concatenate([won, tied, n - tied - won])
    share = np.repeat([1.0, 0.5, 0.0], len(i))
    some = counts > 0
    names = np.array([f"m{k:02}" for k in range(K)])
    return asim.data.Comparisons.from_names(
        np.tile(names[i], 3)[some].tolist(), np.tile(names[j], 3)[some].tolist(), share[some],
        count=counts[some].astype(float),
    )  # fmt: skip


def calibrated(kind: Kind, share: float, draws: int, seed: int) -> list[str]:
    """Return the cells of one row."""
    boards = max(round(kind.boards * share), 1)
    p, u, low = [], [], []
    covered: dict[str, list[bool]] = {name: [] for name in LOOPS}
    for board in range(boards):
        draw = np.random.default_rng([seed, KINDS.index(kind), board])
        P = kind.truth(draw, kind.K)
        found = asim.data.posterior(cast(kind, P, draw), draws=draws)
        places = [int(label[1:]) for label in found.labels]
        p.append(found.no_winner)
        u.append(found.no_winner_unpooled)
        for name, loop in LOOPS.items():
            if loop["objective"] == "dpo" and board >= SLOW.get(kind.K, 0):
                continue
            true = asim.analysis.critical_beta(P[np.ix_(places, places)], **loop)
            seen = onset_range(found, beta_max=BETA_MAX, **loop)
            slack = 1e-4 if kind.K <= 24 else 0.01
            covered[name].append(bool(seen.low * (1 - slack) <= true <= seen.high * (1 + slack)))
            if name == next(iter(LOOPS)):
                low.append(seen.low)
    probable, unpooled = np.array(p), np.array(u)
    likely, sure = (probable >= LIKELY).mean(), (probable >= SURE).mean()
    none = ((probable < RARE) & (unpooled < RARE_UNPOOLED)).mean()
    wider = max(np.sqrt(BAND_BOARDS / boards), 1.0)
    pairs = [(sure, kind.sure), (none, kind.none)]
    pairs += [] if kind.ranking else [(likely, kind.likely)]
    outside = [
        f"{share:.2f}, expected {expected:.2g}"
        for share, expected in pairs
        if abs(share - expected) > BAND * wider
    ]
    if kind.ranking and likely * boards > MOST_FALSE * max(boards / BAND_BOARDS, 1.0):
        outside.append(f"{likely:.2f} of rankings likely to be cycles")
    outside += [
        f"cover {np.mean(each):.2f}"
        for each in covered.values()
        if each
        and np.mean(each) < 1.0 - (1.0 - LEAST_COVER) * max(wider, np.sqrt(BAND_BOARDS / len(each)))
    ]
    covers = [
        "–" if not each else f"{np.mean(each):.2f}" + f" of {len(each)}" * (len(each) < boards)
        for each in covered.values()
    ]
    median = np.quantile(low, 0.5, method="inverted_cdf")
    span = str(kind.votes[0]) if kind.votes[0] == kind.votes[1] else "{}–{}".format(*kind.votes)
    return [
        f"{kind.name}, K={kind.K} ({span})", f"{boards}", f"{likely:.2f}", f"{sure:.2f}",
        f"{none:.2f}", *covers, f"{median:.3g}", "; ".join(outside) or "yes",
    ]  # fmt: skip


def prior_rows(boards: int, draws: int, seed: int) -> list[list[str]]:
    """Return what boards of four drawn from the model's own prior show: covers, and shares."""
    i, j = np.triu_indices(4, 1)
    inside: dict[str, list[bool]] = {"P": [], "scatter τ": [], "onset, IPO α .5": []}
    p, cyclic = [], []
    loop = LOOPS["IPO α .5"]
    for board in range(boards):
        draw = np.random.default_rng([seed, 98, board])
        tau, sd = abs(draw.normal(0.0, 0.5)), np.inf
        while not SPREADS[0] < sd < SPREADS[1]:
            sd = abs(draw.standard_cauchy())
        wide = draw.random(len(i)) < min(0.05, 3.0 / len(i))
        scatter = draw.normal(0.0, np.where(wide, max(tau, 0.7), tau))
        strength = draw.normal(0.0, sd, 4)
        P = np.full((4, 4), 0.5)
        P[i, j] = 1.0 / (1.0 + np.exp(strength[j] - strength[i] - scatter))
        P[j, i] = 1.0 - P[i, j]
        found = asim.data.posterior(cast(PRIOR, P, draw), draws=draws)
        places = [int(label[1:]) for label in found.labels]
        P = P[np.ix_(places, places)]
        bounds = np.quantile(found.P, [0.025, 0.975], axis=0)
        inside["P"] += ((bounds[0] <= P) & (bounds[1] >= P))[i, j].tolist()
        spread = np.quantile(found.tau, [0.025, 0.975])
        inside["scatter τ"].append(bool(spread[0] <= tau <= spread[1]))
        true = asim.analysis.critical_beta(P, **loop)
        seen = onset_range(found, beta_max=BETA_MAX, **loop)
        inside["onset, IPO α .5"].append(bool(seen.low * 0.9999 <= true <= seen.high * 1.0001))
        p.append(found.no_winner)
        cyclic.append(not (P + np.eye(4) > 0.5).all(axis=1).any())
    rows = [
        [f"95 % interval of {name} covers", f"{np.mean(each):.3f}"] for name, each in inside.items()
    ]
    for low, high in ((0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        some = (np.array(p) >= low) & (np.array(p) < high)
        if some.any():
            mean, true = np.array(p)[some].mean(), np.array(cyclic)[some].mean()
            end = min(high, 1.0)
            rows.append(
                [
                    f"p in [{low:g}, {end:g}]: mean p; share without a winner",
                    f"{mean:.2f}; {true:.2f} of {some.sum()}",
                ]
            )
    return rows


def judged(count: int, votes: int, boards: int, draws: int, seed: int) -> list[str]:
    """Return the coverage of P by 95 % intervals where judges differ in taste (sd .7), K = 4."""
    hits: dict[bool, list[bool]] = {True: [], False: []}
    many = np.random.default_rng(0).normal(0.0, 0.7, (200_000, 2))
    i, j = np.triu_indices(4, 1)
    for board in range(boards):
        draw = np.random.default_rng([seed, 99, count, board])
        strength = draw.normal(0.0, 0.4, 4)
        taste = strength + draw.normal(0.0, 0.7, (count, 4))
        pair = draw.integers(6, size=(count, votes))
        gap = np.take_along_axis(taste[:, i] - taste[:, j], pair, axis=1)
        won = draw.random(pair.shape) < 1.0 / (1.0 + np.exp(-gap))
        left, right = ([f"m{k}" for k in side[pair].ravel()] for side in (i, j))
        names = [f"j{k}" for k in np.repeat(np.arange(count), votes)]
        for known in hits:
            given = asim.data.Comparisons.from_names(
                left, right, won.ravel().astype(float), judges=names if known else None
            )
            P = asim.data.posterior(given, draws=draws).P
            for a, b in zip(i, j, strict=True):
                apart = strength[a] - strength[b] + many[:, 0] - many[:, 1]
                true = (1.0 / (1.0 + np.exp(-apart))).mean()
                bounds = np.quantile(P[:, a, b], [0.025, 0.975])
                hits[known].append(bool(bounds[0] <= true <= bounds[1]))
    shares = [f"{np.mean(hits[known]):.3f}" for known in (False, True)]
    return [f"{count} judges, {votes} votes each", f"{boards}", *shares]


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def of_boards(share: float, draws: int, seed: int) -> str:
    """Return the table of all kinds of boards; print each row when it is known."""
    rows = []
    for kind in KINDS:
        rows.append(calibrated(kind, share, draws, seed))
        print(" | ".join(rows[-1]), flush=True)
    head = ["truth (votes a pair)", "boards", "p ≥ .8", "p ≥ .95", "no cycle"]
    head += [f"cover, {name}" for name in LOOPS] + ["median low end", "within bands"]
    return markdown(head, rows)


def of_prior(share: float, draws: int, seed: int) -> str:
    """Return the table of boards that are drawn from the prior."""
    boards = max(round(PRIOR_BOARDS * share), 1)
    head = [f"{boards} boards of four drawn from the model's prior, 5–200 votes a pair", "found"]
    return markdown(head, prior_rows(boards, draws, seed))


def of_judges(share: float, draws: int, seed: int) -> str:
    """Return the table of boards whose judges differ."""
    boards = max(round(JUDGE_BOARDS * share), 1)
    rows = [judged(*who, boards, draws, seed) for who in ((20, 30), (5, 120))]
    head = ["judges (sd of taste .7)", "boards", "cover of P ignoring them", "cover of P"]
    return markdown(head, rows)


TABLES = {"votes": of_boards, "prior": of_prior, "judges": of_judges}


def main() -> None:
    """Write the tables between their markers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of all boards")
    parser.add_argument("--draws", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=TABLES, action="append", help="this table alone")
    given = parser.parse_args()
    wanted = given.only or list(TABLES)
    for name in wanted:
        found = TABLES[name](given.share, given.draws, given.seed)
        page = PAGE.read_text(encoding="utf-8")
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, after = page.index(begin) + len(begin), page.index(end)
        told = f"Seed {given.seed}, {given.draws} draws a board."
        PAGE.write_text(f"{page[:before]}\n{told}\n\n{found}\n{page[after:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
