"""A scheme: how the rounds of a loop are wired, as a value.

T(r, o) is the one-shot optimum, in logits, with reference logits r and the sampler that the
opponent logits o make. A round has s stages. From the fixed reference and the state
X = (x_1, …, x_D), K centred logits each of which x_1 is the policy,

    V = (ref, x_1, …, x_D, t_1, …, t_s),  t_i = T(R_i·V, O_i·V),  X' = N·V,

where R_i and O_i use t_1, …, t_{i−1} only. In the language of numerical analysis it is an explicit
general linear method (Butcher) for the flow ż = ref − z + ηv.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import validation
from alignsim.batching import Batched
from alignsim.errors import InputError
from alignsim.feedback.methods.contract import Method, Slot
from alignsim.feedback.methods.rows import GivenRows, check_rows, checked_starts, slot_names
from alignsim.feedback.methods.wiring import Combination, Wiring
from alignsim.summary import span
from alignsim.validation import FloatArray

SAME_GAIN = 1e-9
"""Relative difference of the gains of stages that rest on one policy."""

SINGULAR = 1e-13
"""Relative determinant of I − N below which a scheme has no anchor."""

COMPLEX_STEP = 1e-150
"""Imaginary part that differentiates a wiring to the last digit."""


class Canonical(NamedTuple):
    """The scheme of a score objective, t and r eliminated; over (ref, X, u_1, …, u_s), u_i = βv_i.

    ``opponents`` (..., s, 1+D+s) and ``update`` (..., D, 1+D+s).
    """

    opponents: FloatArray
    update: FloatArray


class Rest(NamedTuple):
    """Where the scheme of a score objective rests, if all stages see one opponent policy.

    With the pull u = βv of that policy, o = ref + gain·u and x_d = p·ref + lift_d·u, where p is 1
    for positions and 0 for directions.

    Attributes
    ----------
    anchored : (...)
        Whether the fixed reference holds the state, so that this is all; else u must be constant.
    gain : (...)
        NaN where the stages cannot rest on one policy, or without an anchor.
    lift : (..., D)
        NaN likewise.
    """

    anchored: NDArray[np.bool_]
    gain: FloatArray
    lift: FloatArray


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Scheme(Batched):
    """How the rounds of a batch of loops are wired: your own, in three small arrays.

    Parameters
    ----------
    reference, opponent : (..., s, 1+D+s)
        Coefficients of each stage's reference and opponent, over the fixed reference, the D slots
        of the state and the optima of the s stages. Those of later stages must be 0, and positions
        must add up to 1.
    update : (..., D, 1+D+s)
        Coefficients of the new state; positions add up to 1, in the rows of directions to 0.
    starts
        What each slot begins with: ``"start"`` (default) or ``"reference"`` for a position,
        ``"zero"`` or ``"score"``, βv at the start, for a direction (a stored update). The first
        slot is the policy and begins with the start.

    Raises
    ------
    InputError
        For other shapes or sums, a stage that uses a later one, and what never reaches the policy.

    Examples
    --------
    A reference that follows the policy slowly:

    >>> import alignsim as asim
    >>> scheme = asim.Scheme(
    ...     reference=[[0, 0, 1, 0]], opponent=[[0, 1, 0, 0]], update=[[0, 0, 0, 1], [0, 0, .4, .6]]
    ... )
    >>> print(scheme)
    custom: r = y; o = x; x' = t; y' = 0.4·y + 0.6·t
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> loop = asim.FeedbackMap(P, beta=4.0, scheme=scheme)
    >>> asim.stability(loop).words("verdict").item()
    'stable'
    """

    AXES: ClassVar = {"values": 1}

    method: Method
    values: FloatArray
    starts: tuple[str, ...]

    def __init__(
        self,
        *,
        reference: ArrayLike,
        opponent: ArrayLike,
        update: ArrayLike,
        starts: Sequence[str] | None = None,
    ) -> None:
        N = validation.real_array(update, "update", min_ndim=2)
        R = validation.real_array(reference, "reference", min_ndim=2)
        D, s = N.shape[-2], R.shape[-2]
        width = 1 + D + s
        given = {"reference": (R, s), "opponent": (opponent, s), "update": (N, D)}
        rows = {}
        for name, (value, height) in given.items():
            rows[name] = validation.real_array(value, name, min_ndim=2)
            if rows[name].shape[-2:] != (height, width):
                raise InputError(
                    name,
                    f"has shape {rows[name].shape}",
                    f"with {s} stages and {D} slots it must end in {height}×{width}",
                )
        begin = checked_starts(starts, D)
        slots = tuple(Slot(name, word) for name, word in zip(slot_names(D), begin, strict=True))
        check_rows(rows, slots)
        shape = validation.batch_shape({name: each.shape[:-2] for name, each in rows.items()})
        flat = [
            np.broadcast_to(each, (*shape, *each.shape[-2:])).reshape(*shape, -1)
            for each in rows.values()
        ]
        self._set(GivenRows.of(slots, s), np.concatenate(flat, axis=-1), begin)

    @classmethod
    def of(
        cls,
        method: Method,
        parameters: Mapping[str, FloatArray],
        starts: Sequence[str] | None = None,
    ) -> Self:
        """Return the scheme of a method with checked parameters (...), broadcast."""
        columns = [np.asarray(parameters[each.name]) for each in method.parameters]
        shape = validation.batch_shape(
            {each.name: c.shape for each, c in zip(method.parameters, columns, strict=True)}
        )
        values = np.empty((*shape, len(columns)))
        for place, column in enumerate(columns):
            values[..., place] = column
        begin = tuple(slot.begin for slot in method.slots)
        if starts is not None:
            begin = checked_starts(starts, len(begin), begin)
        new = cls.__new__(cls)
        new._set(method, values, begin)
        return new

    def _set(self, method: Method, values: FloatArray, starts: tuple[str, ...]) -> None:
        for name, value in (("method", method), ("values", values), ("starts", starts)):
            object.__setattr__(self, name, value)

    # What it is

    @property
    def name(self) -> str:
        """The method's name, or "custom"."""
        return self.method.name

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the batch."""
        return self.values.shape[:-1]

    @property
    def size(self) -> int:
        """D, the number of slots of the state."""
        return len(self.method.slots)

    @property
    def directions(self) -> NDArray[np.bool_]:
        """Which slots hold a direction, (D,)."""
        return np.array([slot.direction for slot in self.method.slots])

    @property
    def parameters(self) -> dict[str, FloatArray]:
        """The method's parameters by name, (...) each; of a custom scheme none."""
        names = (each.name for each in self.method.parameters)
        return {name: self.values[..., place] for place, name in enumerate(names)}

    def wired(self) -> Wiring:
        """Return the combinations of the stages and the update."""
        return self.method.wired(self._columns())

    @property
    def reference(self) -> FloatArray:
        """R, (..., s, 1+D+s)."""
        return self._rows(self.wired().references)

    @property
    def opponent(self) -> FloatArray:
        """O, (..., s, 1+D+s)."""
        return self._rows(self.wired().opponents)

    @property
    def update(self) -> FloatArray:
        """N, (..., D, 1+D+s)."""
        return self._rows(self.wired().updates)

    @property
    def stages(self) -> int:
        """s, the number of one-shot optima in a round."""
        return len(self.wired().references)

    @property
    def needed(self) -> NDArray[np.int64]:
        """How many stages reach the new state, at least 1: later ones are lost, (...)."""
        last = np.ones(self.shape, dtype=np.int64)
        for row in self.wired().updates:
            for place, coefficient in row.terms.items():
                used = np.where(np.asarray(coefficient) != 0.0, place - self.size, 0)
                last = np.maximum(last, used)
        return last

    def replace(self, **parameters: ArrayLike) -> Self:
        """Return the same scheme with other parameters (...), checked.

        Raises
        ------
        InputError
            For a name that is no parameter of the method, or a value out of its range.
        """
        return self.with_parameters(**self.method.checked({**self.parameters, **parameters}))

    def with_parameters(self, **parameters: FloatArray) -> Self:
        """Return the same scheme with other parameters, broadcast; nothing is checked."""
        if not self.method.parameters:
            return self
        return type(self).of(self.method, {**self.parameters, **parameters}, self.starts)

    def derivative(self, along: str) -> Wiring:
        """Return the derivative of all coefficients by a parameter."""
        columns = dict(self._columns())
        columns[along] = columns[along] + 1j * COMPLEX_STEP
        return self.method.wired(columns).map(lambda c: np.imag(c) / COMPLEX_STEP)

    # What follows from it

    @np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")
    def canonical(self) -> Canonical:
        """Return the coefficients over (ref, X, u), for objectives with a score."""
        wiring = self.wired()
        s, D = len(wiring.references), self.size
        width = 1 + D + s
        basis = np.eye(width)
        known: list[Any] = list(basis[: 1 + D])
        opponents = np.zeros((*self.shape, s, width))
        for i, (r, o) in enumerate(zip(wiring.references, wiring.opponents, strict=True)):
            opponents[..., i, :] = o.of(known)
            known.append(r.of(known) + basis[1 + D + i])
        update = np.zeros((*self.shape, D, width))
        for d, row in enumerate(wiring.updates):
            moved = row.of(known)
            update[..., d, :] = 0.0 if moved is None else moved
        return Canonical(opponents, update)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")
    def rest(self) -> Rest:
        """Return where the loop rests, for objectives with a score."""
        opponents, update = self.canonical()
        D = self.size
        positions = ~self.directions
        held = np.eye(D) - update[..., 1 : 1 + D]
        pull = update[..., 1 + D :].sum(axis=-1)
        size = np.abs(held).sum(axis=-1).max(axis=-1)
        anchored = (update[..., positions, 0] != 0.0).any(axis=-1)
        anchored &= np.abs(np.linalg.det(held)) > SINGULAR * size**D
        solvable = np.where(anchored[..., None, None], held, np.eye(D))
        lift = np.linalg.solve(solvable, pull[..., None])[..., 0]
        gains = (opponents[..., 1 : 1 + D] @ lift[..., None])[..., 0]
        gains += opponents[..., 1 + D :].sum(axis=-1)
        one = np.ptp(gains, axis=-1) <= SAME_GAIN * (1.0 + np.abs(gains).max(axis=-1))
        gain = np.where(anchored & one, gains[..., 0], np.nan)
        return Rest(anchored, gain, np.where((anchored & one)[..., None], lift, np.nan))

    def symbol(self, gain: ArrayLike) -> NDArray[np.complex128]:
        """Return S(g), (..., D, D), whose eigenvalues are the multipliers of a mode.

        ``gain`` (...) is g = βλν, complex, with an eigenvalue ν of the derivative of the score by
        the opponent's logits. It holds where all stages rest on one policy.
        """
        return self._symbol(self._gain(gain))

    def _symbol(self, g: NDArray[np.complex128]) -> NDArray[np.complex128]:
        D = self.size
        wiring = self.wired()
        known: list[Any] = [None, *np.eye(D)]
        for r, o in zip(wiring.references, wiring.opponents, strict=True):
            moved, pulled = r.of(known), o.of(known)
            pulled = 0.0 if pulled is None else g[..., None] * pulled
            known.append(pulled if moved is None else moved + pulled)
        shape = np.broadcast_shapes(self.shape, g.shape)
        symbol = np.zeros((*shape, D, D), dtype=np.complex128)
        for d, row in enumerate(wiring.updates):
            moved = row.of(known)
            symbol[..., d, :] = 0.0 if moved is None else moved
        return symbol

    def multipliers(self, gain: ArrayLike) -> NDArray[np.complex128]:
        """Return the eigenvalues of :meth:`symbol`, (..., D)."""
        return self.eigenvalues(self._gain(gain))

    def eigenvalues(self, gain: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return :meth:`multipliers` of gains that are not checked, and may be infinite or NaN."""
        with np.errstate(invalid="ignore", over="ignore"):
            S = self._symbol(gain)
        if self.size == 1:
            return np.asarray(S[..., 0])
        finite = np.asarray(np.isfinite(S).all(axis=(-2, -1)))
        if self.size == 2:
            half = 0.5 * (S[..., 0, 0] + S[..., 1, 1])
            apart = 0.5 * (S[..., 0, 0] - S[..., 1, 1])
            with np.errstate(invalid="ignore", over="ignore"):
                root = np.sqrt(apart * apart + S[..., 0, 1] * S[..., 1, 0])
                large = np.where((half.conj() * root).real < 0.0, half - root, half + root)
                product = S[..., 0, 0] * S[..., 1, 1] - S[..., 0, 1] * S[..., 1, 0]
                small = np.divide(product, large, where=large != 0.0, out=np.zeros_like(large))
            return np.stack([large, small], axis=-1)
        values = np.linalg.eigvals(np.where(finite[..., None, None], S, 0.0))
        return np.where(finite[..., None], values, np.nan)

    def _gain(self, gain: ArrayLike) -> NDArray[np.complex128]:
        """Return gains, checked to be finite numbers that broadcast with the batch."""
        parts = [validation.real_array(part, "gain") for part in _parts(gain)]
        whole = np.asarray(parts[0] + 1j * parts[-1] if len(parts) > 1 else parts[0], complex)
        validation.batch_shape({"the scheme": self.shape, "gain": whole.shape})
        return whole

    @np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")
    def limit(self) -> FloatArray:
        """Return the least y = βλω at which stability is lost, (...), NaN where it is not known.

        It holds where the score turns the logits and does nothing else; see
        ``MethodFacts``.
        """
        fact = self.method.facts.limit
        if fact is None:
            return np.full(self.shape, np.nan)
        return np.asarray(fact.value(**self.parameters))

    # Itself

    def __str__(self) -> str:
        return f"{self.name}: {self.formula()}"

    def __repr__(self) -> str:
        """Return its name, its parameters and the update."""
        parameters = [f"{name}={span(value)}" for name, value in self.parameters.items()]
        return f"Scheme({', '.join([self.name, *parameters])}: {self.formula()})"

    def formula(self) -> str:
        """Return the update as formulas, coefficients as numbers, or their range over the batch."""
        wiring = self.wired()
        s = len(wiring.references)
        slots = [slot.name for slot in self.method.slots]
        stages = ["t"] if s == 1 else [f"t{i}" for i in range(1, s + 1)]
        names = ["ref", *slots, *stages]
        lines = []
        for i, (r, o) in enumerate(zip(wiring.references, wiring.opponents, strict=True), start=1):
            number = "" if s == 1 else str(i)
            lines.append(f"r{number} = {_written(r, names)}")
            lines.append(f"o{number} = {_written(o, names)}")
        lines += [
            f"{slot}' = {_written(row, names)}"
            for slot, row in zip(slots, wiring.updates, strict=True)
        ]
        return "; ".join(lines)

    def __eq__(self, other: object) -> bool:
        """Whether methods, starts and parameters are equal, to the bit."""
        if not isinstance(other, Scheme):
            return NotImplemented
        return (
            self.method == other.method
            and self.starts == other.starts
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.method.name, self.starts, self.values.tobytes()))

    def _columns(self) -> Mapping[str, Any]:
        if isinstance(self.method, GivenRows):
            return {"rows": self.values}
        return self.parameters

    def _rows(self, combinations: Iterable[Combination]) -> FloatArray:
        wiring = self.wired()
        width = 1 + self.size + len(wiring.references)
        rows = [np.broadcast_to(each.row(width), (*self.shape, width)) for each in combinations]
        return np.stack(rows, axis=-2)


def _parts(gain: Any) -> list[Any]:
    """Return what is given, or its real and imaginary parts if it is an array of complex ones."""
    try:
        array = np.asarray(gain)
    except Exception:  # whatever an ``__array__`` raises: the check of real arrays words it
        return [gain]
    return [array.real, array.imag] if np.iscomplexobj(array) else [gain]


def _written(combination: Combination, names: Sequence[str]) -> str:
    terms = []
    for place, coefficient in sorted(combination.terms.items()):
        values = np.asarray(coefficient)
        if values.size and not values.any():
            continue
        minus = "−" if values.size and (values < 0.0).all() else ""
        size = np.abs(values) if minus else values
        factor = "" if values.size and (size == 1.0).all() else f"{span(size)}·"
        terms.append(f"{minus}{factor}{names[place]}")
    return " + ".join(terms).replace("+ −", "− ") or "0"
