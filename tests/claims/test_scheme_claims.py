"""Every claim about methods passes, and fails once a constant or a sign is wrong."""

from dataclasses import replace

import pytest

from alignsim import claims
from alignsim.claims.contract import STATUSES
from alignsim.claims.page import page
from alignsim.claims.scheme_convergence import (
    AnchoredRests,
    ExtragradientContraction,
    NashWithoutAnchor,
    OptimisticContraction,
    SoftReferenceConvergence,
)
from alignsim.claims.scheme_criticality import OnsetOfMixups, SymmetricOnset
from alignsim.claims.scheme_cycles import (
    AllPastData,
    CycleBesideExtragradient,
    CycleBesideSoftReference,
    HardOnset,
    OneHotLimit,
    WinnerFound,
)
from alignsim.claims.scheme_equivalences import (
    MomentumOnRewards,
    OfflineTrustRegion,
    SoftReferenceIsOptimism,
    TwoRoundsAReset,
)
from alignsim.claims.scheme_limits import (
    ExtragradientLimit,
    HardReferenceLimit,
    IPOMDLimit,
    MixedReferencesLimit,
    MomentumLimit,
    NashMDLimit,
    OptimisticLimit,
    PulledReferenceLimit,
    ReplayLimit,
    SoftReferenceDPO,
    SoftReferenceLimit,
)
from alignsim.claims.scheme_rates import (
    ExtragradientForModes,
    FastestAtTarget,
    FastestExtragradient,
    FastestForModes,
    FastestHardReference,
    FastestSoftReference,
)
from alignsim.claims.scheme_stability import SymbolMultipliers
from tests.claims.verdicts import name, status

LIMITS = [
    MixedReferencesLimit(),
    SoftReferenceLimit(),
    PulledReferenceLimit(),
    HardReferenceLimit(),
    ExtragradientLimit(),
    OptimisticLimit(),
    MomentumLimit(),
    ReplayLimit(),
    NashMDLimit(),
    IPOMDLimit(),
]

BROKEN = [
    *((limit, {"gain": 0.98}) for limit in LIMITS),
    *((limit, {"gain": 1.02}) for limit in LIMITS),
    (SoftReferenceIsOptimism(), {"gain": 1.0 + 1e-6}),
    (TwoRoundsAReset(), {"every": 3}),
    (TwoRoundsAReset(), {"alpha": 1e-9}),
    (TwoRoundsAReset(), {"kappa": 1e-9}),
    (OfflineTrustRegion(), {"gain": 1.001}),
    (MomentumOnRewards(), {"gain": 1.001}),
    (SymbolMultipliers(), {"gain": 1.001}),
    (SoftReferenceLimit(), {"thirds": 2.05}),
    (HardReferenceLimit(), {"singled": (0.0, 1.0, 1.2720, 1.0, 0.8132, 1.0, 1.1215)}),
    (OptimisticLimit(), {"least_optimism": 0.6}),
    (MomentumLimit(), {"helps": 1.0}),
    (ReplayLimit(), {"share": 0.55}),
    (SoftReferenceDPO(), {"gain": 1.001}),
    (FastestSoftReference(), {"gain": 0.999}),
    (FastestHardReference(), {"every": 2.0}),
    (FastestHardReference(), {"y": 0.99}),
    (FastestAtTarget(), {"gain": 0.999}),
    (FastestExtragradient(), {"gain": 0.999}),
    (FastestForModes(), {"gain": 0.9999}),
    (FastestForModes(), {"rates": (0.9425, 0.9747, 0.9909, 0.9975)}),
    (ExtragradientForModes(), {"gain": 0.9999}),
    (ExtragradientForModes(), {"crossing": 4.2}),
    (AnchoredRests(), {"gain": 1.001}),
    (NashWithoutAnchor(), {"shift": 1.01}),
    (ExtragradientContraction(), {"reach": 6.0}),
    (ExtragradientContraction(), {"power": 2.5}),
    (OptimisticContraction(), {"reach": 7.0}),
    (OptimisticContraction(), {"power": 2.5}),
    (SoftReferenceConvergence(), {"gain": 1.6}),
    (SymmetricOnset(), {"values": (-1.75, -0.9586, -1.18, -0.2698, -1.0746)}),
    (OnsetOfMixups(), {"gentle": 0.6}),
    (OnsetOfMixups(), {"default": 0.56}),
    (HardOnset(), {"below": 0.995}),
    (HardOnset(), {"beside": 0.98}),
    (CycleBesideSoftReference(), {"amplitude": 0.3}),
    (CycleBesideSoftReference(), {"share": 1.01}),
    (CycleBesideExtragradient(), {"amplitude": 0.3}),
    (WinnerFound(), {"lead": -0.02}),
    (WinnerFound(), {"lost": 1e-6}),
    (AllPastData(), {"width": 0.1}),
    (OneHotLimit(), {"collapsed": 0.4}),
]


@pytest.mark.parametrize("claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=name)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(("claim", "change"), BROKEN, ids=name)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"


def test_the_page_tells_what_is_proved_from_what_is_seen():
    assert {claim.status for claim in claims.CLAIMS} == set(STATUSES)
    text = page()
    for claim in claims.CLAIMS:
        told = text.split(f"- **{claim.name}** (")[1].split(")")[0].split(", ")[-1]
        assert (told in STATUSES) == (claim.status != "proved")
        assert claim.status in {"proved", told}
