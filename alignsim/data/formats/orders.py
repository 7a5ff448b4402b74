"""PrefLib's rankings: how many voters gave each order."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from alignsim.data.comparisons import UNNAMED, Comparisons
from alignsim.data.contents import ORDERS, Content, Orders
from alignsim.data.formats.contract import Format, Given
from alignsim.data.sources import refuse_large
from alignsim.errors import FileFormatError, quote

_NAME = re.compile(r"#\s*ALTERNATIVE NAME (\d+):\s*(.*)")
_VOTERS = re.compile(r"#\s*NUMBER VOTERS:\s*(\d+)\s*")
_TYPE = re.compile(r"#\s*DATA TYPE:\s*(\w+)\s*")
_ORDER = re.compile(r"(\d+)\s*:\s*(.*)")
_PLACE = re.compile(r"\{([\d,\s]*)\}|(\d+)")

EXPANDED = 10**6
"""Pairs of all voters up to which each voter is a judge; of more, equal orders are one row."""


def recognises(content: Content, given: Given) -> bool:  # noqa: ARG001
    """Return whether the content is the text of a PrefLib file."""
    return isinstance(content, Orders)


def read(content: Orders, given: Given) -> Comparisons:  # noqa: ARG001
    """Return a vote of each voter for each pair that the order ranks; equal places tie."""
    names, orders, voters = _parsed(content)
    place = content.path
    cast = sum(count for count, _ in orders)
    if voters is not None and voters != cast:
        told = f"holds {cast:,} votes; its head says {voters:,}"
        raise FileFormatError(place, told, "the file is cut short or damaged")
    pairs = sum(len(order) * (len(order) - 1) // 2 for _, order in orders)
    refuse_large(place, 64.0 * pairs, f"its orders hold {pairs:,} pairs")
    if not pairs:
        raise FileFormatError(place, "no order ranks two alternatives", "expected at least one")
    each = sum(count * len(order) ** 2 for count, order in orders) <= EXPANDED
    one, other, share, count, judge = [], [], [], [], []
    voter = 0
    for alike, order in orders:
        items, level = np.array(list(order)), np.array(list(order.values()))
        i, j = np.triu_indices(len(items), 1)
        times = alike if each else 1
        one.append(np.tile(items[i], times))
        other.append(np.tile(items[j], times))
        share.append(np.tile(0.5 + 0.5 * np.sign(level[j] - level[i]), times))
        count.append(np.full(len(i) * times, 1.0 if each else float(alike)))
        judge.append(np.repeat(np.arange(voter, voter + times), len(i)))
        voter += times
    notes = [*content.notes, "The first place is best."]
    if any(len(order) < len(names) for _, order in orders):
        notes.append("Alternatives that an order leaves out are not compared by it.")
    left, right = np.concatenate(one), np.concatenate(other)
    labels = sorted({names[k] for k in np.unique(np.r_[left, right]).tolist()})
    index = {label: k for k, label in enumerate(labels)}
    at = np.array([index.get(names.get(k, ""), -1) for k in range(max(names) + 1)])
    voted = np.concatenate(judge)
    prompt = np.zeros(len(left), dtype=np.int64)
    return Comparisons(
        tuple(labels), at[left], at[right], np.concatenate(share), np.concatenate(count),
        tuple(f"voter {k + 1}" for k in range(voter)), voted, UNNAMED, prompt, notes=tuple(notes),
    )  # fmt: skip


def _parsed(content: Orders) -> tuple[dict[int, str], list[tuple[int, dict[int, int]]], int | None]:
    """Return the names, the orders as (voters, alternative → place), and the number of voters."""
    names: dict[int, str] = {}
    orders: list[tuple[int, dict[int, int]]] = []
    voters, kind = None, content.kind
    for n, line in enumerate(content.text.splitlines(), start=1):
        where = f"{content.path}, line {n}"
        if match := _NAME.fullmatch(line.strip()):
            if int(match[1]) in names or match[2].strip() in names.values():
                raise FileFormatError(where, f"names {quote(match[2])} twice", "give each its own")
            if not match[2].strip():
                raise FileFormatError(where, f"alternative {match[1]} has no name", "give it one")
            names[int(match[1])] = match[2].strip()
        elif match := _VOTERS.fullmatch(line.strip()):
            voters = int(match[1])
        elif match := _TYPE.fullmatch(line.strip()):
            kind = match[1].lower()
        elif line.strip() and not line.startswith("#"):
            orders.append(_order(where, line.strip(), names, kind))
    if not names or not orders:
        told = "no names of alternatives" if not names else "no orders"
        remedy = "expected PrefLib's lines '# ALTERNATIVE NAME 1: ...' and '3: 1,2,{3,4}'"
        raise FileFormatError(content.path, told, remedy)
    return names, orders, voters


def _order(where: str, line: str, names: dict[int, str], kind: str) -> tuple[int, dict[int, int]]:
    match = _ORDER.fullmatch(line)
    rest = re.sub(r"\s", "", match[2]) if match else ""
    if not match or not re.fullmatch(rf"({_PLACE.pattern})(,({_PLACE.pattern}))*", rest):
        raise FileFormatError(where, f"is {quote(line)}", "expected an order such as 3: 1,2,{3,4}")
    order: dict[int, int] = {}
    groups: Sequence[tuple[str, str]] = _PLACE.findall(rest)
    for level, (tied, single) in enumerate(groups):
        for text in filter(None, tied.split(",") if not single else [single]):
            item = int(text)
            if item not in names or item in order:
                told = (
                    f"ranks {item} twice" if item in order else f"ranks {item}, which has no name"
                )
                raise FileFormatError(where, told, "the line is damaged")
            order[item] = level
    if kind in ("soc", "toc") and len(order) < len(names):
        told = (
            f"ranks {len(order)} of {len(names)} alternatives, but the orders are complete ({kind})"
        )
        raise FileFormatError(
            where, told, "the line is cut short, or the file is of type soi or toi"
        )
    if kind in ("soc", "soi") and "{" in rest:
        raise FileFormatError(
            where, f"has a tie, but the orders are strict ({kind})", "name it .toc"
        )
    if not int(match[1]):
        raise FileFormatError(where, "is given by 0 voters", "remove the line")
    return int(match[1]), order


FORMAT = Format(
    name="preflib",
    gives="votes",
    holds=f"rankings as PrefLib keeps them ({', '.join(ORDERS)}), the first place is best",
    options=frozenset(),
    recognises=recognises,
    read=read,
    suffix=".toi",
    example=(
        "# FILE NAME: drinks.toi\n# DATA TYPE: toi\n# NUMBER VOTERS: 4\n"
        "# ALTERNATIVE NAME 1: milk\n# ALTERNATIVE NAME 2: tea\n3: 2,1\n1: 1,2\n"
    ),
    labels=("milk", "tea"),
    P=((0.5, 0.25), (0.75, 0.5)),
)
