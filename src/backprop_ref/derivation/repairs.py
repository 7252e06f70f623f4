"""A line that does not hold, mended by one edit: each candidate is proved, or holds on random networks, before it is offered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import TypeAlias

from .edits import EDITS, Line, every_layer, index, missing_sum, one_edit_away
from .given import Given
from .judge import Witnesses
from .notation.tree import Node, Number, Partial, Power, Product, Quantity, children, with_children
from .verdicts import Holds, Proof, Unproved

SECONDS = 2.0  # of CPU time, for a line
ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))
Sides: TypeAlias = tuple[Node, Node]


def repair(
    left: Node, right: Node, given: Given, witnesses: Witnesses, *, fixed_left: bool = False, seconds: float = SECONDS
) -> Sides | None:
    """The first line one edit away that holds, commonest slips first; None if there is none, or none was found in time.

    fixed_left: the left side is a line above, and is not edited.
    """
    stop, unproved = time.thread_time() + seconds, []
    for sides in candidates(left, right, fixed_left):
        if time.thread_time() > stop:
            return None
        match witnesses.prove(*sides, given):
            case Proof() if _holds(sides, given, witnesses):
                return sides
            case Unproved():
                unproved.append(sides)
    for sides in unproved:
        if time.thread_time() > stop:
            return None
        if witnesses.quick(*sides, given) and _holds(sides, given, witnesses):
            return sides
    return None


def _holds(sides: Sides, given: Given, witnesses: Witnesses) -> bool:
    """On random networks, and not as 0 = 0: (y_j - y_j) sigma'(z^L_j) = 0 is not what anyone meant."""
    return isinstance(witnesses.numbers(*sides, given), Holds) and not witnesses.quick(sides[0], ZERO, given)


def candidates(left: Node, right: Node, fixed_left: bool = False) -> Iterator[Sides]:
    """Every line one edit away, each once; of one kind of slip, those on the right side first. Then l for L throughout, and one
    usual pair of slips. None says that a thing is itself, but for one that repeats the line above."""
    seen = {(left, right)}
    for u, v in _edited(left, right, fixed_left):
        sides = one_number(u), one_number(v)
        if sides not in seen and (fixed_left or sides[0] != sides[1]):
            seen.add(sides)
            yield sides


def one_number(node: Node) -> Node:
    """The tree with the numbers of each product multiplied into one, and without the 1 of x^1 and of 1 x."""
    node = with_children(node, iter([one_number(child) for child in children(node)]))
    if isinstance(node, Power) and node.exponent == ONE:
        return node.base
    if not isinstance(node, Product):
        return node
    value = prod((f.value for f in node.factors if isinstance(f, Number)), start=Fraction(1))
    factors = (*[Number(value)] * (value != 1), *(f for f in node.factors if not isinstance(f, Number)))
    return replace(node, factors=factors) if len(factors) > 1 else next(iter(factors), ONE)


def _edited(left: Node, right: Node, fixed_left: bool) -> Iterator[Sides]:
    line = Line.of(left, right)
    for edit in EDITS:
        yield from ((left, new) for new in one_edit_away(right, edit, line))
        if not fixed_left and not (edit is missing_sum and isinstance(left, Partial | Quantity)):  # nobody forgets one there
            yield from ((new, right) for new in one_edit_away(left, edit, line))
    for old, new in (("l", "L"), ("L", "l")):
        yield (left if fixed_left else every_layer(left, old, new)), every_layer(right, old, new)
    if not fixed_left:  # a^l_k = sigma(w^l_jk a^(l-1)_k + b^l_j): a sum is missing, and the left side has the index of that sum
        yield from product(one_edit_away(left, index, line), one_edit_away(right, missing_sum, line))
