"""Making, reading and judging preference matrices.

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
from alignsim.preferences.classes import ClassRates, class_rates, split_classes
from alignsim.preferences.comparison_files import read_comparisons
from alignsim.preferences.comparisons import Comparisons
from alignsim.preferences.conventions import beta_from_rafailov
from alignsim.preferences.ensembles import random_skew, random_strictly_strongly_transitive
from alignsim.preferences.files import read
from alignsim.preferences.matrices import Matrices, MatrixStacks
from alignsim.preferences.matrix_files import read_matrices
from alignsim.preferences.rating_files import read_helpsteer, read_ratings
from alignsim.preferences.rating_writing import write_helpsteer
from alignsim.preferences.ratings import Ratings
from alignsim.preferences.scores import from_scores
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
from alignsim.preferences.synthetic import synthetic_ratings
from alignsim.preferences.thinning import spread

__all__ = [
    "ClassRates",
    "Comparisons",
    "Matrices",
    "MatrixStacks",
    "OrderLP",
    "Ratings",
    "Structure",
    "Violations",
    "additive",
    "additive_residual",
    "beta_from_rafailov",
    "bradley_terry",
    "bradley_terry_residual",
    "class_rates",
    "condorcet_winner",
    "curl_share",
    "cyclic",
    "fixed_sampling_counterexample",
    "from_scores",
    "is_cyclic",
    "is_strictly_strongly_transitive",
    "is_strongly_transitive",
    "is_weakly_transitive",
    "nearest_neighbour_cycle",
    "order_lp",
    "random_skew",
    "random_strictly_strongly_transitive",
    "read",
    "read_comparisons",
    "read_helpsteer",
    "read_matrices",
    "read_ratings",
    "smith_set",
    "smith_top_sampler",
    "split_classes",
    "spread",
    "structure",
    "symmetrise",
    "synthetic_ratings",
    "ties",
    "violations",
    "write_helpsteer",
]
