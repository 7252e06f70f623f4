"""backprop-ref gate: somebody's own backpropagation, as it is, against the oracle."""

from collections.abc import Mapping
from typing import Any

import click

from ..errors import CANNOT_TELL, ValueRefused
from . import common

FORMATS = ("text", "json", "junit", "github", "html")


@click.command("gate")
@click.argument("target", required=False)
@click.option("--init", help="How a class is built: 'Network([3, 5, 4, 2])'.")
@click.option(
    "--form",
    help="Its form, where the guess is wrong: list, book, object, dict, arrays, flat, update, layers, folded, sklearn, torch.",
)
@click.option("--sizes", multiple=True, help="Neurons of layers 1..L that it takes, * for any: 4,*,3. May be repeated.")
@click.option("--layers", type=click.IntRange(min=2), help="L, the input layer included.")
@click.option("--outputs", type=click.IntRange(min=1), help="The only number of outputs that it takes.")
@click.option("--batch", type=click.IntRange(min=1), help="The only size of a batch that it takes; 1: one example at a time.")
@click.option("--activation", default="sigmoid", show_default=True, help="One for all layers, or one each: tanh,softmax.")
@click.option("--cost", default="quadratic", show_default=True)
@click.option("--reduction", type=click.Choice(["mean", "sum"]), default="mean", show_default=True, help="Over the examples.")
@click.option("--weight-decay", type=click.FloatRange(min=0), default=0.0, help="lambda: (lambda/2) sum w^2 is part of the cost.")
@click.option("--no-biases", is_flag=True, help="Its network has no biases.")
@click.option("--eta", type=click.FloatRange(min=0, min_open=True), help="Its learning rate, where it only updates its weights.")
@click.option("--frozen", multiple=True, help="A parameter that is not compared, such as w[2]. May be repeated.")
@click.option("--seed", type=click.IntRange(min=0), multiple=True, default=(0,), help="Of weights and examples. May be repeated.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, help="Seconds for a call."
)
@click.option("--run-module", is_flag=True, help="Run loops, if, with and bare calls of the file too.")
@click.option("--strict-storage", is_flag=True, help="Another storage than the book's disagrees.")
@click.option("--allow-cannot-tell", is_flag=True, help="Exit with 0 where nothing disagrees but something cannot be told.")
@click.option("--adapter", metavar="FORM", help="Print a function to fill in, and do nothing else.")
@click.option("--golden", type=click.Path(file_okay=False), help="Golden vectors, from `backprop-ref golden`; with --claimed.")
@click.option("--claimed", type=click.Path(dir_okay=False), help="A result computed elsewhere for --golden, as JSON.")
@click.option("--format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False), help="Write to this file instead of the screen.")
def gate(
    target: str | None,
    adapter: str | None,
    golden: str | None,
    claimed: str | None,
    format: str,
    output: str | None,
    allow_cannot_tell: bool,
    **options: Any,
) -> int:
    """Is the gradient of your own backpropagation right?

    TARGET is path/file.py:name, path/notebook.ipynb:name or package.module:name: a function, a class (built with --init),
    an object or a list of layers. It runs in a process of its own. How it is called is guessed, and the report says so.
    Exit code: 0 agrees, 1 disagrees, 2 wrong use, 3 cannot tell.
    """
    from ..gate import adapters, candidates  # the command's help needs none of it

    if adapter is not None:
        click.echo(adapters.adapter(adapter), nl=False)
        return 0
    common.require_folder(output)
    if golden is not None or claimed is not None:
        report = _elsewhere(target, golden, claimed)
        _emit([report], report, report.to_json(), f"--golden {golden} --claimed {claimed}", str(claimed), None, format, output)
        return _exit(report.exit_code, allow_cannot_tell)
    if target is None:
        raise ValueRefused(
            "No target was given; pass path/file.py:name, or --golden DIR --claimed FILE for a result computed elsewhere, or "
            "--adapter FORM to print a function to fill in."
        )
    gated = candidates.gate(_candidate(target, **options), options["seed"])
    candidate = {"target": target, "line": gated.line, "form": gated.form or None, "evidence": gated.evidence or None}
    facts = {**gated.report.to_json(), "candidate": candidate}
    facts |= {"probes": [{"target": r.target, "verdict": str(r.verdict)} for r in gated.reports]}
    file = target.rpartition(":")[0] or target
    _emit(list(gated.reports), gated.report, facts, target, file, gated.line, format, output)
    return _exit(gated.exit_code, allow_cannot_tell)


def _exit(code: int, allow_cannot_tell: bool) -> int:
    if code == CANNOT_TELL and allow_cannot_tell:
        return 0
    if code == CANNOT_TELL:
        click.echo("cannot tell is not a pass: exit code 3. --allow-cannot-tell makes it 0.", err=True)
    return code


def _elsewhere(target: str | None, golden: str | None, claimed: str | None) -> Any:
    if golden is None or claimed is None:
        given, missing = ("--claimed", "--golden DIR") if golden is None else ("--golden", "--claimed FILE")
        raise ValueRefused(f"{given} was given without {missing.split()[0]}; pass {missing} too.")
    if target is not None:
        raise ValueRefused(f"Both a target, {target}, and --golden were given; leave one of them out.")
    from ..gate.elsewhere import check_claim

    return check_claim(golden, claimed)


def _candidate(target: str, **options: Any) -> Any:
    from ..errors import UnknownName
    from ..gate.candidates import FORMS, Candidate
    from ..gate.probes import Accepts, parse_pattern

    if options["form"] is not None and options["form"] not in FORMS:
        raise UnknownName("form", options["form"], FORMS)
    patterns = tuple(parse_pattern(text) for text in options["sizes"])
    return Candidate(
        target,
        options["init"],
        options["form"],
        Accepts(patterns, options["layers"], options["outputs"], options["batch"]),
        common.activations_for(options["activation"]),
        options["cost"],
        options["reduction"],
        options["weight_decay"],
        False if options["no_biases"] else None,
        options["eta"],
        options["frozen"],
        options["timeout"],
        options["run_module"],
        options["strict_storage"],
    )


def _emit(
    reports: list[Any],
    report: Any,
    facts: Mapping[str, Any],
    what: str,
    file: str,
    line: int | None,
    format: str,
    output: str | None,
) -> None:
    if format in ("text", "json"):
        common.emit(str(report), facts, format, output)
        return
    from ..gate import formats

    if format == "html":
        text = formats.html(reports, f"backprop-ref gate {what}")
    else:
        text = {"junit": formats.junit, "github": formats.github}[format](report, file, line)
    if output is not None:
        common.write(output, text)
    else:
        click.echo(text, nl=False)
