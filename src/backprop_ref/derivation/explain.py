"""The shortest certificate of a line: what a learner reads as the rule that leads from the line above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from .indices import Line
from .kernel import (
    CONSTANTS,
    ON_QUANTITIES,
    VARIABLES,
    Atom,
    Index,
    Kernel,
    Layer,
    Polynomial,
    Refused,
    Step,
    check,
    shift,
)
from .prover import GaveUp, simplify

DEPTH, BUDGET = 4, 1500
ON_PARTIALS = (
    "sigma acts on each neuron alone",
    "derivative of z = w a + b",
    "same variable",
    "not downstream",
    "examples do not mix",
    "gradient of the given cost",
    "derivative of sigma",
)
BOOKKEEPING = ("merge", "n / n = 1", "sum of 1", "one neuron a layer")


def rules_of(line: Line, found: list[Step]) -> tuple[str, ...]:
    """The rules of the shortest proof of up to four, or of the one that was found."""
    if found and found[0][0] == "cases":
        top, below = line.cases()
        here = f"{line.domain.var} = L" + (f"-{line.domain.gap}" if line.domain.gap else "")
        return (f"case {here}:", *rules_of(top, found[0][2]), f"case {below.in_words()}:", *rules_of(below, found[0][3]))
    steps = shortest(line)
    if steps is not None:
        check(line.left, line.right, line.free, line.domain, steps)
    return tuple(read(line, found if steps is None else steps))


def shortest(line: Line) -> list[Step] | None:
    """Iterative deepening over the rules; None if there is no proof of up to four, or the budget is spent."""
    kernel, tried = Kernel(line.free, line.domain), count()

    def search(poly: Polynomial, steps: list[Step], depth: int) -> list[Step] | None:
        if not poly or not depth:
            return None if poly else steps
        for t, (_, _, atoms) in enumerate(poly):
            for i, atom in enumerate(atoms):
                for op, argument in applicable(atom):
                    if next(tried) > BUDGET:
                        raise GaveUp("budget")
                    before = kernel.number
                    mark = next(before)
                    kernel.number = count(mark)
                    more = [*steps, (op, t, i, argument)]
                    try:
                        new = simplify(kernel, kernel.apply(poly, more[-1]), more)
                        result = search(new, more, depth - 1)
                    except Refused:
                        result = None
                    if result is not None:
                        return result
                    kernel.number = count(mark)
        return None

    try:
        start: list[Step] = []
        poly = simplify(kernel, kernel.difference(line.left, line.right), start)
        for depth in range(DEPTH + 1):
            if (steps := search(poly, start, depth)) is not None:
                return steps
    except GaveUp:
        pass
    return None


def applicable(atom: Atom) -> Iterator[tuple[str, Any]]:
    """The rules that may apply to an atom; the kernel refuses those that do not."""
    if atom[0] != "d":
        yield from ((name, None) for name in ON_QUANTITIES)
        return
    yield from ((name, None) for name in ON_PARTIALS)
    A, B = atom[1:]
    if A[0] in ("C", *VARIABLES):
        p, q = A[1], B[1]
        for v in dict.fromkeys([("z", q), ("a", q), ("z", shift(q, 1)), ("z", p), ("a", p), ("a", shift(p, -1))]):
            if v not in (A[:2], B[:2]):
                yield "chain rule", v


def read(line: Line, steps: list[Step]) -> Iterator[str]:
    """Each rule in words: chain rule through z^(l+1) in dC/dz^l_j."""
    kernel = Kernel(line.free, line.domain)
    poly = kernel.difference(line.left, line.right)
    letters = Letters(line.free)
    for op, t, i, argument in steps:
        _, bound, atoms = poly[t]
        if op not in BOOKKEEPING and not (op == "not downstream" and atoms[i][1][0] in CONSTANTS):
            if op != "Kronecker":
                yield (
                    op
                    + (f" through {argument[0]}^{layer(argument[1])}" if op == "chain rule" else "")
                    + f" in {letters.show(atoms[i])}"
                )
            elif any(k in bound for k in atoms[i][2]):
                yield f"of the sum only the term {' = '.join(letters[k] for k in atoms[i][2])} remains"
        poly = kernel.apply(poly, (op, t, i, argument))


class Letters:
    """Names for indices: those that the line has, and a letter for each of the kernel's own."""

    def __init__(self, free: Mapping[Index, Layer]) -> None:
        self.given = {i: {".1": "j", ".2": "k"}.get(str(i), str(i).lstrip(".")) for i in free}
        taken = set(self.given.values())
        self.letters = (c for c in "kimpqrstuvj" if c not in taken)
        self.of: dict[Index, str] = {}

    def __getitem__(self, i: Index) -> str:
        if i in self.given or isinstance(i, int):
            return self.given.get(i, str(i))
        if i not in self.of:
            self.of[i] = next(self.letters, "?")
        return self.of[i]

    def show(self, atom: Atom) -> str:
        """An atom in the book's letters."""
        match atom:
            case ("d", A, B):
                return f"d{self.show(A)}/d{self.show(B)}"
            case ("S", p, (j, _), n):
                return f"sigma{chr(39) * n}(z^{layer(p)}_{self[j]})"
            case ("sigma", *_):
                return "sigma(...)"
            case ("dots", *_):
                return "the dots"
            case ("C" | "p" | "n" | "inv" | "K" as kind, *_):
                return str(kind)
            case (kind, p, at, *_):
                inside = at if kind in "wb" else at[:1]
                return f"{kind}^{layer(p)}_{','.join(self[i] for i in inside)}"
        return "?"


def layer(p: Layer) -> str:
    """A layer in an exponent."""
    if not p[0]:
        return str(p[1])
    return f"({p[0]}{p[1]:+d})" if p[1] else p[0]
