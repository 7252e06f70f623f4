"""The kernel: what it lets a rule do leaves the value as it was, on every network tried; what is false it never lets through."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from kernel_values import Net
from lines import links

from backprop_ref.derivation import indices
from backprop_ref.derivation.kernel import EXAMPLES, TOP, Domain, Kernel, Refused
from backprop_ref.derivation.prover import certificate

ON_QUANTITIES = ("definition of delta", "z = w a + b", "a = sigma(z)", "the given sigma'", "C is the given cost")
ON_PARTIALS = (
    "derivative of sigma",
    "not downstream",
    "examples do not mix",
    "same variable",
    "derivative of z = w a + b",
    "sigma acts on each neuron alone",
    "gradient of the given cost",
    "chain rule",
    "inside a derivative",
)
STEPS = ("merge", "sum of 1", "n / n = 1", "one neuron a layer", "Kronecker", "read sigma's argument", "the dots telescope")
ENOUGH = 100  # times that each is seen to hold


class Drawn:
    """Random atoms over a random domain."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.domain = Domain(
            low=draw.randint(1, 3),
            gap=draw.randint(0, 2),
            depth=draw.randint(2, 4),
            softmax=draw.random() < 0.25,
            cost=indices.QUADRATIC if draw.random() < 0.3 else None,
            slope=(0, 1, -1) if draw.random() < 0.3 else None,
            thin=draw.random() < 0.15,
        )
        self.free: dict[Any, Any] = {".x": EXAMPLES, ".e": EXAMPLES}

    def layer(self) -> tuple[str, int]:
        base = self.draw.choice(("l", "l", "L", "L", ""))
        return base, self.draw.randint(1, 3) if base == "" else self.draw.choice((-1, -1, 0, 0, 0, 1))

    def index(self, p: tuple[str, int]) -> Any:
        if self.draw.random() < 0.1:
            return 1
        name = f".{self.draw.choice('ijk')}{p[0]}{p[1]}"
        self.free[name] = p
        return name

    def example(self) -> str:
        return self.draw.choice((".x", ".x", ".x", ".e"))

    def quantity(self, kinds: str = "wbzadyCSKn") -> Any:
        kind, p = self.draw.choice(kinds), self.layer()
        if kind == "w":
            return "w", p, (self.index(p), self.index((p[0], p[1] - 1)))
        if kind == "b":
            return "b", p, (self.index(p),)
        if kind == "C":
            return "C", TOP, (self.example(),)
        if kind == "y":
            return "y", TOP, (self.index(TOP), self.example())
        if kind == "S":
            return "S", p, (self.index(p), self.example()), self.draw.choice((0, 1, 2))
        if kind == "K":
            return "K", p, (self.index(p), self.index(p))
        if kind == "n":
            return "n", p, ()
        return {"d": "delta"}.get(kind, kind), p, (self.index(p), self.example())

    def atom(self, depth: int = 2) -> Any:
        if depth and self.draw.random() < 0.75:
            of = self.atom(depth - 1) if self.draw.random() < 0.3 else self.quantity("wbzzaaaCCCSSyd")
            return "d", of, self.quantity("wbzzaa")
        return self.quantity()

    def rules(self) -> Iterator[tuple[str, Any]]:
        """Every rule, with a random argument where it takes one."""
        for rule in ON_QUANTITIES + ON_PARTIALS[:-1]:
            argument = (self.draw.choice("za"), self.layer()) if rule == "chain rule" else None
            yield rule, argument
            yield "inside a derivative", (rule, argument)


def values(net: Net, free: dict[Any, Any], names: set[Any], draw: random.Random) -> dict[Any, int]:
    return {i: draw.choice(net.over(free[i])) for i in names}


def seen_to_hold(seed: int, count: int) -> Counter[str]:
    """Random atoms, every rule tried on each: how often each applied, and left the value as it was."""
    draw = random.Random(seed)
    applied: Counter[str] = Counter()
    while sum(applied.values()) < count:
        drawn = Drawn(draw)
        atom = drawn.atom()
        kernel = Kernel(drawn.free, drawn.domain)
        try:
            kernel.expand(atom, drawn.free)
        except Refused:
            continue
        for rule, argument in drawn.rules():
            if applied[rule] > count // 8:
                continue
            try:
                poly = kernel.rule(rule, atom, argument, drawn.free)
            except Refused:
                continue
            net = Net(draw.randrange(10**9), drawn.domain)
            env = values(net, drawn.free, set(drawn.free), draw)
            with mpmath.workdps(140):
                before, after = net.atom(atom, env), net.polynomial(poly, env)
                assert abs(before - after) <= 1e-9 * max(1, abs(before)), (rule, argument, atom, poly, drawn.domain)
            applied[rule] += 1
    return applied


def test_no_rule_changes_a_value() -> None:
    applied = seen_to_hold(random.randrange(10**6), 1500)
    assert {rule for rule, n in applied.items() if n} == set(ON_QUANTITIES + ON_PARTIALS), applied


@pytest.mark.soak
def test_no_rule_changes_a_value_a_hundred_times_each() -> None:
    applied = seen_to_hold(1, 16000)
    assert min(applied[rule] for rule in ON_QUANTITIES + ON_PARTIALS) >= ENOUGH, applied


def terms(draw: random.Random) -> tuple[Drawn, Kernel, list[Any]]:
    """A random polynomial of one or two terms, some indices summed, on which bookkeeping may be tried."""
    drawn = Drawn(draw)
    atoms = [drawn.quantity("wbzaKKny") for _ in range(draw.randint(1, 3))]
    size = ("n", drawn.layer(), ()) if draw.random() < 0.7 else ("p", "eta", ())
    if draw.random() < 0.4:
        atoms += [size, ("inv", size)]
    kernel = Kernel(drawn.free, drawn.domain)
    for f in atoms:
        kernel.expand(f, drawn.free)
    names = [i for i in drawn.free if i not in (".x", ".e")]
    bound = {i: drawn.free.pop(i) for i in names if draw.random() < 0.6}
    if draw.random() < 0.3:
        bound["._"] = drawn.layer()
        kernel.expand(("n", bound["._"], ()), drawn.free)
    kernel = Kernel(drawn.free, drawn.domain)
    poly = [(Fraction(draw.randint(1, 5), 3), bound, atoms)]
    if draw.random() < 0.5:
        names_ = {i: f"_{n}" for n, i in enumerate(bound)}
        shuffled = [tuple(names_.get(u, u) if not isinstance(u, tuple) else u for u in f) for f in atoms]
        shuffled = [(*f[:2], tuple(names_.get(u, u) for u in f[2]), *f[3:]) if f[0] != "inv" else f for f in shuffled]
        draw.shuffle(shuffled)
        poly.append((Fraction(draw.randint(-5, 5) or 1, 2), {names_[i]: p for i, p in bound.items()}, shuffled))
    return drawn, kernel, poly


def steps(draw: random.Random, poly: list[Any]) -> Any:
    """A random step of bookkeeping on a random place."""
    op, t = draw.choice(STEPS[:5]), draw.randrange(len(poly))
    _, bound, atoms = poly[t]
    if op == "merge":
        other = poly[1 - t][1] if len(poly) > 1 else {}
        return op, t, 1 - t, dict(zip(other, draw.sample(list(bound), len(bound)), strict=False))
    if op in ("sum of 1", "one neuron a layer"):
        return op, t, draw.choice(list(bound) or [".x"]), None
    if op == "n / n = 1":
        return op, t, draw.randrange(len(atoms)), draw.randrange(len(atoms))
    return op, t, draw.randrange(len(atoms)), draw.random() < 0.5


def bookkeeping(seed: int, count: int) -> Counter[str]:
    draw = random.Random(seed)
    applied: Counter[str] = Counter()
    while sum(applied.values()) < count:
        try:
            drawn, kernel, poly = terms(draw)
        except Refused:
            continue
        step = steps(draw, poly)
        if applied[step[0]] > count // 3:
            continue
        try:
            new = kernel.apply(poly, step)
        except (Refused, KeyError, IndexError):
            continue
        net = Net(draw.randrange(10**9), drawn.domain)
        env = values(net, drawn.free, set(drawn.free), draw)
        with mpmath.workdps(140):
            before, after = net.polynomial(poly, env), net.polynomial(new, env)
            assert abs(before - after) <= 1e-9 * max(1, abs(before)), (step, poly, new, drawn.domain)
        applied[step[0]] += 1
    return applied


def test_no_bookkeeping_changes_a_value() -> None:
    applied = bookkeeping(random.randrange(10**6), 300)
    assert set(applied) == set(STEPS[:5]), applied


@pytest.mark.soak
def test_no_bookkeeping_changes_a_value_a_hundred_times_each() -> None:
    applied = bookkeeping(2, 3000)
    assert min(applied[op] for op in STEPS[:5]) >= ENOUGH, applied


def dots_hold(seeds: int) -> int:
    """Blocks of both kinds, up and down, from and to every layer that the domain allows; a wrong block is refused."""
    held = 0
    w, up = ("w", ("p", 1), (">", "<")), ("S", ("p", 1), (">", ".x"), 1)
    down = ("mul", (("w", ("p", 1), ("<", ">")), ("S", ("p", 1), ("<", ".x"), 1)))
    certificate_a = [("chain rule", 1, 0, ("z", ("p", 1)))]
    for seed, (first, last), kind in itertools.product(
        range(seeds), [(("l", 0), ("L", -1)), (("l", 0), ("l", 1)), (("", 2), ("L", -1))], "ab"
    ):
        domain = Domain(low=2, gap=2 if last == ("l", 1) else 0, depth=3)
        free = {".x": EXAMPLES, ".i": first, ".j": (last[0], last[1] + 1)}
        block, step, at = (("mul", (w, up)), 1, (".i", ".j")) if kind == "a" else (down, -1, (".j", ".i"))
        ends = (first, last) if step > 0 else (last, first)
        dots = ("dots", "p", *ends, step, block, at)
        kernel = Kernel(free, domain)
        kernel.expand(dots, free)
        steps_ = [
            *certificate_a,
            ("sigma acts on each neuron alone", 1, 0, None),
            ("Kronecker", 1, 0, True),
            ("derivative of z = w a + b", 1, 1, None),
            ("merge", 0, 1, {}),
        ]
        new = kernel.apply([(Fraction(1), {}, [dots])], ("the dots telescope", 0, 0, ("a", ".x", steps_)))
        with pytest.raises(Refused):
            kernel.apply([(Fraction(1), {}, [dots])], ("the dots telescope", 0, 0, ("z", ".x", steps_)))
        net = Net(seed, domain)
        env = values(net, free, set(free), random.Random(seed))
        with mpmath.workdps(140):
            assert abs(net.atom(dots, env) - net.polynomial(new, env)) < 1e-9
        held += 1
    return held


def test_dots_are_worth_what_they_telescope_to() -> None:
    assert dots_hold(3) == 18


@pytest.mark.soak
def test_dots_are_worth_what_they_telescope_to_a_hundred_times() -> None:
    assert dots_hold(20) >= ENOUGH


def arguments_hold(seeds: int) -> int:
    """Each step of the proof of (23), on random networks: one of them reads the argument of sigma."""
    link = next(link for link in links() if link.source.startswith(r"a^l_j = \sigma(\sum_k"))
    line, held = indices.read(link.left, link.right, link.given), 0
    steps = certificate(line)
    for seed in range(seeds):
        net, kernel = Net(seed, line.domain), Kernel(line.free, line.domain)
        env = values(net, line.free, set(line.free), random.Random(seed))
        poly = kernel.difference(line.left, line.right)
        for step in steps:
            new = kernel.apply(poly, step)
            with mpmath.workdps(140):
                assert abs(net.polynomial(poly, env) - net.polynomial(new, env)) < 1e-9, step
            held += step[0] == "read sigma's argument"
            poly = new
    return held


def test_an_argument_of_sigma_is_read_as_what_it_is() -> None:
    assert arguments_hold(5) == 5


@pytest.mark.soak
def test_an_argument_of_sigma_is_read_as_what_it_is_a_hundred_times() -> None:
    assert arguments_hold(100) >= ENOUGH
