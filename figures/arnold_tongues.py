"""Draw what rock-paper-scissors loops do in the long run over β × α: tongues of locking, chaos.

Usage: python figures/arnold_tongues.py

Writes arnold_tongues.png beside this script and the caption in README.md, and prints the share of
each phase.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from readme import store

import alignsim as asim

HERE = Path(__file__).parent


def main() -> None:
    """Fill the diagram, draw it, and save it."""
    mpl.use("Agg")
    from matplotlib.figure import Figure

    P = asim.preferences.cyclic(3, advantage=0.3)
    ds = asim.phase_diagram(
        P, x=("beta", 0, 48), y=("alpha", 0, 0.96), lam=1.0, by="orbit", resolution=512
    )  # fmt: skip
    figure = Figure(figsize=(7.6, 5.2), layout="constrained")
    ax = asim.plotting.phase_diagram(ds, ax=figure.add_subplot())
    ax.set_title(f"rock-paper-scissors, {ax.get_title()}")
    figure.savefig(HERE / "arnold_tongues.png", dpi=160, metadata={"Software": None})
    numbers = {"points": ds.phase.size, "evaluations": int(ds.attrs["evaluations"])}
    store("tongues", numbers, {"by": "figures/arnold_tongues.py"})
    for name, share in asim.sweeps.findings(ds):
        print(f"{name}: {share}")


if __name__ == "__main__":
    main()
