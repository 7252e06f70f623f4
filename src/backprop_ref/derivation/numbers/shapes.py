"""What a line's layers, indices and shapes have to be for it to have a value: found while it is read, before any number is.

An axis is a layer (or the examples); a shape is (rows, columns), with None where there is only one: a vector is (l, None).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from ..notation.tree import EXAMPLES, Layer, Repeat

Axis: TypeAlias = Layer | None
Shape: TypeAlias = tuple[Axis, Axis]
SCALAR: Shape = (None, None)
ANY: Shape = (Layer("any"), Layer("any"))  # an identity matrix: whatever fits
DEEPEST = 8


class NoValue(Exception):
    """A line, or a piece of one, that has no value, and why."""


class Binder:
    """An index: a free one, or that of a sum. What it ranges over is what the quantities that carry it say.

    dots: inside how many dots it is bound; it may range over a layer that these stand for.
    """

    def __init__(self, name: str, over: Axis = None, dots: int = 0) -> None:
        self.name, self.dots = name, dots
        self.axes: set[Layer] = {over} if over else set()
        self._same: Binder = self

    def root(self) -> Binder:
        """The one that stands for all that range over the same."""
        at = self
        while at._same is not at:
            at = at._same
        return at

    def join(self, other: Binder) -> None:
        """Let both range over the same."""
        ours, theirs = self.root(), other.root()
        if ours is not theirs:
            ours.axes |= theirs.axes
            theirs._same = ours

    def axis(self, thin: bool) -> Layer:
        """What it ranges over. Raises NoValue if nothing says so, or two different things do."""
        axes = sorted(self.root().axes, key=str)
        if not axes:
            raise NoValue(f"nothing says what {self.name} ranges over")
        if len(axes) > 1 and not (thin and EXAMPLES not in axes):
            raise NoValue(f"{self.name} ranges over {axis_in_words(axes[0])} and over {axis_in_words(axes[1])}")
        return axes[0]


@dataclass(frozen=True)
class Demand:
    """A layer that must exist: from lowest (and from `above`) to L - below, for every layer that the dots around it stand for."""

    layer: Layer
    lowest: int
    repeats: tuple[Repeat, ...] = ()
    below: int = 0
    above: Layer | None = None

    def met(self, layers: Mapping[str, int], level: int = 0) -> bool:
        """Is it so with these values of the layer variables?"""
        if level < len(self.repeats):
            repeat = self.repeats[level]
            span = repeated(repeat, layers)
            return span is not None and all(self.met({**layers, repeat.var: p}, level + 1) for p in span)
        lowest = self.lowest if self.above is None else max(self.lowest, number(self.above, layers))
        return lowest <= number(self.layer, layers) <= layers["L"] - self.below


@dataclass
class Demands:
    """All that a line asks of the network: its layers, its sizes, its examples."""

    layers: list[Demand] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    neurons: list[tuple[Layer, int]] = field(default_factory=list)
    examples: int = 1
    many_examples: bool = False
    names: set[str] = field(default_factory=set)

    def places(self, L: int) -> Iterator[dict[str, int]]:
        """Each value of the layer variables for which the line speaks of layers that exist."""
        names = sorted(self.variables)
        for values in product(range(1, L + 1), repeat=len(names)):
            layers = {"L": L, **dict(zip(names, values, strict=True))}
            if all(d.met(layers) for d in self.layers):
                yield layers

    def depths(self) -> list[int]:
        """The numbers of layers to try: the lowest for which the line says something, and some more."""
        found = [L for L in range(2, DEEPEST + 1) if next(self.places(L), None)]
        if not found:
            raise NoValue(f"no network of up to {DEEPEST} layers has the layers that the line speaks of")
        deepest = max(found[0] + 1, 4)
        return [L for L in found if deepest >= L]

    def domain(self) -> str:
        """For which layers the line speaks of layers that exist: "for 2 ≤ l ≤ L-1"."""
        depths = self.depths()
        if not self.variables:
            return f"for every L ≥ {depths[0]}" if depths[0] > 2 else "for every network"
        said = []
        for name in sorted(self.variables):
            spans = [(L, {layers[name] for layers in self.places(L)}) for L in depths]
            low, gap = min(min(span) for _, span in spans), min(L - max(span) for L, span in spans)
            said.append(f"{low} ≤ {name} ≤ L{f'-{gap}' if gap else ''}")
        return "for " + ", ".join(said)


def number(layer: Layer, layers: Mapping[str, int]) -> int:
    """The number of a layer."""
    return layer.offset + (layers[layer.base] if layer.base else 0)


def upward(repeat: Repeat) -> bool:
    """Do the dots go from a lower layer to a higher one?"""
    first, last = repeat.first, repeat.last
    if first.base == last.base:
        return first.offset <= last.offset
    return last.base == "L" or (first.base == "" and last.base != "")


def repeated(repeat: Repeat, layers: Mapping[str, int]) -> Sequence[int] | None:
    """The layers that the dots run through, perhaps none; None where they would have to run back."""
    first, last = number(repeat.first, layers), number(repeat.last, layers)
    if upward(repeat):
        return range(first, last + 1) if last >= first - 1 else None
    return range(first, last - 1, -1) if first >= last - 1 else None


def placed(axis: Axis, var: str, at: Layer) -> Axis:
    """An axis with a layer in the place of the dots' variable."""
    return at + axis.offset if axis is not None and axis.base == var else axis


def axis_in_words(axis: Layer) -> str:
    """An axis in a sentence."""
    return "the examples" if axis == EXAMPLES else f"layer {axis}"


def shape_in_words(shape: Shape) -> str:
    """A shape in a sentence."""
    rows, columns = shape
    if rows is None and columns is None:
        return "a number"
    if shape == ANY:
        return "an identity matrix"
    if rows is None or columns is None:
        only = rows or columns
        return f"a {'row' if rows is None else 'vector'} ({axis_in_words(only)})" if only else "a number"
    return f"a matrix ({axis_in_words(rows)} by {axis_in_words(columns)})"
