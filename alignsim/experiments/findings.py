"""What the paper's experiments found, in rows of words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alignsim.sweeps.findings import Row
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

NOTICEABLE = 1e-3
"""Mean cycle strengths that differ by more are different; half the width of a typical error."""

NOT_KNOWN = "not known"
ALL_FAILED = f"{NOT_KNOWN}: every run failed"

_FEW = 4


def reproduction_findings(found: xarray.Dataset, winner: xarray.Dataset) -> list[Row]:
    """Return what happens to each class: cycle strength, the winner, and entropy.

    Parameters
    ----------
    found
        From `reproduce`.
    winner
        From `winner_from_corners`, over the same grid.

    Examples
    --------
    >>> import alignsim as asim
    >>> from alignsim.sweeps import reproduce, winner_from_corners
    >>> P = asim.preferences.cyclic(3, advantage=0.5)[None]
    >>> grid = {"objective": "ipo", "alpha": [0.0, 0.5], "beta": [1.0, 3.3, 9.0], "lam": 1.0}
    >>> for row in reproduction_findings(reproduce(P, **grid), winner_from_corners(P, **grid)):
    ...     print(*row, sep=": ")
    MRS-IPO, 1 cyclic without a winner: at λ = 1
    – cycle strength, α = 0: 0 at βλ = 1, 0 at 3.3, 0.2135 at 9
    – cycle strength, α = 0.5: 0 at βλ = 1, 0.02582 at 3.3, 0.1489 at 9
    – rises with βλ: at every step
    – rises with α: at βλ = 3.3
    – oscillate, at the largest βλ: 100.0 % (α = 0), 100.0 % (α = 0.5)
    – oscillate beside a stable fixed point: at most 0.0 % of the matrices
    """
    lam = float(found["lam"].max())
    rows: list[Row] = []
    for objective in found["objective"].values:
        one = found.sel(objective=objective, lam=lam)
        name = f"MRS-{objective.upper()}"
        cyclic = one.sel({"class": "cyclic"})
        if cyclic["run"]:
            rows.append((f"{name}, {cyclic['run'].item():,} cyclic without a winner", _at(lam)))
            rows += _cyclic_rows(cyclic, lam)
        if winner.attrs["run"]:
            rows.append((f"{name}, {winner.attrs['run']:,} cyclic below a winner", "every λ"))
            rows += _winner_rows(winner.sel(objective=objective))
        weak = one.sel({"class": "strongly_transitive"})
        if weak["run"]:
            rows.append((f"{name}, {weak['run'].item():,} strongly transitive", _at(lam)))
            rows += _entropy_rows(weak)
    failed = int(found["failed"].sum())
    return [*rows, ("runs that failed", f"{failed:,}")] if failed else rows


def _cyclic_rows(ds: xarray.Dataset, lam: float) -> Iterator[Row]:
    signal = ds["beta"].values * lam
    strength = ds["cycle_strength"].transpose("alpha", "beta").values
    for alpha, course in zip(ds["alpha"].values, strength, strict=True):
        yield f"– cycle strength, α = {alpha:g}", _course(signal, course, "βλ")
    yield "– rises with βλ", _monotone(np.diff(strength, axis=1))
    yield "– rises with α", _rises(signal, strength)
    last = ds.isel(beta=-1)
    shares = ", ".join(
        f"{_share(one['oscillating'].item())} (α = {one['alpha'].item():g})"
        for one in (last.sel(alpha=alpha) for alpha in ds["alpha"].values)
    )
    yield "– oscillate, at the largest βλ", shares
    most = _largest(ds["bistable"])
    if np.isfinite(most):
        yield "– oscillate beside a stable fixed point", f"at most {_share(most)} of the matrices"


def _winner_rows(ds: xarray.Dataset) -> Iterator[Row]:
    most = _largest(ds["cycle_strength"])
    yield (
        "– cycle strength from any corner",
        ALL_FAILED if np.isnan(most) else f"at most {most:.2g}",
    )
    least = [float(ds["winner_least"].isel(beta=end).min()) for end in (0, -1)]
    first, last = (NOT_KNOWN if np.isnan(share) else f"{share:.4f}" for share in least)
    yield (
        "– least probability of the winner",
        ALL_FAILED
        if np.isnan(least).all()
        else f"{first} at the smallest β, {last} at the largest",
    )
    yield "– the winners beat ½ by", f"{ds.attrs['least_margin']:.3f} or more"


def _entropy_rows(ds: xarray.Dataset) -> Iterator[Row]:
    control = (ds["beta"] / (1.0 - ds["alpha"])).transpose("alpha", "beta").values.ravel()
    entropy = ds["entropy"].transpose("alpha", "beta").values.ravel()
    known = np.isfinite(control)
    order = np.argsort(control[known], kind="stable")
    control, entropy = control[known][order], entropy[known][order]
    yield "– final entropy (nats)", _course(control, entropy, "η")
    yield "– falls with η, whatever α", _monotone(-np.diff(entropy))
    yield "– ties at the top leave", f"{ds['entropy_limit'].item():.4f} nats"
    most = _largest(ds["cycle_strength"])
    yield "– largest cycle strength", ALL_FAILED if np.isnan(most) else f"{most:.2g}"


def _course(at: FloatArray, values: FloatArray, letter: str) -> str:
    """Return a few values, evenly spread over the axis."""
    if not values.size:
        return f"{NOT_KNOWN}: {letter} is infinite"
    if np.isnan(values).all():
        return ALL_FAILED
    few = np.unique(np.linspace(0, len(at) - 1, min(_FEW, len(at))).round().astype(int))
    texts = [f"{_rounded(values[i])} at {at[i]:.4g}" for i in few]
    texts[0] = texts[0].replace(" at ", f" at {letter} = ")
    return ", ".join(texts)


def _rounded(value: float) -> str:
    """Return four digits of a value, without what is rounding."""
    return NOT_KNOWN if np.isnan(value) else f"{round(float(value), 9) + 0.0:.4g}"


def _share(value: float) -> str:
    return NOT_KNOWN if np.isnan(value) else f"{100.0 * value:.1f} %"


def _largest(values: xarray.DataArray) -> float:
    """Return the largest value of runs that did not fail, NaN if all did."""
    return float(np.fmax.reduce(values.values, axis=None))


def _undecided(steps: FloatArray) -> str:
    """Return why steps say nothing, and nothing if they say something."""
    if not steps.size:
        return f"{NOT_KNOWN}: there is one value only"
    if np.isfinite(steps).any():
        return ""
    return f"{NOT_KNOWN}: the runs of every step failed"


def _monotone(steps: FloatArray) -> str:
    if reason := _undecided(steps):
        return reason
    known = steps[np.isfinite(steps)]
    if known.min() <= -NOTICEABLE:
        return f"but for steps back of at most {-known.min():.2g}"
    return "at every step" + (" that is known" if known.size < steps.size else "")


def _rises(signal: FloatArray, strength: FloatArray) -> str:
    """Return where, along βλ, strength grows with every α, and noticeably over all."""
    steps = np.diff(strength, axis=0)
    if reason := _undecided(steps):
        return reason
    grows = (steps > -NOTICEABLE).all(axis=0) & (steps.sum(axis=0) > NOTICEABLE)
    return _range(signal, np.flatnonzero(grows))


def _range(signal: FloatArray, where: NDArray[np.intp]) -> str:
    if not where.size:
        return "at no βλ"
    unbroken = where[: int(np.argmin(np.append(np.diff(where) == 1, False))) + 1]
    low, high = signal[unbroken[0]], signal[unbroken[-1]]
    return f"at βλ = {low:.4g}" if low == high else f"for βλ from {low:.4g} to {high:.4g}"


def _at(lam: float) -> str:
    return f"at λ = {lam:g}"
