"""Sweeps: an outer product of parameters and matrices, run to a labelled dataset."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

import alignsim
from alignsim import simplex, validation
from alignsim.analysis import collapsed, critical_signal, phases, stability
from alignsim.analysis.fixed_point import MEANINGS as FIXED_POINTS
from alignsim.analysis.fixed_point import TOLERANCE
from alignsim.analysis.phases import ARRIVED, COLLAPSE_SHARE, MOVING, phase_rounds
from alignsim.analysis.phases import MEANINGS as PHASES
from alignsim.feedback import FeedbackMap
from alignsim.feedback.batch import START_OFFSET
from alignsim.feedback.status import MEANINGS as RUN_STATUS
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

CHUNK = 8192
"""Maps that are run and analysed at a time; bounds the memory beside input and output."""

PROGRESS_DELAY = 1.5
"""Seconds before a progress bar appears."""

AXES = ("matrix", "alpha", "beta", "lam")
"""The dimensions of a sweep, in this order, as far as they are swept."""


def sweep(
    P: ArrayLike,
    *,
    objective: str = "ipo",
    beta: ArrayLike,
    alpha: ArrayLike = 0.0,
    lam: ArrayLike = 1.0,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    rounds: int = 3000,
    start: ArrayLike | None = None,
    burn_in: int | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> xarray.Dataset:
    """Return what the feedback map does over a grid, as a Dataset with named dimensions.

    Parameters
    ----------
    P
        One preference matrix (K, K), or a stack (m, K, K), which becomes the dimension
        ``matrix``.
    beta, alpha, lam
        A number, or a sequence, which becomes the dimension of that name. The grid is the outer
        product, in the order matrix, alpha, beta, lam.
    objective, reference, offline
        As for :class:`~alignsim.FeedbackMap`; ``reference`` and ``offline`` are single policies.
    rounds, burn_in, threads
        As for :meth:`~alignsim.FeedbackMap.run`.
    start
        One policy (K,). By default the reference, moved by 1e-2 in logits along a fixed
        direction without symmetry, which ``attrs`` records.
    progress
        Show a progress bar when the sweep takes longer than a second or two.

    Returns
    -------
    xarray.Dataset
        ``phase`` (converged, oscillating, drifting or undecided, as flags), ``collapsed``,
        ``entropy`` (final, nats), ``effective_support`` (e^entropy), ``entropy_mean`` (nats, over
        the rounds from ``burn_in``), ``cycle_strength`` (policy variance over the same rounds,
        averaged over coordinates), ``spectral_radius`` (at the fixed point; NaN where there is
        none), ``fixed_point_status`` and ``status`` (flags). The coordinate ``critical_signal``
        is the closed-form value of βλ at which stability is lost, NaN where none is known.

    Raises
    ------
    ValueError
        For bad arguments; names them. An instance that fails numerically gets NaN and a status.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> ds = asim.sweep(P, beta=[2.0, 2.9, 3.1, 4.0], alpha=0.5, rounds=2000)
    >>> dict(ds.sizes), ds.phase.values.tolist()  # the boundary is at β = 3
    ({'beta': 4}, [0, 0, 1, 1])
    """
    import xarray

    matrices = validation.preference_matrix(P)
    if matrices.ndim > 3:
        raise ValueError(
            f"P has shape {matrices.shape}; a sweep takes one matrix (K, K) or a stack (m, K, K): "
            "reshape it to one"
        )
    grid = {
        "matrix": np.arange(len(matrices)) if matrices.ndim == 3 else np.asarray(0),
        "alpha": _axis(alpha, "alpha", 1.0),
        "beta": _axis(beta, "beta", np.inf),
        "lam": _axis(lam, "lam", 1.0),
    }
    K = matrices.shape[-1]
    for name, given in (("reference", reference), ("offline", offline), ("start", start)):
        if given is not None and len(shape := validation.real_array(given, name).shape) != 1:
            raise ValueError(f"{name} has shape {shape}; a sweep takes one policy, ({K},)")
    swept = [name for name in AXES if grid[name].ndim]
    loop = FeedbackMap(
        matrices.reshape(-1, 1, 1, 1, K, K), objective=objective,
        alpha=grid["alpha"].reshape(-1, 1, 1), beta=grid["beta"].reshape(-1, 1),
        lam=grid["lam"].reshape(-1), reference=reference, offline=offline,
    )  # fmt: skip
    columns, settings = _run(loop, start, rounds, burn_in, threads, progress)
    shape = tuple(grid[name].size for name in swept)
    closed_form = critical_signal(
        FeedbackMap(
            matrices.reshape(-1, 1, K, K), objective=objective, beta=1.0,
            alpha=grid["alpha"].reshape(-1), reference=reference, offline=offline,
        )
    )  # fmt: skip
    coords: dict[str, Any] = {
        name: (name, grid[name]) if grid[name].ndim else grid[name]
        for name in AXES
        if name != "matrix" or grid[name].ndim
    }
    outer = [name for name in swept if name in ("matrix", "alpha")]
    coords["critical_signal"] = (
        outer,
        closed_form.reshape([grid[name].size for name in outer]),
        {"long_name": "βλ at which stability is lost, in closed form"},
    )
    return xarray.Dataset(
        {
            name: (swept, values.reshape(shape), ATTRIBUTES[name])
            for name, values in columns.items()
        },
        coords=coords,
        attrs={
            "objective": loop.objective,
            "responses": K,
            **settings,
            "start": "reference logits + start_offset · start_direction"
            if start is None
            else np.asarray(start, dtype=np.float64),
            "start_offset": START_OFFSET if start is None else 0.0,
            "start_direction": simplex.asymmetric_direction(K),
            "tolerance_arrived": ARRIVED,
            "tolerance_moving": MOVING,
            "tolerance_fixed_point": TOLERANCE,
            "collapse_share": COLLAPSE_SHARE,
            "matrix_sha256": hashlib.sha256(np.ascontiguousarray(matrices).tobytes()).hexdigest(),
            "alignsim_version": alignsim.__version__,
        },
    )


def _flags(meanings: dict[int, str], long_name: str) -> dict[str, Any]:
    return {
        "long_name": long_name,
        "flag_values": np.array(list(meanings), dtype=np.int8),
        "flag_meanings": " ".join(meanings.values()),
    }


ATTRIBUTES: dict[str, dict[str, Any]] = {
    "phase": _flags(PHASES, "long-run behaviour"),
    "collapsed": {"long_name": "effective support below 1 + collapse_share·(K − 1)"},
    "entropy": {"long_name": "final entropy", "units": "nats"},
    "effective_support": {"long_name": "final effective support e^H", "units": "responses"},
    "entropy_mean": {"long_name": "entropy averaged from burn_in on", "units": "nats"},
    "cycle_strength": {"long_name": "policy variance in time, averaged over coordinates"},
    "spectral_radius": {"long_name": "spectral radius at the fixed point"},
    "fixed_point_status": _flags(FIXED_POINTS, "how the fixed point was found"),
    "status": _flags(RUN_STATUS, "how the run ended"),
}


def _axis(value: ArrayLike, name: str, high: float) -> FloatArray:
    values = validation.parameter(value, name, high=high)
    if values.ndim > 1:
        raise ValueError(f"{name} has shape {values.shape}; give a number or a sequence of numbers")
    return values


def _run(
    loop: FeedbackMap,
    start: ArrayLike | None,
    rounds: int,
    burn_in: int | None,
    threads: int | None,
    progress: bool,
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Run and analyse every map, chunk by chunk; return flat columns and the rounds used."""
    from tqdm.auto import tqdm

    total = validation.integer(rounds, "rounds", minimum=0)
    skip = total // 2 if burn_in is None else validation.integer(burn_in, "burn_in", minimum=0)
    columns: dict[str, np.ndarray] = {}
    with tqdm(
        total=loop.size, unit=" maps", desc="sweep", disable=not progress, delay=PROGRESS_DELAY
    ) as bar:
        for first in range(0, loop.size, CHUNK):
            part = loop.part(first, first + CHUNK)
            for name, values in _analyse(part, start, total, skip, threads).items():
                if first == 0:
                    columns[name] = np.empty(loop.size, dtype=values.dtype)
                columns[name][first : first + CHUNK] = values
            bar.update(part.size)
    return columns, {"rounds": total, "burn_in": skip}


def _analyse(
    part: FeedbackMap, start: ArrayLike | None, rounds: int, burn_in: int, threads: int | None
) -> dict[str, np.ndarray]:
    """Return one value a map for every variable of the dataset."""
    orbit = part.run(
        start, rounds, keep=phase_rounds(rounds, burn_in), burn_in=burn_in, threads=threads
    )
    several = part.objective == "dpo"
    local = stability(part, orbit.final_logits if several else None)
    return {
        "phase": phases(part, orbit, local),
        "collapsed": collapsed(orbit.final_logits),
        "entropy": simplex.entropy(orbit.final_logits),
        "effective_support": simplex.effective_support(orbit.final_logits),
        "entropy_mean": orbit.entropy_mean,
        "cycle_strength": orbit.cycle_strength,
        "spectral_radius": local.spectral_radius,
        "fixed_point_status": local.fixed_point.status,
        "status": orbit.status,
    }
