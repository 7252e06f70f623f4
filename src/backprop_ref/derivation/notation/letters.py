"""What a letter means in a dialect: a quantity of a layer, a function, a number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from .marks import Marks
from .pieces import (
    Change,
    Incoming,
    Item,
    Rest,
    Vector,
    argument,
    arguments,
    bare_letter,
    flat,
    has_scripts,
    is_a,
    is_indicator,
    lone_items,
    script_of,
    span_of,
    transposed,
)
from .scripts import COSTS, LETTERS_OF_LAYERS, Scripts
from .signs import PARAMETERS
from .tokens import Token, Unreadable
from .tree import (
    ALL,
    EXAMPLES,
    Add,
    Apply,
    Identity,
    Index,
    Kronecker,
    Layer,
    Negative,
    Node,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Quantity,
    Size,
    Transpose,
    Variable,
    descendants,
)

TOP = Layer("L")


class Letters(Marks):
    """A letter with what stands on it, and what it is of, in one row of one dialect."""

    moved_at: int | None = None  # where C(w + epsilon) stands, if it does
    rest = False  # whether O(epsilon) stands in the side that was read last

    def side(self, tokens: Sequence[Token]) -> Node:
        """One side of a formula."""
        return self.expression(self.parse(tokens))

    def expression(self, tree: Item) -> Node:
        """What stands between brackets; Meaning says what."""
        raise NotImplementedError

    def term(self, items: Sequence[Item]) -> Node:
        """Factors in a row."""
        raise NotImplementedError

    def factor(self, items: Sequence[Item], i: int) -> tuple[Node, int]:
        """The factor that begins at items[i], and where the next one begins."""
        raise NotImplementedError

    def only(self, head: Item) -> Node:
        """The one expression in a bracket."""
        raise NotImplementedError

    def indicator(self, tokens: Sequence[Token]) -> Node:
        """[i = j]."""
        raise NotImplementedError

    def differential(self, items: Sequence[Item], i: int) -> tuple[Node, int]:
        """dA/dB in a line, or dA alone."""
        raise NotImplementedError

    def scripted(self, node: Node, scripts: Sequence[Item]) -> Node:
        """A transpose or a power on what is no letter."""
        raise NotImplementedError

    def _letter(self, head: Item, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        letter, at = str(head.children[0]), span_of(items[i])[0]
        if letter == "Sigma":
            return self.sigma_matrix(items, i + 1, self.scripts("sigma", scripts).primes, at)
        role = self.role(letter, items, i)
        special = getattr(self, f"letter_{role}", None)
        if special is not None:
            found: tuple[Node, int] = special(letter, scripts, items, i)
            return found
        said, after = self.all_scripts(role, scripts, items, i)
        if role == "sigma":
            return self.sigma(said, items, after, at)
        if role in COSTS and after < len(items) and (moved := self.moved_cost(items[after])):
            return moved, after + 1
        after = self.called(role, said, items, after)
        return self.finished(self.quantity(letter, role, said, at), said, at), after

    def role(self, letter: str, items: Sequence[Item], i: int) -> str:
        """What a letter stands for here. Raises Unreadable for one that the notation does not know."""
        following = items[i + 1] if i + 1 < len(items) else None
        if letter == "delta" and self.upright(items, i):
            return "d"
        if letter in self.row.vectors:
            return "vector"
        if letter in self.row.indices and letter not in self.roles:
            raise Unreadable(f"{letter} is an index here, and stands alone", span_of(items[i])[0])
        if letter in self.row.free:
            return "free"
        if letter in self.roles:
            return self.roles[letter]
        for other in (letter.removeprefix("cal "), f"cal {letter}"):  # L for a declared \\mathcal{L}, and the other way
            if self.roles.get(other) in COSTS:
                return self.roles[other]
        if letter == "d" and following is not None:
            return "d"
        if letter == "Delta":
            return "change" if bare_letter(following) and not has_scripts(items[i]) else "delta"
        if letter == "e" and any(script_of(s)[1] == "CARET" for s in items[i].children[1:]):
            return "exp"
        if letter == "O" and is_a(following, "bracket"):
            return "rest"
        if letter in ("one", "ones"):
            return "one"
        if letter in self.dialect.count:
            return "size"
        if letter in ("I", "bb I"):
            return "identity"
        if letter in PARAMETERS:
            return "parameter"
        key = "cost" if letter[-1].isupper() else "activation"
        said = f"{letter} is not known in this notation; declare what it stands for, as in notation: {{{key}: {letter}}}"
        raise Unreadable(said, span_of(items[i])[0])

    def upright(self, items: Sequence[Item], i: int) -> bool:
        """delta C/delta w: a delta in place of a d."""
        ahead = [bare_letter(item) or getattr(item, "type", "") for item in items[i + 1 : i + 4]]
        slashed = ahead[:1] != [""] and ahead[1:] == ["SLASH", "delta"]
        return slashed and not has_scripts(items[i]) and not has_scripts(items[i + 3])

    # ------------------------------------------------------------------------------------------------ letters apart

    def letter_d(self, letter: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        """d before a letter."""
        return self.differential(items, i)

    def letter_change(self, letter: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        """Delta z^l_j."""
        moved, after = self.factor(items, i + 1)
        return Change(moved), after

    def letter_exp(self, letter: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        """e^{...}."""
        return Apply("exp", self.side(script_of(scripts[0])[0])), i + 1

    def letter_rest(self, letter: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        """O(epsilon)."""
        inside = [t for a in arguments(items[i + 1]) for t in flat(a)]
        if [t.value for t in inside] != ["epsilon"]:
            raise Unreadable("only what holds to first order is judged: O(\\epsilon)", span_of(items[i])[0])
        self.rest = True
        return Rest(), i + 2

    def letter_vector(self, letter: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        """s and t of (s ⊙ t)_j = s_j t_j: vectors of which nothing is known."""
        said = self.scripts("vector", scripts)
        if len(said.indices) > 1:
            raise Unreadable(f"{letter} has one index; {len(said.indices)} given", span_of(items[i])[0])
        node: Node = Variable(f"{letter}_{said.indices[0]}") if said.indices else Vector(letter)
        return self.finished(node, said, span_of(items[i])[0]), i + 1

    def letter_one(self, letter: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        """The vector of ones, or an indicator: 1[i = j], 1_{i = j}."""
        following = items[i + 1] if i + 1 < len(items) else None
        if is_indicator(following):
            return self.indicator(list(flat(argument(following)))), i + 2
        for script in scripts:
            tokens, mark = script_of(script)
            if mark == "UNDER" and any(t.type == "INNER" for t in tokens):
                return self.indicator(tokens), i + 1
        layer, after = EXAMPLES, i + 1
        below_ = [script_of(s)[0] for s in scripts if script_of(s)[1] == "UNDER"]
        if following is not None and self.row.plain and is_a(following, "square"):
            below_, after = [[t for a in arguments(following) for t in flat(a)]], i + 2
        for tokens in below_:
            if not (len(tokens) == 1 and tokens[0].value in self.dialect.count):
                layer = self.sized(tokens)
        return self.scripted(Ones(layer), [s for s in scripts if script_of(s)[1] != "UNDER"]), after

    def letter_identity(self, letter: str, scripts: Sequence[Item], items: Sequence[Item], i: int) -> tuple[Node, int]:
        """The identity matrix, of a size that may be said below it; or an indicator."""
        following = items[i + 1] if i + 1 < len(items) else None
        if is_indicator(following) or letter == "bb I":
            return self.letter_one(letter, scripts, items, i)
        return self.scripted(Identity(), [s for s in scripts if script_of(s)[1] != "UNDER"]), i + 1

    # ----------------------------------------------------------------------------------------- what a bracket behind is

    def called(self, role: str, found: Scripts, items: Sequence[Item], i: int) -> int:
        """y(x), a^L(x), E(w), a(z): an example, or what a function is of; where the next factor begins."""
        if i >= len(items) or not is_a(items[i], "bracket") or role not in ("y", "a", "z", "delta", "output", *COSTS):
            return i
        inside = [lone_items(a) for a in arguments(items[i])]
        letters = [bare_letter(a[0]) for a in inside if len(a) == 1 or (len(a) == 2 and self.row.plain and is_a(a[1], "square"))]
        if not inside or len(letters) != len(inside) or not all(letters):
            return i
        of_x = self.example_of(inside[0][0]) if len(letters) == 1 and found.example is None else None
        if of_x is not None:
            found.example = None if role in COSTS else of_x
            self.scripts(role, items[i].children[1:], found, behind=True)
            return i + 1
        of = {self.roles.get(letter, "") for letter in letters}
        feeds = {"a": {"z"}, "z": {"w", "b"}, "output": {"x", "z"}}
        return i + 1 if role in COSTS or (of <= feeds.get(role, set()) and not has_scripts(items[i])) else i

    def example_of(self, item: Item) -> Index | None:
        """x of y(x), i of y(x_i)."""
        letter = bare_letter(item)
        if letter == self.dialect.example and not has_scripts(item):
            return letter
        if self.roles.get(letter) != "x" or not has_scripts(item):
            return None
        said = self.scripts("x", item.children[1:])
        return said.example or (said.indices[0] if len(said.indices) == 1 else None)

    def moved_cost(self, item: Item) -> Node | None:
        """C(w + epsilon e_j): to first order C + epsilon dC/dw."""
        inside = arguments(item) if is_a(item, "bracket") else []
        children = [c for c in inside[0].children[0].children if c is not None] if len(inside) == 1 else []
        if not any(t.value == "epsilon" for a in inside for t in flat(a)):
            return None
        start = span_of(item)[0]
        if len(children) != 3 or children[1].data != "sign":
            raise Unreadable("of the cost of moved parameters C(w + \\epsilon) is read, C(w - \\epsilon), and no other", start)
        by = self.term(children[0].children)
        step = self.term([c for c in children[2].children if bare_letter(c) != "e"])
        if not isinstance(by, Quantity) or by.letter not in "wbza":
            raise Unreadable("what is moved is one weight, bias, z or a", start)
        self.moved_at = start if self.moved_at is None else self.moved_at
        moved: Node = Product((step, Partial(Quantity("C"), by)))
        return Add((Quantity("C"), Negative(moved) if children[1].children[0].type == "MINUS" else moved))

    def sigma(self, found: Scripts, items: Sequence[Item], i: int, at: int) -> tuple[Node, int]:
        """sigma, or a derivative of it, of the bracket that follows; of z, where the row says of nothing."""
        bracket = items[i] if i < len(items) else None
        if not (is_a(bracket, "bracket") or is_a(bracket, "square")) or (self.row.bare_sigma and self.holds_sigma(bracket)):
            if not self.row.bare_sigma:
                raise Unreadable("sigma of what? Write \\sigma(z^l_j)", at)
            return self.powered(Apply("sigma", Variable("z"), found.primes), found), i
        assert bracket is not None
        of, order, layer = self.only(bracket.children[0]), found.primes, found.layer
        if found.doubtful and not any(isinstance(n, Quantity) and n.layer == layer for n in descendants(of)):
            if found.doubtful == "power" or layer is None:
                raise Unreadable("a layer or a power? Write (\\sigma(z))^2 for the power", at)
            order, layer = order + layer.offset - 1 + self.dialect.first_layer, None
        return self.scripted(self.powered(Apply("sigma", of, order, layer), found), bracket.children[1:]), i + 1

    def holds_sigma(self, bracket: Item) -> bool:
        """Whether a sigma of nothing stands in a bracket: sigma (1 - sigma)."""
        letters = [t.value for t in flat(bracket)]
        return any(self.roles.get(v) == "sigma" for v in letters) and not any(
            self.roles.get(v) in ("z", "a", "x") for v in letters
        )

    def powered(self, node: Node, found: Scripts) -> Node:
        """With the power that stands on the name of a function."""
        return Power(node, self.side(found.power)) if found.power else node

    def sigma_matrix(self, items: Sequence[Item], i: int, order: int, at: int) -> tuple[Node, int]:
        """Sigma'(z): the diagonal matrix of the slopes."""
        if i >= len(items) or not is_a(items[i], "bracket"):
            raise Unreadable("Sigma' of what? Write \\Sigma'(z^l)", at)
        node = Apply("diag", Apply("sigma", self.only(items[i].children[0]), order))
        return self.scripted(node, items[i].children[1:]), i + 1

    # ---------------------------------------------------------------------------------------------------- quantities

    def quantity(self, letter: str, role: str, found: Scripts, at: int) -> Node:
        """The node of a letter with what stands on it."""
        if role in ("parameter", "free"):
            if found.layer or found.indices or found.example is not None:
                raise Unreadable(f"{letter} is one plain number, and has no index", at)
            return Variable("z" if role == "free" and self.roles.get(letter) == "z" else letter)
        if role == "size":
            return Size(found.layer or EXAMPLES)
        if role in COSTS:
            return Quantity("J" if role == "J" and found.example is None else "C", example=found.example)
        return self.array(letter, role, found, at)

    def array(self, letter: str, role: str, found: Scripts, at: int) -> Node:
        """w, b, z, a, delta or y: one entry, the whole array, or that of all examples."""
        name = {"x": "a", "output": "a"}.get(role, role)
        layer = {"x": Layer("", 1), "output": TOP, "y": TOP}.get(role, found.layer)
        indices, example = self.axes(letter, name, found)
        if name == "delta" and layer is None and len(indices) == 2:
            return Kronecker(*indices)
        if name == "w" and self.dialect.units and indices[1:] == (0,):
            name, indices = "b", indices[:1]
        if name in ("z", "a") and self.dialect.units and indices == (0,):
            return Number(Fraction(1))  # the unit that is 1, whose weight is the bias
        if name == "w" and len(indices) == 1 and isinstance(indices[0], int) and 10 < indices[0] < 100:  # w^3_{24}
            indices = (indices[0] // 10, indices[0] % 10)
        layer, indices = self.placed(letter, name, layer, indices, at)
        if layer is None:
            return Variable(name)
        if name == "w" and self.row.neuron and len(indices) == 1:
            return Incoming(self.row.neuron, span=(at, at))
        self.checked(letter, name, indices, at)
        if name == "w":
            layer = layer + self.dialect.weights_leave
            indices = indices[::-1] if self.dialect.weights == "from-to" else indices
        elif name == "b":
            layer = layer + self.dialect.weights_leave
        return self.as_rows(Quantity(name, layer, indices, example))  # type: ignore[arg-type]  # one of the letters

    def axes(self, letter: str, name: str, found: Scripts) -> tuple[tuple[Index, ...], Index | None]:
        """The indices of neurons, and that of examples."""
        indices, example = found.indices, found.example
        rows = self.dialect.examples == "rows"
        capital = (_capital(letter) and name not in ("w", "b")) or (rows and name == "delta")
        if capital and len(indices) == 2 and not (name == "delta" and found.layer is None):
            return (indices[1:], indices[0]) if rows else (indices[:1], indices[1])
        if capital and not indices and example is None:
            return (), ALL
        named = self.dialect.example in indices and name not in ("w", "b") and len(indices) == 2 and example is None
        if named and not (name == "delta" and found.layer is None):
            return tuple(i for i in indices if i != self.dialect.example), self.dialect.example
        return indices, example

    def checked(self, letter: str, name: str, indices: Sequence[Index], at: int) -> None:
        """One index for each axis, by names that are no letters of the notation and numbers from 1."""
        if name == "w" and len(indices) not in (0, 2):
            raise Unreadable(f"{letter} has two indices, as in w^l_{{jk}}; {len(indices)} given", at)
        if name != "w" and len(indices) > 1:
            raise Unreadable(f"{letter} has one index; {len(indices)} given", at)
        for index in indices:
            if index == 0:
                raise Unreadable("0 is no index: neurons are numbered from 1", at)
            if index in LETTERS_OF_LAYERS or self.roles.get(str(index), "x") in ("y", "z", "a", "b", "w", "delta"):
                raise Unreadable(f"{index} is no index here: it stands for something else in this notation", at)

    def as_rows(self, node: Node) -> Node:
        """Arrays in a dialect whose examples are rows, or whose weights are from-to, are the chapter's transposed."""
        if not isinstance(node, Quantity) or node.indices:
            return node
        rows = self.dialect.examples == "rows" and node.letter in ("b", "z", "a", "delta", "y")
        return Transpose(node) if rows or (node.letter == "w" and self.dialect.weights == "from-to") else node

    def placed(
        self, letter: str, name: str, layer: Layer | None, indices: tuple[Index, ...], at: int
    ) -> tuple[Layer | None, tuple[Index, ...]]:
        """Whose layer a letter without one is of: a unit's, by its name; a^L beside y; a plain variable; else it is refused."""
        if layer is not None:
            return layer, indices
        if self.row.one and name in ("w", "b", "delta") and len(indices) < 2:
            j = indices[0] if indices else "j"
            return Layer("l"), (j, "k" if j != "k" else "i") if name == "w" else (j,)
        if self.row.neuron and name != "delta":
            return Layer("", 2), (self.row.neuron, *indices) if name == "w" else (self.row.neuron,)
        distance = dict(self.dialect.units)
        if indices and indices[0] in distance:
            return self.unit(distance[str(indices[0])], at), indices
        if name == "a" and self.row.output:
            return TOP, indices
        if name in ("z", "a") and not indices:
            return None, indices
        how = {"w": "w^l_{jk}", "b": "b^l_j", "delta": "\\delta^l_j"}.get(name, f"{name}^l_j")
        raise Unreadable(f"no layer on {letter}; write {how}, or declare what each unit's index says of its layer", at)

    def unit(self, distance: int, at: int) -> Layer:
        """The layer of a unit without one: i, j, k are the last three beside an output, the first beside x, else any."""
        if self.row.output and self.row.input and distance == 1:
            raise Unreadable("is this layer the third or the last? Inputs and outputs stand in one row; write the layers", at)
        base = Layer("", 2) if self.row.input else TOP + -1 if self.row.output else Layer("l")
        return base + distance

    def finished(self, node: Node, found: Scripts, at: int) -> Node:
        """With its transpose and its power."""
        if found.primes:
            raise Unreadable("a prime on what is no function", at)
        if found.transposed and not isinstance(node, Incoming):
            node = transposed(node)
        return self.powered(node, found)


def _capital(letter: str) -> bool:
    """Whether an array of this letter holds all examples."""
    return letter == "Delta" or letter[-1].isupper()
