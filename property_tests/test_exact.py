"""Over fractions there is no rounding: the chapter's gradient equals the one found from values of C, entry by entry."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_ref import Network, neuron
from backprop_ref.oracles.exact import exact, slope_at_0

quarters = st.integers(-8, 8).map(lambda q: q / 4)  # a failure reads w = 0.25, and shrinks to 0.0
floats = st.just(0.0) | st.floats(0.0625, 2) | st.floats(-2, -0.0625)  # all 53 bits; exponents that keep fractions short
fractions = st.fractions(-2, 2, max_denominator=12)


@st.composite
def examples(draw, entries=quarters, inputs=fractions, m=1):
    """A network of polynomials, and m examples of fractions."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    weights = [[[draw(entries) for _ in range(n)] for _ in range(n_l)] for n, n_l in pairwise(sizes)]
    biases = draw(st.none() | st.just([[draw(entries) for _ in range(n)] for n in sizes[1:]]))
    sigmas = [draw(st.sampled_from(["linear", "square", "cube"])) for _ in sizes[1:]]
    cost = draw(st.sampled_from(["quadratic", "squared_error", "mean_squared_error"]))
    X, Y = ([[draw(inputs) for _ in range(n)] for _ in range(m)] for n in (sizes[0], sizes[-1]))
    return Network.from_arrays(weights, biases, sigmas, cost), X, Y


@settings(deadline=None, max_examples=60)
@given(examples())
def test_neuron_equals_the_exact_oracle(example):
    network, [x], [y] = example
    assert neuron.backprop(network.over(Fraction), x, y) == exact(network, x, y)


@settings(deadline=None, max_examples=15)
@given(examples(entries=floats, inputs=floats))
def test_neuron_equals_the_exact_oracle_on_floats(example):
    """A float is a binary fraction; nothing of it is rounded on the way."""
    network, [x], [y] = example
    assert neuron.backprop(network.over(Fraction), x, y) == exact(network, x, y)


@settings(deadline=None, max_examples=25)
@given(examples(m=3), st.sampled_from(["mean", "sum"]))
def test_a_batch_equals_neuron_over_the_batch(example, reduction):
    network, X, Y = example
    assert neuron.backprop_batch(network.over(Fraction), X, Y, reduction) == exact(network, X, Y, reduction)


@settings(deadline=None, max_examples=100)
@given(st.lists(fractions, min_size=2, max_size=12))
def test_slope_at_0_is_the_coefficient_of_h(c):
    """C(h) = c_0 + c_1 h + ... of degree len(c) - 1, or less."""
    assert slope_at_0(lambda h: sum(c_i * h**i for i, c_i in enumerate(c)), len(c) - 1) == c[1]
