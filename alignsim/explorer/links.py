"""Links to a state of the page, as the page itself writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from alignsim.explorer.answers import MOST_RESPONSES
from alignsim.explorer.table import USUAL
from alignsim.feedback.naming import method_named, parameters_named
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
        If P has more responses than the page shows, or the method is another name of one.

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
        told["l"] = "~".join(quote(str(label), safe="") for label in labels)
    if reference is not None:
        told["r"] = _numbers(reference)
    if start is not None:
        told["s"] = _numbers(start)
    of, alias = method_named(method)
    if alias is not None:
        raise ValueError(f"method is {method!r}, another name of {of.name!r}; give that one")
    given = dict(values or {})
    named = {each.name: given.get(each.name) for each in parameters_named(of.name)}
    pairs = [
        f"{name}~{float(USUAL.get(name, 0.0) if value is None else value)!r}"
        for name, value in named.items()
        if value is not None or name in USUAL
    ]
    told["a"] = "*".join([of.name, objective, "beta", "lam", *pairs])
    return "#" + urlencode(told, safe="~*")


def _numbers(values: FloatArray) -> str:
    return "~".join(repr(float(value)).removesuffix(".0") for value in values)
