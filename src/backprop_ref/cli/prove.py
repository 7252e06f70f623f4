"""backprop-ref prove: the chapter's proofs with real numbers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ..errors import DISAGREES
from . import common

if TYPE_CHECKING:
    from ..derivation.numbers.network import Drawn
    from ..derivation.report import Link


@click.command("prove")
@click.argument("name", required=False)
@click.option("--sizes", type=common.SIZES, default="2,3,2", show_default=True, help="Neurons of layers 1..L.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the weights and the examples.")
def prove(name: str | None, sizes: tuple[int, ...], seed: int) -> int:
    """Run one of the chapter's proofs, or all, with real numbers.

    Each line is printed with the rule that leads from the line above, and with its value at every layer and every index, on a
    random network with sigmoids and the quadratic cost. Without a NAME: the proofs that there are.
    Exit code: 0 every line is proved or stated, and its sides are equal; 1 if not.
    """
    from .. import proofs  # the command's help needs none of it

    if name is None:
        for known in proofs.NAMES:
            click.echo(f"{known:<14}{proofs.text(known).partition('# ')[2].partition(chr(10))[0]}")
        return 0
    chosen = proofs.NAMES if name == "all" else (name,)
    texts = [proofs.text(one) for one in chosen]
    return max(_run(one, text, sizes, seed) for one, text in zip(chosen, texts, strict=True))


def _run(name: str, text: str, sizes: tuple[int, ...], seed: int) -> int:
    from ..derivation import document, run

    report = document.verify(text, target=name, seed=seed)
    net = run.network(sizes, seed)
    title = text.partition("# ")[2].partition("\n")[0]
    click.echo(f"{name}: {title}\nnetwork {'-'.join(map(str, sizes))}, sigmoid, quadratic cost, seed {seed}\n")
    wrong = report.exit_code
    for formula in report.formulas:
        for link in formula.links:
            said = link.judgement
            click.echo(f"line {formula.line:<5}{link.left} {link.relation} {link.right}")
            click.echo(f"          {said.verdict}{': ' + '; '.join(said.rules) if said.rules else ''}")
            for line in _values(link, net):
                wrong = wrong or (DISAGREES if line.startswith("DIFFERS") else 0)
                click.echo(f"          {line}")
    click.echo()
    return wrong


def _values(link: "Link", net: "Drawn") -> Iterator[str]:
    """The value at every index. An assignment has two: before, and after."""
    from ..derivation import run
    from ..derivation.numbers.shapes import NoValue

    try:
        found = run.values(link, net)
    except NoValue as error:
        yield f"no numbers: {error}"
        return
    if not found:
        yield "it speaks of layers that this network does not have: pass more --sizes"
    for value in found:
        at = f"{value.at}: " if value.at else ""
        if link.relation == r"\leftarrow":
            yield f"{at}{value.left:.6g} becomes {value.right:.6g}"
        else:
            yield f"{at}{value.left:.6g}" if value.equal else f"DIFFERS {at}{value.left:.6g} and {value.right:.6g}"
