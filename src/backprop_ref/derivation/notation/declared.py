"""What a document's own first formulas say of its letters: a^l = g(z^l) declares g, dE/dw^l_jk declares E."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .dialects import Dialect
from .rowwide import CLOSE, OPEN, Row
from .signs import PARAMETERS
from .sources import Source
from .tokens import Token, Unreadable, tokens

NO_ROLE = {*PARAMETERS, "l", "L", "ell", "d", "e", "I", "O", "one", "ones", "Delta", "Sigma", "axis", "keepdims", "True", "False"}
FIELDS = {"sigma": "activation", "cost": "cost", "z": "weighted", "delta": "error", "y": "target", "w": "weight"}
SCRIPTS = ("CARET", "UNDER")


def declared(dialect: Dialect, formulas: Sequence[Source]) -> tuple[Dialect, list[str]]:
    """The dialect with the letters that the formulas themselves explain, and what was taken from where.

    Taken are letters that the dialect does not know, if all formulas that explain one agree, no two compete for one place, and
    the dialect's own letter for it stands in no formula.
    """
    said: list[str] = []
    for _ in range(2):  # a target is known by the output that it is compared with
        roles = dialect.roles()
        used = {role for source in formulas for t in _tokens(source) if (role := roles.get(t.value))}
        used |= {"cost"} if used & {"J", "C"} else set()
        found: dict[str, dict[str, Source]] = defaultdict(dict)
        for source in formulas:
            for role, letter in _explained(source, dialect, roles):
                found[role].setdefault(letter, source)
        letters = [letter for of in found.values() for letter in of]
        for role, of in found.items():
            (letter, source), *others = of.items()
            if not others and letters.count(letter) == 1 and role not in used:
                dialect = replace(dialect, **{FIELDS[role]: letter})  # type: ignore[arg-type]  # these fields are letters
                said.append(f"{FIELDS[role]}: {letter}, from line {source.places[0][0]}")
    return dialect, said


def _explained(source: Source, dialect: Dialect, roles: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(what it stands for, letter) for each unknown letter that this formula explains."""
    found = [t for t in _tokens(source) if t.type != "SPLIT"]
    indices = Row.of(found, dialect, plain=source.syntax == "plain").indices
    known = {t.value: roles.get(t.value, "") for t in found if t.type == "LETTER"}
    unknown = {v for v, role in known.items() if not role and v not in indices and v not in NO_ROLE and v not in dialect.count}
    for n, t in enumerate(found):
        if t.type == "LETTER" and t.value in unknown:
            role = _role(found, n, roles)
            if role:
                yield role, t.value


def _tokens(source: Source) -> list[Token]:
    try:
        return tokens(source.text, source.syntax)
    except Unreadable:
        return []


def _role(found: Sequence[Token], n: int, roles: dict[str, str]) -> str:
    """What the unknown letter at n is, by what stands around it."""
    before = found[n - 1] if n else None
    after = _after_scripts(found, n + 1)
    behind = found[after] if after < len(found) else None
    names = [roles.get(t.value, "") for t in found if t.type == "LETTER"]
    if behind is not None and behind.type in ("LP", "LB") and before is not None and before.type == "RELATION":
        inside = {roles.get(t.value, "") for t in found[after:] if t.type == "LETTER"}
        return "sigma" if names[0] == "a" and inside & {"z", "w"} else ""
    if before is not None and (before.type == "PARTIAL" or before.value == "d"):
        below = [roles.get(t.value, "") for t in found[after : after + 6] if t.type == "LETTER"]
        slashed = behind is not None and behind.type in ("RC", "SLASH")
        return "cost" if slashed and any(role in ("w", "b", "z", "a") for role in below) else ""
    if n == 0 and behind is not None and behind.type == "RELATION":
        right = {roles.get(t.value, "") for t in found[after:] if t.type == "LETTER"}
        derived = any(t.type == "PARTIAL" or t.value == "d" for t in found[after:])
        if not derived and {"w", "b"} <= right and right & {"a", "x"} and "sigma" not in right:
            return "z"
        return "delta" if derived and {"cost", "z"} <= right and not right & {"w", "a", "sigma"} else ""
    return _compared(found, n, after, roles)


def _compared(found: Sequence[Token], n: int, after: int, roles: dict[str, str]) -> str:
    """(t - a^L), (a^L - t): what an output is held against."""
    before, behind = (found[n - 1] if n else None), (found[after] if after < len(found) else None)
    if before is None or behind is None:
        return ""
    if before.type in OPEN and behind.type == "MINUS" and after + 1 < len(found):
        return "y" if roles.get(found[after + 1].value) in ("a", "output") else ""
    if before.type == "MINUS" and behind.type in CLOSE:
        letters = [t.value for t in found[:n] if t.type == "LETTER" and roles.get(t.value)]
        return "y" if letters and roles.get(letters[-1]) in ("a", "output") else ""
    return ""


def _after_scripts(found: Sequence[Token], n: int) -> int:
    """The place behind the scripts and primes that begin at n."""
    while n < len(found) and (found[n].type in SCRIPTS or found[n].type == "PRIME"):
        n += 1
        if found[n - 1].type in SCRIPTS:
            level = 0
            while n < len(found):
                level += (found[n].type in OPEN) - (found[n].type in CLOSE)
                n += 1
                if level <= 0:
                    break
    return n
