"""docs/mistakes.md is what its script writes: it cannot fall behind the catalogue."""

import runpy
from pathlib import Path

from backprop_ref.gate.mistakes import MISTAKES
from backprop_ref.gate.training import outcomes

ROOT = Path(__file__).parent.parent


def test_the_page_is_what_the_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "scripts/write_mistakes.py"))
    assert (ROOT / "docs/mistakes.md").read_text(encoding="utf-8") == script["page"]()


def test_every_mistake_is_on_it() -> None:
    page = (ROOT / "docs/mistakes.md").read_text(encoding="utf-8")
    for m in MISTAKES:
        assert page.count(f"\n### {m.title}\n\n`{m.name}`. ") == 1
        assert f" {m.wrong}$$" in page
        assert m.sentence in page
        assert f"\nTraining: {outcomes()[m.name]}.\n" in page
