"""One orbit out of a trajectory, and the names of its responses."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alignsim.plotting.palette import Style
from alignsim.validation import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from alignsim.feedback.trajectory import Trajectory

_LONGEST = 22
"""Characters of a label that are shown."""

_NOTE_WIDTH = 40
"""Characters of a line of the note on a failure."""


def one_orbit(orbit: Trajectory, index: tuple[int, ...] | int) -> tuple[FloatArray, FloatArray]:
    """Return the policies (f, K) and the entropy (f,) of the instance at ``index``.

    Raises
    ------
    ValueError
        If ``orbit`` is no trajectory, or ``index`` does not name one instance of its batch.
    """
    from alignsim.feedback.trajectory import Trajectory

    if not isinstance(orbit, Trajectory):
        raise ValueError(
            f"orbit is of type {type(orbit).__name__}; give the Trajectory that FeedbackMap.run "
            "returns"
        )
    batch = orbit.logits.shape[:-2]
    place = index if isinstance(index, tuple) else (index,)
    if len(place) != len(batch):
        example = ", ".join("0" for _ in batch) + ("," if len(batch) == 1 else "")
        raise ValueError(
            f"index is {place}, but orbit holds "
            + (f"a batch of shape {batch}; choose one, index=({example})" if batch else "one orbit")
        )
    try:
        return orbit.policies[place], orbit.entropy[place]
    except IndexError:
        raise ValueError(f"index is {place}; orbit holds a batch of shape {batch}") from None


def response_labels(labels: Sequence[str] | None, responses: int) -> list[str]:
    """Return the given labels, long ones cut, or by default π₀, π₁, … as the arrays count.

    Raises
    ------
    ValueError
        If there are not as many as responses.
    """
    if labels is None:
        return [f"$π_{{{i}}}$" for i in range(responses)]
    if len(labels) != responses:
        raise ValueError(
            f"labels names {len(labels)} responses; orbit has {responses}; give one a response"
        )
    short = (label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…" for label in labels)
    return [label.replace("$", r"\$") for label in short]


def note_failure(ax: Axes, orbit: Trajectory, index: tuple[int, ...] | int) -> None:
    """Write on the right of the axes why the instance failed, if it did: it ends before."""
    if not np.asarray(orbit.failed)[index]:
        return
    ax.text(
        0.98,
        0.5,
        textwrap.fill(f"failed: {orbit.reason(index)}", _NOTE_WIDTH),
        transform=ax.transAxes,
        ha="right",
        va="center",
        multialignment="left",
        fontsize="small",
        bbox=_NOTE,
    )


def title(orbit: Trajectory) -> str:
    """Return the method and the number of rounds."""
    return f"MRS-{orbit.objective.upper()}, {orbit.rounds[-1]} rounds"


_NOTE: Style = {"boxstyle": "round", "facecolor": "white", "edgecolor": "black"}
