"""The chapter's proofs, shipped as documents: every line is proved and replayed, and holds on random networks too."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

import backprop_ref as bp
from backprop_ref import proofs
from backprop_ref.derivation import kernel
from backprop_ref.errors import UnknownName

BY_NUMBERS_ALONE = {
    r"\frac{\partial a^L_k}{\partial z^L_j} = a^L_k ([k = j] - a^L_j)"
}  # exp and division are none of the kernel's
OF_THE_AVERAGE = ("J = ", r"\frac{\partial J}")  # J is (1/n) sum_x C_x: sums and factors move, and no rule is needed
STATED = {  # definitions and assignments: they are taken, not proved
    "bp1": ["definition"],
    "sgd": ["assignment", "assignment"],
    "softmax": ["definition"],
}


@cache
def report(name: str):
    return bp.derivation.verify(proofs.text(name), target=name)


@pytest.mark.parametrize("name", proofs.NAMES)
def test_every_line_is_proved_and_holds_on_every_network_tried(name: str) -> None:
    made = report(name)
    assert made.verdict == "holds"
    assert made.formulas
    stated = [f.verdict for f in made.formulas if f.verdict in ("definition", "assignment")]
    assert stated == STATED.get(name, [])
    for formula in made.formulas:
        for link in formula.links:
            said = link.judgement
            if formula.latex in BY_NUMBERS_ALONE:
                assert said.verdict == "holds numerically"
            elif formula.verdict not in ("definition", "assignment"):
                assert said.verdict == "proved", formula.latex
                assert said.rules or formula.latex.startswith(OF_THE_AVERAGE), formula.latex
                assert said.networks >= 25, formula.latex
                assert said.notes == (), formula.latex


@pytest.mark.parametrize("name", proofs.NAMES)
def test_no_formula_of_a_proof_is_passed_over(name: str) -> None:
    """Counted by another rule than the reader's: displays, and rows of align, by their marks in the text."""
    text = proofs.text(name)
    displays = re.findall(r"\$\$(.*?)\$\$", text, re.DOTALL)
    rows = sum(1 + re.sub(r"\\begin|\\end", "", display).count(r"\\") for display in displays)
    assert len(report(name).formulas) >= rows > 2
    inline = len(re.findall(r"(?<!\$)\$(?!\$)[^$]+\$(?!\$)", re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)))
    made = report(name)
    assert len(made.formulas) - rows + made.mentions == inline


RULES = {
    ("bp1", "(36)"): ("definition of delta",),
    ("bp1", "(37)"): ("chain rule through a^L",),
    ("bp1", "(38)"): ("sigma acts on each neuron alone", "of the sum only the term k = j remains"),
    ("bp1", "(39)"): ("sigma acts on each neuron alone",),
    ("bp2", "(41)"): ("chain rule through z^(l+1)",),
    ("bp2", "(42)"): ("definition of delta",),
    ("bp2", "(44)"): ("sigma acts on each neuron alone", "of the sum only the term i = j remains"),
    ("bp3", "(BP3)"): ("definition of delta",),
    ("bp4", "(BP4)"): ("definition of delta",),
}


def line_of(name: str, tag: str) -> int:
    lines = proofs.text(name).splitlines()
    [number] = [n for n, line in enumerate(lines, start=1) if f"\\tag{{{tag[1:-1]}}}" in line]
    return number


@pytest.mark.parametrize(("name", "tag"), RULES)
def test_a_link_prints_the_rule_that_the_book_gives_for_it(name: str, tag: str) -> None:
    [formula] = [f for f in report(name).formulas if f.line == line_of(name, tag)]
    rules = formula.links[-1].judgement.rules
    for wanted in RULES[name, tag]:
        assert any(rule.startswith(wanted) for rule in rules), rules
    assert len(rules) <= 4


def test_an_unknown_proof() -> None:
    with pytest.raises(UnknownName, match=r"^There is no proof 'bp5'\. Did you mean 'bp\d'\? Known: bp1, bp2, bp3, bp4, paths, "):
        proofs.text("bp5")


def test_the_kernel_is_small_and_stands_on_the_standard_library_alone() -> None:
    source = Path(kernel.__file__).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 350
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names | {"collections.abc", "__future__"}


def unrolled(n: int) -> str:
    """(35) for layer L - n."""
    factors = "".join(rf"\Sigma'(z^{{L-{k}}}) (w^{{L-{k - 1}}})^T " for k in range(n, 0, -1)).replace("L-0", "L")
    return rf"$$ \delta^{{L-{n}}} = {factors} \Sigma'(z^L) \nabla_a C $$"


def paths(n: int) -> str:
    """(53) for a weight into layer L - n."""
    at = [*"mpqrstuv"[:n], "j"]
    slope = r"\frac{\partial a^{L-%d}_%s}{\partial a^{L-%d}_%s}"
    factors = "".join(slope % (k, at[k], k + 1, at[k + 1]) for k in range(n)).replace("L-0", "L")
    first, last = (
        rf"\frac{{\partial C}}{{\partial a^L_{at[0]}}}",
        rf"\frac{{\partial a^{{L-{n}}}_j}}{{\partial w^{{L-{n}}}_{{jk}}}}",
    )
    sums = "".join(rf"\sum_{i} " for i in at[:-1])
    return rf"$$ \frac{{\partial C}}{{\partial w^{{L-{n}}}_{{jk}}}} = {sums} {first} {factors} {last} $$"


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("equation", [unrolled, paths], ids=["35", "53"])
def test_the_unrolled_product_and_the_sum_over_paths_at_every_offset(equation, n: int) -> None:
    """Proved at each; held on networks of up to eight layers, which end at offset 6."""
    [formula] = bp.derivation.verify(equation(n)).formulas
    [link] = formula.links
    assert link.judgement.verdict == "proved"
    assert (link.judgement.networks > 0) == (n <= 6)
