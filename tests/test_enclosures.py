import importlib
import math
import re
import sys
from fractions import Fraction

import numpy as np
import pytest
from flint import acb, arb, ctx, fmpq

from backprop_ref import Activation, Cost, Gradient, Network, digits, matrix, neuron
from backprop_ref.costs import times
from backprop_ref.errors import ExtraMissing, FormMissing, ShapeError, ValueRefused
from backprop_ref.oracles import enclosures as rooms
from backprop_ref.oracles.balls import Number
from backprop_ref.oracles.enclosures import enclose, enclosures

F = Fraction
ONE = np.array([[1.0]])


def exactly(q):
    return arb(fmpq(q.numerator, q.denominator))


def single(z, activation, cost="quadratic", y=0.0):
    """One neuron whose weighted input is z: dC/db = dC/dz is the derivative of z -> C."""
    network = Network.from_arrays([[[0.0]]], [[z]], activation, cost)
    return enclosures(network, ONE, np.array([[y]]))


def test_one_weight_by_hand():
    # C = (w x + b - y)^2 / 2 at w = 2, x = 1/2, b = 1, y = 1/4: dC/dz = 7/4
    network = Network.from_arrays([[[2.0]]], [[1.0]], "linear")
    estimate = enclose(network, np.array([[0.5]]), np.array([[0.25]]))
    assert estimate.nabla_w[2].tolist() == [[0.875]]
    assert estimate.nabla_b[2].tolist() == [1.75]
    assert estimate.delta[2].tolist() == [[1.75]]
    assert estimate.proven
    assert estimate.source == "certified"
    assert estimate.counts() == (3, 0)
    assert 0 < estimate.bound.nabla_b[2][0] < 1e-30


def test_two_layers_by_hand():
    network = Network.from_arrays([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], None, "linear")
    estimate = enclose(network, np.array([[1.0, -1.0]]), np.array([[0.0, 1.0]]))
    assert estimate.delta[3].tolist() == [[-11, -16]]
    assert estimate.delta[2].tolist() == [[-167, -194]]
    assert estimate.nabla_w[3].tolist() == [[11, 11], [16, 16]]  # a^2 = (-1, -1)
    assert estimate.nabla_w[2].tolist() == [[-167, 167], [-194, 194]]
    assert estimate.nabla_b == {}


@pytest.mark.parametrize("activation", ["square", "cube", "linear"])
@pytest.mark.parametrize("seed", range(3))
def test_every_exact_derivative_lies_in_its_ball(activation, seed):
    network, x, y = Network.random([3, 4, 3, 2], activation, seed=seed), [0.5, 0.1, -1.25], [1.0, 0.3]
    truth = neuron.backprop(network.over(Fraction), [F(v) for v in x], [F(v) for v in y])
    found = enclosures(network, np.array([x]), np.array([y]))
    with ctx.workprec(20_000):
        for part, l, balls in found.balls.items():
            for ball, q in zip(balls.flat, np.asarray(getattr(truth, part)[l]).flat, strict=True):
                assert ball.contains(exactly(q))
    rounded = found.correctly_rounded()
    for part, l, values in rounded.items():
        assert values.ravel().tolist() == [float(q) for q in getattr(truth, part)[l].ravel()]  # Fraction rounds correctly


def test_without_cauchys_estimate_the_truth_falls_outside(monkeypatch):
    # z -> ((z^3 - y)^2)/2 has a third derivative: a bound M that is too small by 2^100 must show
    disc = rooms._Example.disc
    network = Network.from_arrays([[[0.5]]], [[0.25]], "cube")
    truth = neuron.backprop(network.over(Fraction), [F(3)], [F(1)]).nabla_b[2][0]
    X, Y = np.array([[3.0]]), ONE
    with ctx.workprec(2000):
        assert enclosures(network, X, Y).balls.nabla_b[2][0].contains(exactly(truth))

        def too_small(self, l, j, bits):
            R, M = disc(self, l, j, bits)
            return R, M * arb(2) ** -100

        monkeypatch.setattr(rooms._Example, "disc", too_small)
        assert not enclosures(network, X, Y).balls.nabla_b[2][0].contains(exactly(truth))


def test_M_bounds_the_change_on_the_circle():
    network = Network.random([3, 4, 2], "tanh", seed=1)
    with ctx.workprec(200):
        example = rooms._Example(rooms._Balls(network), np.array([0.1, 0.7, -0.4]), np.array([0.0, 1.0]))
        for l, j in [(2, 0), (2, 3), (3, 1)]:
            R, M = example.disc(l, j, 140)
            for turn in range(12):
                s = R * acb(arb(turn) / 6).exp_pi_i()
                assert abs(example.change(l, j, s)) <= M


def test_the_box_holds_the_disc():
    box = rooms._box(4)
    with ctx.workprec(200):
        for turn in range(16):
            assert box.contains(acb(arb(turn) / 8).exp_pi_i() / 16)


def test_a_zero_input_gives_exactly_zero():
    network = Network.random([3, 2, 2], seed=0)
    found = enclosures(network, np.array([[0.0, 0.5, -0.0]]), np.array([[0.0, 1.0]]))
    for k in (0, 2):
        for j in range(2):
            assert found.balls.nabla_w[2][j, k].is_zero()
    assert not found.balls.nabla_w[2][0, 1].contains(0)


def test_what_does_not_reach_the_outputs_is_exactly_zero():
    # neuron 1 of layer 2 is dead, neuron 2 has no way on, and the first output is dead too
    w2, w3 = [[1.0], [1.0], [1.0]], [[1.0, 0.0, 1.0], [1.0, 0.0, 2.0]]
    network = Network.from_arrays([w2, w3], [[-5.0, 0.5, 0.5], [-9.0, 0.0]], "relu")
    estimate = enclose(network, ONE, np.array([[0.0, 1.0]]))
    assert estimate.delta[3].tolist() == [[0.0, 2.0]]
    assert estimate.delta[2].tolist() == [[0.0, 0.0, 4.0]]
    for bound in (estimate.bound.delta[2][0, 0], estimate.bound.delta[2][0, 1], estimate.bound.delta[3][0, 0]):
        assert bound == 0.0


def test_what_does_not_reach_inexact_outputs_is_exactly_zero_too():
    # as above, but C is not a binary fraction: only what did not move at all may cancel
    network = Network.from_arrays([[[1.0], [1.0]], [[1.0, 0.0], [1.0, 0.0]]], [[0.1, 0.2], [-9.0, 0.0]], ["sigmoid", "relu"])
    found = enclosures(network, ONE, np.array([[0.0, 1.0]]))
    assert found.balls.delta[3][0, 0].is_zero()
    assert found.balls.delta[2][0, 1].is_zero()
    assert found.balls.nabla_w[2][1, 0].is_zero()
    assert not found.balls.delta[2][0, 0].contains(0)
    dead = Network.from_arrays([[[1.0], [1.0]], [[1.0, 1.0]]], [[-9.0, 0.1], [0.0]], ["relu", "sigmoid"])
    assert enclosures(dead, ONE, ONE).balls.delta[2][0, 0].is_zero()


def test_an_output_that_is_not_asked_for_may_be_0():
    # C = -log a_2 where y = (0, 1): 0 log 0 is 0
    network = Network.from_arrays([[[1.0], [1.0]]], [[-9.0, 1.0]], "relu", "log_likelihood")
    assert enclose(network, ONE, np.array([[0.0, 1.0]])).delta[2].tolist() == [[0.0, -0.5]]


def test_a_kink_has_a_reason_instead_of_a_number():
    # z^2 = (0, 1): neuron 1 sits on its kink, and what feeds it cannot be told; neuron 2 and layer 3 can
    network = Network.from_arrays([[[1.0], [1.0]], [[1.0, 1.0]]], [[-1.0, 0.0], [0.0]], ["relu", "linear"])
    estimate = enclose(network, ONE, ONE * 0)
    assert np.isnan(estimate.nabla_w[2][0, 0])
    assert estimate.reason("nabla_w", 2, (0, 0)) == "kink of neuron 1 in layer 2"
    assert estimate.reason("delta", 2, (0, 0)) == "kink of neuron 1 in layer 2"
    assert estimate.nabla_w[2][1, 0] == 1.0
    assert estimate.nabla_w[3].tolist() == [[0.0, 1.0]]
    assert estimate.counts() == (7, 3)


def test_the_kink_of_a_later_layer_is_named():
    network = Network.from_arrays([[[1.0]], [[1.0]]], [[0.0], [-1.0]], ["linear", "leaky_relu"])
    estimate = enclose(network, np.array([[1.0], [2.0]]), np.array([[0.5], [0.5]]))
    assert estimate.reason("nabla_b", 2, (0,)) == "kink of neuron 1 in layer 3 (example 1)"
    assert estimate.reason("delta", 2, (0, 0)) == "kink of neuron 1 in layer 3 (example 1)"
    assert estimate.delta[2][1].tolist() == [0.5]


@pytest.mark.parametrize("distance", [1e-5, 1e-9, 1e-100, 1e-300])
def test_near_a_kink_the_number_is_proven(distance):
    # C = a^2/2: relu has dC/dz = z on the right; leaky_relu has z/100 * 1/100 on the left, the slope not rounded
    right, left = single(distance, "relu"), single(-distance, "leaky_relu")
    with ctx.workprec(3000):
        assert right.balls.nabla_b[2][0].contains(arb(distance))
        assert left.balls.nabla_b[2][0].contains(exactly(F(-distance) / 10_000))
    assert right.estimate().nabla_b[2][0] == distance


def sigmoid(z):
    return 1 / (1 + (-z).exp())


def d_sigmoid(z):
    return sigmoid(z) * sigmoid(-z)


@pytest.mark.parametrize("z", [800.0, -800.0, 40.0, -3.0, 1e6, -1e6])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_saturated_neurons(z, y):
    with ctx.workprec(6000):
        x = arb(z)
        cases = {
            ("sigmoid", "quadratic"): (sigmoid(x) - y) * d_sigmoid(x),
            ("sigmoid", "cross_entropy"): (1 - arb(y)) * sigmoid(x) - y * sigmoid(-x),
            ("tanh", "quadratic"): (x.tanh() - y) / x.cosh() ** 2,
            ("softplus", "quadratic"): ((x.exp()).log1p() - y) * sigmoid(x) if z < 1e4 else None,
            ("silu", "quadratic"): (x * sigmoid(x) - y) * (sigmoid(x) + x * d_sigmoid(x)),
        }
        for (activation, cost), truth in cases.items():
            if truth is not None:
                ball = single(z, activation, cost, y).balls.nabla_b[2][0]
                assert ball.overlaps(truth)
                assert ball.contains(truth) or abs(truth).upper() < arb(2) ** -1100  # there the truth is known less well


def test_saturated_cross_entropy_keeps_its_small_side():
    # dC/dz = -y sigmoid(-z) at y = 1: exp(-700) is a float64, exp(-800) is below all of them
    found = single(700.0, "sigmoid", "cross_entropy", 1.0)
    assert found.relative_radius() <= 1e-30
    assert found.correctly_rounded().nabla_b[2][0] == -math.exp(-700)  # libm is correctly rounded here, or the test says so
    estimate = single(800.0, "sigmoid", "cross_entropy", 1.0).estimate()
    assert (estimate.nabla_b[2][0], estimate.bound.nabla_b[2][0]) == (0.0, 5e-324)


def test_softmax_with_log_likelihood():
    z, y = [800.0, 0.0, -700.0], [0.0, 1.0, 0.0]
    network = Network.from_arrays([[[0.0]] * 3], [z], "softmax", "log_likelihood")
    found = enclosures(network, ONE, np.array([y]))
    with ctx.workprec(4000):
        e = [(arb(v) - 800).exp() for v in z]
        for ball, e_j, y_j in zip(found.balls.nabla_b[2], e, y, strict=True):
            assert ball.contains(e_j / sum(e) - y_j) or ball.rad() < arb(2) ** -1074
    assert found.estimate().nabla_b[2].tolist() == [1.0, -1.0, 0.0]


def test_the_disc_shrinks_until_it_is_free_of_poles():
    # tanh(1e6 z) has poles at a distance of pi/2 * 1e-6 from the real line
    network = Network.from_arrays([[[1.0]], [[1e6]]], [[0.0], [-1e6]], ["linear", "tanh"])
    with ctx.workprec(280):
        R, _ = rooms._Example(rooms._Balls(network), np.array([1.0]), np.array([0.5])).disc(2, 0, 140)
        assert 0 < float(R) < math.pi / 2 * 1e-6
    found = enclosures(network, ONE, ONE / 2)
    assert found.relative_radius() <= 1e-30
    assert found.estimate().delta[2].tolist() == [[-0.5e6]]  # at tanh(0) = 0: (0 - y) * 1 * 1e6


def test_gelu_erf_against_the_normal_distribution():
    for z in (-20.0, -1.5, 0.25, 7.0):
        with ctx.workprec(2000):
            x, r = arb(z), arb(2).sqrt()
            cdf, density = (-x / r).erfc() / 2, (-x * x / 2).exp() / (2 * arb.pi()).sqrt()
            assert single(z, "gelu_erf", y=1.0).balls.nabla_b[2][0].contains((x * cdf - 1) * (cdf + x * density))


def test_sixteen_layers_reach_the_digits_asked_for():
    network = Network.random([3] * 16, "sigmoid", seed=2)
    found = enclosures(network, np.array([[0.1, 0.2, 0.3]]), np.array([[0.0, 1.0, 0.0]]), digits=60)
    assert found.relative_radius() <= 1e-60


def test_all_derivatives_of_a_digit():
    network, (X, Y) = Network.random([64, 30, 10], seed=0), digits.train(1)
    found = enclosures(network, X, Y)
    assert sum(array.size for _, _, array in found.balls.items()) == 2260 + 40
    assert found.relative_radius() <= 1e-30
    for j, k in np.ndindex(30, 64):
        assert found.balls.nabla_w[2][j, k].is_zero() == (X[0, k] == 0)
    assert found.correctly_rounded().counts() == (2300, 0)


def test_a_batch_is_the_mean_and_delta_is_each_examples_own():
    network = Network.from_arrays([[[1.0]]], [[0.0]], "linear")
    X, Y = np.array([[1.0], [2.0], [4.0]]), np.array([[0.0], [1.0], [1.0]])
    mean, total = enclose(network, X, Y), enclose(network, X, Y, reduction="sum")
    assert mean.delta[2].tolist() == total.delta[2].tolist() == [[1.0], [1.0], [3.0]]
    assert mean.nabla_w[2][0, 0] == 5.0
    assert mean.nabla_b[2][0] == 5 / 3
    assert total.nabla_b[2].tolist() == [5.0]


def test_float32_networks_are_the_numbers_that_they_are():
    network = Network.from_arrays([np.array([[0.1]], np.float32)], None, "linear")
    assert enclose(network, ONE, ONE * 0).delta[2].tolist() == [[float(np.float32(0.1))]]


# ------------------------------------------------------------------------------------------------ rounding, and ulps


def ball_of(*balls):
    return rooms.Enclosure(Gradient({}, {2: np.array(balls, object)}), Gradient({}, {2: np.zeros(len(balls), int)}))


def test_correctly_rounded_says_when_it_is_not_certain():
    with ctx.workprec(200):
        tie = 1 + arb(2) ** -53
        found = ball_of(tie, tie + arb(0, 1e-30), arb(0.5, 1e-30), arb(2) ** 1024, arb(0, 1e-3))
    rounded = found.correctly_rounded()
    assert rounded.nabla_b[2][[0, 2]].tolist() == [1.0, 0.5]  # an exact tie goes to even
    for j in (1, 4):
        assert np.isnan(rounded.nabla_b[2][j])
        assert rounded.reason("nabla_b", 2, (j,)) == "the enclosure holds a boundary between two floats"
    assert rounded.reason("nabla_b", 2, (3,)) == "the derivative is beyond the range of the dtype"
    assert rounded.bound.nabla_b[2][0] == math.nextafter(2.0**-53, 1)
    assert found.estimate().reason("nabla_b", 2, (1,)) == ""
    assert 1e-3 <= found.estimate().bound.nabla_b[2][4] < 1.001e-3


def test_correctly_rounded_to_float32():
    with ctx.workprec(200):
        found = ball_of(arb(0.1), 1 + arb(2) ** -24 + arb(2) ** -80)  # the second, rounded to float64 first, would go to 1
    rounded = found.correctly_rounded(np.float32)
    assert rounded.nabla_b[2].dtype == np.float32
    assert rounded.nabla_b[2].tolist() == [float(np.float32(0.1)), 1 + 2.0**-23]


def test_ulps():
    with ctx.workprec(200):
        found = ball_of(arb(1), arb(1), arb(0), arb(0), arb("nan"), arb(1), 1 + arb(2) ** -54)
    claimed = np.array([1.0, 1 + 2.0**-51, 0.0, 5e-324, 1.0, math.nan, 1.0])
    off = found.ulps(Gradient({}, {2: claimed})).nabla_b[2].tolist()
    assert off[:4] == [0.0, 2.0, 0.0, 1.0]
    assert math.isnan(off[4])
    assert off[5:] == [math.inf, 0.25]
    assert found.ulps(Gradient({}, {2: claimed.astype(np.float32)})).nabla_b[2][6] == 2.0**-54 / 2.0**-23


def test_ulps_of_another_shape():
    found = ball_of(arb(1))
    message = "nabla_b[2] has shape (2,), but among these enclosures it is of shape (1,)."
    with pytest.raises(ShapeError, match=re.escape(message)):
        found.ulps(Gradient({}, {2: np.zeros(2)}))
    message = "nabla_w[3] has shape (1, 1), but among these enclosures it is absent."
    with pytest.raises(ShapeError, match=re.escape(message)):
        found.ulps(Gradient({3: ONE}))


def test_the_relative_radius_of_what_is_exact_does_not_count():
    assert ball_of(arb(0), arb(2), arb(4, 0.5)).relative_radius() == pytest.approx(0.125, rel=1e-8)  # a radius has 30 bits
    assert ball_of(arb(0)).relative_radius() == 0.0
    assert ball_of(arb(0, 1)).relative_radius() == math.inf


def test_matrix_is_within_8_ulps_of_the_largest_entry_of_each_array():
    # the stated accuracy of matrix.backprop on 64-30-10; benchmarks/enclosures.py prints the whole distribution
    off = {}
    for seed in range(3):
        network, (X, Y) = Network.random([64, 30, 10], seed=seed), digits.train(seed + 1)
        found, gradient = enclosures(network, X[seed:], Y[seed:]), matrix.backprop_batch(network, X[seed:], Y[seed:])
        ulps = found.ulps(gradient)
        for part, l, truth in found.correctly_rounded().items():
            claimed = getattr(gradient, part)[l]
            assert np.abs(claimed - truth).max() <= 8 * np.spacing(np.abs(truth).max())
            off.setdefault((part, l), []).append(getattr(ulps, part)[l].ravel())
    assert {key: np.median(np.concatenate(v)) < 2 for key, v in off.items()} == dict.fromkeys(off, True)


# ---------------------------------------------------------------------------------------------- functions of the user


def own(sigma, kinks=()):
    return Activation("mine", lambda z: z, lambda z: z, plain=(sigma, lambda z: z), kinks=kinks)


def same(mine, built_in, z, cost="quadratic", y=0.375):
    a, b = (single(z, f, cost, y).balls.nabla_b[2][0] for f in (mine, built_in))
    return a.overlaps(b) and a.rel_accuracy_bits() > 100


@pytest.mark.parametrize("z", [-2.0, 0.5, 30.0])
def test_your_own_activation(z):
    assert same(own(lambda z: z / (1 + (-z).exp())), "silu", z)
    assert same(own(lambda z: z if z > 0 else 0, kinks=(0.0,)), "relu", 1.0)
    assert same(own(lambda z: max(z, z / 100), kinks=(0.0,)), "leaky_relu", z)
    assert same(own(lambda z: (1 + z.exp()).log()), "softplus", z)
    assert same(own(lambda z: 2 * (0.5 * z**3 - 1) + 2.0), "cube", z)
    assert same(own(lambda z: 1 - 2 / (1 + (2 * z).exp())), "tanh", z)
    assert same(own(lambda z: abs(z) * abs(z)), "square", z)
    assert same(own(lambda z: (z * z).sqrt() ** 2.0), "square", z)


def test_the_kink_of_your_own_activation():
    relu = own(lambda z: z if z > 0 else 0 * z, kinks=(0.0,))
    assert single(0.0, relu).estimate().reason("nabla_b", 2, (0,)) == "kink of neuron 1 in layer 2"
    undeclared = own(lambda z: abs(z - 1))
    assert single(1.0, undeclared).estimate().reason("nabla_b", 2, (0,)) == "sigma is not smooth at neuron 1 in layer 2"


def test_a_branch_point_is_kept_out_of_the_disc():
    # sqrt is finite on a disc around 0, and not analytic: dC/dz = (sqrt z - y) / (2 sqrt z)
    with ctx.workprec(3000):
        z = arb(1e-4)
        truth = (z.sqrt() - arb(0.25)) / (2 * z.sqrt())
        assert single(1e-4, own(lambda z: z.sqrt()), y=0.25).balls.nabla_b[2][0].contains(truth)


def test_your_own_cost():
    def C(a, y):
        return sum(abs(a_j - y_j) for a_j, y_j in zip(a, y, strict=True))

    absolute = Cost("absolute", lambda a, y: abs(a - y).sum(axis=0), lambda a, y: np.sign(a - y), plain=(C, C))
    assert single(-3.0, "linear", absolute).estimate().delta[2].tolist() == [[-1.0]]
    estimate = single(0.0, "linear", absolute).estimate()
    assert estimate.reason("delta", 2, (0, 0)) == "the cost is not finite and smooth here"
    assert same("sigmoid", "sigmoid", 2.0, times(2, Network.random([1, 1]).cost))


def test_a_scaled_pair_goes_by_its_own_form_in_z():
    cost = times(2, Network.random([1, 1], cost="cross_entropy").cost)
    assert single(900.0, "sigmoid", cost).estimate().delta[2].tolist() == [[2.0]]


def test_a_logarithm_of_nothing_is_said():
    estimate = single(-1.0, "relu", "cross_entropy", 1.0).estimate()  # log 0
    assert estimate.reason("nabla_b", 2, (0,)) == "the cost is not finite and smooth here"


def test_an_activation_that_is_not_analytic_is_refused():
    message = (
        "activation 'mine' cannot be computed on balls ('Number' object has no attribute 'conjugate'). Write its plain form "
        "with +, -, *, /, ** and methods such as z.exp(), z.log(), z.tanh()."
    )
    with pytest.raises(FormMissing, match=f"^{re.escape(message)}$"):
        single(1.0, own(lambda z: z * z.conjugate()))


def test_an_activation_without_a_plain_form_is_refused():
    message = (
        "activation 'bare' has no form for plain numbers of kind arb. "
        "Pass Activation(..., plain=(sigma, sigma_prime)) with functions of one arb."
    )
    with pytest.raises(FormMissing, match=f"^{re.escape(message)}$"):
        single(1.0, Activation("bare", np.sin, np.cos))


def test_a_number_compares_by_its_real_part():
    two, three = Number(2), Number(acb(3, 5))
    assert two < three
    assert three >= two
    assert two <= 2.0
    assert two == 2
    assert two != 3
    assert two - 1 == 3 - two
    assert (1 / two).z.contains(0.5)
    assert Number(arb(0)).log1p() == 0


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("digits", [0, -1, 2.5, True])
def test_digits(digits):
    message = f"digits={digits!r} was given; ask for a whole number of significant digits, at least 1."
    with pytest.raises(ValueRefused, match=f"^{re.escape(message)}$"):
        enclose(Network.random([1, 1]), ONE, ONE, digits=digits)


def test_reduction():
    with pytest.raises(ValueRefused, match=r"^reduction='max' was given; pass 'mean', as in the chapter, or 'sum'\.$"):
        enclose(Network.random([1, 1]), ONE, ONE, reduction="max")


def test_the_precision_of_flint_is_left_as_it_was():
    before = ctx.prec
    enclose(Network.random([1, 1]), ONE, ONE)
    assert ctx.prec == before


def test_without_flint_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    for name in ("balls", "enclosures"):
        monkeypatch.delitem(sys.modules, f"backprop_ref.oracles.{name}")
    message = "oracles.enclosures needs python-flint, which is not installed: pip install 'backprop-ref[certified]'"
    with pytest.raises(ExtraMissing, match=f"^{re.escape(message)}$"):
        importlib.import_module("backprop_ref.oracles.enclosures")
