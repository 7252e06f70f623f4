"""backprop-ref gate: somebody's own backpropagation, as it is, against the oracle."""

from typing import Any

import click

from ..errors import CANNOT_TELL, ValueRefused
from . import common

FORMATS = ("text", "json", "junit", "github", "html")


@click.command("gate")
@click.argument("target", required=False)
@click.option("--init", help="How a class is built: 'Network([3, 5, 4, 2])'.")
@click.option(
    "--form", help="Its form, where the guess is wrong: list, book, object, dict, arrays, flat, update, layers, folded."
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
@click.option("--format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False), help="Write to this file instead of the screen.")
def gate(
    target: str | None, adapter: str | None, format: str, output: str | None, allow_cannot_tell: bool, **options: Any
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
    if target is None:
        raise ValueRefused("No target was given; pass path/file.py:name, or --adapter FORM to print a function to fill in.")
    common.require_folder(output)
    gated = candidates.gate(_candidate(target, **options), options["seed"])
    _emit(gated, target, format, output)
    if gated.exit_code == CANNOT_TELL:
        if allow_cannot_tell:
            return 0
        click.echo("cannot tell is not a pass: exit code 3. --allow-cannot-tell makes it 0.", err=True)
    return gated.exit_code


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


def _emit(gated: Any, target: str, format: str, output: str | None) -> None:
    report = gated.report
    if format in ("text", "json"):
        form = {"form": gated.form or None, "evidence": gated.evidence or None}
        facts = report.to_json() | {"candidate": {"target": target, "line": gated.line} | form}
        facts |= {"probes": [{"target": r.target, "verdict": str(r.verdict)} for r in gated.reports]}
        common.emit(str(report), facts, format, output)
        return
    from ..gate import formats

    file = target.rpartition(":")[0] or target
    if format == "html":
        text = formats.html(list(gated.reports), f"backprop-ref gate {target}")
    else:
        text = {"junit": formats.junit, "github": formats.github}[format](report, file, gated.line)
    if output is not None:
        common.write(output, text)
    else:
        click.echo(text, nl=False)
