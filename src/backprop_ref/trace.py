"""A worked example: one example through the network and back, then one step of gradient descent, every number kept.

Everything comes from neuron.py and is keyed by the book's numbers: z[2][1] is z^2_1, w[3][2, 4] is w^3_24. The factors
of BP1 and BP2, which neuron.py multiplies at once, are kept beside their product. Nothing is printed here.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import neuron
from .costs import COSTS
from .errors import ValueRefused
from .gradient import subscript
from .network import Network, Numbered

ByNeuron = dict[int, dict[int, float]]
ByConnection = dict[int, dict[tuple[int, int], float]]


@dataclass(frozen=True, eq=False)
class Trace:
    """Every number of one step of gradient descent on one example.

    net            the network in floats, by the book's numbers: net.w[l][j, k], net.b[l][j]
    y, z, a        the desired outputs and the forward pass: y[j], z[l][j] for l = 2..L, a[l][j] for l = 1..L
    C, terms       the cost of the example, and the part of each output in it (empty where C is no such sum)
    dC_da          dC/da^L_j (empty if a pair of sigma and C gives delta^L at once)
    sigma_prime    sigma'(z^l_j), but for a layer that BP1 treats otherwise: a pair, or softmax
    da_dz          of softmax, da^L_k/dz^L_j as da_dz[k, j] (else empty)
    sums           sum_k w^(l+1)_kj delta^(l+1)_k, the first factor of BP2, for l = 2..L-1
    delta, nabla_b, nabla_w   BP1 to BP4
    eta            the learning rate
    update_biases  False if the step leaves the biases alone
    new_w, new_b   the parameters after the step (new_b is empty if they are left alone)
    new_C          the cost of the same example after the step; it may be NaN or infinite after one that is too long
    """

    net: Numbered
    y: dict[int, float]
    z: ByNeuron
    a: ByNeuron
    C: float
    terms: dict[int, float]
    dC_da: dict[int, float]
    sigma_prime: ByNeuron
    da_dz: dict[tuple[int, int], float]
    sums: ByNeuron
    delta: ByNeuron
    nabla_b: ByNeuron
    nabla_w: ByConnection
    eta: float
    update_biases: bool
    new_w: ByConnection
    new_b: ByNeuron
    new_C: float

    def given(self) -> Iterator[tuple[str, float]]:
        """(the book's name, value) of every input, target, weight and bias."""
        net = self.net
        yield from ((name("a", 1, k), value) for k, value in self.a[1].items())
        yield from ((f"y_{subscript(j)}", value) for j, value in self.y.items())
        for l in net.layers:
            yield from ((name("w", l, *jk), value) for jk, value in net.w[l].items())
            yield from ((name("b", l, j), value) for j, value in net.b[l].items() if net.has_biases)

    def steps(self) -> Iterator[tuple[str, str, float]]:
        """(equation, the book's name, value) of every number, in the order in which they are found."""
        L, layers, neurons = self.net.L, self.net.layers, self.net.neurons
        for l in layers:
            for j in neurons(l):
                yield "(23)", name("z", l, j), self.z[l][j]
            for j in neurons(l):
                yield "(23)", name("a", l, j), self.a[l][j]
        yield cost_equation(self.net.network), "C", self.C
        for j, value in self.dC_da.items():
            yield "BP1", f"dC/d{name('a', L, j)}", value
        for (k, j), value in self.da_dz.items():
            yield "(37)", f"d{name('a', L, k)}/d{name('z', L, j)}", value
        for l in reversed(layers):
            equation = "BP2" if l < L else "(37)" if self.da_dz else "BP1"
            for j, value in self.sigma_prime.get(l, {}).items():
                yield equation, f"sigma'({name('z', l, j)})", value
            for j, value in self.delta[l].items():
                yield equation, name("delta", l, j), value
        for l, values in self.nabla_b.items():
            for j, value in values.items():
                yield "BP3", name("dC/db", l, j), value
        for l, connections in self.nabla_w.items():
            for jk, value in connections.items():
                yield "BP4", name("dC/dw", l, *jk), value
        for l, connections in self.new_w.items():
            for jk, value in connections.items():
                yield "update", name("new w", l, *jk), value
        for l, values in self.new_b.items():
            for j, value in values.items():
                yield "update", name("new b", l, j), value
        yield cost_equation(self.net.network), "new C", self.new_C


def trace(network: Network, x: Sequence[float], y: Any, eta: float = 0.5, update_biases: bool = True) -> Trace:
    """One step of gradient descent on one example, w <- w - eta dC/dw, with every number on the way.

    x: n_1 inputs, y: n_L outputs or an integer class label. update_biases=False: the biases keep their values.
    Raises as Network.example does, and ValueRefused if eta is not positive or a number leaves the range of floats.
    """
    if not (math.isfinite(eta) and eta > 0):
        raise ValueRefused(f"eta = {eta:g} was given; the learning rate is a positive number, such as 0.5.")
    xs, ys = (v.tolist() for v in network.example(x, y))
    net = network.over(float)
    gradient = neuron.backprop(net, xs, ys)
    L, layers, neurons, numbered = net.L, net.layers, net.neurons, net.numbered
    z, a = neuron.feedforward(net, xs)
    delta = {l: numbered(v.tolist()) for l, v in gradient.delta.items()}
    nabla_b = {l: numbered(v.tolist()) for l, v in gradient.nabla_b.items()}
    nabla_w = {l: dict(zip(net.w[l], v.ravel().tolist(), strict=True)) for l, v in gradient.nabla_w.items()}
    sums = {l: {j: sum(net.w[l + 1][k, j] * delta[l + 1][k] for k in neurons(l + 1)) for j in neurons(l)} for l in layers[:-1]}
    slopes = [l for l in layers if net.elementwise[l] and not (l == L and net.pair)]
    update_biases = update_biases and net.has_biases
    new_w = {l: {jk: w - eta * nabla_w[l][jk] for jk, w in net.w[l].items()} for l in layers}
    new_b = {l: {j: b - eta * nabla_b[l][j] for j, b in net.b[l].items()} for l in layers} if update_biases else {}
    found = Trace(
        net=net,
        y=numbered(ys),
        z=z,
        a=a,
        C=neuron.cost(net, xs, ys),
        terms=_terms(net, a[L], numbered(ys)),
        dC_da={} if net.pair else numbered(net.cost[1](list(a[L].values()), ys)),
        sigma_prime={l: {j: net.sigma_prime[l](z[l][j]) for j in neurons(l)} for l in slopes},
        da_dz=_jacobian(net, z[L]),
        sums=sums,
        delta=delta,
        nabla_b=nabla_b,
        nabla_w=nabla_w,
        eta=eta,
        update_biases=update_biases,
        new_w=new_w,
        new_b=new_b,
        new_C=neuron.cost(Numbered(network, float, new_w, new_b or net.b), xs, ys),
    )
    _require_finite(found)
    return found


def classic() -> tuple[Network, list[float], list[float]]:
    """The 2-2-2 example that many have worked by hand: network, x, y. It is done with eta = 0.5 and its biases kept."""
    weights = [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]
    return Network.from_arrays(weights, [[0.35, 0.35], [0.60, 0.60]]), [0.05, 0.10], [0.01, 0.99]


def name(letter: str, l: int, *neurons: int) -> str:
    """The book's name of a quantity of layer l.

    >>> name("w", 3, 2, 4), name("w", 2, 12, 7), name("z", 2, 12)
    ('w^3_24', 'w^2_{12,7}', 'z^2_{12}')
    """
    return f"{letter}^{l}_{subscript(*neurons)}"


def cost_equation(network: Network) -> str:
    """Where the book defines the cost: (27) is the quadratic one, and the others are named."""
    return "(27)" if network.cost is COSTS["quadratic"] else network.cost.name


def _require_finite(t: Trace) -> None:
    """Nothing but new_C may leave the floats: a step that is too long is a lesson, a trace of NaN is none."""
    for _, what, value in t.steps():
        if not math.isfinite(value) and what != "new C":
            outside = {j: a for j, a in t.a[t.net.L].items() if not 0 < a < 1}
            if t.net.network.cost.targets and outside:
                j, a = next(iter(outside.items()))
                raise ValueRefused(
                    f"{what} is {value} on this example: {t.net.network.cost.name} needs outputs between 0 and 1, and "
                    f"{name('a', t.net.L, j)} is {a:.9g}; use sigmoid or softmax in layer {t.net.L}, or the quadratic cost."
                )
            raise ValueRefused(f"{what} is {value} on this example, beyond the range of floats; use smaller weights or inputs.")


def _terms(net: Numbered, a: dict[int, float], y: dict[int, float]) -> dict[int, float]:
    """The part of each output in C, for the costs of the package: n_L outputs alike cost n_L times the part of one."""
    if net.network.cost not in COSTS.values():
        return {}
    C, n_L = net.cost[0], len(a)
    terms = {j: C([a[j]] * n_L, [y[j]] * n_L) / n_L for j in a}
    return terms if all(map(math.isfinite, terms.values())) else {}  # ln 0 on a saturated output, which a pair avoids


def _jacobian(net: Numbered, z: dict[int, float]) -> dict[tuple[int, int], float]:
    if net.pair or net.elementwise[net.L]:
        return {}
    da_dz = net.sigma_prime[net.L](list(z.values()))
    return {(k, j): da_dz[k - 1][j - 1] for j in z for k in z}
