"""What is said of a line: five verdicts, and what each rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "proved",
    "holds numerically",
    "another convention",
    "fails",
    "ill-formed",
    "not understood",
    "definition",
    "assignment",
    "mention",  # a formula that claims nothing: w^l_jk in a sentence
    "contradiction",  # proved and refuted: an error of ours
]


@dataclass(frozen=True)
class Proof:
    """A line that the kernel has replayed. rules: the shortest known, to read. domain: for which layers it holds."""

    domain: str
    rules: tuple[str, ...]
    steps: int


@dataclass(frozen=True)
class Unproved:
    """No proof was found, and why; says nothing of the line's truth."""

    reason: str


@dataclass(frozen=True)
class IllFormed:
    """The line says nothing: an index or a shape does not fit. mended: a repair that was checked, in the notation, or None."""

    reason: str
    mended: str | None = None


@dataclass(frozen=True)
class Holds:
    """Both sides equal on that many networks. exact: over fractions, with polynomial sigma and cost."""

    networks: int
    exact: bool
    domain: str


@dataclass(frozen=True)
class Counterexample:
    """The smallest network found on which the two sides differ.

    network: its sizes, weights, sigma and cost in words, one line each. at: the free indices' values ("l = 2, j = 1").
    terms: how each side's value came about, one line a term. ratio: right / left if it is the same number everywhere, else None.
    """

    network: tuple[str, ...]
    at: str
    left: str
    right: str
    terms: tuple[str, ...]
    ratio: str | None = None


@dataclass(frozen=True)
class NoNumbers:
    """The numbers could not judge the line, and why."""

    reason: str
