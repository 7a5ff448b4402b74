"""``alignsim phase-diagram``."""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from alignsim.cli import options
from alignsim.cli.app import app

ROUNDS = 3000

BETA_MAX = 12.0

BETA_LIMIT = 1e6
"""As far as β is drawn, like the largest η that advice is given for."""

BY_STABILITY = ("phase", "spectral_radius")
"""What can be drawn without running the loop."""


@app.command(
    "phase-diagram",
    epilog="Example: alignsim phase-diagram --alpha 0.8 --beta-max 20 --out phases.png",
)
@options.expanded
def phase_diagram(
    file: options.Preferences = None,
    *,
    source: options.Source,
    cycle: options.Cycle,
    objective: options.Objective = "ipo",
    alpha: options.Alpha = 0.6,
    beta_max: Annotated[
        float | None,
        typer.Option(
            help=f"β runs from 0 to this, at most {BETA_LIMIT:g} (default: {BETA_MAX:g}); in TRL's "
            "convention this is the smallest beta."
        ),
    ] = None,
    beta_convention: options.BetaConvention = "signal",
    lam_max: Annotated[float, typer.Option(help="λ runs from 0 to this, at most 1.")] = 1.0,
    beta_points: Annotated[int, typer.Option(min=2, help="How many values of β.")] = 200,
    lam_points: Annotated[int, typer.Option(min=2, help="How many values of λ.")] = 100,
    by: Annotated[
        str,
        typer.Option(
            callback=options.lower_case,
            help="What labels a cell: orbit (the loop is run), stability (of its fixed point, "
            "exact) or both, with hatches where they disagree.",
        ),
    ] = "orbit",
    rounds: Annotated[
        int | None,
        typer.Option(max=10**9, help=f"How many rounds the loop goes (default: {ROUNDS})."),
    ] = None,
    value: Annotated[
        str,
        typer.Option(
            help="What to draw: phase, entropy_mean, entropy or effective_support (of the last "
            "round), cycle_strength, spectral_radius; by stability: phase or spectral_radius."
        ),
    ] = "phase",
    out: options.Out = Path("phase-diagram.png"),
    data: options.Data = None,
    progress: options.Progress = True,
    quiet: options.Quiet = False,
) -> None:
    """Draw where the loop converges, oscillates, drifts or collapses, over β and λ.

    The stability boundary is drawn over it, between points of exact spectral radius, and the
    closed form where one is known.
    """
    from alignsim.cli import outputs

    outputs.check(out, "--out", outputs.PICTURES, file)
    outputs.check(data, "--data", outputs.TABLES, file)
    from alignsim import validation
    from alignsim.cli import inputs
    from alignsim.plotting.palette import QUANTITIES
    from alignsim.sweeps import findings, sweep

    known = BY_STABILITY if by == "stability" else ("phase", *QUANTITIES)
    validation.choice(value, "--value", known)
    if by == "stability":
        options.refuse({"--rounds": rounds}, "--by stability runs no rounds")
    total = None if rounds is None else validation.integer(rounds, "--rounds", minimum=1)
    subject = inputs.subject(file, source, cycle)
    most = options.strength_or(BETA_MAX, beta_max, "--beta-max", beta_convention, file=file)
    drawing = threading.Thread(target=_import_drawing, daemon=True)
    drawing.start()
    found = sweep(
        subject.P,
        objective=objective,
        alpha=alpha,
        beta=inputs.axis(most, "--beta-max", beta_points, limit=BETA_LIMIT),
        lam=inputs.axis(lam_max, "--lam-max", lam_points, limit=1.0),
        by=by,
        rounds=total,
        progress=options.shows_progress(quiet, progress),
    )
    drawing.join()
    from matplotlib.figure import Figure

    from alignsim import plotting

    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    ax = plotting.phase_diagram(found, value=value, ax=figure.add_subplot())
    title = f"{subject.name}: {ax.get_title()}"
    ax.title.set_text(title)
    outputs.save_picture(figure, out)
    outputs.save_data(found, data)
    if not quiet:
        from alignsim.cli import reports

        reports.print_notes(subject.notes)
        reports.print_rows(title, findings(found))
        reports.print_convention()
        reports.print_saved(out, data)


def _import_drawing() -> None:
    """Import what draws and writes, which takes a second, while kernels hold no lock."""
    import_module("matplotlib.figure")
    import_module("xarray")
