"""Writes docs/mistakes.md from the catalogue: python scripts/write_mistakes.py. With --train it trains with each mistake first.

The figures of training are kept in src/backprop_ref/gate/training.json, so that the page is written in seconds.
"""

import sys
from pathlib import Path

from backprop_ref.gate.mistakes import MISTAKES, Place, smallest
from backprop_ref.gate.planting import LEFT, RIGHT, Mistake
from backprop_ref.gate.training import ALIKE, CHANCE, MINI_BATCH, SEEDS, STEPS, as_json, measured, outcomes

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "mistakes.md"
FIGURES = ROOT / "src" / "backprop_ref" / "gate" / "training.json"
NETWORKS = "none of those that were searched"


def alike() -> int:
    """How many mistakes a learning curve does not give away."""
    return sum(
        one is not None and one.verdict in ("learns as well as the right one", "learns faster") for one in outcomes().values()
    )


OPENING = f"""# Mistakes in backpropagation

The {len(MISTAKES)} wrong equations that `backprop-ref gate` knows by name. It plants each in the chapter's four equations and
looks whether that gives your gradient, to rounding, on every probe; it does not read your code. A number that only you
know (c, eta, lambda) is solved for. `backprop-ref mistakes NAME` prints one of them.

A network hides a mistake if the wrong equation gives the right gradient there: a check on that network cannot see it. The
smallest network that shows it and the smallest that hides it were found by search.

What a mistake does to training was measured: {STEPS:,} steps of stochastic gradient descent on the 1,437 training digits of this
package, in mini-batches of {MINI_BATCH}, with the mistake in every layer where its line can be written; and beside it the same
network, the same digits, with the right equations. The cost is that on the training digits, the accuracy that on the 360 test
digits, both with the right forward pass and as means over {len(SEEDS)} seeds. "Does not learn" is an accuracy below {CHANCE},
twice that of guessing. "Slower" and "faster" are accuracies more than {ALIKE} outside the range of those of the right one over
the seeds; a machine that rounds otherwise may see a mistake near that limit on its other side. "Diverges" means that a weight
or bias overflowed. {alike()} of the mistakes learn as well as the right one, or faster: that a network learns says little
about its gradient.

This page is written by `python scripts/write_mistakes.py`; `--train` measures again.
"""


def page() -> str:
    """The whole page."""
    sections = [OPENING, summary()]
    for equation in dict.fromkeys(m.equation for m in MISTAKES):
        sections.append(f"## {equation}\n")
        sections += [entry(m) for m in MISTAKES if m.equation == equation]
    return "\n".join(sections)


def summary() -> str:
    """How many mistakes do what to training."""
    said = [one.verdict if one else "changes nothing" for one in outcomes().values()]
    rows = [f"| {verdict} | {said.count(verdict)} |" for verdict in sorted(set(said), key=lambda v: -said.count(v))]
    return "\n".join(["| training | mistakes |", "|---|---|", *rows, ""])


def entry(m: Mistake) -> str:
    """One mistake: both formulas, both lines, what it is, what it does to training, and where it shows and hides."""
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

Training: {outcomes()[m.name] or "it changes no gradient on the networks that were trained"}.
Shown by: {place(shows)}. Hidden by: {place(hides)}.
"""


def place(where: Place | None) -> str:
    """A network in words."""
    return str(where) if where else NETWORKS


def train() -> None:
    """Write the figures anew."""
    found = {}
    for m in MISTAKES:
        found[m.name] = measured(m)
        print(f"{m.name}: {found[m.name]}", flush=True)
    FIGURES.write_text(as_json(found), encoding="utf-8")


if __name__ == "__main__":
    if "--train" in sys.argv:
        train()
    PAGE.write_text(page(), encoding="utf-8")
