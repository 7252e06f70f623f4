"""Derivatives and sums: what a ∂, a d, a nabla and a sum sign stand before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lark import Token as Terminal

from .letters import TOP, Letters
from .pieces import (
    Change,
    Item,
    arguments,
    bare_letter,
    derivative,
    factors_of,
    flat,
    has_scripts,
    is_a,
    lone_items,
    script_of,
    span_of,
)
from .scripts import COSTS, index_list
from .tokens import Token, Unreadable
from .tree import (
    EXAMPLES,
    Index,
    Layer,
    Node,
    Number,
    Partial,
    Power,
    Quantity,
    Size,
    Sum,
    SumOver,
    Transpose,
    Variable,
    children,
    descendants,
    with_children,
)

MARKS = ("partial", "d", "delta")  # what a derivative begins with
SIGNS = {"partial": "∂", "d": "d", "delta": "δ"}


class Calculus(Letters):
    """Derivatives and sums in one row of one dialect."""

    inner: frozenset[Index] = frozenset()  # the indices between the factors of dots, until a sum over them is met

    def braced(self, tree: Item) -> Node:
        """What a \\frac or a \\sqrt holds; Meaning says what."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------------------------------- derivatives

    def derived(self, above: Item, below: Item, items: Sequence[Item], i: int) -> tuple[Node, int] | None:
        """A fraction that is a derivative, and where the next factor begins; None for any other."""
        tops, bottoms = list(factors_of(above)), list(factors_of(below))
        if not tops or not bottoms:
            return None
        if (
            is_a(bottoms[0], "bracket")
            and (inside := lone_items(arguments(bottoms[0])[0]))
            and bare_letter(inside[0]) == "partial"
        ):
            bottoms = inside * self.order(bottoms[0])  # (∂w)^2
        sign = bare_letter(tops[0])
        if sign not in MARKS or sign != bare_letter(bottoms[0]) or has_scripts(bottoms[0]) or len(bottoms) == 1:
            return None
        if sign == "delta" and has_scripts(tops[0]):
            return None
        bys, order = self.moved(bottoms), self.order(tops[0])
        if len(bys) != order:
            raise Unreadable(f"a derivative of order {order} by {len(bys)} letters", span_of(tops[0])[0])
        of, after = (self.term(tops[1:]), i + 1) if tops[1:] else self.acted_on(items, i + 1)
        for by in bys:
            of = derivative(of, by)
        return of, after

    def order(self, item: Item) -> int:
        """2 of ∂^2."""
        said = [t for script in item.children[1:] for t in script_of(script)[0]]
        if any(s.children[0].type == "SQUARE" for s in item.children[1:]):
            return 2
        if not said:
            return 1
        if len(said) > 1 or said[0].type != "NUMBER" or said[0].value not in "1234":
            raise Unreadable("the order of a derivative is 1, 2, 3 or 4", said[0].start)
        return int(said[0].value)

    def moved(self, bottoms: Sequence[Item]) -> list[Node]:
        """Each of ∂u ∂v, from right to left as they are applied."""
        found: list[Node] = []
        i = 0
        while i < len(bottoms):
            if bare_letter(bottoms[i]) not in MARKS:
                raise Unreadable("the lower side of a derivative is ∂ and a letter", span_of(bottoms[i])[0])
            if i + 1 == len(bottoms):
                raise Unreadable("nothing stands behind this ∂", span_of(bottoms[i])[0])
            node, i = self.factor(bottoms, i + 1)
            squared = isinstance(node, Power) and isinstance(node.exponent, Number)
            found += [node.base] * int(node.exponent.value) if squared else [node]  # type: ignore[attr-defined]
        return found[::-1]

    def acted_on(self, items: Sequence[Item], i: int) -> tuple[Node, int]:
        """What ∂/∂z stands before: a bracket, C, a sum to its end, a number and all behind it, or the one factor that is left."""
        if i >= len(items) or isinstance(items[i], Terminal):
            raise Unreadable("nothing stands behind this derivative", span_of(items[i - 1])[1])
        of, after = self.factor(items, i)
        if isinstance(of, Number) and after < len(items):
            return self.term(items[i:]), len(items)
        alone = (
            after == len(items)
            or is_a(items[i], "bracket")
            or is_a(items[i], "square")
            or getattr(items[after], "type", "") == "SLASH"
        )
        if not alone and self.roles.get(bare_letter(items[i])) not in COSTS:
            raise Unreadable("what does this derivative act on? Put it in brackets", span_of(items[i])[0])
        return of, after

    def _partial(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        return self.differential(items, i)

    def differential(self, items: Sequence[Item], i: int) -> tuple[Node, int]:
        """∂A/∂B in a line, ∂/∂B (...), and a d alone: dW where that is a derivative, else a small change."""
        start, sign = span_of(items[i])[0], bare_letter(items[i])
        if has_scripts(items[i]):
            raise Unreadable("a derivative of higher order is written as a fraction: \\frac{\\partial^2 C}{...}", start)
        i += 1
        of: Node | None = None
        if i < len(items) and not isinstance(items[i], Terminal):
            of, i = self.factor(items, i)
        bys, after = self.divided_by(items, i, sign)
        if bys:
            if of is None:
                of, after = self.acted_on(items, after)
            for by in bys:
                of = derivative(of, by)
            return of, after
        if of is None or (sign == "partial" and not self.dialect.shorthand):
            raise Unreadable(f"a {SIGNS[sign]} without /{SIGNS[sign]} behind it", start)
        return (self.short(of, start) if self.dialect.shorthand else Change(of)), i

    def divided_by(self, items: Sequence[Item], i: int, sign: str) -> tuple[list[Node], int]:
        """B of /∂B or /(∂B), and where the next factor begins; nothing if that is not what stands at i."""
        if i + 1 >= len(items) or getattr(items[i], "type", "") != "SLASH":
            return [], i
        if is_a(items[i + 1], "bracket"):
            inside = lone_items(arguments(items[i + 1])[0])
            return (self.moved(inside), i + 2) if inside and bare_letter(inside[0]) == sign else ([], i)
        if bare_letter(items[i + 1]) != sign or i + 2 == len(items):
            return [], i
        by, after = self.factor(items, i + 2)
        return [by], after

    def short(self, of: Node, start: int) -> Node:
        """dW, db: of the average cost; dZ, dA: of one example's, for each example."""
        inner = of.body if isinstance(of, Transpose) else of
        if isinstance(inner, Variable) and inner.name in "za":
            raise Unreadable(f"no layer on {inner.name}; write d{inner.name}^l", start)
        if not isinstance(inner, Quantity) or inner.letter not in "wbza":
            raise Unreadable("d stands before a weight, a bias, z or a", start)
        if inner.letter == "z":
            found: Node = replace(inner, letter="delta")
        elif inner.letter == "a":
            found = Partial(Quantity("C", example=inner.example), inner)
        else:
            found = Partial(Quantity("J"), inner)
        return Transpose(found) if isinstance(of, Transpose) else found

    def _nabla(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        tokens = [t for s in scripts if script_of(s)[1] == "UNDER" for t in script_of(s)[0] if t.type not in ("LC", "RC")]
        if not tokens:
            raise Unreadable("a gradient by what? Write \\nabla_a C", span_of(items[i])[0])
        if len(tokens) == 1 and self.roles.get(tokens[0].value) in ("a", "output"):
            by: Node = self.as_rows(Quantity("a", TOP))
        else:
            by = self.side([t for s in scripts if script_of(s)[1] == "UNDER" for t in script_of(s)[0]])
        of, after = self.acted_on(items, i + 1)
        if isinstance(by, Quantity) and by.indices:
            raise Unreadable("a gradient is by a whole vector or matrix, as in \\nabla_a C", tokens[0].start)
        return derivative(of, by), after

    # ----------------------------------------------------------------------------------------------------------- sums

    def _sum(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        lower = [t for s in scripts if script_of(s)[1] == "UNDER" for t in script_of(s)[0]]
        above = [t for s in scripts if script_of(s)[1] == "CARET" for t in script_of(s)[0]]
        at = span_of(items[i])[0]
        if i + 1 >= len(items):
            raise Unreadable("nothing stands behind this sum", at)
        if strange := next((t for t in lower if t.type in ("OTHER", "TEXT")), None):
            raise Unreadable(f"a sum with a condition ({strange.value}) is not read; write it out", strange.start)
        equal = next((n for n, t in enumerate(lower) if t.type in ("INNER", "RELATION")), len(lower))
        upper = self.from_one(lower[equal + 1 :], above)
        dots = any(t.type == "DOTS" for t in lower[:equal])
        names = index_list([t for t in lower[:equal] if t.type != "DOTS"])
        return self.summed(names, self.term(items[i + 1 :]), upper, dots, at), len(items)

    def from_one(self, first: Sequence[Token], upper: Sequence[Token]) -> Sequence[Token]:
        """The upper bound of a sum that begins at 1; of one from 0 to n - 1, as if it did."""
        said = [t.value for t in first]
        if said == ["0"] and [t.value for t in upper[-2:]] == ["-", "1"]:
            return upper[:-2]
        if said not in ([], ["1"]):
            raise Unreadable("a sum runs over all neurons or examples, from 1; write other terms apart", first[0].start)
        return upper

    def summed(self, names: Sequence[Index], body: Node, upper: Sequence[Token], dots: bool, at: int) -> Node:
        """The sum over each of the names."""
        if not names:
            raise Unreadable("a sum without an index; write \\sum_k", at)
        if any(name in ("l", "ell", "L") or not isinstance(name, str) for name in names):
            raise Unreadable("a sum over layers is not read; write its terms", at)
        if dots:
            if not self.inner <= set(names):
                raise Unreadable("an index between the factors of the dots is not summed", at)
            names, self.inner = [name for name in names if name not in self.inner], frozenset()
        over = self.over(upper, names, body)
        for name in reversed(names):
            body = Sum(str(name), self.of_each(str(name), over, body), over, span=(at, body.span[1]))
        return body

    def of_each(self, name: str, over: Layer | None, body: Node) -> Node:
        """The body of a sum; of one over the examples that shows its index nowhere, with it on all that differs between them."""
        if over != EXAMPLES and name != self.dialect.example:
            return body
        shown = {str(i) for n in descendants(body) if isinstance(n, Quantity) for i in (*n.indices, n.example)}
        return body if name in shown else with_example(body, name)

    def over(self, upper: Sequence[Token], names: Sequence[Index], body: Node) -> Layer | None:
        """The layer whose size an upper bound is; a letter that the notation does not know says no more than the index does."""
        if not upper:
            return None
        if len(names) > 1:
            raise Unreadable("one bound for several indices; write a sum for each", upper[0].start)
        if len(upper) == 1 and upper[0].type == "LETTER" and upper[0].value not in self.roles:
            of_neurons = any(isinstance(n, Quantity) and names[0] in n.indices for n in descendants(body))
            return EXAMPLES if upper[0].value in self.dialect.count and not of_neurons else None
        bound = self.side(upper)
        if not isinstance(bound, Size):
            raise Unreadable("the upper bound of a sum is a number of neurons or of examples: n_l, n", upper[0].start)
        return bound.layer

    def plain_sum(self, args: Sequence[Item], at: int) -> Node:
        """sum(k, body), sum(k=1..n[l], body), sum(m, n, body)."""
        if len(args) < 2:
            raise Unreadable("a sum without an index; write sum(k, ...)", at)
        *names, body = args
        tokens = [list(flat(a.children[0])) for a in names]
        bounds = names[-1].children[2:]
        upper = self.from_one(list(flat(bounds[0])) if bounds else (), list(flat(bounds[2])) if len(bounds) > 2 else ())
        dots = any(t.type == "DOTS" for name in tokens for t in name)
        of = self.expression(body.children[0])
        said = [i for name in tokens for i in index_list([t for t in name if t.type != "DOTS"], one=True)]
        return self.summed(said, of, upper, dots, at)

    def np_sum(self, args: Sequence[Item], at: int) -> Node:
        """np.sum(X, axis=1, keepdims=True)."""
        body = self.expression(args[0].children[0])
        said = {"".join(t.value for t in flat(a.children[0])): "".join(t.value for t in flat(a.children[-1])) for a in args[1:]}
        axis = said.get("axis")
        if axis not in ("0", "1") or not said.keys() <= {"axis", "keepdims"}:
            raise Unreadable("np.sum is read with axis=0 or axis=1, and keepdims", at)
        return SumOver(body, "examples" if (axis == "0") == (self.dialect.examples == "rows") else "neurons")


def with_example(node: Node, x: str) -> Node:
    """The tree with this example's index on all that differs between examples."""
    if isinstance(node, Quantity):
        return node if node.letter in "wbJ" or node.example is not None else replace(node, example=x)
    return with_children(node, iter([with_example(child, x) for child in children(node)]))
