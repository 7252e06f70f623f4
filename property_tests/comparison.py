"""The suite's comparison: which entries of a claimed gradient are farther from the truth than rounding can carry them.

truth    neuron.backprop over balls of 300 bits: the loops of the chapter, rounded at the 90th digit
allowed  how far a right gradient may be off in floating point. Carried forward, a Ball holds whatever rounding makes of
         a number. Carried backward, hi and lo: a right delta^l_j is a sum over paths (53) bracketed in some way, so that
         it is off by at most sum of prod hi (1 + gamma_K) - sum of prod lo, with |w|, |sigma'|, |delta^L| in the products.

A sum of n products in any order is off by at most gamma_n times the sum of their absolute values. Source: Higham, Accuracy
and Stability of Numerical Algorithms, 2nd ed., (3.5).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import flint
import numpy as np

from backprop_ref import activations, neuron
from backprop_ref.activations import Activation
from backprop_ref.gradient import Gradient, book_name
from backprop_ref.network import Network, divisor
from backprop_ref.rounding import ELEMENTARY, gamma, smallest_normal, unit_roundoff

PRECISION = 300
AROUND_0 = flint.arb(0, 1)


class Ball:
    """A number that holds every value that floating point can make of a formula.

    Each operation is allowed two roundings: its own, and one more for a rounded constant or another way of writing the
    same formula; an elementary function is allowed ELEMENTARY; whatever underflows, `tiny`.
    """

    u, tiny = unit_roundoff(np.float64), smallest_normal(np.float64)

    def __init__(self, value: Any) -> None:
        self.v = flint.arb(value)

    def _rounded(self, v: flint.arb, roundings: float = 2) -> "Ball":
        return type(self)(v * flint.arb(1, roundings * self.u) + (0 if v.is_zero() else AROUND_0 * self.tiny))

    def _elementary(self, v: flint.arb) -> "Ball":
        return self._rounded(v, ELEMENTARY)

    def __neg__(self) -> "Ball":
        return type(self)(-self.v)

    def __add__(self, other: Any) -> "Ball":
        return self._rounded(self.v + plain(other))

    def __sub__(self, other: Any) -> "Ball":
        return self._rounded(self.v - plain(other))

    def __rsub__(self, other: Any) -> "Ball":
        return self._rounded(plain(other) - self.v)

    def __mul__(self, other: Any) -> "Ball":
        return self._rounded(self.v * plain(other))

    def __truediv__(self, other: Any) -> "Ball":
        return self._rounded(self.v / plain(other))

    def __rtruediv__(self, other: Any) -> "Ball":
        return self._rounded(plain(other) / self.v)

    __radd__, __rmul__ = __add__, __mul__

    def __gt__(self, other: Any) -> bool:
        return bool(self.v.mid() > plain(other).mid())  # chooses between two forms of one function, or the top of a softmax

    def __ne__(self, other: object) -> bool:
        return not (self.v - plain(other)).is_zero()

    __hash__ = None

    def exp(self) -> "Ball":
        return self._elementary(self.v.exp())

    def log1p(self) -> "Ball":
        return self._elementary(self.v.log1p())

    def tanh(self) -> "Ball":
        return self._elementary(self.v.tanh())

    def erfc(self) -> "Ball":
        return self._elementary(self.v.erfc())


class SingleBall(Ball):
    """The same for float32."""

    u, tiny = unit_roundoff(np.float32), smallest_normal(np.float32)


def plain(number: Any) -> flint.arb:
    return number.v if isinstance(number, Ball) else flint.arb(number)


def _normal_cdf(z: Any) -> Any:
    return (-z / flint.arb(2).sqrt()).erfc() / 2


def _gelu_erf_prime(z: Any) -> Any:
    return _normal_cdf(z) + z * (-z * z / 2).exp() / (2 * flint.arb.pi()).sqrt()


GELU_ERF = replace(activations.gelu_erf, plain=(lambda z: z * _normal_cdf(z), _gelu_erf_prime))  # ours runs on floats only


@dataclass(frozen=True)
class Comparison:
    """wrong: a sentence for each entry that no rounding explains; told, untold: entries with a verdict, and without."""

    wrong: tuple[str, ...]
    told: int
    untold: int

    def parts(self) -> set[str]:
        """The arrays in which something is wrong, such as dC/dw^2."""
        return {sentence.split("_")[0] for sentence in self.wrong}


def compare(
    claimed: Gradient, network: Network, X: Any, Y: Any, reduction: str = "mean", summed_over_paths: bool = False
) -> Comparison:
    """Hold a claimed gradient against the truth, entry by entry. X: (m, n_1) or (n_1,), Y likewise.

    summed_over_paths: delta was found by adding up all paths one after the other, which takes many more roundings.
    """
    X, Y = np.asarray(X), np.asarray(Y)
    with flint.ctx.workprec(PRECISION):
        network = replace(network, sigma={l: GELU_ERF if s is activations.gelu_erf else s for l, s in network.sigma.items()})
        net = network.over(flint.arb)
        if X.ndim == 1:
            truth = neuron.backprop(net, X.tolist(), Y.tolist())
            allowed = _allowed(network, [X.tolist()], [Y.tolist()], reduction, summed_over_paths)
            allowed = replace(allowed, delta={l: d[0] for l, d in allowed.delta.items()})
        else:
            truth = neuron.backprop_batch(net, X.tolist(), Y.tolist(), reduction)
            allowed = _allowed(network, X.tolist(), Y.tolist(), reduction, summed_over_paths)
        return _held(claimed, truth, allowed)


def _held(claimed: Gradient, truth: Gradient, allowed: Gradient) -> Comparison:
    given, wrong, told, untold = {(part, l): v for part, l, v in claimed.items()}, [], 0, 0
    for (part, l, is_), (_, _, bound) in zip(truth.items(), allowed.items(), strict=True):
        says = given.pop((part, l), None)
        if says is None or says.shape != is_.shape:
            wrong.append(f"{part}[{l}] has shape {None if says is None else says.shape}, and {is_.shape} is needed")
            continue
        for index in np.ndindex(is_.shape):
            if not bound[index].is_finite():
                untold += 1
                continue
            told += 1
            c = float(says[index])
            off = abs(flint.arb(c) - is_[index]) if np.isfinite(c) else flint.arb("inf")
            if not off <= bound[index]:
                wrong.append(
                    f"{book_name(part, l, index)}: claimed {c:.17g}, is {float(is_[index]):.17g}, off by {float(off):.1e}, "
                    f"allowed {float(bound[index]):.1e}"
                )
    return Comparison((*wrong, *(f"{part}[{l}] is too many" for part, l in given)), told, untold)


def _allowed(network: Network, X: Sequence[Any], Y: Sequence[Any], reduction: str, summed_over_paths: bool) -> Gradient:
    """How far a right gradient over a mini-batch may be off, entry by entry."""
    kind = SingleBall if network.dtype == np.float32 else Ball
    u, tiny, m = kind.u, kind.tiny, len(X)
    passes = [_backward(network, kind, *_forward(network, kind, x), y, summed_over_paths) for x, y in zip(X, Y, strict=True)]

    def total(hi: Iterable[Any], lo: Iterable[Any]) -> flint.arb:
        """Of a mean of m products: m - 1 sums, a product, a division."""
        return (sum(hi) * (1 + gamma(m + 1, u)) - sum(lo) + m * tiny) / divisor(reduction, m)

    nabla_w, nabla_b, delta = {}, {}, {}
    for l in network.layers:
        rows, columns = range(network.n[l]), range(network.n[l - 1])
        delta[l] = np.array([[hi[l][j] - lo[l][j] for j in rows] for _, hi, lo in passes], object)
        nabla_b[l] = np.array([total([p[1][l][j] for p in passes], [p[2][l][j] for p in passes]) for j in rows], object)
        nabla_w[l] = np.array(
            [
                [
                    total(
                        [a[l - 1][k].v.abs_upper() * hi[l][j] for a, hi, _ in passes],
                        [a[l - 1][k].v.abs_lower() * lo[l][j] for a, _, lo in passes],
                    )
                    for k in columns
                ]
                for j in rows
            ],
            object,
        )
    return Gradient(nabla_w, nabla_b if network.has_biases else {}, delta)


def _forward(network: Network, kind: type[Ball], x: Sequence[float]) -> tuple[Any, Any]:
    """z[l] and a[l] as lists of balls, one for each neuron."""
    a, z = {1: [_read(network, kind, v) for v in x]}, {}
    for l in network.layers:
        w, b = network.w[l].tolist(), network.b[l].tolist()
        z[l] = [
            _dot(kind, [a_k.v * w_jk for a_k, w_jk in zip(a[l - 1], row, strict=True)], b_j)
            for row, b_j in zip(w, b, strict=True)
        ]
        sigma = network.sigma[l]
        a[l] = [_around_kinks(sigma, 0, z_j) for z_j in z[l]] if sigma.elementwise else sigma.on_plain(kind)[0](z[l])
    return z, a


def _read(network: Network, kind: type[Ball], value: float) -> Ball:
    """An input in the dtype of the network: exact in float64, rounded once in float32."""
    return kind(value * flint.arb(1, kind.u) if network.dtype == np.float32 else value)


def _dot(kind: type[Ball], products: list[flint.arb], b: float = 0.0) -> Ball:
    size = sum(abs(p) for p in products) + abs(b)
    n = sum(not p.is_zero() for p in products)
    return kind(sum(products) + b + AROUND_0 * (size * gamma(len(products) + 1, kind.u) + n * kind.tiny))


def _around_kinks(sigma: Activation, which: int, z: Ball) -> Ball:
    """sigma (which = 0) or sigma' (1) of all of z. Around a kink at 0, relu and leaky_relu and their slopes are monotone."""
    f: Callable[[Ball], Ball] = sigma.on_plain(type(z))[which]
    if any(z.v.contains(kink) for kink in sigma.kinks):
        low, high = f(type(z)(z.v.lower())), f(type(z)(z.v.upper()))
        return type(z)(low.v.union(high.v))
    return f(z)


def _backward(
    network: Network, kind: type[Ball], z: Any, a: Any, y: Sequence[float], summed_over_paths: bool
) -> tuple[Any, dict[int, list[flint.arb]], dict[int, list[flint.arb]]]:
    """(a, hi, lo): hi[l][j] - lo[l][j] bounds the error of any right delta^l_j; hi bounds delta itself."""
    L, n = network.L, network.n
    delta_L = _output_error(network, kind, z[L], a[L], [_read(network, kind, v) for v in y])
    if not all(d.v.is_finite() for d in delta_L):  # an output saturated to 0 or 1; in (33), 0 times infinity spreads it
        delta_L = [kind(flint.arb("nan")) for _ in delta_L]
    hi, lo = {L: [d.v.abs_upper() for d in delta_L]}, {L: [d.v.abs_lower() for d in delta_L]}
    for l in reversed(range(2, L)):
        w = np.abs(network.w[l + 1]).T.tolist()
        slope = [_around_kinks(network.sigma[l], 1, z_j).v for z_j in z[l]]
        above = [[sum(w_kj * d for w_kj, d in zip(row, deltas, strict=True)) for row in w] for deltas in (hi[l + 1], lo[l + 1])]
        hi[l] = [(d + n[l + 1] * kind.tiny) * s.abs_upper() + kind.tiny for d, s in zip(above[0], slope, strict=True)]
        lo[l] = [d * s.abs_lower() for d, s in zip(above[1], slope, strict=True)]
    for l in range(2, L):  # each factor in (34) and (35) is a matrix: at most two sums over each layer on the way
        roundings = 2 * sum(network.sizes[l - 1 :]) + (prod(network.sizes[l:]) if summed_over_paths else 0)
        hi[l] = [d * (1 + gamma(roundings, kind.u)) for d in hi[l]]
    return a, hi, lo


def _output_error(network: Network, kind: type[Ball], z: list[Ball], a: list[Ball], y: list[Ball]) -> list[Ball]:
    sigma = network.sigma[network.L]
    if pair := network.cost.pair(sigma):
        return pair.plain[1](z, y)
    dC_da = network.cost.on_plain(kind)[1](a, y)
    if sigma.elementwise:
        return [d * _around_kinks(sigma, 1, z_j) for d, z_j in zip(dC_da, z, strict=True)]
    da_dz = sigma.on_plain(kind)[1](z)
    return [_dot(kind, [d.v * da_dz[k][j].v for k, d in enumerate(dC_da)]) for j in range(len(z))]
