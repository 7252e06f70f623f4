"""Hypothesis strategies: networks, examples and mini-batches, for your own property tests.

    @given(examples())
    def test_my_gradient(example):
        network, x, y = example

Whatever fails shrinks to few layers of one neuron and to small round numbers: a report reads w = 0.25, not 0.2531867.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import copysign
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from .activations import ACTIVATIONS, Activation, activation
from .costs import COSTS, Cost, cost
from .errors import ValueRefused
from .network import Network

Array = NDArray[Any]
Entries = st.SearchStrategy[float]
SCALES = (1.0, 0.1, 0.01, 0.001, 2.0, 10.0, 30.0)  # the first is what a failure shrinks to
SCALES_OF_POLYNOMIALS = SCALES[:5]  # square and cube: what they return grows from layer to layer
NEEDS = {"cross_entropy": ("sigmoid",), "log_likelihood": ("softmax", "sigmoid")}  # outputs a logarithm exists for

quarters: Entries = st.integers(-8, 8).map(lambda q: q / 4)  # -2 to 2: sums and products of a few are exact; shrinks to 0.0


@cache  # a strategy is slow to make and quick to draw from
def decimals(scale: float = 1.0) -> Entries:
    """Quarters, and as often thousandths, from -scale to scale. Shrinks to 0.0; before that, outwards to a quarter of scale."""
    inwards = st.integers(-250, 249).map(lambda r: max(r, 0) / 1000)
    return st.builds(lambda q, r: scale * (q / 4 - copysign(r, q) if q else 0.0), st.integers(-4, 4), inwards)


def fits(sigma: Activation, of: Cost) -> bool:
    """Whether an activation may stand in layer L before a cost: a logarithm needs outputs between 0 and 1."""
    return of.name not in NEEDS or sigma.name in NEEDS[of.name]


def networks(
    max_layers: int = 5,
    max_neurons: int = 6,
    activations: Sequence[str | Activation] | None = None,
    costs: Sequence[str | Cost] | None = None,
    entries: Entries | None = None,
    biases: bool | None = None,
) -> st.SearchStrategy[Network]:
    """Networks of 2 to max_layers layers with 1 to max_neurons neurons each, an activation for each layer, and a cost.

    activations, costs: the names (or your own) to draw from, all by default; only what fits stands in layer L, and a
    softmax nowhere else. entries: a strategy for each weight and bias; by default decimals() of a scale drawn for the
    network, 0.001 to 30 (to 2 where a square or a cube stands). biases: whether there are any; by default both.

    Shrinks to two layers of one neuron each, weights 0.0, no biases, and the first activation and cost of those given.
    Raises ValueRefused if nothing fits, UnknownName.
    """
    sigmas = [activation(s) for s in (ACTIVATIONS if activations is None else activations)]
    of = [cost(c) for c in (COSTS if costs is None else costs)]
    last = {c: fitting for c in of if (fitting := [sigma for sigma in sigmas if fits(sigma, c)])}
    hidden = [sigma for sigma in sigmas if sigma.elementwise]
    if not last:
        needs = "; ".join(f"{c.name} needs {' or '.join(NEEDS.get(c.name, ['an activation']))}" for c in of)
        raise ValueRefused(
            f"No network can be drawn: none of the activations {[s.name for s in sigmas]} fits in layer L before any of the "
            f"costs {[c.name for c in of]} ({needs or 'and there must be a cost'})."
        )
    if max_layers < 2 or max_neurons < 1:
        raise ValueRefused(f"max_layers={max_layers} and max_neurons={max_neurons} were given; at least 2 and 1 are needed.")
    return _networks(max_layers if hidden else 2, max_neurons, hidden, last, entries, biases)


def examples(
    max_layers: int = 5,
    max_neurons: int = 6,
    activations: Sequence[str | Activation] | None = None,
    costs: Sequence[str | Cost] | None = None,
    entries: Entries | None = None,
    biases: bool | None = None,
) -> st.SearchStrategy[tuple[Network, Array, Array]]:
    """(network, x, y) with x of shape (n_1,) and y of shape (n_L,), within the targets of the network's cost.

    The arguments are those of networks(); entries also draws x, and y where the cost takes any. Shrinks to the smallest
    network, x = 0.0 and y = 0.0.
    """
    return _examples(networks(max_layers, max_neurons, activations, costs, entries, biases), entries)


def batches(
    max_layers: int = 5,
    max_neurons: int = 6,
    activations: Sequence[str | Activation] | None = None,
    costs: Sequence[str | Cost] | None = None,
    entries: Entries | None = None,
    biases: bool | None = None,
    sizes: st.SearchStrategy[int] | None = None,
) -> st.SearchStrategy[tuple[Network, Array, Array]]:
    """(network, X, Y) with X of shape (m, n_1) and Y of shape (m, n_L), m drawn from sizes: by default 1 to 4.

    The other arguments are those of examples(). Shrinks to one example of the smallest network, X = 0.0 and Y = 0.0.
    """
    of = networks(max_layers, max_neurons, activations, costs, entries, biases)
    return _batches(of, st.integers(1, 4) if sizes is None else sizes, entries)


@st.composite
def _networks(
    draw: st.DrawFn,
    max_layers: int,
    max_neurons: int,
    hidden: list[Activation],
    last: dict[Cost, list[Activation]],
    entries: Entries | None,
    biases: bool | None,
) -> Network:
    sizes = draw(st.lists(st.integers(1, max_neurons), min_size=2, max_size=max_layers))
    of = draw(st.sampled_from(list(last)))
    pick = draw(st.integers(0, max(map(len, last.values())) - 1))  # drawn for every cost: the fewest draws count as the simplest
    sigma = [draw(st.sampled_from(hidden)) for _ in sizes[2:]] + [last[of][pick % len(last[of])]]
    if entries is None:
        polynomial = any(s.degree is not None and s.degree > 1 for s in sigma)
        entries = decimals(draw(st.sampled_from(SCALES_OF_POLYNOMIALS if polynomial else SCALES)))
    w = [_array(draw, entries, n, k) for k, n in pairwise(sizes)]
    with_biases = draw(st.booleans()) if biases is None else biases
    b = [_array(draw, entries, n) for n in sizes[1:]] if with_biases else None
    return Network.from_arrays(w, b, sigma, of)


@st.composite
def _batches(
    draw: st.DrawFn, of: st.SearchStrategy[Network], sizes: st.SearchStrategy[int], entries: Entries | None
) -> tuple[Network, Array, Array]:
    network, m = draw(of), draw(sizes)
    anything = decimals() if entries is None else entries
    X = _array(draw, anything, m, network.n[1])
    if network.cost.targets is None:
        return network, X, _array(draw, anything, m, network.n[network.L])
    return network, X, _array(draw, _between(*network.cost.targets), m, network.n[network.L])


def _examples(of: st.SearchStrategy[Network], entries: Entries | None) -> st.SearchStrategy[tuple[Network, Array, Array]]:
    return _batches(of, st.just(1), entries).map(lambda batch: (batch[0], batch[1][0], batch[2][0]))


@cache
def _between(low: float, high: float) -> Entries:
    return decimals().map(lambda t: low + (high - low) * abs(t))


def _array(draw: st.DrawFn, entries: Entries, *shape: int) -> Array:
    size = int(np.prod(shape))
    return np.array(draw(st.lists(entries, min_size=size, max_size=size)), np.float64).reshape(shape)
