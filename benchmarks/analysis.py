"""What the long-run analysis costs, beside the rounds that it judges."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np
from measuring import Effort, Row, interleave, ratio
from rivals import random_problem

import alignsim as asim

MANY, MAPS = 100_000, 4096
EXPONENT_MAPS, EXPONENT_ROUNDS = 4096, 1000
ORBIT_ROUNDS = 3000
CLEAR = 0.01  # |ρ − 1| of the maps that are classified
BETAS = (3.0, 10.0, 30.0)  # of the random maps
RESOLUTION = 1024


def stability(effort: Effort) -> Iterable[Row]:
    """Time the spectral radius, ω, the margin and the angle of many maps."""
    loop = _maps(MANY, 4)
    times = interleave({"stability": lambda _: asim.stability(loop)}, effort, rounds=0)
    each = 1e6 * float(np.median(times["stability"])) / MANY
    yield Row(f"`stability`, K=4, {MANY:,} maps", f"{each:.2f} µs a map", "≤ 3 µs", each <= 3.0)


def exponents(effort: Effort) -> Iterable[Row]:
    """Time all Lyapunov exponents beside the rounds alone."""
    loop = _maps(EXPONENT_MAPS, 3)
    start = np.random.default_rng(1).normal(size=(EXPONENT_MAPS, 3))

    def spectrum(rounds: int) -> object:
        return asim.lyapunov_spectrum(loop, start_logits=start, rounds=rounds, threads=1)

    times = interleave(
        {"spectrum": spectrum, "rounds": lambda rounds: _run(loop, start, rounds)},
        effort,
        rounds=EXPONENT_ROUNDS,
    )
    factor = ratio(times, "spectrum", "rounds") / 2
    yield Row(f"`lyapunov_spectrum`, K=3, {EXPONENT_MAPS:,} maps, an exponent and round",
              f"{factor:.1f}× a bare round", "≤ 4×", factor <= 4.0)  # fmt: skip


def classification(effort: Effort) -> Iterable[Row]:
    """Time the phases of orbits, beside their rounds alone."""
    loop = _maps(2 * MAPS, 4)
    clear = np.abs(asim.stability(loop).spectral_radius - 1.0) > CLEAR
    loop = loop.take(np.flatnonzero(clear)[:MAPS])
    start = np.random.default_rng(1).normal(size=(MAPS, 4))

    def classify(rounds: int) -> object:
        return asim.classify(loop, start_logits=start, rounds=rounds, threads=1)

    times = interleave(
        {"classify": classify, "rounds": lambda rounds: _run(loop, start, rounds)},
        effort,
        rounds=ORBIT_ROUNDS,
    )
    factor = ratio(times, "classify", "rounds")
    yield Row(f"`classify`, K=4, {MAPS:,} maps, {ORBIT_ROUNDS:,} rounds",
              f"{factor:.2f}× the rounds alone", "≤ 1.5×", factor <= 1.5)  # fmt: skip


def random_maps(effort: Effort) -> Iterable[Row]:
    """Time the phases of orbits of random skew matrices, and sweeps, beside their rounds."""
    P = asim.preferences.random_skew(4, size=MAPS, max_margin=0.4, rng=0)
    start = np.zeros((MAPS, 4)) + asim.simplex.asymmetric_direction(4)
    for beta in BETAS:
        loop = asim.FeedbackMap(P, beta=beta, alpha=0.5)

        def sweep(_: int, beta: float = beta) -> object:
            return asim.sweep(P, beta=beta, alpha=0.5, by="orbit", threads=1, progress=False)

        contestants: dict[str, Callable[[int], object]] = {
            "classify": lambda _, loop=loop: asim.classify(loop, threads=1),
            "rounds": lambda rounds, loop=loop: _run(loop, start, rounds),
            "sweep": sweep,
            "averaged": lambda rounds, loop=loop: loop.run(rounds=rounds, keep="last", threads=1),
        }
        times = interleave(contestants, effort, rounds=ORBIT_ROUNDS)
        factor = ratio(times, "classify", "rounds")
        yield Row(f"`classify`, random K=4, β = {beta:g}, {MAPS:,} maps",
                  f"{factor:.1f}× {ORBIT_ROUNDS:,} rounds", "≤ 8×", factor <= 8.0)  # fmt: skip
        factor = ratio(times, "sweep", "averaged")
        alone = ratio(times, "sweep", "rounds")
        yield Row("– `sweep` by orbit, beside its own rounds, which average",
                  f"{factor:.1f}× ({alone:.1f}× rounds alone)", "≤ 8×", factor <= 8.0)  # fmt: skip


def diagram(effort: Effort) -> Iterable[Row]:
    """Time a phase diagram by stability, and check it against the dense one."""
    P = asim.preferences.cyclic(3, advantage=0.3)

    def draw(resolution: int) -> object:
        return asim.phase_diagram(
            P, x=("beta", 0, 12), y=("lam", 0, 1), alpha=0.6, resolution=resolution,
            progress=False,
        )  # fmt: skip

    seconds = float(np.median(interleave({"diagram": draw}, effort, rounds=RESOLUTION)["diagram"]))
    ds = draw(RESOLUTION)
    work = f"`phase_diagram`, {RESOLUTION + 1:,}² points, by stability"
    yield Row(f"{work}, warm", f"{seconds:.2f} s", "≤ 2 s", seconds <= 2.0)
    share = ds.attrs["share"]
    yield Row("– points evaluated", f"1/{1 / share:.0f}", "≤ 1/25", share <= 1 / 25)
    begin = time.perf_counter()
    dense = asim.stability(
        asim.FeedbackMap(P, beta=ds.beta.values, lam=ds.lam.values[:, None], alpha=0.6)
    )
    elapsed = time.perf_counter() - begin
    wrong = int((ds.phase.values != dense.verdict).sum())
    yield Row("– labels unlike the dense diagram's", f"{wrong}", "0", wrong == 0)
    yield Row("– faster than the dense diagram", f"{elapsed / seconds:.1f}×")


def _maps(count: int, responses: int) -> asim.FeedbackMap:
    """Return maps whose β is log-uniform from 1 to 100: nine in ten are stable."""
    problem = random_problem(count, responses)
    rng = np.random.default_rng(2)
    return asim.FeedbackMap(
        0.5 + (problem.matrices - 0.5) / 0.6,
        beta=10.0 ** rng.uniform(0.0, 2.0, count),
        alpha=rng.uniform(0.0, 1.0, count),
        lam=rng.uniform(0.0, 1.0, count),
    )


def _run(loop: asim.FeedbackMap, start: np.ndarray, rounds: int) -> object:
    return loop.run(start_logits=start, rounds=rounds, keep="last", burn_in=rounds, threads=1)
