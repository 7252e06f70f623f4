"""The two assumptions, sigma' and nabla_a C: what is right agrees, each planted mistake disagrees where it is."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from backprop_ref import activations, assumptions, costs, matrix
from backprop_ref.activations import ACTIVATIONS, Activation
from backprop_ref.assumptions import check, check_activation, check_cost
from backprop_ref.costs import COSTS, Cost, Pair, times
from backprop_ref.errors import ShapeError, UnknownName, ValueRefused
from backprop_ref.gradient import Verdict
from backprop_ref.network import Network

AGREES, DISAGREES, CANNOT_TELL = Verdict.AGREES, Verdict.DISAGREES, Verdict.CANNOT_TELL


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def squares(network, letters="w"):
    return sum(float((v**2).sum()) for letter in letters for v in getattr(network, letter).values())


@pytest.fixture
def network():
    return Network.random([3, 4, 2], seed=7)


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.standard_normal((5, 3)), rng.random((5, 2))


# ------------------------------------------------------------------------------------------------ the two assumptions


def test_the_chapters_cost_has_both(network, batch):
    report = check(matrix.cost, network, *batch)
    assert (report.average.verdict, report.outputs.verdict, report.verdict) == (AGREES, AGREES, AGREES)
    assert all(f.level < 1e-13 for f in report.average.findings + report.outputs.findings)  # it measured: it did not guess
    assert "lambda = " in report.outputs.tried


def test_a_sum_breaks_the_first_alone(network, batch):
    report = check(lambda n, X, Y: matrix.cost(n, X, Y, "sum"), network, *batch)
    assert (report.average.verdict, report.outputs.verdict, report.verdict) == (DISAGREES, AGREES, DISAGREES)
    assert report.average.reason == "It is the sum of the C_x: divide by the number of examples."
    by_name = {f.at: f for f in report.average.findings}
    one = matrix.cost(network, batch[0][:1], batch[1][:1])
    assert (by_name["C of example 1 twice"].got, by_name["C of example 1 twice"].expected) == (2 * one, one)


def test_a_cost_divided_by_the_batchs_maximum_breaks_the_first_alone(network, batch):
    report = check(lambda n, X, Y: matrix.cost(n, X, Y) / Y.max(), network, *batch)
    assert (report.average.verdict, report.outputs.verdict) == (DISAGREES, AGREES)
    assert report.average.reason == "C of a batch does not follow from the C_x of its examples: they are coupled in it."


def test_a_cost_that_looks_at_the_first_example_depends_on_their_order(network, batch):
    report = check(lambda n, X, Y: matrix.cost(n, X, Y) * (1 + X[0, 0] ** 2), network, *batch)
    assert (report.average.verdict, report.outputs.verdict) == (DISAGREES, AGREES)
    assert report.average.reason == "It depends on the order of the examples."


@pytest.mark.parametrize("lam", [0.1, 1e-12])
def test_weight_decay_breaks_the_second_alone_and_its_lambda_is_found(network, batch, lam):
    report = check(lambda n, X, Y: matrix.cost(n, X, Y) + lam / 2 * squares(n), network, *batch)
    assert (report.average.verdict, report.outputs.verdict) == (AGREES, DISAGREES)
    found = re.fullmatch(
        r"It moves like weight decay, \(lambda/2\) sum of squared weights, with lambda = (.*)\.", report.outputs.reason
    )
    assert float(found[1]) == lam


def test_weight_decay_on_biases_too_is_told_from_that_on_weights(network, batch):
    report = check(lambda n, X, Y: matrix.cost(n, X, Y) + squares(n, "wb"), network, *batch)
    assert report.outputs.reason == "It moves like weight decay, (lambda/2) sum of squared weights and biases, with lambda = 2."


@pytest.mark.parametrize(
    "penalty",
    [
        lambda n, X: abs(n.w[2]).sum(),
        lambda n, X: abs(n.w[3]).sum(),
        lambda n, X: (n.b[2] ** 2).sum(),
        lambda n, X: (n.b[3] ** 2).sum(),
        lambda n, X: matrix.feedforward(n, X)[1][2].mean(),
    ],
    ids=["w^2", "w^3", "b^2", "b^3", "a^2"],
)
def test_any_part_of_the_network_in_the_cost_breaks_the_second(network, batch, penalty):
    report = check(lambda n, X, Y: matrix.cost(n, X, Y) + float(penalty(n, X)), network, *batch)
    assert (report.average.verdict, report.outputs.verdict) == (AGREES, DISAGREES)
    assert report.outputs.reason == "It moves with parameters that do not move the outputs."


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sizes", [[1, 1], [3, 2], [2, 1, 2], [2, 3, 3, 1]])
def test_networks_of_all_kinds(sizes, dtype, biases):
    rng = np.random.default_rng(5)
    w = [rng.standard_normal((n, k)).astype(dtype) for k, n in pairwise(sizes)]
    b = [np.zeros(n, dtype) for n in sizes[1:]] if biases else None
    network = Network.from_arrays(w, b, "tanh")
    X, Y = rng.standard_normal((4, sizes[0])), rng.random((4, sizes[-1]))
    assert check(matrix.cost, network, X, Y).verdict is AGREES
    assert check(lambda n, X, Y: matrix.cost(n, X, Y) + 0.01 * squares(n), network, X, Y).outputs.verdict is DISAGREES
    assert check(lambda n, X, Y: matrix.cost(n, X, Y, "sum"), network, X, Y).average.verdict is DISAGREES


def test_one_example_and_class_labels_are_enough():
    network = Network.random([2, 3, 2], ["tanh", "softmax"], "log_likelihood")
    report = check(matrix.cost, network, np.array([[0.5, -1.0]]), [1])
    assert report.verdict is AGREES
    assert "2 examples (only one example was given; x/2 is the other) one by one" in report.average.tried
    assert check(lambda n, X, Y: matrix.cost(n, X, Y, "sum"), network, np.array([[0.5, -1.0]]), [1]).average.verdict is DISAGREES


def test_an_offset_drowns_what_it_drowns_and_no_more(network, batch):
    """1e6 + C is right to 1e-10, which is measured: no false alarm, and a decay of 1e-6 is still seen."""
    assert check(lambda n, X, Y: 1e6 + matrix.cost(n, X, Y), network, *batch).verdict is AGREES
    assert check(lambda n, X, Y: (1e6 + matrix.cost(n, X, Y)) - 1e6, network, *batch).verdict is AGREES
    assert check(lambda n, X, Y: (1e10 + matrix.cost(n, X, Y)) - 1e10, network, *batch).verdict is AGREES  # to 1e-6, in steps
    narrow = network.astype(np.float32)
    assert check(lambda n, X, Y: float(np.float32(1000 + matrix.cost(n, X, Y)) - 1000), narrow, *batch).verdict is AGREES
    report = check(lambda n, X, Y: 1e6 + matrix.cost(n, X, Y) + 1e-6 * squares(n), network, *batch)
    assert report.outputs.verdict is DISAGREES


def test_a_cost_in_float32_is_held_to_float32(network, batch):
    narrow = network.astype(np.float32)
    report = check(lambda n, X, Y: matrix.cost(narrow if n is network else n.astype(np.float32), X, Y), network, *batch)
    assert report.verdict is AGREES
    assert max(f.level for f in report.average.findings) > 1e-8


def test_costs_of_zero_tell_nothing_about_an_average(network, batch):
    report = check(lambda n, X, Y: 0.0, network, *batch)
    assert (report.average.verdict, report.outputs.verdict, report.verdict) == (CANNOT_TELL, AGREES, CANNOT_TELL)
    assert report.average.reason == (
        "every C_x is zero within its noise, and a sum of zeros is their average; pass examples that cost something"
    )


class Counting:
    def __init__(self):
        self.calls = 0

    def __call__(self, n, X, Y):
        self.calls += 1
        return float(self.calls)


def _raise(n, X, Y):
    raise ZeroDivisionError("division by zero")


def _mutate(n, X, Y):
    X += 1
    return 1.0


@pytest.mark.parametrize(
    ("total_cost", "reason"),
    [
        (_raise, "total_cost raised ZeroDivisionError for example 1 alone: division by zero"),
        (lambda n, X, Y: float("nan"), "total_cost returned nan for example 1 alone"),
        (
            lambda n, X, Y: np.ones(3),
            "total_cost returned a ndarray of shape (3,) for example 1 alone; it must return one real number",
        ),
        (lambda n, X, Y: None, "total_cost returned a NoneType for example 1 alone; it must return one real number"),
        (lambda n, X, Y: 1j, "total_cost returned a complex for example 1 alone; it must return one real number"),
        (_mutate, "total_cost changed the X or Y it was given, for example 1 alone; let it work on a copy"),
        (Counting(), "two equal calls gave 6.0 and 7.0 for all examples; fix the seed inside total_cost"),
    ],
    ids=["raises", "nan", "array", "None", "complex", "mutates", "differs"],
)
def test_what_gives_no_number_is_answered_with_cannot_tell(network, batch, total_cost, reason):
    before = [v.copy() for v in batch]
    report = check(total_cost, network, *batch)
    assert (report.average.verdict, report.outputs.verdict) == (CANNOT_TELL, CANNOT_TELL)
    assert report.average.reason == reason
    assert report.average.worst is None
    assert all(np.array_equal(a, b) for a, b in zip(before, batch, strict=True))


def test_a_cost_that_needs_two_examples_cannot_be_told(network, batch):
    def normalized(n, X, Y):
        if len(X) < 2:
            raise ValueError("need two")
        return matrix.cost(n, X - X.mean(axis=0), Y)

    report = check(normalized, network, *batch)
    assert report.average.reason == "total_cost raised ValueError for example 1 alone: need two"
    assert report.average.verdict is CANNOT_TELL
    assert report.average.tried.startswith("0 comparisons, before that; there would have been 5 examples one by one")


def test_wrong_use_is_an_error_and_not_a_verdict(network, batch):
    with pytest.raises(ValueRefused) as error:
        check(3.0, network, *batch)
    assert str(error.value) == "total_cost is 3.0; pass a function of (network, X, Y) that returns one float."
    with pytest.raises(ShapeError, match=re.escape("X has shape (5, 2), but layer 1 of this network has 3 neurons")):
        check(matrix.cost, network, batch[1], batch[1])


def test_the_report_reads(network, batch):
    lines = str(check(lambda n, X, Y: matrix.cost(n, X, Y, "sum"), network, *batch)).splitlines()
    assert lines[0] == "DISAGREES  the two assumptions about the cost, Network(3-4-2, sigmoid, quadratic, float64)"
    assert lines[1] == "  1 DISAGREES    the cost is an average over the examples, C = 1/n sum of C_x"
    assert re.fullmatch(r"    C of all examples, each twice: \S+, expected \S+; off by \S+, noise \S+", lines[2])
    assert lines[3] == "    It is the sum of the C_x: divide by the number of examples."
    assert lines[4] == (
        "    tried: 5 examples one by one, 4 pairs, all together, in reverse order, each of them twice, one of them twice"
    )
    assert lines[5] == "  2 AGREES       the cost is a function of the outputs alone, C = C(a^L)"


# ----------------------------------------------------------------------------------------------- sigma' and nabla_a C


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_of_the_package_agrees(name):
    report = check_activation(name)
    assert report.verdict is AGREES, str(report)
    laws = 1 + 3 * bool(ACTIVATIONS[name].complex) + 2
    assert len(report.findings) == laws


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("name", COSTS)
def test_every_cost_of_the_package_agrees(name, n):
    for seed in range(3):
        report = check_cost(name, n=n, seed=seed)
        assert report.verdict is AGREES, str(report)
        assert len(report.findings) == 6 + 8 * len(COSTS[name].pairs)
    assert check_cost(times(-3, COSTS[name])).verdict is AGREES


def test_a_softmax_of_one_output_is_always_1_and_its_cost_tells_nothing():
    report = check_cost("log_likelihood", n=1)
    assert {f.verdict for f in report.findings[:6]} == {AGREES}
    assert report.findings[6].verdict is CANNOT_TELL
    assert report.findings[6].reason == "at every point the noise is larger than the number itself"
    assert check_cost("quadratic", n=1).verdict is AGREES
    assert check_cost("cross_entropy", n=1).verdict is AGREES


RIGHT = {
    "a(1 - a)": Activation("mine", sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)), complex=sigmoid),
    "1 - tanh^2": Activation("mine", np.tanh, lambda z: 1 - np.tanh(z) ** 2, complex=np.tanh),
    "sigmoid by tanh": Activation("mine", lambda z: (1 + np.tanh(z / 2)) / 2, lambda z: (1 - np.tanh(z / 2) ** 2) / 4),
    "its forms too": replace(
        activations.sigmoid,
        complex=lambda z: (1 + np.tanh(z / 2)) / 2,
        plain=(lambda z: (1 + np.tanh(z / 2)) / 2, lambda z: (1 - np.tanh(z / 2) ** 2) / 4),
    ),
    "its slope by tanh": replace(activations.sigmoid, sigma_prime=lambda z: (1 - np.tanh(z / 2) ** 2) / 4, plain=None),
    "a large number inside": Activation(
        "mine", lambda z: (1e6 + np.tanh(z)) - 1e6, lambda z: (1e7 + activations.tanh.sigma_prime(z)) - 1e7
    ),
    "a float32 derivative": Activation("mine", sigmoid, lambda z: activations.sigmoid.sigma_prime(z.astype(np.float32))),
    "steep": Activation(
        "mine", lambda z: np.exp(40 * np.minimum(z, 9)), lambda z: (z < 9) * 40 * np.exp(40 * np.minimum(z, 9)), kinks=(9.0,)
    ),
    "softplus by log": Activation("mine", lambda z: np.where(z > 30, z, np.log(1 + np.exp(np.minimum(z, 30)))), sigmoid),
    "float32": Activation("mine", lambda z: sigmoid(z.astype(np.float32)), lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "float32 inside": Activation("mine", lambda z: np.tanh(z.astype(np.float32)).astype(float), lambda z: 1 - np.tanh(z) ** 2),
    "relu that names no kink": Activation(
        "mine", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, lambda z: np.where(z.real >= 0, z, 0)
    ),
    "hard tanh": Activation("mine", lambda z: np.clip(z, -1, 1), lambda z: (abs(z) < 1) * 1.0, kinks=(-1.0, 1.0)),
    "elu": Activation("mine", lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
    "log, on half the line": Activation("mine", np.log, lambda z: 1 / z),
    "exp": Activation("mine", np.exp, np.exp, complex=np.exp),
    "fast": Activation("mine", lambda z: np.sin(1000 * z), lambda z: 1000 * np.cos(1000 * z)),
}


@pytest.mark.parametrize("s", RIGHT.values(), ids=RIGHT)
def test_other_right_ways_to_write_it_are_not_accused(s):
    report = check_activation(s)
    assert report.verdict is AGREES, str(report)


def test_a_kink_that_was_not_named_is_found_and_left_out():
    (note,) = check_activation(RIGHT["relu that names no kink"]).notes
    near = re.fullmatch(r"\d points are left out: sigma has a kink near z = (\S+) that `kinks` does not name", note)
    assert abs(float(near[1])) < 2**-12  # the smallest step there is
    assert check_activation("relu").notes == ("nothing is asked at the kink z = 0",)


GIVEN_A = "sigma_prime is right if it is given a = sigma(z), and it is given z: write sigma_prime=lambda z: f(sigma(z))"


@pytest.mark.parametrize(
    ("sigma", "of_a"),
    [(sigmoid, lambda a: a * (1 - a)), (np.tanh, lambda a: 1 - a * a), (np.exp, lambda a: a)],
    ids=["sigmoid", "tanh", "exp"],
)
def test_a_derivative_written_for_a_is_recognised(sigma, of_a):
    report = check_activation(Activation("mine", sigma, of_a))
    assert (report.verdict, report.cause) == (DISAGREES, GIVEN_A)
    assert check_activation(Activation("mine", sigma, lambda z: of_a(sigma(z)))).verdict is AGREES  # its repair


@pytest.mark.parametrize(
    ("s", "cause"),
    [
        (Activation("mine", sigmoid, lambda z: -sigmoid(z) * (1 - sigmoid(z))), "the sign is wrong: it is minus the derivative"),
        (Activation("mine", lambda z: z * z, lambda z: z), "it is 1/2 times the derivative"),
        (Activation("mine", lambda z: z**3, lambda z: 9 * z * z), "it is 3 times the derivative"),
    ],
    ids=["sign", "1/2", "3"],
)
def test_a_wrong_sign_or_factor_is_recognised(s, cause):
    report = check_activation(s)
    assert (report.verdict, report.cause) == (DISAGREES, f"{cause}, everywhere")


def test_tanh_prime_without_its_square():
    report = check_activation(Activation("mine", np.tanh, lambda z: 1 - np.tanh(z)))
    (finding,) = report.findings
    assert (report.verdict, report.cause) == (DISAGREES, "")
    assert finding.at.startswith("z = -")  # there 1 - a is 2, and the slope 0
    assert (finding.got, abs(finding.expected) < 1e-9) == (2.0, True)


def test_a_wrong_slope_left_of_a_kink_is_found_left_of_it_and_nowhere_else():
    wrong = Activation("mine", activations.leaky_relu.sigma, lambda z: np.where(z > 0, 1.0, 0.1), kinks=(0.0,))
    (finding,) = check_activation(wrong).findings
    assert finding.at.startswith("z = -")
    assert finding.got == 0.1
    assert abs(finding.expected - 0.01) <= finding.level
    assert check_activation(wrong, points=[1e-9, 0.5, 3.0]).verdict is AGREES
    assert check_activation(wrong, points=[-1e-9, 0.5, 3.0]).findings[0].at == "z = -1e-09"


def test_a_wrong_slope_between_two_kinks_is_found():
    wrong = replace(RIGHT["hard tanh"], sigma_prime=lambda z: (abs(z) < 1) * (1 + 1e-9))
    (finding,) = check_activation(wrong).findings
    assert finding.verdict is DISAGREES
    assert abs(float(finding.at.removeprefix("z = "))) < 1


def test_a_dent_at_one_point_is_found_at_that_point():
    dent = Activation("mine", sigmoid, lambda z: np.where(abs(z - 2) < 0.01, 0.1, activations.sigmoid.sigma_prime(z)))
    (finding,) = check_activation(dent).findings
    assert (finding.wrong, finding.at, finding.got) == (1, "z = 2", 0.1)


@pytest.mark.parametrize("sigma", [activations.sigmoid, activations.tanh, activations.silu, activations.softplus])
def test_one_part_in_a_thousand_million_is_found(sigma):
    slightly = Activation("mine", sigma.sigma, lambda z: sigma.sigma_prime(z) * (1 + 1e-9))
    assert check_activation(slightly).verdict is DISAGREES
    less = Activation("mine", sigma.sigma, lambda z: sigma.sigma_prime(z) * (1 + 1e-13), complex=sigma.complex)
    last = {f.law: f for f in check_activation(less).findings}["sigma_prime is the imaginary part of sigma"]
    assert last.verdict is DISAGREES  # with a complex form, ten thousand times less


def test_a_wrong_complex_or_plain_form_is_blamed_and_sigma_prime_is_not():
    s = activations.sigmoid
    real_only = Activation("mine", s.sigma, s.sigma_prime, complex=lambda z: s.sigma(z.real) + 0j)
    assert [f.law for f in check_activation(real_only).findings if f.verdict is DISAGREES] == [
        "the imaginary part of sigma is its slope"
    ]
    shifted = Activation("mine", s.sigma, s.sigma_prime, complex=lambda z: s.complex(z) + 1e-9)
    assert [f.law for f in check_activation(shifted).findings if f.verdict is DISAGREES] == [
        "the complex form of sigma is sigma on real numbers"
    ]
    swapped = Activation("mine", s.sigma, s.sigma_prime, plain=s.plain[::-1])
    assert [f.law for f in check_activation(swapped).findings if f.verdict is DISAGREES] == [
        "plain sigma is sigma",
        "plain sigma_prime is sigma_prime",
    ]


def test_a_softmax_whose_jacobian_is_only_a_diagonal_is_wrong_off_it():
    def diagonal(z):
        a = activations.softmax.sigma(z)
        return np.einsum("kj,k...->kj...", np.eye(len(z)), a * (1 - a))

    report = check_activation(Activation("mine", activations.softmax.sigma, diagonal, elementwise=False))
    (finding,) = report.findings
    k, j = re.match(r"da_(\d)/dz_(\d) at z = \(", finding.at).groups()
    assert k != j
    assert (finding.wrong, finding.got) == (48, 0.0)  # 8 points, 6 entries off the diagonal each


@pytest.mark.parametrize(
    ("s", "reason"),
    [
        (Activation("mine", lambda z: 1 // 0, np.cos), "on whole arrays it raised ZeroDivisionError: "),
        (
            Activation("mine", lambda z: 2 * z, lambda z: 2.0),
            "sigma_prime returned shape () where shape (1, 161) is needed; np.full_like(z, c) if constant",
        ),
        (Activation("mine", lambda z: z + np.nan, np.cos), "at no point were there finite numbers to compare"),
    ],
    ids=["raises", "shape", "nan"],
)
def test_an_activation_that_gives_no_numbers_cannot_be_told(s, reason):
    (finding,) = check_activation(s).findings
    assert finding.verdict is CANNOT_TELL
    assert finding.reason.startswith(reason)


def test_a_derivative_that_draws_lots_cannot_be_told():
    rng = np.random.default_rng(0)
    (finding,) = check_activation(Activation("mine", sigmoid, lambda z: rng.random(z.shape))).findings
    assert (finding.verdict, finding.reason) == (CANNOT_TELL, "two equal calls gave different numbers; fix the seed inside")


def test_nan_where_there_is_a_slope_is_wrong():
    hole = Activation("mine", sigmoid, lambda z: np.where(z == 1.5, np.nan, activations.sigmoid.sigma_prime(z)))
    (finding,) = check_activation(hole).findings
    assert (finding.verdict, finding.wrong, finding.at) == (DISAGREES, 1, "z = 1.5")


def test_points_of_your_own():
    assert check_activation("sigmoid", points=[0.1, 2.0]).name == "activation 'sigmoid', 2 points"
    assert check_activation("softmax", points=[[0.1, 2.0], [0.5, -3.0]]).verdict is AGREES
    for points, message in [
        ([], "points must be finite numbers, at least one of them."),
        ([np.inf], "points must be finite numbers, at least one of them."),
        ([0.0], "every point given is a kink of relu, where there is no derivative; pass other points."),
    ]:
        with pytest.raises(ValueRefused) as error:
            check_activation("relu", points)
        assert str(error.value) == message
    with pytest.raises(ValueRefused) as error:
        check_activation("softmax", [0.5, 1.0])
    assert str(error.value) == "points has shape (2,); softmax mixes neurons and needs (n, m), a point in each column."
    with pytest.raises(UnknownName, match="Did you mean 'tanh'"):
        check_activation("tahn")


QUADRATIC = costs.quadratic


@pytest.mark.parametrize(
    ("C", "nabla_a_C", "cause"),
    [
        (lambda a, y: ((a - y) ** 2).sum(0), lambda a, y: a - y, "it is 1/2 times the derivative, everywhere"),
        (lambda a, y: ((a - y) ** 2).mean(0), lambda a, y: 2 * (a - y), "it is 3 times the derivative, everywhere"),
        (QUADRATIC.C, lambda a, y: y - a, "the sign is wrong: it is minus the derivative, everywhere"),
        (QUADRATIC.C, lambda a, y: (a - y) * (1 + 1e-9), ""),
        (costs.cross_entropy.C, lambda a, y: -y / a, ""),
    ],
    ids=["1/2", "n", "sign", "1e-9", "half of cross-entropy"],
)
def test_a_wrong_nabla_a_C_disagrees(C, nabla_a_C, cause):
    report = check_cost(Cost("mine", C, nabla_a_C))
    assert (report.verdict, report.cause) == (DISAGREES, cause)
    assert re.match(r"dC/da_[123] at a = \(", report.findings[0].at)


def test_a_cost_without_a_domain_of_its_own_is_asked_where_it_has_numbers():
    c = costs.cross_entropy
    assert check_cost(Cost("mine", c.C, c.nabla_a_C, c.complex)).verdict is AGREES


def test_a_cost_with_a_kink_agrees_beside_it():
    assert check_cost(Cost("mine", lambda a, y: abs(a - y).sum(0), lambda a, y: np.sign(a - y))).verdict is AGREES


def test_a_complex_form_with_an_absolute_value_is_found():
    wrong = Cost("mine", QUADRATIC.C, QUADRATIC.nabla_a_C, complex=lambda a, y: (abs(a - y) ** 2).sum(0) / 2)
    assert [f.law for f in check_cost(wrong).findings if f.verdict is DISAGREES] == ["the imaginary part of C is its slope"]


def test_a_cost_summed_over_its_examples_is_told_so():
    (finding,) = check_cost(Cost("mine", lambda a, y: ((a - y) ** 2).sum() / 2, QUADRATIC.nabla_a_C)).findings
    assert finding.verdict is CANNOT_TELL
    assert finding.reason == (
        "C returned shape () where shape (36,) is needed; a cost gives one number for each example: sum over axis 0 alone"
    )


def test_a_wrong_pair_is_found_by_every_law_that_it_breaks():
    pair = costs.cross_entropy.pair(activations.sigmoid)
    literal = Pair(pair.C, lambda z, y: activations.sigmoid.sigma(z) + y, pair.complex, pair.plain)
    c = costs.cross_entropy
    report = check_cost(Cost("mine", c.C, c.nabla_a_C, c.complex, c.plain, {activations.sigmoid: literal}, c.targets))
    assert [f.law for f in report.findings if f.verdict is DISAGREES] == [
        "delta_L is the derivative of C(sigmoid(z))",
        "delta_L is the imaginary part of C(sigmoid(z))",
        "plain delta_L is delta_L",
        "the delta_L of C(sigmoid(z)) is the literal BP1",
    ]


def test_the_number_of_outputs_must_be_one():
    for n in (0, 2.5):
        with pytest.raises(ValueRefused) as error:
            check_cost("quadratic", n=n)
        assert str(error.value) == f"n={n!r} was given; a cost needs at least one output."


def test_a_report_reads():
    lines = str(check_activation(Activation("mine", lambda z: z * z, lambda z: z), points=[1.0, 2.0])).splitlines()
    assert lines[0] == "DISAGREES  activation 'mine', 2 points"
    assert re.fullmatch(
        r"  sigma_prime is the derivative of sigma: DISAGREES, 2 of 2 wrong; worst z = 2: 2, expected 4, off by 2, "
        r"noise level \S+\. it is 1/2 times the derivative, everywhere",
        lines[1],
    )
    right = str(check_activation("square", points=[1.0, 2.0])).splitlines()
    assert right[0] == "AGREES  activation 'square', 2 points"
    assert right[1].startswith("  sigma_prime is the derivative of sigma: agrees (2 compared; nearest to its level: z = ")


def test_everything_can_be_reached_from_assumptions():
    assert {"check", "check_activation", "check_cost"} <= set(assumptions.__all__)
