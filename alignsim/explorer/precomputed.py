"""What orbits do over two parameters, computed when a page is exported: it has no Python later."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from alignsim import simplex
from alignsim.errors import InputError
from alignsim.explorer.answers import FROM_ZERO, Asked, classes_of
from alignsim.explorer.examples import examples
from alignsim.explorer.links import Opening
from alignsim.explorer.table import USUAL

MOST_RESPONSES, OBJECTIVES = 6, ("ipo",)
"""That ``kernels.js`` of the page computes without Python."""

AXES = ("beta", "lam")
"""Of a page that opens with a state."""


def of_examples() -> list[dict[str, Any]]:
    """Return the orbit classes of every named example that the page can show without Python."""
    usual = {name: USUAL[name] for name in ("alpha", "beta", "lam")}
    found = []
    for name, each in examples().items():
        if each.get("objective", "ipo") in OBJECTIVES:
            logits, start = each.get("reference"), each.get("start")
            asked = Asked(
                np.array(each["P"]),
                None if logits is None else simplex.softmax(logits),
                None if start is None else np.array(start),
                "mrs", "ipo", each.get("loop", usual), {},
            )  # fmt: skip
            found.append(_packed(f"#e={name}", asked, each.get("axes", AXES)))
    return found


def of(shown: Opening) -> dict[str, Any]:
    """Return the orbit classes of the loop with which a page opens.

    Raises
    ------
    ValueError
        If the page cannot show it without Python.
    """
    told = f"the exported page computes IPO for up to {MOST_RESPONSES} responses"
    remedy = "leave --export out: alignsim explore computes it"
    if len(shown.asked.P) > MOST_RESPONSES:
        raise InputError("P", f"has {len(shown.asked.P)} responses; {told}", remedy)
    if shown.asked.objective not in OBJECTIVES:
        raise InputError("objective", f"is {shown.asked.objective!r}; {told}", remedy)
    return _packed(shown.link, shown.asked, AXES)


def _packed(link: str, q: Asked, axes: Sequence[str]) -> dict[str, Any]:
    """Return the orbit classes of the state that a link shows, in as few bytes as is easy.

    ``codes`` are runs, row by row: ``"0x30 2x35"`` are 30 zeros and 35 twos.
    """
    ends = {each.name: [each.low, _reach(q.values[each.name], each.high)] for each in q.parameters}
    given = {"axes": list(axes), "ranges": [ends[name] for name in axes]}
    body, arrays = classes_of(q._replace(given=given))
    codes = (f"{int(code)}x{len(list(run))}" for code, run in groupby(arrays["codes"].ravel()))
    return {"link": link, **body, "codes": " ".join(codes)}


def _reach(value: float, high: float) -> float:
    """Return how far the page draws a parameter, as ``fitted`` of its ``state.js`` does."""
    if high <= 1.0:
        return high
    ten = 10.0 ** np.floor(np.log10(max(value, 1e-12)))
    nice = next(ten * f for f in (1.0, 1.2, 2.0, 3.0, 5.0, 10.0) if ten * f >= value)
    return max(FROM_ZERO, float(nice))
