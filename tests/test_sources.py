"""Where the formulas of a document are, and what they say once the layout is gone."""

import json
import re
from pathlib import Path

import pytest

from backprop_ref.derivation.notation import plain_lines
from backprop_ref.derivation.notation.sources import find

NOTES = Path(__file__).parent / "notes"
EXPECTED = json.loads((NOTES / "expected.json").read_text())["notes"]


def texts(document, form="md"):
    return [source.text for source in find(document, form).formulas]


def starts(document, form="md"):
    return [source.places[0] for source in find(document, form).formulas]


DELIMITED = {
    "in a sentence": "So $a = b$ holds.",
    "display": "$$a = b$$",
    "square after an escaped bracket": "See \\[1.\n\n\\[\na = b\n\\]",
    "display of several lines": "$$\na = b\n$$",
    "display inside a line": "So $$a = b$$ holds.",
    "display that begins inside a line": "So $$\na = b\n$$ holds.",
    "display with a line like a list": "$$\na =\n+ b\n$$",
    "display after a line, with a line like a list": "So\n$$\na =\n+ b\n$$",
    "display after a list, with a line like a list": "- so\n$$\na =\n+ b\n$$",
    "display with a blank line": "$$\na = b\n\n$$",
    "round": r"So \(a = b\) holds.",
    "square": "\\[\na = b\n\\]",
    "two backslashes": r"So \\(a = b\\) holds.",
    "environment": "\\begin{equation}\na = b\n\\end{equation}",
    "environment in dollars": "$$\\begin{equation*}\na = b\n\\end{equation*}$$",
    "math fence": "```math\na = b\n```",
    "MyST fence": "```{math}\na = b\n```",
    "GitHub's code": "So $`a = b`$ holds.",
    "rST role": "So :math:`a = b` holds.",
    "list": "- one\n- two $a = b$\n",
    "display in a list": "1. one\n\n   $$\n   a = b\n   $$\n",
    "quote": "> said $a = b$",
    "display that begins with a list": "- $$\n  a = b\n  $$",
    "display that begins inside a quote's line": "> so $$\n> a = b\n> $$",
    "display that ends a paragraph": "So\n$$\na = b\n$$",
    "display in a quote": "> $$\n> a = b\n> $$",
    "list in a quote": "> - $$\n>   a = b\n>   $$",
    "heading": "## Why $a = b$ ##",
    "table": "| | |\n|---|---|\n| one | $a = b$ |\n",
    "indented": "Then\n\n    $$a = b$$\n",
    "indented by a tab": "Then\n\n\t$a = b$ holds\n",
    "HTML": "<div>\n$$a = b$$\n</div>\n",
    "bold": "**so $a = b$**",
}


@pytest.mark.parametrize("document", [pytest.param(text, id=name) for name, text in DELIMITED.items()])
def test_a_formula_is_found_between_any_delimiters(document):
    found = find(document, "md")
    (formula,) = found.formulas
    assert re.sub(r"\s+", " ", formula.text).replace("+ ", "") == "a = b"
    line, column = formula.places[0]
    assert document.split("\n")[line - 1][column - 1] == "a"
    line, column = formula.places[-1]
    assert document.split("\n")[line - 1][column - 1] == "b"
    assert (found.delimiters, found.mentions) == (1, 0)


@pytest.mark.parametrize(
    "document",
    [
        "```python\na = b  # $a = b$\n```",
        "~~~ latex\n$$a = b$$\n~~~",
        "The code `x = np.zeros(3)` makes zeros.",
        "It costs $5 and then $6 = five.",
        r"It costs \$5 = \$5.",
        "<!-- $a = b$ -->",
        "<!--\n$$\na = b\n$$\n-->",
        "The shell says `echo $A = $B`.",
        r"Brackets \[escaped\] as Markdown has it.",
    ],
)
def test_code_prices_and_comments_hold_no_formula(document):
    assert texts(document) == []


def test_a_formula_in_a_sentence_without_a_relation_is_a_mention():
    found = find(
        r"In layer $l$ with $\sigma(z)$, $x < 1$, $f: x$, $\sum_{k=1}^n [i = j]$ we have $a = b$, $c \approx d$ and $e \gets f$.",
        "md",
    )
    assert [source.text for source in found.formulas] == ["a = b", r"c \approx d", r"e \gets f"]
    assert (found.delimiters, found.mentions) == (8, 5)


def test_a_display_without_a_relation_is_no_mention():
    """It may open a chain that the next display goes on with."""
    assert texts("$$\\frac{a}{b}$$\n$$= c$$") == [r"\frac{a}{b}", "= c"]


ROWS = {
    r"\begin{align} a &= b \\ &= c \end{align}": ["a = b", "= c"],
    r"\begin{align*} a &= b, & c &= d \\[2pt] e &= f \end{align*}": [r"a = b, \quad c = d", "e = f"],
    r"\begin{align} a &= b && \text{since } c \\* &= d \end{align}": [r"a = b \quad \text{since } c", "= d"],
    r"\begin{gather} a = b \\ c = d \end{gather}": ["a = b", "c = d"],
    r"\begin{eqnarray} a & = & b \\ & = & c \end{eqnarray}": ["a = b", "= c"],
    r"\begin{alignat}{2} a &= b \quad & c &= d \end{alignat}": [r"a = b \quad \quad c = d"],
    r"\begin{multline} a = b \\ + c \\ = d \end{multline}": ["a = b + c = d"],
    r"\begin{equation} \begin{split} a &= b \\ &\quad + c \end{split} \end{equation}": ["a = b + c"],
    r"\begin{equation} \begin{aligned}[t] a &= b + \\ & c \end{aligned} \label{x} \end{equation}": ["a = b + c"],
    r"\begin{array}{rcl} a &=& b \\ &=& c \end{array}": ["a = b", "= c"],
    r"\begin{cases} a = b \\ c = d \end{cases}": ["a = b", "c = d"],
    r"\left\{ \begin{aligned} a &= b \\ c &= d \end{aligned} \right.": ["a = b", "c = d"],
    r"a = \begin{cases} b & \text{if } i = j \\ 0 & \text{else} \end{cases}": [
        r"a = \begin{cases} b & \text{if } i = j \\ 0 & \text{else} \end{cases}"
    ],
    r"a = \begin{bmatrix} 1 \\ 2 \end{bmatrix} \\ c = d": [r"a = \begin{bmatrix} 1 \\ 2 \end{bmatrix}", "c = d"],
    r"a = \sum_{\substack{j \\ k}} b \\\\ c = d": [r"a = \sum_{\substack{j \\ k}} b", "c = d"],
    r"\begin{gather} a = b \\ \text{and} \\ c = d \end{gather}": ["a = b", "c = d"],
    r"a = b \\ - c": ["a = b - c"],
    r"a = b \\ - c = d": ["a = b", "- c = d"],
}


@pytest.mark.parametrize(("inside", "rows"), ROWS.items())
def test_the_rows_of_a_display(inside, rows):
    found = find(f"$$ {inside} $$", "md")
    assert [source.text for source in found.formulas] == rows
    assert {source.display for source in found.formulas} == {1}


LAYOUT = {
    r"a = b. \tag{3}": "a = b",
    r"a = b \tag*{x} \label{y} \nonumber \notag": "a = b",
    r"a\,=\;b\!c\:d~e\ f": "a = b c d e f",
    r"a = \left( b \right) \bigl[ c \bigr] \Big| d \Big|": "a = ( b ) [ c ] | d |",
    r"a = \left. b \right|_{c}": "a = b |_{c}",
    r"\boxed{a = b}": "a = b",
    r"\boxed{\boxed{a} = b}": "a = b",
    r"a = \underbrace{b + c}_{\text{why}} d": "a = {b + c} d",
    r"a = \overbrace{b}^{n} c": "a = {b} c",
    r"a \overset{!}{=} b \stackrel{(1)}{=} c": "a = b = c",
    r"\color{red} a = \textcolor{blue}{b}": "a = b",
    r"a = \displaystyle\sum\limits_k b": r"a = \sum_k b",
    r"a = b \hspace{1cm} c = d \hspace*{-2em}": r"a = b \quad c = d",
    r"a = b, \qquad \mbox{and} \quad c = d": r"a = b, \qquad \text{and} \quad c = d",
    r"a = \textrm{diag}(b) \textbf{W}": r"a = \text{diag}(b) \mathbf{W}",
    r"a = \mathbf{b} \bm{c} \mathrm{d} \dfrac12": r"a = \mathbf{b} \bm{c} \mathrm{d} \dfrac12",
    "a = b % + c\n + d": "a = b + d",
    r"a = 5\% b": r"a = 5\% b",
    r"a\_j = b \* c": "a_j = b * c",
    r"a = \phantom{=} b \vphantom{\int} c \mkern-3mu d": "a = b c d",
    "a^l = \\sigma'(\n   z^l)": r"a^l = \sigma'( z^l)",
}


@pytest.mark.parametrize(("written", "read"), LAYOUT.items())
def test_what_only_lays_out_is_gone_and_what_separates_stays(written, read):
    assert texts(f"$${written}$$") == [read]


LOOKALIKES = {
    "ａ＝ｂ＋（ｃ－ｄ），": "a=b+(c-d)",
    "a = b − c – d ∗ e": "a = b - c - d * e",
    "a = σ′(z)": r"a = \sigma'(z)",
    "𝑎 = 𝛿": r"a = \delta",
    "∂C/∂w = δa": r"\partial C/\partial w = \delta a",
    "a = ½ ‖b‖²": r"a = \frac12 \|b\|^2",
    "a ≈ b\u00a0⊙\u2009cᵀ\u200b": r"a \approx b \odot c^\top",
    "µ = ∆C ϕ": r"\mu = \Delta C \phi",
}


@pytest.mark.parametrize(("written", "read"), LOOKALIKES.items())
def test_lookalikes_have_one_spelling(written, read):
    (formula,) = find(f"$${written}$$", "md").formulas
    assert (formula.text, len(formula.places)) == (read, len(read))


def test_intertext_and_rows_of_words_are_said_before_the_next_row():
    first, second, third = find(r"Then \[ a = b \\ \intertext{by BP1} c = d \\ \text{and so} \\ e = f \]", "tex").formulas
    assert (first.before, second.before, third.before) == ("Then", "by BP1", "and so")


def test_the_words_before_a_formula_are_those_of_its_paragraph_or_of_the_one_before():
    document = "Not this.\n\nThe sigmoid $\\sigma$ is $a = b$:\n\n$$c = d$$\n\n$$e = f$$\n\n"
    document += "| tanh | $g = h$ |\n|-|-|\n| relu | $i = j$ |\n"
    assert [source.before for source in find(document, "md").formulas] == [
        "The sigmoid $\\sigma$ is",
        "The sigmoid $\\sigma$ is $a = b$:",
        "",
        "tanh",
        "relu",
    ]


def test_equal_cells_of_a_table_stand_each_at_its_place():
    assert starts("| $a = b$ | $a = b$ |\n|---|---|\n| `a = b` | `a = b` |\n") == [(1, 4), (1, 14), (3, 4), (3, 14)]


def test_formulas_of_one_display_share_its_number():
    found = find("$a = b$ and\n$$c = d \\\\ e = f$$\n```\ng = h\nw = h\n\na = h\n```", "md").formulas
    assert [source.display for source in found] == [1, 2, 2, 3, 3, 4]
    assert [source.before for source in found] == ["", "$a = b$ and", "", "", "", ""]
    assert [source.inline for source in found] == [True, False, False, False, False, False]


TEX = r"""% notation: {cost: J, layers: "[l]"}
% given:
%   activation: sigmoid
\documentclass{article} % $n = o$
\title{Why $p = q$}
\newcommand{\half}{\frac12}
\def\be{\begin{equation}}
\def\ee{\end{equation}}
\begin{document}
Let $ a = \half b$, which costs \$5. % and $c = d$
\begin{verbatim}
$e = f$
\end{verbatim}
\verb|$g = h$| and
\be
 i = j
\ee
\begin{subequations}
\begin{align}
k &= l
\end{align}
\end{subequations}
\end{document}
$m = n$
"""


def test_latex_is_read_as_tex_reads_it():
    found = find(TEX, "tex")
    assert [source.text for source in found.formulas] == [r"a = \frac12 b", "i = j", "k = l"]
    assert [source.places[0] for source in found.formulas] == [(10, 7), (16, 2), (20, 1)]
    assert found.front_matter == {"notation": {"cost": "J", "layers": "[l]"}, "given": {"activation": "sigmoid"}}


def test_latex_without_a_preamble_is_all_text():
    assert texts("Let $a = b$.\n\n$c = d$", "tex") == ["a = b", "c = d"]


def notebook(*cells):
    made = [{"cell_type": kind, "source": [line + "\n" for line in text.split("\n")]} for kind, text in cells]
    return json.dumps({"cells": made, "nbformat": 4}, indent=1)


def test_an_environment_in_one_of_its_name_does_not_close_it():
    document = r"\begin{aligned} a &= \begin{aligned} b \end{aligned} \\ c &= d \end{aligned} and $e = f$"
    assert texts(document, "tex") == texts(document) == ["a = b", "c = d", "e = f"]


def test_a_notebook_gives_the_cell_and_the_line_in_the_file():
    document = notebook(
        ("markdown", "---\nnotation: ng\n---\n# One"), ("code", "$a = b$"), ("markdown", 'So "é\t" it is\n$$\\sigma = b$$')
    )
    found = find(document, "ipynb")
    (formula,) = found.formulas
    assert (formula.text, formula.cell, found.front_matter) == (r"\sigma = b", (3, 2), {"notation": "ng"})
    line, column = formula.places[0]
    assert document.split("\n")[line - 1][column - 1 :].startswith(r"\\sigma = b$$")


def test_a_notebook_may_have_its_source_in_one_string_and_its_keys_in_any_order():
    cells = [{"source": "$a = b$\n\n$c = d$", "metadata": {"source": ["$x = y$"]}, "cell_type": "markdown"}]
    found = find(json.dumps({"metadata": {"cells": []}, "cells": cells}), "ipynb")
    assert [(source.text, source.cell) for source in found.formulas] == [("a = b", (1, 1)), ("c = d", (1, 3))]


def test_line_ends_of_windows_in_a_notebook_move_nothing():
    document = json.dumps({"cells": [{"cell_type": "markdown", "source": ["So\r\n", "\r\n", "$a = b$\r\n"]}]})
    (formula,) = find(document, "ipynb").formulas
    assert formula.cell == (1, 3)
    assert document[formula.places[0][1] - 1 : formula.places[-1][1]] == "a = b"


def test_macros_of_one_cell_hold_in_the_next():
    document = notebook(("markdown", r"$\newcommand{\half}{\frac12}$"), ("markdown", r"$a = \half$"))
    assert texts(document, "ipynb") == [r"a = \frac12"]


FORMULAS = [
    "delta[l,j] = sum(k, w[l+1,k,j] * delta[l+1,k]) * sigma'(z[l,j])",
    "δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ'(z^l)",
    "= sum(i, delta[l,i] * [i = j])",
    "ΔC ≈ δ^l_j a^{l-1}_k Δw^l_{jk}",
    "w[l,j,k] -= eta/m * sum(x, delta[x,l,j] * a[x,l-1,k])",
    "w <- w - eta * dC/dw",
    "z^l = w^l a^{l-1} + b^l   for every layer",
    "a^l = sigma(z^l), where sigma is the sigmoid",
    "C = 1/2 * norm(y - a^L)^2 (quadratic cost)",
    "db = np.sum(dZ, axis=1, keepdims=True) / m",
]
OTHERS = [
    "learning_rate = 0.1",
    "x = numpy.zeros(3)",
    "for l = 2..L:",
    "if a == b",
    "name = 'w'",
    "int a = 3;",
    "$ export A=b",
    "def f(x, y=3): return x",
    "the sum = the whole",
    "i = 0",
    "a = b; c = d;",
]


@pytest.mark.parametrize("line", FORMULAS)
def test_an_equation_with_our_letters_is_a_formula_in_plain_text(line):
    assert plain_lines.is_formula(line)
    assert texts(f"```\n{line}\n```") == [line]
    assert texts(line, "plain") == [line]


@pytest.mark.parametrize("line", OTHERS)
def test_code_and_words_are_none_and_are_counted(line):
    assert not plain_lines.is_formula(line)
    found = find(f"```\n{line}\n```", "md")
    assert (found.formulas, found.other) == ((), 0 if "==" in line or line.startswith("def") else 1)


def test_a_plain_formula_may_go_on_in_the_next_line_and_have_a_comment():
    found = find("```text\na = b  # BP1\n    + c\n\n= d // why\n```", "md")
    assert [source.text for source in found.formulas] == ["a = b + c", "= d"]
    assert found.formulas[0].places[-1] == (3, 7)
    assert found.delimiters == 2


def test_a_code_span_may_be_a_formula_in_plain_text():
    (formula,) = find("Definition: `δ^l_j := ∂C/∂z^l_j`, see `numpy.sum`.", "md").formulas
    assert (formula.text, formula.syntax, formula.inline) == ("δ^l_j := ∂C/∂z^l_j", "plain", True)
    assert (formula.places[0], formula.before) == ((1, 14), "Definition:")


def test_a_plain_document_may_have_formulas_between_delimiters_too():
    found = find("---\nnotation: rows\n---\na = b\nso $c = d_k$ and\n\\[ e = f \\]\nz = w", "plain")
    assert [(source.text, source.syntax) for source in found.formulas] == [
        ("a = b", "plain"),
        ("c = d_k", "latex"),
        ("e = f", "latex"),
        ("z = w", "plain"),
    ]
    assert found.front_matter == {"notation": "rows"}


FRONT_MATTER = {
    "notation: ng": {"notation": "ng"},
    "title: x\nnotation: 'ng' # mine\ntags: [a, b]\n- c\ngiven: {output: softmax}": {
        "notation": "ng",
        "given": {"output": "softmax"},
    },
    'notation: {cost: J, layers: "[l]", first layer: 0}': {"notation": {"cost": "J", "layers": "[l]", "first layer": "0"}},
    "notation: {cost: J,\n  activation: g}": {"notation": {"cost": "J", "activation": "g"}},
    "notation:\n  cost: J # the average\n  layers: '(l)'\ntitle: x": {"notation": {"cost": "J", "layers": "(l)"}},
    "notation: {}": {"notation": {}},
    "title: notation": None,
}


@pytest.mark.parametrize(("block", "settings"), FRONT_MATTER.items())
def test_front_matter(block, settings):
    found = find(f"---\n{block}\n---\n$a = b$", "md")
    assert found.front_matter == settings
    assert found.formulas[0].places[0] == (block.count("\n") + 4, 2)


def test_a_document_without_front_matter_has_none():
    assert find("# One\n\n---\nnotation: ng\n---\n", "md").front_matter is None


def test_line_ends_of_windows_and_a_byte_order_mark_move_nothing():
    assert starts("\ufeff# One\r\n\r\n> $$\r\n> a = b\r\n> $$\r\n") == [(4, 3)]


# What stands in the notes, counted without our reader: delimiters by regular expressions over the raw text, relations by hand.

ENVIRONMENT = r"\\begin\{(align\*?|gather|equation\*?|eqnarray|aligned)\}.*?\\end\{\1\}"
PIECES = (r"```math\n.*?```", r"\$\$.*?\$\$", ENVIRONMENT, r"\\\[.*?\\\]", r"\$[^$]+\$")
SIGN = re.compile(r":=|-=|=|≈|←|\\approx(?![a-z])|\\equiv|\\leftarrow|\\rightarrow|\\to(?![a-z])")
RANGES = {
    "nielsen.md": 2,
    "ng.md": 1,
    "rows.tex": 0,
    "bishop.md": 2,
    "plain.md": 0,
    "lecture.ipynb": 1,
}  # l = 2, ..., L and the like


def raw(name):
    text = (NOTES / name).read_text()
    if name.endswith(".ipynb"):
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        return "\n\n".join("".join(cell["source"]) for cell in cells)
    return re.sub(r"(?<!\\)%.*", "", text.split(r"\begin{document}")[-1]) if name.endswith(".tex") else text


def counted(text):
    pieces = 0
    for pattern in PIECES:
        text, found = re.subn(pattern, " ", text, flags=re.DOTALL)
        pieces += found
    fences = re.findall(r"```(?:text)?\n(.*?)```", re.sub(r"```python.*?```", "", text, flags=re.DOTALL), flags=re.DOTALL)
    pieces += sum(1 for fence in fences for line in fence.split("\n") if re.search("[=≈←]", line))
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return pieces + sum(1 for span in spans if "=" in span)


def outside_brackets(text):
    text = re.sub(r"\\text\{[^{}]*\}|\\begin\{cases\}.*?\\end\{cases\}", "", text)
    while (less := re.sub(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}", "", text)) != text:
        text = less
    return text


@pytest.mark.parametrize("note", EXPECTED, ids=lambda note: note["file"])
def test_every_formula_of_the_notes_is_found(note):
    name = note["file"]
    found = find((NOTES / name).read_text(), name.split(".")[-1])
    assert found.delimiters == counted(raw(name))
    relations = [len(SIGN.findall(outside_brackets(source.text))) for source in found.formulas]
    assert sum(relations) == note["relations"] + RANGES[name]
    wanted = {error["line"] for error in note["errors"]} | {
        *note["definitions"],
        *note["assignments"],
        *note["true_but_unprovable"],
    }
    assert wanted <= {source.places[0][0] for source in found.formulas}
    cells = {error["line"]: (error["cell"], error["cell_line"]) for error in note["errors"] if "cell" in error}
    assert cells == {source.places[0][0]: source.cell for source in found.formulas if source.places[0][0] in cells}


@pytest.mark.parametrize("name", ["nielsen.md", "ng.md", "bishop.md"])
def test_every_character_of_the_notes_has_its_place(name):
    document = (NOTES / name).read_text()
    lines = document.split("\n")
    for source in find(document, "md").formulas:
        for character, (line, column) in zip(source.text, source.places, strict=True):
            if character not in " \\quad":  # a blank may stand for \, and \quad for &
                assert lines[line - 1][column - 1] == character


def test_columns_that_go_on_below_are_read_column_after_column():
    """A formula beside another goes on in its own column, and not behind the other's last line."""
    text = "\\begin{align}\na^1_j &= x_j & b^2_j &= 1 \\\\\n &= 2 & &= 3 \\\\\n & & &\\quad + 4\n\\end{align}\n"
    assert [source.text for source in find(text, "md").formulas] == ["a^1_j = x_j", "= 2", r"b^2_j = 1", r"= 3 + 4"]
    side_by_side = "\\begin{align}\na &= b & c &= d \\\\\n e &= f & g &= h\n\\end{align}\n"
    assert [source.text for source in find(side_by_side, "md").formulas] == [r"a = b \quad c = d", r"e = f \quad g = h"]


def test_a_formula_whose_braces_do_not_balance_is_no_mention():
    found = find(r"So $a^{l_j = b$ and $a^{l_j$ and $(a = b$ and $c = d$.", "md")
    assert [source.text for source in found.formulas] == ["a^{l_j = b", "(a = b", "c = d"]
    assert found.mentions == 1


@pytest.mark.parametrize(
    "words",
    ["It costs $5 and $6 more.", r"It costs $5, \alpha = 3.", "A $ alone = \\\n\nb \\alpha", "$PATH = 1", '    $x = "\\n"'],
)
def test_a_dollar_of_money_stays_text(words):
    assert texts(words) == []
