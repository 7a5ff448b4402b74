"""The table of objectives; a new one needs a line here."""

from __future__ import annotations

from alignsim.objectives.alpha_dpo import AlphaDPO
from alignsim.objectives.cdpo import ConservativeDPO
from alignsim.objectives.contract import Objective
from alignsim.objectives.curation import Curation
from alignsim.objectives.dpo import DPO
from alignsim.objectives.dpo_sft import DPOWithSFT
from alignsim.objectives.exo import EXO
from alignsim.objectives.ipo import IPO
from alignsim.objectives.kto import KTO
from alignsim.objectives.orpo import ORPO
from alignsim.objectives.preference_matching import PreferenceMatching
from alignsim.objectives.psi import PsiPO
from alignsim.objectives.rlhf import RLHF
from alignsim.objectives.robust_dpo import RobustDPO
from alignsim.objectives.simpo import SimPO
from alignsim.objectives.slic import SLiC
from alignsim.objectives.stable_preference import StablePreference
from alignsim.objectives.two_gain import TwoGain
from alignsim.objectives.xpo import XPO

OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        IPO(),
        DPO(),
        PsiPO(),
        RLHF(),
        PreferenceMatching(),
        Curation(),
        ConservativeDPO(),
        RobustDPO(),
        DPOWithSFT(),
        StablePreference(),
        EXO(),
        XPO(),
        SimPO(),
        AlphaDPO(),
        ORPO(),
        KTO(),
        TwoGain(),
        SLiC(),
    )
}
"""The known objectives by name, with their parameters at the defaults."""
