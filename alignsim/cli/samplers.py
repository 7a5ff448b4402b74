"""``alignsim samplers``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from alignsim.cli.app import app

if TYPE_CHECKING:
    from alignsim.objectives.samplers import Sampler


@app.command(epilog="Example: alignsim samplers pilaf")
def samplers(
    name: Annotated[
        str | None, typer.Argument(help="One of them: all that is known of it.")
    ] = None,
) -> None:
    """List the samplers of pairs, or all that is known of one: which pairs a round compares.

    π is the policy, π_ref the reference, π_off the offline policy, λ the on-policy share, β the
    strength of the signal.
    """
    from alignsim.cli import reports
    from alignsim.objectives.samplers import sampler_named, table

    if name is None:
        reports.print_listing(table.samplers())
        return
    of = sampler_named(name.lower())
    reports.print_rows(of.name, _rows(of))


def _rows(of: Sampler) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of a sampler."""
    from alignsim.cli import reports

    yield "pairs", of.draws
    yield from reports.inputs(of)
    if "pair_weights" in of.AXES:
        yield "pair_weights", "one number a pair, in Python"
    yield "source", of.source
