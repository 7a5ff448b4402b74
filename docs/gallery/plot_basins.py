"""
Basins of attraction
====================

A coordination game is no preference matrix, but the loop is defined for it: every response is an
attractor, and the start decides.
"""

import numpy as np

import alignsim as asim

loop = asim.FeedbackMap.from_payoffs(np.eye(3), beta=8.0)
axes = asim.plotting.basins(asim.basins(loop, resolution=40))
