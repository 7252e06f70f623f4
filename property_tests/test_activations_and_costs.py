"""Laws of sigma, sigma', C and nabla_a C, for any z, a and y."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_ref import activations, costs, matrix
from backprop_ref.activations import ACTIVATIONS, Activation
from backprop_ref.assumptions import check, check_activation, check_cost
from backprop_ref.costs import COSTS, Cost, times
from backprop_ref.gradient import Verdict
from backprop_ref.network import Network
from backprop_ref.rounding import U, gamma

H = 2.0**-60
weighted_inputs = st.floats(-700, 700, allow_subnormal=False)
names = st.sampled_from(sorted(ACTIVATIONS))
elementwise = st.sampled_from([s for s in ACTIVATIONS.values() if s.elementwise])
outputs = st.floats(1e-6, 1 - 1e-6)


def quick(examples):
    return settings(deadline=None, max_examples=examples)


@quick(200)
@given(weighted_inputs)
def test_sigmoid_and_its_mirror_share_one_slope(z):
    """sigma'(z) = sigma'(-z), bit for bit: both are e/(1 + e)^2 with e = exp(-|z|). tanh is odd, bit for bit."""
    z = np.array([z])
    assert np.array_equal(activations.sigmoid.sigma_prime(z), activations.sigmoid.sigma_prime(-z))
    assert np.array_equal(activations.tanh.sigma_prime(z), activations.tanh.sigma_prime(-z))
    up, down = (activations.tanh.on_complex()(s * (z + 1j * H)) for s in (1, -1))
    assert np.array_equal(up, -down)


@quick(200)
@given(weighted_inputs)
def test_sigmoid_and_its_mirror_add_up_to_1(z):
    """sigma(z) + sigma(-z) = 1: each is off by 8 u of itself at most, and the sum rounds once."""
    total = activations.sigmoid.sigma(np.array([z])) + activations.sigmoid.sigma(np.array([-z]))
    assert abs(total[0] - 1) <= gamma(9)


@quick(200)
@given(weighted_inputs)
def test_sigmoid_times_its_mirror_is_its_slope(z):
    """sigma' = sigma(z) sigma(-z), from both tails: two values off by 8 u, a product, and sigma' off by 8 u itself."""
    s = activations.sigmoid
    product = (s.sigma(np.array([z])) * s.sigma(np.array([-z])))[0]
    assert abs(s.sigma_prime(np.array([z]))[0] - product) <= gamma(25) * product


@quick(300)
@given(elementwise.filter(lambda s: s.complex is not None), st.floats(-600, 600, allow_subnormal=False))
def test_complex_step_is_sigma_prime(s, z):
    """Im sigma(z + ih)/h = sigma'(z): both within 16 u of their terms, and no cancellation between them is assumed."""
    slope, step = s.sigma_prime(np.array([z]))[0], (s.on_complex()(np.array([z + 1j * H])) / H).imag[0]
    terms = abs(slope)
    if s.name in ("silu", "gelu"):  # sigma(q) + z q' sigma'(q): the terms cancel near the minimum, and q is rounded
        q = z if s.name == "silu" else activations.GELU_K * (z + activations.GELU_C * z**3)
        q_prime = 1 if s.name == "silu" else activations.GELU_K * (1 + 3 * activations.GELU_C * z * z)
        a = activations.sigmoid.sigma(np.array([q]))[0]
        terms = a * (1 + abs(z) * q_prime * activations.sigmoid.sigma(np.array([-q]))[0]) * (1 + abs(q))
    underflow = 2.0**-1000 * (1 + abs(z)) ** 3  # an imaginary part may be subnormal: 2**-1074 / H, and what multiplies it
    assert abs(slope - step) <= 32 * U * terms + underflow + 4 * H * H


@quick(150)
@given(names, st.lists(st.floats(-30, 30), min_size=1, max_size=5))
def test_no_activation_is_accused_at_any_points(name, points):
    s = ACTIVATIONS[name]
    points = [z for z in points if z not in s.kinks] or [1.0]
    report = check_activation(name, points if s.elementwise else np.array(points)[:, None])
    assert report.verdict is not Verdict.DISAGREES, str(report)


@quick(150)
@given(elementwise, st.floats(-6, 6), st.floats(1e-3, 10))
def test_a_wrong_factor_is_never_missed_where_sigma_prime_can_be_seen(s, z, off):
    """sigma'(1 + off) disagrees at every point where sigma' is not small: the error bar is never wide enough to hide it."""
    if any(abs(z - kink) < 1e-6 for kink in s.kinks) or abs(s.sigma_prime(np.array([z]))[0]) < 1e-3:
        z = 1.0  # so near a kink all steps are small, and a rounding of sigma is large beside them
    wrong = Activation("wrong", s.sigma, lambda z: s.sigma_prime(z) * (1 + off), kinks=s.kinks)
    assert check_activation(wrong, [z]).verdict is Verdict.DISAGREES


@quick(60)
@given(st.sampled_from(sorted(COSTS)), st.integers(2, 4), st.integers(0, 10**6), st.sampled_from([1, 2, -1, 1e-6, 1e6]))
def test_no_cost_is_accused_at_any_examples_and_scale(name, n, seed, c):
    report = check_cost(times(c, COSTS[name]), n, seed)
    assert report.verdict is Verdict.AGREES, str(report)


@quick(60)
@given(st.sampled_from(sorted(COSTS)), st.integers(1, 4), st.integers(0, 10**6))
def test_a_wrong_slope_of_a_cost_is_never_missed(name, n, seed):
    c = COSTS[name]
    wrong = Cost("wrong", c.C, lambda a, y: c.nabla_a_C(a, y) * (1 + 1e-6), targets=c.targets)
    assert check_cost(wrong, n, seed).verdict is Verdict.DISAGREES


@quick(200)
@given(st.lists(outputs, min_size=1, max_size=4), st.sampled_from(sorted(COSTS)), st.integers(-8, 8))
def test_times_a_power_of_two_is_exact_in_every_form(a, name, power):
    """C, nabla_a C and the imaginary part of 2^p C are 2^p times theirs, bit for bit."""
    c, p = COSTS[name], 2.0**power
    scaled, a, y = times(p, c), np.array(a), np.linspace(0, 1, len(a))
    assert scaled.C(a, y) == p * c.C(a, y)
    assert np.array_equal(scaled.nabla_a_C(a, y), p * c.nabla_a_C(a, y))
    assert scaled.on_complex()(a + 1j * H, y) == p * c.on_complex()(a + 1j * H, y)


@quick(200)
@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=5), st.integers(0, 4))
def test_the_delta_of_a_softmax_sums_to_0(z, k):
    """sum_j (a_j - y_j) = 0 for one-hot y: n values off by (n + 9) u of themselves, that sum to 1, and n more roundings."""
    y = np.eye(len(z))[k % len(z)]
    delta = costs.log_likelihood.pair(activations.softmax).delta_L(np.array(z), y)
    assert abs(delta.sum()) <= 2 * gamma(2 * len(z) + 10)


@quick(25)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.integers(0, 10**6), st.integers(1, 6), st.booleans())
def test_the_two_assumptions_hold_for_the_chapters_cost_and_break_for_the_mistakes(sizes, seed, m, narrow):
    network = Network.random(sizes, "tanh", seed=seed).astype(np.float32 if narrow else np.float64)
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((m, sizes[0])), rng.random((m, sizes[-1]))

    def decayed(n, X, Y):
        return matrix.cost(n, X, Y) + 0.05 * sum(float((w**2).sum()) for w in n.w.values())

    assert check(matrix.cost, network, X, Y).verdict is Verdict.AGREES
    report = check(decayed, network, X, Y)
    assert (report.average.verdict, report.outputs.verdict) == (Verdict.AGREES, Verdict.DISAGREES)
    report = check(lambda n, X, Y: matrix.cost(n, X, Y, "sum"), network, X, Y)
    assert (report.average.verdict, report.outputs.verdict) == (Verdict.DISAGREES, Verdict.AGREES)
