"""Every claim about residual objectives passes, and fails once a constant is wrong."""

from dataclasses import replace

import pytest

from alignsim import claims
from alignsim.claims.nonconvex_objectives import (
    EXOHardLabels,
    EXOSeveralMinima,
    ExplorationCut,
    ExplorationSplits,
    HingeIsBlind,
    WeightsIrrelevant,
)
from alignsim.claims.residual_objectives import (
    BallMultiplier,
    FiniteIffConnected,
    FlipsUndone,
    PairLossDerivatives,
    RobustCut,
    SFTMinimax,
)
from tests.claims.verdicts import name, status

BROKEN = [
    (PairLossDerivatives(), {"gain": 1.001}),
    (FiniteIffConnected(), {"level": 0.6}),
    (SFTMinimax(), {"gain": 1.001}),
    (BallMultiplier(), {"gain": 1.01}),
    (FlipsUndone(), {"gain": 1.001}),
    (RobustCut(), {"gain": 1.05}),
    (RobustCut(), {"gain": 0.95}),
    (ExplorationCut(), {"gain": 1.2}),
    (ExplorationCut(), {"gain": 0.8}),
    (ExplorationSplits(), {"gain": 1.001}),
    (EXOHardLabels(), {"gain": 1.001}),
    (EXOSeveralMinima(), {"losses": (0.7027, 0.7027, 0.7179)}),
    (EXOSeveralMinima(), {"losses": (0.7027, 0.7178)}),
    (WeightsIrrelevant(), {"curl": 0.01}),
    (HingeIsBlind(), {"gain": 1.001}),
]


@pytest.mark.parametrize("claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=name)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(("claim", "change"), BROKEN, ids=name)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"
