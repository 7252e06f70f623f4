"""What a document leaves open, and what is taken for its lines to be true: a cost, a sum for an average, the sign of delta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from .given import COSTS, SIGMAS, Given
from .judge import Witnesses
from .notation.tree import (
    EXAMPLES,
    Add,
    Kronecker,
    Layer,
    Negative,
    Node,
    Number,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Size,
    Sum,
    Transpose,
    children,
    descendants,
    with_children,
)
from .verdicts import Counterexample

L = Layer("L")
ONE = Number(Fraction(1))
COST = ("C", "J", "delta")  # what another cost changes
HALF_THE_SQUARES = Product(
    (
        Number(Fraction(1, 2)),
        Sum("j", Power(Add((Quantity("y", L, ("j",)), Negative(Quantity("a", L, ("j",))))), Number(Fraction(2)))),
    )
)
OPPOSITE = "delta is minus dC/dz here, and is read so from here on"
COST_LATEX = {
    "quadratic": r"C_x = \frac{1}{2} \sum_j (y_j - a^L_j)^2",
    "cross_entropy": r"C_x = -\sum_j (y_j \ln a^L_j + (1 - y_j) \ln(1 - a^L_j))",
    "log_likelihood": r"C_x = -\sum_j y_j \ln a^L_j",
}


@dataclass(frozen=True)
class Taken:
    """What makes a line true that the document does not state.

    given: the same for the judge; None if no cost is taken. opposite: delta is minus the chapter's.
    """

    reason: str
    given: Given | None = None
    opposite: bool = False

    def under(self, given: Given) -> Given:
        """What is given, and what is taken."""
        assert self.given is not None
        taken = self.given
        return replace(given, cost=taken.cost, sigma=taken.sigma or given.sigma, softmax=taken.softmax or given.softmax)


def another_convention(left: Node, right: Node, given: Given, stated: bool, witnesses: Witnesses) -> Taken | None:
    """What makes a line true, a sum or a cost, where the document states none. None: nothing does, it is a mistake.

    stated: the document says whether its cost is a sum or an average.
    """
    of_the_sum = [in_our_terms(side, {"J": Size(EXAMPLES)}) for side in (left, right)]
    if not stated and speaks_of(left, "J") != speaks_of(right, "J") and witnesses.quick(of_the_sum[0], of_the_sum[1], given):
        return Taken("true if C is the sum over the examples, not their average; it is read so from here on")
    if not speaks_of_a_cost(left, right):
        return None
    for other, name in _open(given):
        if witnesses.quick(left, right, other):
            return Taken(f"true for {name}, which the document does not state", other)
    numbers = witnesses.numbers(left, right, replace(given, cost="quadratic"))
    if isinstance(numbers, Counterexample) and numbers.ratio:
        return _multiple(left, numbers.ratio, given, speaks_of(left, "C", "J") or speaks_of(right, "C", "J"))
    return None


def _multiple(left: Node, ratio: str, given: Given, of_the_cost: bool) -> Taken | None:
    """A line for another multiple of the quadratic cost; with a minus, for another delta. ratio: right side / left side."""
    if ratio.startswith("-"):
        said = f"true for {COST_LATEX['quadratic']}, which the document does not state"
        return Taken(said, replace(given, cost="quadratic"), opposite=True) if ratio == "-1" and not of_the_cost else None
    top, _, bottom = ratio.partition("/")
    numbers = (top, bottom or "1") if speaks_of(left, *COST) else (bottom or "1", top)
    sizes = {"n": Size(EXAMPLES), "n_L": Size(L)}
    if not all(number.isdigit() or number in sizes for number in numbers):
        return None
    above, below = (sizes[number] if number in sizes else Number(Fraction(number)) for number in numbers)
    factor = "/".join(numbers) if numbers[1] != "1" else numbers[0]
    said = f"true for {factor} times {COST_LATEX['quadratic']}, which the document does not state"
    return Taken(said, replace(given, cost=Product((Quotient(above, below), HALF_THE_SQUARES))))


def speaks_of_a_cost(left: Node, right: Node) -> bool:
    """Whether one side is a cost's and the other not, and y is in it: another cost changes one side alone."""
    return speaks_of(left, *COST) != speaks_of(right, *COST) and (speaks_of(left, "y") or speaks_of(right, "y"))


def apart(side: Node, unequal: Sequence[tuple[str, str]]) -> Node:
    """The side, and 0 where the indices are equal."""
    return Product((*(Add((ONE, Negative(Kronecker(i, j)))) for i, j in unequal), side))


def speaks_of(side: Node, *letters: str) -> bool:
    """Whether one of these letters stands in it."""
    return any(isinstance(n, Quantity) and n.letter in letters for n in descendants(side))


def _open(given: Given) -> Iterator[tuple[Given, str]]:
    """The costs that may be meant, with the activations that go with them."""
    for name in COSTS[:2]:
        yield replace(given, cost=name), COST_LATEX[name]
    if given.sigma in (None, "sigmoid"):
        yield replace(given, cost="cross_entropy", sigma="sigmoid"), f"{COST_LATEX['cross_entropy']} and the sigmoid"
    yield replace(given, cost="log_likelihood", softmax=True), f"{COST_LATEX['log_likelihood']} and softmax"


def only_for(left: Node, right: Node, given: Given, witnesses: Witnesses) -> str | None:
    """The one sigma that a false line is true for, where none is stated. For the linear one too much is true."""
    if given.sigma is not None or given.formula is not None:
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


def own_delta(left: Node, right: Node) -> tuple[Node, str, bool] | None:
    """Where delta is defined as -dC/dz, or as a derivative of the average: its factor, the echo, and whether there is a minus."""
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
    return Product((*signs, *inverse)), f"delta is defined {said} here; it is read so from here on", minus


def in_our_terms(node: Node, factors: Mapping[str, Node]) -> Node:
    """The document's delta and J by ours: each is ours times its factor."""
    if isinstance(node, Quantity):
        return Product((factors[node.letter], node)) if node.letter in factors else node
    if not factors:
        return node
    return with_children(node, iter([in_our_terms(child, factors) for child in children(node)]))
