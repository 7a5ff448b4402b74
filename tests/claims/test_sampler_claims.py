"""Every claim about samplers passes, and fails once a constant or a sign is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from alignsim import claims
from alignsim.claims.samplers import (
    LearningErrors,
    LearningRates,
    MixPForgetsBeta,
    MixPRests,
    MixPStepDerivative,
    PairWeightInvariance,
    PilafAlignment,
    TiltedMixture,
)
from tests.claims.verdicts import name, status

BROKEN = [
    (LearningRates(), {"uniform": 0.07}),
    (LearningRates(), {"mix_r": 0.17}),
    (LearningRates(), {"mix_p": 0.075}),
    (LearningErrors(), {"uniform": (0.0757, 1.0, 1.0)}),
    (LearningErrors(), {"mix_r": (1.0, 0.00722, 1.0)}),
    (LearningErrors(), {"mix_p": (1.0, 1.0, 3.632e-7)}),
    (MixPRests(), {"bend": 0.99}),
    (MixPRests(), {"bend": 0.0}),
    (MixPForgetsBeta(), {"sampler": "pilaf"}),
    (MixPStepDerivative(), {"gain": 1.001}),
    (MixPStepDerivative(), {"gain": -1.0}),
    (PilafAlignment(), {"sampler": "product"}),
    (PilafAlignment(), {"sampler": "mix_p"}),
    (TiltedMixture(), {"gain": 1.001}),
    (PairWeightInvariance(), {"scale": 0.999}),
    (PairWeightInvariance(), {"share": 100.0}),
]


@pytest.mark.parametrize("claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=name)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(("claim", "change"), BROKEN, ids=name)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"


def test_the_bounds_hold_in_3000_trials():
    claim, rng = LearningRates(), np.random.default_rng(11)
    margins = [claim.margin(claim.instances(rng, 300)) for _ in range(10)]
    assert (np.concatenate(margins) > 0.0).all()
