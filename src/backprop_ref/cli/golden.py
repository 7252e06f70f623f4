"""backprop-ref golden: a network with all that backpropagation computes there, correctly rounded, for other languages."""

import shlex

import click
import numpy as np

from ..network import Network
from . import common


@click.command("golden")
@click.option("-o", "--output", required=True, type=click.Path(), help="The folder to make.")
@click.option("--sizes", type=common.SIZES, default="4,6,5,2", show_default=True, help="Neurons of layers 1..L.")
@click.option("--activation", default="sigmoid", show_default=True, help="One for all layers, or one each: tanh,softmax.")
@click.option("--cost", default="quadratic", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the weights, and of random data.")
@click.option("--batch", type=click.IntRange(min=1), default=3, show_default=True, help="Examples.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@click.option("--reduction", type=click.Choice(["mean", "sum"]), default="mean", show_default=True, help="Over the examples.")
def golden(
    output: str, sizes: tuple[int, ...], activation: str, cost: str, seed: int, batch: int, dtype: str, reduction: str
) -> int:
    """Write golden vectors: a network, its inputs, and every z, a, delta, nabla_w and nabla_b there, for other languages.

    Each number is correctly rounded, with a proven bound, as hexadecimal and decimal floats; README.md in the folder says
    how to read them and how to check a result of yours with `gate --golden`. Needs the certified extra.
    """
    from ..gate import golden as room  # the command's help needs none of it

    room.require_place(output)
    network = Network.random(sizes, common.activations_for(activation), cost, seed).astype(np.dtype(dtype))
    X, Y, note = common.data_for(sizes, batch, seed)
    made = room.vectors(network, X.astype(dtype), Y.astype(dtype), reduction, seed)
    room.write(made, output)
    estimates = (made.z, made.a, made.gradient)
    told, untold = (sum(e.counts()[i] for e in estimates) for i in (0, 1))
    click.echo(f"{network}, {reduction} of {batch} example{'s' * (batch > 1)}, weights from seed {seed}")
    click.echo(note)
    click.echo(f"{told:,} numbers correctly rounded, into {output}: {', '.join(room.FILES)}")
    if untold:
        click.echo(f"{untold:,} could not be rounded with certainty; they are null in golden.json, with the reason")
    click.echo(f"check a result: backprop-ref gate --golden {shlex.quote(output)} --claimed FILE")
    return 0
