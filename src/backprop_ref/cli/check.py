"""backprop-ref check: the reference itself, against oracles that know nothing of backpropagation."""

import time
from typing import Any

import click
import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .. import sgd
from ..errors import ValueRefused
from ..gradient import Verdict
from ..network import Network
from . import common

SCHEMA = "backprop-ref/check/1"
COLOURS = {Verdict.AGREES: "green", Verdict.DISAGREES: "bold red", Verdict.CANNOT_TELL: "yellow"}
CHOICES = {
    "both": ["complex step", "central"],
    "complex": ["complex step"],
    "central": ["central"],
    "certified": ["complex step", "central", "certified"],
}


@click.command("check")
@click.option("--sizes", type=common.SIZES, default="64,30,10", show_default=True, help="Neurons of layers 1..L.")
@click.option("--activation", default="sigmoid", show_default=True, help="One for all layers, or one each: sigmoid,softmax.")
@click.option("--cost", default="quadratic", show_default=True)
@click.option("--examples", type=click.IntRange(min=1), default=10, show_default=True, help="Examples in the mini-batch.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the weights, and of random data.")
@click.option("--oracle", type=click.Choice(list(CHOICES)), default="both", show_default=True)
@click.option("--network", "path", type=click.Path(dir_okay=False), help="Check this network, saved by `train --save`.")
@click.option("--train-epochs", type=click.IntRange(min=0), default=0, show_default=True, help="Train it first, on the digits.")
@common.output_options
@click.pass_context
def check(
    ctx: click.Context,
    sizes: tuple[int, ...],
    activation: str,
    cost: str,
    examples: int,
    seed: int,
    oracle: str,
    path: str | None,
    train_epochs: int,
    format: str,
    output: str | None,
) -> int:
    """Check the reference itself: both implementations of backpropagation against the oracles.

    Every entry of every nabla_w, nabla_b and delta, on real digits (sizes that do not fit them get seeded random data).
    This checks our code; `backprop-ref gate` checks yours. Exit code: 0 agrees, 1 disagrees, 3 cannot tell.
    """
    from ..gate.reference import check_reference  # the command's help needs none of it

    common.require_folder(output)
    start = time.perf_counter()
    if path is not None:
        _alone(ctx, "--network", ("sizes", "activation", "cost"))
        network = Network.load(path)
    else:
        network = Network.random(sizes, common.activations_for(activation), cost, seed)
    X, Y, note = common.data_for(network.sizes, examples, seed)
    if train_epochs:
        trained_on = common.data_for(network.sizes, 1000, seed)
        network = sgd.train(network, *trained_on[:2], epochs=train_epochs, seed=seed).network
        note += f"; trained for {train_epochs} epoch{'s' if train_epochs > 1 else ''} first"
    result = check_reference(network, X, Y, CHOICES[oracle])
    facts = _data(result, note, seed, time.perf_counter() - start)
    common.emit(_text(result, facts), facts, format, output)
    return result.exit_code


def _alone(ctx: click.Context, option: str, others: tuple[str, ...]) -> None:
    given = [o for o in others if ctx.get_parameter_source(o) is click.core.ParameterSource.COMMANDLINE]
    if given:
        raise ValueRefused(f"{option} brings its own {given[0]}; leave out --{given[0]}, or leave out {option}.")


def _data(result: Any, note: str, seed: int, seconds: float) -> dict[str, Any]:
    rows = []
    for (implementation, witness), report in result.reports.items():
        for p in report.parts:
            i = np.unravel_index(int(p.excess().argmax()), p.verdicts.shape)
            worst = report.entry(p, tuple(int(v) for v in i))
            verdicts = [v for v in (Verdict.DISAGREES, Verdict.CANNOT_TELL) if p.count(v)]
            rows.append(
                {
                    "implementation": implementation,
                    "witness": witness,
                    "proven": report.proven,
                    "layer": p.l,
                    "equation": p.equation,
                    "part": p.label,
                    "entries": p.size,
                    "worst": worst.difference,
                    "where": worst.name,
                    "bound": worst.bound,
                    "largest": p.largest,
                    "resolution": p.resolution,
                    "unresolved": p.unresolved,
                    "cannot_tell": p.count(Verdict.CANNOT_TELL),
                    "verdict": str(verdicts[0] if verdicts else Verdict.AGREES),
                }
            )
    reasons: dict[str, int] = {}
    for report in result.reports.values():
        for reason, times in report.untold().items():
            reasons[reason] = max(reasons.get(reason, 0), times)
    return {
        "schema": SCHEMA,
        "verdict": str(result.verdict),
        "network": repr(result.network),
        "parameters": result.network.parameters,
        "data": note,
        "examples": result.m,
        "seed": seed,
        "entries": sum(p.size for p in next(iter(result.reports.values())).parts),
        "rows": rows,
        "cannot_tell": reasons,
        "ulps": result.ulps,
        "seconds": result.seconds | {"all": seconds},
        "notes": list(result.notes),
    }


def _text(result: Any, facts: dict[str, Any]) -> RenderableType:
    shown: list[RenderableType] = [
        Text(facts["network"]),
        Text(f"{facts['data']}; weights from seed {facts['seed']}\n"),
    ]
    trouble = {(r["implementation"], r["witness"]) for r in facts["rows"] if r["verdict"] != Verdict.AGREES}
    for implementation, witness in result.reports:
        of_two = implementation in ("neuron", "matrix") and witness != "matrix"
        if of_two or (implementation, witness) in trouble:
            shown.append(_table(facts, implementation, witness))
    shown += [_summary(result), Text("")]
    for reason, times in facts["cannot_tell"].items():
        shown.append(Text(f"cannot tell {times:,} {'entry' if times == 1 else 'entries'}: {reason}", style="yellow"))
    shown += [Text(f"note: {note}") for note in facts["notes"]]
    spent = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in facts["seconds"].items())
    shown += [Text(f"time: {spent}"), Text(""), _verdict(result, facts)]
    return Group(*shown)


def _table(facts: dict[str, Any], implementation: str, witness: str) -> Table:
    rows = [r for r in facts["rows"] if (r["implementation"], r["witness"]) == (implementation, witness)]
    kind = "proven" if rows[0]["proven"] else "error bar, not bound"
    bound = "bound" if rows[0]["proven"] else "bar"
    table = _columns(
        f"{implementation} against {witness} ({kind})", "layer:r", "", "entries:r", "worst:r", "at", f"{bound}:r", "verdict"
    )
    for r in rows:
        verdict = Text(r["verdict"], style=COLOURS[Verdict(r["verdict"])])
        where, entries = r["where"].replace(" of example ", ", ex. "), f"{r['entries']:,}"
        table.add_row(str(r["layer"]), r["equation"], entries, f"{r['worst']:.1e}", where, f"{r['bound']:.1e}", verdict)
    return table


def _columns(title: str, *names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, padding=(0, 1))
    for name in names:
        table.add_column(name.removesuffix(":r"), justify="right" if name.endswith(":r") else "left", no_wrap=True)
    return table


def _summary(result: Any) -> Table:
    ulps = ["ulps:r"] if result.ulps else []
    table = _columns("every implementation, every witness", "implementation", "of its bound:r", "of the largest:r", *ulps)
    for name, times, relative in result.agreement():
        table.add_row(name, f"{times:.3f}", f"{relative:.1e}", *([f"{result.ulps[name]:.1f}"] if ulps else []))
    return table


def _verdict(result: Any, facts: dict[str, Any]) -> Text:
    said = {
        Verdict.AGREES: f"AGREES: all {facts['entries']:,} entries, of every implementation, with every witness",
        Verdict.DISAGREES: "DISAGREES: an implementation and a witness contradict each other; this is a bug in backprop-ref",
        Verdict.CANNOT_TELL: "CANNOT TELL: nothing disagrees, but not every entry could be told",
    }[result.verdict]
    text = Text(said, style=COLOURS[result.verdict])
    wrong = [r for r in facts["rows"] if r["verdict"] == Verdict.DISAGREES]
    if wrong:
        r = max(wrong, key=lambda r: r["worst"] / r["bound"] if r["bound"] else np.inf)
        text.append(f"\nworst: {r['implementation']} against {r['witness']}, {r['where']}: off by {r['worst']:.1e}, ")
        text.append(f"allowed {r['bound']:.1e}")
    return text
