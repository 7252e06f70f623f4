"""Written as plain text, arithmetic means to Python's own grammar what the tree means."""

import ast
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from backprop_ref.derivation.notation import write
from backprop_ref.derivation.notation.tree import Add, Negative, Number, Power, Product, Quotient

numbers = st.fractions(-9, 9, max_denominator=5).map(Number)
TWO = Number(Fraction(2))


def larger(trees):
    several = st.lists(trees, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(Add),
        several.map(Product),
        trees.map(Negative),
        trees.map(lambda base: Power(base, TWO)),
        st.builds(Quotient, trees, trees),
    )


def value(node):
    """What a tree is worth; a quotient by 0 is 0, on both sides."""
    match node:
        case Number(value=v):
            return v
        case Add(terms):
            return sum(map(value, terms))
        case Product(factors):
            worth = Fraction(1)
            for factor in factors:
                worth *= value(factor)
            return worth
        case Negative(body):
            return -value(body)
        case Power(base, _):
            return value(base) ** 2
        case Quotient(above, below):
            return ratio(value(above), value(below))


def ratio(above, below):
    return above / below if below else Fraction(0)


def python(node):
    """The same of Python's syntax tree."""
    match node:
        case ast.Constant(n):
            return Fraction(n)
        case ast.UnaryOp(ast.USub(), body):
            return -python(body)
        case ast.BinOp(left, ast.Add(), right):
            return python(left) + python(right)
        case ast.BinOp(left, ast.Sub(), right):
            return python(left) - python(right)
        case ast.BinOp(left, ast.Mult(), right):
            return python(left) * python(right)
        case ast.BinOp(left, ast.Div(), right):
            return ratio(python(left), python(right))
        case ast.BinOp(left, ast.Pow(), right):
            return python(left) ** int(python(right))
    raise AssertionError(ast.dump(node))


@given(st.recursive(numbers, larger, max_leaves=12))
def test_plain_text_means_what_the_tree_means(tree):
    text = write.plain(tree)
    assert python(ast.parse(text.replace("^", "**"), mode="eval").body) == value(tree)
