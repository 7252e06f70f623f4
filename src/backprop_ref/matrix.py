"""The gradient, one layer at a time: the four equations of the chapter as functions of whole arrays.

Examples stand in columns, as in the chapter: z[l], a[l] and delta[l] are (n_l, m), so that each equation is the same
line for one example and for a thousand. The functions that users call take examples as rows.

The equations are the parts of a record, CHAPTER: replace(CHAPTER, bp2=...) is a backward pass with another BP2. The
Sigma' form (33, 34), the unrolled product (35) and the sum over paths (53) are such records, and so is every mistake.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import TooLarge
from .gradient import Gradient
from .network import Network, divisor

Array = NDArray[Any]
MOST_PATHS = 100_000


@dataclass
class Pass:
    """One pass over a mini-batch, as it grows: network, y, then z[l], a[l], delta[l], with examples in columns."""

    network: Network
    y: Array
    a: dict[int, Array]
    reduction: str = "mean"
    z: dict[int, Array] = field(default_factory=dict)
    delta: dict[int, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.L, self.layers = self.network.L, self.network.layers
        self.w, self.b = self.network.w, self.network.b
        self.m = self.y.shape[1]
        self.elementwise = {l: s.elementwise for l, s in self.network.sigma.items()}
        self.sigma = {l: s.sigma for l, s in self.network.sigma.items()}
        self.sigma_prime = {l: s.sigma_prime for l, s in self.network.sigma.items()}
        self.nabla_a_C = self.network.cost.nabla_a_C
        self.pair = self.network.cost.pair(self.network.sigma[self.L])


def forward(p: Pass) -> None:
    """z[l] and a[l] for l = 2..L. Source: (25)."""
    for l in p.layers:
        p.z[l] = p.w[l] @ p.a[l - 1] + p.b[l][:, None]  # (25)
        p.a[l] = p.sigma[l](p.z[l])


def bp1(p: Pass) -> Array:
    """delta^L. A pair of sigma and cost gives it without its 0/0; a softmax layer needs its whole Jacobian."""
    if p.pair:
        return p.pair.delta_L(p.z[p.L], p.y)
    if not p.elementwise[p.L]:
        return np.einsum("kj...,k...->j...", p.sigma_prime[p.L](p.z[p.L]), p.nabla_a_C(p.a[p.L], p.y))  # (37)
    return p.nabla_a_C(p.a[p.L], p.y) * p.sigma_prime[p.L](p.z[p.L])  # BP1


def bp2(p: Pass, l: int) -> Array:
    """delta^l from delta^(l+1)."""
    return (p.w[l + 1].T @ p.delta[l + 1]) * p.sigma_prime[l](p.z[l])  # BP2


def bp3(p: Pass, l: int) -> Array:
    """dC/db^l, summed over the examples."""
    return np.asarray(p.delta[l].sum(axis=1))  # BP3


def bp4(p: Pass, l: int) -> Array:
    """dC/dw^l, summed over the examples."""
    return p.delta[l] @ p.a[l - 1].T  # BP4


def average(p: Pass, total: Array) -> Array:
    """The mean over the examples from their sum; reduction="sum" leaves the sum."""
    return total / divisor(p.reduction, p.m)


def finish(p: Pass, gradient: Gradient) -> Gradient:
    """The gradient as it leaves; a mistake may change it here."""
    return gradient


@dataclass(frozen=True)
class Equations:
    """The parts of a backward pass, each replaceable."""

    forward: Callable[[Pass], None]
    bp1: Callable[[Pass], Array]
    bp2: Callable[[Pass, int], Array]
    bp3: Callable[[Pass, int], Array]
    bp4: Callable[[Pass, int], Array]
    average: Callable[[Pass, Array], Array]
    finish: Callable[[Pass, Gradient], Gradient]


CHAPTER = Equations(forward, bp1, bp2, bp3, bp4, average, finish)


def backprop_batch(
    network: Network, X: ArrayLike, Y: ArrayLike, equations: Equations = CHAPTER, reduction: str = "mean"
) -> Gradient:
    """Gradient of C over a mini-batch, all examples in one matrix product per layer.

    X: (m, n_1), Y: (m, n_L) or m integer class labels. reduction: "mean" (the chapter) or "sum". Works in the dtype of
    the network; delta[l] is (m, n_l), each example's own, undivided. Raises ShapeError, DtypeError, ValueRefused.
    Source: (25), BP1 to BP4, section "the backpropagation algorithm".
    """
    p, e = _pass(network, *network.batch(X, Y), reduction), equations
    e.forward(p)
    p.delta[p.L] = e.bp1(p)
    for l in reversed(range(2, p.L)):
        p.delta[l] = e.bp2(p, l)
    nabla_w = {l: e.average(p, e.bp4(p, l)) for l in p.layers}
    nabla_b = {l: e.average(p, e.bp3(p, l)) for l in p.layers if network.has_biases}
    return e.finish(p, Gradient(nabla_w, nabla_b, {l: d.T for l, d in p.delta.items()}))


def backprop(network: Network, x: ArrayLike, y: ArrayLike, equations: Equations = CHAPTER) -> Gradient:
    """Gradient of C_x for one example, a batch of one. x: (n_1,), y: (n_L,) or an integer class label."""
    x, y = network.example(x, y)
    gradient = backprop_batch(network, x[None], y[None], equations)
    return Gradient(gradient.nabla_w, gradient.nabla_b, {l: d[0] for l, d in gradient.delta.items()})


def feedforward(network: Network, X: ArrayLike) -> tuple[dict[int, Array], dict[int, Array]]:
    """z[l] for l = 2..L and a[l] for l = 1..L, each (m, n_l), from X of shape (m, n_1). Source: (25)."""
    X = network.inputs(X)
    p = _pass(network, X, np.zeros((len(X), network.n[network.L])), "mean")
    forward(p)
    return {l: v.T for l, v in p.z.items()}, {l: v.T for l, v in p.a.items()}


def cost(network: Network, X: ArrayLike, Y: ArrayLike, reduction: str = "mean") -> float:
    """C over a mini-batch: the mean of C_x (the chapter, assumption 1), or their sum. Source: (26)."""
    p = _pass(network, *network.batch(X, Y), reduction)
    forward(p)
    C_x = p.pair.C(p.z[p.L], p.y) if p.pair else network.cost.C(p.a[p.L], p.y)
    return float(C_x.sum() / divisor(reduction, p.m))


def _pass(network: Network, X: Array, Y: Array, reduction: str) -> Pass:
    divisor(reduction, 1)
    return Pass(network, Y.T.astype(network.dtype), {1: X.T.astype(network.dtype)}, reduction)


# ----------------------------------------------------------------------------------- the same in the book's other forms


def Sigma_prime(p: Pass, l: int, x: int) -> Array:
    """Sigma'(z^l) of example x: diagonal, with sigma'(z^l_j) on the diagonal; of softmax, the Jacobian transposed."""
    s = p.sigma_prime[l](p.z[l][:, x])
    return np.diag(s) if p.elementwise[l] else s.T


def _each(p: Pass, column: Callable[[int], Array]) -> Array:
    return np.stack([column(x) for x in range(p.m)], axis=1)


def _bp1_Sigma(p: Pass) -> Array:
    if p.pair:
        return p.pair.delta_L(p.z[p.L], p.y)
    nabla_a_C = p.nabla_a_C(p.a[p.L], p.y)
    return _each(p, lambda x: Sigma_prime(p, p.L, x) @ nabla_a_C[:, x])  # (33)


def _bp2_Sigma(p: Pass, l: int) -> Array:
    return _each(p, lambda x: Sigma_prime(p, l, x) @ p.w[l + 1].T @ p.delta[l + 1][:, x])  # (34)


def _bp2_unrolled(p: Pass, l: int) -> Array:
    def column(x: int) -> Array:
        factors = np.eye(p.network.n[l], dtype=p.network.dtype)
        for above in range(l, p.L):
            factors = factors @ Sigma_prime(p, above, x) @ p.w[above + 1].T
        return factors @ p.delta[p.L][:, x]  # (35); delta^L stands for Sigma'(z^L) nabla_a C

    return _each(p, column)


def _bp2_paths(p: Pass, l: int) -> Array:
    """delta^l_j as a sum over all paths j -> q -> ... -> m to the outputs. Source: (53)."""
    count = path_count(p.network)
    if count > MOST_PATHS:
        raise TooLarge(
            f"A network of sizes {p.network.sizes} has {count:,} paths to its outputs, and the sum over paths (53) is for "
            f"networks of at most {MOST_PATHS:,}; use backprop, which is the same sum with its common parts taken out."
        )
    delta = np.zeros((p.network.n[l], p.m), p.network.dtype)
    slope = {i: p.sigma_prime[i](p.z[i]) for i in range(l, p.L)}
    for j, *path in product(*(range(p.network.n[i]) for i in range(l, p.L + 1))):
        term, here = slope[l][j], j
        for i, q in enumerate(path, start=l + 1):
            term = term * p.w[i][q, here] * (slope[i][q] if i < p.L else p.delta[p.L][q])  # da^i_q/da^(i-1)_here
            here = q
        delta[j] += term
    return delta


def path_count(network: Network) -> int:
    """How many paths lead from the neurons of layers 2..L-1 to the outputs: what the sum over paths (53) costs."""
    return sum(prod(network.sizes[l - 1 :]) for l in range(2, network.L))


SIGMA_FORM = replace(CHAPTER, bp1=_bp1_Sigma, bp2=_bp2_Sigma)  # (33), (34)
UNROLLED = replace(CHAPTER, bp1=_bp1_Sigma, bp2=_bp2_unrolled)  # (35)
PATHS = replace(CHAPTER, bp2=_bp2_paths)  # (53)
