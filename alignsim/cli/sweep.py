"""``alignsim sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alignsim.cli import executors, options
from alignsim.cli.app import app

if TYPE_CHECKING:
    from alignsim.sweeps.axes import Family
    from alignsim.validation import FloatArray

ALPHA = 0.6
"""Of MRS, if none is given."""

MOST_POINTS = 10**6
"""Values of one axis."""

SHOWN = 10**8
"""Maps of which findings are shown; more would not fit into memory."""

_AXIS = "a number, FROM:TO:COUNT or a,b,c"


@app.command(
    epilog="Example: alignsim sweep matrices.npy --beta 0:12:60 --lam 0:1:40 --by stability "
    "--store study.zarr --workers 2"
)
@options.expanded
def sweep(
    file: options.Preferences = None,
    *,
    source: options.Source,
    cycle: options.Cycle,
    objective: options.Objective = "ipo",
    sampler: options.Sampler = "product",
    method: options.Method,
    beta: Annotated[
        str | None, typer.Option(help=f"β, strength of the preference signal: {_AXIS}.")
    ] = None,
    lam: Annotated[
        str | None, typer.Option(help=f"λ, on-policy share of the sampler: {_AXIS} (default: 1).")
    ] = None,
    over: Annotated[
        list[str] | None,
        typer.Option(help="A further axis, such as alpha=0:0.9:10; may be repeated."),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            callback=options.lower_case,
            help="What labels a map: orbit (the loop is run), stability (of its fixed point, "
            "exact) or both.",
        ),
    ] = "orbit",
    rounds: Annotated[
        int | None,
        typer.Option(min=0, max=10**9, help="How many rounds the loop goes (default: 3000)."),
    ] = None,
    store: executors.KeptIn = None,
    resume: executors.Resume = False,
    workers: executors.Workers = None,
    scheduler: executors.Scheduler = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many maps, bytes and seconds it would take.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Write the numbers too (.nc, .csv, .parquet).")
    ] = None,
    progress: options.Progress = True,
    quiet: options.Quiet = False,
) -> None:
    """Run or label every loop of a grid of parameters, for one matrix or each of a file.

    With --store, what is finished stays on disk whatever ends the command, and the same command
    with --resume goes on from there.
    """
    from alignsim.cli import outputs

    outputs.check(data, "--data", outputs.LONG_TABLES, file)
    outputs.check_folder(store, "--store")
    from alignsim.sweeps import export, findings
    from alignsim.sweeps import sweep as run
    from alignsim.sweeps.axes import family

    if by == "stability":
        options.refuse({"--rounds": rounds}, "--by stability runs no rounds")
    executors.check(workers, scheduler)
    executors.check_store(store, resume=resume, dry_run=dry_run)
    given = _grid(family(method.name, objective, sampler), method, beta, lam, over or [])
    name, P, notes = _matrices(file, source, cycle)
    with executors.opened(workers, scheduler) as executor:
        found = run(
            P,
            method=method.name,
            objective=objective,
            sampler=sampler,
            by=by,
            rounds=rounds,
            progress=options.shows_progress(quiet, progress),
            executor=executor,
            store=None if dry_run else store,
            dry_run=dry_run,
            **given,
        )
    if dry_run:
        typer.echo(str(found))
        return
    if data is not None:
        export(found, data)
    if not quiet:
        from alignsim.cli import reports

        reports.print_notes(notes)
        if found.phase.size <= SHOWN:
            reports.print_rows(name, findings(found))
        reports.print_convention()
        reports.print_saved(*filter(None, (store, data)))


def _grid(
    loops: Family, method: options.Method, beta: str | None, lam: str | None, over: list[str]
) -> dict[str, Any]:
    """Return all parameters, each a number or several."""
    from alignsim.errors import quote

    axes: dict[str, Any] = {}
    for text in over:
        name, equals, values = text.partition("=")
        if not equals or name not in loops.names:
            known = ", ".join(loops.names)
            raise ValueError(f"--over is {quote(text)}; write NAME=FROM:TO:COUNT, of {known}")
        options.refuse({f"--{name}": {"beta": beta, "lam": lam}.get(name)}, "--over runs over it")
        options.refuse({f"--{name}": method.given.get(name)}, "--over runs over it")
        axes[name] = values_of(values, "--over")
    for name, given in (("beta", beta), ("lam", lam)):
        if given is not None:
            axes[name] = values_of(given, f"--{name}")
    usual = {} if "alpha" in axes else {"alpha": ALPHA}
    return {**method.parameters(**usual), **axes}


def values_of(text: str, option: str) -> Any:
    """Return a number, or the several numbers, that a text stands for.

    >>> values_of("2", "--beta"), values_of("0:1:3", "--lam"), values_of("1,4", "--beta")
    (2.0, [0.0, 0.5, 1.0], [1.0, 4.0])
    """
    import numpy as np

    from alignsim.errors import quote

    try:
        if ":" in text:
            low, high, count = text.split(":")
            if not 2 <= int(count) <= MOST_POINTS:
                raise ValueError
            return np.linspace(float(low), float(high), int(count)).tolist()
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        remedy = f"give {_AXIS}, with a COUNT from 2 to {MOST_POINTS:,}, such as 0:12:60"
        raise ValueError(f"{option} is {quote(text)}; {remedy}") from None
    return numbers if "," in text else numbers[0]


def _matrices(
    file: Path | None, source: options.Source, cycle: options.Cycle
) -> tuple[str, FloatArray, tuple[str, ...]]:
    """Return a name, one matrix or all that a file holds, and notes on how it was read."""
    from alignsim import data
    from alignsim.cli import inputs

    if file is not None and source.index is None:
        if file.suffix == ".npy" and (mapped := _mapped(file)) is not None:
            return file.stem, mapped, ()
        found = inputs.read(file, source.key, source)
        if isinstance(found, data.Matrices) and len(found) > 1:
            K = found.responses
            return file.stem, found.P.reshape(-1, K, K), found.notes
    subject = inputs.subject(file, source, cycle)
    return subject.name, subject.P, subject.notes


def _mapped(file: Path) -> FloatArray | None:
    """Return a stack of matrices that stays in its file, if that is what the file holds."""
    import numpy as np

    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    square = array.ndim == 3 and array.shape[1] == array.shape[2]
    return array if square and array.dtype.kind == "f" and array.max() <= 1.0 else None
