"""The feedback map as a dynamical system: its methods, its rounds, its Jacobian, its orbits."""

from alignsim.feedback.feedback_map import FeedbackMap
from alignsim.feedback.methods.scheme import Scheme
from alignsim.feedback.trajectory import Trajectory

__all__ = ["FeedbackMap", "Scheme", "Trajectory"]
