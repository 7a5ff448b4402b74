"""
Which α?
========

On the left, what the fixed point is for each η = β/(1 − α); on the right, which α reach it, and
the fastest one.
"""

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
axes = asim.plotting.advice(asim.advise(P, eta=20.0))
