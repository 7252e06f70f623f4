"""backprop-ref prove: each line of a proof with its value at every index, and the rule that leads to it."""

import re

import pytest

from backprop_ref import cli, proofs
from backprop_ref.derivation import document, run
from backprop_ref.derivation.judge import Judgement
from backprop_ref.derivation.report import Link


def printed(capsys, *arguments) -> str:
    assert cli.run(["prove", *arguments]) == 0
    return capsys.readouterr().out


def test_without_a_name_it_lists_the_proofs(capsys) -> None:
    lines = printed(capsys).splitlines()
    assert [line.split()[0] for line in lines] == list(proofs.NAMES)
    assert "BP2: from the error of one layer to that of the layer below" in lines[1]


def test_each_line_has_its_rule_and_its_value_at_every_index(capsys) -> None:
    said = printed(capsys, "bp1", "--sizes", "2,3,2")
    assert said.startswith("bp1: BP1: the error of the output layer\nnetwork 2-3-2, sigmoid, quadratic cost, seed 0\n")
    block = said.partition(r"\delta^L_j = \frac{\partial C}{\partial z^L_j}")[2].partition("\nline ")[0]
    assert "proved: definition of delta in delta^L_j" in block
    assert re.findall(r"^ +(j = \d): -?\d", block, re.MULTILINE) == ["j = 1", "j = 2"]
    assert "DIFFERS" not in said


def test_the_values_of_a_chain_are_one_value(capsys) -> None:
    """(36) to (39) are four ways to write one number."""
    said = printed(capsys, "bp1", "--seed", "3")
    chain = said.partition("(36)")[0] or said
    values = re.findall(r"j = 1: (-?[\d.e-]+)", chain)[:4]
    assert len(set(values)) == 1


def test_layers_and_matrix_entries_are_named(capsys) -> None:
    said = printed(capsys, "bp4", "--sizes", "2,2,1")
    assert re.search(r"l = 2, j = 1, k = 2, i = 1: ", said)
    assert re.search(r"l = 3, entry 1, 2: ", said)


def test_an_update_shows_before_and_after(capsys) -> None:
    assert re.search(r"l = 2, entry 1, 1: -?[\d.]+ becomes -?[\d.]+", printed(capsys, "sgd"))


def test_a_line_that_needs_more_layers_says_so(capsys) -> None:
    assert "it speaks of layers that this network does not have: pass more --sizes" in printed(capsys, "sigma_matrix")
    assert "this network does not have" not in printed(capsys, "bp2", "--sizes", "1,1,1,1")


def test_all_of_them_hold(capsys) -> None:
    said = printed(capsys, "all", "--sizes", "2,2,2", "--seed", "1")
    assert re.findall(r"^(\w+): .*\nnetwork 2-2-2", said, re.MULTILINE) == list(proofs.NAMES)
    assert "DIFFERS" not in said


def test_the_seed_decides(capsys) -> None:
    assert printed(capsys, "bp3", "--seed", "5") == printed(capsys, "bp3", "--seed", "5")
    assert printed(capsys, "bp3", "--seed", "5") != printed(capsys, "bp3", "--seed", "6")


def test_a_false_line_differs_and_the_exit_code_says_so(capsys, monkeypatch) -> None:
    false = "# Wrong\n\n$$ \\frac{\\partial C}{\\partial b^l_j} = 2 \\delta^l_j $$\n"
    monkeypatch.setattr(proofs, "text", lambda name: false)
    assert cli.run(["prove", "bp3"]) == 1
    assert "DIFFERS l = 2, j = 1: " in capsys.readouterr().out


def test_the_numbers_are_those_of_the_network_that_is_printed() -> None:
    """BP3 on 1-1: w = -0.03, b = 0.02, x = 0.26 for seed 12, say; the same formula by hand."""
    net = run.network((1, 1), 12)
    [formula] = document.verify("$$ a^L_j = \\sigma(z^L_j) $$").formulas
    [value] = run.values(formula.links[0], net)
    z = net.w[2][0][0] * net.x[0][0] + net.b[2][0]
    assert abs(value.left - 1 / (1 + 2.718281828459045 ** -float(z))) < 1e-15
    assert value.at == "j = 1"
    assert value.equal


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bp5"], "error: There is no proof 'bp5'."),
        (["bp1", "--sizes", "3"], "sizes '3' are one layer"),
    ],
)
def test_wrong_use(arguments, sentence, capsys) -> None:
    assert cli.run(["prove", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_link_that_was_not_read_has_no_values() -> None:
    with pytest.raises(run.NoValue, match="it was not read"):
        run.values(Link("", "=", "", Judgement("not understood")), run.network((1, 1), 0))
