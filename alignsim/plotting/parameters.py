"""The parameters of a dataset: their letters, what they mean, and how titles tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alignsim.feedback.naming import loop_name, parameters_named
from alignsim.plotting.beside import fits

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

MRS = {each.name: each for each in parameters_named("mrs")}
"""Those of datasets that do not say which method they are of."""


def names(ds: xr.Dataset) -> list[str]:
    """Return the parameters of the method that a dataset is of, those of MRS if it does not say."""
    return str(ds.attrs.get("parameters", " ".join(MRS))).split()


def symbol(ds: xr.Dataset, name: str) -> str:
    """Return the letter of a parameter, or its name."""
    known = MRS[name].symbol if name in MRS else name
    return str(ds[name].attrs.get("symbol", known)) if name in ds.coords else known


def label(ds: xr.Dataset, name: str, ax: Axes, along: str) -> str:
    """Return what stands at an axis of a parameter: its meaning, or its letter if that is all."""
    known = MRS[name].about if name in MRS else name
    whole = str(ds[name].attrs.get("long_name", known))
    return whole if fits(whole, ax, along) else symbol(ds, name)


def title(ds: xr.Dataset) -> str:
    """Return the method, the objective, its sampler and the parameters that have one value."""
    loop = ""
    if "objective" in ds.attrs:
        sampler = ds.attrs.get("sampler", "product")
        loop = loop_name(ds.attrs.get("method", "mrs"), ds.attrs["objective"], sampler)
    return ", ".join(filter(None, [loop, fixed(ds)]))


def fixed(ds: xr.Dataset) -> str:
    """Return the parameters that have one value."""
    values = {
        name: ds[name].item() for name in names(ds) if name in ds.coords and not ds[name].ndim
    }
    return settings(values, {name: symbol(ds, name) for name in values})


def settings(values: Mapping[str, float], letters: Mapping[str, str] | None = None) -> str:
    """Return parameters as they are written in a title, by default those of MRS.

    >>> settings({"alpha": 0.6, "beta": 4.0})
    'α = 0.6, β = 4'
    """
    known = {name: each.symbol for name, each in MRS.items()} if letters is None else letters
    return ", ".join(f"{known[name]} = {value:.4g}" for name, value in values.items())
