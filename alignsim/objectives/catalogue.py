"""The table of objectives; a new one needs a line here."""

from __future__ import annotations

from alignsim.objectives.contract import Objective
from alignsim.objectives.dpo import DPO
from alignsim.objectives.ipo import IPO

OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        IPO(),
        DPO(),
    )
}
"""The known objectives by name, with their parameters at the defaults."""
