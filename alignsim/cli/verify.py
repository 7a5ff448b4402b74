"""``alignsim verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignsim.cli import options
from alignsim.cli.app import app

QUICK_TRIALS = 60


@app.command(epilog="Example: alignsim verify 'ipo-*' --trials 1000 --out report.xml")
def verify(
    select: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CLAIM",
            help="Names of claims ('*' and '?' allowed) or paper, literature, derived; "
            "without any: all of them.",
            show_default=False,
        ),
    ] = None,
    *,
    trials: Annotated[
        int, typer.Option(help="Instances for each claim; costly ones get a tenth.")
    ] = 1000,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"{QUICK_TRIALS} trials, for a minute.")
    ] = False,
    seed: Annotated[int, typer.Option(help="From which the instances are drawn.")] = 0,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Check the one instance saved in FILE instead."),
    ] = None,
    worst: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Save the worst instance of each claim there."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a report (.json, .xml).")] = None,
    quiet: options.Quiet = False,
) -> None:
    """Check every theorem numerically, and say how hard it was tried.

    Exits with 1 if a claim does not pass.
    """
    from alignsim.cli import outputs

    outputs.check(out, "--out", outputs.REPORTS, replay)
    from alignsim import claims

    if replay is None:
        count = QUICK_TRIALS if quick else trials
        report = claims.verify(select or None, count, seed, progress=not quiet)
    else:
        report = claims.Report((claims.replay(replay),), 1, seed)
    saved = [claims.save_worst(result, worst) for result in report.results] if worst else []
    if out is not None:
        text = report.to_json() if out.suffix.lower() == ".json" else report.to_junit()
        outputs.save_text(text, out)
    if not quiet:
        from alignsim.cli import reports

        reports.print_verification(report)
        reports.print_saved(out, *saved[:1])
    if not report.passed:
        raise typer.Exit(1)
