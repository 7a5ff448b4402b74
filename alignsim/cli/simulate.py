"""``alignsim simulate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignsim.cli import options
from alignsim.cli.app import app

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from alignsim.feedback import Trajectory


ALPHA, BETA = 0.6, 8.0
"""Where none is given: α of MRS, and β."""


@app.command(epilog="Example: alignsim simulate --beta 8 --start 0.8,0.1,0.1 --picture simplex")
@options.expanded
def simulate(
    file: options.Preferences = None,
    *,
    source: options.Source,
    cycle: options.Cycle,
    objective: options.Objective = "ipo",
    sampler: options.Sampler = "product",
    beta: Annotated[
        float | None,
        typer.Option(
            help=f"β, strength of the preference signal (default: {BETA:g}); left out where the "
            "parameters of a method give it."
        ),
    ] = None,
    beta_convention: options.BetaConvention = "signal",
    method: options.Method,
    lam: options.Lam = 1.0,
    rounds: Annotated[
        int,
        typer.Option(
            max=10**9,
            help="How many rounds the loop goes. Of very many (over 100,000 of three responses) a "
            "sample is drawn and saved; the printed results are of all.",
        ),
    ] = 3000,
    start: Annotated[
        str | None,
        typer.Option(
            help="First policy, probabilities separated by commas "
            "(default: uniform, moved slightly)."
        ),
    ] = None,
    picture: Annotated[
        str, typer.Option(callback=options.lower_case, help="timeline or simplex.")
    ] = "timeline",
    time: Annotated[
        str | None, typer.Option(help="Scale of the timeline: log (default) or linear.")
    ] = None,
    out: options.Out = Path("orbit.png"),
    data: options.Data = None,
    quiet: options.Quiet = False,
) -> None:
    """Follow one loop round by round, and tell what it does in the long run."""
    from alignsim.cli import outputs

    outputs.check(out, "--out", outputs.PICTURES, file)
    outputs.check(data, "--data", outputs.TABLES, file)
    from alignsim import validation
    from alignsim.cli import inputs, reports
    from alignsim.sweeps.axes import family

    validation.choice(picture, "--picture", ("timeline", "simplex"))
    if picture == "simplex":
        options.refuse({"--time": time}, "--picture simplex has no scale of time")
    scale = validation.choice((time or "log").lower(), "--time", ("linear", "log"))
    validation.integer(rounds, "--rounds", minimum=1)
    loops = family(method.name, objective, sampler)
    given = {**method.parameters(alpha=ALPHA), "lam": lam}
    if beta is not None:
        given["beta"] = options.strength(beta, "--beta", beta_convention, file=file)
    elif "beta" in loops.names:
        given["beta"] = BETA
    values = loops.checked(given)
    subject = inputs.subject(file, source, cycle)
    if picture == "simplex" and len(subject.labels) == 2:
        raise ValueError(
            f"--picture is {picture!r}, but the simplex of two responses is a line; use 'timeline'"
        )
    loop = loops.loop(subject.P, values, objective=objective, sampler=sampler)
    first = None if start is None else inputs.probabilities(start)
    loop.with_start(first)  # refuses a bad start before the rounds are laid out
    orbit = loop.run(first, rounds, keep=inputs.kept_rounds(rounds, loop.responses))
    if orbit.failed:
        raise ValueError(f"the loop failed: {orbit.reason()}")
    title = f"{subject.name}: {loops.title(values)}"
    figure = _draw(orbit, subject.labels, picture, scale)
    figure.axes[0].title.set_text(title)
    outputs.save_picture(figure, out)
    outputs.save_data(orbit.to_xarray().assign_coords(response=list(subject.labels)), data)
    if not quiet:
        from alignsim.analysis import classify

        seen = classify(loop, first)
        rows = reports.long_run_rows(seen) + reports.orbit_rows(orbit, seen, subject.labels)
        reports.print_notes(subject.notes)
        reports.print_rows(f"{title}, {rounds:,} rounds", rows)
        reports.print_convention()
        reports.print_saved(out, data)


def _draw(orbit: Trajectory, labels: Sequence[str], picture: str, time: str) -> Figure:
    from matplotlib.figure import Figure

    from alignsim import plotting

    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    if picture == "timeline":
        axes = figure.subplots(2, sharex=True, height_ratios=(2, 1))
        plotting.timeline(orbit, labels=labels, time=time, ax=axes)
        return figure
    import mpltern  # noqa: F401  (makes the projection known)

    projection = "ternary" if orbit.logits.shape[-1] == 3 else None
    plotting.simplex(orbit, labels=labels, ax=figure.add_subplot(projection=projection))
    return figure
