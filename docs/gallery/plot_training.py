"""
Training on one pair
====================

DPO's gradient flow on a single pair of three responses, with free logits: the chosen response
rises, the rejected one falls, and the third, which is never compared, gains what is left.
"""

import alignsim as asim

P = [[0.5, 0.9, 0.5], [0.1, 0.5, 0.5], [0.5, 0.5, 0.5]]
pair = [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
path = asim.train(
    "dpo", P, pair_weights=pair, reference=[0.1, 0.6, 0.3], rate=0.25, steps=400, flow=True
)
axes = asim.plotting.diagnostics(asim.diagnostics(P, path, pair_weights=pair))
