"""
An orbit on the simplex
=======================

Three responses are a triangle. The orbit starts near the middle and is coloured by round; it winds
outwards to a closed curve, on which it stays.
"""

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
loop = asim.FeedbackMap(P, beta=8.0, alpha=0.6)
axes = asim.plotting.simplex(loop.run([0.4, 0.3, 0.3], rounds=400))
