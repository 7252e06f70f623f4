"""What every index of a line ranges over, and which layers must exist for it to be said."""

from __future__ import annotations

from collections.abc import Iterator

from . import kernel
from .kernel import EXAMPLES, Index, Layer, Tree, shift
from .notation import tree as notation

ONE: Layer = ("one", 0)  # the axis of a transposed vector's only row


class DoesNotFit(Exception):
    """An index or a shape does not fit: the line says nothing."""


class NotForTheKernel(Exception):
    """The line may well be meant, but the kernel has no words for it: it is left to the numbers."""


def name_of(p: Layer) -> str:
    """A layer as it is spoken of."""
    if p == EXAMPLES:
        return "the examples"
    return f"layer {notation.Layer(*p)}"


class Ranges:
    """What every index of a line ranges over, and which layers must exist."""

    def __init__(self, of: dict[Index, Layer]) -> None:
        self.of = of
        self.equal: list[tuple[Index, Index]] = []  # the indices of a Kronecker delta
        self.low, self.gap, self.depth = 1, 0, 2
        self.layers: set[Layer] = set()
        self.variables: set[str] = set()

    def put(self, i: Index, p: Layer | None) -> None:
        """Index i ranges over layer p; raises DoesNotFit if it ranges over another."""
        if p is None or not isinstance(i, str):
            return
        if self.of.setdefault(i, p) != p:
            name = i.lstrip(".").split("#")[0]
            who = {"*": "the example", "s": "the summed index"}.get(name, name)
            raise DoesNotFit(f"{who} ranges over {name_of(self.of[i])} and over {name_of(p)}")

    def touch(self, p: Layer, low: int, what: str) -> None:
        """Layer p must exist, from layer `low` on."""
        base, offset = p
        if p in (EXAMPLES, ONE):
            return
        if base == "":
            self.depth = max(self.depth, offset)
            if offset < low:
                raise DoesNotFit(
                    f"{what}^{offset} does not exist: {'the input is layer 1' if low == 1 else what + ' begins at layer 2'}"
                )
        elif base == "L":
            self.depth = max(self.depth, low - offset)
            if offset > 0:
                raise DoesNotFit(f"there is no layer L+{offset}")
        else:
            self.variables.add(base)
            self.low, self.gap = max(self.low, low - offset), max(self.gap, offset)

    def walk(self, tree: Tree) -> None:
        """Collect from every atom."""
        for t in descend(tree):
            match t:
                case ("sum", i, p, _):
                    self.put(i, p)
                    if p:
                        self.touch(p, 1, "layer ")
                case ("K", p, at):
                    self.equal.append(at)
                    for i in at:
                        self.put(i, p)
                case ("dots", _, first, last, *_):
                    for i, p in kernel.ranges(t):
                        self.put(i, p)
                    self.layers |= {first, last}
                    low, high = (first, last) if t[4] > 0 else (last, first)
                    self.touch(low, 1, "layer ")
                    if high[0] not in ("L", ""):
                        self.touch(shift(high, 1), 1, "layer ")
                case ("w" | "b" | "z" | "a" | "delta" | "y" as kind, p, _):
                    for i, q in kernel.ranges(t):
                        self.put(i, q)
                    self.layers.add(p)
                    self.touch(p, 1 if kind == "a" else 2, kind)
                case ("C", _, (x,)):
                    self.put(x, EXAMPLES)
                case ("n", p, ()):
                    self.touch(p, 1, "n")

    def join(self) -> None:
        """Both indices of a Kronecker delta range over one layer."""
        for _ in self.equal:
            for i, j in self.equal:
                self.put(i, self.of.get(j))
                self.put(j, self.of.get(i))

    def fill(self, t: Tree) -> Tree:
        """The tree with every sum, Kronecker delta and sigma on its layer."""
        match t:
            case ("add" | "mul" as op, trees):
                return (op, tuple(self.fill(u) for u in trees))
            case ("sum", i, p, body):
                if i not in self.of:
                    raise DoesNotFit(f"the sum over {i[1:].split('#')[0]} does not use it")
                return ("sum", i, p or self.of[i], self.fill(body))
            case ("K", p, at):
                layer = p or next((self.of[i] for i in at if i in self.of), None)
                if layer is None:
                    raise NotForTheKernel("a Kronecker delta whose indices range over no known layer")
                return ("K", layer, at)
            case ("D", body, B):
                return ("D", self.fill(body), B)
            case ("sigma", p, argument, n):
                return ("sigma", p or self.layer_of(argument), self.fill(argument), n)
        return t

    def layer_of(self, argument: Tree) -> Layer:
        """Whose weighted input the argument of a sigma is."""
        atoms = [t for t in descend(argument) if t[0] in ("z", "b", "w")]
        for kinds in (("z", "b"), ("w",)):
            for t in atoms:
                if t[0] in kinds:
                    return t[1]
        raise NotForTheKernel("sigma of something that is no weighted input")


def descend(tree: Tree) -> Iterator[Tree]:
    """Every tree and atom in a tree, but not what is inside dots."""
    stack = [tree]
    while stack:
        t = stack.pop()
        if not isinstance(t, tuple):
            continue
        yield t
        match t:
            case ("add" | "mul", trees):
                stack.extend(trees)
            case ("sum", _, _, body):
                stack.append(body)
            case ("D" | "d", body, B):
                stack += [body, B]
            case ("sigma", _, argument, _):
                stack.append(argument)
            case ("inv", atom):
                stack.append(atom)


def indices(tree: Tree) -> set[Index]:
    """The names and numbers that stand in its atoms and are not bound in it."""
    used: set[Index] = set()
    for t in descend(tree):
        match t:
            case ("w" | "b" | "z" | "a" | "delta" | "y" | "C" | "K", _, at):
                used |= {i for i in at if isinstance(i, str)}
            case ("dots", *_, at):
                used |= {i for i in at if isinstance(i, str)}
    return used
