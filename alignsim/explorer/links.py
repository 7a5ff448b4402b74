"""Links to a state of the page, as the page itself writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from alignsim.explorer.answers import MOST_RESPONSES
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
    of, alias = method_named(method)
    if alias is not None:
        raise ValueError(f"method is {method!r}, another name of {of.name!r}; give that one")
    parameters = parameters_named(of.name, objective)
    usual = {
        each.name: USUAL[each.name]
        for each in parameters
        if each.name in USUAL and each.name != LAM.name
    }
    given = {name: value for name, value in (values or {}).items() if value is not None}
    known = checked(of.name, parameters, usual | given)
    pairs = [f"{name}~{_number(value)}" for name, value in known.items()]
    told["a"] = "*".join([of.name, objective, "beta", "lam", *pairs])
    return "#" + urlencode(told, safe="~*")


def _numbers(values: FloatArray) -> str:
    return "~".join(map(_number, values))


def _number(value: Any) -> str:
    """Return a number, to the bit, as the page writes it.

    >>> _number(2.0), _number(0.1)
    ('2', '0.1')
    """
    return repr(float(value)).removesuffix(".0")
