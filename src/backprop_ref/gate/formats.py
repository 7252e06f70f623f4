"""A report for machines: JUnit XML for CI servers, annotations for GitHub, and a page for a browser (page.py)."""

import functools
import inspect
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ..errors import ValueRefused
from ..gradient import Verdict
from .page import html, overall, printable
from .render import another_cost, entry, text
from .report import Part, Report

__all__ = ["github", "html", "junit", "overall", "source_of"]

ANNOTATIONS = 10  # GitHub shows this many errors of one step
TAGS = {Verdict.DISAGREES: "failure", Verdict.CANNOT_TELL: "error"}
Case = tuple[str, Verdict, str, str]  # name, verdict, message, details


def junit(reports: Report | Sequence[Report], file: str = "", line: int | None = None) -> str:
    """JUnit XML: a testsuite for each report, a testcase for each array and finding. Raises ValueRefused if there is none.

    "disagrees" is a failure, "cannot tell" an error: neither passes. file, line: where the candidate stands.
    The layout is that of Jenkins' and pytest's files, which GitLab, GitHub, Azure and CircleCI read.
    """
    suites = [(report, list(_cases(report))) for report in _listed("junit", reports)]
    everything = [case for _, cases in suites for case in cases]
    seconds = sum(report.seconds for report, _ in suites)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f'<testsuites name="backprop-ref" {_counts(everything, seconds)}>']
    for report, cases in suites:
        lines.append(f"  <testsuite name={_quoted(report.target)} {_counts(cases, report.seconds)}>")
        place = f" file={_quoted(file)}" + (f' line="{line}"' if line else "") if file else ""
        for name, verdict, message, details in cases:
            time = f' time="{report.seconds / len(cases):.6f}"'
            opening = f"    <testcase classname={_quoted(report.target)} name={_quoted(name)}{place}{time}"
            if verdict is Verdict.AGREES:
                lines.append(opening + "/>")
            else:
                tag = TAGS[verdict]
                lines += [opening + ">", f'      <{tag} type="{verdict}" message={_quoted(message)}>{_clean(details)}</{tag}>']
                lines.append("    </testcase>")
        lines += [f"    <system-out>{_clean(text(report))}</system-out>", "  </testsuite>"]
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _listed(name: str, reports: Report | Sequence[Report]) -> list[Report]:
    listed = [reports] if isinstance(reports, Report) else list(reports)
    if not listed:
        raise ValueRefused(f"{name} was given no report; pass one Report, or a list of at least one.")
    return listed


def _cases(report: Report) -> Iterator[Case]:
    seen = set()
    for part in report.parts:
        verdict, message = _judged(report, part)
        seen.add(verdict)
        details = "\n".join(entry(e) for e in report.worst(5, [part]) if e.verdict is verdict)
        yield part.label, verdict, message, details or message
    for i, finding in enumerate(report.findings, 1):
        seen.add(finding.verdict)
        yield f"finding {i}", finding.verdict, finding.text, finding.text
    if report.verdict not in seen:  # nothing was compared, or nothing resolved: no array says so by itself
        said = "nothing could be told: no entry is resolved" if report.checked else "nothing was compared"
        yield "verdict", report.verdict, said, text(report)


def _judged(report: Report, part: Part) -> tuple[Verdict, str]:
    """The verdict of one array, and its reason in a line: first of all the cost under which it would be right."""
    wrong, untold = part.count(Verdict.DISAGREES), part.count(Verdict.CANNOT_TELL)
    if wrong:
        exact = f"{report.diagnosis.exact}; " if report.diagnosis and report.diagnosis.exact else ""
        return Verdict.DISAGREES, f"{exact}{wrong:,} of {part.size:,} entries wrong; worst {entry(report.worst(1, [part])[0])}"
    if untold:
        why = {report.reasons[int(code)] or "its bound is not finite" for code in set(part.why[part.verdicts == 2].ravel())}
        return Verdict.CANNOT_TELL, f"{untold:,} of {part.size:,} entries cannot be told: {'; '.join(sorted(why))}"
    return Verdict.AGREES, ""


def _counts(cases: Sequence[Case], seconds: float) -> str:
    failures, errors = (sum(case[1] is verdict for case in cases) for verdict in TAGS)
    return f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0" time="{seconds:.6f}"'


def _clean(said: str) -> str:
    return escape(printable(said))


def _quoted(said: str) -> str:
    return quoteattr(printable(said))


def github(reports: Report | Sequence[Report], file: str = "", line: int | None = None) -> str:
    """Workflow commands that GitHub turns into annotations at the candidate's file and line.

    A report that agrees is a plain line. "cannot tell" is an error too: it does not pass. GitHub shows ten errors of a
    step, so disagreements come first.
    file: relative to the root of the repository, as source_of gives it. Raises ValueRefused if there is no report.
    """
    listed = _listed("github", reports)
    place = f"file={_property(file)}," + (f"line={line}," if line else "") if file else ""
    told = [
        f"::error {place}title={_property(f'{r.verdict.upper()} {r.target}{another_cost(r)}')}::{_message(_below_title(r))}"
        for verdict in (Verdict.DISAGREES, Verdict.CANNOT_TELL)
        for r in listed
        if r.verdict is verdict
    ]
    agreeing = [_plain(f"{r.verdict.upper()}  {r.target}") for r in listed if r.verdict is Verdict.AGREES]
    more = [f"{len(told)} reports do not agree; GitHub annotates {ANNOTATIONS} of them."] if len(told) > ANNOTATIONS else []
    return "\n".join([*told, *more, *agreeing]) + "\n"


def _below_title(report: Report) -> str:
    return text(report).partition("\n\n")[2]


def _message(said: str) -> str:
    return printable(said).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(said: str) -> str:
    return _message(said).replace(":", "%3A").replace(",", "%2C")


def _plain(said: str) -> str:
    return " ".join(printable(said).split())  # in one line, which no workflow command begins


def source_of(candidate: Any, root: str | os.PathLike[str] = ".") -> tuple[str, int | None]:
    """(file, line) where a candidate is written: relative to root where it lies below; ("", None) if it has no source."""
    while isinstance(candidate, functools.partial):
        candidate = candidate.func
    candidate = inspect.unwrap(candidate) if callable(candidate) else candidate
    if not (inspect.isroutine(candidate) or inspect.isclass(candidate)):
        candidate = type(candidate)
    try:
        path, line = inspect.getsourcefile(candidate), inspect.getsourcelines(candidate)[1]
    except (TypeError, OSError):  # built in, compiled, or typed at a prompt
        return "", None
    if path is None:
        return "", None
    where, top = Path(path).resolve(), Path(root).resolve()
    return (where.relative_to(top) if where.is_relative_to(top) else where).as_posix(), line
