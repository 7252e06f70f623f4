"""The costs: by hand, at the ends of their domain, each form and each pair."""

import cmath
import math
from fractions import Fraction

import numpy as np
import pytest

from backprop_ref import activations, costs
from backprop_ref.costs import COSTS, Cost, cost, times
from backprop_ref.errors import FormMissing, NotComplex, UnknownName
from backprop_ref.network import Network

H = 2.0**-60
LN2 = math.log(2)


def names(cost):
    return cost.name


@pytest.mark.parametrize(
    ("name", "a", "y", "C", "slope"),
    [
        ("quadratic", [3.0, 1.0], [1.0, 2.0], 2.5, [2.0, -1.0]),
        ("squared_error", [3.0, 1.0], [1.0, 2.0], 5.0, [4.0, -2.0]),
        ("mean_squared_error", [3.0, 1.0], [1.0, 2.0], 2.5, [2.0, -1.0]),
        ("cross_entropy", [0.5, 0.5], [1.0, 0.0], 2 * LN2, [-2.0, 2.0]),
        ("cross_entropy", [0.25, 0.5], [0.25, 0.5], LN2 / 2 - 0.75 * math.log1p(-0.25) + LN2, [0.0, 0.0]),
        ("log_likelihood", [0.5, 0.25], [1.0, 0.0], LN2, [-2.0, 0.0]),
    ],
)
def test_hand_worked_values_in_every_form(name, a, y, C, slope):
    c = cost(name)
    assert c.C(np.array(a), np.array(y)) == C
    assert c.nabla_a_C(np.array(a), np.array(y)).tolist() == slope
    plain, plain_slope = c.on_plain(float)
    assert (plain(a, y), plain_slope(a, y)) == (C, slope)
    assert c.on_complex()(np.array(a, complex), np.array(y)) == C
    assert c.on_plain(complex)[0]([complex(v) for v in a], [complex(v) for v in y]) == C


@pytest.mark.parametrize("c", COSTS.values(), ids=names)
def test_a_batch_gives_one_cost_for_each_example(c):
    a, y = np.array([[0.5, 0.25], [0.125, 0.75], [0.25, 0.5]]), np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert c.C(a, y).shape == c.on_complex()(a + 0j, y).shape == (2,)
    assert c.nabla_a_C(a, y).shape == (3, 2)
    for x in (0, 1):
        assert c.C(a, y)[x] == c.C(a[:, x], y[:, x])
        assert np.array_equal(c.nabla_a_C(a, y)[:, x], c.nabla_a_C(a[:, x], y[:, x]))


@pytest.mark.parametrize("c", COSTS.values(), ids=names)
def test_float32_in_is_float32_out(c):
    a, y = np.full((2, 3), 0.25, np.float32), np.eye(2, 3, dtype=np.float32)
    assert c.C(a, y).dtype == c.nabla_a_C(a, y).dtype == np.float32
    for pair in c.pairs.values():
        assert pair.C(a, y).dtype == pair.delta_L(a, y).dtype == np.float32


def test_0_log_0_is_0_at_an_output_that_is_exactly_right():
    a = y = np.array([1.0, 0.0])
    for c in (costs.cross_entropy, costs.log_likelihood):
        assert c.C(a, y) == 0
        assert c.on_plain(float)[0]([1.0, 0.0], [1.0, 0.0]) == 0


def test_an_output_that_is_exactly_wrong_costs_infinitely_much():
    a, y = np.array([0.0]), np.array([1.0])
    for c in (costs.cross_entropy, costs.log_likelihood):
        assert c.C(a, y) == c.on_plain(float)[0]([0.0], [1.0]) == math.inf
        assert c.on_plain(float)[1]([0.0], [1.0]) == [-math.inf]
    assert costs.cross_entropy.C(1 - a, 1 - y) == costs.cross_entropy.on_plain(float)[0]([1.0], [0.0]) == math.inf


def test_the_literal_slope_of_cross_entropy_is_0_over_0_on_a_saturated_output():
    assert np.isnan(costs.cross_entropy.nabla_a_C(np.array([1.0]), np.array([1.0]))).all()
    assert math.isnan(costs.cross_entropy.on_plain(float)[1]([1.0], [1.0])[0])


def test_a_cost_near_0_keeps_its_digits():
    """-log(1 - a) = a + a^2/2 + ...: for a = 1e-20 that is a, and log(1 - a) would be 0."""
    assert costs.cross_entropy.C(np.array([1e-20]), np.array([0.0])) == 1e-20
    assert costs.cross_entropy.on_plain(float)[0]([1e-20], [0.0]) == 1e-20
    assert costs.cross_entropy.on_complex()(np.array([1e-20 + 0j]), np.array([0.0])) == 1e-20


@pytest.mark.parametrize("a", [1e-300, 1e-20, 0.25, 0.5, 0.75, 1 - 2.0**-53])
def test_the_imaginary_part_of_cross_entropy_is_exact_near_both_ends(a):
    """Im C(a + ih)/h is -1/a for y = 1 and 1/(1 - a) for y = 0, where 1 - a is exact: one rounding each in arctan, quotient."""
    h = H * min(a, 1 - a)
    for y, slope in ((1.0, -1 / a), (0.0, 1 / (1 - a))):
        got = costs.cross_entropy.on_complex()(np.array([complex(a, h)]), np.array([y])).imag / h
        assert abs(got - slope) <= 4 * 2.0**-53 * abs(slope)
    got = costs.log_likelihood.on_complex()(np.array([complex(a, h)]), np.array([1.0])).imag / h
    assert abs(got + 1 / a) <= 4 * 2.0**-53 / a


@pytest.mark.parametrize("z", [0.3 + 0.4j, 0.9 - 0.5j, 0.5 + 0j, 1e-9 + 1e-3j])
def test_the_complex_forms_hold_for_imaginary_parts_of_any_size(z):
    """Against cmath, one output at a time: log has an error of a few u of |log|, and of u where |a| is near 1."""
    u = 2.0**-53
    exact = -(0.25 * cmath.log(z) + 0.75 * cmath.log(1 - z))
    got = complex(costs.cross_entropy.on_complex()(np.array([z]), np.array([0.25])))
    assert abs(got - exact) <= 8 * u * (1 + abs(cmath.log(z)) + abs(cmath.log(1 - z)))


@pytest.mark.parametrize("name", ["cross_entropy", "log_likelihood"])
@pytest.mark.parametrize("a", [-0.5, 0.0])
def test_left_of_its_domain_a_log_has_no_number_in_the_complex_form_either(name, a):
    """log continues to log |a| + i pi there: an imaginary part of pi/h would pass for a slope."""
    assert np.isnan(cost(name).on_complex()(np.array([complex(a, H)]), np.array([1.0])).imag)


def test_right_of_its_domain_cross_entropy_has_no_number():
    assert np.isnan(costs.cross_entropy.on_complex()(np.array([complex(1.5, H)]), np.array([0.0])).imag)
    assert costs.log_likelihood.on_complex()(np.array([complex(1.5, 0)]), np.array([1.0])) == -math.log(1.5)


# ------------------------------------------------------------------------------------------------------------ pairs


def test_sigmoid_with_cross_entropy_by_hand():
    pair = costs.cross_entropy.pair(activations.sigmoid)
    z, y = np.array([0.0, 0.0]), np.array([1.0, 0.25])
    assert pair.C(z, y) == 2 * LN2  # softplus(0) = ln 2, for every y
    assert pair.delta_L(z, y).tolist() == [-0.5, 0.25]  # a - y
    C, delta_L = pair.plain
    assert (C([0.0, 0.0], [1.0, 0.25]), delta_L([0.0, 0.0], [1.0, 0.25])) == (2 * LN2, [-0.5, 0.25])
    assert pair.complex(z + 0j, y) == 2 * LN2


def test_a_saturated_sigmoid_keeps_its_error():
    pair = costs.cross_entropy.pair(activations.sigmoid)
    z = np.array([700.0])
    assert pair.delta_L(z, np.array([1.0])).tolist() == [-math.exp(-700)]  # a - y is 0
    assert pair.delta_L(z, np.array([0.0])).tolist() == [1.0]
    assert (pair.C(z, np.array([0.0])), pair.C(z, np.array([1.0]))) == (700, math.exp(-700))
    assert np.isfinite(pair.C(np.array([1e4, -1e4]), np.array([0.0, 1.0])))


def test_softmax_with_log_likelihood_by_hand():
    pair = costs.log_likelihood.pair(activations.softmax)
    z, y = np.array([5.0, 5.0]), np.array([1.0, 0.0])
    assert pair.C(z, y) == pair.complex(z + 0j, y) == LN2
    assert pair.delta_L(z, y).tolist() == [-0.5, 0.5]
    C, delta_L = pair.plain
    assert (C([5.0, 5.0], [1.0, 0.0]), delta_L([5.0, 5.0], [1.0, 0.0])) == (LN2, [-0.5, 0.5])
    assert pair.delta_L(z, np.array([1.0, 1.0])).tolist() == [0.0, 0.0]  # targets that sum to 2: 2 a - y
    assert pair.C(np.array([1000.0, 0.0]), np.array([0.0, 1.0])) == 1000


def test_a_pair_is_there_for_its_activation_only():
    assert costs.cross_entropy.pair(activations.tanh) is None
    assert costs.quadratic.pair(activations.sigmoid) is None
    assert costs.log_likelihood.pair(activations.sigmoid) is None


# ------------------------------------------------------------------------------------------------------------ times


@pytest.mark.parametrize("c", COSTS.values(), ids=names)
def test_times_scales_every_form_and_nothing_else(c):
    twice = times(2, c)
    a, y = np.array([0.25, 0.5, 0.75]), np.array([1.0, 0.0, 0.0])
    assert twice.name == f"2 {c.name}"
    assert twice.C(a, y) == 2 * c.C(a, y)
    assert np.array_equal(twice.nabla_a_C(a, y), 2 * c.nabla_a_C(a, y))
    assert twice.on_complex()(a + 1j * H, y) == 2 * c.on_complex()(a + 1j * H, y)
    assert twice.plain[0](a.tolist(), y.tolist()) == 2 * c.plain[0](a.tolist(), y.tolist())
    assert twice.plain[1](a.tolist(), y.tolist()) == [2 * v for v in c.plain[1](a.tolist(), y.tolist())]
    assert (twice.targets, twice.degree, twice.separable) == (c.targets, c.degree, c.separable)
    assert list(twice.pairs) == list(c.pairs)
    for sigma, pair in c.pairs.items():
        double = twice.pair(sigma)
        assert double.C(a, y) == 2 * pair.C(a, y)
        assert np.array_equal(double.delta_L(a, y), 2 * pair.delta_L(a, y))
        assert double.complex(a + 1j * H, y) == 2 * pair.complex(a + 1j * H, y)
        assert double.plain[0](a.tolist(), y.tolist()) == 2 * pair.plain[0](a.tolist(), y.tolist())
        assert double.plain[1](a.tolist(), y.tolist()) == [2 * v for v in pair.plain[1](a.tolist(), y.tolist())]


def test_times_keeps_float32_and_fractions():
    a = np.array([0.5], np.float32)
    assert times(3, costs.quadratic).C(a, 0 * a).dtype == np.float32
    C, slope = times(3, costs.quadratic).on_plain(Fraction)
    assert C([Fraction(1, 3)], [Fraction(1)]) == Fraction(2, 3)
    assert slope([Fraction(1, 3)], [Fraction(1)]) == [Fraction(-2)]


# -------------------------------------------------------------------------------------------------- your own, errors


def test_your_own_cost_works_where_a_name_does():
    mine = Cost("mine", lambda a, y: (a * y).sum(axis=0), lambda a, y: y)
    assert cost(mine) is mine
    assert Network.from_arrays([[[1.0]]], None, cost=mine).cost is mine
    C, slope = mine.on_plain(float)
    assert (C([2.0, 3.0], [4.0, 5.0]), slope([2.0, 3.0], [4.0, 5.0])) == (23.0, [4.0, 5.0])
    assert type(C([2.0], [4.0])) is float


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName) as error:
        cost("quadratik")
    assert str(error.value) == (
        "There is no cost 'quadratik'. Did you mean 'quadratic'? Known: cross_entropy, log_likelihood, mean_squared_error, "
        "quadratic, squared_error."
    )
    with pytest.raises(UnknownName) as error:
        cost(7)
    assert str(error.value) == (
        "There is no cost 7. Known: cross_entropy, log_likelihood, mean_squared_error, quadratic, squared_error."
    )


def test_missing_forms_say_what_to_do():
    mine = Cost("mine", lambda a, y: (a * y).sum(axis=0), lambda a, y: y)
    with pytest.raises(NotComplex) as error:
        mine.on_complex()
    assert str(error.value) == (
        "cost 'mine' has no complex form, which complex numbers need. Use the central oracle, "
        "or pass Cost(..., complex=f) with f exact in a tiny imaginary part."
    )
    with pytest.raises(FormMissing) as error:
        mine.on_plain(Fraction)
    assert str(error.value) == "cost 'mine' has no form for plain numbers of kind Fraction. Pass Cost(..., plain=(C, dC_da))."
    with pytest.raises(FormMissing) as error:
        costs.log_likelihood.on_plain(Fraction)[0]([Fraction(1, 2)], [Fraction(1)])
    assert str(error.value) == "log of a Fraction is not a Fraction; use the quadratic cost, or floats."


def test_registries_cannot_be_written_to():
    for mapping in (COSTS, costs.cross_entropy.pairs, times(2, costs.cross_entropy).pairs, costs.quadratic.pairs):
        with pytest.raises(TypeError, match="does not support item assignment"):
            mapping["mine"] = None
