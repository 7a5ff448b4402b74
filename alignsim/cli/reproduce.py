"""``alignsim reproduce``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from alignsim.cli import executors, options, outputs
from alignsim.cli.app import app

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from alignsim.data import Ratings
    from alignsim.experiments import ClassRates
    from alignsim.sweeps.findings import Row
    from alignsim.validation import FloatArray

LEAST = 3
RESPONSES = 4
DRAWS = 10
ROUNDING = "nearest"
"""As in theory 9: matrices of four responses, from whole scores."""

_DECIMALS = 9
"""Of the numbers that are saved; what lies below is rounding."""

_COUNTS = ["completed", "failed"]

_DRAWS_HELP = f"Draws of the recipe over which classes are counted (default: {DRAWS})."

_of_data = partial(typer.Option, rich_help_panel="Data")


class _Population(NamedTuple):
    """Matrices (m, K, K), what they are called, and the rates of their classes, if known."""

    name: str
    P: FloatArray
    rates: ClassRates | None
    notes: tuple[str, ...] = ()


@app.command(epilog="Example: alignsim reproduce train.jsonl.gz --out helpsteer")
@options.expanded
def reproduce(
    file: Annotated[
        Path | None,
        options.file_argument(
            "DATA",
            "Ratings of several responses a prompt (HelpSteer's train.jsonl.gz, .csv, .json with "
            f"a list of records...), or {options.MATRICES_HELP}. "
            "Without it: ratings that are made up.",
        ),
    ] = None,
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for the figures (.png) and their numbers (.csv).")
    ] = Path("reproduction"),
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of the recipe, and of made-up ratings (default: 0)."),
    ] = None,
    draws: Annotated[int | None, typer.Option(min=1, help=_DRAWS_HELP)] = None,
    responses: Annotated[
        int | None, _of_data(min=LEAST, help="Responses a matrix (default: 4).")
    ] = None,
    prompts: Annotated[
        int | None, _of_data(min=1, help="Without DATA: how many prompts (default: 8832).")
    ] = None,
    key: Annotated[
        list[str] | None,
        _of_data(help="Which entry of an .npz or .json file; may be repeated."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=10**9, help="Rounds of each run.")] = 3000,
    most: Annotated[
        int, typer.Option(min=1, help="Matrices of a class that are run at most.")
    ] = 800,
    ratings: options.RatingColumns,
    store: executors.KeptIn = None,
    resume: executors.Resume = False,
    workers: executors.Workers = None,
    scheduler: executors.Scheduler = None,
    progress: options.Progress = True,
    quiet: options.Quiet = False,
) -> None:
    """Run the paper's experiments on ratings: what loops do to each class of preferences.

    Each pair of responses draws an attribute and takes P = σ(score difference). The scores of
    several raters are averaged and rounded. The loops, MRS-IPO and MRS-DPO, mix the last policy
    into the reference (share α) and into the sampler (share λ). Errors of class shares are over
    draws of the recipe, all others over the matrices of one draw. Averages are over matrices
    without a failed run; failed runs are counted by their status.

    With --store, what is finished stays on disk whatever ends the command, and the same command
    with --resume goes on from there.
    """
    outputs.check_folder(out, "--out")
    outputs.check_folder(store, "--store")
    executors.check(workers, scheduler)
    executors.check_store(store, resume=resume)
    from alignsim import experiments
    from alignsim.experiments.findings import reproduction_findings

    population = _population(file, key or [], ratings, responses, prompts, seed, draws)
    shown = options.shows_progress(quiet, progress)
    part = {name: store and store / name for name in ("classes", "corners")}
    with executors.opened(workers, scheduler) as executor:
        how: dict[str, Any] = {
            "rounds": rounds, "most": most, "progress": shown, "executor": executor
        }  # fmt: skip
        found = experiments.reproduce(population.P, store=part["classes"], **how)
        winner = experiments.winner_from_corners(population.P, store=part["corners"], **how)
    classes = _classes(population, found)
    out.mkdir(exist_ok=True)
    _save_table(classes, out / "classes.csv")
    saved = [out / "classes.csv", *_save_figures(out, population, found, winner)]
    if not quiet:
        from alignsim.cli import reports

        reports.print_notes(population.notes)
        reports.print_rows(population.name, _class_rows(classes))
        reports.print_rows(f"{rounds:,} rounds each", reproduction_findings(found, winner))
        reports.print_saved(*saved, *filter(None, [store]))


def _population(
    file: Path | None,
    keys: list[str],
    columns: options.RatingColumns,
    responses: int | None,
    prompts: int | None,
    seed: int | None,
    draws: int | None,
) -> _Population:
    """Return the matrices of a file, or of ratings that are made up."""
    import numpy as np

    from alignsim import data as readers
    from alignsim.cli import inputs
    from alignsim.errors import writable

    if file is None:
        options.refuse({"--key": keys, **options.given(columns)}, "there is no DATA")
        size = responses or RESPONSES
        count = {} if prompts is None else {"prompts": prompts}
        ratings = readers.synthetic_ratings(responses=size, rng=seed or 0, **count)
        return _of_ratings("made-up ratings", ratings, size, seed, draws)
    options.refuse({"--prompts": prompts}, f"the prompts are in {file}")
    wanted: list[str | None] = [*keys] or [None]
    of_ratings = options.Columns(**vars(columns))
    data = [inputs.read(file, key, of_ratings) for key in wanted]
    name = writable(", ".join([file.name, *keys]))
    if isinstance(data[0], readers.Ratings):
        found = _of_ratings(name, data[0], responses or RESPONSES, seed, draws)
        return found._replace(notes=inputs.notes(data[0]))
    stacks = [part.P for part in data if isinstance(part, readers.Matrices)]
    if len(stacks) < len(data):
        raise ValueError(f"{file}: holds votes on one set of responses; give ratings or matrices")
    idle = {"--responses": responses, "--seed": seed, "--draws": draws}
    options.refuse(idle, f"the matrices are in {file}")
    K = stacks[0].shape[-1]
    if any(P.shape[-1] != K for P in stacks):
        sizes = ", ".join(str(P.shape[-1]) for P in stacks)
        raise ValueError(f"{file}: the entries hold matrices of {sizes} responses; name equal ones")
    return _Population(name, np.concatenate([P.reshape(-1, K, K) for P in stacks]), None)


def _of_ratings(
    name: str, ratings: Ratings, responses: int, given_seed: int | None, draws: int | None
) -> _Population:
    from alignsim import experiments

    seed = given_seed or 0
    most = max(map(len, ratings.responses))
    if most < responses:
        remedy = f"take --responses {most}" if most >= LEAST else f"rate {LEAST} or more a prompt"
        told = f"a matrix takes {responses} responses, but no prompt has more than {most}"
        raise ValueError(f"{name}: {told}; {remedy}")
    found = ratings.matrices(subsets=responses, rounding=ROUNDING, rng=seed)[responses]
    rates = experiments.class_rates(
        ratings, responses=responses, rounding=ROUNDING, seed=seed, draws=draws or DRAWS
    )
    return _Population(f"{name}, seed {seed}", found.P, rates)


def _classes(population: _Population, found: xarray.Dataset) -> xarray.Dataset:
    """Return the matrices of each class, those run, and its share over the draws of the recipe."""
    import numpy as np
    import xarray

    from alignsim.experiments.classes import CLASSES

    rates = population.rates
    missing = np.full(len(CLASSES), np.nan)
    return xarray.Dataset(
        {
            "meaning": ("class", list(CLASSES.values())),
            "matrices": ("class", found["matrices"].values),
            "of": len(population.P),
            "draws": 0 if rates is None else len(rates.counts),
            "share": ("class", missing if rates is None else rates.share),
            "share_error_over_draws": ("class", missing if rates is None else rates.standard_error),
            "run": ("class", found["run"].values),
        },
        coords={"class": list(CLASSES)},
    )


def _class_rows(classes: xarray.Dataset) -> list[Row]:
    draws = classes["draws"].item()
    rows = [("matrices", f"{classes['of'].item():,}")]
    for i in range(classes.sizes["class"]):
        row = {name: values.item() for name, values in classes.isel({"class": i}).items()}
        text = f"{row['matrices']:,}"
        if draws:
            error = f" ± {100 * row['share_error_over_draws']:.3f}" if draws > 1 else ""
            text += f"; {100 * row['share']:.3f}{error} % over {draws} draws"
        rows.append((row["meaning"], f"{text}; {row['run']:,} run"))
    return rows


def _save_figures(
    out: Path, population: _Population, found: xarray.Dataset, winner: xarray.Dataset
) -> Iterator[Path]:
    """Draw what there is to see, save it with its numbers, and yield the files."""
    from matplotlib.figure import Figure

    from alignsim import experiments, plotting
    from alignsim.experiments.evolution import NoOscillationError

    def page(title: str, size: tuple[float, float], rows: int, columns: int) -> Any:
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(f"{population.name}: {title}", fontsize="medium")
        axes = figure.subplots(rows, columns, squeeze=False, sharex="col", sharey="row")
        return figure, axes

    counts = dict(zip(found["class"].values, found["run"].values.tolist(), strict=True))
    if counts["cyclic"]:
        with suppress(NoOscillationError):
            example = experiments.evolution(population.P)
            figure, axes = page("one cyclic matrix, MRS-IPO, λ = 1", (8.4, 4.2), 2, 3)
            plotting.evolution(example, ax=axes)
            yield from _save(out / "policy_evolution.png", figure, example)
        figure, axes = page("cyclic, without a Condorcet winner", (8.4, 6.0), 2, 2)
        plotting.oscillation(found, ax=axes)
        names = ["cycle_strength", "cycle_strength_error", "oscillating", "unstable", "bistable"]
        yield from _save(out / "oscillation.png", figure, found[[*names, *_COUNTS]])
    if counts["cyclic_winner"]:
        figure, axes = page("cyclic, below a Condorcet winner", (8.4, 3.9), 1, 2)
        plotting.condorcet_winner(winner, ax=axes[0])
        yield from _save(out / "condorcet_winner.png", figure, winner)
    if counts["strongly_transitive"]:
        figure, axes = page("strongly transitive", (8.4, 3.9), 1, 2)
        plotting.terminal_entropy(found, ax=axes[0])
        transitive = found.sel({"class": ["strongly_transitive", "strictly_strongly_transitive"]})
        names = ["entropy", "entropy_error", "entropy_limit", "cycle_strength"]
        yield from _save(out / "terminal_entropy.png", figure, transitive[[*names, *_COUNTS]])


def _save(picture: Path, figure: Figure, numbers: xarray.Dataset) -> tuple[Path, Path]:
    table = picture.with_suffix(".csv")
    outputs.save_picture(figure, picture)
    if "failed" in numbers:
        failed = numbers["failed"].to_dataset("status")
        named = {str(status): f"failed_{status}" for status in failed}
        numbers = numbers.drop_dims("status").merge(failed.rename(named))
    errors = {str(name): f"{name}_over_matrices" for name in numbers if "_error" in str(name)}
    _save_table(numbers.rename(errors), table)
    return picture, table


def _save_table(numbers: xarray.Dataset, path: Path) -> None:
    table = numbers.to_dataframe().reset_index().round(_DECIMALS)
    outputs.save_text(table.to_csv(index=False, float_format="%.6g").rstrip("\n"), path)
