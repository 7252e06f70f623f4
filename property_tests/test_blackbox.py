"""Laws of slopes that no formula of f is needed for."""

import math
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_ref.oracles.blackbox import measure, remeasure
from backprop_ref.oracles.containers import flatten

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.functions import FUNCTIONS

law = settings(deadline=None, max_examples=60)
eighths = st.integers(-40, 40).map(lambda q: q / 8)
vectors = st.lists(eighths, min_size=1, max_size=4).map(np.array)
containers = st.recursive(
    st.one_of(eighths, vectors, vectors.map(lambda v: v.astype(np.float32))),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.lists(inner, min_size=1, max_size=3).map(tuple),
        st.dictionaries(st.text("abW", max_size=2), inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)


def same(one, two):
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(two) and len(one) == len(two) and all(map(same, one, two))
    return np.asarray(one).dtype == np.asarray(two).dtype and np.array_equal(one, two)


@law
@given(containers)
def test_unflatten_undoes_flatten(x):
    v, layout = flatten(x)
    assert same(layout.unflatten(v), x)
    assert layout.read(x)[0].tolist() == v.tolist()
    assert len({layout.name(i) for i in range(layout.size)}) == v.size


@law
@given(containers)
def test_a_name_is_the_python_expression_of_its_entry(x):
    v, layout = flatten(x)
    assert [eval(layout.name(i), {"x": x}) for i in range(v.size)] == v.tolist()


@law
@given(vectors, st.data(), st.sampled_from(["auto", "central"]))
def test_a_quadratic_form_has_the_slope_of_its_matrix(x, data, method):
    """D (x^T A x / 2) = (A + A^T) x / 2, in small eighths: the truth is exact."""
    n = x.size
    A = np.array(data.draw(st.lists(eighths, min_size=n * n, max_size=n * n))).reshape(n, n)
    slopes = measure(lambda x: (x @ A @ x) / 2, x, method=method)
    assert np.all(np.abs(slopes.value - (A + A.T) @ x / 2) <= slopes.bar)


@law
@given(vectors, st.integers(-300, 300), st.sampled_from(["auto", "central"]))
def test_scaling_f_by_a_power_of_two_scales_its_slopes_exactly(x, power, method):
    """The steps follow from x, and a power of two does not round: the same bits."""

    def f(x):
        return np.sum(np.sin(x) * np.roll(x, 1)) + 1

    one = measure(f, x, method=method)
    two = measure(lambda x: 2.0**power * f(x), x, method=method)
    assert two.value.tolist() == (2.0**power * one.value).tolist()
    assert two.bar.tolist() == (2.0**power * one.bar).tolist()


@law
@given(vectors, st.floats(0.125, 4), st.floats(0.125, 4))
def test_the_interval_of_a_kink_holds_both_slopes(x, left, right):
    x[0] = 0
    slopes = measure(lambda x: np.where(x > 0, right, -left) @ x, x)
    assert 0 in slopes.kinks
    assert slopes.lo[0] <= -left
    assert right <= slopes.hi[0]


@law
@given(st.floats(-3, 3), st.sampled_from([math.sin, math.atan, math.exp, lambda x: 1 / (1 + x * x)]))
def test_two_measurements_with_other_steps_agree(x, f):
    one, two = measure(f, x), remeasure(f, x, [0])
    assert abs(one.value[0] - two.value[0]) <= one.bar[0] + two.bar[0]


@law
@given(st.sampled_from(FUNCTIONS), st.integers(0, 2**32 - 1), st.floats(1e-6, 1), st.sampled_from(["auto", "central"]))
def test_a_wrong_slope_lies_outside_its_bar(standard, seed, part, method):
    """An error of a millionth of the largest entry, or more, shows in any entry whose bar is smaller than that."""
    x = np.array(standard.start) * (1 + 0.1 * np.random.default_rng(seed).normal(size=len(standard.start)))
    slopes = measure(standard.f, x, method=method, seed=seed)
    true = standard.gradient(x)
    wrong = part * np.max(np.abs(true))
    sees = slopes.bar < wrong / 4
    assert np.all(np.abs(true + wrong - slopes.value)[sees] > slopes.bar[sees])
