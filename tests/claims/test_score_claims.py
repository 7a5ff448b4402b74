"""Every claim about scores and games passes, and fails once a constant is wrong."""

from dataclasses import replace

import pytest

from alignsim import claims
from alignsim.claims.momentum_rounds import AcceleratedRewards, MomentumModes
from alignsim.claims.scores_and_games import (
    CondorcetAgainstBorda,
    CuratedRewards,
    CuratedRounds,
    CuratedScores,
    MatchedPreferences,
    OddTransforms,
    QuantalEntropy,
    RewardedRounds,
    RotatingModes,
)
from tests.claims.verdicts import name, status

BROKEN = [
    (RewardedRounds(), {"gain": 1.0 + 1e-6}),
    (MatchedPreferences(), {"gain": 1.0 + 1e-6}),
    (OddTransforms(), {"gain": 1.01}),
    (CuratedRounds(), {"gain": 1.001}),
    (CuratedRounds(), {"gain": 0.999}),
    (CuratedScores(), {"gain": 1.1}),
    (CuratedRewards(), {"gain": 1.01}),
    (RotatingModes(), {"gain": 1.001}),
    (RotatingModes(), {"gain": 0.999}),
    (RotatingModes(), {"uneven": 0.7747}),
    (RotatingModes(), {"circulant": 0.75376}),
    (MomentumModes(), {"gain": 1.001}),
    (MomentumModes(), {"free": (1.00448, 1.00664, 1.01661, 1.07176)}),
    (MomentumModes(), {"anchored": (0.9384, 0.9356, 1.0235, 1.1957)}),
    (MomentumModes(), {"uneven": (0.9295, 0.9118, 0.9645, 1.1232)}),
    (AcceleratedRewards(), {"gain": 1.25}),
    (CondorcetAgainstBorda(), {"policy": (0.637, 0.305, 0.059)}),
    (QuantalEntropy(), {"gain": 1.01}),
]


@pytest.mark.parametrize("claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=name)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(("claim", "change"), BROKEN, ids=name)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"


def test_ferbachs_inequality_in_two_hundred_trials():
    assert status(CuratedRewards(), trials=200) == ("passed", "")
