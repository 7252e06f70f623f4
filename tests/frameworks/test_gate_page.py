"""The commands in docs/gate.md that need a framework."""

import json
import re
import shlex
from pathlib import Path

import pytest

from backprop_ref import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| [c-f]: .* \| (\w+) \| `backprop-ref (gate [^`]+)` \| (\d) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("form", "command", "code"), ROWS)
def test_a_command(form, command, code, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert cli.run([*shlex.split(command), "--format", "json"]) == int(code)
    assert json.loads(capsys.readouterr().out)["candidate"]["form"] == form


def test_there_are_four():
    assert len(ROWS) == 4
