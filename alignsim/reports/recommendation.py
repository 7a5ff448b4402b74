"""The fastest stable parameters of one method, and what is known of them in sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignsim.analysis.bifurcations.criticality import Criticality
from alignsim.analysis.evidence import Evidence
from alignsim.codes import Code
from alignsim.feedback import FeedbackMap
from alignsim.summary import Lines, Summarised, number
from alignsim.validation import FloatArray

BEYOND = 10.0
"""The loss of stability is looked for up to this multiple of the advised β."""

SURE = 0.95
"""Share of a sample of matrices for which a loop should be stable."""

VANISHING = 1e-6
"""A rate below it is that of a multiplier that is 0, up to the digits of the search."""


class Target(Code):
    """Where the loop of a recommendation rests."""

    WANTED = "the wanted fixed point"
    MIXTURE = "a policy beyond it: the mixture with the reference is the wanted one"
    EQUILIBRIUM = "the Nash equilibrium"


@dataclass(frozen=True, repr=False, eq=False)
class Recommendation(Summarised):
    """The fastest stable parameters of a method for one target.

    Attributes
    ----------
    method
        Its name.
    parameters
        β and those of the method, by name.
    loop
        The loop itself, ready to run.
    target
        Where it rests.
    policy : (K,)
        The policy there.
    rate
        Spectral radius: the factor by which a small deviation shrinks in a round.
    optima
        One-shot optima in a round.
    closed_form
        Whether the parameters are a closed form; else they were found by a search of the
        multipliers, which are exact.
    evidence
        How convergence from everywhere is known: certified, iterated (from far starts) or none.
    far_starts, arrived, probe_rounds
        From how many far starts the loop was run, how many arrived, within how many rounds.
    beta_lost
        The β, beyond the advised one, at which stability is lost; infinite if none up to
        ``BEYOND`` times it.
    criticality
        Of that loss.
    tolerance
        What ``optima_needed`` refers to.
    matrices, stable
        Of a sample of matrices, how many there are and for how many the loop is stable.
    safe_beta
        The largest β that was found, up to the advised one, with which it is for a share of
        ``SURE``; NaN if none, or without a sample.
    """

    method: str
    parameters: dict[str, float]
    loop: FeedbackMap
    target: Target
    policy: FloatArray
    rate: float
    optima: int
    closed_form: bool
    evidence: Evidence
    far_starts: int
    arrived: int
    probe_rounds: int
    beta_lost: float
    criticality: Criticality
    tolerance: float
    matrices: int = 0
    stable: int = 0
    safe_beta: float = np.nan

    @property
    def rate_per_optimum(self) -> float:
        """The factor by which a small deviation shrinks in one of the round's optima."""
        return float(self.rate ** (1.0 / self.optima))

    @property
    def optima_needed(self) -> float:
        """One-shot optima, in whole rounds, until a small deviation has shrunk by ``tolerance``."""
        with np.errstate(divide="ignore"):
            rounds = np.ceil(np.log(self.tolerance) / np.log(self.rate))
        return float(self.optima * max(rounds, 1.0))

    @property
    def setting(self) -> str:
        """The parameters as they are written in a sentence."""
        return ", ".join(f"{name} = {value:.6g}" for name, value in self.parameters.items())

    def sentences(self) -> dict[str, str]:
        """Return what is known of it, sentences by what they are about."""
        of = f"{number(self.rate, 4)} a round"
        if self.optima > 1:
            of += (
                f" of {self.optima} one-shot optima, {number(self.rate_per_optimum, 4)} an optimum"
            )
        shrinks = f"A small deviation shrinks by {of}"
        if self.rate < VANISHING:
            shrinks = "A small deviation vanishes in a round, to first order"
        far = "It is proved that every start converges."
        if self.evidence != Evidence.CERTIFIED:
            ran = f"within {self.probe_rounds:,} rounds"
            far = (
                "All this is local. Nothing is proved about far starts, of which "
                f"{self.arrived} of {self.far_starts} converged {ran}."
            )
            if self.arrived < self.far_starts:
                far += " The others are slow, or another attractor keeps them."
        lost = f"None is lost up to β = {BEYOND * self.parameters['beta']:.4g}."
        if np.isfinite(self.beta_lost):
            lost = f"It is lost at β = {self.beta_lost:.4g}{_manner(self.criticality)}."
        told = {
            "rest": f"It rests at {self.target.word}.",
            "rate": f"{shrinks}; by {self.tolerance:g} within {self.optima_needed:,.0f} optima.",
            "parameters": (
                "They are the closed form for one frequency of rotation."
                if self.closed_form
                else "They were found by minimising the largest multiplier, which is exact."
            ),
            "far starts": far,
            "stability": lost,
        }
        if self.matrices:
            told["sample"] = self._sampled()
        return told

    def _sampled(self) -> str:
        """Return for how many of the sample it is stable, and what makes it so for most."""
        told = f"It is stable for {self.stable:,} of the {self.matrices:,} matrices"
        if self.stable >= SURE * self.matrices:
            return f"{told}."
        if np.isnan(self.safe_beta):
            return f"{told}; no smaller β was found with which it is for {SURE:.0%}."
        return f"{told}; with β = {self.safe_beta:.4g}, which moves its rest, for {SURE:.0%}."

    def _title(self) -> str:
        return f"{self.method}: {self.setting}"

    def _summary(self) -> Lines:
        yield from self.sentences().items()


def _manner(criticality: Criticality) -> str:
    if criticality == Criticality.SUBCRITICAL:
        return (
            ", abruptly (a subcritical bifurcation): near it another attractor may lie beside the "
            "fixed point"
        )
    if criticality == Criticality.SUPERCRITICAL:
        return ", gently (a supercritical bifurcation)"
    return ""
