"""What a dataset's attributes say about how it was made."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import simplex
from alignsim._version import __version__
from alignsim.analysis.equilibria.fixed_point import TOLERANCE
from alignsim.feedback import FeedbackMap
from alignsim.feedback.batch import START_OFFSET
from alignsim.sweeps.axes import Family
from alignsim.validation import FloatArray


def of_maps(objective: str, matrices: FloatArray) -> dict[str, Any]:
    """Return the objective, the size and the hash of the matrices, and the version."""
    digest = hashlib.sha256(np.ascontiguousarray(matrices).tobytes()).hexdigest()
    return of_hash(objective, matrices.shape[-1], digest)


def of_hash(objective: str, responses: int, digest: str) -> dict[str, Any]:
    """Return the same from the hash of the matrices."""
    return {
        "objective": objective,
        "responses": responses,
        "tolerance_fixed_point": TOLERANCE,
        "matrix_sha256": digest,
        "alignsim_version": __version__,
    }


def of_method(loops: Family, loop: FeedbackMap) -> dict[str, str]:
    """Return the method as it was named, the scheme behind it, and the names of its parameters."""
    return {
        "method": loops.method,
        "scheme": loop.scheme.name,
        "sampler": loop.sampler.name,
        "parameters": " ".join(loops.names),
    }


def of_start(start: ArrayLike | None, responses: int) -> dict[str, Any]:
    """Return where orbits start: the policy that was given, or how the default is made."""
    return {
        "start": "reference logits + start_offset · start_direction"
        if start is None
        else np.asarray(start, dtype=np.float64),
        "start_offset": START_OFFSET if start is None else 0.0,
        "start_direction": simplex.asymmetric_direction(responses),
    }
