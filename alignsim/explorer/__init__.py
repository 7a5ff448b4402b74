"""The explorer: a page on which a loop's parameters are dragged and its fate is redrawn.

Three backends answer it: JavaScript in the page (:func:`export`), Python behind ``alignsim
explore``, and Python in a notebook (:func:`explore`).
"""

from alignsim.explorer.page import export
from alignsim.explorer.widget import explore

__all__ = ["explore", "export"]
