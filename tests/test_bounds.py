"""Rounding bounds by example: small networks whose errors can be worked by hand."""

import re

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.activations import Activation, sigmoid
from backprop_ref.activations import softmax as softmax_activation
from backprop_ref.costs import Cost, cross_entropy, log_likelihood, quadratic, times
from backprop_ref.errors import ValueRefused
from backprop_ref.gate import bounds
from backprop_ref.network import Network

U = 2.0**-53


def one_one_one(activation="linear", cost="quadratic", w=(2.0, 3.0), b=(0.5, 0.25)):
    return Network.from_arrays([[[v]] for v in map(np.float64, w)], [np.array([v]) for v in b], activation, cost)


def batch(x, y=0.5):
    return np.array([[float(x)]]), np.array([[float(y)]])


def test_a_linear_neuron_by_hand():
    # z = 2 x + 0.5, two roundings; a = z, where sigma may cost 4 u; delta = a - y, and nabla_a C may cost another 4 u
    network = Network.from_arrays([[[2.0]]], [np.array([0.5])], "linear")
    got = bounds.rounding(network, *batch(1.0, 0.5))
    E_z = 2 * U * (2.0 * 1.0 + 0.5)
    E_a = E_z + 4 * U * 2.5
    E_delta = E_a + 4 * U * 2.0 + 2 * U * 2.0
    assert E_delta <= got.delta[2][0, 0] <= 1.5 * E_delta + 4 * U * 2.0 + U * 2.0
    assert got.nabla_w[2][0, 0] >= E_delta + 5 * U * 2.0


def test_the_error_of_a_goes_through_the_next_layer():
    # a^2 = sigmoid(0) = 1/2 may be off by 10 u; z^3 = 1e6 a^2 - 5e5 cancels, and its own sum is off by 2 u 1e6 only
    network = one_one_one(["sigmoid", "linear"], w=(1.0, 1e6), b=(0.0, -5e5))
    got = bounds.rounding(network, *batch(0.0, 0.0))
    assert 1e7 * U <= got.delta[3].item() <= 1.3e7 * U


def test_the_error_of_every_z_reaches_every_output_of_softmax():
    # z_1 = 5 and z_2 = 1e6 - 1e6, off by 2 u 2e6 at least; da_1 = -a_1 a_2 dz_2 and da_2 = a_2 (1 - a_2) dz_2
    network = Network.from_arrays([[[0.0, 0.0], [1e6, -1e6]]], [np.array([5.0, 0.0])], "softmax", "log_likelihood")
    got = bounds.rounding(network, np.ones((1, 2)), np.array([[0.0, 1.0]])).delta[2]
    a_2 = 1 / (1 + np.exp(5.0))
    assert (got >= a_2 * (1 - a_2) * 4e6 * U).all()
    assert (got <= 10 * a_2 * (1 - a_2) * 4e6 * U).all()


def test_every_product_of_a_sum_may_be_flushed_to_zero():
    n, t = 1000, 2.0**-1022
    network = Network.from_arrays([np.full((1, n), 1e-200), [[2.0**1000]]], None, "linear")
    got = bounds.rounding(network, np.full((1, n), 1e-200), np.zeros((1, 1)))
    assert got.delta[3].item() >= n * t * 2.0**1000


def test_the_mean_taken_first_may_flush_m_times_as_much():
    n, t = 64, 2.0**-1022
    got = bounds.rounding(one_one_one(w=(1.0, 1.0), b=(0.0, 0.0)), np.zeros((n, 1)), np.zeros((n, 1)))
    assert (got.delta[3] >= n * t).all()


def test_what_any_correct_order_may_do_is_allowed():
    # 1 + u + u + ..., summed from the left, stays 1: each addition is a tie that rounds down
    n = 64
    network = Network.from_arrays([np.array([[1.0, *[U] * n]])], None, "linear")
    got = bounds.rounding(network, np.ones((1, n + 1)), np.ones((1, 1)))
    assert got.delta[2].item() >= n * U


def test_the_layout_is_that_of_the_gradient():
    network = Network.random([3, 4, 2], seed=1)
    X, Y = np.ones((5, 3)), np.zeros((5, 2))
    got, gradient = bounds.rounding(network, X, Y), matrix.backprop_batch(network, X, Y)
    assert [(part, l, v.shape) for part, l, v in got.items()] == [(part, l, v.shape) for part, l, v in gradient.items()]
    assert {v.dtype for _, _, v in got.items()} == {np.dtype(np.float64)}
    assert got.nabla_x.shape == (5, 3)
    assert {l: v.shape for l, v in got.at_kink.items()} == {2: (5, 4), 3: (5, 2)}


def test_a_network_without_biases_has_no_bounds_for_them():
    network = Network.from_arrays([np.ones((2, 1))], None)
    assert dict(bounds.rounding(network, np.ones((1, 1)), np.zeros((1, 2))).nabla_b) == {}


def test_the_sum_has_m_times_the_bound_of_the_mean():
    network = Network.random([3, 4, 2], seed=1)
    X, Y = np.ones((4, 3)), np.zeros((4, 2))
    mean, total = bounds.rounding(network, X, Y), bounds.rounding(network, X, Y, reduction="sum")
    assert (4 * mean.nabla_w[2] == total.nabla_w[2]).all()  # four is a power of two
    assert (4 * mean.nabla_x == total.nabla_x).all()
    assert (mean.delta[2] == total.delta[2]).all()


def test_a_reduction_of_another_name_is_refused():
    with pytest.raises(ValueRefused, match=re.escape("reduction='average' was given; pass 'mean', as in the chapter, or 'sum'.")):
        bounds.rounding(Network.random([1, 1]), *batch(1.0), reduction="average")


def test_a_narrower_dtype_has_wider_bounds():
    network = Network.random([3, 4, 2], seed=1)
    X, Y = np.full((2, 3), 0.1), np.zeros((2, 2))
    double, single, half = (bounds.rounding(network, X, Y, dtype) for dtype in (np.float64, np.float32, np.float16))
    for part, l, v in double.items():
        assert (2.0**29 * v <= getattr(single, part)[l]).all()  # u is 2^29 times as large, and the inputs are rounded
        assert (2.0**12 * getattr(single, part)[l] <= getattr(half, part)[l]).all()


def test_a_float32_network_has_exact_inputs_for_a_float32_candidate():
    narrow = Network.random([3, 4, 2], seed=1).astype(np.float32)
    wide = narrow.astype(np.float64)
    X, Y = np.full((2, 3), 0.25, np.float32), np.zeros((2, 2), np.float32)
    exact = bounds.rounding(narrow, X, Y, np.float32)
    rounded = bounds.rounding(wide, X.astype(np.float64), Y.astype(np.float64), np.float32)
    assert (exact.nabla_w[2] < rounded.nabla_w[2]).all()
    assert bounds.rounding(narrow, X, Y) == bounds.rounding(wide, X.astype(np.float64), Y.astype(np.float64))


def test_a_bound_does_not_depend_on_how_many_other_entries_there_are():
    w2 = np.random.default_rng(0).standard_normal((50, 3))
    few = Network.from_arrays([w2[:5]], None)
    many = Network.from_arrays([w2], None)
    X, Y = np.ones((2, 3)), np.zeros((2, 50))
    assert (bounds.rounding(few, X, Y[:, :5]).delta[2] == bounds.rounding(many, X, Y).delta[2][:, :5]).all()


@pytest.mark.parametrize(("z", "at_kink"), [(1e-5, False), (1e-9, False), (0.0, True), (-1e-9, False), (2.0**-53, True)])
def test_relu_jumps_only_where_its_kink_cannot_be_told_from_z(z, at_kink):
    network = one_one_one("relu", w=(1.0, 1.0), b=(-1.0, 2.0))
    got = bounds.rounding(network, *batch(1.0 + z, 0.0))
    assert got.at_kink[2].item() is (at_kink or abs((1.0 + z) - 1.0) == 0)
    assert (got.delta[2].item() > 1.9) is got.at_kink[2].item()  # delta^3 is 2, and sigma' jumps by 1
    assert (got.delta[2].item() < 1e-13) is not got.at_kink[2].item()


def test_leaky_relu_jumps_by_its_own_step():
    network = one_one_one("leaky_relu", w=(1.0, 1.0), b=(0.0, 2.0))
    got = bounds.rounding(network, *batch(0.0, 0.0))
    assert 0.99 * 2 <= got.delta[2].item() <= 1.02 * 2


def test_overflow_is_not_promised_anything():
    network = one_one_one("square", w=(1e100, 1e100))
    got = bounds.rounding(network, *batch(1.0))
    assert np.isinf(got.nabla_w[2]).all()
    assert np.isinf(bounds.rounding(one_one_one(w=(1e39, 1.0)), *batch(1.0), np.float32).nabla_w[3]).all()
    assert np.isfinite(bounds.rounding(one_one_one(w=(1e15, 1.0)), *batch(1.0), np.float32).nabla_w[3]).all()


def test_products_that_may_be_flushed_to_zero_are_allowed_to_be():
    got = bounds.rounding(one_one_one(w=(1e-200, 1e-200), b=(0.0, 0.0)), *batch(1e-200, 0.0))
    assert got.nabla_w[3].item() >= 2.0**-1022


def test_a_literal_cross_entropy_counts_while_z_is_moderate():
    network = Network.from_arrays([[[1.0]]], None, "sigmoid", "cross_entropy")
    for z, told in ((2.0, True), (14.9, True), (15.1, False)):
        naive, stable = (bounds.rounding(network, *batch(z, 0.0), naive=n).nabla_w[2].item() for n in (True, False))
        assert np.isfinite(naive) is np.bool_(told)
        assert naive > stable
        assert stable < 1e-13


def test_an_unshifted_softmax_counts_while_its_exponentials_are_normal_numbers():
    network = Network.from_arrays([np.eye(2)], None, "softmax", "log_likelihood")
    Y = np.array([[1.0, 0.0]])
    for z, dtype, told in (
        (80.0, np.float64, True),
        (710.0, np.float64, False),
        (80.0, np.float32, True),
        (89.0, np.float32, False),
    ):
        X = np.array([[z, z]])
        assert np.isfinite(bounds.rounding(network, X, Y, dtype).delta[2]).all() == told
        assert np.isfinite(bounds.rounding(network, X, Y, dtype, naive=False).delta[2]).all()


def test_a_multiple_of_a_cost_has_that_multiple_of_its_bound():
    for cost, last in ((quadratic, "sigmoid"), (cross_entropy, "sigmoid"), (log_likelihood, "softmax")):
        network = Network.random([3, 4, 2], ["sigmoid", last], cost, seed=1)
        X, Y = np.ones((2, 3)), np.array([[1.0, 0.0], [0.0, 1.0]])
        once = bounds.rounding(network, X, Y)
        for c in (2.0**-40, -(2.0**40)):
            multiple = bounds.rounding(network.with_cost(times(c, cost)), X, Y)
            for part, l, v in once.items():
                # the tiny numbers that may be flushed are no multiples: they are far below the last bit here
                assert (getattr(multiple, part)[l] == abs(c) * v).all()


def test_functions_of_your_own_get_bounds_near_those_of_ours():
    own_sigmoid = Activation("own sigmoid", sigmoid.sigma, sigmoid.sigma_prime)
    own_cost = Cost("own quadratic", quadratic.C, quadratic.nabla_a_C)
    own_softmax = Activation("own softmax", softmax_activation.sigma, softmax_activation.sigma_prime, elementwise=False)
    X, Y = np.full((2, 3), 0.5), np.array([[1.0, 0.0], [0.25, 0.5]])
    for theirs, ours in ((own_sigmoid, "sigmoid"), ([own_sigmoid, own_softmax], ["sigmoid", "softmax"])):
        mine = bounds.rounding(Network.random([3, 4, 2], theirs, own_cost, seed=1), X, Y)
        known = bounds.rounding(Network.random([3, 4, 2], ours, "quadratic", seed=1), X, Y)
        for part, l, v in known.items():
            assert (v / 2 <= getattr(mine, part)[l]).all()
            assert (getattr(mine, part)[l] <= 20 * v).all()


def test_a_pair_of_your_own_is_measured_too():
    pair = cross_entropy.pairs[sigmoid]
    own = Cost("own", cross_entropy.C, cross_entropy.nabla_a_C, pairs={sigmoid: pair}, separable=True)
    X, Y = np.full((2, 3), 0.5), np.array([[1.0, 0.0], [0.25, 0.5]])
    mine = bounds.rounding(Network.random([3, 4, 2], "sigmoid", own, seed=1), X, Y)
    known = bounds.rounding(Network.random([3, 4, 2], "sigmoid", "cross_entropy", seed=1), X, Y, naive=False)
    for part, l, v in known.items():
        assert (v / 2 <= getattr(mine, part)[l]).all()
        assert (getattr(mine, part)[l] <= 20 * v).all()


def test_a_denominator_that_cancels_is_not_promised_anything():
    network = Network.from_arrays([[[1.0]]], None, "linear", "cross_entropy")
    assert np.isinf(bounds.rounding(network, *batch(1.0 - U, 0.0)).nabla_w[2]).all()
    assert np.isfinite(bounds.rounding(network, *batch(0.5, 0.0)).nabla_w[2]).all()


def test_the_change_of_sigma_prime_is_that_of_its_second_derivative():
    # sigma' = 3 z^2, sigma'' = 6 z
    cube = Activation("own cube", lambda z: z**3, lambda z: 3 * z * z)
    for E in (2.0**-40, 2.0**-10):
        s, largest, change, at_kink = bounds.slopes(cube, np.array([[2.0]]), np.array([[E]]))
        assert s.item() == 12
        assert largest.item() >= 12 + 12 * E
        assert 12 * E <= change.item() <= 12.2 * E
        assert not at_kink.any()


def test_the_gate_says_what_it_has():
    from backprop_ref import gate

    with pytest.raises(AttributeError, match=re.escape("module 'backprop_ref.gate' has no attribute 'bound'; it has ")):
        _ = gate.bound
    assert gate.bounds is bounds
