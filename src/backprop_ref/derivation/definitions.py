"""What a document defines for itself: its sigma, its cost, one example's cost in the average of many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from .given import COSTS, SIGMAS, Given, Sigma
from .judge import Witnesses
from .notation.tree import (
    ALL,
    EXAMPLES,
    Apply,
    Layer,
    Node,
    Number,
    Partial,
    Product,
    Quantity,
    Quotient,
    Size,
    Sum,
    SumOver,
    Variable,
    children,
    descendants,
    with_children,
)

L = Layer("L")
ONE = Number(Fraction(1))
WORDS: dict[
    Sigma | Literal["quadratic", "cross_entropy"], tuple[str, ...]
] = {  # words before a formula that name what it defines
    "sigmoid": ("sigmoid", "logistic"),
    "tanh": ("tanh", "hyperbolic tangent"),
    "relu": ("relu", "rectified linear"),
    "softplus": ("softplus",),
    "quadratic": ("quadratic cost", "squared error", "mean square"),
    "cross_entropy": ("cross-entropy", "cross entropy"),
}


@dataclass(frozen=True)
class Definition:
    """What a line fixes from here on. named: the library's name of it, or "". said: the echo."""

    of: Literal["sigma", "cost"]
    given: Given
    named: str
    said: str


def sigma_defined(left: Node, right: Node, given: Given, witnesses: Witnesses) -> Definition | None:
    """sigma(z) = 1 / (1 + e^-z), or the output layer's softmax; None if the line defines no sigma."""
    if _is_softmax(left, right):
        return Definition("sigma", replace(given, softmax=True), "softmax", "the output layer's activation is softmax")
    match left, right:  # sigma'(z) = d/dz (1 / (1 + e^-z))
        case Apply("sigma", argument, 1), Partial(of, by) if argument == by and (given.sigma, given.formula) == (None, None):
            left, right = replace(left, order=0), of
    if not (isinstance(left, Apply) and left.function == "sigma" and left.order == 0):
        return None
    if isinstance(right, Apply) and replace(left, layer=None) == replace(right, layer=None) and left != right:
        return Definition("sigma", given, "", "two names of one sigma")
    if not isinstance(left.argument, Variable | Quantity) or not _made_of(right, left.argument):
        return None
    for name in SIGMAS:
        if witnesses.quick(left, right, replace(given, sigma=name, formula=None)):
            return Definition("sigma", replace(given, sigma=name, formula=None), name, f"sigma is {name}")
    of_z = _with_argument(right, left.argument)
    return Definition("sigma", replace(given, sigma=None, formula=of_z), "", "sigma is the document's own")


def _with_argument(node: Node, argument: Node) -> Node:
    """The formula in the variable z."""
    if node == argument:
        return Variable("z")
    return with_children(node, iter([_with_argument(child, argument) for child in children(node)]))


def _made_of(right: Node, argument: Node) -> bool:
    """A function of the argument alone, and no sigma in it."""
    leaves = [n for n in descendants(right) if isinstance(n, Variable | Quantity)]
    return all(leaf == argument for leaf in leaves) and _plain(right)


def _plain(node: Node) -> bool:
    """Without a sigma and without a derivative."""
    return not any(isinstance(n, Partial) or (isinstance(n, Apply) and n.function == "sigma") for n in descendants(node))


def _is_softmax(left: Node, right: Node) -> bool:
    """a^L_j = e^{z^L_j} / sum_k e^{z^L_k}."""
    match left, right:
        case (
            Quantity("a", layer, (i,), x),
            Quotient(
                Apply("exp", Quantity("z", above, (j,), y)),
                Sum(k, Apply("exp", Quantity("z", below, (m,), z))),
            ),
        ):
            return layer == above == below == L and i == j and k == m and x == y == z
    return False


def cost_defined(left: Node, right: Node, given: Given, witnesses: Witnesses) -> Definition | None:
    """C_x = (1/2) sum_j (y_j - a^L_j)^2, or the average of such; None if the line defines no cost.

    Where J is a sum without 1/n, the cost taken is still one example's; `sums` says whether J is.
    """
    if not (isinstance(left, Quantity) and left.letter in ("C", "J") and _in_outputs_alone(right)):
        return None
    cost, beside = one_example(right) if left.letter == "J" else _of_the_one_example(right, left.example), ""
    if any(isinstance(n, Quantity) and n.example is not None for n in descendants(cost)):
        return None
    if not witnesses.quick(Quantity("C"), cost, replace(given, cost=cost)):
        summed, beside = over_outputs(cost), "; its formula is read for each output, and summed"
        if summed is None or not witnesses.quick(Quantity("C"), summed, replace(given, cost=summed)):
            return None
        cost = summed
    own = replace(given, cost=cost)
    mean = Product((Size(EXAMPLES), left)) if sums(left, right) else left
    if not beside and left.letter == "J" and not witnesses.quick(mean, right, own):
        return None
    named = next((name for name in COSTS if witnesses.quick(Quantity("C"), cost, replace(given, cost=name))), "")
    said = f"the cost of one example is {named.replace('_', '-')}" if named else "the cost of one example is the document's own"
    return Definition("cost", own, named, said + beside)


def over_outputs(cost: Node) -> Node | None:
    """(1/2)(y - a)^2, or with one free index and no sum: the sum of it over the outputs. None if it has others."""
    found = [n for n in descendants(cost) if isinstance(n, Quantity)]
    free = {i for n in found for i in n.indices} - {n.index for n in descendants(cost) if isinstance(n, Sum)}
    if free:
        alone = len(free) == 1 and not any(isinstance(n, Sum) for n in descendants(cost))
        return Sum(str(free.pop()), cost) if alone else None

    def of_output(node: Node) -> Node:
        if isinstance(node, Quantity) and not node.indices:
            return replace(node, indices=("j",))
        return with_children(node, iter([of_output(child) for child in children(node)]))

    return Sum("j", of_output(cost))


def _in_outputs_alone(node: Node) -> bool:
    """Made of y and a^L: the chapter's second assumption."""
    found = [n for n in descendants(node) if isinstance(n, Quantity)]
    return bool(found) and _plain(node) and all(n.letter == "y" or (n.letter == "a" and n.layer == L) for n in found)


def one_example(node: Node) -> Node:
    """From (1/n) sum_x c_x, or sum_x c_x, the c of one example; from a norm over all examples, that over one."""
    if isinstance(node, Sum) and (node.over == EXAMPLES or _indexes_examples(node)):
        return _of_the_one_example(node.body, node.index)
    if isinstance(node, SumOver) and node.axis == "examples":
        return node.body
    if node == Size(EXAMPLES):
        return ONE
    if isinstance(node, Quantity) and node.example == ALL:
        return replace(node, example=None)
    return with_children(node, iter([one_example(child) for child in children(node)]))


def _indexes_examples(node: Sum) -> bool:
    return any(isinstance(n, Quantity) and n.example == node.index for n in descendants(node.body))


def _of_the_one_example(node: Node, x: object) -> Node:
    if isinstance(node, Sum) and node.index == x:
        return node
    if isinstance(node, Quantity) and x is not None and node.example == x:
        return replace(node, example=None)
    return with_children(node, iter([_of_the_one_example(child, x) for child in children(node)]))


def of_one_example(left: Node, right: Node) -> tuple[Node, Node]:
    """C_x = (1/2) |y - a^L|^2: an example that is named here and there in a line is the one that the whole line speaks of."""
    found = [n for side in (left, right) for n in descendants(side)]
    bound = {n.index for n in found if isinstance(n, Sum)}
    named = {n.example for n in found if isinstance(n, Quantity) and n.letter not in "wbJ"}
    free = named - bound - {None, ALL}
    if len(free) != 1 or named != free | {None}:
        return left, right
    (x,) = free
    return _of_the_one_example(left, x), _of_the_one_example(right, x)


def sums(left: Node, right: Node) -> bool:
    """Whether J is defined as a sum over the examples, without 1/n."""
    return isinstance(left, Quantity) and left.letter == "J" and Size(EXAMPLES) not in set(descendants(right))


def named_in(words: str, definition: Definition, given: Given) -> Iterator[tuple[str, Given]]:
    """The sigmas, or the costs, that the words before a definition name, and what is given with each."""
    lowered = words.lower()
    for name, said in WORDS.items():
        if any(re.search(rf"\b{re.escape(w)}\b", lowered) for w in said):
            if name in COSTS and definition.of == "cost":
                yield name, replace(given, cost=name)
            elif name in SIGMAS and definition.of == "sigma":
                yield name, replace(given, sigma=name, formula=None)
