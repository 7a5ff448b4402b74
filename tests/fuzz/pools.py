# ruff: noqa: E501
"""What an argument is drawn from, by its name: good values, edges, and values that are hostile.

All are Python expressions, evaluated with the names of :mod:`tests.fuzz.values`. ``{K}`` is the
number of responses of the call, ``{s}`` a seed.
"""

from typing import NamedTuple

from tests.fuzz.values import GOOD_FILES, HOSTILE_FILES, SPECIAL_FILES


class Pool(NamedTuple):
    """Expressions for one argument."""

    good: tuple
    edge: tuple = ()
    hostile: tuple = ()


LONG = "10**12"
"""A request for hours of work: it may be refused at once, or else must yield to Ctrl-C."""

ANYTHING = (
    "None", "True", "'3'", "b'3'", "''", "'\\udc80'", "'x' * 100_000", "object()", "Unprintable()",
    "float('nan')", "float('inf')", "-float('inf')", "-1", "0", "5e-324", "1e308", "-1e308",
    "10**400", "10**19", LONG, "1.5", "1j", "[]", "{}", "()", "[[1, 2], [3]]", "[[]]", "range(3)",
    "lambda: 0", "set('ab')", "Decimal('0.3')", "Fraction(1, 3)", "[None]", "['a', 'b', 'c']",
    "np.zeros(0)", "np.zeros((0, 3))", "np.zeros((1,) * 32)", "np.array([1, 'a'], dtype=object)",
    "np.array(['a', 'b'])", "np.float32(0.3)", "np.array(0.3)", "np.array([0.3])", "np.bool_(True)",
    "np.int8(3)", "np.datetime64('2026-01-01')", "np.array([np.nan, 0.5, 0.5])",
    "np.ma.masked_array([0.2, 0.3, 0.5], [0, 1, 0])", "np.full(5, 1e308)", "np.ones((3, 3))",
    "np.full((3, 3), np.nan)", "np.ones((2, 2), dtype=complex)", "RaisingArray()",
    "RaisingIterator()", "RaisingPath()", "[RaisingArray()]", "np.random.default_rng(0)",
    "np.broadcast_to(0.5, (10**6, 10**6))", "[0.5] * 50_000", "'/'", "float", "NotImplemented", "...",
)  # fmt: skip
"""Offered to every argument."""

KINDS = ("random", "cycle", "ranked")
EDGE_KINDS = ("sure", "ordered", "ties", "some ties", "tiny", "even", "some sure")


def _each(template, kinds):
    return tuple(template.replace("{kind}", kind) for kind in kinds)


MATRIX = Pool(
    (
        *_each("matrix('{kind}', {K}, seed={s})", KINDS),
        "matrix('random', {K}, (3,), seed={s})",
        "matrix('random', {K}, seed={s}).tolist()",
    ),
    (
        *_each("matrix('{kind}', {K}, seed={s})", EDGE_KINDS),
        "matrix('some ties', {K}, (2, 1), seed={s})",
        "matrix('random', 2, seed={s})",
        "np.asfortranarray(matrix('random', {K}, seed={s}))",
        "matrix('random', {K}, seed={s}).astype('float32')",
        "matrix('cycle', 3).astype(object)",
    ),
    (
        "matrix('random', {K}) + 1e-6", "-matrix('random', {K})", "matrix('random', {K})[:1]",
        "np.full(({K}, {K}), np.nan)", "np.full(({K}, {K}), 1e308)", "[[0.5]]", "[[0.5, '0.5']] * 2",
        "matrix('random', {K}) * [[np.inf]]", "[[0.5, 0.7], [0.3]]", "[[[0.5, 0.7], [0.3, 0.5]], 3]",
        "matrix('random', {K}).astype(complex)", "matrix('random', {K}).reshape((1,) * 28 + ({K}, {K}))",
        "[[RaisingArray()] * 3] * 3", "np.zeros((2, 2), dtype='M8[s]')", "np.zeros((2, 0, 0))",
        "[[10**400, 1], [1, 1]]",
    ),
)  # fmt: skip

POLICY = Pool(
    ("policies({K}, seed={s})", "policies({K}, seed={s}).tolist()", "np.full({K}, 1 / {K})"),
    (
        "policies({K}, seed={s}, concentration=0.01)", "policies({K}, (3,), seed={s})",
        "policies({K}, (2, 1), seed={s})", "np.eye({K})[0]", "None",
        "np.full({K}, 1 / {K}).astype('float32')",
    ),
    (
        "policies({K} + 1)", "2 * policies({K})", "-policies({K})", "policies({K}, (7, 5))",
        "policies({K}) * np.nan", "'uniform'", "[1.0]", "[0.5, 0.5, '0']", "policies({K}).astype(complex)",
        "policies({K}).reshape((1,) * 31 + ({K},))", "[RaisingArray()] * 3",
    ),
)  # fmt: skip

LOGITS = Pool(
    ("np.log(policies({K}, seed={s}))", "np.zeros({K})", "np.arange({K}).tolist()"),
    (
        "1e3 * np.arange({K})", "np.full({K}, 1e300)", "1e299 * np.arange({K}) / {K}", "5e-324 * np.arange({K})",
        "np.log(policies({K}, (3,), seed={s}))", "None",
    ),
    (
        "np.full({K}, 1e308)", "np.full({K}, np.nan)", "np.full({K}, -np.inf)", "np.zeros({K} + 1)",
        "np.zeros((7, 5, {K}))", "[1j] * 3", "['0'] * 3", "0.0", "np.zeros((1,) * 31 + ({K},))",
    ),
)  # fmt: skip

BETA = Pool(
    ("8.0", "3", "[1.0, 4.0, 9.0]", "np.linspace(0.0, 20.0, 3)", "0.5"),
    ("0", "5e-324", "1e-300", "1e300", "1e308", "[0.0, 5e-324, 1e308]", "True", "np.float32(3)", "1e100"),
    ("-1", "-5e-324", "[1.0, -2.0]", "[[1.0], [2.0, 3.0]]", "'high'", "np.ones((7, 5))"),
)  # fmt: skip

SHARE = Pool(
    ("0.5", "0.0", "1.0", "[0.1, 0.5, 0.9]", "0.8"),
    ("1 - 1e-16", "5e-324", "1", "False", "1 - 1e-9", "[0.0, 1.0, 0.5]", "np.array([[0.3], [1.0]])"),
    ("1 + 1e-16", "1.0000001", "-1e-300", "2", "'half'", "np.full((7, 5), 0.5)"),
)  # fmt: skip

ROUNDS = Pool(
    ("50", "300", "1000"),
    ("1", "np.int64(20)", "7"),
    ("0", LONG, "10**15", "10**15 + 1", "2.0", "3.5"),
)

MANY = Pool(("3", "10", "40"), ("1", "2", "np.int32(5)"), ("0", LONG, "10**16", "2.5"))
"""How many of something that is cheap."""

FEW = Pool(("3", "4", "5"), ("2", "7"), ("1", "0", LONG, "10**6", "2.5"))
"""How many responses."""

SEED = Pool(
    ("0", "7", "np.random.default_rng({s})", "None"),
    ("2**63", "10**30", "[1, 2, 3]", "np.random.SeedSequence(3)", "np.random.PCG64(1)"),
    ("-3", "1.0", "'seed'", "[-1]", "np.random", "[]"),
)

METHOD_LOOPS = (
    "asim.method('soft_reference', matrix('cycle', {K}), beta=2.0, mixup=[0.3, 0.6, 0.9])",
    "asim.method('soft_reference', matrix('random', {K}, seed={s}), objective='dpo', beta=1.0, mixup=0.5, pull=0.2)",
    "asim.method('optimistic', matrix('random', {K}, (2,)), beta=3.0, kappa=0.3)",
    "asim.method('hard_reference', matrix('cycle', {K}), beta=1.0, every=[2, 3])",
    "asim.method('extragradient', matrix('random', {K}, seed={s}), beta=3.0, kappa=0.2, lam=0.7)",
    "asim.method('momentum', matrix('random', {K}), objective='dpo', beta=1.0, momentum=0.4, kappa=0.3)",
    "asim.method('replay', matrix('cycle', {K}), beta=4.0, fresh=0.2, kappa=0.1)",
    "asim.method('nash_md', matrix('random', {K}), beta=3.0, kappa=0.3)",
    "asim.method('ipo_md', matrix('random', {K}), beta=3.0, mixture=0.3)",
    "asim.FeedbackMap(matrix('cycle', {K}), beta=2.0, scheme=scheme())",
)
EDGE_METHOD_LOOPS = (
    "asim.method('soft_reference', matrix('random', {K}), beta=[0, 5e-324, 1e100, 1e308], mixup=[[0.0], [1.0], [1e-300]])",
    "asim.method('optimistic', matrix('cycle', {K}), beta=[1.0, 1e308], optimism=[[0.0], [1e300]], kappa=5e-324)",
    "asim.method('extragradient', matrix('ordered', {K}), beta=30.0)",
    "asim.method('hard_reference', matrix('cycle', {K}), objective='dpo', beta=[0.0, 1e10], every=1)",
    "asim.method('momentum', matrix('random', {K}), beta=3.0, momentum=[-1.0, 1.0], kappa=[[0.0], [1.0]])",
    "asim.method('replay', matrix('random', {K}), beta=3.0, fresh=[0.0, 5e-324], kappa=1.0)",
)
"""Loops of other methods than MRS."""

LOOP = Pool(
    (
        "oscillating()", "oscillating(3, 'dpo')", "oscillating(4)", "oscillating(3, 'ipo', (3,))",
        "asim.FeedbackMap(matrix('random', {K}, seed={s}), beta=6.0, alpha=0.4)",
        "asim.FeedbackMap(matrix('random', {K}, (3,), seed={s}), beta=[2.0, 20.0, 60.0], alpha=0.6, lam=0.9)",
        "asim.FeedbackMap(matrix('random', {K}, seed={s}), objective='dpo', beta=3.0, alpha=0.5, lam=0.8)",
        "asim.FeedbackMap(matrix('ranked', {K}, (2,)), objective='dpo', beta=3.0, reference=policies({K}))",
        "asim.FeedbackMap(matrix('random', {K}), beta=[[1.0], [30.0]], alpha=[0.2, 1.0], offline=policies({K}))",
        "asim.FeedbackMap.from_payoffs(3 * policies({K}, ({K},), {s}), beta=4.0, alpha=0.5)",
        *METHOD_LOOPS,
    ),
    (
        *EDGE_METHOD_LOOPS,
        *_each("asim.FeedbackMap(matrix('{kind}', {K}, seed={s}), beta=6.0, alpha=0.4)", EDGE_KINDS),
        *_each("asim.FeedbackMap(matrix('{kind}', {K}, seed={s}), objective='dpo', beta=3.0, alpha=0.4)", EDGE_KINDS),
        "asim.FeedbackMap(matrix('cycle', {K}), beta=[0, 5e-324, 1e-300, 1e300, 1e308], alpha=1 - 1e-16)",
        "asim.FeedbackMap(matrix('random', {K}), beta=[0, 5e-324, 1e100, 1e308], alpha=[[0.0], [1.0], [1 - 1e-9]], lam=5e-324)",
        "asim.FeedbackMap(matrix('random', {K}), objective='dpo', beta=[0, 5e-324, 1e10, 1e308], alpha=[[0.0], [1.0]])",
        "asim.FeedbackMap(matrix('cycle', {K}), objective='dpo', beta=[5.0, 1e308], alpha=1 - 1e-9, lam=0.0)",
        "asim.FeedbackMap(matrix('some sure', {K}), beta=40.0, reference=policies({K}, concentration=0.01))",
        "asim.FeedbackMap.from_payoffs(np.full(({K}, {K}), 1e300), beta=1e300)",
        "asim.FeedbackMap.from_payoffs(-1e-300 * np.eye({K}), beta=3.0, alpha=1.0)",
        "asim.FeedbackMap.from_payoffs(np.eye({K}), beta=30.0, alpha=0.3)",
        "asim.FeedbackMap(matrix('random', 20, seed={s}), beta=9.0, alpha=0.7)",
        "asim.FeedbackMap(matrix('random', 65, seed={s}), beta=9.0, alpha=0.7)",
    ),
    ("matrix('cycle', 3)", "asim.FeedbackMap", "oscillating().run(rounds=3)"),
)  # fmt: skip

READABLE = tuple(f"file({name!r})" for name in GOOD_FILES)
UNREADABLE = tuple(f"file({name!r})" for name in (*HOSTILE_FILES, *SPECIAL_FILES))
FILE = Pool(
    READABLE,
    ("Path(file('votes.csv'))",),
    (*UNREADABLE, "'/dev/zero'", "'/dev/null'", "'/proc/self/mem'", "'a\\0b.csv'", "'x' * 5000 + '.csv'"),
)  # fmt: skip
SOURCE = Pool(
    (*FILE.good, "{'left': ['a', 'b'], 'right': ['b', 'c'], 'winner': ['a', 'tie']}", "[('a', 'b'), ('b', 'a')]"),
    (*FILE.edge, "matrix('cycle', 3)", "np.array([[0, 3], [1, 0]])", "iter([{'chosen': 'a', 'rejected': 'b'}])"),
    (*FILE.hostile, "3", "None", "[]", "{}", "object()", "[[1]]", "[1, 'a']", "np.ones(3)", "{'a': object()}", "[{1: 2}]", "b'x'", "[set()]"),
)  # fmt: skip
NEW_FILE = Pool(
    ("'new.jsonl'", "'new2.jsonl'"),
    (),
    ("'absent/new.jsonl'", "file('folder.csv')", "''", "'\\udc80.jsonl'", "'a\\0b'", "'x' * 300"),
)


def names(*good, edge=()):
    """Return the pool of an argument that takes one of some words."""
    return Pool(tuple(map(repr, good)), edge, ("'unknown'", "'\\udcff'", f"{good[0]!r}.upper()"))


TEXT = Pool(("None",), ("'left'", "'prompt'"), ("'absent'", "'\\udc80'", "'x' * 10_000"))
LABELS = Pool(
    ("None", "['a', 'b', 'c']", "[f'r{i}' for i in range({K})]"),
    ("['$x_', '\\n', '%']", "[''] * {K}"),
    ("['a']", "['\\udc80'] * {K}", "'abc'", "[1, 2, 3]", "['x' * 10_000] * {K}"),
)

WHICH_AXIS = Pool(
    ("('beta', 0.0, 12.0)", "('lam', 0.0, 1.0)", "('alpha', 0.0, 1.0)"),
    ("('beta', 0.0, 1e308)", "('beta', 1e-300, 1e-299)", "('lam', 0.5, 1.0)", "['beta', 0, 5]", "('alpha', 0.9, 1.0)"),
    ("('beta', 3.0, 1.0)", "('gamma', 0, 1)", "('beta', 0.0)", "('beta', 0.0, np.nan)", "('lam', 0, 2)", "('beta', 1.0, 1.0)", "'beta'"),
)  # fmt: skip

POOLS = {
    "method": Pool(("None", "'mrs'", "'soft_reference'"), ("'omwu'", "'hard_reference'", "'all'"), ("'unknown'", "3", "scheme()", "'\\udc80'")),
    "scheme": Pool(("None", "scheme()"), ("asim.method('soft_reference', matrix('cycle', 3), beta=1.0, mixup=[0.1, 0.9]).scheme",), ("'mrs'", "asim.Scheme", "3", "oscillating()")),
    "start_state": Pool(("None", "policies({K}, (2,))", "policies({K}, (1,))"), ("np.full((2, {K}), 1e300)",), ("[1.0]", "'state'", "policies({K})", "np.full((2, {K}), np.nan)")),
    "gain": Pool(("0.5j", "[0.1j, 1 + 1j]", "0.0"), ("1e300j", "np.inf", "np.nan"), ("'g'", "[[]]", "None", "object()")),
    # maps
    "P": MATRIX,
    "payoffs": Pool((*MATRIX.good, "5 * np.eye({K})"), MATRIX.edge, MATRIX.hostile),
    "loop": LOOP,
    "objective": names("ipo", "dpo"),
    "beta": BETA,
    "alpha": SHARE,
    "lam": SHARE,
    "reference": POLICY,
    "offline": POLICY,
    "policy": POLICY,
    "start": POLICY,
    "starts": Pool(("None", "policies({K}, (6,))"), ("policies({K}, (1,))", "policies({K})"), POLICY.hostile),
    "logits": LOGITS,
    "start_logits": LOGITS,
    "reference_logits": LOGITS,
    "rounds": ROUNDS,
    "burn_in": Pool(("None", "0", "10"), ("20",), ("-1", LONG, "10**7", "2.5")),
    "keep": Pool(
        ("'all'", "'last'", "7", "[1, 5, 9]", "(0,)"),
        ("1", "10**9", "[3, 1, 3]", "range(10)", "np.arange(5)"),
        ("'none'", "0", "-1", "[-1]", "[10**9]", "[]", "[1.5]", "[True]"),
    ),
    "threads": Pool(("None", "1", "2"), ("64",), ("0", "-1", "1.5", LONG)),
    "budget": Pool(("10**5",), ("1", "10**15"), ("0", "-1", "1.5", LONG)),
    "samples_per_round": Pool(("None", "10", "1000"), ("1", "10**9"), ("0", "-5", "10**16", "2.5")),
    "noise": names("pairs", "opponents"),
    "smoothing": Pool(("0.0", "1.0", "0.5"), ("5e-324", "1e308", "3"), ("-1.0", "[1.0]")),
    "rng": SEED,
    "seed": SEED,
    "basis": names("logits", "tangent"),
    "with_respect_to": names("sampling", "reference"),
    "sampling": POLICY,
    "sampler": POLICY,
    "pair_weights": Pool(
        ("None", "np.ones(({K}, {K}))"),
        ("np.ones(({K}, {K})) - np.eye({K})", "1e-300 * np.ones(({K}, {K}))", "1e300 * np.ones(({K}, {K}))"),
        ("np.triu(np.ones(({K}, {K})))", "-np.ones(({K}, {K}))", "np.zeros(({K}, {K}))", "np.eye({K})"),
    ),
    # training
    "rate": Pool(("0.1", "1.0", "[0.1, 0.3]"), ("5e-324", "1e300", "[[0.1], [0.2]]"), ("0", "-0.1", "[0.1, -0.1]", "'fast'")),
    "steps": Pool(("20", "100"), ("0", "1", "np.int64(7)"), ("-1", LONG, "2.5")),
    "flow": Pool(("False", "True"), (), ("'yes'", "1", "None")),
    "coupling": Pool(
        ("None", "np.eye({K})", "np.ones(({K}, {K}))"),
        ("1e300 * np.eye({K})", "np.zeros(({K}, {K}))", "np.stack([np.eye({K})] * 2)"),
        ("-np.eye({K})", "np.triu(np.ones(({K}, {K})))", "np.eye({K} + 1)", "np.eye({K})[:1]"),
    ),
    "times": Pool(("[0.0, 1.0, 9.0]", "np.linspace(0.0, 5.0, 7)"), ("[0.0]", "[5e-324, 1e300]", "[1e308]"), ("1.0", "[-1.0]", "[[1.0]]", "[]")),
    "winner": Pool(("0", "1"), ("{K} - 1",), ("-1", "{K}", "'a'", "0.0")),
    "loser": Pool(("1", "0"), ("{K} - 1",), ("-1", "{K}", "'a'", "None")),
    "margin": Pool(("0.5", "[0.0, 1.0]"), ("0", "500.0"), ("-1.0", "501.0", "'wide'")),
    "tilt": Pool(("0.1", "[0.0, 0.5]"), ("0.0", "1 - 1e-16"), ("1.0", "-0.1", "2", "'steep'")),
    # sweeps
    "executor": Pool(("None",), ("1",), ("0", "-1", "1.5", "'processes'", "map")),
    "store": Pool(("None",), ("'study.zarr'",), ("''", "3", "'/dev/null/store'")),
    "dry_run": Pool(("False", "True"), (), ("'yes'", "1")),
    "learner": names("uniform", "mix_r", "mix_p"),
    # regularised objectives and games
    "kl_radius": Pool(("0.1", "[0.05, 1.0]"), ("5e-324", "1e300"), ("0", "-0.1", "'near'")),
    "anchor": POLICY,
    "tau": Pool(("0.1", "[0.1, 1.0]"), ("1e-6", "1e300"), ("0", "-0.1", "'warm'")),
    # analysis
    "beta_convention": names("signal", "trl"),
    "along": names("beta", "alpha", "lam"),
    "low": Pool(("None", "0.5", "0.0"), ("[0.1, 0.2, 0.3]", "5e-324"), ("-1.0", "1e308", "100.0")),
    "high": Pool(("None", "30.0", "0.9"), ("[10.0, 20.0, 30.0]", "1e308"), ("-1.0", "0.0", "5e-324")),
    "points": Pool(("10", "160"), ("2", "3"), ("1", "0", "10**9", "2.5")),
    "exponents": Pool(("None", "1", "2"), (), ("0", "99", "1.5")),
    "threshold": Pool(("None", "0.1", "[0.1, 0.2, 0.3]"), ("0", "1e308"), ("-0.1",)),
    "beta_max": Pool(("100.0", "20"), ("1e-300", "1e6", "1e308"), ("0", "-1", "[1.0, 2.0]")),
    "samples": Pool(("4", "8", "None"), ("1",), ("0", LONG, "10**9", "2.5")),
    "resolution": Pool(("8", "16", "None", "33"), ("2", "1"), ("0", LONG, "10**6", "2.5")),
    "index": Pool(("()", "0", "(0,)"), ("-1", "(1, 0)", "np.int64(0)"), ("99", "(0, 0, 0, 0)", "'a'", "1.5", "slice(2)")),
    "tolerance": Pool(("1e-9", "1e-6", "0.01"), ("0.0", "5e-324", "0.5"), ("-1e-9", "1.0", "1e308")),
    "quantity": names("shares", "share", "entropy", "margin"),
    "rest_is_uniform": Pool(("True", "False"), (), ("'yes'",)),
    "name": names("phase", "verdict", "status", "kind", "evidence", "code"),
    "parameter": Pool(("7.0", "[5.0, 6.0]"), ("0.0", "1e308"), ("-1.0",)),
    # data and preferences
    "path": FILE,
    "source": SOURCE,
    "votes": Pool(("comparisons()", "comparisons(3, 12)"), (), ("None", "ratings()", "3")),
    "format": Pool(("None",), ("'battles'", "'rankings'", "'matrices'"), ("'battle'", "3", "'x' * 10_000")),
    "split_by": Pool(("None",), ("'prompt'", "'judge'"), ("'rater'", "3")),
    "pool": Pool(("None",), ("True", "False"), ("'yes'", "1")),
    "wins": Pool(("None",), ("['left', 'right']",), ("'left'", "[]", "['left']", "['left', 'left']", "[1, 2]")),
    "responses": FEW,
    "rewards": Pool(("[1.0, 0.0, -1.0]", "np.arange({K})"), ("np.zeros({K})", "[1e308, -1e308]", "[1e3, 0.0]", "[[1, 2], [3, 4]]"), ("[1.0]", "[np.inf, 0]")),
    "temperature": Pool(("1.0", "2.5"), ("5e-324", "1e308"), ("0.0", "-1.0")),
    "advantage": Pool(("0.3", "0.5", "[0.1, 0.4]"), ("0.0", "5e-324"), ("0.6", "-0.1")),
    "certainty": Pool(("1.0", "0.8"), ("0.5 + 1e-16", "0.51"), ("0.5", "1.1")),
    "max_margin": Pool(("0.5", "0.1"), ("5e-324",), ("0.0", "0.6")),
    "size": Pool(("None", "3", "(2, 2)"), ("()", "1"), ("0", "-1", "(10**6, 10**6)", LONG, "(2, -1)", "2.5")),
    "most": Pool(("3", "100"), ("1",), ("0", "-1", "2.5", LONG)),
    "scores": Pool(
        ("[[1.0, 2.0], [3.0, 0.0], [2.0, 2.0]]", "policies(4, (5,))"),
        ("np.zeros((3, 1))", "[[1e308], [-1e308]]", "np.arange(24).reshape(2, 3, 4)"),
        ("[1.0, 2.0]", "[[1.0, 2.0]]", "[[np.nan], [1.0]]"),
    ),
    "recipe": names("random-attribute", "mean", "mean-score", "votes"),
    "raters": names("mean", "median", "first"),
    "rounding": Pool(("None", "'nearest'"), (), ("'up'", "1")),
    "subsets": Pool(("None", "3", "2"), ("4",), ("1", "0", "99", "2.5", LONG)),
    "min_votes": Pool(("1", "2"), ("5",), ("0", "-1", "10**6", "1.5")),
    "prompts": MANY,
    "attributes": Pool(("5", "2"), ("1",), ("0", LONG, "10**6", "2.5")),
    "correlation": Pool(("0.8", "0.0"), ("1.0",), ("-0.1", "1.1")),
    "levels": Pool(("5", "3"), ("2",), ("1", "0", LONG, "2.5")),
    "labels": LABELS,
    "within_pairs": Pool(("False", "True"), (), ("'yes'",)),
    "ratings": Pool(("ratings()",), ("ratings(2)",), ("comparisons()",)),
    "data": Pool(("ratings()", "comparisons()", "matrices()", "matrices(3, 1)"), ("comparisons(2, 3)", "ratings(1)"), ("matrix('cycle', 3)",)),
    "judges": Pool(("None",), ("['j1', 'j2']", "['x'] * 3"), ("'j1'", "['absent']", "[]", "['\\udc80']")),
    "codes": Pool(("None",), ("{'left': ['left'], 'right': ['right']}",), ("{'left': ...}", "{'up': 1}", "{'left': 'x', 'right': 'x'}", "[('left', 1)]")),
    "attribute": TEXT,
    "key": Pool(("None",), ("'P'", "'x'"), ("'absent'", "'\\udc80'", "'x' * 10_000")),
    **dict.fromkeys(("left", "right", "winner", "prompt", "judge", "response", "rater", "score", "chosen", "rejected", "loser", "label", "rank", "strength", "pair"), TEXT),
    # sweeps, reports, experiments, claims
    "by": names("orbit", "stability", "both"),
    "x": WHICH_AXIS,
    "y": Pool(("('lam', 0.0, 1.0)", "('alpha', 0.0, 1.0)"), WHICH_AXIS.edge, WHICH_AXIS.hostile),
    "audit": Pool(("0.02", "0.0"), ("1.0", "5e-324"), ("-0.1", "1.1")),
    "progress": Pool(("False",), ("True",), ("'yes'",)),
    "eta": Pool(("5.0", "20", "[1.0, 30.0]"), ("0.0", "1e-300", "1e6"), ("-1.0", "1e300")),
    "min_effective_support": Pool(("None", "2.0"), ("1.0", "{K}"), ("0.5", "99.0")),
    "alphas": Pool(("None", "[0.0, 0.5, 0.9]"), ("[1.0]", "0.5", "[1 - 1e-16]"), ("[1.5]", "[]")),
    "exact": Pool(("False", "True"), ("np.True_",), ("1", "None", "NotImplemented")),
    "share": Pool(("0.95", "0.5"), ("1.0", "5e-324"), ("0.0", "1.5", "-1", "[0.5, 0.9]")),
    "draws": Pool(("2", "3"), ("1",), ("0", LONG, "2.5")),
    "select": Pool(("'ipo-closed-form'", "['gap-box']", "'gap*'"), ("'collapse-box'",), ("'absent'", "['', '*x']", "3", "[1]")),
    "trials": Pool(("3", "10"), ("1",), ("0", "-1", "2.5", "10**16")),
    "claims": Pool(("None",), ("asim.claims.CLAIMS[:1]",), ("()", "[3]", "'x'")),
    "folder": Pool(("'worst'", "'worst/deeper'"), (), ("file('votes.csv')", "''", "'a\\0b'", "'\\udc80'")),
    "orbit": Pool(
        ("oscillating().run(rounds=50)", "oscillating(4).run(rounds=50, keep=7)", "oscillating(3, 'ipo', (3,)).run(rounds=40)"),
        ("oscillating().run(rounds=0)", "oscillating().run(rounds=9, keep='last')", "asim.FeedbackMap(matrix('cycle', 3), beta=1e308, alpha=1.0).run(rounds=20)",
         "asim.FeedbackMap(matrix('sure', {K}), objective='dpo', beta=3.0).run(rounds=20)", "asim.FeedbackMap(matrix('random', {K}), beta=3.0).run(rounds=20)"),
        ("oscillating()",),
    ),
    "local": Pool(("asim.stability(oscillating())",), ("asim.stability(oscillating(3, 'ipo', (3,)))",), ("oscillating()",)),
    "point": Pool(
        ("asim.analysis.fixed_point(oscillating())", "asim.analysis.fixed_point(oscillating(4))"),
        ("asim.analysis.fixed_point(oscillating(3, 'ipo', (3,)))",),
        ("asim.stability(oscillating())",),
    ),
    "ds": Pool(("swept()", "diagram()"), ("swept('stability')", "swept('both')"), ("reproduction()", "oscillating()", "swept(stack=True)")),
    "found": Pool(("swept()", "diagram()"), ("swept('stability')", "swept('both', True)"), ("reproduction()",)),
    "winner_data": Pool(("winner()",), (), ("swept()",)),
    "value": names("phase", "spectral_radius", "entropy_mean", "cycle_strength", "likeliest"),
    "time": names("log", "linear"),
    "ax": Pool(("None",)),
    "names": Pool(("None", "['one']"), ("['$x_']", "['one', 'two']"), ("[]", "'abc'", "['\\udc80']")),
    "colors": Pool(("None", "{}"), ("{'converged': 'red'}", "{'π0': 'C3'}", "{'stable': (0, 0, 0)}"), ("{'converged': 'no colour'}", "{'absent': 'red'}", "'viridis'", "['red']", "{3: None}")),
    "legend": Pool(("True", "False", "'right'", "'upper left'"), ("'below'", "'best'", "np.True_"), ("'nowhere'", "None", "3")),
    "colorbar": Pool(("True", "False", "'right'"), ("'top'", "'bottom'", "'left'"), ("'below'", "None", "3")),
    "inset": Pool(("True", "False"), (), ("'yes'",)),
    "frames": MANY,
    "trail": MANY,
    "interval": MANY,
    "visits": MANY,
    "orbits": Pool(
        ("oscillating().run(rounds=5)", "oscillating().run(asim.simplex.lattice(3), rounds=1)", "oscillating(5).run(rounds=4)"),
        ("oscillating().run(rounds=0)", "oscillating(2).run(rounds=3)", "asim.FeedbackMap(matrix('cycle', 3), beta=1e308, alpha=1.0).run(rounds=2)"),
        ("oscillating().run(rounds=9, keep=3)", "oscillating()"),
    ),
    "picture": Pool(("asim.plotting.timeline(oscillating().run(rounds=5))", "asim.plotting.advice(advice())[0].figure"), (), ("3", "[None]", "np.array([1.0])", "advice()")),
    "dpi": Pool(("72", "100.0"), ("1", "300"), ("0", "-1", "1e308", "'high'")),
}  # fmt: skip
"""By the argument's name."""

_ROWS = (
    "[[0, 0, 1, 0]]",
    "[[0, 1, 0, 0]]",
    "[[0, 0, 0, 1], [0, 0, 0.4, 0.6]]",
    "[[1, 0, 0]]",
    "[[0, 1, 0]]",
    "[[0, 0, 1]]",
)
ROWS = Pool(
    _ROWS,
    ("[[[0, 1, 0]], [[0.5, 0.5, 0]]]", "[[1e308, -1e308, 1, 0]]"),
    ("[]", "[0, 1, 0]", "'rows'", "[[np.nan, 1, 0]]", "[[1j, 0, 0]]", "np.zeros((1, 400))"),
)
SPECIAL = {
    "objectives.simpo_gap.P": SHARE,
    "objectives.pair_evolution.P": SHARE,
    "feedback.train.objective": Pool(
        ("'ipo'", "'dpo'", "'kto'", "'simpo'", "'alpha_dpo'"), ("'orpo'", "'two_gain'", "'dpo_sft'", "'xpo'"),
        ("'rlhf'", "'stable_preference'", "None", "'\\udc80'", "asim.objectives.KTO"),
    ),
    "feedback.Scheme.reference": ROWS,
    "reports.compare.methods": Pool(
        ("['mrs', 'extragradient']", "[('soft_reference', {'mixup': 0.5}), oscillating()]", "{'a': 'mrs', 'b': ('momentum', {'momentum': 0.1})}"),
        ("['mrs']", "[oscillating(), oscillating(4)]", "['omwu']"),
        ("[]", "'mrs'", "None", "[3]", "['unknown']", "[('mrs', {'beta': 'x'})]", "{1: 2}", "[('mrs',)]"),
    ),
    "feedback.Scheme.opponent": ROWS,
    "feedback.Scheme.update": ROWS,
    "feedback.Scheme.starts": Pool(("None", "('start', 'start')", "('start', 'zero')"), ("('start',)",), ("'start'", "0", "('zero', 'start')", "('start', 'x' * 5000)", "[1, 2]")),
    "feedback.method.starts": Pool(("None", "('start', 'score')", "('start', 'reference')"), ("('start',)",), ("'start'", "0", "('zero', 'start')")),
    "feedback.method.name": Pool(("'mrs'", "'soft_reference'", "'omwu'", "'extragradient'"), ("'comal'", "'hard_reference'"), ("'unknown'", "None", "3", "'x' * 5000", "'\\udc80'")),
    "reports.diagnose.log": Pool(
        ("logged({s})", "logged({s}) / 60", "[logged(1), logged(2)]", "oscillating().run(rounds=20)", "{'a': logged(1), 'b': logged(2)}", "logged({s})[:, 0] / 60"),
        ("logged({s})[:8]", "oscillating(3, 'ipo', (2,)).run(rounds=20)", "np.array([logged(1), logged(2)])", "{'a': [1, 2, 3], 'b': [3, 4, 5]}", "np.ones((9, 3))", "logged({s}).tolist()"),
        ("oscillating()", "file('votes.csv')", "{'a': {'b': logged(1)}}", "[logged(1), [[1, 2]]]", "np.zeros((9, 3))", "np.full((9, 3), 1e300)", "-logged(1)", "{1: 2}"),
    ),
    "reports.diagnose.n": Pool(("None", "60", "np.inf"), ("60.0", "np.full(20, 60)", "{'a': 60}", "1e300"), ("0", "-1", "np.nan", "'60'", "[1, 2]")),
    "reports.diagnose.loop": Pool(("None", "oscillating()"), ("asim.FeedbackMap(matrix('random', 3), beta=2.0, alpha=1.0)",), LOOP.hostile),
    "reports.diagnose.P": Pool(("None", "matrix('random', 3)", "matrix('cycle', 3)"), ("matrix('sure', 3)", "matrix('random', 4)"), MATRIX.hostile),
    "reports.diagnose.reference": Pool(("None", "[0.5, 0.3, 0.2]"), ("[1 - 2e-9, 1e-9, 1e-9]",), POLICY.hostile),
    "reports.diagnose.response": Pool(("None",), ("'response 1'",), ("'absent'", "0", "'\\udc80'")),
    "preferences.spread.P": Pool(("matrix('random', {K}, (9,))", "matrix('random', {K}, (2,))"), ("matrix('random', {K}, (1,))",), ("3", "np.zeros(0)")),
    "preferences.is_cyclic.tolerance": Pool(("1e-9", "0.01"), ("0.0", "0.5"), ("-1e-9", "1e308")),
    "data.write_helpsteer.path": NEW_FILE,
    "claims.replay.path": Pool((), ("file('one.npz')",), FILE.hostile),
    "claims.save_worst.result": Pool(("claim_result()",), (), ("report()",)),
    "claims.agreement.found": Pool(("np.zeros(3)", "np.ones((3, 2))"), ("[1.0]",)),
    "claims.agreement.expected": Pool(("np.zeros(3)", "np.ones((3, 2))"), ("[1.0]",)),
    "plotting.advice.result": Pool(("advice()",), ("advice(True)",), ("basins()",)),
    "plotting.basins.result": Pool(("basins()",), ("basins(4)", "asim.basins(oscillating(3, 'ipo', (3,)), samples=4, rounds=50)"), ("advice()",)),
    "plotting.basins.by": names("attractor", "response"),
    "plotting.orbit_diagram.ds": Pool(("asim.sweeps.orbit_diagram(matrix('cycle', 3), alpha=0.5, lam=1.0, points=4, visits=3, progress=False)",), (), ("swept()", "oscillating()")),
    "plotting.orbit_diagram.response": Pool(("0", "1", "2"), ("-1", "np.int64(0)"), ("3", "1.5", "'a'")),
    "plotting.save.path": Pool(("'figure.png'", "'figure.pdf'"), ("'figure.SVG'",), ("'figure'", "'figure.gif'", "'absent/figure.png'", "'\\udc80.png'", "'a\\0.png'", "3")),
    "plotting.population.ds": Pool(("swept(stack=True)",), ("swept('stability', True)",), ("swept()",)),
    "plotting.population.x": names("beta", "lam", "alpha"),
    "plotting.population.y": names("lam", "beta", "alpha"),
    "plotting.phase_diagram.x": names("beta", "lam", edge=("None",)),
    "plotting.phase_diagram.y": names("lam", "beta", edge=("None",)),
    "plotting.condorcet_winner.ds": Pool(("winner()",), (), ("swept()",)),
    "plotting.evolution.ds": Pool(("asim.experiments.evolution(matrix('cycle', 3, (2,)))",), (), ("swept()",)),
    "plotting.oscillation.ds": Pool(("reproduction()",), (), ("swept()", "winner()")),
    "plotting.terminal_entropy.ds": Pool(("reproduction()",), (), ("swept()", "winner()")),
    "experiments.reproduction_findings.found": Pool(("reproduction()",), (), ("swept()",)),
    "experiments.reproduction_findings.winner": Pool(("winner()",), (), ("swept()",)),
    "experiments.reproduce.beta": Pool(("[1.0, 9.0]", "5.0"), BETA.edge, BETA.hostile),
    "experiments.winner_from_corners.beta": Pool(("[1.0, 9.0]", "5.0"), BETA.edge, BETA.hostile),
    "experiments.reproduce.P": Pool(("matrix('random', {K}, (6,))", "matrix('ranked', 4, (5,))"), MATRIX.edge, MATRIX.hostile),
    "sweeps.orbit_diagram.rounds": Pool(("100", "300", "None"), ("1",), ("0", "10**15 + 1", "2.5")),
    "sweeps.phase_diagram.alpha": Pool(("0.5", "0.0"), ("1.0", "1 - 1e-16"), SHARE.hostile),
    "sweeps.phase_diagram.beta": Pool(("None", "5.0"), ("0.0", "1e308"), BETA.hostile),
    "sweeps.phase_diagram.lam": Pool(("None", "0.9"), ("0.0", "5e-324"), SHARE.hostile),
    "sweeps.phase_diagram.rounds": Pool(("100", "300", "None"), ("1",), ("0", "10**15 + 1", "2.5")),
    "data.from_scores.temperature": Pool(("1.0", "[0.5, 2.0]"), ("5e-324", "1e308"), ("0.0", "-1.0")),
    "data.Ratings.pooled.responses": Pool(("None",), ("['a', 'b']",), ("'ab'", "[]", "[1]")),
    "data.Comparisons.from_names.left": Pool(("rows('cycle')[0]", "rows('pair')[0]"), ("()",), ("'abc'", "['\\udc80'] * 3")),
    "data.Comparisons.from_names.right": Pool(("rows('cycle')[1]", "rows('pair')[1]"), ("()",), ("rows('cycle')[0]",)),
    "data.Comparisons.from_names.share": Pool(("rows('cycle')[2]", "rows('pair')[2]"), ("()", "[0.25, 1, 1]"), ("[2, 2, 2]", "[-1, 1, 1]")),
    "data.Comparisons.from_names.count": Pool(("None", "[1, 2.5, 3]"), ("[1e308] * 3", "[5e-324] * 3"), ("[0, 1, 1]", "'abc'", "[-1, 1, 1]")),
    "data.Comparisons.from_names.by": Pool(("'prompt'", "'judge'", "''"), (), ("'rater'", "None")),
    "data.Comparisons.from_names.judges": Pool(("None", "['j', 'j', 'k']"), (), ("['j']",)),
    "data.Comparisons.from_names.prompts": Pool(("None", "['p', 'p', 'q']"), (), ("['p']",)),
    "data.Comparisons.from_names.skipped": Pool(("0", "3"), (), ("-1", "1.5")),
    "data.Comparisons.restrict.labels": Pool(("['m0', 'm1', 'm2']",), ("['m0', 'm1']",), ("['m0']", "[]", "'m0'", "['m0', 'm0']", "['absent', 'm1']")),
    "data.read.count": TEXT,
    "data.read.attributes": Pool(("None", "['taste', 'looks']"), ("['taste']",), ("'taste'", "[]", "['absent']")),
    "analysis.capture_region.loop": Pool(("oscillating()", "oscillating(3, 'ipo', (3,))"), LOOP.edge, LOOP.hostile),
}  # fmt: skip
"""By ``room.function.argument``, where the name alone says too little."""

RECEIVERS = {
    "Basins": ("basins()", "basins(4)"),
    "BoundaryEquilibria": ("asim.analysis.boundary_equilibria(oscillating().replace(alpha=1.0))",),
    "CaptureRegion": (
        "asim.analysis.capture_region(oscillating(), asim.analysis.fixed_point(oscillating()))",
    ),
    "Bifurcations": ("asim.bifurcations(oscillating())", "asim.bifurcations(oscillating(), along='lam')"),
    "Certificates": ("asim.certificates(oscillating())", "asim.certificates(oscillating(3, 'ipo', (3,)))"),
    "Collapse": ("asim.collapse(oscillating(), rounds=50)",),
    "Comparisons": ("comparisons()", "comparisons(3, 12)"),
    "Crossings": ("asim.analysis.crossings(oscillating(), points=10)",),
    "FeedbackMap": LOOP.good,
    "MethodTable": ("asim.methods()",),
    "Scheme": ("scheme()", "asim.method('soft_reference', matrix('cycle', 3), beta=1.0, mixup=[0.1, 0.9]).scheme"),
    "FixedPoint": ("asim.analysis.fixed_point(oscillating())",),
    "FixedPoints": ("asim.fixed_points(oscillating(3, 'dpo'))", "asim.fixed_points(oscillating())"),
    "LyapunovSpectrum": ("asim.lyapunov_spectrum(oscillating(), rounds=100)",),
    "NormalForm": ("asim.analysis.first_lyapunov_coefficient(oscillating(), np.zeros(3))",),
    "Orbit": ("asim.classify(oscillating())", "asim.classify(oscillating(3, 'ipo', (3,)))"),
    "Matrices": ("matrices()",),
    "PairEvolution": ("asim.objectives.pair_evolution([0.2, 0.5, 0.3], [0.7, 1.0], [0.0, 1.0, 9.0])",),
    "Posterior": ("asim.data.posterior(comparisons(), draws=20)",),
    "Ratings": ("ratings()",),
    "Report": ("report()",),
    "Stability": ("asim.stability(oscillating())",),
    "Trajectory": ("oscillating().run(rounds=50)", "oscillating(3, 'ipo', (3,)).run(rounds=40)"),
    "TransientGrowth": ("asim.transient_growth(oscillating())",),
    "Diagnosis": ("diagnosis()", "diagnosis(2)"),
    "Advice": ("advice()", "advice(True)"),
    "MethodAdvice": ("method_advice()",),
    "Recommendation": ("method_advice().recommendations[0]",),
}  # fmt: skip
"""How to make what a public method belongs to."""

RESPONSES = (2, 3, 3, 3, 3, 4, 4, 4, 5, 6, 8, 12, 20)
"""From which the number of responses of a call is drawn; larger ones are among the edges."""


def pool(target, name):
    """Return the pool of an argument of a function, ``room.function``."""
    return SPECIAL.get(f"{target}.{name}") or POOLS.get(name)
