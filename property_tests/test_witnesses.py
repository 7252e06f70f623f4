"""The oracles against the implementations, against the truth, and against their own plain versions."""

from typing import Any

import flint
import numpy as np
import pytest
from comparison import PRECISION
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop_ref import matrix, neuron
from backprop_ref.activations import ACTIVATIONS
from backprop_ref.gate.check import compare
from backprop_ref.gradient import Estimate, Gradient, Verdict
from backprop_ref.network import Network
from backprop_ref.oracles import differences
from backprop_ref.rounding import U
from backprop_ref.strategies import batches, decimals

COMPLEX = [s for s in ACTIVATIONS.values() if s.complex]
PROBES = batches(activations=COMPLEX)
FORMS = {"chapter": matrix.CHAPTER, "Sigma'": matrix.SIGMA_FORM, "unrolled": matrix.UNROLLED, "paths": matrix.PATHS}
ORACLES = {"complex step": differences.complex_step, "central": differences.central}


def estimate(oracle: Any, network: Network, X: Any, Y: Any, **options: Any) -> Estimate:
    assume(np.isfinite(matrix.cost(network, X, Y)))  # an output of exactly 0 or 1 has no logarithm
    return oracle(network, X, Y, **options)


def truth(network: Network, X: Any, Y: Any) -> Gradient:
    """neuron.py over balls of 300 bits, as floats: right to the last bit or so."""
    before = flint.ctx.prec
    flint.ctx.prec = PRECISION
    try:
        balls = neuron.backprop_batch(network.over(flint.arb), X.tolist(), Y.tolist())
        return Gradient(
            *(
                {l: np.vectorize(lambda ball: float(ball.mid()), otypes=[float])(v) for l, v in getattr(balls, part).items()}
                for part in ("nabla_w", "nabla_b", "delta")
            )
        )
    finally:
        flint.ctx.prec = before


def pairs(p: Gradient, q: Gradient) -> Any:
    """(layers of p, layers of q) for each part."""
    return [(getattr(p, part), getattr(q, part)) for part in ("nabla_w", "nabla_b", "delta")]


def outside(claim: Gradient, expected: Estimate, slack: float = 0.0) -> list[str]:
    """Told entries that are farther from the estimate than its bound."""
    found = []
    for (part, l, v), (_, _, e), (_, _, bound), (_, _, why) in zip(
        claim.items(), expected.items(), expected.bound.items(), expected.why.items(), strict=True
    ):
        wrong = (why == 0) & ~(np.abs(v - e) <= (1 + slack) * bound + 4 * U * np.abs(v))
        found += [f"{part}^{l}{tuple(i)}: {v[tuple(i)]}, {e[tuple(i)]} +- {bound[tuple(i)]}" for i in np.argwhere(wrong)]
    return found


@pytest.mark.parametrize("oracle", ORACLES)
@settings(deadline=None, max_examples=60)
@given(PROBES)
def test_every_implementation_agrees_with_every_oracle(oracle: str, probe: Any) -> None:
    network, X, Y = probe
    expected = estimate(ORACLES[oracle], network, X, Y)
    claims = {name: matrix.backprop_batch(network, X, Y, form) for name, form in FORMS.items()}
    claims["neuron"] = neuron.backprop_batch(network, X, Y)
    for name, claim in claims.items():
        for part in compare(network, X, Y, claim, expected):
            assert not part.count(Verdict.DISAGREES), (name, part.label, part.claimed, part.expected, part.bound)


@settings(deadline=None, max_examples=150)
@given(PROBES)
def test_the_truth_lies_within_the_bound_of_complex_step(probe: Any) -> None:
    network, X, Y = probe
    expected = estimate(differences.complex_step, network, X, Y)
    assert expected.proven
    assert not outside(truth(network, X, Y), expected)


@settings(deadline=None, max_examples=150)
@given(batches())
def test_the_truth_lies_within_the_error_bar_of_central_differences(probe: Any) -> None:
    network, X, Y = probe
    assume("gelu_erf" not in {s.name for s in network.sigma.values()})  # math.erfc knows no balls
    expected = estimate(differences.central, network, X, Y)
    assert not expected.proven
    assert not outside(truth(network, X, Y), expected)


@settings(deadline=None, max_examples=60)
@given(PROBES)
def test_complex_step_is_its_plain_version(probe: Any) -> None:
    network, X, Y = probe
    fast = estimate(differences.complex_step, network, X, Y)
    plain = differences.plain_complex_step(network, X, Y, h=2.0**-120)  # small beside any step that the fast one takes
    large = Gradient(
        *(
            {l: np.where(np.abs(v) > 1e-200, v, fast_part[l]) for l, v in layers.items()}
            for layers, fast_part in pairs(plain, fast)
        )
    )
    assert not outside(large, fast, slack=1)  # below, the plain step underflows


@settings(deadline=None, max_examples=60)
@given(batches(activations=["sigmoid", "tanh", "linear", "softplus"], max_neurons=3, entries=decimals(1.0)))
def test_central_is_its_plain_version(probe: Any) -> None:
    network, X, Y = probe
    fast = estimate(differences.central, network, X, Y)
    plain = differences.plain_central(network, X, Y)
    for (part, l, v), (_, _, e), (_, _, bar) in zip(plain.items(), fast.items(), fast.bound.items(), strict=True):
        assert np.all(np.abs(v - e) <= bar + 1e-6 * np.max(np.abs(e), initial=1e-3)), (part, l)


@settings(deadline=None, max_examples=30)
@given(PROBES, st.integers(20, 23))
def test_less_memory_gives_the_same(probe: Any, bits: int) -> None:
    network, X, Y = probe
    for oracle in ORACLES.values():
        whole, blocked = estimate(oracle, network, X, Y), estimate(oracle, network, X, Y, memory=2**bits)
        assert not outside(blocked, whole)


@settings(deadline=None, max_examples=60)
@given(PROBES, st.integers(0, 2**32 - 1))
def test_a_directional_derivative_is_the_gradient_along_it(probe: Any, seed: int) -> None:
    network, X, Y = probe
    rng = np.random.default_rng(seed)
    v = Gradient(
        {l: rng.standard_normal(w.shape) for l, w in network.w.items()},
        {l: rng.standard_normal(b.shape) for l, b in network.b.items() if network.has_biases},
    )
    assume(np.isfinite(matrix.cost(network, X, Y)))
    slope, bound = differences.directional(network, X, Y, v)
    g = truth(network, X, Y)
    along = [(getattr(g, part)[l] * u).ravel() for part, l, u in v.items()]
    total, size = np.sum(np.concatenate(along)), np.sum(np.abs(np.concatenate(along)))
    assert np.isnan(bound) or abs(total - slope) <= bound + (2 * network.parameters + 4) * U * size
