"""backprop-ref mistakes: the catalogue on the screen."""

import json
from pathlib import Path

import pytest

from backprop_ref import cli
from backprop_ref.gate.mistakes import MISTAKES
from backprop_ref.gate.training import outcomes


def test_it_lists_every_mistake_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["mistakes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("  ") for line in lines) == len(MISTAKES)
    assert {line.split()[0] for line in lines if line.startswith("  ")} == {m.name for m in MISTAKES}
    assert lines[-1] == f"{len(MISTAKES)} mistakes; backprop-ref mistakes NAME explains one."


def test_it_explains_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["mistakes", "bp2-w-untransposed"]) == 0
    assert capsys.readouterr().out == (
        "bp2-w-untransposed: w not transposed in BP2 (BP2)\n\n"
        "  The weights are not transposed: errors go back along w^T, from neuron j of layer l + 1 to neuron k of layer l.\n\n"
        "  wrong      delta[l] = (w[l + 1] @ delta[l + 1]) * sigma_prime[l](z[l])\n"
        "  right      delta[l] = (w[l + 1].T @ delta[l + 1]) * sigma_prime[l](z[l])\n"
        f"  training   {outcomes()['bp2-w-untransposed']}\n"
        "  shown by   2-2-2, sigmoid, quadratic, 1 example\n"
        "  hidden by  1-1-1, sigmoid, quadratic, 1 example\n"  # a 1 x 1 matrix is its own transpose
    )


def test_as_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.run(["mistakes", "regularised", "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["unknown"], facts["only"]) == ("regularised", "lmbda", [])
    assert facts["code"] == ["nabla_w[l] = nabla_w[l] + lmbda * w[l]"]
    assert facts["hides"] is None
    assert facts["training"]["verdict"] == "does not learn"
    assert facts["training"]["right_accuracy"] > 0.9
    assert cli.run(["mistakes", "--format", "json", "--output", str(tmp_path / "all.json")]) == 0
    assert len(json.loads((tmp_path / "all.json").read_text())["mistakes"]) == len(MISTAKES)


def test_a_misspelt_name_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["mistakes", "bp2-w-untransposd"]) == 2
    assert "Did you mean 'bp2-w-untransposed'?" in capsys.readouterr().err
