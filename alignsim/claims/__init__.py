"""Theorems as programs: one file a claim, each with instances, a check and a margin."""

from alignsim.claims.bistability import CycleBesideFixedPoint, WinnerNeverFound
from alignsim.claims.choosing_alpha import ChoosingAlpha
from alignsim.claims.collapse_asymptotics import CollapseAsymptotics, CollapseControl
from alignsim.claims.collapse_box import CollapseBox, EntropyFloor, NearCollapse
from alignsim.claims.contract import Claim, agreement
from alignsim.claims.convergence_certificates import (
    CertificateLimits,
    CertifiedConvergence,
    DivergenceContraction,
    DivergenceDescent,
    NormContraction,
    SkewContraction,
    SpanContraction,
)
from alignsim.claims.cycle_thresholds import CirculantOmega, OddCycleThreshold, ThreeCycleThreshold
from alignsim.claims.dpo_collapse import DPOCollapseBox, DPOCollapseLimit
from alignsim.claims.dpo_concentration import DPOConcentration
from alignsim.claims.dpo_cycles import (
    DPOAmplitude,
    DPOCriticality,
    DPOCycleThreshold,
    DPOHysteresis,
)
from alignsim.claims.dpo_first_order import DPOFirstOrder
from alignsim.claims.dpo_fixed_points import (
    DPOSelfPlayStability,
    DPOSeveralFixedPoints,
    DPOThreeResponses,
    DPOUniqueness,
)
from alignsim.claims.dpo_ranks_like_ipo import DPOMajorisesIPO, DPORanksLikeIPO
from alignsim.claims.dpo_sampling_insensitivity import DPOSamplingInsensitivity
from alignsim.claims.dpo_vertex import DPOVertex
from alignsim.claims.finite_samples import (
    Desynchronisation,
    NoisePrecursor,
    OpponentVariance,
    SampleCovariance,
)
from alignsim.claims.gap_box import GapBox
from alignsim.claims.ipo_closed_form import IPOClosedForm
from alignsim.claims.ipo_sampling_irrelevance import IPOSamplingIrrelevance
from alignsim.claims.ipo_sensitivity import IPOSensitivity
from alignsim.claims.ipo_stability import (
    ExactMultipliers,
    ExactStability,
    ImaginaryRotation,
    ThreeResponseOmega,
)
from alignsim.claims.logit_gaps import LogitGapGrowth, LogitGapNoGo, ThreeResponseGaps
from alignsim.claims.onset_amplitude import OnsetAmplitude
from alignsim.claims.ranking_axioms import (
    FixedSampling,
    OrderLimits,
    RowDominance,
    SmithTopSampling,
)
from alignsim.claims.rotation_bound import RotationBound
from alignsim.claims.strict_order import (
    OrderedOscillation,
    OrderedOscillationFromUniform,
    TiedTopRows,
)
from alignsim.claims.three_cycle_oscillation import ThreeCycleCriticality, ThreeCycleOscillation
from alignsim.claims.unanchored import CollapseRate, EntropyFallsFrom, FullCollapse, UnanchoredCycle
from alignsim.claims.unique_fixed_point import FlowContraction, UniqueFixedPoint
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
    GapBox(),
    UniqueFixedPoint(),
    FlowContraction(),
    ImaginaryRotation(),
    ExactMultipliers(),
    ExactStability(),
    ThreeResponseOmega(),
    RotationBound(),
    ThreeCycleThreshold(),
    ThreeCycleCriticality(),
    ThreeCycleOscillation(),
    OddCycleThreshold(),
    CirculantOmega(),
    OnsetAmplitude(),
    NormContraction(),
    SkewContraction(),
    SpanContraction(),
    DivergenceDescent(),
    DivergenceContraction(),
    CertifiedConvergence(),
    CertificateLimits(),
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
    ChoosingAlpha(),
    DPOCycleThreshold(),
    DPOCriticality(),
    DPOAmplitude(),
    DPOHysteresis(),
    DPOSelfPlayStability(),
    DPOThreeResponses(),
    DPOUniqueness(),
    DPOSeveralFixedPoints(),
    DPOCollapseBox(),
    DPOCollapseLimit(),
    SampleCovariance(),
    OpponentVariance(),
    NoisePrecursor(),
    Desynchronisation(),
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
