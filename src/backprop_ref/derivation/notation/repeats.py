"""What dots among factors stand for: the factors before and behind them, layer after layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from .fold import fold
from .pieces import Dots
from .tokens import Unreadable
from .tree import (
    Apply,
    Index,
    Kronecker,
    Layer,
    Node,
    Ones,
    Product,
    Quantity,
    Repeat,
    Size,
    Sum,
    children,
    descendants,
    with_children,
)

VAR = "p"
LONGEST = 4  # factors in one block


def resolved(nodes: Sequence[Node]) -> tuple[list[Node], frozenset[Index]]:
    """The factors with their dots as a Repeat, and the indices between these. Raises Unreadable if they do not fit."""
    at = next(i for i, n in enumerate(nodes) if isinstance(n, Dots))
    before, after = list(nodes[:at]), list(nodes[at + 1 :])
    if any(isinstance(n, Dots) for n in after):
        raise Unreadable("dots twice in one product", after[0].span[0])
    for size in range(1, LONGEST + 1):
        if len(before) >= size <= len(after) and (found := repeated(before, after, size)):
            return found
    raise Unreadable(
        "the dots do not say what they stand for: what stands before and behind them does not fit", nodes[at].span[0]
    )


def repeated(before: Sequence[Node], after: Sequence[Node], size: int) -> tuple[list[Node], frozenset[Index]] | None:
    """The product, if blocks of that many factors before and behind the dots are the same but for their layers."""
    last, behind = block(before[-size:]), block(after[:size])
    if last is None or behind is None or last[0] != behind[0]:
        return None
    shape = last[0]
    count = 1
    ends = [last]
    while len(before) >= size * (count + 1):
        earlier = block(before[-size * (count + 1) : len(before) - size * count])
        if earlier is None or earlier[0] != shape or not _next_to(earlier, ends[0]):
            break
        ends.insert(0, earlier)
        count += 1
    first = ends[0]
    step = _step(first[1], behind[1])
    if step is None or any(q[1].offset - p[1].offset != step for p, q in pairwise(ends)):
        return None
    left, right = (first[2][0], behind[2][1]) if shape_is_indexed(first[2]) else (None, None)
    body = list(before[: len(before) - size * count])
    repeat = Repeat(VAR, shape, first[1], behind[1], left, right, span=(before[0].span[0], after[-1].span[1]))
    inner = {name for _, _, names in (*ends, behind) for name in names} - {left, right}
    return [*body, repeat, *after[size:]], frozenset(inner)


def _step(first: Layer, last: Layer) -> int | None:
    """Up from l to L, down from L to l."""
    if first.base == last.base:
        return (last.offset > first.offset) - (last.offset < first.offset) or None
    order = ("", "l", "L")
    return 1 if order.index(first.base) < order.index(last.base) else -1


def _next_to(earlier: tuple[Node, Layer, tuple[Index, ...]], later: tuple[Node, Layer, tuple[Index, ...]]) -> bool:
    """One layer on, and the index where one ends is where the next begins."""
    joined = not shape_is_indexed(earlier[2]) or earlier[2][1] == later[2][0]
    return joined and earlier[1].base == later[1].base and abs(earlier[1].offset - later[1].offset) == 1


def shape_is_indexed(names: Sequence[Index]) -> bool:
    """Whether a block is a number between two indices."""
    return len(names) == 2


def block(factors: Sequence[Node]) -> tuple[Node, Layer, tuple[Index, ...]] | None:
    """(the factors for layer p, which layer p is here, their two indices); None if they are no block."""
    node: Node = factors[0] if len(factors) == 1 else Product(tuple(factors))
    layers = [n.layer for n in _ordered(node) if isinstance(n, Quantity) and n.layer is not None]
    bound = {n.index for n in descendants(node) if isinstance(n, Sum)}
    names = [i for i in dict.fromkeys(i for n in _ordered(node) for i in _indices(n)) if i not in bound]
    if (
        not layers
        or any(p.base != layers[0].base for p in layers)
        or len(names) not in (0, 2)
        or layers[0].base not in ("", "l", "L")
    ):
        return None
    at = min(layers, key=lambda p: p.offset)
    ends = {names[0]: "<", names[1]: ">"} if names else {}

    def moved(node: Node, new: list[Node]) -> Node:
        node = with_children(node, iter(new))
        match node:
            case Quantity(layer=Layer()):
                return replace(node, layer=_to_p(node.layer, at), indices=tuple(ends.get(i, i) for i in node.indices))
            case Size() | Ones():
                return replace(node, layer=_to_p(node.layer, at))
            case Apply(layer=Layer()):
                return replace(node, layer=_to_p(node.layer, at))
            case Kronecker():
                return replace(node, i=ends.get(node.i, node.i), j=ends.get(node.j, node.j))
        return node

    return fold(node, children, moved), at, tuple(names)


def _to_p(layer: Layer | None, at: Layer) -> Layer:
    assert layer is not None
    return Layer(VAR, layer.offset - at.offset) if layer.base == at.base else layer


def _ordered(node: Node) -> list[Node]:
    """Top down, from left to right."""
    return sorted(descendants(node), key=lambda n: n.span)


def _indices(node: Node) -> tuple[Index, ...]:
    match node:
        case Quantity():
            return node.indices
        case Kronecker():
            return node.i, node.j
    return ()
