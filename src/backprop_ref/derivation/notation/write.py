"""A tree as text again: LaTeX in the chapter's notation, and plain text. Brackets stand only where the reader needs them.

What has no spelling in the chapter is written as follows. All examples at once: A^l, Z^l, Y, \\Delta^l. The average cost: J.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from .dots import ends, inner
from .fold import fold
from .tree import (
    ALL,
    EXAMPLES,
    Add,
    Apply,
    Identity,
    Index,
    Kronecker,
    Layer,
    Negative,
    Node,
    Norm,
    Number,
    Ones,
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
)

GREEK = re.compile(
    r"(?<![A-Za-z])(?:alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|theta|kappa|lambda|mu|nu|rho|sigma|tau|(?:var)?phi|omega|"
    r"Delta|Sigma)(?![A-Za-z])"
)
MATRICES = {"a": "A", "z": "Z", "y": "Y", "delta": "Delta", "w": "W", "b": "B", "C": "C", "J": "J"}


class Level(IntEnum):
    """How tightly a piece holds together."""

    SUM = 0  # a + b
    NEGATIVE = 1  # -a
    MARKED = 2  # a ⊙ b, a · b
    OPEN = 3  # \sum_k a b: takes in what follows
    PRODUCT = 4  # a b
    QUOTIENT = 5  # a/b: at most the first factor
    CLOSED = 6  # a^l_j, \frac{a}{b}: one factor, but no base of a power
    ATOM = 7


@dataclass(frozen=True)
class Written:
    """A piece of text. array: a vector or a matrix, as far as the letters say. dots: indices that dots in it sum over."""

    text: str
    level: Level
    array: bool = False
    dots: str = ""

    def at(self, level: Level) -> str:
        """In brackets if it holds together less than that."""
        return self.text if self.level >= level else f"({self.text})"


def latex(node: Node) -> str:
    r"""LaTeX: \frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j is how the sides of BP4 read."""
    return _Latex().whole(node)


def plain(node: Node) -> str:
    """Plain text: dC/dw[l,j,k] and a[l-1,k] * delta[l,j]."""
    return _Plain().whole(node)


def _pieces(node: Node) -> Iterable[Node]:
    """What stands in a node's text: its children; the first and the last block of dots; the z of Sigma'(z)."""
    if isinstance(node, Repeat):
        return ends(node)
    return children(node.argument) if isinstance(node, Apply) and _is_slope_matrix(node) else children(node)


def _is_slope_matrix(node: Apply) -> bool:
    inside = node.argument
    return node.function == "diag" and isinstance(inside, Apply) and inside.function == "sigma" and inside.order == 1


class _Latex:
    """One method a kind of node, from the texts of its pieces."""

    hadamard, dot = r" \odot ", r" \cdot "

    def whole(self, node: Node) -> str:
        return self.summed(fold(node, _pieces, self.write)).text

    def write(self, node: Node, of: list[Written]) -> Written:
        if not isinstance(node, Product | Sum):
            of = [self.summed(piece) for piece in of]
        array = any(piece.array for piece in of)
        match node:
            case Number(value):
                return self.number(value)
            case Quantity():
                return self.quantity(node)
            case Variable(name):
                return Written(self.name(name), Level.ATOM)
            case Size() | Ones() | Identity() | Kronecker():
                return self.constant(node)
            case Add():
                return Written(self.sum(of), Level.SUM, array)
            case Negative():
                return Written(f"-{of[0].at(Level.MARKED)}", Level.NEGATIVE, array)
            case Product():
                return self.product(node, of, array)
            case Quotient():
                return self.quotient(*of)
            case Power():
                return self.power(*of)
            case Transpose():
                return self.transpose(of[0])
            case Norm():
                return self.norm(of[0])
            case Sum():
                return self.sum_over(node, of[0])
            case SumOver(axis=axis):
                return self.call("np.sum", f"{of[0].text}, axis={int(axis == 'examples')}, keepdims=True", True)
            case Apply():
                return self.apply(node, of[0])
            case Partial():
                return self.partial(node, *of)
            case Repeat():
                return self.dots(node, *of)
        raise TypeError(f"{type(node).__name__} is no node of the tree.")

    def number(self, value: Fraction) -> Written:
        if value < 0:
            return Written("-" + self.number(-value).at(Level.PRODUCT), Level.NEGATIVE)
        if value.denominator == 1:
            return Written(str(value), Level.ATOM)
        return self.quotient(Written(str(value.numerator), Level.ATOM), Written(str(value.denominator), Level.ATOM))

    def name(self, name: str) -> str:
        """Greek letters as commands."""
        return GREEK.sub(r"\\\g<0>", name)

    def index(self, index: Index) -> str:
        """m1 is m_1."""
        return re.sub(r"^([a-zA-Z])(\d+)", r"\1_\2", self.name(str(index)))

    def quantity(self, q: Quantity) -> Written:
        letter = self.name(MATRICES[q.letter] if q.example == ALL else q.letter)
        example = "" if q.example is None or q.example == ALL else self.index(q.example)
        if q.letter in ("C", "J"):
            return Written(letter + _script("_", example), Level.ATOM)
        below = [self.index(index) for index in q.indices]
        apart = "" if all(len(index.rstrip("'")) == 1 for index in below) else ","
        if q.letter == "y":
            called = f"({example})" if example else ""
            return Written(letter + _script("_", apart.join(below)) + called, Level.ATOM, not below)
        above = ",".join(filter(None, (example, str(q.layer))))
        return Written(letter + _script("^", above) + _script("_", apart.join(below)), Level.CLOSED, not below)

    def constant(self, node: Size | Ones | Identity | Kronecker) -> Written:
        match node:
            case Size(layer):
                return Written("n" if layer == EXAMPLES else "n" + _script("_", str(layer)), Level.ATOM)
            case Ones(layer):
                return Written(r"\mathbf{1}" + _script("_", "n" if layer == EXAMPLES else str(layer)), Level.ATOM, True)
            case Kronecker(i, j):
                return Written(f"[{self.index(i)} = {self.index(j)}]", Level.ATOM)
        return Written("I", Level.ATOM, True)

    def sum(self, terms: list[Written]) -> str:
        texts = [terms[0].at(Level.NEGATIVE)]
        for term in terms[1:]:
            minus = term.level == Level.NEGATIVE
            texts.append(f" - {term.text[1:]}" if minus else f" + {term.at(Level.MARKED)}")
        return "".join(texts)

    def product(self, node: Product, of: list[Written], array: bool) -> Written:
        if node.kind == "hadamard":
            return Written(self.hadamard.join(piece.at(Level.CLOSED) for piece in of), Level.MARKED, array)
        if node.kind == "dot":
            return Written(self.dot.join(piece.at(Level.CLOSED) for piece in of), Level.MARKED, array)
        last = of[-1].level == Level.OPEN
        texts = [piece.at(Level.CLOSED) for piece in of]
        texts[0] = of[0].at(Level.QUOTIENT)
        texts[-1] = of[-1].text if last else texts[-1]
        made = texts[0]
        for i, text in enumerate(texts[1:]):
            made += self.between(of[i], of[i + 1], text) + text
        return Written(made, Level.OPEN if last else Level.PRODUCT, array, "".join(piece.dots for piece in of))

    def between(self, left: Written, right: Written, text: str) -> str:
        """What stands between two factors."""
        return r" \cdot " if text[0].isdigit() else " "

    def quotient(self, above: Written, below: Written) -> Written:
        return Written(rf"\frac{{{above.text}}}{{{below.text}}}", Level.CLOSED, above.array or below.array)

    def power(self, base: Written, exponent: Written) -> Written:
        return Written(base.at(Level.ATOM) + _script("^", exponent.text), Level.CLOSED, base.array)

    def transpose(self, body: Written) -> Written:
        return Written(body.at(Level.ATOM) + "^T", Level.CLOSED, body.array)

    def norm(self, body: Written) -> Written:
        return Written(rf"\|{body.text}\|", Level.ATOM)

    def sum_over(self, node: Sum, body: Written) -> Written:
        index, bounds = self.index(node.index), ""
        if node.over is not None:
            index, bounds = f"{index}=1", self.constant(Size(node.over)).text
        index += "," * bool(body.dots) + body.dots
        return Written(rf"\sum{_script('_', index)}{_script('^', bounds)} {body.at(Level.OPEN)}", Level.OPEN, body.array)

    def call(self, function: str, inside: str, array: bool) -> Written:
        return Written(rf"\operatorname{{{function}}}({inside})", Level.ATOM, array)

    def apply(self, node: Apply, of: Written) -> Written:
        match node.function:
            case "sigma":
                primes = "'" * node.order if node.order < 4 else f"^{{({node.order})}}"
                return Written(rf"\sigma{_script('_', str(node.layer or ''))}{primes}({of.text})", Level.ATOM, of.array)
            case "exp":
                return Written(f"e^{{{of.text}}}", Level.CLOSED, of.array)
            case "log" | "tanh":
                return Written(rf"\{'ln' if node.function == 'log' else 'tanh'}({of.text})", Level.ATOM, of.array)
            case "sqrt":
                return Written(rf"\sqrt{{{of.text}}}", Level.ATOM, of.array)
            case "abs":
                return Written(f"|{of.text}|", Level.ATOM, of.array)
            case "max0":
                return Written(rf"\max(0, {of.text})", Level.ATOM, of.array)
            case "diag" if _is_slope_matrix(node):
                return Written(rf"\Sigma'({of.text})", Level.ATOM, True)
        return self.call("diag", of.text, True)

    def partial(self, node: Partial, of: Written, by: Written) -> Written:
        array = of.array or by.array
        if _is_nabla_a(node):
            return Written(rf"\nabla_a {of.text}", Level.CLOSED, True)
        if isinstance(node.of, Quantity | Variable | Apply):
            return Written(rf"\frac{{\partial {of.text}}}{{\partial {by.text}}}", Level.CLOSED, array)
        return Written(rf"\frac{{\partial}}{{\partial {by.text}}} ({of.text})", Level.OPEN, array)

    def dots(self, node: Repeat, first: Written, last: Written) -> Written:
        """\\ldots between the first and the last factor; the sums between factors with indices are left to `summed`."""
        between = ",".join((inner(node)[0], r"\ldots", inner(node)[1])) if node.left is not None else ""
        return Written(rf"{first.at(Level.PRODUCT)} \ldots {last.at(Level.PRODUCT)}", Level.CLOSED, first.array, between)

    def summed(self, piece: Written) -> Written:
        """With the sum over the indices between the factors of dots."""
        if not piece.dots:
            return piece
        return Written(rf"\sum{_script('_', piece.dots)} {piece.at(Level.OPEN)}", Level.OPEN)


class _Plain(_Latex):
    """The same in plain text, which has no fractions and no superscripts but brackets instead."""

    hadamard, dot = " ⊙ ", " · "

    def name(self, name: str) -> str:
        return name

    def index(self, index: Index) -> str:
        return str(index)

    def quantity(self, q: Quantity) -> Written:
        letter = MATRICES[q.letter] if q.example == ALL else q.letter
        example = "" if q.example is None or q.example == ALL else str(q.example)
        if q.letter == "y":
            below = ",".join(map(str, q.indices))
            called = f"({example})" if example else ""
            return Written(f"y[{below}]{called}" if below else letter + called, Level.ATOM, not below)
        layer = "" if q.layer is None else str(q.layer)
        inside = ",".join(filter(None, (example, layer, *map(str, q.indices))))
        return Written(letter + (f"[{inside}]" if inside else ""), Level.ATOM, not q.indices and q.letter not in ("C", "J"))

    def constant(self, node: Size | Ones | Identity | Kronecker) -> Written:
        match node:
            case Size(layer):
                return Written("n" if layer == EXAMPLES else f"n[{layer}]", Level.ATOM)
            case Ones(layer):
                return Written("ones" if layer == EXAMPLES else f"ones[{layer}]", Level.ATOM, True)
        return super().constant(node)

    def between(self, left: Written, right: Written, text: str) -> str:
        return " @ " if left.array and right.array else " * "

    def quotient(self, above: Written, below: Written) -> Written:
        return Written(f"{above.at(Level.CLOSED)}/{below.at(Level.ATOM)}", Level.QUOTIENT, above.array or below.array)

    def power(self, base: Written, exponent: Written) -> Written:
        return Written(f"{base.at(Level.ATOM)}^{exponent.at(Level.ATOM)}", Level.CLOSED, base.array)

    def transpose(self, body: Written) -> Written:
        return Written(f"{body.at(Level.ATOM)}ᵀ", Level.CLOSED, body.array)

    def norm(self, body: Written) -> Written:
        return self.call("norm", body.text, False)

    def sum_over(self, node: Sum, body: Written) -> Written:
        bounds = "" if node.over is None else f"=1..{self.constant(Size(node.over)).text}"
        bounds += f",{body.dots}" if body.dots else ""
        return self.call("sum", f"{node.index}{bounds}, {body.text}", body.array)

    def call(self, function: str, inside: str, array: bool) -> Written:
        return Written(f"{function}({inside})", Level.ATOM, array)

    def apply(self, node: Apply, of: Written) -> Written:
        match node.function:
            case "sigma":
                layer = f"[{node.layer}]" if node.layer else ""
                return self.call("sigma" + layer + "'" * node.order, of.text, of.array)
            case "max0":
                return self.call("max", f"0, {of.text}", of.array)
            case "diag" if _is_slope_matrix(node):
                return self.call("Sigma'", of.text, True)
        return self.call(node.function, of.text, of.array)

    def partial(self, node: Partial, of: Written, by: Written) -> Written:
        if _is_nabla_a(node):
            return Written(f"∇_a {of.text}", Level.CLOSED, True)
        letter = isinstance(node.of, Quantity | Variable)
        text = f"d{of.text}/d{by.text}" if letter else f"∂({of.text})/∂{by.text}"
        return Written(text, Level.CLOSED, of.array or by.array)

    def dots(self, node: Repeat, first: Written, last: Written) -> Written:
        sign = " @ " if first.array else " * "
        between = ",".join((inner(node)[0], "...", inner(node)[1])) if node.left is not None else ""
        return Written(f"{first.at(Level.PRODUCT)}{sign}...{sign}{last.at(Level.PRODUCT)}", Level.CLOSED, first.array, between)

    def summed(self, piece: Written) -> Written:
        return self.call("sum", f"{piece.dots}, {piece.text}", False) if piece.dots else piece


def _script(sign: str, text: str) -> str:
    return "" if not text else sign + (text if len(text) == 1 else f"{{{text}}}")


def _is_nabla_a(node: Partial) -> bool:
    """All slopes of C in the outputs."""
    of, by = node.of, node.by
    return isinstance(of, Quantity) and of.letter == "C" and by == Quantity("a", Layer("L"), (), of.example)
