"""A document put together from known formulas gives back these, each at its line and column, and nothing else."""

import json

from hypothesis import given
from hypothesis import strategies as st

from backprop_ref.derivation.notation.sources import find

FORMULAS = (
    r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)",
    r"z^l = w^l a^{l-1} + b^l",
    r"= \sum_k w^{l+1}_{kj} \delta^{l+1}_k",
    r"\Delta C \approx \delta^l_j \Delta z^l_j",
    r"w^l \leftarrow w^l - \frac{\eta}{m} \sum_x \delta^{x,l} (a^{x,l-1})^T",
    r"a = b, \quad \text{where} \quad c = d",
)
MENTIONS = ("l", r"\sigma'(z)", r"\sum_{k=1}^n [i = j]", "w^l_{jk}")
WORDS = ("Now we see", "and so", "it costs $5, or", "by BP2 (see above)", "é — “so”,", "1. First", "# Why", "> said", "- one", "")
CODE = ("```python\nx = y  # $a = b$\n```", "<!-- $$a = b$$ -->", "`x = numpy.zeros(3)`", "~~~c\nint a = 3;\n~~~")

formulas = st.sampled_from(FORMULAS)
words = st.sampled_from(WORDS)


class Document:
    """Text put together piece by piece, with what must be found in it."""

    def __init__(self):
        self.text, self.wanted, self.mentions = "", [], 0

    def add(self, text):
        self.text += text

    def formula(self, formula, syntax="latex"):
        line = self.text.count("\n") + 1
        column = len(self.text) - (self.text.rfind("\n") + 1) + 1
        self.wanted.append((formula, (line, column), (line, column + len(formula) - 1), syntax))
        self.text += formula


def found(document, form):
    return [(f.text, f.places[0], f.places[-1], f.syntax) for f in find(document, form).formulas]


@st.composite
def documents(draw, tex=False):
    document = Document()
    if tex:
        document.add("\\documentclass{article}\n\\title{Why $x = y$}\n\\begin{document}\n")
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["sentence", "display", "rows", "code", "fence", "list"]))
        if kind == "sentence":
            sentence(draw, document, tex)
        elif kind == "display":
            opening, closing = draw(st.sampled_from([("$$", "$$"), ("$$\n", "\n$$"), ("\\[ ", " \\]"), ("\\[\n", "\n\\]")]))
            document.add(opening)
            document.formula(draw(formulas))
            document.add(draw(st.sampled_from(["", ".", r" \tag{3}"])) + closing)
        elif kind == "rows":
            rows(draw, document)
        elif tex:
            document.add("\\begin{verbatim}\n$a = b$\n\\end{verbatim}% $a = b$")
        elif kind == "code":
            document.add(draw(st.sampled_from(CODE)))
        elif kind == "fence":
            document.add("```text\n")
            document.formula("delta[l,j] = sum(k, w[l+1,k,j] * delta[l+1,k]) * sigma'(z[l,j])", "plain")
            document.add("\nsome words\n```")
        else:
            nested(draw, document)
        document.add("\n\n")
    return document


def sentence(draw, document, tex):
    for _ in range(draw(st.integers(1, 3))):
        word = draw(words).replace("$", r"\$")
        document.add((word.lstrip("#>- ") if tex or document.text[-1:] not in ("", "\n") else word) + " ")
        opening, closing = draw(st.sampled_from([("$", "$"), (r"\(", r"\)")]))
        document.add(opening)
        if draw(st.booleans()):
            document.formula(draw(formulas))
        else:
            document.add(draw(st.sampled_from(MENTIONS)))
            document.mentions += 1
        document.add(closing + " ")


def rows(draw, document):
    name = draw(st.sampled_from(["align", "gather*", "eqnarray"]))
    document.add(rf"\begin{{{name}}}" + "\n")
    for _ in range(draw(st.integers(1, 3))):
        document.add(draw(st.sampled_from(["", "  ", "& "])))
        document.formula(draw(formulas))
        document.add(draw(st.sampled_from([r" \\", r" \nonumber \\[2pt]", r"\\ % why"])) + "\n")
    document.add(rf"\end{{{name}}}")


def nested(draw, document):
    mark = draw(st.sampled_from(["> ", "- ", "1. ", "> - "]))
    inside = mark if mark == "> " else "> " * mark.startswith(">") + "  " + " " * mark.startswith("1")
    document.add(f"{mark}so\n{inside}$$\n{inside}")
    document.formula(draw(formulas))
    document.add(f"\n{inside}$$")


@given(documents())
def test_markdown_gives_back_what_was_put_in(document):
    assert found(document.text, "md") == document.wanted
    assert find(document.text, "md").mentions == document.mentions


@given(documents(tex=True))
def test_latex_gives_back_what_was_put_in(document):
    assert found(document.text, "tex") == document.wanted
    assert find(document.text, "tex").mentions == document.mentions


@given(st.lists(documents(), min_size=1, max_size=3))
def test_a_notebook_gives_back_the_cells_and_lines_of_what_was_put_in(cells):
    made = [{"cell_type": "markdown", "source": cell.text.splitlines(keepends=True)} for cell in cells]
    text = json.dumps({"cells": made}, indent=1)
    wanted = [(formula, (n, line)) for n, cell in enumerate(cells, start=1) for formula, (line, _), _, _ in cell.wanted]
    formulas = find(text, "ipynb").formulas
    assert [(formula.text, formula.cell) for formula in formulas] == wanted
    lines = text.split("\n")
    for formula in formulas:
        line, column = formula.places[0]
        assert json.dumps(formula.text)[1:4] == lines[line - 1][column - 1 : column + 2]


@given(st.lists(st.tuples(formulas, st.integers(0, 3)), min_size=1, max_size=4))
def test_macros_change_no_formula_and_no_place_outside_of_them(written):
    r"""\delta, \sigma and \sum behind macros of the same length."""
    short = [(r"\delta", r"\dddda"), (r"\sigma", r"\sigmx"), (r"\sum", r"\smm")]
    text = "\n".join(rf"\newcommand{{{macro}}}{{{command}}}" for command, macro in short) + "\n\n"
    plain = "\n" * text.count("\n")
    for formula, blanks in written:
        hidden = formula
        for command, macro in short:
            hidden = hidden.replace(command, macro)
        text += f"{' ' * blanks}$${hidden}$$\n\n"
        plain += f"{' ' * blanks}$${formula}$$\n\n"
    expanded, direct = find(text, "md").formulas, find(plain, "md").formulas
    assert [formula.text for formula in expanded] == [formula.text for formula in direct]
    assert [formula.places[-1] for formula in expanded] == [formula.places[-1] for formula in direct]


@given(st.text(alphabet="ab=\\${}[]()`\n \t#>-*&|_^%~1.", max_size=60), st.sampled_from(["md", "tex", "plain"]))
def test_any_text_is_read_or_refused(text, form):
    """No accident, and every place is one of the document."""
    from backprop_ref.errors import BackpropRefError

    lines = text.split("\n")
    try:
        formulas = find(text, form).formulas
    except BackpropRefError:
        return
    for formula in formulas:
        assert formula.text.strip() == formula.text != ""
        assert len(formula.places) == len(formula.text)
        assert all(1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1 for line, column in formula.places)
