"""||nabla_w^l C_x|| = ||delta^l|| ||a^(l-1)|| within the rounding that is stated, for every activation, cost and dtype."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_ref import sgd
from backprop_ref.activations import ACTIVATIONS
from backprop_ref.network import Network
from backprop_ref.rounding import smallest_normal, unit_roundoff

ELEMENTWISE = sorted(name for name, s in ACTIVATIONS.items() if s.elementwise)
# cross_entropy and log_likelihood are finite behind the activations that they are paired with
LAST = [(s, "quadratic") for s in ELEMENTWISE] + [("sigmoid", "cross_entropy"), ("softmax", "log_likelihood")]
LAST += [("softmax", c) for c in ("quadratic", "squared_error", "mean_squared_error")]


@st.composite
def networks_and_batches(draw):
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    last, cost = draw(st.sampled_from(LAST))
    hidden = draw(st.lists(st.sampled_from(ELEMENTWISE), min_size=len(sizes) - 2, max_size=len(sizes) - 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    limit = 2 if {"square", "cube"} & {*hidden, last} else 30
    scale = min(limit, draw(st.sampled_from([1.0, 1e-3, 30.0, 1e-12])))
    network = Network.random(sizes, [*hidden, last], cost, seed=int(rng.integers(2**32)))
    network = Network.from_arrays(
        [scale * v for v in network.w.values()],
        [v + 0 for v in network.b.values()] if draw(st.booleans()) else None,
        [*hidden, last],
        cost,
    ).astype(draw(st.sampled_from([np.float64, np.float32])))
    m = draw(st.integers(1, 4))
    return network, rng.standard_normal((m, sizes[0])), np.eye(sizes[-1])[rng.integers(sizes[-1], size=m)]


@settings(deadline=None, max_examples=150)
@given(networks_and_batches())
def test_the_two_factors_give_back_the_gradient(case):
    network, X, Y = case
    slow = sgd.slow_learning(network, X, Y)
    for f in slow.factors.values():
        assert (abs(f.gradient - f.delta * f.a) <= f.bound).all()
        assert abs(f.mean_gradient - f.mean_delta * f.mean_a) <= f.mean_bound
        # a bound that is always wide enough is worth nothing: one rounding in this dtype, and some 70 in float64
        u, tiny = unit_roundoff(network.dtype), smallest_normal(network.dtype)
        assert (f.bound <= (u + 1e-14) * f.delta * f.a + (6 + f.delta + f.a) * tiny).all()


@settings(deadline=None, max_examples=100)
@given(networks_and_batches())
def test_shares_are_shares_and_a_saturated_output_is_right_or_wrong(case):
    network, X, Y = case
    slow = sgd.slow_learning(network, X, Y)
    for l, n in slow.neurons.items():
        assert ((n.saturated >= 0) & (n.saturated <= 1)).all()
        assert (n.saturated[n.stuck] == 1).all()
        if l == network.L:
            counts = [np.rint(len(X) * v) for v in (n.right, n.wrong, n.saturated)]
            assert np.array_equal(counts[0] + counts[1], counts[2])
    assert max(map(len, str(slow).splitlines())) <= 80
