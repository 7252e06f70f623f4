"""A report as HTML: one file that needs no other, or a piece for a notebook. It runs no script and fetches nothing."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Iterable, Iterator

from ..mathml import mathml
from .render import findings, headline, summary_line
from .report import WRONG, DerivationReport, Formula, Link

FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # HTML holds none of them
STYLE = """
.derivation { --text: #1b1f24; --soft: #57606a; --line: #d0d7de; --page: #fff; --box: #f6f8fa; --right: #116329;
  --wrong: #a40e26; --open: #6b4e00; font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  margin: 0 auto; max-width: 62rem; padding: 1rem; box-sizing: border-box; overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { .derivation { --text: #e6edf3; --soft: #9ea7b3; --line: #3d444d; --page: #0d1117;
  --box: #161b22; --right: #3fb950; --wrong: #ff7b72; --open: #d29922 } }
.derivation h1 { font-size: 1.35rem; line-height: 1.25; margin: 0 } .derivation h2 { font-size: 1rem; margin: 0 }
.derivation .formula { border: 1px solid var(--line); border-left: .4rem solid var(--open); border-radius: .4rem;
  padding: .5rem .8rem; margin: .6rem 0 }
.derivation .right { border-left-color: var(--right) } .derivation .wrong { border-left-color: var(--wrong) }
.derivation .wrong h2, .derivation h1.wrong { color: var(--wrong) } .derivation h1.right { color: var(--right) }
.derivation .math { overflow-x: auto; padding: .3rem 0; font-size: 1.1rem }
.derivation dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .9rem; margin: .3rem 0; font-size: .9rem }
.derivation dt { color: var(--soft) } .derivation dd { margin: 0 }
.derivation code, .derivation pre { font: .85rem/1.45 ui-monospace, monospace; white-space: pre-wrap }
.derivation pre { background: var(--box); padding: .5rem; margin: .3rem 0 }
"""
HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<style>:root { color-scheme: light dark } body { margin: 0 }</style>\n"
)


def html(report: DerivationReport) -> str:
    """One self-contained page."""
    title = f"{report.verdict.upper()}: {escape(report.target)}"
    return f"{HEAD}<title>{title}</title>\n</head>\n<body>\n<main>\n{section(report)}</main>\n</body>\n</html>\n"


def section(report: DerivationReport) -> str:
    """The report as a piece of a page, with its own style."""
    return f'<style>{STYLE}</style>\n<div class="derivation">\n{"".join(_body(report))}</div>\n'


def escape(said: str) -> str:
    """Any text, ready for the page."""
    return markup.escape(FORBIDDEN.sub("\ufffd", said))


def math(latex: str) -> str:
    """A formula as a browser sets it; as its source, where it holds something that we do not set."""
    try:
        return mathml(latex)
    except (KeyError, IndexError):
        return f"<code>{escape(latex)}</code>"


def _body(report: DerivationReport) -> Iterator[str]:
    colour = {"holds": "right", "fails": "wrong"}.get(report.verdict, "open")
    yield f'<h1 class="{colour}">{report.verdict.upper()}: {escape(report.target)}</h1>\n'
    said = [line for line in (headline(report), summary_line(report)) if line]
    yield f"<p>{escape('. '.join(said))}.</p>\n"
    rows = [("notation", list(report.notation)), ("given", list(report.given))]
    yield _list((label, [escape(line) for line in said]) for label, said in rows if said)
    for formula in report.formulas:
        yield from _formula(formula)
    yield f"<p>{report.seconds:.3g} s, seed {report.seed}</p>\n"


def _formula(formula: Formula) -> Iterator[str]:
    right = formula.verdict in ("proved", "holds numerically", "definition", "assignment", "another convention")
    wrong = formula.verdict in WRONG and formula.follows_from is None
    colour = "wrong" if wrong else "right" if right else "open"
    yield f'<section class="formula {colour}">\n<h2>line {formula.line}: {escape(formula.verdict)}</h2>\n'
    for link in formula.links:
        yield f'<div class="math">{math(f"{link.left} {link.relation} {link.right}")}</div>\n{_findings(formula, link)}'
    if not formula.links:
        shown = math(formula.latex) if formula.latex else f"<code>{escape(formula.source)}</code>"
        yield f'<div class="math">{shown}</div>\n'
        yield _list([("because", [escape(formula.reason)])]) if formula.reason else ""
    yield "</section>\n"


def _findings(formula: Formula, link: Link) -> str:
    rows = []
    for label, said in findings(formula, link):
        shown = [math(line) if label == "write" else escape(line) for line in said]
        if label == "write":
            shown = [f"{set_} <code>{escape(line)}</code>" for set_, line in zip(shown, said, strict=True)]
        rows.append((label, shown))
    return _list(rows)


def _list(rows: Iterable[tuple[str, list[str]]]) -> str:
    said = "".join(f"<dt>{label}</dt><dd>{'<br>'.join(lines)}</dd>" for label, lines in rows)
    return f"<dl>{said}</dl>\n" if said else ""
