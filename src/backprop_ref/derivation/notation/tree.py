"""The syntax tree of a formula: what was written, in the chapter's conventions, before anything is known of ranges and shapes.

Every dialect ends here: layers from 1 to L, w^l_jk to-from, z before and a after sigma, C the cost of one example, J its average
over the examples, examples as columns. Two readers take it from here, each by itself: `indices` to prove, `numeric` to compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from typing import Literal, TypeAlias

Index: TypeAlias = str | int  # a name (j, k, m1, j') or a neuron's number, from 1
ALL = "*"  # every example: the quantity is a matrix whose columns are the examples
Span: TypeAlias = tuple[int, int]  # first character and the one after the last, in the formula's source


@dataclass(frozen=True)
class Layer:
    """A layer's number: l + 1 is Layer("l", 1), L is Layer("L"), 3 is Layer("", 3)."""

    base: str = ""
    offset: int = 0

    def __add__(self, n: int) -> Layer:
        return Layer(self.base, self.offset + n)

    def __str__(self) -> str:
        if not self.base:
            return str(self.offset)
        return self.base + (f"{self.offset:+d}" if self.offset else "")


EXAMPLES = Layer("examples")  # what an index of examples ranges over


@dataclass(frozen=True)
class Node:
    """A piece of a formula; `span` says where it stands and takes no part in equality."""

    span: Span = field(default=(0, 0), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Number(Node):
    """A rational number."""

    value: Fraction


@dataclass(frozen=True)
class Quantity(Node):
    """w b z a delta y (x is a^1) of a layer, C (one example's cost) or J (the average, (1/n) sum_x C_x).

    indices: none (the whole vector or matrix), or one for each axis: w has (j, k), the others (j,).
    example: None (the one example), an index of examples (delta^{x,l}, C_x), or ALL.
    layer: None for C and J; y is of layer L.
    """

    letter: Literal["w", "b", "z", "a", "delta", "y", "C", "J"]
    layer: Layer | None = None
    indices: tuple[Index, ...] = ()
    example: Index | None = None


@dataclass(frozen=True)
class Variable(Node):
    """A plain number with a name: eta, lambda, epsilon, or the z of sigma(z) = 1 / (1 + e^-z)."""

    name: str


@dataclass(frozen=True)
class Size(Node):
    """The number of neurons of a layer (n_l), or of examples (EXAMPLES: the book's n and m)."""

    layer: Layer


@dataclass(frozen=True)
class Ones(Node):
    """The vector of ones, one for each neuron of a layer or for each example."""

    layer: Layer


@dataclass(frozen=True)
class Add(Node):
    """terms[0] + terms[1] + ...; a vector of layer l is added to each column of a matrix of layer l by examples."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Negative(Node):
    """-body."""

    body: Node


@dataclass(frozen=True)
class Product(Node):
    """factors in a row. plain: juxtaposition, of numbers, matrices and vectors. dot: the inner product if both are vectors of one
    layer, else plain. hadamard: entry by entry (numbers, and sides of equal shape)."""

    factors: tuple[Node, ...]
    kind: Literal["plain", "dot", "hadamard"] = "plain"


@dataclass(frozen=True)
class Quotient(Node):
    """above / below: entry by entry where either is a vector or a matrix."""

    above: Node
    below: Node


@dataclass(frozen=True)
class Power(Node):
    """base to the exponent, entry by entry."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Transpose(Node):
    """The transpose; a vector becomes a row."""

    body: Node


@dataclass(frozen=True)
class Norm(Node):
    """The Euclidean norm of a vector; of a matrix, Frobenius's."""

    body: Node


@dataclass(frozen=True)
class Sum(Node):
    """The sum of body over index. over: the layer or EXAMPLES where the bounds say so, else None (what body says of index)."""

    index: str
    body: Node
    over: Layer | None = None


@dataclass(frozen=True)
class SumOver(Node):
    """np.sum over an axis that is written without an index: over the examples, or over the neurons of a matrix by examples."""

    body: Node
    axis: Literal["examples", "neurons"]


@dataclass(frozen=True)
class Apply(Node):
    """A function of its argument, entry by entry: sigma and its derivative of that order; the others have order 0.

    diag: the diagonal matrix of a vector. Sigma'(z) is Apply("diag", Apply("sigma", z, 1)).
    layer: whose sigma, where it is written (sigma_l, g^{[l]}); else None.
    """

    function: Literal["sigma", "exp", "log", "tanh", "sqrt", "abs", "max0", "diag"]
    argument: Node
    order: int = 0
    layer: Layer | None = None


@dataclass(frozen=True)
class Partial(Node):
    """d of / d by: move `by`, hold what it does not feed. by: a Quantity w, b, z or a, or a Variable.

    Without indices it is all partials at once: dC/dw^l has w^l's shape, dC/dz^l is a vector; of a vector by a vector, the
    Jacobian, a row for each entry of `of`; other shapes (dz/dw) have no array, and are read for one neuron a layer only.
    Of C by a quantity with example ALL: column x is the derivative of C_x. A second derivative is a Partial of a Partial.
    """

    of: Node
    by: Quantity | Variable


@dataclass(frozen=True)
class Kronecker(Node):
    """1 if i = j, else 0: delta_ij, [i = j]."""

    i: Index
    j: Index


@dataclass(frozen=True)
class Identity(Node):
    """The identity matrix I, of whatever size fits."""


@dataclass(frozen=True)
class Repeat(Node):
    """What dots stand for: the product of block, with Layer(var) = first, then the next ..., to last (up or down by 1).

    left and right None: block is a matrix, and this is the matrix product in that order. Else block is a number with two free
    indices named "<" and ">", and this is entry (left, right) of the product of those matrices: a sum over all paths.
    """

    var: str
    block: Node
    first: Layer
    last: Layer
    left: Index | None = None
    right: Index | None = None


Relation: TypeAlias = Literal["=", "≈", ":=", "<-"]  # equation, first order, definition (also \equiv), assignment


@dataclass(frozen=True)
class Chain:
    """sides[0] relations[0] sides[1] relations[1] ...: each link is a claim."""

    sides: tuple[Node, ...]
    relations: tuple[Relation, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below."""
    for f in fields(node):
        value = getattr(node, f.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (v for v in value if isinstance(v, Node))


def descendants(node: Node) -> Iterator[Node]:
    """The node and all below it, without recursion: a formula may be deep."""
    stack = [node]
    while stack:
        yield (node := stack.pop())
        stack.extend(children(node))


def with_children(node: Node, new: Iterator[Node]) -> Node:
    """The same node over other children, in the order of `children`."""
    changed: dict[str, object] = {}
    for f in fields(node):
        value = getattr(node, f.name)
        if isinstance(value, Node):
            changed[f.name] = next(new)
        elif isinstance(value, tuple) and any(isinstance(v, Node) for v in value):
            changed[f.name] = tuple(next(new) if isinstance(v, Node) else v for v in value)
    return replace(node, **changed) if changed else node  # type: ignore[arg-type]  # fields of the node, whatever they are
