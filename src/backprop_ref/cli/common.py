"""What the commands share: sizes as text, the data that fits them, and one way out for text and for JSON."""

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console, RenderableType

from .. import digits
from ..errors import FileRefused, ValueRefused

Array = NDArray[Any]
if TYPE_CHECKING:
    _ParamType = click.ParamType[tuple[int, ...]]
else:
    _ParamType = click.ParamType  # click 8.1 takes no type argument
WIDTH = 80  # columns of a text that goes to a file or a pipe


def parse_sizes(text: str) -> tuple[int, ...]:
    """'64,30,10' -> (64, 30, 10): the neurons of layers 1..L. Raises ValueRefused."""
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdigit() and len(part) < 10 and int(part) >= 1):
            raise ValueRefused(
                f"sizes {text!r} hold {part!r}; each layer needs a whole number of neurons, at least 1. "
                "Separate them by commas, as in 64,30,10."
            )
    if len(parts) < 2:
        raise ValueRefused(
            f"sizes {text!r} are one layer; a network needs at least two, an input and an output. "
            "Separate them by commas, as in 64,30,10."
        )
    return tuple(int(part) for part in parts)


class Sizes(_ParamType):
    """A click parameter such as 64,30,10."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The sizes as a tuple; a text that is none ends the command as wrong use."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_sizes(value)
        except ValueRefused as error:
            self.fail(str(error), param, ctx)


SIZES = Sizes()


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --format text|json and --output FILE, which emit() takes."""
    to_file = click.option("--output", type=click.Path(dir_okay=False), help="Write to this file instead of the screen.")
    form = click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
    return form(to_file(command))


def fits_digits(sizes: tuple[int, ...]) -> bool:
    """True if a network of these sizes takes the digits: 64 inputs, 10 outputs."""
    return (sizes[0], sizes[-1]) == (digits.INPUTS, digits.OUTPUTS)


def data_for(sizes: tuple[int, ...], m: int, seed: int) -> tuple[Array, Array, str]:
    """m examples for a network of these sizes, X (m, n_1) and Y (m, n_L), and a sentence that says what they are.

    The first m training digits if they fit, else seeded random ones. Y is one-hot (of one output: 0 or 1), which
    every cost has a meaning for. Raises ValueRefused if m is none of 1..1437 (random data: below 1).
    """
    if fits_digits(sizes):
        X, Y = digits.train(m)
        return X, Y, f"{m} of the 1,437 training digits (real, handwritten, 8 x 8)"
    return *random_data(sizes, m, seed), random_note(sizes, seed)


def random_note(sizes: tuple[int, ...], seed: int) -> str:
    """The sentence that says that the data are random, and why."""
    return f"random data, seed {seed}: sizes {'-'.join(map(str, sizes))} do not fit the digits (64 inputs, 10 outputs)"


def random_data(sizes: tuple[int, ...], m: int, seed: int) -> tuple[Array, Array]:
    """m standard normal examples, classed by a random linear rule, so that there is something to learn. Raises ValueRefused."""
    if m < 1:
        raise ValueRefused(f"{m} examples were asked for; at least 1 is needed.")
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])  # not the stream of Network.random(seed=seed)
    n_1, n_L = sizes[0], sizes[-1]
    rule = rng.standard_normal((n_1, n_L))
    X = rng.standard_normal((m, n_1))
    score = X @ rule
    return X, (score > 0).astype(np.float64) if n_L == 1 else np.eye(n_L)[score.argmax(axis=1)]


def activations_for(text: str) -> str | list[str]:
    """'tanh' -> one activation for all layers; 'sigmoid,softmax' -> one each for layers 2..L."""
    names = [name.strip() for name in text.split(",")]
    return names if len(names) > 1 else names[0]


def require_folder(path: str | os.PathLike[str] | None) -> None:
    """Raises FileRefused if the folder of a file to be written is missing: before the work, not after it."""
    if path is not None and not Path(path).parent.is_dir():
        raise FileRefused(f"There is no folder {Path(path).parent} to write {Path(path).name} to; make it first.")


def plain(value: Any) -> Any:
    """A value as JSON knows it: arrays as lists, NumPy numbers as numbers; NaN and infinities, which it lacks, as null."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def emit(
    text: RenderableType, data: Mapping[str, Any], format: str = "text", output: str | os.PathLike[str] | None = None
) -> None:
    """The result of a command, as text or as JSON, on stdout or in a file. Raises FileRefused.

    text: a string, printed as it is, or anything that rich prints. data: the same facts; keys schema and verdict.
    A file is either written whole or not touched; it gets no colours.
    """
    if output is not None:
        write(output, to_json(data) if format == "json" else to_text(text))
    elif format == "json":
        click.echo(to_json(data), nl=False)
    elif sys.stdout.isatty():
        _print(Console(highlight=False), text)
    else:
        click.echo(to_text(text), nl=False)


def to_json(data: Mapping[str, Any]) -> str:
    """One JSON object, indented, with a newline at its end."""
    return json.dumps(plain(data), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def to_text(text: RenderableType, width: int = WIDTH) -> str:
    """What would be printed, without colours, with a newline at its end."""
    console = Console(width=width, color_system=None, highlight=False, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        _print(console, text)
    return capture.get()


def _print(console: Console, text: RenderableType) -> None:
    if isinstance(text, str):
        console.print(text.rstrip("\n"), markup=False, soft_wrap=True)
    else:
        console.print(text)


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file: either the whole of it is there afterwards, or nothing has changed. Raises FileRefused."""
    path, scratch = Path(path), None
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8", newline="\n"
        ) as file:
            scratch = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        scratch.chmod(0o666 & ~mask)
        scratch.replace(path)
    except OSError as error:
        if scratch:
            scratch.unlink(missing_ok=True)
        raise FileRefused(f"The result could not be written to {path}: {error.strerror or error}.") from error
