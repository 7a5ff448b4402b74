"""The theory as a page: what every symbol means, and every claim in its section.

python -m alignsim.claims.page > docs/theory.md
"""

from __future__ import annotations

from alignsim.claims.catalogue import CLAIMS
from alignsim.claims.contract import Claim

INTRODUCTION = """\
# The theory

What the docstrings cite as *(theory 6.3)*. Every item is a claim that `alignsim verify NAME`
checks on random instances and on the edges of its hypotheses; this page is made from the claims
themselves. *Paper* is [Chen, He, Jordan and Yao](https://arxiv.org/abs/2602.12180),
*literature* is standard, *derived* was derived for this project. Each is proved, but for those
that are *checked*, by numbers on both sides in many cases, or *seen*, numerically and no more.

Symbols. K responses; P_ij is the probability that i beats j, P_ij + P_ji = 1, M = P − ½. A
policy is π = softmax(z) with centred logits z; π_ref is the reference, with logits z_ref, and
π_off the offline policy. Pairs are drawn from a sampler μ. β multiplies the preference signal, α
mixes the last policy into the reference, λ is the on-policy share of the sampler, η = β/(1−α). Π
centres, J = diag π − ππᵀ, m = ‖ΠMΠ‖₂, D = max_ij (max_k − min_k)(P_ik − P_jk). ρ is the spectral
radius of a round's derivative at its fixed point.
"""

SECTIONS = {
    "2": (
        "One round of IPO",
        "IPO fits the gaps of log π/π_ref to β(P − ½) by least squares over pairs from μ. With "
        "pairs from μ⊗μ the optimum is ∝ π_ref e^{βPμ}; other pair weights give a Laplacian "
        "system.",
    ),
    "3": (
        "One round of DPO",
        "DPO fits σ(v_i − v_j) to P_ij by the logistic loss over pairs from μ; the optimum is "
        "∝ π_ref e^{βv}. With S_ij = σ(v_i − v_j) the score v solves S(v)μ = Pμ, by a damped "
        "Newton iteration whose rows are divided by μ_i. A finite v exists unless responses "
        "that μ compares fall into two groups of which one always wins.",
    ),
    "4": ("Ranking axioms", ""),
    "5": ("Logit gaps under skewed sampling", ""),
    "6.1": (
        "MRS-IPO: the map",
        "Each round mixes the last policy into the reference and the sampler, and solves IPO: "
        "z' = αz + (1−α)z_ref + βP(λπ + (1−λ)π_off), centred.",
    ),
    "6.2": ("MRS-IPO: the fixed point", "It depends on η and λ only."),
    "6.3": (
        "MRS-IPO: exact stability",
        "A round's derivative is αI + βλMJ, and MJ has the eigenvalues ±iω_k of the skew matrix "
        "J^½MJ^½. With ω = ‖J^½MJ^½‖₂: ρ² = α² + (βλω)².",
    ),
    "6.4": ("MRS-IPO: cycles, and how oscillation begins", ""),
    "6.5": ("MRS-IPO: certificates of global convergence", ""),
    "6.6": ("MRS-IPO: locally stable is not globally stable", ""),
    "6.7": ("Entropy collapse", ""),
    "6.8": ("Without an anchor: α = 1", ""),
    "6.9": ("Choosing α", ""),
    "7": (
        "MRS-DPO",
        "The same mixing with DPO's score: z' = αz + (1−α)z_ref + βv(λπ + (1−λ)π_off). Its "
        "derivative is αI + βλQJ with Q = (A + 1μᵀ)⁻¹(P − S), A = diag(Dμ) − D diag(μ), "
        "D_ij = σ'(v_i − v_j).",
    ),
    "8": ("Finite samples", ""),
    "9": (
        "Experiments",
        "`alignsim reproduce` follows the paper's protocol: HelpSteer's five whole scores a "
        "response, four responses a prompt, one random attribute a pair, P_ij = σ(score_i − "
        "score_j), 3,000 rounds. *Cycle strength* is the variance of the policy over time, "
        "averaged over coordinates, first half left out. A strictly strongly transitive matrix "
        "is drawn by filling its diagonals from the main one outwards, each margin above those "
        "below and beside it.",
    ),
    "10.1": (
        "Methods: schemes, and which are one another",
        "T(r, o) is the one-shot optimum, in logits, with reference r and the sampler "
        "λ·softmax(o) + (1−λ)π_off. A scheme wires one or several of them: references, "
        "opponents and the new state are combinations of the fixed reference, the slots of the "
        "state and the optima. `asim.methods()` lists the methods with their updates; κ is the "
        "pull towards the fixed reference, a = 1−κ, m the mixup, e the pull of a soft "
        "reference, c the optimism, δ the share of new responses.",
    ),
    "10.2": (
        "Methods: rest points and exact stability",
        "g = βλν with an eigenvalue ν of the score's derivative by the opponent's logits; y = "
        "βλω for ν = ±iω. The symbol S(g) is the round with numbers in place of vectors: D × D "
        "for D slots. “Stable” without an anchor means transversally to the equilibria. "
        "Characteristic polynomials are in z.",
    ),
    "10.3": ("Methods: the fastest parameters", ""),
    "10.4": ("Methods: convergence from everywhere", ""),
    "10.5": ("Methods: cycles beside equilibria, and winners", ""),
    "11.1": (
        "Other objectives: losses with further terms",
        "With scores u = (θ − z_ref)/β and pair weights W an optimum solves Σ_j W_ij g(u_i − u_j; "
        "P_ij) = βw(π_i − p_i): a pull of the pairs against a pull towards a policy p, or away "
        "from it. The weights of pairs from μ⊗μ are W_ij = 2μ_iμ_j.",
    ),
    "11.2": (
        "Other objectives: training paths",
        "Training moves logits along a force f, by steps θ + rate·f or along the flow dθ/dt = f. W "
        "are the weights of the pairs, 2μ_iμ_j or adding up to 1, u = (θ − ref)/β, w and l the "
        "winner and the loser of a pair that wins with probability P.",
    ),
    "11.3": (
        "Other objectives: samplers of a stage",
        "`asim.samplers()` lists them. u = log(π/π_ref)/β are the rewards that a policy implies, "
        "Δr_ij = r_i − r_j; step length and weights of the exact rules are a reconstruction. "
        "Lap(C) = diag(C1) − C.",
    ),
    "11.4": (
        "Other objectives: scores and games",
        "RLHF and preference matching have rewards r for scores, ΨPO has Ψ(P)μ, and curation, "
        "which trains on the winners of its own pairs, log(2Pμ). A maximal lottery is a Nash "
        "equilibrium of the preferences, a quantal response equilibrium at τ solves "
        "π ∝ π_ref e^{Pπ/τ}.",
    ),
}
"""Headings, and what a section says beside its claims."""

CLOSING = """\
## C. Algorithms

What the docstrings cite as *(analysis C.6)*.

- **C.2 Fixed points.** Newton's method with continuation in η, and a damped iteration that
  always converges; several starts, de-duplication and an index count for MRS-DPO with λ < 1.
- **C.3 Transients.** max‖Jⁿ‖ over rounds, not the continuous-time abscissa.
- **C.4 Phases.** See [the house](architecture.md): multipliers first, then a window of rounds.
- **C.5 Lyapunov spectra.** Vectors made orthonormal each round, standard errors from 20 batch
  means, Σλ checked against the mean of log|det|.
- **C.6 Collapse.** Collapsed is an effective support e^H below 1 + 0.05(K − 1); kinds are
  vertex, face, soft, drift (α = 1) and heteroclinic.
- **C.7 Diagrams.** Dyadic refinement where labels differ or a linear prediction of ρ − 1 fails,
  a guard ring, a random audit, and edges solved for ρ = 1.
"""


def page() -> str:
    """Return the theory as Markdown."""
    parts = [INTRODUCTION]
    for section, (title, text) in SECTIONS.items():
        own = [claim for claim in CLAIMS if _belongs(claim, section)]
        items = [_item(claim) for claim in own]
        body = [part for part in (text, "\n".join(items)) if part]
        parts.append("\n\n".join([f"## {section}. {title}", *body]) + "\n")
    return "\n".join([*parts, CLOSING])


def _belongs(claim: Claim, section: str) -> bool:
    first = claim.section.partition(",")[0]
    return first == section or first.startswith(f"{section}.")


def _item(claim: Claim) -> str:
    sure = "" if claim.status == "proved" else f", {claim.status}"
    return f"- **{claim.name}** ({claim.section}, {claim.source}{sure}). {claim.statement}"


if __name__ == "__main__":
    print(page(), end="")
