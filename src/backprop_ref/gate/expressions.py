"""One line of a backward pass as text, in the book's letters: read once, worked out on arrays; Python never runs it.

The text of BP2 is "(w[l + 1].T @ delta[l + 1]) * sigma_prime[l](z[l])". The language is a corner of Python's:

letters    w b z a y delta sigma sigma_prime nabla_a_C, l L m n, x (the inputs, a[1]); b[l] is a column (n_l, 1)
           delta_L (of a pair: delta^L from z^L and y), total (of average), nabla_w nabla_b (of finish),
           mask (of dropout), chapter (what the chapter has in this place), and the letters that a mistake brings along
operators  + - * / ** @ and .T; w[l + 1] is indexed by layer, an array by slices, as in delta[l][:, :-1]
functions  those in FUNCTIONS; sigma[l](...), sigma_prime[l](...), nabla_a_C(..., y), delta_L(..., y)

Examples stand in columns. Anything else is refused when the text is read: a lesson page reads the same text.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Letters = Mapping[str, Any]
Worked = Callable[[Letters], Any]


class DoesNotRun(Exception):
    """A line that cannot be worked out on this network: its author would see a shape error, or had no such layer."""


class NoSuchLayer(DoesNotRun):
    """A line that names a layer which this network does not have."""


def _through(J: Array, v: Array) -> Array:
    return np.asarray(np.einsum("kj...,k...->j...", J, v))


def _float32(M: Array) -> Array:
    return M.astype(np.float32).astype(M.dtype)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum_examples": lambda M: M.sum(axis=1, keepdims=True),  # (n, m) -> (n, 1)
    "row_sums": lambda M: M.sum(axis=1, keepdims=True),  # the same, where the columns are no examples
    "sum_neurons": lambda M: M.sum(axis=0, keepdims=True),  # (n, m) -> (1, m)
    "through": _through,  # the Jacobian of softmax, transposed, times a vector, for each example
    "ones": np.ones_like,
    "positive": lambda M: (M > 0).astype(M.dtype),  # 1 where M > 0, else 0
    "sign": np.sign,
    "clip": lambda M, c: np.clip(M, -abs(c), abs(c)),
    "norm": np.linalg.norm,
    "smaller": min,  # of two numbers
    "round": np.round,
    "float32": _float32,
    "roll": lambda M: np.roll(M, 1, axis=0),  # each row one down, the last one to the top
    "beside": lambda M, N: np.hstack((M, N)),
    "reshape": lambda M, like: M.reshape(like.shape),
}

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}


def evaluate(text: str, letters: Letters, shape: tuple[int, ...]) -> Array:
    """The array that a line stands for. letters["chapter"] is a function, called where the line names it.

    Raises DoesNotRun if the shapes inside do not fit, or the result is not of the given shape; NoSuchLayer.
    """
    try:
        with np.errstate(all="ignore"):  # a wrong line may divide by m - 1 = 0: what comes of it is its answer
            value = read(text)(letters)
    except ValueError as error:  # how NumPy says that shapes do not fit
        raise DoesNotRun(f"{text} does not fit the widths of these layers") from error
    if np.shape(value) != shape:
        raise DoesNotRun(f"{text} has shape {np.shape(value)}, and {shape} is needed")
    return np.asarray(value)


@cache
def read(text: str) -> Worked:
    """A line as a function of its letters. Raises SyntaxError, with the offending words, for anything outside the language."""
    return _node(ast.parse(text, mode="eval").body, text)


def letters_of(text: str) -> frozenset[str]:
    """The letters that a line uses; names of functions apart."""
    return frozenset(n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)) - FUNCTIONS.keys()


def _node(node: ast.expr, text: str) -> Worked:
    match node:
        case ast.Constant(value=int() | float() as c) if not isinstance(c, bool):
            return lambda s: c
        case ast.Name(id="chapter"):
            return lambda s: s["chapter"]()
        case ast.Name(id=name) if name not in FUNCTIONS:
            return lambda s: s[name]
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            f, p, q = _OPERATORS[type(op)], _node(left, text), _node(right, text)
            return lambda s: f(p(s), q(s))
        case ast.UnaryOp(ast.USub(), operand):
            v = _node(operand, text)
            return lambda s: -v(s)
        case ast.Attribute(value, "T"):
            M = _node(value, text)
            return lambda s: M(s).T
        case ast.Subscript(value, ast.Slice() | ast.Tuple() as cut):
            M, where = _node(value, text), _cut(cut, text)
            return lambda s: M(s)[where]
        case ast.Subscript(ast.Name(id=name), index):
            return _layer(name, _node(index, text))
        case ast.Call(ast.Name(id=name), args, keywords=[]) if name in FUNCTIONS:
            return _call(lambda s: FUNCTIONS[name], [_node(a, text) for a in args])
        case ast.Call(ast.Name() | ast.Subscript() as func, args, keywords=[]):
            return _call(_node(func, text), [_node(a, text) for a in args])
    raise SyntaxError(f"{ast.unparse(node)!r} in {text!r} is not in the language of expressions.py; see its first lines.")


def _call(f: Worked, args: list[Worked]) -> Worked:
    return lambda s: f(s)(*[a(s) for a in args])


def _layer(name: str, index: Worked) -> Worked:
    def at(s: Letters) -> Any:
        l = index(s)
        try:
            return s[name][l]
        except KeyError:
            raise NoSuchLayer(f"this network has no {name}[{l}]") from None

    return at


def _cut(node: ast.expr, text: str) -> slice | tuple[slice, ...]:
    match node:
        case ast.Slice(lower, upper, step):
            return slice(_whole(lower, text), _whole(upper, text), _whole(step, text))
        case ast.Tuple(elts):
            return tuple(s for e in elts if isinstance(s := _cut(e, text), slice))
    raise SyntaxError(f"{ast.unparse(node)!r} in {text!r} must be a slice, as in delta[l][:, :-1].")


def _whole(node: ast.expr | None, text: str) -> int | None:
    match node:
        case None:
            return None
        case ast.Constant(value=int() as i):
            return i
        case ast.UnaryOp(ast.USub(), ast.Constant(value=int() as i)):
            return -i
    raise SyntaxError(f"{ast.unparse(node)!r} in {text!r} must be a whole number, as in delta[l][:, :-1].")
