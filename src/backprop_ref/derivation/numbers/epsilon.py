"""Numbers with formal infinitesimals: u + v eps, with eps^2 = 0 for each of several eps. What stands at eps is the derivative.

An Eps holds a number for each product of infinitesimals; the k-th infinitesimal is bit k of a product's mask, 0 is the
ordinary part. Numbers are ints and Fractions, or mpmath's reals in 50 digits. Functions follow from their series, which end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from math import factorial
from typing import Any, TypeAlias

Number: TypeAlias = Any  # int, Fraction, mpf or Eps: one arithmetic for all
DIGITS = 50
LARGEST_EXPONENT = 64
LARGEST_BITS = 200_000


class Undefined(ArithmeticError):
    """No value here: a division by zero, the logarithm of zero, a number too large."""


@cache
def mp() -> Any:
    """mpmath with 50 digits, a context of our own. Raises ImportError if it is not installed."""
    from mpmath import MPContext

    context = MPContext()
    context.dps = DIGITS
    return context


class Eps:
    """A number with infinitesimal parts. terms: mask of a product of infinitesimals -> what stands at it."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[int, Number]) -> None:
        self.terms = terms

    def __add__(self, other: Number) -> Eps:
        terms = dict(self.terms)
        for mask, v in parts(other):
            terms[mask] = terms.get(mask, 0) + v
        return Eps(terms)

    __radd__ = __add__

    def __neg__(self) -> Eps:
        return Eps({mask: -v for mask, v in self.terms.items()})

    def __sub__(self, other: Number) -> Eps:
        return self + -other

    def __rsub__(self, other: Number) -> Eps:
        return -self + other

    def __mul__(self, other: Number) -> Eps:
        if not isinstance(other, Eps):
            return Eps({mask: v * other for mask, v in self.terms.items()})
        terms: dict[int, Number] = {}
        for m, u in self.terms.items():
            for n, v in other.terms.items():
                if not m & n:  # else eps^2 = 0
                    terms[m | n] = terms.get(m | n, 0) + u * v
        return Eps(terms)

    __rmul__ = __mul__


def parts(x: Number) -> Iterator[tuple[int, Number]]:
    """Each product of infinitesimals of x with what stands at it."""
    yield from x.terms.items() if isinstance(x, Eps) else ((0, x),)


def ordinary(x: Number) -> Number:
    """x without its infinitesimals."""
    return x.terms.get(0, 0) if isinstance(x, Eps) else x


def coefficient(x: Number, mask: int) -> Number:
    """What stands at a product of infinitesimals, with what other infinitesimals there are."""
    terms = {m & ~mask: v for m, v in parts(x) if m & mask == mask}
    return terms.get(0, 0) if not terms.keys() - {0} else Eps(terms)


def divide(x: Number, y: Number) -> Number:
    """x / y. Raises Undefined if the ordinary part of y is 0."""
    u = ordinary(y)
    if u == 0:
        raise Undefined("division by zero")
    inverse = Fraction(1, u) if isinstance(u, int) else 1 / u
    if isinstance(y, Eps):
        inverse = _series(y * inverse, lambda k: (-1) ** k) * inverse
    return x * inverse


def power(x: Number, exponent: int) -> Number:
    """x to a whole exponent, by products. Raises Undefined if the number would be too large."""
    if exponent < 0:
        return power(divide(1, x), -exponent)
    if exponent > LARGEST_EXPONENT or _bits(ordinary(x)) * exponent > LARGEST_BITS:
        raise Undefined("a power too large to compute")
    result: Number = 1
    for _ in range(exponent):
        result = result * x
    return result


def exp(x: Number) -> Number:
    """e^x."""
    u = ordinary(x)
    if abs(u) > 10**6:
        raise Undefined("an exponential too large to compute")
    at = mp().exp(u)
    return at * _series(x - u + 1, lambda k: Fraction(1, factorial(k))) if isinstance(x, Eps) else at


def log(x: Number) -> Number:
    """The natural logarithm. Raises Undefined if it is not real."""
    u = ordinary(x)
    if u <= 0:
        raise Undefined("the logarithm of a number that is not positive")
    at = mp().log(u)
    return at + _series(x * (1 / u), lambda k: Fraction(-((-1) ** k), k) if k else 0) if isinstance(x, Eps) else at


def tanh(x: Number) -> Number:
    """The hyperbolic tangent, from two exponentials."""
    up, down = exp(x), exp(-x)
    return divide(up - down, up + down)


def sqrt(x: Number) -> Number:
    """The square root. Raises Undefined if it is not real, or where it has no derivative and one is asked for."""
    if ordinary(x) < 0:
        raise Undefined("the square root of a negative number")
    if not isinstance(x, Eps):
        return mp().sqrt(x)
    root = mp().sqrt(ordinary(x))
    return root * exp(log(divide(x, ordinary(x))) * Fraction(1, 2))


def absolute(x: Number) -> Number:
    """|x|. Raises Undefined if 0 is moved: there is no derivative."""
    return -x if _off_kink(x) < 0 else x


def max0(x: Number) -> Number:
    """max(0, x). Raises Undefined if 0 is moved: there is no derivative."""
    return x if _off_kink(x) > 0 else 0


def sigmoid(x: Number) -> Number:
    """1 / (1 + e^-x)."""
    return divide(1, 1 + exp(-x))


def softplus(x: Number) -> Number:
    """ln(1 + e^x)."""
    return log(1 + exp(x))


FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "exp": exp, "log": log, "tanh": tanh, "sqrt": sqrt, "abs": absolute, "max0": max0,
    "sigmoid": sigmoid, "softplus": softplus, "relu": max0, "linear": lambda x: x,
}  # fmt: skip
EXACT = ("abs", "max0", "relu", "linear")  # of fractions, fractions


def _series(x: Eps, coefficient_of: Callable[[int], Any]) -> Number:
    """sum_k c_k h^k for h, the infinitesimal part of x: it ends, for no infinitesimal comes twice."""
    h = Eps({mask: v for mask, v in x.terms.items() if mask})
    total, term, k = Eps({0: coefficient_of(0)}), h, 1
    while term.terms:
        c = coefficient_of(k)
        total = total + Eps({mask: _times(v, c) for mask, v in term.terms.items()})
        term, k = term * h, k + 1
    return total


def _off_kink(x: Number) -> Number:
    u = ordinary(x)
    if u == 0 and any(v for mask, v in parts(x) if mask):
        raise Undefined("a slope at a kink")
    return u


def _times(v: Number, c: Any) -> Number:
    return v * c.numerator / c.denominator if isinstance(c, Fraction) and not isinstance(v, int | Fraction) else v * c


def _bits(x: Number) -> int:
    return x.numerator.bit_length() + x.denominator.bit_length() if isinstance(x, int | Fraction) else 1
