import re
from fractions import Fraction

import numpy as np
import pytest

from backprop_ref import Activation, Cost, Network, activations, costs, digits, neuron
from backprop_ref.errors import DtypeError, FormMissing, ShapeError, TooLarge, ValueRefused
from backprop_ref.oracles.exact import degrees_of_C, exact, slope_at_0, weights_of_values

F = Fraction


def test_one_weight_by_hand():
    # C(w, b) = ((w x + b)^2 - y)^2 / 2 at w = 1/2, b = 1/4, x = 3, y = 1: z = 7/4, a = 49/16, dC/dz = (a - y) 2z = 33/16 * 7/2
    network = Network.from_arrays([[[0.5]]], [[0.25]], "square")
    gradient = exact(network, [3.0], [1.0])
    assert gradient.nabla_w[2].tolist() == [[3 * F(231, 32)]]
    assert gradient.nabla_b[2].tolist() == [F(231, 32)]
    assert gradient.delta[2].tolist() == [F(231, 32)]


def test_two_layers_by_hand():
    # sigma(z) = z: C = |w3 w2 x - y|^2 / 2, so that delta^3 = w3 w2 x - y and delta^2 = w3^T delta^3
    network = Network.from_arrays([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], None, "linear")
    gradient = exact(network, [1.0, -1.0], [0.0, 1.0])
    assert gradient.delta[3].tolist() == [-11, -16]
    assert gradient.delta[2].tolist() == [-5 * 11 - 7 * 16, -6 * 11 - 8 * 16]
    assert gradient.nabla_w[3].tolist() == [[11, 11], [16, 16]]  # a^2 = (-1, -1)
    assert gradient.nabla_w[2].tolist() == [[-167, 167], [-194, 194]]
    assert gradient.nabla_b == {}


def test_floats_are_the_binary_fractions_that_they_are():
    network = Network.from_arrays([[[1.0]]], None, "linear")
    assert exact(network, [0.1], [0.0]).delta[2][0] == F(0.1) != F(1, 10)


def test_fractions_are_taken_as_they_are():
    network = Network.from_arrays([[[1.0]]], None, "linear")
    assert exact(network, [F(1, 10)], [F(1, 3)]).delta[2][0] == F(1, 10) - F(1, 3)
    assert exact(network, [F(1, 3)], [0.5]).delta[2][0] == F(1, 3) - F(1, 2)
    assert exact(network, [F(10**400)], [F(0)]).delta[2][0] == 10**400  # beyond every float


def test_a_float32_network_is_its_exact_values():
    network = Network.from_arrays([np.float32([[0.1]])], None, "linear")
    assert exact(network, [1.0], [0.0]).delta[2][0] == F(float(np.float32(0.1)))


def test_a_batch_is_the_mean_or_the_sum_of_its_examples():
    network = Network.from_arrays([[[2.0]]], [[1.0]], "linear")
    X, Y = np.array([[1.0], [2.0], [0.0]]), np.array([[0.0], [1.0], [0.0]])
    mean, total = exact(network, X, Y), exact(network, X, Y, reduction="sum")
    assert mean.delta[2].tolist() == total.delta[2].tolist() == [[3], [4], [1]]  # each example's own, undivided
    assert (mean.nabla_w[2].tolist(), mean.nabla_b[2].tolist()) == ([[F(11, 3)]], [F(8, 3)])
    assert (total.nabla_w[2].tolist(), total.nabla_b[2].tolist()) == ([[11]], [8])


def test_class_labels_stand_for_one_hot_targets():
    network = Network.from_arrays([[[1.0], [2.0]]], None, "linear")
    assert exact(network, [1.0], 1).delta[2].tolist() == [1, 1]
    assert exact(network, [[1.0]], [0]).delta[2].tolist() == [[0, 2]]


def test_weights_of_values_are_those_of_central_differences():
    assert weights_of_values(2) == {1: F(1, 2)}
    assert weights_of_values(4) == {1: F(2, 3), 2: F(-1, 12)}
    assert weights_of_values(6) == {1: F(3, 4), 2: F(-3, 20), 3: F(1, 60)}


@pytest.mark.parametrize("degree", range(12))
def test_slope_at_0_reads_c_1_and_nothing_else(degree):
    for i in range(degree + 1):
        assert slope_at_0(lambda h, i=i: F(h) ** i, degree) == (1 if i == 1 else 0)


def test_degrees_are_the_product_of_what_lies_above():
    network = Network.from_arrays([[[1.0]], [[1.0]], [[1.0]]], None, ["square", "linear", "cube"])
    assert degrees_of_C(network) == {2: 12, 3: 6, 4: 6}


def test_own_polynomials_take_part():
    own = Activation(
        "z^2 - z", lambda z: z * z - z, lambda z: 2 * z - 1, plain=(lambda z: z * z - z, lambda z: 2 * z - 1), degree=2
    )
    fourth = Cost(
        "fourth",
        lambda a, y: ((a - y) ** 4).sum(axis=0),
        lambda a, y: 4 * (a - y) ** 3,
        plain=(
            lambda a, y: sum((p - q) ** 4 for p, q in zip(a, y, strict=True)),
            lambda a, y: [4 * (p - q) ** 3 for p, q in zip(a, y, strict=True)],
        ),
        degree=4,
    )
    network = Network.random([2, 2, 1], own, fourth, seed=1)
    assert exact(network, [0.5, 2.0], [1.0]) == neuron.backprop(network.over(F), [0.5, 2.0], [1.0])
    assert exact(network.with_cost(costs.times(3, fourth)), [0.5, 2.0], [1.0]) == 3 * exact(network, [0.5, 2.0], [1.0])


def test_it_knows_no_derivative():
    """sigma' and nabla_a C that raise when called are never called."""

    def never(*_):
        raise AssertionError("a derivative was called")

    square, quadratic = activations.square, costs.quadratic
    deaf = Activation("deaf", never, never, plain=(square.plain[0], never), degree=2)
    network = Network.random([2, 3, 2], deaf, Cost("deaf", never, never, plain=(quadratic.plain[0], never), degree=2), seed=3)
    known = Network.random([2, 3, 2], "square", seed=3)
    assert exact(network, [1.0, 2.0], [0.0, 1.0]) == exact(known, [1.0, 2.0], [0.0, 1.0])


def test_every_derivative_of_a_real_digit_equals_neuron_over_fractions():
    """The bar: 2,260 derivatives and 40 errors on 64-30-10, sigma(z) = z^2, without tolerance."""
    network = Network.random([64, 30, 10], "square", seed=0)
    X, Y = digits.train(1)
    by_values, by_book = exact(network, X[0], Y[0]), neuron.backprop(network.over(F), X[0].tolist(), Y[0].tolist())
    assert by_values == by_book
    assert by_values.parameters == 2260


@pytest.mark.parametrize("part", ["nabla_w", "nabla_b", "delta"])
def test_one_wrong_entry_is_seen(part):
    network = Network.random([3, 3, 2], "square", seed=2)
    x, y = [0.5, 0.25, 1.0], [0.0, 1.0]
    gradient = neuron.backprop(network.over(F), x, y)
    parts = {p: {l: v.copy() for l, v in getattr(gradient, p).items()} for p in ("nabla_w", "nabla_b", "delta")}
    parts[part][2].flat[-1] += F(1, 2**200)
    assert exact(network, x, y) == gradient != type(gradient)(**parts)


# ------------------------------------------------------------------------------------------------------ what is refused


def test_what_is_no_polynomial_is_refused():
    sentence = (
        "The exact oracle needs polynomials, and the {} is none: use linear, square or cube with a quadratic "
        "cost, state the degree of your own polynomial (degree=...), or use the central or complex-step oracle."
    )
    with pytest.raises(FormMissing, match=re.escape(sentence.format("activation 'sigmoid' of layer 3")) + "$"):
        exact(Network.random([2, 2, 2], ["square", "sigmoid"]), [1.0, 1.0], [0.0, 1.0])
    with pytest.raises(FormMissing, match=re.escape(sentence.format("cost 'cross_entropy'")) + "$"):
        exact(Network.random([2, 2, 2], "square", "cross_entropy"), [1.0, 1.0], [0.0, 1.0])


def test_a_wrong_degree_is_refused():
    sentence = (
        "The {} states degree={}, but its values are not those of a polynomial of that degree; "
        "state the right degree, or None if it is no polynomial."
    )
    relu = Activation("half", activations.relu.sigma, activations.relu.sigma_prime, plain=activations.relu.plain, degree=1)
    with pytest.raises(ValueRefused, match=re.escape(sentence.format("activation 'half' of layer 2", 1)) + "$"):
        exact(Network.random([2, 2, 2], [relu, "linear"]), [1.0, 1.0], [0.0, 1.0])
    low = Cost("low", costs.quadratic.C, costs.quadratic.nabla_a_C, plain=costs.quadratic.plain, degree=1)
    with pytest.raises(ValueRefused, match=re.escape(sentence.format("cost 'low'", 1)) + "$"):
        exact(Network.random([2, 2], "linear", low), [1.0, 1.0], [0.0, 1.0])


def test_a_degree_too_high_is_refused():
    network = Network.random([1] * 8, "cube")
    sentence = (
        "C is a polynomial of degree 4,374 in the weights of layer 2, and the exact oracle is for degrees up to "
        "1,000; use fewer layers, lower powers, or the central or complex-step oracle."
    )
    with pytest.raises(TooLarge, match=re.escape(sentence) + "$"):
        exact(network, [1.0], [1.0])


def test_an_activation_without_plain_numbers_is_refused():
    network = Network.random([2, 2], Activation("mine", lambda z: z * z, lambda z: 2 * z, degree=2))
    sentence = (
        "activation 'mine' has no form for plain numbers of kind Fraction. "
        "Pass Activation(..., plain=(sigma, sigma_prime)) with functions of one Fraction."
    )
    with pytest.raises(FormMissing, match=re.escape(sentence) + "$"):
        exact(network, [1.0, 1.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("x", "y", "error", "begins"),
    [
        ([1.0], [0.0, 1.0], ShapeError, "x has shape (1,), but layer 1 of this network has 2 neurons"),
        ([F(1)], [0.0, 1.0], ShapeError, "x has shape (1,), but layer 1 of this network has 2 neurons"),
        ([1.0, 1.0], [F(1)], ShapeError, "y has shape (1,), but layer 2 of this network has 2 neurons"),
        ([1, 1], [0.0, 1.0], DtypeError, "x holds integers of dtype int64"),
        ([np.nan, 1.0], [0.0, 1.0], ValueRefused, "x holds nan at position (0,)"),
        ([None, F(1)], [0.0, 1.0], DtypeError, "x holds values of dtype object"),
        ([[1.0, 1.0], [1.0]], [[0.0, 1.0]], ShapeError, "x is not an array of numbers"),
        (np.zeros((0, 2)), np.zeros((0, 2)), ValueRefused, "X has shape (0, 2): a mini-batch needs at least one example."),
        (np.zeros((2, 3)), np.zeros((2, 2)), ShapeError, "X has shape (2, 3), but layer 1 of this network has 2 neurons"),
    ],
)
def test_examples_are_refused_as_network_refuses_them(x, y, error, begins):
    network = Network.random([2, 2], "square")
    with pytest.raises(error, match="^" + re.escape(begins)):
        exact(network, x, y)


def test_an_unknown_reduction_is_refused():
    network = Network.random([2, 2], "square")
    sentence = "reduction='max' was given; pass 'mean', as in the chapter, or 'sum'."
    for x, y in (([1.0, 1.0], [0.0, 1.0]), ([[1.0, 1.0]], [[0.0, 1.0]])):
        with pytest.raises(ValueRefused, match=re.escape(sentence) + "$"):
            exact(network, x, y, reduction="max")


def test_nothing_is_changed():
    network, x, y = Network.random([2, 2], "square"), [1.0, 2.0], [F(1, 3), F(2, 3)]
    before = {l: v.copy() for l, v in network.w.items()}
    exact(network, x, y)
    assert all(np.array_equal(network.w[l], v) for l, v in before.items())
    assert (x, y) == ([1.0, 2.0], [F(1, 3), F(2, 3)])
