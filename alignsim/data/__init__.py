"""Reading what people have: votes, ratings and matrices from files, with their statistics."""

from alignsim.data.comparison_files import read_comparisons
from alignsim.data.comparisons import Comparisons
from alignsim.data.files import read
from alignsim.data.matrices import Matrices, MatrixStacks
from alignsim.data.matrix_files import read_matrices
from alignsim.data.posteriors import (
    FitCheck,
    Posterior,
    PromptPosterior,
    posterior,
    prompt_posterior,
)
from alignsim.data.rating_files import read_helpsteer, read_ratings
from alignsim.data.rating_writing import write_helpsteer
from alignsim.data.ratings import Ratings
from alignsim.data.scores import from_scores
from alignsim.data.synthetic import synthetic_ratings

__all__ = [
    "Comparisons",
    "FitCheck",
    "Matrices",
    "MatrixStacks",
    "Posterior",
    "PromptPosterior",
    "Ratings",
    "from_scores",
    "posterior",
    "prompt_posterior",
    "read",
    "read_comparisons",
    "read_helpsteer",
    "read_matrices",
    "read_ratings",
    "synthetic_ratings",
    "write_helpsteer",
]
