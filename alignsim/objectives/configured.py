"""Things with a name and parameters that broadcast with a batch: objectives and samplers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from alignsim import validation
from alignsim.batching import Batched
from alignsim.errors import InputError
from alignsim.parameters import Parameter, checked
from alignsim.validation import FloatArray

C = TypeVar("C", bound="Configured")


@dataclass(frozen=True)
class Configured(Batched):
    """A named thing whose parameters are its fields.

    A subclass is a frozen dataclass. A field that ``parameters`` lists is a number or an array
    (...), one that ``policies`` lists a policy (..., K) or None, one that ``vectors`` lists any
    number for each response (..., K) or None; all are checked, and broadcast with the problem. So
    are the other arrays that ``AXES`` lists, which :meth:`further` checks. Other fields are shared
    by all instances.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    policies: ClassVar[tuple[str, ...]] = ()
    vectors: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[str] = ""
    """Where it is from."""

    def __init_subclass__(cls) -> None:
        """Compare by ``__eq__`` here: fields may be arrays, which dataclasses cannot compare."""
        for name in ("__eq__", "__hash__"):
            if name not in vars(cls):
                setattr(cls, name, vars(Configured)[name])
        cls.AXES = {**cls.AXES, **dict.fromkeys((*cls.policies, *cls.vectors), 1)}

    def __post_init__(self) -> None:
        """Check the parameters, and make arrays of them."""
        given = {each.name: getattr(self, each.name) for each in self.parameters}
        values: dict[str, Any] = dict(checked(self.name, self.parameters, given))
        for name in self.policies:
            policy = getattr(self, name)
            if policy is not None:
                values[name] = validation.policy(policy, name, full_support=True)
        for name in self.vectors:
            if getattr(self, name) is not None:
                values[name] = validation.logits(getattr(self, name), name)
        for name, value in (values | self.further()).items():
            object.__setattr__(self, name, value)

    def further(self) -> dict[str, FloatArray]:
        """Return checked arrays of other shapes, by name."""
        return {}

    @property
    def values(self) -> dict[str, FloatArray]:
        """The parameters by name, (...) each."""
        return {each.name: getattr(self, each.name) for each in self.parameters}

    @property
    def usual(self) -> tuple[Parameter, ...]:
        """The parameters, their values here as the defaults; none of those with several."""
        return tuple(
            replace(each, default=float(value)) if not np.ndim(value) else each
            for each, value in zip(self.parameters, self.values.values(), strict=True)
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that its arrays broadcast to, without the axes of the responses."""
        return validation.batch_shape(
            {
                name: value.shape[: value.ndim - (self.AXES.get(name) or 0)]
                for name, value in self._members()
                if isinstance(value, np.ndarray)
            }
        )

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Return the names that :meth:`configured` takes."""
        return (*(each.name for each in cls.parameters), *cls.AXES)

    @classmethod
    def described(cls) -> str:
        """Return these names, with the ranges of numbers, in words."""
        told = [f"{each.name} ({each.range})" for each in cls.parameters]
        return ", ".join([*told, *cls.AXES]) or "none"

    def configured(self, **given: Any) -> Self:
        """Return the same with other parameters or policies, checked.

        Raises
        ------
        InputError
            For a name that is none of them, or a value out of its range.
        """
        foreign = [name for name in given if name not in self.options()]
        if foreign:
            raise InputError(
                foreign[0],
                f"is no parameter of {self.name!r}",
                f"its parameters: {self.described()}",
            )
        now = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.init}
        return type(self)(**{**now, **given})

    def spread(self, shape: tuple[int, ...]) -> Self:
        """Return it for a flat batch: its arrays as :meth:`Comparison.spread` has the others."""
        return self.repeated(shape).reshaped((-1,))

    def __eq__(self, other: object) -> bool:
        """Whether it is the same class with the same fields, arrays to the bit."""
        if type(other) is not type(self):
            return NotImplemented
        return all(
            np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two
            for one, two in zip(self._fields(), other._fields(), strict=True)
        )

    def __hash__(self) -> int:
        own = (each.tobytes() if isinstance(each, np.ndarray) else each for each in self._fields())
        return hash((type(self), *own))

    def _fields(self) -> list[Any]:
        return [getattr(self, entry.name) for entry in fields(self)]


def one_named(
    thing: Any, kind: type[Any], known: Mapping[str, C], argument: str, **given: Any
) -> C:
    """Return what has that name, or the one given, with these parameters.

    Parameters that are None are as they were.

    Raises
    ------
    ValueError
        For another name; lists the known ones. And for parameters that it does not have.
    """
    found = thing
    if not isinstance(thing, kind):
        found = known[validation.choice(thing, argument, known)]
    changes = {name: value for name, value in given.items() if value is not None}
    return found.configured(**changes) if changes else found
