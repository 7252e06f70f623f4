import re
from itertools import permutations

import numpy as np
import pytest

from backprop_ref import digits, matrix, sgd
from backprop_ref.activations import Activation, sigmoid
from backprop_ref.errors import Diverged, ShapeError, ValueRefused
from backprop_ref.network import Network


def line(w=2.0, b=1.0, **kw):
    """One weight, one bias, sigma(z) = z: a = w x + b."""
    return Network.from_arrays([[[w]]], [[b]], activations="linear", **kw)


def parameters(network):
    return [v.tolist() for v in network.w.values()] + [v.tolist() for v in network.b.values()]


X3, Y3 = np.array([[3.0], [1.0], [-2.0]]), np.array([[4.0], [0.0], [1.0]])


def refuses(cls, sentence):
    return pytest.raises(cls, match=f"^{re.escape(sentence)}$")


# ---------------------------------------------------------------------------------------------------------- a step


def test_a_step_goes_eta_times_the_gradient_down():
    # a = 2 * 3 + 1 = 7, delta = 7 - 4 = 3, nabla_w = 3 * 3 = 9, nabla_b = 3
    after = sgd.update(line(), [[3.0]], [[4.0]], 0.5)
    assert parameters(after) == [[[2 - 4.5]], [1 - 1.5]]


def test_a_step_takes_the_mean_over_its_examples():
    # delta = 3, 3, -4: nabla_w = (9 + 3 + 8) / 3, nabla_b = 2 / 3
    after = sgd.update(line(), X3, Y3, 3.0)
    assert parameters(after) == [[[2 - 20.0]], [1 - 2.0]]


def test_a_step_on_the_well_known_example():
    network = Network.from_arrays([[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]], [[0.35, 0.35], [0.60, 0.60]])
    after = sgd.update(network, [[0.05, 0.10]], [[0.01, 0.99]], 0.5)
    assert f"{after.w[3][0, 0]:.8f}" == "0.35891648"
    assert f"{after.w[2][0, 0]:.9f}" == "0.149780716"


def test_a_network_without_biases_stays_so_and_float32_stays_float32():
    network = Network.from_arrays([[[2.0]]], None, activations="linear").astype(np.float32)
    after = sgd.train(network, X3, Y3, epochs=2, eta=np.float64(0.1)).network
    assert (after.has_biases, after.dtype, after.b[2].tolist()) == (False, np.float32, [0.0])


def test_a_step_changes_neither_network_nor_data():
    network, X, Y = line(), X3.copy(), Y3.copy()
    sgd.train(network, X, Y, epochs=2, eta=0.1, mini_batch=2)
    assert parameters(network) == [[[2.0]], [1.0]]
    assert np.array_equal(X, X3)
    assert np.array_equal(Y, Y3)


# ------------------------------------------------------------------------------------------------------ a training


def test_one_mini_batch_for_all_examples_is_one_step_an_epoch():
    # quarters and an eta that is a power of two: nothing rounds, so the order of the examples does not matter
    X, Y, eta = np.array([[1.0], [-1.0]]), np.array([[0.5], [0.25]]), 0.5
    by_hand = sgd.update(sgd.update(line(), X, Y, eta), X, Y, eta)
    assert parameters(sgd.train(line(), X, Y, epochs=2, eta=eta, mini_batch=99).network) == parameters(by_hand)


def test_an_epoch_takes_each_example_once_and_what_is_left_is_a_mini_batch_too():
    possible = []
    for order in permutations(range(3)):
        order = list(order)
        network = sgd.update(line(), X3[order[:2]], Y3[order[:2]], 0.5)
        possible.append(parameters(sgd.update(network, X3[order[2:]], Y3[order[2:]], 0.5)))
    found = [parameters(sgd.train(line(), X3, Y3, epochs=1, eta=0.5, mini_batch=2, seed=s).network) for s in range(20)]
    assert all(network in possible for network in found)
    assert all(network in found for network in possible)  # and the seed decides which


def test_equal_seeds_give_equal_networks_and_others_do_not():
    def trained(seed):
        return parameters(sgd.train(line(), X3, Y3, epochs=3, eta=0.1, mini_batch=1, seed=seed).network)

    assert trained(5) == trained(5)
    assert trained(5) != trained(6)


def test_each_epoch_is_shuffled_anew():
    two = sgd.train(line(), X3, Y3, epochs=2, eta=0.1, mini_batch=1, seed=0).network
    again = [
        sgd.train(sgd.train(line(), X3, Y3, epochs=1, eta=0.1, mini_batch=1, seed=0).network, X3, Y3, epochs=1, eta=0.1,
                  mini_batch=1, seed=s).network
        for s in range(30)
    ]  # fmt: skip
    assert parameters(two) in [parameters(network) for network in again]
    assert parameters(two) != parameters(again[0])


def test_the_history_has_one_record_for_each_epoch_and_is_told_as_it_grows():
    told = []
    trained = sgd.train(line(), X3, Y3, epochs=3, eta=0.1, test=(X3[:1], Y3[:1]), on_epoch=told.append)
    assert list(trained.history) == told
    assert [e.epoch for e in told] == [1, 2, 3]
    last = told[-1]
    assert last.cost == matrix.cost(trained.network, X3, Y3)
    assert last.test_cost == matrix.cost(trained.network, X3[:1], Y3[:1])
    assert last.accuracy == sgd.accuracy(trained.network, X3, Y3)
    assert last.test_accuracy == sgd.accuracy(trained.network, X3[:1], Y3[:1])


def test_no_test_part_no_test_figures_and_no_epochs_no_change():
    assert sgd.train(line(), X3, Y3, epochs=1, eta=0.1).history[0].test_accuracy is None
    trained = sgd.train(line(), X3, Y3, epochs=0)
    assert (parameters(trained.network), trained.history) == ([[[2.0]], [1.0]], ())


def test_computing_prints_nothing(capsys):
    sgd.slow_learning(sgd.train(line(), X3, Y3, epochs=2, eta=0.1).network, X3, Y3)
    assert capsys.readouterr() == ("", "")


def test_accuracy_is_the_share_of_examples_whose_largest_output_is_right():
    network = Network.from_arrays([np.eye(3)], None, activations="linear")
    X = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0], [0.0, 0.0, 9.0], [1.0, 0.0, 0.0]])
    assert sgd.accuracy(network, X, np.array([0, 1, 2, 2])) == 0.75


def test_one_output_is_right_within_a_half():
    # a = 7, 3, -3
    assert sgd.accuracy(line(), X3, np.array([[7.5], [3.6], [-3.0]])) == 2 / 3


def test_the_digits_are_learnt_to_95_percent_with_the_defaults():
    trained = sgd.train(Network.random([64, 30, 10]), *digits.train())
    assert sgd.accuracy(trained.network, *digits.test()) >= 0.95


# -------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("eta", [0, -1.0, float("nan"), float("inf"), "3", None, True])
def test_eta_must_be_above_zero(eta):
    sentence = f"eta = {eta!r} was given; the learning rate must be a finite number above 0, such as 3.0."
    with refuses(ValueRefused, sentence):
        sgd.train(line(), X3, Y3, eta=eta)
    with refuses(ValueRefused, sentence):
        sgd.update(line(), X3, Y3, eta)


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("epochs", -1, 0), ("epochs", 1.5, 0), ("mini_batch", 0, 1), ("mini_batch", True, 1), ("seed", -1, 0), ("seed", None, 0)],
)
def test_counts_must_be_whole_and_large_enough(name, value, least):
    with refuses(ValueRefused, f"{name} = {value!r} was given; pass a whole number, at least {least}."):
        sgd.train(line(), X3, Y3, **{name: value})


def test_a_training_that_diverges_says_when_and_what():
    with refuses(
        Diverged,
        "Training diverged in epoch 2: w[2] is no longer finite. Use a smaller learning rate than eta = 1e+300, or a cost "
        "that is defined for all outputs of the last layer.",
    ):
        sgd.train(line(), [[3.0]], [[4.0]], eta=1e300)


def test_a_step_that_diverges_says_so():
    with refuses(
        Diverged,
        "The step diverged: b[2] is no longer finite. Use a smaller learning rate than eta = 1e+308, or a cost that is "
        "defined for all outputs of the last layer.",
    ):
        sgd.update(line(w=0.0, b=10.0), [[0.0]], [[0.0]], 1e308)


def test_a_cost_that_leaves_float64_is_infinite_in_the_record():
    trained = sgd.train(line(), [[3.0]], [[4.0]], eta=1e300, epochs=1)
    assert trained.history[0].cost == np.inf


def test_data_that_do_not_fit_are_refused_as_everywhere():
    with pytest.raises(ShapeError, match="X has shape"):
        sgd.train(line(), X3.T, Y3)
    with pytest.raises(ShapeError, match="Y has shape"):
        sgd.slow_learning(line(), X3, Y3.T)
    with pytest.raises(ValueRefused, match="at least one example"):
        sgd.train(line(), X3[:0], Y3[:0])
    with pytest.raises(ValueRefused, match="nan"):  # before the first epoch
        sgd.train(line(), X3, Y3, test=(X3 * np.nan, Y3), epochs=0)


# --------------------------------------------------------------------------------------------------- slow learning


def three_four_five():
    """sigma(z) = z, w = (3, 4). x = (3, 4): a = 25, delta = 25 - 23 = 2, nabla_w = (6, 8). x = (0, 1): delta = 0."""
    network = Network.from_arrays([[[3.0, 4.0]]], None, activations="linear")
    return network, np.array([[3.0, 4.0], [0.0, 1.0]]), np.array([[23.0], [4.0]])


def test_the_two_factors_of_each_example():
    f = sgd.slow_learning(*three_four_five()).factors[2]
    assert f.gradient.tolist() == [10, 0]
    assert f.delta.tolist() == [2, 0]
    assert f.a.tolist() == [5, 1]
    assert f.of_mean == 5  # the norm of (6, 8) / 2


def test_the_two_factors_of_the_batch():
    f = sgd.slow_learning(*three_four_five()).factors[2]
    assert f.mean_gradient == 5
    assert f.mean_a == 3
    assert f.mean_delta == pytest.approx(10 / 6, rel=1e-15)  # (2 * 5 + 0 * 1) / (5 + 1)
    assert abs(f.mean_delta * f.mean_a - 5) <= f.mean_bound < 1e-13


def test_norms_neither_overflow_nor_vanish():
    f = sgd.slow_learning(Network.from_arrays([[[1e-200, 0.0]]], None, "linear"), [[3e200, 4e200]], [[0.0]]).factors[2]
    assert f.a[0] == pytest.approx(5e200, rel=1e-15)
    f = sgd.slow_learning(Network.from_arrays([[[1e-200, 0.0]]], None, "linear"), [[3.0, 4.0]], [[0.0]]).factors[2]
    assert abs(f.gradient[0] - f.delta[0] * f.a[0]) <= f.bound[0] < 1e-211
    assert f.gradient[0] == pytest.approx(15e-200, rel=1e-14)


def test_an_input_of_zeros_leaves_a_gradient_of_zero():
    f = sgd.slow_learning(line(), [[0.0]], [[0.0]]).factors[2]
    assert (f.mean_gradient, f.mean_delta, f.mean_a) == (0, 1, 0)


def test_a_saturated_output_is_right_or_wrong():
    network = Network.from_arrays([[[100.0]]], None)
    n = sgd.slow_learning(network, [[1.0], [-1.0], [1.0], [0.0]], [[1.0], [1.0], [1.0], [1.0]]).neurons[2]
    assert (n.saturated.tolist(), n.right.tolist(), n.wrong.tolist()) == ([0.75], [0.5], [0.25])
    assert n.stuck.tolist() == [False]
    assert n.pull is None


def test_a_dead_relu_is_stuck_and_the_cost_still_pulls_at_it():
    # neuron 1: z = -x - 1 < 0, a = 0; neuron 2: z = x > 0. Output 2 a_1 + a_2 = x, y = x - 3: delta^3 = 3
    network = Network.from_arrays([[[-1.0], [1.0]], [[2.0, 1.0]]], [[-1.0, 0.0], [0.0]], ["relu", "linear"])
    n = sgd.slow_learning(network, [[1.0], [4.0]], [[-2.0], [1.0]]).neurons[2]
    assert n.saturated.tolist() == [1, 0]
    assert n.stuck.tolist() == [True, False]
    assert n.level.tolist() == [0, 2.5]
    assert n.pull.tolist() == [6, 0]  # w^3_11 delta^3 = 2 * 3
    assert (n.right, n.wrong) == (None, None)


def test_a_neuron_that_saturates_on_both_sides_is_not_stuck():
    network = Network.from_arrays([[[100.0]], [[1.0]]], None)
    n = sgd.slow_learning(network, [[1.0], [-1.0]], [[1.0], [0.0]]).neurons[2]
    assert (n.saturated.tolist(), n.stuck.tolist()) == ([1], [False])
    network = Network.from_arrays([[[100.0]], [[1.0]]], None)
    assert sgd.slow_learning(network, [[1.0], [2.0]], [[1.0], [0.0]]).neurons[2].stuck.tolist() == [True]


def test_saturation_is_measured_against_the_slope_near_zero():
    # sigma(z) = z^2: the largest slope for |z| <= 1 is 2, a tenth of it is reached at |z| = 0.1
    network = Network.from_arrays([[[1.0]]], None, "square")
    X = np.array([[0.09], [-0.09], [0.11], [5.0]])
    assert sgd.slow_learning(network, X, np.zeros((4, 1))).neurons[2].saturated.tolist() == [0.5]


def test_your_own_activation_is_measured_too():
    steep = Activation("steep", lambda z: sigmoid.sigma(8 * z), lambda z: 8 * sigmoid.sigma_prime(8 * z))
    network = Network.from_arrays([[[1.0]]], None, steep)
    # sigmoid'(z) is a tenth of its largest, 1/4, at |z| = 3.64: here at 3.64 / 8 = 0.455
    X = np.array([[0.45], [0.46]])
    assert sgd.slow_learning(network, X, np.zeros((2, 1))).neurons[2].saturated.tolist() == [0.5]


def test_of_softmax_the_slope_is_the_largest_that_z_j_moves():
    # a = sigmoid(2 t) for z = (t, -t): da/dz = a (1 - a), at most 1/4, 0.0025 at t = 3
    network = Network.from_arrays([[[1.0], [-1.0]]], None, "softmax", "log_likelihood")
    n = sgd.slow_learning(network, [[3.0], [0.0]], np.array([0, 0])).neurons[2]
    assert (n.saturated.tolist(), n.right.tolist(), n.wrong.tolist()) == ([0.5, 0.5], [0.5, 0.5], [0, 0])


def test_the_largest_slope_of_softmax_is_sought_away_from_equal_outputs():
    # three outputs (0.023, 0.4885, 0.4885): 0.023 * 0.977 = 0.0225 is below a tenth of 1/4, but not of 1/3 * 2/3
    network = Network.from_arrays([np.log([[0.023], [0.4885], [0.4885]])], None, "softmax", "log_likelihood")
    assert sgd.slow_learning(network, [[1.0]], np.array([1])).neurons[2].saturated.tolist() == [1, 0, 0]


def test_weights_that_leave_low_activation_neurons():
    network = Network.from_arrays([np.ones((2, 3)), np.ones((1, 2))], [[-3.0, 0.0], [0.0]], "relu")
    s = sgd.slow_learning(network, [[0.0, 1.0, -0.1], [0.0, 1.0, 0.1]], [[0.0], [0.0]])
    assert s.activation[1].tolist() == [0, 1, 0.1]
    assert (s.low(1), s.low(2)) == ([1, 3], [1])
    assert s.data()["low_activation"] == {
        1: {"neurons": [1, 3], "always_zero": [1], "weights": 4},
        2: {"neurons": [1], "always_zero": [1], "weights": 1},
    }


def test_a_gradient_that_is_not_finite_has_no_factors():
    sentence = (
        "The gradient of layer 2 is not finite on these examples, so that it has no factors: quadratic is not defined for such "
        "outputs, or a number has left float64. Use smaller weights or another cost."
    )
    with refuses(ValueRefused, sentence):
        sgd.slow_learning(line(w=1e200), [[1e200]], [[0.0]])


def test_the_report_is_read_in_ten_seconds():
    network = Network.from_arrays([[[-1.0], [1.0]], [[2.0, 1.0]]], [[-1.0, 0.0], [0.0]], ["relu", "linear"])
    report = str(sgd.slow_learning(network, [[1.0], [4.0]], [[-2.0], [1.0]]))
    assert report.splitlines()[:7] == [
        "Slow learning: 1-2-1, 2 examples",
        "",
        "The gradient of a layer is a product, ||nabla_w C_x|| = ||delta|| ||a below||;",
        "means over the examples x (of ||delta||: weighted by ||a below||):",
        "",
        "  layer  ||nabla_w C_x|| = ||delta||  x  ||a below||   of the mean cost",
        "      2              7.5   3          x  2.5           7.5",
    ]
    assert report.splitlines()[10:] == [
        "Saturated (slope at most 0.1 of the largest for |z| <= 1):",
        "",
        "  layer 2  50.0% of its outputs over all examples",
        "           neuron 1: 100.0%; mean |dC/da| there 6",
        "           neuron 1 is stuck: on every example, near 0",
        "  layer 3  0.0% of its outputs over all examples: 0.00% right, 0.00% wrong",
        "           right: within 0.1 of the desired output",
        "           wrong: farther off, slow, and not done",
        "",
        "Low activation (mean |a| at most 0.1): the weights that leave it learn slowly.",
        "",
        "  layer 1  0 of 1 neurons",
        "  layer 2  1 of 2 neurons, 1 of them always 0",
        "           k = 1",
        "           and so 1 of the 2 weights w^3_jk",
    ]


def test_the_report_says_where_a_wrong_output_is_not_slow():
    network = Network.from_arrays([[[100.0]]], None, cost="cross_entropy")
    report = str(sgd.slow_learning(network, [[1.0], [-1.0]], [[1.0], [1.0]]))
    assert "           neuron 1: 50.00% right, 50.00% wrong\n" in report
    assert "           wrong: farther off, not slow: with this cost sigma' cancels in delta\n" in report


def test_the_report_stays_short_and_narrow_for_a_wide_network():
    network = Network.from_arrays([np.full((200, 150), -1.0), np.ones((10, 200))], None, ["relu", "sigmoid"])
    X = np.full((2, 150), 0.01)
    report = str(sgd.slow_learning(network, X, np.eye(10)[:2])).splitlines()
    assert max(map(len, report)) <= 80
    assert len(report) < 60
    assert "           and 388 lines more, in data()" in report  # 200 saturated and 200 stuck, 12 of them named
    assert "           k = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 138 more" in report
