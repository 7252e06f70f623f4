"""What stands on a letter: its scripts, and in plain text the square bracket behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .dialects import Dialect
from .pieces import Item, arguments, flat, is_a, is_indicator, script_of, span_of
from .rowwide import Row
from .scripts import COSTS, OUTPUTS, Scripts, above, below, index_list, layer_of
from .tokens import Token, Unreadable
from .tree import Index, Layer

IN_OUT = {"in": -1, "out": 0}


class Marks:
    """One row in one dialect, and what its letters bear."""

    def __init__(self, dialect: Dialect, row: Row, parse: Callable[[Sequence[Token]], Item]) -> None:
        self.dialect, self.row, self.parse = dialect, row, parse
        self.roles = dialect.roles()

    def all_scripts(self, role: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Scripts, int]:
        """What stands on a letter, or in the square bracket behind it (plain text); where the next factor begins."""
        found, after = self.scripts(role, scripts), i + 1
        bracket = items[after] if after < len(items) else None
        if bracket is not None and self.row.plain and is_a(bracket, "square") and not is_indicator(bracket):
            self.plain_indices(bracket, role, found, span_of(items[i])[0])
            self.scripts(role, bracket.children[1:], found, behind=True)
            after += 1
        return found, after

    def scripts(self, role: str, scripts: Sequence[Item], found: Scripts | None = None, *, behind: bool = False) -> Scripts:
        """What stands above and below a letter; behind its indices a number above is a power."""
        found = found or Scripts()
        for script in scripts:
            tokens, mark = script_of(script)
            if mark == "PRIME":
                found.primes += 1
            elif mark == "TRANSPOSE":
                found.transposed = True
            elif mark in ("SQUARE", "CUBE"):
                found.power = [Token("NUMBER", "2" if mark == "SQUARE" else "3", *span_of(script))]
            elif mark == "UNDER" and role in COSTS:
                found.example = self.one_index(tokens)
            elif mark == "UNDER" and role in ("sigma", "size"):
                found.layer = self.sized(tokens)
            elif mark == "UNDER" and self.row.one and (said := "".join(t.value for t in tokens)) in IN_OUT:
                found.layer, found.indices = Layer("l", IN_OUT[said]), ("k" if said == "in" else "j",)
            elif mark == "UNDER":
                below(tokens, role, found, self.dialect)
            elif behind and not any(t.type == "TOP" or t.value in ("T", "t") for t in tokens):
                found.power = [*found.power, *tokens]
            else:
                above(tokens, role, found, self.dialect)
        return found

    def one_index(self, tokens: Sequence[Token]) -> Index | None:
        """The example of C_x; none for C_0, where the row speaks of that one example only."""
        names = index_list(tokens)
        if names == (0,) and self.row.first:
            return None
        if len(names) != 1 or names == (0,):
            raise Unreadable("the index of a cost is an example, as in C_x", tokens[0].start)
        return names[0]

    def plain_indices(self, item: Item, role: str, found: Scripts, at: int) -> None:
        """w[l,j,k], delta[x,l,j], y[j], C[x], n[l]."""
        args = [list(flat(a)) for a in arguments(item)]
        if not args:
            raise Unreadable("nothing stands between these brackets", span_of(item)[0])
        if role in COSTS:
            found.example = self.one_index(args[0])
            args = args[1:]
        elif role in OUTPUTS or role in ("x", "vector"):
            if len(args) > 1:
                found.example, args = index_list(args[0])[0], args[1:]
        elif found.layer is None:
            if layer_of(args[0], self.dialect) is None and len(args) > 1:
                found.example, args = index_list(args[0], one=True)[0], args[1:]
            found.layer, args = layer_of(args[0], self.dialect), args[1:]
            if found.layer is None:
                raise Unreadable("a layer was expected first, as in w[l,j,k]", at)
        found.indices = (*found.indices, *(name for a in args for name in index_list(a, one=True)))

    def sized(self, tokens: Sequence[Token]) -> Layer:
        """The layer that l, or n_l, says below a sign. Raises Unreadable."""
        inside = [t for t in tokens if t.type not in ("LC", "RC")]
        if len(inside) > 2 and inside[0].value in self.dialect.count and inside[1].type in ("UNDER", "CARET"):
            inside = inside[2:]
        layer = layer_of([t for t in inside if t.type not in ("LB", "RB", "LP", "RP")], self.dialect)
        if layer is None:
            raise Unreadable("a layer was expected here", tokens[0].start)
        return layer
