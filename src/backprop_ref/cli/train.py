"""backprop-ref train: SGD on the digits, then its accuracy and where it learns slowly."""

import time
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .. import digits, sgd
from ..network import Network
from . import common

EXAMPLES, TESTED = 1000, 250  # of random data
ROWS = 10  # epochs that the text shows; JSON has them all


@click.command("train")
@click.option("--sizes", type=common.SIZES, default="64,30,10", show_default=True, help="Neurons of layers 1..L.")
@click.option("--epochs", type=click.IntRange(min=0), default=30, show_default=True)
@click.option("--eta", type=float, default=3.0, show_default=True, help="Learning rate.")
@click.option("--mini-batch", type=click.IntRange(min=1), default=10, show_default=True, help="Examples for each step.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the weights and the shuffles.")
@click.option("--activation", default="sigmoid", show_default=True, help="One for all layers, or one each: sigmoid,softmax.")
@click.option("--cost", default="quadratic", show_default=True)
@click.option("--save", type=click.Path(dir_okay=False), help="Write the trained network to this .npz file.")
@common.output_options
def train(
    sizes: tuple[int, ...],
    epochs: int,
    eta: float,
    mini_batch: int,
    seed: int,
    activation: str,
    cost: str,
    save: str | None,
    format: str,
    output: str | None,
) -> None:
    """Train a network on the handwritten digits by mini-batch SGD.

    Ends with its accuracy on the test part, and with a report of where and why learning is slow. Sizes that do not fit
    the digits (64 inputs, 10 outputs) get seeded random data.
    """
    common.require_folder(save)
    common.require_folder(output)
    network = Network.random(sizes, common.activations_for(activation), cost, seed)
    X, Y, test, note = _data(sizes, seed)
    start = time.perf_counter()
    with _progress() as progress:
        task = progress.add_task("training", total=epochs)

        def show(e: sgd.Epoch) -> None:
            progress.update(task, advance=1, description=f"cost {e.cost:.4g}, test {e.test_accuracy:.1%}")

        trained = sgd.train(network, X, Y, epochs=epochs, eta=eta, mini_batch=mini_batch, seed=seed, test=test, on_epoch=show)
    seconds = time.perf_counter() - start
    if save:
        trained.network.save(save)
    slow = sgd.slow_learning(trained.network, X, Y)
    data = {
        "schema": "backprop-ref/train/1",
        "verdict": "done",
        "sizes": sizes,
        "activations": [s.name for s in network.sigma.values()],
        "cost": network.cost.name,
        "parameters": network.parameters,
        "data": note,
        "epochs": epochs,
        "eta": eta,
        "mini_batch": mini_batch,
        "seed": seed,
        "seconds": seconds,
        "history": [vars(e) for e in trained.history],
        "train_accuracy": sgd.accuracy(trained.network, X, Y),
        "test_accuracy": sgd.accuracy(trained.network, *test),
        "saved": save,
        "slow_learning": slow.data(),
    }
    common.emit(_text(trained, data, slow), data, format, output)


def _data(sizes: tuple[int, ...], seed: int) -> tuple[Any, Any, tuple[Any, Any], str]:
    if common.fits_digits(sizes):
        note = f"{digits.TRAIN:,} handwritten digits to train on, {digits.TEST} others to test with"
        return *digits.train(), digits.test(), note
    X, Y = common.random_data(sizes, EXAMPLES, seed)
    kept = EXAMPLES - TESTED
    return X[:kept], Y[:kept], (X[kept:], Y[kept:]), common.random_note(sizes, seed)


def _progress() -> Progress:
    """A bar on stderr, where it is a terminal; nothing else is written there."""
    console = Console(stderr=True)
    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _text(trained: sgd.Trained, data: dict[str, Any], slow: sgd.SlowLearning) -> str:
    lines = [f"{trained.network}", data["data"], ""]
    if trained.history:
        lines.append("  epoch        cost  accuracy   test cost  accuracy")
    last = len(trained.history)
    every = -(-last // ROWS)
    lines += [
        f"  {e.epoch:5}  {e.cost:10.4g}  {e.accuracy:8.1%}  {e.test_cost:10.4g}  {e.test_accuracy:8.1%}"
        for e in trained.history
        if e.epoch in (1, last) or e.epoch % every == 0
    ]
    lines += ["", f"Test accuracy {data['test_accuracy']:.2%} after {last} epoch{'s' * (last != 1)} ({data['seconds']:.1f} s)."]
    if data["saved"]:
        lines.append(f"Saved to {data['saved']}.")
    return "\n".join([*lines, "", str(slow)])
