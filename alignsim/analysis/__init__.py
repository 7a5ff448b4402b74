"""What a feedback map does in the long run."""

from alignsim.analysis.boundaries import critical_signal
from alignsim.analysis.certificates import Certificates, certificates
from alignsim.analysis.fixed_point import FixedPoint, fixed_point
from alignsim.analysis.inspection import Inspection, MatrixSummary, inspect
from alignsim.analysis.onset import critical_beta
from alignsim.analysis.orbits import Orbit, classify
from alignsim.analysis.phases import collapsed, phase_rounds, phases
from alignsim.analysis.stability import Stability, omega, spectral_radius, stability

__all__ = [
    "Certificates",
    "FixedPoint",
    "Inspection",
    "MatrixSummary",
    "Orbit",
    "Stability",
    "certificates",
    "classify",
    "collapsed",
    "critical_beta",
    "critical_signal",
    "fixed_point",
    "inspect",
    "omega",
    "phase_rounds",
    "phases",
    "spectral_radius",
    "stability",
]
