"""Mini-batch stochastic gradient descent as in the chapter, and where and why learning is slow.

eta    the learning rate
X, Y   the examples: (m, n_1) and (m, n_L), or m integer class labels
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import frexp, isfinite, ldexp, prod, sqrt
from textwrap import wrap
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import Diverged, ValueRefused
from .gradient import Gradient, frozen
from .matrix import CHAPTER, Pass, backprop_batch, cost, feedforward
from .network import Network
from .rounding import gamma, smallest_normal, unit_roundoff

Array = NDArray[Any]
SLOPE = 0.1  # saturated: |sigma'(z)| is at most this part of its largest value for |z| <= 1
NEAR = 0.1  # near: at most this far apart
OFTEN = 0.5  # the report names a neuron below layer L from this share of saturated examples on
MOST = 12  # how many neurons of a layer the report names
LOW = 0.1  # low activation: |a| is at most this, in the mean over the examples


@dataclass(frozen=True)
class Epoch:
    """What is measured after an epoch: C and the share of right answers on the training data, and on a test part."""

    epoch: int
    cost: float
    accuracy: float
    test_cost: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True)
class Trained:
    """The network after the last epoch, and one record for each."""

    network: Network
    history: tuple[Epoch, ...]


def train(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    epochs: int = 30,
    eta: float = 3.0,
    mini_batch: int = 10,
    seed: int = 0,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Mini-batch SGD: each epoch shuffles the examples and takes one step for each mini_batch of them.

    The last mini-batch of an epoch is what is left, and its step is averaged over its own size. on_epoch is called with
    each record as it is made. Equal arguments give equal networks, bit for bit, on one machine; nothing is changed.
    Raises ShapeError, DtypeError, ValueRefused, and Diverged if a weight or bias is no longer finite.
    Source: section "the backpropagation algorithm"; the eta of the same book's chapter 1.
    """
    for name, value, least in (("epochs", epochs, 0), ("mini_batch", mini_batch, 1), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueRefused(f"{name} = {value!r} was given; pass a whole number, at least {least}.")
    eta = _rate(eta)
    X, Y = network.batch(X, Y)
    tested = network.batch(*test) if test is not None else None
    rng, history = np.random.default_rng(seed), []
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(X))
        for start in range(0, len(X), mini_batch):
            some = order[start : start + mini_batch]
            network = _step(network, X[some], Y[some], eta, f"Training diverged in epoch {epoch}")
        history.append(_measure(epoch, network, X, Y, tested))
        if on_epoch:
            on_epoch(history[-1])
    return Trained(network, tuple(history))


def update(network: Network, X: ArrayLike, Y: ArrayLike, eta: float) -> Network:
    """One step down the gradient of the mean cost: w -> w - (eta/m) sum_x delta_x a_x^T, b -> b - (eta/m) sum_x delta_x.

    Returns a new network. Raises ShapeError, DtypeError, ValueRefused, and Diverged if a parameter is no longer finite.
    """
    return _step(network, X, Y, _rate(eta), "The step diverged")


def accuracy(network: Network, X: ArrayLike, Y: ArrayLike) -> float:
    """The share of examples whose largest output is the largest of y; of one output: that lies within 1/2 of y."""
    X, Y = network.batch(X, Y)
    a = feedforward(network, X)[1][network.L]
    right = abs(a - Y)[:, 0] <= 0.5 if Y.shape[1] == 1 else a.argmax(axis=1) == Y.argmax(axis=1)
    return float(right.mean())


def _rate(eta: Any) -> float:
    number = isinstance(eta, int | float | np.integer | np.floating) and not isinstance(eta, bool)
    if not (number and isfinite(eta) and eta > 0):
        raise ValueRefused(f"eta = {eta!r} was given; the learning rate must be a finite number above 0, such as 3.0.")
    return float(eta)  # a NumPy scalar would turn a float32 network into float64


def _step(network: Network, X: ArrayLike, Y: ArrayLike, eta: float, failure: str) -> Network:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what overflows is found below
        nabla = backprop_batch(network, X, Y)
        w = {l: network.w[l] - eta * nabla.nabla_w[l] for l in network.layers}
        b = {l: network.b[l] - eta * nabla.nabla_b[l] for l in network.layers if network.has_biases}
    for name, layers in (("w", w), ("b", b)):
        for l, values in layers.items():
            if not np.isfinite(values).all():
                raise Diverged(
                    f"{failure}: {name}[{l}] is no longer finite. Use a smaller learning rate than eta = {eta:g}, or a cost "
                    "that is defined for all outputs of the last layer."
                )
    return Network.from_arrays(
        list(w.values()), list(b.values()) if network.has_biases else None, list(network.sigma.values()), network.cost
    )


def _measure(epoch: int, network: Network, X: Array, Y: Array, test: tuple[Array, Array] | None) -> Epoch:
    with np.errstate(over="ignore", invalid="ignore"):  # a cost that has left float64 is inf in the record
        on_test = (cost(network, *test), accuracy(network, *test)) if test else (None, None)
        return Epoch(epoch, cost(network, X, Y), accuracy(network, X, Y), *on_test)


# ------------------------------------------------------------------------------------------------ where learning is slow


@dataclass(frozen=True, eq=False)
class Factors:
    """Why the gradient of one layer is as large as it is: ||nabla_w^l C_x|| = ||delta^l|| ||a^(l-1)||, for each example x.

    gradient, delta, a  (m,): the three norms of each example (Frobenius, Euclidean); the first is measured on nabla_w
    bound               (m,): |gradient - delta a| is at most this, from rounding alone
    of_mean             the norm of nabla_w^l of the mean cost: what is left after the examples have pulled at each other

    The two factors of the whole batch are mean_a and mean_delta, the mean of delta weighted by a: their product is
    mean_gradient, the mean of gradient, since sum_x delta_x a_x = (sum delta_x a_x / sum a_x) sum a_x.
    """

    gradient: Array
    delta: Array
    a: Array
    bound: Array
    of_mean: float

    @property
    def mean_gradient(self) -> float:
        """The mean over the examples of the measured ||nabla_w^l C_x||."""
        return float(self.gradient.mean())

    @property
    def mean_a(self) -> float:
        """The mean of ||a^(l-1)||: small if the layer below has low activation."""
        return float(self.a.mean())

    @property
    def mean_delta(self) -> float:
        """The mean of ||delta^l||, weighted by ||a^(l-1)||: small if layer l is saturated, or little error arrives."""
        weight = self.a / self.a.max() if self.a.max() > 0 else np.ones(len(self.a))
        return float((self.delta * weight).sum() / weight.sum())

    @property
    def mean_bound(self) -> float:
        """|mean_gradient - mean_delta mean_a| is at most this: the examples' bounds, and the rounding of three means."""
        product = self.mean_delta * self.mean_a
        return float(self.bound.mean() + gamma(4 * len(self.a) + 12) * (2 * product + self.mean_gradient))


@dataclass(frozen=True, eq=False)
class Neurons:
    """How the neurons of one layer do, each array (n_l,).

    saturated   the share of the examples on which |slope| is at most SLOPE of the largest for |z| <= 1
    right       layer L: the share on which it is saturated and its output is NEAR the desired one; else None
    wrong       layer L: the share on which it is saturated anywhere else; else None
    stuck       saturated on every example, with outputs NEAR each other
    level       the mean output
    pull        layers below L: the mean |dC_x/da^l_j| over the examples on which it is saturated (0: on none); else None
    """

    saturated: Array
    right: Array | None
    wrong: Array | None
    stuck: Array
    level: Array
    pull: Array | None


@dataclass(frozen=True, eq=False)
class SlowLearning:
    """Where and why a network learns slowly on these examples; str() is the report.

    factors[l]     l = 2..L: the two factors of the gradient of each layer
    neurons[l]     l = 2..L: saturated neurons, and whether they are right, wrong or stuck
    activation[l]  l = 1..L-1: the mean |a^l_k| over the examples, (n_l,); the weights w^(l+1)_jk learn in proportion
    """

    network: Network
    examples: int
    factors: Mapping[int, Factors]
    neurons: Mapping[int, Neurons]
    activation: Mapping[int, Array]

    def low(self, l: int) -> list[int]:
        """The neurons of layer l < L with low activation, counted from 1: all weights that leave them learn slowly."""
        return _numbers(self.activation[l] <= LOW)

    def data(self) -> dict[str, Any]:
        """The report as plain numbers, lists and dicts."""
        return {
            "examples": self.examples,
            "criteria": {"slope": SLOPE, "near": NEAR, "low": LOW},
            "layers": {l: self._factors(l) | self._neurons(l) for l in self.network.layers},
            "low_activation": {
                l: {"neurons": self.low(l), "always_zero": _numbers(v == 0), "weights": self._weights(l)}
                for l, v in self.activation.items()
            },
        }

    def _factors(self, l: int) -> dict[str, float]:
        f = self.factors[l]
        return {
            "gradient": f.mean_gradient,
            "delta": f.mean_delta,
            "a": f.mean_a,
            "bound": f.mean_bound,
            "gradient_of_mean": f.of_mean,
        }

    def _neurons(self, l: int) -> dict[str, Any]:
        n = self.neurons[l]
        parts = {name: getattr(n, name) for name in ("saturated", "right", "wrong", "level", "pull")}
        return {name: v.tolist() for name, v in parts.items() if v is not None} | {"stuck": _numbers(n.stuck)}

    def _weights(self, l: int) -> int:
        return len(self.low(l)) * self.network.n[l + 1]

    def __str__(self) -> str:
        return "\n".join(_report(self))


def slow_learning(network: Network, X: ArrayLike, Y: ArrayLike) -> SlowLearning:
    """Saturated neurons, weights that leave low-activation neurons, and the factors of each layer's gradient.

    The slope of neuron j is |sigma'(z_j)|; of softmax, the largest |da_k/dz_j|. Raises ShapeError, DtypeError, ValueRefused.
    Source: the remarks that follow BP4, "insights from the four equations".
    """
    X, Y = network.batch(X, Y)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what overflows is found below
        p, gradient = _pass(network, X, Y)
        alone = [_norms(*_pass(network, x[None], y[None])) for x, y in zip(X, Y, strict=True)]
    for l in reversed(network.layers):
        if not np.isfinite([norms[l] for norms in alone]).all():
            raise ValueRefused(
                f"The gradient of layer {l} is not finite on these examples, so that it has no factors: {network.cost.name} is "
                f"not defined for such outputs, or a number has left {network.dtype}. Use smaller weights or another cost."
            )
    factors = {l: _factors(network, l, [norms[l] for norms in alone], gradient.nabla_w[l]) for l in network.layers}
    return SlowLearning(
        network,
        len(X),
        MappingProxyType(factors),
        MappingProxyType({l: _neurons(p, l) for l in network.layers}),
        MappingProxyType({l: frozen(abs(p.a[l].astype(np.float64)).mean(axis=1)) for l in range(1, network.L)}),
    )


def _pass(network: Network, X: Array, Y: Array) -> tuple[Pass, Gradient]:
    """A pass of the chapter and its gradient, both: z, a and delta are the very numbers that nabla_w was made from."""
    kept = []

    def keep(p: Pass, gradient: Gradient) -> Gradient:
        kept.append(p)
        return gradient

    gradient = backprop_batch(network, X, Y, replace(CHAPTER, finish=keep))
    return kept[0], gradient


def _norms(p: Pass, gradient: Gradient) -> dict[int, tuple[float, float, float]]:
    return {l: (_norm(gradient.nabla_w[l]), _norm(p.delta[l]), _norm(p.a[l - 1])) for l in p.layers}


def _norm(v: Array) -> float:
    """The root of the sum of squares, in float64, scaled by a power of two: no square overflows or is lost."""
    v = v.astype(np.float64).ravel()
    _, e = frexp(abs(v).max())
    v = np.ldexp(v, -e)
    return ldexp(sqrt(v @ v), e)


def _factors(network: Network, l: int, norms: list[tuple[float, float, float]], nabla_w: Array) -> Factors:
    """The norms of each example, and how far rounding may take the first from the product of the others.

    A norm of n numbers carries 1 + theta_(n+1), nabla_w one rounding for each entry, in the dtype of the network;
    whatever is not a normal number loses at most the smallest normal one instead.
    """
    gradient, delta, a = np.array(norms).T
    n, entries = network.n[l] + network.n[l - 1], prod(nabla_w.shape)
    u = unit_roundoff(network.dtype)
    relative = (1 + u) * (1 + gamma(entries + 1 + 2 * (n + 3))) - 1
    bound = relative * (delta * a) + (sqrt(entries) + delta + a) * smallest_normal(network.dtype)
    return Factors(frozen(gradient), frozen(delta), frozen(a), frozen(bound), _norm(nabla_w))


def _neurons(p: Pass, l: int) -> Neurons:
    a = p.a[l].astype(np.float64)
    saturated = _slope(p, l, p.z[l]) <= SLOPE * _steepest(p, l)
    stuck = saturated.all(axis=1) & (a.max(axis=1) - a.min(axis=1) <= NEAR)
    right = wrong = pull = None
    if l == p.L:
        near = abs(a - p.y) <= NEAR
        right, wrong = (saturated & near).mean(axis=1), (saturated & ~near).mean(axis=1)
    else:
        arriving = abs(p.w[l + 1].T @ p.delta[l + 1])  # |dC_x/da^l_j|, as in BP2
        pull = (arriving * saturated).sum(axis=1) / np.maximum(saturated.sum(axis=1), 1)
    return Neurons(saturated.mean(axis=1), right, wrong, stuck, a.mean(axis=1), pull)


def _slope(p: Pass, l: int, z: Array) -> Array:
    """How fast an output can move with z^l_j: |sigma'(z_j)|, or of softmax the largest |da_k/dz_j|."""
    slope = abs(p.sigma_prime[l](z))
    return slope if p.elementwise[l] else slope.max(axis=0)


def _steepest(p: Pass, l: int) -> float:
    """The largest slope for |z| <= 1, where a fresh neuron works; the other neurons of a softmax layer move against it."""
    t = np.arange(-64, 65) / 64
    z = np.tile(-t, (p.network.n[l], 1))
    z[0] = t
    return float(_slope(p, l, z.astype(p.network.dtype)).max())


def _numbers(which: Array) -> list[int]:
    return [int(j) + 1 for j in np.flatnonzero(which)]


# ------------------------------------------------------------------------------------------------------- the report


def _report(s: SlowLearning) -> list[str]:
    network = s.network
    lines = [
        f"Slow learning: {'-'.join(map(str, network.sizes))}, {s.examples:,} example{'s' * (s.examples > 1)}",
        "",
        "The gradient of a layer is a product, ||nabla_w C_x|| = ||delta|| ||a below||;",
        "means over the examples x (of ||delta||: weighted by ||a below||):",
        "",
        "  layer  ||nabla_w C_x|| = ||delta||  x  ||a below||   of the mean cost",
    ]
    for l in network.layers:
        f = s.factors[l]
        lines.append(f"  {l:5}  {f.mean_gradient:15.6g}   {f.mean_delta:<9.4g}  x  {f.mean_a:<11.4g}   {f.of_mean:.4g}")
    gap = max(abs(f.mean_gradient - f.mean_delta * f.mean_a) for f in s.factors.values())
    bound = max(f.mean_bound for f in s.factors.values())
    lines += [f"  The products give the gradients back to {gap:.1g}; rounding allows {bound:.1g}.", ""]
    lines += [f"Saturated (slope at most {SLOPE:g} of the largest for |z| <= 1):", ""]
    for l in network.layers:
        lines += _saturation(s.neurons[l], l, network.cost.pair(network.sigma[l]) is not None)
    lines += ["", f"Low activation (mean |a| at most {LOW:g}): the weights that leave it learn slowly.", ""]
    for l, mean in s.activation.items():
        lines += _low_activation(s, l, _numbers(mean == 0))
    return lines


def _low_activation(s: SlowLearning, l: int, zero: list[int]) -> list[str]:
    low, weights = s.low(l), s.network.w[l + 1].size
    head = f"  layer {l}  {len(low)} of {s.network.n[l]} neurons" + (f", {len(zero)} of them always 0" if zero else "")
    if not low:
        return [head]
    return [
        head,
        *wrap("k = " + _listed(low), 78, initial_indent=" " * 11, subsequent_indent=" " * 15),
        f"           and so {s._weights(l):,} of the {weights:,} weights w^{l + 1}_jk",
    ]


def _saturation(n: Neurons, l: int, cancels: bool) -> list[str]:
    """cancels: this cost takes sigma' of the last layer away, so that a wrong output is not slow there."""
    head = f"  layer {l}  {n.saturated.mean():.1%} of its outputs over all examples"
    named = []
    if n.right is not None and n.wrong is not None:
        head += f": {n.right.mean():.2%} right, {n.wrong.mean():.2%} wrong"
        slow = "not slow: with this cost sigma' cancels in delta" if cancels else "slow, and not done"
        named += [f"right: within {NEAR:g} of the desired output", f"wrong: farther off, {slow}"]
        share = zip(n.right, n.wrong, strict=True)
        named += [f"neuron {j}: {r:.2%} right, {w:.2%} wrong" for j, (r, w) in enumerate(share, start=1) if w > 0]
    if n.pull is not None:
        share = zip(n.saturated, n.pull, strict=True)
        named += [f"neuron {j}: {s:.1%}; mean |dC/da| there {p:.2g}" for j, (s, p) in enumerate(share, start=1) if s >= OFTEN]
    named += [f"neuron {j} is stuck: on every example, near {n.level[j - 1]:.2g}" for j in _numbers(n.stuck)]
    if len(named) > MOST:
        named[MOST:] = [f"and {len(named) - MOST} lines more, in data()"]
    return [head, *(f"           {line}" for line in named)]


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:MOST])) + (f" and {len(numbers) - MOST} more" if len(numbers) > MOST else "")
