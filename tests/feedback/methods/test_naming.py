"""The table of methods, and what is found by name."""

import pytest

import alignsim as asim
from alignsim.feedback import naming
from alignsim.feedback.methods.catalogue import METHODS


def test_the_table_shows_a_line_a_method_and_tells_all_when_printed():
    table = asim.methods()
    lines = repr(table).splitlines()
    assert lines[0] == "9 methods"
    assert [line.split("(")[0].strip() for line in lines[1:]] == list(METHODS)
    assert "  soft_reference(mixup, alpha=0, pull=0)  also tr_dpo_soft, sync_ref_model" in lines
    assert max(map(len, lines)) <= 80
    printed = str(table)
    for method in METHODS.values():
        assert method.update in printed
        assert method.source in printed
    assert "known: limit of stability (proved), fastest parameters (proved)" in printed


def test_a_notebook_shows_a_row_a_method_and_no_python_objects():
    html = asim.methods()._repr_html_()
    for name in METHODS:
        assert f"<td>{name}</td>" in html
    assert "MethodFact" not in html
    assert "function" not in html


def test_parameters_of_another_name_have_no_beta_if_they_give_it():
    for method in METHODS.values():
        for alias in method.aliases:
            names = [each.name for each in naming.parameters_named(alias.name)]
            given = {name: 1.0 for name in names if name not in ("beta", "lam")}
            assert ("beta" in names) == (naming.scheme_named(alias.name, given).beta is None)


@pytest.mark.parametrize("name", [None, 3, ["mrs"], "", "mrss"])
def test_an_unknown_name_lists_the_methods(name):
    with pytest.raises(ValueError, match=r"known: mrs, soft_reference, .* replay, and their other"):
        naming.method_named(name)
