"""Theorems as programs: one file a claim, each with instances, a check and a margin."""

from alignsim.claims.bistability import CycleBesideFixedPoint, WinnerNeverFound
from alignsim.claims.collapse_asymptotics import CollapseAsymptotics, CollapseControl
from alignsim.claims.collapse_box import CollapseBox, EntropyFloor, NearCollapse
from alignsim.claims.contract import Claim, agreement
from alignsim.claims.dpo_concentration import DPOConcentration
from alignsim.claims.dpo_first_order import DPOFirstOrder
from alignsim.claims.dpo_ranks_like_ipo import DPOMajorisesIPO, DPORanksLikeIPO
from alignsim.claims.dpo_sampling_insensitivity import DPOSamplingInsensitivity
from alignsim.claims.dpo_vertex import DPOVertex
from alignsim.claims.ipo_closed_form import IPOClosedForm
from alignsim.claims.ipo_sampling_irrelevance import IPOSamplingIrrelevance
from alignsim.claims.ipo_sensitivity import IPOSensitivity
from alignsim.claims.logit_gaps import LogitGapGrowth, LogitGapNoGo, ThreeResponseGaps
from alignsim.claims.ranking_axioms import (
    FixedSampling,
    OrderLimits,
    RowDominance,
    SmithTopSampling,
)
from alignsim.claims.strict_order import (
    OrderedOscillation,
    OrderedOscillationFromUniform,
    TiedTopRows,
)
from alignsim.claims.unanchored import CollapseRate, EntropyFallsFrom, FullCollapse, UnanchoredCycle
from alignsim.claims.verification import ClaimResult, Report, replay, save_worst, verify

CLAIMS: tuple[Claim, ...] = (
    IPOClosedForm(),
    IPOSamplingIrrelevance(),
    IPOSensitivity(),
    DPOFirstOrder(),
    DPOSamplingInsensitivity(),
    DPORanksLikeIPO(),
    DPOMajorisesIPO(),
    DPOVertex(),
    DPOConcentration(),
    FixedSampling(),
    SmithTopSampling(),
    OrderLimits(),
    RowDominance(),
    LogitGapGrowth(),
    LogitGapNoGo(),
    ThreeResponseGaps(),
    CycleBesideFixedPoint(),
    WinnerNeverFound(),
    CollapseBox(),
    EntropyFloor(),
    NearCollapse(),
    CollapseAsymptotics(),
    CollapseControl(),
    OrderedOscillation(),
    OrderedOscillationFromUniform(),
    TiedTopRows(),
    FullCollapse(),
    EntropyFallsFrom(),
    CollapseRate(),
    UnanchoredCycle(),
)
"""Every claim, in the order of the theory page."""

__all__ = [
    "CLAIMS",
    "Claim",
    "ClaimResult",
    "Report",
    "agreement",
    "replay",
    "save_worst",
    "verify",
]
