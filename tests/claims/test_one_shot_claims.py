"""Every claim about one round passes, and fails once a constant or a sign is wrong."""

from dataclasses import replace

import pytest

from alignsim import claims
from alignsim.claims.dpo_optimum import (
    DPOConcentration,
    DPOFirstOrder,
    DPOMajorisesIPO,
    DPORanksLikeIPO,
    DPOSamplingInsensitivity,
    DPOVertex,
)
from alignsim.claims.ipo_optimum import (
    IPOClosedForm,
    IPOSamplingIrrelevance,
    IPOSensitivity,
    LogitGapGrowth,
    LogitGapNoGo,
    ThreeResponseGaps,
)
from alignsim.claims.ranking_axioms import (
    FixedSampling,
    OrderLimits,
    RowDominance,
    SmithTopSampling,
)
from tests.claims.verdicts import name, status

BROKEN = [
    (IPOClosedForm(), {"gain": 1.001}),
    (IPOSamplingIrrelevance(), {"gain": 1.001}),
    (IPOSensitivity(), {"gain": 1.001}),
    (IPOSensitivity(), {"gain": -1.0}),
    (DPOFirstOrder(), {"slope": 1.001}),
    (DPOSamplingInsensitivity(), {"scale": 0.999}),
    (DPOSamplingInsensitivity(), {"share": 10.0}),
    (DPORanksLikeIPO(), {"gain": 4.01}),
    (DPOMajorisesIPO(), {"gain": 4.01}),
    (DPOVertex(), {"gain": 1.001}),
    (DPOConcentration(), {"gain": 1.01}),
    (DPOConcentration(), {"gain": -1.0}),
    (FixedSampling(), {"handicap": 1.01}),
    (SmithTopSampling(), {"pull": -1.0}),
    (OrderLimits(), {"gain": 1.01}),
    (RowDominance(), {"spoil": 1.01}),
    (LogitGapGrowth(), {"sign": -1.0}),
    (LogitGapNoGo(), {"tilt": 0.001}),
    (ThreeResponseGaps(), {"gain": 1.001}),
]


@pytest.mark.parametrize("claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=name)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(("claim", "change"), BROKEN, ids=name)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"
