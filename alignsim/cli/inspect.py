"""``alignsim inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignsim.cli import options
from alignsim.cli.app import app

BETA_MAX = 100.0


@app.command(
    epilog="Example: alignsim inspect votes.csv --left model_a --right model_b --winner winner"
)
@options.expanded
def inspect(
    file: Annotated[
        Path,
        options.file_argument(
            "FILE", f"Preferences: {options.TABLES_HELP}, or {options.MATRICES_HELP}."
        ),
    ],
    *,
    source: options.Source,
    rounding: Annotated[
        str | None, options.of_ratings(help="nearest: round the raters' mean scores.")
    ] = None,
    exact: options.Exact = False,
    min_votes: Annotated[
        int | None, options.of_votes(help="With --exact: votes that each pair needs (default: 1).")
    ] = None,
    objective: options.Objective = "ipo",
    sampler: options.Sampler = "product",
    method: options.Method,
    lam: options.Lam = 1.0,
    beta_max: Annotated[
        float | None,
        typer.Option(
            help=f"How far β is searched (default: {BETA_MAX:g}); in TRL's convention this is the "
            "smallest beta."
        ),
    ] = None,
    beta_convention: options.BetaConvention = "signal",
    seed: Annotated[
        int | None, typer.Option(help="Seed of the draws and of the recipe (default: 0).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the findings too (.json).")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Tell what is in preference data, and at which β a loop on it starts to oscillate.

    Votes are a sample, so what they say comes with probabilities and intervals.
    Columns are guessed where they are not named.
    """
    from alignsim.cli import inputs, outputs
    from alignsim.errors import writable

    outputs.check(out, "--out", outputs.FINDINGS, file)
    from alignsim import reports

    data = inputs.read(file, source.key, source)
    recipe, subsets, temperature = source.recipe, source.subsets, source.temperature
    if source.index is not None:
        data = inputs.picked(data, file, source)
        options.refuse({"--rounding": rounding}, "--index picks one matrix")
        recipe = subsets = temperature = None
    most = options.strength_or(BETA_MAX, beta_max, "--beta-max", beta_convention, file=file)
    found = reports.inspect(
        data,
        objective=objective,
        sampler=sampler,
        method=method.named,
        lam=lam,
        beta_max=most,
        rng=seed,
        recipe=recipe,
        temperature=temperature,
        subsets=subsets,
        rounding=rounding,
        exact=exact,
        smoothing=source.smoothing,
        min_votes=min_votes,
        **method.given,
    )
    outputs.save_findings(found, out)
    if not quiet:
        from alignsim.cli import reports as printed

        printed.print_notes(inputs.notes(data))
        printed.print_inspection(writable(file.name), found)
        printed.print_convention()
        printed.print_saved(out)
