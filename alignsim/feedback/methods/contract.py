"""What a method is: the parameters of a round, its wiring as a function of them, what is proved.

For developers
--------------
A new method is one file in ``methods/`` with one :class:`Method`, and one line in the table of
``catalogue.py``; everything else works at once. What is proved for it stands in its ``facts``, each
with its source; without a fact there is no theorem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from alignsim.feedback.methods.wiring import Wiring
from alignsim.parameters import Parameter, checked
from alignsim.validation import FloatArray

T = TypeVar("T")

STARTS = ("start", "reference", "zero", "score")
"""What a slot may begin with: the start, the reference, nothing, or βv at the start."""

Columns = Mapping[str, Any]
"""Values (...) of a method's parameters, by name."""


@dataclass(frozen=True)
class Slot:
    """A slot of the state: its name in formulas, and what it begins with.

    One that begins with "zero" or "score" holds a direction, a stored update; any other a position,
    the logits of a policy.
    """

    name: str
    begin: str = "start"

    @property
    def direction(self) -> bool:
        """Whether the slot holds a direction."""
        return self.begin in ("zero", "score")


@dataclass(frozen=True)
class Alias:
    """Another name of a method, with the parameters that the literature gives it.

    ``convert`` turns these into ours, β ("beta") included if they determine it. ``starts``
    overrides how slots begin.
    """

    name: str
    parameters: tuple[Parameter, ...]
    convert: Callable[..., dict[str, Any]]
    source: str
    starts: tuple[str, ...] | None = None

    @property
    def gives_beta(self) -> bool:
        """Whether its parameters determine β."""
        return "beta" in self.convert(**{each.name: 1.0 for each in self.parameters})


@dataclass(frozen=True)
class MethodFact(Generic[T]):
    """A function of a method's parameters, where the proof stands, and how sure it is.

    ``status``: "proved", "checked" (on both sides, in many cases) or "seen" (numerical only).
    """

    value: T
    source: str
    status: str = "proved"


OfParameters = Callable[..., FloatArray]
"""From the parameters of a method, by name, to a number (...) each."""


@dataclass(frozen=True)
class MethodFacts:
    """The facts of a method; None where nothing is known.

    Attributes
    ----------
    limit
        The least y = βλω (...) at which stability is lost, where the derivative of the score has
        imaginary eigenvalues ±iω and all stages rest on one policy; 0 if it is never stable.
    one_policy
        For a linear score and zero-sum payoffs all stages rest on one opponent policy, at every
        rest point; a round of one stage needs no proof.
    attraction
        The βλD (...) below which every start converges, for a linear score and zero-sum payoffs
        with row span D; NaN for parameters for which nothing is proved. Without an anchor also λ
        must be 1 and the equilibrium interior.
    attraction_rate
        The factor (...) by which a KL divergence to the rest point shrinks in a round then.
    fastest
        For a target ηλω, which a fixed point decides, inf for no anchor: the parameters with the
        least spectral radius, as a mapping, with "y" and "rate", that radius.
    """

    limit: MethodFact[OfParameters] | None = None
    one_policy: MethodFact[bool] | None = None
    attraction: MethodFact[OfParameters] | None = None
    attraction_rate: MethodFact[OfParameters] | None = None
    fastest: MethodFact[Callable[..., dict[str, FloatArray]]] | None = None


@dataclass(frozen=True)
class Method:
    """A way to wire a round.

    Attributes
    ----------
    name
        As :func:`alignsim.method` takes it.
    update
        The round in formulas: r reference, o opponent, T(r, o) the one-shot optimum.
    slots
        Of the state; the first is the policy.
    parameters
        Beside β, λ, the reference and the offline policy, which every method has.
    wire
        Called with a :class:`Wiring` and the parameters by name; adds stages and the update.
    source
        Where it is from.
    aliases
        Its other names.
    facts
        What is known of it.
    acronym
        What the method is called in titles, if not by its name.
    check
        Called with the parameters by name; raises where they do not fit together.
    """

    name: str
    update: str
    slots: tuple[Slot, ...]
    parameters: tuple[Parameter, ...]
    wire: Callable[..., None]
    source: str
    aliases: tuple[Alias, ...] = ()
    facts: MethodFacts = field(default_factory=MethodFacts)
    check: Callable[..., None] | None = None
    acronym: str = ""

    def wired(self, columns: Columns) -> Wiring:
        """Return the wiring for parameters (...)."""
        wiring = Wiring(len(self.slots))
        self.wire(wiring, **columns)
        return wiring

    def checked(self, given: Mapping[str, Any]) -> dict[str, FloatArray]:
        """Return all parameters, those not given at their defaults.

        Raises
        ------
        InputError
            For a name that is none of them, a value out of its range, or one that is missing.
        """
        values = checked(self.name, self.parameters, given)
        if self.check is not None:
            self.check(**values)
        return values
