"""The chapter's line as a candidate would write it: its names, its examples in rows or columns, its weights as it stores them.

A line of the catalogue is in the book's letters, with examples in columns. The gate knows how a candidate is called, and what
its weights and gradients are called; what z, a and delta are called inside it goes by that.
"""

import ast
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .forms.calls import Call, returned_names
from .forms.harvest import Path
from .forms.layers import LayerCall
from .forms.storage import FOLDED
from .forms.stores import Arguments, Attributes, look

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
MEMBERS = {"z": ("zs", 2), "a": ("activations", 1), "delta": ("deltas", 2)}  # the name of a list, and the layer it begins with
# a bias (n_l,), (n_l, 1) or (1, n_l) as what is added to z, for z with examples in columns or rows, or one vector
ADDED = {
    "columns": {"flat": "[:, None]", "column": "", "row": ".T"},
    "rows": {"flat": "", "column": ".T", "row": ""},
    "vector": {"flat": "", "column": "[:, 0]", "row": "[0]"},
}
# the sum of delta over the examples as the gradient of such a bias; of one example there is no sum
SUMMED = {
    "columns": {"flat": ".sum(axis=1)", "column": ".sum(axis=1, keepdims=True)", "row": ".sum(axis=1)[None]"},
    "rows": {"flat": ".sum(axis=0)", "column": ".sum(axis=0)[:, None]", "row": ".sum(axis=0, keepdims=True)"},
    "vector": {"flat": "", "column": "[:, None]", "row": "[None]"},
    "column": {"flat": "[:, 0]", "column": "", "row": ".T"},
    "row": {"flat": "[0]", "column": ".T", "row": ""},
}


@dataclass(frozen=True)
class Form:
    """How a candidate writes things down, as far as the gate knows.

    w, b, nabla_w, nabla_b   their names for layers 2..L; empty where they are not known
    x, y                     the names of the inputs and of the desired outputs
    inner                    how z, a and delta go by w: "book" z[2], "lists" zs[0], "from the end" zs[-3], "numbered" Z1 as W1
    examples                 "rows", "columns", or one at a time: "row", "column", "vector"
    transposed, bias         as in Storage; "flat" where a bias stands inside its matrix, whose name has the slice
    averages                 the mean over the examples is its own, not the gate's
    """

    w: tuple[str, ...] = ()
    b: tuple[str, ...] = ()
    nabla_w: tuple[str, ...] = ()
    nabla_b: tuple[str, ...] = ()
    x: str = "x"
    y: str = "y"
    inner: str = "book"
    examples: str = "columns"
    transposed: bool = False
    bias: str = "column"
    averages: bool = True

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Form":
        """The form that form_of told of, in lists."""
        made: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in facts.items()}
        return cls(**made)

    @property
    def direction(self) -> str:
        """Where examples stand: "rows", "columns", or nowhere in a "vector"."""
        return {"row": "rows", "column": "columns"}.get(self.examples, self.examples)

    def name(self, letter: str, l: int, L: int) -> str:
        """What the book's letter of a layer is called."""
        known: tuple[str, ...] = getattr(self, letter, ())
        if known:
            return known[l - 2]
        if self.inner in ("book", "numbered"):
            number = f"[{l}]" if self.inner == "book" else re.findall(r"[A-Za-z_](\d+)", self.w[l - 2])[-1]
            capital = self.inner == "numbered" and len(letter) == 1 and re.search(r"[A-Z]\d", self.w[0])
            return self.x if (letter, l) == ("a", 1) else f"{letter.upper() if capital else letter}{number}"
        listed, first = MEMBERS.get(letter, (letter, 2))
        if self.inner == "lists":
            return f"{listed}[{l - first}]"
        return "delta" if letter == "delta" else f"{listed}[{l - L - 1}]"


BOOK = Form()
"""The book's own letters: of a candidate whose inside nothing is known about."""


def lists(L: int) -> Form:
    """The list form, which check_network calls: gradient(weights, biases, X, Y) with examples in rows."""
    w, b = (tuple(f"{name}[{i}]" for i in range(L - 1)) for name in ("weights", "biases"))
    return Form(w, b, x="X", y="Y", inner="lists", examples="rows", bias="flat")


# ----------------------------------------------------------------------------------------------------------- a line


def rewritten(lines: Sequence[str], layers: Sequence[int], L: int, form: Form) -> list[str]:
    """Lines such as "delta[l] = ..." for some layers of a network, each as this form has it in the layer nearest the output."""
    if form == BOOK or (form.w and len(form.w) != L - 1):  # its names are those of a network with other layers
        return list(lines)
    made = []
    for line in lines:
        left = line.partition(" = ")[0]
        at = [L] if left == "delta[L]" else sorted(l for l in layers if l < L or left != "delta[l]")
        if not at:
            continue
        *others, l = at
        also = f", and so in layer{'s' * (len(others) > 1)} {', '.join(map(str, others))}" if others else ""
        plain = form.inner == "book" and not others
        made.append(_Line(form, l, L).rewritten(line) + ("" if plain else f"  # layer {l}{also}"))
    return made


@dataclass(frozen=True)
class _Line:
    """One line, for layer l of 2..L. Each part of it is written, or written transposed, whichever its form stores."""

    form: Form
    l: int
    L: int

    def rewritten(self, line: str) -> str:
        left, right = (ast.parse(side, mode="eval").body for side in line.split(" = ", 1))
        letter, l = self._indexed(left)
        rows = self.form.transposed if letter == "nabla_w" else self.form.direction == "rows"
        return f"{self.form.name(letter, l, self.L)} = {self.text(right, rows)}"

    def text(self, node: ast.expr, t: bool) -> str:
        """A part of the line; t: its transpose."""
        match node:
            case ast.Constant(value=c):
                return str(c)
            case ast.Name(id="y"):
                return self._example(self.form.y, t)
            case ast.Name(id=name):
                return name
            case ast.Attribute(value, "T"):
                return self.text(value, not t)
            case ast.BinOp(left, ast.MatMult(), right):
                return self._product(left, right, t)
            case ast.BinOp(left, ast.Div(), ast.Name(id="m")) if not self.form.averages:
                return self.text(left, t)
            case ast.BinOp(left, op, right):
                return f"{self._inside(left, op, t)} {OPERATORS[type(op)]} {self._inside(right, op, t)}"
            case ast.Subscript():
                return self._letter(*self._indexed(node), t)
            case ast.Call(ast.Name(id="sum_examples"), [summed]):
                own = self.form.examples if self.form.examples in ("row", "column") else self.form.direction
                return self.text(summed, self.form.direction == "rows") + SUMMED[own][self.form.bias]
            case ast.Call(ast.Name(id="through"), [ast.Call(_, [z]), v]):
                return self._through_softmax(z, v, t)
            case ast.Call(ast.Name(id=name) | ast.Subscript(ast.Name(id=name)), args):
                return f"{name}({', '.join(self.text(arg, t) for arg in args)})"
        raise SyntaxError(f"{ast.unparse(node)!r} is in no line of the chapter.")

    def _indexed(self, node: ast.expr) -> tuple[str, int]:
        """("w", 3) from w[l + 1]."""
        match node:
            case ast.Subscript(ast.Name(id=letter), ast.Name(id=at)):
                return letter, self.L if at == "L" else self.l
            case ast.Subscript(ast.Name(id=letter), ast.BinOp(_, op, ast.Constant(value=int() as k))):
                return letter, (operator.add if isinstance(op, ast.Add) else operator.sub)(self.l, k)
        raise SyntaxError(f"{ast.unparse(node)!r} is no letter of a layer.")

    def _letter(self, letter: str, l: int, t: bool) -> str:
        name = self.form.name(letter, l, self.L)
        if letter == "w":
            return name if t == self.form.transposed else f"{name}.T"
        if letter == "b":
            return name + ADDED[self.form.direction][self.form.bias]
        return self._example(name, t)

    def _example(self, name: str, t: bool) -> str:
        stored = self.form.direction == "vector" or t == (self.form.direction == "rows")
        return name if stored else f"{name}.T"

    def _product(self, left: ast.expr, right: ast.expr, t: bool) -> str:
        if self.form.direction == "vector" and isinstance(right, ast.Attribute):  # delta a^T
            p, q = self.text(left, False), self.text(right.value, False)
            return f"np.outer({f'{q}, {p}' if t else f'{p}, {q}'})"
        p, q = (self._inside(side, ast.MatMult(), t) for side in (left, right))
        return f"{q} @ {p}" if t else f"{p} @ {q}"

    def _inside(self, node: ast.expr, op: ast.operator, t: bool) -> str:
        binds = isinstance(op, ast.Add | ast.Sub) and isinstance(getattr(node, "op", None), ast.MatMult | ast.Mult | ast.Div)
        return self.text(node, t) if binds or not isinstance(node, ast.BinOp) else f"({self.text(node, t)})"

    def _through_softmax(self, z: ast.expr, v: ast.expr, t: bool) -> str:
        a, v_text = self._letter("a", self._indexed(z)[1], t), self.text(v, t)
        total = {"rows": "(axis=1, keepdims=True)", "columns": "(axis=0)", "vector": "()"}[self.form.direction]
        return f"{a} * ({v_text} - ({a} * {v_text}).sum{total})"


# ---------------------------------------------------------------------------------- what the gate knows, in the child process


def form_of(way: Any) -> dict[str, Any]:
    """What a Form is made of, from one way of calling a candidate; nothing where its inside is not known."""
    if not isinstance(way, Call | LayerCall) or (isinstance(way.store, Arguments) and way.store.kind == "flat"):
        return {}
    storage, n = way.store.storage, len(way.store.weights)
    names = _of_arguments(way) if isinstance(way.store, Arguments) else _of_attributes(way, way.store)
    w, b, inner = names[:n], names[n:], _inner(way, names[:n])
    grads = _gradients(way)
    nabla_w, nabla_b = grads[:n], grads[n:]
    if storage.folded:
        (w, b), (nabla_w, nabla_b) = (_cut(v, storage.bias, storage.transposed) for v in (w, nabla_w))
    if inner == "from the end":
        w, b, nabla_w, nabla_b = (
            [f"{name.rpartition('[')[0]}[{i - n}]" for i, name in enumerate(v)] for v in (w, b, nabla_w, nabla_b)
        )
    return {"w": w, "b": b, "nabla_w": nabla_w, "nabla_b": nabla_b, "inner": inner} | {
        "x": _argument(way, "X"),
        "y": _argument(way, "Y"),
        "examples": way.layout,
        "transposed": storage.transposed,
        "bias": storage.bias if storage.bias in ("column", "row") else "flat",
        "averages": isinstance(way, Call) and (way.layout in ("rows", "columns") or "batch" in way.roles),
    }


def _of_arguments(way: Call) -> list[str]:
    store = way.store
    assert isinstance(store, Arguments)
    n, slots = len(store.weights), store.slots()
    if store.kind == "arrays":
        return slots
    own = _argument(way, "params") if "params" in way.roles else _argument(way, "weights")
    if store.kind == "dict":
        return [f'{own}["{slot}"]' for slot in slots]
    if store.kind == "pairs":
        return [f"{own}[{i}][{k}]" for k in (0, 1) for i in range(n)]
    if store.kind == "interleaved":
        return [f"{own}[{2 * i + k}]" for k in (0, 1) for i in range(n)]
    return [f"{name}[{i}]" for name in (own, _argument(way, "biases")) for i in range(n)][: len(slots)]


def _of_attributes(way: Call | LayerCall, store: Attributes) -> list[str]:
    root = "layers" if isinstance(way, LayerCall) else "self"
    return [_spelt(store.owner, path, root) for path in (*store.weights, *store.biases)]


def _spelt(owner: Any, path: Path, root: str) -> str:
    """self.params["W1"] from the path of an array on an object."""
    for i, step in enumerate(path):
        holder = look(owner, path[:i])
        root += (
            f".{step}" if not isinstance(holder, list | tuple | dict) else f'["{step}"]' if isinstance(step, str) else f"[{step}]"
        )
    return root


def _inner(way: Call | LayerCall, w: Sequence[str]) -> str:
    if isinstance(way, Call) and all(re.search(r"[A-Za-z_]\d+\W*$", name) for name in w):
        return "numbered"
    if isinstance(way, Call) and way.form == "book" and all(re.search(r"\w\[\d+\]$", name) for name in w):
        return "from the end"
    listed = isinstance(way, Call) and all(re.search(r"\w\[\d+\](\[0\])?$", name) for name in w)
    return "lists" if listed else "book"


def _gradients(way: Call | LayerCall) -> list[str]:
    """The names under which the gradients come out, weights first; none if the function gives them no name."""
    if not way.paths:
        return []
    if isinstance(way, LayerCall):
        return [] if way.returned else [_spelt(way.layers, path, "layers") for path in way.paths]
    if way.from_left:
        return [_spelt(way.owner, path, "self") for path in way.paths]
    returned = returned_names(way.f)
    named = [_returned(path, returned) for path in way.paths]
    return named if all(named) else []


def _returned(path: Path, returned: Sequence[str]) -> str:
    if len(returned) > 1:
        return _steps(returned[path[0]], path[1:]) if isinstance(path[0], int) and path[0] < len(returned) else ""
    return _steps(returned[0], path) if returned else ""


def _steps(root: str, path: Path) -> str:
    return root + "".join(f'["{step}"]' if isinstance(step, str) else f"[{step}]" for step in path)


def _cut(names: Sequence[str], side: str, transposed: bool) -> tuple[list[str], list[str]]:
    """(weights, biases) as slices of the matrices that hold both."""
    assert side in FOLDED
    w, b = ("1:", "0") if side == "first" else (":-1", "-1")
    before = "" if transposed else ":, "
    return [f"{name}[{before}{w}]" for name in names], [f"{name}[{before}{b}]" for name in names]


def _argument(way: Call | LayerCall, role: str) -> str:
    """What the argument of a role is called."""
    usual = {"X": "X", "Y": "Y"} if way.layout in ("rows", "columns") else {"X": "x", "Y": "y"}
    given = [*way.signature.arguments, *(way.forward[1].arguments if way.forward else ())] if isinstance(way, Call) else []
    return next((name for name, known in given if known == role), usual.get(role, role))
