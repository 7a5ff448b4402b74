"""``alignsim phase-diagram``."""

from __future__ import annotations

import functools
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignsim.cli import executors, options
from alignsim.cli.app import app

if TYPE_CHECKING:
    from alignsim.sweeps.axes import Axis, Family, ParameterAxis

ROUNDS = 3000

ALPHA = 0.6
"""Of MRS, if none is given."""

BETA_MAX = 12.0

BETA_LIMIT = 1e6
"""As far as β is drawn, like the largest η that advice is given for."""

AXIS = "A parameter and its range, such as mixup,0,1, or beta,0.1,100,log"

of_axes = functools.partial(typer.Option, rich_help_panel="Axes")

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
    sampler: options.Sampler = "product",
    method: options.Method,
    x: Annotated[str | None, of_axes(help=f"{AXIS} (default: beta,0,{BETA_MAX:g}).")] = None,
    y: Annotated[str | None, of_axes(help=f"{AXIS} (default: lam,0,1).")] = None,
    beta: Annotated[
        float | None, typer.Option(help="β, strength of the preference signal, if on no axis.")
    ] = None,
    lam: Annotated[
        float | None,
        typer.Option(help="λ, on-policy share of the sampler, if on no axis (default: 1)."),
    ] = None,
    beta_max: Annotated[
        float | None,
        of_axes(
            help=f"Short for --x beta,0,MAX, with a MAX of at most {BETA_LIMIT:g}; in TRL's "
            "convention this is the smallest beta."
        ),
    ] = None,
    beta_convention: options.BetaConvention = "signal",
    lam_max: Annotated[float | None, of_axes(help="Short for --y lam,0,MAX.")] = None,
    x_points: Annotated[
        int, of_axes("--x-points", "--beta-points", min=2, help="How many values on x.")
    ] = 200,
    y_points: Annotated[
        int, of_axes("--y-points", "--lam-points", min=2, help="How many values on y.")
    ] = 100,
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
    workers: executors.Workers = None,
    scheduler: executors.Scheduler = None,
    progress: options.Progress = True,
    quiet: options.Quiet = False,
) -> None:
    """Draw where the loop converges, oscillates, drifts or collapses, over two parameters.

    The stability boundary is drawn over it, between points of exact spectral radius, and the
    closed form where one is known.
    """
    from alignsim.cli import outputs

    outputs.check(out, "--out", outputs.PICTURES, file)
    outputs.check(data, "--data", outputs.TABLES, file)
    executors.check(workers, scheduler)
    from alignsim import validation
    from alignsim.cli import inputs
    from alignsim.feedback.threads import available_threads
    from alignsim.kernels import ahead
    from alignsim.objectives.samplers import sampler_named
    from alignsim.plotting.palette import QUANTITIES
    from alignsim.sweeps import findings, sweep
    from alignsim.sweeps.axes import family

    known = BY_STABILITY if by == "stability" else ("phase", *QUANTITIES)
    validation.choice(value, "--value", known)
    if by == "stability":
        options.refuse({"--rounds": rounds}, "--by stability runs no rounds")
    total = None if rounds is None else validation.integer(rounds, "--rounds", minimum=1)
    loops = family(method.name, objective, sampler)
    most = options.strength_or(BETA_MAX, beta_max, "--beta-max", beta_convention, file=file)
    inputs.require_end(most, "--beta-max", limit=BETA_LIMIT)
    inputs.require_end(1.0 if lam_max is None else lam_max, "--lam-max", limit=1.0)
    if x is not None:
        options.refuse({"--beta-max": beta_max}, "--x says what is on this axis")
    if y is not None:
        options.refuse({"--lam-max": lam_max}, "--y says what is on this axis")
    if y is None and "lam" not in sampler_named(sampler).takes:
        told = f"--y is missing, and λ is no axis, as sampler {sampler!r} draws no share from π"
        raise ValueError(f"{told}; give one, such as --y alpha,0,0.9")
    across = _axis(loops, "--x", x, ("beta", 0.0, most))
    up = _axis(loops, "--y", y, ("lam", 0.0, 1.0 if lam_max is None else lam_max))
    if across.name == up.name:
        raise ValueError(f"--x and --y are both {up.name}; give another --x or --y")
    if beta is not None:
        beta = options.strength(beta, "--beta", beta_convention, file=file)
    given: dict[str, Any] = {"beta": beta, "lam": lam, **method.parameters()}
    for option, axis in (("--x", across), ("--y", up)):
        on_it = {f"--{axis.name}".replace("_", "-"): given.get(axis.name)}
        options.refuse(on_it, f"{option} runs over it")
    given = method.parameters(alpha=ALPHA) | given
    given |= {across.name: across.spread(x_points), up.name: up.spread(y_points)}
    subject = inputs.subject(file, source, cycle)
    if (by, objective, method.name) == ("orbit", "ipo", "mrs") and available_threads() > 1:
        ahead.compile_ahead(subject.P.shape[-1])
    drawing = threading.Thread(target=_import_drawing, daemon=True)
    drawing.start()
    with executors.opened(workers, scheduler) as executor:
        found = sweep(
            subject.P,
            method=method.name,
            objective=objective,
            sampler=sampler,
            by=by,
            rounds=total,
            progress=options.shows_progress(quiet, progress),
            executor=executor,
            **given,
        )
    drawing.join()
    from matplotlib.figure import Figure

    from alignsim import plotting

    for axis in (across, up):
        if axis.scale == "log":
            found[axis.name].attrs["scale"] = axis.scale
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    ax = plotting.phase_diagram(
        found, x=across.name, y=up.name, value=value, ax=figure.add_subplot()
    )
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
    for name in ("xarray", "matplotlib.figure", "matplotlib.backends.backend_agg", "rich.table"):
        import_module(name)


def _axis(loops: Family, option: str, text: str | None, usual: Axis) -> ParameterAxis:
    """Return the axis that an option gives, or the usual one."""
    from alignsim.errors import quote
    from alignsim.sweeps.axes import parameter_axis

    if text is None:
        return parameter_axis(usual, option, loops)
    name, *ends = (part.strip() for part in text.split(","))
    try:
        low, high, scale = float(ends[0]), float(ends[1]), ends[2:]
    except (ValueError, IndexError):
        told = f"{option} is {quote(text)}"
        raise ValueError(f"{told}; give a parameter and its range, such as beta,0,12") from None
    return parameter_axis((name, low, high, *scale), option, loops)
