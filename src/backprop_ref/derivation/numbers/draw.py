"""Networks drawn by Hypothesis, so that the simplest is a thin one with weights 1, x = 1, no biases and sigma(z) = z."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st

from .network import Drawn, Rules
from .shapes import Demands, number

POLYNOMIALS = ((0, 1), (0, 0, 1), (0, 1, 1), (0, 0, 0, 1), (1, -1, 1), (0, 2, 0, 1), (1, 1, -1, 1), (0, -1, 2), (2, 1, 1, -1))
SHORT = tuple(p for p in POLYNOMIALS if len(p) < 4)  # of degree 2 at most, for deep networks and for rounded numbers
FACTORS = (1, 2, -1, 3, -2, 5, -3, 4)
SHIFTS = (0, 1, -1, 2, -2, 3)
SMALL_FACTORS = (1, 2, -1, Fraction(1, 2), Fraction(-3, 2), Fraction(3, 4))  # for rounded numbers
SMALL_SHIFTS = (0, 1, -1, Fraction(1, 2), Fraction(-1, 4))
WITHIN = (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4), Fraction(1, 5), 0, 1)  # targets for a cost with logarithms
DEEP = 5


@dataclass(frozen=True)
class Wanted:
    """What networks a line needs. one_hot: y is a class, for softmax and its cost.

    order: how many derivatives are taken one in another.
    """

    demands: Demands
    rules: Rules
    thin: bool
    mixing: bool
    one_hot: bool
    depths: tuple[int, ...]
    order: int

    @property
    def degree(self) -> int:
        """Of the highest power in sigma or cost, so that no derivative in the line is constant for want of one."""
        return max(3, self.order + 1)

    def polynomials(self, L: int) -> tuple[tuple[int, ...], ...]:
        """What sigma is drawn from."""
        usual = POLYNOMIALS if self.rules.exact and L < DEEP else SHORT
        if self.order + 1 < max(map(len, usual)):
            return usual
        return (*usual, (*[0] * self.degree, 1), (0, 1, *[0] * (self.degree - 2), 1))


@st.composite
def networks(draw: st.DrawFn, wanted: Wanted) -> Drawn:
    """Networks with all that the line speaks of. Shrinks to few layers, one neuron in each, and small whole numbers."""
    rules, demands = wanted.rules, wanted.demands
    L = draw(st.sampled_from(wanted.depths))
    widest = 1 if wanted.thin else 2 if L >= DEEP else 3
    least = least_sizes(wanted, L)
    more = _row(draw, L, tuple(range(widest)))
    sizes = {l: least[l] + more[l - 1] for l in range(1, L + 1)}
    m = draw(st.integers(demands.examples, demands.examples + 2)) if demands.many_examples else 1
    factors, shifts = (FACTORS, SHIFTS) if rules.exact else (SMALL_FACTORS, SMALL_SHIFTS)
    polynomials = _row(draw, L, wanted.polynomials(L))
    sigma = dict(enumerate(polynomials, 1))
    n_L = sizes[L]
    cost = _cost(draw, n_L, wanted.degree) if rules.cost is None else {}
    mixing = (_table(draw, n_L, n_L, FACTORS), _table(draw, n_L, n_L, SHIFTS)) if wanted.mixing else None
    w = {l: _table(draw, sizes[l], sizes[l - 1], factors) for l in range(2, L + 1)}
    b = {l: _row(draw, sizes[l], shifts) for l in range(2, L + 1)}
    x = _table(draw, m, sizes[1], factors)
    if wanted.one_hot:
        hot = _row(draw, m, tuple(range(n_L)))
        y = [[int(j == h) for j in range(n_L)] for h in hot]
    else:
        y = _table(draw, m, n_L, WITHIN if rules.within else shifts)
    variables = dict(zip(sorted(demands.names), _row(draw, len(demands.names), factors), strict=True))
    return Drawn(sizes, w, b, x, y, sigma, mixing, cost, variables)


def least_sizes(wanted: Wanted, L: int) -> dict[int, int]:
    """How many neurons each layer needs for the numbered ones that the line speaks of."""
    least = dict.fromkeys(range(1, L + 1), 1)
    for layers in wanted.demands.places(L):
        for layer, n in wanted.demands.neurons:
            if layer.base in ("", *layers):
                p = number(layer, layers)
                least[p] = max(least[p], n)
    return least


def _cost(draw: st.DrawFn, n_L: int, degree: int) -> dict[str, Any]:
    return {
        "c": _row(draw, n_L, FACTORS),
        "d": _table(draw, n_L, n_L, SHIFTS),
        "e": _table(draw, n_L, n_L, SHIFTS),
        "f": _row(draw, 1, (0, 1))[0],
        "degree": degree,
    }


def _row(draw: st.DrawFn, n: int, values: tuple[Any, ...]) -> list[Any]:
    return draw(_listed(n, values)) if n else []


@cache
def _listed(n: int, values: tuple[Any, ...]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=n, max_size=n)


def _table(draw: st.DrawFn, rows: int, columns: int, values: tuple[Any, ...]) -> list[list[Any]]:
    flat = _row(draw, rows * columns, values)
    return [flat[i * columns : (i + 1) * columns] for i in range(rows)]
