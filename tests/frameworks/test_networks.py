"""scikit-learn's, torch's and JAX's own gradients pass; with one entry off by 1e-6 they fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn

from backprop_ref import Network, Verdict, check_network
from backprop_ref.gate.frameworks import from_jax, from_sklearn, from_torch

SEEDS = pytest.mark.parametrize("seed", range(10))
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])
SIGMAS = pytest.mark.parametrize("sigma", ["sigmoid", "tanh", "relu"])
OFF = 1e-6


def examples(n_1, n_L, dtype, seed, one_hot):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((6, n_1))
    Y = np.eye(n_L)[rng.permutation(6) % n_L] if one_hot else rng.uniform(0.05, 0.95, (6, n_L))
    return X.astype(dtype), Y.astype(dtype)


def spoiled(candidate, seed):
    """The same with one entry, of any array, off by 1e-6."""

    def wrong(weights, biases, X, Y):
        nabla_w, nabla_b = candidate(weights, biases, X, Y)
        arrays = [np.array(v) for v in [*nabla_w, *nabla_b]]
        rng = np.random.default_rng(seed)
        v = arrays[rng.integers(len(arrays))]
        v[tuple(rng.integers(n) for n in v.shape)] += OFF
        return arrays[: len(nabla_w)], arrays[len(nabla_w) :]

    return wrong


def passes_and_fails(network, X, Y, candidate, seed, **options):
    report = check_network(network, X, Y, candidate, **options)
    assert report.verdict is Verdict.AGREES, str(report)
    if network.dtype == np.float64:
        report = check_network(network, X, Y, spoiled(candidate, seed), **options)
        assert report.verdict is Verdict.DISAGREES, str(report)
        assert sum(p.count(Verdict.DISAGREES) for p in report.parts) == 1


@SEEDS
@DTYPES
@SIGMAS
@pytest.mark.parametrize("outputs", ["softmax", "sigmoid", "linear"])
def test_scikit_learn(outputs, sigma, dtype, seed):
    rng = np.random.default_rng(seed)
    kind, n_L = (MLPRegressor, 2) if outputs == "linear" else (MLPClassifier, 3 if outputs == "softmax" else 1)
    mlp = kind(hidden_layer_sizes=(5, 4), activation={"sigmoid": "logistic"}.get(sigma, sigma), random_state=seed)
    X = rng.standard_normal((12, 3)).astype(dtype)
    y = rng.standard_normal((12, 2)).astype(dtype) if outputs == "linear" else np.arange(12) % max(n_L, 2)
    model = from_sklearn(mlp.partial_fit(X, y) if outputs == "linear" else mlp.partial_fit(X, y, classes=np.unique(y)))
    network = model.network
    assert (network.sizes, network.dtype) == ((3, 5, 4, n_L), dtype)
    assert [s.name for s in network.sigma.values()] == [sigma, sigma, outputs]
    X, Y = examples(3, n_L, dtype, seed, outputs == "softmax")
    passes_and_fails(network, X, Y, model, seed, weight_decay=1e-4 / 6)


QUADRATIC = {"quadratic": lambda a, y: ((a - y) ** 2).sum() / (2 * len(a))}
ENDS = {
    "log_likelihood": ([], nn.CrossEntropyLoss(), "softmax"),
    "cross_entropy": ([nn.Sigmoid()], lambda a, y: nn.functional.binary_cross_entropy(a, y, reduction="sum") / len(a), "sigmoid"),
    "quadratic": ([nn.Tanh()], QUADRATIC["quadratic"], "tanh"),
}


@SEEDS
@DTYPES
@SIGMAS
@pytest.mark.parametrize("cost", ENDS)
def test_torch(cost, sigma, dtype, seed):
    torch.manual_seed(seed)
    modules, loss, last = ENDS[cost]
    module = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}[sigma]
    net = nn.Sequential(nn.Linear(3, 5), module(), nn.Linear(5, 4), module(), nn.Linear(4, 3), *modules)
    model = from_torch(net.to(getattr(torch, dtype)), loss)
    network = model.network
    assert (network.sizes, network.dtype, network.cost.name) == ((3, 5, 4, 3), dtype, cost)
    assert [s.name for s in network.sigma.values()] == [sigma, sigma, last]
    X, Y = examples(3, 3, dtype, seed, cost == "log_likelihood")
    passes_and_fails(network, X, Y, model, seed)


IN_JAX = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}


@SEEDS
@DTYPES
@SIGMAS
@pytest.mark.parametrize("last", ["same", "softmax"])
def test_jax(last, sigma, dtype, seed):
    def cost(weights, biases, X, Y):
        a = X
        for w, b in zip(weights, biases, strict=True):
            z = a @ w.T + b
            a = IN_JAX[sigma](z)
        total = -(Y * jax.nn.log_softmax(z)).sum() if last == "softmax" else ((a - Y) ** 2).sum() / 2
        return total / len(X)

    ends = (sigma, "quadratic") if last == "same" else ("softmax", "log_likelihood")
    network = Network.random([3, 5, 4, 3], [sigma, sigma, ends[0]], ends[1], seed).astype(np.dtype(dtype))
    X, Y = examples(3, 3, dtype, seed, last == "softmax")
    passes_and_fails(network, X, Y, from_jax(cost), seed)


def test_the_network_itself_is_left_as_it_is():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).requires_grad_(False)
    before = [p.clone() for p in net.parameters()]
    model = from_torch(net, nn.MSELoss())
    X, Y = examples(3, 2, "float32", 0, False)
    assert model.check(X, Y).exit_code == 0
    assert all(
        torch.equal(p, q) and p.grad is None and not p.requires_grad for p, q in zip(net.parameters(), before, strict=True)
    )


def test_the_mlp_itself_is_left_as_it_is():
    mlp = MLPRegressor(hidden_layer_sizes=(4,), random_state=1).partial_fit(np.eye(3), np.eye(3)[:, :2])
    before = [v.copy() for v in [*mlp.coefs_, *mlp.intercepts_]]
    held = [*mlp.coefs_, *mlp.intercepts_]
    model = from_sklearn(mlp)
    X, Y = examples(3, 2, "float64", 0, False)
    model([2 * w for w in model.weights], model.biases, X, Y)
    after = [*mlp.coefs_, *mlp.intercepts_]
    assert all(v is u and np.array_equal(v, old) for v, u, old in zip(after, held, before, strict=True))


def test_scikit_learn_with_a_wrong_backward_pass_is_caught():
    class Mine(MLPRegressor):
        def _compute_loss_grad(self, layer, sw_sum, activations, deltas, coef_grads, intercept_grads):
            super()._compute_loss_grad(layer, sw_sum, activations, deltas, coef_grads, intercept_grads)
            coef_grads[layer] -= self.alpha * self.coefs_[layer] / sw_sum  # alpha left out

    rng = np.random.default_rng(1)
    mlp = Mine(hidden_layer_sizes=(4,), activation="tanh", alpha=0.01, random_state=1).partial_fit(
        rng.standard_normal((9, 3)), rng.standard_normal((9, 2))
    )
    X, Y = examples(3, 2, "float64", 1, False)
    report = from_sklearn(mlp).check(X, Y)
    wrong = {(p.part, p.l) for p in report.parts if p.count(Verdict.DISAGREES)}
    assert wrong == {("nabla_w", 2), ("nabla_w", 3)}
