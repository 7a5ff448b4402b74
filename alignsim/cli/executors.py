"""Who computes a command, and where it keeps what is finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from alignsim.cli import options
from alignsim.errors import quote

Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that compute (default: this one).")
]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a dask scheduler whose workers compute instead.")
]
KeptIn = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Folder (Zarr) that keeps every finished chunk, whatever happens."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with what is in --store, where it ended.")
]


def check(workers: int | None, scheduler: str | None) -> None:
    """Refuse workers of two kinds."""
    if scheduler is not None:
        options.refuse({"--workers": workers}, "--scheduler has workers of its own")


def check_store(store: Path | None, *, resume: bool, dry_run: bool = False) -> None:
    """Refuse to go on with nothing, or with something unless that is asked for."""
    if store is None:
        options.refuse({"--resume": resume}, "there is no --store to go on with")
    elif store.exists() and not resume and not dry_run:
        raise ValueError(f"--store is {quote(str(store))}, which exists; pass --resume to go on")


@contextmanager
def opened(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """Yield who computes; what goes wrong there is said on one line."""
    from alignsim.sweeps import WorkersLostError, WrongWorkerError

    try:
        if scheduler is None:
            yield workers
            return
        try:
            from distributed import Client
        except ImportError:
            remedy = "pip install 'alignsim[cluster]'"
            raise ValueError(f"--scheduler needs dask, which is not installed: {remedy}") from None
        with Client(scheduler, set_as_default=False) as client:  # type: ignore[no-untyped-call, unused-ignore]
            yield client
    except (WorkersLostError, WrongWorkerError, ImportError) as error:
        told = ChildProcessError(str(error))
        for note in getattr(error, "__notes__", ()):
            told.add_note(note)
        raise told from None
