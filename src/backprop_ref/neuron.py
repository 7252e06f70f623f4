"""The gradient, one neuron at a time: every sum is a loop, every number a plain number.

l      a layer, 2..L
j      a neuron of layer l, 1..n_l
k      a neuron of the other layer in the equation: l - 1 in (23) and BP4, l + 1 in BP2, L itself in a softmax layer

Everything is keyed by the book's numbers: w[3][2, 4] is w^3_24. The same loops run on floats (a Network), and on
complex numbers, fractions or any other numbers (network.over(Fraction)). No arrays in here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .errors import ShapeError, ValueRefused
from .gradient import Gradient
from .network import Network, Numbered, divisor

ByNeuron = dict[int, dict[int, Any]]
ByConnection = dict[int, dict[tuple[int, int], Any]]


def feedforward(network: Network | Numbered, x: Sequence[Any]) -> tuple[ByNeuron, ByNeuron]:
    """z[l][j] for l = 2..L and a[l][j] for l = 1..L, from n_1 inputs. Source: (23).

    A Network computes in floats, network.over(kind) in numbers of that kind. Raises ShapeError, DtypeError, ValueRefused.
    """
    if isinstance(network, Network):
        x = network.input(x).tolist()
    net = _numbered(network)
    _require_length("x", x, net, 1)
    w, b, sigma, neurons = net.w, net.b, net.sigma, net.neurons
    z: ByNeuron = {}
    a: ByNeuron = {1: net.numbered(x)}
    for l in net.layers:
        z[l] = {j: sum(w[l][j, k] * a[l - 1][k] for k in neurons(l - 1)) + b[l][j] for j in neurons(l)}  # (25)
        if net.elementwise[l]:
            a[l] = {j: sigma[l](z[l][j]) for j in neurons(l)}  # (23)
        else:
            a[l] = net.numbered(sigma[l](list(z[l].values())))
    return z, a


def cost(network: Network | Numbered, x: Sequence[Any], y: Sequence[Any]) -> Any:
    """C_x, a plain number, for one example of n_1 inputs and n_L outputs. Source: (27), or the network's own cost."""
    net, x, numbered_y = _example(network, x, y)
    z, a = feedforward(net, x)
    C, _ = net.pair.plain if net.pair else net.cost
    return C(list((z if net.pair else a)[net.L].values()), list(numbered_y.values()))


def backprop(network: Network | Numbered, x: Sequence[Any], y: Sequence[Any]) -> Gradient:
    """Gradient of C_x for one example of n_1 inputs and n_L outputs. Source: BP1 to BP4.

    Floats from a Network; from network.over(kind) numbers of that kind. Raises ShapeError, DtypeError, ValueRefused.
    """
    return Gradient.from_numbered(*_backprop(*_example(network, x, y)))


def _backprop(net: Numbered, x: Sequence[Any], y: Mapping[int, Any]) -> tuple[ByConnection, ByNeuron, ByNeuron]:
    L, layers, neurons, w, sigma_prime = net.L, net.layers, net.neurons, net.w, net.sigma_prime
    z, a = feedforward(net, x)
    delta: ByNeuron = {l: {} for l in layers}
    nabla_b: ByNeuron = {l: {} for l in layers}
    nabla_w: ByConnection = {l: {} for l in layers}

    delta[L] = _output_error(net, z[L], a[L], y)
    for l in reversed(range(2, L)):
        for j in neurons(l):
            delta[l][j] = sum(w[l + 1][k, j] * delta[l + 1][k] for k in neurons(l + 1)) * sigma_prime[l](z[l][j])  # BP2
    for l in layers:
        for j in neurons(l):
            nabla_b[l][j] = delta[l][j]  # BP3
            for k in neurons(l - 1):
                nabla_w[l][j, k] = a[l - 1][k] * delta[l][j]  # BP4
    return nabla_w, nabla_b if net.has_biases else {}, delta


def _output_error(net: Numbered, z: Mapping[int, Any], a: Mapping[int, Any], y: Mapping[int, Any]) -> dict[int, Any]:
    """delta^L[j] from z^L[j], a^L[j] and y[j]."""
    L, neurons, sigma_prime = net.L, net.neurons, net.sigma_prime
    if net.pair:  # BP1, with its 0/0 cancelled by hand
        _, delta_L = net.pair.plain
        return net.numbered(delta_L(list(z.values()), list(y.values())))
    _, nabla_a_C = net.cost
    dC_da = net.numbered(nabla_a_C(list(a.values()), list(y.values())))
    if net.elementwise[L]:
        return {j: dC_da[j] * sigma_prime[L](z[j]) for j in neurons(L)}  # BP1
    da_dz = sigma_prime[L](list(z.values()))
    return {j: sum(dC_da[k] * da_dz[k - 1][j - 1] for k in neurons(L)) for j in neurons(L)}  # (37): the sum stays


def backprop_batch(
    network: Network | Numbered, X: Iterable[Sequence[Any]], Y: Iterable[Sequence[Any]], reduction: str = "mean"
) -> Gradient:
    """Gradient of the mean cost over a mini-batch (or of the sum, reduction="sum"): a loop over its examples.

    X: m examples of n_1 inputs, Y: m of n_L outputs. delta[l] is (m, n_l), undivided. Raises as backprop, ValueRefused.
    """
    if isinstance(network, Network):
        X, Y = network.batch(X, Y)  # type: ignore[arg-type]
    net, X, Y = _numbered(network), list(X), list(Y)
    if len(X) != len(Y):
        raise ShapeError(f"X has {len(X)} examples and Y has {len(Y)}; pass one y for each x.")
    examples = [_backprop(*_example(net, x, y)) for x, y in zip(X, Y, strict=True)]
    if not examples:
        raise ValueRefused("X and Y are empty: a mini-batch needs at least one example.")
    m = divisor(reduction, len(examples))
    nabla_w = {l: {jk: sum(e[0][l][jk] for e in examples) / m for jk in net.w[l]} for l in net.layers}
    nabla_b = {l: {j: sum(e[1][l][j] for e in examples) / m for j in net.neurons(l)} for l in net.layers if net.has_biases}
    return Gradient.from_numbered(nabla_w, nabla_b, {l: [e[2][l] for e in examples] for l in net.layers})


def _numbered(network: Network | Numbered) -> Numbered:
    return network.over(float) if isinstance(network, Network) else network


def _example(network: Network | Numbered, x: Any, y: Any) -> tuple[Numbered, Sequence[Any], dict[int, Any]]:
    if isinstance(network, Network):
        x, y = (v.tolist() for v in network.example(x, y))
    net = _numbered(network)
    _require_length("x", x, net, 1)
    _require_length("y", y, net, net.L)
    return net, x, net.numbered(y)


def _require_length(name: str, values: Sequence[Any], net: Numbered, l: int) -> None:
    n_l = len(net.neurons(l))
    if len(values) != n_l:
        raise ShapeError(
            f"{name} has {len(values)} numbers, but layer {l} of this network has {n_l} neurons (sizes {net.sizes})."
        )
