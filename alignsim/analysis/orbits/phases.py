"""Phases of orbits that were run already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.analysis.equilibria.stability import Stability
from alignsim.analysis.orbits.approach import WINDOW, approaches
from alignsim.analysis.orbits.classification import classify
from alignsim.analysis.orbits.verdicts import CONVERGED, UNDECIDED
from alignsim.feedback import FeedbackMap, Trajectory

FURTHER_ROUNDS = 192_000
"""Rounds for which an orbit that does not converge is followed on at most, to be told apart."""


def phase_rounds(rounds: int, burn_in: int) -> list[int]:
    """Return the rounds that :func:`phases` looks at: a window after the burn-in, and the last."""
    early = range(burn_in, min(burn_in + WINDOW, rounds + 1))
    return sorted({*early, *range(max(burn_in, rounds - WINDOW + 1), rounds + 1)})


def phases(
    loop: FeedbackMap, orbit: Trajectory, local: Stability, *, threads: int | None = None
) -> NDArray[np.int8]:
    """Return the phase of every orbit, (...): a code of ``orbits.verdicts.MEANINGS``.

    An orbit has converged when it came to the stable fixed point of ``local``, or came closer to
    it since the burn-in as its spectral radius demands. Every other one is followed for up to
    ``FURTHER_ROUNDS`` more, and gets the phase that :func:`~alignsim.analysis.classify` finds
    from there; a failed one is undecided.

    Raises
    ------
    ValueError
        If ``orbit`` did not keep its burn-in round; best keep all of :func:`phase_rounds`. If the
        batch of ``loop`` or ``local`` is not that of the orbit, nor broadcasts to it.
    """
    validation.feedback_map(loop, "loop")
    shape = orbit.status.shape
    whole = {"orbit": shape, "loop": loop.shape, "local": local.spectral_radius.shape}
    if validation.batch_shape(whole) != shape:
        raise ValueError(
            f"orbit has the batch {shape}, loop {loop.shape} and local "
            f"{local.spectral_radius.shape}; give the map that the orbit was run with, and its "
            "stability"
        )
    first, last = orbit.burn_in, int(orbit.rounds[-1])
    if first not in orbit.rounds:
        raise ValueError(
            f"orbit did not keep its burn-in round {first}; run it with "
            "keep=alignsim.analysis.phase_rounds(rounds, burn_in)"
        )
    there = _approaches(orbit, local, first, last)
    codes = np.where(there, CONVERGED, UNDECIDED).astype(np.int8).ravel()
    going = np.flatnonzero(~there.ravel() & ~orbit.failed.ravel())
    if len(going):
        ends = orbit.final_logits.reshape(-1, loop.responses)[going]
        onward = classify(
            loop.broadcast_to(shape).take(going),
            rounds=FURTHER_ROUNDS, start_logits=ends, threads=threads,
        )  # fmt: skip
        codes[going] = onward.code
    return codes.reshape(there.shape)


def _approaches(orbit: Trajectory, local: Stability, first: int, last: int) -> NDArray[np.bool_]:
    """Return where the rounds from ``first`` to ``last`` lead to the fixed point, (...)."""
    window = min(WINDOW, (last - first) // 2 + 1)
    early = orbit.logits[..., (orbit.rounds >= first) & (orbit.rounds < first + window), :]
    late = orbit.logits[..., orbit.rounds > last - window, :]
    elapsed = last - window + 1 - first
    fixed = np.broadcast_to(local.fixed_point.logits, orbit.final_logits.shape)
    radius = np.broadcast_to(local.spectral_radius, orbit.status.shape)
    return approaches(early, late, fixed, radius, elapsed)
