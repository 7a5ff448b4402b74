"""How stability is lost: the normal form at each crossing of ρ = 1, and what it predicts beyond.

For preference matrices MRS-IPO can only lose stability by a Neimark–Sacker bifurcation (theory
6.3): a pair of multipliers e^{±iθ}. If its first Lyapunov coefficient is negative, a small
oscillation grows out of the fixed point and dies back into it (supercritical); if it is positive,
orbits jump to something far away, and may stay there when the parameter is turned back
(subcritical). All derivatives are exact. Nothing is iterated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alignsim import simplex, validation
from alignsim.analysis.bifurcations import normal_form
from alignsim.analysis.bifurcations.normal_form import ComplexArray, Leading, TaylorMap
from alignsim.analysis.bifurcations.onset import Crossings, crossings
from alignsim.analysis.bifurcations.ranges import in_range
from alignsim.analysis.equilibria.fixed_point import fixed_point
from alignsim.analysis.equilibria.stability import states_at
from alignsim.analysis.results import Result
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.feedback.expansion import Expansion
from alignsim.objectives.score_expansion import Directions
from alignsim.objectives.solvers import solve_each
from alignsim.summary import Lines, numbers, tally
from alignsim.validation import FloatArray


class BifurcationKind(Code):
    """What loses stability: a complex pair, a negative multiplier, or a positive one.

    By the leading multiplier: a complex pair, a negative one, a positive one.
    """

    NO_CROSSING = "none"
    NEIMARK_SACKER = "neimark_sacker"
    FLIP = "flip"
    FOLD = "fold"


class Criticality(Code):
    """Whether stability is lost gently or abruptly.

    ``none``: no crossing, or a fold, which has no criticality. ``degenerate``: the coefficient
    is 0 up to rounding. ``resonant``: θ is so near 2π·j/k, k ≤ 4, that the coefficient decides
    nothing. ``multiple``: several multipliers are critical at once. ``undecided``: not a fixed
    point, or numbers beyond float64.
    """

    NONE = "none"
    SUPERCRITICAL = "supercritical"
    SUBCRITICAL = "subcritical"
    DEGENERATE = "degenerate"
    RESONANT = "resonant"
    MULTIPLE = "multiple"
    UNDECIDED = "undecided"


FIXED = 1e-6
"""Largest |T(z) − z|, relative to 1 + max|z|, of logits that are taken as a fixed point."""

CHUNK_ENTRIES = 2**21
"""Matrix entries that are expanded at a time, to bound the memory."""


@dataclass(frozen=True, eq=False, repr=False)
class NormalForm(Result):
    """Normal forms of the leading multipliers at fixed points, q with ‖q‖² = K on the policy.

    So ζ is a root mean square over responses: logits move by ζq + c.c., with the time variance
    2|ζ|², averaged over responses.

    Attributes
    ----------
    multiplier : (...)
        The leading multiplier m, complex; of a pair the one with Im m > 0.
    coefficient : (...)
        Complex. Neimark–Sacker: d, in ζ ↦ mζ + e^{iθ}d·ζ|ζ|²; Re d is the first Lyapunov
        coefficient. Flip: c, in ξ ↦ mξ + cξ³. Fold: a ≥ 0, in ξ ↦ mξ + aξ². NaN where it
        decides nothing: resonant, multiple, undecided.
    kind : (...)
        See :meth:`words`: what would lose stability; 0 where there is no fixed point.
    criticality : (...)
        See :meth:`words`.
    response : (...)
        Variance of a policy coordinate, averaged over the K of them, per unit of |ζ|² or ξ².
    """

    WORDS: ClassVar = {"kind": BifurcationKind, "criticality": Criticality}
    _batch = "kind"

    multiplier: ComplexArray
    coefficient: ComplexArray
    kind: NDArray[np.int8]
    criticality: NDArray[np.int8]
    response: FloatArray

    @property
    def amplitude(self) -> FloatArray:
        """Predicted time variance of a policy coordinate, averaged over the K of them, (...).

        Of the small invariant circle or 2-cycle around the fixed point, to first order in ρ − 1.
        It attracts if the bifurcation is supercritical. NaN where there is none on this side.
        """
        return np.asarray(self.response * self._power)

    @property
    def rotation(self) -> FloatArray:
        """Predicted mean angle a round along that circle, (...); NaN where there is none.

        arg m + Im d·|ζ|²: the linear angle of this fixed point and the nonlinear shift; in (0, π].
        """
        shift = np.where(
            self.kind == BifurcationKind.NEIMARK_SACKER, self.coefficient.imag * self._power, 0.0
        )
        angle = np.angle(self.multiplier) + shift
        return np.where(np.isfinite(self._power), angle, np.nan)

    @property
    def _power(self) -> FloatArray:
        """|ζ|² or ξ² of the circle or 2-cycle, (...)."""
        sign = np.where(self.kind == BifurcationKind.FLIP, -1.0, 1.0)
        usable = np.isin(self.criticality, (Criticality.SUPERCRITICAL, Criticality.SUBCRITICAL))
        excess = np.abs(self.multiplier) - 1.0
        slope = np.where(usable, -sign * self.coefficient.real, np.nan)
        power = excess / slope
        return np.where(power >= 0.0, power, np.nan)

    def _summary(self) -> Lines:
        yield "kind", tally(self.words("kind"))
        yield "criticality", tally(self.words("criticality"))
        yield "multiplier, modulus", numbers(np.abs(self.multiplier))
        yield "coefficient, real part", numbers(self.coefficient.real)
        yield "amplitude", numbers(self.amplitude)


@dataclass(frozen=True, eq=False, repr=False)
class Bifurcations(Crossings):
    """Bifurcations of a fixed point along one parameter: Neimark–Sacker, flips and folds.

    Attributes
    ----------
    at, direction, logits : (..., m)
        The crossings of ρ = 1: see :class:`~alignsim.analysis.bifurcations.onset.Crossings`.
    status, searched_to, along
        How much of which range was searched: see there.
    angle : (..., m)
        θ of the critical multiplier e^{iθ}: in (0, π), for a flip π, for a fold 0.
    coefficient : (..., m)
        Of the :class:`NormalForm`, complex, with ‖q‖² = K; for a Neimark–Sacker bifurcation its
        real part is the first Lyapunov coefficient.
    kind, criticality : (..., m)
        See :meth:`words`.
    multiplier_slope, angle_slope : (..., m)
        Derivatives of |m| and θ by the parameter, along the fixed points; NaN at a fold.
    loop
        The maps.
    """

    WORDS: ClassVar = {**Crossings.WORDS, "kind": BifurcationKind, "criticality": Criticality}
    AXES: ClassVar = Crossings.AXES | dict.fromkeys(
        ("angle", "coefficient", "kind", "criticality", "multiplier_slope", "angle_slope"), 1
    )

    angle: FloatArray
    coefficient: ComplexArray
    kind: NDArray[np.int8]
    criticality: NDArray[np.int8]
    multiplier_slope: FloatArray
    angle_slope: FloatArray
    loop: FeedbackMap

    @property
    def first_lyapunov_coefficient(self) -> FloatArray:
        """Re d where the crossing is a Neimark–Sacker bifurcation, else NaN, (..., m)."""
        return np.where(self.kind == BifurcationKind.NEIMARK_SACKER, self.coefficient.real, np.nan)

    def amplitude(self, parameter: ArrayLike) -> FloatArray:
        """Return the predicted variance of a policy coordinate near each crossing, (..., m).

        ``parameter`` broadcasts with ``at``. See :attr:`NormalForm.amplitude`, which is evaluated
        at the fixed point of that parameter.
        """
        return self._normal_form(parameter).amplitude

    def rotation(self, parameter: ArrayLike) -> FloatArray:
        """Return the predicted mean angle a round near each crossing, (..., m).

        ``parameter`` broadcasts with ``at``. See :attr:`NormalForm.rotation`.
        """
        return self._normal_form(parameter).rotation

    def _normal_form(self, parameter: ArrayLike) -> NormalForm:
        """Return the normal forms at ``parameter``, the fixed points sought from the crossings."""
        values = in_range(self.loop, self.along, parameter, "parameter")
        shape = validation.batch_shape({"at": self.at.shape, "parameter": values.shape})
        values = np.where(self.direction != 0, values, np.nan)
        start = np.broadcast_to(self.logits, (*shape, self.loop.responses))
        return _along(self.loop, self.along, values, start)[0]

    def _summary(self) -> Lines:
        here = self.direction != 0
        yield from super()._summary()
        for name in ("kind", "criticality"):
            yield name, tally(self.words(name)[here])
        yield "first Lyapunov coefficient", numbers(self.first_lyapunov_coefficient[here])


def bifurcations(
    loop: FeedbackMap,
    along: str = "beta",
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
) -> Bifurcations:
    """Return the bifurcations at which ρ crosses 1 along one parameter: (..., m).

    Neimark–Sacker bifurcations, flips and folds, each with its normal form.

    Parameters
    ----------
    loop, along, low, high
        As for :func:`alignsim.analysis.crossings`.

    Raises
    ------
    ValueError
        As there; and for an objective whose second and third derivatives are not known.

    Examples
    --------
    The three-cycle starts to oscillate at β = 3, gently (theory 6.4):

    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.5), beta=1.0, alpha=0.5)
    >>> found = asim.bifurcations(loop, along="beta")
    >>> found.at.round(6).tolist(), found.words("criticality").tolist()
    ([3.0], ['supercritical'])
    >>> found.first_lyapunov_coefficient.round(6).tolist()  # −3κ²/4 with κ² = 1 − α²
    [-0.5625]
    >>> found.amplitude(3.01).round(6).tolist()  # variance of each probability over time
    [0.000984]
    """
    validation.feedback_map(loop, "loop")
    Expansion.require_known(loop)
    found = crossings(loop, along, low, high)
    form, slope = _along(loop, along, found.at, found.logits)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = slope / form.multiplier
    return Bifurcations(
        **vars(found),
        angle=np.angle(form.multiplier),
        coefficient=form.coefficient,
        kind=form.kind,
        criticality=form.criticality,
        multiplier_slope=relative.real * np.abs(form.multiplier),
        angle_slope=relative.imag,
        loop=loop,
    )


def first_lyapunov_coefficient(loop: FeedbackMap, logits: ArrayLike) -> NormalForm:
    """Return the normal forms of the leading multipliers at fixed points, (...).

    Parameters
    ----------
    loop
        The maps.
    logits : (..., K)
        Their fixed points; rows may be NaN.

    Raises
    ------
    ValueError
        For logits of another shape, and for an objective whose second and third derivatives are
        not known.

    Examples
    --------
    DPO's three-cycle changes from a gentle to a hard onset at aλ = √3/4 (theory 7):

    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=[0.42, 0.44])
    >>> beta = asim.analysis.critical_beta(P, objective="dpo", alpha=0.5)
    >>> loop = asim.FeedbackMap(P, objective="dpo", beta=beta, alpha=0.5)
    >>> point = asim.analysis.fixed_point(loop)
    >>> form = asim.analysis.first_lyapunov_coefficient(loop, point.logits)
    >>> form.words("criticality").tolist()
    ['supercritical', 'subcritical']
    """
    validation.feedback_map(loop, "loop")
    Expansion.require_known(loop)
    flat, states, shape = states_at(loop, logits)
    slots = simplex.centre(states.reshape(flat.size, -1, loop.responses))
    return _analyse(flat, slots.reshape(flat.size, -1), None)[0].reshaped(shape)


def _along(
    loop: FeedbackMap, along: str, values: FloatArray, start: FloatArray
) -> tuple[NormalForm, ComplexArray]:
    """Return the normal forms (..., m) at ``values`` of a parameter, and dm/dparameter.

    The fixed points are sought from ``start`` (..., m, K). NaN values have no normal form.
    """
    form = _empty(values.size, Criticality.NONE)
    slope = np.full(values.size, np.nan, dtype=np.complex128)
    known = np.flatnonzero(np.isfinite(values))
    if len(known):
        owner = np.arange(loop.size).reshape(*loop.shape, 1)
        changes: dict[str, FloatArray] = {along: values.ravel()[known]}
        maps = loop.take(np.broadcast_to(owner, values.shape).ravel()[known]).replace(**changes)
        state = fixed_point(maps, start.reshape(-1, loop.responses)[known]).state
        found, slope[known] = _analyse(maps, state.reshape(len(known), -1), along)
        form.put(known, found)
    return form.reshaped(values.shape), slope.reshape(values.shape)


def _analyse(
    maps: FeedbackMap, states: FloatArray, along: str | None
) -> tuple[NormalForm, ComplexArray]:
    """Return the normal forms (n,) at states (n, D·K), and dm/dparameter (n,).

    The slope is NaN at folds, and if ``along`` is None.
    """
    form = _empty(len(states), Criticality.UNDECIDED)
    slope = np.full(len(states), np.nan, dtype=np.complex128)
    chunk = max(1, CHUNK_ENTRIES // maps.width**2)
    basis = maps.basis
    with np.errstate(invalid="ignore", over="ignore"):
        fixed = np.flatnonzero(_is_fixed(maps, states))
        for which in (fixed[i : i + chunk] for i in range(0, len(fixed), chunk)):
            here = maps.take(which)
            expansion = Expansion(here, states[which])
            series = _tangent_series(expansion, here.derivative(states[which], "tangent"), basis)
            lead = normal_form.leading(
                series.A, length=np.sqrt(maps.responses), within=maps.responses - 1
            )
            found = _judge(expansion, series, lead, basis)
            form.put(which, found)
            if along is not None:
                own = _slope(expansion, series, lead, along, basis)
                slope[which] = np.where(found.kind == BifurcationKind.FOLD, np.nan, own)
    return form, slope


def _is_fixed(maps: FeedbackMap, states: FloatArray) -> NDArray[np.bool_]:
    """Return where states (n, D·K) are finite and fixed up to ``FIXED``, (n,)."""
    known = np.asarray(np.isfinite(states).all(axis=-1))
    usable = np.where(known[:, None], states, 0.0)
    moved = np.abs(maps.advance(usable).value - usable).max(axis=-1)
    return np.asarray(known & (moved <= FIXED * (1.0 + np.abs(usable).max(axis=-1))))


def _tangent_series(expansion: Expansion, jacobian: FloatArray, basis: FloatArray) -> TaylorMap:
    """Return the round in coordinates of the mean-zero basis."""
    return TaylorMap(
        jacobian,
        lambda *two: _times(basis.T, expansion.second(*(_times(basis, u) for u in two))),
        lambda *three: _times(basis.T, expansion.third(*(_times(basis, u) for u in three))),
    )


def _judge(expansion: Expansion, series: TaylorMap, lead: Leading, basis: FloatArray) -> NormalForm:
    """Return the normal forms (n,) of the leading multipliers."""
    pairs, negative = lead.multiplier.imag > 0.0, lead.multiplier.real < 0.0
    kind = np.where(
        pairs,
        BifurcationKind.NEIMARK_SACKER,
        np.where(negative, BifurcationKind.FLIP, BifurcationKind.FOLD),
    )
    coefficients = {
        BifurcationKind.NEIMARK_SACKER: normal_form.neimark_sacker_coefficient(series, lead),
        BifurcationKind.FLIP: normal_form.flip_coefficient(series, lead),
        BifurcationKind.FOLD: normal_form.fold_coefficient(series, lead),
    }
    value = np.choose(kind - 1, [each.value for each in coefficients.values()])
    degenerate = np.choose(kind - 1, [each.degenerate for each in coefficients.values()])
    criticality = np.select(
        [
            ~np.isfinite(value),
            ~lead.simple,
            pairs & normal_form.resonant(series, lead),
            degenerate.astype(np.bool_),
            kind == BifurcationKind.FOLD,
            (value.real < 0.0) != (kind == BifurcationKind.FLIP),
        ],
        [
            Criticality.UNDECIDED,
            Criticality.MULTIPLE,
            Criticality.RESONANT,
            Criticality.DEGENERATE,
            Criticality.NONE,
            Criticality.SUPERCRITICAL,
        ],
        Criticality.SUBCRITICAL,
    )
    silent = np.isin(
        criticality, (Criticality.UNDECIDED, Criticality.MULTIPLE, Criticality.RESONANT)
    )
    moved = np.abs(expansion.policy_first(_times(basis, lead.right))) ** 2
    return NormalForm(
        multiplier=lead.multiplier,
        coefficient=np.where(silent, np.nan, value),
        kind=kind.astype(np.int8),
        criticality=criticality.astype(np.int8),
        response=np.where(pairs, 2.0, 1.0) * moved.mean(axis=-1),
    )


def _slope(
    expansion: Expansion, series: TaylorMap, lead: Leading, along: str, basis: FloatArray
) -> ComplexArray:
    """Return dm/dparameter = ⟨p, (∂A + B(dz*, ·))q⟩ with dz* = (1 − A)⁻¹∂T, (n,)."""
    moved = _times(basis.T, expansion.by_parameter(along))
    drift = solve_each(np.eye(series.A.shape[-1]) - series.A, moved)
    direct = _times(basis.T, expansion.first_by_parameter(along, _times(basis, lead.right)))
    return normal_form.inner(lead.left, direct + series.B(drift, lead.right))


def _times(matrix: FloatArray, vectors: Directions) -> Directions:
    """Return a matrix times vectors (n, ·), each by its own product.

    One product of all of them would round differently for every number of maps.
    """
    return (matrix @ vectors[..., None])[..., 0]


def _empty(n: int, criticality: int) -> NormalForm:
    """Return n normal forms of nothing."""
    unknown = np.full((3, n), np.nan)
    kind, judged = (
        np.full(n, code, dtype=np.int8) for code in (BifurcationKind.NO_CROSSING, criticality)
    )
    return NormalForm(unknown[0] + 0j, unknown[1] + 0j, kind, judged, unknown[2])
