"""The slips that people make, undone: every tree that is one edit away from a line, the commonest slips first.

An edit takes a piece of one side and what the line speaks of, and yields what may stand in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Literal, TypeAlias

from .notation.tree import (
    ALL,
    EXAMPLES,
    Add,
    Apply,
    Index,
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
    Repeat,
    Size,
    Sum,
    SumOver,
    Transpose,
    Variable,
    children,
    descendants,
    with_children,
)

Edit: TypeAlias = Callable[[Node, "Line"], Iterator[Node]]
FRESH = "ikmpqrstuv"
Letter: TypeAlias = Literal["w", "b", "z", "a", "delta", "y"]
TAKEN_FOR: dict[str, tuple[Letter, ...]] = {
    "z": ("a",), "a": ("z", "y", "delta", "w"), "w": ("b", "a"), "y": ("a",), "b": ("w",), "delta": ("a", "z"),
}  # fmt: skip
LETTERS: tuple[Literal["a", "z"], ...] = ("a", "z")
HALF, TWO, ONE_OVER_N = Number(Fraction(1, 2)), Number(Fraction(2)), Quotient(Number(Fraction(1)), Size(EXAMPLES))


@dataclass(frozen=True)
class Line:
    """What a line speaks of: its indices, layers and examples, each once, in their order. bound: the indices of its sums."""

    indices: tuple[str, ...]
    layers: tuple[Layer, ...]
    examples: tuple[Index | None, ...]
    bound: frozenset[str]
    bare: bool  # vectors and matrices, no neuron's index

    @staticmethod
    def of(*sides: Node) -> Line:
        """The line that has these sides."""
        found = [q for side in sides for q in descendants(side) if isinstance(q, Quantity)]
        indices = dict.fromkeys(i for q in found for i in q.indices if isinstance(i, str))
        layers = dict.fromkeys(q.layer for q in found if q.layer is not None)
        bound = frozenset(s.index for side in sides for s in descendants(side) if isinstance(s, Sum))
        return Line(tuple(indices), tuple(layers), tuple(dict.fromkeys(q.example for q in found)), bound, not indices)

    def near(self) -> Iterator[Layer]:
        """Its layers, then those beside them."""
        yield from dict.fromkeys([*self.layers, *(p + n for p in self.layers for n in (1, -1))])


def one_edit_away(side: Node, edit: Edit, line: Line) -> Iterator[Node]:
    """Every tree that the edit makes of this side, at one place."""
    for piece, fits, put in places(side):
        for new in edit(piece, line):
            if new != piece and isinstance(new, fits):
                yield put(new)


def places(node: Node, fits: type[Node] = Node) -> Iterator[tuple[Node, type[Node], Callable[[Node], Node]]]:
    """Every piece of a tree, outermost first, with what may stand there, and what puts another in its place."""
    yield node, fits, lambda new: new
    below = tuple(children(node))
    for n, child in enumerate(below):
        moved = isinstance(node, Partial) and n == 1
        for piece, kind, put in places(child, Quantity if moved else Node):
            yield piece, kind, partial(_put, node, below, n, put)


def _put(node: Node, below: tuple[Node, ...], n: int, put: Callable[[Node], Node], new: Node) -> Node:
    return with_children(node, iter((*below[:n], put(new), *below[n + 1 :])))


def _without(items: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    for n in range(len(items)):
        yield items[:n] + items[n + 1 :]


# ------------------------------------------------------------------------------------------------------------- the edits


def slope(node: Node, line: Line) -> Iterator[Node]:
    """sigma for sigma', and back."""
    if isinstance(node, Apply) and node.function == "sigma":
        yield replace(node, order=1 - node.order if node.order < 2 else 1)


def transpose(node: Node, line: Line) -> Iterator[Node]:
    """A transpose lost, or too many."""
    if isinstance(node, Transpose):
        yield node.body
    elif isinstance(node, Quantity) and not node.indices and node.letter in "wadeltazy":
        yield Transpose(node)


def letter_l(node: Node, line: Line) -> Iterator[Node]:
    """l for L, and back."""
    if isinstance(node, Quantity) and node.letter != "y" and node.layer is not None and node.layer.base:
        others = dict.fromkeys(p.base for p in line.layers if p.base and p.base != node.layer.base)
        usual = "L" if node.layer.base != "L" else "l"
        yield from (replace(node, layer=Layer(base, node.layer.offset)) for base in [*others] or [usual])


def swap(node: Node, line: Line) -> Iterator[Node]:
    """w_kj for w_jk."""
    if isinstance(node, Quantity) and len(node.indices) == 2:
        yield replace(node, indices=node.indices[::-1])


def layer(node: Node, line: Line) -> Iterator[Node]:
    """A neighbouring layer."""
    if isinstance(node, Quantity) and node.layer is not None and node.letter != "y":
        yield from (replace(node, layer=node.layer + n) for n in (1, -1))


def whole_layer(node: Node, line: Line) -> Iterator[Node]:
    """A partial of the neighbouring layers."""
    match node:
        case Partial(Quantity(layer=Layer() as p) as of, Quantity(layer=Layer() as q) as by):
            yield from (Partial(replace(of, layer=p + n), replace(by, layer=q + n)) for n in (1, -1))


def missing_sum(node: Node, line: Line) -> Iterator[Node]:
    """A sum lost: over an index that no sum binds."""
    if isinstance(node, Product | Quantity | Partial | Power | Add | Quotient):
        inside = Line.of(node)
        yield from (Sum(i, node) for i in inside.indices if i not in line.bound)
        yield from (Sum(x, node, EXAMPLES) for x in inside.examples if isinstance(x, str) and x != ALL and x not in line.bound)


def needless_sum(node: Node, line: Line) -> Iterator[Node]:
    """A sum too many."""
    if isinstance(node, Sum):
        yield node.body


def captured(node: Node, line: Line) -> Iterator[Node]:
    """A sum's index that also stands free: a fresh one."""
    if isinstance(node, Sum):
        fresh = next(i for i in FRESH if i not in line.indices)
        yield Sum(fresh, renamed(node.body, node.index, fresh), node.over)


def index(node: Node, line: Line) -> Iterator[Node]:
    """Another index of the line."""
    if isinstance(node, Quantity):
        for n in range(len(node.indices)):
            for i in line.indices:
                yield replace(node, indices=(*node.indices[:n], i, *node.indices[n + 1 :]))
    elif isinstance(node, Sum):
        yield from (replace(node, index=i) for i in line.indices)
    elif isinstance(node, Kronecker):
        yield from (replace(node, i=i) for i in line.indices)
        yield from (replace(node, j=i) for i in line.indices)


def elsewhere(node: Node, line: Line) -> Iterator[Node]:
    """Another neuron of the line: z^l_j for z^(l+1)_k."""
    if isinstance(node, Quantity) and node.letter != "y" and len(node.indices) == 1:
        yield from (replace(node, layer=p, indices=(i,)) for p in line.layers for i in line.indices)


def minus(node: Node, line: Line) -> Iterator[Node]:
    """sigma - (1 - sigma) for sigma (1 - sigma)."""
    match node:
        case Add((first, Negative(second))):
            yield Product((first, second), "hadamard" if line.bare else "plain")


def sign_of_a_term(node: Node, line: Line) -> Iterator[Node]:
    """y - a for a - y; a sign in a sum."""
    if isinstance(node, Add):
        flipped = tuple(_negated(t) for t in node.terms)
        yield Add(flipped[::-1])
        yield from (Add((*node.terms[:n], f, *node.terms[n + 1 :])) for n, f in enumerate(flipped))


def sign(node: Node, line: Line) -> Iterator[Node]:
    """A sign in front."""
    if isinstance(node, Negative):
        yield node.body
    elif isinstance(node, Product | Quantity | Partial | Quotient | Sum | Variable):
        yield Negative(node)


def _negated(node: Node) -> Node:
    return node.body if isinstance(node, Negative) else Negative(node)


def number(node: Node, line: Line) -> Iterator[Node]:
    """A number: 1 for 2."""
    if isinstance(node, Number):
        yield from (Number(v) for v in (Fraction(1), Fraction(2), Fraction(1, 2)))


def factor(node: Node, line: Line) -> Iterator[Node]:
    """A factor too many, or one lost: 2, 1/2, 1/n."""
    if isinstance(node, Product | Quotient | Power | Sum):
        if isinstance(node, Product):
            yield from (_product(node, rest) for rest in _without(node.factors))
        if isinstance(node, Quotient):
            yield node.above
        yield from (Product((f, *_row(node))) for f in (TWO, HALF, ONE_OVER_N, Size(EXAMPLES)))


def _row(node: Node) -> tuple[Node, ...]:
    return node.factors if isinstance(node, Product) and node.kind == "plain" else (node,)


def _product(node: Product, factors: tuple[Node, ...]) -> Node:
    return factors[0] if len(factors) == 1 else replace(node, factors=factors)


def times(node: Node, line: Line) -> Iterator[Node]:
    """The entrywise product for the matrix product, and back; factors the other way round."""
    if isinstance(node, Product):
        yield replace(node, kind="plain" if node.kind == "hadamard" else "hadamard")
        if node.kind == "plain" and line.bare:
            yield replace(node, factors=node.factors[::-1])


def z_for_a(node: Node, line: Line) -> Iterator[Node]:
    """z for a, and back; and other letters that are taken for one another."""
    if isinstance(node, Quantity) and node.letter in TAKEN_FOR and len(node.indices) < 2:
        for letter in TAKEN_FOR[node.letter]:
            if letter != "y" or node.layer == Layer("L"):
                yield replace(node, letter=letter)


def upside_down(node: Node, line: Line) -> Iterator[Node]:
    """A partial, upside down."""
    if isinstance(node, Partial) and isinstance(node.of, Quantity) and node.of.letter in "wbza":
        yield Partial(node.by, node.of)


def diagonal(node: Node, line: Line) -> Iterator[Node]:
    """sigma'(z) for the diagonal matrix Sigma'(z), and back."""
    if isinstance(node, Apply) and node.function == "diag":
        yield node.argument
    elif isinstance(node, Apply) and node.function == "sigma" and line.bare:
        yield Apply("diag", node)


def lost_term(node: Node, line: Line) -> Iterator[Node]:
    """A term dropped: b, y, an activation; or a term too many."""
    if isinstance(node, Add):
        for rest in _without(node.terms):
            yield Add(rest) if len(rest) > 1 else rest[0]
    if isinstance(node, Add | Sum | Product | Quantity):
        terms = node.terms if isinstance(node, Add) else (node,)
        example = next((x for x in line.examples if x is not None), None)
        for i in [()] if line.bare else [(i,) for i in line.indices]:
            y, a = Quantity("y", Layer("L"), i, example), Quantity("a", Layer("L"), i, example)
            added = (*(Quantity("b", p, i) for p in line.layers), Negative(y), a, y, Negative(a))
            yield from (Add((*terms, new)) for new in added)
            yield from (Add((new, *terms)) for new in (y, a))


def lost_factor(node: Node, line: Line) -> Iterator[Node]:
    """A factor dropped: sigma'(z), an error, an activation, a weight."""
    if not isinstance(node, Product | Quantity | Partial | Sum | Apply | Add | Transpose):
        return
    for new in _factors(line):
        if line.bare:
            yield Product((node, new), "hadamard")
            yield Product((new, *_row(node)))
        yield Product((*_row(node), new))


def _factors(line: Line) -> Iterator[Node]:
    example = next((x for x in line.examples if x is not None), None)
    axes: list[tuple[Index, ...]] = [()] if line.bare else [(i,) for i in line.indices]
    for p in line.layers:
        for i in axes:
            yield Apply("sigma", Quantity("z", p, i, example), 1)
    for p in line.near():
        for i in axes:
            yield Quantity("delta", p, i, example)
            yield Quantity("a", p, i, example)
    for p in line.near():
        for i in axes:
            for k in axes:
                if line.bare or i != k:
                    yield Quantity("w", p, i + k)
    yield from _partials(line, axes, example)
    if line.bare:
        yield from (Transpose(q) for p in line.near() for q in (Quantity("w", p), Quantity("a", p)))
    yield from (Kronecker(i, j) for n, i in enumerate(line.indices) for j in line.indices[n + 1 :])


def _partials(line: Line, axes: list[tuple[Index, ...]], x: Index | None) -> Iterator[Node]:
    for p in line.near():
        for i in axes:
            yield from (Partial(Quantity("C", None, (), x), Quantity(q, p, i, x)) for q in LETTERS)
            for j in axes:
                yield Partial(Quantity("a", p, i, x), Quantity("z", p, j, x))
                if line.bare or i != j:
                    yield from (Partial(Quantity(q, p, i, x), Quantity(q, p + -1, j, x)) for q in LETTERS)


def bracket(node: Node, line: Line) -> Iterator[Node]:
    """A bracket misplaced: A (b ⊙ c) for (A b) ⊙ c, and back."""
    match node:
        case Product((*above, Product((b, *rest), "hadamard")), "plain"):
            yield Product((Product((*above, b)), *rest), "hadamard")
        case Product((Product((*above, b), "plain"), *rest), "hadamard"):
            yield Product((*above, Product((b, *rest), "hadamard")))


def axis(node: Node, line: Line) -> Iterator[Node]:
    """np.sum over the other axis."""
    if isinstance(node, SumOver):
        yield replace(node, axis="neurons" if node.axis == "examples" else "examples")


def ends(node: Node, line: Line) -> Iterator[Node]:
    """Dots that begin or stop a layer too early or too late."""
    if isinstance(node, Repeat):
        yield from (replace(node, first=node.first + n) for n in (1, -1))
        yield from (replace(node, last=node.last + n) for n in (1, -1))


def which_cost(node: Node, line: Line) -> Iterator[Node]:
    """C where C_x or the average is meant."""
    if isinstance(node, Quantity) and node.letter in ("C", "J"):
        yield Quantity("C") if node.letter == "J" else Quantity("J")


def example_of(node: Node, line: Line) -> Iterator[Node]:
    """An example's index lost."""
    if isinstance(node, Quantity) and node.letter not in "wb":
        yield from (replace(node, example=x) for x in line.examples)


def every_layer(node: Node, old: str, new: str) -> Node:
    """The tree with another base of all its layers: L for l."""
    node = with_children(node, iter([every_layer(child, old, new) for child in children(node)]))
    layer = None if isinstance(node, Quantity) and node.letter == "y" else getattr(node, "layer", None)
    return replace(node, layer=Layer(new, layer.offset)) if layer is not None and layer.base == old else node  # type: ignore[call-arg]


def renamed(node: Node, old: str, new: str) -> Node:
    """The tree with another name for one index."""
    if isinstance(node, Quantity):
        example = new if node.example == old else node.example
        return replace(node, indices=tuple(new if i == old else i for i in node.indices), example=example)
    if isinstance(node, Kronecker):
        return Kronecker(new if node.i == old else node.i, new if node.j == old else node.j)
    if isinstance(node, Sum) and node.index == old:
        return node
    return with_children(node, iter([renamed(child, old, new) for child in children(node)]))


EDITS: tuple[Edit, ...] = (
    slope, missing_sum, captured, transpose, letter_l, swap, layer, needless_sum, sign_of_a_term, sign, z_for_a, times,
    number, factor, index, elsewhere, minus, upside_down, diagonal, axis, bracket, whole_layer, lost_factor, lost_term,
    which_cost, example_of, ends,
)  # fmt: skip
