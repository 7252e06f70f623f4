"""Every Python block in the documents runs, and prints what its comments say."""

import re
import sys
import types
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{n}")
    for page in PAGES
    for n, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL), start=1)
]


@pytest.fixture(autouse=True)
def modules_of_the_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that begins with `# name.py` is a file of the reader's, which other blocks import."""
    for page in PAGES:
        for name, source in re.findall(r"```python\n# (\w+)\.py\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            own = types.ModuleType(name)
            exec(source, own.__dict__)
            monkeypatch.setitem(sys.modules, name, own)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs_and_prints_what_it_says(block: str) -> None:
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(block, "block", "exec"), {})
    said = re.findall(r"^print\(.*\)  # (\w+)", block, re.MULTILINE)
    lines = printed.getvalue().splitlines()
    for expected in said:
        assert expected in lines


def test_there_are_blocks_to_run() -> None:
    assert len(BLOCKS) >= 2
