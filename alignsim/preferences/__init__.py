"""Making and judging preference matrices.

P[i, j] = Pr(i beats j), P + Pᵀ = 1, diagonal ½; leading axes are the batch.
"""

from alignsim.preferences.axioms import (
    OrderLP,
    Violations,
    fixed_sampling_counterexample,
    order_lp,
    smith_top_sampler,
    violations,
)
from alignsim.preferences.builders import (
    additive,
    bradley_terry,
    cyclic,
    nearest_neighbour_cycle,
    symmetrise,
)
from alignsim.preferences.conventions import signal_strength
from alignsim.preferences.ensembles import random_skew, random_strictly_strongly_transitive
from alignsim.preferences.games import MaximalLottery, exploitability, maximal_lottery
from alignsim.preferences.structure import (
    Structure,
    additive_residual,
    bradley_terry_residual,
    condorcet_winner,
    curl_share,
    is_cyclic,
    is_strictly_strongly_transitive,
    is_strongly_transitive,
    is_weakly_transitive,
    smith_set,
    structure,
    ties,
)
from alignsim.preferences.thinning import spread

__all__ = [
    "MaximalLottery",
    "OrderLP",
    "Structure",
    "Violations",
    "additive",
    "additive_residual",
    "bradley_terry",
    "bradley_terry_residual",
    "condorcet_winner",
    "curl_share",
    "cyclic",
    "exploitability",
    "fixed_sampling_counterexample",
    "is_cyclic",
    "is_strictly_strongly_transitive",
    "is_strongly_transitive",
    "is_weakly_transitive",
    "maximal_lottery",
    "nearest_neighbour_cycle",
    "order_lp",
    "random_skew",
    "random_strictly_strongly_transitive",
    "signal_strength",
    "smith_set",
    "smith_top_sampler",
    "spread",
    "structure",
    "symmetrise",
    "ties",
    "violations",
]
