"""A report as text and as data. Nothing is computed here that the report does not know."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..gradient import Verdict

if TYPE_CHECKING:
    from .report import Entry, Part, Report

SCHEMA = "backprop-ref/report/1"


def text(report: "Report") -> str:
    """The report for a person: the verdict first, then where, then what could not be seen."""
    unsure = "" if report.proven else "; rests on error bars, which are estimates"
    lines = [f"{report.verdict.upper()}  {report.target}{another_cost(report)}", ""]
    lines += [f"  {f.verdict}: {f.text}" for f in report.findings]
    for l, parts in report.layers():
        for together in [parts] if l else [[p] for p in parts]:  # what is no network's has a line for each array
            lines += [f"  {_where(l, together)}{_summary(report, together)}"]
    for reason, times in report.untold().items():
        lines.append(f"  cannot tell {_entries(times)}: {reason}")
    if report.diagnosis:
        lines += ["", *(f"  {kind:<10} {line}" for kind, line in report.diagnosis.lines())]
    if report.parts:
        lines += [
            "",
            f"  checked    {report.checked:,} of {max(report.total, report.checked):,} entries against {report.source}{unsure}",
        ]
        lines += [f"  resolution {resolution_line(report)}"]
        lines += [f"  unresolved {line}" for line in unresolved_lines(report)]
    lines += [f"  note       {note}" for note in report.notes]
    lines += [f"  unseen     {line}" for line in unseen_lines(report)]
    seed = "" if report.seed is None else f", seed {report.seed}"
    return "\n".join([*lines, f"  time       {report.seconds:.3g} s{seed}"])


def another_cost(report: "Report") -> str:
    """What the first line says of a gradient that is right under another cost."""
    return f": {report.diagnosis.exact}" if report.diagnosis and report.diagnosis.exact else ""


def _where(l: int, parts: "list[Part]") -> str:
    return f"layer {l:<3}" if l else f"{parts[0].label:<9}"


def _entries(n: int) -> str:
    return f"{n:,} entry" if n == 1 else f"{n:,} entries"


def _summary(report: "Report", parts: "list[Part]") -> str:
    wrong = [p for p in parts if p.count(Verdict.DISAGREES)]
    size = sum(p.size for p in parts)
    if not wrong:
        agree = sum(p.count(Verdict.AGREES) for p in parts)
        return f"{agree:,} of {size:,} entries agree"
    [worst] = report.worst(1, wrong)
    where = ", ".join(f"{p.equation} {p.label}" for p in wrong if p.equation)
    n = sum(p.count(Verdict.DISAGREES) for p in wrong)
    return f"{n:,} of {size:,} entries wrong{f' ({where})' if where else ''}; worst {entry(worst)}"


def entry(e: "Entry") -> str:
    """One entry in a line: what was claimed, what it is, by how much they differ, what was allowed."""
    if math.isnan(e.expected):
        return f"{e.name}: claimed {e.claimed:.6g}, outside what the two branches of the kink allow"
    return f"{e.name}: claimed {e.claimed:.6g}, is {e.expected:.6g}, off by {e.difference:.2g}, allowed {e.bound:.2g}"


def resolution_line(report: "Report") -> str:
    """The smallest error that could not have hidden, in the coarsest array."""
    found = [(p.resolution, p.label) for p in report.parts if math.isfinite(p.resolution)]
    if not found:
        return "none: no array has an entry that could be told"
    r, label = max(found)
    return f"an error above {r:.1g} of the largest entry of its array could not have hidden (coarsest: {label})"


def unresolved_lines(report: "Report") -> Iterable[str]:
    """The arrays whose bound is coarser than some of their entries."""
    for p in report.parts:
        if p.unresolved and not p.resolved:
            yield f"{p.label}: none of its {_entries(p.size)} could be resolved; whatever it holds below the bound is unseen"
        elif p.unresolved:
            yield f"{p.label}: {p.unresolved:,} of {_entries(p.size)}: too small beside the rounding of what they are summed from"


def unseen_lines(report: "Report") -> Iterable[str]:
    """The mistakes that could not have shown, gathered by the reason why."""
    by_reason: dict[str, list[str]] = {}
    for mistake, why in report.unseen:
        by_reason.setdefault(why, []).append(mistake)
    for why, mistakes in by_reason.items():
        yield f"{why}: {'; '.join(mistakes)}"


def data(report: "Report") -> dict[str, Any]:
    """The report as plain data: numbers, strings, lists and dicts. NaN and infinities are None."""
    return {
        "schema": SCHEMA,
        "verdict": str(report.verdict),
        "target": report.target,
        "oracle": {"name": report.source, "proven": report.proven},
        "findings": [{"verdict": str(f.verdict), "text": f.text} for f in report.findings],
        "entries": {"checked": report.checked, "total": max(report.total, report.checked), "resolved": report.resolved}
        | {str(v): report.count(v) for v in Verdict},
        "parts": [_part(report, p) for p in report.parts],
        "cannot_tell": report.untold(),
        "worst": [_entry(e) for e in report.worst()],
        "exact_for": another_cost(report).removeprefix(": exact for ") or None,
        "diagnosis": report.diagnosis.to_json() if report.diagnosis else None,
        "notes": list(report.notes),
        "unseen": [{"mistake": mistake, "why": why} for mistake, why in report.unseen],
        "seed": report.seed,
        "seconds": report.seconds,
    }


def _part(report: "Report", p: "Part") -> dict[str, Any]:
    worst = report.worst(1, [p])
    return {
        "part": p.part,
        "layer": p.l or None,
        "equation": p.equation or None,
        "entries": p.size,
        "unresolved": p.unresolved,
        "resolution": finite(p.resolution),
        "worst": _entry(worst[0]) if worst else None,
    } | {str(v): p.count(v) for v in Verdict}


def _entry(e: "Entry") -> dict[str, Any]:
    return {
        "name": e.name,
        "claimed": finite(e.claimed),
        "expected": finite(e.expected),
        "difference": finite(e.difference),
        "bound": finite(e.bound),
        "times_bound": finite(e.times),
        "verdict": str(e.verdict),
        "reason": e.reason,
    }


def finite(x: float) -> float | None:
    """A float as JSON knows it."""
    return x if math.isfinite(x) else None
