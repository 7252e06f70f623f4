"""A backward pass of one's own, in torch or JAX, held to check_gradient."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from backprop_ref import cli
from backprop_ref.gate import check_gradient
from backprop_ref.gate.frameworks import jax_function, torch_function

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


X = np.linspace(-2.0, 2.0, 6).reshape(2, 3)


@pytest.mark.parametrize("products", [True, False])
def test_a_torch_function_with_a_backward_of_its_own(products):
    functions = example("torch_function")
    for name, code in (("Swish", 0), ("WrongSwish", 1)):
        report = check_gradient(*torch_function(getattr(functions, name).apply, products), X)
        assert report.exit_code == code, str(report)


def jax_swish(slope):
    @jax.custom_vjp
    def swish(z):
        return z * jax.nn.sigmoid(z)

    swish.defvjp(lambda z: (swish(z), z), lambda z, v: (v * slope(z, jax.nn.sigmoid(z)),))
    return swish


@pytest.mark.parametrize("products", [True, False])
def test_a_custom_vjp(products):
    for slope, code in ((lambda z, a: a + z * a * (1 - a), 0), (lambda z, a: a + z * a, 1)):
        report = check_gradient(*jax_function(jax_swish(slope), products), X)
        assert report.exit_code == code, str(report)


NESTED = {"w": [np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([1.5, -0.5])], "b": (0.75,)}


def test_nested_arguments_and_a_number():
    """C = |w0 w1|^2 b, by hand: w0 w1 = (1.25, 2.875)."""
    for framed, norm in ((torch_function, lambda v: (v * v).sum()), (jax_function, lambda v: (v * v).sum())):
        f, grad = framed(lambda p, norm=norm: norm(p["w"][0] @ p["w"][1]) * p["b"][0])
        assert f(NESTED) == (1.25**2 + 2.875**2) * 0.75
        found = grad(NESTED)
        assert found["b"] == (1.25**2 + 2.875**2,)
        assert found["w"][0].tolist() == [[1.5 * 1.25 * 1.5, 1.5 * 1.25 * -0.5], [1.5 * 2.875 * 1.5, 1.5 * 2.875 * -0.5]]
        assert check_gradient(f, grad, NESTED).exit_code == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(10))
def test_autograd_of_plain_functions_passes_and_off_by_1e_6_fails(dtype, seed):
    x = np.abs(np.random.default_rng(seed).standard_normal(5)).astype(dtype) * [1, -1, 1, -1, 1]
    x = x.astype(dtype)  # no relu is dead everywhere: zeros alone would show nothing
    cases = [
        (torch_function, f) for f in (torch.sigmoid, torch.tanh, torch.relu, lambda z: torch.nn.functional.log_softmax(z, 0))
    ] + [(jax_function, f) for f in (jax.nn.sigmoid, jnp.tanh, jax.nn.relu, jax.nn.log_softmax)]
    for framed, sigma in cases:
        f, grad = framed(lambda z, sigma=sigma: (sigma(z) * z).sum())
        report = check_gradient(f, grad, x)
        assert report.exit_code == 0, str(report)
        if dtype is np.float64:
            off = np.eye(5)[seed % 5] * 1e-6
            report = check_gradient(f, lambda v, grad=grad, off=off: grad(v) + off, x)
            assert report.exit_code == 1, str(report)


def test_an_argument_that_is_not_used_has_gradient_zero():
    f, grad = torch_function(lambda p: p[0] * 2)
    assert grad((1.0, 3.0)) == (2.0, 0.0)
    assert f((1.0, 3.0)) == 2.0


TARGETS = [
    ("sklearn_mlp.py:mlp", 0, "sklearn form: MLPClassifier 4-6-5-3, tanh tanh softmax, by its own gradient"),
    ("torch_sequential.py:model", 0, "torch form: Linear(3, 5) Apply Linear(5, 4) ReLU Linear(4, 2) with CrossEntropyLoss"),
    ("torch_sequential.py:wrong", 1, "recognised as tanh, softmax with cost log_likelihood, mean"),
    ("jax_grad.py:gradient", 0, "list form: cost(params, X, Y) returned the gradient of every parameter"),
]


@pytest.mark.parametrize(("target", "code", "said"), TARGETS, ids=[t[0] for t in TARGETS])
def test_an_example_at_the_gate(target, code, said, capsys):
    assert cli.run(["gate", str(EXAMPLES / target)]) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("name", "verdicts"), [("torch_function", ["AGREES", "DISAGREES"]), ("jax_grad", ["AGREES"])])
def test_an_example_as_a_script(name, verdicts):
    source = Path(sys.modules["backprop_ref"].__file__).parents[1]
    run = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(source)},
    )  # fmt: skip
    assert [line.split()[0] for line in run.stdout.splitlines() if line[:1].isupper()] == verdicts


def test_what_the_network_says_of_itself_is_not_contradicted(capsys):
    assert cli.run(["gate", str(EXAMPLES / "torch_sequential.py:model"), "--cost", "cross_entropy"]) == 2
    said = "--cost cross_entropy was given, but {} says itself that it is log_likelihood; leave it out."
    assert said.format(EXAMPLES / "torch_sequential.py:model") in capsys.readouterr().err.replace("\n", " ")


def test_a_network_in_float32_and_a_summed_loss(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "network = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 2))\n"
        "criterion = nn.BCEWithLogitsLoss()\n"
    )
    assert cli.run(["gate", f"{tmp_path}/mine.py:network", "--seed", "1", "--seed", "2"]) == 0
    out = capsys.readouterr().out
    assert "recognised as sigmoid, sigmoid with cost 0.5 times cross_entropy, mean" in out


def test_all_widths_equal_where_init_spells_them(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "loss = nn.MSELoss()\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self, a, b, c):\n"
        "        super().__init__(nn.Linear(a, b), nn.Tanh(), nn.Linear(b, c))\n"
    )
    assert cli.run(["gate", f"{tmp_path}/mine.py:Net", "--init", "Net(3, 4, 2)"]) == 0
    assert "4-4-4 (tanh linear), seed 0, m = 6: each agrees" in capsys.readouterr().out


def test_a_model_at_the_gate(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "from backprop_ref.gate.frameworks import from_torch\n"
        "model = from_torch(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), nn.MSELoss())\n"
    )
    assert cli.run(["gate", f"{tmp_path}/mine.py:model"]) == 0
    assert "with MSELoss, by its own gradient" in capsys.readouterr().out
