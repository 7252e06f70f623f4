"""A gradient computed elsewhere, in any language, held against golden vectors: a JSON file with any part of it."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileRefused, UnknownName
from ..gradient import Gradient, Verdict, subscript
from ..rounding import smallest_normal, unit_roundoff
from . import golden
from .check import compare
from .golden import Golden
from .mistakes import COMMON
from .planting import unseen
from .report import Finding, Part, Report

Array = NDArray[Any]
KEYS = ("dtype", "nabla_w", "nabla_b", "before", "after", "eta", "orientation")
DTYPES = ("float64", "float32", "float16")
ORIENTATIONS = ("book", "transposed")
ROUNDINGS = 8  # of an update and the difference that recovers its gradient, in units of u max(|w|, |w'|)


def check_claim(directory: str | os.PathLike[str], claimed: str | os.PathLike[str]) -> Report:
    """Is what this file claims the gradient of the golden network of this folder? A verdict for each entry that it claims.

    claimed: JSON, {"dtype": ..., "nabla_w": {"2": ...}, "nabla_b": {"2": ...}}, any subset; or {"dtype": ..., "after":
    {"w": ..., "b": ...}, "eta": ...}, with "before" or without. An entry may be off by the rounding of a right computation
    in that dtype and the bound of the golden vectors; of an update, also by 8u max(|w|, |w'|)/eta.
    Raises FileRefused for a folder or a file that cannot be read as what it should be, UnknownName for a misspelt key.
    """
    start = perf_counter()
    vectors = golden.read(directory)
    claim = _Reader(vectors, Path(claimed)).claim()
    network, m = vectors.network, len(vectors.X)
    parts = _compared(vectors, claim, claim.dtype)
    target = f"{claimed}, golden network {'-'.join(map(str, network.sizes))}, m = {m}, {claim.dtype}"
    report = Report(
        target,
        tuple(parts),
        tuple(claim.findings),
        vectors.gradient.reasons,
        vectors.gradient.source,
        total=network.parameters,
        seed=vectors.seed,
    )
    notes = [*claim.notes, *_not_checked(vectors, parts), *_hints(vectors, claim, parts)]
    return replace(report, notes=tuple(notes), unseen=_unseen(vectors, parts), seconds=perf_counter() - start)


@dataclass
class _Claim:
    """What a file claims, in the book's orientation: value[part][l], and what each entry may be off by beside rounding."""

    dtype: str
    value: dict[str, dict[int, Array]] = field(default_factory=lambda: {"nabla_w": {}, "nabla_b": {}})
    extra: dict[str, dict[int, Array]] = field(default_factory=lambda: {"nabla_w": {}, "nabla_b": {}})
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _compared(vectors: Golden, claim: _Claim, dtype: str) -> list[Part]:
    if not any(claim.value.values()):
        return []
    g = vectors
    return compare(g.network, g.X, g.Y, Gradient(**claim.value), g.gradient, dtype, g.reduction, Gradient(**claim.extra))


def _not_checked(vectors: Golden, parts: list[Part]) -> list[str]:
    have = {(p.part, p.l) for p in parts}
    names = [f"{part}[{l}]" for part, l, _ in vectors.gradient.items() if part != "delta" and (part, l) not in have]
    return [f"not checked: {', '.join(names)}"] if names else []


def _hints(vectors: Golden, claim: _Claim, parts: list[Part]) -> list[str]:
    """What a reader of a wrong or a coarse result should know."""
    notes = []
    u, own = unit_roundoff(claim.dtype), str(vectors.network.dtype)
    if u < unit_roundoff(own):
        notes.append(f"the golden vectors are {own}: an error below their own rounding cannot show in {claim.dtype}")
    wrong = [p for p in parts if p.count(Verdict.DISAGREES)]
    notes += [
        f'nabla_w[{p.l}] agrees when it is transposed; if it is stored so, declare "orientation": "transposed"'
        for p in wrong
        if p.part == "nabla_w" and p.claimed.shape[0] == p.claimed.shape[1] and _fits_turned(p)
    ]
    off, agreed = (sum(p.count(verdict) for p in parts) for verdict in (Verdict.DISAGREES, Verdict.AGREES))
    for dtype in DTYPES[DTYPES.index(claim.dtype) + 1 :] if off > agreed else ():  # a single entry that is off is a mistake
        if not any(p.count(Verdict.DISAGREES) for p in _compared(vectors, claim, dtype)):
            notes.append(
                f"accurate to {dtype} only, but declared as {claim.dtype}; or printed with too few digits "
                f"(float64 needs 17, float32 9)"
            )
            break
    return notes


def _fits_turned(p: Part) -> bool:
    return not replace(p, claimed=p.claimed.T).count(Verdict.DISAGREES)


def _unseen(vectors: Golden, parts: list[Part]) -> tuple[tuple[str, str], ...]:
    """The common mistakes that would have left every claimed entry within its bound."""
    if not parts:
        return ()
    bound = {(p.part, p.l): p.bound for p in parts}
    allowed: dict[str, dict[int, Array]] = {"nabla_w": {}, "nabla_b": {}}
    for part, l, v in vectors.gradient.items():
        if part in allowed:
            allowed[part][l] = bound.get((part, l), np.full(v.shape, np.inf))
    found = unseen(COMMON, vectors.network, vectors.X, vectors.Y, vectors.reduction, Gradient(**allowed))
    return tuple((u.mistake.title, u.why) for u in found)


# ----------------------------------------------------------------------------------------------------- reading a claim


class _Reader:
    """Reads one claimed file."""

    def __init__(self, vectors: Golden, path: Path) -> None:
        self.vectors, self.network, self.path = vectors, vectors.network, path

    def claim(self) -> _Claim:
        """What the file claims. Raises FileRefused, UnknownName."""
        found = self._object()
        for key in found:
            if key not in KEYS:
                raise UnknownName(f"key in {self.path}", key, KEYS)
        claim = _Claim(self._choice(found, "dtype", DTYPES))
        turned = None
        if "orientation" in found:
            turned = self._choice(found, "orientation", ORIENTATIONS) == "transposed"
        direct = {part: self._layers(found.get(part), part, claim) for part in ("nabla_w", "nabla_b")}
        self._keep(direct, "nabla_w", turned, claim)
        self._update(found, turned, claim)
        if not any(claim.value.values()) and not claim.findings:
            text = f"{self.path} claims nothing; give nabla_w or nabla_b, or after and eta"
            claim.findings.append(Finding(Verdict.CANNOT_TELL, text))
        return claim

    def _object(self) -> dict[str, Any]:
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            found = json.loads(text, object_pairs_hook=self._once)
        except FileRefused:  # an OSError too
            raise
        except OSError as error:
            raise FileRefused(f"{self.path} could not be read: {error.strerror or error}.") from error
        except (ValueError, RecursionError) as error:
            raise FileRefused(f"{self.path} is no JSON ({error}); README.md beside the golden vectors shows what is.") from error
        if not isinstance(found, dict):
            raise FileRefused(f"{self.path} holds a JSON {_kind(found)}; an object with the keys {', '.join(KEYS)} is needed.")
        return found

    def _once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [k for k, _ in pairs]
            twice = next(k for k in keys if keys.count(k) > 1)
            raise FileRefused(f"{self.path} has the key {twice!r} twice in one object; which of the two is meant?")
        return found

    def _choice(self, found: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
        if key not in found:
            raise FileRefused(
                f'{self.path} declares no {key}; add "{key}": "{known[0]}", or whichever it is: {", ".join(known)}.'
            )
        if found[key] not in known:
            raise UnknownName(f"{key} in {self.path}", found[key], known)
        return str(found[key])

    def _layers(self, given: Any, name: str, claim: _Claim) -> dict[int, Array]:
        """The arrays of one part by layer, as they were written, in the declared dtype."""
        layers, known = self.network.layers, ", ".join(map(str, self.network.layers))
        if given is None:
            return {}
        if isinstance(given, list):
            if len(given) != len(layers):
                raise FileRefused(
                    f"{name} in {self.path} is a list of {len(given)}; one array for each of the layers {known} is needed, null "
                    "for what is not claimed, or an object by layer."
                )
            given = {str(l): v for l, v in zip(layers, given, strict=True)}
        if not isinstance(given, dict):
            raise FileRefused(f"{name} in {self.path} is a {_kind(given)}; an object by layer is needed, with the keys {known}.")
        if given and name.endswith("b") and not self.network.has_biases:
            raise FileRefused(f"{name} in {self.path} claims biases, and this network has none; leave {name} out.")
        found = {}
        for key, value in given.items():
            if key not in map(str, layers):
                raise FileRefused(f"{name} in {self.path} has a layer {key!r}; the layers that have weights are {known}.")
            if value is not None:
                found[int(key)] = self._array(f"{name}[{key}]", value, claim.dtype)
        return found

    def _array(self, name: str, value: Any, dtype: str) -> Array:
        if not isinstance(value, list):
            raise FileRefused(f"{name} in {self.path} is a {_kind(value)}; a list of numbers is needed, of a matrix one of rows.")
        rows = value if value and all(isinstance(row, list) for row in value) else [value]
        if len({len(row) for row in rows}) > 1:
            raise FileRefused(
                f"{name} in {self.path} has rows of {len(rows[0])} and of other numbers of entries; they must be equal."
            )
        numbers = [[self._number(name, v) for v in row] for row in rows]
        with np.errstate(over="ignore"):  # what is infinite in its dtype is told as such
            return np.array(numbers if rows is value else numbers[0], np.float64).astype(dtype)

    def _number(self, name: str, value: Any) -> float:
        """A JSON number, or a decimal or hexadecimal float as a string; null, as some write NaN, is NaN."""
        if value is None:
            return math.nan
        try:
            if isinstance(value, str):
                return float.fromhex(value) if "0x" in value.lower() else float(value)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
        except OverflowError:
            return math.inf
        except ValueError:
            pass
        shown = json.dumps(value) if len(json.dumps(value)) <= 40 else f"a {_kind(value)}"
        raise FileRefused(f'{name} in {self.path} holds {shown}; numbers are needed, as 0.25, "0.25" or "0x1p-2".')

    # ------------------------------------------------------------------------------------------ into the book's shapes

    def _keep(self, given: Mapping[str, dict[int, Array]], w: str, turned: bool | None, claim: _Claim) -> None:
        """Put arrays into the claim, in the book's orientation; what has no right shape becomes a finding."""
        for name, layers in given.items():
            part = "nabla_w" if name == w else "nabla_b"
            for l, v in self._book(name, layers, part == "nabla_w", turned, claim).items():
                claim.value[part][l], claim.extra[part][l] = v, np.zeros(v.shape)

    def _book(
        self, name: str, layers: Mapping[int, Array], weights: bool, turned: bool | None, claim: _Claim
    ) -> dict[int, Array]:
        shapes = {l: (self.network.w if weights else self.network.b)[l].shape for l in layers}
        if weights and turned is None:  # all in one orientation, told by those whose widths differ
            told = {l: v.shape == shapes[l][::-1] for l, v in layers.items() if v.ndim == 2 and shapes[l][0] != shapes[l][1]}
            turned = bool(told) and all(told.values())
            if turned:
                claim.notes.append(f"{name} is stored transposed, n_(l-1) x n_l: so its shapes say")
        found = {}
        for l, v in layers.items():
            array = v
            if weights and turned and v.ndim == 2:
                array = v.T
            elif not weights and v.ndim == 2 and 1 in v.shape:
                array = v.reshape(-1)  # a column, or a row
            if array.shape != shapes[l]:
                wanted = shapes[l][::-1] if weights and turned else shapes[l]
                text = f"{name}[{l}] has shape {v.shape}; it must have shape {wanted}, one entry for each parameter"
                claim.findings.append(Finding(Verdict.DISAGREES, text))
            else:
                found[l] = np.ascontiguousarray(array)
        return found

    def _update(self, found: Mapping[str, Any], turned: bool | None, claim: _Claim) -> None:
        """The update form: after = before - eta gradient."""
        given = [key for key in ("before", "after", "eta") if found.get(key) is not None]
        if not given:
            return
        for key in ("after", "eta"):
            if key not in given:
                raise FileRefused(f"{self.path} has {' and '.join(given)}, but no {key}; an update needs after and eta.")
        if any(claim.value.values()) or claim.findings:
            raise FileRefused(f"{self.path} has a gradient and an update (after, eta); claim the one or the other.")
        eta = self._number("eta", found["eta"])
        if not (math.isfinite(eta) and eta > 0):
            raise FileRefused(f"eta in {self.path} is {eta}; a finite number above 0 is needed.")
        sides: dict[str, dict[str, dict[int, Array]]] = {}
        for side in ("before", "after"):
            weights = found.get(side) if found.get(side) is not None else {}
            if not isinstance(weights, dict) or not weights.keys() <= {"w", "b"}:
                raise FileRefused(
                    f'{side} in {self.path} must be an object {{"w": ..., "b": ...}} of weights and biases by layer.'
                )
            layers = {letter: self._layers(weights.get(letter), f"{side}.{letter}", claim) for letter in "wb"}
            sides[side] = {c: self._book(f"{side}.{c}", v, c == "w", turned, claim) for c, v in layers.items()}
        if not self._starts_here(sides["before"], claim):
            return
        for letter, part in (("w", "nabla_w"), ("b", "nabla_b")):
            for l, v in sides["after"][letter].items():
                start, end = self._parameters(letter, claim.dtype)[l].astype(np.float64), v.astype(np.float64)
                with np.errstate(over="ignore", invalid="ignore"):
                    largest = np.maximum(np.abs(start), np.abs(end))
                    claim.value[part][l] = (start - end) / eta
                    off = ROUNDINGS * unit_roundoff(claim.dtype) * largest + 2 * smallest_normal(claim.dtype)
                    claim.extra[part][l] = off / eta

    def _parameters(self, letter: str, dtype: str) -> dict[int, Array]:
        return {l: v.astype(dtype) for l, v in (self.network.w if letter == "w" else self.network.b).items()}

    def _starts_here(self, before: Mapping[str, dict[int, Array]], claim: _Claim) -> bool:
        """Whether `before`, where it is given, is the golden network in the declared dtype; else a finding."""
        for letter, layers in before.items():
            for l, v in layers.items():
                mine = self._parameters(letter, claim.dtype)[l]
                if not np.array_equal(v, mine):
                    at = tuple(int(i) for i in np.argwhere(v != mine)[0])
                    name = f"{letter}^{l}_{subscript(*(i + 1 for i in at))}"
                    text = (
                        f"before is not the golden network: {name} is {v[at]!s}, and {mine[at]!s} in golden.json; start there, "
                        "write all digits, or leave before out"
                    )
                    claim.findings.append(Finding(Verdict.CANNOT_TELL, text))
                    return False
        return True


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {dict: "object", list: "list", str: "string", bool: "boolean"}.get(type(value), "number")
