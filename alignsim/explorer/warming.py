"""The questions with which the page begins; whoever answers them has compiled what they need."""

from __future__ import annotations

import json

from alignsim.explorer.table import USUAL

_LOOP = {
    "P": [[0.5, 0.8, 0.25], [0.2, 0.5, 0.8], [0.75, 0.2, 0.5]],
    "method": "mrs",
    "objective": "ipo",
    "values": {name: USUAL[name] for name in ("alpha", "beta", "lam")},
    "axes": ["beta", "lam"],
    "ranges": [[0, 12], [0, 1]],
    "responses": [0, 1, 2],
}


def question(kind: str) -> str:
    """Return a question as the page sends it."""
    return json.dumps({"id": 0, "kind": kind, **_LOOP})
