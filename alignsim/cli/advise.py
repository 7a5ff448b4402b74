"""``alignsim advise``."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignsim.cli import options
from alignsim.cli.app import app

if TYPE_CHECKING:
    from alignsim.cli.inputs import Subject
    from alignsim.data import Comparisons, Matrices, Ratings

ETA = 20.0

OUT = Path("advice.png")

SAMPLE = 500
"""How many matrices of a population are advised on, evenly spread over it."""


@app.command(epilog="Example: alignsim advise votes.csv --eta 20 --min-effective-support 2")
@options.expanded
def advise(
    file: options.Preferences = None,
    *,
    source: options.Source,
    cycle: options.Cycle,
    eta: Annotated[
        float | None,
        typer.Option(
            help=f"The wanted η = β/(1−α) (default: {ETA:g}); with λ it decides the fixed point. "
            "In TRL's convention this is one over it, the weight of the KL penalty."
        ),
    ] = None,
    beta_convention: options.BetaConvention = "signal",
    method: options.Method,
    lam: options.Lam = 1.0,
    objective: options.Objective = "ipo",
    sampler: options.Sampler = "product",
    min_effective_support: Annotated[
        float | None,
        typer.Option(help="How many responses the policy should effectively use at least."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(help="By what factor a deviation should shrink.")
    ] = 1e-6,
    alpha: Annotated[
        list[float] | None,
        typer.Option(help="An α of which to tell the rate; may be repeated."),
    ] = None,
    seed: Annotated[int | None, options.of_ratings(help="Seed of the recipe (default: 0).")] = None,
    exact: options.Exact = False,
    out: options.Out = OUT,
    quiet: options.Quiet = False,
) -> None:
    """Tell which α reaches a wanted fixed point, how fast, and what that fixed point costs.

    A stack of matrices or ratings of many prompts are a population: medians and quartiles.
    --index picks one matrix of a stack. Votes are a sample: draws of the preferences that they
    leave open tell which α is stable with 95 %.

    With --method NAME, or "all": the fastest parameters of that method; those that are given stay
    as they are. Of several matrices or draws: for their mean, and for how many it is stable.
    """
    from alignsim.cli import inputs, outputs

    outputs.check(out, "--out", outputs.PICTURES, file)
    from matplotlib.figure import Figure

    from alignsim import validation
    from alignsim.feedback.naming import scheme_named
    from alignsim.plotting.advice import advice as draw
    from alignsim.reports import advice

    if sampler != "product":
        because = "advice rests on scores, which rounds of the sampler product alone have"
        options.refuse({"--sampler": sampler}, because)
    for share in alpha or ():
        validation.parameter(share, "--alpha", high=1.0)
    if file is None:
        options.refuse({"--seed": seed, "--exact": exact}, "there is no FILE")
        subject = inputs.subject(file, source, cycle)
    else:
        options.refuse(options.given(cycle), f"the matrices are in {file}")
        subject = _subject(file, source, seed, exact)
    wanted = options.strength_or(ETA, eta, "--eta", beta_convention, file=file)
    if method.named is not None:
        _of_methods(
            subject,
            wanted,
            lam,
            objective,
            method,
            tolerance,
            {
                "--min-effective-support": min_effective_support,
                "--alpha": [str(share) for share in alpha or ()],
                "--out": None if out == OUT else out,
            },
            quiet,
        )
        return
    scheme_named(method.name, method.given)
    found = advice.advise(
        subject.P,
        wanted,
        lam,
        objective,
        min_effective_support=min_effective_support,
        tolerance=tolerance,
        alphas=alpha or None,
    )
    title = f"{subject.name}: MRS-{objective.upper()}, η = {wanted:g}, λ = {lam:g}"
    figure = Figure(figsize=(10.4, 4.6), layout="constrained")
    draw(found, ax=figure.subplots(1, 2))
    figure.suptitle(title)
    outputs.save_picture(figure, out)
    if not quiet:
        from alignsim.cli import reports

        reports.print_notes(subject.notes)
        reports.print_advice(title, found, subject.labels)
        reports.print_convention()
        reports.print_saved(out)


def _of_methods(
    subject: Subject,
    eta: float,
    lam: float,
    objective: str,
    method: options.Method,
    tolerance: float,
    of_mrs: dict[str, object],
    quiet: bool,
) -> None:
    """Print the fastest stable parameters of a method, or of all."""
    from alignsim.reports import advice

    options.refuse(of_mrs, "it belongs to the advice on the α of mrs")
    found = advice.advise(
        subject.P, eta, lam, objective, method=method.name, tolerance=tolerance, **method.given
    )
    if not quiet:
        from alignsim.cli import reports

        reports.print_notes(subject.notes)
        typer.echo(str(found))
        reports.print_convention()


def _subject(file: Path, source: options.Source, seed: int | None, exact: bool) -> Subject:
    """Return what is advised on: one matrix, or at most ``SAMPLE`` of a population or of draws."""
    from alignsim import data as readers
    from alignsim.cli import inputs
    from alignsim.errors import writable

    found = inputs.read(file, source.key, source)
    name = writable(source.key or file.stem)
    of_ratings = {"--recipe": source.recipe, "--subsets": source.subsets, "--seed": seed}
    if isinstance(found, readers.Comparisons) and not exact:
        options.refuse(of_ratings, f"{file} holds no ratings")
        because = "votes are taken as a sample; add --exact to take their shares as exact"
        options.refuse({"--smoothing": source.smoothing}, because)
        return _drawn(found, name, file, source.index)
    if not isinstance(found, readers.Comparisons):
        options.refuse({"--exact": exact}, f"{file} holds no votes")
    if source.index is not None:
        options.refuse({"--seed": seed}, "--index picks one matrix")
        return inputs.one(found, file, source)
    smoothing = source.smoothing
    if not isinstance(found, readers.Comparisons):
        options.refuse({"--smoothing": smoothing}, f"{file} holds no votes")
    if isinstance(found, readers.Ratings):
        matrices = _of_ratings(found, source, seed)
        return _sampled(matrices, name)._replace(notes=(*inputs.notes(found), *matrices.notes))
    options.refuse(of_ratings, f"{file} holds no ratings")
    if isinstance(found, readers.Matrices):
        return _sampled(found, name)
    if len(parts := found.split()) > 1:
        matrices = _of_votes(file, parts, smoothing or 0.0)
        return _sampled(matrices, name)._replace(notes=(*inputs.notes(found), *matrices.notes))
    return inputs.one(found, file, source)


def _drawn(found: Comparisons, name: str, file: Path, index: int | None) -> Subject:
    """Return draws of what votes leave open: (2, n, K, K) of one problem, (n, K, K) of several."""
    from alignsim import data as readers
    from alignsim.cli import inputs
    from alignsim.cli.inputs import Subject
    from alignsim.errors import FileFormatError, listed, writable
    from alignsim.preferences import spread

    parts = found.split()
    if len(parts) > 1 and index is None:
        several = readers.prompt_posterior(found)
        remedy = (
            "pick one with --index, make them one with --pool, or take the shares of votes for "
            "the probabilities with --exact"
        )
        if several.undetermined:
            raise FileFormatError(str(file), several.undetermined, remedy)
        K, others = _commonest([P.shape[-1] for P in several.P for _ in range(P.shape[1])])
        (draws,) = (P for P in several.P if P.shape[-1] == K)
        if several.sampled < several.prompts:
            told = (
                f"{several.sampled:,} of {several.prompts:,} problems, evenly spread, are drawn on"
            )
            others = (f"{told}; of all it would take long.", *others)
        sample = spread(draws.reshape(-1, K, K), SAMPLE)
        told = f"{name}, {len(sample):,} draws for {draws.shape[1]:,} problems with K = {K}"
        return Subject(told, sample, inputs.response_names(K), (*found.notes, *others))
    of, part = list(parts.items())[inputs.index(index, len(parts), file, "problems")]
    board = readers.posterior(part)
    notes = list(found.notes)
    if board.left_out:
        notes.append(f"No comparison connects {listed(board.left_out)} with the others: left out.")
    if board.undetermined and len(board.labels) > 2:
        notes.append(f"These votes say nothing of cycles: {board.undetermined}. The prior decides.")
    draws = board.draws(SAMPLE // 2)
    told = f"{writable(of) or name if len(parts) > 1 else name}, {2 * draws.shape[1]} draws"
    return Subject(told, draws, board.labels, tuple(notes))


def _of_votes(file: Path, parts: Mapping[str, Comparisons], smoothing: float) -> Matrices:
    """Return the matrices of the problems in which every two responses met, if of one size."""
    import numpy as np

    from alignsim.data import Matrices
    from alignsim.errors import FileFormatError, MissingPairsError

    found = {}
    for name, part in parts.items():
        with contextlib.suppress(MissingPairsError):
            found[name] = part.matrix(smoothing=smoothing)
    if not found:
        told = f"in none of its {len(parts):,} problems did every two responses meet"
        remedy = "pick one with --index, or make them one with --pool"
        raise FileFormatError(str(file), told, remedy)
    K, notes = _commonest([len(P) for P in found.values()])
    if len(found) < len(parts):
        left = f"{len(parts) - len(found):,} of {len(parts):,} problems are left out"
        notes = (f"{left}, as two of their responses never met.", *notes)
    taken = {name: P for name, P in found.items() if len(P) == K}
    return Matrices(np.stack(list(taken.values())), names=tuple(taken), notes=notes)


def _commonest(sizes: Sequence[int]) -> tuple[int, tuple[str, ...]]:
    """Return which number of responses most problems have, and what to say of the others."""
    most, count = Counter(sizes).most_common(1)[0]
    if count == len(sizes):
        return most, ()
    told = f"{len(sizes) - count:,} of {len(sizes):,} problems are left out"
    return most, (f"{told}: their number of responses is not {most}, the most common one.",)


def _of_ratings(found: Ratings, source: options.Source, seed: int | None) -> Matrices:
    recipe = source.recipe or "random-attribute"
    rng = 0 if seed is None and recipe == "random-attribute" else seed
    stacks = found.matrices(recipe, subsets=source.subsets, rng=rng)
    K, notes = _commonest([size for size, stack in stacks.items() for _ in range(len(stack))])
    if notes:
        notes = (f"{notes[0][:-1]}; --subsets makes all matrices of one size.",)
    return replace(stacks[K], notes=notes)


def _sampled(found: Matrices, name: str) -> Subject:
    from alignsim.cli.inputs import Subject, response_names
    from alignsim.preferences import spread

    K = found.responses
    P = found.P.reshape(-1, K, K)
    if len(P) == 1:
        labels = found.labels[0] if found.labels else response_names(K)
        return Subject(found.names[0] if found.names else name, P[0], labels)
    sample = spread(P, SAMPLE)
    count = f"{len(P):,}" if len(sample) == len(P) else f"{len(sample):,} of {len(P):,}"
    return Subject(f"{name}, {count} matrices with K = {K}", sample, response_names(K))
