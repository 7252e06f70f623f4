import re

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

from backprop_ref import strategies
from backprop_ref.activations import ACTIVATIONS, Activation
from backprop_ref.costs import COSTS, Cost
from backprop_ref.errors import UnknownName, ValueRefused
from backprop_ref.strategies import batches, decimals, examples, fits, networks, quarters

QUICK = settings(deadline=None, max_examples=100, database=None)
SEARCH = settings(deadline=None, max_examples=100, database=None, derandomize=True, report_multiple_bugs=False)
FIRST = settings(SEARCH, max_examples=1000, phases=[Phase.generate])  # any example, as it was drawn


def test_everything_shrinks_to_the_smallest_network_with_zeros():
    network = find(networks(3, 2), lambda n: True, settings=SEARCH)
    assert repr(network) == "Network(1-1, sigmoid, quadratic, float64, no biases)"
    assert network.w[2].tolist() == [[0.0]]
    _, x, y = find(examples(3, 2), lambda e: True, settings=SEARCH)
    assert (x.tolist(), y.tolist()) == ([0.0], [0.0])
    _, X, Y = find(batches(2, 2), lambda b: True, settings=SEARCH)
    assert (X.tolist(), Y.tolist()) == ([[0.0]], [[0.0]])


def test_a_failure_shrinks_to_round_numbers():
    network = find(networks(3, 2), lambda n: n.L > 2 and n.w[3].max() > 0.1, settings=SEARCH)
    assert (network.sizes, network.w[2].tolist(), network.w[3].tolist()) == ((1, 1, 1), [[0.0]], [[0.25]])
    _, x, _ = find(examples(2, 2), lambda e: e[1].min() < -0.6, settings=SEARCH)
    assert x.tolist() == [-0.75]


@QUICK
@given(batches())
def test_what_is_drawn_fits_together(batch):
    network, X, Y = batch
    assert 2 <= network.L <= 5
    assert max(network.sizes) <= 6
    assert fits(network.sigma[network.L], network.cost)
    network.batch(X, Y)  # refuses shapes, and targets that the cost has no meaning for
    polynomial = {s.name for s in network.sigma.values()} & {"square", "cube"}
    assert max(np.abs(w).max() for w in network.w.values()) <= (2 if polynomial else 30)


@pytest.mark.parametrize("sigma", ACTIVATIONS)
@pytest.mark.parametrize("cost", COSTS)
def test_every_pair_that_fits_is_drawn_and_no_other(sigma, cost):
    needs = {"cross_entropy": {"sigmoid"}, "log_likelihood": {"sigmoid", "softmax"}}.get(cost, {sigma})
    assert fits(ACTIVATIONS[sigma], COSTS[cost]) == (sigma in needs)
    if sigma in needs:
        assert find(networks(activations=[sigma], costs=[cost]), lambda n: True, settings=FIRST).cost is COSTS[cost]


@pytest.mark.parametrize("scale", strategies.SCALES)
def test_every_scale_is_drawn(scale):
    largest = find(networks(max_layers=2), lambda n: np.abs(n.w[2]).max() == scale, settings=FIRST)
    assert np.abs(largest.w[2]).max() == scale


def test_softmax_alone_makes_networks_of_two_layers():
    assert find(networks(activations=["softmax"], max_layers=5), lambda n: True, settings=FIRST).L == 2
    with_one_inside = find(networks(activations=["softmax", "tanh"]), lambda n: n.L == 3, settings=FIRST)
    assert with_one_inside.sigma[2].name == "tanh"


def test_biases_and_entries_are_yours_to_choose():
    assert find(networks(biases=True), lambda n: True, settings=FIRST).has_biases
    assert not find(networks(biases=False), lambda n: True, settings=FIRST).has_biases
    network, x, _ = find(examples(2, 2, entries=quarters), lambda e: e[0].w[2].min() > 1 and e[1].min() > 1, settings=SEARCH)
    assert (network.w[2].tolist(), x.tolist()) == ([[1.25]], [1.25])


def test_your_own_functions_are_drawn():
    sigma, cost = Activation("own", np.sin, np.cos), Cost("own", lambda a, y: a, lambda a, y: a, targets=(2.0, 4.0))
    network, _, y = find(examples(2, 2, [sigma], [cost]), lambda e: e[2].min() > 2.6, settings=SEARCH)
    assert network.sigma[2] is sigma
    assert network.cost is cost
    assert y.tolist() == [3.0]  # targets shrink to their lower end


def test_decimals_shrink_to_quarters_of_the_scale():
    assert find(decimals(30.0), lambda v: v > 1, settings=SEARCH) == 7.5
    assert find(decimals(), lambda v: True, settings=SEARCH) == 0.0


def test_what_cannot_be_drawn_is_one_clear_error():
    sentence = (
        "No network can be drawn: none of the activations ['relu'] fits in layer L before any of the costs ['cross_entropy', "
        "'log_likelihood'] (cross_entropy needs sigmoid; log_likelihood needs softmax or sigmoid)."
    )
    with pytest.raises(ValueRefused, match=f"^{re.escape(sentence)}$"):
        networks(activations=["relu"], costs=["cross_entropy", "log_likelihood"])
    sentence = "max_layers=1 and max_neurons=3 were given; at least 2 and 1 are needed."
    with pytest.raises(ValueRefused, match=f"^{re.escape(sentence)}$"):
        networks(max_layers=1, max_neurons=3)
    with pytest.raises(UnknownName, match=r"^There is no activation 'rely'\. Did you mean 'relu'\?"):
        examples(activations=["rely"])
