"""What the kernels' status codes mean, in words."""

from __future__ import annotations

from alignsim.kernels.status import (
    NO_OPTIMUM,
    NO_SAMPLE_OPTIMUM,
    NOT_CONVERGED,
    NOT_FINITE,
    OK,
    SCORE_RANGE,
    STIFF,
)

MEANINGS = {
    OK: "ok",
    NOT_FINITE: "not_finite",
    NO_OPTIMUM: "no_optimum",
    SCORE_RANGE: "score_range",
    NOT_CONVERGED: "not_converged",
    NO_SAMPLE_OPTIMUM: "no_sample_optimum",
    STIFF: "stiff",
}

REASONS = {
    OK: "ran to the end",
    NOT_FINITE: "the logits overflowed float64; lower beta, or the rate of training",
    NO_OPTIMUM: (
        "a round has no finite optimum, as where some responses never lose to the others; "
        "move P off 0 and 1, e.g. by smoothing the votes, or use the IPO objective"
    ),
    SCORE_RANGE: (
        "the DPO scores spread over more than 650 nats, beyond what float64 resolves; move P away "
        "from 0 and 1, or use the IPO objective"
    ),
    NOT_CONVERGED: ("the Newton iteration of a round did not converge; move P away from 0 and 1"),
    NO_SAMPLE_OPTIMUM: (
        "the sample has no finite DPO optimum: some responses never lost to the others, or were "
        "never compared with them; take more samples_per_round, smoothing=1 (a pseudo-vote for "
        "each pair), or the IPO objective"
    ),
    STIFF: ("the flow changes too fast to be followed; lower rate, or train by steps (flow=False)"),
}
