"""Parameters that several methods share, and what mirror descent calls them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from alignsim.parameters import Parameter

KAPPA = Parameter("kappa", "κ, share of the fixed reference", 0.0)

ETA = Parameter("eta", "η, step size", high=np.inf)

PULL = Parameter("tau", "τ, strength of the pull to the reference", high=np.inf)

OPTIONAL_PULL = replace(PULL, default=0.0)


def mirror_step(eta: Any, tau: Any) -> dict[str, Any]:
    """Return β and κ of a step of mirror descent with a KL penalty."""
    return {"beta": eta, "kappa": eta * tau}
