"""What a feedback map does in the long run."""

from alignsim.analysis.advice import Advice, advise
from alignsim.analysis.basins import Basins, basins
from alignsim.analysis.boundaries import critical_signal
from alignsim.analysis.capture import CaptureRegion, capture_region
from alignsim.analysis.certificates import Certificates, certificates
from alignsim.analysis.collapse import Collapse, collapse, collapsed
from alignsim.analysis.entropy_bounds import (
    asymptotic_entropy,
    entropy_falls_from,
    entropy_floor,
    span_bound,
)
from alignsim.analysis.faces import BoundaryEquilibria, boundary_equilibria
from alignsim.analysis.fixed_point import FixedPoint, fixed_point
from alignsim.analysis.fixed_points import FixedPoints, fixed_points
from alignsim.analysis.inspection import Inspection, MatrixSummary, inspect
from alignsim.analysis.lyapunov import LyapunovSpectrum, lyapunov_spectrum
from alignsim.analysis.neimark_sacker import (
    NeimarkSacker,
    NormalForm,
    first_lyapunov_coefficient,
    neimark_sacker,
)
from alignsim.analysis.onset import Crossings, critical_beta, crossings
from alignsim.analysis.orbits import Orbit, classify
from alignsim.analysis.phases import phase_rounds, phases
from alignsim.analysis.stability import Stability, multipliers, omega, spectral_radius, stability
from alignsim.analysis.transients import TransientGrowth, transient_growth
from alignsim.analysis.verdicts import OSCILLATING

__all__ = [
    "OSCILLATING",
    "Advice",
    "Basins",
    "BoundaryEquilibria",
    "CaptureRegion",
    "Certificates",
    "Collapse",
    "Crossings",
    "FixedPoint",
    "FixedPoints",
    "Inspection",
    "LyapunovSpectrum",
    "MatrixSummary",
    "NeimarkSacker",
    "NormalForm",
    "Orbit",
    "Stability",
    "TransientGrowth",
    "advise",
    "asymptotic_entropy",
    "basins",
    "boundary_equilibria",
    "capture_region",
    "certificates",
    "classify",
    "collapse",
    "collapsed",
    "critical_beta",
    "critical_signal",
    "crossings",
    "entropy_falls_from",
    "entropy_floor",
    "first_lyapunov_coefficient",
    "fixed_point",
    "fixed_points",
    "inspect",
    "lyapunov_spectrum",
    "multipliers",
    "neimark_sacker",
    "omega",
    "phase_rounds",
    "phases",
    "span_bound",
    "spectral_radius",
    "stability",
    "transient_growth",
]
