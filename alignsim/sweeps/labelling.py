"""What a sweep asks of its maps, by orbit and by stability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex
from alignsim.analysis import Stability, classify, collapsed, stability
from alignsim.analysis.equilibria.fixed_point import PointStatus
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.feedback import FeedbackMap
from alignsim.feedback.status import MEANINGS as RUN_STATUS
from alignsim.sweeps import labels
from alignsim.sweeps.work import Columns
from alignsim.validation import FloatArray


@dataclass(frozen=True)
class Labelling:
    """What is asked of every map of a sweep; see :func:`alignsim.sweep`."""

    by: str
    start: ArrayLike | None
    rounds: int
    burn_in: int

    def columns(self, maps: FeedbackMap, threads: int | None) -> Columns:
        """Return one value a map for every variable of the dataset."""
        if self.by == "stability":
            local = stability(maps)
            policy = simplex.softmax(local.fixed_point.logits)
            return {
                "phase": local.verdict,
                **_fixed_point(local),
                "likeliest": _likeliest(policy),
            }
        return self._of_orbits(maps, threads)

    def _of_orbits(self, maps: FeedbackMap, threads: int | None) -> Columns:
        orbit = maps.run(
            self.start, self.rounds, keep="last", burn_in=self.burn_in, threads=threads
        )
        found = classify(maps, self.start, threads=threads)
        local, phase = found.stability, found.code
        near = local.taken(np.arange(maps.size))
        several = np.flatnonzero(local.fixed_point.status == PointStatus.FOUND)
        if len(several):
            near.put(several, stability(maps.take(several), orbit.final_logits[several]))
        columns = {
            "phase": phase,
            "collapsed": collapsed(orbit.final_logits),
            "entropy": simplex.entropy(orbit.final_logits),
            "effective_support": simplex.effective_support(orbit.final_logits),
            "entropy_mean": orbit.entropy_mean,
            "cycle_strength": orbit.cycle_strength,
            "likeliest": _likeliest(orbit.policy_mean),
            **_fixed_point(near),
            "status": orbit.status,
        }
        if self.by == "orbit":
            return columns
        return {
            **columns,
            **_fixed_point(local),
            "stability": local.verdict,
            "disagreement": labels.disagreement(
                local,
                phase == Phase.CONVERGED,
                (phase != Phase.CONVERGED) & (phase != Phase.UNDECIDED),
                found.final_logits,
            ),
        }

    def variables(self) -> dict[str, tuple[np.dtype[Any], dict[str, Any]]]:
        """Return the type and the attributes of every variable, in the order of the columns."""
        if self.by == "stability":
            names = ["phase", "spectral_radius", "fixed_point_status", "likeliest"]
            return {n: (TYPES[n], {**ATTRIBUTES, "phase": labels.STABILITY}[n]) for n in names}
        names = [*ATTRIBUTES]
        if self.by == "orbit":
            names = [name for name in names if name not in OF_BOTH]
        return {name: (TYPES[name], ATTRIBUTES[name]) for name in names}


OF_BOTH = ("stability", "disagreement")
"""Further variables of sweeps by both."""

ATTRIBUTES: dict[str, dict[str, Any]] = {
    "phase": labels.flags(Phase, "long-run behaviour"),
    "collapsed": {"long_name": "effective support below 1 + collapse_share·(K − 1)"},
    "entropy": {"long_name": "final entropy", "units": "nats"},
    "effective_support": {"long_name": "final effective support e^H", "units": "responses"},
    "entropy_mean": {"long_name": "entropy averaged from burn_in on", "units": "nats"},
    "cycle_strength": {"long_name": "policy variance in time, averaged over coordinates"},
    "likeliest": {
        "long_name": "likeliest response: averaged from burn_in on, or at the fixed point; "
        f"-1 where none leads by {simplex.LEAD:g}"
    },
    "spectral_radius": labels.SPECTRAL_RADIUS,
    "fixed_point_status": labels.flags(PointStatus, "how the fixed point was found"),
    "status": labels.flags(RUN_STATUS, "how the run ended"),
    "stability": labels.STABILITY,
    "disagreement": labels.DISAGREEMENT,
}
"""Of all variables; by stability, ``phase`` is ``stability``."""

TYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(
        {
            "phase": np.int8,
            "collapsed": np.bool_,
            "likeliest": np.int32,
            "fixed_point_status": np.int8,
            "status": np.int8,
            "stability": np.int8,
            "disagreement": np.bool_,
        }.get(name, np.float64)
    )
    for name in ATTRIBUTES
}


def _likeliest(policy: FloatArray) -> np.ndarray:
    return simplex.likeliest(policy).astype(np.int32)


def _fixed_point(local: Stability) -> Columns:
    return {
        "spectral_radius": local.spectral_radius,
        "fixed_point_status": local.fixed_point.status,
    }
