"""The first and the last factor of what dots stand for."""

from __future__ import annotations

from dataclasses import replace

from .fold import fold
from .tree import Apply, Index, Kronecker, Layer, Node, Ones, Quantity, Repeat, Size, Sum, children, with_children

NAMES = "pqrsuvtikjhmn"


def ends(node: Repeat) -> tuple[Node, Node]:
    """The block at the first layer and at the last; between their outer indices two that the block does not use."""
    second, last = inner(node)
    return _block(node, node.first, node.left, second), _block(node, node.last, last, node.right)


def inner(node: Repeat) -> tuple[str, str]:
    """Names for the first and the last of the indices that are summed between the factors."""
    used = _names(node.block) | {node.left, node.right}
    free = [name for name in NAMES if name not in used]
    return free[0], free[1]


def _names(node: Node) -> set[Index | None]:
    """Every index in it."""
    found: set[Index | None] = set()

    def collect(node: Node, _: list[None]) -> None:
        if isinstance(node, Quantity):
            found.update(node.indices)
        elif isinstance(node, Sum):
            found.add(node.index)
        elif isinstance(node, Kronecker):
            found.update((node.i, node.j))

    fold(node, children, collect)
    return found


def _block(node: Repeat, at: Layer, left: Index | None, right: Index | None) -> Node:
    """The block at one layer, between two indices."""

    def layer(of: Layer) -> Layer:
        return at + of.offset if of.base == node.var else of

    def index(of: Index) -> Index:
        return of if node.left is None else {"<": left, ">": right}.get(str(of)) or of

    def moved(node: Node, new: list[Node]) -> Node:
        node = with_children(node, iter(new))
        match node:
            case Quantity():
                return replace(node, layer=node.layer and layer(node.layer), indices=tuple(map(index, node.indices)))
            case Kronecker():
                return replace(node, i=index(node.i), j=index(node.j))
            case Size() | Ones():
                return replace(node, layer=layer(node.layer))
            case Sum():
                return replace(node, over=node.over and layer(node.over))
            case Apply():
                return replace(node, layer=node.layer and layer(node.layer))
        return node

    return fold(node.block, children, moved)
