"""A derivation's report: its exit code, its text, its JSON and its page, from records made by hand."""

import json

import pytest

from backprop_ref.derivation import page
from backprop_ref.derivation.judge import Judgement
from backprop_ref.derivation.report import DerivationReport, Formula, Link
from backprop_ref.derivation.verdicts import Counterexample
from backprop_ref.errors import VerdictError

PROVED = Judgement("proved", "for every L ≥ 2", ("definition of delta",), networks=25)
HOLDS = Judgement("holds numerically", "l = 2", reason="division", networks=25)
SHOWN = Counterexample(
    ("sizes 1-1", "w^2 = 2", "sigma(z) = z^2"), "l = 2, j = 1", "4", "8", ("left: 4", "right: 2 * 4"), ratio="2"
)
FAILS = Judgement("fails", counterexample=SHOWN, suggestion=r"\delta^L_j = y")
ILL = Judgement("ill-formed", reason="k is free on the left but not on the right")
OPEN = Judgement("not understood", reason="no such letter")


def formula(line, *judgements, **more):
    links = tuple(Link(r"\delta^L_j", "=", f"x_{n}", said, **more) for n, said in enumerate(judgements))
    return Formula(line, 3, r"\delta^L_j = x", r"\delta^L_j = x_0", links)


def report(*formulas, **more):
    return DerivationReport("notes.md", ("layers from 1 to L",), formulas, **more)


@pytest.mark.parametrize(
    ("formulas", "code", "verdict"),
    [
        ([formula(1, PROVED), formula(2, HOLDS)], 0, "holds"),
        ([formula(1, Judgement("another convention", reason="a factor 2"))], 0, "holds"),
        ([formula(1, Judgement("definition")), formula(2, Judgement("assignment"))], 0, "holds"),
        ([formula(1, PROVED), formula(2, FAILS)], 1, "fails"),
        ([formula(1, ILL), formula(2, OPEN)], 1, "fails"),
        ([formula(1, PROVED), formula(2, OPEN)], 3, "cannot tell"),
        ([formula(1, PROVED), Formula(2, 1, "w^", "", reason="an index is missing", caret=2)], 3, "cannot tell"),
        ([], 3, "cannot tell"),
        ([Formula(1, 1, "w", "w^l")], 3, "cannot tell"),
        ([formula(1, FAILS), formula(2, Judgement("contradiction", counterexample=SHOWN))], 70, "internal error"),
    ],
    ids=lambda v: str(v) if isinstance(v, int | str) else "",
)
def test_the_exit_code(formulas, code, verdict):
    made = report(*formulas)
    assert (made.exit_code, made.verdict) == (code, verdict)
    if code:
        with pytest.raises(VerdictError, match=f"^{verdict.upper()}  notes.md") as raised:
            made.raise_for_verdict()
        assert raised.value.exit_code == code
    else:
        made.raise_for_verdict()


def test_strict_wants_proofs():
    assert report(formula(1, HOLDS), strict=True).exit_code == 1
    assert report(formula(1, Judgement("definition"), HOLDS), strict=True).exit_code == 1
    assert report(formula(1, PROVED), strict=True).exit_code == 0


def test_a_formula_has_the_verdict_of_its_worst_link():
    assert formula(1, PROVED, FAILS, OPEN).verdict == "fails"
    assert formula(1, PROVED, HOLDS).verdict == "holds numerically"
    assert formula(1, Judgement("definition"), PROVED).verdict == "definition"
    assert Formula(1, 1, "w", "w").verdict == "mention"
    assert Formula(1, 1, "w", "", reason="why").verdict == "not understood"


def test_the_summary_counts_every_formula_once():
    made = report(formula(1, PROVED, PROVED), formula(2, FAILS), formula(3, ILL), Formula(4, 1, "w", "w"))
    counts = made.summary
    assert counts["formulas"] == 4 == sum(counts.values()) - 4
    assert (counts["proved"], counts["fails"], counts["ill-formed"], counts["mention"]) == (1, 1, 1, 1)


def test_the_text():
    follows = Link("a", "=", "c", FAILS, follows_from=7)
    made = report(
        formula(5, PROVED),
        formula(7, FAILS),
        Formula(8, 1, "= c", "= c", (follows,)),
        Formula(9, 1, r"w^\foo", "", reason=r"\foo is no layer", caret=2),
        seed=4,
        seconds=0.25,
    )
    assert (
        str(made)
        == r"""FAILS  notes.md: first false line 7; line 8 follows from it

  notation   layers from 1 to L

  line 5     proved
               \delta^L_j = x_0
    by         definition of delta
    holds      for every L ≥ 2

  line 7     FAILS
               \delta^L_j = x_0
    with       sizes 1-1
               w^2 = 2
               sigma(z) = z^2
               at l = 2, j = 1: the left side is 4, the right side 8, 2 times as much
               left: 4
               right: 2 * 4
    write      \delta^L_j = y

  line 8     fails
               a = c
    but        it follows from the line before; line 7 is the first false one

  line 9     not understood
               w^\foo
    at         w^\foo
                 ^
    because    \foo is no layer

  summary    4 formulas: 1 proved, 1 not understood, 2 fails
  time       0.25 s, seed 4"""
    )


def test_a_document_without_a_claim_says_so():
    assert str(report()).startswith("CANNOT TELL  notes.md: no formula was found\n")
    assert str(report(Formula(1, 1, "w", "w"))).startswith("CANNOT TELL  notes.md: nothing is claimed in it\n")


def test_a_true_line_after_a_false_one():
    assert "but        line 9 is true and does not follow from line 8" in str(report(formula(9, PROVED, parts_from=8)))


def test_the_json():
    made = json.loads(json.dumps(report(formula(5, FAILS, PROVED), Formula(9, 2, "w^", "", reason="why", caret=1)).to_json()))
    assert (made["schema"], made["verdict"], made["first_false"]) == ("backprop-ref/derivation/1", "fails", 5)
    first, second = made["formulas"]
    needed = {"line", "column", "latex", "verdict", "domain", "rules", "counterexample", "suggestion"}
    assert needed <= first.keys() & second.keys()
    assert (first["line"], first["column"], first["verdict"]) == (5, 3, "fails")
    assert first["counterexample"]["network"] == ["sizes 1-1", "w^2 = 2", "sigma(z) = z^2"]
    assert [link["verdict"] for link in first["links"]] == ["fails", "proved"]
    assert (second["verdict"], second["reason"], second["caret"], second["links"]) == ("not understood", "why", 1, [])


def test_the_page_needs_nothing_else_and_escapes_what_it_shows():
    bad = Formula(1, 1, "<script>alert(1)</script>", "", reason="\x00<b>")
    made = page.html(report(bad, formula(2, FAILS)))
    assert "<script" not in made
    assert "<b>" not in made
    assert "\x00" not in made
    assert "http" not in made.replace("http://www.w3.org/1998/Math/MathML", "").replace("http-equiv", "")
    assert "<math" in made


def test_a_notebook_shows_a_piece_of_a_page():
    made = report(formula(1, PROVED))._repr_html_()
    assert made.startswith("<style>")
    assert "<html" not in made
    assert "line 1: proved" in made
