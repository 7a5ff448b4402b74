"""One orbit out of a trajectory, the names of its responses, and what else a picture is given."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.errors import InputError, quote, shortened
from alignsim.feedback.naming import loop_name
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


class Course(NamedTuple):
    """One orbit: its policies (f, K) and entropy (f,) at the rounds kept (f,), and its name."""

    policies: FloatArray
    entropy: FloatArray
    rounds: NDArray[np.int64]
    name: str
    failure: str


def courses(
    given: Trajectory | Sequence[Trajectory],
    index: tuple[int, ...] | int,
    names: Sequence[str] | None,
    *,
    drawn: int = 0,
) -> list[Course]:
    """Return the instance at ``index`` of one trajectory, or of each of several.

    Without ``names`` they are numbered, after those that have been ``drawn`` already.
    """
    runs: list[Any] = list(given) if isinstance(given, list | tuple) and given else [given]
    found = []
    for run in runs:
        of_kind(run, Trajectory, "orbit", "FeedbackMap.run")
        place = validation.position(index, "index", run.logits.shape[:-2])
        failure = run.reason(index) if run.failed[place] else ""
        found.append(Course(run.policies[place], run.entropy[place], run.rounds, "", failure))
    sizes = [one.policies.shape[-1] for one in found]
    if len(set(sizes)) > 1:
        raise ValueError(f"orbit has runs of {sizes} responses; draw those of one size together")
    if names is None:
        told = [f"orbit {drawn + i + 1}" for i in range(len(found))]
    else:
        told = names_of(names, len(found), "names", "orbits")
    return [one._replace(name=name) for one, name in zip(found, told, strict=True)]


def names_of(given: Sequence[str], count: int, argument: str, things: str) -> list[str]:
    """Return names as they are drawn, long ones cut; a ValueError if they are too few or many."""
    try:
        found = [str(name) for name in np.ravel(np.asarray(given, dtype=object))]
    except Exception:  # whatever an object raises that is no sequence
        raise InputError(argument, f"is {quote(given)}", "give a list of names") from None
    if len(found) != count:
        raise ValueError(
            f"{argument} names {len(found)} {things}; orbit has {count}; give one name for each"
        )
    return [shortened(name, _LONGEST).replace("$", r"\$") for name in found]


def response_labels(labels: Sequence[str] | None, responses: int) -> list[str]:
    """Return the given labels, long ones cut, or by default π₀, π₁, … as the arrays count."""
    if labels is None:
        return [f"$π_{{{i}}}$" for i in range(responses)]
    return names_of(labels, responses, "labels", "responses")


def note_failure(ax: Axes, course: Course) -> None:
    """Write on the right of the axes why the orbit failed, if it did: it ends before."""
    if not course.failure:
        return
    note = textwrap.fill(f"failed: {course.failure}", _NOTE_WIDTH)
    style: Style = {"ha": "right", "va": "center", "multialignment": "left", "fontsize": "small"}
    box: Style = {"boxstyle": "round", "facecolor": "white", "edgecolor": "black"}
    ax.text(0.98, 0.5, note, transform=ax.transAxes, bbox=box, **style)


def title(orbit: Trajectory | Sequence[Trajectory]) -> str:
    """Return the methods and the number of rounds.

    >>> import alignsim as asim
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=8.0)
    >>> title([loop.run(rounds=5), loop.run(rounds=9)])
    'MRS-IPO, up to 9 rounds'
    """
    runs = [orbit] if isinstance(orbit, Trajectory) else orbit
    methods = dict.fromkeys(loop_name(run.scheme, run.objective, run.sampler) for run in runs)
    rounds = {int(run.rounds[-1]) for run in runs}
    return f"{' and '.join(methods)}, {'up to ' * (len(rounds) > 1)}{max(rounds)} rounds"
