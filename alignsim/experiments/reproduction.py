"""The paper's experiments: what a loop does to each class of preference matrices, over α, β, λ.

The protocol is that of theory 9. Its grid, sigmoid temperature, burn-in and start are ours.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.experiments.classes import CLASSES, split_classes, stacked, standard_error
from alignsim.experiments.runs import PARAMETERS, Grid, Runs
from alignsim.feedback.status import MEANINGS
from alignsim.kernels.status import NO_SAMPLE_OPTIMUM, OK
from alignsim.objectives import OBJECTIVES
from alignsim.preferences import spread
from alignsim.preferences.structure import TOLERANCE
from alignsim.progress import ProgressBar
from alignsim.sweeps import provenance
from alignsim.sweeps.shelf import shelf
from alignsim.sweeps.work import Columns
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

ALPHAS = (0.0, 0.5, 0.75, 0.9)
BETAS = tuple(float(f"{beta:.4g}") for beta in np.geomspace(0.1, 100.0, 16))
LAMS = (0.5, 1.0)
"""The default grid: β has five values a decade, from where nothing happens to where all is done."""

MOST = 800
"""Matrices of a class that are run by default, evenly spread over a larger class."""

OSCILLATES = 1e-5
"""Cycle strength from which a loop counts as oscillating: 0.3 % of probability, root mean square.

On HANNA's cyclic matrices, it differs from exact instability only where |ρ − 1| < 6e-4, for which
3,000 rounds are too few, and where a loop cycles beside a stable fixed point."""

SLOW = 0.99
"""Spectral radius up to which a transient is over in half of 3,000 rounds: .99^1500 = 3e-7."""

CORNER = 0.97
"""Probability of the one response near which a corner start lies."""

FAILURES = tuple(code for code in MEANINGS if code not in (OK, NO_SAMPLE_OPTIMUM))
"""Statuses with which a run may fail here; none of them draws samples."""

LONG_NAMES = {
    "cycle_strength": "policy variance in time, averaged over coordinates, then over matrices",
    "cycle_strength_error": "its standard error over the matrices of one draw",
    "entropy": "final entropy (nats), averaged over matrices",
    "entropy_error": "its standard error over the matrices of one draw",
    "oscillating": "share of matrices with cycle strength above oscillates_above",
    "unstable": "share of matrices whose fixed point is unstable, exactly (MRS-IPO only)",
    "bistable": "share with a clearly stable fixed point whose loop oscillates (MRS-IPO only)",
    "completed": "matrices without a failed run, over which everything is averaged",
    "failed": "runs that failed, by status",
    "entropy_limit": "mean final entropy for η → ∞ at λ = 1 (nats), of the completed matrices",
    "winner": "least probability of the winner from any corner, averaged over matrices",
    "winner_least": "the least of all matrices",
    "cycle_strength_most": "largest cycle strength of all matrices and corners",
    "least_margin": "by how much the winners of the completed matrices beat ½ at least",
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
    executor: Any = None,
    store: str | os.PathLike[str] | None = None,
) -> xarray.Dataset:
    """Return what the loop does on average, (class, objective, alpha, beta, lam).

    Every matrix is run from near the uniform reference, against a uniform offline sampler. Cycle
    strength is the variance over the second half of the rounds, averaged over coordinates, of one
    matrix; then it is averaged over matrices. Of one class and objective, every average is over
    the same matrices: those without a failed run anywhere on the grid.

    Parameters
    ----------
    P
        A stack of preference matrices, (m, K, K); it is split by `split_classes`.
    objective
        One or several of "ipo" and "dpo".
    alpha, beta, lam
        A number or a sequence each, without repetition; the grid is their outer product.
    rounds
        Rounds of each run.
    most
        Matrices of a class that are run at most, evenly spread over it.
    threads
        As for :meth:`~alignsim.FeedbackMap.run`.
    progress
        Show a progress bar when it takes longer than a second or two.
    executor
        Who computes, as of :func:`alignsim.sweep`; the values do not depend on it.
    store
        A folder for Zarr stores (extra ``store``), one an objective, in which every finished chunk
        of runs is kept. The same call goes on where an earlier one ended, however that ended.
        :func:`alignsim.open_sweep` reads each: ``open_sweep("NAME/ipo")`` has a value a run.

    Returns
    -------
    xarray.Dataset
        Averages: ``cycle_strength`` and ``entropy`` (final, nats), each with its standard error
        over the matrices given, which are one draw of a recipe (``..._error``); the shares
        ``oscillating`` (cycle strength above 1e-5), ``unstable`` (the fixed point is, exactly)
        and ``bistable`` (the loop oscillates although ρ < 0.99 at its fixed point), the last two
        for MRS-IPO only. By (class, objective): ``completed``, the number of matrices averaged
        over, and ``entropy_limit``, their mean of log(number of responses tied at the top) where
        they are strongly transitive: there entropy ends for η → ∞ at λ = 1. ``failed`` counts
        failed runs, with ``status`` as a last dimension. Coordinates of ``class``: ``matrices``
        in the class, and ``run`` of them.

    Raises
    ------
    ValueError
        For bad arguments; names them. A matrix that fails numerically is left out and counted.
        For a store of other runs; says what differs.
    OSError
        If the store cannot be written. What is finished stays in it, also after an interrupt.

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
    >>> dict(ds.cycle_strength.sizes)
    {'class': 4, 'objective': 1, 'alpha': 1, 'beta': 2, 'lam': 1}
    >>> ds.cycle_strength.sel({"class": "cyclic"}).values.ravel().round(3).tolist()
    [0.0, 0.094]
    """
    study = _Study(P, objective, alpha, beta, lam, rounds, most, threads, progress, executor, store)
    members = {name: study.P[mask] for name, mask in split_classes(study.P).items()}
    chosen = {name: spread(group, study.most) for name, group in members.items()}
    counts = {
        "matrices": ("class", [len(group) for group in members.values()]),
        "run": ("class", [len(group) for group in chosen.values()]),
    }
    found = study.runs(np.concatenate(list(chosen.values())), "reproduce")
    cells, last = [], 0
    for kind, group in chosen.items():
        own = slice(last, last := last + len(group))
        cells.append([_summary(group, kind, _taken(runs, own)) for runs in found])
    return study.dataset(cells, {"class": list(CLASSES), **counts}).assign_attrs(
        oscillates_above=OSCILLATES, **provenance.of_start(None, study.P.shape[-1])
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
    progress: bool = True,
    executor: Any = None,
    store: str | os.PathLike[str] | None = None,
) -> xarray.Dataset:
    """Return whether loops find a Condorcet winner above a cycle, (objective, alpha, beta, lam).

    Each matrix of the class "cyclic_winner" is run from K starts: near each response, with
    probability 0.97. A winner need not be found, even where it holds nearly all of the only
    fixed point, which is stable (theory 6.6).

    Parameters
    ----------
    P
        A stack of preference matrices, (m, K, K); those of other classes are left out.
    objective, alpha, beta, lam, rounds, most, threads, progress, executor, store
        As for `reproduce`.

    Returns
    -------
    xarray.Dataset
        ``winner``, the mean over matrices of the least probability (averaged over time) that the
        winner has from any corner; ``winner_least``, the least of all; ``cycle_strength_most``,
        the largest of all. By objective: ``completed``, the number of matrices without a failed
        run, to which all of these refer, and ``least_margin``: by how much their winners beat ½
        at least. ``failed`` counts failed runs by ``status``. Coordinates: ``matrices`` in the
        class, and ``run`` of them. NaN if there is no such matrix.

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
    study = _Study(P, objective, alpha, beta, lam, rounds, most, threads, progress, executor, store)
    members = study.P[split_classes(study.P)["cyclic_winner"]]
    chosen = spread(members, study.most)
    K = study.P.shape[-1]
    corners = np.full((K, K), (1.0 - CORNER) / (K - 1))
    np.fill_diagonal(corners, CORNER)
    cells = [_from_corners(chosen, runs) for runs in study.runs(chosen, "winner", corners)]
    counts = {"matrices": len(members), "run": len(chosen)}
    return study.dataset(cells, counts).assign_attrs(corner=CORNER)


class _Study:
    """What both experiments are given, checked."""

    def __init__(
        self, P: ArrayLike, objective: str | Sequence[str], alpha: ArrayLike, beta: ArrayLike,
        lam: ArrayLike, rounds: int, most: int, threads: int | None, progress: bool,
        executor: Any, store: str | os.PathLike[str] | None,
    ) -> None:  # fmt: skip
        several = [objective] if isinstance(objective, str) else objective
        names = validation.names(several, "objective")
        for name in names:
            validation.choice(name, "objective", OBJECTIVES)
        if not names or len(set(names)) < len(names):
            raise ValueError(f"objective is {names}; name at least one, and each once")
        self.P = stacked(P)
        self.objectives = names
        self.alpha = _axis(validation.parameter(alpha, "alpha", high=1.0), "alpha")
        self.beta = _axis(validation.parameter(beta, "beta"), "beta")
        self.lam = _axis(validation.parameter(lam, "lam", high=1.0), "lam")
        self.rounds = validation.integer(rounds, "rounds", minimum=1)
        self.most = validation.integer(most, "most", minimum=1)
        self.threads = threads
        self.progress = progress
        self.executor = executor
        self.store = store

    def runs(self, P: FloatArray, title: str, starts: FloatArray | None = None) -> list[Any]:
        """Return what each run of matrices (m, K, K) does, an objective each: (m, [n], a, b, l)."""
        with nullcontext() if self.store is None else shelf(self.store) as keep:
            runs = [
                Runs(P, Grid(name, self.alpha, self.beta, self.lam, starts, self.rounds), keep)
                for name in self.objectives
            ]
            with ProgressBar(self.progress, title, "maps", sum(part.left for part in runs)) as bar:
                return [part.found(self.executor, self.threads, bar) for part in runs]

    def dataset(self, cells: list[Any], coordinates: dict[str, Any]) -> xarray.Dataset:
        """Return a dataset from a dictionary of values an objective, or from a list a class."""
        import xarray

        grid: dict[int, tuple[str, ...]] = {0: (), 3: PARAMETERS, 4: (*PARAMETERS, "status")}
        by_class = "class" in coordinates
        one = cells[0][0] if by_class else cells[0]
        return xarray.Dataset(
            {
                name: (
                    (*(["class"] if by_class else []), "objective", *grid[np.ndim(value)]),
                    [[each[name] for each in row] if by_class else row[name] for row in cells],
                    {"long_name": LONG_NAMES[name]},
                )
                for name, value in one.items()
            },
            coords={
                **coordinates,
                "objective": list(self.objectives),
                **{name: getattr(self, name) for name in PARAMETERS},
                "status": [MEANINGS[code] for code in FAILURES],
            },
            attrs={
                "rounds": self.rounds,
                "burn_in": self.rounds // 2,
                **provenance.of_maps(" ".join(self.objectives), self.P),
            },
        )


def _axis(values: FloatArray, name: str) -> FloatArray:
    axis = np.atleast_1d(values).ravel()
    distinct, counts = np.unique(axis, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"{name} holds {distinct[counts > 1][0]:g} twice; give each value once")
    return axis


def _taken(runs: Columns, which: slice) -> Columns:
    return {name: values[which] for name, values in runs.items()}


def _summary(P: FloatArray, kind: str, found: Columns) -> dict[str, Any]:
    """Return every variable of the dataset for one class and objective."""
    failures, completed = _failures(found["status"])
    strength, entropy, radius = (
        found[name][completed] for name in ("cycle_strength", "entropy", "spectral_radius")
    )
    oscillating, unknown = strength > OSCILLATES, np.where(np.isnan(radius), np.nan, 0.0)
    tied = (P[completed] >= 0.5 - TOLERANCE).all(axis=-1).sum(axis=-1)
    transitive = "strongly_transitive" in kind
    return {
        "cycle_strength": _mean(strength),
        "cycle_strength_error": standard_error(strength),
        "entropy": _mean(entropy),
        "entropy_error": standard_error(entropy),
        "oscillating": _mean(oscillating),
        "unstable": _mean((radius > 1.0) + unknown),
        "bistable": _mean((oscillating & (radius < SLOW)) + unknown),
        "completed": int(completed.sum()),
        "failed": failures,
        "entropy_limit": float(_mean(np.log(tied))) if transitive else np.nan,
    }


def _from_corners(P: FloatArray, found: Columns) -> dict[str, Any]:
    K = P.shape[-1]
    failures, completed = _failures(found["status"])
    share = found["winner"][completed].min(axis=1)
    strength = found["cycle_strength"][completed].max(axis=1)
    others = np.where(np.eye(K, dtype=bool), 1.0, P[completed]) - 0.5
    none = np.full(share.shape[1:], np.nan)
    return {
        "winner": _mean(share),
        "winner_least": share.min(axis=0) if len(share) else none,
        "cycle_strength_most": strength.max(axis=0) if len(share) else none,
        "completed": int(completed.sum()),
        "failed": failures,
        "least_margin": float(others.min(axis=-1).max(axis=-1).min()) if len(share) else np.nan,
    }


def _failures(status: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """Return failed runs (alpha, beta, lam, status), and which matrices (m,) have none."""
    over = tuple(range(status.ndim - 3))
    failed = np.stack([(status == code).sum(axis=over) for code in FAILURES], axis=-1)
    return failed, (status == OK).all(axis=tuple(range(1, status.ndim)))


def _mean(values: np.ndarray) -> FloatArray:
    """Return the mean over the first axis, NaN where that is empty."""
    return np.asarray(values.mean(axis=0) if len(values) else np.full(values.shape[1:], np.nan))
