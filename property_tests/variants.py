"""Correct backpropagation in the ways that people write it, and the truth: what the bounds are held to.

A variant has formulas of its own for every sigma, sigma' and softmax: nothing is shared with the package but the
network's numbers. Examples stand in columns inside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_ref import neuron
from backprop_ref.network import Network

Array = Any
Both = tuple[Callable[[Array], Array], Callable[[Array], Array]]  # sigma, sigma'


def by_exp(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def by_exp_as_it_stands(z):
    return 1 / (1 + np.exp(-z))


def by_tanh(z):
    half = z.dtype.type(0.5)
    return half * (1 + np.tanh(half * z))


def from_a(sigmoid):
    return lambda z: sigmoid(z) * (1 - sigmoid(z))


def by_fraction(z):
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def tanh_by_sigmoid(z):
    return 2 * by_exp_as_it_stands(2 * z) - 1


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def leaky(z, right, left):
    return np.where(z > 0, right, z.dtype.type(0.01) * left)


def gelu(z):
    k, c = _gelu_constants(z)
    return z.dtype.type(0.5) * z * (1 + np.tanh(k * (z + c * z**3)))


def gelu_prime(z):
    k, c = _gelu_constants(z)
    half, t = z.dtype.type(0.5), np.tanh(k * (z + c * z**3))
    return half * (1 + t) + half * z * (1 - t * t) * k * (1 + 3 * c * z * z)


def _gelu_constants(z):
    return z.dtype.type(np.sqrt(2 / np.pi)), z.dtype.type(0.044715)


def gelu_by_sigmoid(z):
    k, c = _gelu_constants(z)
    return z * by_exp(2 * k * (z + c * z**3))


def gelu_by_sigmoid_prime(z):
    k, c = _gelu_constants(z)
    q = 2 * k * (z + c * z**3)
    return by_exp(q) + z * by_exp(q) * by_exp(-q) * 2 * k * (1 + 3 * c * z * z)


FORMS: dict[str, list[Both]] = {
    "sigmoid": [
        (by_exp, lambda z: by_exp(z) * by_exp(-z)),
        (by_exp, from_a(by_exp)),
        (by_exp_as_it_stands, from_a(by_exp_as_it_stands)),
        (by_tanh, from_a(by_tanh)),
        (by_exp_as_it_stands, by_fraction),
    ],
    "tanh": [
        (np.tanh, lambda z: 4 * by_fraction(2 * z)),
        (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        (np.tanh, lambda z: (1 - np.tanh(z)) * (1 + np.tanh(z))),
        (tanh_by_sigmoid, lambda z: 1 - tanh_by_sigmoid(z) ** 2),
    ],
    "relu": [(lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)), (lambda z: z * (z > 0), lambda z: 1 * (z >= 0))],
    "leaky_relu": [
        (lambda z: leaky(z, z, z), lambda z: leaky(z, 1, 1)),
        (lambda z: np.where(z > 0, z, z / 100), lambda z: np.where(z > 0, 1, z.dtype.type(1) / 100)),
    ],
    "softplus": [(softplus, by_exp), (lambda z: np.logaddexp(z.dtype.type(0), z), by_exp_as_it_stands), (softplus, by_tanh)],
    "silu": [
        (lambda z: z * by_exp(z), lambda z: by_exp(z) * (1 + z * by_exp(-z))),
        (lambda z: z / (1 + np.exp(-z)), lambda z: by_exp(z) + z * by_exp(z) * (1 - by_exp(z))),
        (lambda z: z * by_tanh(z), lambda z: by_tanh(z) + z * from_a(by_tanh)(z)),
    ],
    "gelu": [(gelu, gelu_prime), (gelu_by_sigmoid, gelu_by_sigmoid_prime)],
    "linear": [(lambda z: z, np.ones_like)],
    "square": [(lambda z: z * z, lambda z: 2 * z), (lambda z: z**2, lambda z: z + z)],
    "cube": [(lambda z: z * z * z, lambda z: 3 * (z * z)), (lambda z: z**3, lambda z: 3 * z * z)],
}


def shifted(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def unshifted(z):
    e = np.exp(z)
    return e / e.sum(axis=0)


def by_log_sum_exp(z):
    top = z.max(axis=0)
    return np.exp(z - (top + np.log(np.exp(z - top).sum(axis=0))))


SOFTMAX = {"shifted": shifted, "unshifted": unshifted, "log-sum-exp": by_log_sum_exp}


def blas(P, Q):
    return P @ Q


def reversed_(P, Q):
    return np.ascontiguousarray(P[:, ::-1]) @ np.ascontiguousarray(Q[::-1])


def sequential(P, Q):
    total = np.zeros((len(P), Q.shape[1]), np.result_type(P, Q))
    for k in range(len(Q)):
        total = total + P[:, k, None] * Q[k]
    return total


ORDERS = {"blas": blas, "reversed": reversed_, "sequential": sequential}


@dataclass(frozen=True)
class Variant:
    """One correct way to write backpropagation."""

    dtype: Any = np.float64
    order: str = "blas"
    form: int = 0  # of sigma and sigma', modulo how many there are
    softmax: str = "shifted"
    fused: bool = True  # a - y where the pair of sigma and cost gives it
    looped: bool = False  # one example at a time
    mean_first: bool = False  # delta^L / m, or the sums / m

    @property
    def naive(self) -> bool:
        """True if it is correct only while z^L is moderate."""
        return self.softmax == "unshifted" or not self.fused

    def backprop(self, network: Network, X: Array, Y: Array) -> dict[tuple[str, int], Array]:
        """(part, l) -> entries of nabla_w, nabla_b and delta, by this variant."""
        w = {l: v.astype(self.dtype) for l, v in network.w.items()}
        b = {l: v.astype(self.dtype)[:, None] for l, v in network.b.items()}
        X, Y, m = X.astype(self.dtype), Y.astype(self.dtype), len(X)
        batches = [(X[i : i + 1], Y[i : i + 1]) for i in range(m)] if self.looped else [(X, Y)]
        total: dict[tuple[str, int], Array] = {}
        share = self.dtype(m) if self.mean_first else self.dtype(1)
        with np.errstate(all="ignore"):
            for x, y in batches:
                a, delta = self._pass(network, w, b, x.T, y.T, share)
                for l, d in delta.items():
                    for part, value in (("nabla_w", ORDERS[self.order](d, a[l - 1].T)), ("nabla_b", d.sum(axis=1))):
                        total[part, l] = total.get((part, l), self.dtype(0)) + value
                    if not self.mean_first:
                        total["delta", l] = np.concatenate([total.get(("delta", l), d.T[:0]), d.T])
            for (part, l), value in total.items():
                if part != "delta" and not self.mean_first:
                    total[part, l] = value / self.dtype(m)
        return total

    def _pass(self, network, w, b, x, y, share):
        dot, L = ORDERS[self.order], network.L
        sigma = {l: FORMS[s.name][self.form % len(FORMS[s.name])] for l, s in network.sigma.items() if s.elementwise}
        z, a = {}, {1: x}
        for l in network.layers:
            z[l] = dot(w[l], a[l - 1]) + b[l]
            a[l] = sigma[l][0](z[l]) if l in sigma else SOFTMAX[self.softmax](z[l])
        delta = {L: self._output_error(network.cost.name, network.sigma[L].name, sigma.get(L), z[L], a[L], y) / share}
        for l in reversed(range(2, L)):
            delta[l] = dot(np.ascontiguousarray(w[l + 1].T), delta[l + 1]) * sigma[l][1](z[l])
        return a, delta

    def _output_error(self, cost, name, sigma, z, a, y):
        if self.fused and (cost, name) == ("cross_entropy", "sigmoid"):
            return a - y
        if self.fused and (cost, name) == ("log_likelihood", "softmax"):
            return a * y.sum(axis=0) - y
        nabla = {
            "quadratic": lambda: a - y,
            "squared_error": lambda: 2 * (a - y),
            "mean_squared_error": lambda: (2 / z.dtype.type(len(a))) * (a - y),
            "cross_entropy": lambda: (a - y) / (a * (1 - a)) if self.form % 2 else -y / a + (1 - y) / (1 - a),
            "log_likelihood": lambda: np.where(y == 0, 0, -y / a),
        }[cost]()
        if sigma:
            return nabla * sigma[1](z)
        if self.form % 2:
            return a * (nabla - (a * nabla).sum(axis=0))
        return np.stack([sum(nabla[k] * a[k] * ((j == k) - a[j]) for k in range(len(a))) for j in range(len(a))])


def is_fused(network: Network) -> bool:
    """True if sigma^L and the cost are one of the two pairs."""
    return (network.cost.name, network.sigma[network.L].name) in (("cross_entropy", "sigmoid"), ("log_likelihood", "softmax"))


class Truth:
    """The exact gradient, as an unevaluated sum high + low of two floats for each entry.

    By neuron.py over balls of 300 bits, or, for networks too large for that, by a variant in 80-bit floats, whose own
    error is 2^-11 of a bound in float64.
    """

    def __init__(self, network: Network, X: Array, Y: Array, exact: bool) -> None:
        self.exact = exact
        self.parts = _in_balls(network, X, Y) if exact else _in_80_bits(network, X, Y)

    def off(self, part: str, l: int, claimed: Array) -> Array:
        """|claimed - truth| for each entry: NaN where the claim is."""
        high, low = self.parts[part, l]
        with np.errstate(all="ignore"):
            return np.abs((claimed.astype(np.float64) - high) - low)


def _in_balls(network, X, Y):
    import flint

    flint.ctx.prec = 300
    gradient = neuron.backprop_batch(network.over(flint.arb), X, Y)
    return {(part, l): _split(np.asarray(v)) for part, l, v in gradient.items()}


def _split(balls):
    high, low = np.empty(balls.shape), np.empty(balls.shape)
    for i, ball in np.ndenumerate(balls):
        high[i] = float(ball)
        low[i] = float(ball - high[i]) if np.isfinite(high[i]) else 0.0
    return high, low


def _in_80_bits(network, X, Y):
    assert np.finfo(np.longdouble).eps < 2.0**-60, "np.longdouble is no wider than float64 on this machine"
    parts = Variant(np.longdouble).backprop(network, X, Y)
    with np.errstate(all="ignore"):  # a truth beyond float64 has an infinite bound
        return {key: (v.astype(np.float64), (v - v.astype(np.float64)).astype(np.float64)) for key, v in parts.items()}
