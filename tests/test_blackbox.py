"""Slopes of any function, by example: where the number is known it lies inside its bar; else a sentence says why."""

import itertools
import math
import re
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from backprop_ref.errors import DtypeError, ShapeError, UnknownName, ValueRefused
from backprop_ref.oracles.blackbox import claim_bar, measure, remeasure
from backprop_ref.oracles.containers import flatten
from backprop_ref.oracles.noise import difference_noise, slope_of
from backprop_ref.rounding import TINY

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks measure what the tests hold
from benchmarks import blackbox as bar
from benchmarks.functions import FUNCTIONS

X = np.array([1.0, 2.0, -3.0])
ANALYTIC = "f does not carry complex numbers through: an abs, real, conj, a cast or a kink near x"


def squares(x):
    return np.sum(x**2)


def inside(slopes, true):
    return bool(np.all(np.abs(slopes.value - true) <= slopes.bar))


# Containers


def test_flatten_gives_a_vector_and_the_way_back():
    x = {"W": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": [5.0, (6, np.float32(7))]}
    v, layout = flatten(x, "params")
    assert v.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert [layout.name(i) for i in (0, 3, 4, 5, 6)] == [
        "params['W'][0,0]",
        "params['W'][1,1]",
        "params['b'][0]",
        "params['b'][1][0]",
        "params['b'][1][1]",
    ]
    back = layout.unflatten(2 * v)
    assert back["W"].tolist() == [[2, 4], [6, 8]]
    assert back["b"] == [10.0, (12.0, 14.0)]
    assert isinstance(back["b"][1][0], float)
    assert back["b"][1][1].dtype == np.float32


def test_a_named_tuple_stays_one():
    Point = namedtuple("Point", "a b")
    v, layout = flatten(Point(1.0, np.array([2.0])))
    assert layout.unflatten(v + 1).a == 2.0


def test_an_entry_of_a_narrow_leaf_is_seen_rounded():
    v, layout = flatten((np.ones(1, np.float32), np.ones(1)))
    assert layout.seen(v + 2.0**-30).tolist() == [1.0, 1 + 2.0**-30]
    assert layout.unit_roundoff.tolist() == [2.0**-24, 2.0**-53]


def test_the_scale_of_an_entry_is_its_size_or_the_median_of_its_leaf():
    v, layout = flatten({"W": np.array([2.0, -8.0, 4.0, 0.0, 1e-9]), "b": np.zeros(2), "c": 0.5})
    assert layout.scale(v).tolist() == [2, 8, 4, 3, 3, 2, 2, 0.5]  # medians: 3 in W; 2 in all of x
    v, layout = flatten(np.zeros(2))
    assert layout.scale(v).tolist() == [1, 1]


def test_a_gradient_is_read_in_the_order_of_x():
    _, layout = flatten({"a": np.ones(2), "b": [1.0, 2.0]})
    vector, u = layout.read({"b": (np.float32(3), 4), "a": np.array([1.0, 2.0])})
    assert vector.tolist() == [1, 2, 3, 4]
    assert u.tolist() == [2.0**-53, 2.0**-53, 2.0**-24, 2.0**-53]


@pytest.mark.parametrize(
    ("x", "value", "sentence"),
    [
        (X, np.ones(2), "the gradient has shape (2,), but x has shape (3,): give one slope per entry."),
        ({"W": X}, {"V": X}, "the gradient is keys ['V'], but x has a dict there with the keys ['W']."),
        ({"W": X}, X, "the gradient is ndarray, but x has a dict there with the keys ['W']."),
        ([1.0, 2.0], [1.0], "the gradient has 1 parts, but x has 2 parts there: give one for each."),
        ([1.0, 2.0], 1.0, "the gradient is float, but x has 2 parts there: give one for each."),
        (
            {"W": [X]},
            {"W": [np.ones((3, 1))]},
            "the gradient['W'][0] has shape (3, 1), but x['W'][0] has shape (3,): give one slope per entry.",
        ),
    ],
)
def test_a_gradient_that_does_not_fit_x(x, value, sentence):
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        flatten(x)[1].read(value)


@pytest.mark.parametrize(
    ("x", "error", "sentence"),
    [
        ([], ValueRefused, "x holds no number, so there is no slope to measure: give at least one."),
        ([1.0, math.nan], ValueRefused, "x[1] is nan: a slope needs a finite point."),
        ({"s": "one"}, DtypeError, "x['s'] is str, but real numbers are needed: floats, or arrays of them."),
        (X + 1j, DtypeError, "x is complex128 numbers, but real numbers are needed: floats, or arrays of them."),
        (True, DtypeError, "x is bool, but real numbers are needed: floats, or arrays of them."),
    ],
)
def test_an_x_that_has_no_slopes(x, error, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        measure(squares, x)


# Noise and extrapolation


def test_the_noise_of_a_polynomial_is_none_and_that_of_random_numbers_their_deviation():
    k = np.arange(9.0)
    noise, settled = difference_noise(k**2)  # third differences are exactly zero
    assert (noise, settled) == (0, False)
    rng = np.random.default_rng(0)
    noise, settled = difference_noise(k[:, None] + 1e-3 * rng.normal(size=(9, 1000)))
    assert settled.mean() > 0.9
    assert 0.5e-3 < np.median(noise) < 2e-3


def test_six_quotients_of_a_quartic_give_its_slope_exactly():
    h = 4.0 ** -np.arange(6)[:, None]
    value, bar = slope_of(3 + 5 * h**2, 0 * h, 2)  # central differences with h^2 alone
    assert value.tolist() == [3]
    assert bar[0] <= 2.0**-50
    value, bar = slope_of(np.where(h < 1, 3 + 5 * h, np.nan), 0 * h, 1)  # not defined at the widest step
    assert value.tolist() == [3]


def test_one_quotient_alone_gives_no_slope():
    D = np.full((6, 1), np.nan)
    D[5] = 1
    assert slope_of(D, 0 * D, 2)[1].tolist() == [math.inf]


def test_a_jump_among_smaller_steps_widens_the_bar():
    h = 4.0 ** -np.arange(6)[:, None]
    D = 3 + 0 * h
    D[5] = 4
    value, bar = slope_of(D, 0 * h, 2)
    assert value.tolist() == [3]
    assert bar[0] >= 1


# Faithful to complex numbers, or not


def test_a_polynomial_goes_by_complex_step():
    slopes = measure(squares, X)
    assert slopes.by_complex_step.all()
    assert slopes.value.tolist() == [2, 4, -6]
    assert slopes.bar.max() <= 100 * 2.0**-53 * 6
    assert slopes.method(0) == "complex step"
    assert slopes.not_complex == ""


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda x: np.sum(x.real**2), ANALYTIC),
        (lambda x: np.sum(x * x.conj()).real if np.iscomplexobj(x) else np.sum(x * x), ANALYTIC),
        (lambda x: np.sum(np.abs(x) ** 2), ANALYTIC),
        (lambda x: np.linalg.norm(x) ** 2, ANALYTIC),
        (lambda x: np.sum(np.asarray(x, float) ** 2), "f raises ComplexWarning for complex x"),
        (lambda x: math.fsum(map(float, x * x)), "f raises ComplexWarning for complex x"),
        (lambda x: math.fsum(v * v for v in x.tolist()), "f raises TypeError for complex x"),
        (lambda x: np.sum(x.astype(np.complex64) ** 2) if np.iscomplexobj(x) else np.sum(x**2), ANALYTIC),
        (lambda x: np.sum(x**2) + 3 * np.iscomplexobj(x), "f(x) is 14.0, but f(x + 0i) is (17+0j)"),
        (lambda x: np.sum(x**2) + (1j if np.iscomplexobj(x) else 0), "f(x) is 14.0, but f(x + 0i) is (14+1j)"),
    ],
)
def test_a_function_that_loses_the_imaginary_part_is_noticed(f, why):
    slopes = measure(f, X)
    assert slopes.not_complex == why
    assert not slopes.by_complex_step.any()
    assert slopes.method(0) == "central differences"
    assert inside(slopes, 2 * X)


@pytest.mark.parametrize("part", [1.0, 1e-3, 1e-6, 1e-9])
def test_abs_of_one_entry_alone_is_noticed(part):
    slopes = measure(lambda x: np.sum(x**2) + part * np.abs(x[0]), X)
    assert not slopes.by_complex_step[0]
    assert inside(slopes, 2 * X + [part, 0, 0])


def test_a_function_that_is_right_only_at_the_first_order_is_noticed():
    """Abs beside a large offset: the part that is lost is small beside f."""
    slopes = measure(lambda x: 1e6 + np.sum(np.sin(x)) + 1e-3 * np.abs(x[0]), X)
    assert slopes.not_complex == ANALYTIC
    assert inside(slopes, np.cos(X) + np.array([1e-3, 0, 0]))


# Every kind of function gets its honest answer


def test_an_offset_costs_the_complex_step_nothing():
    slopes = measure(lambda x: 1e6 + np.sum(np.sin(x)), X)
    assert inside(slopes, np.cos(X))
    assert slopes.bar.max() < 1e-13


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e-12, 1e12, 1e100, 1e150])
@pytest.mark.parametrize("method", ["auto", "central"])
def test_huge_and_tiny_numbers(scale, method):
    slopes = measure(squares, scale * X, method=method)
    assert inside(slopes, 2 * scale * X)
    assert slopes.bar.max() < 1e-3 * scale


def test_constants_have_slope_zero_without_doubt():
    for c in (0.0, 3.0, 0.1):
        slopes = measure(lambda x, c=c: c, X, method="central")
        assert slopes.value.tolist() == [0, 0, 0]
        assert slopes.bar.max() <= 1e-10 * c + TINY


def test_a_float32_function_has_float32_bars():
    x = np.array([0.1, 0.2, 0.7])
    slopes = measure(lambda x: np.sum(x.astype(np.float32) ** 2), x)
    assert slopes.rounds_x
    assert slopes.x.tolist() == x.astype(np.float32).tolist()
    assert inside(slopes, 2 * slopes.x)
    assert 2.0**-24 < slopes.bar.max() < 1e-2


def test_a_float32_point_is_moved_to_float32_points():
    x = np.array([0.1, 0.2, 0.7], np.float32)
    for f in (squares, lambda x: np.sum(x * np.abs(x))):
        slopes = measure(f, x)
        assert not slopes.rounds_x
        assert inside(slopes, 2 * x.astype(float))


def test_steps_that_x_rounds_unevenly_leave_no_curvature_behind():
    """The move of x[0] is 300 times x[0], so that x + h and x - h in float32 are not equally far from x."""

    def f(x):
        a, b = x.astype(np.float32).astype(float)
        return float(a**2 + 1e-7 * b)

    x = np.array([0.0123, 250.7], np.float32).astype(float)
    slopes = measure(f, x)
    assert inside(slopes, np.array([2 * x[0], 1e-7]))
    assert slopes.bar[0] < 1e-8


def test_a_kink_has_an_interval_and_no_number():
    slopes = measure(lambda x: np.sum(np.maximum(x, 0) * [2, 3]), np.array([0.0, 1.0]))
    assert slopes.kinks.tolist() == [0]
    assert math.isnan(slopes.value[0])
    assert slopes.bar[0] == math.inf
    assert slopes.lo[0] <= 0 <= 2 <= slopes.hi[0]
    assert slopes.hi[0] - slopes.lo[0] < 2.001
    assert slopes.reason(0) == (
        "f has a kink at or near x[0]: its slope is 0 on the left and 2 on the right, "
        "and any number between them is a valid subgradient."
    )
    assert slopes.reason(1) == ""
    assert abs(slopes.value[1] - 3) <= slopes.bar[1]


def test_the_l1_norm_at_zero_is_all_kinks():
    slopes = measure(lambda x: np.sum(np.abs(x)), np.zeros(3))
    assert slopes.kinks.tolist() == [0, 1, 2]
    assert np.all((slopes.lo <= -1) & (slopes.hi >= 1))


def test_a_tie_of_max_is_a_kink_of_both():
    assert measure(np.max, np.array([1.0, 1.0, 0.5])).kinks.tolist() == [0, 1]


@pytest.mark.parametrize("away", [1e-2, 1e-3, 1e-5])
def test_a_kink_nearby_is_passed_by(away):
    slopes = measure(lambda x: np.sum(np.maximum(x - 1 - away, 0) * x), np.array([1.0, 3.0]))
    assert inside(slopes, np.array([0, 5 - away]))
    assert not slopes.kinks.size


def test_a_jump_and_an_infinite_slope_have_a_reason():
    sentence = (
        f"f does not settle to a slope as x[0] moves by less and less, down to {2.0**-5 * 4.0**-5:.1e}: it jumps there, its "
        "slope is infinite, or it varies faster than that."
    )
    for f in (lambda x: float(x[0] >= 1) + x[1].real, lambda x: np.sqrt(np.abs(x[0] - 1)) + x[1]):
        slopes = measure(f, np.array([1.0, 2.0]))
        assert slopes.reason(0) == sentence
        assert slopes.bar[0] == math.inf
        assert abs(slopes.value[1] - 1) <= slopes.bar[1]


def test_where_f_has_no_values_there_is_no_slope():
    slopes = measure(lambda x: np.sqrt(x[0]) + x[1], np.array([0.0, 1.0]))
    assert slopes.reason(0) == "f has no finite values on the left of x[0], or too few to tell its slope."
    assert abs(slopes.value[1] - 1) <= slopes.bar[1]
    right = measure(lambda x: math.sqrt(1 - x), 1.0)
    assert right.reason(0) == "f has no finite values on the right of x, or too few to tell its slope."
    lonely = measure(lambda x: 1.0 if x == 1 else math.nan, 1.0)
    assert lonely.reason(0) == "f has no finite values on either side of x, or too few to tell its slope."


def test_the_edge_of_the_domain_only_shortens_the_steps():
    for f in (math.log, np.log):
        assert inside(measure(f, 1e-3), 1e3)
    assert inside(measure(lambda x: math.log(x[0]), np.array([1e-3, 1.0])), np.array([1e3, 0]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_f_of_x_must_be_finite(value):
    slopes = measure(lambda x: value, X)
    assert {slopes.reason(p) for p in range(3)} == {f"f(x) is {value}: it has no slope here."}
    assert np.isnan(slopes.value).all()


def test_a_function_that_is_not_deterministic_gets_the_recipe():
    calls = iter(range(9))
    slopes = measure(lambda x: float(next(calls)), X)
    assert slopes.refused == (
        "f is not deterministic: two calls at the same x gave 0.0 and 1.0. Fix the seed inside f, so that every call draws "
        "the same numbers: def f(x): rng = np.random.default_rng(0); ... (and switch dropout off)."
    )
    assert slopes.reason(2) == slopes.refused


def test_a_function_that_changes_while_it_is_measured_is_not_deterministic():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return squares(x) + (calls > 20)

    assert measure(f, X).refused.startswith("f is not deterministic")


def test_a_function_that_changes_its_x_is_noticed_and_does_no_harm():
    def f(x):
        x *= 2
        return np.sum(x)

    x = X.copy()
    slopes = measure(f, x)
    assert slopes.mutates
    assert x.tolist() == X.tolist()
    assert slopes.value.tolist() == [2, 2, 2]
    assert not measure(squares, X).mutates
    assert measure(lambda p: p.pop("b") * p["a"], {"a": 2.0, "b": 3.0}).mutates


def test_noise_widens_the_bar():
    for size in (1e-12, 1e-8, 1e-4):
        slopes = measure(bar.noisy(squares, 1e8 * size), X)
        assert 0.1 * size < slopes.noise < 2 * size
        assert inside(slopes, 2 * X)
        assert slopes.bar.max() < 1e4 * size


def test_a_function_faster_than_the_steps_is_followed_by_finer_ones():
    for omega in (1e4, 1e6, 1e8, 1e10, 3e10):
        for method in ("auto", "central"):
            slopes = measure(lambda x, omega=omega: np.sin(omega * x[0]) + x[1], np.array([1.0, 2.0]), method=method)
            assert inside(slopes, np.array([omega * math.cos(omega), 1]))


def test_a_function_too_fast_for_any_step_says_so():
    slopes = measure(lambda x: math.sin(10**11.15 * x), 1.0)
    assert slopes.refused == "f varies faster than the finest steps that were tried can follow."


def test_numbers_lists_and_dicts():
    assert inside(measure(math.sin, 1.0), math.cos(1.0))
    assert measure(lambda x: x[0] * x[1], [2, 3]).value.tolist() == [3, 2]
    slopes = measure(lambda p: np.sum(p["W"] * 2) * p["b"][0], {"W": np.ones((2, 2)), "b": (3.0,)}, root="params")
    assert inside(slopes, np.array([6, 6, 6, 6, 8]))
    assert slopes.name(3) == "params['W'][1,1]"
    assert slopes.name(4) == "params['b'][0]"


def test_a_small_entry_beside_large_ones_has_a_bar_for_what_the_large_ones_do():
    """Meyer's function: x[0] = 0.02 multiplies exp(x[1] / (t + x[2])), which is off by 40 u, the same at every step of x[0]."""
    meyer = next(standard for standard in FUNCTIONS if standard.name == "meyer")
    points = itertools.islice(bar.points(meyer, np.random.default_rng(0)), 200)
    outside = [x for x in points if not inside(measure(meyer.f, x, method="central"), bar.truth(meyer, x))]
    assert len(outside) <= 1  # without that part of the bar: 13


# Cost, choice of entries, refusals


def test_the_cost_is_nine_or_twelve_calls_an_entry_and_at_most_seventy_for_the_whole():
    calls = 0

    def f(x):
        nonlocal calls
        calls += 1
        return np.sum(np.sin(x) * np.roll(x, 1))

    x = np.linspace(0.1, 2, 40)
    for method, each in (("auto", 9), ("central", 12)):
        calls = 0
        slopes = measure(f, x, method=method)
        assert slopes.evaluations == calls
        assert each * 40 < calls - slopes.again <= each * 40 + 70


def test_entries_can_be_chosen_and_measured_again_with_other_steps():
    def f(x):
        return math.fsum(math.exp(v) for v in x)

    slopes = measure(f, X, indices=[2, 0])
    assert slopes.value.shape == (2,)
    assert [slopes.name(p) for p in range(2)] == ["x[2]", "x[0]"]
    assert inside(slopes, np.exp(X[[2, 0]]))
    again = remeasure(f, X, [2, 0])
    assert inside(again, np.exp(X[[2, 0]]))
    assert again.value[1] != slopes.value[1]
    assert not remeasure(squares, X, [1]).by_complex_step.any()


def test_progress_is_told_to_the_end():
    for method in ("auto", "central"):
        told = []
        measure(squares, X, method=method, on_progress=lambda done, of, told=told: told.append((done, of)))
        assert [done for done, _ in told] == list(range(1, len(told) + 1))
        assert told[-1] == (len(told), len(told))


def test_what_f_may_return():
    assert measure(lambda x: np.array([[x[0]]]), X).value.tolist() == [1, 0, 0]
    with pytest.raises(
        ShapeError, match=r"^f returned shape \(3,\), but a slope needs one number: sum it, or check the Jacobian row by row\.$"
    ):
        measure(lambda x: x, X)
    with pytest.raises(DtypeError, match=r"^f returned complex128 for real x, but a slope needs one real number\.$"):
        measure(lambda x: np.sum(x) + 0j, X)
    with pytest.raises(DtypeError, match=r"^f returned object for real x, but a slope needs one real number\.$"):
        measure(lambda x: None, X)


def test_wrong_use():
    with pytest.raises(ValueRefused, match=r"^There is no entry 3 to 3: x has 3, numbered from 0\.$"):
        measure(squares, X, indices=[3])
    with pytest.raises(UnknownName, match=r"^There is no method 'centre'\. Did you mean 'central'\? Known: auto, central\.$"):
        measure(squares, X, method="centre")
    with pytest.raises(ZeroDivisionError):
        measure(lambda x: 1 / 0, X)  # at x itself, the error of f is the caller's to see


# The rounding of a claim


def test_the_bar_of_a_claim_is_that_of_its_arithmetic():
    x = np.array([0.1, 0.7, -0.3])
    claim, wide = claim_bar(lambda x: 2 * x, X)
    assert claim.tolist() == [2, 4, -6]
    assert wide.tolist() == [4 * 2.0**-53 * abs(c) for c in claim]  # doubling does not round
    for dtype, u in ((np.float64, 2.0**-53), (np.float32, 2.0**-24)):

        def cancelling(x, dtype=dtype):
            x = x.astype(dtype)
            return (x + dtype(1000.1)) - dtype(1000.1)

        claim, wide = claim_bar(cancelling, x)
        assert np.all(np.abs(claim - x) <= wide)
        assert np.all(wide < 1000 * 100 * u)


def test_a_claim_that_fails_nearby_keeps_its_unit_roundoff():
    def only_here(x):
        if x.tolist() != X.tolist():
            raise RuntimeError
        return 2 * x

    assert claim_bar(only_here, X)[1].tolist() == [4 * 2.0**-53 * abs(2 * v) for v in X]


# Bar 5, one in twenty; the whole as a soak


def hold(part):
    for kind, method, least in (
        ("", "auto", 0.999),
        ("", "central", 0.999),
        ("float32", "auto", 0.995),
        ("noise", "auto", 0.995),
    ):
        tally = bar.coverage(bar.ENTRIES // part, kind, method)
        assert tally.entries >= bar.ENTRIES // part
        assert tally.inside >= least, (kind, method, tally)
        assert tally.silent <= tally.entries / 1000, (kind, method, tally)
        assert tally.over_budget == 0
        if not kind:
            assert np.nanmedian(tally.errors) <= 1e-13


def test_thirty_functions_and_more():
    assert len({standard.name for standard in FUNCTIONS}) >= 30


def test_error_bars_hold_one_in_twenty():
    hold(20)


def test_right_gradients_are_not_accused_one_in_twenty():
    assert bar.accused(bar.GRADIENTS // 20, bar.LENGTH)[0] == 0


@pytest.mark.soak
def test_error_bars_hold():
    hold(1)


@pytest.mark.soak
@pytest.mark.parametrize("method", ["auto", "central"])
def test_right_gradients_are_not_accused(method):
    assert bar.accused(bar.GRADIENTS, bar.LENGTH, method)[0] <= 1
