"""Sweeps: an outer product of parameters and matrices, run to a labelled dataset."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis.collapse.measure import COLLAPSE_SHARE
from alignsim.analysis.orbits.approach import ARRIVED
from alignsim.feedback import FeedbackMap
from alignsim.objectives import Objective
from alignsim.objectives.samplers import Sampler
from alignsim.progress import ProgressBar
from alignsim.sweeps import labels, provenance
from alignsim.sweeps.axes import Family, attributes, family
from alignsim.sweeps.batches import Jobs, complete, in_memory
from alignsim.sweeps.closed_form import closed_form
from alignsim.sweeps.estimate import Estimate, measured
from alignsim.sweeps.labelling import Labelling
from alignsim.sweeps.plan import USUAL_ROUNDS, Plan, maps_a_chunk
from alignsim.sweeps.runner import Job, threads_each
from alignsim.sweeps.site import site
from alignsim.sweeps.stack import Stack
from alignsim.sweeps.store import Contents, open_sweep, opened
from alignsim.sweeps.work import Chunk, compute
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

ROUNDS = USUAL_ROUNDS
"""How many a sweep by orbit runs by default."""


def sweep(
    P: ArrayLike,
    *,
    method: str = "mrs",
    objective: str | Objective = "ipo",
    sampler: str | Sampler = "product",
    beta: ArrayLike | None = None,
    lam: ArrayLike | None = None,
    by: str = "orbit",
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    rounds: int | None = None,
    start: ArrayLike | None = None,
    burn_in: int | None = None,
    threads: int | None = None,
    progress: bool = True,
    executor: Any = None,
    store: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    **parameters: ArrayLike | None,
) -> xarray.Dataset:
    """Return what the feedback map does over a grid, as a Dataset with named dimensions.

    Parameters
    ----------
    P
        One preference matrix (K, K), or a stack (m, K, K), which becomes the dimension
        ``matrix``. A stack may be a memory-mapped array, or one of Zarr, HDF5 or dask: it is read
        part by part.
    method
        How a round is wired: a name that :func:`alignsim.methods` lists, or another name of such a
        method, with the parameters of that.
    beta, lam, **parameters
        β, λ (by default 1) and the parameters of the method, such as ``alpha`` of MRS, and of
        the objective: a number, or a sequence, which becomes the dimension of that name. The grid
        is the outer product, in the order matrix, parameters of the method, beta, lam. β is left
        out where others give it.
    by
        ``"orbit"``: run every map and label what it did. ``"stability"``: iterate nothing and
        label its fixed point, exactly. ``"both"``: both, and where they disagree.
    objective, sampler, reference, offline
        As for :class:`~alignsim.FeedbackMap`; ``reference`` and ``offline`` are single policies.
    rounds, burn_in, threads
        As for :meth:`~alignsim.FeedbackMap.run`; not by stability, nor ``start``. By default
        3000 rounds.
    start
        One policy (K,). By default the reference, moved by 1e-2 in logits along a fixed
        direction without symmetry, which ``attrs`` records.
    progress
        Show a progress bar when the sweep takes longer than a second or two.
    executor
        Who computes: None for this process with its ``threads``; a number of processes; any
        :class:`concurrent.futures.Executor`; or a ``dask.distributed.Client``. Workers use one
        thread each unless ``threads`` says otherwise. The values do not depend on it, to the bit,
        on one kind of processor with the same versions; a worker of another kind is refused.
    store
        A folder for a Zarr store (extra ``store``), in which every finished chunk is kept. The same
        call goes on where an earlier one ended, however that ended; the result is what
        :func:`alignsim.open_sweep` returns, and is never in memory as a whole.
    dry_run
        Compute nothing but a sample, and return an :class:`~alignsim.sweeps.Estimate` of the maps,
        the bytes and the time.

    Returns
    -------
    xarray.Dataset
        ``phase`` (converged, cycle, invariant circle, locked, chaotic, drifting or undecided, as
        flags: what :func:`alignsim.classify` says of the orbit from the same start,
        followed for as long as it asks for, whatever ``rounds``), ``collapsed``,
        ``entropy`` (final, nats), ``effective_support`` (e^entropy), ``entropy_mean`` (nats, over
        the rounds from ``burn_in``), ``cycle_strength`` (policy variance over the same rounds,
        averaged over coordinates), ``likeliest`` (the response of the largest probability over
        the same rounds, −1 where none leads: :func:`alignsim.simplex.likeliest`),
        ``spectral_radius`` (at the fixed point; NaN where there is
        none), ``fixed_point_status`` and ``status`` (flags). The coordinate ``critical_signal``
        is the closed-form value of βλ at which stability is lost, NaN where none is known.
        Coordinates of parameters say what these are in ``attrs``, and the dataset which method it
        is of.

        By stability, ``phase`` is the verdict (stable, unstable, marginal or undecided), and of
        the other variables there are ``spectral_radius``, ``fixed_point_status`` and
        ``likeliest``, that of the fixed point. By both,
        there are ``stability`` (the verdict) and ``disagreement`` (stable, but the orbit does not
        converge to it, or the reverse) as well. Where there may be several fixed points, by orbit
        the one nearest the orbit's end is judged, otherwise the one found from the reference.

    Raises
    ------
    ValueError
        For bad arguments, an unknown method or a parameter that it does not have; names them. An
        instance that fails numerically gets NaN and a status. For a store of another sweep; says
        what differs.
    OSError
        If the store cannot be written. What is finished stays in it, also after an interrupt.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> ds = asim.sweep(P, beta=[2.0, 2.9, 3.1, 4.0], alpha=0.5, rounds=2000)
    >>> dict(ds.sizes), ds.phase.isin(asim.analysis.OSCILLATING).values.tolist()  # beyond β = 3
    ({'beta': 4}, [False, False, True, True])
    >>> ds = asim.sweep(P, method="soft_reference", beta=3.5, mixup=[0.5, 0.7], by="stability")
    >>> ds.spectral_radius.dims, (ds.spectral_radius < 1).values.tolist()
    (('mixup',), [True, False])
    """
    validation.boolean(dry_run, "dry_run")
    labels.way(by, start=start, rounds=rounds, burn_in=burn_in, threads=threads)
    total = ROUNDS if rounds is None else validation.integer(rounds, "rounds", minimum=0)
    skip = total // 2 if burn_in is None else validation.integer(burn_in, "burn_in", minimum=0)
    policies: dict[str, Any] = {"reference": reference, "offline": offline}
    stack = Stack(P)
    loops = family(method, objective, sampler)
    grid = loops.checked({"beta": beta, "lam": lam, **parameters})
    for name, values in grid.items():
        _refuse_planes(values, name)
    labels.one_policy_each("a sweep", stack.responses, **policies, start=start)
    further = {"objective": objective, "sampler": sampler, **policies}
    study = Study(stack, loops, grid, further, Labelling(by, start, total, skip))
    if dry_run:
        return study.estimate(threads_each(executor, threads))  # type: ignore[return-value]
    coordinates = study.coordinates()
    if store is None:
        return study.in_memory(coordinates, executor, threads, progress)
    return study.stored(validation.path(store, "store"), coordinates, executor, threads, progress)


@dataclass(frozen=True)
class Study:
    """A sweep, checked: what is asked of which maps.

    Attributes
    ----------
    stack, loops, grid
        The matrices, the method, and all its parameters, each a number or (n,).
    further
        The objective, the sampler and the policies.
    labelling
        What is asked of every map.
    """

    stack: Stack
    loops: Family
    grid: Mapping[str, FloatArray]
    further: Mapping[str, Any]
    labelling: Labelling

    @property
    def dims(self) -> list[str]:
        """The dimensions of the grid."""
        swept = [name for name in self.loops.names if self.grid[name].ndim]
        return ["matrix"] * self.stack.several + swept

    @cached_property
    def plan(self) -> Plan:
        """The chunks."""
        sizes = [len(self.stack) if n == "matrix" else self.grid[n].size for n in self.dims]
        followed = max(self.rounds, USUAL_ROUNDS) if self.rounds else 0  # labels ask for as many
        return Plan.of(tuple(sizes), maps_a_chunk(self.stack.responses, followed, self.linear))

    @property
    def rounds(self) -> int:
        """For which every map is run."""
        return 0 if self.labelling.by == "stability" else self.labelling.rounds

    @cached_property
    def corner(self) -> FeedbackMap:
        """The first map, by which what all have in common is checked."""
        first = {name: values.ravel()[0] for name, values in self.grid.items()}
        return self.loops.loop(self.stack.part(0, 1)[0], first, **self.further)

    @property
    def linear(self) -> bool:
        """Whether the score is linear."""
        return self.corner.linear

    def chunk(self, number: int) -> tuple[FloatArray, Chunk]:
        """Return the matrices and the maps of a chunk."""
        region = dict(zip(self.dims, self.plan.region(number), strict=True))
        which = region.get("matrix", slice(0, 1))
        names = list(self.grid)
        values = {
            name: self.grid[name][region[name]] if name in region else self.grid[name].reshape(1)
            for name in names
        }
        values = {
            name: values[name].reshape(-1, *(1,) * (len(names) - 1 - i))
            for i, name in enumerate(names)
        }
        return self.stack.part(which.start, which.stop), self._of(values)

    def sample(self, places: np.ndarray) -> tuple[FloatArray, Chunk]:
        """Return the matrices and the maps at places of the flat grid, (n,)."""
        index = np.unravel_index(places, self.plan.shape) if self.dims else ()
        where = dict(zip(self.dims, index, strict=True))
        which = where.get("matrix", np.zeros(len(places), dtype=np.intp))
        P = np.stack([self.stack.part(m, m + 1)[0] for m in which])
        values = {
            name: given[where[name]] if name in where else given
            for name, given in self.grid.items()
        }
        return P, self._of(values)

    def _of(self, values: Mapping[str, FloatArray]) -> Chunk:
        return Chunk(self.loops.method, values, self.further, self.labelling)

    def jobs(self, threads: int | None) -> Jobs:
        """Return what yields the work of chunks."""
        outer = (1,) * len(self.grid)

        def jobs(numbers: Iterable[int]) -> Iterator[Job]:
            last: tuple[Any, Any] = (None, None)
            for number in numbers:
                P, chunk = self.chunk(number)
                if last[0] is not P:
                    last = P, P.reshape(len(P), *outer, *P.shape[-2:])
                first, end = self.plan.span(number)
                yield Job(number, end - first, compute, last[1], (chunk, threads))

        return jobs

    def estimate(self, threads: int | None) -> Estimate:
        """Return what the sweep would take, from a sample that is computed here."""
        kinds = [kind for kind, _ in self.labelling.variables().values()]
        size = sum(kind.itemsize for kind in kinds)
        return measured(self.sample, self.plan, self.rounds, size, threads)

    def in_memory(
        self, coordinates: dict[str, Any], executor: Any, threads: int | None, progress: bool
    ) -> xarray.Dataset:
        """Return the dataset, computed."""
        described = self.labelling.variables()
        each = sum(kind.itemsize for kind, _ in described.values())
        maps = f"has {self.plan.size:,} maps, whose values"
        validation.affordable(
            float(each * self.plan.size), "grid", maps, "give a store, or sweep less", copies=1
        )
        with ProgressBar(progress, "sweep", "maps", self.plan.size) as bar:
            columns = in_memory(
                self.plan, self.jobs(threads_each(executor, threads)), executor, bar
            )
        import xarray  # after the run: a caller may import it beside

        return xarray.Dataset(
            {
                name: (self.dims, values.reshape(self.plan.shape), described[name][1])
                for name, values in columns.items()
            },
            coords=coordinates,
            attrs=self.attributes(),
        )

    def stored(
        self, path: Path, coordinates: dict[str, Any], executor: Any, threads: int | None,
        progress: bool,
    ) -> xarray.Dataset:  # fmt: skip
        """Compute what a store lacks, and return the dataset that reads it."""
        contents = Contents(
            recipe=self.recipe(),
            dims=self.dims,
            plan=self.plan,
            variables={
                name: (self.dims, kind, about)
                for name, (kind, about) in self.labelling.variables().items()
            },
            coordinates={n: (d, np.asarray(v), a) for n, (d, v, a) in coordinates.items()},
            attributes=self.attributes(),
        )
        with opened(path, contents) as kept:
            kept.check()
            with ProgressBar(progress, "sweep", "maps", kept.maps_left) as bar:
                complete(kept, self.jobs(threads_each(executor, threads)), executor, bar)
        return open_sweep(path)

    def coordinates(self) -> dict[str, Any]:
        """Return the coordinates: dimensions, values, attributes."""
        coords: dict[str, Any] = {
            name: ((name,) * values.ndim, values, attributes(self.loops.parameter(name)))
            for name, values in self.grid.items()
        }
        if self.stack.several:
            coords["matrix"] = (("matrix",), np.arange(len(self.stack)), {})
        return coords | closed_form(self.loops, self.stack, self.grid, **self.further)

    def attributes(self) -> dict[str, Any]:
        """Return what the dataset says about how it was made."""
        asked = self.labelling
        settings: dict[str, Any] = {"rounds": 0}
        if asked.by != "stability":
            settings = {
                "rounds": asked.rounds,
                "burn_in": asked.burn_in,
                **provenance.of_start(asked.start, self.stack.responses),
                "tolerance_arrived": ARRIVED,
                "collapse_share": COLLAPSE_SHARE,
            }
        return {
            "by": asked.by,
            **settings,
            **provenance.of_method(self.loops, self.corner),
            **provenance.of_hash(
                self.corner.objective.name, self.stack.responses, self.stack.sha256
            ),
        }

    def recipe(self) -> dict[str, Any]:
        """Return all that decides the values, by name, as JSON holds it."""
        asked = self.labelling
        orbits: dict[str, Any] = {}
        if asked.by != "stability":
            start = provenance.said(asked.start)
            orbits = {"rounds": asked.rounds, "burn_in": asked.burn_in, "start": start}
        policies = {n: provenance.said(self.further[n]) for n in ("reference", "offline")}
        return {
            "matrices": f"{self.stack.shape}, SHA-256 {self.stack.sha256}",
            "method": self.loops.method,
            "objective": provenance.described(self.corner.objective),
            "sampler": provenance.described(self.corner.sampler),
            "by": asked.by,
            **orbits,
            **policies,
            **{name: provenance.said(values) for name, values in self.grid.items()},
            "chunks": list(self.plan.box),
            **site(),
        }


def _refuse_planes(values: FloatArray, name: str) -> None:
    if values.ndim > 1:
        raise ValueError(f"{name} has shape {values.shape}; give a number or a sequence of numbers")
