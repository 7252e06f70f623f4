"""What may be called proved: a certificate, replayed, that turns left - right into the empty sum on every network of a domain.

Small, no search. A polynomial is a list of terms (coefficient, {bound index: its layer}, [atoms]). An atom is a tuple:
  ("w", l, (j, k))  ("b", l, (j,))  ("z" | "a" | "delta" | "y", l, (j, x))  ("C", TOP, (x,))     x: the example
  ("S", l, (j, x), n)    the n-th derivative of sigma at z^l_j              ("K", l, (i, j))     Kronecker
  ("d", A, B)            dA/dB: move B, hold what it does not feed
  ("n", l, ())  size     ("p", name, ())  a number     ("inv", n or p)      ("sigma", l, tree, n)  sigma of an unread argument
  ("dots", p, first, last, step, tree, (i, j))   entry (i, j) of the matrix product of tree's ("<", ">") over layers p

A tree is a Fraction, an atom, or ("add", trees) ("mul", trees) ("sum", i, layer, tree) ("D", tree, B). A layer is (base, offset):
("l", 1) is l + 1, ("", 3) is 3; EXAMPLES is what an x ranges over. An index is a name with "." or "_" in front, or a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any, TypeAlias

Layer: TypeAlias = tuple[str, int]
Index: TypeAlias = str | int
Tree: TypeAlias = Any
Atom: TypeAlias = tuple[Any, ...]
Term: TypeAlias = tuple[Fraction, dict[Index, Layer], list[Atom]]
Polynomial: TypeAlias = list[Term]
Step: TypeAlias = tuple[str, int, Any, Any]

EXAMPLES: Layer = ("examples", 0)
TOP: Layer = ("L", 0)
VARIABLES, PARAMETERS, CONSTANTS = "za", "wb", ("K", "n", "p", "inv", "y")
PLACE = {"w": -1, "b": -1, "z": 0, "a": 2, "C": 3}  # in the order w^l, b^l < z^l < a^l < w^(l+1) ..., four to a layer
MOST_TERMS = 2000
ON_QUANTITIES = ("definition of delta", "z = w a + b", "a = sigma(z)", "the given sigma'", "C is the given cost")
IN_THIS_WORLD = ON_QUANTITIES[1:]  # true of the network as it is, not of one in which something was moved


class Refused(Exception):
    """A step whose side condition does not hold."""


def shift(p: Layer, n: int) -> Layer:
    """Layer p + n."""
    return (p[0], p[1] + n)


def need(condition: object, why: str) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused(why)


@dataclass(frozen=True)
class Domain:
    """The networks a line speaks of: var >= low, L - var >= gap, L >= depth, and what is given of sigma and C."""

    low: int = 1
    gap: int = 0
    depth: int = 2
    softmax: bool = False  # the output layer's sigma mixes its neurons
    cost: Tree = None  # C_x, of an example written ".x"
    slope: tuple[int, ...] | None = None  # the coefficients of sigma' as a polynomial in sigma
    thin: bool = False  # every layer has one neuron
    var: str = "l"

    def least(self, p: Layer, q: Layer) -> float:
        """The greatest known lower bound of p - q."""
        if p[0] == q[0]:
            return p[1] - q[1]
        known = {("L", self.var): self.gap, (self.var, ""): self.low, ("L", ""): max(self.depth, self.low + self.gap)}
        return known.get((p[0], q[0]), float("-inf")) + p[1] - q[1]

    def feeds(self, B: Atom, A: Atom, by: int = 0) -> bool:
        """A stands at least `by` places after B in the order in which a network is computed."""
        return 4 * self.least(A[1], B[1]) + PLACE[A[0]] - PLACE[B[0]] >= by

    def exists(self, atom: Atom) -> bool:
        """Layer 1 has an a and a size; w, b, z, delta begin at layer 2."""
        if atom[0] in ("d", "inv"):
            return all(map(self.exists, atom[1:]))
        if atom[0] in ("C", "p", "sigma", "dots") or atom[1] == EXAMPLES:
            return True
        return self.least(atom[1], ("", 1 if atom[0] in "anK" else 2)) >= 0 and self.least(TOP, atom[1]) >= 0

    def elementwise(self, p: Layer) -> bool:
        """Neuron j of layer p depends on z^p_j alone."""
        return not self.softmax or self.least(TOP, p) >= 1


def rename(tree: Tree, names: Mapping[Index, Index]) -> Tree:
    """The tree with other names of indices."""
    return tuple([rename(t, names) for t in tree]) if isinstance(tree, tuple) else names.get(tree, tree)


def ranges(atom: Atom) -> list[tuple[Index, Layer]]:
    """Each index of the atom with the layer it ranges over."""
    match atom:
        case ("d", A, B):
            return ranges(A) + ranges(B)
        case ("inv" | "sigma" | "n" | "p", *_):
            return []
        case ("dots", _, first, last, step, _, (i, j)):
            return [(i, shift(first, step < 0)), (j, shift(last, step > 0))]
        case ("C", _, (x,)):
            return [(x, EXAMPLES)]
        case (kind, p, indices, *_):
            over = {"w": (p, shift(p, -1)), "b": (p,), "K": (p, p)}.get(kind, (p, EXAMPLES))
            return list(zip(indices, over, strict=True))
    raise Refused(f"no such atom: {atom}")


def place(tree: Tree, var: str, at: Layer) -> Tree:
    """The tree with layer variable var at that layer."""
    if isinstance(tree, tuple) and len(tree) == 2 and tree[0] == var:
        return shift(at, tree[1])
    return tuple([place(t, var, at) for t in tree]) if isinstance(tree, tuple) else tree


def check(left: Tree, right: Tree, free: Mapping[Index, Layer], domain: Domain, certificate: list[Step]) -> None:
    """Raises Refused unless the certificate proves left = right on every network of the domain, for every value of each index."""
    while certificate and certificate[0][0] == "cases":  # the highest layer of the domain, and all below
        (_, _, highest, certificate), var, at = certificate[0], domain.var, ("L", -domain.gap)
        top = replace(domain, low=1, gap=0, depth=max(domain.depth, domain.low + domain.gap))
        check(place(left, var, at), place(right, var, at), {i: place(p, var, at) for i, p in free.items()}, top, highest)
        domain = replace(domain, gap=domain.gap + 1)
    kernel = Kernel(free, domain)
    poly = kernel.difference(left, right)
    for step in certificate:
        poly = kernel.apply(poly, step)
    need(not poly, "terms are left over")


class Kernel:
    """One replay: it counts the fresh names, and nothing else changes."""

    def __init__(self, free: Mapping[Index, Layer], domain: Domain) -> None:
        self.free, self.domain, self.number = dict(free), domain, count(1)
        self.prefix = "_" * max(
            (1 + len(i) - len(i.lstrip("_")) for i in free if isinstance(i, str)), default=1
        )  # in no name around

    def fresh(self) -> str:
        """A name that occurs nowhere."""
        return f"{self.prefix}{next(self.number)}"

    def difference(self, left: Tree, right: Tree) -> Polynomial:
        """left - right, multiplied out."""
        return self.expand(("add", (left, ("mul", (Fraction(-1), right)))), self.free)

    def expand(self, tree: Tree, env: Mapping[Index, Layer]) -> Polynomial:
        """A tree as a polynomial. env: the layer of every index around it."""
        match tree:
            case Fraction():
                return [(tree, {}, [])] if tree else []
            case ("add", trees):
                return [term for t in trees for term in self.expand(t, env)]
            case ("mul", trees):
                poly: Polynomial = [(Fraction(1), {}, [])]
                for t in trees:
                    factor = self.expand(t, env)
                    need(len(poly) * len(factor) <= MOST_TERMS, "too many terms")
                    poly = [(c * d, {**b, **e}, f + g) for c, b, f in poly for d, e, g in factor]
                return poly
            case ("sum", i, p, body):
                need(self.domain.exists(("n", p, ())), "a sum over a layer that does not exist")
                new = self.fresh()
                return [(c, {**b, new: p}, f) for c, b, f in self.expand(rename(body, {i: new}), {**env, new: p})]
            case ("D", body, B):
                return self.expand(self.derivative(body, B), env)
            case ("sigma", p, ("z", q, at), n) if p == q:
                return self.expand(("S", p, at, n), env)
            case ("sigma", _, argument, _):
                self.expand(argument, env)
            case ("dots", *_):
                self.block(tree, env)
        for i, p in ranges(tree):
            need((isinstance(i, int) and i > 0) or env.get(i) == p, f"index {i} does not range over layer {p}")
        need(self.domain.exists(tree), f"{tree[0]} of a layer that need not exist")
        return [(Fraction(1), {}, [tree])]

    def derivative(self, tree: Tree, B: Atom) -> Tree:
        """Leibniz's rule; a bound index is renamed first, so that none of B's is captured."""
        match tree:
            case Fraction():
                return Fraction(0)
            case ("add", trees):
                return ("add", tuple(self.derivative(t, B) for t in trees))
            case ("mul", trees):
                slopes = [(*trees[:n], self.derivative(t, B), *trees[n + 1 :]) for n, t in enumerate(trees)]
                return ("add", tuple(("mul", factors) for factors in slopes))
            case ("sum", i, p, body):
                new = self.fresh()
                return ("sum", new, p, self.derivative(rename(body, {i: new}), B))
            case ("sigma", p, argument, n) if self.domain.elementwise(p):
                return ("mul", (("sigma", p, argument, n + 1), self.derivative(argument, B)))
            case ("D", body, A):
                return self.derivative(self.derivative(body, A), B)
        return ("d", tree, B)

    def block(self, dots: Atom, env: Mapping[Index, Layer]) -> tuple[dict[Index, Layer], Domain]:
        """The free indices and the domain of what is repeated: any layer p between first and last; no other layer variable."""
        _, p, first, last, step, body, _ = dots
        (low, high), d = (first, last) if step > 0 else (last, first), self.domain
        inside = d.least(low, ("", 1)) >= 0 and d.least(TOP, high) >= 1
        need(inside and p != d.var and d.least(high, low) >= -1, "the dots leave the network, or may run backwards")
        inner = replace(d, low=int(d.least(low, ("", 0))), gap=int(d.least(TOP, high)), var=p)
        free = {**{i: q for i, q in env.items() if q == EXAMPLES}, "<": (p, int(step < 0)), ">": (p, int(step > 0))}
        Kernel(free, inner).expand(body, free)
        return free, inner

    def cost(self, x: Index) -> Tree:
        """The given C_x: a function of the outputs alone, or the chain rule would not reach all of it."""
        need(self.domain.cost is not None, "no cost is given")
        tree = rename(self.domain.cost, {".x": x})
        atoms = (f for _, _, factors in self.expand(tree, {x: EXAMPLES}) for f in factors)
        need(all(f[0] in CONSTANTS or f[:2] == ("a", TOP) for f in atoms), "the cost is no function of a^L alone")
        return tree

    def rule(self, name: str, atom: Atom, argument: Any, env: Mapping[Index, Layer]) -> Polynomial:
        """What the rule puts in the atom's place: equal to it on every network of the domain."""
        if name in ON_QUANTITIES:
            return self._of_quantity(name, atom, env)
        need(atom[0] == "d" and atom[2][0] in VARIABLES + PARAMETERS, "no partial derivative")
        A, B = atom[1:]
        if name == "inside a derivative":
            need(argument[0] not in IN_THIS_WORLD, "equals do not substitute inside a partial")
            inner = self.rule(argument[0], A, argument[1], env)
            return [(c, b, [*f[:n], ("d", g, B), *f[n + 1 :]]) for c, b, f in inner for n, g in enumerate(f)]
        return self._of_partial(name, A, B, argument, env)

    def _of_quantity(self, name: str, atom: Atom, env: Mapping[Index, Layer]) -> Polynomial:
        one, domain = Fraction(1), self.domain
        match name, atom:
            case "definition of delta", ("delta", p, (j, x)):
                return [(one, {}, [("d", ("C", TOP, (x,)), ("z", p, (j, x)))])]
            case "z = w a + b", ("z", p, (j, x)):
                k, below = self.fresh(), shift(p, -1)
                return [(one, {k: below}, [("w", p, (j, k)), ("a", below, (k, x))]), (one, {}, [("b", p, (j,))])]
            case "a = sigma(z)", ("S", p, at, 0) if domain.elementwise(p):
                return [(one, {}, [("a", p, at)])]
            case "the given sigma'", ("S", p, at, 1) if domain.slope and domain.elementwise(p):
                return [(Fraction(c), {}, [("a", p, at)] * m) for m, c in enumerate(domain.slope) if c]
            case "the given sigma'", ("S", p, at, 2) if domain.slope and domain.elementwise(p):
                slopes = [(m - 1, Fraction(m * c)) for m, c in enumerate(domain.slope) if m * c]
                return [(c, {}, [("a", p, at)] * m + [("S", p, at, 1)]) for m, c in slopes]
            case "C is the given cost", ("C", _, (x,)):
                return self.expand(self.cost(x), env)
        raise Refused(f"{name} does not apply")

    def _of_partial(self, name: str, A: Atom, B: Atom, through: Any, env: Mapping[Index, Layer]) -> Polynomial:
        one, domain, kind, by = Fraction(1), self.domain, A[0], B[0]
        x, other = A[2][-1] if kind in ("z", "a", "C") else None, B[2][1] if by in VARIABLES else None
        if name == "derivative of sigma":
            need(kind == "S" and domain.elementwise(A[1]), "no sigma of one neuron")
            return [(one, {}, [(*A[:3], A[3] + 1), ("d", ("z", *A[1:3]), B)])]
        if name == "not downstream":
            apart = kind in PARAMETERS and (kind != by or max(domain.least(A[1], B[1]), domain.least(B[1], A[1])) >= 1)
            need(kind in CONSTANTS or apart or (kind in VARIABLES and domain.feeds(A, B, 1)), "it may be downstream")
            return []
        if name == "examples do not mix":
            need(x is not None and other not in (None, x), "not two examples")
            return [(one, {}, [("K", EXAMPLES, (x, other)), ("d", A, (*B[:2], (B[2][0], x)))])]
        need(other in (None, x), "two examples")
        if name == "same variable":
            need(kind == by and A[1] == B[1], "not the same variable")
            return [(one, {}, [("K", p, (i, j)) for (i, p), j in zip(ranges(A), B[2], strict=True) if p != EXAMPLES])]
        if name == "derivative of z = w a + b":
            need(kind == "z" and A[1] == (shift(B[1], 1) if by == "a" else B[1]) and by != "z", "not what z is made of")
            i, j = A[2][0], B[2][0]
            if by == "a":
                return [(one, {}, [("w", A[1], (i, j))])]
            return [(one, {}, [("K", A[1], (i, j)), *([("a", shift(A[1], -1), (B[2][1], x))] if by == "w" else [])])]
        if name == "sigma acts on each neuron alone":
            need((kind, by) == ("a", "z") and A[1] == B[1] and domain.elementwise(A[1]), "no a and z of one such layer")
            return [(one, {}, [("K", A[1], (A[2][0], B[2][0])), ("S", *A[1:], 1)])]
        if name == "gradient of the given cost":
            need(kind == "C" and B[:2] == ("a", TOP), "no dC/da^L")
            return self.expand(("D", self.cost(A[2][0]), B), env)
        need(name == "chain rule" and kind in ("C", "z", "a") and through[0] in VARIABLES, f"{name} does not apply")
        middle = (*through, (self.fresh(), x))
        need(domain.feeds(middle, A) and domain.feeds(B, middle, by in PARAMETERS), "that layer does not separate B from A")
        return [(one, {middle[2][0]: through[1]}, [("d", A, middle), ("d", middle, B)])]

    def apply(self, poly: Polynomial, step: Step) -> Polynomial:
        """One step: (rule or bookkeeping, number of the term, atom or index or other term, argument)."""
        op, t, i, argument = step
        c, bound, atoms = poly[t]
        env, fewer = {**self.free, **bound}, {k: p for k, p in bound.items() if k != i}
        if op == "merge":
            return self.merge(poly, t, i, argument)
        if op == "sum of 1":
            need(i in bound and rename(tuple(atoms), {i: 0}) == tuple(atoms), "the index is used")
            new = [(c, fewer, [*atoms, ("n", bound[i], ())])]
        elif op == "one neuron a layer":
            need(self.domain.thin and bound[i] != EXAMPLES, "layers may be wide")
            new = [(c, fewer, [rename(f, {i: 1}) for f in atoms])]
        elif op == "n / n = 1":
            need(i != argument and atoms[argument] == ("inv", atoms[i]), "not a number and its inverse")
            new = [(c, bound, [f for n, f in enumerate(atoms) if n not in (i, argument)])]
        elif op == "Kronecker":
            new = self.contract(poly[t], i, argument, env)
        elif op == "read sigma's argument":
            z, certificate = argument
            need(atoms[i][0] == "sigma" and z[0] == "z" and z[1] == atoms[i][1], "not a sigma of that layer")
            check(atoms[i][2], z, env, self.domain, certificate)
            new = [(c, bound, [*atoms[:i], ("S", *z[1:], atoms[i][3]), *atoms[i + 1 :]])]
        elif op == "the dots telescope":
            new = [(c, bound, [*atoms[:i], self.telescope(atoms[i], argument, env), *atoms[i + 1 :]])]
        else:
            by_rule = self.rule(op, atoms[i], argument, env)
            new = [(c * d, {**bound, **b}, [*atoms[:i], *f, *atoms[i + 1 :]]) for d, b, f in by_rule]
        return poly[:t] + new + poly[t + 1 :]

    def merge(self, poly: Polynomial, t: int, i: int, names: Mapping[Index, Index]) -> Polynomial:
        """Term i, its bound indices renamed, is a multiple of term t: added to it."""
        (c, bound, atoms), (d, other, others) = poly[t], poly[i]
        need(i != t and len(set(names.values())) == len(names) and names.keys() == other.keys(), "no renaming")
        alike = [(*f[:2], frozenset(f[2])) if f[0] == "K" else f for f in (*atoms, *rename(tuple(others), names))]
        need(Counter(alike[: len(atoms)]) == Counter(alike[len(atoms) :]), "the terms differ")
        need({names[k]: p for k, p in other.items()} == bound, "the sums differ")
        poly = [(c + d, bound, atoms) if n == t else term for n, term in enumerate(poly) if n != i]
        return [term for term in poly if term[0]]

    def contract(self, term: Term, i: int, flip: bool, env: Mapping[Index, Layer]) -> Polynomial:
        """K_uv: u becomes v. The sum over u goes; between two free indices K stays."""
        c, bound, atoms = term
        need(atoms[i][0] == "K", "no Kronecker delta")
        u, v = reversed(atoms[i][2]) if flip else atoms[i][2]
        rest = atoms[:i] + atoms[i + 1 :]
        if u == v:
            return [(c, bound, rest)]
        if isinstance(u, int) and isinstance(v, int):
            return []
        need(isinstance(u, str) and (isinstance(v, int) or env[u] == env[v]), "the indices range over different layers")
        rest = [rename(f, {u: v}) for f in rest]
        fewer = {k: p for k, p in bound.items() if k != u}
        return [(c, fewer, rest if u in bound else [*rest[:i], atoms[i], *rest[i:]])]

    def telescope(self, dots: Atom, argument: tuple[str, Index, list[Step]], env: Mapping[Index, Layer]) -> Atom:
        """If each block is dq^(p+1)/dq^p, their product is dq^(last+1)/dq^first by the chain rule; of none, dq/dq = [i = j]."""
        kind, x, certificate = argument
        need(dots[0] == "dots" and kind in VARIABLES and env.get(x) == EXAMPLES, "no dots")
        _, p, first, last, step, body, (i, j) = dots
        (free, inner), up = self.block(dots, env), step > 0
        upper, lower = (">", "<") if up else ("<", ">")
        check(body, ("d", (kind, (p, 1), (upper, x)), (kind, (p, 0), (lower, x))), free, inner, certificate)
        top, bottom = (shift(last, 1), first) if up else (shift(first, 1), last)
        return ("d", (kind, top, (j if up else i, x)), (kind, bottom, (i if up else j, x)))
