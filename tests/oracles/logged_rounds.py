"""Golden logs of diagnose.md, section 6."""

import numpy as np

_ROWS = """
50 30 20
47 22 31
36 21 43
27 27 46
23 37 40
25 43 31
32 42 26
39 35 25
41 29 30
37 27 36
32 29 40
28 33 38
"""

COUNTS = np.array([row.split() for row in _ROWS.split("\n") if row], dtype=float)
SHARES = COUNTS / COUNTS.sum(axis=1, keepdims=True)
"""⌊100π + ½⌋ of 12 policies, each row divided by its sum."""

RHO, THETA = 0.9165151390, np.radians(49.1066054)
