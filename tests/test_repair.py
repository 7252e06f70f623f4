"""The chapter's lines as a candidate would write them: they run in its form, and give the chapter's arrays there."""

import ast
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_ref.gate import loading
from backprop_ref.gate.forms import guess as guessing
from backprop_ref.gate.forms.calls import Data
from backprop_ref.gate.planting import LEFT, RIGHT
from backprop_ref.gate.repair import BOOK, Form, form_of, lists, rewritten
from backprop_ref.matrix import CHAPTER, Pass, backprop_batch
from backprop_ref.network import Network

ROOT = Path(__file__).parent.parent
LINES = [f"{LEFT[part]} = {RIGHT[part]}" for part in ("z", "a", "bp1", "bp2", "bp3", "bp4")]
LINES += [f"{LEFT['bp1']} = {RIGHT['bp1 of softmax']}", "delta[L] = a[L] - y"]
LINES += ["nabla_w[l] = (delta[l] @ a[l - 1].T) / m", "nabla_b[l] = sum_examples(delta[l]) / m"]
BP2 = "delta[l] = (w[l + 1].T @ delta[l + 1]) * sigma_prime[l](z[l])"


def test_the_book_s_letters_stay_as_they_are() -> None:
    assert rewritten(LINES, (2, 3, 4), 4, BOOK) == LINES
    assert rewritten(LINES, (2, 3, 4), 4, lists(3)) == LINES  # the gate knows the names of another network's layers


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (Form(transposed=True), "delta[2] = (w[3] @ delta[3]) * sigma_prime(z[2])"),
        (Form(bias="flat"), "delta[2] = (w[3].T @ delta[3]) * sigma_prime(z[2])"),
        (Form(examples="rows"), "delta[2] = (delta[3] @ w[3]) * sigma_prime(z[2])"),
        (Form(examples="rows", transposed=True), "delta[2] = (delta[3] @ w[3].T) * sigma_prime(z[2])"),
        (Form(examples="vector"), "delta[2] = (w[3].T @ delta[3]) * sigma_prime(z[2])"),
        (Form(examples="row"), "delta[2] = (delta[3] @ w[3]) * sigma_prime(z[2])"),
        (lists(4), "deltas[0] = (deltas[1] @ weights[1]) * sigma_prime(zs[0])  # layer 2"),
    ],
)
def test_bp2_in_a_form(form: Form, line: str) -> None:
    assert rewritten([BP2], (2,), 4, form) == [line]


def test_one_line_for_all_its_layers_and_the_one_nearest_the_output_is_written_out() -> None:
    form = Form(examples="rows")
    assert rewritten([BP2], (2, 3), 4, form) == ["delta[3] = (delta[4] @ w[4]) * sigma_prime(z[3])  # layer 3, and so in layer 2"]
    assert rewritten(LINES[2:4], (2, 3, 4), 4, form) == [  # BP1 is about layer L, BP2 about the others
        "delta[4] = nabla_a_C(a[4], y) * sigma_prime(z[4])",
        "delta[3] = (delta[4] @ w[4]) * sigma_prime(z[3])  # layer 3, and so in layer 2",
    ]
    assert rewritten([LINES[4]], (2, 3, 4), 4, form)[0].endswith("  # layer 4, and so in layers 2, 3")
    assert rewritten([BP2], (4,), 4, form) == []  # there is no BP2 in layer L


# ------------------------------------------------------------------------------------------- every form, by running the line


NETWORK = Network.random([3, 5, 4, 2], "sigmoid", seed=1)


def chapter(m: int) -> Pass:
    """A pass of the chapter, with its gradients as sums."""
    rng = np.random.default_rng(m)
    p = Pass(NETWORK, rng.uniform(0.1, 0.9, (2, m)), {1: rng.standard_normal((3, m))})
    CHAPTER.forward(p)
    p.delta[4] = CHAPTER.bp1(p)
    for l in (3, 2):
        p.delta[l] = CHAPTER.bp2(p, l)
    return p


def stored(form: Form, p: Pass) -> dict[str, Any]:
    """The arrays of a pass as this form stores them."""

    def example(v: Any) -> Any:
        return v[:, 0] if form.examples == "vector" else v.T if form.direction == "rows" else v

    def bias(v: Any) -> Any:
        return v.reshape({"flat": (-1,), "column": (-1, 1), "row": (1, -1)}[form.bias])

    names = {name: {l: example(v) for l, v in getattr(p, name).items()} for name in ("z", "a", "delta")}
    names |= {"w": {l: v.T if form.transposed else v for l, v in p.w.items()}, "b": {l: bias(v) for l, v in p.b.items()}}
    names["nabla_w"] = {l: CHAPTER.bp4(p, l).T if form.transposed else CHAPTER.bp4(p, l) for l in p.layers}
    names["nabla_b"] = {l: bias(CHAPTER.bp3(p, l)) for l in p.layers}
    return names | {"x": names["a"][1], "y": example(p.y)}


W = ("w[2]", "w[3]", "w[4]")
FORMS = [
    Form(W, examples=examples, transposed=transposed, bias=bias)
    for examples, transposed, bias in product(
        ("rows", "columns", "row", "column", "vector"), (False, True), ("flat", "column", "row")
    )
]


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.examples}-{'transposed-' * f.transposed}{f.bias}")
def test_every_line_of_the_chapter_gives_the_chapter_s_array_in_every_storage(form: Form) -> None:
    m = 6 if form.examples in ("rows", "columns") else 1
    p = chapter(m)
    right = stored(form, p)
    sigma = NETWORK.sigma[2]
    names = {"np": np, "m": m, "sigma": sigma.sigma, "sigma_prime": sigma.sigma_prime, "nabla_a_C": lambda a, y: a - y}
    for line in (line for i, line in enumerate(LINES) if i not in (6, 7)):
        for l in (2, 3, 4):
            for said in rewritten([line], (l,), 4, form):
                here = {**names, **{name: dict(v) if isinstance(v, dict) else v for name, v in right.items()}}
                exec(said, here)
                letter, at = ast.unparse(ast.parse(said).body[0].targets[0]).rstrip("]").split("[")  # type: ignore[attr-defined]
                got, expected = here[letter][int(at)], right[letter][int(at)] / (m if line.endswith("/ m") else 1)
                assert got.shape == expected.shape, said
                np.testing.assert_array_max_ulp(got, expected, maxulp=64)


@pytest.mark.parametrize("examples", ["rows", "columns", "vector"])
def test_softmax_goes_through_its_whole_jacobian(examples: str) -> None:
    form = Form(W, examples=examples)
    [said] = rewritten([LINES[6]], (4,), 4, form)
    a, g = np.array([[0.5, 0.25], [0.25, 0.25], [0.25, 0.5]]), np.array([[1.0, 2.0], [0.0, 4.0], [2.0, -1.0]])
    if examples == "vector":
        a, g = a[:, :1], g[:, :1]
    expected = np.stack([(np.diag(p) - np.outer(p, p)) @ v for p, v in zip(a.T, g.T, strict=True)])  # binary fractions: exact
    turn = {"rows": lambda v: v.T, "columns": lambda v: v, "vector": lambda v: v[:, 0]}[examples]
    here: dict[str, Any] = {"a": {4: turn(a)}, "y": turn(a - g), "nabla_a_C": lambda a, y: a - y, "delta": {}}
    exec(said, here)
    assert here["delta"][4].tolist() == turn(expected.T).tolist()


def test_a_pair_is_the_difference() -> None:
    assert rewritten([LINES[7]], (4,), 4, lists(4)) == ["deltas[2] = activations[3] - Y  # layer 4"]
    custom = ["delta[L] = delta_L(z[L], y)"]
    assert rewritten(custom, (4,), 4, Form(examples="rows")) == ["delta[4] = delta_L(z[4], y)"]


def test_a_line_that_is_not_the_chapter_s_is_refused() -> None:
    for line in ("delta[l] = [z for z in z]", "delta[l] = w[0]"):
        with pytest.raises(SyntaxError, match=r"is in no line of the chapter\.|is no letter of a layer\."):
            rewritten([line], (2,), 4, lists(4))


# ------------------------------------------------------------------------------------------------------ what the gate knows


def known(source: str, name: str, sizes: tuple[int, ...], tmp_path: Path, **limits: Any) -> Form:
    """The form of a candidate, guessed as the gate guesses it."""
    (tmp_path / "mynet.py").write_text("import numpy as np\n" + source)
    loaded, spelt = loading.load(f"{tmp_path}/mynet.py:{name}", False)
    target = loading.target(loaded, spelt, limits.pop("init", None)).value
    network = Network.random(sizes, "sigmoid", seed=0)
    rng = np.random.default_rng(0)
    m = 6
    data = Data(rng.standard_normal((m, sizes[0])), rng.uniform(0.1, 0.9, (m, sizes[-1])), None, ["sigmoid"] * (len(sizes) - 1))
    w, b = list(network.w.values()), list(network.b.values())
    found = guessing.guess(target, loaded.module, guessing.Limits(**limits), w, b, data, lambda f, *args: f(*args))
    assert found.ways, found.failed
    right = list(backprop_batch(network, data.X, data.Y).nabla_b.values())  # shapes alone cannot tell the side of a bias column
    way, _ = min(found.ways, key=lambda found: sum(np.abs(v - u).max() for v, u in zip(found[1].b, right, strict=True)))
    return Form.of(form_of(way))


SIGMA = "def sigmoid(z): return 1 / (1 + np.exp(-z))\ndef prime(z): return sigmoid(z) * (1 - sigmoid(z))\n"
LOOP = """
    deltas = [(outs[-1] - Y) * prime(nets[-1])]
    for i in range(len(ws) - 1, 0, -1):
        deltas.insert(0, deltas[0] @ ws[i] * prime(nets[i - 1]))
    grads_w = [d.T @ a / len(X) for d, a in zip(deltas, outs)]
    grads_b = [d.mean(axis=0) for d in deltas]
"""
LISTS = f"""{SIGMA}
def gradient(ws, bs, X, Y):
    outs, nets = [X], []
    for w, b in zip(ws, bs):
        nets.append(outs[-1] @ w.T + b)
        outs.append(sigmoid(nets[-1])){LOOP}
    return grads_w, grads_b
"""
PAIRS = LISTS.replace("ws, bs, X, Y", "params, X, Y").replace("    outs,", "    ws, bs = zip(*params)\n    outs,", 1)
DICT = f"""{SIGMA}
def backward(params, X, Y):
    Z1 = params["W1"] @ X + params["b1"]
    A1 = sigmoid(Z1)
    Z2 = params["W2"] @ A1 + params["b2"]
    dZ2 = (sigmoid(Z2) - Y) * prime(Z2) / X.shape[1]
    dZ1 = params["W2"].T @ dZ2 * prime(Z1)
    grads = {{"dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True)}}
    grads |= {{"dW2": dZ2 @ A1.T, "db2": dZ2.sum(axis=1, keepdims=True)}}
    return grads
"""
ARRAYS = f"""{SIGMA}
def backward(X, y, W1, b1, W2, b2):
    h = sigmoid(X @ W1 + b1)
    out = sigmoid(h @ W2 + b2)
    d2 = (out - y) * out * (1 - out) / len(X)
    d1 = d2 @ W2.T * h * (1 - h)
    dW1, db1, dW2, db2 = X.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)
    return dW1, db1, dW2, db2
"""
NIELSEN = f"""{SIGMA}
class Network:
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.weights = [np.random.randn(j, k) for k, j in zip(sizes, sizes[1:])]
        self.biases = [np.random.randn(j, 1) for j in sizes[1:]]
    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activations, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))
        delta = (activations[-1] - y) * prime(zs[-1])
        nabla_b[-1], nabla_w[-1] = delta, delta @ activations[-2].T
        for l in range(2, self.num_layers):
            delta = np.dot(self.weights[-l + 1].T, delta) * prime(zs[-l])
            nabla_b[-l], nabla_w[-l] = delta, delta @ activations[-l - 1].T
        return nabla_b, nabla_w
"""
FOLDED = f"""{SIGMA}
class Net:
    def __init__(self, sizes):
        self.theta = [np.random.randn(1 + k, j) for k, j in zip(sizes, sizes[1:])]
    def gradient(self, X, Y):
        outs, nets, ones = [X], [], np.ones((len(X), 1))
        for t in self.theta:
            nets.append(np.hstack([ones, outs[-1]]) @ t)
            outs.append(sigmoid(nets[-1]))
        d, grads = (outs[-1] - Y) * prime(nets[-1]) / len(X), []
        for i in range(len(self.theta) - 1, -1, -1):
            grads.insert(0, np.hstack([ones, outs[i]]).T @ d)
            d = d @ self.theta[i][1:].T * prime(nets[i - 1]) if i else d
        return grads
"""
ON_OBJECT = f"""{SIGMA}
class Net:
    def __init__(self):
        self.params = {{"W1": np.zeros((3, 5)), "b1": np.zeros((1, 5)), "W2": np.zeros((5, 2)), "b2": np.zeros((1, 2))}}
    def backward(self, X, y):
        W1, b1, W2, b2 = (self.params[k] for k in ("W1", "b1", "W2", "b2"))
        h = sigmoid(X @ W1 + b1)
        out = sigmoid(h @ W2 + b2)
        d2 = (out - y) * out * (1 - out) / len(X)
        d1 = d2 @ W2.T * h * (1 - h)
        self.grads = {{"W1": X.T @ d1, "b1": d1.sum(0, keepdims=True), "W2": h.T @ d2, "b2": d2.sum(0, keepdims=True)}}
"""
UPDATE = f"""{SIGMA}
def train_step(weights, biases, x, y, lr):
    outs, nets = [x], []
    for w, b in zip(weights, biases):
        nets.append(w @ outs[-1] + b)
        outs.append(sigmoid(nets[-1]))
    d = (outs[-1] - y) * prime(nets[-1])
    for i in range(len(weights) - 1, -1, -1):
        below = weights[i].T @ d * prime(nets[i - 1]) if i else d
        weights[i] = weights[i] - lr * np.outer(d, outs[i])
        biases[i] = biases[i] - lr * d
        d = below
"""
LAYERS = f"""{SIGMA}
class Dense:
    def __init__(self, n, k):
        self.W, self.b = np.random.randn(n, k), np.zeros(k)
    def forward(self, x):
        self.x, self.z = x, x @ self.W + self.b
        return sigmoid(self.z)
    def backward(self, grad):
        d = grad * prime(self.z)
        self.dW, self.db = self.x.T @ d, d.sum(axis=0)
        return d @ self.W.T
net = [Dense(3, 5), Dense(5, 4), Dense(4, 2)]
"""
FLAT = """
def grad(theta, X, Y):
    return theta.reshape(-1) * 2
"""
BP2_BP3_BP4 = [BP2, LINES[4], LINES[5]]


@pytest.mark.parametrize(
    ("source", "name", "sizes", "limits", "expected"),
    [
        (
            LISTS,
            "gradient",
            (3, 5, 4, 2),
            {},
            [
                "deltas[0] = (deltas[1] @ ws[1]) * sigma_prime(zs[0])",
                "grads_b[0] = deltas[0].sum(axis=0)",
                "grads_w[0] = deltas[0].T @ activations[0]",
            ],
        ),
        (
            PAIRS,
            "gradient",
            (3, 5, 4, 2),
            {"mean": True},
            [
                "deltas[0] = (deltas[1] @ params[1][0]) * sigma_prime(zs[0])",
                "grads_b[0] = deltas[0].sum(axis=0)",
                "grads_w[0] = deltas[0].T @ activations[0]",
            ],
        ),
        (
            DICT,
            "backward",
            (3, 5, 2),
            {},
            [
                'delta1 = (params["W2"].T @ delta2) * sigma_prime(Z1)',
                'grads["db1"] = delta1.sum(axis=1, keepdims=True)',
                'grads["dW1"] = delta1 @ X.T',
            ],
        ),
        (
            ARRAYS,
            "backward",
            (3, 5, 2),
            {},
            ["delta1 = (delta2 @ W2.T) * sigma_prime(Z1)", "db1 = delta1.sum(axis=0)", "dW1 = X.T @ delta1"],
        ),
        (
            NIELSEN,
            "Network",
            (3, 5, 4, 2),
            {"init": "Network([3, 5, 4, 2])"},
            [
                "delta = (self.weights[-2].T @ delta) * sigma_prime(zs[-3])",
                "nabla_b[-3] = delta",
                "nabla_w[-3] = delta @ activations[-4].T",
            ],
        ),
        (
            FOLDED,
            "Net",
            (3, 5, 4, 2),
            {"init": "Net([3, 5, 4, 2])"},
            [
                "deltas[0] = (deltas[1] @ self.theta[1][1:].T) * sigma_prime(zs[0])",
                "grads[0][0] = deltas[0].sum(axis=0)",
                "grads[0][1:] = activations[0].T @ deltas[0]",
            ],
        ),
        (
            ON_OBJECT,
            "Net",
            (3, 5, 2),
            {"init": "Net()"},
            [
                'delta1 = (delta2 @ self.params["W2"].T) * sigma_prime(Z1)',
                'self.grads["b1"] = delta1.sum(axis=0, keepdims=True)',
                'self.grads["W1"] = X.T @ delta1',
            ],
        ),
        (
            UPDATE,
            "train_step",
            (3, 5, 4, 2),
            {},
            [
                "deltas[0] = (weights[1].T @ deltas[1]) * sigma_prime(zs[0])",
                "nabla_b[0] = deltas[0]",
                "nabla_w[0] = np.outer(deltas[0], activations[0])",
            ],
        ),
        (
            LAYERS,
            "net",
            (3, 5, 4, 2),
            {},
            [
                "delta[2] = (delta[3] @ layers[1].W.T) * sigma_prime(z[2])",
                "layers[0].db = delta[2].sum(axis=0)",
                "layers[0].dW = X.T @ delta[2]",
            ],
        ),
        (FLAT, "grad", (3, 5, 2), {}, BP2_BP3_BP4),
    ],
    ids=["lists", "pairs", "dict", "arrays", "book", "folded", "object", "update", "layers", "flat"],
)
def test_a_candidate_s_own_form(
    source: str, name: str, sizes: tuple[int, ...], limits: dict[str, Any], expected: list[str], tmp_path: Path
) -> None:
    form = known(source, name, sizes, tmp_path, **limits)
    said = rewritten(BP2_BP3_BP4, (2,), len(sizes), form)
    assert [line.removesuffix("  # layer 2") for line in said] == expected


@pytest.mark.parametrize(
    ("source", "name", "limits", "line"),
    [
        (LISTS, "gradient", {}, "grads_b[0] = deltas[0].sum(axis=0) / m"),
        (NIELSEN, "Network", {"init": "Network([3, 5, 4, 2])"}, "nabla_b[-3] = delta"),  # the gate averages
        (LAYERS, "net", {}, "layers[0].db = delta[2].sum(axis=0)"),  # it is fed the mean
    ],
    ids=["lists", "book", "layers"],
)
def test_the_mean_is_written_where_it_is_the_candidate_s(
    source: str, name: str, limits: dict[str, Any], line: str, tmp_path: Path
) -> None:
    form = known(source, name, (3, 5, 4, 2), tmp_path, **limits)
    [said] = rewritten(["nabla_b[l] = sum_examples(delta[l]) / m"], (2,), 4, form)
    assert said.removesuffix("  # layer 2") == line


def test_a_framework_s_network_has_no_inside_of_its_author_s() -> None:
    assert form_of(object()) == {}
