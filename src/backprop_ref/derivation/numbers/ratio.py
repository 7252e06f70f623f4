"""Is one side always the same number times the other? Then the line lacks a factor, and it can be said which."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from ..notation.tree import EXAMPLES, Layer
from .network import Run
from .shapes import number
from .values import count

LARGEST = 12  # numerator and denominator of a factor worth saying
CLOSENESS = 1e-25


class Ratio:
    """right / left, as far as the networks heard so far leave it open: a simple number, or of neurons or examples."""

    def __init__(self, layers: Iterable[Layer], examples: bool) -> None:
        sizes = sorted(set(layers), key=lambda p: (p != Layer("L"), str(p)))
        self.axes = {f"n_{p}" if len(str(p)) == 1 else f"n_({p})": p for p in sizes}
        if examples:
            self.axes = {"n": EXAMPLES, **self.axes}
        self.open: dict[str, Any] | None = None

    def hear(self, run: Run, left: Any, right: Any) -> None:
        """Drop every factor that these values exclude."""
        if left == 0 and right == 0:
            return
        factors = self._of_network(run) if left != 0 else {}
        if self.open is None:
            self.open = {name: c for name, c in (factors | _simple(left, right)).items() if _near(c * left, right)}
        else:
            self.open = {name: factors.get(name, c) for name, c in self.open.items() if _near(factors.get(name, c) * left, right)}

    @property
    def text(self) -> str | None:
        """The factor that fits everywhere; a number rather than a size."""
        return next(iter(sorted(self.open or (), key=lambda name: "n" in name)), None)

    def _of_network(self, run: Run) -> dict[str, Fraction]:
        factors = dict[str, Fraction]()
        for name, axis in self.axes.items():
            if axis != EXAMPLES and not 1 <= number(axis, run.layers) <= run.net.L:
                continue
            size = Fraction(count(run, axis))
            factors |= {name: size, f"1/{name}": 1 / size, f"2/{name}": 2 / size, f"-{name}": -size, f"-1/{name}": -1 / size}
        return factors


def _simple(left: Any, right: Any) -> dict[str, Any]:
    if left == 0 or right == 0:
        return {}
    c = Fraction(right) / left if isinstance(left, int | Fraction) else _rational(right / left)
    return {str(c): c} if c is not None and max(abs(c.numerator), c.denominator) <= LARGEST else {}


def _rational(value: Any) -> Fraction | None:
    return Fraction(float(value)).limit_denominator(LARGEST) if abs(value) <= LARGEST else None


def _near(u: Any, v: Any) -> bool:
    return u == v or (not isinstance(v, int | Fraction) and abs(u - v) <= CLOSENESS * abs(v))
