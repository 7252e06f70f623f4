"""Looks for a proof: unfolds both sides to the same sums of products, and writes down each step for the kernel to replay.

Nothing here is trusted. What it finds counts only once a fresh kernel has replayed it; what it does not find says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, pairwise
from time import monotonic
from typing import Any

from . import indices
from .given import Given
from .indices import Line
from .kernel import (
    CONSTANTS,
    EXAMPLES,
    PARAMETERS,
    TOP,
    VARIABLES,
    Atom,
    Domain,
    Index,
    Kernel,
    Layer,
    Polynomial,
    Refused,
    Step,
    Term,
    Tree,
    check,
    rename,
    shift,
)
from .notation.tree import Node
from .ranges import DoesNotFit, NotForTheKernel
from .verdicts import IllFormed, Proof, Unproved

MOST_TERMS, MOST_STEPS, MOST_LABELLINGS = 400, 5000, 500
SECONDS = 2.0
Rule = tuple[str, Any]
ORDER = (  # what is unfolded first
    "the dots telescope",
    "definition of delta",
    "chain rule",
    "inside a derivative",
    "examples do not mix",
    "not downstream",
    "same variable",
    "derivative of z = w a + b",
    "sigma acts on each neuron alone",
    "derivative of sigma",
    "gradient of the given cost",
    "C is the given cost",
    "the given sigma'",
    "a = sigma(z)",
    "z = w a + b",
    "read sigma's argument",
)


class GaveUp(Exception):
    """A cap was reached: the line is neither proved nor refuted."""


def prove(left: Node, right: Node, given: Given) -> Proof | Unproved | IllFormed:
    """left = right for every network: proved and replayed, not proved (and why), or no statement at all."""
    try:
        line = indices.read(left, right, given)
    except DoesNotFit as e:
        return IllFormed(str(e))
    except NotForTheKernel as e:
        return Unproved(str(e))
    except RecursionError:
        return Unproved("the formula is nested too deep")
    try:
        steps = certificate(line)
        check(line.left, line.right, line.free, line.domain, steps)
    except (Refused, GaveUp) as e:
        return IllFormed(line.doubt) if line.doubt else Unproved(str(e))
    except RecursionError:
        return Unproved("the formula is nested too deep")
    from .explain import rules_of

    return Proof(line.in_words(), rules_of(line, steps), len(steps))


def certificate(line: Line) -> list[Step]:
    """The steps that empty left - right; if no rule leads there for every l at once, the cases l = L - gap and l below it.

    Raises GaveUp if none are found.
    """
    deadline = monotonic() + SECONDS
    try:
        return _whole(line, deadline)
    except GaveUp:
        if not line.mixes:
            raise
    top, below = line.cases()
    return [("cases", 0, _whole(top, deadline), _whole(below, deadline))]


def _whole(line: Line, deadline: float) -> list[Step]:
    left_over, steps = Search(line.domain, blocks(line), deadline).empty(line.left, line.right, line.free)
    if left_over:
        raise GaveUp("no rule leads from one side to the other")
    return steps


def blocks(line: Line) -> tuple[int, int] | None:
    """In a line that mixes L and l, da^(L-c)/da^(l+d) is kept as one block, as their distance is not known: (c, d)."""
    if not line.mixes:
        return None
    c = min(max((-n for base, n in line.layers if base == "L"), default=0), line.domain.gap)
    return c, line.domain.gap - c


@dataclass
class Search:
    """One search: a domain, the block it keeps, and the time by which it gives up."""

    domain: Domain
    mixed: tuple[int, int] | None
    deadline: float
    depth: int = 0
    after: dict[str, int] = field(default_factory=lambda: {name: n for n, name in enumerate(ORDER)})

    def empty(self, left: Tree, right: Tree, free: dict[Index, Layer]) -> tuple[Polynomial, list[Step]]:
        """What is left over of left - right, and the steps that led there."""
        kernel = Kernel(free, self.domain)
        steps: list[Step] = []
        poly = simplify(kernel, kernel.difference(left, right), steps)
        while poly:
            if len(poly) > MOST_TERMS or len(steps) > MOST_STEPS or monotonic() > self.deadline:
                raise GaveUp("the line is too long to prove")
            todo = sorted(self.rules(kernel, poly), key=lambda r: (self.after[r[0]], -r[1]))
            if not todo:
                break
            done: set[int] = set()
            for op, t, i, argument in [r for r in todo if r[0] == todo[0][0]]:
                if t not in done:
                    done.add(t)
                    steps.append((op, t, i, argument))
                    poly = kernel.apply(poly, steps[-1])
            poly = simplify(kernel, poly, steps)
        return poly, steps

    def rules(self, kernel: Kernel, poly: Polynomial) -> Iterator[Step]:
        """For each atom the rule that unfolds it."""
        for t, (_, bound, atoms) in enumerate(poly):
            for i, atom in enumerate(atoms):
                rule = self.about(atom, {**kernel.free, **bound}) if atom[0] in ("sigma", "dots") else self.choose(atom)
                if rule:
                    yield rule[0], t, i, rule[1]

    def about(self, atom: Atom, env: dict[Index, Layer]) -> Rule | None:
        """Dots and unread sigmas: what they are is guessed, and proved by a search of its own."""
        if self.depth >= 2:
            return None
        for name, guess, left, right, free, domain in self._guesses(atom, env):
            try:
                left_over, steps = Search(domain, None, self.deadline, self.depth + 1).empty(left, right, free)
            except (Refused, GaveUp):
                continue
            if not left_over:
                return name, (*guess, steps)
        return None

    def _guesses(self, atom: Atom, env: dict[Index, Layer]) -> Iterator[tuple[str, tuple[Any, ...], Tree, Tree, Any, Domain]]:
        kernel = Kernel(env, self.domain)
        if atom[0] == "sigma":
            poly = kernel.expand(atom[2], env)
            examples = [f[2][1] for _, _, atoms in poly for f in atoms if f[0] in "az"]
            for _, bound, atoms in poly:
                for f in atoms:
                    if f[0] in ("b", "z", "w") and f[1] == atom[1] and f[2][0] not in bound and examples:
                        z = ("z", f[1], (f[2][0], examples[0]))
                        yield "read sigma's argument", (z,), atom[2], z, env, self.domain
            return
        free, inner = kernel.block(atom, env)
        p, step = atom[1], atom[4]
        high, low = (">", "<") if step > 0 else ("<", ">")
        for x in (i for i, q in env.items() if q == EXAMPLES):
            for kind in VARIABLES:
                jacobian = ("d", (kind, (p, 1), (high, x)), (kind, (p, 0), (low, x)))
                yield "the dots telescope", (kind, x), atom[5], jacobian, free, inner

    def choose(self, atom: Atom, inside: bool = False) -> Rule | None:
        """The rule that unfolds this atom towards w, a, y, sigma' and the highest dC/da; None if it stays."""
        d = self.domain
        match atom:
            case ("delta", *_):
                return "definition of delta", None
            case ("C", *_) if d.cost is not None and not inside:
                return "C is the given cost", None
            case ("z", *_) if not inside:
                return "z = w a + b", None
            case ("S", p, _, 1 | 2) if d.slope and d.elementwise(p) and not inside:
                return "the given sigma'", None
            case ("S", p, _, 0) if d.elementwise(p) and not inside:
                return "a = sigma(z)", None
            case ("d", A, B):
                return self._partial(A, B)
        return None

    def _partial(self, A: Atom, B: Atom) -> Rule | None:
        d, kind, by, p, q = self.domain, A[0], B[0], A[1], B[1]
        if kind == "S":
            return ("derivative of sigma", None) if d.elementwise(p) else None
        if kind in ("d", "delta"):
            rule = self.choose(A, inside=True)
            return ("inside a derivative", rule) if rule else None
        apart = kind in PARAMETERS and (kind != by or max(d.least(p, q), d.least(q, p)) >= 1)
        if kind in CONSTANTS or apart or (kind in VARIABLES and d.feeds(A, B, 1)):
            return "not downstream", None
        example = A[2][-1] if kind in ("z", "a", "C") else None
        if example is not None and by in VARIABLES and B[2][1] != example:
            return "examples do not mix", None
        if kind == by and p == q:
            return "same variable", None
        if kind == "z" and ((by == "a" and p == shift(q, 1)) or (by in PARAMETERS and p == q)):
            return "derivative of z = w a + b", None
        if (kind, by) == ("a", "z") and p == q:
            return ("sigma acts on each neuron alone", None) if d.elementwise(p) else None
        return None if kind in PARAMETERS or kind not in ("z", "a", "C") else self._chain(A, B)

    def _chain(self, A: Atom, B: Atom) -> Rule | None:
        """Through which layer: one up from B, until dC/da of the highest layer that is known to exist, or the block, remains."""
        d, kind, by, p, q = self.domain, A[0], B[0], A[1], B[1]
        if by != "a":
            through = ("z", q) if by in PARAMETERS else ("a", q)
            return ("chain rule", through) if d.feeds(through, A) else None
        free = self.mixed and q[0] == d.var and q[1] >= self.mixed[1]  # at the block's lower end
        if kind == "C":
            if q == TOP:
                return ("gradient of the given cost", None) if d.cost is not None else None
            if d.least(TOP, q) >= 1 and not free:
                return "chain rule", ("z", shift(q, 1))
            return ("chain rule", ("a", TOP)) if self.mixed else None
        if self.mixed and free and p[0] == "L":
            if kind == "z":
                return ("chain rule", ("a", shift(p, -1))) if d.least(p, q) >= 1 else None
            return ("chain rule", ("z", p)) if p[1] > -self.mixed[0] and d.least(p, q) >= 1 else None
        if d.least(p, q) >= (1 if kind == "a" else 2):
            return "chain rule", ("z", shift(q, 1))
        return ("chain rule", ("a", shift(p, -1))) if kind == "z" and d.least(p, q) >= 1 else None


def simplify(kernel: Kernel, poly: Polynomial, steps: list[Step]) -> Polynomial:
    """Bookkeeping until none is left: Kronecker deltas, n/n, unused sums, then equal terms added up."""
    t = 0
    while t < len(poly):
        step = tidy(kernel, t, poly[t])
        if step is None:
            t += 1
        else:
            steps.append(step)
            poly = kernel.apply(poly, step)
    seen: dict[Any, tuple[int, list[Index]]] = {}
    t = 0
    while t < len(poly):
        key, order = canonical(poly[t])
        if key not in seen:
            seen[key] = (t, order)
            t += 1
            continue
        n, first = seen[key]
        gone = poly[n][0] + poly[t][0] == 0
        steps.append(("merge", n, t, dict(zip(order, first, strict=True))))
        poly = kernel.apply(poly, steps[-1])
        if gone:
            del seen[key]
            seen = {k: (m - (m > n), o) for k, (m, o) in seen.items()}
            t -= 1
    return poly


def tidy(kernel: Kernel, t: int, term: Term) -> Step | None:
    """The next bookkeeping step on a term."""
    _, bound, atoms = term
    for n, f in enumerate(atoms):
        if f[0] == "K" and (step := contraction(t, n, bound, atoms)):
            return step
        if f[0] == "d" and f[1][0] in CONSTANTS:
            return "not downstream", t, n, None
        if f[0] == "inv" and f[1] in atoms:
            return "n / n = 1", t, atoms.index(f[1]), n
    if kernel.domain.thin:
        for i, p in bound.items():
            if p != EXAMPLES:
                return "one neuron a layer", t, i, None
    for i in bound:
        if not any(occurs(i, f) for f in atoms):
            return "sum of 1", t, i, None
    return None


def contraction(t: int, i: int, bound: dict[Index, Layer], atoms: list[Atom]) -> Step | None:
    """A Kronecker delta's next use: a sum goes, or the larger of two free names gives way to the smaller."""
    u, v = atoms[i][2]
    if u == v or (isinstance(u, int) and isinstance(v, int)) or u in bound:
        return "Kronecker", t, i, False
    if v in bound:
        return "Kronecker", t, i, True
    flip = isinstance(u, int) or (isinstance(v, str) and u < v)
    gone = v if flip else u
    others = (f for n, f in enumerate(atoms) if n != i)
    return ("Kronecker", t, i, flip) if any(occurs(gone, f) for f in others) else None


def occurs(i: Index, tree: Tree) -> bool:
    """Whether an index stands in a tree."""
    return any(occurs(i, t) if isinstance(t, tuple) else t == i for t in tree)


def symmetric(atom: Atom) -> Atom:
    """A Kronecker delta with its indices in one order."""
    return ("K", atom[1], tuple(sorted(atom[2], key=str))) if atom[0] == "K" else atom


def canonical(term: Term) -> tuple[Any, list[Index]]:
    """(key, order of the bound indices): equal keys where two terms are equal up to the names of their bound indices.

    Colour refinement; what it leaves alike is told apart one by one, except where swapping changes nothing.
    """
    _, bound, atoms = term
    left = count(MOST_LABELLINGS, -1)
    mine = {i: [f for f in atoms if occurs(i, f)] for i in bound}

    def refine(colour: dict[Index, int]) -> dict[Index, int]:
        while True:
            signs: dict[Index, tuple[Any, ...]] = {}
            for i in bound:
                names: dict[Index, Index] = {j: f"@{colour[j]}" if j != i else "@" for j in bound}
                signs[i] = (colour[i], *sorted(repr(symmetric(rename(f, names))) for f in mine[i]))
            rank = {s: n for n, s in enumerate(sorted(set(signs.values())))}
            new = {i: rank[signs[i]] for i in bound}
            if len(rank) == len(set(colour.values())):
                return new
            colour = new

    def key(order: list[Index]) -> str:
        names: dict[Index, Index] = {i: f"@{n}" for n, i in enumerate(order)}
        return repr(sorted((symmetric(rename(f, names)) for f in atoms), key=repr))

    def search(colour: dict[Index, int]) -> tuple[str, list[Index]]:
        cells = [[i for i in bound if colour[i] == n] for n in sorted(set(colour.values()))]
        cell = min((c for c in cells if len(c) > 1), key=len, default=None)
        order = [i for c in cells for i in c]
        if cell is None:
            if next(left) < 0:
                raise GaveUp("too many ways to name the summed indices")
            return key(order), order
        twins = all(key(order) == key([{a: b, b: a}.get(i, i) for i in order]) for a, b in pairwise(cell))
        alone = [{k: 2 * c + (k != i and k in cell) for k, c in colour.items()} for i in (cell[:1] if twins else cell)]
        return min(search(refine(colour)) for colour in alone)

    layers = {p: n for n, p in enumerate(sorted(set(bound.values())))}
    colour = {i: layers[p] for i, p in bound.items()}
    best, order = search(refine(colour) if len(bound) > 1 else colour)
    return (str([bound[i] for i in order]), best), order
