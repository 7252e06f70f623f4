from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.activations import Activation
from backprop_ref.errors import BackpropRefError, DtypeError, ShapeError, UnknownName, ValueRefused
from backprop_ref.gradient import book_name
from backprop_ref.network import Network, divisor

W = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [10.0, 11.0, 12.0]], [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]
B = [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0]]


@pytest.fixture
def network():
    """The chapter's 3-4-2 network, every weight another number."""
    return Network.from_arrays(W, B)


def refused(error, sentence, call, *args, **kwargs):
    """The call raises exactly this class of error, one sentence or two, word for word."""
    with pytest.raises(BackpropRefError) as caught:
        call(*args, **kwargs)
    assert (type(caught.value), str(caught.value)) == (error, sentence)


# ------------------------------------------------------------------------------------------------------ the 3-4-2 network


def test_w_3_24_is_row_1_and_column_3_of_w_3(network):
    assert network.w[3][2 - 1, 4 - 1] == 8  # the chapter: from neuron 4 of layer 2 to neuron 2 of layer 3
    assert network.over().w[3][2, 4] == 8
    assert book_name("nabla_w", 3, (1, 3)) == "dC/dw^3_24"


def test_layers_sizes_and_parameters_of_3_4_2(network):
    assert (network.L, network.sizes, list(network.layers), dict(network.n)) == (3, (3, 4, 2), [2, 3], {1: 3, 2: 4, 3: 2})
    assert network.parameters == 4 * 3 + 4 + 2 * 4 + 2
    assert [v.shape for v in network.w.values()] == [(4, 3), (2, 4)]
    assert repr(network) == "Network(3-4-2, sigmoid, quadratic, float64)"


def test_only_w_3_24_carries_neuron_4_of_layer_2_to_neuron_2_of_layer_3(network):
    linear = Network.from_arrays(W, B, "linear")
    moved = Network.from_arrays([W[0], [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 9.0]]], B, "linear")
    _, a = matrix.feedforward(linear, [[1.0, 0.0, 0.0]])
    _, b = matrix.feedforward(moved, [[1.0, 0.0, 0.0]])
    assert (b[3] - a[3]).tolist() == [[0.0, a[2][0, 4 - 1]]]
    assert a[2].tolist() == [[1, 5, 9, 13]]


def test_a_network_without_biases_says_so_and_has_fewer_parameters():
    none = Network.from_arrays(W, None, ["tanh", "linear"])
    assert (none.has_biases, none.parameters) == (False, 20)
    assert not any(b.any() for b in none.b.values())
    assert repr(none) == "Network(3-4-2, tanh linear, quadratic, float64, no biases)"


def test_the_numbered_view_holds_numbers_of_one_kind(network):
    net = network.over(Fraction)
    assert net.w[2][4, 3] == Fraction(12)
    assert type(net.w[2][4, 3]) is type(net.b[3][2]) is Fraction
    assert (list(net.neurons(2)), net.sizes, net.L) == ([1, 2, 3, 4], (3, 4, 2), 3)
    assert net.numbered([0.5, np.float32(0.25), 7]) == {1: Fraction(1, 2), 2: Fraction(1, 4), 3: 7}
    assert Network.from_arrays([[[0.1]]], None).over(Fraction).w[2][1, 1] == Fraction(0.1)  # the exact binary number


# ------------------------------------------------------------------------------------------------------------ made frozen


def test_arrays_are_read_only_copies():
    w, b = [np.ones((2, 2))], [np.ones(2)]
    network = Network.from_arrays(w, b)
    w[0][0, 0] = b[0][0] = 5.0
    assert (network.w[2][0, 0], network.b[2][0]) == (1.0, 1.0)
    for array in (network.w[2], network.b[2]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 2.0
    with pytest.raises(TypeError, match="does not support item assignment"):
        network.w[2] = w[0]
    with pytest.raises(FrozenInstanceError):
        network.w = {}


def test_examples_come_back_as_read_only_views_and_the_callers_arrays_stay_theirs(network):
    x, y = np.zeros(3), np.zeros(2)
    given = network.example(x, y)
    assert not given[0].flags.writeable
    assert not given[1].flags.writeable
    x[0] = y[0] = 1.0  # still writeable


def test_random_is_seeded_and_scaled_by_the_inputs_of_each_neuron():
    one, again, other = (Network.random([400, 300, 2], seed=s) for s in (1, 1, 2))
    assert all(np.array_equal(one.w[l], again.w[l]) and np.array_equal(one.b[l], again.b[l]) for l in one.layers)
    assert not np.array_equal(one.w[2], other.w[2])
    # 120,000 weights: their standard deviation is within 5 standard errors of 1/sqrt(400)
    assert abs(one.w[2].std() * 20 - 1) < 5 / np.sqrt(2 * one.w[2].size)
    assert abs(one.b[2].std() - 1) < 5 / np.sqrt(2 * one.b[2].size)


def test_one_activation_for_all_layers_or_one_each():
    assert [s.name for s in Network.random([1, 2, 3], "tanh").sigma.values()] == ["tanh", "tanh"]
    mine = Activation("mine", np.sin, np.cos)
    assert Network.random([1, 2, 3], ["relu", mine]).sigma[3] is mine
    assert Network.random([1, 2, 3], mine).sigma[2] is mine
    assert Network.random([1, 2], np.array(["relu"]).tolist()).sigma[2].name == "relu"


def test_with_cost_and_astype_leave_the_network_alone(network):
    other = network.with_cost("cross_entropy").astype(np.float32)
    assert (other.cost.name, other.dtype, network.cost.name, network.dtype) == (
        "cross_entropy",
        "float32",
        "quadratic",
        "float64",
    )
    assert other.w[3].tolist() == W[1]
    assert not Network.from_arrays(W, None).astype(np.float32).has_biases


def test_a_float32_network_stands_for_its_exact_values():
    network = Network.from_arrays([np.array([[0.1]], np.float32)], [np.array([0.2], np.float32)])
    assert network.dtype == np.float32
    assert network.over(Fraction).w[2][1, 1] == Fraction(13421773, 2**27)  # float32(0.1), not 1/10


# ---------------------------------------------------------------------------------------------------- class labels, batches


def test_class_labels_become_unit_vectors(network):
    _, Y = network.batch(np.zeros((3, 3)), [1, 0, 1])
    assert Y.tolist() == [[0, 1], [1, 0], [0, 1]]
    _, y = network.example(np.zeros(3), 1)
    assert y.tolist() == [0, 1]
    assert network.example(np.zeros(3), np.uint8(0))[1].tolist() == [1, 0]
    assert network.batch(np.zeros((2, 3)), np.array([0, 1], np.uint64))[1].tolist() == [[1, 0], [0, 1]]


X = np.zeros((5, 3))
ONE = Network.from_arrays([[[1.0, 2.0, 3.0]]], None)
BAD_LABELS = {
    "too high": (
        lambda n: n.batch(X[:2], [1, 2]),
        "Y holds class labels from 1 to 2, but layer 3 has 2 neurons: labels must lie in 0..1. Desired outputs must be floats.",
    ),
    "negative": (
        lambda n: n.example(X[0], -1),
        "y holds class labels from -1 to -1, but layer 3 has 2 neurons: labels must lie in 0..1. Desired outputs must be floats.",
    ),
    "one output": (
        lambda n: ONE.batch(X[:2], [0, 1]),
        "Y holds integers, but layer 2 has 1 neuron: a class label, or a desired output? Pass desired outputs as floats of "
        "shape (m, 1); class labels need two classes.",
    ),
    "one output, one example": (
        lambda n: ONE.example(X[0], 1),
        "y holds integers, but layer 2 has 1 neuron: a class label, or a desired output? Pass desired outputs as floats of "
        "shape (1,); class labels need two classes.",
    ),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_ambiguous_and_impossible_class_labels_are_refused(network, case):
    call, sentence = BAD_LABELS[case]
    refused(ValueRefused, sentence, call, network)


def test_as_many_labels_as_examples(network):
    refused(
        ShapeError,
        "Y has shape (2, 2), but X has 5 examples and layer 3 of this network has 2 neurons (sizes (3, 4, 2)). "
        "Pass Y as shape (5, 2), or as 5 integer class labels.",
        network.batch,
        X,
        [0, 1],
    )


# ------------------------------------------------------------------------------------------------------------- bad examples

INTEGERS = "integers of dtype int64, and float64 or float32 are needed; convert with np.asarray({}, dtype=np.float64) if that is "
INTEGERS += "what you mean."
VALUES = "values of dtype {}, and float64 or float32 are needed; convert with np.asarray({}, dtype=np.float64) if that is "
VALUES += "what you mean."
EXAMPLES = {
    "x too long": (
        (np.zeros(4), np.zeros(2)),
        ShapeError,
        "x has shape (4,), but layer 1 of this network has 3 neurons (sizes (3, 4, 2)). Pass one example as shape (3,), or a "
        "mini-batch as (m, 3) to matrix.backprop_batch.",
    ),
    "a column": (
        (np.zeros((3, 1)), np.zeros(2)),
        ShapeError,
        "x has shape (3, 1), but layer 1 of this network has 3 neurons (sizes (3, 4, 2)). Pass one example as shape (3,), or a "
        "mini-batch as (m, 3) to matrix.backprop_batch.",
    ),
    "y too short": (
        (np.zeros(3), np.zeros(1)),
        ShapeError,
        "y has shape (1,), but layer 3 of this network has 2 neurons (sizes (3, 4, 2)). Pass the desired outputs of one "
        "example as shape (2,).",
    ),
    "y a float": (
        (np.zeros(3), 1.0),
        ShapeError,
        "y has shape (), but layer 3 of this network has 2 neurons (sizes (3, 4, 2)). Pass the desired outputs of one "
        "example as shape (2,).",
    ),
    "NaN": (
        ([0.0, float("nan"), 0.0], np.zeros(2)),
        ValueRefused,
        "x holds nan at position (1,); every number must be finite.",
    ),
    "infinity": (
        (np.zeros(3), [0.0, float("-inf")]),
        ValueRefused,
        "y holds -inf at position (1,); every number must be finite.",
    ),
    "integers": (([1, 2, 3], np.zeros(2)), DtypeError, "x holds " + INTEGERS.format("x")),
    "integer outputs": ((np.zeros(3), [0, 1]), DtypeError, "y holds " + INTEGERS.format("y")),
    "text": ((["a", "b", "c"], np.zeros(2)), DtypeError, "x holds " + VALUES.format("<U1", "x")),
    "None": ((None, np.zeros(2)), DtypeError, "x holds " + VALUES.format("object", "x")),
    "fractions": (([Fraction(1)] * 3, np.zeros(2)), DtypeError, "x holds " + VALUES.format("object", "x")),
    "complex": ((np.zeros(3, complex), np.zeros(2)), DtypeError, "x holds " + VALUES.format("complex128", "x")),
    "float16": ((np.zeros(3, np.float16), np.zeros(2)), DtypeError, "x holds " + VALUES.format("float16", "x")),
    "a truth value": ((np.zeros(3), True), DtypeError, "y holds " + VALUES.format("bool", "y")),
}
BATCHES = {
    "features x examples": (
        (np.zeros((3, 5)), np.zeros((5, 2))),
        ShapeError,
        "X has shape (3, 5), but layer 1 of this network has 3 neurons (sizes (3, 4, 2)). Pass a mini-batch of m examples as "
        "shape (m, 3). It looks like features x examples: pass X.T.",
    ),
    "one example": (
        (np.zeros(3), np.zeros((1, 2))),
        ShapeError,
        "X has shape (3,), but layer 1 of this network has 3 neurons (sizes (3, 4, 2)). Pass a mini-batch of m examples as "
        "shape (m, 3).",
    ),
    "outputs x examples": (
        (np.zeros((5, 3)), np.zeros((2, 5))),
        ShapeError,
        "Y has shape (2, 5), but X has 5 examples and layer 3 of this network has 2 neurons (sizes (3, 4, 2)). "
        "Pass Y as shape (5, 2), or as 5 integer class labels. It looks like outputs x examples: pass Y.T.",
    ),
    "too few outputs": (
        (np.zeros((5, 3)), np.zeros((4, 2))),
        ShapeError,
        "Y has shape (4, 2), but X has 5 examples and layer 3 of this network has 2 neurons (sizes (3, 4, 2)). "
        "Pass Y as shape (5, 2), or as 5 integer class labels.",
    ),
    "no examples": (
        (np.zeros((0, 3)), np.zeros((0, 2))),
        ValueRefused,
        "X has shape (0, 3): a mini-batch needs at least one example.",
    ),
    "NaN": (
        (np.full((2, 3), np.nan), np.zeros((2, 2))),
        ValueRefused,
        "X holds nan at position (0, 0); every number must be finite.",
    ),
    "integers": ((np.zeros((2, 3), int), np.zeros((2, 2))), DtypeError, "X holds " + INTEGERS.format("X")),
    "integer outputs": ((np.zeros((2, 3)), np.zeros((2, 2), int)), DtypeError, "Y holds " + INTEGERS.format("Y")),
}


@pytest.mark.parametrize("case", EXAMPLES)
def test_a_bad_example_gets_one_clear_error(network, case):
    (x, y), error, sentence = EXAMPLES[case]
    refused(error, sentence, network.example, x, y)


@pytest.mark.parametrize("case", BATCHES)
def test_a_bad_batch_gets_one_clear_error_and_nothing_is_changed(network, case):
    (X, Y), error, sentence = BATCHES[case]
    kept = X.copy(), Y.copy(), [v.copy() for v in network.w.values()]
    refused(error, sentence, network.batch, X, Y)
    refused(error, sentence, matrix.backprop_batch, network, X, Y)
    assert np.array_equal(X, kept[0], equal_nan=True)
    assert np.array_equal(Y, kept[1])
    assert all(np.array_equal(v, k) for v, k in zip(network.w.values(), kept[2], strict=True))


def test_rows_of_unequal_length_are_refused(network):
    unequal = "is not an array of numbers: .*inhomogeneous.*. Pass rows of equal length."
    for X, Y, name in (([[1.0, 2.0, 3.0], [1.0]], [[1.0, 2.0]], "X"), ([[1.0, 2.0, 3.0]], [[1.0], [1.0, 2.0]], "Y")):
        with pytest.raises(ShapeError, match=rf"^{name} {unequal}$"):
            network.batch(X, Y)


@pytest.mark.parametrize("cost", ["cross_entropy", "log_likelihood"])
def test_a_target_that_the_cost_has_no_meaning_for_is_refused(network, cost):
    sentence = f"ranges from -0.5 to 1, but {cost} is defined for targets in [0, 1] only. Rescale {{0}}, or choose another "
    sentence += "cost, such as quadratic."
    network = network.with_cost(cost)
    refused(ValueRefused, f"y {sentence}".format("y"), network.example, np.zeros(3), np.array([-0.5, 1.0]))
    refused(ValueRefused, f"Y {sentence}".format("Y"), network.batch, np.zeros((1, 3)), np.array([[1.0, -0.5]]))
    network.example(np.zeros(3), np.array([0.0, 1.0]))


def test_a_number_too_large_for_float32_is_refused(network):
    refused(
        ValueRefused,
        "x reaches 1e+39, which is infinite in float32, the dtype of this network. Rescale x, or use network.astype(np.float64).",
        network.astype(np.float32).example,
        np.array([0.0, -1e39, 0.0]),
        np.zeros(2),
    )


def test_reduction_is_mean_or_sum():
    assert (divisor("mean", 7), divisor("sum", 7)) == (7, 1)
    refused(ValueRefused, "reduction='none' was given; pass 'mean', as in the chapter, or 'sum'.", divisor, "none", 7)


# ------------------------------------------------------------------------------------------------------------- bad networks

ACTIVATION_NAMES = "cube, gelu, gelu_erf, leaky_relu, linear, relu, sigmoid, silu, softmax, softplus, square, tanh"
NETWORKS = {
    "no weights": (
        ([], []),
        ShapeError,
        "No weights were given: a network needs at least two layers. Pass weights for layers 2..L.",
    ),
    "a bias missing": (
        (W, B[:1]),
        ShapeError,
        "2 weight arrays but 1 bias arrays were given; pass one of each for layers 2..3, or biases=None for a network "
        "without biases.",
    ),
    "layers that do not fit": (
        ([W[0], [[1.0, 2.0, 3.0]]], None),
        ShapeError,
        "w[3] has shape (1, 3), but layer 2 has 4 neurons (w[2] has shape (4, 3)). w[3] must have shape (n_3, 4): one row for "
        "each neuron of layer 3.",
    ),
    "a bias too short": (
        (W, [B[0], [1.0]]),
        ShapeError,
        "b[3] has shape (1,), but layer 3 has 2 neurons: pass shape (2,).",
    ),
    "a bias as a column": (
        (W, [B[0], [[1.0], [2.0]]]),
        ShapeError,
        "b[3] has shape (2, 1); an array of shape (n_l,) is needed, with no empty axis.",
    ),
    "weights as a row": (
        ([[1.0, 2.0]], None),
        ShapeError,
        "w[2] has shape (2,); an array of shape (n_l, n_(l-1)) is needed, with no empty axis.",
    ),
    "an empty layer": (
        ([np.zeros((0, 3))], None),
        ShapeError,
        "w[2] has shape (0, 3); an array of shape (n_l, n_(l-1)) is needed, with no empty axis.",
    ),
    "integers": (([[[1, 2]]], None), DtypeError, "w[2] holds " + INTEGERS.format("w")),
    "text": (([[["one"]]], None), DtypeError, "w[2] holds " + VALUES.format("<U3", "w")),
    "NaN": (
        ([[[1.0, float("nan")]]], None),
        ValueRefused,
        "w[2] holds nan at position (0, 1); every number must be finite.",
    ),
    "infinity": (
        ([[[1.0]]], [[float("inf")]]),
        ValueRefused,
        "b[2] holds inf at position (0,); every number must be finite.",
    ),
    "two dtypes": (
        ([np.ones((2, 2)), np.ones((2, 2), np.float32)], None),
        DtypeError,
        "Weights and biases mix float64 and float32; convert them all with .astype(np.float64) or .astype(np.float32).",
    ),
    "an unknown activation": (
        (W, B, "sigmod"),
        UnknownName,
        f"There is no activation 'sigmod'. Did you mean 'sigmoid'? Known: {ACTIVATION_NAMES}.",
    ),
    "a function": (
        (W, B, np.tanh),
        UnknownName,
        f"There is no activation <ufunc 'tanh'>. Known: {ACTIVATION_NAMES}.",
    ),
    "too many activations": (
        (W, B, ["tanh"] * 3),
        ShapeError,
        "3 activations were given for layers 2..3; pass one name, or 2 of them.",
    ),
    "softmax inside": (
        (W, B, "softmax"),
        ValueRefused,
        "softmax stands in layer 2, but each of its outputs depends on the whole layer: it is for layer L = 3 only. Pass one "
        "activation for each layer, such as ['sigmoid', 'softmax'].",
    ),
    "an unknown cost": (
        (W, B, "sigmoid", "crossentropy"),
        UnknownName,
        "There is no cost 'crossentropy'. Did you mean 'cross_entropy'? Known: cross_entropy, log_likelihood, "
        "mean_squared_error, quadratic, squared_error.",
    ),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_a_bad_network_gets_one_clear_error(case):
    arguments, error, sentence = NETWORKS[case]
    refused(error, sentence, Network.from_arrays, *arguments)


SIZES = {
    "one layer": ([3], ShapeError, "sizes [3] were given; a network needs at least two layers, an input and an output."),
    "none": ([], ShapeError, "sizes [] were given; a network needs at least two layers, an input and an output."),
    "negative": (
        [3, -4, 2],
        ValueRefused,
        "sizes [3, -4, 2] were given; each layer needs a whole number of neurons, at least 1.",
    ),
    "zero": ([3, 0], ValueRefused, "sizes [3, 0] were given; each layer needs a whole number of neurons, at least 1."),
    "half": ([3, 1.5], ValueRefused, "sizes [3, 1.5] were given; each layer needs a whole number of neurons, at least 1."),
    "text": ("34", ValueRefused, "sizes ['3', '4'] were given; each layer needs a whole number of neurons, at least 1."),
    "true": ([3, True], ValueRefused, "sizes [3, True] were given; each layer needs a whole number of neurons, at least 1."),
}


@pytest.mark.parametrize("case", SIZES)
def test_bad_sizes_get_one_clear_error(case):
    sizes, error, sentence = SIZES[case]
    refused(error, sentence, Network.random, sizes)


def test_astype_refuses_what_is_no_network_any_more(network):
    refused(DtypeError, "w[2] holds " + INTEGERS.format("w"), network.astype, np.int64)
    refused(
        ValueRefused,
        "w[2] holds inf at position (0, 0); every number must be finite.",
        Network.from_arrays([[[1e39]]], None).astype,
        np.float32,
    )


@pytest.mark.parametrize("seed", [-1, 0.5, "zero"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(ValueRefused) as caught:
        Network.random([3, 2], seed=seed)
    assert str(caught.value) == f"seed={seed!r} was given; pass a whole number, at least 0."


def test_sizes_that_are_one_number_are_refused():
    with pytest.raises(ValueRefused) as caught:
        Network.random(5)
    assert str(caught.value) == "sizes=5 was given; pass the neurons of each layer, such as [64, 30, 10]."
