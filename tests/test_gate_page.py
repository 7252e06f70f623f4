"""Every command in the table of docs/gate.md exits as it says, by the form that it names."""

import json
import re
import shlex
from pathlib import Path

import pytest

from backprop_ref import cli

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([a-l]): .* \| (\w+) \| `backprop-ref (gate [^`]+)` \| (\d) \|$", PAGE, re.MULTILINE)
FRAMEWORKS = "cdef"  # run by make test-frameworks


def test_every_form_has_a_row() -> None:
    assert {letter for letter, *_ in ROWS} == set("abcdefghijkl")


@pytest.mark.parametrize(("letter", "form", "command", "code"), [row for row in ROWS if row[0] not in FRAMEWORKS])
def test_a_command(
    letter: str, form: str, command: str, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.run([*shlex.split(command), "--format", "json"]) == int(code)
    assert json.loads(capsys.readouterr().out)["candidate"]["form"] == form


def test_the_first_example_prints_what_the_page_shows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    block = re.search(r"```console\n\$ backprop-ref (.*)\n((?:.+\n)+)```", PAGE)
    assert block
    assert cli.run(shlex.split(block[1])) == 0
    printed = capsys.readouterr().out.splitlines()
    for line in block[2].splitlines():
        assert line == "..." or line in printed
