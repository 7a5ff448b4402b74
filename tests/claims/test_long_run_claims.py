"""Every claim about the long run passes, and fails once a constant or a sign is wrong."""

from dataclasses import replace

import pytest

from alignsim import claims
from alignsim.claims import verify
from alignsim.claims.choosing_alpha import ChoosingAlpha
from alignsim.claims.collapse import (
    CollapseAsymptotics,
    CollapseBox,
    CollapseControl,
    DPOCollapseBox,
    DPOCollapseLimit,
    EntropyFloor,
    NearCollapse,
)
from alignsim.claims.counterexamples import (
    CycleBesideFixedPoint,
    OrderedOscillation,
    OrderedOscillationFromUniform,
    TiedTopRows,
    WinnerNeverFound,
)
from alignsim.claims.dpo_cycles import (
    DPOAmplitude,
    DPOCriticality,
    DPOCycleThreshold,
    DPOHysteresis,
)
from alignsim.claims.dpo_fixed_points import (
    DPOSelfPlayStability,
    DPOSeveralFixedPoints,
    DPOThreeResponses,
    DPOUniqueness,
)
from alignsim.claims.finite_samples import (
    Desynchronisation,
    NoisePrecursor,
    OpponentVariance,
    SampleCovariance,
)
from alignsim.claims.unanchored import CollapseRate, EntropyFallsFrom, FullCollapse, UnanchoredCycle

BROKEN = [
    (CycleBesideFixedPoint(), {"radius": 0.9467}),
    (CycleBesideFixedPoint(), {"period": 4}),
    (WinnerNeverFound(), {"share": 0.95}),
    (WinnerNeverFound(), {"radius": 0.951}),
    (WinnerNeverFound(), {"lead": 0.021}),
    (WinnerNeverFound(), {"unstable": (2.0, 15.0)}),
    (WinnerNeverFound(), {"unstable": (3.0, 20.0)}),
    (WinnerNeverFound(), {"stable": 3.0}),
    (CollapseBox(), {"gain": 0.999}),
    (CollapseBox(), {"gain": 1.001}),
    (EntropyFloor(), {"gain": 1.001}),
    (NearCollapse(), {"gain": 1.001}),
    (CollapseAsymptotics(), {"gain": 1.001}),
    (CollapseControl(), {"gain": 1.001}),
    (OrderedOscillation(), {"radius": 3.13}),
    (OrderedOscillationFromUniform(), {"radius": 1.07}),
    (OrderedOscillationFromUniform(), {"strongest": 9.79e-3}),
    (TiedTopRows(), {"gain": 1.001}),
    (FullCollapse(), {"gain": 1.001}),
    (EntropyFallsFrom(), {"share": 0.99}),
    (EntropyFallsFrom(), {"speed": 4.2}),
    (CollapseRate(), {"gain": 1.001}),
    (UnanchoredCycle(), {"gain": 1.001}),
    (ChoosingAlpha(), {"gain": 1.001}),
    (DPOCycleThreshold(), {"gain": 4.001}),
    (DPOCriticality(), {"gain": 4.001}),
    (DPOCriticality(), {"level": 0.7501}),
    (DPOAmplitude(), {"gain": 1.01}),
    (DPOHysteresis(), {"begins": (0.998, 0.99)}),
    (DPOHysteresis(), {"begins": (0.9981, 0.988)}),
    (DPOHysteresis(), {"ends": (0.9981, 0.988)}),
    (DPOHysteresis(), {"ends": (0.998, 0.99)}),
    (DPOSelfPlayStability(), {"gain": 1.001}),
    (DPOThreeResponses(), {"gain": 1.001}),
    (DPOUniqueness(), {"lam": 0.5}),
    (DPOSeveralFixedPoints(), {"first": 0.8614}),
    (DPOSeveralFixedPoints(), {"second": 0.6038}),
    (DPOCollapseBox(), {"gain": 4.001}),
    (DPOCollapseLimit(), {"gain": 1.001}),
    (SampleCovariance(), {"gain": 1.05}),
    (SampleCovariance(), {"gain": 0.95}),
    (OpponentVariance(), {"gain": 1.04}),
    (OpponentVariance(), {"gain": 0.96}),
    (NoisePrecursor(), {"gain": 1.02}),
    (NoisePrecursor(), {"gain": 0.98}),
    (Desynchronisation(), {"largest": 0.05}),
]


def status(claim, trials=60):
    result = verify(claims=[claim], trials=trials, progress=False).results[0]
    return result.status, result.note


@pytest.mark.parametrize(
    "claim", {type(claim): claim for claim, _ in BROKEN}.values(), ids=lambda value: value.name
)
def test_the_claim_passes(claim):
    assert status(claim) == ("passed", "")
    assert type(claim) in {type(listed) for listed in claims.CLAIMS}


@pytest.mark.parametrize(
    ("claim", "change"), BROKEN, ids=lambda value: getattr(value, "name", str(value))
)
def test_a_slightly_wrong_statement_fails(claim, change):
    assert status(replace(claim, **change))[0] == "failed"
