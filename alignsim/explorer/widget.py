"""The page in a notebook."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from alignsim._version import __version__
from alignsim.explorer import page
from alignsim.explorer.links import opening
from alignsim.objectives import OBJECTIVES


def explore(
    P: ArrayLike | None = None,
    *,
    labels: list[str] | None = None,
    method: str = "mrs",
    objective: str = "ipo",
    reference: ArrayLike | None = None,
    start: ArrayLike | None = None,
    **parameters: float,
) -> Any:
    """Return the explorer as a widget for a notebook (needs the extra ``[notebook]``).

    Parameters
    ----------
    P : (K, K)
        Preferences, K at most 40; rock, paper, scissors by default.
    labels
        Names of the responses.
    method, objective
        Of the loop that is shown first, as for :func:`alignsim.method`.
    reference, start : (K,)
        Policies with full support; by default uniform, and a little beside it.
    **parameters
        Of the loop: ``beta``, ``lam``, those of the method and those of the objective. The
        sampler is ``"product"``, with a uniform offline policy.

    Returns
    -------
    anywidget.AnyWidget
        Its ``link`` is the state that it shows, to go on from later.

    Raises
    ------
    ModuleNotFoundError
        Without anywidget: names the extra.
    ValueError
        For preferences or parameters that :func:`alignsim.method` refuses.

    Examples
    --------
    >>> import alignsim as asim
    >>> P = asim.preferences.cyclic(3, advantage=0.3)
    >>> widget = asim.explore(P, beta=8.0, alpha=0.6)  # doctest: +SKIP
    """
    try:
        import anywidget
        import traitlets
    except ModuleNotFoundError as error:
        told = "explore needs anywidget; install alignsim[notebook]"
        raise ModuleNotFoundError(told, name=error.name) from None

    class Explorer(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
        """The explorer; ``link`` is the state that it shows."""

        _esm = page.module()
        _css = page.style()
        link = traitlets.Unicode("").tag(sync=True)
        version = traitlets.Unicode(__version__).tag(sync=True)
        objectives = traitlets.List(list(OBJECTIVES)).tag(sync=True)

        def __init__(self, fragment: str) -> None:
            super().__init__(link=fragment)
            self.on_msg(_answer)

    shown = opening(P, labels, method, objective, reference, start, parameters)
    return Explorer(shown.link)


def _answer(widget: Any, message: Any, buffers: Any) -> None:
    """Answer a question of the page in the kernel."""
    from alignsim.explorer.answers import reply

    del buffers
    header, payload = reply(message)
    widget.send(header, buffers=[payload])
