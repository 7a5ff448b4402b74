"""Complaints on one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

_BAD_INPUT = (ValueError, OSError, MemoryError, OverflowError)

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""Typer's own complaint about arguments, a class that it does not export."""


class OneLineErrors(TyperGroup):
    """Commands that say what is wrong on one line of standard error and exit with 2."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Parse what stands before the command."""
        if not args:
            return super().make_context(info_name, args, parent, **extra)
        with _one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Parse what stands after the command, and run it."""
        with _one_line():
            return super().invoke(ctx)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except _BAD_INPUT as error:
        message = str(error) or type(error).__name__
    except _USAGE_ERROR as error:
        command = error.ctx.command_path if error.ctx else "alignsim"
        message = f"{error.format_message().rstrip('.')} (see {command} --help)"
    else:
        return
    typer.echo(f"alignsim: {' '.join(message.split())}", err=True)
    raise typer.Exit(2)
