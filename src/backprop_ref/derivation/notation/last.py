"""A network whose layers are all numbered: L = 2 says that layer 2 is the last one, and so does dZ^[2] = A^[2] - Y.

Its formulas are read from L down, so that they say the same of the last layers of every network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace

from .tree import EXAMPLES, Chain, Layer, Node, Partial, Quantity, children, descendants, with_children

SAID = re.compile(r"(?<![A-Za-z\\^_{])L *= *(\d+)(?![\d.]|(?: *[-+*/^_]))")
OUTPUT = Quantity("a", Layer("L"))


def said(texts: Iterable[str]) -> int | None:
    """3, where they say L = 3, and no other number."""
    found = {int(number) for text in texts for number in SAID.findall(text)}
    return found.pop() if len(found) == 1 else None


def last_layer(chains: Iterable[Chain], said: int | None = None) -> int | None:
    """The number of the last layer: what is said; else the highest one, if a formula speaks of it beside y or nabla_a C."""
    highest, output = 0, said or 0
    for chain in chains:
        numbers = {layer.offset for layer in _layers(chain) if not layer.base}
        highest = max(highest, *numbers, 0)
        if any(_of_output(n) for side in chain.sides for n in descendants(side)):
            output = max(output, *numbers, 0)
    return output if output > 1 and (output == highest or (output == said and 0 < highest < output)) else None


def _of_output(node: Node) -> bool:
    """y, and nabla_a C."""
    return (isinstance(node, Quantity) and node.letter == "y") or (isinstance(node, Partial) and node.by == OUTPUT)


def from_the_last(chain: Chain, last: int) -> Chain:
    """The chain with its numbered layers from L down; as it is, if it has layers with other names too."""
    if any(layer.base not in ("", "L", EXAMPLES.base) for layer in _layers(chain)):
        return chain
    return replace(chain, sides=tuple(_moved(side, last) for side in chain.sides))


def _layers(chain: Chain) -> Iterator[Layer]:
    for side in chain.sides:
        for node in descendants(side):
            yield from (v for f in fields(node) if isinstance(v := getattr(node, f.name), Layer))


def _moved(node: Node, last: int) -> Node:
    node = with_children(node, iter([_moved(child, last) for child in children(node)]))
    numbered = {f.name: v for f in fields(node) if isinstance(v := getattr(node, f.name), Layer) and not v.base}
    return replace(node, **{name: Layer("L", v.offset - last) for name, v in numbered.items()})  # type: ignore[arg-type]
