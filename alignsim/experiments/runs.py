"""Runs of many matrices over α, β, λ, cut into chunks, by any executor, kept in a store or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from alignsim.analysis import stability
from alignsim.feedback import FeedbackMap
from alignsim.preferences import condorcet_winner
from alignsim.progress import ProgressBar
from alignsim.sweeps import provenance
from alignsim.sweeps.batches import complete, in_memory
from alignsim.sweeps.plan import Plan, maps_a_chunk
from alignsim.sweeps.runner import Job, threads_each
from alignsim.sweeps.shelf import Shelf
from alignsim.sweeps.site import site
from alignsim.sweeps.store import Contents, Store
from alignsim.sweeps.work import Columns
from alignsim.validation import FloatArray

PARAMETERS = ("alpha", "beta", "lam")

VARIABLES = {
    "cycle_strength": "policy variance in time, averaged over coordinates",
    "entropy": "final entropy (nats)",
    "winner": "probability of the Condorcet winner, averaged over time",
    "spectral_radius": "of the fixed point, where it is exact",
    "status": "how the run ended",
}
"""What is known of each run."""


@dataclass(frozen=True)
class Grid:
    """Loops of one objective over their parameters, from the default start or several.

    Attributes
    ----------
    objective, alpha, beta, lam
        Its name, and values of each parameter, (a,), (b,) and (l,).
    starts : (n, K) or None
        Policies; each loop is run from all.
    rounds
        Of each run.
    """

    objective: str
    alpha: FloatArray
    beta: FloatArray
    lam: FloatArray
    starts: FloatArray | None
    rounds: int

    @property
    def dims(self) -> list[str]:
        """The axes of the runs."""
        return ["matrix", *([] if self.starts is None else ["start"]), *PARAMETERS]

    @property
    def shape(self) -> tuple[int, ...]:
        """Their sizes, but for the first."""
        over = () if self.starts is None else (len(self.starts),)
        return (*over, self.alpha.size, self.beta.size, self.lam.size)

    def part(self, region: tuple[slice, ...]) -> Grid:
        """Return the runs in a box of the same axes."""
        starts = None if self.starts is None else self.starts[region[0]]
        alpha, beta, lam = region[-3:]
        return Grid(
            self.objective, self.alpha[alpha], self.beta[beta], self.lam[lam], starts, self.rounds
        )

    def loops(self, P: FloatArray) -> FeedbackMap:
        """Return the maps (m, [n], a, b, l) of matrices (m, K, K)."""
        if self.starts is not None:
            P = P[:, None]
        return FeedbackMap(
            P[..., None, None, None, :, :], objective=self.objective, beta=self.beta[:, None],
            alpha=self.alpha[:, None, None], lam=self.lam,
        )  # fmt: skip

    def recipe(self, P: FloatArray) -> dict[str, Any]:
        """Return all that decides the values of runs of matrices (m, K, K), by name."""
        return {
            "matrices": f"{P.shape}, SHA-256 {provenance.digest(P)}",
            "objective": self.objective,
            "rounds": self.rounds,
            "starts": provenance.said(self.starts),
            **{name: provenance.said(getattr(self, name)) for name in PARAMETERS},
            **site(),
        }


def compute(P: FloatArray, grid: Grid, threads: int | None) -> Columns:
    """Return what each run of matrices (m, K, K) does, flat."""
    loop = grid.loops(P)
    start = None if grid.starts is None else grid.starts[:, None, None, None]
    orbit = loop.run(start, grid.rounds, keep="last", threads=threads)
    radius = stability(loop).spectral_radius if loop.linear else np.full(loop.shape, np.nan)
    found = {
        "cycle_strength": orbit.cycle_strength,
        "entropy": orbit.entropy[..., -1],
        "winner": _of_winner(orbit.policy_mean, P),
        "spectral_radius": radius,
        "status": orbit.status,
    }
    return {
        name: np.broadcast_to(values, orbit.status.shape).ravel() for name, values in found.items()
    }


class Runs:
    """All runs of matrices (m, K, K) over a grid; see :meth:`found`."""

    def __init__(self, P: FloatArray, grid: Grid, keep: Shelf | None) -> None:
        self._P = P
        self._grid = grid
        self._plan = _plan(P, grid)
        self._kept = self._opened(keep) if keep is not None and self._plan.size else None

    @property
    def left(self) -> int:
        """How many there are to be computed."""
        return self._plan.size if self._kept is None else self._kept.maps_left

    def found(self, executor: Any, threads: int | None, bar: ProgressBar) -> dict[str, FloatArray]:
        """Return what each does, (m, [n], a, b, l), computed, or read where it was kept."""
        plan, grid = self._plan, self._grid
        if not plan.size:
            return {name: np.empty(plan.shape) for name in VARIABLES}
        each = threads_each(executor, threads)

        def jobs(numbers: Iterable[int]) -> Iterator[Job]:
            last, P = slice(0), self._P[:0]
            for number in numbers:
                first, *others = plan.region(number)
                if first != last:
                    last, P = first, self._P[first]
                begin, end = plan.span(number)
                yield Job(number, end - begin, compute, P, (grid.part(tuple(others)), each))

        if self._kept is None:
            columns = in_memory(plan, jobs, executor, bar)
        else:
            complete(self._kept, jobs, executor, bar)
            columns = self._kept.columns()
        return {name: values.reshape(plan.shape) for name, values in columns.items()}

    def _opened(self, keep: Shelf) -> Store:
        grid, plan = self._grid, self._plan
        number, code = np.dtype(np.float64), np.dtype(np.int8)
        coordinates: Any = {name: ([name], getattr(grid, name), {}) for name in PARAMETERS}
        return keep(
            grid.objective,
            Contents(
                recipe={**grid.recipe(self._P), "chunks": list(plan.box)},
                dims=grid.dims,
                plan=plan,
                variables={
                    name: (grid.dims, code if name == "status" else number, {"long_name": about})
                    for name, about in VARIABLES.items()
                },
                coordinates=coordinates,
                attributes={"objective": grid.objective, "rounds": grid.rounds},
            ),
        )


def _plan(P: FloatArray, grid: Grid) -> Plan:
    """Return the chunks of the runs, none where there is no matrix."""
    shape = (len(P), *grid.shape)
    if not len(P):
        return Plan(shape, (1,) * len(shape))
    return Plan.of(shape, maps_a_chunk(P.shape[-1], grid.rounds, grid.loops(P[:1]).linear))


def _of_winner(policy: FloatArray, P: FloatArray) -> FloatArray:
    """Return the Condorcet winner's coordinate of policies (m, ..., K), NaN if there is none."""
    winner = condorcet_winner(P).reshape(-1, *([1] * (policy.ndim - 1)))
    share = np.take_along_axis(policy, np.maximum(winner, 0), axis=-1)
    return np.asarray(np.where(winner >= 0, share, np.nan)[..., 0])
