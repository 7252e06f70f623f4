"""How an answer is read before it is judged: labels or vectors as desired outputs, and how accurate a wrong answer is."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backprop_ref.gate import check_network
from backprop_ref.gate.candidates import Candidate, gate
from backprop_ref.gradient import Verdict
from backprop_ref.matrix import backprop_batch
from backprop_ref.network import Network

# Examples in columns: labels (m,) are broadcast against outputs (n_L, m), and nobody is told.
COLUMNS = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def gradient(weights, biases, X, Y):
    m, N = X.shape[1], len(weights)
    a = [X]
    for W, b in zip(weights, biases):
        a.append(sigmoid(W @ a[-1] + b))
    {first}
    dws, dbs = [None] * N, [None] * N
    for i in range(N - 1, -1, -1):
        dws[i] = d @ a[i].T / m
        dbs[i] = d.sum(axis=1, keepdims=True) / m
        if i > 0:
            {then}
    return dws, dbs
"""
FIRST, THEN = "d = (a[-1] - Y) * a[-1] * (1 - a[-1])", "d = (weights[i].T @ d) * a[i] * (1 - a[i])"
LABELS = "integer class labels from 0"


@pytest.mark.parametrize(
    ("first", "then", "mistake"),
    [
        ("d = (Y - a[-1]) * a[-1] * (1 - a[-1])", THEN, "sign"),
        ("d = 2.5 * (Y - a[-1]) * a[-1] * (1 - a[-1])", THEN, ""),
        (FIRST, "d = weights[i].T @ d", "bp2-slope-missing"),
        (FIRST, "d = -np.sin(3 * weights[i].T @ d)", None),
        ("d = Y - np.sin(3 * a[-1])", THEN, None),
    ],
)
def test_labels_that_are_only_broadcast_are_not_handed_over(tmp_path: Path, first: str, then: str, mistake: str | None) -> None:
    path = tmp_path / "columns.py"
    path.write_text(COLUMNS.format(first=first, then=then))
    gated = gate(Candidate(f"{path}:gradient"))
    assert gated.verdict is Verdict.DISAGREES
    assert LABELS not in gated.report.notes
    assert gated.report.diagnosis is not None
    if mistake is not None:
        assert mistake in gated.report.diagnosis.mistake
        assert gated.report.diagnosis.mistake
    else:
        assert gated.report.diagnosis.mistake == ""


def test_labels_that_a_mistake_explains_are_handed_over(tmp_path: Path) -> None:
    path = tmp_path / "classes.py"
    taken = "T = np.eye(len(a[-1]))[:, Y.astype(int)] if Y.ndim == 1 else Y[:, ::-1] ** 2; "
    path.write_text(COLUMNS.format(first=taken + FIRST.replace("Y", "T"), then="d = weights[i].T @ d"))
    gated = gate(Candidate(f"{path}:gradient"))
    assert gated.report.diagnosis is not None
    assert "bp2-slope-missing" in gated.report.diagnosis.mistake
    assert LABELS in gated.report.notes


NETWORK = Network.random((3, 5, 4, 2), "sigmoid", seed=0)
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((6, 3)), RNG.uniform(0.1, 0.9, (6, 2))


Answer = tuple[list[np.ndarray], list[np.ndarray]]


def times(c: float, network: Network) -> Callable[..., Answer]:
    def candidate(weights: object, biases: object, X: np.ndarray, Y: np.ndarray) -> Answer:
        g = backprop_batch(network, X, Y)
        return [c * v for v in g.nabla_w.values()], [c * v for v in g.nabla_b.values()]

    return candidate


@pytest.mark.parametrize(
    ("scale", "last", "c"),
    [(10, "sigmoid", 1.5), (10, "sigmoid", -1), (10, "tanh", -1), (30, "sigmoid", -1), (1e5, "linear", 1.5), (1e5, "linear", -1)],
)
def test_a_grossly_wrong_gradient_is_accurate_to_nothing(scale: float, last: str, c: float) -> None:
    """Large weights: in a narrow dtype the bounds are as large as the entries, or infinite."""
    w, b = ([scale * v for v in part.values()] for part in (NETWORK.w, NETWORK.b))
    network = Network.from_arrays(w, b, ["tanh", "tanh", last])
    report = check_network(network, X, Y, times(c, network))
    assert report.verdict is Verdict.DISAGREES
    assert not any("accurate to" in note for note in report.notes)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_an_answer_that_was_rounded_is_accurate_to_what_it_was_rounded_to(dtype: str) -> None:
    def candidate(weights: object, biases: object, X: np.ndarray, Y: np.ndarray) -> Answer:
        g = backprop_batch(NETWORK, X, Y)
        w, b = ([v.astype(dtype).astype(float) for v in part.values()] for part in (g.nabla_w, g.nabla_b))
        return w, b

    report = check_network(NETWORK, X, Y, candidate)
    text = f"accurate to {dtype} only: within what a right {dtype} computation may be off, but it came back as float64"
    assert text in report.notes
