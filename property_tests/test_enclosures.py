"""The true derivative lies in its ball: neuron.py at 1000 bits, and on fractions, is what the balls are held to."""

import math
from fractions import Fraction

import numpy as np
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_ref import Gradient, neuron
from backprop_ref.activations import ACTIVATIONS
from backprop_ref.oracles.enclosures import Enclosure, _nearest, enclosures
from backprop_ref.strategies import batches, examples

PLAIN = [name for name in ACTIVATIONS if name != "gelu_erf"]  # which has no plain form but on floats


def holds(ball: arb, truth: arb) -> bool:
    """Whether the truth, itself a ball, lies in a ball; where it is known less well than the ball, whether they meet."""
    vague = not truth.is_finite() or truth.rad() * 2**30 > ball.rad()
    return not ball.is_finite() or not truth.is_finite() or (ball.overlaps(truth) if vague else ball.contains(truth))


def entries(found: Enclosure, truth: Gradient):
    for part, l, balls in found.balls.items():
        yield from zip(balls.flat, np.asarray(getattr(truth, part)[l], object).reshape(balls.shape).flat, strict=True)


@settings(deadline=None, max_examples=250)
@given(batches(max_layers=4, max_neurons=4, activations=PLAIN, sizes=st.integers(1, 2)))
def test_neuron_at_1000_bits_lies_in_every_ball(batch):
    network, X, Y = batch
    found = enclosures(network, X, Y)
    with ctx.workprec(1000):
        numbers = [[[arb(v) for v in row] for row in rows.tolist()] for rows in (X, Y)]
        truth = neuron.backprop_batch(network.over(arb), *numbers)
        assert all(holds(ball, true) for ball, true in entries(found, truth))


@settings(deadline=None, max_examples=250)
@given(examples(max_layers=4, max_neurons=3, activations=["linear", "square", "cube"], costs=["quadratic", "squared_error"]))
def test_the_exact_derivative_lies_in_every_ball(example):
    network, x, y = example
    truth = neuron.backprop(network.over(Fraction), [Fraction(v) for v in x], [Fraction(v) for v in y])
    with ctx.workprec(30_000):  # enough for these fractions to be exact balls
        for ball, q in entries(enclosures(network, x[None], y[None]), truth):
            q = Fraction(q)
            assert ball.contains(arb(fmpq(q.numerator, q.denominator)))


@settings(deadline=None, max_examples=250)
@given(examples(max_layers=4, max_neurons=4))
def test_thirty_digits_unless_the_derivative_may_be_zero(example):
    network, x, y = example
    for _, _, balls in enclosures(network, x[None], y[None]).balls.items():
        for ball in balls.flat:
            tiny = not ball.is_finite() or ball.contains(0) or ball.rad() < arb(2) ** -1170
            assert tiny or ball.rad() * arb(10) ** 30 <= abs(ball.mid())


@settings(deadline=None, max_examples=300)
@given(st.integers(-(2**200), 2**200), st.integers(-1400, 900))
def test_nearest_rounds_as_fractions_do(m, e):
    exact = Fraction(m) * Fraction(2) ** e
    try:
        expected = float(exact)
    except OverflowError:
        expected = math.copysign(math.inf, m)
    assert _nearest(m, e, np.dtype(np.float64)) == expected


@settings(deadline=None, max_examples=300)
@given(st.integers(-(2**60), 2**60), st.integers(-220, 60))
def test_nearest_float32_is_no_farther_than_its_neighbours(m, e):
    exact = Fraction(m) * Fraction(2) ** e
    nearest = _nearest(m, e, np.dtype(np.float32))
    v = np.float32(nearest)
    assert float(v) == nearest
    for neighbour in (np.nextafter(v, np.float32(-np.inf)), np.nextafter(v, np.float32(np.inf))):
        if math.isfinite(neighbour):
            closer = abs(Fraction(float(v)) - exact) - abs(Fraction(float(neighbour)) - exact)
            assert closer < 0 or (closer == 0 and v.view(np.uint32) % 2 == 0)  # a tie goes to even
