"""The parameters that make a method fastest, from what the score does at the rest point.

At a rest point on one policy the multipliers are those of the method's symbol at g = βλν_k, for the
eigenvalues ν_k of the derivative of the score. So the fastest parameters minimise a function of few
numbers, the largest modulus, and no round is run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from alignsim.errors import InputError
from alignsim.feedback.methods.contract import Method
from alignsim.feedback.methods.scheme import Scheme
from alignsim.parameters import Parameter
from alignsim.validation import FloatArray

ComplexArray = NDArray[np.complex128]

REACH = 16.0
"""Parameters are searched to within e^−16 of the ends of their range, on the scale of log-odds."""

LARGEST = 20.0
"""Where parameters without an upper end are no longer searched."""

WEAKEST, STRONGEST = -5.0, 3.0
"""Without an anchor β is searched where log βλω is between these."""

WHOLE = 8
"""How many values of a whole number are tried, from its least on."""

GENERATIONS, POPULATION = 100, 12
"""Of the global search, which costs one evaluation of the symbol a generation."""

SAME = 1e-9
"""Relative difference of the ω_k, or of log rates, that is none."""

NEAR_END = 0.05
"""Share of its range by which a parameter may lie beside an end, or its default, to be tried there;
``WORSE`` is what the logarithm of the rate may lose."""

WORSE = 1e-7

CLOSED = 1e-6
"""How far a closed form may lie behind the search, in the logarithm of the rate."""

NOTHING = 1e3
"""In place of the logarithm of a rate where there is none."""


class Fastest(NamedTuple):
    """What was found: all parameters of the method, β over ``unit``, the rate a round, stages."""

    parameters: dict[str, float]
    beta: float
    rate: float
    optima: int
    closed_form: bool

    @property
    def per_optimum(self) -> float:
        """The rate of one of the round's optima."""
        return float(self.rate ** (1.0 / self.optima))


def fastest(
    method: Method, modes: ComplexArray, fixed: Mapping[str, float], *, anchored: bool
) -> Fastest | None:
    """Return the parameters with the least rate per one-shot optimum; None if none are stable.

    Parameters
    ----------
    method
        Whose parameters; those that are ``fixed`` stay so.
    modes : (m,)
        With an anchor the gains ηλν_k at the target; ``beta`` is then in units of η. Without, any
        multiple of the ν_k; ``beta`` is then the multiple of it.
    anchored
        Whether the fixed reference is to hold the loop, at the target, or to have no share.
    """
    found = []
    for given in _held(method, fixed):
        for more in _variants(method, given, anchored):
            search = _Search(method, modes, more, anchored)
            found.append(search.best())
    stable = [each for each in found if each is not None and each.rate < 1.0]
    return min(stable, key=lambda each: each.per_optimum, default=None)


def _held(method: Method, fixed: Mapping[str, float]) -> Iterator[dict[str, float]]:
    """Yield the fixed parameters with every choice of the whole numbers."""
    free = [p for p in method.parameters if p.whole and p.name not in fixed]
    for choice in itertools.product(*(range(WHOLE) for _ in free)):
        yield {**fixed, **{p.name: p.low + n for p, n in zip(free, choice, strict=True)}}


def _variants(
    method: Method, fixed: Mapping[str, float], anchored: bool
) -> Iterator[dict[str, float]]:
    """Yield the parameters to hold so that the loop is anchored, or is not."""
    free = [p for p in method.parameters if p.name not in fixed]
    middle = {p.name: 0.5 * (p.low + p.high) if np.isfinite(p.high) else p.low + 1.0 for p in free}

    def of(values: Mapping[str, float]) -> Scheme | None:
        whole = {name: np.asarray(value) for name, value in {**middle, **values}.items()}
        return Scheme.of(method, whole) if _allowed(method, whole).all() else None

    start = of(fixed)
    if start is not None and bool(start.rest().anchored) == anchored:
        yield dict(fixed)
    elif not anchored:
        for p, end in itertools.product(free, ("low", "high")):
            more = {**fixed, p.name: float(getattr(p, end))}
            scheme = of(more) if np.isfinite(more[p.name]) else None
            if scheme is not None and not scheme.rest().anchored:
                yield more


class _Search:
    """The search for one method with some of its parameters held."""

    def __init__(
        self, method: Method, modes: ComplexArray, fixed: Mapping[str, float], anchored: bool
    ) -> None:
        self.method, self.modes, self.fixed, self.anchored = method, modes, dict(fixed), anchored
        self.free = [p for p in method.parameters if p.name not in fixed]
        self.size = np.abs(modes).max(initial=0.0)

    def best(self) -> Fastest | None:
        """Return the best parameters that there are, in closed form if it is as good."""
        known = self._closed_form()
        if not self.size:
            return None
        place, value = self._minimum(known)
        if known is not None and self._of(*known)[0] <= value + CLOSED:
            return self._told(*known, closed_form=True)
        if value >= NOTHING:
            return None
        for p in self.free:
            for end in (p.low, p.high, p.default, 0.0):
                at = self._values(place)[0][p.name]
                width = p.high - p.low if np.isfinite(p.high) else 1.0
                if end is None or p.name in self.fixed or abs(at[0] - end) > NEAR_END * width:
                    continue
                other = _Search(self.method, self.modes, {**self.fixed, p.name: end}, self.anchored)
                tried = other.polished(np.delete(place, self.free.index(p)))
                if tried[1] <= value + WORSE:
                    self.fixed, self.free, (place, value) = other.fixed, other.free, tried
                    break
        return self._told(*self._values(place), closed_form=False)

    def polished(self, place: FloatArray) -> tuple[FloatArray, float]:
        """Return the minimum near a place, and its value."""
        from scipy.optimize import Bounds, minimize  # it takes longer to import than most commands

        if not len(place):
            return place, float(self._value(place[:, None])[0])
        low, high = self._bounds()
        for _ in range(2):
            place = minimize(
                lambda u: float(self._value(u[:, None])[0]), place, method="Nelder-Mead",
                bounds=Bounds(low, high), options={"xatol": 1e-10, "fatol": 1e-13, "maxfev": 400},
            ).x  # fmt: skip
        return place, float(self._value(place[:, None])[0])

    def _minimum(
        self, known: tuple[dict[str, FloatArray], FloatArray] | None
    ) -> tuple[FloatArray, float]:
        from scipy.optimize import Bounds, differential_evolution

        low, high = self._bounds()
        if not len(low):
            return low, float(self._value(low[:, None])[0])
        first = None if known is None else np.clip(self._place(*known), low, high)
        found = differential_evolution(
            self._value, Bounds(low, high), rng=0, vectorized=True, updating="deferred",
            polish=False, x0=first, popsize=POPULATION, maxiter=GENERATIONS, tol=1e-10,
        )  # fmt: skip
        return self.polished(found.x)

    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        ends = [(-REACH, REACH) for _ in self.free]
        if not self.anchored:
            ends.append((WEAKEST, STRONGEST))
        return np.array([e[0] for e in ends]), np.array([e[1] for e in ends])

    def _values(self, u: FloatArray) -> tuple[dict[str, FloatArray], FloatArray]:
        """Return all parameters and β at places (dims, S), or (dims,): (S,) each."""
        places = u.reshape(len(u), u.size // len(u) if len(u) else 1)
        values = {name: np.full(places.shape[1], value) for name, value in self.fixed.items()}
        for p, row in zip(self.free, places, strict=False):
            values[p.name] = p.low + _width(p) * expit(row)
        if not self.anchored:
            return values, np.exp(places[-1]) / self.size
        gain = self._scheme(values).rest().gain
        with np.errstate(divide="ignore", invalid="ignore"):
            return values, np.where(gain > 0.0, 1.0 / gain, np.nan)

    def _place(self, values: dict[str, FloatArray], beta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            place = [logit((values[p.name][0] - p.low) / _width(p)) for p in self.free]
            if not self.anchored:
                place.append(np.log(beta[0] * self.size))
        return np.array(place)

    def _value(self, u: FloatArray) -> FloatArray:
        return self._of(*self._values(u))

    def _of(self, values: dict[str, FloatArray], beta: FloatArray) -> FloatArray:
        """Return the logarithm of the rate (S,)."""
        usable = np.isfinite(beta) & _allowed(self.method, values)
        gains = np.where(usable, beta, 0.0)[:, None] * self.modes
        scheme = self._scheme({name: value[:, None] for name, value in values.items()})
        multipliers = scheme.multipliers(gains).reshape(*gains.shape, -1)
        radius = np.abs(multipliers).max(axis=(-2, -1))
        return np.where(usable, np.log(np.maximum(radius, 1e-300)), NOTHING)

    def _scheme(self, values: dict[str, FloatArray]) -> Scheme:
        return Scheme.of(self.method, values)

    def _closed_form(self) -> tuple[dict[str, FloatArray], FloatArray] | None:
        """Return the declared fastest parameters, if all modes turn at one frequency."""
        fact = self.method.facts.fastest
        turning = np.abs(self.modes.imag)
        one = np.abs(self.modes.real).max(initial=0.0) <= SAME * self.size
        if fact is None or not self.size or not one or np.ptp(turning) > SAME * self.size:
            return None
        told = fact.value(np.asarray(self.size if self.anchored else np.inf))
        values = {p.name: np.atleast_1d(told[p.name]) for p in self.method.parameters}
        held = all(np.isclose(values[name][0], value) for name, value in self.fixed.items())
        if not held or bool(self._scheme(values).rest().anchored[0]) != self.anchored:
            return None
        return values, np.atleast_1d(told["y"]) / self.size

    def _told(
        self, values: dict[str, FloatArray], beta: FloatArray, *, closed_form: bool
    ) -> Fastest:
        scheme = self._scheme(values)
        return Fastest(
            {p.name: float(values[p.name][0]) for p in self.method.parameters},
            float(beta[0]),
            float(np.exp(self._of(values, beta)[0])),
            int(scheme.needed[0]),
            closed_form,
        )


def _width(p: Parameter) -> float:
    return min(p.high, p.low + LARGEST) - p.low


def _allowed(method: Method, values: Mapping[str, FloatArray]) -> NDArray[np.bool_]:
    """Return where the parameters (S,) fit together."""
    first = next(iter(values.values()))
    if method.check is None or _fit(method, values):
        return np.ones(np.shape(first), dtype=np.bool_)
    flat = {name: np.ravel(value) for name, value in values.items()}
    each = [
        _fit(method, {name: value[i] for name, value in flat.items()}) for i in range(first.size)
    ]
    return np.array(each).reshape(np.shape(first))


def _fit(method: Method, values: Mapping[str, FloatArray]) -> bool:
    assert method.check is not None
    try:
        method.check(**values)
    except InputError:
        return False
    return True
