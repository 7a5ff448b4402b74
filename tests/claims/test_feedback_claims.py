"""Every claim about MRS-IPO near its fixed point passes, and fails once it is slightly wrong."""

from dataclasses import replace

import pytest

from alignsim import claims
from alignsim.claims.convergence_certificates import (
    CertificateLimits,
    CertifiedConvergence,
    DivergenceContraction,
    DivergenceDescent,
    NormContraction,
    SkewContraction,
    SpanContraction,
)
from alignsim.claims.ipo_cycles import (
    CirculantOmega,
    OddCycleThreshold,
    OnsetAmplitude,
    ThreeCycleCriticality,
    ThreeCycleOscillation,
    ThreeCycleThreshold,
)
from alignsim.claims.ipo_fixed_point import (
    ExactMultipliers,
    ExactStability,
    FlowContraction,
    GapBox,
    ImaginaryRotation,
    RotationBound,
    ThreeResponseOmega,
    UniqueFixedPoint,
)
from tests.claims.verdicts import name, status

BROKEN = [
    (GapBox(), {"gain": 0.999}),
    (UniqueFixedPoint(), {"gain": 1.0001}),
    (UniqueFixedPoint(), {"coordination": 0.3}),
    (FlowContraction(), {"gain": 1.0001}),
    (FlowContraction(), {"gain": -1.0}),
    (ImaginaryRotation(), {"gain": 1.0001}),
    (ImaginaryRotation(), {"coordination": 1e-6}),
    (ThreeResponseOmega(), {"gain": 1.001}),
    (ExactMultipliers(), {"gain": 1.001}),
    (ExactStability(), {"gain": 0.995}),
    (ExactStability(), {"gain": 1.005}),
    (RotationBound(), {"gain": 0.999}),
    (ThreeCycleThreshold(), {"gain": 0.993}),
    (ThreeCycleThreshold(), {"gain": 1.007}),
    (OddCycleThreshold(), {"gain": 0.985}),
    (OddCycleThreshold(), {"gain": 1.015}),
    (CirculantOmega(), {"gain": 1.001}),
    (ThreeCycleCriticality(), {"gain": 1.001}),
    (ThreeCycleCriticality(), {"gain": -1.0}),
    (ThreeCycleOscillation(), {"size_gain": 0.998}),
    (ThreeCycleOscillation(), {"size_gain": 1.002}),
    (ThreeCycleOscillation(), {"turn_gain": 0.99}),
    (ThreeCycleOscillation(), {"turn_gain": 1.01}),
    (OnsetAmplitude(), {"gain": 0.997}),
    (OnsetAmplitude(), {"gain": 1.003}),
    (NormContraction(), {"gain": 0.999}),
    (SkewContraction(), {"gain": 0.999}),
    (SpanContraction(), {"gain": 0.999}),
    (DivergenceDescent(), {"gain": 0.999}),
    (DivergenceContraction(), {"gain": 0.999}),
    (CertifiedConvergence(), {"gain": 1.31}),
    (CertificateLimits(), {"gain": 1.001}),
]


@pytest.mark.parametrize("claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=name)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(("claim", "change"), BROKEN, ids=name)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"
