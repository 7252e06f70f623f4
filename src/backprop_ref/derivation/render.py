"""A report as text and as data. Nothing is computed here that the report does not know."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from .judge import Judgement
from .report import WRONG, DerivationReport, Formula, Link, counterexample_data
from .verdicts import Counterexample

SCHEMA = "backprop-ref/derivation/1"
WIDTH = 100
LABEL = 11  # columns of the words before what is said


def text(report: DerivationReport) -> str:
    """The report for a person: the verdict first, then each formula, then the count."""
    lines = [f"{report.verdict.upper()}  {report.target}{_behind(headline(report))}", ""]
    lines += labelled("notation", report.notation)
    for formula in report.formulas:
        lines += ["", *_formula(formula)]
    lines += ["", *labelled("summary", [summary_line(report)]), *labelled("given", report.given)]
    lines += labelled("strict", ["what only holds numerically is not enough"] if report.strict else [])
    lines += labelled("time", [f"{report.seconds:.3g} s, seed {report.seed}"])
    return "\n".join(lines)


def summary_line(report: DerivationReport) -> str:
    """23 formulas: 12 proved, 1 fails, ...; what there is none of is left out."""
    counts = report.summary
    n = counts.pop("formulas")
    mentions, other = counts.pop("mentions"), counts.pop("other")
    said = ", ".join(f"{k} {kind}{_plural(kind, k)}" for kind, k in counts.items() if k)
    beside = f"; beside them {mentions} that claim nothing, such as $w^l$" if mentions else ""
    code = f"; {other} line{'s' * (other != 1)} taken for code or words" if other else ""
    return f"{n:,} formula{'s' * (n != 1)}" + (f": {said}" if said else "") + beside + code


def _plural(kind: str, k: int) -> str:
    return "s" if k != 1 and kind in ("definition", "assignment", "mention") else ""


def _behind(said: str) -> str:
    return f": {said}" if said else ""


def headline(report: DerivationReport) -> str:
    """What a reader wants to know first: the first false line, and what follows from it."""
    if report.first_false is not None:
        later = [f.line for f in report.formulas if f.follows_from == report.first_false]
        return f"first false line {report.first_false}" + (f"; {lines_named(later)} from it" if later else "")
    if not report.formulas:
        return "no formula was found"
    return "nothing is claimed in it" if all(f.verdict == "mention" for f in report.formulas) else ""


def lines_named(lines: list[int]) -> str:
    """line 6 follows; lines 6 to 8 follow."""
    first, last = min(lines), max(lines)
    return f"line {first} follows" if first == last else f"lines {first} to {last} follow"


def labelled(label: str, said: tuple[str, ...] | list[str], indent: str = "  ") -> list[str]:
    """Lines behind a label, wrapped to the width of the page."""
    out: list[str] = []
    for line in said:
        head = f"{indent}{label if not out else '':<{LABEL}}"
        out += wrap(
            line, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False, break_on_hyphens=False
        )
    return out


def _formula(formula: Formula) -> list[str]:
    own = formula.verdict in WRONG and formula.follows_from is None
    cell = f" (cell {formula.cell[0]}, line {formula.cell[1]})" if formula.cell else ""
    lines = [f"  line {formula.line:<6}{formula.verdict.upper() if own else formula.verdict}{cell}"]
    if not formula.links:
        lines += labelled("", [formula.latex or formula.source], "    ")
        return lines + (_caret(formula) if formula.reason else [])
    for link in formula.links:
        lines += labelled("", [equation(link)], "    ")
        lines += [line for label, said in findings(formula, link) for line in labelled(label, said, "    ")]
    return lines


def equation(link: Link) -> str:
    """left = right."""
    return f"{link.left} {link.relation} {link.right}"


def _caret(formula: Formula) -> list[str]:
    reason = labelled("because", [formula.reason], "    ")
    if formula.caret is None:
        return reason
    start = max(0, formula.caret - 40)
    shown = formula.source[start : start + 80].replace("\n", " ")
    return [f"    {'at':<{LABEL}}{shown}", f"    {'':<{LABEL}}{' ' * (formula.caret - start)}^", *reason]


def findings(formula: Formula, link: Link) -> Iterator[tuple[str, list[str]]]:
    """What is said of a link: (label, lines)."""
    said = link.judgement
    if len(formula.links) > 1:
        yield "verdict", [said.verdict]
    if link.follows_from is not None:
        yield "but", [f"it follows from the line before; line {link.follows_from} is the first false one"]
        return
    if link.parts_from is not None:
        yield "but", [f"line {formula.line} is true and does not follow from line {link.parts_from}"]
    if said.verdict == "proved":
        yield "by", ["; ".join(said.rules) or "sums and products, rearranged"]
    if said.domain:
        yield "holds", [said.domain]
    if said.reason:
        yield "because", [said.reason]
    if said.networks and said.verdict != "proved":
        yield "tried", [f"{said.networks} networks"]
    if said.counterexample:
        yield "with", _counterexample(said.counterexample)
    if said.suggestion:
        yield "write", [said.suggestion]
    if said.notes:
        yield "note", list(said.notes)


def _counterexample(found: Counterexample) -> list[str]:
    at = f"at {found.at}: " if found.at else ""
    ratio = f", {found.ratio} times as much" if found.ratio else ""
    return [*found.network, f"{at}the left side is {found.left}, the right side {found.right}{ratio}", *found.terms]


def data(report: DerivationReport) -> dict[str, Any]:
    """The report as plain data: numbers, strings, lists and dicts."""
    return {
        "schema": SCHEMA,
        "verdict": report.verdict,
        "target": report.target,
        "notation": list(report.notation),
        "given": list(report.given),
        "summary": report.summary,
        "delimiters": report.delimiters,
        "first_false": report.first_false,
        "strict": report.strict,
        "seed": report.seed,
        "seconds": report.seconds,
        "formulas": [_record(f) for f in report.formulas],
    }


def _record(formula: Formula) -> dict[str, Any]:
    deciding = formula.deciding
    said = deciding.judgement if deciding else Judgement("mention", reason=formula.reason)
    return {
        "line": formula.line,
        "column": formula.column,
        "cell": formula.cell,
        "source": formula.source,
        "latex": formula.latex,
        **_said(said),
        "verdict": formula.verdict,
        "follows_from": formula.follows_from,
        "caret": formula.caret,
        "links": [_link(link) for link in formula.links],
    }


def _link(link: Link) -> dict[str, Any]:
    sides = {"left": link.left, "relation": link.relation, "right": link.right}
    return sides | _said(link.judgement) | {"follows_from": link.follows_from, "parts_from": link.parts_from}


def _said(said: Judgement) -> dict[str, Any]:
    return {
        "verdict": said.verdict,
        "domain": said.domain or None,
        "rules": list(said.rules),
        "reason": said.reason or None,
        "counterexample": counterexample_data(said.counterexample),
        "suggestion": said.suggestion,
        "networks": said.networks,
        "notes": list(said.notes),
    }
