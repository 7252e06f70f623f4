"""Laws of the gradient that hold bit for bit, so that no bound is needed.

They hold where nothing rounds: multiplication by a power of two, or the sums and products of a few quarters (EXACT: a
linear or relu network of at most 4 layers of 4 neurons needs at most 36 of the 53 bits).
"""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop_ref import matrix, neuron
from backprop_ref.costs import times
from backprop_ref.gradient import Gradient
from backprop_ref.network import Network
from backprop_ref.strategies import batches, examples, quarters

QUICK = settings(deadline=None, max_examples=80)
EXACT = {
    "max_layers": 4,
    "max_neurons": 4,
    "activations": ["linear", "relu"],
    "costs": ["quadratic", "squared_error"],
    "entries": quarters,
}
POWERS_OF_TWO = st.sampled_from([1, 2, 4])


def assume_no_underflow(gradient):
    """Below the normal numbers, doubling before a rounding is not doubling after it."""
    for _, _, array in gradient.items():
        assume(np.isfinite(array).all() and (abs(array[array != 0]) > 2.0**-500).all())


def parts(gradient, l):
    return gradient.nabla_w[l], gradient.nabla_b.get(l), gradient.delta[l]


def same(these, those):
    return all((p is None and q is None) or np.array_equal(p, q) for p, q in zip(these, those, strict=True))


@QUICK
@given(examples(entries=quarters))
def test_doubling_the_cost_doubles_the_gradient(example):
    """nabla(2 C) = 2 nabla(C); times() carries a fused (sigma, cost) pair along."""
    network, x, y = example
    with np.errstate(all="ignore"):
        once = matrix.backprop(network, x, y)
        assume_no_underflow(once)
        assert matrix.backprop(network.with_cost(times(2, network.cost)), x, y) == 2 * once
    assert neuron.backprop(network.with_cost(times(2, network.cost)), x, y) == 2 * neuron.backprop(network, x, y)


@QUICK
@given(batches(sizes=POWERS_OF_TWO))
def test_the_sum_is_m_times_the_mean(batch):
    network, X, Y = batch
    for backprop_batch in (matrix.backprop_batch, neuron.backprop_batch):
        with np.errstate(all="ignore"):
            total, mean = (backprop_batch(network, X, Y, reduction=reduction) for reduction in ("sum", "mean"))
        assume_no_underflow(mean)
        for l in network.layers:
            assert same(parts(total, l)[:2], parts(len(X) * mean, l)[:2])
            assert np.array_equal(total.delta[l], mean.delta[l])


@QUICK
@given(batches(**EXACT))
def test_a_batch_is_the_sum_of_its_examples_and_keeps_each_ones_delta(batch):
    network, X, Y = batch
    total = matrix.backprop_batch(network, X, Y, reduction="sum")
    each = [neuron.backprop(network, x, y) for x, y in zip(X, Y, strict=True)]
    for l in network.layers:
        assert np.array_equal(total.nabla_w[l], sum(g.nabla_w[l] for g in each))
        assert np.array_equal(total.delta[l], [g.delta[l] for g in each])
        if network.has_biases:
            assert np.array_equal(total.nabla_b[l], sum(g.nabla_b[l] for g in each))


@QUICK
@given(examples())
def test_a_batch_of_one_is_the_single_example(example):
    network, x, y = example
    single, batch = neuron.backprop(network, x, y), neuron.backprop_batch(network, [x], [y])
    assume_no_underflow(single)
    assert batch == replace(single, delta={l: d[None] for l, d in single.delta.items()})


@QUICK
@given(batches(**EXACT))
def test_a_batch_given_twice_has_the_same_mean(batch):
    network, X, Y = batch
    once = matrix.backprop_batch(network, X, Y, reduction="sum")
    twice = matrix.backprop_batch(network, np.tile(X, (2, 1)), np.tile(Y, (2, 1)), reduction="sum")
    for l in network.layers:
        assert same(parts(twice, l)[:2], parts(2 * once, l)[:2])
        assert np.array_equal(twice.delta[l], np.tile(once.delta[l], (2, 1)))


@QUICK
@given(batches(**EXACT), st.randoms(use_true_random=False))
def test_the_order_of_the_examples_moves_nothing_but_delta(batch, random):
    network, X, Y = batch
    order = random.sample(range(len(X)), len(X))
    here, there = (matrix.backprop_batch(network, X[o], Y[o]) for o in (range(len(X)), order))
    for l in network.layers:
        assert same(parts(here, l)[:2], parts(there, l)[:2])
        assert np.array_equal(here.delta[l][order], there.delta[l])


@QUICK
@given(batches(**EXACT), st.data())
def test_permuting_the_neurons_of_a_hidden_layer_permutes_the_gradient(batch, data):
    network, X, Y = batch
    assume(network.L > 2)
    l = data.draw(st.integers(2, network.L - 1))
    order = data.draw(st.permutations(range(network.n[l])))
    w, b = dict(network.w), dict(network.b)
    w[l], b[l], w[l + 1] = w[l][order], b[l][order], w[l + 1][:, order]
    here = matrix.backprop_batch(network, X, Y)
    there = matrix.backprop_batch(replace(network, w=w, b=b), X, Y)
    w, b, delta = dict(here.nabla_w), dict(here.nabla_b), dict(here.delta)
    w[l], w[l + 1], delta[l] = w[l][order], w[l + 1][:, order], delta[l][:, order]
    if network.has_biases:
        b[l] = b[l][order]
    assert there == Gradient(w, b, delta)


@QUICK
@given(
    examples(
        activations=["relu", "leaky_relu", "linear"], costs=["quadratic", "squared_error", "mean_squared_error"], biases=False
    ),
    st.data(),
)
def test_what_one_layer_gains_the_next_may_lose(example, data):
    """sigma(2 z) = 2 sigma(z): with w^l doubled and w^(l+1) halved, C stays, so nabla_w^l halves and nabla_w^(l+1) doubles."""
    network, x, y = example
    assume(network.L > 2)
    l = data.draw(st.integers(2, network.L - 1))
    scaled = replace(network, w=dict(network.w) | {l: 2 * network.w[l], l + 1: network.w[l + 1] / 2})
    for backprop in (matrix.backprop, neuron.backprop):
        here, there = backprop(network, x, y), backprop(scaled, x, y)
        assume_no_underflow(here)
        factor = {l: 0.5, l + 1: 2.0}
        assert all(np.array_equal(there.nabla_w[i], factor.get(i, 1.0) * here.nabla_w[i]) for i in network.layers)


@QUICK
@given(batches(costs=["quadratic", "squared_error", "mean_squared_error"]))
def test_where_the_outputs_are_the_desired_ones_the_gradient_is_zero(batch):
    network, X, _ = batch
    _, a = matrix.feedforward(network, X)
    gradient = matrix.backprop_batch(network, X, a[network.L])
    assert not any(array.any() for _, _, array in gradient.items())


@QUICK
@given(examples())
def test_bp3_and_bp4_of_one_example_are_delta_and_an_outer_product(example):
    """One example sums nothing: nabla_b = delta, and nabla_w is delta times a^(l-1), rounded once."""
    network, x, y = example
    with np.errstate(all="ignore"):
        gradient = matrix.backprop(network, x, y)
        _, a = matrix.feedforward(network, x[None])
        assume_no_underflow(gradient)
        for l in network.layers:
            assert np.array_equal(gradient.nabla_w[l], np.outer(gradient.delta[l], a[l - 1][0]))
            assert not network.has_biases or np.array_equal(gradient.nabla_b[l], gradient.delta[l])


@QUICK
@given(batches(**EXACT, biases=True))
def test_without_biases_is_with_biases_of_zero_but_for_nabla_b(batch):
    network, X, Y = batch
    w = list(network.w.values())
    zero = Network.from_arrays(w, [np.zeros(len(v)) for v in w], list(network.sigma.values()), network.cost)
    none = Network.from_arrays(w, None, list(network.sigma.values()), network.cost)
    for backprop_batch in (matrix.backprop_batch, neuron.backprop_batch):
        assert backprop_batch(none, X, Y) == replace(backprop_batch(zero, X, Y), nabla_b={})


@QUICK
@given(examples(max_layers=2, activations=["softmax"], entries=quarters, biases=True), quarters)
def test_softmax_does_not_see_a_shift_of_all_its_inputs(example, shift):
    network, x, y = example
    shifted = replace(network, b={2: network.b[2] + shift})
    with np.errstate(all="ignore"):
        assert matrix.backprop(shifted, x, y) == matrix.backprop(network, x, y)
    assert neuron.backprop(shifted, x, y) == neuron.backprop(network, x, y)


@QUICK
@given(batches())
def test_backprop_changes_neither_network_nor_data(batch):
    network, X, Y = batch
    kept = [v.copy() for v in (X, Y, *network.w.values(), *network.b.values())]
    with np.errstate(all="ignore"):
        matrix.backprop_batch(network, X, Y)
    neuron.backprop_batch(network, X, Y)
    assert all(np.array_equal(v, k) for v, k in zip((X, Y, *network.w.values(), *network.b.values()), kept, strict=True))
