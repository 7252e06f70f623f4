"""Without torch, JAX or scikit-learn: one clear error, with the command that installs it."""

import re
import subprocess
import sys

import pytest

from backprop_ref import cli
from backprop_ref.errors import ExtraMissing
from backprop_ref.gate import frameworks


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("torch", lambda: frameworks.torch_function(abs)),
        ("torch", lambda: frameworks.from_torch(None, abs)),
        ("jax", lambda: frameworks.jax_function(abs)),
        ("jax", lambda: frameworks.from_jax(abs)),
    ],
    ids=["torch_function", "from_torch", "jax_function", "from_jax"],
)
def test_a_missing_framework_is_one_error(name, call, request, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    needs = request.node.callspec.id
    sentence = f"{needs} needs {name}, which is not installed: pip install 'backprop-ref[{name}]'"
    with pytest.raises(ExtraMissing, match=f"^{re.escape(sentence)}$"):
        call()


@pytest.mark.parametrize("more", ["", "def f(x):\n    return x\n"], ids=["without functions", "with one"])
@pytest.mark.parametrize("name", ["torch", "sklearn", "jax"])
def test_a_target_whose_framework_is_missing(name, more, tmp_path, capsys):
    (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n")
    file = tmp_path / "mine.py"
    file.write_text(f"import {name}\nmodel = {name}.build()\n{more}")
    assert cli.run(["gate", f"{file}:model"]) == 2
    said = f"error: {file} needs {name}, which is not installed: pip install 'backprop-ref[{name}]'\n"
    assert capsys.readouterr().err == said


def test_no_framework_is_imported():
    code = "import sys, backprop_ref.gate.frameworks; print({'torch', 'sklearn', 'jax'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
