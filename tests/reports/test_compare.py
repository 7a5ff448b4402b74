"""Methods side by side: each as it is alone, and all at the same count of optima."""

import numpy as np
import pytest

import alignsim as asim

P = asim.preferences.cyclic(3, advantage=0.3)
OMEGA = 0.3 / np.sqrt(3)
START = [0.6, 0.3, 0.1]
METHODS = ["mrs", "soft_reference", "hard_reference", "extragradient", "optimistic"]
OWN = {"mrs": {"alpha": 0.6}, "soft_reference": {"mixup": 0.5}, "hard_reference": {"every": 3}}


@pytest.fixture(scope="module")
def ds():
    return asim.compare(METHODS, P, beta=4.0, start=START, rounds=60, **OWN)


@pytest.mark.parametrize("name", METHODS)
def test_each_is_what_it_is_alone_to_the_bit(ds, name):
    loop = asim.method(name, P, beta=4.0, **OWN.get(name, {}))
    orbit, local = loop.run(START, rounds=60), asim.stability(loop)
    one = ds.sel(loop=name)
    assert np.array_equal(one["policy"], orbit.policies)
    assert np.array_equal(one["entropy"], orbit.entropy)
    assert np.array_equal(one["kl_to_reference"], orbit.kl_to_reference)
    assert np.array_equal(one["final_policy"], orbit.final)
    assert float(one["spectral_radius"]) == float(local.spectral_radius)
    assert one["verdict"].item() == local.words("verdict").item()
    assert one["rest"].values == pytest.approx(np.full(3, 1 / 3), abs=1e-12)


def test_what_orbits_do_in_the_long_run(ds):
    assert ds["phase"].values.tolist() == ["converged"] * 4 + ["invariant circle"]


def test_optima_are_counted(ds):
    assert ds["optima"].isel(round=1).values.tolist() == [1, 1, 3, 2, 1]
    assert np.array_equal(ds["optima"], np.outer([1, 1, 3, 2, 1], ds["round"]))
    assert (ds["optima"].sel(loop="extragradient") == 2 * ds["round"]).all()


def test_the_rate_is_that_of_the_orbit(ds):
    """The distance falls by e in the optima that are told, where it falls at all."""
    for name in METHODS:
        one = ds.sel(loop=name)
        distance, optima = one["distance_to_rest"].values, one["optima"].values
        if one["verdict"] == "unstable":
            assert np.isinf(one["optima_per_e_fold"])
            assert distance[-1] > 0.1
            continue
        late = slice(15, 45)
        slope = np.polyfit(optima[late], np.log(distance[late]), 1)[0]
        assert -1 / slope == pytest.approx(float(one["optima_per_e_fold"]), rel=0.05)


@pytest.mark.parametrize(
    ("name", "y"),
    [
        ("mrs", 0.8),
        ("soft_reference", 2 / np.sqrt(3)),
        ("hard_reference", np.sqrt((1 + np.sqrt(5)) / 2)),
        ("extragradient", 1.0),
        ("optimistic", 1 / np.sqrt(3)),
    ],
)
def test_the_limits_are_the_closed_forms(ds, name, y):
    assert float(ds["onset_beta"].sel(loop=name)) == pytest.approx(y / OMEGA, rel=1e-9)


def test_distances_to_the_rest_point(ds):
    rest = np.log(ds["rest"].values)[:, None]
    gap = np.log(ds["policy"].values) - rest
    assert ds["distance_to_rest"].values == pytest.approx(np.ptp(gap, axis=-1), abs=1e-12)
    share = np.exp(rest)
    kl = (share * -gap).sum(axis=-1)
    assert ds["kl_to_rest"].values == pytest.approx(kl, abs=1e-12)


def test_a_mapping_pairs_loops_and_aliases_are_the_same_thing():
    loop = asim.method("soft_reference", P, beta=4.0, mixup=0.5)
    ds = asim.compare(
        {
            "a": ("soft_reference", {"mixup": 0.5}),
            "soft_reference": {"mixup": 0.5},
            "b": loop,
            "c": ("tr_dpo_soft", {"ref_model_mixup_alpha": 0.5}),
        },
        P, beta=4.0, rounds=10,
    )  # fmt: skip
    assert ds["loop"].values.tolist() == ["a", "soft_reference", "b", "c"]
    assert all(np.array_equal(ds["policy"][0], ds["policy"][i]) for i in (1, 2, 3))
    pairs = asim.compare([("soft_reference", {"mixup": 0.5}), loop.replace(mixup=0.4)], P, beta=4.0,
                         rounds=10)  # fmt: skip
    assert pairs["loop"].values.tolist() == [
        "soft_reference (beta = 4, mixup = 0.5, alpha = 0, pull = 0)",
        "soft_reference (beta = 4, mixup = 0.4, alpha = 0, pull = 0)",
    ]
    assert np.array_equal(pairs["policy"][0], ds["policy"][0])


def test_a_method_may_have_its_own_beta():
    ds = asim.compare(["optimistic", "egpo"], P, beta=None, rounds=5,
                      optimistic={"beta": 2.0}, egpo={"eta": 3.0, "tau": 0.1})  # fmt: skip
    assert ds["setting"].values.tolist() == [
        "beta = 2, optimism = 1, kappa = 0",
        "beta = 3, kappa = 0.3",
    ]


def test_a_batch_has_further_dimensions():
    ds = asim.compare(["mrs", "extragradient"], P, beta=[1.0, 4.0], rounds=8, keep=4)
    assert ds["policy"].dims == ("loop", "map_0", "round", "response")
    assert ds["policy"].shape == (2, 2, 3, 3)
    assert ds["onset_beta"].shape == (2, 2)
    alone = asim.method("extragradient", P, beta=4.0).run(rounds=8, keep=4)
    assert np.array_equal(ds["policy"].sel(loop="extragradient", map_0=1), alone.policies)


def test_objective_sampler_and_convention_are_those_of_all_loops():
    methods = ["mrs", "extragradient"]
    given = {"objective": "dpo_sft", "sampler": "mixture", "beta": 2.0, "sft_weight": 0.3,
             "reference_share": 0.25}  # fmt: skip
    ds = asim.compare(methods, P, start=START, rounds=12, beta_convention="trl",
                      mrs={"alpha": 0.4}, **given)  # fmt: skip
    for name, own in (("mrs", {"alpha": 0.4}), ("extragradient", {})):
        loop = asim.method(name, P, beta_convention="trl", **given, **own)
        assert float(loop.beta) == 0.5
        assert np.array_equal(ds["policy"].sel(loop=name), loop.run(START, rounds=12).policies)
        radius = asim.stability(loop).spectral_radius
        assert float(ds["spectral_radius"].sel(loop=name)) == float(radius)
    assert ds.attrs == {"objective": "dpo_sft", "sampler": "mixture"}


def test_a_method_may_have_its_own_objective_and_sampler():
    ds = asim.compare(
        {
            "product": ("mrs", {"alpha": 0.4}),
            "pilaf": ("mrs", {"alpha": 0.4, "sampler": "pilaf"}),
            "sft": ("mrs", {"alpha": 0.4, "objective": "dpo_sft", "sft_weight": 0.3}),
        },
        P, beta=0.8, objective="dpo", start=START, rounds=5,
    )  # fmt: skip
    assert ds.attrs == {"objective": "dpo, dpo_sft", "sampler": "product, pilaf"}
    policies = ds["policy"].values
    assert all(np.abs(policies[0] - policies[i]).max() > 1e-3 for i in (1, 2))
    other = asim.method("mrs", P, beta=0.8, alpha=0.4, objective="dpo", sampler="pilaf")
    assert np.array_equal(policies[1], other.run(START, rounds=5).policies)


def test_loops_that_differ_in_objective_or_sampler_alone_have_labels_of_their_own():
    loops = [asim.FeedbackMap(P, beta=0.8, alpha=0.4, objective=each) for each in ("ipo", "dpo")]
    loops.append(asim.FeedbackMap(P, beta=0.8, alpha=0.4, sampler="pilaf"))
    ds = asim.compare(loops, rounds=2)
    assert ds["loop"].values.tolist() == [
        "mrs (beta = 0.8, alpha = 0.4)",
        "mrs (beta = 0.8, alpha = 0.4, objective dpo)",
        "mrs (beta = 0.8, alpha = 0.4, sampler pilaf)",
    ]


def test_without_a_rest_point_there_is_no_distance():
    ranked = asim.preferences.bradley_terry([1.0, 0.5, 0.0])
    ds = asim.compare(["mrs", "extragradient"], ranked, beta=1.0, rounds=5)
    assert np.isfinite(ds["distance_to_rest"].sel(loop="mrs")).all()
    assert np.isnan(ds["distance_to_rest"].sel(loop="extragradient")).all()
    assert np.isnan(ds["optima_per_e_fold"].sel(loop="extragradient"))


LOOP5 = asim.FeedbackMap(asim.preferences.cyclic(5, advantage=0.3), beta=1.0)


@pytest.mark.parametrize(
    ("methods", "given", "message"),
    [
        (["soft_reference"], {"P": P, "beta": 1.0}, "mixup is missing; 'soft_reference' has"),
        (["mrs"], {"P": P}, "beta is missing"),
        (["mrs"], {"beta": 1.0}, "P is missing; give it, or loops"),
        ("mrs", {"P": P, "beta": 1.0}, "methods is 'mrs'; give a list"),
        ([], {"P": P, "beta": 1.0}, "methods is empty"),
        (["mrs", "mrs"], {"P": P, "beta": 1.0}, "twice; give each once"),
        (["mrs"], {"P": P, "beta": 1.0, "optimistic": {}}, "the method of parameters is"),
        (["mrs"], {"P": P, "beta": 1.0, "mrs": 0.3}, "mrs is 0.3, no mapping of parameters"),
        (["mrs"], {"P": P, "beta": 1.0, "sampler": "mixP"}, "sampler is 'mixP'"),
        (["mrs"], {"P": P, "beta": 1.0, "sft_weight": 0.2}, "the method of parameters is"),
        (["mrs", 3], {"P": P, "beta": 1.0}, r"methods\[1\] is 3; give a name"),
        (["extragradient", LOOP5], {"P": P, "beta": 1.0}, "methods have 3 and 5 responses"),
    ],
)
def test_bad_input(methods, given, message):
    with pytest.raises(ValueError, match=message):
        asim.compare(methods, **given)
