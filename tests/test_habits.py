"""More habits than examples/wild has room for: each right source agrees, and disagrees with one mistake in it."""

import inspect
from pathlib import Path

import pytest

from backprop_ref import cli

NAMED_PASSES = """
import numpy as np

def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    return Z1, A1, Z2, A2

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    m = Y.size
    dZ2 = A2 - np.eye(3)[Y].T
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    return dZ1.dot(X.T) / m, dZ1.sum(axis=1, keepdims=True) / m, dZ2.dot(A1.T) / m, dZ2.sum(axis=1, keepdims=True) / m
"""
FORWARD_FIRST = """
import numpy as np

class Net:
    def __init__(self, i, h, o):
        self.W1, self.b1 = np.random.randn(i, h), np.zeros((1, h))
        self.W2, self.b2 = np.random.randn(h, o), np.zeros((1, o))

    def forward(self, X):
        self.a1 = np.tanh(X @ self.W1 + self.b1)
        self.out = self.a1 @ self.W2 + self.b2
        return self.out

    def backward(self, X, Y):
        d = (self.out - Y) / len(X)
        self.dW2, self.db2 = self.a1.T @ d, d.sum(0, keepdims=True)
        e = d @ self.W2.T * (1 - self.a1**2)
        self.dW1, self.db1 = X.T @ e, e.sum(0, keepdims=True)
"""
LAYERS_THAT_LEARN = """
import numpy as np

class Dense:
    def __init__(self, i, o):
        self.weights, self.bias = np.random.rand(i, o) - 0.5, np.random.rand(1, o) - 0.5

    def forward_propagation(self, x):
        self.x = x
        return x @ self.weights + self.bias

    def backward_propagation(self, error, learning_rate):
        below = error @ self.weights.T
        self.weights -= learning_rate * self.x.T @ error
        self.bias -= learning_rate * error.sum(0, keepdims=True)
        return below

class Tanh:
    def forward_propagation(self, x):
        self.x = x
        return np.tanh(x)

    def backward_propagation(self, error, learning_rate):
        return (1 - np.tanh(self.x) ** 2) * error

class Network:
    def __init__(self):
        self.layers = [Dense(3, 5), Tanh(), Dense(5, 2), Tanh()]
"""
SCORES_OUT = """
import numpy as np

class Dense:
    def __init__(self, i, o):
        self.W, self.b = np.random.randn(i, o), np.zeros(o)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        return grad @ self.W.T, self.x.T @ grad, grad.sum(axis=0)

class Relu:
    def forward(self, x):
        self.on = x > 0
        return x * self.on

    def backward(self, grad):
        return grad * self.on

net = [Dense(4, 5), Relu(), Dense(5, 3)]
"""
ONE_OUTPUT_FLOAT32 = """
import numpy as np

class Net:
    def __init__(self, n, h):
        self.W1, self.b1 = np.random.randn(n, h).astype(np.float32), np.zeros(h, np.float32)
        self.w2, self.b2 = np.random.randn(h, 1).astype(np.float32), np.zeros(1, np.float32)

    def grads(self, X, y):
        h = np.tanh(X @ self.W1 + self.b1)
        d = (((h @ self.w2 + self.b2)[:, 0] - y) / len(y))[:, None]
        e = (d @ self.w2.T) * (1 - h * h)
        return dict(W1=X.T @ e, b1=e.sum(0), w2=h.T @ d, b2=d.sum(0))
"""
ONE_BUFFER = """
import numpy as np

class Net:
    def __init__(self, sizes):
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes, sizes[1:])]
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.nabla_w, self.nabla_b = [np.zeros_like(w) for w in self.weights], [np.zeros_like(b) for b in self.biases]

    def backprop(self, x, y):
        if x.shape[1] > 1:
            raise ValueError("one column")
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(1 / (1 + np.exp(-(w @ a[-1] + b))))
        delta = (a[-1] - y) * a[-1] * (1 - a[-1])
        for l in range(len(self.weights) - 1, -1, -1):
            self.nabla_b[l][...], self.nabla_w[l][...] = delta, delta @ a[l].T
            delta = self.weights[l].T @ delta * a[l] * (1 - a[l])
        return self.nabla_b, self.nabla_w
"""
NESTED = (Path(__file__).parent.parent / "examples/nested_arrays.py").read_text()
SOFTMAX = ("--activation", "relu,softmax", "--cost", "log_likelihood")
# source, the name to gate, options, form, (what is right, the mistake in its place)
HABITS = {
    "passes by name": (NAMED_PASSES, "backward_prop", ("--sizes", "4,5,3", *SOFTMAX), "arrays", ("* (Z1 > 0)", "")),
    "forward first": (
        FORWARD_FIRST, "Net", ("--init", "Net(3, 4, 2)", "--activation", "tanh,linear"), "object", ("X.T @ e", "X.T @ e / 2"),
    ),
    "layers that learn": (
        LAYERS_THAT_LEARN, "Network", ("--activation", "tanh"), "layers", ("self.weights.T", "self.weights.T / 2"),
    ),
    "scores out": (SCORES_OUT, "net", SOFTMAX, "layers", ("grad.sum(axis=0)", "grad.mean(axis=0)")),
    "one output, float32": (
        ONE_OUTPUT_FLOAT32, "Net", ("--init", "Net(4, 3)", "--activation", "tanh,linear"), "object", ("1 - h * h", "1 - h"),
    ),
    "one buffer": (ONE_BUFFER, "Net", ("--init", "Net([3, 5, 2])"), "book", ("a[l] * (1 - a[l])", "a[l]")),
    "nested arrays": (NESTED, "gradient", (), "list", ("delta.sum(axis=0)", "-delta.sum(axis=0)")),
}  # fmt: skip


@pytest.mark.parametrize(("source", "name", "options", "form", "mistake"), HABITS.values(), ids=HABITS.keys())
def test_a_habit_agrees_and_with_a_mistake_in_it_disagrees(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    name: str,
    options: tuple[str, ...],
    form: str,
    mistake: tuple[str, str],
) -> None:
    file = tmp_path / "habit.py"
    file.write_text(source)
    code = cli.run(["gate", f"{file}:{name}", *options])
    out = capsys.readouterr().out
    assert code == 0, out
    assert f"  note       {form} form: " in out
    right, wrong = mistake
    assert right in source
    file.write_text(source.replace(right, wrong))
    assert cli.run(["gate", f"{file}:{name}", *options]) == 1
    capsys.readouterr()


def test_a_learning_rate_is_found_where_it_must_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = inspect.cleandoc(FORWARD_FIRST) + (
        "\n    def train(self, X, Y):\n        self.forward(X)\n        self.backward(X, Y)\n"
        "        for name in ('W1', 'b1', 'W2', 'b2'):\n"
        "            getattr(self, name)[...] -= 0.5 * getattr(self, 'd' + name)\n"
    )
    (tmp_path / "net.py").write_text(source)
    target = [f"{tmp_path}/net.py:Net.train", "--init", "Net(3, 4, 2)", "--activation", "tanh,linear", "--form", "update"]
    assert cli.run(["gate", *target]) == 3
    assert (
        "changed the parameters, but by which eta is not known: --eta says it, 1 where there is none" in capsys.readouterr().out
    )
    assert cli.run(["gate", *target, "--eta", "0.5"]) == 0
    assert cli.run(["gate", *target, "--eta", "0.25"]) == 1
    capsys.readouterr()
