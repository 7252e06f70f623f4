"""The exact gradient over fractions, from values of C alone: nothing is rounded, and nothing is differentiated.

With polynomial activations and a polynomial cost, C is a polynomial in each parameter and in each z^l_j. Move one of
them by h, and C(h) = c_0 + c_1 h + ... + c_D h^D with a known D; c_1 is the derivative at the point. A polynomial is
settled by its values at a few points, so over Fraction c_1 follows exactly from C at h = ±1, ±2, ..., ±p.

x, y, w, b   floats are taken as what they are, binary fractions; x and y may be Fractions themselves
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import comb, prod
from numbers import Rational
from typing import Any

import numpy as np

from ..errors import FormMissing, TooLarge, ValueRefused
from ..gradient import Gradient
from ..network import Network, Numbered, divisor

HIGHEST_DEGREE = 1000

Values = dict[int, Fraction]


def exact(network: Network, X: Any, Y: Any, reduction: str = "mean") -> Gradient:
    """The gradient of C, of Fractions in object arrays, with no error at all: neuron.py over Fraction must equal it.

    X: (m, n_1) with Y: (m, n_L) or m integer class labels, for the mean cost over a mini-batch (reduction="sum": their
    sum) and delta[l] of shape (m, n_l); or one example, (n_1,) with (n_L,), for C_x and delta[l] of shape (n_l,).
    Every parameter is moved by itself, and so is every z^l_j, for delta^l_j; only what lies above is computed again.
    Raises FormMissing if an activation or the cost is no polynomial, ValueRefused if it is not of the degree it
    states, TooLarge if C has a degree above 1000; and as Network.batch and Network.example do.

    >>> network = Network.from_arrays([[[0.5]]], [[0.25]], "square")
    >>> exact(network, [1.0], [0.5]).nabla_w[2]  # C = ((w + 1/4)^2 - 1/2)^2 / 2
    array([[Fraction(3, 32)]], dtype=object)
    """
    net, degrees = network.over(Fraction), degrees_of_C(network)
    _require_stated_degrees(network, net)
    X, Y, single = _examples(network, X, Y)
    m = divisor(reduction, len(X))
    examples = [_one_example(net, degrees, x, y) for x, y in zip(X, Y, strict=True)]
    if single:
        return Gradient.from_numbered(*examples[0])
    nabla_w = {l: {jk: sum(e[0][l][jk] for e in examples) / m for jk in net.w[l]} for l in net.layers}
    nabla_b = {l: {j: sum(e[1][l][j] for e in examples) / m for j in net.neurons(l)} for l in net.layers if net.has_biases}
    return Gradient.from_numbered(nabla_w, nabla_b, {l: [e[2][l] for e in examples] for l in net.layers})


def degrees_of_C(network: Network) -> dict[int, int]:
    """The degree of C in a z^l_j, and in a parameter of layer l, for each l: sigma of l, ..., sigma of L, then the cost.

    Raises FormMissing, TooLarge.
    """
    stated = {f"activation {s.name!r} of layer {l}": s.degree for l, s in network.sigma.items()}
    stated[f"cost {network.cost.name!r}"] = network.cost.degree
    for what, degree in stated.items():
        if degree is None:
            raise FormMissing(
                f"The exact oracle needs polynomials, and the {what} is none: use linear, square or cube with a quadratic "
                "cost, state the degree of your own polynomial (degree=...), or use the central or complex-step oracle."
            )
    degrees = {l: prod(list(stated.values())[l - 2 :]) for l in network.layers}  # type: ignore[arg-type]
    if degrees[2] > HIGHEST_DEGREE:
        raise TooLarge(
            f"C is a polynomial of degree {degrees[2]:,} in the weights of layer 2, and the exact oracle is for degrees up to "
            f"{HIGHEST_DEGREE:,}; use fewer layers, lower powers, or the central or complex-step oracle."
        )
    return degrees


@cache
def weights_of_values(degree: int) -> dict[int, Fraction]:
    """The weight of each h in c_1 = sum_h weight_h (C(h) - C(-h)), for any polynomial C of at most that degree.

    (C(h) - C(-h)) / 2h = c_1 + c_3 h^2 + ... is a polynomial in h^2, and c_1 its value at 0, by Lagrange's formula.

    >>> weights_of_values(4)
    {1: Fraction(2, 3), 2: Fraction(-1, 12)}
    """
    points = range(1, (degree + 1) // 2 + 1)
    return {h: Fraction(1, 2 * h) * prod(Fraction(i * i, i * i - h * h) for i in points if i != h) for h in points}


def slope_at_0(C: Callable[[int], Fraction], degree: int) -> Fraction:
    """The derivative at h = 0 of a polynomial C(h) of at most that degree, from its values.

    >>> slope_at_0(lambda h: Fraction((7 + h) ** 3), 3)
    Fraction(147, 1)
    """
    return sum((weight * (C(h) - C(-h)) for h, weight in weights_of_values(degree).items()), start=Fraction(0))


@dataclass(frozen=True)
class _Point:
    """The network at one example: everything that one forward pass found."""

    net: Numbered
    sigma: Mapping[int, Callable[[Fraction], Fraction]]
    C: Callable[[Sequence[Fraction], Sequence[Fraction]], Fraction]
    y: Sequence[Fraction]
    z: Mapping[int, Values]
    a: Mapping[int, Values]

    @classmethod
    def of(cls, net: Numbered, x: Sequence[Fraction], y: Sequence[Fraction]) -> "_Point":
        sigma, (C, _) = net.sigma, net.cost
        z: dict[int, Values] = {}
        a: dict[int, Values] = {1: net.numbered(x)}
        for l in net.layers:
            z[l] = weighted_inputs(net, l, a[l - 1])
            a[l] = {j: sigma[l](z_j) for j, z_j in z[l].items()}
        return cls(net, sigma, C, y, z, a)

    def cost_moved(self, l: int, j: int, step: Fraction) -> Fraction:
        """C_x after z^l_j has moved by step: layer l + 1 by one column of its weights, whole layers above."""
        a_j = self.sigma[l](self.z[l][j] + step)
        if l == self.net.L:
            return self.C(list((self.a[l] | {j: a_j}).values()), self.y)
        change, w = a_j - self.a[l][j], self.net.w[l + 1]
        z: Values = {k: z_k + w[k, j] * change for k, z_k in self.z[l + 1].items()}
        for i in range(l + 1, self.net.L):
            z = weighted_inputs(self.net, i + 1, {k: self.sigma[i](z_k) for k, z_k in z.items()})
        return self.C([self.sigma[self.net.L](z_k) for z_k in z.values()], self.y)


def weighted_inputs(net: Numbered, l: int, a: Values) -> Values:
    """z^l from a^(l-1). Source: (25)."""
    w, b = net.w[l], net.b[l]
    return {j: sum(w[j, k] * a_k for k, a_k in a.items()) + b[j] for j in net.neurons(l)}


def _one_example(net: Numbered, degrees: Mapping[int, int], x: Sequence[Fraction], y: Sequence[Fraction]) -> tuple[Any, Any, Any]:
    p, neurons, one = _Point.of(net, x, y), net.neurons, Fraction(1)

    def slope(l: int, j: int, reach: Fraction) -> Fraction:
        """dC_x by what moves z^l_j by reach * h when it is moved by h itself."""
        if reach == 0:
            return Fraction(0)  # a move that nothing feels
        return slope_at_0(lambda h: p.cost_moved(l, j, reach * h), degrees[l])

    nabla_w = {l: {(j, k): slope(l, j, p.a[l - 1][k]) for j, k in net.w[l]} for l in net.layers}
    nabla_b = {l: {j: slope(l, j, one) for j in neurons(l)} for l in net.layers if net.has_biases}
    delta = {l: {j: slope(l, j, one) for j in neurons(l)} for l in net.layers}
    return nabla_w, nabla_b, delta


def _require_stated_degrees(network: Network, net: Numbered) -> None:
    """The difference of order d + 1 of a polynomial of degree d is 0: one that is not betrays a wrong degree."""
    C, _ = net.cost
    n_L = network.n[network.L]
    stated: list[tuple[str, int | None, Callable[[Fraction], Any]]] = [
        (f"activation {s.name!r} of layer {l}", s.degree, net.sigma[l]) for l, s in network.sigma.items()
    ]
    stated.append((f"cost {network.cost.name!r}", network.cost.degree, lambda t: C([t] * n_L, [Fraction(0)] * n_L)))
    for what, degree, f in stated:
        order = (degree or 0) + 1
        if sum((-1) ** i * comb(order, i) * f(Fraction(2 * i - order, 2)) for i in range(order + 1)) != 0:
            raise ValueRefused(
                f"The {what} states degree={degree}, but its values are not those of a polynomial of that degree; "
                "state the right degree, or None if it is no polynomial."
            )


def _examples(network: Network, X: Any, Y: Any) -> tuple[list[list[Fraction]], list[list[Fraction]], bool]:
    """Examples as lists of Fractions, and whether X was a single one. Shapes and values are refused as floats are."""
    single = _objects(X).ndim == 1
    checked = (network.example if single else network.batch)(_as_floats(X), _as_floats(Y))
    rows = [v[None] if single else v for v in (_exact_values(X, checked[0]), _exact_values(Y, checked[1]))]
    as_fractions = [[[Fraction(v) for v in row] for row in array.tolist()] for array in rows]
    return as_fractions[0], as_fractions[1], single


def _as_floats(values: Any) -> Any:
    """Fractions as floats near them, for the checks of Network; anything else as it is."""
    return np.vectorize(lambda v: float(max(-(2**999), min(2**999, v))))(values) if _are_fractions(values) else values


def _exact_values(given: Any, checked: Any) -> Any:
    return _objects(given) if _are_fractions(given) else checked


def _are_fractions(values: Any) -> bool:
    """True if a Fraction is among them, and whole numbers at most beside: integers alone are refused, as everywhere."""
    numbers = list(_objects(values).flat)
    return all(isinstance(v, Rational) for v in numbers) and any(isinstance(v, Fraction) for v in numbers)


def _objects(values: Any) -> Any:
    return np.asarray(values, dtype=object)  # rows of unequal length get this far, to the refusal that Network has for them
