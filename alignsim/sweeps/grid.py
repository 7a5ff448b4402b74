"""Sweeps: an outer product of parameters and matrices, run to a labelled dataset."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.analysis import Stability, classify, collapsed, stability
from alignsim.analysis.collapse.measure import COLLAPSE_SHARE
from alignsim.analysis.equilibria.fixed_point import PointStatus
from alignsim.analysis.orbits.approach import ARRIVED
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.feedback import FeedbackMap
from alignsim.feedback.status import MEANINGS as RUN_STATUS
from alignsim.objectives import Objective
from alignsim.progress import ProgressBar
from alignsim.sweeps import labels, provenance
from alignsim.sweeps.axes import attributes, family
from alignsim.sweeps.closed_form import closed_form
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

CHUNK = 8192
"""Most maps that are run and analysed at a time; bounds the memory beside input and output."""

LEAST_CHUNK = 64
"""Maps in the first chunk, one a lane; from then on chunks grow or halve, never below it."""

GROWTH = 8
"""From one chunk to the next, at most. The last orbits of a chunk leave most lanes empty: few large
chunks take half the time of many."""

PATIENCE = 4.0
"""Seconds that a chunk may take: after each one the bar moves."""

ROUNDS = 3000
"""How many a sweep by orbit runs by default."""

Columns = dict[str, np.ndarray]
"""One value a map for every variable."""


def sweep(
    P: ArrayLike,
    *,
    method: str = "mrs",
    objective: str | Objective = "ipo",
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
    **parameters: ArrayLike | None,
) -> xarray.Dataset:
    """Return what the feedback map does over a grid, as a Dataset with named dimensions.

    Parameters
    ----------
    P
        One preference matrix (K, K), or a stack (m, K, K), which becomes the dimension
        ``matrix``.
    method
        How a round is wired: a name that :func:`alignsim.methods` lists, or another name of such a
        method, with the parameters of that.
    beta, lam, **parameters
        β, λ (by default 1) and the parameters of the method, such as ``alpha`` of MRS, and of the
        objective: a number,
        or a sequence, which becomes the dimension of that name. The grid is the outer product, in
        the order matrix, parameters of the method, beta, lam. β is left out where others give it.
    by
        ``"orbit"``: run every map and label what it did. ``"stability"``: iterate nothing and
        label its fixed point, exactly. ``"both"``: both, and where they disagree.
    objective, reference, offline
        As for :class:`~alignsim.FeedbackMap`; ``reference`` and ``offline`` are single policies.
    rounds, burn_in, threads
        As for :meth:`~alignsim.FeedbackMap.run`; not by stability, nor ``start``. By default
        3000 rounds.
    start
        One policy (K,). By default the reference, moved by 1e-2 in logits along a fixed
        direction without symmetry, which ``attrs`` records.
    progress
        Show a progress bar when the sweep takes longer than a second or two.

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
        instance that fails numerically gets NaN and a status.

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
    matrices = validation.preference_matrix(P)
    if matrices.ndim > 3:
        raise ValueError(
            f"P has shape {matrices.shape}; a sweep takes one matrix (K, K) or a stack (m, K, K): "
            "reshape it to one"
        )
    loops = family(method, objective)
    grid = loops.checked({"beta": beta, "lam": lam, **parameters})
    for name, values in grid.items():
        _refuse_planes(values, name)
    labels.way(by, start=start, rounds=rounds, burn_in=burn_in, threads=threads)
    K = matrices.shape[-1]
    labels.one_policy_each("a sweep", K, reference=reference, offline=offline, start=start)
    several = matrices.ndim == 3
    further = {"objective": objective, "reference": reference, "offline": offline}
    swept = ["matrix"] * several + [name for name in loops.names if grid[name].ndim]
    after = range(len(grid) - 1, -1, -1)
    loop = loops.loop(
        matrices.reshape(-1, *(1,) * len(grid), K, K),
        {name: grid[name].reshape(-1, *(1,) * n) for name, n in zip(grid, after, strict=True)},
        **further,
    )  # fmt: skip
    columns, settings = _run(loop, by, start, rounds, burn_in, threads, progress)
    import xarray  # after the run: a caller may import it beside

    described = ATTRIBUTES | VERDICT_ATTRIBUTES
    if by == "stability":
        described["phase"] = labels.STABILITY
    shape = tuple(len(matrices) if name == "matrix" else grid[name].size for name in swept)
    coords: dict[str, Any] = {
        name: ((name,) * values.ndim, values, attributes(loops.parameter(name)))
        for name, values in grid.items()
    }
    if several:
        coords["matrix"] = ("matrix", np.arange(len(matrices)))
    coords |= closed_form(loops, matrices, grid, **further)
    return xarray.Dataset(
        {name: (swept, values.reshape(shape), described[name]) for name, values in columns.items()},
        coords=coords,
        attrs={
            "by": by,
            **settings,
            **provenance.of_method(loops, loop),
            **provenance.of_maps(loop.objective.name, matrices),
        },
    )


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
}
"""Of the variables by orbit."""

VERDICT_ATTRIBUTES = {"stability": labels.STABILITY, "disagreement": labels.DISAGREEMENT}
"""Of the further ones by both; by stability, ``phase`` is ``stability``."""


def _refuse_planes(values: FloatArray, name: str) -> None:
    if values.ndim > 1:
        raise ValueError(f"{name} has shape {values.shape}; give a number or a sequence of numbers")


def _run(
    loop: FeedbackMap,
    by: str,
    start: ArrayLike | None,
    rounds: int | None,
    burn_in: int | None,
    threads: int | None,
    progress: bool,
) -> tuple[Columns, dict[str, Any]]:
    """Run and analyse every map; return flat columns and what the dataset says about the run."""
    total = ROUNDS if rounds is None else validation.integer(rounds, "rounds", minimum=0)
    skip = total // 2 if burn_in is None else validation.integer(burn_in, "burn_in", minimum=0)

    def analyse(part: FeedbackMap) -> Columns:
        if by == "stability":
            local = stability(part)
            policy = simplex.softmax(local.fixed_point.logits)
            return {
                "phase": local.verdict,
                **_fixed_point(local),
                "likeliest": _likeliest(policy),
            }
        return _analyse(part, by, start, total, skip, threads)

    with ProgressBar(progress, "sweep", "maps", loop.size) as bar:
        columns = by_chunks(loop, analyse, bar)
    if by == "stability":
        return columns, {"rounds": 0}
    return columns, {
        "rounds": total,
        "burn_in": skip,
        **provenance.of_start(start, loop.responses),
        "tolerance_arrived": ARRIVED,
        "collapse_share": COLLAPSE_SHARE,
    }


def by_chunks(
    loop: FeedbackMap, analyse: Callable[[FeedbackMap], Columns], bar: ProgressBar
) -> Columns:
    """Return the columns (maps, ...) of all maps, analysed by chunks, and move the ``bar``."""
    columns: Columns = {}
    first, chunk = 0, min(LEAST_CHUNK, CHUNK)
    while first < loop.size:
        begun = time.perf_counter()
        part = loop.part(first, first + chunk)
        for name, values in analyse(part).items():
            if first == 0:
                columns[name] = np.empty((loop.size, *values.shape[1:]), dtype=values.dtype)
            columns[name][first : first + chunk] = values
        bar.update(part.size)
        first += part.size
        bearable = PATIENCE / max(time.perf_counter() - begun, 1e-9)
        chunk = min(max(int(chunk * min(max(bearable, 0.5), GROWTH)), LEAST_CHUNK), CHUNK)
    return columns


def _analyse(
    part: FeedbackMap,
    by: str,
    start: ArrayLike | None,
    rounds: int,
    burn_in: int,
    threads: int | None,
) -> Columns:
    """Return one value a map for every variable of the dataset, by orbit or by both."""
    orbit = part.run(start, rounds, keep="last", burn_in=burn_in, threads=threads)
    found = classify(part, start, threads=threads)
    local, phase = found.stability, found.code
    near = local.taken(np.arange(part.size))
    several = np.flatnonzero(local.fixed_point.status == PointStatus.FOUND)
    if len(several):
        near.put(several, stability(part.take(several), orbit.final_logits[several]))
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
    if by == "orbit":
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


def _likeliest(policy: FloatArray) -> np.ndarray:
    return simplex.likeliest(policy).astype(np.int32)


def _fixed_point(local: Stability) -> Columns:
    return {
        "spectral_radius": local.spectral_radius,
        "fixed_point_status": local.fixed_point.status,
    }
