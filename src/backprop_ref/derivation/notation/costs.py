"""Which cost a bare C is: that of one example, of the example that the row speaks of, or their average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .fold import fold
from .tree import ALL, EXAMPLES, Index, Node, Ones, Partial, Quantity, Size, Sum, SumOver, children, descendants, with_children

C, J = Quantity("C"), Quantity("J")


def told_apart(sides: Sequence[Node], *, single: bool) -> list[Node]:
    """A bare C is J in a row that sums or averages over examples, speaks of all of them, or has a C_x beside it (but C_x where it
    is derived by z or a); C_x in one that speaks of x only.

    A derivative by all z or a is one for each example, and its C that example's. single: in this notation examples stand one
    at a time; where they do not, C is J in every row that speaks of examples.
    """
    every = [n for side in sides for n in descendants(side)]
    named = {n.example for n in every if isinstance(n, Quantity) and n.example is not None}
    if _averages(every, named) or (named and not single):
        return [fold(side, children, lambda node, new: _renamed(node, new, J, each=False)) for side in sides]
    one: Index | None = next(iter(named)) if len(named) == 1 else None
    of_one = Quantity("C", example=one)
    if one not in (None, ALL) and of_one in every:
        sides = [fold(side, children, lambda node, new: _of_one(node, new, of_one)) for side in sides]
        return [fold(side, children, lambda node, new: _renamed(node, new, J, each=False)) for side in sides]
    bare = J if ALL in named else of_one
    return [fold(side, children, lambda node, new: _renamed(node, new, bare, each=True)) for side in sides]


def _averages(every: Sequence[Node], named: set[Index]) -> bool:
    return any(
        (isinstance(n, Size | Ones) and n.layer == EXAMPLES)
        or (isinstance(n, Sum) and (n.over == EXAMPLES or n.index in named))
        or (isinstance(n, SumOver) and n.axis == "examples")
        for n in every
    )


def _of_one(node: Node, new: Sequence[Node], of: Quantity) -> Node:
    """With C_x for a C that is derived by z or a: the average has no such derivative."""
    if isinstance(node, Partial) and node.of == C and isinstance(node.by, Quantity) and node.by.letter in "za":
        return replace(node, of=replace(of, span=node.of.span), by=replace(node.by, example=of.example))
    return with_children(node, iter(new))


def _renamed(node: Node, new: Sequence[Node], bare: Quantity, *, each: bool) -> Node:
    if node == C:
        return replace(bare, span=node.span)
    if each and isinstance(node, Partial) and node.of == C and isinstance(node.by, Quantity) and node.by.example == ALL:
        return node
    made = with_children(node, iter(new))
    if isinstance(made, Partial) and made.of == bare and isinstance(made.by, Quantity):
        silent = made.by.letter in "za" and made.by.example is None
        return replace(made, by=replace(made.by, example=bare.example)) if silent else made
    return made
