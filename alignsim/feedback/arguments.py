"""What a feedback map is given, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.errors import InputError, NoOptimumError
from alignsim.feedback.batch import MapBatch
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.methods.scheme import Scheme
from alignsim.objectives import OBJECTIVES, GradientSteps, Objective, ScoreObjective
from alignsim.objectives.contract import named
from alignsim.objectives.samplers import Product, Sampler, sampler_named
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray

BETA = Parameter("beta", "β, strength of the preference signal", high=np.inf)
LAM = Parameter("lam", "λ, on-policy share of the sampler", 1.0)

LIMITS = {each.name: each.high for each in (BETA, LAM)}
"""The largest value of the parameters that every loop has; the smallest is 0."""

ROUNDING = 4.0 * np.finfo(np.float64).eps
"""Mean of logits, relative to the largest, that is rounding."""

LARGEST_RECORD = 2**40
"""Bytes of frames beyond which a run is refused before it begins."""


def scheme_of(scheme: Scheme | None, alpha: ArrayLike | None) -> Scheme:
    """Return the scheme that is given, or that of MRS."""
    if scheme is None:
        return Scheme.of(MRS, MRS.checked({"alpha": alpha}))
    if not isinstance(scheme, Scheme):
        raise InputError(
            "scheme", f"is of type {type(scheme).__name__}", "give an alignsim.Scheme, or use "
            "alignsim.method with a name",
        )  # fmt: skip
    if alpha is not None:
        raise InputError(
            "alpha", "is given beside scheme, which has its own parameters", "give one of them"
        )
    return scheme


def objective_and_sampler(
    objective: str | Objective, sampler: str | Sampler, parameters: Mapping[str, Any]
) -> tuple[Objective, Sampler]:
    """Return both with their own of the parameters; raise for one that is of neither."""
    maker, drawn, foreign = configured(objective, sampler, parameters)
    if foreign and drawn.options():
        raise InputError(
            next(iter(foreign)),
            f"is no parameter of {maker.name!r} and of sampler {drawn.name!r}",
            f"theirs: {maker.described()}; and {drawn.described()}",
        )
    return named(maker, OBJECTIVES, **foreign), drawn


def configured(
    objective: str | Objective, sampler: str | Sampler, parameters: Mapping[str, Any]
) -> tuple[Objective, Sampler, dict[str, Any]]:
    """Return both with their own of the parameters, and the parameters that are of neither."""
    maker, drawn = named(objective, OBJECTIVES), sampler_named(sampler)
    own = {name: value for name, value in parameters.items() if name in drawn.options()}
    others = {name: value for name, value in parameters.items() if name not in own}
    theirs = {name: value for name, value in others.items() if name in maker.options()}
    rest = {name: value for name, value in others.items() if name not in theirs}
    return named(maker, OBJECTIVES, **theirs), sampler_named(drawn, **own), rest


def refuse_unheard(objective: Objective, sampler: Sampler) -> None:
    """Raise where a sampler is given to an objective that compares no pairs."""
    trained = objective.objective if isinstance(objective, GradientSteps) else objective
    if not trained.compares and not isinstance(sampler, Product):
        raise InputError(
            "sampler", f"is {sampler.name!r}", f"objective {trained.name!r} learns from rewards "
            "and compares no pairs: leave sampler out",
        )  # fmt: skip


def refuse_idle(sampler: Sampler, lam: FloatArray | None, offline: ArrayLike | None) -> None:
    """Raise where λ or the offline policy is given, but the sampler does not use it."""
    if lam is not None and "lam" not in sampler.takes:
        validation.refuse_where(
            lam != 1.0, "lam", lam,
            f"sampler {sampler.name!r} draws no share from the policy: leave lam out",
        )  # fmt: skip
    if offline is not None and "offline" not in sampler.takes:
        raise InputError(
            "offline", "is given", f"sampler {sampler.name!r} does not draw from it: leave it out"
        )


def changes(
    objective: Objective, sampler: Sampler, scheme: Scheme, wanted: Mapping[str, Any]
) -> dict[str, FloatArray]:
    """Return other parameters of a loop, checked; those that are None are left out."""
    given = {name: value for name, value in wanted.items() if value is not None}
    theirs = [
        (part, {name: given.pop(name) for name in list(given) if name in part.values})
        for part in (objective, sampler)
    ]
    own = {name: given.pop(name) for name in list(given) if name not in LIMITS}
    values = parameters(**given)
    refuse_idle(sampler, values.get("lam"), None)
    for part, new in theirs:
        if new:
            changed = part.configured(**new).values
            values |= {name: changed[name] for name in new}
    if own:
        checked = scheme.method.checked({**scheme.parameters, **own})
        values |= {name: checked[name] for name in own}
    return values


def refuse_scored_start(scheme: Scheme, objective: Objective, sampler: Sampler) -> None:
    """Raise where a slot is to begin with a score, but the rounds have none."""
    alike = isinstance(sampler, Product)
    if "score" in scheme.starts and not (alike and isinstance(objective, ScoreObjective)):
        rounds = str(objective) if alike else f"{objective} with sampler {sampler.name!r}"
        raise InputError("starts", "has 'score'", f"a round of {rounds} has no score; use 'zero'")


def require_optima(loop: MapBatch) -> None:
    """Raise unless some of the maps have an optimum with the weights of their pairs."""
    x = loop.problem(loop.reference_logits, loop.reference_logits)
    if not loop.objective.exists(x).any():
        try:
            loop.objective.check(x)
        except NoOptimumError:
            raise
        except InputError as error:
            told = f"is {loop.sampler.name!r}, whose pairs have weights"
            raise InputError("sampler", told, f"{loop.objective} takes none: {error}") from None


def of_slots(value: ArrayLike, name: str, slots: int, responses: int) -> FloatArray:
    """Return a checked state (..., D, K)."""
    checked = validation.logits(value, name, responses=responses, missing=True)
    if checked.ndim < 2 or checked.shape[-2] != slots:
        raise InputError(
            name, f"has shape {checked.shape}",
            f"the state has {slots} slots: give (..., {slots}, {responses})",
        )  # fmt: skip
    return checked


def parameters(**given: ArrayLike) -> dict[str, FloatArray]:
    """Return parameters, each checked to be in its range."""
    return {
        name: validation.parameter(value, name, high=LIMITS[name]) for name, value in given.items()
    }


def centred_once(logits: FloatArray) -> FloatArray:
    """Return centred logits; those that are centred up to rounding keep their bits."""
    columns = np.ascontiguousarray(np.moveaxis(logits, -1, 0))  # rows would be added one by one
    mean = np.asarray(sum(columns) / len(columns))
    mean[np.abs(mean) <= ROUNDING * np.abs(columns).max(axis=0)] = 0.0
    return np.asarray(logits - mean[..., None])


def kept_rounds(keep: str | int | Sequence[int], rounds: int, size: int) -> NDArray[np.int64]:
    """Return the rounds to keep, of ``size`` bytes each, ascending, the last one included."""
    if isinstance(keep, str):
        if validation.choice(keep, "keep", ("all", "last")) == "last":
            return np.array([rounds], dtype=np.int64)
        keep = 1
    if not isinstance(keep, Iterable) or (isinstance(keep, np.ndarray) and keep.ndim == 0):
        every = validation.integer(keep, "keep", minimum=1)
        if (rounds // every + 1) * size > LARGEST_RECORD:
            raise ValueError(
                f"keep asks for {rounds // every + 1} rounds of all maps, over a terabyte; "
                "use keep='last', or a larger step"
            )
        return np.unique(np.append(np.arange(0, rounds + 1, every), rounds)).astype(np.int64)
    listed = [validation.integer(t, f"keep[{i}]", minimum=0) for i, t in enumerate(keep)]
    if not listed:
        raise ValueError("keep is an empty list; list rounds, or use keep='last' for the end alone")
    late = [t for t in listed if t > rounds]
    if late:
        raise ValueError(f"keep lists round {late[0]}; the run ends with round {rounds}")
    return np.unique([*listed, rounds]).astype(np.int64)
