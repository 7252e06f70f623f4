"""Small questions about the grammar's tree, and small nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from lark import Token as Terminal
from lark import Tree

from .tokens import Token, Unreadable
from .tree import (
    ALL,
    Apply,
    Identity,
    Kronecker,
    Node,
    Norm,
    Ones,
    Partial,
    Product,
    Quantity,
    Repeat,
    Span,
    Sum,
    SumOver,
    Transpose,
    Variable,
    children,
    descendants,
)

Item: TypeAlias = Any  # a Lark tree or terminal


@dataclass(frozen=True)
class Dots(Node):
    """Dots among factors, until they are resolved."""


@dataclass(frozen=True)
class Change(Node):
    """Delta z^l_j or dz^l_j, until it is known what is changed first."""

    of: Node


@dataclass(frozen=True)
class Rest(Node):
    """O(epsilon), until the sum that it stands in is made."""


@dataclass(frozen=True)
class Vector(Node):
    """A vector of which nothing is known, until an entry of it is taken."""

    name: str


@dataclass(frozen=True)
class Incoming(Node):
    """All weights into one neuron of layer 2, until the product with x is made."""

    neuron: str


def derivative(of: Node, by: Node) -> Node:
    """dof/dby; of a number by a transposed array, transposed."""
    if isinstance(by, Transpose) and isinstance(by.body, Quantity):
        return Transpose(derivative(of, by.body))
    if not isinstance(by, Quantity | Variable):
        raise Unreadable("a derivative is by one letter: w, b, z or a", by.span[0])
    if isinstance(of, Quantity) and of.letter == "C" and isinstance(by, Quantity) and by.letter in "za" and by.example is None:
        by = replace(by, example=of.example)
    return Partial(of, by)


def transposed(node: Node) -> Node:
    """The transpose; of a transpose, what it holds."""
    return node.body if isinstance(node, Transpose) else Transpose(node, span=node.span)


def replace_span(node: Node, span: Span) -> Node:
    """The node, with its place."""
    return replace(node, span=span) if node.span == (0, 0) else node


def is_array(node: Node) -> bool:
    """Whether it is a vector or a matrix, as far as the letters say."""
    match node:
        case Quantity(letter, _, indices, example):
            return (letter not in ("C", "J") and not indices) or example == ALL
        case Ones() | Identity() | SumOver() | Vector():
            return True
        case Apply(function="diag"):
            return True
        case Norm() | Kronecker():
            return False
        case Partial(of, by):
            return is_array(of) or is_array(by)
        case Sum(_, body):
            return is_array(body)
    return any(is_array(n) for n in children(node))


def free_indices(node: Node) -> set[str]:
    """Every name of an index in it."""
    found: set[str] = set()
    for n in descendants(node):
        if isinstance(n, Quantity):
            found |= {i for i in (*n.indices, n.example) if isinstance(i, str)}
        elif isinstance(n, Kronecker):
            found |= {i for i in (n.i, n.j) if isinstance(i, str)}
        elif isinstance(n, Repeat):
            found |= {i for i in (n.left, n.right) if isinstance(i, str)}
    return found


def product(factors: Sequence[Node], kind: Any) -> Node:
    """The factors as one node."""
    if len(factors) == 1:
        return factors[0]
    return Product(tuple(factors), kind, span=(factors[0].span[0], factors[-1].span[1]))


def flat(tree: Item) -> Iterator[Token]:
    """The tokens of a piece of the grammar's tree."""
    if isinstance(tree, Terminal):
        yield token(tree)
        return
    for child in tree.children:
        if child is not None:
            yield from flat(child)


def token(t: Terminal) -> Token:
    """A terminal of the grammar as a token."""
    return Token(t.type, str(t), t.start_pos or 0, t.end_pos or 0)


def span_of(tree: Item) -> Span:
    """Where a piece stands in the text."""
    first, last = _leaf(tree, 1), _leaf(tree, -1)
    return (first.start_pos or 0, last.end_pos or 0) if first is not None and last is not None else (0, 0)


def _leaf(tree: Item, step: int) -> Terminal | None:
    """The first or the last terminal of a piece."""
    if isinstance(tree, Terminal):
        return tree
    for child in tree.children[::step]:
        if child is not None and (found := _leaf(child, step)) is not None:
            return found
    return None


def script_of(script: Item) -> tuple[list[Token], str]:
    """(its tokens without the outer braces, what mark it is)."""
    mark = script.children[0].type
    tokens = [t for c in script.children[1:] for t in flat(c)]
    if (tokens and tokens[0].type == "LC" and tokens[-1].type == "RC") or (
        len(tokens) > 1 and tokens[0].type == "LP" and mark == "UNDER"
    ):
        tokens = tokens[1:-1]
    return tokens, mark


def factors_of(braced: Item) -> Iterator[Item]:
    """The items of a side of a fraction, if it is one product."""
    if len(braced.children) == 1:
        return iter(())
    terms = [c for c in braced.children[1].children if c is not None]
    return iter(terms[0].children) if len(terms) == 1 else iter(())


def negative_sums(tree: Item) -> list[Item]:
    r"""The signs and terms of an expression; in \sum_x -\sum_j y_j the term behind the sign is what the first sum is of."""
    found = [c for c in tree.children if c is not None]
    for n in reversed(range(1, len(found) - 1)):
        sign, sums = found[n], found[n - 1]
        if sign.data == "sign" and sign.children[0].type == "MINUS" and next(flat(_head(sums.children[-1]))).type == "SUM":
            inside = Tree("arg", [Tree("expr", [sign, found[n + 1]])])
            body = Tree("scripted", [Tree("bracket", [Tree("args", [inside])])])
            found[n - 1 : n + 2] = [Tree("term", [*sums.children, body])]
    return found


def _head(item: Item) -> Item:
    """What the scripts of a factor stand on."""
    return item.children[0] if isinstance(item, Tree) else item


def bare_letter(item: Item) -> str:
    """The letter of a factor (∂ is partial)."""
    if is_a(item, "braces") and len(args := arguments(item)) == 1 and len(inside := lone_items(args[0])) == 1:
        return bare_letter(inside[0])
    if not isinstance(item, Tree) or item.data != "scripted" or item.children[0].data != "atom":
        return ""
    t: Any = item.children[0].children[0]
    return "partial" if t.type == "PARTIAL" else str(t) if t.type == "LETTER" else ""


def has_scripts(item: Item) -> bool:
    """Whether something stands above or below a factor."""
    return isinstance(item, Tree) and len(item.children) > 1


def is_a(item: Item, kind: str) -> bool:
    """Whether an item is such a bracket."""
    return isinstance(item, Tree) and item.data == "scripted" and item.children[0].data == kind


def arguments(item: Item) -> list[Item]:
    """What stands between the commas of a bracket."""
    inside = next((c for c in item.children[0].children if isinstance(c, Tree)), None)
    return [] if inside is None else [c for c in inside.children if isinstance(c, Tree)]


def argument(item: Item) -> Item:
    """The only one."""
    return arguments(item)[0]


def is_indicator(item: Item) -> bool:
    """[i = j], (i = j), {i = j}"""
    if not any(is_a(item, kind) for kind in ("square", "bracket", "braces")):
        return False
    args = arguments(item)
    return len(args) == 1 and len(args[0].children) == 3


def lone_items(arg: Item) -> list[Item]:
    """The factors of an argument that is one term without a sign; else none."""
    terms = [c for c in arg.children[0].children if c is not None] if len(arg.children) == 1 else []
    return list(terms[0].children) if len(terms) == 1 and terms[0].data == "term" else []
