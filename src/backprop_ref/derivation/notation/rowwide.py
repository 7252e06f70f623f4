"""What a whole row says: a letter in it may mean what its neighbours let it mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from .dialects import Dialect
from .tokens import Token

NEVER = {"l", "L", "ell", "e", "d", "I", "O", "one"}  # letters that are neither an index nor a vector
OPEN, CLOSE = ("LC", "LP", "LB"), ("RC", "RP", "RB")


@dataclass(frozen=True)
class Row:
    """indices: names that stand below a letter. output, input: whether a target or an output, whether x stands in the row.

    vectors: letters of which an entry is taken, as in (s ⊙ t)_j. one: it speaks of one weight or bias of any layer, and writes no
    layer (dC/dw = a_in delta_out). neuron: it speaks of one neuron behind the input (sigma(w . x + b)): the index that it gets.
    free: what sigma is of in a row of nothing else (sigma(x) = 1 / (1 + e^-x), sigma(z) = z^2). bare_sigma: a sigma without an
    argument, as in sigma' = sigma (1 - sigma). first: it speaks of one example, which it calls 0: its cost is C_0.
    """

    indices: frozenset[str] = frozenset()
    plain: bool = False
    output: bool = False
    input: bool = False
    vectors: frozenset[str] = frozenset()
    one: bool = False
    neuron: str = ""
    free: frozenset[str] = frozenset()
    bare_sigma: bool = False
    first: bool = False

    @classmethod
    def of(cls, tokens: Sequence[Token], dialect: Dialect, *, plain: bool) -> Row:
        """What these tokens say together."""
        roles = dialect.roles()
        said = {roles.get(t.value, "") for t in tokens if t.type == "LETTER"}
        indices = frozenset(name for name in _below(tokens) if name not in roles and name not in NEVER)
        neuron = not dialect.units and _of_one_neuron(tokens, roles)
        return cls(
            indices,
            plain,
            not said.isdisjoint(("y", "output")),
            "x" in said,
            frozenset(name for name in _entries(tokens) if name not in roles and name not in NEVER),
            not dialect.units and _of_one_weight(tokens, roles),
            next(name for name in "ijkmpq" if name not in indices) if neuron else "",
            _free(tokens, roles) | _of_sigma(tokens, roles),
            _bare_sigma(tokens, roles),
            _first(tokens, dialect),
        )


def _below(tokens: Sequence[Token]) -> Iterator[str]:
    """The letters below another one."""
    for n, t in enumerate(tokens):
        if t.type == "UNDER" and n and tokens[n - 1].type != "NABLA" and tokens[n - 1].value != "one":
            yield from (u.value for u in _group(tokens, n + 1) if u.type == "LETTER")


def _group(tokens: Sequence[Token], n: int) -> Sequence[Token]:
    """The token at n, or the bracket that opens there."""
    level = 0
    for m in range(n, len(tokens)):
        level += (tokens[m].type in OPEN) - (tokens[m].type in CLOSE)
        if level <= 0:
            return tokens[n : m + 1]
    return tokens[n:]


def _entries(tokens: Sequence[Token]) -> Iterator[str]:
    """Letters without scripts in a bracket with an index."""
    opened: list[int] = []
    for n, t in enumerate(tokens):
        if t.type in OPEN:
            opened.append(n)
        elif t.type in CLOSE and opened:
            start = opened.pop()
            if (
                t.type in ("RP", "RB")
                and n + 1 < len(tokens)
                and tokens[n + 1].type == "UNDER"
                and tokens[start - 1].type != "CARET"
            ):
                inside = zip(tokens[start : n - 1], tokens[start + 1 : n], tokens[start + 2 : n + 1], strict=True)
                alone = (u for before, u, after in inside if {before.type, after.type}.isdisjoint(("CARET", "UNDER")))
                yield from (u.value for u in alone if u.type == "LETTER")


def _of_one_weight(tokens: Sequence[Token], roles: dict[str, str]) -> bool:
    """Only C, w, b and delta and what comes in or goes out, no layer, and a derivative or an update of w or b."""
    if any(t.type in ("CARET", "LB", "SUM", "WORD") for t in tokens):
        return False
    below = {u.start for n, t in enumerate(tokens) if t.type == "UNDER" for u in _group(tokens, n + 1)}
    said = set[str]()
    for n, t in enumerate(tokens):
        script = _group(tokens, n + 2) if [u.type for u in tokens[n + 1 : n + 2]] == ["UNDER"] else ()
        in_out = "".join(u.value for u in script if u.type not in OPEN + CLOSE) in ("in", "out")
        if t.type == "LETTER" and t.start not in below and not in_out:
            said.add(roles.get(t.value, ""))
    moves = any(t.type == "PARTIAL" or t.value in ("d", "<-", "->", ":=") for t in tokens)
    return moves and not said.isdisjoint("wb") and said <= {"", "w", "b", "delta", "C", "cost", "J"}


def _of_one_neuron(tokens: Sequence[Token], roles: dict[str, str]) -> bool:
    """w and x, and no layer on any letter."""
    said = {roles.get(t.value, "") for t in tokens if t.type == "LETTER"}
    if not {"w", "x"} <= said or not said <= {"", "w", "x", "b", "z", "a", "sigma"}:
        return False
    for n, t in enumerate(tokens):
        if t.type == "CARET" and tokens[n - 1].value != "e" and not _is_transpose(_group(tokens, n + 1)):
            return False
    return not any(t.type == "LB" for t in tokens)


def _is_transpose(script: Sequence[Token]) -> bool:
    return all(t.type == "TOP" or t.value in ("T", "t") for t in script if t.type not in ("LC", "RC"))


def _free(tokens: Sequence[Token], roles: dict[str, str]) -> frozenset[str]:
    """The one letter beside sigma that has no scripts, if it is x or unknown."""
    letters = {t.value for t in tokens if t.type == "LETTER" and roles.get(t.value) != "sigma"} - {"e", "d"}
    scripts = any(t.type == "UNDER" or (tokens[n - 1].value in letters and _no_power(tokens, n)) for n, t in enumerate(tokens))
    sigma = any(roles.get(t.value) == "sigma" for t in tokens)
    alone = sigma and not scripts and len(letters) == 1 and letters.isdisjoint(NEVER)
    return frozenset(letter for letter in letters if alone and roles.get(letter, "x") == "x")


def _no_power(tokens: Sequence[Token], n: int) -> bool:
    """Whether something stands above or behind a letter that is no number above it."""
    power = [t.type for t in _group(tokens, n + 1) if t.type not in ("LC", "RC")] == ["NUMBER"]
    return tokens[n].type == "LB" or (tokens[n].type == "CARET" and not power)


def _of_sigma(tokens: Sequence[Token], roles: dict[str, str]) -> frozenset[str]:
    """The z of sigma(z), in a row without another quantity, if it has no scripts but powers there: z^2 is no layer's."""
    if not {roles.get(t.value, "") for t in tokens if t.type == "LETTER"} <= {"", "sigma", "z"}:
        return frozenset()
    ahead = [t for t in tokens if t.type not in ("PRIME", "LC", "RC")]
    alone = {
        t.value
        for sigma, left, t, right in zip(ahead, ahead[1:], ahead[2:], ahead[3:], strict=False)
        if roles.get(sigma.value) == "sigma" and (left.type, right.type) == ("LP", "RP") and roles.get(t.value, "x") == "z"
    }
    for n, t in enumerate(ahead):
        after = [u.type for u in ahead[n + 1 : n + 3]]
        if t.value in alone and (after[:1] in (["UNDER"], ["LB"]) or (after[:1] == ["CARET"] and after != ["CARET", "NUMBER"])):
            return frozenset()
    return frozenset(alone)


def _first(tokens: Sequence[Token], dialect: Dialect) -> bool:
    """Whether each cost is C_0, and nothing speaks of more examples."""
    roles = dialect.roles()
    for n, t in enumerate(tokens):
        scripts = [u.type for u in tokens[n + 1 : n + 2] if u.type in ("UNDER", "CARET", "LB")]
        below = "".join(u.value for u in _group(tokens, n + 2) if u.type not in ("LC", "RC")) if scripts == ["UNDER"] else ""
        if roles.get(t.value) in ("C", "J", "cost") and below != "0":
            return False
        if (t.value in dialect.count and not scripts) or (t.type == "SUM" and below == dialect.example):
            return False
    return True


def _bare_sigma(tokens: Sequence[Token], roles: dict[str, str]) -> bool:
    """A sigma that is followed by no bracket, in a row of nothing else."""
    said = {t.value if t.value == "d" else roles.get(t.value, t.value) for t in tokens if t.type == "LETTER"}
    if not said <= {"sigma", "z", "d"}:
        return False
    ahead = [t for t in tokens if t.type != "PRIME"]
    bare = (t for t, u in zip_longest(ahead, ahead[1:]) if u is None or u.type not in ("LP", "LB"))
    return any(roles.get(t.value) == "sigma" for t in bare)
