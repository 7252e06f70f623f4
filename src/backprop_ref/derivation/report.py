"""What was found in a document: each formula as it was read, with its verdict, and the whole in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import AGREES, CANNOT_TELL, DISAGREES, INTERNAL, VerdictError
from .given import Given
from .judge import Judgement
from .notation.tree import Node
from .verdicts import Counterexample, Kind

WRONG: tuple[Kind, ...] = ("fails", "ill-formed")
# A formula of several links has the first of these that one of them has.
ORDER: tuple[Kind, ...] = (
    "contradiction",
    "fails",
    "ill-formed",
    "not understood",
    "another convention",
    "assignment",
    "definition",
    "holds numerically",
    "proved",
    "mention",
)


@dataclass(frozen=True)
class Link:
    """One claim, left relation right, in the notation, and what is said of it.

    follows_from: the line that is the first false one of its chain, if this one is false only because that one is.
    parts_from: the false line just before, if this one is true and does not follow from it.
    sides, given: what was judged, as trees and in our terms, and what was given then.
    """

    left: str
    relation: str
    right: str
    judgement: Judgement
    follows_from: int | None = None
    parts_from: int | None = None
    sides: tuple[Node, Node] | None = field(default=None, repr=False)
    given: Given = field(default_factory=Given, repr=False)


@dataclass(frozen=True)
class Formula:
    """One formula of the document.

    line, column: where it begins, from 1. source: as it was written. latex: as it was read, "" if it was not.
    links: its claims; none for a mention, or where it could not be read. caret: where in source reading stopped, from 0.
    cell: of a notebook, the number of the cell and of the line in it; line and column are those of the file.
    """

    line: int
    column: int
    source: str
    latex: str
    links: tuple[Link, ...] = ()
    reason: str = ""
    caret: int | None = None
    cell: tuple[int, int] | None = None

    @property
    def verdict(self) -> Kind:
        """The verdict of its worst link."""
        if self.deciding is None:
            return "not understood" if self.reason else "mention"
        return self.deciding.judgement.verdict

    @property
    def deciding(self) -> Link | None:
        """The link that its verdict is taken from."""
        return min(self.links, key=lambda link: ORDER.index(link.judgement.verdict), default=None)

    @property
    def follows_from(self) -> int | None:
        """The first false line of its chain, if this one is false only because that one is."""
        return self.deciding.follows_from if self.deciding else None

    def has(self, kind: Kind) -> bool:
        """Whether one of its links has that verdict."""
        return any(link.judgement.verdict == kind for link in self.links)


@dataclass(frozen=True)
class DerivationReport:
    """The result of reading a document line by line. Its str is a text to read; raise_for_verdict() is for tests.

    target: what was read. notation: what was taken for which letter. given: what is taken of sigma, cost and layers at the end.
    delimiters: how many pieces stand between $, \\[ or in environments. mentions: those in a sentence that have no relation, and
    claim nothing. other: lines of plain text with a relation that were taken for code or words.
    strict: what only holds numerically is not enough.
    """

    target: str
    notation: tuple[str, ...]
    formulas: tuple[Formula, ...]
    given: tuple[str, ...] = ()
    delimiters: int = 0
    mentions: int = 0
    other: int = 0
    strict: bool = False
    seed: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0: nothing is wrong. 1: something is. 3: not all was understood, or nothing was claimed. 70: our own error."""
        kinds = {f.verdict for f in self.formulas}
        if "contradiction" in kinds:
            return INTERNAL
        if kinds & set(WRONG) or (self.strict and any(f.has("holds numerically") for f in self.formulas)):
            return DISAGREES
        return CANNOT_TELL if "not understood" in kinds or kinds <= {"mention"} else AGREES

    @property
    def verdict(self) -> str:
        """holds, fails, cannot tell or internal error."""
        return {AGREES: "holds", DISAGREES: "fails", CANNOT_TELL: "cannot tell", INTERNAL: "internal error"}[self.exit_code]

    @property
    def summary(self) -> dict[str, int]:
        """How many formulas were found, and how many have each verdict."""
        kinds = [f.verdict for f in self.formulas]
        counts: dict[str, int] = {kind: kinds.count(kind) for kind in reversed(ORDER)}
        return {"formulas": len(kinds), **counts, "mentions": self.mentions, "other": self.other}

    @property
    def first_false(self) -> int | None:
        """The first line that fails, or says nothing."""
        return next((f.line for f in self.formulas if f.verdict in WRONG), None)

    def raise_for_verdict(self) -> None:
        """Raises VerdictError, with the whole report as its message, unless the document holds."""
        if self.exit_code != AGREES:
            raise VerdictError(str(self), self.exit_code)

    def __str__(self) -> str:
        from .render import text

        return text(self)

    def _repr_html_(self) -> str:
        from .page import section

        return section(self)

    def to_json(self) -> Mapping[str, Any]:
        """The same facts as plain data, ready for json.dumps."""
        from .render import data

        return data(self)


def counterexample_data(found: Counterexample | None) -> dict[str, Any] | None:
    """A counterexample as plain data."""
    if found is None:
        return None
    return {
        "network": list(found.network),
        "at": found.at,
        "left": found.left,
        "right": found.right,
        "terms": list(found.terms),
        "ratio": found.ratio,
    }
