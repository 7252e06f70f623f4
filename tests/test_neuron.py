from fractions import Fraction

import numpy as np
import pytest

from backprop_ref import neuron
from backprop_ref.activations import Activation
from backprop_ref.costs import Cost
from backprop_ref.errors import BackpropRefError, DtypeError, FormMissing, ShapeError, ValueRefused
from backprop_ref.network import Network

# A 2-2-2 network worked by hand: sigma(z) = z^2, all numbers quarters and eighths, so that nothing rounds.
#   z^2 = (1 + 1 + 1/2, -1 + 1/2 - 1)       = (5/2, -3/2)     a^2 = (25/4, 9/4)
#   z^3 = (25/4 - 9/2, 25/8 + 9/4 + 1/8)    = (7/4, 11/2)     a^3 = (49/16, 121/4)     a^3 - y = (2, 1/4)
#   delta^3 = (2, 1/4) * 2 z^3              = (7, 11/4)
#   delta^2 = (w^3)^T delta^3 * 2 z^2       = (7 + 11/8, -14 + 11/4) * (5, -3) = (335/8, 135/4)
BY_HAND = Network.from_arrays(
    [[[1.0, 2.0], [-1.0, 1.0]], [[1.0, -2.0], [0.5, 1.0]]], [[0.5, -1.0], [0.0, 0.125]], activations="square"
)
x, y = [1.0, 0.5], [1.0625, 30.0]


def refused(error, sentence, call, *args, **kwargs):
    with pytest.raises(BackpropRefError) as caught:
        call(*args, **kwargs)
    assert (type(caught.value), str(caught.value)) == (error, sentence)


def test_a_2_2_2_network_worked_by_hand():
    z, a = neuron.feedforward(BY_HAND, x)
    assert z == {2: {1: 2.5, 2: -1.5}, 3: {1: 1.75, 2: 5.5}}
    assert a == {1: {1: 1.0, 2: 0.5}, 2: {1: 6.25, 2: 2.25}, 3: {1: 3.0625, 2: 30.25}}
    assert neuron.cost(BY_HAND, x, y) == (2**2 + 0.25**2) / 2
    gradient = neuron.backprop(BY_HAND, x, y)
    assert gradient.delta[3].tolist() == [7, 11 / 4]
    assert gradient.delta[2].tolist() == [335 / 8, 135 / 4]
    assert gradient.nabla_b[3].tolist() == [7, 11 / 4]
    assert gradient.nabla_b[2].tolist() == [335 / 8, 135 / 4]
    assert gradient.nabla_w[3].tolist() == [[7 * 25 / 4, 7 * 9 / 4], [11 / 4 * 25 / 4, 11 / 4 * 9 / 4]]
    assert gradient.nabla_w[2].tolist() == [[335 / 8, 335 / 16], [135 / 4, 135 / 8]]


def test_the_same_over_fractions():
    gradient = neuron.backprop(BY_HAND.over(Fraction), x, y)
    assert gradient.delta[2].tolist() == [Fraction(335, 8), Fraction(135, 4)]
    assert {type(v) for _, _, array in gradient.items() for v in array.flat} == {Fraction}
    assert gradient == neuron.backprop(BY_HAND, x, y)


def test_the_same_over_complex_numbers():
    gradient = neuron.backprop(BY_HAND.over(complex), x, y)
    assert gradient.nabla_w[2].dtype == complex
    assert gradient == neuron.backprop(BY_HAND, x, y)


def test_w_3_24_of_a_3_4_2_network_carries_a_2_4_to_z_3_2():
    w = {2: np.ones((4, 3)), 3: np.zeros((2, 4))}
    w[3][1, 3] = 2.0  # w^3_24
    network = Network.from_arrays(list(w.values()), [[1.0, 2.0, 3.0, 4.0], [0.0, 0.0]], "linear")
    z, a = neuron.feedforward(network, [1.0, 1.0, 1.0])
    assert a[2] == {1: 4.0, 2: 5.0, 3: 6.0, 4: 7.0}
    assert z[3] == {1: 0.0, 2: 2.0 * 7.0}
    delta = neuron.backprop(network, [1.0, 1.0, 1.0], [0.0, 0.0]).delta
    assert delta[2].tolist() == [0, 0, 0, 2.0 * 14.0]


def test_the_sums_of_a_softmax_layer_stay():
    """Two equal outputs of 1/2: the Jacobian is ((1, -1), (-1, 1))/4, and nabla_a C = (1/2 - 1, 1/2 - 0)."""
    network = Network.from_arrays([[[1.0], [1.0]]], [[0.0, 0.0]], "softmax", "quadratic")
    assert neuron.backprop(network, [3.0], [1.0, 0.0]).delta[2].tolist() == [-0.25, 0.25]


def test_a_saturated_output_has_a_gradient_where_the_literal_form_is_0_over_0():
    network = Network.from_arrays([[[1000.0]]], None, "sigmoid", "cross_entropy")
    assert neuron.backprop(network, [1.0], [0.0]).delta[2].tolist() == [1.0]
    assert neuron.cost(network, [1.0], [0.0]) == 1000.0
    network = Network.from_arrays([[[1000.0], [0.0]]], None, "softmax", "log_likelihood")
    assert neuron.backprop(network, [1.0], [0.0, 1.0]).delta[2].tolist() == [1.0, -1.0]


def test_a_network_without_biases_has_no_nabla_b():
    network = Network.from_arrays([[[1.0, 2.0]]], None, "linear")
    gradient = neuron.backprop(network, [1.0, 1.0], [0.0])
    assert dict(gradient.nabla_b) == {}
    assert gradient.nabla_w[2].tolist() == [[3.0, 3.0]]


def test_a_batch_is_the_mean_or_the_sum_and_keeps_each_delta():
    X, Y = [x, [0.0, 0.0]], [y, [2.0, -1.0]]
    first, second = (neuron.backprop(BY_HAND, *example) for example in zip(X, Y, strict=True))
    for reduction, m in (("mean", 2), ("sum", 1)):
        batch = neuron.backprop_batch(BY_HAND, X, Y, reduction)
        assert batch.nabla_w[2].tolist() == ((first.nabla_w[2] + second.nabla_w[2]) / m).tolist()
        assert batch.nabla_b[3].tolist() == ((first.nabla_b[3] + second.nabla_b[3]) / m).tolist()
        assert batch.delta[2].tolist() == [first.delta[2].tolist(), second.delta[2].tolist()]
    assert neuron.backprop_batch(BY_HAND.over(Fraction), X, Y) == neuron.backprop_batch(BY_HAND, X, Y)


def test_class_labels():
    network = Network.from_arrays([[[1.0], [2.0]]], None, "linear")
    assert neuron.backprop(network, [1.0], 1) == neuron.backprop(network, [1.0], [0.0, 1.0])
    assert neuron.backprop_batch(network, [[1.0], [2.0]], [1, 0]) == neuron.backprop_batch(
        network, [[1.0], [2.0]], [[0.0, 1.0], [1.0, 0.0]]
    )


def test_your_own_functions_need_no_form_for_plain_floats():
    own = Network.from_arrays(
        [[[2.0]]],
        None,
        Activation("own", lambda z: z * z, lambda z: 2 * z),
        Cost("own", lambda a, y: (a - y).sum(axis=0), lambda a, y: np.ones_like(a)),
    )
    assert neuron.cost(own, [3.0], [1.0]) == 35.0
    assert neuron.backprop(own, [3.0], [1.0]).delta[2].tolist() == [12.0]
    refused(
        FormMissing,
        "activation 'own' has no form for plain numbers of kind Fraction. Pass Activation(..., plain=(sigma, sigma_prime)) "
        "with functions of one Fraction.",
        neuron.backprop,
        own.over(Fraction),
        [3.0],
        [1.0],
    )


def test_exp_of_a_fraction_is_refused():
    refused(
        FormMissing,
        "exp of a Fraction is not a Fraction. Use an activation that is a polynomial (linear, square, cube), or floats.",
        neuron.backprop,
        Network.random([1, 1]).over(Fraction),
        [1.0],
        [1.0],
    )


BAD = {
    "x too long": (
        lambda: neuron.backprop(BY_HAND, [1.0, 2.0, 3.0], y),
        ShapeError,
        "x has shape (3,), but layer 1 of this network has 2 neurons (sizes (2, 2, 2)). Pass one example as shape (2,), or a "
        "mini-batch as (m, 2) to matrix.backprop_batch.",
    ),
    "x too long in feedforward": (
        lambda: neuron.feedforward(BY_HAND, [1.0, 2.0, 3.0]),
        ShapeError,
        "x has shape (3,), but layer 1 of this network has 2 neurons (sizes (2, 2, 2)). Pass one example as shape (2,), or a "
        "mini-batch as (m, 2) to matrix.backprop_batch.",
    ),
    "integers in feedforward": (
        lambda: neuron.feedforward(BY_HAND, [1, 2]),
        DtypeError,
        "x holds integers of dtype int64, and float64 or float32 are needed; convert with np.asarray(x, dtype=np.float64) if "
        "that is what you mean.",
    ),
    "NaN in cost": (
        lambda: neuron.cost(BY_HAND, [1.0, float("nan")], y),
        ValueRefused,
        "x holds nan at position (1,); every number must be finite.",
    ),
    "x too long over fractions": (
        lambda: neuron.backprop(BY_HAND.over(Fraction), [1, 2, 3], y),
        ShapeError,
        "x has 3 numbers, but layer 1 of this network has 2 neurons (sizes (2, 2, 2)).",
    ),
    "y too short over fractions": (
        lambda: neuron.cost(BY_HAND.over(Fraction), [1, 2], [1]),
        ShapeError,
        "y has 1 numbers, but layer 3 of this network has 2 neurons (sizes (2, 2, 2)).",
    ),
    "no examples": (
        lambda: neuron.backprop_batch(BY_HAND.over(Fraction), [], []),
        ValueRefused,
        "X and Y are empty: a mini-batch needs at least one example.",
    ),
    "no examples as arrays": (
        lambda: neuron.backprop_batch(BY_HAND, np.zeros((0, 2)), np.zeros((0, 2))),
        ValueRefused,
        "X has shape (0, 2): a mini-batch needs at least one example.",
    ),
    "an y missing": (
        lambda: neuron.backprop_batch(BY_HAND.over(Fraction), [x, x], [y]),
        ShapeError,
        "X has 2 examples and Y has 1; pass one y for each x.",
    ),
    "features x examples": (
        lambda: neuron.backprop_batch(BY_HAND, np.zeros((2, 5)), np.zeros((5, 2))),
        ShapeError,
        "X has shape (2, 5), but layer 1 of this network has 2 neurons (sizes (2, 2, 2)). Pass a mini-batch of m examples as "
        "shape (m, 2). It looks like features x examples: pass X.T.",
    ),
    "reduction": (
        lambda: neuron.backprop_batch(BY_HAND, [x], [y], "median"),
        ValueRefused,
        "reduction='median' was given; pass 'mean', as in the chapter, or 'sum'.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_error(case):
    call, error, sentence = BAD[case]
    refused(error, sentence, call)
