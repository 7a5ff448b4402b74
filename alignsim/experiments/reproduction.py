"""The paper's experiments: what a loop does to each class of preference matrices, over α, β, λ.

The protocol is that of theory 9. Its grid, sigmoid temperature, burn-in and start are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis import critical_beta, stability
from alignsim.experiments import split_classes
from alignsim.experiments.classes import CLASSES
from alignsim.feedback import FeedbackMap
from alignsim.objectives import OBJECTIVES
from alignsim.preferences import condorcet_winner, spread
from alignsim.preferences.structure import TOLERANCE
from alignsim.progress import ProgressBar
from alignsim.sweeps import provenance
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

ALPHAS = (0.0, 0.5, 0.75, 0.9)
BETAS = tuple(float(f"{beta:.4g}") for beta in np.geomspace(0.1, 100.0, 16))
LAMS = (0.5, 1.0)
"""The default grid: β has five values a decade, from where nothing happens to where all is done."""

MOST = 800
"""Of a larger class, so many matrices are run, evenly spread over it.

Enough for the 799 cyclic matrices of HANNA; the whole default grid takes a minute on two cores."""

OSCILLATES = 1e-5
"""Cycle strength from which a loop counts as oscillating: 0.3 % of probability, root mean square.

On HANNA's cyclic matrices, it differs from exact instability only where |ρ − 1| < 6e-4, for which
3,000 rounds are too few, and where a loop cycles beside a stable fixed point."""

SLOW = 0.99
"""Spectral radius up to which a transient is over in half of 3,000 rounds: .99^1500 = 3e-7."""

CORNER = 0.97
"""Probability of the one response near which a corner start lies."""

CHUNK = 32_768
"""Maps that are run at a time, to bound memory."""

PARAMETERS = ("alpha", "beta", "lam")

ATTRIBUTES = {
    "cycle_strength": "policy variance in time, averaged over coordinates, then over matrices",
    "cycle_strength_error": "its standard error over the matrices",
    "entropy": "final entropy (nats), averaged over matrices",
    "entropy_error": "its standard error over the matrices",
    "oscillating": "share of matrices with cycle strength above oscillates_above",
    "unstable": "share of matrices whose fixed point is unstable, exactly (MRS-IPO only)",
    "bistable": "share with a clearly stable fixed point whose loop oscillates (MRS-IPO only)",
    "winner": "probability of the Condorcet winner, averaged over time, then over matrices",
    "failed": "matrices that failed numerically and are left out",
}


class _Grid(NamedTuple):
    objectives: tuple[str, ...]
    alpha: FloatArray
    beta: FloatArray
    lam: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the three parameters."""
        return self.alpha.size, self.beta.size, self.lam.size

    def loops(self, P: FloatArray, objective: str) -> FeedbackMap:
        """Return the maps (..., alpha, beta, lam) of matrices (..., K, K)."""
        return FeedbackMap(
            P[..., None, None, None, :, :], objective=objective, alpha=self.alpha[:, None, None],
            beta=self.beta[:, None], lam=self.lam,
        )  # fmt: skip

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates of a dataset."""
        return {
            "objective": list(self.objectives),
            **{name: (name, getattr(self, name)) for name in PARAMETERS},
        }


def reproduce(
    P: ArrayLike,
    *,
    objective: str | Sequence[str] = ("ipo", "dpo"),
    alpha: ArrayLike = ALPHAS,
    beta: ArrayLike = BETAS,
    lam: ArrayLike = LAMS,
    rounds: int = 3000,
    most: int = MOST,
    threads: int | None = None,
    progress: bool = True,
) -> xarray.Dataset:
    """Return what the loop does on average, (class, objective, alpha, beta, lam).

    Every matrix is run from near the uniform reference, against a uniform offline sampler. Cycle
    strength is computed a matrix, over the second half of the rounds, and then averaged.

    Parameters
    ----------
    P
        A stack of preference matrices, (m, K, K); it is split by `split_classes`.
    objective
        One or several of "ipo" and "dpo".
    alpha, beta, lam
        A number or a sequence each; the grid is their outer product.
    rounds
        How many.
    most
        Of a larger class, so many matrices are run, evenly spread over it.
    threads
        As for :meth:`~alignsim.FeedbackMap.run`.
    progress
        Show a progress bar when it takes longer than a second or two.

    Returns
    -------
    xarray.Dataset
        Means over the matrices of a class: ``cycle_strength`` and ``entropy`` (final, nats), each
        with its standard error over matrices (``..._error``); ``winner``, the time-averaged
        probability of the Condorcet winner, over those matrices that have one; the shares
        ``oscillating`` (cycle strength above 1e-5), ``unstable`` (the fixed point is, exactly)
        and ``bistable`` (the loop oscillates although ρ < 0.99 at its fixed point), the last two
        for MRS-IPO only; ``failed``, a number. Coordinates of ``class``: ``matrices`` in the
        class, ``run`` of them, and ``entropy_limit``, the mean over strongly transitive matrices
        of log(number of responses tied at the top), where entropy ends for η → ∞ at λ = 1.

    Raises
    ------
    ValueError
        For bad arguments; names them. A matrix that fails numerically is left out and counted.

    References
    ----------
    ``docs/theory.md`` sections 6.3, 6.6, 6.7 and 9.

    Examples
    --------
    >>> import alignsim as asim
    >>> ratings = asim.data.synthetic_ratings(prompts=500, rng=0)
    >>> P = ratings.matrices(rng=0)[4].P
    >>> grid = {"alpha": 0.5, "beta": [1.0, 20.0], "lam": 1.0}
    >>> ds = asim.experiments.reproduce(P, objective="ipo", **grid, rounds=300)
    >>> dict(ds.sizes)
    {'class': 4, 'objective': 1, 'alpha': 1, 'beta': 2, 'lam': 1}
    >>> ds.cycle_strength.sel({"class": "cyclic"}).values.ravel().round(3).tolist()
    [0.0, 0.094]
    """
    import xarray

    matrices = _stack(P)
    grid = _grid(objective, alpha, beta, lam)
    total = validation.integer(rounds, "rounds", minimum=1)
    limit = validation.integer(most, "most", minimum=1)
    members = {name: matrices[mask] for name, mask in split_classes(matrices).items()}
    chosen = {name: spread(group, limit) for name, group in members.items()}
    work = sum(map(len, chosen.values())) * len(grid.objectives) * int(np.prod(grid.shape))
    with ProgressBar(progress, "reproduce", "maps", work) as bar:
        cells = [
            [_summary(group, grid, name, total, threads, bar) for name in grid.objectives]
            for group in chosen.values()
        ]
    dims = ("class", "objective", *PARAMETERS)
    return xarray.Dataset(
        {
            name: (dims, [[cell[name] for cell in row] for row in cells], {"long_name": text})
            for name, text in ATTRIBUTES.items()
        },
        coords={
            "class": list(CLASSES),
            **grid.coordinates(),
            "matrices": ("class", [len(group) for group in members.values()]),
            "run": ("class", [len(group) for group in chosen.values()]),
            "entropy_limit": (
                "class",
                [_entropy_limit(name, group) for name, group in chosen.items()],
                {"long_name": "final entropy for η → ∞ at λ = 1 (nats)"},
            ),
        },
        attrs={
            "rounds": total,
            "burn_in": total // 2,
            "oscillates_above": OSCILLATES,
            **provenance.of_maps(" ".join(grid.objectives), matrices),
            **provenance.of_start(None, matrices.shape[-1]),
        },
    )


def winner_from_corners(
    P: ArrayLike,
    *,
    objective: str | Sequence[str] = ("ipo", "dpo"),
    alpha: ArrayLike = ALPHAS,
    beta: ArrayLike = BETAS,
    lam: ArrayLike = LAMS,
    rounds: int = 3000,
    most: int = MOST,
    threads: int | None = None,
) -> xarray.Dataset:
    """Return whether loops find a Condorcet winner above a cycle, (objective, alpha, beta, lam).

    Of the matrices of the class "cyclic_winner", each is run from K starts: near each response,
    with probability 0.97. A winner need not be found, even where it holds nearly all of the only
    fixed point, which is stable (theory 6.6).

    Parameters
    ----------
    P
        A stack of preference matrices, (m, K, K); those of other classes are left out.
    objective, alpha, beta, lam, rounds, most, threads
        As for `reproduce`.

    Returns
    -------
    xarray.Dataset
        ``winner``, the mean over matrices of the least probability (averaged over time) that the
        winner has from any corner; ``winner_least``, the least of all; ``cycle_strength``, the
        largest of all. ``attrs`` tell the number of ``matrices``, those ``run``, and
        ``least_margin``: by how much the winners beat ½ at least. NaN if there is no such matrix.

    Raises
    ------
    ValueError
        For bad arguments; names them.

    Examples
    --------
    >>> import alignsim as asim
    >>> import numpy as np
    >>> P = np.full((1, 4, 4), 0.5)
    >>> P[0, 1:, 1:] = asim.preferences.cyclic(3, advantage=0.5)
    >>> P[0, 0, 1:], P[0, 1:, 0] = 0.52, 0.48
    >>> ds = asim.experiments.winner_from_corners(P, objective="ipo", alpha=0.9, beta=20.0, lam=1.0)
    >>> ds.winner.item() < 0.01  # its fixed point gives the winner .948, and is stable
    True
    """
    import xarray

    matrices = _stack(P)
    grid = _grid(objective, alpha, beta, lam)
    total = validation.integer(rounds, "rounds", minimum=1)
    limit = validation.integer(most, "most", minimum=1)
    members = matrices[split_classes(matrices)["cyclic_winner"]]
    chosen = spread(members, limit)
    K = matrices.shape[-1]
    corners = np.full((K, K), (1.0 - CORNER) / (K - 1))
    np.fill_diagonal(corners, CORNER)
    found = [_from_corners(chosen, corners, grid, name, total, threads) for name in grid.objectives]
    winner = condorcet_winner(chosen) if len(chosen) else np.empty(0, dtype=int)
    margins = [np.delete(row[i], i).min() for row, i in zip(chosen - 0.5, winner, strict=True)]
    dims = ("objective", *PARAMETERS)
    return xarray.Dataset(
        {name: (dims, [values[name] for values in found]) for name in found[0]},
        coords=grid.coordinates(),
        attrs={
            "rounds": total,
            "corner": CORNER,
            "matrices": len(members),
            "run": len(chosen),
            "least_margin": min(margins, default=np.nan),
            **provenance.of_maps(" ".join(grid.objectives), matrices),
        },
    )


class NoOscillationError(ValueError):
    """No matrix among those given makes a loop oscillate."""


def evolution(P: ArrayLike, *, objective: str = "ipo", rounds: int = 100) -> xarray.Dataset:
    """Return one cyclic example before and after its onset: (raised, step, round, response).

    The example is the matrix without a Condorcet winner whose fixed point loses stability at the
    median β, at α = ½ and λ = 1. The baseline takes 0.6 of that β. From there either α or βλ is
    raised in two steps.

    Parameters
    ----------
    P
        A stack of preference matrices, (m, K, K).
    objective
        "ipo" or "dpo".
    rounds
        How many are kept.

    Returns
    -------
    xarray.Dataset
        ``policy``, with the dimension ``raised`` ("alpha" or "beta"), ``step`` (0 is the
        baseline), ``round`` and ``response``; the coordinates ``alpha``, ``beta`` and
        ``spectral_radius`` (at the fixed point) over (raised, step).

    Raises
    ------
    NoOscillationError
        If no matrix is cyclic without a Condorcet winner and loses stability.
    ValueError
        For bad arguments; names them.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)[None]
    >>> ds = asim.experiments.evolution(P)  # it loses stability at β = 3
    >>> ds.beta.values.tolist()
    [[1.8, 1.8, 1.8], [1.8, 3.6, 7.2]]
    >>> ds.spectral_radius.values.round(2).tolist()
    [[0.72, 0.95, 1.08], [0.72, 1.15, 2.14]]
    """
    import xarray

    matrices = _stack(P)
    kept = validation.integer(rounds, "rounds", minimum=1)
    cyclic = spread(matrices[split_classes(matrices)["cyclic"]], MEDIAN_OF)
    lost = (
        critical_beta(cyclic, objective=objective, alpha=BASELINE_ALPHA)
        if len(cyclic)
        else np.empty(0)
    )
    known = np.flatnonzero(np.isfinite(lost))
    if not known.size:
        raise NoOscillationError(
            "P holds no cyclic matrix without a Condorcet winner that loses stability; "
            "there is no oscillation to show"
        )
    order = known[np.argsort(lost[known], kind="stable")]
    median = order[(order.size - 1) // 2]
    base = float(f"{BASELINE_SHARE * lost[median]:.2g}")
    alpha = np.stack([RAISED_ALPHAS, np.full(len(RAISED_ALPHAS), BASELINE_ALPHA)])
    beta = base * np.stack([np.ones(len(RAISED_SIGNALS)), RAISED_SIGNALS])
    loop = FeedbackMap(cyclic[median], objective=objective, alpha=alpha, beta=beta)
    orbit = loop.run(rounds=kept)
    over = ("raised", "step")
    return xarray.Dataset(
        {"policy": ((*over, "round", "response"), orbit.policies)},
        coords={
            "raised": ["alpha", "beta"],
            "round": orbit.rounds,
            "alpha": (over, alpha),
            "beta": (over, beta),
            "spectral_radius": (over, stability(loop).spectral_radius),
        },
        attrs={
            "critical_beta": float(lost[median]),
            **provenance.of_maps(objective, cyclic[median]),
        },
    )


MEDIAN_OF = 200
"""Of more matrices, so many are asked for their onset, evenly spread."""

BASELINE_ALPHA = 0.5
BASELINE_SHARE = 0.6
RAISED_ALPHAS = (0.5, 0.8, 0.95)
RAISED_SIGNALS = (1.0, 2.0, 4.0)
"""The steps of `evolution`: α itself, and β as a multiple of the baseline's."""


def _stack(P: ArrayLike) -> FloatArray:
    matrices = validation.preference_matrix(P)
    if matrices.ndim != 3:
        raise ValueError(
            f"P has shape {matrices.shape}; give a stack of matrices, (m, K, K): reshape it to one"
        )
    return matrices


def _grid(
    objective: str | Sequence[str], alpha: ArrayLike, beta: ArrayLike, lam: ArrayLike
) -> _Grid:
    names = (objective,) if isinstance(objective, str) else tuple(objective)
    for name in names:
        validation.choice(name, "objective", OBJECTIVES)
    return _Grid(
        names,
        np.atleast_1d(validation.parameter(alpha, "alpha", high=1.0)).ravel(),
        np.atleast_1d(validation.parameter(beta, "beta")).ravel(),
        np.atleast_1d(validation.parameter(lam, "lam", high=1.0)).ravel(),
    )


def _chunks(P: FloatArray, maps_each: int) -> Iterator[FloatArray]:
    size = max(1, CHUNK // maps_each)
    for first in range(0, len(P), size):
        yield P[first : first + size]


def _summary(
    P: FloatArray, grid: _Grid, objective: str, rounds: int, threads: int | None, bar: ProgressBar
) -> dict[str, FloatArray]:
    """Return every variable of the dataset for one class and objective, (alpha, beta, lam)."""
    if not len(P):
        return {name: np.full(grid.shape, np.nan) for name in ATTRIBUTES} | {
            "failed": np.zeros(grid.shape)
        }
    parts = []
    for part in _chunks(P, int(np.prod(grid.shape))):
        loop = grid.loops(part, objective)
        parts.append(_measure(loop, condorcet_winner(part), rounds, threads))
        bar.update(loop.size)
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    good = ~np.isnan(found["cycle_strength"])
    strength, strength_error = _mean_and_error(found["cycle_strength"], good)
    entropy, entropy_error = _mean_and_error(found["entropy"], good)
    oscillating = found["cycle_strength"] > OSCILLATES
    radius = found["spectral_radius"]
    known = good & ~np.isnan(radius)
    return {
        "cycle_strength": strength,
        "cycle_strength_error": strength_error,
        "entropy": entropy,
        "entropy_error": entropy_error,
        "oscillating": _mean_and_error(oscillating, good)[0],
        "unstable": _mean_and_error(radius > 1.0, known)[0],
        "bistable": _mean_and_error(oscillating & (radius < SLOW), known)[0],
        "winner": _mean_and_error(found["winner"], good & ~np.isnan(found["winner"]))[0],
        "failed": np.sum(~good, axis=0).astype(np.float64),
    }


def _measure(
    loop: FeedbackMap, winner: np.ndarray, rounds: int, threads: int | None
) -> dict[str, FloatArray]:
    """Return what each map does, (m, alpha, beta, lam)."""
    orbit = loop.run(rounds=rounds, keep="last", threads=threads)
    exact = loop.linear
    return {
        "cycle_strength": orbit.cycle_strength,
        "entropy": orbit.entropy[..., -1],
        "winner": _of_winner(orbit.policy_mean, winner),
        "spectral_radius": stability(loop).spectral_radius
        if exact
        else np.full(loop.shape, np.nan),
    }


def _of_winner(policy: FloatArray, winner: np.ndarray) -> FloatArray:
    """Return the winner's coordinate of policies (m, ..., K), NaN where there is no winner."""
    place = winner.reshape(-1, *([1] * (policy.ndim - 1)))
    share = np.take_along_axis(policy, np.maximum(place, 0), axis=-1)
    return np.asarray(np.where(place >= 0, share, np.nan)[..., 0])


def _mean_and_error(values: np.ndarray, counted: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Return the mean and its standard error over the first axis, NaN where none is counted."""
    count = counted.sum(axis=0).astype(np.float64)
    several = np.where(count > 0, count, np.nan)
    mean = np.where(counted, values, 0.0).sum(axis=0) / several
    square = np.where(counted, (values - mean) ** 2, 0.0).sum(axis=0)
    return mean, np.sqrt(square / np.where(count > 1, count - 1, np.nan) / several)


def _entropy_limit(name: str, P: FloatArray) -> float:
    """Return the mean log(number of responses that none beats), for strongly transitive classes."""
    if "strongly_transitive" not in name or not len(P):
        return np.nan
    unbeaten = (P >= 0.5 - TOLERANCE).all(axis=-1)
    return float(np.log(unbeaten.sum(axis=-1)).mean())


def _from_corners(
    P: FloatArray,
    corners: FloatArray,
    grid: _Grid,
    objective: str,
    rounds: int,
    threads: int | None,
) -> dict[str, FloatArray]:
    if not len(P):
        missing = np.full(grid.shape, np.nan)
        return {"winner": missing, "winner_least": missing, "cycle_strength": missing}
    shares, strengths = [], []
    for part in _chunks(P, len(corners) * int(np.prod(grid.shape))):
        loop = grid.loops(part[:, None], objective)
        orbit = loop.run(corners[:, None, None, None], rounds=rounds, keep="last", threads=threads)
        shares.append(_of_winner(orbit.policy_mean, condorcet_winner(part)).min(axis=1))
        strengths.append(orbit.cycle_strength.max(axis=1))
    share, strength = np.concatenate(shares), np.concatenate(strengths)
    return {
        "winner": _mean_and_error(share, ~np.isnan(share))[0],
        "winner_least": np.fmin.reduce(share, axis=0),
        "cycle_strength": np.fmax.reduce(strength, axis=0),
    }
