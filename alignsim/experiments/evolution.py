"""One cyclic example of the paper's loop, before and after it starts to oscillate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis import critical_beta, stability
from alignsim.experiments.classes import split_classes, stacked
from alignsim.feedback import FeedbackMap
from alignsim.preferences import spread
from alignsim.sweeps import provenance

if TYPE_CHECKING:
    import xarray

MEDIAN_OF = 200
"""Matrices whose onset is computed at most, evenly spread over them all."""

BASELINE_ALPHA = 0.5
BASELINE_SHARE = 0.6
RAISED_ALPHAS = (0.5, 0.8, 0.95)
RAISED_SIGNALS = (1.0, 2.0, 4.0)
"""The steps of `evolution`: α itself, and β as a multiple of the baseline's."""


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
        Rounds of the run, all of them kept.

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

    matrices = stacked(P)
    kept = validation.integer(rounds, "rounds", minimum=1)
    cyclic = spread(matrices[split_classes(matrices)["cyclic"]], MEDIAN_OF)
    lost = np.empty(0)
    if len(cyclic):
        lost = critical_beta(cyclic, objective=objective, alpha=BASELINE_ALPHA)
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
