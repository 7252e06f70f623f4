"""Assignments: a step down the gradient, or what an algorithm computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from .given import Given
from .judge import Judgement, Witnesses, judge
from .notation.tree import (
    EXAMPLES,
    Add,
    Negative,
    Node,
    Number,
    Partial,
    Product,
    Quantity,
    Size,
    Variable,
    descendants,
)

ONE = Number(Fraction(1))


def is_update(left: Node, right: Node) -> bool:
    """w = w - ..., or w = (1 - eta lambda) w - ...: no equation."""
    return isinstance(left, Quantity) and left.letter in "wb" and bool(_kept(left, right))


def is_step(left: Node, right: Node) -> bool:
    """z <- w a + b, delta <- ...: what an algorithm computes, and claims; not z <- z + ..., which moves it."""
    return isinstance(left, Quantity) and left.letter in ("z", "a", "delta") and left not in descendants(right)


def judge_update(left: Node, right: Node, given: Given, witnesses: Witnesses) -> Judgement:
    """w <- w - (eta/m) sum_x delta a^T against w - eta dJ/dw, and against w - eta dC/dw of one example.

    A factor of w itself is weight decay, and is taken as it stands.
    """
    by_left = any(isinstance(n, Partial) and n.by == left for n in descendants(right))
    if not (is_update(left, right) or (by_left and isinstance(right, Add))):
        return Judgement("assignment", notes=("an assignment: its right side was read, and is no claim",))
    assert isinstance(left, Quantity)
    kept = _kept(left, right) or [left]
    rates = [n for n in descendants(right) if isinstance(n, Variable)]
    eta: Node = next((n for n in rates if n.name in ("eta", "alpha", "epsilon")), rates[0] if rates else ONE)
    for C, factor, said in _descents(left):
        step = Negative(Product((eta, *factor, Partial(C, left))))
        if witnesses.quick(Add((*kept, step)), right, given):
            return Judgement("assignment", reason=said)
    step = Negative(Product((eta, Partial(Quantity("J"), left))))
    judged = judge(Add((*kept, step)), right, given, witnesses)
    return replace(judged, reason=judged.reason or "this is no step down the gradient: w - eta dC/dw")


def _kept(left: Node, right: Node) -> list[Node]:
    """The terms that are w, or a multiple of it."""

    def keeps(term: Node) -> bool:
        match term:
            case Negative(body):
                return keeps(body)
            case Product(factors, "plain"):
                return left in factors
        return term == left

    return [term for term in right.terms if keeps(term)] if isinstance(right, Add) else []


def _descents(left: Quantity) -> Iterator[tuple[Quantity, tuple[Node, ...], str]]:
    yield Quantity("J"), (), "a step down the gradient of the average cost"
    yield Quantity("C"), (), "a step down the gradient of one example's cost"
    yield Quantity("J"), (Size(EXAMPLES),), "a step down the gradient of the sum over the examples: 1/n is in the learning rate"
