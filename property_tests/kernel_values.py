"""What the kernel's atoms are worth on a real network: every partial a central difference in 140 digits, no derivative formula.

Shares nothing with the prover or the kernel but the spelling of atoms.
"""

from __future__ import annotations

import random
from typing import Any

import mpmath

H = mpmath.mpf(10) ** -16
WIDTHS = (1, 2, 3)


class Net:
    """A random network in a domain, with values for its layer variable, its numbers and its examples."""

    def __init__(self, seed: int, domain: Any) -> None:
        draw = random.Random(seed)
        self.domain = domain
        self.L = draw.randint(max(domain.depth, domain.low + domain.gap), max(domain.depth, domain.low + domain.gap) + 2)
        self.l = draw.randint(domain.low, self.L - domain.gap)
        self.examples = draw.randint(1, 2)
        self.size = {p: 1 if domain.thin else draw.choice(WIDTHS) for p in range(1, self.L + 1)}

        def number() -> Any:
            return mpmath.mpf(draw.randint(-1200, 1200)) / 1000

        self.w = {(p, j, k): number() for p in self.size if p > 1 for j in self.span(p) for k in self.span(p - 1)}
        self.b = {(p, j): number() for p in self.size if p > 1 for j in self.span(p)}
        self.x = {(j, e): number() for j in self.span(1) for e in range(1, self.examples + 1)}
        self.y = {(j, e): number() for j in self.span(self.L) for e in range(1, self.examples + 1)}
        self.c = {p: [number() for _ in range(4)] for p in self.size}
        self.q = [[number() for _ in WIDTHS] for _ in WIDTHS]
        self.numbers: dict[str, Any] = {}
        self.number = number
        self.passes: dict[Any, Any] = {}

    def span(self, p: int) -> range:
        return range(1, self.size[p] + 1)

    def layer(self, p: tuple[str, int]) -> int:
        return p[1] + {self.domain.var: self.l, "L": self.L, "": 0}[p[0]]

    def over(self, p: tuple[str, int]) -> range:
        return range(1, self.examples + 1) if p[0] == "examples" else self.span(self.layer(p))

    def sigma(self, p: int, v: Any, n: int = 0) -> Any:
        if n:
            return (self.sigma(p, v + H, n - 1) - self.sigma(p, v - H, n - 1)) / (2 * H)
        if self.domain.slope == (0, 1, -1):
            return 1 / (1 + mpmath.exp(-v))
        c = self.c[p]
        return c[0] * mpmath.sin(v + c[1]) + c[2] * v * v / 3 + c[3] * v

    def cost(self, a: list[Any], e: int) -> Any:
        y = [self.y[j, e] for j in self.span(self.L)]
        if self.domain.cost is not None:
            return sum((s - t) ** 2 for s, t in zip(y, a, strict=True)) / 2
        pairs = sum(self.q[i][j] * a[i] * a[j] * (y[i] + 2) for i in range(len(a)) for j in range(len(a)))
        return mpmath.cos(sum(a)) + pairs + sum(v**3 * t for v, t in zip(a, y, strict=True))

    def forward(self, e: int, moved: tuple[Any, ...]) -> tuple[dict[int, list[Any]], dict[int, list[Any]]]:
        if (e, moved) in self.passes:
            return self.passes[e, moved]
        by: dict[Any, Any] = {}
        for what, h in moved:
            by[what] = by.get(what, 0) + h
        z: dict[int, list[Any]] = {}
        a = {1: [self.x[j, e] + by.get(("a", 1, j, e), 0) for j in self.span(1)]}
        for p in range(2, self.L + 1):
            z[p] = [
                sum((self.w[p, j, k] + by.get(("w", p, j, k), 0)) * a[p - 1][k - 1] for k in self.span(p - 1))
                + self.b[p, j]
                + by.get(("b", p, j), 0)
                + by.get(("z", p, j, e), 0)
                for j in self.span(p)
            ]
            if self.domain.softmax and p == self.L:
                powers = [mpmath.exp(v) for v in z[p]]
                a[p] = [v / sum(powers) for v in powers]
            else:
                a[p] = [self.sigma(p, v) for v in z[p]]
            a[p] = [v + by.get(("a", p, j, e), 0) for j, v in enumerate(a[p], 1)]
        self.passes[e, moved] = z, a
        return z, a

    def atom(self, f: Any, env: dict[Any, int], moved: tuple[Any, ...] = ()) -> Any:
        """The value of an atom; env: the value of every index."""
        kind = f[0]
        if kind == "d":
            what = (f[2][0], self.layer(f[2][1]), *(env.get(i, i) for i in f[2][2]))
            return (self.atom(f[1], env, (*moved, (what, H))) - self.atom(f[1], env, (*moved, (what, -H)))) / (2 * H)
        if kind == "inv":
            return 1 / self.atom(f[1], env, moved)
        if kind == "p":
            return self.numbers.setdefault(f[1], self.number() + 2)
        if kind == "n":
            return mpmath.mpf(len(self.over(f[1])))
        if kind == "dots":
            return self.dots(f, env, moved)
        at = [env.get(i, i) for i in f[2]]
        if kind == "K":
            return mpmath.mpf(at[0] == at[1])
        if kind == "C":
            return self.cost(self.forward(at[0], moved)[1][self.L], at[0])
        p = self.layer(f[1])
        if kind in "wb":
            return getattr(self, kind)[(p, *at)] + sum(h for what, h in moved if what == (kind, p, *at))
        if kind == "y":
            return self.y[tuple(at)]
        if kind == "delta":
            return self.atom(("d", ("C", ("L", 0), (at[1],)), ("z", ("", p), tuple(at))), env, moved)
        z, a = self.forward(at[1], moved)
        if kind == "S":
            return self.sigma(p, z[p][at[0] - 1], f[3])
        return (a if kind == "a" else z)[p][at[0] - 1]

    def dots(self, f: Any, env: dict[Any, int], moved: tuple[Any, ...]) -> Any:
        """The product of the block's matrices, layer by layer."""
        _, var, first, last, step, body, (i, j) = f
        rows = {env.get(i, i): mpmath.mpf(1)}
        p, end = self.layer(first), self.layer(last)
        while (end - p) * step >= 0:
            over = self.span(p + (step > 0))
            placed = place(body, var, p)
            rows = {c: sum(v * self.tree(placed, {**env, "<": r, ">": c}, moved) for r, v in rows.items()) for c in over}
            p += step
        return rows.get(env.get(j, j), mpmath.mpf(0))

    def tree(self, t: Any, env: dict[Any, int], moved: tuple[Any, ...] = ()) -> Any:
        """The value of one of the kernel's trees."""
        if not isinstance(t, tuple):
            return mpmath.mpf(t.numerator) / t.denominator
        if t[0] == "add":
            return mpmath.fsum(self.tree(u, env, moved) for u in t[1])
        if t[0] == "mul":
            return mpmath.fprod(self.tree(u, env, moved) for u in t[1])
        if t[0] == "sum":
            return mpmath.fsum(self.tree(t[3], {**env, t[1]: v}, moved) for v in self.over(t[2]))
        if t[0] == "sigma":
            return self.sigma(self.layer(t[1]), self.tree(t[2], env, moved), t[3])
        if t[0] == "D":
            what = (t[2][0], self.layer(t[2][1]), *(env.get(i, i) for i in t[2][2]))
            return (self.tree(t[1], env, (*moved, (what, H))) - self.tree(t[1], env, (*moved, (what, -H)))) / (2 * H)
        return self.atom(t, env, moved)

    def polynomial(self, poly: Any, env: dict[Any, int]) -> Any:
        """The value of a list of terms."""
        return mpmath.fsum(self.term(c, list(bound.items()), atoms, env) for c, bound, atoms in poly)

    def term(self, c: Any, bound: list[Any], atoms: Any, env: dict[Any, int]) -> Any:
        if bound:
            (i, p), *rest = bound
            return mpmath.fsum(self.term(c, rest, atoms, {**env, i: v}) for v in self.over(p))
        return (
            mpmath.mpf(c.numerator)
            / c.denominator
            * mpmath.fprod(self.tree(f, env) if f[0] == "sigma" else self.atom(f, env) for f in atoms)
        )


def place(t: Any, var: str, p: int) -> Any:
    """The tree with layer variable var at layer p."""
    if isinstance(t, tuple) and len(t) == 2 and t[0] == var and isinstance(t[1], int):
        return ("", p + t[1])
    return tuple(place(u, var, p) for u in t) if isinstance(t, tuple) else t
