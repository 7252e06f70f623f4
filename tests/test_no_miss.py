"""Errors that a right verdict must not miss: single entries, a whole layer's factor, a first layer deep below."""

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.gate.check import checked
from backprop_ref.gradient import Gradient, Verdict
from backprop_ref.network import Network

SIGMAS = ["sigmoid", "tanh", "relu", "softplus", "silu", "gelu"]


def problem(sizes, activation, m=3, seed=1):
    rng = np.random.default_rng(seed)
    network = Network.random(sizes, activation, seed=seed)
    return network, rng.standard_normal((m, sizes[0])), np.eye(sizes[-1])[rng.integers(sizes[-1], size=m)]


def verdict(network, X, Y, wrong):
    """The verdict on a right gradient with its arrays {(part, l): array} changed by wrong."""

    def candidate(weights, biases, X, Y):
        here = Network.from_arrays(weights, biases, list(network.sigma.values()), network.cost)
        right = matrix.backprop_batch(here, X, Y)
        arrays = {(part, l): v.copy() for part, l, v in right.items() if part != "delta"}
        wrong(arrays)
        return tuple([arrays[part, l] for l in network.layers] for part in ("nabla_w", "nabla_b"))

    report, _ = checked(network, X, Y, candidate)  # check_network, but for what it says of the cause
    return report.verdict


def single_errors(network, X, Y, size, seed=0):
    """For one random entry of each array, and its smallest: a change by size times max(|entry|, a thousandth of the largest)."""
    right: Gradient = matrix.backprop_batch(network, X, Y)
    rng = np.random.default_rng(seed)
    for part, l, v in right.items():
        if part == "delta":
            continue
        for i in (tuple(int(rng.integers(n)) for n in v.shape), np.unravel_index(np.abs(v).argmin(), v.shape)):

            def wrong(arrays, part=part, l=l, i=i, v=v):
                arrays[part, l][i] += size * max(abs(v[i]), 1e-3 * np.abs(v).max())

            yield f"{part}[{l}]{i}", wrong


def scaled(l, factor):
    def wrong(arrays):
        for part in ("nabla_w", "nabla_b"):
            arrays[part, l] *= factor

    return wrong


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_single_entry_off_by_1e_8_is_seen_in_three_layers_of_100(sigma):
    network, X, Y = problem([100, 100, 100], sigma)
    assert verdict(network, X, Y, lambda arrays: None) is Verdict.AGREES
    for where, wrong in single_errors(network, X, Y, 1e-8):
        assert verdict(network, X, Y, wrong) is Verdict.DISAGREES, where


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_layer_off_by_a_factor_of_1e_11_is_seen_in_three_layers_of_100(sigma):
    network, X, Y = problem([100, 100, 100], sigma)
    for l in network.layers:
        assert verdict(network, X, Y, scaled(l, 1 + 1e-11)) is Verdict.DISAGREES, l


@pytest.mark.parametrize("n", [10, 30])
def test_ten_sigmoid_layers_hide_nothing(n):
    network, X, Y = problem([n] * 11, "sigmoid")
    for where, wrong in single_errors(network, X, Y, 1e-6):
        assert verdict(network, X, Y, wrong) is Verdict.DISAGREES, where
    for l in network.layers:
        assert verdict(network, X, Y, scaled(l, 1 + 1e-8)) is Verdict.DISAGREES, l


def zeroed(arrays):
    arrays["nabla_w", 2][...] = 0


def flipped(arrays):
    arrays["nabla_w", 2] *= -1


def swapped(arrays):
    arrays["nabla_w", 2] = arrays["nabla_w", 2][::-1].copy()


@pytest.mark.parametrize("wrong", [zeroed, flipped, swapped])
def test_a_first_layer_below_ten_sigmoid_layers_that_is_wrong_altogether(wrong):
    network, X, Y = problem([10] * 11, "sigmoid", m=1)
    assert np.abs(matrix.backprop_batch(network, X, Y).nabla_w[2]).max() < 1e-5  # an absolute tolerance sees nothing there
    assert verdict(network, X, Y, wrong) is Verdict.DISAGREES
