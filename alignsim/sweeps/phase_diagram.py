"""Phase diagrams: two parameters, one matrix, evaluated where the labels change."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import validation
from alignsim.analysis import stability
from alignsim.analysis.equilibria.stability import Verdict
from alignsim.analysis.orbits.classification import classify
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.errors import InputError
from alignsim.feedback import FeedbackMap
from alignsim.objectives import Objective
from alignsim.objectives.samplers import Sampler
from alignsim.preferences import seeds
from alignsim.progress import ProgressBar
from alignsim.sweeps import labels, provenance
from alignsim.sweeps.axes import (
    Axis,
    Family,
    ParameterAxis,
    attributes,
    family,
    on_no_axis,
    parameter_axis,
)
from alignsim.sweeps.batches import columns_of_points
from alignsim.sweeps.closed_form import closed_form
from alignsim.sweeps.contours import Curves, zero_curves
from alignsim.sweeps.lattice import IntArray, Lattice
from alignsim.sweeps.levels import Levels
from alignsim.sweeps.plan import USUAL_ROUNDS
from alignsim.sweeps.runner import plain_products
from alignsim.sweeps.shelf import shelf
from alignsim.sweeps.site import site
from alignsim.sweeps.store import Variables
from alignsim.sweeps.work import Chunk, Columns
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

LARGEST_RESOLUTION = 2**13
"""Cells a side; the lattice of twice as many would take some ten gigabytes."""


def phase_diagram(
    P: ArrayLike,
    x: Axis = ("beta", 0.0, 12.0),
    y: Axis = ("lam", 0.0, 1.0),
    *,
    method: str = "mrs",
    beta: float | None = None,
    lam: float | None = None,
    objective: str | Objective = "ipo",
    sampler: str | Sampler = "product",
    by: str = "stability",
    resolution: int = 1024,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    start: ArrayLike | None = None,
    rounds: int | None = None,
    threads: int | None = None,
    audit: float = 0.02,
    rng: seeds.Seed = 0,
    progress: bool = True,
    executor: Any = None,
    store: str | os.PathLike[str] | None = None,
    **parameters: float | None,
) -> xarray.Dataset:
    """Return the phases of a map over two of its parameters, and the boundary of stability.

    Few of the points are evaluated: from a coarse lattice on, cells are refined where labels
    differ, or where ρ − 1 may change its sign unseen. The others take the label of their cell.
    A region thinner than a cell of the coarse lattice, 1/32 of an axis, can be missed if neither
    ρ − 1 nor, by orbit, the rotation number shows it: between points that turn differently,
    tongues of locking with denominators up to 32 are looked for.

    Parameters
    ----------
    P : (K, K)
        The preference matrix.
    x, y
        ``(name, low, high)`` or ``(name, low, high, "log")``: "beta", "lam" or a parameter of the
        method, but none of whole numbers.
    method
        How a round is wired: a name that :func:`alignsim.methods` lists, or another name of such a
        method, with the parameters of that.
    beta, lam, **parameters
        The parameters that are on no axis, numbers; those that have a default may be left out.
    by
        ``"stability"``: exact, of the fixed point, without iteration. ``"orbit"``: what
        :func:`alignsim.classify` says of an orbit. ``"both"``: both, and where they
        disagree.
    resolution
        Cells a side, a power of two from 2 to 8192; there is one point more.
    objective, sampler, reference, offline
        As for :class:`~alignsim.FeedbackMap`; ``reference`` and ``offline`` are single policies.
    start, rounds, threads
        As for :func:`alignsim.classify`; ``start`` is one policy (K,). Not by
        stability.
    audit
        Share of the cells left whole whose centre is evaluated as a check, in [0, 1].
    rng
        Seed or generator of the audit.
    progress
        Show a progress bar when it takes longer than a second or two.
    executor
        Who computes, as of :func:`alignsim.sweep`: each level of refinement is a batch, cut into
        chunks.
    store
        A folder for Zarr stores (extra ``store``), one a level, in which every finished chunk of
        points is kept. The same call goes on where an earlier one ended, however that ended.
        :func:`alignsim.open_sweep` reads each level: ``open_sweep("NAME/level-00")``.

    Returns
    -------
    xarray.Dataset
        On all points, axes (y, x): ``phase`` (flags: stable, unstable, marginal, undecided by
        stability; converged, cycle, ..., undecided by orbit), ``evaluated`` (whether it was
        computed there or is the label of the cell), ``spectral_radius`` (at the fixed point found
        from the reference; NaN where it was not evaluated or there is none); by orbit and by both
        ``period`` (0 where the orbit never repeats; a label like the phase) and
        ``rotation_number`` (NaN where nothing turns; between evaluated points interpolated); by
        both
        ``stability`` and ``disagreement`` (stable, but the orbit does not converge to it, or the
        reverse). Along ``vertex``: ``boundary_x``, ``boundary_y`` and ``boundary_curve``, the
        curves ρ = 1, one after the other, where ρ − 1 was solved to 1e-10 on every cut edge; NaN
        where ρ jumps over 1. Coordinates and attributes tell of parameters, closed form and method
        as in a sweep.

    Raises
    ------
    ValueError
        For bad arguments, a parameter that is missing, given twice or not the method's; names it.
        For a store of another diagram; says what differs.
    OSError
        If the store cannot be written. What is finished stays in it, also after an interrupt.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> ds = asim.phase_diagram(P, x=("beta", 0, 12), y=("lam", 0, 1), alpha=0.6, resolution=512)
    >>> ds.phase.dims, ds.phase.shape, ds.attrs["evaluations"] < ds.phase.size / 25
    (('lam', 'beta'), (513, 513), True)
    >>> signal = ds.boundary_x * ds.boundary_y  # on the boundary βλ = √(3(1 − α²))/0.5
    >>> float(signal.min().round(9)), float(signal.max().round(9))
    (2.771281292, 2.771281292)
    """
    import xarray

    matrix = validation.preference_matrix(P)
    if matrix.ndim != 2:
        raise ValueError(
            f"P has shape {matrix.shape}; a phase diagram takes one matrix (K, K): call it for "
            "each, or sweep the stack with alignsim.sweep"
        )
    policies = {"reference": reference, "offline": offline}
    labels.one_policy_each("a phase diagram", len(matrix), **policies, start=start)
    labels.way(by, start=start, rounds=rounds, threads=threads)
    loops = family(method, objective, sampler)
    given = {"beta": beta, "lam": lam, **parameters}
    further = {"objective": objective, "sampler": sampler, **policies}
    plane = _plane(loops, x, y, given, matrix, further)
    labeller = _Labeller(by, start, rounds)
    side, share = _resolution(resolution), validation.number(audit, "audit", high=1.0)
    drawing = seeds.generator(rng)
    lattice = Lattice(side, audit=share, rng=drawing)
    corner = plane.maps(np.zeros(1), np.zeros(1))
    linear = corner.linear
    with nullcontext() if store is None else shelf(store) as stores:
        levels = None
        if stores is not None:
            told = {"resolution": side, "audit": share, "rng": _told(rng, drawing)}
            recipe = labeller.recipe() | plane.recipe(corner) | told | site()
            about = {"by": by, "resolution": side}
            levels = Levels(stores, recipe, labeller.variables(), about, plane.attributes())
        columns, curves = _fill(
            lattice, plane, labeller, linear, progress, executor, threads, levels
        )
    evaluations = int(lattice.evaluated.sum())
    return xarray.Dataset(
        _variables(lattice, plane, labeller, columns) | _boundary(lattice, plane, curves),
        coords=_coordinates(lattice, plane),
        attrs={
            "by": by,
            "resolution": lattice.resolution,
            "evaluations": evaluations,
            "share": evaluations / lattice.label.size,
            "boundary_evaluations": curves.evaluations,
            "audit": float(audit),
            **labeller.record(matrix.shape[-1]),
            **provenance.of_method(loops, corner),
            **provenance.of_maps(corner.objective.name, matrix),
        },
    )


@dataclass(frozen=True)
class _Plane:
    """Two axes, the parameters that lie on neither, and what else the maps share."""

    loops: Family
    x: ParameterAxis
    y: ParameterAxis
    fixed: dict[str, float]
    matrix: FloatArray
    further: dict[str, Any]

    def values(self, row: FloatArray, column: FloatArray) -> dict[str, Any]:
        """Return all parameters at positions 0 to 1 along y and x."""
        along = {self.y.name: self.y.values(row), self.x.name: self.x.values(column)}
        return {**self.fixed, **along}

    def maps(self, row: FloatArray, column: FloatArray) -> FeedbackMap:
        """Return the maps at positions 0 to 1 along y and x."""
        return self.loops.loop(self.matrix, self.values(row, column), **self.further)

    def attributes(self) -> dict[str, dict[str, Any]]:
        """Return what the axes say about their parameters, by their names."""
        names = (self.y.name, self.x.name)
        return {name: attributes(self.loops.parameter(name)) for name in names}

    def recipe(self, loop: FeedbackMap) -> dict[str, Any]:
        """Return all of this that decides values, by name; ``loop`` is any of the maps."""
        policies = {n: provenance.said(self.further[n]) for n in ("reference", "offline")}
        return {
            "matrices": f"{self.matrix.shape}, SHA-256 {provenance.digest(self.matrix)}",
            "method": self.loops.method,
            "objective": provenance.described(loop.objective),
            "sampler": provenance.described(loop.sampler),
            **policies,
            **{name: float(value) for name, value in self.fixed.items()},
            **{at: repr(getattr(self, at)) for at in ("x", "y")},
        }


@dataclass(frozen=True)
class _Labeller:
    """How maps are labelled; ``start`` and ``rounds`` are for orbits."""

    by: str
    start: ArrayLike | None
    rounds: int | None

    def columns(self, maps: FeedbackMap, threads: int | None) -> Columns:
        """Return the variables of the dataset, one value a map."""
        if self.by == "stability":
            local = stability(maps)
            return {"phase": local.verdict, "spectral_radius": local.spectral_radius}
        orbit = classify(maps, self.start, self.rounds, threads=threads)
        local = orbit.stability
        found: Columns = {
            "phase": orbit.code,
            "period": orbit.period.astype(np.int32),
            "rotation_number": orbit.rotation_number,
            "spectral_radius": local.spectral_radius,
        }
        if self.by == "orbit":
            return found
        converged = orbit.code == Phase.CONVERGED
        restless = ~converged & (orbit.code != Phase.UNDECIDED)
        return {
            **found,
            "stability": local.verdict,
            "disagreement": labels.disagreement(local, converged, restless, orbit.final_logits),
        }

    def attributes(self, name: str) -> dict[str, Any]:
        """Return the attributes of a label."""
        if name == "phase" and self.by != "stability":
            return labels.flags(Phase, "long-run behaviour")
        known = {
            "period": labels.PERIOD,
            "disagreement": labels.DISAGREEMENT,
            "rotation_number": labels.ROTATION_NUMBER,
            "spectral_radius": labels.SPECTRAL_RADIUS,
        }
        return known.get(name, labels.STABILITY)

    def variables(self) -> Variables:
        """Return these variables as a store wants them."""
        code, number = np.dtype(np.int8), np.dtype(np.float64)
        kinds: dict[str, np.dtype[Any]] = {"phase": code, "spectral_radius": number}
        if self.by != "stability":
            kinds |= {"period": np.dtype(np.int32), "rotation_number": number}
        if self.by == "both":
            kinds |= {"stability": code, "disagreement": np.dtype(np.bool_)}
        return {n: (["point"], kind, self.attributes(n)) for n, kind in kinds.items()}

    def recipe(self) -> dict[str, Any]:
        """Return all of this that decides values, by name."""
        limit = self.rounds
        rounds = None if limit is None else validation.integer(limit, "rounds", minimum=0)
        return {"by": self.by, "start": provenance.said(self.start), "rounds": rounds}

    def record(self, responses: int) -> dict[str, Any]:
        """Return what the dataset's attributes say about the orbits."""
        if self.by == "stability":
            return {"rounds": 0}
        limit = "as many as needed" if self.rounds is None else self.rounds
        return {"rounds": limit, **provenance.of_start(self.start, responses)}


def _fill(
    lattice: Lattice, plane: _Plane, labeller: _Labeller, linear: bool, progress: bool,
    executor: Any, threads: int | None, levels: Levels | None,
) -> tuple[Columns, Curves]:  # fmt: skip
    """Evaluate the lattice until it is settled; return the flat columns and the curves ρ = 1."""
    side = lattice.resolution
    columns: Columns = {}
    rounds = 0 if labeller.by == "stability" else USUAL_ROUNDS

    def excess(row: FloatArray, column: FloatArray) -> FloatArray:
        return stability(plane.maps(row / side, column / side)).spectral_radius - 1.0

    with plain_products(), ProgressBar(progress, "phase diagram", "maps") as bar:
        while len(asked := lattice.ask()):
            row, column = lattice.places(asked)
            given = plane.values(row / side, column / side)
            chunk = Chunk(plane.loops.method, given, plane.further, labeller)
            keep = None if levels is None else partial(levels.keep, asked, given)
            found = columns_of_points(
                plane.matrix, chunk, rounds, linear, bar, executor, threads, keep
            )
            for name, values in found.items():
                if name not in columns:
                    empty = np.nan if values.dtype.kind == "f" else 0
                    columns[name] = np.full(lattice.label.size, empty, dtype=values.dtype)
                columns[name][asked] = values
            turns = found.get("rotation_number")
            lattice.tell(asked, _code(found), found["spectral_radius"] - 1.0, turns)
        curves = zero_curves(lattice, excess)
    return columns, curves


def _code(columns: Columns) -> IntArray:
    """Return one number for all labels of a map."""
    code = np.asarray(columns.get("period", 0), dtype=np.int64)
    for name, values in (("phase", len(Phase)), ("stability", len(Verdict)), ("disagreement", 2)):
        if name in columns:
            code = code * values + columns[name]
    return code


def _variables(
    lattice: Lattice, plane: _Plane, labeller: _Labeller, columns: Columns
) -> dict[str, Any]:
    """Return the variables on all points; labels that were not evaluated come from the cell."""
    dims = (plane.y.name, plane.x.name)
    shape = (lattice.stride, lattice.stride)
    source = lattice.sources()
    radius = columns.pop("spectral_radius")
    turns = columns.pop("rotation_number", None)
    found: dict[str, Any] = {
        name: (dims, values[source].reshape(shape), labeller.attributes(name))
        for name, values in columns.items()
    }
    if turns is not None:
        about = labeller.attributes("rotation_number")
        found["rotation_number"] = (dims, lattice.filled_turns(), about)
    found["evaluated"] = (
        dims,
        lattice.evaluated.reshape(shape),
        {"long_name": "computed here, not taken from the cell"},
    )
    about = labeller.attributes("spectral_radius")
    found["spectral_radius"] = (dims, radius.reshape(shape), about)
    return found


def _boundary(lattice: Lattice, plane: _Plane, curves: Curves) -> dict[str, Any]:
    """Return the curves ρ = 1 in the units of the axes."""
    side = lattice.resolution
    along_x, along_y = plane.x.values(curves.column / side), plane.y.values(curves.row / side)
    return {
        "boundary_x": ("vertex", along_x, {"long_name": f"{plane.x.name} where ρ = 1"}),
        "boundary_y": ("vertex", along_y, {"long_name": f"{plane.y.name} where ρ = 1"}),
        "boundary_curve": (
            "vertex",
            curves.curve.astype(np.int32),
            {"long_name": "which curve the vertex is on"},
        ),
    }


def _coordinates(lattice: Lattice, plane: _Plane) -> dict[str, Any]:
    """Return the axes, the parameters on neither, and the closed form of the boundary."""
    position = np.arange(lattice.stride) / lattice.resolution
    axes = {axis.name: axis for axis in (plane.x, plane.y)}
    grid = {
        name: axes[name].values(position) if name in axes else np.asarray(plane.fixed[name])
        for name in plane.loops.names
    }
    coordinates: dict[str, Any] = {}
    for name, values in grid.items():
        about = attributes(plane.loops.parameter(name))
        about |= {"scale": axes[name].scale} if name in axes else {}
        coordinates[name] = ((name,) * values.ndim, values, about)
    return coordinates | closed_form(plane.loops, plane.matrix, grid, **plane.further)


def _plane(
    loops: Family, x: Axis, y: Axis, given: dict[str, Any], matrix: FloatArray,
    further: dict[str, Any],
) -> _Plane:  # fmt: skip
    """Return the plane; every parameter lies on one axis, or is a number."""
    across, up = parameter_axis(x, "x", loops), parameter_axis(y, "y", loops)
    if across.name == up.name:
        raise ValueError(f"x and y are both {up.name!r}; choose two of {', '.join(loops.names)}")
    for which, axis in (("x", across), ("y", up)):
        if axis.whole:
            told = f"is {axis.name!r}, which takes whole numbers"
            raise InputError(f"{which}[0]", told, "sweep them with alignsim.sweep")
    fixed = on_no_axis(loops, given, {"x": across, "y": up})
    return _Plane(loops, across, up, fixed, matrix, further)


def _told(rng: seeds.Seed, drawing: np.random.Generator) -> Any:
    """Return what tells the seed from others; of a generator, of the state that it is in."""
    return rng if isinstance(rng, int) else repr(drawing.bit_generator.state)


def _resolution(value: int) -> int:
    side = validation.integer(value, "resolution", minimum=2)
    if side & (side - 1) or side > LARGEST_RESOLUTION:
        near = min(2 ** round(np.log2(side)), LARGEST_RESOLUTION)
        raise ValueError(
            f"resolution is {side}; it counts cells a side and must be a power of two, at most "
            f"{LARGEST_RESOLUTION}: take {near}"
        )
    return side
