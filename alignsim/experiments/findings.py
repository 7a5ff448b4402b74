"""What the paper's experiments found, in rows of words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alignsim.summary import number
from alignsim.sweeps import labels
from alignsim.sweeps.findings import Row
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

NOTICEABLE = 1e-3
"""Mean cycle strengths that differ by more are different; half the width of a typical error."""

NOT_KNOWN = "not known"
NO_MATRIX = f"{NOT_KNOWN}: in every matrix a run failed"

_GRID = ("objective", "alpha", "beta", "lam", "run", "completed", "failed")
NEEDED = (*_GRID, "cycle_strength", "oscillating", "bistable", "entropy", "entropy_limit")
NEEDED_OF_WINNERS = (*_GRID, "winner_least", "cycle_strength_most", "least_margin")

_FEW = 4


def reproduction_findings(found: xarray.Dataset, winner: xarray.Dataset) -> list[Row]:
    """Return what happens to each class: cycle strength, the winner, and entropy.

    Parameters
    ----------
    found
        From `reproduce`.
    winner
        From `winner_from_corners`, over the same grid.

    Raises
    ------
    ValueError
        If one of them is something else.

    Examples
    --------
    >>> import alignsim as asim
    >>> from alignsim.experiments import reproduce, winner_from_corners
    >>> P = asim.preferences.cyclic(3, advantage=0.5)[None]
    >>> grid = {"objective": "ipo", "alpha": [0.0, 0.5], "beta": [1.0, 3.3, 9.0], "lam": 1.0}
    >>> found, winner = reproduce(P, **grid), winner_from_corners(P, **grid)
    >>> for row in asim.experiments.reproduction_findings(found, winner):
    ...     print(*row, sep=": ")
    MRS-IPO, 1 cyclic without a winner: at λ = 1
    – cycle strength, α = 0: 0 at βλ = 1, 0 at 3.3, 0.2135 at 9
    – cycle strength, α = 0.5: 0 at βλ = 1, 0.02582 at 3.3, 0.1489 at 9
    – rises with βλ: at every step
    – rises with α: at βλ = 3.3
    – oscillate, at the largest βλ: 100.0 % (α = 0), 100.0 % (α = 0.5)
    – oscillate beside a stable fixed point: at most 0.0 % of the matrices
    """
    labels.dataset(found, ("class", *NEEDED), "experiments.reproduce", "found")
    labels.dataset(winner, NEEDED_OF_WINNERS, "experiments.winner_from_corners", "winner")
    found, winner = (ds.sortby(["alpha", "beta", "lam"]) for ds in (found, winner))
    lam = float(found["lam"][-1])
    rows: list[Row] = []
    for objective in found["objective"].values:
        one, corners = (ds.sel(objective=objective) for ds in (found, winner))
        last = one.isel(lam=-1)
        for ds, members, where, tell in (
            (last.sel({"class": "cyclic"}), "cyclic without a winner", f"λ = {lam:g}", _cyclic),
            (corners, "cyclic below a winner", "every λ", _winner),
            (last.sel({"class": "strongly_transitive"}), "strongly transitive", f"λ = {lam:g}",
             _entropy),
        ):  # fmt: skip
            if ds["run"]:
                known = ds["completed"].item() > 0
                rows.append((f"MRS-{objective.upper()}, {counted(ds)} {members}", f"at {where}"))
                rows += tell(ds) if known else [("– what they do", NO_MATRIX)]
    failed = found["failed"].sum([name for name in found["failed"].dims if name != "status"])
    failed = failed + winner["failed"].sum(["objective", "alpha", "beta", "lam"])
    rows += [
        (f"runs that failed: {status}", f"{failed.sel(status=status).item():,}")
        for status in failed["status"].values[failed.values > 0]
    ]
    return rows


def counted(ds: xarray.Dataset) -> str:
    """Return how many matrices were averaged over, and of how many if some failed."""
    run, completed = ds["run"].item(), ds["completed"].item()
    return f"{run:,}" if completed == run else f"{completed:,} of {run:,}"


def _cyclic(ds: xarray.Dataset) -> Iterator[Row]:
    signal = (ds["beta"] * ds["lam"]).values
    strength = ds["cycle_strength"].transpose("alpha", "beta").values
    for alpha, course in zip(ds["alpha"].values, strength, strict=True):
        yield f"– cycle strength, α = {alpha:g}", _course(signal, course, "βλ")
    yield "– rises with βλ", _monotone(np.diff(strength, axis=1))
    yield "– rises with α", _rises(signal, strength)
    shares = ds["oscillating"].isel(beta=-1)
    each = zip(shares.values, ds["alpha"].values, strict=True)
    texts = [f"{100.0 * share:.1f} % (α = {alpha:g})" for share, alpha in each]
    yield "– oscillate, at the largest βλ", ", ".join(texts)
    most = ds["bistable"].max().item()
    if np.isfinite(most):
        text = f"at most {100.0 * most:.1f} % of the matrices"
        yield "– oscillate beside a stable fixed point", text


def _winner(ds: xarray.Dataset) -> Iterator[Row]:
    most = ds["cycle_strength_most"].max().item()
    yield "– cycle strength from any corner", f"at most {number(most, 2)}"
    first, last = (ds["winner_least"].isel(beta=end).min().item() for end in (0, -1))
    yield (
        "– least probability of the winner",
        f"{first:.4f} at the smallest β, {last:.4f} at the largest",
    )
    yield "– the winners beat ½ by", f"{ds['least_margin'].item():.3f} or more"


def _entropy(ds: xarray.Dataset) -> Iterator[Row]:
    control = (ds["beta"] / (1.0 - ds["alpha"])).transpose("alpha", "beta").values.ravel()
    entropy = ds["entropy"].transpose("alpha", "beta").values.ravel()
    known = np.isfinite(control)
    order = np.argsort(control[known], kind="stable")
    control, entropy = control[known][order], entropy[known][order]
    yield "– final entropy (nats)", _course(control, entropy, "η")
    yield "– falls with η, whatever α", _monotone(-np.diff(entropy))
    yield "– ties at the top leave", f"{ds['entropy_limit'].item():.4f} nats"
    yield "– largest cycle strength", number(ds["cycle_strength"].max().item(), 2)


def _course(at: FloatArray, values: FloatArray, letter: str) -> str:
    """Return a few values, evenly spread over the axis, without what is rounding."""
    if not values.size:
        return f"{NOT_KNOWN}: {letter} is infinite"
    few = np.unique(np.linspace(0, len(at) - 1, min(_FEW, len(at))).round().astype(int))
    texts = [f"{round(float(values[i]), 9) + 0.0:.4g} at {at[i]:.4g}" for i in few]
    texts[0] = texts[0].replace(" at ", f" at {letter} = ")
    return ", ".join(texts)


def _monotone(steps: FloatArray) -> str:
    if not steps.size:
        return f"{NOT_KNOWN}: there is one value only"
    back = -steps.min()
    return f"but for steps back of at most {back:.2g}" if back >= NOTICEABLE else "at every step"


def _rises(signal: FloatArray, strength: FloatArray) -> str:
    """Return where, along βλ, strength grows with every α, and noticeably over all."""
    steps = np.diff(strength, axis=0)
    if not steps.size:
        return f"{NOT_KNOWN}: there is one value only"
    grows = (steps > -NOTICEABLE).all(axis=0) & (steps.sum(axis=0) > NOTICEABLE)
    return _range(signal, np.flatnonzero(grows))


def _range(signal: FloatArray, where: NDArray[np.intp]) -> str:
    if not where.size:
        return "at no βλ"
    unbroken = where[: int(np.argmin(np.append(np.diff(where) == 1, False))) + 1]
    low, high = signal[unbroken[0]], signal[unbroken[-1]]
    return f"at βλ = {low:.4g}" if low == high else f"for βλ from {low:.4g} to {high:.4g}"
