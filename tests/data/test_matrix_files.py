import io
import json

import numpy as np
import pytest

import alignsim as asim
from alignsim import preferences as prefs
from alignsim.errors import FileFormatError

PAIR = [[0.5, 0.75], [0.25, 0.5]]
TRIO = prefs.cyclic(3, advantage=0.25).tolist()


def _npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def _npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def test_npy_keeps_the_batch(write):
    P = prefs.random_skew(4, size=(2, 3), rng=0)
    found = asim.data.read_matrices(write("p.npy", _npy(P)))
    assert np.allclose(found.P, P, rtol=0, atol=1e-15)
    assert found.labels == found.names == ()


def test_npz_takes_the_only_array_that_could_be_it(write):
    path = write("p.npz", _npz(P=TRIO, systems=np.array(["a", "b", "c"]), seeds=np.arange(3)))
    assert asim.data.read_matrices(path).P.tolist() == TRIO


def test_npz_with_several_needs_a_key(write):
    path = write("p.npz", _npz(trio=TRIO, pair=PAIR))
    with pytest.raises(FileFormatError, match=r"several arrays.*key=... \('trio', 'pair'\)"):
        asim.data.read_matrices(path)
    assert asim.data.read_matrices(path, key="pair").P.tolist() == PAIR
    with pytest.raises(FileFormatError, match="key is 'pairs'; did you mean 'pair'"):
        asim.data.read_matrices(path, key="pairs")


def test_npz_without_any(write):
    with pytest.raises(FileFormatError, match=r"no array of square matrices.*'a'"):
        asim.data.read_matrices(write("p.npz", _npz(a=np.zeros((3, 2)))))


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        (PAIR, ()),
        ({"P": PAIR}, ()),
        ({"P": PAIR, "labels": ["a", "b"]}, (("a", "b"),)),
        ({"only": {"P": PAIR, "labels": ["a", "b"]}}, (("a", "b"),)),
    ],
)
def test_json_with_one_matrix(write, content, labels):
    found = asim.data.read_matrices(write("p.json", json.dumps(content)))
    assert found.P.tolist() == PAIR
    assert found.labels == labels


def test_json_with_named_entries(write):
    same = {"one": {"P": PAIR, "labels": ["a", "b"]}, "two": {"P": PAIR, "labels": ["c", "d"]}}
    found = asim.data.read_matrices(write("same.json", json.dumps(same)))
    assert found.P.shape == (2, 2, 2)
    assert (found.names, found.labels) == (("one", "two"), (("a", "b"), ("c", "d")))
    mixed = write("mixed.json", json.dumps(same | {"three": {"P": TRIO}}))
    with pytest.raises(FileFormatError, match=r"several sizes.*'one', 'two', 'three'"):
        asim.data.read_matrices(mixed)
    assert asim.data.read_matrices(mixed, key="three").responses == 3


def test_json_batches_share_their_labels(write):
    path = write("p.json", json.dumps({"P": [PAIR, PAIR], "labels": ["a", "b"]}))
    assert asim.data.read_matrices(path).labels == (("a", "b"), ("a", "b"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.npy", _npy(np.array(PAIR))[:-8], "not a readable NumPy file .*cut short"),
        ("p.npy", b"hello", "not a readable NumPy file"),
        ("p.npy", _npy(np.array([{}]), allow_pickle=True), "Python objects"),
        ("p.npy", _npy(np.array([[0.5, 0.7], [0.4, 0.5]])), r"P\[0, 1\] \+ P\[1, 0\].*symmetrise"),
        ("p.npz", _npz(P=TRIO)[:-30], "not a readable NumPy file"),
        ("p.npz", _npy(np.array(PAIR)), "the suffix does not tell"),
        ("p.npy", _npz(P=TRIO), "the suffix does not tell"),
        ("p.json", "[[0.5, 0.2], [0.8", "line 1: not valid JSON"),
        ("p.json", "[[0.5, 0.2], [0.8]]", "P is not a rectangular array"),
        ("p.json", "[[0.5, NaN], [0.8, 0.5]]", r"P\[0, 1\] is nan"),
        ("p.json", "3", r"holds 3; expected"),
        ("p.json", '{"a": {"Q": 1}}', "entry 'a' has no \"P\""),
        ("p.json", '{"P": [[0.5, 1], [0, 0.5]], "labels": ["a"]}', "expected a list of 2"),
        ("p.csv", "0.5,0.5", "begins with numbers, and is no square of them"),
    ],
)
def test_refusals_start_with_the_file(write, name, content, message):
    with pytest.raises(FileFormatError, match=rf"{name}: .*{message}|{name}, {message}"):
        asim.data.read_matrices(write(name, content))


def test_a_key_where_nothing_has_a_name(write):
    with pytest.raises(FileFormatError, match="leave out key='x'"):
        asim.data.read_matrices(write("p.npy", _npy(np.array(PAIR))), key="x")
    with pytest.raises(FileFormatError, match="leave out key='x'"):
        asim.data.read_matrices(write("p.json", json.dumps(PAIR)), key="x")


def test_damage_inside_an_archive(write):
    content = bytearray(_npz(P=prefs.random_skew(20, rng=0)))
    content[200:260] = bytes(60)
    with pytest.raises(FileFormatError, match="'P' cannot be read"):
        asim.data.read_matrices(write("p.npz", bytes(content)))


def test_the_projects_own_files(data, named):
    found = asim.data.read_matrices(data / "named_matrices.json", key="pokemon18")
    assert found.responses == 18
    assert found.labels[0] == tuple(named["pokemon18"]["labels"])
    assert asim.data.read_matrices(data / "hanna_K4_int.npz", key="cyclic_P").P.shape == (899, 4, 4)
