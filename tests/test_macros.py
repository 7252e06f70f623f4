"""A formula says the same without its document's macros, and each of its characters has a place."""

import pytest

from backprop_ref.derivation.notation.sources import find

EXPANDED = {
    r"\newcommand{\x}{a = b} \x": "a = b",
    r"\newcommand\x{a = b} \x": "a = b",
    r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}} a = \pd{C}{w^l_{jk}}": r"a = \frac{\partial C}{\partial w^l_{jk}}",
    r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}} a = \pd C w": r"a = \frac{\partial C}{\partial w}",
    r"\newcommand{\lay}[2][l]{#2^{#1}} \lay{a} = \lay[l+1]{b}": "a^{l} = b^{l+1}",
    r"\renewcommand{\vec}[1]{\mathbf{#1}} \vec a = \vec{b}": r"\mathbf{a} = \mathbf{b}",
    r"\providecommand*{\tr}{^{\mathsf T}} a = b\tr": r"a = b^{\mathsf T}",
    r"\def\had{\odot} a = b\had c": r"a = b\odot c",
    r"\gdef\lay#1{^{(#1)}} a\lay{l} = b\lay l": "a^{(l)} = b^{(l)}",
    r"\DeclareMathOperator{\diag}{diag} a = \diag(b)": r"a = \operatorname{diag}(b)",
    r"\DeclareMathOperator*{\argmin}{arg\,min} a = \argmin b": r"a = \operatorname*{arg min} b",
    r"\let\eps\varepsilon \let\had=\odot a = \eps\had b": r"a = \varepsilon\odot b",
    r"\let\old\phi \renewcommand{\phi}{\old'} a = \phi": r"a = \phi'",
    r"\def\a{b} \def\b{\a} \def\a{c} a = \b": "a = c",
    r"\newcommand{\twice}[1]{#1#1} a = \twice{\twice b}": "a = bbbb",
    r"\def\be{\begin{aligned}} \def\ee{\end{aligned}} \be a &= b \\ &= c \ee": "a = b | = c",
    r"\newcommand{\pd}[2]{#1/#2} a = \pd{C}": r"a = \pd{C}",
    r"\def\x(#1){#1} a = \x(b)": r"a = \x(b)",
    r"\newcommand{\x}{{\color{red} a}} \x = b % \x": "{ a} = b",
}


@pytest.mark.parametrize(("written", "read"), EXPANDED.items())
@pytest.mark.parametrize("frame", ["$${}\n$$", "\\[{}\n\\]"])
def test_macros_are_expanded(written, read, frame):
    form = "md" if frame[0] == "$" else "tex"
    found = find(frame.format("#").replace("#", written, 1), form)
    assert " | ".join(source.text for source in found.formulas) == read


def test_a_definition_holds_from_where_it_stands_in_the_text_or_in_another_formula():
    document = "$a = \\x$\n\n\\newcommand{\\x}{b}\n\n$a = \\x$ $\\renewcommand{\\x}{c}$ $a = \\x$\n"
    assert [source.text for source in find(document, "md").formulas] == [r"a = \x", "a = b", "a = c"]


def test_a_definition_in_the_preamble_or_in_a_comment():
    document = (
        "\\newcommand{\\x}[1]{\\frac{#1}\n {2}}\n% \\renewcommand{\\x}{d}\n\\begin{document}\n$a = \\x{b}$\n\\end{document}"
    )
    assert [source.text for source in find(document, "tex").formulas] == [r"a = \frac{b} {2}"]


def test_what_a_macro_makes_stands_where_it_is_used_and_its_argument_where_it_is_written():
    (formula,) = find("$\\def\\lay#1{^{(#1)}}\n  a\\lay{l} = b$", "md").formulas
    assert formula.text == "a^{(l)} = b"
    assert formula.places[0] == (2, 3)
    assert formula.places[1:4] == ((2, 4),) * 3
    assert formula.places[4] == (2, 9)
    assert formula.places[-1] == (2, 14)


def test_macros_that_open_and_close_an_environment_stand_for_it_in_running_text():
    definitions = "\\newcommand{\\bea}{\\begin{eqnarray}}\\newcommand{\\eea}{\\end{eqnarray}}\n"
    document = definitions + "So \\bea a &=& b \\\\ &=& c \\eea and $d = e$."
    assert [source.text for source in find(document, "tex").formulas] == ["a = b", "= c", "d = e"]
