"""A proof with real numbers: what the sides of each link are on one network, at every layer and every index."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random
from typing import Any

from .given import Given
from .numbers.judge import Line as Sides
from .numbers.judge import TimedRun, read
from .numbers.network import Drawn
from .numbers.shapes import NoValue
from .report import Link

EXAMPLES = 2
CLOSE = 1e-12  # of numbers with thirty digits, that are printed with six


@dataclass(frozen=True)
class Value:
    """One entry of one link. at: l = 2, j = 1. equal: to thirty digits, or as good as."""

    at: str
    left: float
    right: float
    equal: bool


def network(sizes: Sequence[int], seed: int) -> Drawn:
    """Normal weights and biases, two examples; every number has two digits behind the point."""
    rng = Random(seed)
    L = len(sizes)

    def row(n: int) -> list[Any]:
        return [Fraction(round(100 * rng.gauss(0, 1)), 100) for _ in range(n)]

    n = dict(enumerate(sizes, start=1))
    w = {l: [row(n[l - 1]) for _ in range(n[l])] for l in range(2, L + 1)}
    b = {l: row(n[l]) for l in range(2, L + 1)}
    x = [row(n[1]) for _ in range(EXAMPLES)]
    y = [[Fraction(int(j == example % n[L])) for j in range(n[L])] for example in range(EXAMPLES)]
    return Drawn(n, w, b, x, y, dict.fromkeys(n, (0, 1)), None, {}, {})


def values(link: Link, net: Drawn) -> list[Value]:
    """Both sides of a link wherever it speaks of this network: nowhere, if it has too few layers. Raises NoValue."""
    if link.sides is None:
        raise NoValue("it was not read")
    line = read(*link.sides, numbers_given(link.given), softmax_itself=True)
    names = dict.fromkeys(line.wanted.demands.names, Fraction(1, 2))
    return list(_values(line, replace(net, variables=names)))


def numbers_given(given: Given) -> Given:
    """The sigmoid and the quadratic cost, where the proof leaves them open."""
    return replace(given, sigma=given.sigma or "sigmoid", cost=given.cost or "quadratic")


def _values(line: Sides, net: Drawn) -> Iterator[Value]:
    run = TimedRun(net, line.wanted.rules, deadline=math.inf)
    for place in line.places(run):
        at = [f"{name} = {p}" for name, p in run.layers.items() if name != "L"]
        at += [f"{index.name} = {i + 1}" for index, i in place.items()]
        left, right = line.both(run)
        for n, (u, v) in enumerate(zip(left, right, strict=True)):
            where = line.entry(run, n)
            entry = [f"entry {', '.join(str(i + 1) for i in where)}"] if where else []
            yield Value(", ".join([*at, *entry]), float(u), float(v), abs(u - v) <= CLOSE * max(1, abs(u)))
