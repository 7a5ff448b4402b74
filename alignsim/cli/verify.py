"""``alignsim verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alignsim.cli import executors, options
from alignsim.cli.app import app

TRIALS = 1000
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
        int | None,
        typer.Option(
            help=f"Instances for each claim; costly ones get a tenth (default: {TRIALS}, which "
            "take half a minute to a minute)."
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"{QUICK_TRIALS} trials, some ten seconds.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="From which the instances are drawn (default: 0).")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Check the one instance in FILE instead, one of those that --worst saved.",
        ),
    ] = None,
    worst: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Save the worst instance of each claim there, to be replayed with --replay.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a report (.json, .xml).")] = None,
    workers: executors.Workers = None,
    scheduler: executors.Scheduler = None,
    quiet: options.Quiet = False,
) -> None:
    """Check every theorem numerically, and say how hard it was tried.

    The margin of a trial tells how far it is from failing: at 0 or above,
    the claim holds. For an equation, 1 is exact agreement and 0 the
    tolerance; for an inequality, the margin is the slack.

    Exits with 1 if a claim does not pass.
    """
    from alignsim.cli import outputs

    outputs.check(out, "--out", outputs.REPORTS, replay)
    outputs.check_folder(worst, "--worst")
    executors.check(workers, scheduler)
    from alignsim import claims

    if replay is None:
        if quick:
            options.refuse({"--trials": trials}, f"--quick means {QUICK_TRIALS} trials")
        count = QUICK_TRIALS if quick else TRIALS if trials is None else trials
        shown = options.shows_progress(quiet)
        with executors.opened(workers, scheduler) as executor:
            report = claims.verify(
                select or None, count, seed or 0, progress=shown, executor=executor
            )
    else:
        idle = {"CLAIM": select, "--trials": trials, "--quick": quick, "--seed": seed,
                "--workers": workers, "--scheduler": scheduler}  # fmt: skip
        options.refuse(idle, "--replay names the one instance that is checked")
        report = claims.Report((claims.replay(replay),), 1, 0)
    if worst is not None:
        for result in report.results:
            claims.save_worst(result, worst)
    if out is not None:
        text = report.to_json() if out.suffix.lower() == ".json" else report.to_junit()
        outputs.save_text(text, out)
    if not quiet:
        from alignsim.cli import reports

        reports.print_verification(report)
        reports.print_saved(out)
        if worst is not None:
            reports.print_saved_instances(len(report.results), worst)
    if not report.passed:
        raise typer.Exit(1)
