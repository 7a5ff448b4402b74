"""All methods, by name."""

from __future__ import annotations

from alignsim.feedback.methods.contract import Method
from alignsim.feedback.methods.extragradient import EXTRAGRADIENT
from alignsim.feedback.methods.hard_reference import HARD_REFERENCE
from alignsim.feedback.methods.ipo_md import IPO_MD
from alignsim.feedback.methods.momentum import MOMENTUM
from alignsim.feedback.methods.mrs import MRS
from alignsim.feedback.methods.nash_md import NASH_MD
from alignsim.feedback.methods.optimistic import OPTIMISTIC
from alignsim.feedback.methods.replay import REPLAY
from alignsim.feedback.methods.soft_reference import SOFT_REFERENCE

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        MRS,
        SOFT_REFERENCE,
        HARD_REFERENCE,
        EXTRAGRADIENT,
        OPTIMISTIC,
        MOMENTUM,
        NASH_MD,
        IPO_MD,
        REPLAY,
    )
}
"""The methods; add a line for a new one."""
