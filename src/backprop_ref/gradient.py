"""A gradient by layer, an estimate of one with a bound for each entry, and what a comparison can say.

The parts bear the book's names: nabla_w[l] is (n_l, n_(l-1)), nabla_b[l] is (n_l,), for l = 2..L; delta[l] is (n_l,)
for one example and (m, n_l) for a batch, each example's own dC_x/dz, not divided by m.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Layers = Mapping[int, Array]
Numbers = Mapping[int, Any]  # by layer, then by the book's numbers
PARTS = ("nabla_w", "nabla_b", "delta")


class Verdict(StrEnum):
    """What a comparison can say. There is no fourth answer, and no silent pass."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    CANNOT_TELL = "cannot tell"


def book_name(part: str, l: int, index: tuple[int, ...]) -> str:
    """The book's name of an entry, from its position in our arrays, which count from 0.

    A delta of a batch has the index (example, j). An index above 9 is set in braces.

    >>> book_name("nabla_w", 3, (1, 3)), book_name("nabla_w", 2, (11, 6)), book_name("delta", 2, (4, 0))
    ('dC/dw^3_24', 'dC/dw^2_{12,7}', 'delta^2_1 of example 5')
    """
    example, index = (index[:1], index[1:]) if part == "delta" and len(index) == 2 else ((), index)
    letter = {"nabla_w": "dC/dw", "nabla_b": "dC/db", "delta": "delta", "nabla_x": "dC/dx"}[part]
    return f"{letter}^{l}_{subscript(*(i + 1 for i in index))}" + "".join(f" of example {i + 1}" for i in example)


def subscript(*numbers: int) -> str:
    """Neurons as a subscript, numbered from 1 as in the book; an index above 9 is set in braces.

    >>> subscript(2, 4), subscript(12, 7), subscript(12)
    ('24', '{12,7}', '{12}')
    """
    short = "".join(map(str, numbers))
    return short if len(numbers) == len(short) else "{" + ",".join(map(str, numbers)) + "}"


def frozen(array: Array) -> Array:
    """A view of an array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def _freeze(layers: Layers) -> Layers:
    return MappingProxyType({l: frozen(np.asarray(v)) for l, v in sorted(layers.items())})


def _array(numbers: Iterable[Any]) -> Array:
    numbers = list(numbers)
    return np.array(numbers, dtype=None if isinstance(numbers[0], float | complex) else object)


@dataclass(frozen=True, eq=False)
class Gradient:
    """nabla_w[l], nabla_b[l] and delta[l] for l = 2..L, read-only. nabla_b is empty for a network without biases.

    Two gradients are equal if every entry is, without a tolerance; NaN equals nothing. Entries are float64, float32, or
    objects (Fraction).
    """

    nabla_w: Layers
    nabla_b: Layers = field(default_factory=dict)
    delta: Layers = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in PARTS:
            object.__setattr__(self, part, _freeze(getattr(self, part)))

    @classmethod
    def from_numbered(cls, nabla_w: Numbers, nabla_b: Numbers, delta: Numbers) -> "Gradient":
        """From dicts keyed by the book's numbers: nabla_w[l][j, k], nabla_b[l][j], delta[l][j] (of a batch: lists of these)."""
        return cls(
            {l: _array(v.values()).reshape(max(v)) for l, v in nabla_w.items()},
            {l: _array(v.values()) for l, v in nabla_b.items()},
            {
                l: np.array([_array(d.values()) for d in v]) if isinstance(v, list) else _array(v.values())
                for l, v in delta.items()
            },
        )

    def items(self) -> Iterator[tuple[str, int, Array]]:
        """(part, l, array) for each array, from layer 2 up: nabla_w, nabla_b, delta."""
        for part in PARTS:
            for l, array in getattr(self, part).items():
                yield part, l, array

    @property
    def parameters(self) -> int:
        """How many entries nabla_w and nabla_b have together."""
        return sum(array.size for part, _, array in self.items() if part != "delta")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Gradient):
            return NotImplemented
        mine, theirs = list(self.items()), list(other.items())
        return [p[:2] for p in mine] == [p[:2] for p in theirs] and all(
            np.array_equal(p[2], q[2]) for p, q in zip(mine, theirs, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside

    def __mul__(self, c: Any) -> "Gradient":
        return Gradient(*({l: c * v for l, v in getattr(self, part).items()} for part in PARTS))

    __rmul__ = __mul__


@dataclass(frozen=True, eq=False)
class Estimate(Gradient):
    """A gradient found without derivatives, with how far it may be off.

    bound    for each entry: |entry - truth| is at most this if `proven`, else it is an error bar, an estimate
    proven   True for complex step and enclosures, False for differences
    why      for each entry, 0, or the number of the reason why it is NaN, in `reasons`
    reasons  reasons[0] is the empty string
    source   the name of the oracle
    """

    bound: Gradient = field(default_factory=lambda: Gradient({}))
    proven: bool = False
    why: Gradient = field(default_factory=lambda: Gradient({}))
    reasons: tuple[str, ...] = ("",)
    source: str = ""

    def reason(self, part: str, l: int, index: tuple[int, ...]) -> str:
        """Why an entry has no number, or the empty string. The index counts from 0, as in the arrays."""
        return self.reasons[int(getattr(self.why, part)[l][index])]

    def counts(self) -> tuple[int, int]:
        """(entries with a number, entries with a reason instead)."""
        without = sum(int((array != 0).sum()) for _, _, array in self.why.items())
        return sum(array.size for _, _, array in self.items()) - without, without
