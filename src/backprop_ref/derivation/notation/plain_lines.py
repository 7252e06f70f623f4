"""Formulas in plain text: which lines are formulas, and which are words or code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from . import lookalikes
from .markdown import Text

OURS = re.compile(r"[wWbBzZaAyYxXCEJLsthnmfg]|delta|Delta|sigma|Sigma|phi|eta|nabla|grad|[δΔσΣ∂∇φ∑]|loss|cost")
KNOWN = re.compile(
    "d?(?:sum|norm|exp|log|tanh|sqrt|abs|max|min|diag|transpose|sigma|Sigma|sigmoid|softmax|relu|softplus|logistic|delta|Delta|eta|"
    "lambda|eps|epsilon|alpha|beta|gamma|theta|omega|phi|varphi|rho|nabla|grad|partial|cost|loss|dot|inner|outer|mean|eye|axis|"
    "keepdims|True|False|sigma_prime|net|out)"
)
SIGN = re.compile(r"[-+*/@]?:?(?<![=!<>])=(?!=)|≈|≡|<-|←|->|→|~=")
BREAK = re.compile(r"\s(?:for|where|if|with|when|since|because|by|as|and|so|then|or)\s|\s\(|,\s|;\s|\s{3,}|\.$")
CODE = re.compile(r"==|!=|=>|\+\+|;$|[\"`]|::|\b(?:import|def|return|print|while|self)\b|^\s*(?:\$|>>>|#)")
WORD = re.compile(r"[^\W\d_]+(?:_prime)?")
LONGEST = 10_000
COMMENT = re.compile(r"(?<=\s)(?:#|//).*")


class Line(NamedTuple):
    """A formula: its text, and where each character stands in the document."""

    text: str
    places: tuple[int, ...]


def is_formula(line: str) -> bool:
    """Does the line look like an equation with our letters?

    It has a relation sign (= ≈ ≡ := <- += ...) outside of every bracket with something behind it. Before the first one stands
    nothing (the line goes on with the one above) or a formula: at least one of our letters, and no word of three letters or more
    that is no function's or Greek letter's name. Behind it the same holds up to a comma, a bracket or a word like "for". A line
    that has a mark of code (==, quotes, ; or : at the end, return, a prompt) or over 10,000 characters is none.
    """
    at = relation(line)
    if at is None or len(line) > LONGEST or CODE.search(line) or line.rstrip().endswith(":"):
        return False
    left, right = line[: at.start()], line[at.end() :]
    right = right[: end.start()] if (end := BREAK.search(right, 2)) else right
    if not right.strip() or not all(_known(word) for word in WORD.findall(left + " " + right)):
        return False
    return not left.strip() or OURS.search(left) is not None


def relation(line: str) -> re.Match[str] | None:
    """The first relation sign outside of every bracket."""
    level, signs = 0, {match.start(): match for match in SIGN.finditer(line)}
    for i, character in enumerate(line):
        level += (character in "([{") - (character in ")]}")
        if level <= 0 and i in signs:
            return signs[i]
    return None


def formulas(text: Text) -> Iterator[list[Line] | None]:
    """The formulas of each run of lines without a blank line between them; None for each line with a relation that is no formula.

    A line that begins with an operator goes on with the formula above. A comment behind # or // is no part of it.
    """
    run = list[list[Line]]()
    for line, start in zip(text.content.split("\n"), text.offsets, strict=True):
        said = COMMENT.sub("", line, count=1)
        clear = "".join(map(lookalikes.plain, said))
        if not said.strip():
            yield from [[*map(_joined, run)]] if run else []
            run = []
        elif is_formula(clear):
            run.append([clean(said, start)])
        elif run and clear.lstrip()[0] in "+-*·⊙/" and relation(clear) is None:
            run[-1].append(clean(said, start))
        elif relation(clear):
            yield None
    yield from [[*map(_joined, run)]] if run else []


def _joined(lines: list[Line]) -> Line:
    """One formula over several lines."""
    places = [place for line in lines for place in (line.places[0], *line.places)]
    return Line(" ".join(line.text for line in lines), tuple(places[1:]))


def clean(line: str, start: int) -> Line:
    """Each character in its one spelling, without the blanks around. start: where the line stands in the document."""
    made, places = list[str](), list[int]()
    first = len(line) - len(line.lstrip())
    for i, character in enumerate(line.strip(), start=start + first):
        spelling = lookalikes.plain(character)
        made.append(spelling)
        places += [i] * len(spelling)
    return Line("".join(made), tuple(places))


def _known(word: str) -> bool:
    return len(word) < 3 or not word.isascii() or KNOWN.fullmatch(word) is not None
