"""What is watched while a policy trains, over the rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from alignsim import validation
from alignsim.errors import InputError, listed
from alignsim.plotting.beside import Place, beside, fits, scale, shrink
from alignsim.plotting.palette import DASHES, INK, OKABE_ITO, Style, chosen
from alignsim.plotting.panels import PanelArray, panel_axes
from alignsim.sweeps.labels import dataset

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_PANELS = (
    (
        "log-likelihood (nats)",
        {
            "chosen_log_likelihood": "chosen",
            "rejected_log_likelihood": "rejected",
            "margin": "margin",
        },
    ),
    (
        "nats",
        {"entropy": "entropy", "top_entropy": "of top-k", "kl_to_reference": "KL to reference"},
    ),
    (
        "probability",
        {
            "top_mass": "top-k mass",
            "uncompared_mass": "uncompared",
            "win_rate_reference": "beats reference",
            "win_rate_offline": "beats offline",
            "duality_gap": "duality gap",
        },
    ),
)
"""The label of each axis, and what is drawn there by which name."""

_ALARMS = {"entropy_alarm": (1, "entropy falls"), "mass_alarm": (2, "mass shrinks")}
"""The signals: in which panel, by which name."""

_OPTIONAL = ("win_rate_offline",)


def diagnostics(
    ds: xr.Dataset,
    *,
    time: str = "log",
    colors: Mapping[str, Any] | None = None,
    legend: Place = True,
    ax: PanelArray | None = None,
    **kwargs: Any,
) -> PanelArray:
    """Return three Axes: likelihoods and margin, entropies and KL, probabilities, over rounds.

    A thin dashed line marks the round at which a signal of over-optimisation first sounds.

    Parameters
    ----------
    ds
        From `alignsim.diagnostics`, for one map.
    time
        "log", which shows the first rounds and the long run at once, or "linear".
    colors
        Colours of the lines by their names in the legend.
    legend
        False for none; or where: "right" of or "below" the axes, or a place of Matplotlib's
        within them, such as "upper left".
    ax
        Three Axes to draw on; by default a new figure.
    **kwargs
        Passed to ``Axes.plot``, which draws the lines.

    Raises
    ------
    ValueError
        If ``ds`` is no such Dataset or of a batch, ``time`` is unknown, ``colors`` do not fit,
        ``legend`` is no place, or ``ax`` is not three Axes.

    Examples
    --------
    >>> import alignsim as asim
    >>> from matplotlib.figure import Figure
    >>> loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=4.0, alpha=0.6)
    >>> ds = asim.diagnostics(loop, loop.run([0.5, 0.3, 0.2], rounds=50))
    >>> axes = asim.plotting.diagnostics(ds, ax=Figure().subplots(3))
    >>> [line.get_label() for line in axes[0].lines]
    ['chosen', 'rejected', 'margin']
    """
    around = beside(legend)
    validation.choice(time, "time", ("linear", "log"))
    needed = [name for _, lines in _PANELS for name in lines if name not in _OPTIONAL]
    dataset(ds, [*needed, *_ALARMS], "diagnostics")
    batch = [str(d) for d in ds["margin"].dims if d != "round"]
    if batch:
        pick = ", ".join(f"{name}=0" for name in batch)
        raise InputError("ds", f"is of a batch, over {listed(batch)}", f"pick one: ds.isel({pick})")
    names = [label for _, lines in _PANELS for key, label in lines.items() if key in ds]
    palette = [OKABE_ITO[i % 6] for _, lines in _PANELS for i, key in enumerate(lines) if key in ds]
    colours = dict(zip(names, chosen(colors, names, palette), strict=True))
    axes = panel_axes(ax, (3,), (7.2, 6.0), upright=True, sharex=True)
    rounds = ds["round"].values
    for each, (label, lines) in zip(axes, _PANELS, strict=True):
        drawn = {key: text for key, text in lines.items() if key in ds}
        for i, (key, text) in enumerate(drawn.items()):
            look: Style = {
                "color": colours[text], "label": text, "linewidth": 1.3 * scale(each),
                "linestyle": DASHES[i % len(DASHES)],
            }  # fmt: skip
            each.plot(rounds, ds[key].values, **look | kwargs)
        each.set_ylabel(label if fits(label, each, "y") else label.partition(" (")[0])
        if time == "log":
            each.set_xscale("symlog", linthresh=1.0)
        each.set_xlim(rounds[0], max(rounds[-1], rounds[0] + 1))
    _draw_alarms(axes, ds)
    for each in axes:
        around.add_legend(each, place="right")
    axes[-1].set_xlabel("round")
    shrink(*axes)
    return axes


def _draw_alarms(axes: PanelArray, ds: xr.Dataset) -> None:
    for key, (panel, label) in _ALARMS.items():
        sounds = int(ds[key])
        each: Axes = axes[panel]
        if sounds >= 0:
            each.axvline(sounds, color=INK, linewidth=0.8 * scale(each), linestyle=":", label=label)
