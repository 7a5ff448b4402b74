"""``alignsim glossary``."""

from __future__ import annotations

from alignsim.cli.app import app

TRL = (
    ("DPOConfig.beta", "beta = 1 / TRL's", "--beta-convention trl converts: TRL's 0.1 is 10 here."),
    ("loss_type='sigmoid'", "objective='dpo'", "The default of TRL."),
    (
        "loss_type='ipo'",
        "objective='ipo'",
        "Here a response is one choice; TRL averages its log-probability over tokens.",
    ),
    (
        "loss_type='hinge', 'robust', 'exo_pair'",
        "objective='slic', 'robust_dpo', 'exo'",
        "And others: `alignsim objectives` lists them all.",
    ),
    (
        "precompute_ref_log_probs, no sync",
        "alpha=0",
        "The reference stays what it was before the first round.",
    ),
    (
        "reference = last round's policy",
        "alpha=1",
        "What iterated DPO does when each round starts from the model of the one before.",
    ),
    (
        "sync_ref_model, ref_model_mixup_alpha",
        "method='soft_reference', mixup=",
        "A reference that follows. TRL mixes weights; of a tabular softmax these are logits.",
    ),
    (
        "ref_model_sync_steps",
        "method='hard_reference', every=",
        "TRL counts optimiser steps, and here rounds, each trained to its optimum.",
    ),
    ("offline dataset", "lam=0", "Pairs come from a fixed policy, offline=."),
    ("OnlineDPOTrainer", "lam=1", "Pairs come from the current policy."),
    (
        "part on-policy, part offline data",
        "0 < lam < 1",
        "lam is the on-policy share of the sampler.",
    ),
    (
        "num_train_epochs, learning_rate",
        "GradientSteps(DPO(), count=, rate=)",
        "By default a round is trained until it has converged.",
    ),
    ("dataset of pairs, per round", "samples_per_round=", "By default a round sees every pair."),
)
"""What arguments of TRL (https://huggingface.co/docs/trl) are called here, and a remark."""


@app.command(epilog="Example: alignsim glossary")
def glossary() -> None:
    """Tell what TRL's arguments are called here.

    β here multiplies the preference signal: a large β moves far from the
    reference. In TRL, and in the DPO paper, beta multiplies the KL penalty:
    a small beta moves far. Each is one over the other.
    """
    from alignsim.cli import reports

    reports.print_rows("TRL's arguments, and ours", TRL, ("here", "remark"))
