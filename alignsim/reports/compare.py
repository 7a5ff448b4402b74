"""Methods side by side, from one start on the same preferences, at equal cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex, validation
from alignsim.analysis.bifurcations.first_loss import first_loss
from alignsim.analysis.equilibria.stability import stability
from alignsim.analysis.orbits.classification import classify
from alignsim.errors import InputError, quote
from alignsim.feedback import FeedbackMap
from alignsim.feedback.arguments import configured
from alignsim.feedback.naming import method as loop_of
from alignsim.objectives import IPO, Objective
from alignsim.objectives.samplers import Sampler
from alignsim.summary import span
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    import xarray

Entry = str | tuple[str, Mapping[str, Any]] | FeedbackMap
"""A method by name, with its parameters, or a loop."""

ONSET_SEARCH = 100.0
"""How far β is searched for the loss of stability, at least, and twice the loop's own β."""

NOT_CLASSIFIED = "not classified"


def compare(
    methods: Sequence[Entry] | Mapping[str, Any],
    P: ArrayLike | None = None,
    *,
    beta: ArrayLike | None = None,
    start: ArrayLike | None = None,
    rounds: int = 200,
    keep: str | int | Sequence[int] = "all",
    objective: str | Objective = "ipo",
    lam: ArrayLike = 1.0,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    beta_convention: str = "signal",
    sampler: str | Sampler = "product",
    **parameters: Any,
) -> xarray.Dataset:
    """Return a Dataset of methods side by side, over ``loop, (map_…,) round, response``.

    Parameters
    ----------
    methods
        Names that :func:`alignsim.methods` lists or other names of theirs, pairs (name,
        parameters), and loops, in any mixture. Or a mapping from the labels that you choose to
        these, or from names to parameters.
    P, objective, lam, reference, offline, beta_convention, sampler
        As for :class:`FeedbackMap`, the same for all methods but those that are loops already. The
        parameters of a method may have their own of these.
    beta : (...)
        Strength of the preference signal. A method's own parameters may have another ``"beta"``.
    start : (..., K)
        Where all begin, as for :meth:`FeedbackMap.run`.
    rounds, keep
        How many rounds of each method, and which are kept, as for :meth:`FeedbackMap.run`.
    parameters
        Those of methods that were given by name, a mapping each; others have their defaults. And
        those of the objective and of the sampler, the same for all methods.

    Returns
    -------
    xarray.Dataset
        ``policy``, ``entropy``, ``kl_to_reference``, ``kl_to_rest`` and ``distance_to_rest`` (span
        of the difference of the logits) after the rounds kept; ``final_policy``; ``rest``, the
        policy where the loop rests, NaN if there is none; ``spectral_radius`` and ``verdict`` of
        stability there; ``optima_per_e_fold``, one-shot optima in which a small deviation shrinks
        by a factor e; ``onset_beta``, the least β at which stability is lost, infinite if none is
        found; ``phase``, what the orbit does in the long run. Coordinate ``optima`` counts the
        one-shot optima up to a round: methods cost the same at the same count.

    Raises
    ------
    ValueError
        For an unknown method, a parameter without a default that is missing, and other bad
        arguments.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> ds = asim.compare(
    ...     ["mrs", "soft_reference", "extragradient"], P, beta=4.0,
    ...     mrs={"alpha": 0.6}, soft_reference={"mixup": 0.5},
    ... )
    >>> ds["optima_per_e_fold"].round(2).values.tolist()
    [11.47, 13.32, 13.93]
    >>> ds["optima"].sel(loop="extragradient").values[:3].tolist()
    [0, 2, 4]
    >>> pilaf = asim.compare(["mrs", "extragradient"], P, beta=0.5, sampler="pilaf", rounds=20)
    >>> pilaf.attrs["sampler"]
    'pilaf'
    """
    import xarray

    maker, drawn, own = configured(objective, sampler, parameters)
    common = {
        "objective": maker, "lam": lam, "reference": reference, "offline": offline,
        "beta_convention": beta_convention, "sampler": drawn,
    }  # fmt: skip
    loops = _loops(methods, own, P, beta, common)
    begun = {label: loop.with_start(start)[0] for label, loop in loops.items()}
    sizes = {loop.responses for loop in begun.values()}
    if len(sizes) > 1:
        told = f"have {' and '.join(map(str, sorted(sizes)))} responses"
        raise InputError("methods", told, "compare loops on the same responses")
    shape = validation.batch_shape({label: loop.shape for label, loop in begun.items()})
    found = [_course(loop.broadcast_to(shape), start, rounds, keep) for loop in loops.values()]
    batch = [f"map_{axis}" for axis in range(len(shape))]
    alone = ["loop", *batch]
    dims = {"path": [*alone, "round"], "response": [*alone, "response"], "alone": alone}
    dims["paths"] = [*dims["path"], "response"]

    def stacked(name: str, over: str, **attrs: str) -> tuple[list[str], Any, dict[str, str]]:
        return dims[over], np.stack([getattr(each, name) for each in found]), attrs

    return xarray.Dataset(
        {
            "policy": stacked("policy", "paths"),
            "entropy": stacked("entropy", "path", units="nats"),
            "kl_to_reference": stacked("kl_to_reference", "path", units="nats"),
            "kl_to_rest": stacked("kl_to_rest", "path", units="nats"),
            "distance_to_rest": stacked("distance_to_rest", "path", units="logits"),
            "final_policy": stacked("final_policy", "response"),
            "rest": stacked("rest", "response", long_name="policy where the loop rests"),
            "spectral_radius": stacked("spectral_radius", "alone"),
            "verdict": stacked("verdict", "alone"),
            "optima_per_e_fold": stacked("optima_per_e_fold", "alone"),
            "onset_beta": stacked("onset_beta", "alone"),
            "phase": stacked("phase", "alone"),
        },
        coords={
            "loop": list(loops),
            "round": found[0].rounds,
            "response": np.arange(sizes.pop()),
            "optima": stacked("optima", "path", long_name="one-shot optima"),
            "setting": ("loop", [_setting(loop) for loop in loops.values()]),
        },
        attrs={
            "objective": ", ".join({loop.objective.name: None for loop in loops.values()}),
            "sampler": ", ".join({loop.sampler.name: None for loop in loops.values()}),
        },
    )


class _Course(NamedTuple):
    """What a method does: (...) each, ``f`` rounds kept."""

    rounds: Any
    optima: Any
    policy: FloatArray
    entropy: FloatArray
    kl_to_reference: FloatArray
    kl_to_rest: FloatArray
    distance_to_rest: FloatArray
    final_policy: FloatArray
    rest: FloatArray
    spectral_radius: FloatArray
    verdict: Any
    optima_per_e_fold: FloatArray
    onset_beta: FloatArray
    phase: Any


def _course(
    loop: FeedbackMap, start: ArrayLike | None, rounds: int, keep: str | int | Sequence[int]
) -> _Course:
    orbit = loop.run(start, rounds, keep=keep)
    local = stability(loop)
    at_rest = local.fixed_point.logits[..., None, :]
    needed = loop.scheme.needed
    radius = local.spectral_radius
    with np.errstate(divide="ignore", invalid="ignore"):
        per_fold = np.where(radius >= 1.0, np.inf, needed / -np.log(radius))
    limit = max(ONSET_SEARCH, 2.0 * float(loop.beta.max(initial=0.0)))
    return _Course(
        rounds=orbit.rounds,
        optima=needed[..., None] * orbit.rounds,
        policy=orbit.policies,
        entropy=orbit.entropy,
        kl_to_reference=orbit.kl_to_reference,
        kl_to_rest=simplex.kl_divergence(at_rest, orbit.logits),
        distance_to_rest=np.ptp(orbit.logits - at_rest, axis=-1),
        final_policy=orbit.final,
        rest=local.fixed_point.policy,
        spectral_radius=radius,
        verdict=local.words("verdict"),
        optima_per_e_fold=per_fold,
        onset_beta=first_loss(loop, limit),
        phase=_phase(loop, start),
    )


def _phase(loop: FeedbackMap, start: ArrayLike | None) -> Any:
    try:
        return classify(loop, start).phase
    except ValueError:  # of a loop that it does not take
        return np.full(loop.shape, NOT_CLASSIFIED)


def _loops(
    methods: Sequence[Entry] | Mapping[str, Any],
    parameters: Mapping[str, Mapping[str, Any]],
    P: ArrayLike | None,
    beta: ArrayLike | None,
    common: Mapping[str, Any],
) -> dict[str, FeedbackMap]:
    """Return the loops by their labels."""
    entries = list(_entries(methods))
    if not entries:
        raise InputError("methods", "is empty", 'give names, as ["mrs", "soft_reference"]')
    named = {entry[0] for _, entry in entries if not isinstance(entry, FeedbackMap)}
    for name, own in parameters.items():
        validation.choice(name, "the method of parameters", named)
        if not isinstance(own, Mapping):
            told = f"is {quote(own)}, no mapping of parameters"
            raise InputError(name, told, f'give {name}={{"parameter": value}}')
    loops = []
    for label, entry in entries:
        if isinstance(entry, FeedbackMap):
            loops.append((label or entry.scheme.name, entry))
            continue
        name, own = entry
        if P is None:
            raise InputError("P", "is missing", "give it, or loops instead of names")
        given = {"beta": beta, **common, **parameters.get(name, {}), **own}
        loops.append((label or name, loop_of(name, P, **given)))
    counts = Counter(label for label, _ in loops)
    found: dict[str, FeedbackMap] = {}
    for label, loop in loops:
        unique = label if counts[label] == 1 else f"{label} ({_setting(loop)})"
        if unique in found:
            raise InputError("methods", f"has {quote(unique)} twice", "give each once")
        found[unique] = loop
    return found


def _entries(
    methods: Sequence[Entry] | Mapping[str, Any],
) -> Iterator[tuple[str, tuple[str, Mapping[str, Any]] | FeedbackMap]]:
    """Yield a label, or nothing, and a name with parameters, or a loop."""
    listed: Iterable[tuple[str, Any]]
    if isinstance(methods, Mapping):
        listed = methods.items()
    elif isinstance(methods, str | FeedbackMap) or not isinstance(methods, Iterable):
        told = f"is {quote(methods)}"
        raise InputError("methods", told, 'give a list, as ["mrs", "soft_reference"]')
    else:
        listed = (("", entry) for entry in methods)
    for i, (label, entry) in enumerate(listed):
        if isinstance(entry, FeedbackMap):
            yield label, entry
        elif isinstance(entry, str):
            yield label, (entry, {})
        elif label and isinstance(entry, Mapping):
            yield label, (label, entry)
        elif isinstance(entry, Sequence) and len(entry) == 2 and isinstance(entry[1], Mapping):
            yield label, (entry[0], entry[1])
        else:
            raise InputError(
                "methods", f"is {quote(entry)}", "give a name, (name, parameters), or a loop",
                index=(i,),
            )  # fmt: skip


def _setting(loop: FeedbackMap) -> str:
    """Return the parameters as they are written beside a name."""
    own = {**loop.scheme.parameters, **loop.objective.values, **loop.sampler.values}
    shown = {"beta": loop.beta, **own}
    told = [f"{name} = {span(value)}" for name, value in shown.items()]
    told += [f"objective {loop.objective.name}"] if loop.objective.name != IPO.name else []
    told += [f"sampler {loop.sampler.name}"] if not loop.samples_alike else []
    return ", ".join(told)
