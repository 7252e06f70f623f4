"""Twenty-four implementations as people write them, each by its one command: the gate takes them as they are."""

import html
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from backprop_ref import cli

ROOT = Path(__file__).parent.parent
ROWS: list[dict[str, Any]] = json.loads((ROOT / "examples/wild/table.json").read_text())
UNDER_ANOTHER_COST = [row for row in ROWS if row["default"] == "told"]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def by_default(row: dict[str, Any]) -> dict[str, Any]:
    """The same row, without the cost and the reduction in its command."""
    command = list(row["command"])
    for option in ("--cost", "--reduction"):
        if option in command:
            del command[command.index(option) : command.index(option) + 2]
    return row | {"command": command}


def gated(row: dict[str, Any], capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    code = cli.run([*row["command"][1:], "--format", "json", *more])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_right_ones_exit_with_0_and_wrong_ones_with_1(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code, report = gated(row, capsys)
    assert code == row["exit"], report
    wrong = {f"{p['part'][-1]}{p['layer']}" for p in report["parts"] if p["disagrees"]}
    assert wrong == set(row["wrong_entries"] or ()), report["parts"]


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_its_form_is_guessed(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    forms = {"a": {"list"}, "b": {"book"}, "g": {"flat", "folded"}, "h": {"update"}, "j": {"layers"}, "k": {"folded", "object"}}
    forms["i"] = {"dict", "object", "arrays"}
    _, report = gated(row, capsys)
    assert report["candidate"]["form"] in forms[row["form"].split(",")[0]]
    assert report["candidate"]["evidence"].startswith(report["candidate"]["form"] + " form: ")


@pytest.mark.parametrize("row", UNDER_ANOTHER_COST, ids=[row["file"] for row in UNDER_ANOTHER_COST])
def test_a_right_one_under_another_cost_is_told_its_own(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    row = by_default(row)
    code, report = gated(row, capsys)
    own = f"{row['cost']}, {'mean' if row['reduction'] == 'mean' else 'summed'}"
    own += f" (--cost {row['cost']} --reduction {row['reduction']})"
    assert code == 1
    assert report["exact_for"].startswith(own)
    assert cli.run(row["command"][1:]) == 1
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"DISAGREES  {report['target']}: exact for {report['exact_for']}"
    causes = [line for line in lines if line.startswith("  cause      ")]
    assert causes[0] == f"  cause      exact for {report['exact_for']}; declared was quadratic, mean"
    assert causes[1].startswith("  cause      if your cost is quadratic, mean: ")


ALSO = {"from_scratch.py": "mean_squared_error, summed"}  # of two outputs: the same function


@pytest.mark.parametrize("row", UNDER_ANOTHER_COST, ids=[row["file"] for row in UNDER_ANOTHER_COST])
def test_it_is_told_no_other_cost_than_its_own(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    _, report = gated(by_default(row), capsys)
    exact = [(one["cost"], one["reduction"], one["factor"]) for one in report["diagnosis"]["exact_for"]]
    also = [(ALSO[row["file"]].partition(",")[0], "sum", None)] if row["file"] in ALSO else []
    assert exact == [(row["cost"], row["reduction"], None), *also]


AGREES = [row for row in ROWS if row["right"] and row["default"] == "agrees"]


@pytest.mark.parametrize("row", AGREES, ids=[row["file"] for row in AGREES])
def test_the_other_right_ones_agree_by_default(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code, report = gated(by_default(row), capsys)
    assert code == 0
    assert report["exact_for"] is None


def test_every_right_one_is_among_them() -> None:
    assert len(AGREES) + len(UNDER_ANOTHER_COST) == sum(row["right"] for row in ROWS) == 12


@pytest.mark.parametrize("format", ["junit", "github", "html"])
def test_other_formats_say_it_first(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    row = by_default(next(row for row in ROWS if row["file"] == "moons.ipynb"))
    assert cli.run([*row["command"][1:], "--format", format]) == 1
    said = html.unescape(capsys.readouterr().out)
    exact = "exact for log_likelihood, summed (--cost log_likelihood --reduction sum)"
    if format == "junit":
        assert f'message="{exact}; ' in said
    elif format == "github":
        assert exact in said.partition("\n")[0].partition("::")[2].partition("::")[0].replace("%2C", ",")
    else:
        assert f"<h1>✗ DISAGREES: {exact}</h1>" in said
        assert f"m = 6, seed 0: {exact}</title>" in said
        assert "<p>4 probes: 4 disagree.</p>" in said
        assert "<p>Reproduces your gradient to " in said


WRITES = {  # what a wrong one is told to write: in its own names, with its own storage
    "mnist_columns.py": ["delta = (self.weights[-1].T @ delta) * sigma_prime(zs[-2])  # layer 3, and so in layer 2"],
    "digits.ipynb": [
        "nabla_b[2] = deltas[2].sum(axis=0) / m  # layer 4, and so in layers 2, 3",
        "nabla_w[2] = (deltas[2].T @ activations[2]) / m  # layer 4, and so in layers 2, 3",
    ],
    "make_your_own.py": ["delta[2] = (self.who @ delta[3]) * sigma_prime(z[2])"],
    "xor_online.py": ["delta[2] = (delta[3] @ self.weights_hidden_output.T) * sigma_prime(z[2])"],
    "perceptrons.py": ["nabla_b[2] = deltas[2]  # layer 4, and so in layers 2, 3"],
    "iris_fit.py": ["nabla_b1 = delta1.sum(axis=0) / m  # layer 2"],
    "deep_dict.py": ['grads["db3"] = delta3.sum(axis=1, keepdims=True) / m  # layer 4, and so in layers 2, 3'],
    "softmax_mse.py": ["delta2 = A2 * (nabla_a_C(A2, Y) - (A2 * nabla_a_C(A2, Y)).sum(axis=1, keepdims=True))  # layer 3"],
    "layer_classes.py": [
        "delta[4] = nabla_a_C(a[4], Y) * sigma_prime(z[4])",
        "delta[3] = (delta[4] @ layers[4].weights) * sigma_prime(z[3])  # layer 3, and so in layer 2",
    ],
    "scipy_train.py": ["nabla_w[l] = (delta[l] @ a[l - 1].T) / m"],  # a flat vector tells nothing of its inside
    "square_net.py": ["deltas[1] = (self.W[2].T @ deltas[2]) * sigma_prime(zs[1])  # layer 3, and so in layer 2"],
    "spam_classifier.py": ["deltas[2] = activations[3] - Y  # layer 4"],
}


@pytest.mark.parametrize("row", [row for row in ROWS if not row["right"]], ids=[row["file"] for row in ROWS if not row["right"]])
def test_the_line_to_write_is_in_its_own_form(row: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    _, report = gated(row, capsys)
    assert [line for found in report["diagnosis"]["found"] for line in found["write"]] == WRITES[row["file"]]


def test_a_mistake_planted_into_a_right_one_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = (ROOT / "examples/wild/network.py").read_text()
    wrong = source.replace("self.weights[i].T, delta) * sigmoid_prime(zs[i - 1])", "self.weights[i].T, delta)")
    assert wrong != source
    (tmp_path / "network.py").write_text(wrong)
    command = ["gate", f"{tmp_path}/network.py:Network", "--init", "Network([3, 5, 4, 2])"]
    assert cli.run(command) == 1
    shutil.copy(ROOT / "examples/wild/network.py", tmp_path)
    assert cli.run(command) == 0
    capsys.readouterr()
