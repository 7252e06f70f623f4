"""A counterexample in words: the network, where the sides differ, and how each side's value came about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from itertools import islice
from typing import Any

from ..notation import tree
from ..notation.tree import ALL, EXAMPLES, Node
from ..verdicts import Counterexample
from .epsilon import mp
from .network import Drawn, Run
from .shapes import Binder, number
from .values import Piece, count

TERMS = 10  # that are shown of a side
DIGITS = 12
LONGEST = 20  # digits of a number that is written as it is
SMALL = 1e-300
WIDE = Context(prec=2 * DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)  # a formula may hold numbers that are no floats


@dataclass(frozen=True)
class Difference:
    """Where the sides differ: the run, the free indices, both values, and which entry if the sides are arrays."""

    run: Run
    layers: dict[str, int]
    place: dict[Binder, int]
    left: Any
    right: Any
    entry: tuple[int, ...]


def counterexample(found: Difference, left: Piece, right: Piece, ratio: str | None) -> Counterexample:
    """The difference in words."""
    run = found.run
    run.layers = dict(found.layers)
    run.index.update(found.place)
    terms = [
        f"{name}: " + ("; ".join(said) if (said := list(islice(_terms(side, run), TERMS))) else text(side.node, run))
        for name, side in (("left", left), ("right", right))
    ]
    return Counterexample(tuple(_network(run)), _at(found), value(found.left), value(found.right), tuple(terms), ratio)


def value(v: Any) -> str:
    """A number, or rows of them."""
    if isinstance(v, list):
        rows = ["(" + ", ".join(map(value, row)) + ")" if len(row) > 1 else value(row[0]) for row in v]
        return rows[0] if len(rows) == 1 else "(" + ", ".join(rows) + ")"
    if isinstance(v, int | Fraction):
        short = max(abs(v.numerator), v.denominator) < 10**LONGEST
        return str(v) if short else f"{WIDE.divide(Decimal(v.numerator), Decimal(v.denominator)):.{DIGITS}g}"
    return f"{float(v):.{DIGITS}g}" if v == 0 or SMALL < abs(v) < 1 / SMALL else mp().nstr(v, DIGITS)


def _at(found: Difference) -> str:
    said = [f"{name} = {p}" for name, p in sorted(found.layers.items()) if name != "L"]
    said += [f"{binder.name} = {i + 1}" for binder, i in found.place.items()]
    if found.entry:
        said.append(f"entry {', '.join(str(i + 1) for i in found.entry)}")
    return ", ".join(said)


# -------------------------------------------------------------------------------------------------------------- the network


def _network(run: Run) -> Iterator[str]:
    net = run.net
    yield f"sizes {'-'.join(str(net.sizes[l]) for l in range(1, net.L + 1))}; {_sigma(run)}"
    if cost := _cost(run):
        yield f"C = {cost}"
    yield ", ".join(_weights(net))
    yield "; ".join(_examples(net))
    if net.variables:
        yield ", ".join(f"{name} = {v}" for name, v in sorted(net.variables.items()))


def _sigma(run: Run) -> str:
    net, rules = run.net, run.rules
    if rules.sigma:
        said = f"sigma is {'as defined' if callable(rules.sigma) else rules.sigma}"
    else:
        layers = range(2, net.L + (not (rules.softmax or net.mixing)))
        groups: dict[str, list[int]] = {}
        for l in layers:
            p = polynomial(net.sigma[l], "z")
            groups.setdefault(f"(2 + tanh({p}))/4" if rules.within and l == net.L else p, []).append(l)
        said = ", ".join(f"sigma(z) = {p} in layer{'s' * (len(ls) > 1)} {_listed(ls)}" for p, ls in groups.items())
    if rules.softmax:
        return f"{said}{', ' * bool(said)}a^{net.L} = softmax(z^{net.L})"
    if net.mixing:
        rows = zip(*net.mixing, strict=True)
        said_of = [
            f"a^{net.L}_{j} = z^{net.L}_{j} ({_linear(s, f'z^{net.L}')})" + (f" + {_linear(t, f'z^{net.L}')}" if any(t) else "")
            for j, (s, t) in enumerate(rows, 1)
        ]
        return f"{said}{', ' * bool(said)}{', '.join(said_of)}"
    return said


def _listed(layers: list[int]) -> str:
    *most, last = map(str, layers)
    return f"{', '.join(most)} and {last}" if most else last


def polynomial(coefficients: tuple[int, ...], letter: str) -> str:
    """z^3 - 2z + 1, from the coefficients, the constant first."""
    powers = ["", letter, *(f"{letter}^{n}" for n in range(2, len(coefficients)))]
    return _joined(list(zip(coefficients, powers, strict=False))[::-1])


def _linear(coefficients: list[int], letter: str) -> str:
    return _joined([(c, f"{letter}_{k}") for k, c in enumerate(coefficients, 1)])


def _joined(terms: list[tuple[Any, str]]) -> str:
    said = ""
    for c, what in terms:
        if c:
            size = str(abs(c)) if abs(c) != 1 or not what else ""
            said += (" - " if c < 0 else " + ") + " ".join(filter(None, (size, what)))
    return (("-" if said.startswith(" - ") else "") + said[3:]) or "0"


def _cost(run: Run) -> str:
    rules, c, a = run.rules, run.net.cost, f"a^{run.net.L}"
    if isinstance(rules.cost, str):
        return f"the {rules.cost.replace('_', '-')} cost"
    if not c:
        return ""
    n = range(len(c["c"]))
    terms = [(c["c"][j], f"{a}_{j + 1}") for j in n]
    squares: dict[tuple[int, int], int] = {}
    for i in n:
        for j in n:
            squares[min(i, j), max(i, j)] = squares.get((min(i, j), max(i, j)), 0) + c["d"][i][j]
    terms += [(v, f"({a}_{i + 1})^2" if i == j else f"{a}_{i + 1} {a}_{j + 1}") for (i, j), v in squares.items()]
    terms += [(c["e"][j][i], f"{a}_{j + 1} y_{i + 1}") for j in n for i in n]
    whole = f"({' + '.join(f'{a}_{j + 1}' for j in n)})^{c['degree']}"
    return _joined([*terms, (c["f"], whole)])


def _weights(net: Drawn) -> Iterator[str]:
    for l in range(2, net.L + 1):
        for j, row in enumerate(net.w[l], 1):
            yield from (f"w^{l}_{_indices(j, k)} = {v}" for k, v in enumerate(row, 1))
    biases = {f"b^{l}_{j}": v for l in range(2, net.L + 1) for j, v in enumerate(net.b[l], 1) if v}
    yield from (f"{name} = {v}" for name, v in biases.items())
    yield "every other b = 0" if biases else "b = 0"


def _examples(net: Drawn) -> Iterator[str]:
    for n, (x, y) in enumerate(zip(net.x, net.y, strict=True), 1):
        which = f"example {n}: " if len(net.x) > 1 else ""
        yield f"{which}x = ({', '.join(map(str, x))}), y = ({', '.join(map(str, y))})"


# ------------------------------------------------------------------------------------------------- how a value came about


def _terms(side: Piece, run: Run) -> Iterator[str]:
    seen = set()
    for said in _leaves(side, run):
        if said not in seen:
            seen.add(said)
            yield said


def _leaves(piece: Piece, run: Run) -> Iterator[str]:
    """The quantities, derivatives and functions that a value is made of, each with its own."""
    node = piece.node
    if isinstance(node, tree.Quantity | tree.Partial | tree.Variable | tree.Size | tree.Repeat) or (
        isinstance(node, tree.Apply) and node.function != "diag"
    ):
        yield f"{text(node, run)} = {value(piece.value(run))}"
    elif isinstance(piece.binder, Binder):
        (body,) = piece.parts
        for run.index[piece.binder] in range(count(run, piece.binder.axis(thin=True))):  # noqa: B020
            yield from _leaves(body, run)
    else:
        for part in piece.parts:
            yield from _leaves(part, run)


def text(node: Node, run: Run) -> str:
    """A piece in the chapter's letters, with the numbers of its layers and indices."""
    match node:
        case tree.Number(v):
            return value(v)
        case tree.Quantity():
            return _quantity(node, run)
        case tree.Variable(name):
            return name
        case tree.Size(layer):
            return "n" if layer == EXAMPLES else f"n_{number(layer, run.layers)}"
        case tree.Add(terms):
            return " + ".join(text(t, run) for t in terms).replace("+ -", "- ")
        case tree.Negative(body):
            return f"-{_tight(body, run)}"
        case tree.Product(factors, kind):
            return {"plain": " ", "dot": " · ", "hadamard": " ⊙ "}[kind].join(_tight(f, run) for f in factors)
        case tree.Quotient(above, below):
            return f"{_tight(above, run)}/{_tight(below, run)}"
        case tree.Power(base, exponent):
            return f"{_tight(base, run)}^{_tight(exponent, run)}"
        case tree.Transpose(body):
            return f"{_tight(body, run)}^T"
        case tree.Norm(body):
            return f"‖{text(body, run)}‖"
        case tree.Sum(index, body):
            return f"sum_{index} {_tight(body, run)}"
        case tree.Apply(function, argument, order, _):
            primes = "'" * order if order < 4 else f"^({order})"
            return f"{function}{primes}({text(argument, run)})"
        case tree.Partial(of, by):
            return f"d{_tight(of, run)}/d{text(by, run)}"
        case tree.Repeat():
            return "the product that the dots stand for"
    return type(node).__name__.lower()


def _tight(node: Node, run: Run) -> str:
    said = text(node, run)
    simple = isinstance(node, tree.Number | tree.Quantity | tree.Variable | tree.Size | tree.Apply | tree.Transpose | tree.Norm)
    return said if simple else f"({said})"


def _quantity(node: tree.Quantity, run: Run) -> str:
    indices = [run_index(i, run) for i in node.indices]
    example = "" if node.example in (None, ALL) else f"{run_index(node.example, run)}"
    if node.layer is None:
        return f"C_{example}" if example else node.letter
    if node.letter == "y":
        upper = f"^{example}" if example else ""
    else:
        upper = f"^{{{example},{number(node.layer, run.layers)}}}" if example else f"^{number(node.layer, run.layers)}"
    letter = node.letter if node.example != ALL else {"delta": "Delta"}.get(node.letter, node.letter.upper())
    return letter + upper + (f"_{_indices(*indices)}" if indices else "")


def run_index(index: tree.Index | None, run: Run) -> int | str:
    """An index's number, from 1; its name where it is bound inside."""
    if isinstance(index, str):
        found = [i for binder, i in run.index.items() if isinstance(binder, Binder) and binder.name == index]
        return found[-1] + 1 if found else index
    return index if index is not None else ""


def _indices(*indices: int | str) -> str:
    together = "".join(map(str, indices))
    return together if all(len(str(i)) == 1 for i in indices) else ",".join(map(str, indices))
