"""
A phase diagram
===============

Where does a loop on rock-paper-scissors preferences converge, and where does it oscillate? Few of
the points are computed: cells are refined where labels differ. The line is the exact boundary of
stability.
"""

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
ds = asim.phase_diagram(P, x=("beta", 0, 12), y=("lam", 0, 1), alpha=0.6, by="both", resolution=256)
axes = asim.plotting.phase_diagram(ds)
