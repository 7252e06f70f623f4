"""From the grammar's tree to the syntax tree: what a juxtaposition, a fraction, a bracket stands for."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from lark import Token as Terminal
from lark import Tree

from .calculus import Calculus
from .entries import entry
from .pieces import (
    Dots,
    Incoming,
    Item,
    Rest,
    argument,
    arguments,
    bare_letter,
    derivative,
    flat,
    is_a,
    is_array,
    is_indicator,
    negative_sums,
    product,
    replace_span,
    script_of,
    span_of,
    token,
    transposed,
)
from .repeats import resolved
from .scripts import index_list
from .shapes import alike, outer
from .tokens import Token, Unreadable
from .tree import Add, Apply, Kronecker, Layer, Negative, Node, Norm, Number, Power, Product, Quantity, Quotient, Sum, descendants

LISTED = ("sum", "max", "np.sum", "np.dot", "np.multiply")  # words of several arguments


class Meaning(Calculus):
    """One row in one dialect."""

    def whole(self, tokens: Sequence[Token]) -> Node:
        """One side of a formula, in which everything has found its place."""
        node = self.side(tokens)
        if lone := next((n for n in descendants(node) if isinstance(n, Incoming)), None):
            raise Unreadable("w without a layer; write w^l, or w \\cdot x for one neuron", lone.span[0])
        if self.inner:
            raise Unreadable("an index between the factors of the dots is not summed", node.span[0])
        return node

    def expression(self, tree: Item) -> Node:
        """expr: terms with signs."""
        terms: list[Node] = []
        sign = ""
        for child in negative_sums(tree):
            if child.data == "sign":
                sign = child.children[0].type
                continue
            node = self.term(child.children)
            if not isinstance(node, Rest):
                terms.append(Negative(node, span=node.span) if sign == "MINUS" else node)
            sign = ""
        if any(isinstance(t, Dots) for t in terms):
            raise Unreadable("dots in a sum; write it with a sum sign", next(t for t in terms if isinstance(t, Dots)).span[0])
        if not terms:
            raise Unreadable("nothing but O(\\epsilon) stands here", span_of(tree)[0])
        return terms[0] if len(terms) == 1 else Add(tuple(terms), span=(terms[0].span[0], terms[-1].span[1]))

    def term(self, items: Sequence[Item]) -> Node:
        """Factors in a row: a/b binds first, then juxtaposition, then the dot, then ⊙."""
        marks: list[str] = []
        nodes: list[Node] = []
        i, mark = 0, ""
        while i < len(items):
            if isinstance(items[i], Terminal):
                if mark or not nodes:
                    raise Unreadable(f"{items[i]} has nothing before it", items[i].start_pos or 0)
                mark = items[i].type
                i += 1
                continue
            start = i
            node, i = self.factor(items, i)
            if mark == "SLASH":
                self.clear(nodes[-1], node, items, start, i)
                nodes[-1] = quotient(nodes[-1], node)
            else:
                node, mark = self.joined(nodes, marks, node, mark) if nodes else (node, "")
                nodes.append(node)
                marks.append(mark)
            mark = ""
        if mark:
            raise Unreadable("the product ends in a sign", nodes[-1].span[1])
        return self.grouped(nodes, marks)

    def clear(self, above: Node, below: Node, items: Sequence[Item], start: int, after: int) -> None:
        """1/2n is refused: half of n, or 1/(2n)?"""
        if isinstance(above, Number) and isinstance(below, Number) and after < len(items) and bare_letter(items[after]):
            end, begin = span_of(items[start])[1], span_of(items[after])[0]
            if end == begin and str(items[after].children[0].children[0]) in self.dialect.count:
                raise Unreadable("what is below the stroke? Write 1/(2n), or (1/2) n", begin)

    def joined(self, before: Sequence[Node], marks: Sequence[str], right: Node, mark: str) -> tuple[Node, str]:
        """× and ⊗, each of which is two signs: entry by entry, or a matrix product; entry by entry, or the outer product."""
        if mark not in ("TIMES", "OTIMES"):
            return right, mark
        start = max((n for n, m in enumerate(marks) if m == "HAD"), default=0)
        left = product(before[start:], "plain")
        if mark == "TIMES":
            return right, "HAD" if alike(left, right) else ""
        return (transposed(right), "") if outer(left, right) else (right, "HAD")

    def grouped(self, nodes: list[Node], marks: list[str]) -> Node:
        """Factors with the marks between them as one product."""
        if any(isinstance(n, Dots) for n in nodes) and len(nodes) > 1:
            if "HAD" in marks and any(map(is_array, nodes)):
                raise Unreadable("dots among factors that are joined by ⊙; write the product with matrices", nodes[0].span[0])
            nodes, inner = resolved(nodes)
            self.inner |= inner
            marks = [""] * len(nodes)
        nodes, marks = self.weighted(nodes, marks)
        parts: list[list[list[Node]]] = [[[]]]
        for node, mark in zip(nodes, marks, strict=True):
            if mark == "HAD":
                parts.append([[]])
            elif mark == "DOT":
                parts[-1].append([])
            parts[-1][-1].append(node)
        dotted = "DOT" in marks and sum(map(is_array, nodes)) > 1
        entrywise = [product([product(run, "plain") for run in part], "dot" if dotted else "plain") for part in parts]
        if sum(map(is_array, entrywise)) > 1:
            return product(entrywise, "hadamard")
        return product(entrywise if dotted else nodes, "plain")

    def weighted(self, nodes: Sequence[Node], marks: Sequence[str]) -> tuple[list[Node], list[str]]:
        """w . x of one neuron as a sum."""
        made, kept = list[Node](), list[str]()
        for node, mark in zip(nodes, marks, strict=True):
            before = made[-1] if made else None
            if isinstance(before, Incoming) and mark in ("", "DOT") and node == Quantity("a", Layer("", 1)):
                k = "k" if before.neuron != "k" else "j"
                weight = Quantity("w", Layer("", 2), (before.neuron, k))
                made[-1] = Sum(k, Product((weight, Quantity("a", Layer("", 1), (k,)))), span=(before.span[0], node.span[1]))
            else:
                made.append(node)
                kept.append(mark)
        return made, kept

    def factor(self, items: Sequence[Item], i: int) -> tuple[Node, int]:
        """The factor that begins at items[i], and where the next one begins."""
        span = span_of(items[i])
        if isinstance(items[i], Terminal):
            raise Unreadable(f"{items[i]} has nothing before it", span[0])
        head, scripts = items[i].children[0], items[i].children[1:]
        kind = head.children[0].type if head.data == "atom" else head.data
        node, after = getattr(self, f"_{kind.lower()}")(head, scripts, items, i)
        return replace_span(node, (span[0], span_of(items[after - 1])[1])), after

    # ------------------------------------------------------------------------------------------- brackets and numbers

    def _number(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        following = items[i + 1] if i + 1 < len(items) else None
        if str(head.children[0]) == "1" and scripts and script_of(scripts[0])[1] == "UNDER":  # 1_{i = j}
            return self.letter_one("one", scripts, items, i)
        if str(head.children[0]) == "1" and is_indicator(following) and not is_a(following, "square") and not scripts:
            return self.indicator(list(flat(argument(following)))), i + 2
        return self.scripted(Number(Fraction(str(head.children[0])), span=span_of(items[i])), scripts), i + 1

    def _half(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        return self.scripted(Number(Fraction(1, 2)), scripts), i + 1

    def _bracket(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        return self.scripted(self.only(head), scripts), i + 1

    def _square(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        if is_indicator(items[i]):
            return self.scripted(self.indicator(list(flat(argument(items[i])))), scripts), i + 1
        return self.scripted(self.only(head), scripts), i + 1

    def _braces(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        arg = arguments(items[i])
        inner = arg[0].children[0] if len(arg) == 1 and len(arg[0].children) == 1 else None
        if inner is not None and len(inner.children) == 2 and len(inner.children[1].children) == 1:
            one = inner.children[1].children[0]
            if isinstance(one, Tree) and len(one.children) == 1:  # {z}^l is z^l
                return self.factor([*items[:i], Tree("scripted", [one.children[0], *scripts], items[i].meta), *items[i + 1 :]], i)
        return self.scripted(self.only(head), scripts), i + 1

    def _norm(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        for script in scripts:
            tokens, mark = script_of(script)
            if mark == "UNDER" and [t.value for t in tokens] not in (["2"], ["F"]):
                raise Unreadable("the norm is Euclid's (2) or Frobenius's (F), no other", tokens[0].start)
        above = [s for s in scripts if script_of(s)[1] != "UNDER"]
        return self.scripted(Norm(self.expression(head.children[1])), above), i + 1

    def _bars(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        inside = self.expression(head.children[1])
        if is_array(inside):
            raise Unreadable("single bars around a vector: write its norm with double bars", span_of(items[i])[0])
        return self.scripted(Apply("abs", inside), scripts), i + 1

    def _root(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        return self.scripted(Apply("sqrt", self.braced(head.children[1])), scripts), i + 1

    def _fraction(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        above, below = head.children[1], head.children[2]
        if found := self.derived(above, below, items, i):
            return self.scripted(found[0], scripts), found[1]
        return self.scripted(quotient(self.braced(above), self.braced(below)), scripts), i + 1

    def _dots(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        return Dots(), i + 1

    def only(self, head: Item) -> Node:
        """The one expression in a bracket."""
        inside = next((c for c in head.children if isinstance(c, Tree)), None)
        args = [] if inside is None else [c for c in inside.children if isinstance(c, Tree)]
        if len(args) != 1 or len(args[0].children) != 1:
            raise Unreadable("one expression was expected in this bracket", span_of(head)[0])
        return self.expression(args[0].children[0])

    def braced(self, tree: Item) -> Node:
        """What a \\frac or a \\sqrt holds."""
        if len(tree.children) == 1:
            return self.side([token(tree.children[0])])
        return self.expression(tree.children[1])

    def indicator(self, tokens: Sequence[Token]) -> Node:
        """[i = j]."""
        equal = next(n for n, t in enumerate(tokens) if t.type in ("INNER", "RANGE"))
        left, right = (index_list(side, one=True) for side in (tokens[:equal], tokens[equal + 1 :]))
        if tokens[equal].value != "=" or len(left) != 1 or len(right) != 1 or 0 in left + right:
            raise Unreadable("two indices were expected, as in [i = j]", tokens[0].start)
        return Kronecker(left[0], right[0])

    def scripted(self, node: Node, scripts: Sequence[Item]) -> Node:
        """A transpose, a power or an index on what is no letter."""
        for script in scripts:
            tokens, mark = script_of(script)
            if mark == "TRANSPOSE" or (
                mark == "CARET" and all(t.type in ("TOP", "LC", "RC") or t.value in ("T", "t") for t in tokens)
            ):
                node = transposed(node)
            elif mark in ("SQUARE", "CUBE"):
                node = Power(node, Number(Fraction(2 if mark == "SQUARE" else 3)))
            elif mark == "CARET" and tokens:
                node = self.power(node, self.side(tokens), span_of(script)[0])
            elif mark == "UNDER":
                node = entry(node, index_list(tokens), span_of(script)[0])
            else:
                raise Unreadable("this script is not understood on a bracket or a number", span_of(script)[0])
        return node

    def power(self, base: Node, exponent: Node, at: int) -> Node:
        """A power, which for an array is one of each entry."""
        if is_array(base) and isinstance(exponent, Negative):
            raise Unreadable("an inverse of a matrix is not read; for the entries, write 1 / ...", at)
        return Power(base, exponent)

    # ------------------------------------------------------------------------------------------------------ functions

    def _word(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        word, at = str(head.children[0]), span_of(items[i])[0]
        following = items[i + 1] if i + 1 < len(items) and isinstance(items[i + 1], Tree) else None
        if following is None:
            raise Unreadable(f"{word} of what?", at)
        bracket = following.children[0] if is_a(following, "bracket") else None
        if word in LISTED and bracket is None:
            raise Unreadable(f"{word} of what? Write {word}(...)", at)
        if bracket is None:
            argument_, after = self.factor(items, i + 1)
            return self.applied(word, argument_, scripts), after
        return self.scripted(self.called_word(word, bracket, following, scripts, at), following.children[1:]), i + 2

    def called_word(self, word: str, bracket: Item, following: Item, scripts: Sequence[Item], at: int) -> Node:
        """A word with its arguments in a bracket."""
        args = arguments(following)
        if word == "sum":
            return self.plain_sum(args, at)
        if word == "np.sum":
            return self.np_sum(args, at)
        if word not in LISTED:
            return self.applied(word, self.only(bracket), scripts)
        parts = [self.expression(a.children[0]) for a in args]
        if word != "max":
            if len(parts) != 2:
                raise Unreadable(f"{word} is read with two factors", at)
            return Product(tuple(parts), "plain" if word == "np.dot" else "hadamard")
        zero = Number(Fraction(0))
        if len(parts) != 2 or zero not in parts:
            raise Unreadable("max is read as max(0, z) only", at)
        return Apply("max0", parts[1] if parts[0] == zero else parts[0])

    def applied(self, word: str, of: Node, scripts: Sequence[Item]) -> Node:
        """A function that is written as a word."""
        node: Node
        if word == "norm":
            node = Norm(of)
        elif word == "transpose":
            node = transposed(of)
        elif word == "relu":
            node = Apply("max0", of)
        elif word == "square":
            node = Power(of, Number(Fraction(2)))
        else:
            node = Apply(word, of)  # type: ignore[arg-type]  # one of WORDS
        primes = [s for s in scripts if script_of(s)[1] == "PRIME"]
        for _ in primes:
            node = derivative(node, of)
        return self.scripted(node, [s for s in scripts if s not in primes])


def quotient(above: Node, below: Node) -> Node:
    """above / below; of two numbers, a number."""
    span = (above.span[0], below.span[1])
    if isinstance(above, Number) and isinstance(below, Number) and below.value:
        return Number(above.value / below.value, span=span)
    return Quotient(above, below, span=span)
