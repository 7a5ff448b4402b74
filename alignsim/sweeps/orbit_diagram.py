"""Orbit diagrams: the attractor of a map as one of its parameters grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.analysis.orbits.classification import classify
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.feedback import FeedbackMap
from alignsim.feedback.engines import Schedule, iterate
from alignsim.feedback.threads import thread_count
from alignsim.objectives import Objective
from alignsim.objectives.samplers import Sampler
from alignsim.progress import ProgressBar
from alignsim.sweeps import labels, provenance
from alignsim.sweeps.axes import Axis, attributes, family, on_no_axis, parameter_axis
from alignsim.sweeps.batches import columns_of_points
from alignsim.sweeps.closed_form import closed_form
from alignsim.sweeps.plan import USUAL_ROUNDS
from alignsim.sweeps.work import Chunk, Columns

if TYPE_CHECKING:
    import xarray


def orbit_diagram(
    P: ArrayLike,
    x: Axis = ("beta", 0.0, 12.0),
    *,
    method: str = "mrs",
    beta: float | None = None,
    lam: float | None = None,
    objective: str | Objective = "ipo",
    sampler: str | Sampler = "product",
    points: int = 401,
    visits: int = 120,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    start: ArrayLike | None = None,
    rounds: int | None = None,
    threads: int | None = None,
    progress: bool = True,
    executor: Any = None,
    **parameters: float | None,
) -> xarray.Dataset:
    """Return the policies that an orbit visits in the long run, over one parameter.

    Every value of the parameter has an orbit of its own from the same ``start``: of several
    attractors the one that it reaches is seen. The orbit is classified first, and the visits
    follow the point of the attractor where that ended, so that a slow transient leaves no trace.

    Parameters
    ----------
    P : (K, K)
        The preference matrix.
    x
        ``(name, low, high)`` or ``(name, low, high, "log")``: "beta", "lam" or a parameter of the
        method.
    method
        How a round is wired: a name that :func:`alignsim.methods` lists, or another name of such a
        method, with the parameters of that.
    beta, lam, **parameters
        The parameters that are not on the axis, numbers; those that have a default may be left out.
    points
        Values of the parameter, at least 2; one that takes whole numbers takes each of its range.
    visits
        Rounds that are kept of each orbit, at least 1.
    objective, sampler, reference, offline
        As for :class:`~alignsim.FeedbackMap`; ``reference`` and ``offline`` are single policies.
    start, rounds, threads
        As for :func:`alignsim.classify`; ``start`` is one policy (K,).
    progress
        Show a progress bar when it takes longer than a second or two.
    executor
        Who computes, as of :func:`alignsim.sweep`.

    Returns
    -------
    xarray.Dataset
        ``policy`` (x, visit, response), NaN where an orbit failed; ``phase`` (flags), ``period``,
        ``rotation_number`` and ``spectral_radius`` (at the fixed point) along x, as in a phase
        diagram by orbit. Where the phase is undecided or drifting, the visits are those after the
        rounds that were looked at. Coordinates and attributes tell of parameters, closed form and
        method as in a sweep.

    Raises
    ------
    ValueError
        For bad arguments, a parameter that is missing, given twice or not the method's; names it.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> ds = asim.sweeps.orbit_diagram(P, ("beta", 2, 12), alpha=0.5, lam=1, points=3, visits=6)
    >>> ds.policy.dims, ds.phase.values.tolist(), ds.period.values.tolist()
    (('beta', 'visit', 'response'), [0, 2, 3], [1, 0, 5])
    """
    import xarray

    matrix = validation.preference_matrix(P)
    if matrix.ndim != 2:
        raise ValueError(
            f"P has shape {matrix.shape}; an orbit diagram takes one matrix (K, K): call it for "
            "each"
        )
    K = len(matrix)
    policies: Any = {"reference": reference, "offline": offline}
    labels.one_policy_each("an orbit diagram", K, **policies, start=start)
    loops = family(method, objective, sampler)
    axis = parameter_axis(x, "x", loops)
    fixed = on_no_axis(loops, {"beta": beta, "lam": lam, **parameters}, {"x": axis})
    n = validation.integer(points, "points", minimum=2)
    values = axis.spread(n) if axis.whole else axis.values(np.linspace(0.0, 1.0, n))
    n = len(values)
    kept = validation.integer(visits, "visits", minimum=1)
    validation.affordable(8.0 * n * kept * K, "visits", f"is {kept:,}, and as many policies each")
    thread_count(threads)
    given: dict[str, Any] = {**fixed, axis.name: values}
    what = {"objective": objective, "sampler": sampler, **policies}
    loop = loops.loop(matrix, given, **what)

    chunk = Chunk(method, given, what, _Visits(start, rounds, kept))
    with ProgressBar(progress, "orbit diagram", "maps", n) as bar:
        columns = columns_of_points(
            matrix, chunk, USUAL_ROUNDS + kept, loop.linear, bar, executor, threads
        )
    further = {"policy": ("visit", "response")}
    grid = {name: np.asarray(given[name]) for name in loops.names}
    coordinates: dict[str, Any] = {
        name: ((name,) * value.ndim, value, attributes(loops.parameter(name)))
        for name, value in grid.items()
    }
    coordinates[axis.name][-1]["scale"] = axis.scale
    return xarray.Dataset(
        {
            name: ((axis.name, *further.get(name, ())), column, _ATTRIBUTES[name])
            for name, column in columns.items()
        },
        coords=coordinates | closed_form(loops, matrix, grid, **what),
        attrs={
            "rounds": "as many as needed" if rounds is None else int(rounds),
            **provenance.of_start(start, K),
            **provenance.of_method(loops, loop),
            **provenance.of_maps(loop.objective.name, matrix),
        },
    )


@dataclass(frozen=True)
class _Visits:
    """What is asked of every map: what its orbit does, and where it is in the next rounds."""

    start: ArrayLike | None
    rounds: int | None
    kept: int

    def columns(self, maps: FeedbackMap, threads: int | None) -> Columns:
        """Return one value a map for every variable."""
        workers = thread_count(threads)
        orbit = classify(maps, self.start, self.rounds, threads=workers)
        state = orbit.final_state.reshape(maps.size, maps.width)
        schedule = Schedule(np.arange(self.kept, dtype=np.int64), 0, workers)
        return {
            "policy": simplex.softmax(iterate(maps, state, schedule).frames),
            "phase": orbit.code,
            "period": orbit.period.astype(np.int32),
            "rotation_number": orbit.rotation_number,
            "spectral_radius": orbit.stability.spectral_radius,
        }


_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "policy": {"long_name": "policy, round by round on the attractor"},
    "phase": labels.flags(Phase, "long-run behaviour"),
    "period": labels.PERIOD,
    "rotation_number": labels.ROTATION_NUMBER,
    "spectral_radius": labels.SPECTRAL_RADIUS,
}
