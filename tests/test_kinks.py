"""A network with a neuron at a kink: what is said of a right gradient near it, at it, and of a wrong one."""

from dataclasses import replace

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.activations import Activation
from backprop_ref.gate import check_network
from backprop_ref.network import Network
from backprop_ref.oracles import enclosures

AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell"


def check(candidate, network, X, Y, **options):
    return check_network(network, X, Y, candidate, **options)


def kinked(z, at=0.0, m=1, activation="relu", slope=0.0):
    """(network, X, Y, candidate): neuron 1 of layer 2 has that z in example 1; at a kink the candidate says sigma' = at."""
    network = Network.from_arrays(
        [np.array([[1.0, 1.0], [0.5, -1.0], [-0.75, 2.0]]), np.array([[1.0, -0.5, 0.25], [0.5, 2.0, -1.0]])],
        [np.array([-2.0 + z, 1.0, 0.5]), np.array([0.25, -0.5])],
        [activation, "sigmoid"],
    )
    X = np.array([[1.0, 1.0], [0.25, -2.0], [3.0, 0.5]])[:m]
    Y = np.array([[0.0, 1.0], [1.0, 0.0], [0.25, 0.75]])[:m]

    def candidate(weights, biases, X, Y):
        w, b = weights, biases
        z = X @ w[0].T + b[0]
        a, s = np.where(z > 0, z, slope * z), np.where(z > 0, 1.0, np.where(z < 0, slope, at))
        q = 1 / (1 + np.exp(-(a @ w[1].T + b[1])))
        delta_3 = (q - Y) * q * (1 - q)
        delta_2 = (delta_3 @ w[1]) * s
        n = len(X)
        return [delta_2.T @ X / n, delta_3.T @ a / n], [delta_2.sum(axis=0) / n, delta_3.sum(axis=0) / n]

    return network, X, Y, candidate


@pytest.mark.parametrize("z", [1e-5, -1e-5, 1e-7, -1e-7, 1e-9, -1e-9])
@pytest.mark.parametrize("m", [1, 3])
def test_a_right_relu_gradient_near_a_kink_agrees(z, m):
    network, x, y, candidate = kinked(z, m=m)
    assert check(candidate, network, x, y).verdict == AGREES


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("activation", "slope"), [("relu", 0.0), ("leaky_relu", 0.01)])
def test_one_unit_at_a_kink_cannot_be_told_and_is_named(m, at, activation, slope):
    network, x, y, candidate = kinked(0.0, max(at, slope), m, activation, slope)
    report = check(candidate, network, x, y)
    assert report.verdict == CANNOT_TELL
    where = "neuron 1 of layer 2" + (" (example 1)" if m > 1 else "")
    assert list(report.untold()) == [f"not differentiable at {where}"]
    assert report.untold().popitem()[1] == 3  # w^2_11, w^2_12 and b^2_1
    assert report.count("agrees") == 14


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("at", [-1e-6, 1 + 1e-6, -1.0, 2.0, np.nan])
def test_a_claim_outside_the_two_branches_disagrees(at, m):
    network, x, y, candidate = kinked(0.0, at, m)
    report = check(candidate, network, x, y)
    assert report.verdict == DISAGREES
    assert report.count("disagrees") == 3
    assert "outside what the two branches of the kink allow" in str(report)


def test_the_interval_moves_with_weight_decay():
    network, x, y, _ = kinked(0.0)

    def decayed(lam, at):
        def candidate(weights, biases, X, Y):
            nabla_w, nabla_b = kinked(0.0, at)[3](weights, biases, X, Y)
            return [v + lam * w for v, w in zip(nabla_w, weights, strict=True)], nabla_b

        return candidate

    for at in (0.0, 1.0):
        assert check(decayed(0.5, at), network, x, y, weight_decay=0.5).verdict == CANNOT_TELL
    for at in (-0.01, 1.01):
        assert check(decayed(0.5, at), network, x, y, weight_decay=0.5).verdict == DISAGREES


@pytest.mark.parametrize(("at", "verdict"), [(0.0, CANNOT_TELL), (1.0, CANNOT_TELL), (-0.01, DISAGREES), (1.01, DISAGREES)])
def test_the_interval_holds_for_inputs_and_for_float32(at, verdict):
    network, x, y, candidate = kinked(0.0, at, m=3)

    def with_inputs(weights, biases, X, Y):
        nabla_w, nabla_b = candidate(weights, biases, X, Y)
        z = X @ weights[0].T + biases[0]
        s = np.where(z > 0, 1.0, np.where(z < 0, 0.0, at))
        q = 1 / (1 + np.exp(-(np.maximum(z, 0) @ weights[1].T + biases[1])))
        return nabla_w, nabla_b, (((q - Y) * q * (1 - q)) @ weights[1] * s) @ weights[0] / len(X)

    report = check(with_inputs, network, x, y, inputs=True)
    assert report.verdict == verdict
    assert report.parts[0].label == "dC/dx^1"
    assert report.parts[0].count(verdict) == 2  # of example 1
    narrow, x, y = network.astype(np.float32), x.astype(np.float32), y.astype(np.float32)

    def single(*given):
        return [[v.astype(np.float32) for v in part] for part in candidate(*given)]

    assert check(single, narrow, x, y).verdict == verdict


def test_the_interval_does_not_depend_on_the_oracle():
    for at, verdict in [(0.0, CANNOT_TELL), (1.0, CANNOT_TELL), (-0.01, DISAGREES), (1.01, DISAGREES)]:
        network, x, y, candidate = kinked(0.0, at, m=3)
        assert check(candidate, network, x, y, oracle=enclosures.enclose).verdict == verdict


@pytest.mark.parametrize("at", [0.0, 0.7, 3.0])
def test_several_units_at_kinks_cannot_be_told(at):
    network, x, y, candidate = kinked(0.0, at)
    two = replace(network, b=dict(network.b) | {2: np.array([-2.0, 0.5, 0.5])})
    report = check(candidate, two, x, y)
    assert report.verdict == CANNOT_TELL
    assert report.count("disagrees") == 0


def test_a_curved_branch_has_no_interval_but_is_named():
    bent = Activation(
        "bent",
        lambda z: np.where(z > 0, z + z * z, 0),
        lambda z: np.where(z > 0, 1 + 2 * z, 0.0),
        lambda z: np.where(z.real > 0, z + z * z, 0),
        kinks=(0.0,),
    )
    network, x, y, _ = kinked(0.0)
    network = replace(network, sigma={2: bent, 3: network.sigma[3]})

    def claims(by):
        calls = []

        def candidate(weights, biases, X, Y):
            calls.append(1)
            g = matrix.backprop_batch(Network.from_arrays(weights, biases, [bent, "sigmoid"]), X, Y)
            off = by * (len(calls) <= 2)  # at the kink, not at the second point
            return list(g.nabla_w.values()), [g.nabla_b[2] + np.array([off, 0.0, 0.0]), g.nabla_b[3]]

        return candidate

    for candidate in (claims(0.0), claims(100.0)):
        report = check(candidate, network, x, y)
        assert report.verdict == CANNOT_TELL
        assert list(report.untold()) == ["not differentiable at neuron 1 of layer 2"]
