"""Loops by the names of their methods."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from alignsim.errors import InputError, quote
from alignsim.feedback.arguments import BETA, LAM, configured
from alignsim.feedback.feedback_map import FeedbackMap
from alignsim.feedback.methods.catalogue import METHODS
from alignsim.feedback.methods.contract import Alias, Method, MethodFact
from alignsim.feedback.methods.scheme import Scheme
from alignsim.listing import Listing
from alignsim.objectives import OBJECTIVES, Objective
from alignsim.objectives.contract import named
from alignsim.objectives.samplers import Product, Sampler, sampler_named
from alignsim.parameters import Parameter, call, checked, described
from alignsim.summary import Lines


class Named(NamedTuple):
    """What a name and its parameters stand for: a scheme, and β if they determine it."""

    scheme: Scheme
    beta: ArrayLike | None


def method(
    name: str,
    P: ArrayLike,
    *,
    beta: ArrayLike | None = None,
    objective: str | Objective = "ipo",
    lam: ArrayLike = 1.0,
    reference: ArrayLike | None = None,
    offline: ArrayLike | None = None,
    beta_convention: str = "signal",
    starts: Sequence[str] | None = None,
    sampler: str | Sampler = "product",
    **parameters: ArrayLike | None,
) -> FeedbackMap:
    """Return the loop of a method: a :class:`FeedbackMap` like any other.

    Parameters
    ----------
    name
        One that :func:`alignsim.methods` lists, or another of its names in the literature, which
        then takes the literature's parameters.
    P, beta, objective, lam, reference, offline, beta_convention, sampler
        As for :class:`FeedbackMap`. Of names whose parameters determine β, leave ``beta`` out.
    starts
        What each slot of the state begins with; see :class:`alignsim.Scheme`. The first is
        ``"start"``.
    parameters
        Those of the method, (...) each, and those of the objective and the sampler.

    Raises
    ------
    ValueError
        For an unknown name, a parameter that is missing or is none of the method's, or a value out
        of its range.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> loop = asim.method("soft_reference", P, beta=2.0, mixup=[0.3, 0.5, 0.9])
    >>> asim.stability(loop).words("verdict").tolist()
    ['stable', 'stable', 'unstable']
    >>> asim.method("omwu", P, eta=0.5, tau=0.2).scheme.name
    'optimistic'
    """
    maker, drawn, rest = configured(objective, sampler, parameters)
    scheme, own = scheme_named(name, rest, starts)
    if own is not None and beta is not None:
        raise InputError("beta", "is given", f"{name!r} takes it from its other parameters")
    if own is None and beta is None:
        raise InputError("beta", "is missing", "give the strength of the preference signal")
    strength = beta if own is None else own
    assert strength is not None
    return FeedbackMap(
        P, objective=maker, beta=strength, lam=lam, reference=reference, offline=offline,
        beta_convention=beta_convention if own is None else "signal", scheme=scheme,
        sampler=drawn,
    )  # fmt: skip


def scheme_named(
    name: str, parameters: Mapping[str, Any], starts: Sequence[str] | None = None
) -> Named:
    """Return the scheme of a method or alias with its parameters."""
    of, alias = method_named(name)
    given = {key: value for key, value in parameters.items() if value is not None}
    if alias is None:
        return Named(Scheme.of(of, of.checked(given), starts), None)
    ours = alias.convert(**checked(name, alias.parameters, given))
    beta = ours.pop("beta", None)
    try:
        parameters = of.checked(ours)
    except InputError as error:
        literature = " and ".join(each.name for each in alias.parameters)
        raise InputError(
            literature, f"of {name!r} give {of.name!r} parameters it does not have", str(error)
        ) from None
    return Named(Scheme.of(of, parameters, starts or alias.starts), beta)


def method_named(name: Any) -> tuple[Method, Alias | None]:
    """Return the method of a name, and the alias if it is one.

    Raises
    ------
    InputError
        For an unknown name; lists the methods.
    """
    known: dict[str, tuple[Method, Alias | None]] = {}
    for each in METHODS.values():
        known |= {each.name: (each, None)}
        known |= {alias.name: (each, alias) for alias in each.aliases}
    if isinstance(name, str) and name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1) if isinstance(name, str) else []
    hint = f"did you mean {quote(near[0])}? " if near else ""
    told = f"{hint}known: {', '.join(METHODS)}, and their other names"
    raise InputError("method", f"is {quote(name)}", told)


def parameters_named(
    name: str, objective: str | Objective = "ipo", sampler: str | Sampler = "product"
) -> tuple[Parameter, ...]:
    """Return the parameters of the loops of a method or an alias, an objective and a sampler.

    Its own, the objective's, the sampler's, β, and λ; without β where those of an alias determine
    it.

    >>> [each.name for each in parameters_named("omwu")]
    ['eta', 'tau', 'lam']
    """
    of, alias = method_named(name)
    theirs = (*named(objective, OBJECTIVES).usual, *sampler_named(sampler).usual)
    if alias is None:
        return (*of.parameters, *theirs, BETA, LAM)
    return (*alias.parameters, *theirs, *(() if alias.gives_beta else (BETA,)), LAM)


def loop_name(method: str, objective: str, sampler: str = Product.name) -> str:
    """Return what a loop is called in titles, with its sampler if that is not the default.

    >>> loop_name("mrs", "ipo"), loop_name("soft_reference", "dpo", "mix_p")
    ('MRS-IPO', 'soft reference DPO, sampler mix_p')
    """
    known = METHODS.get(method)
    start = f"{method.replace('_', ' ')} "
    if known is not None and known.acronym:
        start = f"{known.acronym}-"
    drawn = "" if sampler == Product.name else f", sampler {sampler}"
    return f"{start}{objective.upper()}{drawn}"


class MethodTable(Listing):
    """All methods, one a row: their names; ``print`` shows the rest, and so does a notebook."""

    kind = "methods"
    caption = "updates, parameters, sources"

    def __init__(self, methods: Sequence[Method]) -> None:
        self.methods = tuple(methods)

    def _summary(self) -> Lines:
        for each in self.methods:
            others = ", ".join(alias.name for alias in each.aliases)
            yield call(each.name, each.parameters), f"also {others}" if others else "no other name"

    def rows(self) -> list[dict[str, str]]:
        """Return name, update, parameters, aliases, source and what is known, as words."""
        return [_row(each) for each in self.methods]


def methods() -> MethodTable:
    """Return the table of all methods: names, parameters with ranges, source, what is known.

    Examples
    --------
    >>> import alignsim as asim
    >>> asim.methods().names[:4]
    ['mrs', 'soft_reference', 'hard_reference', 'extragradient']
    """
    return MethodTable(tuple(METHODS.values()))


def _row(each: Method) -> dict[str, str]:
    return {
        "name": each.name,
        "update": each.update,
        "parameters": ", ".join(map(described, each.parameters)),
        "also known as": ", ".join(alias.name for alias in each.aliases),
        "known": ", ".join(f"{what} ({fact.status})" for what, fact in known_facts(each).items()),
        "source": each.source,
    }


def known_facts(of: Method) -> dict[str, MethodFact[Any]]:
    """Return what is known of a method exactly, in words."""
    words = {
        "limit of stability": of.facts.limit,
        "convergence from every start": of.facts.attraction,
        "fastest parameters": of.facts.fastest,
    }
    return {what: fact for what, fact in words.items() if fact is not None}
