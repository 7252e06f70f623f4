"""Six notes as students and teachers write them, by someone who had not seen the checker."""

import json
from functools import cache
from pathlib import Path

import pytest

from backprop_ref.derivation.document import verify
from backprop_ref.derivation.report import WRONG

NOTES = Path(__file__).parent / "notes"
EXPECTED = {note["file"]: note for note in json.loads((NOTES / "expected.json").read_text(encoding="utf-8"))["notes"]}
FORMS = {".md": "md", ".tex": "tex", ".ipynb": "ipynb"}
LEFT_OPEN = ("true_but_unprovable", "disowned", "not_equations")  # any verdict but a wrong proof is fair there


@cache
def judged(name):
    path = NOTES / name
    return verify(path.read_text(encoding="utf-8"), FORMS[path.suffix])


@pytest.mark.parametrize("name", EXPECTED)
def test_a_note(name):
    """Nine in ten formulas are understood, every planted error is found at its line, and no right line is called wrong."""
    note, report = EXPECTED[name], judged(name)
    claims = [f for f in report.formulas if f.verdict != "mention"]
    assert len(claims) >= note["formulas"]

    missed = [(f.line, f.source, f.reason) for f in claims if f.verdict == "not understood" and not f.latex]
    assert len(missed) <= 0.1 * len(claims), missed

    errors = {error["line"] for error in note["errors"]}
    caught = {f.line for f in claims if f.verdict in WRONG}
    assert errors <= caught, f"planted and not caught: {sorted(errors - caught)}"

    fair = errors | {line for key in LEFT_OPEN for line in note[key]}
    accused = [(f.line, f.source, str(f.deciding)) for f in claims if f.verdict in WRONG and f.line not in fair]
    assert accused == []
    assert not any(f.verdict == "contradiction" for f in report.formulas)


def test_most_of_the_planted_errors_are_mended():
    """The line that was meant is offered."""
    mended = planted = 0
    for name, note in EXPECTED.items():
        lines = {f.line: f for f in judged(name).formulas if f.verdict in WRONG}
        for error in note["errors"]:
            planted += 1
            found = lines[error["line"]].deciding
            mended += bool(found and found.judgement.suggestion)
    assert planted == 36
    assert mended >= 0.6 * planted
