"""``alignsim inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignsim.cli import options
from alignsim.cli.app import app

_RATINGS = "Ratings"
_VOTES = "Votes"
_LOOP = "Loop"


@app.command(
    epilog="Example: alignsim inspect votes.csv --left model_a --right model_b --winner winner"
)
def inspect(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Ratings, pairwise votes or matrices.")
    ],
    *,
    key: options.Key = None,
    prompt: Annotated[str | None, typer.Option(help="Column of the prompt.")] = None,
    response: Annotated[
        str | None, typer.Option(help="Column of the response.", rich_help_panel=_RATINGS)
    ] = None,
    rater: Annotated[
        str | None, typer.Option(help="Column of the rater.", rich_help_panel=_RATINGS)
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option(help="An attribute to use; may be repeated.", rich_help_panel=_RATINGS),
    ] = None,
    attribute_column: Annotated[
        str | None,
        typer.Option(help="One score a row: column of the attribute.", rich_help_panel=_RATINGS),
    ] = None,
    score_column: Annotated[
        str | None,
        typer.Option(help="One score a row: column of the score.", rich_help_panel=_RATINGS),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="How scores become preferences: random-attribute, mean, mean-score or votes.",
            rich_help_panel=_RATINGS,
        ),
    ] = "random-attribute",
    temperature: Annotated[
        float, typer.Option(help="Divides score differences.", rich_help_panel=_RATINGS)
    ] = 1.0,
    subsets: Annotated[
        int | None,
        typer.Option(help="Take every set of so many responses.", rich_help_panel=_RATINGS),
    ] = None,
    rounding: Annotated[
        str | None,
        typer.Option(help="nearest: round the raters' mean scores.", rich_help_panel=_RATINGS),
    ] = None,
    left: Annotated[
        str | None, typer.Option(help="Column of one side.", rich_help_panel=_VOTES)
    ] = None,
    right: Annotated[
        str | None, typer.Option(help="Column of the other side.", rich_help_panel=_VOTES)
    ] = None,
    winner: Annotated[
        str | None, typer.Option(help="Column of the outcome.", rich_help_panel=_VOTES)
    ] = None,
    judges: Annotated[
        list[str] | None,
        typer.Option(
            help="Instead of --winner: column of one judge's outcomes; may be repeated.",
            rich_help_panel=_VOTES,
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="Column that names the judge.", rich_help_panel=_VOTES)
    ] = None,
    codes: Annotated[
        str | None,
        typer.Option(
            help="What outcomes mean, such as left=1,right=2,tie=0.", rich_help_panel=_VOTES
        ),
    ] = None,
    min_votes: Annotated[
        int, typer.Option(help="Votes that each pair needs.", rich_help_panel=_VOTES)
    ] = 1,
    smoothing: Annotated[
        float, typer.Option(help="Pseudo-votes added to each pair.", rich_help_panel=_VOTES)
    ] = 0.0,
    objective: Annotated[str, typer.Option(help="ipo or dpo.", rich_help_panel=_LOOP)] = "ipo",
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
    from alignsim import analysis, preferences

    data = preferences.read(
        file,
        key=key,
        prompt=prompt,
        response=response,
        rater=rater,
        attributes=attribute or None,
        attribute=attribute_column,
        score=score_column,
        left=left,
        right=right,
        winner=winner,
        judges=judges or None,
        judge=judge,
        codes=None if codes is None else inputs.codes(codes),
    )
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
