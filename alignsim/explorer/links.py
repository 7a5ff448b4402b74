"""Links to a state of the page, as the page itself writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import numpy as np
from numpy.typing import ArrayLike

from alignsim import preferences, simplex, validation
from alignsim.errors import InputError
from alignsim.explorer.answers import MOST_RESPONSES, Asked
from alignsim.explorer.table import USUAL
from alignsim.feedback.arguments import LAM
from alignsim.feedback.naming import method_named, parameters_named
from alignsim.parameters import checked
from alignsim.validation import FloatArray


def link(
    P: FloatArray | None,
    labels: Sequence[str],
    *,
    method: str = "mrs",
    objective: str = "ipo",
    values: Mapping[str, Any] | None = None,
    reference: FloatArray | None = None,
    start: FloatArray | None = None,
) -> str:
    """Return the fragment that shows a loop; without P rock, paper, scissors.

    ``reference`` are logits, ``start`` is a policy.

    Raises
    ------
    ValueError
        If P has more responses than the page shows, the method is another name of one, or a name
        or value of a parameter is none of the method's or the objective's.

    Examples
    --------
    >>> import numpy as np
    >>> link(np.array([[0.5, 0.8], [0.2, 0.5]]), ["a", "b"])[:12]
    '#p=0.8&l=a~b'
    """
    told: dict[str, str] = {}
    if P is not None:
        if len(P) > MOST_RESPONSES:
            remedy = "pick some of them, or use alignsim inspect"
            raise ValueError(f"P has {len(P)} responses; the page shows {MOST_RESPONSES}: {remedy}")
        told["p"] = _numbers(P[np.triu_indices(len(P), 1)])
        told["l"] = "~".join(quote(str(label), safe="").replace("~", "%7E") for label in labels)
    if reference is not None:
        told["r"] = _numbers(reference)
    if start is not None:
        told["s"] = _numbers(start)
    known = _values(method, objective, values or {})
    pairs = [f"{name}~{_number(value)}" for name, value in known.items()]
    told["a"] = "*".join([method, objective, "beta", "lam", *pairs])
    return "#" + urlencode(told, safe="~*")


def _values(method: str, objective: str, values: Mapping[str, Any]) -> dict[str, float]:
    """Return all parameters of a loop, those that are not given at their usual values."""
    of, alias = method_named(method)
    if alias is not None:
        raise ValueError(f"method is {method!r}, another name of {of.name!r}; give that one")
    parameters = parameters_named(of.name, objective)
    usual = {
        each.name: USUAL[each.name]
        for each in parameters
        if each.name in USUAL and each.name != LAM.name
    }
    given = {name: value for name, value in values.items() if value is not None}
    return {name: float(v) for name, v in checked(of.name, parameters, usual | given).items()}


class Opening(NamedTuple):
    """What a page opens with: the fragment of its link, and the same as a question."""

    link: str
    asked: Asked


def opening(
    P: ArrayLike | None, labels: Sequence[str] | None, method: str, objective: str,
    reference: ArrayLike | None, start: ArrayLike | None, values: Mapping[str, Any],
) -> Opening:  # fmt: skip
    """Return the state of given preferences, by default rock, paper, scissors.

    Raises
    ------
    ValueError
        For what :func:`alignsim.method` refuses, or more responses than the page shows.
    """
    for name in ("sampler", "offline", "beta_convention"):
        if name in values:
            has = "the sampler product, a uniform offline policy and signal β"
            raise InputError(name, "is given", f"leave it out: the page has {has}")
    if P is None:
        matrix = preferences.cyclic(3, advantage=0.3)
        labels = labels or ["rock", "paper", "scissors"]
    else:
        matrix = validation.preference_matrix(P)
        if matrix.ndim != 2:
            raise InputError("P", f"has shape {matrix.shape}", "give one matrix (K, K)")
    K = len(matrix)
    names = labels or [f"response {i}" for i in range(K)]
    if len(names) != K:
        raise InputError("labels", f"has {len(names)} names", f"P has {K} responses")
    given = {}
    for name, value in (("reference", reference), ("start", start)):
        if value is not None:
            given[name] = validation.policy(value, name, responses=K, full_support=True)
    logits = simplex.centred_logits(given["reference"]) if "reference" in given else None
    fragment = link(
        matrix, names, method=method, objective=objective, values=values, reference=logits,
        start=given.get("start"),
    )  # fmt: skip
    known = _values(method, objective, values)
    held, begun = given.get("reference"), given.get("start")
    return Opening(fragment, Asked(matrix, held, begun, method, objective, known, {}))


def _numbers(values: FloatArray) -> str:
    return "~".join(map(_number, values))


def _number(value: Any) -> str:
    """Return a number, to the bit, as the page writes it.

    >>> _number(2.0), _number(0.1)
    ('2', '0.1')
    """
    return repr(float(value)).removesuffix(".0")
