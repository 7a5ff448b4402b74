"""``alignsim objectives``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from alignsim.cli.app import app

if TYPE_CHECKING:
    from alignsim.objectives import Objective


@app.command(epilog="Example: alignsim objectives rlhf")
def objectives(
    name: Annotated[
        str | None, typer.Argument(help="One of them: all that is known of it.")
    ] = None,
) -> None:
    """List the objectives of a round, or all that is known of one: its optimum, what is proved.

    π is the policy, ref the reference, μ the sampler of pairs, β the strength of the signal.
    """
    from alignsim.cli import reports
    from alignsim.objectives import OBJECTIVES, naming
    from alignsim.objectives.contract import named

    if name is None:
        reports.print_listing(naming.objectives_table())
        return
    of = named(name.lower(), OBJECTIVES)
    reports.print_rows(of.name, _rows(of))


def _rows(of: Objective) -> Iterator[tuple[str, str]]:
    """Yield what there is to say of an objective."""
    from alignsim.cli import reports
    from alignsim.objectives import naming
    from alignsim.objectives.contract import FORMS

    yield "optimum", naming.summary(of)
    yield "class", FORMS[of.form]
    yield "analysable in loops", naming.analysable(of)
    yield from reports.inputs(of)
    for what, source in naming.proved(of).items():
        yield what, f"proved: {source}"
    yield "source", of.source
