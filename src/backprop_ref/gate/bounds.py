"""How far a correct candidate may be from the truth: a forward and a backward pass that carry rounding errors along.

Beside each quantity q of the chapter, in float64, stands E_q: for every correct way to compute in the candidate's
dtype, |computed q - true q| <= E_q. The truth is the exact gradient at the exact binary numbers of network, X and Y.
Examples stand in columns, as in the chapter: z[l], a[l], s[l] = sigma'(z[l]), delta[l] and their E are (n_l, m).

u      unit roundoff of the candidate's dtype; K = 8: an elementary function is off by at most K u, relatively
gamma  gamma_n = n u / (1 - n u): a sum of n products, in any order, is off by gamma_n sum |p||q|
tiny   the smallest normal number: any product may be flushed to zero below it
E      infinite where nothing can be promised: overflow, a cancelled denominator

What is assumed of a candidate: round to nearest, gradual underflow or flush to zero, sums in any order, elementary
functions within K u, sigma as one of the usual formulas (FORMS), the mean taken before or after the sums; in float16,
sums in float32. The change of sigma and sigma' over E_z is measured by differences of sigma', no formula for sigma''.
What it measures from float64 is itself off by at most E: that is why products of two errors count three times.

E of a sum is f, the error made in this very sum, and what the errors before it contribute: |w| E at most, which grows
with every layer, and in a deeper network also at most the sum of all earlier errors, each with the sign of its way here
(through, onward). There the error made at a neuron includes whatever is not linear: the change of sigma' over E, times E.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapter 3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import activations, costs
from ..activations import Activation
from ..costs import Cost
from ..gradient import Gradient, Layers
from ..network import Network, divisor
from ..rounding import ELEMENTARY as K
from ..rounding import examples_at_once, magnitude, onward, smallest_normal, through, unit_roundoff

Array = NDArray[Any]
ITSELF = 1.01  # the bound's own rounding, and products of an error with u
UNFUSED = 15.0  # (a - y)/(a (1 - a)) times sigma' counts as correct while max|z^L| is below this; beyond, a(1 - a) has cancelled


@dataclass(frozen=True, eq=False)
class Bounds(Gradient):
    """A bound for each entry, in the layout of the gradient; infinite where nothing can be promised.

    at_kink  for each neuron of l = 2..L and each example, (m, n_l): its z may lie on either side of a kink of sigma
    nabla_x  (m, n_1), bounds of dC/dx
    """

    at_kink: Layers = field(default_factory=dict)
    nabla_x: Array = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True)
class Arithmetic:
    """What a candidate computes in: u, tiny and the largest number of its dtype, and of the dtype of its sums."""

    u: float
    tiny: float
    largest: float
    u_sum: float
    tiny_sum: float

    @classmethod
    def of(cls, dtype: DTypeLike) -> "Arithmetic":
        """Float64 and float32 sum in themselves, float16 in float32."""
        dtype = np.dtype(dtype)
        sums = np.dtype(np.float32) if dtype == np.float16 else dtype
        u, tiny, largest = unit_roundoff(dtype), smallest_normal(dtype), float(np.finfo(dtype).max)
        return cls(u, tiny, largest, unit_roundoff(sums), smallest_normal(sums))

    def gamma(self, n: int) -> float:
        """gamma_n of a sum, rounded to the dtype at the end; infinite where n u >= 1."""
        if n * self.u_sum >= 1:
            return np.inf
        return n * self.u_sum / (1 - n * self.u_sum) + (self.u if self.u_sum < self.u else 0.0)

    def bounded(self, E: Array, size: Array) -> Array:
        """E, or infinity where a number of that size may overflow, or is no number."""
        return np.where(size + E < self.largest, E, np.inf)

    def entering(self, v: Array) -> Array | None:
        """E of an input: its rounding, if it is wider than this dtype; subnormal numbers may be read as zero. None: exact."""
        narrowed = self.u if np.finfo(v.dtype).eps / 2 < self.u else 0.0
        size = np.abs(v).astype(np.float64, copy=False)
        subnormal = (size < self.tiny) & (size > 0)
        if not narrowed and not subnormal.any():
            return None
        return self.bounded(narrowed * size + self.tiny * subnormal, size)

    def product(self, p: Array, E_p: Array, q: Array, E_q: Array, tiny: float) -> Array:
        """E of p q, entry by entry."""
        size = np.abs(p * q)
        return self.bounded(E_p * np.abs(q) + np.abs(p) * E_q + 3 * E_p * E_q + self.u * size + tiny, size)

    def dot(self, P: Array, E_P: Array | None, Q: Array, E_Q: Array | None, n: int, tiny: float) -> tuple[Array, Array]:
        """(E, sum |p||q|) of the matrix product P Q with n roundings in each sum. An E of None is zero."""
        P, Q = np.abs(P), np.abs(Q)
        size = P @ Q
        g = self.gamma(n)
        E = g * size
        if E_P is not None:
            E += (1 + 2 * g) * (E_P @ Q)
        if E_Q is not None:
            E += (1 + 2 * g) * ((P if E_P is None else P + 3 * E_P) @ E_Q)
        return E + Q.shape[0] * tiny, size


# --------------------------------------------------------------------------------------------------- sigma and sigma'

Form = Callable[[Array, Array, Array], tuple[Array, Array]]


def _arithmetic(z: Array, a: Array, s: Array) -> tuple[Array, Array]:
    return 4 * a, 4 * s  # a product or two, no elementary function


def _squashing(z: Array, a: Array, s: Array) -> tuple[Array, Array]:
    return K * a + 6, 2 * K * s + 8  # (1 + tanh(z/2))/2, then a (1 - a): both are sums with 1


def _tanh(z: Array, a: Array, s: Array) -> tuple[Array, Array]:
    return K * a + 6, 2 * K * s + 2 * K + 2  # 2 sigmoid(2z) - 1; 1 - a^2, where a is off by K u


def _gated(z: Array, a: Array, s: Array) -> tuple[Array, Array]:
    return K * a + K * z, 2 * K * (s + 1 + z)  # z times a squashing function


def _gelu(z: Array, a: Array, s: Array) -> tuple[Array, Array]:
    return K * a + K * z, 2 * K * (s + 1 + z * (1 + z * z / 7))  # the inner cubic, and its slope, multiply 1 - tanh^2


def _any(z: Array, a: Array, s: Array) -> tuple[Array, Array]:
    return K * (a + 1 + z), 2 * K * (s + 1 + z)  # sums with 1, products with z


FORMS: Mapping[Activation, Form] = {
    activations.sigmoid: _squashing,
    activations.softplus: _squashing,
    activations.tanh: _tanh,
    activations.silu: _gated,
    activations.gelu: _gelu,
    activations.gelu_erf: _gated,
    **dict.fromkeys((activations.relu, activations.leaky_relu, activations.linear), _arithmetic),
    **dict.fromkeys((activations.square, activations.cube), _arithmetic),
}
"""What the usual formulas of sigma and sigma' lose by their own rounding, in units of u, from |z|, |a|, |sigma'|:
(error of a, error of sigma'). An activation of yours gets _any, and K u |z| of error in its argument."""

WHERE = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])[:, None, None]


def slopes(sigma: Activation, z: Array, E: Array) -> tuple[Array, Array, Array, Array]:
    """(sigma'(z), sup|sigma'|, change of sigma', at a kink) for an error E of z, measured by differences of sigma'.

    sigma' is sampled at five points about z, out to 2 E, and to 2^-24 |z| at least: there the noise of a difference,
    some 2^-49, divided by the spacing is small. Points beyond a kink are not used: if the interval itself holds the
    kink, the jump of sigma' there is added.
    """
    h = np.maximum(2 * E, 2.0**-24 * np.maximum(1, np.abs(z)))
    points = z + WHERE * h
    for kink in sigma.kinks:
        points = np.where((points > kink) == (z > kink), points, z)
    sampled = sigma.sigma_prime(points)
    steepest = 2 * np.abs(np.diff(sampled, axis=0)).max(axis=0) / h
    change = steepest * E * (1 + np.minimum(E, 1))  # between far points sigma' may be steeper than their differences
    largest = np.abs(sampled).max(axis=0) + change
    at_kink = np.zeros(z.shape, bool)
    for kink in sigma.kinks:
        near = 2.0**-24 * max(1.0, abs(kink))
        below, above = sigma.sigma_prime(np.array([kink - near, kink + near]))
        hit = np.abs(z - kink) <= 2 * E
        jump = np.where(hit, abs(above - below), 0.0)
        change, largest, at_kink = change + jump, largest + jump, at_kink | hit
    return sampled[2], largest, change, at_kink


def elementwise(p: "Pass", l: int) -> None:
    """a[l], s[l] and their E from z[l] and E_z[l]; the errors of z[l] by source become those of a[l]."""
    c, sigma, z = p.c, p.network.sigma[l], p.z[l]
    a = sigma.sigma(z)
    E = p.E_z[l] if sigma in FORMS else p.E_z[l] + K * c.u * np.abs(z)
    s, largest, change, p.at_kink[l] = slopes(sigma, z, E)
    of_a, of_s = FORMS.get(sigma, _any)(np.abs(z), np.abs(a), np.abs(s))
    p.a[l], p.E_a[l] = a, c.bounded(E * largest + c.u * of_a + c.tiny, np.abs(a))
    p.s[l], p.E_s[l] = s, c.bounded(change + c.u * of_s + c.tiny, np.abs(s))
    if p.deep and l < p.L:
        of_z = p.made + (E - p.E_z[l])
        p.P = onward(s, p.P, np.abs(s) * of_z + 2 * p.E_s[l] * E + c.u * of_a + c.tiny)


def softmax(p: "Pass") -> None:
    """a[L] and its E: with errors of log a_j, since da_j/a_j = dz_j - sum_k a_k dz_k."""
    c, z, E_z, n = p.c, p.z[p.L], p.E_z[p.L], p.network.n[p.L]
    a = activations.softmax.sigma(z)
    below = z.max(axis=0) - z
    size = np.abs(z).max(axis=0)  # log sum exp is a number of this size, plus log n
    of_z = E_z + c.u * below
    total = (a * np.expm1(of_z)).sum(axis=0) + c.u * (size + (K + 2) * (1 + np.log(n)) + 2 * K) + c.gamma(n)
    relative = np.expm1(of_z + total)
    E_a = c.bounded(a * relative * (1 + relative) + c.tiny, a)
    if p.naive:  # exp(z) / sum exp(z) as it stands: every exponential must be a normal number
        E_a = np.where(size + np.log(n) + 1 < -np.log(c.tiny), E_a, np.inf)
    p.a[p.L], p.E_a[p.L], p.at_kink[p.L] = a, E_a, np.zeros(z.shape, bool)


def mixed(p: "Pass") -> None:
    """The same for an activation of yours that mixes its neurons: its Jacobian is measured at each z_j + 2 E moved."""
    c, sigma, z, E = p.c, p.network.sigma[p.L], p.z[p.L], p.E_z[p.L]
    a, J = sigma.sigma(z), sigma.sigma_prime(z)
    E = E + K * c.u * np.abs(z)
    of_a, of_s = _any(np.abs(z), np.abs(a), np.abs(J))
    E_J = change(sigma.sigma_prime, z, E, separable=False) + c.u * of_s
    E_a = ((np.abs(J) + 2 * E_J) * E).sum(axis=1) + c.u * of_a
    p.a[p.L], p.E_a[p.L], p.at_kink[p.L] = a, c.bounded(E_a + c.tiny, np.abs(E_a)), np.zeros(z.shape, bool)
    p.s[p.L], p.E_s[p.L] = J, c.bounded(E_J + c.tiny, np.abs(J))


def change(f: Callable[[Array], Array], v: Array, E: Array, separable: bool) -> Array:
    """How much f(v) changes while v moves by E: measured over 2 E, each neuron for itself unless f is separable."""
    moves = [E] if separable else [np.where(np.arange(len(v))[:, None] == j, E, 0.0) for j in range(len(v))]
    here = f(v)
    return np.asarray(sum(np.maximum(np.abs(f(v + 2 * move) - here), np.abs(f(v - 2 * move) - here)) for move in moves))


# ------------------------------------------------------------------------------------------------------------ the pass


@dataclass
class Pass:
    """One pass with its errors, as it grows, over some of the m examples.

    naive: formulas that are correct only for moderate z count as correct
    P      in a deep network, the error of the latest z or a, then of the latest delta, by source: rounding.through
    made   the error made in the latest sum
    """

    network: Network
    c: Arithmetic
    m: int
    y: Array
    E_y: Array
    a: dict[int, Array]
    E_a: dict[int, Array | None]
    naive: bool
    z: dict[int, Array] = field(default_factory=dict)
    E_z: dict[int, Array] = field(default_factory=dict)
    s: dict[int, Array] = field(default_factory=dict)
    E_s: dict[int, Array] = field(default_factory=dict)
    delta: dict[int, Array] = field(default_factory=dict)
    E_delta: dict[int, Array] = field(default_factory=dict)
    at_kink: dict[int, Array] = field(default_factory=dict)
    P: Array | None = None
    made: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self.L, self.deep = self.network.L, self.network.L > 3  # below, |w| |s| is |w s|
        self.w = {l: _wide(v) for l, v in self.network.w.items()}
        self.E_w = {l: self.c.entering(v) for l, v in self.network.w.items()}
        self.share = self.m * self.c.tiny  # delta may be divided by m before it is multiplied and flushed
        self.share_sum = self.m * self.c.tiny_sum


def _wide(v: Array) -> Array:
    return np.asarray(v, np.float64)


def rounding(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    dtype: DTypeLike = np.float64,
    reduction: str = "mean",
    naive: bool = True,
) -> Bounds:
    """How far each entry of a correct gradient, computed in this dtype, may be from the exact one.

    X: (m, n_1), Y: (m, n_L) or labels. dtype: float64, float32, or float16 (sums in float32). delta is bounded as
    (m, n_l), each example's own. naive: softmax without the shift, and cross-entropy as (a - y)/(a (1 - a)) times
    sigma', count as correct where they can be computed, and the bound of an entry that needs an example beyond is
    infinite; naive=False: only the stable formulas count, and the bounds are theirs. An entry between the two bounds
    cannot be told. Raises as Network.batch, and ValueRefused for the reduction.
    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapter 3.
    """
    X, Y = network.batch(X, Y)
    c = Arithmetic.of(dtype)
    x, y = X.T, Y.T
    E_x, E_y = c.entering(x), c.entering(y)
    E_y = np.zeros(y.shape) if E_y is None else E_y
    m, size = len(X), divisor(reduction, len(X))
    at_once = m if network.L <= 3 else examples_at_once(network.sizes)
    passes = []
    with np.errstate(all="ignore"):
        for i in range(0, m, at_once):
            some = np.s_[:, i : i + at_once]
            p = Pass(
                network, c, m, _wide(y[some]), E_y[some], {1: _wide(x[some])}, {1: None if E_x is None else E_x[some]}, naive
            )
            forward(p)
            output_error(p)
            for l in reversed(range(2, p.L)):
                back(p, l)
            p.E_delta[1] = p.c.bounded(*backward(p, 1))
            passes.append(p)
        p = side_by_side(passes)
        nabla_w = {l: bp4(p, l) / size for l in network.layers}
        nabla_b = {l: bp3(p, l) / size for l in network.layers if network.has_biases}
    delta = {l: ITSELF * E.T for l, E in p.E_delta.items()}
    nabla_x = delta.pop(1) / size
    return Bounds(nabla_w, nabla_b, delta, {l: hit.T for l, hit in p.at_kink.items()}, nabla_x)


def side_by_side(passes: list[Pass]) -> Pass:
    """Passes over a few examples each, as one over all: what bp3, bp4 and the caller read of it."""

    def joined(parts: list[dict[int, Any]]) -> dict[int, Any]:
        return {l: None if v is None else np.concatenate([part[l] for part in parts], axis=-1) for l, v in parts[0].items()}

    for name in ("a", "E_a", "delta", "E_delta", "at_kink") if len(passes) > 1 else ():
        setattr(passes[0], name, joined([getattr(p, name) for p in passes]))
    return passes[0]


def summed(p: Pass, w: Array, E_w: Array | None, v: Array, E: Array | None, n: int, tiny: float) -> tuple[Array, Array]:
    """(E, sum |w||v|) of the sums w v, of n roundings each, for an error E of v, with its signs where it is known by source."""
    if E is None:
        p.made, size = p.c.dot(w, E_w, v, None, n, tiny)
        return p.made, size
    p.made, size = p.c.dot(w, E_w, np.abs(v) + 3 * E, None, n, tiny)
    carried = np.abs(w) @ E
    if p.P is None:
        p.made = p.made + carried  # the first source
        return p.made, size
    p.P = through(w, p.P)
    return p.made + np.fmin(carried, magnitude(p.P)), size  # fmin: a source without a bound makes all of P NaN


def forward(p: Pass) -> None:
    """E_z and E_a for l = 2..L."""
    c, network = p.c, p.network
    for l in network.layers:
        b = _wide(network.b[l])[:, None]
        E_b = c.entering(network.b[l])
        p.z[l] = p.w[l] @ p.a[l - 1] + b  # (25)
        n = network.n[l - 1] + 1
        E, size = summed(p, p.w[l], p.E_w[l], p.a[l - 1], p.E_a[l - 1], n, c.tiny_sum)
        of_b = c.gamma(n) * np.abs(b) + (0.0 if E_b is None else E_b[:, None]) + (c.tiny - c.tiny_sum)
        p.made = p.made + of_b
        p.E_z[l] = c.bounded(E + of_b, size + np.abs(b))
        if network.sigma[l].elementwise:
            elementwise(p, l)
        elif network.sigma[l] is activations.softmax:
            softmax(p)
        else:
            mixed(p)


# ----------------------------------------------------------------------------------------------------------- delta^L


def output_error(p: Pass) -> None:
    """delta^L and its E, for a cost that may be a multiple of another."""
    factor, cost = 1.0, p.network.cost
    while cost.multiple_of is not None:
        times, cost = cost.multiple_of
        factor *= times
    sigma = p.network.sigma[p.L]
    if cost is costs.cross_entropy and sigma is activations.sigmoid:
        delta, E = sigmoid_cross_entropy(p)
    elif cost is costs.log_likelihood and sigma is activations.softmax:
        delta, E = softmax_log_likelihood(p)
    elif pair := cost.pair(sigma):
        delta, E = own_pair(p, pair)
    elif sigma is activations.softmax:
        delta, E = softmax_bp1(p, cost)
    else:
        delta, E = bp1(p, cost)
    p.delta[p.L] = factor * delta
    p.E_delta[p.L] = p.c.bounded(abs(factor) * E + 2 * p.c.u * np.abs(factor * delta) + p.share, np.abs(factor * delta))
    p.P = onward(None, None, p.E_delta[p.L]) if p.deep else None


def bp1(p: Pass, cost: Cost) -> tuple[Array, Array]:
    """BP1; for an activation that mixes its neurons, with its Jacobian s[k, j]."""
    c, s, E_s = p.c, p.s[p.L], p.E_s[p.L]
    nabla, E = nabla_a_C(p, cost)
    if s.ndim == nabla.ndim:
        return nabla * s, c.product(nabla, E, s, E_s, p.share)
    delta, size = np.einsum("kj...,k...->j...", s, nabla), np.einsum("kj...,k...->j...", np.abs(s), np.abs(nabla))
    E = np.einsum("kj...,k...->j...", E_s, np.abs(nabla) + 3 * E) + np.einsum("kj...,k...->j...", np.abs(s), E)
    g = c.gamma(len(nabla))
    return delta, (1 + 2 * g) * E + g * size + len(nabla) * p.share


def nabla_a_C(p: Pass, cost: Cost) -> tuple[Array, Array]:
    """nabla_a C and its E, for E_a and E_y; a user's cost is measured by differences of its nabla_a C."""
    c, a, E_a, y, E_y = p.c, p.a[p.L], _known(p.E_a[p.L]), p.y, p.E_y
    nabla = cost.nabla_a_C(a, y)
    linear = {costs.quadratic: 1.0, costs.squared_error: 2.0, costs.mean_squared_error: 2.0 / len(a)}
    if cost in linear:
        return nabla, linear[cost] * (E_a + E_y) + 4 * c.u * np.abs(nabla) + c.tiny
    if cost is costs.cross_entropy:
        e, d = np.abs(a - y), np.abs(a * (1 - a))
        relative = (np.abs(1 - 2 * a) * E_a + 3 * E_a * E_a + 3 * c.u * d + c.tiny) / d
        return nabla, _quotient(e, E_a + E_y + c.u * e, d, relative) + c.u * np.abs(nabla)
    if cost is costs.log_likelihood:
        E = _quotient(np.abs(y), E_y, np.abs(a), E_a / np.abs(a)) + c.u * np.abs(nabla)
        return nabla, np.where(y == 0, E_y, E)
    over_a = change(lambda v: cost.nabla_a_C(v, y), a, E_a + c.u * np.abs(a), cost.separable)
    over_y = change(lambda v: cost.nabla_a_C(a, v), y, E_y, True) if E_y.any() else 0.0
    return nabla, over_a + over_y + 4 * K * c.u * np.abs(nabla)


def _known(E: Array | None) -> Array:
    assert E is not None
    return E


def _quotient(p: Array, E_p: Array, q: Array, relative: Array) -> Array:
    """E of p/q without its own rounding, from the relative error of q: infinite from 1/2 on."""
    return np.where(relative < 0.5, (E_p + p * relative) / (q * (1 - 2 * relative)), np.inf)


def sigmoid_cross_entropy(p: Pass) -> tuple[Array, Array]:
    """Delta^L = a - y, or (1 - y) sigma(z) - y sigma(-z); naive: also the literal BP1."""
    c, z, a, E_a, y = p.c, p.z[p.L], p.a[p.L], _known(p.E_a[p.L]), p.y
    delta = (1 - y) * a - y * activations.sigmoid.sigma(-z)
    E = E_a + p.E_y + c.u * np.abs(delta) + 3 * c.u * np.abs(a + y - 2 * a * y) + p.share
    if p.naive:
        _, literal = bp1(p, costs.cross_entropy)
        E = np.where(np.abs(z).max(axis=0) < UNFUSED, np.maximum(E, literal), np.inf)
    return delta, E


def softmax_log_likelihood(p: Pass) -> tuple[Array, Array]:
    """Delta^L = a sum(y) - y; naive: also -y/a through the Jacobian a_k (1[j = k] - a_j), whose terms have the same size."""
    c, a, E_a, y, n = p.c, p.a[p.L], _known(p.E_a[p.L]), p.y, p.network.n[p.L]
    total, size = y.sum(axis=0), a * np.abs(y).sum(axis=0) + np.abs(y)
    E = (E_a * np.abs(y).sum(axis=0) + (a + 3 * E_a) * p.E_y.sum(axis=0) + p.E_y) + c.gamma(n + 6) * size + n * p.share
    if p.naive:  # y/a needs an a that is a normal number
        E = np.where(((y != 0) & (a < c.tiny / c.u)).any(axis=0), np.inf, E)
    return a * total - y, E


def softmax_bp1(p: Pass, cost: Cost) -> tuple[Array, Array]:
    """(37) with softmax: delta_j = a_j (nabla_j - sum_k a_k nabla_k)."""
    c, a, E_a, n = p.c, p.a[p.L], _known(p.E_a[p.L]), p.network.n[p.L]
    nabla, E = nabla_a_C(p, cost)
    T, g = (a * np.abs(nabla)).sum(axis=0), c.gamma(n + 4)
    E_T = (E_a * np.abs(nabla) + (a + 3 * E_a) * E).sum(axis=0)
    size = a * (np.abs(nabla) + T)
    delta = a * (nabla - (a * nabla).sum(axis=0))
    return delta, (1 + 2 * g) * (E_a * (np.abs(nabla) + T) + (a + 3 * E_a) * (E + E_T)) + g * size + (n + 2) * p.share


def own_pair(p: Pass, pair: costs.Pair) -> tuple[Array, Array]:
    """Delta^L as a pair of yours computes it, measured by differences over E_z; what it subtracts has the size of a and y."""
    c, z, a, y = p.c, p.z[p.L], p.a[p.L], p.y
    delta = pair.delta_L(z, y)
    E = change(lambda v: pair.delta_L(v, y), z, p.E_z[p.L] + c.u * np.abs(z), separable=False)
    return delta, E + p.E_y + 2 * K * c.u * (np.abs(delta) + np.abs(a) + np.abs(y)) + p.share


# ---------------------------------------------------------------------------------------------------- BP2, BP3 and BP4


def backward(p: Pass, l: int) -> tuple[Array, Array]:
    """(E, sum |w||delta|) of (w^(l+1))^T delta^(l+1)."""
    E_w = p.E_w[l + 1]
    w, E_w = p.w[l + 1].T, None if E_w is None else E_w.T
    E, size = summed(p, w, E_w, p.delta[l + 1], p.E_delta[l + 1], p.network.n[l + 1], p.share_sum)
    p.made = p.made + p.share
    return E + p.share, size


def back(p: Pass, l: int) -> None:
    """Delta^l and its E."""
    s, E_s, signed = p.s[l], p.E_s[l], p.w[l + 1].T @ p.delta[l + 1]
    E = p.c.bounded(*backward(p, l))
    p.delta[l] = signed * s  # BP2
    p.E_delta[l] = p.c.product(signed, E, s, E_s, p.share)
    if p.deep:
        p.P = onward(s, p.P, p.c.product(signed, p.made, s, E_s, p.share) + 3 * E * E_s)


def bp3(p: Pass, l: int) -> Array:
    """E of dC/db^l, summed over the examples."""
    g, size = p.c.gamma(p.m + 4), np.abs(p.delta[l]).sum(axis=1)
    E = (1 + 2 * g) * p.E_delta[l].sum(axis=1) + g * size + p.m * p.share_sum + p.share
    return ITSELF * p.c.bounded(E, size)


def bp4(p: Pass, l: int) -> Array:
    """E of dC/dw^l, summed over the examples."""
    E_x = p.E_a[l - 1]
    E, size = p.c.dot(p.delta[l], p.E_delta[l], p.a[l - 1].T, None if E_x is None else E_x.T, p.m + 4, p.share_sum)
    return ITSELF * p.c.bounded(E + p.share, size)
