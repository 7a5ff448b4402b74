"""JavaScript against Python, in the browser in which the page runs."""

import numpy as np
import pytest

import alignsim as asim
from alignsim.explorer.table import MOST_WHOLE
from alignsim.feedback.methods.catalogue import METHODS
from tests.explorer.test_table import drawn

pytestmark = pytest.mark.browser

INSTANCES = 40

SHORT = 25
"""Rounds over which orbits are compared: chaos parts longer ones."""

ANSWERS = """async ({address, method, instances, rounds}) => {
  const { kernels: k } = await import(address), { METHODS } = await import(address)
    .then(m => ({ METHODS: m.methods.METHODS }));
  return instances.map(state => {
    const loop = k.loopOf(state, METHODS[method], state.values), found = k.local(loop);
    const orbit = k.orbit(loop, state.start.map(Math.log), rounds);
    return { ...found, rho: String(found.rho), logits: found.logits && [...found.logits],
      radius: String(k.radius(state, METHODS[method])(state.values)),
      policies: [...orbit.policies], entropies: [...orbit.entropies] };
  });
}"""

CROSSINGS = """async ({address, method, state, name, candidates}) => {
  const { kernels: k, methods } = await import(address);
  return k.crossings(state, methods.METHODS[method], state.values, name, candidates);
}"""


@pytest.fixture(scope="module")
def kernels(browser, static_page):
    """A page beside the module, in which its functions can be called."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(static_page)
    yield lambda code, **given: page.evaluate(
        code, {"address": f"{static_page}explorer.js", **given}
    )
    context.close()


def instances(method, seed):
    """Random preferences, references, starts and parameters, for 2 to 6 responses."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(INSTANCES):
        K = 2 + i % 5
        upper = np.triu(rng.uniform(-0.5, 0.5, (K, K)), 1)
        if K % 2 and i >= INSTANCES // 2:  # nearly a cycle, whose equilibrium is inside
            cycle = np.triu(asim.preferences.cyclic(K, advantage=0.3) - 0.5, 1)
            upper = cycle + 0.1 * upper
        values = drawn(method, rng) | {
            "beta": 10.0 ** rng.uniform(-1, 1.5),
            "lam": rng.uniform(0.1, 1),
        }
        found.append(
            {
                "P": (0.5 + upper - upper.T).tolist(),
                "reference": asim.simplex.centre(rng.normal(size=K)).tolist(),
                "start": rng.dirichlet(np.full(K, 3.0)).tolist(),
                "values": values,
            }
        )
    return found


def in_python(name, state):
    return asim.method(
        name, state["P"], reference=asim.simplex.softmax(state["reference"]), **state["values"]
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_the_same_in_the_page(kernels, name):
    states = instances(METHODS[name], seed=sum(map(ord, name)))
    answers = kernels(ANSWERS, method=name, instances=states, rounds=SHORT)
    compared = 0
    for state, answer in zip(states, answers, strict=True):
        loop = in_python(name, state)
        local = asim.stability(loop)
        np.testing.assert_allclose(float(answer["rho"]), local.spectral_radius, rtol=1e-9)
        np.testing.assert_allclose(float(answer["radius"]), local.spectral_radius, rtol=1e-9)
        orbit = loop.run(state["start"], SHORT)
        K = len(state["P"])
        policies = np.reshape(answer["policies"], (-1, K))
        np.testing.assert_allclose(policies, orbit.policies, rtol=2e-5, atol=2e-6)
        entropies = asim.simplex.entropy(orbit.logits)
        np.testing.assert_allclose(answer["entropies"], entropies, rtol=2e-5, atol=1e-5)
        if np.isnan(local.spectral_radius):
            assert answer["verdict"] == "undecided"
            assert answer["reason"] == str(local.fixed_point.words("status")).replace(" ", "_")
            continue
        compared += 1
        assert answer["verdict"] == str(local.words("verdict"))
        np.testing.assert_allclose(answer["angle"], local.angle, atol=1e-8)
        np.testing.assert_allclose(answer["logits"], local.fixed_point.logits, atol=1e-7)
        found = np.array([complex(*m) for m in answer["multipliers"]])
        wanted = asim.analysis.multipliers(loop, local.fixed_point.logits)
        assert found.shape == wanted.shape
        for each in wanted:  # in whatever order
            nearest = np.abs(found - each).argmin()
            assert abs(found[nearest] - each) < 1e-6 * (1 + abs(each))
            found = np.delete(found, nearest)
    assert compared >= (6 if name == "hard_reference" else INSTANCES // 2)


@pytest.mark.parametrize("name", ["mrs", "soft_reference", "extragradient", "optimistic"])
def test_crossings_are_those_of_the_analysis(kernels, name):
    P = asim.preferences.cyclic(3, advantage=0.3) + 0.15 * np.array(
        [[0, 1, -1], [-1, 0, 0.5], [1, -0.5, 0]]
    )
    method = METHODS[name]
    values = {"kappa": 0.2, "alpha": 0.5, "mixup": 0.3, "pull": 0.1, "optimism": 0.5}
    values = {p.name: values[p.name] for p in method.parameters} | {"beta": 6.0, "lam": 0.8}
    state = {"P": P.tolist(), "reference": None, "start": None, "values": values}
    candidates = np.geomspace(0.06, 600.0, 97).tolist()
    found = kernels(CROSSINGS, method=name, state=state, name="beta", candidates=candidates)
    at = asim.analysis.crossings(asim.method(name, P, **values), "beta", 0.06, 600.0).at
    below, above = at[at < 6.0], at[at > 6.0]
    for side, wanted in (("below", below.max(initial=-1)), ("above", above.min(initial=np.inf))):
        if wanted in (-1, np.inf):
            assert found[side] is None
        else:
            np.testing.assert_allclose(found[side], wanted, rtol=1e-9)
    assert len(at) > 0


def test_whole_numbers_are_counted(kernels):
    P = asim.preferences.cyclic(3, advantage=0.3).tolist()
    values = {"every": 3.0, "alpha": 0.2, "beta": 4.0, "lam": 1.0}
    state = {"P": P, "reference": None, "start": None, "values": values}
    counts = [float(n) for n in range(1, MOST_WHOLE + 1)]
    found = kernels(
        CROSSINGS, method="hard_reference", state=state, name="every", candidates=counts
    )
    loops = asim.method("hard_reference", P, **(values | {"every": counts}))
    stable = asim.stability(loops).stable
    changed = [n for n, each in zip(counts, stable, strict=True) if each != stable[2]]
    assert found["below"] == max((n for n in changed if n < 3), default=None)
    assert found["above"] == min((n for n in changed if n > 3), default=None)
    assert changed
