"""Twenty-four implementations as people write them, each by its one command: the gate takes them as they are."""

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
    command = list(row["command"][1:])
    for option in ("--cost", "--reduction"):
        if option in command:
            del command[command.index(option) : command.index(option) + 2]
    code, report = gated(row | {"command": ["backprop-ref", *command]}, capsys)
    own = f"{row['cost']}, {'mean' if row['reduction'] == 'mean' else 'summed'}"
    told = [note for note in report["notes"] if note.startswith("its gradient is exact for ")]
    assert code == 1
    assert len(told) == 1
    assert own in told[0]


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
