"""One orbit out of a trajectory, the names of its responses, and what else a picture is given."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from alignsim import validation
from alignsim.errors import shortened
from alignsim.feedback.trajectory import Trajectory
from alignsim.plotting.palette import Style
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

T = TypeVar("T")

_LONGEST = 21
"""Characters of a label that are shown."""

_NOTE_WIDTH = 40
"""Characters of a line of the note on a failure."""


def of_kind(value: Any, kind: type[T], name: str, source: str) -> T:
    """Return ``value`` if it is of the kind that ``source`` returns; else raise a ValueError."""
    if not isinstance(value, kind):
        raise ValueError(
            f"{name} is of type {type(value).__name__}; give the {kind.__name__} that {source} "
            "returns"
        )
    return value


def one_orbit(orbit: Trajectory, index: tuple[int, ...] | int) -> tuple[FloatArray, FloatArray]:
    """Return the policies (f, K) and the entropy (f,) of the instance at ``index``."""
    of_kind(orbit, Trajectory, "orbit", "FeedbackMap.run")
    one = validation.position(index, "index", orbit.logits.shape[:-2])
    return orbit.policies[one], orbit.entropy[one]


def response_labels(labels: Sequence[str] | None, responses: int) -> list[str]:
    """Return the given labels, long ones cut, or by default π₀, π₁, … as the arrays count."""
    if labels is None:
        return [f"$π_{{{i}}}$" for i in range(responses)]
    given = [str(label) for label in np.ravel(np.asarray(labels, dtype=object))]
    if len(given) != responses:
        raise ValueError(
            f"labels names {len(given)} responses; orbit has {responses}; give one a response"
        )
    return [shortened(label, _LONGEST).replace("$", r"\$") for label in given]


def note_failure(ax: Axes, orbit: Trajectory, index: tuple[int, ...] | int) -> None:
    """Write on the right of the axes why the instance failed, if it did: it ends before."""
    if not np.asarray(orbit.failed)[index]:
        return
    note = textwrap.fill(f"failed: {orbit.reason(index)}", _NOTE_WIDTH)
    style: Style = {"ha": "right", "va": "center", "multialignment": "left", "fontsize": "small"}
    box: Style = {"boxstyle": "round", "facecolor": "white", "edgecolor": "black"}
    ax.text(0.98, 0.5, note, transform=ax.transAxes, bbox=box, **style)


def title(orbit: Trajectory) -> str:
    """Return the method and the number of rounds."""
    return f"MRS-{orbit.objective.upper()}, {orbit.rounds[-1]} rounds"
