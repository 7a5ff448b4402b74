"""Put measured numbers into README.md and docs/hanna.md, so that nobody types one.

    python figures/readme.py              write both anew from the numbers that are kept
    python figures/arnold_tongues.py      draw the tongues, and store how they were computed
    python figures/hanna.py RATINGS       draw HANNA's population, and store what its loops do
    python benchmarks/speed.py --write    measure the table of speed

The last three store what they measured (readme.json here, table.md in benchmarks/), with how it
was made, and then do the same. RATINGS is hanna_ratings.csv: the human ratings of HANNA
(dig-team/hanna-benchmark-asg, MIT), a row a rater and story.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alignsim import __version__

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
HANNA = ROOT / "docs" / "hanna.md"
STORE = ROOT / "figures" / "readme.json"
TABLE = ROOT / "benchmarks" / "table.md"
BLOCK = re.compile(r"(<!-- (\w+):begin -->\n)(.*?)(<!-- \2:end -->)", re.DOTALL)


def store(name: str, numbers: dict[str, Any], made: dict[str, Any]) -> None:
    """Keep the numbers of one script, with how they were made, and write README.md."""
    kept = stored()
    kept[name] = {"made": {**made, "alignsim": __version__}, **numbers}
    STORE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write()


def stored() -> dict[str, Any]:
    """Return the numbers of every script."""
    return json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}


def write() -> None:
    """Write the marked blocks of README.md, and docs/hanna.md, anew."""
    pages = {README: rendered(README.read_text(encoding="utf-8"), stored()),
             HANNA: hanna_page(stored())}  # fmt: skip
    for path, page in pages.items():
        path.write_text(page, encoding="utf-8")


def rendered(page: str, numbers: dict[str, Any]) -> str:
    """Return the page with its blocks made of the numbers."""
    return BLOCK.sub(lambda found: found[1] + wrapped(TEXTS[found[2]](numbers)) + found[4], page)


def _tongues(numbers: dict[str, Any]) -> str:
    own = numbers["tongues"]
    return f"""\
*The same preferences over β and α: {own["points"]:,} points told apart by {own["evaluations"]:,}
simulated loops. In a tongue the loop locks to a cycle; where tongues overlap there is chaos
([script](figures/arnold_tongues.py)).*
"""


def _benchmark(_: dict[str, Any]) -> str:
    """Return the main rows of speed: those with a requirement, and of parts only the rivals."""
    less = r"– (?!faster|beside)|memory|`import|`lyapunov|`classify`, random K=4, β = (3|10),"
    part = re.compile(rf"\| ({less})")
    head, *rows = TABLE.read_text(encoding="utf-8").splitlines()
    required = [row for row in rows if not row.endswith("| – | – |") or "fastest turn" in row]
    return "\n".join([head, *(row for row in required if not part.match(row))]) + "\n"


def _hanna(numbers: dict[str, Any]) -> str:
    own = numbers["hanna"]
    cyclic, ordered = (
        plus_minus(own["share"][name], percent=True) for name in ("cyclic", "strongly_transitive")
    )
    return f"""\
`alignsim reproduce DATA` runs the paper's experiments on HelpSteer's file or on any ratings of that
shape. On the human ratings of HANNA, with four stories a prompt and one random criterion a pair,
{cyclic} % of {own["matrices"]:,} matrices are cyclic and {ordered} % strongly transitive, ties
allowed (mean and standard error over {len(own["made"]["seeds"])} draws of the criteria). The recipe
makes the cycles: with scores averaged over criteria, no matrix is cyclic.
[What loops do on them](docs/hanna.md).
"""


def hanna_page(numbers: dict[str, Any]) -> str:
    """Return docs/hanna.md; raise if its words are not true of the numbers."""
    own = numbers["hanna"]
    strength = np.array(own["cycle_strength"])  # (draws, alpha, signal)
    entropy = np.array(own["entropy"])[:, 0]  # (draws, eta)
    true = {
        "cycle strength never falls with βλ": own["largest_fall"] < 1e-6,
        "the entropy never rises with η": own["largest_rise_of_entropy"] < 1e-6,
        "scores averaged over criteria make no cycle": own["cyclic_by_mean"] == 0,
        "every run succeeded": own["failed"] == 0,
        "loops of all α end alike": own["entropy_by_alpha"] < 1e-6,
        "winners are found": own["winner_least"] > FOUND,
    }
    if wrong := [words for words, holds in true.items() if not holds]:
        raise ValueError(f"docs/hanna.md says what is not so, rewrite it: {'; '.join(wrong)}")
    counts = {name: plus_minus(values) for name, values in own["count"].items()}
    mean = strength.mean(axis=0)
    still = SIGNALS[np.flatnonzero((strength == 0.0).all(axis=(0, 1)))[-1]]
    grows = (np.diff(mean, axis=0) >= 0.0).all(axis=0) & (mean[-1] - mean[0] > NOTICEABLE)
    low, high = (SIGNALS[i] for i in np.flatnonzero(grows)[[0, -1]])
    if not grows[SIGNALS.index(low) : SIGNALS.index(high)].all():
        raise ValueError("docs/hanna.md says that cycle strength rises with α on one range")
    shown = [SIGNALS.index(signal) for signal in SHOWN]
    oscillation = _table(
        ["α", *(f"βλ = {signal:g}" for signal in SHOWN)],
        *(
            [f"{alpha:g}", *(plus_minus(values) for values in strength[:, i, shown].T)]
            for i, alpha in enumerate(ALPHAS)
        ),
    )
    collapse = _table(
        [*(f"η = {eta:g}" for eta in ETAS), "ties at the top alone"],
        [*(plus_minus(values) for values in entropy.T), plus_minus(own["entropy_limit"])],
    )
    return wrapped(f"""\
# What loops do on HANNA's ratings

![Share of HANNA's cyclic matrices that oscillate](../figures/hanna_population.png)

*The cyclic matrices of one draw: the share that oscillates, and the mean entropy.*

This page is written by `figures/readme.py` from numbers that `figures/hanna.py` computes. It runs
MRS-IPO at λ = 1, with uniform reference and offline sampler, for {own["made"]["rounds"]:,} rounds
on every matrix of {len(own["made"]["seeds"])} draws of the paper's recipe: four stories a prompt,
one random criterion a pair, ratings averaged over raters and rounded. A number is the mean over
draws ± its standard error over draws, that is, the spread of the recipe, given the ratings; an
error below {LEAST} is left out.

The curves of one draw, also for MRS-DPO and λ < 1, are in `figures/reproduce_hanna`
([table](../figures/reproduce_hanna/oscillation.csv)). Their errors are over the matrices of that
draw. They come from `alignsim reproduce hanna_ratings.csv --out figures/reproduce_hanna`.

## Oscillation

In a draw, {counts["cyclic"]} matrices are cyclic without a Condorcet winner. Their mean cycle
strength is 0 up to βλ = {still:.2g}, and never falls as βλ rises from {SIGNALS[0]:g}
to {SIGNALS[-1]:g}. It rises with α for βλ from {low:.2g} to {high:.2g}; above, the
order in α turns.

{oscillation}

## A winner above the cycle

In a draw, {counts["cyclic_winner"]} matrices are cyclic below a Condorcet winner. They collapse
onto it from near every response: at the largest βλ its probability, averaged over time, is above
{FOUND} in every run. These winners beat every other response by
{own["least_margin"]:.3f} or more; a winner by 0.02 may never be found
([gallery](../notebooks/07_gallery_of_surprises.ipynb)).

## Collapse

In a draw, {counts["strongly_transitive"]} matrices are strongly transitive, ties allowed. Their
mean final entropy (nats) falls with η = β/(1−α). Loops of different α and the same η end
at the same entropy. For η → ∞ only ties at the top are left.

{collapse}
""")


def _table(*rows: list[str]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "| --- " * len(rows[0]) + "|", *lines[1:]])


def wrapped(text: str) -> str:
    """Return Markdown whose paragraphs are filled to the width of a page."""
    parts = text.strip().split("\n\n")
    return "\n\n".join(part if part[0] in "#|!" else _filled(part) for part in parts) + "\n"


def _filled(paragraph: str) -> str:
    return fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


WIDTH = 104
ALPHAS = (0.0, 0.5, 0.75, 0.9)
SHOWN = (3.981, 10.0, 25.12, 100.0)
SIGNALS = tuple(float(f"{10 ** (k / 5 - 1):.4g}") for k in range(16))
FOUND = 0.999
NOTICEABLE = 1e-3
LEAST = 0.0001
ETAS = (0.1, 16.0, 160.0, 1000.0)
"""What `hanna.py` computes and the README tells."""


def plus_minus(values: ArrayLike, *, percent: bool = False) -> str:
    """Return the mean over draws and its standard error, if that can be seen."""
    scaled = np.asarray(values, dtype=float) * (100.0 if percent else 1.0)
    mean, error = scaled.mean(), scaled.std(ddof=1) / np.sqrt(len(scaled))
    if error < LEAST:
        return f"{mean:.4f}".rstrip("0").rstrip(".")
    places = max(0, -int(np.floor(np.log10(error))))
    return f"{mean:,.{places}f} ± {error:.{places}f}"


TEXTS = {
    "tongues": _tongues,
    "hanna": _hanna,
    "benchmark": _benchmark,
}
"""What stands in each block."""


if __name__ == "__main__":
    write()
