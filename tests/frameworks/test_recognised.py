"""What a network of a framework's is taken for, and what is refused."""

import re

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPRegressor
from torch import nn

from backprop_ref.errors import ValueRefused
from backprop_ref.gate.frameworks import from_sklearn, from_torch, recognised


def refuses(sentence):
    return pytest.raises(ValueRefused, match=f"^{re.escape(sentence)}$")


ENDS = {
    "CrossEntropyLoss": ([], 3, nn.CrossEntropyLoss(), ("softmax", "log_likelihood", "mean", 1)),
    "CrossEntropyLoss, summed": ([], 3, nn.CrossEntropyLoss(reduction="sum"), ("softmax", "log_likelihood", "sum", 1)),
    "NLLLoss": ([nn.LogSoftmax(1)], 3, nn.NLLLoss(), ("softmax", "log_likelihood", "mean", 1)),
    "BCELoss": ([nn.Sigmoid()], 1, nn.BCELoss(), ("sigmoid", "cross_entropy", "mean", 1)),
    "BCEWithLogitsLoss": ([], 1, nn.BCEWithLogitsLoss(), ("sigmoid", "cross_entropy", "mean", 1)),
    "BCEWithLogitsLoss, two outputs": ([], 2, nn.BCEWithLogitsLoss(), ("sigmoid", "cross_entropy", "mean", 0.5)),
    "BCEWithLogitsLoss, flat": ([nn.Flatten(0)], 1, nn.BCEWithLogitsLoss(), ("sigmoid", "cross_entropy", "mean", 1)),
    "MSELoss": ([], 3, nn.MSELoss(), ("linear", "mean_squared_error", "mean", 1)),
    "MSELoss, summed": ([nn.Tanh()], 2, nn.MSELoss(reduction="sum"), ("tanh", "squared_error", "sum", 1)),
    "a function": ([], 3, lambda a, y: ((a - y) ** 2).sum() / 2, ("linear", "quadratic", "sum", 1)),
    "softmax and squares": ([nn.Softmax(1)], 3, nn.MSELoss(), ("softmax", "mean_squared_error", "mean", 1)),
    "Dropout that is off": ([nn.Dropout().eval()], 3, nn.MSELoss(), ("linear", "mean_squared_error", "mean", 1)),
}


@pytest.mark.parametrize(("modules", "n", "loss", "expected"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("bias", [True, False])
def test_the_end_of_a_torch_network(modules, n, loss, expected, bias):
    net = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(4, 5, bias), nn.Tanh()), nn.Linear(5, n, bias), *modules)
    model = from_torch(net.double(), loss)
    assert (model.activations[-1], model.cost, model.reduction, model.factor) == expected
    assert model.network.has_biases is bias
    X = np.random.default_rng(1).standard_normal((5, 4))
    Y = np.eye(n)[[0, 1, 1, 0, 0]] if n > 1 else np.array([[0.0], [1.0], [1.0], [0.0], [1.0]])
    report = model.check(X, Y)
    assert report.exit_code == 0, str(report)


HIDDEN = {
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(0.01),
    "softplus": nn.Softplus(),
    "silu": nn.SiLU(),
    "gelu": nn.GELU("tanh"),
    "gelu_erf": nn.GELU(),
    "linear": nn.Identity(),
}


@pytest.mark.parametrize(("name", "module"), HIDDEN.items(), ids=HIDDEN)
def test_a_hidden_activation(name, module):
    model = from_torch(nn.Sequential(nn.Linear(4, 5), module, nn.Linear(5, 2)), nn.MSELoss())
    assert model.activations == [name, "linear"]


ONE = nn.Linear(3, 2)
ACTIVATIONS = "sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu, gelu_erf, linear, square, cube, softmax"
REFUSED = {
    "another module": (
        ONE,
        nn.MSELoss(),
        "A torch.nn.Sequential of Linear and activations is needed, and Linear is none; wrap its layers into one, or hold a "
        "function of its parameters to check_gradient.",
    ),
    "no Linear": (
        nn.Sequential(nn.ReLU()),
        nn.MSELoss(),
        "There is no Linear module in this network; a Sequential of Linear and activations is needed.",
    ),
    "some biases": (
        nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2, bias=False)),
        nn.MSELoss(),
        "Some Linear modules of this network have biases and others not; all or none of them must.",
    ),
    "another activation": (
        nn.Sequential(ONE, nn.ELU(), nn.Linear(2, 2)),
        nn.MSELoss(),
        f"ELU, after Linear 1 of this network, is none of our activations: {ACTIVATIONS}. Hold a function of its parameters to "
        "check_gradient.",
    ),
    "another loss": (
        nn.Sequential(ONE),
        nn.L1Loss(),
        "L1Loss, after the last Linear of this network, is none of our costs: quadratic, squared_error, mean_squared_error, "
        "cross_entropy, log_likelihood.",
    ),
    "a loss of one argument": (
        nn.Sequential(ONE),
        abs,
        "abs, after the last Linear of this network, cannot be called as loss(outputs, desired): TypeError: abs() takes exactly "
        "one argument (2 given)",
    ),
    "scaled inputs": (
        nn.Sequential(nn.Tanh(), ONE),
        nn.MSELoss(),
        "What stands before the first Linear of this network changes its inputs; leave it out.",
    ),
}


@pytest.mark.parametrize(("network", "loss", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_torch_network_is_refused(network, loss, sentence):
    with refuses(sentence):
        from_torch(network, loss)


def test_a_scikit_learn_network_is_refused():
    with refuses("This MLPRegressor has no coefs_ yet; fit it first, one iteration is enough: max_iter=1."):
        from_sklearn(MLPRegressor())
    poisson = MLPRegressor(hidden_layer_sizes=(2,), loss="poisson").partial_fit(np.ones((2, 2)), np.ones(2))
    with refuses(
        "This MLPRegressor has exp outputs, for its loss 'poisson'; use loss='squared_error', or hold its gradient to "
        "check_gradient."
    ):
        from_sklearn(poisson)


def test_the_loss_of_a_network_alone_stands_beside_it():
    net = nn.Sequential(nn.Linear(2, 3))
    assert recognised(net, {"criterion": nn.MSELoss()}).cost == "mean_squared_error"
    assert recognised((net, nn.CrossEntropyLoss()), {}).cost == "log_likelihood"
    assert recognised([1.0], {}) is None
    for names, found in (({}, "none"), ({"loss": abs, "criterion": abs}, "loss and criterion")):
        with refuses(
            f"A torch network is gated with its loss, and {found} was found beside it; write a pair into the file, such as "
            "model = (network, torch.nn.MSELoss()), and gate that."
        ):
            recognised(net, names)


def test_a_parameter_that_no_gradient_reaches_has_gradient_zero():
    class Cut(nn.Module):
        def forward(self, z):
            return z.detach()

    model = from_torch(nn.Sequential(nn.Linear(3, 4), Cut(), nn.Linear(4, 2)).double(), nn.MSELoss())
    X, Y = np.random.default_rng(1).standard_normal((5, 3)), torch.zeros(5, 2).double().numpy()
    report = model.check(X, Y)
    assert report.exit_code == 1
    assert not report.parts[0].claimed.any()
