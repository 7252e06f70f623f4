"""From the syntax tree to the kernel's trees: which index ranges over what, the shape of each side, or why it says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from itertools import count
from typing import TypeAlias

from . import kernel
from .arrays import ONE_ROW, Array, Shape, entrywise, inverted, kind_of, product, scalar, sigma, times
from .given import Given
from .kernel import EXAMPLES, TOP, Atom, Domain, Index, Layer, Tree, shift
from .notation import tree as notation
from .notation.tree import ALL, Node, Number, Quantity
from .ranges import ONE, DoesNotFit, NotForTheKernel, Ranges, indices, name_of

Names: TypeAlias = dict[Index | None, Index]
HERE = ".*"  # the one example that a line without examples speaks of
SLOPES = {"sigmoid": (0, 1, -1), "tanh": (1, 0, -1), "linear": (1,)}  # sigma' as a polynomial in sigma
QUADRATIC: Tree = (
    "mul",
    (
        Fraction(1, 2),
        (
            "sum",
            ".q",
            TOP,
            ("mul", (("add", (("y", TOP, (".q", ".x")), ("mul", (Fraction(-1), ("a", TOP, (".q", ".x")))))),) * 2),
        ),
    ),
)


@dataclass(frozen=True)
class Line:
    """left = right for every value of the free indices, on every network of the domain."""

    left: Tree
    right: Tree
    free: dict[Index, Layer]
    domain: Domain
    layers: frozenset[Layer]  # of the quantities in it
    doubt: str = ""  # an index that is free on one side only: a slip, unless the line is proved for all its values

    @property
    def speaks_of_l(self) -> bool:
        """Whether the line holds for a range of layers."""
        return any(p[0] == self.domain.var for p in self.layers | set(self.free.values()))

    @property
    def mixes(self) -> bool:
        """Whether it speaks of L and of l, whose distance is not known."""
        return {"L", self.domain.var} <= {base for base, _ in self.layers}

    def cases(self) -> tuple[Line, Line]:
        """The highest l of the domain, and all below."""
        d, var, at = self.domain, self.domain.var, ("L", -self.domain.gap)
        top = Line(
            kernel.place(self.left, var, at),
            kernel.place(self.right, var, at),
            {i: kernel.place(p, var, at) for i, p in self.free.items()},
            replace(d, low=1, gap=0, depth=max(d.depth, d.low + d.gap)),
            frozenset(kernel.place(p, var, at) for p in self.layers),
        )
        return top, replace(self, domain=replace(d, gap=d.gap + 1))

    def in_words(self) -> str:
        """The domain as a reader wants it: for 2 ≤ l ≤ L-1."""
        d = self.domain
        if self.speaks_of_l:
            return f"for {d.low} ≤ {d.var} ≤ L{f'-{d.gap}' if d.gap else ''}"
        return f"for every L ≥ {d.depth}" if d.depth > 2 else "for every network"


def read(left: Node, right: Node, given: Given) -> Line:
    """The line left = right in the kernel's terms.

    Raises DoesNotFit with the index or the shape that does not fit, NotForTheKernel with what the kernel has no words for.
    """
    return _Reader(given).line(left, right)


class _Reader:
    """One line: what its indices range over is found while it is read."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.numbers = count(1)
        self.shifts: dict[str, int] = {}  # of the layer variable of dots
        self.beyond: list[str] = []  # what the kernel has no words for
        self.doubt = ""

    def line(self, left: Node, right: Node) -> Line:
        if notation.Identity in (type(left), type(right)):
            raise NotForTheKernel("an identity matrix by itself")
        self.captured(left, right)
        sides = [self.array(side, {}) for side in (left, right)]
        a, b = (s.shape for s in sides)
        if a != b and not (isinstance(left, Number) or isinstance(right, Number)):
            raise DoesNotFit(f"the left side is {kind_of(a)}, the right side is {kind_of(b)}")
        axes = [f".{n}" for n in range(1, 1 + max(len(a), len(b)))]
        trees = [s.at(*axes[: len(s.shape)]) for s in sides]
        self.agree(left, right, trees)
        found = Ranges(dict(zip(axes, a or b, strict=True)))
        for t in trees:
            found.walk(t)
        found.join()
        names = [i for i in sorted({i for t in trees for i in indices(t)}) if "#" not in str(i)]
        if open_ := [str(i)[1:] for i in names if i not in found.of]:
            raise NotForTheKernel(f"nothing says what {open_[0]} ranges over")
        free = {i: found.of[i] for i in names}
        if self.beyond:
            raise NotForTheKernel(self.beyond[0])
        filled = [found.fill(t) for t in trees]
        return Line(filled[0], filled[1], {HERE: EXAMPLES, **free}, self.domain(found), frozenset(found.layers), self.doubt)

    def domain(self, found: Ranges) -> Domain:
        given = self.given
        if len(found.variables) > 1:
            raise NotForTheKernel(f"two layer variables, {' and '.join(sorted(found.variables))}")
        slope = SLOPES.get(given.sigma or "")
        var = next(iter(found.variables), "l")
        return Domain(found.low, found.gap, max(2, found.depth), given.softmax, self.cost(), slope, given.thin, var)

    def cost(self) -> Tree:
        """The given cost of example ".x" in the kernel's terms; None if it has no words for it (log)."""
        if self.given.cost is None or isinstance(self.given.cost, str):
            return QUADRATIC if self.given.cost == "quadratic" else None
        reader = _Reader(replace(self.given, cost=None))
        try:
            value = reader.array(self.given.cost, {None: ".x"})
            found = Ranges({".x": EXAMPLES})
            found.walk(tree := value.at())
            found.join()
        except (DoesNotFit, NotForTheKernel):
            return None
        return None if value.shape or reader.beyond else found.fill(tree)

    def captured(self, left: Node, right: Node) -> None:
        """An index that a sum binds must not stand free in the same line."""
        nodes = [n for side in (left, right) for n in notation.descendants(side)]
        bound = {n.index for n in nodes if isinstance(n, notation.Sum)}
        free = {i for side in (left, right) for i in free_names(side)}
        for i in sorted(bound & free):
            fresh = next(c for c in "ikmpqrst" if c not in bound | free)
            raise DoesNotFit(
                f"{i} is bound by the sum and free in the same line: two different things have one name. "
                f"Call the sum's index {fresh}"
            )

    def agree(self, left: Node, right: Node, trees: list[Tree]) -> None:
        """Both sides speak of the same indices, and each ranges over the same layer on both."""
        names = [{i for i in indices(t) if isinstance(i, str) and "#" not in i and i != HERE} for t in trees]
        problems = []
        for here, there, on, off, other in ((1, 0, "right", "left", left), (0, 1, "left", "right", right)):
            constant = all(not isinstance(n, Quantity) for n in notation.descendants(other))
            if (extra := sorted(names[here] - names[there])) and not constant:
                word = "is" if len(extra) == 1 else "are"
                problems.append(f"{' and '.join(i[1:] for i in extra)} {word} free on the {on} but not on the {off}")
        sides = [Ranges({}), Ranges({})]
        for side, t in zip(sides, trees, strict=True):
            side.walk(t)
            side.join()
        ranged = False
        for i in sorted(names[0] & names[1]):
            p, q = (side.of.get(i) for side in sides)
            if p and q and p != q:
                ranged = True
                problems.append(f"{i[1:]} ranges over {name_of(p)} on the left and over {name_of(q)} on the right")
        self.doubt = "; ".join(problems)
        if ranged or (problems and self.beyond):
            raise DoesNotFit(self.doubt)

    def fresh(self, i: str = "s") -> str:
        return f".{i}#{next(self.numbers)}"

    def layer(self, p: notation.Layer) -> Layer:
        if p == notation.EXAMPLES:
            return EXAMPLES
        return (p.base, p.offset + self.shifts.get(p.base, 0))

    def array(self, node: Node, env: Names) -> Array:
        """The value of a node; env: the unique names of the bound indices around it."""
        method: Callable[[Node, Names], Array] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise NotForTheKernel(f"a {type(node).__name__.lower()}")
        return method(node, env)

    def unknown(self, reason: str, shape: Shape, *made_of: Array) -> Array:
        """Something of a known shape for which the kernel has no words: what it is made of is still checked."""
        self.beyond.append(reason)
        return Array(shape, lambda *i: ("add", tuple(part.at(*i[: len(part.shape)]) for part in made_of)))

    def _number(self, node: Number, env: Names) -> Array:
        return scalar(node.value)

    def _quantity(self, node: Quantity, env: Names) -> Array:
        example = env.get(node.example, f".{node.example}") if node.example != ALL else ALL
        if node.example is None:
            example = env.get(None, HERE)
        if node.letter == "J":
            x = self.fresh("x")
            return scalar(("mul", (("inv", ("n", EXAMPLES, ())), ("sum", x, EXAMPLES, ("C", TOP, (x,))))))
        if node.letter == "C":
            return Array((EXAMPLES,), lambda x: ("C", TOP, (x,))) if example == ALL else scalar(("C", TOP, (example,)))
        p = TOP if node.layer is None and node.letter == "y" else self.layer(node.layer or notation.Layer())
        if node.letter == "y" and p != TOP:
            raise DoesNotFit("y is of layer L")
        axes: Shape = (p, shift(p, -1)) if node.letter == "w" else (p,)
        if node.indices and len(node.indices) != len(axes):
            raise DoesNotFit(f"{node.letter} has {len(node.indices)} indices here; it has {len(axes)}")
        fixed = tuple(env.get(i, f".{i}" if isinstance(i, str) else i) for i in node.indices)
        if self.given.thin and not fixed:
            fixed = (1,) * len(axes)

        def at(*places: Index) -> Atom:
            inside = fixed or places[: len(axes)]
            if node.letter in "wb":
                return (node.letter, p, inside)
            return (node.letter, p, (*inside, places[-1] if example == ALL else example))

        shape = () if fixed else axes
        return Array(shape + ((EXAMPLES,) if example == ALL and node.letter not in "wb" else ()), at)

    def _variable(self, node: notation.Variable, env: Names) -> Array:
        return scalar(("p", node.name, ()))

    def _size(self, node: notation.Size, env: Names) -> Array:
        return scalar(("n", self.layer(node.layer), ()))

    def _ones(self, node: notation.Ones, env: Names) -> Array:
        return Array((self.layer(node.layer),), lambda _: Fraction(1))

    def _add(self, node: notation.Add, env: Names) -> Array:
        terms = [self.array(t, env) for t in node.terms]
        widest = max((t.shape for t in terms), key=lambda s: (len(s), ONE not in s))
        column, row = widest[1:] == (EXAMPLES,), widest[:1] == (EXAMPLES,)  # added to each example
        fitting = (widest, widest[:1] if column else widest, (ONE, *widest[1:]) if row else widest)
        for t, written in zip(terms, node.terms, strict=True):
            plain = all(not isinstance(n, Quantity) for n in notation.descendants(written))  # 1 - a: 1 for each entry
            if t.shape not in fitting and not (plain and not t.shape):
                raise DoesNotFit(f"{kind_of(widest)} and {kind_of(t.shape)} do not add up")
        return Array(widest, lambda *i: ("add", tuple(t.at(*i[: len(t.shape)]) for t in terms)))

    def _negative(self, node: notation.Negative, env: Names) -> Array:
        return times(scalar(Fraction(-1)), self.array(node.body, env))

    def _product(self, node: notation.Product, env: Names) -> Array:
        factors = [self.array(f, env) for f in node.factors if not isinstance(f, notation.Identity)]
        if node.kind == "hadamard":
            return reduce(entrywise, factors)
        return reduce(lambda a, b: product(a, b, self.fresh(), node.kind == "dot"), factors)

    def _quotient(self, node: notation.Quotient, env: Names) -> Array:
        above, below = self.array(node.above, env), self.array(node.below, env)
        if above.shape and below.shape and above.shape != below.shape:
            raise DoesNotFit(f"{kind_of(above.shape)} is divided by {kind_of(below.shape)}")
        inverse = None if below.shape else inverted(below.at())
        if inverse is None:
            return self.unknown("a division by what is neither a number nor a size", above.shape or below.shape, above, below)
        return times(scalar(inverse), above)

    def _power(self, node: notation.Power, env: Names) -> Array:
        n = node.exponent.value if isinstance(node.exponent, Number) else None
        if isinstance(node.base, notation.Norm) and n == 2:
            body = self.array(node.base.body, env)
            names = [ONE_ROW if p == ONE else self.fresh() for p in body.shape]
            square: Tree = ("mul", (body.at(*names),) * 2)
            axes = [(i, p) for i, p in zip(names, body.shape, strict=True) if p != ONE]
            return scalar(reduce(lambda t, axis: ("sum", *axis, t), axes, square))
        base = self.array(node.base, env)
        if n is None or n.denominator != 1 or not -9 <= n <= 9:
            return self.unknown("a power that is not a small whole number", base.shape, base)
        if n < 0:
            inverse = None if base.shape else inverted(base.at())
            return self.unknown("a division", base.shape, base) if inverse is None else scalar(("mul", (inverse,) * -int(n)))
        return Array(base.shape, lambda *i: ("mul", (base.at(*i),) * int(n)))

    def _transpose(self, node: notation.Transpose, env: Names) -> Array:
        body = self.array(node.body, env)
        if len(body.shape) == 1:
            return Array((ONE, *body.shape), lambda _, j: body.at(j))
        if body.shape[:1] == (ONE,):
            return Array(body.shape[1:], lambda j: body.at(ONE_ROW, j))
        return Array(body.shape[::-1], lambda *i: body.at(*i[::-1]))

    def _norm(self, node: notation.Norm, env: Names) -> Array:
        body = self.array(node.body, env)
        names = [ONE_ROW if p == ONE else self.fresh() for p in body.shape]
        return self.unknown("a norm that is not squared", (), scalar(body.at(*names)))

    def _sum(self, node: notation.Sum, env: Names) -> Array:
        i = self.fresh(node.index)
        body = self.array(node.body, {**env, node.index: i})
        over = node.over and self.layer(node.over)
        return Array(body.shape, lambda *axes: ("sum", i, over, body.at(*axes)))

    def _sumover(self, node: notation.SumOver, env: Names) -> Array:
        body = self.array(node.body, env)
        s = self.fresh()
        wanted = [n for n, p in enumerate(body.shape) if (p == EXAMPLES) == (node.axis == "examples") and p != ONE]
        if len(wanted) != 1 or len(body.shape) != 2:
            raise DoesNotFit(f"a sum over the {node.axis} of {kind_of(body.shape)}")
        if wanted == [1]:
            return Array(body.shape[:1], lambda j: ("sum", s, body.shape[1], body.at(j, s)))
        return Array((ONE, body.shape[1]), lambda _, k: ("sum", s, body.shape[0], body.at(s, k)))

    def _apply(self, node: notation.Apply, env: Names) -> Array:
        body = self.array(node.argument, env)
        if node.function == "diag":
            if not self.given.thin and len(body.shape) != 1:
                raise DoesNotFit(f"a diagonal matrix is made of a vector, not of {kind_of(body.shape)}")
            return Array(body.shape * 2, lambda *i: ("mul", (("K", body.shape[0], i), body.at(i[0])))) if body.shape else body
        if node.function != "sigma":
            return self.unknown(node.function, body.shape, body)
        layer = self.layer(node.layer) if node.layer else None
        return Array(body.shape, lambda *i: sigma(layer, body.at(*i), node.order))

    def _partial(self, node: notation.Partial, env: Names) -> Array:
        of = self.array(node.of, env)
        if isinstance(node.by, notation.Variable):
            return self.unknown(f"a derivative by {node.by.name}", of.shape, of)
        if not isinstance(node.by, Quantity):
            raise DoesNotFit("a derivative is by one letter: w, b, z or a")
        if node.by.letter not in "wbza":
            raise DoesNotFit(f"nothing can be moved by {node.by.letter}: it is no parameter and no part of the pass")
        by = self.array(node.by, env)
        if of.shape[-1:] == by.shape[-1:] == (EXAMPLES,) and len(of.shape) == 1:  # column x is the derivative of C_x
            return Array(by.shape, lambda *i: ("D", of.at(i[-1]), by.at(*i)))
        if len(of.shape) + len(by.shape) > 2 or ONE in of.shape:
            raise DoesNotFit(
                f"the derivative of {kind_of(of.shape)} by {kind_of(by.shape)} is no array; it is read for one neuron a layer "
                "only. In general write the indices and the sums"
            )
        n = len(of.shape)
        return Array(of.shape + by.shape, lambda *i: ("D", of.at(*i[:n]), by.at(*i[n:])))

    def _kronecker(self, node: notation.Kronecker, env: Names) -> Array:
        i, j = (env.get(k, f".{k}" if isinstance(k, str) else k) for k in (node.i, node.j))
        return scalar(("K", None, (i, j)))

    def _repeat(self, node: notation.Repeat, env: Names) -> Array:
        """Dots. The block is written so that it leads from layer p to p + 1 (or back)."""
        rows, columns, _ = self.block(node, env)
        var = node.var
        if (rows[0], columns[0]) != (var, var) or abs(rows[1] - columns[1]) != 1:
            raise DoesNotFit(f"the dots repeat a block from {name_of(rows)} to {name_of(columns)}; it must go one layer on")
        step, by = columns[1] - rows[1], min(rows[1], columns[1])
        self.shifts[var] = self.shifts.get(var, 0) - by
        *_, block = self.block(node, env)
        self.shifts[var] += by
        first, last = shift(self.layer(node.first), by), shift(self.layer(node.last), by)

        def at(i: Index, j: Index) -> Tree:
            return ("dots", var, first, last, step, block, (i, j))

        if node.left is None or node.right is None:
            return Array((shift(first, step < 0), shift(last, step > 0)), at)
        i, j = (env.get(k, f".{k}" if isinstance(k, str) else k) for k in (node.left, node.right))
        return scalar(at(i, j))

    def block(self, node: notation.Repeat, env: Names) -> tuple[Layer, Layer, Tree]:
        """What the rows and columns of a repeated block range over, and its tree in "<" and ">"."""
        value = self.array(node.block, {**env, "<": "<", ">": ">"})
        found = Ranges({})
        if node.left is None:
            if len(value.shape) != 2:
                raise DoesNotFit(f"the dots repeat {kind_of(value.shape)}; a product of matrices is repeated")
            found.of = {"<": value.shape[0], ">": value.shape[1]}
        tree = value.at("<", ">") if node.left is None else value.at()
        found.walk(tree)
        found.join()
        if not {"<", ">"} <= found.of.keys():
            raise DoesNotFit("the dots repeat something that does not lead from one index to another")
        return found.of["<"], found.of[">"], found.fill(tree)


def free_names(node: Node) -> Iterable[str]:
    """The index names that stand free in a node, as written."""
    match node:
        case notation.Sum(index=i):
            return {k for c in notation.children(node) for k in free_names(c)} - {i}
        case Quantity():
            written = {*node.indices, node.example}
        case notation.Kronecker():
            written = {node.i, node.j}
        case notation.Repeat():
            written = {node.left, node.right}
        case _:
            return {k for c in notation.children(node) for k in free_names(c)}
    return {i for i in written if isinstance(i, str) and i != ALL}
