"""Reading what people have: votes, ratings and matrices, with their statistics."""

from alignsim.data.comparisons import Comparisons
from alignsim.data.formats.catalogue import FORMATS
from alignsim.data.matrices import Matrices, MatrixStacks
from alignsim.data.posteriors import (
    FitCheck,
    Posterior,
    PromptPosterior,
    posterior,
    prompt_posterior,
)
from alignsim.data.problems import Problem
from alignsim.data.rating_writing import write_helpsteer
from alignsim.data.ratings import Ratings
from alignsim.data.reading import (
    read,
    read_comparisons,
    read_helpsteer,
    read_matrices,
    read_ratings,
)
from alignsim.data.scores import from_scores
from alignsim.data.synthetic import synthetic_ratings

__all__ = [
    "FORMATS",
    "Comparisons",
    "FitCheck",
    "Matrices",
    "MatrixStacks",
    "Posterior",
    "Problem",
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
