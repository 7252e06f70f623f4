"""What a document fixes for itself: its sigma, its cost, the sign of its delta, a sum for an average; and what it leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

from .given import COSTS, Given
from .judge import Judgement, Witnesses
from .notation.tree import (
    ALL,
    EXAMPLES,
    Add,
    Apply,
    Layer,
    Negative,
    Node,
    Number,
    Partial,
    Product,
    Quantity,
    Quotient,
    Size,
    Sum,
    SumOver,
    Transpose,
    Variable,
    children,
    descendants,
    with_children,
)
from .verdicts import Counterexample

Sigma: TypeAlias = Literal["sigmoid", "tanh", "linear", "relu", "softplus"]
SIGMAS: tuple[Sigma, ...] = get_args(Sigma)
L = Layer("L")
ONE = Number(Fraction(1))
COST_LATEX = {
    "quadratic": r"C_x = \frac{1}{2} \sum_j (y_j - a^L_j)^2",
    "cross_entropy": r"C_x = -\sum_j (y_j \ln a^L_j + (1 - y_j) \ln(1 - a^L_j))",
    "log_likelihood": r"C_x = -\sum_j y_j \ln a^L_j",
}
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
    if not (isinstance(left, Apply) and left.function == "sigma" and left.order == 0):
        return None
    if isinstance(right, Apply) and replace(left, layer=None) == replace(right, layer=None) and left != right:
        return Definition("sigma", given, "", "two names of one sigma")
    if not isinstance(left.argument, Variable | Quantity) or not _made_of(right, left.argument):
        return None
    for name in SIGMAS:
        if witnesses.quick(left, right, replace(given, sigma=name)):
            return Definition("sigma", replace(given, sigma=name), name, f"sigma is {name}")
    said = "a sigma that the library does not know: lines are judged for every sigma"
    return Definition("sigma", replace(given, sigma=None), "", said)


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
    cost = one_example(right) if left.letter == "J" else _of_the_one_example(right, left.example)
    beside = ""
    if not witnesses.quick(Quantity("C"), cost, replace(given, cost=cost)):
        cost, beside = over_outputs(cost), "; its formula is read for each output, and summed"
    own = replace(given, cost=cost)
    mean = Product((Size(EXAMPLES), left)) if sums(left, right) else left
    if not beside and left.letter == "J" and not witnesses.quick(mean, right, own):
        return None
    named = next((name for name in COSTS if witnesses.quick(Quantity("C"), cost, replace(given, cost=name))), "")
    said = f"the cost of one example is {named.replace('_', '-')}" if named else "the cost of one example is the document's own"
    return Definition("cost", own, named, said + beside)


def over_outputs(cost: Node) -> Node:
    """(1/2)(y - a)^2, written without an index: the sum of it over the outputs."""

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
                yield name, replace(given, sigma=name)


# -------------------------------------------------------------------------------------------------------- what is left open


def another_convention(left: Node, right: Node, given: Given, averages: bool, witnesses: Witnesses) -> Judgement | None:
    """A line that is true for another cost, or a sum, where the document states none. None: it is a mistake.

    averages: the document says that its cost is an average.
    """
    found = [n for side in (left, right) for n in descendants(side)]
    if not averages and any(isinstance(n, Quantity) and n.letter == "J" for n in found):
        for factor, said in ((Size(EXAMPLES), "a sum"), (Quotient(ONE, Size(EXAMPLES)), "an average")):
            if witnesses.quick(left, Product((factor, right)), given):
                return _convention(f"the two sides differ by the number of examples: true if C is {said} over the examples")
    if not any(isinstance(n, Quantity) and n.letter == "y" for n in found):
        return None
    for other, name in _open(given):
        if witnesses.quick(left, right, other):
            return _convention(f"true for {name}, which the document does not state")
    numbers = witnesses.numbers(left, right, replace(given, cost="quadratic"))
    if isinstance(numbers, Counterexample) and numbers.ratio:
        said = f"the right side is {numbers.ratio} times what {COST_LATEX['quadratic']} gives; the document states no cost"
        return _convention(said)
    return None


def _open(given: Given) -> Iterator[tuple[Given, str]]:
    """The costs that may be meant, with the activations that go with them."""
    for name in COSTS[:2]:
        yield replace(given, cost=name), COST_LATEX[name]
    if given.sigma in (None, "sigmoid"):
        yield replace(given, cost="cross_entropy", sigma="sigmoid"), f"{COST_LATEX['cross_entropy']} and the sigmoid"
    yield replace(given, cost="log_likelihood", softmax=True), f"{COST_LATEX['log_likelihood']} and softmax"


def _convention(reason: str) -> Judgement:
    return Judgement("another convention", reason=reason)


def only_for(left: Node, right: Node, given: Given, witnesses: Witnesses) -> str | None:
    """The one sigma that a false line is true for, where none is stated. For the linear one too much is true."""
    if given.sigma is not None:
        return None
    names = (name for name in SIGMAS if name != "linear")
    return next((name for name in names if witnesses.quick(left, right, replace(given, sigma=name))), None)


def is_linear_output(left: Node, right: Node) -> bool:
    """a^L_k = z^L_k."""
    match left, right:
        case Quantity("a", p, i, x), Quantity("z", q, j, y):
            return p == q == L and (i, x) == (j, y)
    return False


def speaks_of_the_output_alone(left: Node, right: Node) -> bool:
    """Every quantity is one of layer L, or the cost."""
    found = [n for side in (left, right) for n in descendants(side) if isinstance(n, Quantity)]
    return all(n.layer in (None, L) for n in found)


def without_biases(left: Node, right: Node, given: Given, witnesses: Witnesses) -> bool:
    """z_j = sum_i w_ji a_i: true but for the bias, which may be a weight from a unit of constant 1."""
    if not (isinstance(left, Quantity) and left.letter == "z"):
        return False
    return witnesses.quick(left, Add((right, replace(left, letter="b", example=None))), given)


def is_sum_of_costs(left: Node, right: Node, given: Given, witnesses: Witnesses) -> bool:
    """C = sum_x C_x: the document's C is n times the average."""
    return left == Quantity("J") and witnesses.quick(Product((Size(EXAMPLES), left)), right, given)


def own_delta(left: Node, right: Node) -> tuple[Node, str] | None:
    """The factor of the document's delta, where it is defined as -dC/dz, or as the derivative of the average; and its echo."""
    if isinstance(left, Transpose) and isinstance(right, Transpose):
        left, right = left.body, right.body
    minus, slope = (True, right.body) if isinstance(right, Negative) else (False, right)
    match left, slope:
        case Quantity("delta", p, i, x), Partial(Quantity("C" | "J") as C, Quantity("z", q, j, y)):
            if (p, i, x) != (q, j, y) or (C.letter == "C" and not minus):
                return None
        case _:
            return None
    signs: tuple[Node, ...] = (Number(Fraction(-1)),) if minus else ()
    inverse: tuple[Node, ...] = (Quotient(ONE, Size(EXAMPLES)),) if C.letter == "J" else ()
    said = " and ".join([*["with a minus"] * minus, *["as a derivative of the average cost, which contains 1/n"] * len(inverse)])
    return Product((*signs, *inverse)), f"delta is defined {said} here; it is read so from here on"


def in_our_terms(node: Node, factors: Mapping[str, Node]) -> Node:
    """The document's delta and J by ours: each is ours times its factor."""
    if isinstance(node, Quantity):
        return Product((factors[node.letter], node)) if node.letter in factors else node
    if not factors:
        return node
    return with_children(node, iter([in_our_terms(child, factors) for child in children(node)]))


# ---------------------------------------------------------------------------------------------------------------- updates


def is_update(left: Node, right: Node) -> bool:
    """w = w - ...: no equation."""
    return isinstance(left, Quantity) and left.letter in "wb" and isinstance(right, Add) and left in right.terms


def judge_update(left: Node, right: Node, given: Given, witnesses: Witnesses) -> Judgement:
    """w <- w - (eta/m) sum_x delta a^T against w - eta dJ/dw, and against w - eta dC/dw of one example."""
    if not is_update(left, right):
        return Judgement("assignment", notes=("an assignment: its right side was read, and is no claim",))
    assert isinstance(left, Quantity)
    rates = [n for n in descendants(right) if isinstance(n, Variable)]
    eta: Node = next((n for n in rates if n.name in ("eta", "alpha", "epsilon")), rates[0] if rates else ONE)
    for C, factor, said in _descents(left):
        step = Negative(Product((eta, *factor, Partial(C, left))))
        if witnesses.quick(Add((left, step)), right, given):
            return Judgement("assignment", reason=said)
    step = Negative(Product((eta, Partial(Quantity("J"), left))))
    from .judge import judge

    judged = judge(Add((left, step)), right, given, witnesses)
    return replace(judged, reason=judged.reason or "this is no step down the gradient: w - eta dC/dw")


def _descents(left: Quantity) -> Iterator[tuple[Quantity, tuple[Node, ...], str]]:
    yield Quantity("J"), (), "a step down the gradient of the average cost"
    yield Quantity("C"), (), "a step down the gradient of one example's cost"
    yield Quantity("J"), (Size(EXAMPLES),), "a step down the gradient of the sum over the examples: 1/n is in the learning rate"
