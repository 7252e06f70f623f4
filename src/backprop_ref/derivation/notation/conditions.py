r"""When a formula is claimed: i \ne j, i = j, l = L behind it or before it, in its row or in the words of its sentence.

A condition is taken only where it can belong to one formula; any other says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TypeAlias

from .dialects import Dialect
from .fold import fold
from .pieces import free_indices
from .scripts import LETTERS_OF_LAYERS, index_list, layer_of
from .tokens import Token, Unreadable, tokens
from .tree import Kronecker, Layer, Node, Quantity, Repeat, Sum, Variable, children, descendants, with_children

UNEQUAL = {r"\ne", r"\neq", "≠"}
FOR = r"(?:for|if|when|whenever|where|with|provided|in the case|\\forall)(?: (?:all|each|every|that))?"
FORMULA = r"(?:\$([^$]+)\$|\\\((.+?)\\\))"
LEADS = re.compile(rf"(?:^|[,:] ?|\b(?:and|then|that|thus|hence|therefore|now) ){FOR} {FORMULA}([^$\\]*)$", re.I)
FOLLOWS = re.compile(
    rf" ?{FOR} {FORMULA}(?= ?(?:$|[.,;:)]|and\b))|, ?{FOR} {FORMULA}(?= ?(?:$|[.;)]))|,? ?\( ?(?:{FOR} )?{FORMULA} ?\)", re.I
)
BETWEEN = {
    "we", "have", "get", "find", "obtain", "then", "this", "is", "it", "the", "derivative", "error", "that", "gives", "reads",
    "becomes", "says", "one", "has", "so", "hence", "thus", "therefore", "of", "also", "clearly", "simply", "follows",
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """left = right, or not: two indices, or l and the one layer that it is."""

    left: str
    right: str | Layer
    equal: bool = True


Conditions: TypeAlias = tuple[Condition, ...]


def condition(piece: Sequence[Token], dialect: Dialect) -> Condition | None:
    """What a piece says, if it is a condition, in brackets or not."""
    inside = list(piece[1:-1] if piece and piece[0].type == "LP" and piece[-1].type == "RP" else piece)
    at = next((n for n, t in enumerate(inside) if t.type in ("RELATION", "INNER", "OTHER")), len(inside))
    left, sign, right = inside[:at], inside[at : at + 1], inside[at + 1 :]
    if not left or not right or left[0].type != "LETTER" or sign[0].value not in {"=", *UNEQUAL}:
        return None
    equal = sign[0].value == "="
    if len(left) == 1 and LETTERS_OF_LAYERS.get(left[0].value) == "l":
        layer = layer_of(right, dialect)
        return Condition("l", layer) if equal and layer is not None and layer.base != "l" else None
    names = [_index(left, dialect), _index(right, dialect)]
    return Condition(names[0], names[1], equal) if all(names) and names[0] != names[1] else None


def _index(found: Sequence[Token], dialect: Dialect) -> str:
    """The name of an index; nothing for what is none."""
    try:
        names = index_list(found, one=True) if found[0].type == "LETTER" else ()
    except Unreadable:
        return ""
    name = names[0] if len(names) == 1 else ""
    known = {*dialect.roles(), *LETTERS_OF_LAYERS} - {dialect.example}
    return name if isinstance(name, str) and name not in known else ""


def in_row(pieces: Sequence[Sequence[Token]], words: Sequence[str], dialect: Dialect) -> tuple[dict[int, Conditions], set[int]]:
    """The conditions of each piece that is a formula, by its place, and the places of these conditions.

    words: before each piece. A condition belongs to the formula before it, if it stands in brackets, or if each formula from
    there on is followed by one; one that the row begins with belongs to its only formula.
    """
    said = [condition(piece, dialect) for piece in pieces]
    lists = {n for n, (_, after) in enumerate(pairwise(pieces)) if said[n] and _goes_on(after)}
    said = [None if n in lists else c for n, c in enumerate(said)]
    formulas = [n for n, piece in enumerate(pieces) if not said[n] and any(t.type == "RELATION" for t in piece)]
    fits = [bool(not w or re.fullmatch(FOR, w, re.I)) for w in words]
    of: dict[int, Conditions] = {}
    taken = set[int]()
    if len(formulas) == 1 and formulas[0] and all(said[n] and fits[n] for n in range(formulas[0])) and words[0]:
        if not any(said[formulas[0] :]) and BETWEEN.issuperset(words[formulas[0]].lower().split()):
            taken = set(range(formulas[0]))
            of[formulas[0]] = tuple(c for c in said[: formulas[0]] if c)
        return of, taken
    for first, after in reversed(list(pairwise([*formulas, len(pieces)]))):
        behind = [n for n in range(first + 1, after) if said[n] and fits[n]]
        clear = after == len(pieces) or after in of or all(pieces[n][0].type == "LP" for n in behind)
        if behind and clear and not any(said[n] and n not in behind for n in range(first, behind[-1])):
            of[first] = tuple(c for n in behind if (c := said[n]))
            taken |= set(behind)
    return of, taken


def _goes_on(piece: Sequence[Token]) -> bool:
    """Whether a list goes on there: ..., 2."""
    return all(t.type in ("NUMBER", "DOTS", "LETTER", "PLUS", "MINUS") for t in piece)


def in_words(before: str, after: str, dialect: Dialect) -> Conditions:
    """The condition in the words of a sentence, right before a formula or right behind it."""
    found = LEADS.search(re.split(r"[.;!?] ", before)[-1])
    if found and not BETWEEN.issuperset(re.findall(r"\w+", found[3].lower())):
        found = None
    found = found or FOLLOWS.match(" ".join(after.split()) if not after[:1].isspace() else f" {' '.join(after.split())}")
    if found is None:
        return ()
    try:
        said = condition(tokens(next(g for g in found.groups() if g), "latex"), dialect)
    except Unreadable:
        return ()
    return (said,) if said else ()


# --------------------------------------------------------------------------------------------------------- what they say


def fitting(conditions: Conditions, sides: Sequence[Node]) -> Conditions:
    """Those that speak of these sides: of two of their free indices, or of their layer l."""
    every = [n for side in sides for n in descendants(side)]
    bound = {n.index for n in every if isinstance(n, Sum)}
    names = set[str]().union(*(free_indices(side) for side in sides)) - bound
    hidden = any(isinstance(n, Variable) and "_" in n.name for n in every)
    return tuple(c for c in conditions if isinstance(c.right, Layer) or ({c.left, c.right} <= names and not hidden))


def under(conditions: Conditions, side: Node) -> Node:
    """The side where the equal ones hold: i for j, L for l."""
    for c in conditions:
        if c.equal:
            side = fold(side, children, lambda node, new, c=c: _put(with_children(node, iter(new)), c))  # type: ignore[misc]
    return side


def unequal(conditions: Conditions) -> tuple[tuple[str, str], ...]:
    """The pairs of indices that differ."""
    return tuple((c.left, c.right) for c in conditions if not c.equal and isinstance(c.right, str))


def _put(node: Node, c: Condition) -> Node:
    if isinstance(c.right, Layer):
        value = c.right
        of_l = {f.name: v for f in fields(node) if isinstance(v := getattr(node, f.name), Layer) and v.base == "l"}
        return replace(node, **{name: value + v.offset for name, v in of_l.items()}) if of_l else node  # type: ignore[arg-type]
    name = {c.right: c.left}
    match node:
        case Quantity():
            indices = tuple(name.get(str(i), i) for i in node.indices)
            return replace(node, indices=indices, example=name.get(str(node.example), node.example))
        case Kronecker():
            return replace(node, i=name.get(str(node.i), node.i), j=name.get(str(node.j), node.j))
        case Repeat():
            return replace(node, left=name.get(str(node.left), node.left), right=name.get(str(node.right), node.right))
    return node
