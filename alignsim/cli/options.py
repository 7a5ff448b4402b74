"""Arguments that several commands take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

PICTURES_HELP = "Picture to write (.png, .pdf, .svg)."

MatrixFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="A preference matrix (.npy, .npz, .json) or pairwise votes (.csv, .jsonl...). "
        "Without it: rock-paper-scissors.",
        show_default=False,
    ),
]
Key = Annotated[str | None, typer.Option(help="Which entry of an .npz or .json file.")]
Index = Annotated[int | None, typer.Option(help="Which matrix of a stack, counted from 0.")]
Responses = Annotated[
    int | None, typer.Option(help="Without FILE: size of the cycle, odd (default: 3).")
]
Advantage = Annotated[
    float | None,
    typer.Option(help="Without FILE: by how much a winner beats ½ (default: 0.3)."),
]
Smoothing = Annotated[
    float | None, typer.Option(help="Votes: pseudo-votes added to each pair (default: 0).")
]
Objective = Annotated[str, typer.Option(help="ipo or dpo.")]
Alpha = Annotated[float, typer.Option(help="α, share of the last policy in the reference, 0 to 1.")]
Lam = Annotated[float, typer.Option(help="λ, on-policy share of the sampler, 0 to 1.")]
Rounds = Annotated[int, typer.Option(max=10**9, help="How many rounds the loop goes.")]
Data = Annotated[Path | None, typer.Option(help="Write the numbers too (.nc, .csv).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def refuse(given: Mapping[str, object], because: str) -> None:
    """Raise ValueError for the first option that is given although it says nothing here."""
    for option, value in given.items():
        if value is not None:
            raise ValueError(f"{option} is {value!r}, but {because}; leave it out")
