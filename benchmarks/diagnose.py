"""How often `alignsim.diagnose` is right: logs of simulated loops whose truth is known.

Loops of 3 to 6 responses are drawn with ρ from 0.5 to 1.1 and θ from 8° to 90°, 70 % of them IPO,
and started at random, or on their cycle. Two thirds of the logs are counted from 50 or 500 samples
a round, of rounds that learn from all comparisons, from as many as are logged, or from 2,000; one
third is exact. Other loops are drawn far beyond the onset, with ρ from 1.1 to 2.5, half of them
DPO, and started near their rest point, at random, or on their cycle: there it also counts whether
a log that is said to be on its cycle, or on its way, is. Run as

    python benchmarks/diagnose.py [--loops 600] [--scalars 300] [--beyond 200] [--seed 0]

to write the tables into ``benchmarks/README.md``; it takes a quarter of an hour on one processor.
With ``--beyond 0`` or ``--loops 0`` the table of the others stays.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

import alignsim as asim

NEAR = 1e-6  # relative error of the truth, which counts at intervals of no width
RHO, THETA = (0.5, 1.1), np.radians([8.0, 90.0])
GRID = np.geomspace(0.05, 200.0, 30)
LENGTHS, SAMPLES = (10, 20, 50, 200), (50, 500)
LEARNED_FROM = (None, "n", 2000)
IPO, EXACT = 0.7, 1 / 3
ON_ATTRACTOR, SETTLED = 0.3, 300
COLLAPSED = 0.97
FAR, FAR_DPO, CLOSE = (1.1, 2.5), 0.5, 0.15
"""Beyond the onset: ρ, the share of DPO, and how far ρ may lie from a number drawn evenly."""
STARTS, NUDGE = ("near", "random", "cycle"), 0.1
STARTED = ("from near rest", "from anywhere", "on the cycle")
REACHED, SETTLING, LAST = 0.7, 1500, 400
"""A log is on its cycle where its last part has this share of the amplitude that its loop settles
at, which is taken over the last of many rounds."""
PAGE = Path(__file__).parent / "README.md"


@dataclass(frozen=True)
class Case:
    """A loop with its truth, and the log of one run; ``n`` is infinite of exact logs."""

    loop: asim.FeedbackMap
    rho: float
    theta: float
    calm: float
    log: np.ndarray
    n: float
    start: str = "random"
    on_cycle: bool = False


class Radii:
    """The leading multipliers of a loop over a grid of β up to 200."""

    def __init__(self, loop: asim.FeedbackMap) -> None:
        self.loop = loop
        self.radii = asim.stability(loop.replace(beta=GRID)).spectral_radius

    def at(self, rho: float) -> asim.FeedbackMap | None:
        """Return the loop with the first β at which it rises through ρ; None where none does."""
        rises = np.flatnonzero((self.radii[:-1] < rho) & (self.radii[1:] >= rho))
        if not len(rises):
            return None
        ends = np.log(GRID[rises[0] : rises[0] + 2])
        found = brentq(lambda log_beta: self._radius(log_beta) - rho, *ends, xtol=1e-13)
        return self.loop.replace(beta=float(np.exp(found)))

    def _radius(self, log_beta: float) -> float:
        return float(asim.stability(self.loop.replace(beta=np.exp(log_beta))).spectral_radius)


def preferences(K: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random preference matrix."""
    P = np.full((K, K), 0.5)
    i, j = np.triu_indices(K, 1)
    P[i, j] = 1.0 / (1.0 + np.exp(-rng.normal(0.0, 1.5, len(i))))
    P[j, i] = 1.0 - P[i, j]
    return P


def logged(
    loop: asim.FeedbackMap,
    start: np.ndarray,
    T: int,
    n: float,
    exact: bool,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """Return the policies of a run (T, K), perhaps with training noise; None if it collapses."""
    learned = LEARNED_FROM[int(rng.integers(3))]
    noisy = {}
    if learned is not None and not exact:
        noisy = {
            "samples_per_round": int(n if learned == "n" else learned),
            "smoothing": 1.0 if loop.objective.name == "dpo" else 0.0,
            "rng": int(rng.integers(2**31)),
        }
    policies = loop.run(start_logits=start, rounds=T - 1, **noisy).policies
    if not np.isfinite(policies).all() or policies.mean(axis=0).max() > COLLAPSED:
        return None
    return np.asarray(policies)


def cases(count: int, seed: int, kinds: tuple[bool, ...] = (True, False)) -> Iterator[Case]:
    """Yield loops with logs; ``kinds`` says whether exact ones and sampled ones are wanted."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        K = int(rng.integers(3, 7))
        P = preferences(K, rng)
        objective = "ipo" if rng.random() < IPO else "dpo"
        target, alpha = rng.uniform(*RHO), rng.uniform(0.0, 0.95)
        exact = rng.random() < EXACT
        lam, start = rng.uniform(0.3, 1.0), rng.normal(size=K)
        if target <= alpha or exact not in kinds:
            continue
        drawn = asim.FeedbackMap(P, objective=objective, beta=1.0, alpha=alpha, lam=lam)
        radii = Radii(drawn)
        loop = radii.at(target)
        if loop is None:
            continue
        local = asim.stability(loop)
        theta = float(local.angle)
        if not THETA[0] <= theta <= THETA[1]:
            continue
        T, n = int(rng.choice(LENGTHS)), float(rng.choice(SAMPLES))
        if target > 1.0 and rng.random() < ON_ATTRACTOR:
            start = loop.run(start_logits=start, rounds=SETTLED, keep="last").final_logits
        policies = logged(loop, start, T, n, exact, rng)
        if policies is None:
            continue
        calm = radii.at(0.9) if alpha < 0.9 else None
        factor = np.nan if calm is None else float(calm.beta / loop.beta)
        log = policies if exact else rng.multinomial(int(n), policies)
        made += 1
        yield Case(loop, target, theta, factor, log, np.inf if exact else n)


def far_cases(count: int, seed: int) -> Iterator[Case]:
    """Yield loops far beyond their onset, with logs."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        K = int(rng.integers(3, 7))
        P = preferences(K, rng)
        objective = "dpo" if rng.random() < FAR_DPO else "ipo"
        target, alpha = rng.uniform(*FAR), rng.uniform(0.0, 0.95)
        exact = rng.random() < EXACT
        lam, start = rng.uniform(0.3, 1.0), rng.normal(size=K)
        started = STARTS[int(rng.integers(len(STARTS)))]
        T, n = int(rng.choice(LENGTHS)), float(rng.choice(SAMPLES))
        drawn = asim.FeedbackMap(P, objective=objective, beta=1.0, alpha=alpha, lam=lam)
        local = asim.stability(drawn.replace(beta=GRID))
        off = np.abs(np.nan_to_num(local.spectral_radius) - target)
        best = int(off.argmin())
        rho, theta = float(local.spectral_radius[best]), float(local.angle[best])
        if off[best] > CLOSE or not (FAR[0] <= rho <= FAR[1] and THETA[0] <= theta <= THETA[1]):
            continue
        loop = drawn.replace(beta=float(GRID[best]))
        if started == "near":
            start = local.fixed_point.logits[best] + NUDGE * start
        elif started == "cycle":
            start = loop.run(start_logits=start, rounds=SETTLED, keep="last").final_logits
        policies = logged(loop, start, T, n, exact, rng)
        if policies is None or (policies == 0.0).any():
            continue
        states = asim.simplex.centred_logits(policies)
        window = min(T, max(T // 3, int(np.ceil(3.0 * np.pi / theta))))
        orbit = loop.run(start_logits=states[-1], rounds=SETTLING).logits[-LAST:]
        on_cycle = spread(states[-window:]) >= REACHED * spread(orbit)
        log = policies if exact else rng.multinomial(int(n), policies)
        made += 1
        yield Case(loop, rho, theta, np.nan, log, np.inf if exact else n, started, on_cycle)


def spread(states: np.ndarray) -> float:
    """Return the root mean square distance of states (t, K) from their mean."""
    return float(np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean()))


@dataclass(frozen=True)
class Outcome:
    """A case, what was found, and the processor time it took."""

    case: Case
    found: asim.reports.Diagnosis
    seconds: float

    @property
    def verdict(self) -> str:
        """Return the verdict in words."""
        return str(self.found.words("verdict"))

    @property
    def decided(self) -> bool:
        """Return whether there is a verdict."""
        return self.verdict != "cannot tell"

    @property
    def right(self) -> bool:
        """Return whether the verdict fits the truth: every loop has a rest point, and turns."""
        stable = self.case.rho < 1.0
        if self.verdict == "sustained oscillation":
            return self.case.rho > 0.98  # a wobble that noise keeps alive for as long as the log
        return (
            stable
            if self.verdict in ("converging", "damped")
            else (not stable and self.verdict in ("limit cycle", "moving away", "unstable"))
        )

    @property
    def rightly_placed(self) -> bool:
        """Return whether the verdict fits the truth, and the log is where it is said to be."""
        if self.verdict == "limit cycle":
            return self.right and self.case.on_cycle
        return self.right and not (self.verdict == "moving away" and self.case.on_cycle)

    def covered(self, name: str, truth: float) -> float:
        """Return 1 if an interval has the truth in it, 0 if not, and NaN if there is none."""
        low, high = getattr(self.found, f"{name}_interval")
        if np.isnan(low):
            return np.nan
        return float(low - NEAR * truth <= truth <= high + NEAR * truth)


def diagnosed(case: Case) -> Outcome:
    """Return the diagnosis of a case."""
    begun = time.process_time()
    found = asim.diagnose(case.log, np.inf if np.isinf(case.n) else None)
    return Outcome(case, found, time.process_time() - begun)


def scalar(case: Case) -> Outcome:
    """Return the diagnosis of a sampled case of which only the largest share was logged."""
    shares = case.log / case.n
    column = shares[:, shares.mean(axis=0).argmax()]
    begun = time.process_time()
    found = asim.diagnose(column, case.n, quantity="share")
    return Outcome(case, found, time.process_time() - begun)


HEAD = """\
| logs | loops | median \\|ρ̂−ρ\\| | median bias | ρ covered | ρ width | median θ error | θ covered \
| decided | right | seconds |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def row(name: str, outcomes: list[Outcome]) -> str:
    """Return a line of the table."""
    if not outcomes:
        return f"| {name} | 0 |" + " – |" * 9
    rho = np.array([float(o.found.rho) - o.case.rho for o in outcomes])
    theta = np.degrees([abs(float(o.found.theta) - o.case.theta) for o in outcomes])
    width = [float(np.ptp(o.found.rho_interval)) for o in outcomes]
    in_rho = np.nanmean([o.covered("rho", o.case.rho) for o in outcomes])
    in_theta = np.nanmean([o.covered("theta", o.case.theta) for o in outcomes])
    decided = [o for o in outcomes if o.decided]
    right = sum(o.right for o in decided)
    seconds = np.array([o.seconds for o in outcomes])
    cells = [
        name,
        f"{len(outcomes)}",
        f"{np.nanmedian(np.abs(rho)):.2g}",
        f"{np.nanmedian(rho):+.2g}",
        f"{in_rho:.2f}",
        f"{np.nanmedian(width):.2f}",
        f"{np.nanmedian(theta):.2g}°",
        f"{in_theta:.2f}",
        f"{len(decided) / len(outcomes):.2f}",
        f"{right} of {len(decided)}",
        f"{np.median(seconds):.2f} (at most {seconds.max():.0f})",
    ]
    return f"| {' | '.join(cells)} |"


def table(outcomes: list[Outcome]) -> str:
    """Return what was found in logs of all shares, by kind, as Markdown."""
    exact = [o for o in outcomes if np.isinf(o.case.n)]
    sampled = [o for o in outcomes if not np.isinf(o.case.n)]
    kinds = {
        (name, bool(np.isinf(n))): [o for o in group if o.case.loop.objective.name == name]
        for n, group in ((np.inf, exact), (1.0, sampled))
        for name in ("ipo", "dpo")
    }
    rows = [
        row(
            f"IPO, T {T}, n {n}",
            [o for o in kinds["ipo", False] if (len(o.case.log), o.case.n) == (T, n)],
        )
        for T in LENGTHS
        for n in SAMPLES
    ]
    rows.append(row("DPO, sampled", kinds["dpo", False]))
    rows += [
        row(f"K {K}, sampled", [o for o in sampled if o.case.log.shape[1] == K])
        for K in range(3, 7)
    ]
    for name, low, high in (("ρ ≤ 0.9", 0.0, 0.9), ("ρ 0.9–1", 0.9, 1.0), ("ρ > 1", 1.0, 9.0)):
        rows.append(row(f"{name}, sampled", [o for o in sampled if low < o.case.rho <= high]))
    rows += [row("**sampled**", sampled), row("IPO, exact", kinds["ipo", True])]
    rows += [row("DPO, exact", kinds["dpo", True]), row("**all**", outcomes)]
    calm = [o for o in sampled if np.isfinite([o.case.calm, o.found.beta_factor]).all()]
    ratio = [float(o.found.beta_factor) / o.case.calm for o in calm]
    covered = np.nanmean([o.covered("beta_factor", o.case.calm) for o in calm])
    worst = max(abs(float(o.found.rho) - o.case.rho) for o in kinds["ipo", True])
    cycles = [o for o in sampled if o.verdict == "limit cycle"]
    away = [o for o in sampled if o.verdict == "moving away"]
    lines = [
        f"The largest error of ρ in exact IPO logs is {worst:.1g}. The β for ρ = 0.9 of sampled "
        f"logs is a median {np.median(ratio):.2f} times the true one (middle 90 %: "
        f"{np.quantile(ratio, 0.05):.2f} to {np.quantile(ratio, 0.95):.2f}), which its interval "
        f"covers in {covered:.2f} of {len(calm)}. Of sampled logs {len(cycles)} are said to be on "
        f"a limit cycle and {len(away)} to move away.",
    ]
    return "\n".join([HEAD, *rows, "", *lines])


FAR_HEAD = """\
| logs beyond the onset | loops | median \\|ρ̂−ρ\\| | median bias | ρ covered | ρ width \
| θ covered | decided | right | *limit cycle* | *moving away* | *unstable* |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def far_row(name: str, outcomes: list[Outcome]) -> str:
    """Return a line of the table of loops far beyond their onset."""
    if not outcomes:
        return f"| {name} | 0 |" + " – |" * 10
    known = [o for o in outcomes if np.isfinite(o.found.rho)]
    error = np.array([float(o.found.rho) - o.case.rho for o in known])
    decided = [o for o in outcomes if o.decided]
    cells = [
        name,
        f"{len(outcomes)}",
        f"{np.median(np.abs(error)):.2g}",
        f"{np.median(error):+.2g}",
        f"{np.mean([o.covered('rho', o.case.rho) for o in known]):.2f}",
        f"{np.median([float(np.ptp(o.found.rho_interval)) for o in known]):.2f}",
        f"{np.mean([o.covered('theta', o.case.theta) for o in known]):.2f}",
        f"{len(decided) / len(outcomes):.2f}",
        f"{sum(o.rightly_placed for o in decided)} of {len(decided)}",
    ]
    for verdict in ("limit cycle", "moving away", "unstable"):
        said = [o for o in decided if o.verdict == verdict]
        cells.append(f"{sum(o.rightly_placed for o in said)} of {len(said)}")
    return f"| {' | '.join(cells)} |"


def far_table(outcomes: list[Outcome]) -> str:
    """Return what was found in logs of loops far beyond their onset, as Markdown."""
    rows = []
    for name in ("ipo", "dpo"):
        for exact in (True, False):
            some = [
                o
                for o in outcomes
                if o.case.loop.objective.name == name and np.isinf(o.case.n) == exact
            ]
            title = f"{name.upper()}, {'exact' if exact else 'sampled'}"
            rows.append(far_row(title, some))
            if not exact:
                rows += [
                    far_row(f"{title}, {words}", [o for o in some if o.case.start == start])
                    for start, words in zip(STARTS, STARTED, strict=True)
                ]
    for low, high in ((1.1, 1.5), (1.5, 2.0), (2.0, 2.5)):
        some = [o for o in outcomes if low <= o.case.rho < high and not np.isinf(o.case.n)]
        rows.append(far_row(f"ρ {low:g}–{high:g}, sampled", some))
    rows.append(far_row("**all**", outcomes))
    return "\n".join([FAR_HEAD, *rows])


def scalar_lines(outcomes: list[Outcome]) -> str:
    """Return what was found in logs of one share, as text."""
    low = np.mean([float(o.found.rho_interval[0]) <= o.case.rho for o in outcomes])
    parts = []
    for verdict in ("damped", "sustained oscillation"):
        said = [o for o in outcomes if o.verdict == verdict]
        parts.append(f"*{verdict}* right in {sum(o.right for o in said)} of {len(said)}")
    return (
        f"Of {len(outcomes)} of these loops, sampled, of which only the largest share was logged: "
        f"{', '.join(parts)} (ρ > 0.98); ρ's lower limit held in {low:.3f}; a median of "
        f"{np.median([o.seconds for o in outcomes]):.2f} s."
    )


def main() -> None:
    """Write the tables between their markers, and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loops", type=int, default=600)
    parser.add_argument("--scalars", type=int, default=300)
    parser.add_argument("--beyond", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    asim.diagnose(next(cases(1, given.seed, (False,))).log)  # compiles
    if given.loops:
        outcomes = [diagnosed(case) for case in cases(given.loops, given.seed)]
        counted = [o.case for o in outcomes if not np.isinf(o.case.n)]
        scalars = [scalar(case) for case in counted[: given.scalars]]
        head = f"Seed {given.seed}, {given.loops} loops, alignsim {asim.__version__}."
        put("diagnose", "\n\n".join([head, table(outcomes), scalar_lines(scalars)]))
    if given.beyond:
        far = [diagnosed(case) for case in far_cases(given.beyond, given.seed + 2)]
        head = f"Seed {given.seed}, {given.beyond} loops, alignsim {asim.__version__}."
        put("beyond", f"{head}\n\n{far_table(far)}")


def put(name: str, found: str) -> None:
    """Print a table, and put it between its markers."""
    print(found)
    begin, end = (f"<!-- {name}:begin -->", f"<!-- {name}:end -->")
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.index(begin) + len(begin), page.index(end)
    PAGE.write_text(f"{page[:before]}\n{found}\n{page[after:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
