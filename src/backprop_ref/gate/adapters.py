"""Functions to fill in, for an implementation that the gate cannot call by itself: each turns one form into the list form."""

from ..errors import UnknownName

HEAD = '''"""Fill in, save as adapter.py, then: backprop-ref gate adapter.py:gradient"""
import numpy as np
'''
BODIES = {
    "list": '''
def gradient(weights, biases, X, Y):
    """Lists for layers 2..L: w (n_l, n_(l-1)), b (n_l,); X (m, n_1), Y (m, n_L). Returns (nabla_w, nabla_b), the same shapes."""
    nabla_w, nabla_b = ..., ...  # your backward pass, with the mean over the m examples
    return nabla_w, nabla_b
''',
    "book": """from mynet import Network

def gradient(weights, biases, X, Y):
    net = Network([weights[0].shape[1], *(len(b) for b in biases)])
    net.weights, net.biases = list(weights), [b[:, None] for b in biases]
    pairs = [net.backprop(x[:, None], y[:, None]) for x, y in zip(X, Y)]  # (nabla_b, nabla_w)
    nabla_w = [sum(ws) / len(X) for ws in zip(*(w for _, w in pairs))]
    nabla_b = [sum(bs)[:, 0] / len(X) for bs in zip(*(b for b, _ in pairs))]
    return nabla_w, nabla_b
""",
    "dict": """from mynet import backward, forward

def gradient(weights, biases, X, Y):
    params = {f"W{i}": w for i, w in enumerate(weights, 1)} | {f"b{i}": b[:, None] for i, b in enumerate(biases, 1)}
    output, cache = forward(X.T, params)  # examples in columns
    grads = backward(params, cache, X.T, Y.T)
    numbers = range(1, len(weights) + 1)
    return [grads[f"dW{i}"] for i in numbers], [grads[f"db{i}"].ravel() for i in numbers]
""",
    "arrays": """from mynet import backward

def gradient(weights, biases, X, Y):
    (W1, W2), (b1, b2) = weights, biases
    dW1, db1, dW2, db2 = backward(X, Y, W1.T, b1, W2.T, b2)  # weights (n_in, n_out)
    return [dW1.T, dW2.T], [db1, db2]
""",
    "flat": """from mynet import grad

def gradient(weights, biases, X, Y):
    parts = [v for pair in zip(weights, biases) for v in pair]  # w^2, b^2, w^3, ...
    flat = grad(np.concatenate([v.ravel() for v in parts]), X, Y)
    ends = np.cumsum([v.size for v in parts])[:-1]
    cut = [g.reshape(v.shape) for g, v in zip(np.split(flat, ends), parts)]
    return cut[::2], cut[1::2]
""",
    "folded": """from mynet import grad

def gradient(weights, biases, X, Y):
    thetas = [np.column_stack([b, w]) for w, b in zip(weights, biases)]  # the bias first: multiplied by a constant 1
    grads = grad(thetas, X, Y)
    return [g[:, 1:] for g in grads], [g[:, 0] for g in grads]
""",
    "update": """from mynet import Network

def gradient(weights, biases, X, Y):
    net, eta = Network([weights[0].shape[1], *(len(b) for b in biases)]), 256.0  # large: less is lost in w - w'
    net.weights, net.biases = [w.copy() for w in weights], [b.copy() for b in biases]
    net.train(X, Y, eta)
    nabla_w = [(w - after) / eta for w, after in zip(weights, net.weights)]
    return nabla_w, [(b - after) / eta for b, after in zip(biases, net.biases)]
""",
    "layers": """from mynet import Dense, Tanh

def gradient(weights, biases, X, Y):
    layers = [layer for w in weights for layer in (Dense(w.shape[1], len(w)), Tanh())]
    for dense, w, b in zip(layers[::2], weights, biases):
        dense.W, dense.b = w.T.copy(), b.copy()
    a = X
    for layer in layers:
        a = layer.forward(a)
    grad = (a - Y) / len(X)  # nabla_a C of the cost, here quadratic, divided by m
    for layer in reversed(layers):
        grad = layer.backward(grad)
    return [dense.dW.T for dense in layers[::2]], [dense.db for dense in layers[::2]]
""",
}
BODIES |= {
    "object": BODIES["book"],
    "sklearn": """from sklearn.neural_network import MLPClassifier
from backprop_ref.gate.frameworks import from_sklearn

from mynet import X_train, y_train

mlp = MLPClassifier((5,), "tanh", max_iter=1).fit(X_train, y_train)
gradient = from_sklearn(mlp)  # called as gradient(weights, biases, X, Y); mlp itself can be gated too: adapter.py:mlp
""",
    "torch": """import torch

from mynet import network  # any module whose parameters are weight, bias, weight, bias, ...

def gradient(weights, biases, X, Y):
    parameters = [torch.tensor(v, requires_grad=True) for pair in zip(weights, biases) for v in pair]
    named = dict(zip((name for name, _ in network.named_parameters()), parameters))
    output = torch.func.functional_call(network, named, (torch.tensor(X),))
    loss = ((output - torch.tensor(Y)) ** 2).sum() / (2 * len(X))  # the cost, here quadratic, with the mean over the m examples
    grads = [v.numpy() for v in torch.autograd.grad(loss, parameters)]
    return grads[::2], grads[1::2]
""",
    "jax": """import jax

from mynet import cost  # cost(weights, biases, X, Y) -> the mean over the m examples

jax.config.update("jax_enable_x64", True)

def gradient(weights, biases, X, Y):
    nabla_w, nabla_b = jax.grad(cost, argnums=(0, 1))(weights, biases, X, Y)
    return [np.asarray(v) for v in nabla_w], [np.asarray(v) for v in nabla_b]
""",
}


def adapter(form: str) -> str:
    """The source of an adapter from a form to the list form. Raises UnknownName."""
    if form not in BODIES:
        raise UnknownName("form", form, BODIES)
    body = BODIES[form]
    return HEAD + body if body.startswith(("from", "import")) else HEAD + "\n" + body
