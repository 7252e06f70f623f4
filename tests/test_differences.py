"""Complex step and central differences by example: networks small enough to be worked by hand."""

import re
from dataclasses import replace

import numpy as np
import pytest

from backprop_ref.activations import Activation
from backprop_ref.costs import Cost, quadratic
from backprop_ref.errors import NotComplex, ShapeError, ValueRefused
from backprop_ref.gradient import Gradient
from backprop_ref.network import Network
from backprop_ref.oracles import differences
from backprop_ref.oracles.differences import central, complex_step, directional, plain_central, plain_complex_step

BOTH = pytest.mark.parametrize("oracle", [complex_step, central])

# 2-2-1, linear: z^2 = (1*2 + 2*3 + 1, 3*2 - 1*3 - 1) = (9, 2); z^3 = 2*9 - 1*2 + 4 = 20; C = (20 - 17)^2/2
LINEAR = Network.from_arrays(
    [np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[2.0, -1.0]])], [np.array([1.0, -1.0]), np.array([4.0])], "linear"
)
X, Y = np.array([[2.0, 3.0]]), np.array([[17.0]])
BY_HAND = {
    ("delta", 3): [[3.0]],  # a - y
    ("nabla_b", 3): [3.0],
    ("nabla_w", 3): [[27.0, 6.0]],  # 3 a^2
    ("delta", 2): [[6.0, -3.0]],  # 3 w^3
    ("nabla_b", 2): [6.0, -3.0],
    ("nabla_w", 2): [[12.0, 18.0], [-6.0, -9.0]],  # delta^2_j x_k
}


def within(estimate, part, l, truth):
    value, bound = getattr(estimate, part)[l], getattr(estimate.bound, part)[l]
    assert value.shape == bound.shape == np.shape(truth)
    assert (bound >= 0).all()
    assert (np.abs(value - truth) <= bound).all()
    return bound


@BOTH
@pytest.mark.parametrize(("part", "l"), list(BY_HAND))
def test_a_linear_network_by_hand(oracle, part, l):
    estimate = oracle(LINEAR, X, Y)
    bound = within(estimate, part, l, BY_HAND[part, l])
    assert (bound <= (1e-13 if oracle is complex_step else 1e-8) * np.abs(BY_HAND[part, l]).max()).all()
    assert (getattr(estimate.why, part)[l] == 0).all()


def test_what_an_estimate_says_of_itself():
    proven, bar = complex_step(LINEAR, X, Y), central(LINEAR, X, Y)
    assert (proven.proven, proven.source) == (True, "complex step")
    assert (bar.proven, bar.source) == (False, "central")
    assert proven.counts() == bar.counts() == (9 + 3, 0)
    assert [(part, l) for part, l, _ in proven.items()] == [(p, l) for p in ("nabla_w", "nabla_b", "delta") for l in (2, 3)]


@BOTH
@pytest.mark.parametrize(("reduction", "factor"), [("mean", 1), ("sum", 4)])
def test_a_batch_is_reduced_and_delta_is_not(oracle, reduction, factor):
    # the same example four times: the mean is that of one, and each delta is its own
    estimate = oracle(LINEAR, np.tile(X, (4, 1)), np.tile(Y, (4, 1)), reduction=reduction)
    for part, l in BY_HAND:
        truth = np.array(BY_HAND[part, l])
        within(estimate, part, l, np.tile(truth, (4, 1)) if part == "delta" else factor * truth)


@BOTH
def test_inputs(oracle):
    estimate = oracle(LINEAR, X, Y, inputs=True)
    within(estimate, "delta", 1, [[6 * 1 - 3 * 3, 6 * 2 + 3 * 1]])  # (w^2)^T delta^2
    assert 1 not in oracle(LINEAR, X, Y).delta


@BOTH
def test_a_network_without_biases_has_none(oracle):
    bare = Network.from_arrays(list(LINEAR.w.values()), None, "linear")
    estimate = oracle(bare, X, Y)
    assert dict(estimate.nabla_b) == {}
    within(estimate, "delta", 3, [[2 * 8 - 3 - 17.0]])


@BOTH
def test_softmax_with_log_likelihood_by_hand(oracle):
    # z = (log 3, 0): a = (3/4, 1/4), delta = a - y
    network = Network.from_arrays([np.array([[1.0], [0.0]])], [np.zeros(2)], "softmax", "log_likelihood")
    estimate = oracle(network, np.array([[np.log(3.0)]]), np.array([[0.0, 1.0]]))
    bound = within(estimate, "delta", 2, np.array([[0.75, -0.75]]))
    assert (bound < (1e-14 if oracle is complex_step else 1e-8)).all()


@BOTH
def test_a_zero_input_moves_nothing_exactly(oracle):
    network = Network.random([3, 2, 2], seed=1)
    x = np.array([[0.5, 0.0, -1.0], [0.25, 0.0, 2.0]])
    estimate = oracle(network, x, np.zeros((2, 2)))
    assert (estimate.nabla_w[2][:, 1] == 0).all()
    assert (estimate.bound.nabla_w[2][:, 1] == 0).all()
    assert (estimate.why.nabla_w[2] == 0).all()
    assert (estimate.nabla_w[2][:, [0, 2]] != 0).all()


def test_a_dead_neuron_and_a_dead_output_are_zero_not_underflow():
    # neuron 1 of layer 2 is alive in example 1 only, where output 1 is dead; output 1 is alive in example 2 only
    network = Network.from_arrays(
        [np.array([[1.0], [1.0]]), np.array([[-1.0, 1.0]])], [np.array([0.0, 5.0]), np.array([-4.0])], "relu"
    )
    x, y = np.array([[2.0], [-0.5]]), np.array([[1.0], [3.0]])
    # example 1: a^2 = (2, 7), z^3 = 1; example 2: a^2 = (0, 4.5), z^3 = 0.5
    estimate = complex_step(network, x, y)
    assert estimate.counts()[1] == 0
    dead = replace(network, b={2: network.b[2], 3: np.array([-5.25])}, w={2: network.w[2], 3: np.array([[-1.0, 1.25]])})
    # example 1: z^3 = -2 + 8.75 - 5.25 = 1.5; example 2: z^3 = 5.625 - 5.25 = 0.375
    assert complex_step(dead, x, y).counts()[1] == 0
    off = replace(network, b={2: network.b[2], 3: np.array([-4.0])}, w={2: network.w[2], 3: np.array([[-2.0, 1.0]])})
    # example 1: z^3 = -4 + 7 - 4 = -1, dead; example 2: 0.5, alive, where a^2_1 is 0
    estimate = complex_step(off, x, y)
    assert estimate.counts()[1] == 0
    assert estimate.nabla_w[3][0, 0] == 0
    assert estimate.nabla_w[3][0, 1] != 0


# ------------------------------------------------------------------------------------------------------------ reasons


def at_kink(z):
    """Neuron 2 of layer 2 has that z; relu, then linear."""
    return Network.from_arrays(
        [np.array([[1.0], [1.0]]), np.array([[1.0, 3.0]])], [np.array([1.0, -2.0 + z]), np.zeros(1)], ["relu", "linear"]
    )


def test_complex_step_names_the_neuron_at_a_kink():
    estimate = complex_step(at_kink(0.0), np.array([[2.0]]), np.array([[1.0]]))
    text = "not differentiable at neuron 2 of layer 2"
    assert estimate.reason("delta", 2, (0, 1)) == estimate.reason("nabla_w", 2, (1, 0)) == text
    assert estimate.reason("nabla_b", 2, (1,)) == text
    assert np.isnan(estimate.delta[2][0, 1])
    within(estimate, "delta", 3, [[2.0]])
    assert estimate.delta[2][0, 0] == 2.0
    assert estimate.counts() == (4 + 3 - 2 + 3 - 1, 3)


def test_the_example_at_a_kink_is_named_in_a_batch():
    estimate = complex_step(at_kink(0.0), np.array([[5.0], [2.0]]), np.ones((2, 1)))
    assert estimate.reason("delta", 2, (1, 1)) == "not differentiable at neuron 2 of layer 2 (example 2)"
    assert estimate.reason("delta", 2, (0, 1)) == ""
    assert estimate.reason("nabla_b", 2, (1,)) == "not differentiable at neuron 2 of layer 2 (example 2)"


def test_a_kink_is_inherited_by_the_layers_below():
    # z^3 = 0 exactly: all that moves it has no derivative
    network = Network.from_arrays(
        [np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1))],
        [np.zeros(1), np.array([-2.0]), np.zeros(1)],
        ["linear", "relu", "linear"],
    )
    estimate = complex_step(network, np.array([[2.0]]), np.array([[1.0]]))
    text = "not differentiable at neuron 1 of layer 3"
    for part, l, index in [("delta", 3, (0, 0)), ("delta", 2, (0, 0)), ("nabla_w", 2, (0, 0)), ("nabla_b", 2, (0,))]:
        assert estimate.reason(part, l, index) == text
    assert estimate.reason("nabla_w", 4, (0, 0)) == ""


@pytest.mark.parametrize("z", [1e-5, -1e-7, 1e-9])
def test_complex_step_tells_the_branch_close_to_a_kink(z):
    estimate = complex_step(at_kink(z), np.array([[2.0]]), np.array([[1.0]]))
    assert estimate.counts()[1] == 0
    within(estimate, "delta", 2, np.array([[1.0, 3.0 if z > 0 else 0.0]]) * (2.0 + 3 * max(0.0, at_kink(z).b[2][1] + 2.0)))


@pytest.mark.parametrize("z", [0.0, 1e-9, -1e-9])
def test_central_says_which_layer_its_step_carries_across_a_kink(z):
    estimate = central(at_kink(z), np.array([[2.0]]), np.array([[1.0]]))
    text = "not differentiable within the step: it carries a neuron of layer 2 across a kink"
    assert estimate.reason("delta", 2, (0, 1)) == text
    assert np.isnan(estimate.delta[2][0, 1])
    assert estimate.reason("delta", 2, (0, 0)) == ""


def test_central_has_no_number_where_a_step_overflows():
    # z^2 is 1.797691e308 at z = 1.34078e154, of at most 1.797693e308: a step on it is infinite
    network = Network.from_arrays([np.zeros((1, 1))], [np.array([1.34078e154])], "linear")
    estimate = central(network, np.array([[1.0]]), np.array([[0.0]]))
    assert estimate.reason("delta", 2, (0, 0)) == "rounding leaves no certain digit here: the error bar is not finite"
    assert np.isnan(estimate.delta[2][0, 0])


def test_an_imaginary_part_that_underflows_is_said_not_returned():
    network = Network.from_arrays([np.ones((1, 1)), np.full((1, 1), 1e-300)], None, "linear")
    estimate = complex_step(network, np.array([[1.0]]), np.array([[1e-12]]))
    text = "the imaginary part underflows: the derivative is too small for complex step; use central() or enclose()"
    assert estimate.reason("delta", 2, (0, 0)) == text
    assert estimate.reason("nabla_w", 2, (0, 0)) == text
    assert estimate.reason("nabla_w", 3, (0, 0)) == ""


def test_a_saturated_sigmoid_that_underflows_is_not_zero():
    network = Network.from_arrays([np.full((1, 1), 800.0)], None, "sigmoid")
    estimate = complex_step(network, np.array([[1.0]]), np.array([[0.0]]))  # sigma'(800) = e^-800 is below every float
    assert estimate.reason("delta", 2, (0, 0)).startswith("the imaginary part underflows")


# --------------------------------------------------------------------------------------------------------- the bounds


@pytest.mark.parametrize("w", [1e-12, 1.0, 1e30])
def test_bounds_scale_with_what_they_bound(w):
    # C = (w x - 0)^2/2: dC/dw = w x^2
    network = Network.from_arrays([np.array([[w]])], None, "linear")
    estimate = complex_step(network, np.array([[3.0]]), np.array([[0.0]]))
    bound = within(estimate, "nabla_w", 2, [[9 * w]])
    assert bound[0, 0] <= 1e-13 * 9 * w


def test_cancellation_is_in_the_bound():
    # C = (1e8 x - 1e8)^2/2 with x = 1 + 2^-40: a - y has lost 40 of its 53 bits
    network = Network.from_arrays([np.array([[1e8]])], [np.array([-1e8])], "linear")
    x = np.array([[1 + 2.0**-40]])
    bound = within(complex_step(network, x, np.zeros((1, 1))), "delta", 2, [[1e8 * 2.0**-40]])
    assert bound[0, 0] >= 2.0**-53 * 1e8


def test_blocks_do_not_change_what_is_found():
    network, rng = Network.random([8, 30, 20, 3], "tanh", seed=2), np.random.default_rng(2)
    x, y = rng.standard_normal((5, 8)), rng.random((5, 3))
    for oracle in (complex_step, central):
        one, other = oracle(network, x, y), oracle(network, x, y, memory=2**20)
        for part, l, value in one.items():
            off = np.abs(value - getattr(other, part)[l])
            assert (off <= getattr(one.bound, part)[l] + getattr(other.bound, part)[l]).all()


def test_the_plain_versions_move_one_entry_at_a_time():
    exact = plain_complex_step(LINEAR, X, Y)
    rough = plain_central(LINEAR, X, Y)
    for part, l in BY_HAND:
        truth = np.array(BY_HAND[part, l])
        assert (getattr(exact, part)[l] == truth).all()  # small integers: nothing rounds
        assert np.abs(getattr(rough, part)[l] - truth).max() <= 200 * 2.0**-52 / differences.H  # C < 100, twice, over 2h


def test_directional():
    direction = Gradient({2: np.array([[1.0, 0.0], [0.0, 2.0]]), 3: np.array([[0.0, 1.0]])}, {2: np.zeros(2), 3: np.array([5.0])})
    value, bound = directional(LINEAR, X, Y, direction)
    assert abs(value - (12 - 2 * 9 + 6 + 5 * 3)) <= bound <= 1e-11
    value, _ = directional(LINEAR, np.tile(X, (2, 1)), np.tile(Y, (2, 1)), direction, "sum")
    assert abs(value - 2 * 15) <= 2 * bound + 1e-12


def test_directional_is_nan_at_a_kink():
    network = at_kink(0.0)
    ones = Gradient({l: np.ones_like(v) for l, v in network.w.items()}, {l: np.ones_like(v) for l, v in network.b.items()})
    assert np.isnan(directional(network, np.array([[2.0]]), np.array([[1.0]]), ones)).all()


def test_a_float32_network_is_its_exact_values():
    narrow = Network.random([3, 4, 2], seed=3).astype(np.float32)
    x, y = np.ones((1, 3), np.float32) / 3, np.zeros((1, 2), np.float32)
    one, other = complex_step(narrow, x, y), complex_step(narrow.astype(np.float64), x.astype(np.float64), y.astype(np.float64))
    assert all((v == getattr(other, part)[l]).all() and v.dtype == np.float64 for part, l, v in one.items())


# ----------------------------------------------------------------------------------------------------------- refusals


def test_gelu_erf_has_no_complex_step_but_has_central():
    network = Network.random([2, 2, 1], "gelu_erf", seed=1)
    text = (
        "activation 'gelu_erf' has no complex form, which complex numbers need. Use the central oracle, "
        "or pass Activation(..., complex=f) with f exact in a tiny imaginary part."
    )
    with pytest.raises(NotComplex, match=re.escape(text)):
        complex_step(network, X, np.zeros((1, 1)))
    assert central(network, X, np.zeros((1, 1))).counts()[1] == 0


def test_a_cost_without_a_complex_form():
    own = Cost("own", quadratic.C, quadratic.nabla_a_C)
    with pytest.raises(NotComplex, match="cost 'own' has no complex form"):
        complex_step(LINEAR.with_cost(own), X, Y)
    within(central(LINEAR.with_cost(own), X, Y), "nabla_w", 3, [[27.0, 6.0]])


def test_an_activation_of_yours():
    cubic = Activation("cubic", lambda z: z + z**3, lambda z: 1 + 3 * z**2, lambda z: z + z**3)
    network = Network.from_arrays([np.ones((1, 1))], None, cubic)
    for oracle in (complex_step, central):
        within(oracle(network, np.array([[2.0]]), np.array([[0.0]])), "delta", 2, [[130.0]])  # a = 10, sigma' = 13


@BOTH
def test_too_little_memory(oracle):
    with pytest.raises(
        ValueRefused, match=re.escape("memory=1000 bytes was given; the oracle's blocks need at least 1 MiB (2**20).")
    ):
        oracle(LINEAR, X, Y, memory=1000)


@BOTH
def test_a_cost_that_is_not_finite(oracle):
    network = Network.from_arrays([np.ones((1, 1))], None, "linear", "cross_entropy")
    text = (
        "The cost of example 2 is nan (cross_entropy behind linear): it has no derivative there. Use smaller weights, or an "
        "activation in layer L whose outputs the cost is defined for."
    )
    with pytest.raises(ValueRefused, match=re.escape(text)):
        oracle(network, np.array([[0.5], [2.0]]), np.array([[1.0], [0.5]]))


@BOTH
def test_wrong_use(oracle):
    with pytest.raises(ValueRefused, match=re.escape("reduction='median' was given; pass 'mean', as in the chapter, or 'sum'.")):
        oracle(LINEAR, X, Y, reduction="median")
    with pytest.raises(ShapeError):
        oracle(LINEAR, X.T, Y)


@BOTH
def test_nothing_of_the_callers_is_changed(oracle):
    x, y = X.copy(), Y.copy()
    before = [v.copy() for v in (*LINEAR.w.values(), *LINEAR.b.values())]
    oracle(LINEAR, x, y, inputs=True)
    assert (x == X).all()
    assert (y == Y).all()
    assert all((v == old).all() for v, old in zip((*LINEAR.w.values(), *LINEAR.b.values()), before, strict=True))


def test_the_bar_of_a_weight_covers_the_rounding_of_outputs_that_only_the_move_makes_matter():
    """a^L = y: C is 0 and flat there, so that its rounding is seen only once a weight is moved."""
    w = [np.array([[0.0], [0.025]]), np.array([[0.0, 0.025]]), np.array([[0.0]])]
    found = central(Network.from_arrays(w, None, ["tanh", "tanh", "sigmoid"]), np.array([[0.25]]), np.array([[0.5]]))
    assert abs(found.nabla_w[4][0, 0]) <= found.bound.nabla_w[4][0, 0] < 1e-17  # the truth is 0
