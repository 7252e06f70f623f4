"""What stands above and below a letter: its layer, its indices, its example, a transpose, a prime or a power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from .dialects import Dialect
from .tokens import Token, Unreadable
from .tree import Index, Layer

OPEN, CLOSE = {"LP": "RP", "LB": "RB", "LC": "RC"}, {"RP", "RB", "RC"}
LAYERED = ("w", "b", "z", "a", "delta", "sigma", "size", "one")  # letters whose exponent is a layer
OUTPUTS = ("y", "output")
COSTS = ("C", "cost", "J")
LETTERS_OF_LAYERS = {"l": "l", "ell": "l", "L": "L"}


@dataclass
class Scripts:
    """What was found on one letter. doubtful: its layer is a number, which may be a power (2) or, in round brackets, an order."""

    layer: Layer | None = None
    doubtful: Literal["", "power", "order"] = ""
    example: Index | None = None
    transposed: bool = False
    primes: int = 0
    power: list[Token] = field(default_factory=list)
    indices: tuple[Index, ...] = ()


def above(tokens: Sequence[Token], role: str, found: Scripts, dialect: Dialect) -> None:
    """Add what an exponent says: l, (l), [l](i), x,l, T, a prime, or a power."""
    parts = pieces(tokens)
    layers = sum(layer_of(piece, dialect) is not None for _, piece in parts)
    for kind, piece in parts:
        if len(piece) > 1 and not kind and _transpose(piece[-1]):
            found.transposed = True
            piece = piece[: -2 if piece[-2].type == "CARET" else -1]
        if not kind and len(piece) == 1 and _transpose(piece[0]):
            found.transposed = True
        elif all(t.type in ("PRIMESIGN", "PRIME") for t in piece):
            found.primes += len(piece)
        elif _an_example(kind, piece, role, found, dialect, len(parts) > 1 and layers == 1):
            found.example = _index(piece)
        elif role in OUTPUTS and (layer := layer_of(piece, dialect)) and layer.base:
            if layer != Layer("L"):
                raise Unreadable(f"y and the output are of layer L, not of layer {layer}", piece[0].start)
        elif role in LAYERED and found.layer is None and not _a_power(kind, piece, role, found, dialect):
            found.layer = layer_of(piece, dialect)
            if kind != "LB" and piece[0].type == "NUMBER":
                found.doubtful = "order" if kind == "LP" else "power"
            if found.layer is None:
                said = "".join(t.value for t in piece)
                raise Unreadable(f"{said} is no layer; layers are l, l+1, l-1, L, L-1, 2 ...", piece[0].start)
        else:
            found.power = [*found.power, *piece]


def _an_example(kind: str, piece: Sequence[Token], role: str, found: Scripts, dialect: Dialect, beside_layer: bool) -> bool:
    """x, or (i) where no layer can stand or where it stands already."""
    if len(piece) != 1 or piece[0].type not in ("LETTER", "NUMBER") or found.example is not None:
        return False
    if piece[0].value == dialect.example and piece[0].type == "LETTER":
        return True
    if role == "x":
        return kind == "LP" or piece[0].type == "LETTER"
    if kind == "LP" and role not in ("sigma", "size", "one"):
        outputs = role in OUTPUTS and piece[0].value != "L"
        return (
            outputs
            or role in COSTS
            or found.layer is not None
            or dialect.layers == "[l]"
            or (beside_layer and not _a_layer(piece))
        )
    return beside_layer and not kind and piece[0].type == "LETTER" and not _a_layer(piece)


def _a_layer(piece: Sequence[Token]) -> bool:
    return piece[0].value in LETTERS_OF_LAYERS


def _a_power(kind: str, piece: Sequence[Token], role: str, found: Scripts, dialect: Dialect) -> bool:
    """A bare number, where layers stand in brackets or below, or behind a prime, or on a size."""
    bare = not kind and piece[0].type == "NUMBER"
    return bare and (dialect.layers != "l" or role in ("size", "one") or found.primes > 0)


def below(tokens: Sequence[Token], role: str, found: Scripts, dialect: Dialect) -> None:
    """Add what stands below: indices (jk, 10,2, m_1, k'), or a layer (W_l, W_{l+1}, W_2)."""
    subscripts = dialect.layers == "_l"
    first = [t for t in tokens if t.type not in ("LC", "RC")]
    cut = next((n for n, t in enumerate(first) if t.type == "COMMA"), len(first))
    layer = layer_of(first[:cut], dialect) if found.layer is None and (role in LAYERED or role == "x") else None
    if layer is not None and (subscripts or layer.base or (role == "w" and cut == len(first) and not found.indices)):
        found.layer, tokens = layer, first[cut + 1 :]
    found.indices = (*found.indices, *index_list(tokens))


def index_list(tokens: Sequence[Token], *, one: bool = False) -> tuple[Index, ...]:
    """The indices in a row of tokens; one: they are the parts of a single name (m1)."""
    names: list[Index] = []
    nested = False
    for t in tokens:
        if t.type in ("PRIME", "PRIMESIGN") and names and isinstance(names[-1], str):
            names[-1] += "'"
        elif t.type == "UNDER":
            nested = True
        elif t.type in ("LETTER", "NUMBER"):
            if names and (nested or (one and t.type == "NUMBER" and isinstance(names[-1], str))):
                names[-1] = f"{names[-1]}{t.value}"
            else:
                names.append(int(t.value) if t.type == "NUMBER" and t.value.isdigit() else t.value)
            nested = False
        elif t.type not in ("LC", "RC", "COMMA", "LP", "RP", "CARET"):
            raise Unreadable(f"{t.value} is no index", t.start)
    return tuple(names)


def layer_of(tokens: Sequence[Token], dialect: Dialect) -> Layer | None:
    """l, l+1, L-1, 2: in the chapter's numbers; None if it is no layer."""
    tokens = [t for t in tokens if t.type not in ("LC", "RC")]
    kinds = [t.type for t in tokens]
    if kinds == ["NUMBER"] and tokens[0].value.isdigit():
        return Layer("", int(tokens[0].value) + 1 - dialect.first_layer)
    if kinds[:1] != ["LETTER"] or tokens[0].value not in LETTERS_OF_LAYERS:
        return None
    base = LETTERS_OF_LAYERS[tokens[0].value]
    if len(kinds) == 1:
        return Layer(base)
    if kinds[1:] in (["PLUS", "NUMBER"], ["MINUS", "NUMBER"]) and tokens[2].value.isdigit():
        return Layer(base, int(tokens[2].value) * (1 if kinds[1] == "PLUS" else -1))
    return None


def pieces(tokens: Sequence[Token]) -> list[tuple[str, list[Token]]]:
    """Brackets apart, runs between commas apart: (kind of the bracket or "", its inside)."""
    found: list[tuple[str, list[Token]]] = [("", [])]
    level: list[str] = []
    for t in tokens:
        if t.type in OPEN and t.type != "LC":
            if not level:
                found.append((t.type, []))
            level.append(t.type)
            if len(level) == 1:
                continue
        elif t.type in CLOSE and t.type != "RC" and level:
            level.pop()
            if not level:
                found.append(("", []))
                continue
        elif t.type == "COMMA" and not level:
            found.append(("", []))
            continue
        if t.type not in ("LC", "RC"):
            found[-1][1].append(t)
    return [piece for piece in found if piece[1]]


def _transpose(t: Token) -> bool:
    return t.type in ("TOP", "TRANSPOSE") or (t.type == "LETTER" and t.value in ("T", "t"))


def _index(tokens: Sequence[Token]) -> Index:
    return index_list(tokens)[0]
