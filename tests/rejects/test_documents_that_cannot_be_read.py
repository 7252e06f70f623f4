"""A document that cannot be read at all: one clear error, that names the place, in bounded time and memory."""

import json
import re
import sys

import pytest

from backprop_ref.derivation.notation.sources import find
from backprop_ref.errors import ExtraMissing, TooLarge, ValueRefused

MANY = 9_999_990


def notebook(*sources):
    return json.dumps({"cells": [{"cell_type": "markdown", "source": source} for source in sources]})


UNCLOSED = {
    ("md", "# One\n\n$$a = b\n\nmore"): "Line 3: $$ is never closed; add the $$ that is missing.",
    ("md", "$$a = b$$\n\n> so $$ a = b"): "Line 3: $$ is never closed; add the $$ that is missing.",
    ("md", "$$a = b$$\n\n$$c = d\n\nso\n\n$$e = f$$\n"): "Line 3: $$ is never closed; add the $$ that is missing.",
    ("md", "\n\\begin{align}\na = b\n"): r"Line 2: \begin{align} is never closed; add the \end{align} that is missing.",
    ("md", "\n\\newcommand{\\x}{a\n"): r"Line 2: \newcommand{\x} is never closed; add the } that is missing.",
    ("md", "$$\n\\def\\x{a\n$$"): r"Line 2: \def\x is never closed; add the } that is missing.",
    ("md", r"We have $\delta^l_j = a^l_j and so on."): "Line 1: $ is never closed; add the $ that is missing.",
    ("md", "So\n$ a = \\sigma(z)\n\nmore"): "Line 2: $ is never closed; add the $ that is missing.",
    ("tex", "so $a = b\n\nand"): "Line 1: $ is never closed; add the $ that is missing.",
    ("tex", "so\n\\[ a = b"): r"Line 2: \[ is never closed; add the \] that is missing.",
    ("tex", "so \\( a = b"): r"Line 1: \( is never closed; add the \) that is missing.",
    ("tex", "\\def\\x{a\n\\begin{document}$a = b$"): r"Line 1: \def is never closed; add the } that is missing.",
    ("plain", "a = b\n$$ c"): "Line 2: $$ is never closed; add the $$ that is missing.",
    ("ipynb", notebook("one", "two\n$$a = b")): "Cell 2, line 2: $$ is never closed; add the $$ that is missing.",
    ("ipynb", notebook("one", ["two\n", "\\begin{gather}a = b"])): (
        r"Cell 2, line 2: \begin{gather} is never closed; add the \end{gather} that is missing."
    ),
}

NOT_TEXT = {
    ("md", "PK\x03\x04\x00"): "Character 3 is U+0003: this is no text. Pass a text file in UTF-8.",
    ("tex", "\\documentclass\x00"): "Character 15 is U+0000: this is no text. Pass a text file in UTF-8.",
    ("md", "so \ud800$a = b$"): "Character 4 is half of a surrogate pair: this is no UTF-8. Save the file as UTF-8.",
    ("plain", b"\xff\xfea".decode("utf-8", "surrogateescape")): (
        "Character 1 is half of a surrogate pair: this is no UTF-8. Save the file as UTF-8."
    ),
    ("ipynb", notebook("so \ud800")): "Character 4 is half of a surrogate pair: this is no UTF-8. Save the file as UTF-8.",
    ("ipynb", "# no notebook"): (
        "This is no notebook: it is no JSON (line 1: Expecting value); save it again in Jupyter (nbformat 4)."
    ),
    ("ipynb", '{"worksheets": []}'): "This is no notebook: it has no cells; save it again in Jupyter (nbformat 4).",
    ("ipynb", '{"cells": [3]}'): "This is no notebook: it has no cells; save it again in Jupyter (nbformat 4).",
    ("ipynb", "[" * 100_000): "This is no notebook: it has no cells; save it again in Jupyter (nbformat 4).",
}

WRITE = (
    "write the name of a preset, or names and values as in notation: {cost: J, activation: g}, or the same below it, one a line."
)
SETTINGS = {
    ("md", "---\ntitle: x\nnotation: {cost: J\n---\n"): f"Line 3: notation: {{cost: J cannot be read; {WRITE}",
    ("md", "---\nnotation: {cost}\n---\n"): f"Line 2: notation: {{cost}} cannot be read; {WRITE}",
    ("md", "---\nnotation:\n  cost J\n---\n"): f"Line 2: notation: cost J cannot be read; {WRITE}",
    ("tex", "\n% notation: {a: b: c}\n"): f"Line 2: notation: {{a: b: c}} cannot be read; {WRITE}",
}

TOO_LARGE = {
    ("md", "x" * (MANY + 11)): "The document has 10,000,001 characters; up to 10,000,000 are read. Split it.",
    ("plain", "a = b\n" * 200_001): "The document has 200,001 lines; up to 200,000 are read. Split it.",
    ("md", "$x$ " * (MANY // 4)): "The document has more than 20,000 formulas; split it.",
    ("plain", "a = b\n" * 20_001): "The document has more than 20,000 formulas; split it.",
    ("md", "\n$$" + "x" * MANY + "$$"): (
        "Line 2: a formula of 9,999,990 characters; up to 100,000 are read. Is a delimiter missing?"
    ),
    ("md", r"$\def\x{\x\x} \x$"): (
        r"Line 1: the macro \x makes more than 1,000,000 symbols; define it without itself, or write the formula out."
    ),
    ("tex", "\\def\\x{\\y}\\def\\y{\\x}\n$a = \\x$"): (
        r"Line 2: the macro \x makes more than 1,000,000 symbols; define it without itself, or write the formula out."
    ),
    ("ipynb", notebook(r"$\def\x{\x} \x$")): (
        r"Cell 1, line 1: the macro \x makes more than 1,000,000 symbols; define it without itself, or write the formula out."
    ),
}


@pytest.mark.parametrize(("case", "sentence"), [*UNCLOSED.items(), *NOT_TEXT.items(), *SETTINGS.items()])
def test_what_is_wrong_and_where(case, sentence):
    form, text = case
    with pytest.raises(ValueRefused, match=f"^{re.escape(sentence)}$"):
        find(text, form)


@pytest.mark.parametrize(("case", "sentence"), TOO_LARGE.items(), ids=[sentence[:60] for sentence in TOO_LARGE.values()])
def test_more_than_is_read(case, sentence):
    form, text = case
    with pytest.raises(TooLarge, match=f"^{re.escape(sentence)}$"):
        find(text, form)


def test_macros_that_grow_tenfold_each_are_stopped():
    """Ten symbols, a hundred, ...: the last of twenty would be 10^20."""
    names = [f"\\x{chr(97 + i)}" for i in range(20)]
    definitions = "".join(rf"\def{name}{{{(before + ' ') * 10}}}" for before, name in zip(["y", *names], names, strict=False))
    with pytest.raises(TooLarge, match="makes more than 1,000,000 symbols"):
        find(f"${definitions} a = {names[-1]}$", "md")


DEEP = {
    "braces": "{" * 3_000 + "a = b" + "}" * 3_000,
    "brackets": "a = " + "(" * 3_000 + "b" + ")" * 3_000,
    "fractions": "a = " + r"\frac{" * 3_000 + "b" + "}{c}" * 3_000,
    "boxes": r"\boxed{" * 3_000 + "a = b" + "}" * 3_000,
    "environments": r"\begin{aligned}" * 3_000 + "a = b" + r"\end{aligned}" * 3_000,
    "braces that never close": "a = " + "{" * 3_000 + "b",
}


@pytest.mark.parametrize("inside", DEEP.values(), ids=DEEP)
def test_what_is_nested_3000_deep_is_found(inside):
    (formula,) = find(f"$${inside}$$", "md").formulas
    assert "b" in formula.text


@pytest.mark.parametrize("inside", ["> ", "- ", "1. "])
def test_blocks_may_be_nested_deep_but_are_never_dropped(inside):
    assert len(find(f"{inside * 40}$a = b$", "md").formulas) == 1
    sentence = "Line 2: quotes and lists nested more than 50 deep are not read; write them flat."
    with pytest.raises(TooLarge, match=f"^{re.escape(sentence)}$"):
        find(f"\n{inside * 3_000}$a = b$", "md")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("md", "$ " * 200_000),
        ("md", "".join("`" * n + " " for n in range(1, 1_000))),
        ("md", "\\begin{align" * 100_000),
        ("md", "\\[ a\n" * 20_000),
        ("md", "<!-- " * 200_000),
        ("md", "```\n" + " " * 1_000_000 + "\n```"),
        ("plain", "a = b\n" + "+ c\n" * 100_000),
        ("plain", "word $x$ " * 19_000 + " " * 5_000_000),
        ("tex", "\\def\\a{x}" * 50_000),
        ("md", "---\n" + "notation: " * 50_000),
    ],
    ids=lambda text: text[:14],
)
def test_long_documents_take_time_in_proportion(form, text):
    """These took hours in a search that begins again at every place."""
    assert len(find(text, form).formulas) <= 1


def test_markdown_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    sentence = "Markdown needs markdown-it-py, which is not installed: pip install 'backprop-ref[derivation]'"
    with pytest.raises(ExtraMissing, match=f"^{re.escape(sentence)}$"):
        find("$a = b$", "md")
    assert len(find("$a = b$", "tex").formulas) == 1
