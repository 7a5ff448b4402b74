"""``alignsim inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignsim.cli import options
from alignsim.cli.app import app

_LOOP = "Loop"


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
    key: options.Key = None,
    columns: options.Columns,
    recipe: Annotated[
        str,
        typer.Option(
            help="How scores become preferences: random-attribute, mean, mean-score or votes.",
            rich_help_panel=options.RATINGS,
        ),
    ] = "random-attribute",
    temperature: Annotated[
        float, typer.Option(help="Divides score differences.", rich_help_panel=options.RATINGS)
    ] = 1.0,
    subsets: Annotated[
        int | None,
        typer.Option(help="Take every set of so many responses.", rich_help_panel=options.RATINGS),
    ] = None,
    rounding: Annotated[
        str | None,
        typer.Option(
            help="nearest: round the raters' mean scores.", rich_help_panel=options.RATINGS
        ),
    ] = None,
    min_votes: Annotated[
        int, typer.Option(help="Votes that each pair needs.", rich_help_panel=options.VOTES)
    ] = 1,
    smoothing: Annotated[
        float, typer.Option(help="Pseudo-votes added to each pair.", rich_help_panel=options.VOTES)
    ] = 0.0,
    objective: Annotated[
        str,
        typer.Option(callback=options.lower_case, help="ipo or dpo.", rich_help_panel=_LOOP),
    ] = "ipo",
    alpha: Annotated[
        float,
        typer.Option(
            help="α, share of the last policy in the reference, 0 to 1.", rich_help_panel=_LOOP
        ),
    ] = 0.5,
    lam: Annotated[
        float,
        typer.Option(help="λ, on-policy share of the sampler, 0 to 1.", rich_help_panel=_LOOP),
    ] = 1.0,
    beta_max: Annotated[
        float, typer.Option(help="How far β is searched.", rich_help_panel=_LOOP)
    ] = 100.0,
    resamples: Annotated[
        int,
        typer.Option(
            help="Bootstrap resamples of the votes or raters; 0 for none.", rich_help_panel=_LOOP
        ),
    ] = 200,
    seed: Annotated[
        int, typer.Option(help="Seed of the bootstrap and the recipe.", rich_help_panel=_LOOP)
    ] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the findings too (.json).")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Tell what is in preference data, and at which β a loop on it starts to oscillate.

    Columns are guessed where they are not named.
    """
    from alignsim.cli import inputs, outputs

    outputs.check(out, "--out", outputs.FINDINGS, file)
    from alignsim import analysis

    data = inputs.read(file, key, columns)
    found = analysis.inspect(
        data,
        objective=objective,
        alpha=alpha,
        lam=lam,
        beta_max=beta_max,
        resamples=resamples,
        rng=seed,
        recipe=recipe,
        temperature=temperature,
        subsets=subsets,
        rounding=rounding,
        smoothing=smoothing,
        min_votes=min_votes,
    )
    outputs.save_findings(found, out)
    if not quiet:
        from alignsim.cli import reports

        reports.print_inspection(file.name, found)
        reports.print_saved(out)
