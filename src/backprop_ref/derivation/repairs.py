"""A line that does not hold, mended by one edit: each candidate is proved, or holds on random networks, before it is offered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

from .edits import EDITS, Line, every_layer, index, missing_sum, one_edit_away
from .given import Given
from .judge import Witnesses
from .notation.tree import Node
from .verdicts import Holds, Proof, Unproved

SECONDS = 2.0  # for a line
Sides: TypeAlias = tuple[Node, Node]


def repair(
    left: Node, right: Node, given: Given, witnesses: Witnesses, *, fixed_left: bool = False, seconds: float = SECONDS
) -> Sides | None:
    """The first line one edit away that holds, commonest slips first; None if there is none, or none was found in time.

    fixed_left: the left side is a line above, and is not edited.
    """
    stop, unproved = time.perf_counter() + seconds, []
    for sides in candidates(left, right, fixed_left):
        if time.perf_counter() > stop:
            return None
        match witnesses.prove(*sides, given):
            case Proof() if isinstance(witnesses.numbers(*sides, given), Holds):
                return sides
            case Unproved():
                unproved.append(sides)
    for sides in unproved:
        if time.perf_counter() > stop:
            return None
        if witnesses.quick(*sides, given) and isinstance(witnesses.numbers(*sides, given), Holds):
            return sides
    return None


def candidates(left: Node, right: Node, fixed_left: bool = False) -> Iterator[Sides]:
    """Every line one edit away, each once; of one kind of slip, those on the right side first. Then l for L throughout, and one
    usual pair of slips."""
    seen = {(left, right)}
    for sides in _edited(left, right, fixed_left):
        if sides not in seen and sides[0] != sides[1]:
            seen.add(sides)
            yield sides


def _edited(left: Node, right: Node, fixed_left: bool) -> Iterator[Sides]:
    line = Line.of(left, right)
    for edit in EDITS:
        yield from ((left, new) for new in one_edit_away(right, edit, line))
        if not fixed_left:
            yield from ((new, right) for new in one_edit_away(left, edit, line))
    for old, new in (("l", "L"), ("L", "l")):
        yield (left if fixed_left else every_layer(left, old, new)), every_layer(right, old, new)
    if not fixed_left:  # a^l_k = sigma(w^l_jk a^(l-1)_k + b^l_j): a sum is missing, and the left side has the index of that sum
        yield from product(one_edit_away(left, index, line), one_edit_away(right, missing_sum, line))
