"""Hold the package against other tools, on the same numbers.

    python docs/beside.py            compare, and print what was found
    python docs/beside.py --write    also put it into docs/beside.md

A tool that is not installed is skipped, with a message, and what the page says of it stays.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import alignsim as asim

PAGE = Path(__file__).resolve().parent / "beside.md"

VOTES = np.array([[0, 7, 2, 9], [3, 0, 8, 6], [8, 2, 0, 7], [1, 4, 3, 0]])
"""Of ten comparisons of each pair, how often the row won."""

REFERENCE = np.array([0.4, 0.3, 0.2, 0.1])

Rows = list[tuple[str, ...]]
"""The rows of a table; the first is its head."""


def trl() -> Rows:
    """Minimise TRL's own losses on a data set of pairs, and compare with the one-shot optima."""
    import torch

    chosen, rejected = (np.repeat(side, VOTES[VOTES > 0]) for side in np.nonzero(VOTES))
    P = VOTES / 10 + 0.5 * np.eye(4)
    pairs = 1.0 - np.eye(4)
    rows: Rows = [("loss", "TRL's beta", "optimum here", "largest difference")]
    for loss, optimum in (("sigmoid", asim.dpo_optimum), ("ipo", asim.ipo_optimum)):
        for beta in (0.5, 2.0):
            ours = optimum(P, pair_weights=pairs, reference=REFERENCE, beta=1.0 / beta)
            theta = torch.tensor(np.log(REFERENCE), requires_grad=True)
            descent = torch.optim.LBFGS(
                [theta], max_iter=500, tolerance_grad=1e-12, tolerance_change=0.0,
                line_search_fn="strong_wolfe",
            )  # fmt: skip

            def closure(loss: str = loss, beta: float = beta, theta: Any = theta,
                        descent: Any = descent) -> Any:  # fmt: skip
                descent.zero_grad()
                value = _trl_loss(loss, beta, theta, chosen, rejected)
                value.backward()
                return value

            descent.step(closure)
            theirs = torch.softmax(theta.detach(), 0).numpy()
            gap = np.abs(theirs - ours).max()
            assert gap < 1e-6, (loss, beta, gap)
            rows.append((f"`{loss}`", f"{beta:g}", _vector(ours), f"{gap:.0e}"))
    return rows


def _trl_loss(loss: str, beta: float, theta: Any, chosen: Any, rejected: Any) -> Any:
    """Return what DPOTrainer computes for a tabular model whose answers are one token long."""
    import torch
    from trl.trainer.dpo_trainer import DPOTrainer

    rows = torch.as_tensor(np.concatenate([chosen, rejected]))
    mask = torch.tensor([0, 1]).repeat(len(rows), 1)

    def model(logits: Any) -> Callable[..., Any]:
        logps = torch.log_softmax(logits, 0)[rows][:, None]
        zero = torch.zeros_like(logps).detach()
        return lambda **_: SimpleNamespace(
            log_probs=logps, entropy=zero, mean_logits=zero, is_top1=zero.bool(), aux_loss=zero
        )

    same = SimpleNamespace(
        gather=lambda x: x, gather_for_metrics=lambda x: x, device=torch.device("cpu")
    )
    logged: dict[str, Any] = {}
    trainer = SimpleNamespace(
        model=SimpleNamespace(training=False), accelerator=same, aux_loss_enabled=False,
        ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl", beta=beta,
        loss_types=[loss], loss_weights=[1.0], label_smoothing=0.0, use_weighting=False,
        _metrics={"eval": _Lists(logged)}, _total_train_tokens=0,
    )  # fmt: skip
    known = torch.tensor(np.log(REFERENCE))
    inputs = {
        "input_ids": mask, "attention_mask": mask, "completion_mask": mask,
        "ref_chosen_logps": known[chosen], "ref_rejected_logps": known[rejected],
    }  # fmt: skip
    return DPOTrainer._compute_loss(trainer, model(theta), inputs, False)


class _Lists(dict[str, list[float]]):
    def __missing__(self, name: str) -> list[float]:
        self[name] = []
        return self[name]


def pynamicalsys() -> Rows:
    """Compute Lyapunov exponents of the loop's map, written by hand for pynamicalsys."""
    import numba
    from pynamicalsys import DiscreteDynamicalSystem

    P = asim.preferences.cyclic(3, advantage=0.3)
    P[0, 1], P[1, 0] = 0.9, 0.1
    basis = asim.simplex.mean_zero_basis(3)
    drift = basis.T @ P
    alpha = 0.6

    @numba.njit
    def policy(u: Any) -> Any:
        weights = np.exp(basis @ u)
        return weights / weights.sum()

    @numba.njit
    def step(u: Any, parameters: Any) -> Any:
        return alpha * u + parameters[0] * (drift @ policy(u))

    @numba.njit
    def derivative(u: Any, parameters: Any, *_: Any) -> Any:
        p = policy(u)
        covariance = np.diag(p) - np.outer(p, p)
        return alpha * np.eye(2) + parameters[0] * (drift @ covariance @ basis)

    system = DiscreteDynamicalSystem(
        mapping=step, jacobian=derivative, system_dimension=2, number_of_parameters=1
    )
    start, rounds = np.array([0.5, 0.3, 0.2]), 20_000
    rows: Rows = [("β", "exponents here", "by pynamicalsys", "what `classify` says")]
    for beta in (3.0, 8.0, 30.0):
        loop = asim.FeedbackMap(P, beta=beta, alpha=alpha)
        ours = asim.lyapunov_spectrum(loop, start, rounds=rounds).exponents
        u = basis.T @ np.log(start)
        theirs = system.lyapunov(u, rounds, parameters=[beta], transient_time=rounds // 10)
        gap = np.abs(np.sort(ours) - np.sort(theirs)).max()
        assert gap < 0.02, (beta, gap)
        phase = str(asim.classify(loop, start).phase)
        rows.append((f"{beta:g}", _vector(ours, 4), _vector(theirs, 4), phase))
    return rows


def open_spiel() -> Rows:
    """Compare a round without an anchor with the replicator dynamics of OpenSpiel's egt."""
    from open_spiel.python.egt import dynamics

    P = asim.preferences.cyclic(3, advantage=0.3)
    flow = dynamics.SinglePopulationDynamics(np.array([P, P.T]), dynamics.replicator)
    policy = np.array([0.5, 0.3, 0.2])
    velocity = flow(policy)
    rows: Rows = [("β", "(π_{t+1} − π_t)/β", "replicator velocity", "largest difference")]
    gaps = []
    for beta in (1.0, 0.1, 0.01, 0.001):
        ours = (asim.FeedbackMap(P, beta=beta, alpha=1.0).step(policy) - policy) / beta
        gaps.append(np.abs(ours - velocity).max())
        rows.append((f"{beta:g}", _vector(ours, 5), _vector(velocity, 5), f"{gaps[-1]:.0e}"))
    assert np.all(np.array(gaps[1:]) < 0.2 * np.array(gaps[:-1])), gaps
    return rows


TOOLS: dict[str, tuple[Callable[[], Rows], str]] = {
    "trl": (trl, "trl"),
    "pynamicalsys": (pynamicalsys, "pynamicalsys"),
    "open_spiel": (open_spiel, "open_spiel"),
}
"""Package → its comparison, and the name of its distribution."""


def _vector(values: Any, places: int = 3) -> str:
    return " ".join(f"{value:.{places}f}" for value in values)


def table(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "| --- " * len(rows[0]) + "|", *lines[1:]]) + "\n"


def replaced(page: str, name: str, block: str) -> str:
    """Return the page with the marked block of a tool made anew."""
    block = block.replace("\\", r"\\")
    return re.sub(
        rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)",
        rf"\1{block}\2",
        page,
        flags=re.DOTALL,
    )


def main() -> int:
    """Compare with every tool that is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the results into docs/beside.md")
    write = parser.parse_args().write
    page = PAGE.read_text(encoding="utf-8")
    for name, (compare, distribution) in TOOLS.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed: skipped\n")
            continue
        version = importlib.metadata.version(distribution)
        block = f"{table(compare())}\n*{distribution} {version}, alignsim {asim.__version__}.*\n"
        print(f"{name}\n\n{block}")
        page = replaced(page, name, block)
    if write:
        PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
