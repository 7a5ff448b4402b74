"""Draw what loops do on HANNA's cyclic matrices, and store what they do on its whole population.

Usage: python figures/hanna.py RATINGS

Writes hanna_population.png and .csv (the matrices of the first draw) beside this script, the block
of README.md and docs/hanna.md, with errors over draws. `readme.py` says what RATINGS is.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from readme import ALPHAS, ETAS, SIGNALS, store
from tqdm import tqdm

import alignsim as asim
from alignsim.analysis.orbits.verdicts import OSCILLATING, Phase

SEEDS = range(10)
ROUNDS = 3000
EVERY = 10**6
"""More matrices than a class has: none is left out."""

BETAS = np.geomspace(1.0, 100.0, 33)
LAMBDAS = np.linspace(0.0, 1.0, 21)
HERE = Path(__file__).parent


def main(path: Path) -> None:
    """Draw, compute and store."""
    mpl.use("Agg")
    ratings = asim.data.read_ratings(path)
    found = [one_draw(drawn(ratings, seed)) for seed in tqdm(SEEDS, desc="draws")]
    by_mean = ratings.matrices("mean", subsets=4, rounding="nearest")[4].P
    numbers = {
        "matrices": len(by_mean),
        "cyclic_by_mean": int(asim.preferences.is_cyclic(by_mean).sum()),
        "count": over_draws(found, "count"),
        "share": over_draws(found, "share"),
        "cycle_strength": [rounded(each["strength"]) for each in found],
        "largest_fall": -min(0.0, *(np.diff(each["strength"]).min() for each in found)),
        "entropy": [rounded(each["entropy"]) for each in found],
        "largest_rise_of_entropy": max(0.0, *(np.diff(each["entropy"]).max() for each in found)),
        "entropy_by_alpha": max(np.ptp(each["entropy"], axis=0).max() for each in found),
        "entropy_limit": [each["entropy_limit"] for each in found],
        "failed": sum(each["failed"] for each in found),
        "winner_least": min(each["winner_least"] for each in found),
        "least_margin": min(each["least_margin"] for each in found),
    }
    data = hashlib.sha256(path.read_bytes()).hexdigest()
    made = {"by": "figures/hanna.py", "seeds": [*SEEDS], "rounds": ROUNDS, "data_sha256": data}
    store("hanna", numbers, made)
    draw_population(drawn(ratings, SEEDS[0]))


def drawn(ratings: asim.data.Ratings, seed: int) -> np.ndarray:
    """Return one draw of the recipe, (m, 4, 4)."""
    return ratings.matrices(subsets=4, rounding="nearest", rng=seed)[4].P


def draw_population(P: np.ndarray) -> None:
    """Draw the share of cyclic matrices that oscillate, and their entropy, over β × λ."""
    cyclic = P[asim.preferences.is_cyclic(P)]
    ds = asim.sweep(cyclic, beta=BETAS, lam=LAMBDAS, alpha=[0.0, 0.9], rounds=ROUNDS)
    axes = asim.plotting.population(ds)
    for ax in np.ravel(axes):
        ax.set_xscale("log")
    figure = np.ravel(axes)[0].figure
    figure.savefig(HERE / "hanna_population.png", dpi=150, metadata={"Software": None})
    shares = ds.phase.isin(OSCILLATING).mean("matrix").rename("share_oscillating").to_dataset()
    shares["share_undecided"] = (ds.phase == Phase.UNDECIDED).mean("matrix")
    shares["entropy_mean"] = ds.entropy_mean.mean("matrix")
    shares = shares.drop_vars("critical_signal", errors="ignore")
    shares.to_dataframe().round(6).to_csv(HERE / "hanna_population.csv")


def one_draw(P: np.ndarray) -> dict:
    """Return what MRS-IPO does at λ = 1 on every matrix of one draw."""
    masks = asim.experiments.split_classes(P)
    options = {"objective": "ipo", "lam": 1.0, "most": EVERY, "rounds": ROUNDS, "progress": False}
    cycles = asim.experiments.reproduce(P[masks["cyclic"]], alpha=ALPHAS, beta=SIGNALS, **options)
    winner = asim.experiments.winner_from_corners(P, alpha=ALPHAS, beta=SIGNALS, **options)
    orders = [
        asim.experiments.reproduce(
            P[masks["strongly_transitive"]], alpha=alpha, beta=np.multiply(ETAS, 1 - alpha),
            **options,
        ).sel({"class": "strongly_transitive"})
        for alpha in ALPHAS
    ]  # fmt: skip
    return {
        "count": {name: int(mask.sum()) for name, mask in masks.items()},
        "share": {
            "cyclic": float((masks["cyclic"] | masks["cyclic_winner"]).mean()),
            "strongly_transitive": float(masks["strongly_transitive"].mean()),
        },
        "strength": cycles.cycle_strength.sel({"class": "cyclic"}).squeeze().values,
        "entropy": np.array([ds.entropy.values.ravel() for ds in orders]),
        "entropy_limit": orders[0].entropy_limit.item(),
        "failed": int(sum(ds.failed.sum().item() for ds in (cycles, winner, *orders))),
        "winner_least": winner.winner_least.isel(beta=-1).min().item(),
        "least_margin": winner.least_margin.item(),
    }


def rounded(values: np.ndarray) -> list:
    """Return values as they are stored, without what is rounding."""
    return np.round(values, 7).tolist()


def over_draws(found: list[dict], name: str) -> dict[str, list[float]]:
    """Return the values of each entry over the draws."""
    return {key: [each[name][key] for each in found] for key in found[0][name]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
