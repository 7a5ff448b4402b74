"""``alignsim explore``."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated, Any

import typer

from alignsim.cli import options
from alignsim.cli.app import app

GARBAGE_AFTER = 50_000
"""As of other commands, but for a process that may go on for days and answer many questions."""


@app.command(epilog="Example: alignsim explore votes.csv --beta 8")
@options.expanded
def explore(
    file: options.Preferences = None,
    *,
    source: options.Source,
    cycle: options.Cycle,
    objective: Annotated[
        str | None,
        typer.Option(callback=options.lower_case, help="What a round optimises (default: ipo)."),
    ] = None,
    sampler: options.Sampler = "product",
    beta: Annotated[
        float | None, typer.Option(help="β with which the page begins, signal convention.")
    ] = None,
    lam: Annotated[float | None, typer.Option(help="λ with which the page begins.")] = None,
    method: options.Method,
    host: Annotated[
        str,
        typer.Option(help="Address to serve; any but this machine's own lets others compute here."),
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to serve (default: 8420 or a free one)."),
    ] = None,
    browse: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write the page instead, which then computes in the browser: NAME.html for one "
            "file, or a folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Open a page on which you drag the parameters of a loop and see at once what it does.

    Ctrl-C ends it.
    """
    from alignsim.explorer import page

    if sampler != "product":
        options.refuse({"--sampler": sampler}, "the loops of the page have the sampler product")
    given = {**method.given, "beta": beta, "lam": lam}
    said = [file, method.named, objective, *given.values()]
    loop: dict[str, Any] = {}
    if any(options.given(cycle).values()) or any(value is not None for value in said):
        from alignsim.cli import inputs

        subject = inputs.subject(file, source, cycle)
        loop = {"P": subject.P, "labels": subject.labels, "method": method.name}
        loop["objective"] = objective or "ipo"
    else:
        options.refuse(options.given(source), "there is no FILE")
    if export is not None:
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        typer.echo(f"wrote {page.export(export, **loop, **values)}")
        return
    fragment = ""
    if loop:
        from alignsim.explorer.links import link

        fragment = link(**loop, values=given)
    try:
        from alignsim.explorer.running import serve
    except ModuleNotFoundError as error:
        raise ValueError(f"explore needs {error.name}; install alignsim[explore]") from None
    gc.set_threshold(GARBAGE_AFTER)
    try:
        serve(fragment, host=host, port=port, browse=browse, tell=_tell)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _tell(address: str) -> None:
    typer.echo(f"The explorer is at {address} (Ctrl-C ends it)")
