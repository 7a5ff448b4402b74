"""What Python answers the page: questions as it sends them, answers with arrays of float32.

Nothing is computed here that :mod:`alignsim.analysis` does not compute.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from alignsim import simplex, validation
from alignsim.analysis import classify, crossings, fixed_points, stability
from alignsim.analysis.equilibria.stability import all_multipliers
from alignsim.analysis.orbits.verdicts import Phase
from alignsim.explorer.table import SUMS
from alignsim.explorer.uploads import read
from alignsim.feedback import FeedbackMap
from alignsim.feedback.naming import method, parameters_named
from alignsim.parameters import Parameter
from alignsim.sweeps.basins import basins
from alignsim.validation import FloatArray

MOST_RESPONSES = 40
"""Responses that the page takes."""

ROUNDS = 3000
"""Of an orbit; fewer where a round is many rounds of training."""

MOST_TRAINING = 300_000
LEAST_ROUNDS = 120

SIDES = (9, 17, 33, 65)
"""Values a side of a plane, from coarse to fine;"""

FINER = 4.0
"""the next one takes this many times longer,"""

PLANE_TIME, FINE_TIME, CLASSES_TIME = 0.3, 4.0, 2.0
"""and is left out if it would take more than these seconds."""

SEEN = 6
"""Responses whose policies are sent."""

STARTS = 256
"""Starts from which attractors are looked for."""

FARTHEST = 100.0
"""Factor around a parameter without an upper limit within which crossings are looked for,"""

FROM_ZERO = 12.0
"""and how far from 0."""

LARGEST_ALPHA = 0.999

POINTS = 65
"""Values at which ρ is looked at for that."""

CLOSE = 1e-6
"""Relative width at which a crossing is known."""

WORDS = [each.word.replace(" ", "_") for each in Phase]
"""What the codes of a phase diagram mean."""


class Answer(NamedTuple):
    """What the page gets: a body that JSON can hold, and arrays by name."""

    body: dict[str, Any]
    arrays: dict[str, FloatArray]


class Asked(NamedTuple):
    """A question, read: preferences, and one loop with the ranges that are drawn."""

    P: FloatArray
    reference: FloatArray | None
    start: FloatArray | None
    method: str
    objective: str
    values: dict[str, float]
    given: Mapping[str, Any]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of the loop."""
        return parameters_named(self.method, self.objective)

    def loop(self, **changes: Any) -> FeedbackMap:
        """Return the loop, or a batch with other values."""
        values: dict[str, Any] = {**self.values, **changes}
        return method(
            self.method, self.P, objective=self.objective, reference=self.reference, **values
        )


def answered(message: str | bytes) -> bytes:
    """Return the reply to a message: errors become a sentence.

    A reply is the length of a JSON header (uint32), the header, padded to a multiple of four
    bytes, and the arrays (float32), little-endian.
    """
    header, payload = reply(message)
    text = json.dumps(header, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + payload


def reply(message: str | bytes | Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return header and payload of the reply to a message."""
    number: Any = None
    try:
        question = json.loads(message) if isinstance(message, str | bytes) else message
        number = question["id"]
        answer = ANSWERS[question["kind"]](question)
    except (ValueError, OSError, MemoryError, ArithmeticError) as error:
        told = str(error) or type(error).__name__
        return {"id": number, "error": " ".join(told.split())}, b""
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return {"id": number, "error": "this is no question that the page asks"}, b""
    parts, places, offset = [], [], 0
    for name, values in answer.arrays.items():
        flat = np.ascontiguousarray(values, dtype="<f4").ravel()
        places.append([name, offset, len(flat)])
        parts.append(flat.tobytes())
        offset += 4 * len(flat)
    return {"id": number, "answer": answer.body, "arrays": places}, b"".join(parts)


def asked(question: Mapping[str, Any]) -> Asked:
    """Return a question, checked.

    Raises
    ------
    ValueError
        For what the library refuses, or more responses than the page shows.
    """
    rows = question["P"]
    if not 2 <= len(rows) <= MOST_RESPONSES:
        raise ValueError(f"P has {len(rows)} responses; the page shows 2 to {MOST_RESPONSES}")
    P = validation.preference_matrix(rows)
    name, objective = str(question["method"]), str(question["objective"])
    own = question["values"]
    values = {each.name: float(own[each.name]) for each in parameters_named(name, objective)}
    reference, start = question.get("reference"), question.get("start")
    if reference is not None:
        logits = validation.logits(reference, "reference", responses=len(P))
        reference = simplex.softmax(logits)
    if start is not None:
        start = validation.policy(start, "start", responses=len(P), full_support=True)
    return Asked(P, reference, start, name, objective, values, question)


def local(question: Mapping[str, Any]) -> Answer:
    """Return stability, multipliers and the orbit from the start."""
    q = asked(question)
    loop = q.loop()
    found = stability(loop)
    point = found.fixed_point
    known = bool(np.isfinite(found.spectral_radius))
    rho, angle = float(found.spectral_radius), float(found.angle)
    values = np.zeros(0, dtype=complex)
    if known:
        values = all_multipliers(loop.part(0, 1), point.state.reshape(1, -1))[0]
    shown = [int(k) for k in question["responses"]][:SEEN]
    rounds = max(LEAST_ROUNDS, min(ROUNDS, int(MOST_TRAINING / q.values.get("every", 1.0))))
    orbit = loop.run(q.start, rounds)
    if orbit.failed:
        raise ValueError(f"the loop failed: {orbit.reason()}")
    resting = [{"policy": point.policy.tolist(), "stable": bool(found.stable)}] if known else []
    body = {
        "rho": rho if known else None,
        "angle": angle if np.isfinite(angle) else None,
        "verdict": str(found.words("verdict")),
        "reason": _word(point.words("status")),
        "multipliers": [[m.real, m.imag] for m in values.tolist()],
        "points": resting,
        "orbit": {"size": len(q.P), "responses": shown},
    }
    policies = simplex.softmax(orbit.logits)[:, shown]
    return Answer(body, {"policies": policies, "entropies": simplex.entropy(orbit.logits)})


def plane(question: Mapping[str, Any]) -> Answer:
    """Return ρ over two parameters."""
    q = asked(question)
    seconds = FINE_TIME if question["kind"] == "fine" else PLANE_TIME
    side, rho = _as_fine(q, lambda loops: stability(loops).spectral_radius, np.nan, seconds)
    return Answer({"n": side}, {"rho": rho})


def classes(question: Mapping[str, Any]) -> Answer:
    """Return what orbits do over two parameters."""
    return classes_of(asked(question), CLASSES_TIME)


def classes_of(q: Asked, seconds: float = np.inf) -> Answer:
    """Return what orbits do over two parameters; the grid is the finest without a time limit."""
    undecided = float(Phase.UNDECIDED)
    sides = SIDES if np.isfinite(seconds) else SIDES[-1:]
    side, codes = _as_fine(
        q, lambda loops: classify(loops, q.start, ROUNDS).code, undecided, seconds, sides
    )
    body = {"n": side, "words": WORDS, "axes": q.given["axes"], "ranges": q.given["ranges"]}
    return Answer(body, {"codes": codes})


def _as_fine(
    q: Asked,
    of: Callable[[FeedbackMap], Any],
    otherwise: float,
    seconds: float,
    sides: tuple[int, ...] = SIDES,
) -> tuple[int, FloatArray]:
    """Return numbers over two parameters, on as many values a side as time allows, and that."""
    began = time.monotonic()
    for side in sides:
        grid, allowed = _grid(q, side)
        found = np.full(allowed.shape, otherwise)
        found[allowed] = of(q.loop(**{name: values[allowed] for name, values in grid.items()}))
        if (time.monotonic() - began) * FINER > seconds:
            break
    return side, found


def _grid(q: Asked, side: int) -> tuple[dict[str, FloatArray], Any]:
    """Return the values of both parameters on a square, and which of them go together."""
    x, y = (str(name) for name in q.given["axes"])
    ends = [(float(low), float(high)) for low, high in q.given["ranges"]]
    across, up = (np.linspace(low, high, side) for low, high in ends)
    grid = dict(zip((x, y), np.meshgrid(across, up), strict=True))
    allowed = np.ones((side, side), dtype=np.bool_)
    if together := SUMS.get(q.method):
        total = sum(grid.get(name, np.asarray(q.values[name])) for name in together)
        allowed = np.broadcast_to(total <= 1.0 + 1e-12, allowed.shape)
    return grid, allowed


def rest(question: Mapping[str, Any]) -> Answer:
    """Return what takes longer: all rest points, the long run, and where the verdict changes."""
    q = asked(question)
    loop = q.loop()
    seen = classify(loop, q.start)
    found = fixed_points(loop)
    policies = found.policies.reshape(-1, len(q.P))
    stable = np.atleast_1d(found.stable).ravel()
    points = [
        {"policy": policy.tolist(), "stable": bool(good)}
        for policy, good in zip(policies, stable, strict=True)
        if np.isfinite(policy).all()
    ]
    body = {
        "points": points,
        "phase": _word(seen.phase),
        "period": int(seen.period),
        "knobs": [_nearest(q, loop, each) for each in q.parameters],
    }
    return Answer(body, {})


def _nearest(q: Asked, loop: FeedbackMap, along: Parameter) -> dict[str, Any]:
    """Return the nearest values of a parameter, below and above its own, where ρ crosses 1."""
    own = q.values[along.name]
    values = _candidates(q, along, own)
    margin = stability(q.loop(**{along.name: values})).margin
    here = int(np.flatnonzero(values == own)[0])
    found: dict[str, Any] = {"name": along.name}
    for side, ahead in (
        ("below", range(here - 1, -1, -1)),
        ("above", range(here + 1, len(values))),
    ):
        found[side] = None
        last = here
        for place in ahead:
            if not np.isfinite(margin[place]) or not np.isfinite(margin[here]):
                break
            if margin[place] * margin[last] < 0.0:
                found[side] = float(values[place])
                if not along.whole:
                    ends = sorted((float(values[last]), float(values[place])))
                    at = crossings(loop, along.name, *ends, points=3, tolerance=CLOSE).at
                    at = at[np.isfinite(at)]
                    found[side] = float(at[0]) if len(at) else found[side]
                break
            last = place
    return found


def _candidates(q: Asked, along: Parameter, own: float) -> FloatArray:
    """Return ascending values of a parameter, its own among them."""
    if along.whole:
        return np.arange(along.low, max(FROM_ZERO, own + 1.0) + 1.0)
    low, high = along.low, along.high
    if high > 1.0:
        if own > 0.0:
            around = own * FARTHEST ** np.linspace(-1.0, 1.0, 2 * POINTS - 1)
            return np.unique([low, *around[around <= high], own])
        low, high = 0.0, FROM_ZERO
    if along.name in SUMS.get(q.method, ()):
        high = 1.0 - sum(q.values[name] for name in SUMS[q.method] if name != along.name)
    if along.name == "alpha":
        high = min(high, LARGEST_ALPHA)
    return np.unique([*np.linspace(low, high, POINTS), own])


def attractors(question: Mapping[str, Any]) -> Answer:
    """Return where many starts end."""
    q = asked(question)
    found = basins(q.loop(), samples=STARTS, progress=False)
    points = found.attractor_points.reshape(-1, *found.attractor_points.shape[-2:])
    count = int(found.count)
    listed = [
        {
            "phase": _word(found.phase[a]),
            "period": int(found.period[a]),
            "share": float(found.share[a]),
        }
        for a in range(count)
    ]
    body = {"list": listed, "starts": len(found.starts), "undecided": float(found.undecided)}
    drawn = {f"points{a}": points[a][np.isfinite(points[a]).all(axis=-1)] for a in range(count)}
    return Answer(body, drawn)


def _word(told: Any) -> str:
    """Return the word of a code as the page knows it."""
    return str(told).replace(" ", "_")


def uploaded(question: Mapping[str, Any]) -> Answer:
    """Return the preferences in a file, whose bytes come as base64."""
    try:
        content = base64.b64decode(question["content"], validate=True)
    except binascii.Error:
        raise ValueError("the file did not arrive whole; open it again") from None
    return Answer(read(str(question["name"]), content, MOST_RESPONSES), {})


ANSWERS: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
    "local": local,
    "plane": plane,
    "fine": plane,
    "classes": classes,
    "rest": rest,
    "attractors": attractors,
    "read": uploaded,
}
"""What can be asked."""
