"""The numbers' delta and partials are the gradient's: exactly over fractions, and to a float's precision on sigmoid networks."""

import random
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lines import edits, links

from backprop_ref import Network, matrix
from backprop_ref.derivation.numbers.epsilon import Eps, coefficient, divide, power
from backprop_ref.derivation.numbers.network import Drawn, Rules, Run
from backprop_ref.derivation.numeric import judge
from backprop_ref.derivation.prover import prove
from backprop_ref.derivation.verdicts import Counterexample, Holds, Proof
from backprop_ref.oracles.exact import exact

COEFFICIENTS = {"linear": (0, 1), "square": (0, 0, 1), "cube": (0, 0, 0, 1)}
quarters = st.integers(-8, 8).map(lambda q: q / 4)
fractions = st.fractions(-2, 2, max_denominator=12)


def run_of(network, X, Y, rules):
    """The same network, as the numbers have it."""
    layers = range(2, network.L + 1)
    w = {l: [[Fraction(v) for v in row] for row in network.w[l]] for l in layers}
    b = {l: [Fraction(v) for v in network.b[l]] for l in layers}
    sigma = {l: COEFFICIENTS.get(network.sigma[l].name, (0,)) for l in layers}
    return Run(Drawn(dict(enumerate(network.sizes, 1)), w, b, X, Y, sigma, None, {}, {}), rules)


def slopes(run, letter, l, places):
    return {at: run.slope(Run.J, letter, l, at, None) for at in places}


@st.composite
def polynomial_examples(draw):
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    m = draw(st.integers(1, 2))
    weights = [[[draw(quarters) for _ in range(n)] for _ in range(n_l)] for n, n_l in pairwise(sizes)]
    biases = [[draw(quarters) for _ in range(n)] for n in sizes[1:]]
    sigmas = [draw(st.sampled_from(list(COEFFICIENTS))) for _ in sizes[1:]]
    X, Y = ([[draw(fractions) for _ in range(n)] for _ in range(m)] for n in (sizes[0], sizes[-1]))
    return Network.from_arrays(weights, biases, sigmas, "quadratic"), X, Y


@settings(deadline=None, max_examples=40)
@given(polynomial_examples())
def test_over_fractions_the_gradient_is_the_exact_oracles(example):
    network, X, Y = example
    run, expected = run_of(network, X, Y, Rules(cost="quadratic")), exact(network, X, Y)
    for l in range(2, network.L + 1):
        n, k = network.sizes[l - 1], network.sizes[l - 2]
        assert [run.delta(l, x) for x in range(len(X))] == expected.delta[l].tolist()
        assert list(slopes(run, "b", l, [(j,) for j in range(n)]).values()) == expected.nabla_b[l].tolist()
        dw = slopes(run, "w", l, [(i, j) for i in range(n) for j in range(k)])
        assert [[dw[i, j] for j in range(k)] for i in range(n)] == expected.nabla_w[l].tolist()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 3), min_size=2, max_size=4))
def test_on_sigmoid_networks_they_are_backprops(seed, sizes):
    draw = np.random.default_rng(seed)
    weights = [draw.normal(size=(n_l, n)) for n, n_l in pairwise(sizes)]
    network = Network.from_arrays(weights, [draw.normal(size=n) for n in sizes[1:]], "sigmoid", "quadratic")
    x, y = draw.normal(size=sizes[0]), draw.uniform(size=sizes[-1])
    expected = matrix.backprop(network, x, y)
    rules = Rules(exact=False, sigma="sigmoid", cost="quadratic")
    run = run_of(network, [[Fraction(v) for v in x]], [[Fraction(v) for v in y]], rules)
    for l in range(2, network.L + 1):
        np.testing.assert_allclose(np.array(run.delta(l, 0), float), expected.delta[l], rtol=1e-12, atol=1e-15)
        for at, v in np.ndenumerate(expected.nabla_w[l]):
            np.testing.assert_allclose(float(run.slope(Run.J, "w", l, at, None)), v, rtol=1e-12, atol=1e-15)


@settings(deadline=None)
@given(st.lists(st.fractions(-3, 3, max_denominator=5), min_size=1, max_size=5), st.fractions(-3, 3, max_denominator=5))
def test_two_infinitesimals_give_a_polynomials_second_derivative(coefficients, t):
    moved = Eps({0: t, 1: 1, 2: 1})
    value = sum((power(moved, n) * c for n, c in enumerate(coefficients)), 0)
    assert coefficient(value, 3) == sum(n * (n - 1) * c * t ** (n - 2) for n, c in enumerate(coefficients) if n > 1)
    assert coefficient(coefficient(value, 1), 2) == coefficient(value, 3)


@settings(deadline=None)
@given(st.fractions(-3, 3, max_denominator=5).filter(bool), st.fractions(-3, 3, max_denominator=5))
def test_what_is_divided_comes_back(u, v):
    x, y = Eps({0: u, 1: v, 2: 1}), Eps({0: v, 1: u, 3: 2})
    assert not any((divide(y, x) * x - y).terms.values())


def against_the_proof(links_and_right_sides):
    """Every line that one witness calls true and the other false: there must be none. How many were refuted, how many held."""
    said = Counter()
    for link, right in links_and_right_sides:
        numbers = judge(link.left, right, link.given)
        assert not (isinstance(numbers, Counterexample) and isinstance(prove(link.left, right, link.given), Proof)), (link, right)
        said[type(numbers)] += 1
    return said


def slips(draw, count):
    every = [(link, right) for link in links() for _, right in edits(link.right)]
    return draw.sample(every, count)


def test_no_true_line_is_refuted_that_is_proved():
    draw = random.Random(random.randrange(10**6))
    said = against_the_proof((link, link.right) for link in draw.sample(links(), 40))
    assert said[Holds] >= 30, said


def test_no_slip_is_both_proved_and_refuted():
    said = against_the_proof(slips(random.Random(random.randrange(10**6)), 60))
    assert said[Counterexample] >= 10, said


@pytest.mark.soak
def test_no_slip_of_two_thousand_is_both_proved_and_refuted():
    said = against_the_proof(slips(random.Random(5), 2000))
    assert said[Counterexample] >= 600, said
