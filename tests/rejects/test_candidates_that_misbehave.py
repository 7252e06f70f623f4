"""Candidates with a planted fault, in every layer and entry: each is caught, and told what it did."""

import itertools
import threading

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.gate import check_network
from backprop_ref.network import Network

SIZES = (3, 4, 4, 2)
NETWORK = Network.random(SIZES, "tanh", seed=11)
RNG = np.random.default_rng(11)
X, Y = RNG.standard_normal((4, 3)), RNG.random((4, 2))
LAYERS = NETWORK.layers


def right(weights, biases, X, Y):
    network = Network.from_arrays(weights, biases, "tanh")
    g = matrix.backprop_batch(network, X, Y)
    return [v.copy() for v in g.nabla_w.values()], [v.copy() for v in g.nabla_b.values()]


def check(candidate, **options):
    return check_network(NETWORK, X, Y, candidate, **options)


def planted(fault):
    def candidate(*given):
        nabla_w, nabla_b = right(*given)
        return fault(nabla_w, nabla_b) or (nabla_w, nabla_b)

    return candidate


def test_the_candidate_without_a_fault_agrees():
    assert check(right).verdict == "agrees"


@pytest.mark.parametrize(("l", "part"), list(itertools.product(LAYERS, "wb")))
@pytest.mark.parametrize("size", [1e-8, 1e-4, 1.0])
def test_every_single_entry_error_is_caught_and_named(l, part, size):
    shape = (NETWORK.w if part == "w" else NETWORK.b)[l].shape
    for index in itertools.islice(np.ndindex(*shape), 0, None, 3):

        def fault(nabla_w, nabla_b, index=index):
            v = (nabla_w if part == "w" else nabla_b)[l - 2]
            v[index] += size * max(abs(v[index]), 1e-3 * np.abs(v).max())

        report = check(planted(fault))
        assert report.count("disagrees") == 1
        subscript = "".join(str(i + 1) for i in index)
        assert report.worst(1)[0].name == f"dC/d{part}^{l}_{subscript}"


@pytest.mark.parametrize("l", LAYERS)
@pytest.mark.parametrize("factor", [0.0, -1.0, 0.5, 1 + 1e-11, 4.0])
def test_every_factor_of_a_whole_layer_is_caught(l, factor):
    def fault(nabla_w, nabla_b):
        nabla_w[l - 2] *= factor
        nabla_b[l - 2] *= factor

    report = check(planted(fault))
    assert report.verdict == "disagrees"
    assert {p.l for p in report.parts if p.count("disagrees")} == {l}


FAULTS = {
    "layers in reversed order": (lambda w, b: (w[::-1], b), "nabla_w[2] has shape (2, 4); it must have shape (4, 3)"),
    "biases in reversed order": (lambda w, b: (w, b[::-1]), "nabla_b[2] has shape (2,); it must have shape (4,)"),
    "weights and biases swapped": (lambda w, b: (b, w), "nabla_w[2] has shape (4,); it must have shape (4, 3)"),
    "a layer for the input": (lambda w, b: ([w[0], *w], b), "nabla_w is a list of 4; a list of 3 is needed, for layers 2..4"),
    "a layer forgotten": (lambda w, b: (w, b[1:]), "nabla_b is a list of 2; a list of 3 is needed, for layers 2..4"),
    "biases as columns": (
        lambda w, b: (w, [v[:, None] for v in b]),
        "nabla_b[2] has shape (4, 1); it must have shape (4,)",
    ),
    "one vector": (
        lambda w, b: np.concatenate([v.ravel() for v in (*w, *b)]),
        "the candidate returned an array of shape (46,); (nabla_w, nabla_b) is needed, lists for layers 2..4",
    ),
    "the weights alone": (
        lambda w, b: w,
        "the candidate returned a list of 3; (nabla_w, nabla_b) is needed, lists for layers 2..4",
    ),
    "a dict": (
        lambda w, b: {"w": w, "b": b},
        "the candidate returned a dict; (nabla_w, nabla_b) is needed, lists for layers 2..4",
    ),
    "a generator": (lambda w, b: (iter(w), b), "nabla_w is a list_iterator; a list of 3 is needed, for layers 2..4"),
    "one bias gradient for two layers": (
        lambda w, b: (w, [b[0], b[0], b[2]]),
        "nabla_b[3] and nabla_b[2] are one array: a later write changes both",
    ),
    "complex numbers": (
        lambda w, b: (w, [v.astype(complex) for v in b]),
        "nabla_b[2] holds complex128; float64, float32 or float16 are needed to say how far it may be off",
    ),
    "text": (lambda w, b: (w, [v.astype(str) for v in b]), "nabla_b[2] holds <U32; float64, float32 or float16 are needed"),
    "None": (lambda w, b: (w, [None, *b[1:]]), "nabla_b[2] holds object; float64, float32 or float16 are needed"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_caught_and_told(name):
    fault, text = FAULTS[name]
    report = check(lambda *given: fault(*right(*given)))
    assert report.verdict != "agrees"
    assert any(finding.text.startswith(text) for finding in report.findings), report.findings
    assert text in str(report)


def test_a_gradient_that_accumulates_over_calls_is_caught():
    total = [np.zeros_like(v) for v in NETWORK.w.values()]

    def fault(nabla_w, nabla_b):
        for t, v in zip(total, nabla_w, strict=True):
            t += v
        return [t.copy() for t in total], nabla_b

    report = check(planted(fault))
    assert report.verdict != "agrees"
    assert report.findings[0].text.startswith("two calls with the same inputs gave different gradients")


def test_a_buffer_that_is_used_again_is_not_held_against_it():
    # what a call returned is copied at once: later calls may write over it
    buffers = [np.empty_like(v) for v in NETWORK.w.values()]

    def fault(nabla_w, nabla_b):
        for buffer, v in zip(buffers, nabla_w, strict=True):
            buffer[...] = v
        return buffers, nabla_b

    report = check(planted(fault))
    assert report.verdict == "agrees"
    here = right(list(NETWORK.w.values()), list(NETWORK.b.values()), X, Y)[0]
    claimed = [p.claimed for p in report.parts if p.part == "nabla_w"]
    assert all((v == w).all() for v, w in zip(claimed, here, strict=True))


def test_an_update_in_place_is_caught():
    def trains(weights, biases, X, Y):
        nabla_w, nabla_b = right(weights, biases, X, Y)
        for w, v in zip(weights, nabla_w, strict=True):
            w -= 0.1 * v
        return nabla_w, nabla_b

    report = check(trains)
    text = "the candidate changed its inputs: w[2], w[3], w[4]; it must leave them as they are"
    assert [f.text for f in report.findings] == [text]
    assert report.verdict == "disagrees"


def test_dropout_that_stayed_on_is_caught():
    rng = np.random.default_rng(0)

    def fault(nabla_w, nabla_b):
        nabla_w[1] *= 2.0 * (rng.random(nabla_w[1].shape) < 0.5)

    report = check(planted(fault))
    assert report.verdict == "disagrees"
    assert "two calls with the same inputs gave different gradients" in report.findings[0].text


def test_a_thread_that_never_ends_does_not_end_the_check():
    forever = threading.Event()
    try:
        report = check(lambda *given: forever.wait(), timeout=0.05)
        assert report.verdict == "cannot tell"
        assert report.findings[0].text.startswith("the candidate did not come back within 0.05 s")
    finally:
        forever.set()


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), RecursionError("deep"), StopIteration(3)])
def test_no_way_to_end_ends_the_check(error):
    def candidate(*given):
        raise error

    report = check(candidate)
    assert report.verdict == "cannot tell"
    assert report.findings[0].text.startswith(f"the candidate raised {type(error).__name__}")
