"""What a feedback map does in the long run."""

from alignsim.analysis.bifurcations.closed_forms import critical_signal
from alignsim.analysis.bifurcations.criticality import (
    Bifurcations,
    NormalForm,
    bifurcations,
    first_lyapunov_coefficient,
)
from alignsim.analysis.bifurcations.first_loss import critical_beta
from alignsim.analysis.bifurcations.onset import Crossings, crossings
from alignsim.analysis.collapse.entropy_bounds import (
    asymptotic_entropy,
    entropy_falls_from,
    entropy_floor,
    span_bound,
)
from alignsim.analysis.collapse.measure import Collapse, collapse, collapsed
from alignsim.analysis.equilibria.capture import CaptureRegion, capture_region
from alignsim.analysis.equilibria.certificates import Certificates, certificates
from alignsim.analysis.equilibria.faces import BoundaryEquilibria, boundary_equilibria
from alignsim.analysis.equilibria.fixed_point import FixedPoint, fixed_point
from alignsim.analysis.equilibria.fixed_points import FixedPoints, fixed_points
from alignsim.analysis.equilibria.stability import (
    Stability,
    multipliers,
    omega,
    spectral_radius,
    stability,
)
from alignsim.analysis.equilibria.transients import TransientGrowth, transient_growth
from alignsim.analysis.orbits.basins import Basins
from alignsim.analysis.orbits.classification import Orbit, classify
from alignsim.analysis.orbits.exponents import LyapunovSpectrum, lyapunov_spectrum
from alignsim.analysis.orbits.verdicts import OSCILLATING

__all__ = [
    "OSCILLATING",
    "Basins",
    "Bifurcations",
    "BoundaryEquilibria",
    "CaptureRegion",
    "Certificates",
    "Collapse",
    "Crossings",
    "FixedPoint",
    "FixedPoints",
    "LyapunovSpectrum",
    "NormalForm",
    "Orbit",
    "Stability",
    "TransientGrowth",
    "asymptotic_entropy",
    "bifurcations",
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
    "lyapunov_spectrum",
    "multipliers",
    "omega",
    "span_bound",
    "spectral_radius",
    "stability",
    "transient_growth",
]
