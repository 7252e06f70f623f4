"""backprop-ref verify: somebody's derivation, line by line."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FileRefused, ValueRefused
from . import common

if TYPE_CHECKING:
    from ..derivation import DerivationReport

FORMS = {".md": "md", ".markdown": "md", ".tex": "tex", ".latex": "tex", ".ipynb": "ipynb", ".txt": "plain"}


@click.command("verify")
@click.argument("file", metavar="FILE.md|FILE.tex|FILE.ipynb|-")
@click.option(
    "--notation",
    help="A preset (nielsen, ng, rows, bishop), or settings: 'cost: J, activation: g, first layer: 0'. "
    "Without it: the document's front matter, and its own first formulas.",
)
@click.option("--given", help="What is taken for granted: 'activation: sigmoid, cost: quadratic, output: softmax, neurons: one'.")
@click.option("--format", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False), help="Write to this file instead of the screen.")
@click.option("--strict", is_flag=True, help="What only holds numerically, without a proof, fails.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random networks.")
def verify(file: str, notation: str | None, given: str | None, format: str, output: str | None, strict: bool, seed: int) -> int:
    """Is a derivation right, line by line?

    Every formula of a document is proved for every network, or holds on random networks, or fails with the smallest network that
    shows it. FILE is Markdown, LaTeX, a notebook or plain text; - reads Markdown from the standard input.
    Exit code: 0 all holds, 1 a line fails or is ill-formed, 2 wrong use, 3 something is not understood, or nothing was found.
    """
    from ..gate.progress import bar  # the command's help needs none of it

    common.require_folder(output)
    with bar(f"verifying {file}") if sys.stderr.isatty() else nullcontext() as show:
        report = read(file, notation=notation, given=given, strict=strict, seed=seed, progress=show)
    _emit(report, format, output)
    return report.exit_code


def read(file: str, *, notation: Any = None, given: str | None = None, **options: Any) -> "DerivationReport":
    """The report on a file, or on the standard input. notation and given: as on the command line, or as mappings."""
    from ..derivation import document, switches

    if isinstance(notation, str) and (":" in notation or "=" in notation):
        notation = switches.parse(notation)
    switched = None if given is None else switches.given(given)
    target = "standard input" if file == "-" else file
    return document.verify(_text(file), _form(file), notation, given=switched, target=target, **options)


def _text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise FileRefused(f"{file} could not be read: {error.strerror or error}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(
            f"{file} is no UTF-8 text (byte {error.start}); pass Markdown, LaTeX, a notebook or plain text."
        ) from error


def _form(file: str) -> Any:
    suffix = Path(file).suffix.lower()
    if file == "-":
        return "md"
    if suffix not in FORMS:
        raise ValueRefused(f"{file} ends in {suffix or 'no suffix'}; verify reads {', '.join(FORMS)}, and - for standard input.")
    return FORMS[suffix]


def _emit(report: "DerivationReport", format: str, output: str | None) -> None:
    if format != "html":
        common.emit(str(report), report.to_json(), format, output)
        return
    from ..derivation import page

    if output is not None:
        common.write(output, page.html(report))
    else:
        click.echo(page.html(report), nl=False)
