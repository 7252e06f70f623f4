"""A network with numbers in it, and a pass through it while something is moved by an infinitesimal.

A partial derivative is what comes of moving one thing and holding what it does not feed: z^l_j is moved after it was computed,
and only what lies above is computed again. No formula for a derivative is used anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from .epsilon import FUNCTIONS, Eps, Number, coefficient, divide, exp, log, mp, power, tanh

Vector: TypeAlias = list[Number]


class Shift(NamedTuple):
    """letter^layer_place (of one example, or of all for w and b; or a variable) moved by the infinitesimal `mask`."""

    letter: str
    layer: int
    place: tuple[Any, ...]
    example: int | None
    mask: int


@dataclass(frozen=True)
class Drawn:
    """A network as it was drawn. w[l][j][k], b[l][j], x[example][k], y[example][j], from 0 in lists.

    sigma[l]: coefficients of a polynomial, from the constant on; sigma[1] is nobody's, the sigma of a plain sigma(z).
    mixing: softmax only, s_jk and t_jk of a^L_j = z_j sum_k s_jk z_k + sum_k t_jk z_k. cost: coefficients, see `Pass.cost`.
    """

    sizes: dict[int, int]
    w: dict[int, list[list[Any]]]
    b: dict[int, list[Any]]
    x: list[list[Any]]
    y: list[list[Any]]
    sigma: dict[int, tuple[int, ...]]
    mixing: tuple[list[list[int]], list[list[int]]] | None
    cost: dict[str, Any]
    variables: dict[str, Any]

    @property
    def L(self) -> int:
        """The number of layers."""
        return len(self.sizes)


@dataclass(frozen=True)
class Rules:
    """What the line's setting fixes of every network: sigma and cost by name or as a function, softmax itself, exact or not."""

    exact: bool = True
    sigma: str | Callable[[Run], Number] | None = None  # a function of the variable z
    softmax: bool = False
    within: bool = False  # a^L between 0 and 1, for a cost with logarithms
    cost: str | Callable[[Run], Number] | None = None


@dataclass(eq=False)
class Run:
    """A network with its layer variables and indices set, and with what is moved at the moment.

    example: the one example of quantities that name none, from 0.
    """

    net: Drawn
    rules: Rules
    layers: dict[str, int] = field(default_factory=dict)
    index: dict[Any, int] = field(default_factory=dict)
    example: int = 0
    shifts: tuple[Shift, ...] = ()
    largest: Number = 1
    bound: Number | None = None  # the z of a sigma that is given by its formula, while it is computed
    _known: dict[Any, Any] = field(default_factory=dict)

    def number(self, value: Any) -> Number:
        """A fraction as this run computes with it."""
        if self.rules.exact:
            return int(value) if isinstance(value, Fraction) and value.denominator == 1 else value
        return mp().mpf(value.numerator) / value.denominator

    def slope(self, of: Callable[[Run], Any], letter: str, layer: int, place: tuple[Any, ...], example: int | None) -> Any:
        """The derivative of a value (a number or rows of numbers) by one thing, all that it does not feed held."""
        self.check_time()
        held, mask = self.shifts, 1 << len(self.shifts)
        self.shifts = (*held, Shift(letter, layer, place, example, mask))
        try:
            value = of(self)
        finally:
            self.shifts = held
        return [[coefficient(v, mask) for v in row] for row in value] if isinstance(value, list) else coefficient(value, mask)

    def check_time(self) -> None:
        """Nothing here; a run with a deadline ends there."""

    def variable(self, name: str) -> Number:
        """A plain number with a name."""
        if name == "z" and self.bound is not None:
            return self.bound
        moved = [s.mask for s in self.shifts if s.letter == "variable" and s.place == (name,)]
        return _moved(self.number(self.net.variables[name]), moved)

    def w(self, l: int) -> list[Vector]:
        """The matrix w^l."""
        return self._weights(l, self.shifts)

    def b(self, l: int) -> Vector:
        """The vector b^l."""
        return self._moved_vector([self.number(v) for v in self.net.b[l]], "b", l, self.shifts)

    def y(self, example: int) -> Vector:
        """The desired output."""
        return [self.number(v) for v in self.net.y[example]]

    def z(self, l: int, example: int) -> Vector:
        """The weighted inputs of layer l."""
        return self._forward(self._touching(example), example)[0][l]

    def a(self, l: int, example: int) -> Vector:
        """The activations of layer l."""
        return self._forward(self._touching(example), example)[1][l]

    def delta(self, l: int, example: int) -> Vector:
        """The errors of layer l: dC_x/dz^l_j for each j."""
        key = ("delta", l, self.shifts, example)
        if key not in self._known:
            spans = range(self.net.sizes[l])
            self._known[key] = [self.slope(lambda run: run.C(example), "z", l, (j,), example) for j in spans]
        return self._known[key]

    def C(self, example: int) -> Number:
        """The cost of one example."""
        key = ("C", self.shifts, example)
        if key not in self._known:
            self._known[key] = self._cost(example)
        return self._known[key]

    def J(self) -> Number:
        """The average cost."""
        n = len(self.net.x)
        return divide(sum((self.C(x) for x in range(n)), 0), n)

    def sigma(self, l: int, t: Number, order: int = 0) -> Number:
        """sigma of layer l (of 1: of no layer), or its derivative of that order."""
        if order:
            masks = [1 << len(self.shifts) + i for i in range(order)]
            return coefficient(self.sigma(l, t + Eps({0: 0} | dict.fromkeys(masks, 1))), sum(masks))
        if callable(self.rules.sigma):
            held, self.bound = self.bound, t
            try:
                return self.rules.sigma(self)
            finally:
                self.bound = held
        if self.rules.sigma:
            return FUNCTIONS[self.rules.sigma](t)
        value: Number = 0
        for c in reversed(self.net.sigma[l]):
            value = value * t + c
        return divide(2 + tanh(value), 4) if self.rules.within and l == self.net.L else value

    def output(self, z: Vector) -> Vector:
        """a^L, of all of z^L where it is vector-valued."""
        if self.rules.softmax:
            powers = [exp(t) for t in z]
            return [divide(p, sum(powers, 0)) for p in powers]
        if self.net.mixing:
            s, t = self.net.mixing
            return [z[j] * _dot(s[j], z) + _dot(t[j], z) for j in range(len(z))]
        return [self.sigma(self.net.L, t) for t in z]

    def _touching(self, example: int) -> tuple[Shift, ...]:
        return tuple(s for s in self.shifts if s.letter != "variable" and s.example in (None, example))

    def _forward(self, shifts: tuple[Shift, ...], example: int) -> tuple[dict[int, Vector], dict[int, Vector]]:
        if (shifts, example) in self._known:
            return self._known[shifts, example]
        z: dict[int, Vector] = {}
        a: dict[int, Vector] = {}
        start = 1
        if shifts:
            start = shifts[-1].layer
            z, a = (dict(values) for values in self._forward(shifts[:-1], example))
        for l in range(start, self.net.L + 1):
            if l == 1:
                a[l] = [self.number(v) for v in self.net.x[example]]
            else:
                b = self._moved_vector([self.number(v) for v in self.net.b[l]], "b", l, shifts)
                z[l] = [_dot(row, a[l - 1]) + b_j for row, b_j in zip(self._weights(l, shifts), b, strict=True)]
                z[l] = self._moved_vector(z[l], "z", l, shifts)
                a[l] = self.output(z[l]) if l == self.net.L else [self.sigma(l, t) for t in z[l]]
            a[l] = self._moved_vector(a[l], "a", l, shifts)
        if not self.rules.exact and not shifts:
            self.largest = max(self.largest, *(abs(v) for values in (*z.values(), *a.values()) for v in values))
        self._known[shifts, example] = z, a
        return z, a

    def _weights(self, l: int, shifts: tuple[Shift, ...]) -> list[Vector]:
        if ("w", l) not in self._known:
            self._known["w", l] = [[self.number(v) for v in row] for row in self.net.w[l]]
        rows = self._known["w", l]
        moved = [s for s in shifts if s.letter == "w" and s.layer == l]
        if moved:
            rows = [list(row) for row in rows]
            for s in moved:
                j, k = s.place
                rows[j][k] = _moved(rows[j][k], [s.mask])
        return rows

    @staticmethod
    def _moved_vector(values: Vector, letter: str, l: int, shifts: tuple[Shift, ...]) -> Vector:
        for s in shifts:
            if s.letter == letter and s.layer == l:
                values = [_moved(v, [s.mask]) if (j,) == s.place else v for j, v in enumerate(values)]
        return values

    def _cost(self, example: int) -> Number:
        if callable(self.rules.cost):
            held, self.example = self.example, example
            try:
                return self.rules.cost(self)
            finally:
                self.example = held
        a, y = self.a(self.net.L, example), self.y(example)
        if self.rules.cost is not None:
            return NAMED_COSTS[self.rules.cost](a, y)
        return _polynomial_cost(self.net.cost, a, y)


def _polynomial_cost(c: Mapping[str, Any], a: Vector, y: Vector) -> Number:
    """sum_j a_j (c_j + sum_i (d_ji a_i + e_ji y_i)) + f (sum_j a_j)^degree, not separable."""
    squares = ([*c["d"][j], *c["e"][j]] for j in range(len(a)))
    total = sum((a_j * (c_j + _dot(row, [*a, *y])) for a_j, c_j, row in zip(a, c["c"], squares, strict=True)), 0)
    if c["f"]:
        total = total + power(sum(a, 0), c["degree"]) * c["f"]
    return total


def _quadratic(a: Vector, y: Vector) -> Number:
    off = [u - v for u, v in zip(y, a, strict=True)]
    return divide(_dot(off, off), 2)


def _cross_entropy(a: Vector, y: Vector) -> Number:
    return -sum((y_j * log(a_j) + (1 - y_j) * log(1 - a_j) for a_j, y_j in zip(a, y, strict=True)), 0)


def _log_likelihood(a: Vector, y: Vector) -> Number:
    return -sum((y_j * log(a_j) for a_j, y_j in zip(a, y, strict=True)), 0)


NAMED_COSTS: dict[str, Callable[[Vector, Vector], Number]] = {
    "quadratic": _quadratic,
    "cross_entropy": _cross_entropy,
    "log_likelihood": _log_likelihood,
}


def _dot(u: list[Any], v: Vector) -> Number:
    total: Number = 0
    for u_k, v_k in zip(u, v, strict=True):
        if not (isinstance(u_k, int) and u_k == 0):
            total = total + v_k * u_k
    return total


def _moved(value: Number, masks: list[int]) -> Number:
    return value + Eps({0: 0} | dict.fromkeys(masks, 1)) if masks else value
