from dataclasses import replace

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.errors import BackpropRefError, DtypeError, ShapeError, TooLarge, ValueRefused
from backprop_ref.gradient import Gradient
from backprop_ref.matrix import CHAPTER, PATHS, SIGMA_FORM, UNROLLED, backprop, backprop_batch, path_count
from backprop_ref.network import Network

FORMS = {"chapter": CHAPTER, "Sigma' form": SIGMA_FORM, "unrolled": UNROLLED, "paths": PATHS}
FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)

# The 2-2-2 network that tests/test_neuron.py works by hand.
BY_HAND = Network.from_arrays(
    [[[1.0, 2.0], [-1.0, 1.0]], [[1.0, -2.0], [0.5, 1.0]]], [[0.5, -1.0], [0.0, 0.125]], activations="square"
)
x, y = np.array([1.0, 0.5]), np.array([1.0625, 30.0])
GRADIENT = Gradient(
    {
        2: np.array([[335 / 8, 335 / 16], [135 / 4, 135 / 8]]),
        3: np.array([[7 * 25 / 4, 7 * 9 / 4], [11 / 4 * 25 / 4, 11 / 4 * 9 / 4]]),
    },
    {2: np.array([335 / 8, 135 / 4]), 3: np.array([7, 11 / 4])},
    {2: np.array([335 / 8, 135 / 4]), 3: np.array([7, 11 / 4])},
)


def refused(error, sentence, call, *args, **kwargs):
    with pytest.raises(BackpropRefError) as caught:
        call(*args, **kwargs)
    assert (type(caught.value), str(caught.value)) == (error, sentence)


@FORM
def test_a_2_2_2_network_worked_by_hand(form):
    assert backprop(BY_HAND, x, y, form) == GRADIENT


def test_feedforward_gives_z_and_a_of_each_layer_with_examples_as_rows():
    z, a = matrix.feedforward(BY_HAND, np.stack([x, [0.0, 0.0]]))
    assert {l: v.tolist() for l, v in z.items()} == {2: [[2.5, -1.5], [0.5, -1.0]], 3: [[1.75, 5.5], [-1.75, 1.25]]}
    assert {l: v.tolist() for l, v in a.items()} == {
        1: [[1.0, 0.5], [0.0, 0.0]],
        2: [[6.25, 2.25], [0.25, 1.0]],
        3: [[3.0625, 30.25], [3.0625, 1.5625]],
    }


def test_the_cost_is_the_mean_over_the_examples_or_their_sum():
    X, Y = np.stack([x, [0.0, 0.0]]), np.stack([y, [3.0625, 0.5625]])
    assert matrix.cost(BY_HAND, X[:1], Y[:1]) == 2.03125
    assert matrix.cost(BY_HAND, X, Y, "sum") == 2.03125 + 0.5
    assert matrix.cost(BY_HAND, X, Y) == (2.03125 + 0.5) / 2


@FORM
def test_the_hadamard_product_of_the_chapter(form):
    """(1, 2) * (3, 4) = (3, 8), entry by entry: as delta^L = nabla_a C * sigma'(z^L), with sigma'(z) = 2 z."""
    network = Network.from_arrays([[[1.0, 0.0], [0.0, 1.0]]], None, "square")
    z = np.array([1.5, 2.0])
    gradient = backprop(network, z, z * z - [1.0, 2.0], form)
    assert gradient.delta[2].tolist() == [3, 8]


@FORM
def test_bp2_transposes_the_weights_of_the_next_layer(form):
    # sigma(z) = z; square layers, so that no shape error gives a missing transpose away
    network = Network.from_arrays([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], None, activations="linear")
    gradient = backprop(network, np.array([1.0, 1.0]), np.array([0.0, 0.0]), form)
    assert gradient.delta[3].tolist() == [57, 77]
    assert gradient.delta[2].tolist() == [5 * 57 + 7 * 77, 6 * 57 + 8 * 77]  # w^3 untransposed: [747, 1015]


@FORM
def test_bp4_on_the_3_4_2_network_pairs_w_3_24_with_a_2_4_and_delta_3_2(form):
    network = Network.random([3, 4, 2], "linear", seed=1)
    x, y = np.array([1.0, -2.0, 0.5]), np.array([0.0, 1.0])
    gradient = backprop(network, x, y, form)
    _, a = matrix.feedforward(network, x[None])
    assert gradient.nabla_w[3][2 - 1, 4 - 1] == a[2][0, 4 - 1] * gradient.delta[3][2 - 1]
    assert gradient.nabla_w[3].shape == (2, 4)
    assert gradient.nabla_w[2].shape == (4, 3)


@FORM
def test_a_batch_is_the_mean_or_the_sum_and_keeps_each_delta(form):
    X, Y = np.stack([x, [0.0, 0.0]]), np.stack([y, [2.0, -1.0]])
    second = backprop(BY_HAND, X[1], Y[1])
    for reduction, m in (("mean", 2), ("sum", 1)):
        batch = backprop_batch(BY_HAND, X, Y, form, reduction)
        for l in (2, 3):
            assert np.array_equal(batch.nabla_w[l], (GRADIENT.nabla_w[l] + second.nabla_w[l]) / m)
            assert np.array_equal(batch.nabla_b[l], (GRADIENT.nabla_b[l] + second.nabla_b[l]) / m)
            assert np.array_equal(batch.delta[l], [GRADIENT.delta[l], second.delta[l]])


@FORM
def test_a_network_without_biases_has_no_nabla_b(form):
    network = Network.from_arrays([[[1.0, 2.0]]], None, "linear")
    gradient = backprop(network, [1.0, 1.0], [0.0], form)
    assert dict(gradient.nabla_b) == {}
    assert gradient.nabla_w[2].tolist() == [[3.0, 3.0]]


@FORM
def test_a_softmax_layer_takes_its_whole_jacobian(form):
    """Two equal outputs of 1/2: the Jacobian is ((1, -1), (-1, 1))/4, and nabla_a C = (1/2 - 1, 1/2 - 0)."""
    network = Network.from_arrays([[[1.0], [1.0]]], [[0.0, 0.0]], "softmax", "quadratic")
    assert backprop(network, [3.0], [1.0, 0.0], form).delta[2].tolist() == [-0.25, 0.25]


@FORM
def test_a_saturated_output_has_a_gradient_where_the_literal_form_is_0_over_0(form):
    network = Network.from_arrays([[[1000.0]]], None, "sigmoid", "cross_entropy")
    assert backprop(network, [1.0], [0.0], form).delta[2].tolist() == [1.0]
    assert matrix.cost(network, [[1.0]], [[0.0]]) == 1000.0
    network = Network.from_arrays([[[1000.0], [0.0]]], None, "softmax", "log_likelihood")
    assert backprop(network, [1.0], [0.0, 1.0], form).delta[2].tolist() == [1.0, -1.0]


def test_class_labels():
    network = Network.from_arrays([[[1.0], [2.0]]], None, "linear")
    X = np.array([[1.0], [2.0]])
    assert backprop_batch(network, X, [1, 0]) == backprop_batch(network, X, [[0.0, 1.0], [1.0, 0.0]])
    assert backprop(network, [1.0], 1) == backprop(network, [1.0], [0.0, 1.0])


@FORM
def test_a_float32_network_computes_in_float32(form):
    network = BY_HAND.astype(np.float32)
    gradient = backprop(network, x, y, form)
    assert {array.dtype for _, _, array in gradient.items()} == {np.dtype(np.float32)}
    assert gradient == GRADIENT  # nothing rounds
    third = Network.from_arrays([np.array([[1 / 3]], np.float32)], None, "linear")
    # one third is 11184811/2^25 in float32; three times that, 1 + 2^-25, is rounded to 1 there, and kept in float64
    assert backprop(third, [3.0], [0.0], form).delta[2].tolist() == [1.0]


def test_one_function_of_the_chapter_is_replaced_and_nothing_else():
    no_slope = replace(CHAPTER, bp2=lambda p, l: p.w[l + 1].T @ p.delta[l + 1])
    gradient = backprop(BY_HAND, x, y, no_slope)
    assert gradient.delta[2].tolist() == [67 / 8, -45 / 4]
    assert gradient.delta[3].tolist() == GRADIENT.delta[3].tolist()
    assert (CHAPTER.bp2, SIGMA_FORM.bp4, PATHS.bp1) == (matrix.bp2, matrix.bp4, matrix.bp1)


def test_paths_are_counted_and_too_many_are_refused():
    assert path_count(Network.random([3, 4, 2])) == 4 * 2
    assert path_count(Network.random([3, 4, 5, 2])) == 4 * 5 * 2 + 5 * 2
    assert path_count(Network.random([3, 2])) == 0
    large = Network.random([2, 60, 60, 30])
    refused(
        TooLarge,
        "A network of sizes (2, 60, 60, 30) has 109,800 paths to its outputs, and the sum over paths (53) is for networks of at "
        "most 100,000; use backprop, which is the same sum with its common parts taken out.",
        backprop,
        large,
        np.zeros(2),
        np.zeros(30),
        PATHS,
    )


def test_network_and_data_are_left_alone_and_what_is_returned_is_read_only():
    X, Y = np.stack([x]), np.stack([y])
    gradient = backprop_batch(BY_HAND, X, Y)
    assert X.tolist() == [[1.0, 0.5]]
    assert Y.tolist() == [[1.0625, 30.0]]
    assert not any(array.flags.writeable for _, _, array in gradient.items())


BAD = {
    "features x examples": (
        lambda: backprop_batch(BY_HAND, np.zeros((2, 5)), np.zeros((5, 2))),
        ShapeError,
        "X has shape (2, 5), but layer 1 of this network has 2 neurons (sizes (2, 2, 2)). Pass a mini-batch of m examples as "
        "shape (m, 2). It looks like features x examples: pass X.T.",
    ),
    "features x examples in feedforward": (
        lambda: matrix.feedforward(BY_HAND, np.zeros((2, 5))),
        ShapeError,
        "X has shape (2, 5), but layer 1 of this network has 2 neurons (sizes (2, 2, 2)). Pass a mini-batch of m examples as "
        "shape (m, 2). It looks like features x examples: pass X.T.",
    ),
    "a number in feedforward": (
        lambda: matrix.feedforward(BY_HAND, 1.0),
        ShapeError,
        "X has shape (), but layer 1 of this network has 2 neurons (sizes (2, 2, 2)). Pass a mini-batch of m examples as "
        "shape (m, 2).",
    ),
    "integers in feedforward": (
        lambda: matrix.feedforward(BY_HAND, [[1, 2]]),
        DtypeError,
        "X holds integers of dtype int64, and float64 or float32 are needed; convert with np.asarray(X, dtype=np.float64) if "
        "that is what you mean.",
    ),
    "no examples in cost": (
        lambda: matrix.cost(BY_HAND, np.zeros((0, 2)), np.zeros((0, 2))),
        ValueRefused,
        "X has shape (0, 2): a mini-batch needs at least one example.",
    ),
    "a batch for an example": (
        lambda: backprop(BY_HAND, np.zeros((3, 2)), y),
        ShapeError,
        "x has shape (3, 2), but layer 1 of this network has 2 neurons (sizes (2, 2, 2)). Pass one example as shape (2,), or a "
        "mini-batch as (m, 2) to matrix.backprop_batch.",
    ),
    "a target below 0": (
        lambda: backprop(BY_HAND.with_cost("cross_entropy"), x, np.array([0.5, -1.0])),
        ValueRefused,
        "y ranges from -1 to 0.5, but cross_entropy is defined for targets in [0, 1] only. Rescale y, or choose another cost, "
        "such as quadratic.",
    ),
    "reduction": (
        lambda: backprop_batch(BY_HAND, x[None], y[None], reduction="max"),
        ValueRefused,
        "reduction='max' was given; pass 'mean', as in the chapter, or 'sum'.",
    ),
    "reduction of cost": (
        lambda: matrix.cost(BY_HAND, x[None], y[None], "max"),
        ValueRefused,
        "reduction='max' was given; pass 'mean', as in the chapter, or 'sum'.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_error(case):
    call, error, sentence = BAD[case]
    refused(error, sentence, call)
