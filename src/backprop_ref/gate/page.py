"""A report as one HTML file that needs no other: the verdict first, then where, drawn. It runs no script and fetches nothing."""

import html as markup
import math
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.metadata import version

from ..errors import ValueRefused
from ..gradient import Verdict
from ..mathml import mathml
from .heatmap import COLOURS, LEGEND, Grid, maps
from .render import another_cost, resolution_line, text, unresolved_lines, unseen_lines
from .report import Entry, Part, Report

FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # neither HTML nor XML 1.0 holds them
SIGNS = {Verdict.AGREES: "✓", Verdict.DISAGREES: "✗", Verdict.CANNOT_TELL: "?"}
DO = {  # what one probe does, and what several do
    Verdict.AGREES: ("agrees", "agree"),
    Verdict.DISAGREES: ("disagrees", "disagree"),
    Verdict.CANNOT_TELL: ("cannot tell", "cannot tell"),
}
WHOSE = ("Yours", "The chapter's")
WORST = 10  # entries in the table
STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --line: #d0d7de; --page: #fff; --box: #f6f8fa;
  --agrees: #116329; --disagrees: #a40e26; --untold: #6b4e00 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --soft: #9ea7b3; --line: #3d444d; --page: #0d1117; --box: #161b22 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 0 auto; max-width: 62rem;
  padding: 1rem }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere } h2, h3 { font-size: 1.15rem; margin: 1.8rem 0 .5rem }
.verdict { color: #fff; border-radius: .5rem; padding: .8rem 1rem; margin: 0 0 1rem; overflow-wrap: anywhere }
.verdict h1, .verdict h2 { font-size: 1.35rem; margin: 0 } .verdict p { margin: .2rem 0 0 }
.agrees { background: var(--agrees) } .disagrees { background: var(--disagrees) } .cannot-tell { background: var(--untold) }
.scroll { overflow-x: auto } .maps { display: flex; flex-wrap: wrap; gap: .8rem 1.5rem; align-items: flex-start }
figure { margin: 0; max-width: 100% } figcaption { color: var(--soft); font-size: .85rem; max-width: 40rem }
figcaption b { color: var(--text) }
.map { display: block; width: 100%; height: auto }
.map image { image-rendering: pixelated } .frame { fill: none; stroke: var(--soft) }
.ring, .halo { fill: none; stroke: #000; stroke-width: 2 } .halo { stroke: #fff; stroke-width: 5 }
.legend { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .9rem; font-size: .85rem }
.legend dt { font-weight: 400 } .legend dd { margin: 0 } .legend span { display: inline-block; margin-right: .7rem }
.legend i { display: inline-block; width: 1em; height: 1em; border: 1px solid var(--soft); vertical-align: -.12em;
  margin-right: .3em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem }
th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
pre, code { font: .85rem/1.45 ui-monospace, monospace } sub, sup { line-height: 0; font-size: .72em }
pre { background: var(--box); border: 1px solid var(--line); border-radius: .4rem; padding: .7rem; white-space: pre-wrap;
  overflow-wrap: anywhere }
dt { font-weight: 600 } dd { margin: 0 0 .5rem; overflow-wrap: anywhere } li { overflow-wrap: anywhere } a { color: inherit }
summary { cursor: pointer }
"""


def html(reports: Report | Sequence[Report], command: str = "") -> str:
    """One self-contained page of a report, or of several probes of one candidate. Raises ValueRefused if there is none.

    command: the line that was typed, for "how to reproduce".
    """
    reports = [reports] if isinstance(reports, Report) else list(reports)
    if not reports:
        raise ValueRefused("html was given no report; pass one Report, or a list of at least one.")
    body = "".join(_several(reports)) if len(reports) > 1 else "".join(_section(reports[0], 1, "r1"))
    worst, about = overall(reports), escape(reports[0].target + another_cost(reports[0]))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{worst.upper()}: {about}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{body}{''.join(_reproduce(reports, command))}</main>\n</body>\n</html>\n"
    )


def printable(said: str) -> str:
    """Text without control characters, which a candidate's exception may hold: each becomes U+FFFD."""
    return FORBIDDEN.sub("\ufffd", said)


def escape(said: str) -> str:
    """Any text, ready for the page."""
    return markup.escape(printable(said))


def overall(reports: Iterable[Report]) -> Verdict:
    """The verdict of several probes: disagrees if any does, else cannot tell if any cannot, else agrees."""
    seen = {report.verdict for report in reports}
    return next(v for v in (Verdict.DISAGREES, Verdict.CANNOT_TELL, Verdict.AGREES) if v in seen)


def book(label: str) -> str:
    """A name such as dC/dw^2_{12,7} as the book sets it; a name that is not the book's stays as it is.

    >>> book("dC/dw^3_24 of example 5")
    'dC/dw<sup>3</sup><sub>24</sub> of example 5'
    """
    match = re.fullmatch(r"(dC/d[wbx]|delta)\^(\d+)(?:_(?:\{([\d,]+)\}|(\d+)))?( of example \d+)?", label)
    if not match:
        return escape(label)
    letter, l, braced, short, example = match.groups(default="")
    below = f"<sub>{braced or short}</sub>" if braced or short else ""
    return f"{letter.replace('delta', 'δ')}<sup>{l}</sup>{below}{example}"


def _several(reports: Sequence[Report]) -> Iterator[str]:
    worst = overall(reports)
    counted = [(sum(r.verdict is v for r in reports), words) for v, words in DO.items()]
    said = ", ".join(f"{n} {words[n > 1]}" for n, words in counted if n)
    told = [r for r in reports if r.diagnosis]
    alike = bool(told) and all(r.diagnosis == told[0].diagnosis for r in told)  # of one candidate it is said once
    title = worst.upper() + (escape(another_cost(told[0])) if alike else "")
    yield _banner(worst, 1, title, f"{len(reports)} probes: {said}.")
    yield "<ol>" + "".join(
        f'<li>{SIGNS[r.verdict]} {r.verdict}: <a href="#r{i}">{escape(r.target)}</a></li>' for i, r in enumerate(reports, 1)
    )
    yield "</ol>\n"
    yield from _diagnosed(told[0], 1) if alike else ()
    for i, report in enumerate(reports, 1):
        yield from _section(report, 2, f"r{i}", diagnosed=not alike)


def _banner(verdict: Verdict, depth: int, title: str, *lines: str) -> str:
    said = "".join(f"<p>{line}</p>" for line in lines)
    kind = str(verdict).replace(" ", "-")
    return f'<header class="verdict {kind}"><h{depth}>{SIGNS[verdict]} {title}</h{depth}>{said}</header>\n'


def _heading(depth: int, title: str) -> str:
    return f"<h{depth + 1}>{title}</h{depth + 1}>\n"


def _section(report: Report, depth: int, anchor: str, diagnosed: bool = True) -> Iterator[str]:
    wrong, untold = report.count(Verdict.DISAGREES), report.count(Verdict.CANNOT_TELL)
    compared = f"{report.checked:,} of {max(report.total, report.checked):,} entries compared"
    compared += f" with {escape(report.source)}" if report.source else ""
    found = [f"{wrong:,} wrong" if wrong else "none wrong"] if report.checked else []
    found += [f"{untold:,} that cannot be told"] if untold else []
    counted = ": ".join([compared, *([", ".join(found)] if found else [])])
    estimate = "" if report.proven else " The bounds are error bars, which are estimates."
    title = f"{report.verdict.upper()} {escape(report.target + another_cost(report))}"
    yield f'<section id="{anchor}">\n' + _banner(report.verdict, depth, title, f"{counted}.{estimate}")
    if report.findings:
        items = "".join(f"<li><b>{f.verdict}</b>: {escape(f.text)}</li>" for f in report.findings)
        yield f"{_heading(depth, 'Seen besides the entries')}<ul>{items}</ul>\n"
    yield from _diagnosed(report, depth) if diagnosed else ()
    if report.checked:
        yield from _drawn(report, depth)
        yield from _table(report, depth)
    yield from _limits(report, depth)
    yield f"<details><summary>The report as text</summary><pre>{escape(text(report))}</pre></details>\n</section>\n"


def _diagnosed(report: Report, depth: int) -> Iterator[str]:
    """Which mistake: in words, how well it explains the answers, as formulas, and the lines to write."""
    if not report.diagnosis:
        return
    lines = (line for kind, line in report.diagnosis.lines() if kind in ("cause", "evidence"))
    said = [f"<p>{escape(line[:1].upper() + line[1:])}</p>" for line in lines]
    for f in report.diagnosis.found:
        write = "\n".join(report.diagnosis.write(f))
        formulas = "".join(
            f"<dt>{whose}</dt><dd>{_formula(whose, v)}</dd>" for whose, v in zip(WHOSE, (f.wrong, f.right), strict=True)
        )
        said.append(f"<dl>{formulas}<dt>Write</dt><dd><pre>{escape(write)}</pre></dd></dl>\n")
    yield _heading(depth, "What is wrong") + "".join(said)


def _formula(whose: str, latex: str) -> str:
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{whose}">{mathml(latex)}</div>'


def _drawn(report: Report, depth: int) -> Iterator[str]:
    yield _heading(depth, "How many bounds each entry is off")
    yield "<p>One bound is what a right gradient may be off by through rounding, "
    yield f"plus what the oracle may be off by. Rings mark the worst entries where few are wrong.</p>\n{_legend()}"
    for l, parts in report.layers():
        yield _heading(depth, f"Layer {l}") if l else ""
        yield f'<div class="maps">{"".join(_figure(*drawn) for drawn in maps(parts))}</div>\n'


def _legend() -> str:
    colours = iter(COLOURS)
    rows = (
        f"<dt>{said}</dt><dd>" + " ".join(f'<span><i style="background:#{next(colours)}"></i>{end}</span>' for end in ends)
        for said, ends in LEGEND.items()
    )
    return f'<dl class="legend">{"</dd>".join(rows)}</dd></dl>\n'


def _figure(grid: Grid, width: int, svg: str) -> str:
    label = f"<b>{book(grid.part.label)}</b> {escape(_verdicts(grid.part))}; {escape(grid.caption())}"
    scroll = f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(grid.part.label)}">{svg}</div>'
    return f'<figure style="width:max(8rem,{width}px)">{scroll}<figcaption>{label}</figcaption></figure>'


def _verdicts(part: Part) -> str:
    counted = [(part.count(v), said) for v, said in zip(SIGNS, ("agree", "wrong", "cannot be told"), strict=True)]
    said = ", ".join(f"{n:,} {word}" for n, word in counted if n)
    return f"({part.equation}) {said}" if part.equation else said


def _table(report: Report, depth: int) -> Iterator[str]:
    worst = [e for e in report.worst(WORST) if e.verdict is not Verdict.CANNOT_TELL]
    if not worst:
        return
    wrong = any(e.verdict is Verdict.DISAGREES for e in worst)
    worst = [e for e in worst if e.verdict is Verdict.DISAGREES] if wrong else worst[:3]
    rows = "".join(_row(e) for e in worst)
    title = "Worst entries" if wrong else "Nearest to their bounds"
    head = "".join(f'<th scope="col">{h}</th>' for h in ("entry", "claimed", "is", "off by", "allowed", "in bounds"))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    yield _heading(depth, title) + f'<div class="scroll" tabindex="0" role="group" aria-label="{title}">{table}</div>\n'


def _row(e: Entry) -> str:
    expected = "outside both branches of the kink" if math.isnan(e.expected) else f"{e.expected:.6g}"
    numbers = (f"{e.claimed:.6g}", expected, f"{e.difference:.2g}", f"{e.bound:.2g}", f"{e.times:.2g}")
    return f"<tr><td>{book(e.name)}</td>" + "".join(f"<td>{n}</td>" for n in numbers) + "</tr>"


def _limits(report: Report, depth: int) -> Iterator[str]:
    """What could not be seen: the resolution, what could not be told, and the mistakes that could have hidden."""
    items = [("Resolution", resolution_line(report))] if report.checked else []
    items += [(f"Cannot tell {n:,} {'entry' if n == 1 else 'entries'}", reason) for reason, n in report.untold().items()]
    items += [("Unresolved", line) for line in unresolved_lines(report)]
    items += [("Mistakes that could not have shown", line) for line in unseen_lines(report)]
    items += [("Note", note) for note in report.notes]
    if not report.checked:
        items.insert(0, ("Not checked", f"all {report.total:,} entries: there is no claim to compare"))
    if items:
        titles = [None, *(title for title, _ in items)]
        said = "".join(
            ("" if title == before else f"<dt>{title}</dt>") + f"<dd>{escape(line)}</dd>"
            for before, (title, line) in zip(titles, items, strict=False)
        )
        yield _heading(depth, "What could not be seen") + f"<dl>{said}</dl>\n"


def _reproduce(reports: Sequence[Report], command: str) -> Iterator[str]:
    seeds = sorted({r.seed for r in reports if r.seed is not None})
    said = [("Seed", ", ".join(map(str, seeds)))] if seeds else []
    package = import_module(__package__.split(".")[0])
    said.append(("With", f"backprop-ref {package.__version__}, NumPy {version('numpy')}, Python {platform.python_version()}"))
    said.append(("In", f"{sum(r.seconds for r in reports):.3g} s"))
    typed = f"<pre>{escape(command)}</pre>\n" if command else ""
    yield f"<h2>How to reproduce</h2>\n{typed}<dl>"
    yield "".join(f"<dt>{title}</dt><dd>{escape(line)}</dd>" for title, line in said) + "</dl>\n"
