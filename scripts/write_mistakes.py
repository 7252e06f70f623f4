"""Writes docs/mistakes.md from the catalogue: python scripts/write_mistakes.py."""

from pathlib import Path

from backprop_ref.gate.mistakes import MISTAKES, Place, smallest
from backprop_ref.gate.planting import LEFT, RIGHT, Mistake

PAGE = Path(__file__).parent.parent / "docs" / "mistakes.md"
NETWORKS = "none of those that were searched"
OPENING = f"""# Mistakes in backpropagation

The {len(MISTAKES)} wrong equations that `backprop-ref gate` knows by name. It plants each in the chapter's four equations and
looks whether that gives your gradient, to rounding, on every probe; it does not read your code. A number that only you
know (c, eta, lambda) is solved for. `backprop-ref mistakes NAME` prints one of them.

A network hides a mistake if the wrong equation gives the right gradient there: a check on that network cannot see it. The
smallest network that shows it and the smallest that hides it were found by search.

This page is written by `python scripts/write_mistakes.py`.
"""


def page() -> str:
    """The whole page."""
    sections = [OPENING]
    for equation in dict.fromkeys(m.equation for m in MISTAKES):
        sections.append(f"## {equation}\n")
        sections += [entry(m) for m in MISTAKES if m.equation == equation]
    return "\n".join(sections)


def entry(m: Mistake) -> str:
    """One mistake: both formulas, both lines, what it is, and where it shows and hides."""
    shows, hides = smallest(m)
    wrong = "\n".join(m.code())
    right = "\n".join(dict.fromkeys(f"{LEFT[part]} = {RIGHT[part]}" for part in m.parts))
    about = f"Only with {', '.join(m.only)}. " if m.only else ""
    return f"""### {m.title}

`{m.name}`. {about}{m.sentence}

$$\\text{{wrong:}} \\quad {m.wrong}$$

$$\\text{{right:}} \\quad {m.right}$$

```text
# wrong
{wrong}
# right
{right}
```

Shown by: {place(shows)}. Hidden by: {place(hides)}.
"""


def place(where: Place | None) -> str:
    """A network in words."""
    return str(where) if where else NETWORKS


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
