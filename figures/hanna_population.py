"""Draw the share of cyclic HANNA matrices that oscillate, and their entropy, over β × λ.

Usage: python figures/hanna_population.py FOLDER

FOLDER holds hanna_K4_int.npz, the K = 4 preference matrices of the HANNA ratings
(dig-team/hanna-benchmark-asg, MIT). Writes hanna_population.png, and the numbers behind it as
hanna_population.csv, beside this script.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

import alignsim as asim
from alignsim.analysis.orbits.verdicts import OSCILLATING, UNDECIDED

BETAS = np.geomspace(1.0, 100.0, 33)
LAMBDAS = np.linspace(0.0, 1.0, 21)
ALPHAS = [0.0, 0.9]
HERE = Path(__file__).parent


def main(folder: Path) -> None:
    """Run the sweep, draw it, and save both."""
    mpl.use("Agg")
    P = asim.data.read_matrices(folder / "hanna_K4_int.npz", key="cyclic_P").P
    ds = asim.sweep(P, beta=BETAS, lam=LAMBDAS, alpha=ALPHAS, rounds=3000)
    axes = asim.plotting.population(ds)
    for ax in np.ravel(axes):
        ax.set_xscale("log")
    np.ravel(axes)[0].figure.savefig(HERE / "hanna_population.png", dpi=150)
    shares = ds.phase.isin(OSCILLATING).mean("matrix").rename("share_oscillating").to_dataset()
    shares["share_undecided"] = (ds.phase == UNDECIDED).mean("matrix")
    shares["entropy_mean"] = ds.entropy_mean.mean("matrix")
    shares = shares.drop_vars("critical_signal", errors="ignore")
    shares.to_dataframe().round(6).to_csv(HERE / "hanna_population.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
