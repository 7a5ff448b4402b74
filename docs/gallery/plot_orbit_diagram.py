"""
An orbit diagram
================

Which probabilities does a response have on the attractor, as β grows? A point where the loop
settles, a band where it turns on a circle, a few points where it is locked to a cycle.
"""

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
ds = asim.sweeps.orbit_diagram(P, x=("beta", 3, 12), alpha=0.6, points=161)
axes = asim.plotting.orbit_diagram(ds)
