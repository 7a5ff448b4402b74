"""Sweeps on disk: a Zarr group that grows chunk by chunk and can be read at any time.

Every variable is an array whose chunks are those of the plan. A chunk counts as done once its
checksum is in the array ``checksum``, which is written last. Files appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from alignsim import validation
from alignsim.errors import InputError, quote, shortened
from alignsim.sweeps.lock import locked
from alignsim.sweeps.plan import Plan
from alignsim.sweeps.work import Columns

if TYPE_CHECKING:
    import xarray

FORMAT = 1
"""Of the layout; a store of another one is refused."""

CHECKSUM = "checksum"
LOCK = "lock"
"""The array of checksums, and the file in its folder that is locked: Zarr lists no such folder."""

COMPUTED = "computed"
"""The mask of the maps that are done, a coordinate."""

CHECKSUMS_A_FILE = 4096
"""One file is written anew with every chunk; it should be small."""

EMPTY_TOO = {"write_empty_chunks": True}
"""Write chunks in which nothing differs from the fill value: one that is missing is a fault."""

RECIPE, FORMAT_KEY, ORDER = "alignsim_recipe", "alignsim_store", "alignsim_variables"
"""Attributes of the group that are no attributes of the dataset."""

SHOWN = 40
"""Characters of a value of the recipe in a message."""

Variables = Mapping[str, tuple[Sequence[str], np.dtype[Any], Mapping[str, Any]]]
"""Of each variable: its dimensions, its type, and its attributes."""

Coordinates = Mapping[str, tuple[Sequence[str], NDArray[Any], Mapping[str, Any]]]


@dataclass(frozen=True)
class Contents:
    """What a store holds beside its values.

    Attributes
    ----------
    recipe
        All that decides the values, plain numbers and texts by name.
    dims, plan
        The dimensions of the grid, and its chunks.
    variables, coordinates, attributes
        As of the dataset.
    """

    recipe: Mapping[str, Any]
    dims: Sequence[str]
    plan: Plan
    variables: Variables
    coordinates: Coordinates
    attributes: Mapping[str, Any]


class Store:
    """A store that is open for writing, by this process alone; see :func:`opened`."""

    def __init__(self, path: Path, contents: Contents) -> None:
        self.path = path
        self._plan = contents.plan
        self._names = [*contents.variables, COMPUTED]
        self._group = _group(path, "r+")
        self._arrays = {name: self._group[name].with_config(EMPTY_TOO) for name in self._names}
        self._checksums = self._group[CHECKSUM]
        self.sums: NDArray[np.uint64] = np.asarray(self._checksums[...])
        """The checksum of each chunk; 0 of those that are not done."""

    @property
    def left(self) -> list[int]:
        """The chunks that are not done."""
        return np.flatnonzero(self.sums == 0).tolist()

    @property
    def done(self) -> int:
        """How many chunks are."""
        return int(np.count_nonzero(self.sums))

    @property
    def maps_left(self) -> int:
        """How many maps are in the chunks that are not done."""
        return sum(last - first for first, last in map(self._plan.span, self.left))

    def columns(self) -> Columns:
        """Return the values of all maps, flat, in memory."""
        return {
            name: np.asarray(array[...]).ravel()
            for name, array in self._arrays.items()
            if name != COMPUTED
        }

    def put(self, chunk: int, columns: Columns) -> None:
        """Write a chunk, and then that it is done.

        Raises
        ------
        OSError
            If that fails; names the store.
        """
        region = self._plan.region(chunk)
        shape = tuple(place.stop - place.start for place in region)
        with _about(self.path):
            parts = {name: values.reshape(shape) for name, values in columns.items()}
            parts[COMPUTED] = np.ones(shape, dtype=np.bool_)
            for name, array in self._arrays.items():
                array[region] = parts[name]
            self._tell(chunk, checksum([parts[name] for name in self._names]))

    def check(self) -> list[int]:
        """Read every chunk that is done and take back those that are damaged; return these."""
        damaged = [c for c in np.flatnonzero(self.sums).tolist() if self._read(c) != self.sums[c]]
        for chunk in damaged:
            with _about(self.path):
                self._tell(chunk, np.uint64(0))
        return damaged

    def _read(self, chunk: int) -> np.uint64 | None:
        region = self._plan.region(chunk)
        try:
            return checksum([np.asarray(array[region]) for array in self._arrays.values()])
        except Exception:  # whatever a damaged file makes a codec raise
            return None

    def _tell(self, chunk: int, found: np.uint64) -> None:
        first = chunk - chunk % CHECKSUMS_A_FILE
        piece = slice(first, first + CHECKSUMS_A_FILE)
        changed = self.sums[piece].copy()
        changed[chunk - first] = found
        self._checksums[piece] = changed
        self.sums[chunk] = found


def checksum(parts: Sequence[NDArray[Any]]) -> np.uint64:
    """Return a number, never 0, that depends on every bit of arrays and on their shapes.

    >>> zeros = np.zeros(2)
    >>> checksum([zeros]) == checksum([zeros.copy()]), checksum([zeros]) == checksum([-zeros])
    (np.True_, np.False_)
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(f"{part.dtype.str}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).tobytes())
    return np.uint64(int.from_bytes(digest.digest(), "little") or 1)


@contextmanager
def opened(path: str | os.PathLike[str], contents: Contents) -> Iterator[Store]:
    """Yield the store at a path, new or begun earlier, for this process alone.

    Raises
    ------
    ValueError
        If there is something else, or a sweep of another recipe: says what differs. If another
        process is writing it.
    OSError
        If it cannot be written.
    """
    _zarr()
    place = Path(path)
    _refuse_foreign(place)
    with _about(place):
        (place / CHECKSUM).mkdir(parents=True, exist_ok=True)
    with _alone(place):
        known = _attributes(place)
        if RECIPE in known:
            _refuse_other(place, known, contents.recipe)
            for part in place.rglob("*.partial"):
                part.unlink(missing_ok=True)
        else:
            with _about(place):
                _create(place, contents)
        yield Store(place, contents)


def open_sweep(path: str | os.PathLike[str]) -> xarray.Dataset:
    """Return a stored sweep as a Dataset whose values are read when they are used.

    Parameters
    ----------
    path
        What was given to :func:`alignsim.sweep` as ``store``. The sweep may be unfinished, or
        still run in another process.

    Returns
    -------
    xarray.Dataset
        As of :func:`alignsim.sweep`, with the further coordinate ``computed`` along all axes:
        whether a map is done. Elsewhere values mean nothing: take ``ds.where(ds.computed)``, and
        ``ds.chunk()`` for dask's arrays.

    Raises
    ------
    ValueError
        If there is no stored sweep, or one from which files are missing. A damaged value raises an
        error when it is read; running the sweep again computes it anew.

    Examples
    --------
    >>> import alignsim as asim, tempfile
    >>> P = asim.preferences.cyclic(3, advantage=0.5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ds = asim.sweep(P, beta=[2.0, 4.0], alpha=0.5, by="stability", store=f"{folder}/a.zarr")
    ...     bool(ds.computed.all()), (ds.spectral_radius < 1).values.tolist()
    (True, [True, False])
    """
    _zarr()
    import xarray

    place = validation.path(path)
    attributes = _attributes(place)
    if attributes.get(FORMAT_KEY) != FORMAT:
        parts = sorted(part.parent.name for part in place.glob(f"*/{CHECKSUM}"))
        told = f"is {quote(str(path))}, where no stored sweep is"
        remedy = f"open one of its parts, such as {quote(str(place / parts[0]))}" if parts else ""
        raise InputError("path", told, remedy or "give what a sweep was given as store")
    _refuse_gaps(place)
    found = xarray.open_zarr(
        str(place), chunks=None, consolidated=False, zarr_format=3, mask_and_scale=False,
        decode_times=False, drop_variables=[CHECKSUM],
    )  # fmt: skip
    names = attributes[ORDER]
    coordinates = [str(name) for name in found.variables if name not in names]
    found = found.set_coords(coordinates)[names]
    found.attrs = {name: _restored(found.attrs[name]) for name in attributes["alignsim_attributes"]}
    for values in found.variables.values():
        values.attrs = {name: _restored(value) for name, value in values.attrs.items()}
    return found


def _zarr() -> Any:
    try:
        import zarr
    except ImportError:
        raise ImportError(
            "a store needs Zarr 3, which is not installed: pip install 'alignsim[store]'"
        ) from None
    return zarr


def _group(path: Path, mode: Any) -> Any:
    return _zarr().open_group(str(path), mode=mode, zarr_format=3)


def _attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of the group at a path, none where there is no group."""
    try:
        text = (path / "zarr.json").read_text(encoding="utf-8")
        return dict(json.loads(text).get("attributes", {}))
    except (OSError, ValueError, AttributeError):
        return {}


def _refuse_foreign(path: Path) -> None:
    """Refuse a path where something is that no sweep has put there."""
    if path.is_dir() and (not any(path.iterdir()) or (path / CHECKSUM).is_dir()):
        known = _attributes(path).get(FORMAT_KEY, FORMAT)
        if known != FORMAT:
            told = f"is {quote(str(path))}, a sweep stored in format {quote(known)}"
            raise InputError("store", told, f"this version reads and writes format {FORMAT}")
    elif path.exists():
        refuse_any(path)


def refuse_any(path: Path) -> NoReturn:
    """Refuse a path where something is that is not ours."""
    told = f"is {quote(str(path))}, where something else is"
    raise InputError("store", told, "name a folder that does not exist yet")


def _refuse_other(path: Path, known: Mapping[str, Any], recipe: Mapping[str, Any]) -> None:
    old = known[RECIPE]
    new = json.loads(json.dumps(recipe))
    apart = [
        f"{name} was {_short(old.get(name))} and is {_short(new.get(name))}"
        for name in [*new, *(name for name in old if name not in new)]
        if old.get(name) != new.get(name)
    ]
    if apart:
        told = f"is {quote(str(path))}, which holds another sweep: {'; '.join(apart)}"
        raise InputError(
            "store", told, "name another folder, or give what the store was begun with"
        )


def _short(value: Any) -> str:
    return shortened(value if isinstance(value, str) else json.dumps(value), SHOWN)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of a store."""
    holding = locked(path / CHECKSUM / LOCK)
    try:
        with _about(path):
            holding.__enter__()
    except BlockingIOError:
        told = f"is {quote(str(path))}, which another sweep is writing"
        raise InputError("store", told, "wait until it has ended, or name another folder") from None
    try:
        yield
    finally:
        holding.__exit__(None, None, None)


def _create(path: Path, contents: Contents) -> None:
    """Write a store without values; the attributes of the group, its recipe among them, last."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    for part in path.iterdir():
        if part.name != CHECKSUM:
            shutil.rmtree(part) if part.is_dir() else part.unlink()
    for part in (path / CHECKSUM).iterdir():
        if part.name != LOCK:
            shutil.rmtree(part) if part.is_dir() else part.unlink()
    group = _group(path, "a")
    plan = contents.plan
    how: dict[str, Any] = {
        "compressors": [ZstdCodec(level=1), Crc32cCodec()],
        "config": EMPTY_TOO,
    }
    mask = (contents.dims, np.dtype(np.bool_), {"long_name": "whether the map is done"})
    for name, (dims, kind, attributes) in {**contents.variables, COMPUTED: mask}.items():
        group.create_array(
            name, shape=plan.shape, chunks=plan.box, dtype=kind, fill_value=_nothing(kind),
            dimension_names=list(dims), attributes=_plain(attributes), **how,
        )  # fmt: skip
    group.create_array(
        CHECKSUM, shape=(len(plan),), chunks=(min(len(plan), CHECKSUMS_A_FILE),), dtype=np.uint64,
        fill_value=0, dimension_names=["chunk"], **how,
    )  # fmt: skip
    for name, (dims, values, attributes) in contents.coordinates.items():
        array = group.create_array(
            name, shape=values.shape, chunks=values.shape, dtype=values.dtype,
            dimension_names=list(dims), attributes=_plain(attributes), **how,
        )  # fmt: skip
        array[...] = values
    group.attrs.update(
        {
            **_plain(contents.attributes),
            "alignsim_attributes": list(contents.attributes),
            ORDER: list(contents.variables),
            FORMAT_KEY: FORMAT,
            RECIPE: dict(contents.recipe),
        }
    )


def _nothing(kind: np.dtype[Any]) -> Any:
    """Return what stands where nothing is computed."""
    if kind.kind == "f":
        return np.nan
    return False if kind.kind == "b" else int(np.iinfo(kind).min)


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as JSON holds them; arrays with their type."""
    return {
        name: {"array": value.tolist(), "dtype": value.dtype.str}
        if isinstance(value, np.ndarray)
        else value.item()
        if isinstance(value, np.generic)
        else value
        for name, value in attributes.items()
    }


def _restored(value: Any) -> Any:
    return np.array(value["array"], value["dtype"]) if isinstance(value, dict) else value


def _refuse_gaps(path: Path) -> None:
    """Refuse a store from which files of finished chunks are gone: they would read as nothing."""
    group = _group(path, "r")
    done = int(np.count_nonzero(group[CHECKSUM][...]))
    for name in [*group.attrs[ORDER], COMPUTED]:
        files = sum(
            not entry.endswith(".partial")
            for _, _, entries in os.walk(path / name / "c")
            for entry in entries
        )
        if group[name].ndim and files < done:
            told = f"is {quote(str(path))}, where files of {name!r} are missing"
            raise InputError("path", told, "run the sweep again with this store, which mends it")


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Let what goes wrong with files name the store."""
    try:
        yield
    except BlockingIOError:
        raise
    except OSError as error:
        raise OSError(
            error.errno, f"the store '{path}' cannot be written: {error.strerror or error}"
        ) from None
