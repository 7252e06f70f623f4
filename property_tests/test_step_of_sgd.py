"""Laws of a step of SGD that hold bit for bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_ref import sgd
from backprop_ref.costs import COSTS, times
from backprop_ref.network import Network

quarters = st.integers(-8, 8).map(lambda q: q / 4)


@st.composite
def cases(draw, activation="sigmoid"):
    n_1, n_2, n_3, m = (draw(st.integers(1, 3)) for _ in range(4))

    def array(*shape):
        size = int(np.prod(shape))
        return np.array(draw(st.lists(quarters, min_size=size, max_size=size))).reshape(shape)

    network = Network.from_arrays([array(n_2, n_1), array(n_3, n_2)], [array(n_2), array(n_3)], activation)
    return network, array(m, n_1), abs(array(m, n_3)) / 2


def same(p, q):
    return all(np.array_equal(p.w[l], q.w[l]) and np.array_equal(p.b[l], q.b[l]) for l in p.layers)


@settings(deadline=None, max_examples=100)
@given(cases(), st.sampled_from(sorted(set(COSTS) - {"log_likelihood"})), st.sampled_from([0.1, 0.5, 3.0]))
def test_twice_the_cost_at_half_the_rate_is_the_same_training(case, name, eta):
    """Doubling and halving do not round, so (eta/2) nabla(2 C) = eta nabla(C), bit for bit."""
    network, X, Y = case
    network = network.with_cost(COSTS[name])
    doubled = network.with_cost(times(2, network.cost))
    once = sgd.train(network, X, Y, eta=eta, epochs=2, mini_batch=2).network
    assert same(once, sgd.train(doubled, X, Y, eta=eta / 2, epochs=2, mini_batch=2).network)


@settings(deadline=None, max_examples=100)
@given(cases("linear"), st.sampled_from([0.25, 0.5, 2.0]))
def test_a_mini_batch_given_twice_over_is_the_same_step(case, eta):
    """A mean does not change if every example is repeated; quarters through a linear network do not round (m = 1 or 2)."""
    network, X, Y = case
    X, Y = X[:2], Y[:2]
    step = sgd.update(network, X, Y, eta)
    assert same(step, sgd.update(network, np.repeat(X, 2, axis=0), np.repeat(Y, 2, axis=0), eta))


@settings(deadline=None, max_examples=100)
@given(cases("linear"), st.sampled_from([0.25, 0.5, 2.0]))
def test_a_network_that_is_right_stays_as_it_is(case, eta):
    """delta = 0 on every example, so that no step changes anything: quarters through a linear network do not round."""
    network, X, _ = case
    a = X @ network.w[2].T + network.b[2]
    Y = a @ network.w[3].T + network.b[3]
    assert same(network, sgd.train(network, X, Y, eta=eta, epochs=2).network)
    assert sgd.accuracy(network, X, Y) == 1
