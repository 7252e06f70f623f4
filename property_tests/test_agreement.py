"""Every form of the chapter gives the same gradient: neuron, matrix, batch, Sigma', unrolled, paths, each within rounding."""

import numpy as np
from comparison import compare
from hypothesis import given, settings

from backprop_ref import matrix, neuron
from backprop_ref.activations import ACTIVATIONS
from backprop_ref.strategies import batches, examples

QUICK = settings(deadline=None, max_examples=150)
SINGLE = [name for name in ACTIVATIONS if name not in ("square", "cube")]  # whose values overflow float32


LARGEST = 2.0**39  # three cubes in a row, with their sums, round to about 2^10 u: beyond this z^L is unsure by a sixteenth


def may_be_untold(network, X):
    """Where an entry may have no verdict: -y/a sigma'(z), the literal BP1, is 0/0 at the far end of a sigmoid, and the
    exponential of a z^L whose own rounding is no longer small has no certain digit. Nothing else leaves one without."""
    if network.cost.name == "log_likelihood" and network.sigma[network.L].name == "sigmoid":
        return True
    with np.errstate(all="ignore"):
        z, _ = matrix.feedforward(network, np.atleast_2d(X))
    return not np.abs(z[network.L]).max() <= LARGEST


def agrees(claimed, network, X, Y, **how):
    comparison = compare(claimed, network, X, Y, **how)
    assert comparison.wrong == ()
    if not may_be_untold(network, X):
        assert comparison.untold == 0
        assert comparison.told > 0


@QUICK
@given(batches())
def test_neuron_matrix_Sigma_form_and_unrolled_product_agree_on_a_batch(batch):
    network, X, Y = batch
    with np.errstate(all="ignore"):
        claims = [matrix.backprop_batch(network, X, Y, form) for form in (matrix.CHAPTER, matrix.SIGMA_FORM, matrix.UNROLLED)]
    for claimed in (*claims, neuron.backprop_batch(network, X, Y)):
        agrees(claimed, network, X, Y)


@QUICK
@given(batches())
def test_the_sum_over_a_batch_agrees(batch):
    network, X, Y = batch
    with np.errstate(all="ignore"):
        agrees(matrix.backprop_batch(network, X, Y, reduction="sum"), network, X, Y, reduction="sum")
    agrees(neuron.backprop_batch(network, X, Y, reduction="sum"), network, X, Y, reduction="sum")


@QUICK
@given(batches(max_layers=3, costs=["quadratic", "squared_error", "mean_squared_error"], activations=["softmax", "tanh"]))
def test_a_softmax_layer_agrees_in_every_form(batch):
    """Where no pair stands in for it, BP1 is a sum over the Jacobian, and Sigma'(z^L) in (33) is a full matrix."""
    network, X, Y = batch
    for form in (matrix.CHAPTER, matrix.SIGMA_FORM, matrix.UNROLLED):
        agrees(matrix.backprop_batch(network, X, Y, form), network, X, Y)
    agrees(neuron.backprop_batch(network, X, Y), network, X, Y)


@QUICK
@given(examples())
def test_neuron_and_matrix_agree_on_one_example(example):
    network, x, y = example
    with np.errstate(all="ignore"):
        agrees(matrix.backprop(network, x, y), network, x, y)
    agrees(neuron.backprop(network, x, y), network, x, y)


@settings(deadline=None, max_examples=60)
@given(batches(max_neurons=3))
def test_the_sum_over_paths_agrees(batch):
    network, X, Y = batch
    with np.errstate(all="ignore"):
        agrees(matrix.backprop_batch(network, X, Y, matrix.PATHS), network, X, Y, summed_over_paths=True)


@QUICK
@given(batches(activations=SINGLE))
def test_a_float32_network_agrees_within_the_rounding_of_float32(batch):
    network, X, Y = batch
    network = network.astype(np.float32)
    with np.errstate(all="ignore"):
        claimed = matrix.backprop_batch(network, X, Y)
    assert {array.dtype for _, _, array in claimed.items()} == {np.dtype(np.float32)}
    comparison = compare(claimed, network, X, Y)
    assert comparison.wrong == ()
