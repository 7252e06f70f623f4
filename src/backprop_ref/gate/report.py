"""What a comparison found: entry by entry in arrays, and as a whole.

A claimed entry agrees if |claimed - expected| is at most its bound: the rounding that a right candidate may have, plus
what the oracle may be off by. Nothing is tuned. Where no number can be expected there is a reason instead.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AGREES, CANNOT_TELL, DISAGREES, VerdictError
from ..gradient import Verdict, book_name

if TYPE_CHECKING:
    from .diagnosis import Diagnosis

Array = NDArray[Any]
EXIT_CODES = {Verdict.AGREES: AGREES, Verdict.DISAGREES: DISAGREES, Verdict.CANNOT_TELL: CANNOT_TELL}
ORDER = (Verdict.AGREES, Verdict.DISAGREES, Verdict.CANNOT_TELL)  # the numbers in Part.verdicts
VISIBLE = 1e-3  # an entry is resolved if its bound is below itself, or below this part of its array's largest


@dataclass(frozen=True, eq=False)
class Part:
    """One array of a gradient, compared entry by entry; all arrays have the shape of the claim.

    part, l     nabla_w, nabla_b, delta or nabla_x, and the layer; or a name of your own and 0
    equation    the equation of the chapter that makes it, or ""
    claimed     what the candidate says           expected  what the oracle says, NaN where it says nothing
    bound       what they may differ by           why       0, or the number of a reason in the report's reasons
    low, high   where the two branches of one kink put the derivative; NaN elsewhere, None without kinks
    unsure      True where an entry beyond its bound may still be right, so that it cannot be told
    beside      the largest entry of its layer: what errors are measured by where every entry of this array is exactly 0
    """

    part: str
    l: int
    equation: str
    claimed: Array
    expected: Array
    bound: Array
    why: Array
    low: Array | None = None
    high: Array | None = None
    unsure: Array | None = None
    name_of: Callable[[tuple[int, ...]], str] | None = None
    beside: float = 0.0
    verdicts: Array = field(init=False)
    difference: Array = field(init=False)

    def __post_init__(self) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            difference = np.abs(self.claimed - self.expected)
            wrong = (difference > self.bound) | (~np.isfinite(self.claimed) & np.isfinite(self.expected))
            untold = (self.why != 0) | np.isnan(self.bound) | np.isnan(self.expected) | (np.isinf(self.bound) & ~wrong)
            if self.unsure is not None:
                untold = untold | (wrong & self.unsure)
            if self.low is not None and self.high is not None:
                outside = (self.claimed < self.low) | (self.claimed > self.high) | ~np.isfinite(self.claimed)
                wrong, untold = wrong | (outside & ~np.isnan(self.low)), untold & ~(outside & ~np.isnan(self.low))
        object.__setattr__(self, "difference", difference)
        object.__setattr__(self, "verdicts", np.where(untold, 2, np.where(wrong, 1, 0)).astype(np.int8))

    @property
    def label(self) -> str:
        """What reports call this array: dC/dw^3, or its own name."""
        letter = {"nabla_w": "dC/dw", "nabla_b": "dC/db", "delta": "delta", "nabla_x": "dC/dx"}
        return f"{letter[self.part]}^{self.l}" if self.part in letter else self.part

    def name(self, index: tuple[int, ...]) -> str:
        """The book's name of an entry; the index counts from 0."""
        return self.name_of(index) if self.name_of else book_name(self.part, self.l, index)

    def count(self, verdict: Verdict) -> int:
        """How many entries have this verdict."""
        return int((self.verdicts == ORDER.index(verdict)).sum())

    @property
    def size(self) -> int:
        """How many entries there are."""
        return int(self.verdicts.size)

    @property
    def largest(self) -> float:
        """The largest expected entry, in size; 0 if none is known."""
        known = np.abs(self.expected[np.isfinite(self.expected)])
        return float(known.max(initial=0.0))

    @property
    def unresolved(self) -> int:
        """How many told entries have a bound that is not below the entry, nor below a thousandth of the array's largest."""
        visible = np.maximum(np.abs(np.nan_to_num(self.expected)), VISIBLE * (self.largest or self.beside))
        return int((~(self.bound < visible) & (self.verdicts != 2) & np.isfinite(self.expected)).sum())

    @property
    def resolved(self) -> int:
        """How many told entries are not unresolved."""
        return self.size - self.unresolved - self.count(Verdict.CANNOT_TELL)

    @property
    def resolution(self) -> float:
        """The smallest error, relative to the array's largest entry, that could not have hidden in any told entry."""
        told = self.bound[(self.verdicts != 2) & np.isfinite(self.bound)]
        if not told.size or not (self.largest or self.beside):
            return float("inf")
        return 2 * float(told.max()) / (self.largest or self.beside)

    def excess(self) -> Array:
        """By how many times each entry exceeds its bound; 0 where nothing can be told."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            times = np.where(self.difference == 0, 0.0, self.difference / self.bound)
        times = np.where(np.isfinite(self.claimed), times, np.inf)
        return np.where(self.verdicts == 2, 0.0, np.where(np.isnan(times), np.inf, times))


@dataclass(frozen=True)
class Entry:
    """One entry, for a reader."""

    name: str
    claimed: float
    expected: float
    difference: float
    bound: float
    times: float
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True)
class Finding:
    """Something seen that is not one entry's: a shape, a mutated input, an answer that changes. It has a verdict too."""

    verdict: Verdict
    text: str


@dataclass(frozen=True, eq=False)
class Report:
    """The result of a check. Its str is a text to read; report.raise_for_verdict() is for tests.

    target      what was checked            findings  what was seen besides the entries
    parts       the arrays, compared        reasons   reasons[why] of an entry without a number
    source      the oracle                  proven    True if bounds are proven, False if they are error bars
    notes       what a reader should know
    unseen      (mistake, why): mistakes of the catalogue that this probe could not have shown, planted on it
    total       entries that there are; checked may be fewer (frozen, not claimed)
    diagnosis   which equation, which layer, which mistake, where entries of a network's gradient disagree
    """

    target: str
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ("",)
    source: str = ""
    proven: bool = True
    notes: tuple[str, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    total: int = 0
    seed: int | None = None
    seconds: float = 0.0
    diagnosis: "Diagnosis | None" = None

    @property
    def verdict(self) -> Verdict:
        """Disagrees if anything does; else cannot tell if anything cannot be told, or nothing is resolved; else agrees."""
        seen = {ORDER[v] for p in self.parts for v in np.unique(p.verdicts)} | {f.verdict for f in self.findings}
        if Verdict.DISAGREES in seen:
            return Verdict.DISAGREES
        if Verdict.CANNOT_TELL in seen or not self.resolved:
            return Verdict.CANNOT_TELL
        return Verdict.AGREES

    @property
    def exit_code(self) -> int:
        """0 agrees, 1 disagrees, 3 cannot tell."""
        return EXIT_CODES[self.verdict]

    @property
    def checked(self) -> int:
        """Entries compared."""
        return sum(p.size for p in self.parts)

    @property
    def resolved(self) -> int:
        """Entries whose bound is below them, or below a thousandth of their array's largest."""
        return sum(p.resolved for p in self.parts)

    def count(self, verdict: Verdict) -> int:
        """Entries with this verdict."""
        return sum(p.count(verdict) for p in self.parts)

    def worst(self, n: int = 5, parts: Iterable[Part] | None = None) -> list[Entry]:
        """The entries that exceed their bounds by most, worst first; of those within, the nearest to it."""
        parts = [p for p in (self.parts if parts is None else parts) if p.size]
        found = [
            (float(excess[i]), part, tuple(int(v) for v in np.unravel_index(i, part.verdicts.shape)))
            for part in parts
            for excess in [part.excess().ravel()]
            for i in np.argpartition(-excess, min(n, excess.size) - 1)[:n]
        ]
        found.sort(key=lambda f: -f[0])
        return [self.entry(part, index) for _, part, index in found[:n]]

    def entry(self, part: Part, index: tuple[int, ...]) -> Entry:
        """One entry of a part; the index counts from 0."""
        claimed, expected, difference, bound, times = (
            float(v[index]) for v in (part.claimed, part.expected, part.difference, part.bound, part.excess())
        )
        verdict, reason = ORDER[part.verdicts[index]], self.reasons[int(part.why[index])]
        return Entry(part.name(index), claimed, expected, difference, bound, times, verdict, reason)

    def untold(self) -> dict[str, int]:
        """The reasons why entries cannot be told, with how many entries each has."""
        counts: dict[str, int] = {}
        for part in self.parts:
            codes = part.why[part.verdicts == 2]
            for code, times in zip(*np.unique(codes, return_counts=True), strict=True):
                reason = self.reasons[int(code)] or "the bound is not finite: a right candidate may overflow here"
                counts[reason] = counts.get(reason, 0) + int(times)
        return counts

    def layers(self) -> Iterator[tuple[int, list[Part]]]:
        """(l, the parts of that layer), from layer 1 or 2 up; parts that belong to no layer come one by one, with l = 0."""
        for p in self.parts:
            if not p.l:
                yield 0, [p]
        for l in sorted({p.l for p in self.parts if p.l}):
            yield l, [p for p in self.parts if p.l == l]

    def with_notes(self, *notes: str) -> "Report":
        """The same report with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def raise_for_verdict(self) -> None:
        """Raises VerdictError, with the whole report as its message, unless the verdict is "agrees"."""
        if self.verdict is not Verdict.AGREES:
            raise VerdictError(str(self), self.exit_code)

    def __str__(self) -> str:
        from .render import text

        return text(self)

    def to_json(self) -> Mapping[str, Any]:
        """The same facts as plain data, ready for json.dumps."""
        from .render import data

        return data(self)
