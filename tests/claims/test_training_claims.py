"""Every claim about training passes, and fails once a constant or a sign is wrong."""

from dataclasses import replace

import pytest

from alignsim import claims
from alignsim.claims.training import (
    ConservedSums,
    CoupledRates,
    LargestRate,
    PairLimit,
    PairTrajectory,
    ProbabilityRates,
    SameFirstStep,
    WinnerNeverFalls,
)
from alignsim.claims.training_fields import (
    KTONetWeights,
    KTOSeveralEnds,
    SimPOPair,
    TiltedReference,
)
from tests.claims.verdicts import name, status

BROKEN = [
    (ConservedSums(), {"gain": 1.0001}),
    (ProbabilityRates(), {"gain": 1.001}),
    (ProbabilityRates(), {"gain": -1.0}),
    (SameFirstStep(), {"gain": 1.001}),
    (LargestRate(), {"gain": 1.05}),
    (LargestRate(), {"gain": 0.95}),
    (PairTrajectory(), {"gain": 1.001}),
    (PairLimit(), {"gain": 1.001}),
    (WinnerNeverFalls(), {"sign": -1.0}),
    (CoupledRates(), {"gain": 1.01}),
    (SimPOPair(), {"gain": 1.001}),
    (TiltedReference(), {"gain": 1.001}),
    (KTONetWeights(), {"gain": 1.001}),
    (KTOSeveralEnds(), {"least_share": 1.0}),
]


@pytest.mark.parametrize("claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=name)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(("claim", "change"), BROKEN, ids=name)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"
