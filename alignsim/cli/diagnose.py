"""``alignsim diagnose``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignsim.cli import options
from alignsim.cli.app import app

if TYPE_CHECKING:
    from alignsim.reports import Diagnosis
    from alignsim.validation import FloatArray

_LOG_HELP = (
    "Rounds of a loop, a row each: a column a response with shares or counts, and perhaps round, "
    "run, loop and n (.csv, .tsv, .json, .jsonl, .npy). Several files are runs of one loop."
)
_QUANTITY_HELP = (
    "shares (of all responses), or one number a round: share, 'win rate', entropy or margin."
)
_KNOWN = "Known preferences"


@app.command(epilog="Example: alignsim diagnose run1.csv run2.csv --n 500")
@options.expanded
def diagnose(
    log: Annotated[
        list[Path],
        typer.Argument(metavar="LOG...", help=_LOG_HELP, exists=True, dir_okay=False),
    ],
    *,
    n: Annotated[
        float | None,
        typer.Option(help="Samples a round that shares were counted from; inf for exact policies."),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Take each file for a loop of its own.")
    ] = False,
    quantity: Annotated[
        str, typer.Option(callback=options.lower_case, help=_QUANTITY_HELP)
    ] = "shares",
    response: Annotated[
        str | None, typer.Option(help="Column of a single number, where there are several.")
    ] = None,
    rest_is_uniform: Annotated[
        bool,
        typer.Option(
            help="Of an entropy or a margin: about a uniform rest point the frequency doubles, and "
            "is not told."
        ),
    ] = True,
    preferences: Annotated[
        Path | None,
        typer.Option(
            help=f"File of the preference matrix, if it is known: {options.MATRICES_HELP}.",
            exists=True,
            dir_okay=False,
            rich_help_panel=_KNOWN,
        ),
    ] = None,
    beta: Annotated[
        float | None,
        typer.Option(
            help="β of the loop, whose theory the log is held against.", rich_help_panel=_KNOWN
        ),
    ] = None,
    beta_convention: options.BetaConvention = "signal",
    alpha: Annotated[
        float | None, typer.Option(help="α of that loop.", rich_help_panel=_KNOWN)
    ] = None,
    lam: Annotated[
        float | None, typer.Option(help="λ of that loop (default: 1).", rich_help_panel=_KNOWN)
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(help="ipo (default) or dpo, of that loop.", rich_help_panel=_KNOWN),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            callback=options.lower_case,
            help="Which pairs a round of that loop compares (default: product), one that alignsim "
            "samplers lists.",
            rich_help_panel=_KNOWN,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    progress: options.Progress = True,
    out: Annotated[Path | None, typer.Option(help="Write the findings too (.json).")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Tell from the logged rounds of a real loop whether it converges, cycles or drifts.

    Estimates by how much a deviation shrinks and turns each round, with intervals of 95 %; where
    they do not decide, how many more rounds are needed at least; and which β would calm the loop.
    """
    from alignsim.cli import outputs

    outputs.check(out, "--out", outputs.FINDINGS, log[0])
    of_loop: dict[str, object] = {
        "--beta": beta,
        "--alpha": alpha,
        "--lam": lam,
        "--objective": objective,
        "--sampler": sampler,
    }
    if preferences is None:
        options.refuse(of_loop, "there are no --preferences")
    elif beta is None or alpha is None:
        options.refuse(of_loop, "theory needs both --beta and --alpha")
    from alignsim import reports
    from alignsim.feedback import FeedbackMap

    source: Any = {str(path): path for path in log} if each else log if log[1:] else log[0]
    known: dict[str, Any] = {}
    if preferences is not None:
        P = _aligned(preferences, log[0], n, quantity, response)
        known = {"P": P}
        if beta is not None and alpha is not None:
            name = (objective or "ipo").lower()
            beta = options.strength(beta, "--beta", beta_convention, file=preferences)
            share = 1.0 if lam is None else lam
            loop = FeedbackMap(
                P, objective=name, sampler=sampler or "product", beta=beta, alpha=alpha, lam=share
            )
            known = {"loop": loop}
    found = reports.diagnose(
        source,
        n,
        quantity=quantity,
        response=response,
        rest_is_uniform=rest_is_uniform,
        rng=seed,
        progress=options.shows_progress(quiet, progress),
        **known,
    )
    findings = list(_findings(found))
    if out is not None:
        import json

        outputs.save_text(json.dumps(findings, indent=2, ensure_ascii=False), out)
    if not quiet:
        from alignsim.cli import reports as printed
        from alignsim.errors import writable

        for place, finding in enumerate(findings):
            one = found.reshaped((-1,)).taken(place)
            name = log[0].name if finding["name"] == "log" else finding["name"]
            printed.print_rows(writable(str(name)), one.rows())
        printed.print_saved(out)


def _aligned(
    file: Path, log: Path, n: float | None, quantity: str, response: str | None
) -> FloatArray:
    """Return the matrix of a file, its responses in the order of a log's."""
    from alignsim.cli import inputs
    from alignsim.errors import listed
    from alignsim.reports.diagnosis.reading import Reading, logs_of

    subject = inputs.subject(file, options.Source(), options.Cycle())
    labels = list(subject.labels)
    columns = logs_of(log, Reading(n, quantity, response))[0][0].labels
    if labels == inputs.response_names(len(labels)) or quantity != "shares":
        return subject.P
    if set(columns) != set(labels):
        told = (
            f"{file} holds preferences of {listed(labels)}, and {log} shares of {listed(columns)}"
        )
        raise ValueError(f"{told}; call the responses alike")
    order = [labels.index(name) for name in columns]
    return subject.P[order][:, order]


def _findings(found: Diagnosis) -> Iterator[dict[str, Any]]:
    """Yield what was found of each loop, in plain numbers and words; angles in degrees."""
    flat = found.reshaped((-1,))

    def plain(value: Any) -> Any:
        numbers = [None if math.isnan(x) else str(x) if math.isinf(x) else x for x in value.flat]
        return numbers if value.ndim else numbers[0]

    for place in range(len(flat.verdict)):
        one = flat.taken(place)
        words = {name: str(one.words(name)) for name in ("verdict", "evidence")}
        texts = {name: str(getattr(one, name)) for name in ("sentence", "remedy")}
        values = {
            name: plain(getattr(one, name))
            for name in (
                "rho",
                "rho_interval",
                "alpha",
                "alpha_interval",
                "beta_factor",
                "beta_factor_interval",
                "amplitude",
                "more_rounds",
                "theory_rho",
                "theory_alpha",
            )
        }
        angles = {
            f"{name}_degrees": plain(getattr(one, name) * 180.0 / math.pi)
            for name in ("theta", "theta_interval", "theory_theta")
        }
        counts = {"rounds": int(one.rounds), "runs": int(one.runs)}
        yield {"name": str(one.names), **words, **texts, **values, **angles, **counts}
