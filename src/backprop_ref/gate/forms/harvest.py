"""Where the gradient comes out: arrays inside whatever was returned, or left behind, matched to the parameters."""

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Path = tuple[str | int, ...]
Leaf = tuple[Path, Array]
OF_A_GRADIENT = re.compile(
    r"^(gradients?|grads?|nabla|delta)(?=[_a-z0-9]|$)_?|^[dg]_?(?=[wb]|theta|bias|weight)|_(gradients?|grads?|nabla|delta|d)$",
    re.I,
)


def leaves(value: Any, path: Path = (), depth: int = 6) -> Iterator[Leaf]:
    """The arrays inside a structure of tuples, lists, dicts and objects with __dict__, in order, each with its path."""
    value = _plain(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        if value.ndim:
            yield path, value
        return
    if depth == 0 or value is None or isinstance(value, str | bytes | type | int | float | complex | np.generic):
        return
    if isinstance(value, np.ndarray):
        value = list(value)
    if isinstance(value, list | tuple):
        if (array := _of_numbers(value)) is not None:
            yield path, array
            return
        for i, v in enumerate(value):
            yield from leaves(v, (*path, i), depth - 1)
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, (*path, k if isinstance(k, int) else str(k)), depth - 1)
    elif hasattr(value, "__array__"):
        yield path, np.asarray(value)
    elif hasattr(value, "__dict__") and not inspect.isroutine(value) and not inspect.ismodule(value):
        for k, v in vars(value).items():
            yield from leaves(v, (*path, k), depth - 1)


def _plain(value: Any) -> Any:
    """A torch tensor, which may require a gradient, as an array; anything else as it is."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _of_numbers(value: Sequence[Any]) -> Array | None:
    """Nested lists of plain numbers as an array; None if there is anything else in them."""
    inner: Any = value
    while isinstance(inner, list | tuple) and inner:
        inner = inner[0]
    if isinstance(inner, bool) or not isinstance(inner, int | float | complex | np.number):
        return None
    try:
        array = np.array(value)
    except ValueError:  # rows of unequal length
        return None
    return array if array.dtype.kind in "iufc" and array.ndim <= 2 else None  # more: a list of matrices


def name_of(path: Path) -> str:
    """The name of an array: the last name on its path, and the number that follows it."""
    words = [str(p) for p in path if isinstance(p, str)]
    number = path[-1] if path and isinstance(path[-1], int) else ""
    return f"{words[-1] if words else ''}{f'[{number}]' if number != '' else ''}"


def stripped(name: str) -> str:
    """A name without what says that it is a gradient: dW1, W1_grad and nabla_w1 become w1."""
    name = name.lower()
    short = OF_A_GRADIENT.sub("", name).strip("_")
    return (short or name).replace("_", "")


def match(found: Sequence[Leaf], slots: Sequence[str], arrays: Sequence[Array], is_bias: Sequence[bool]) -> list[Path] | None:
    """The path of the gradient of each parameter; None if one of them has none. slots: the parameters' names.

    A parameter takes the array of its own name, else the next one of its shape. A bias may have any shape of its size.
    """
    taken: dict[int, Path] = {}
    free = list(found)

    def fits(i: int, v: Array) -> bool:
        if v.shape == arrays[i].shape:
            return True
        return is_bias[i] and v.size == arrays[i].size and max(v.shape) == v.size

    by_name = [i for i, slot in enumerate(slots) if slot]
    for i in by_name:
        own = [leaf for leaf in free if stripped(name_of(leaf[0])) == stripped(slots[i]) and fits(i, leaf[1])]
        if len(own) == 1:
            taken[i] = own[0][0]
            free = [leaf for leaf in free if leaf[0] != own[0][0]]
    order = sorted(set(range(len(slots))) - set(taken), key=lambda i: (is_bias[i], i))
    for exact in (True, False):
        for i in [i for i in order if i not in taken]:
            hits = [leaf for leaf in free if (leaf[1].shape == arrays[i].shape if exact else fits(i, leaf[1]))]
            if hits:
                taken[i] = hits[0][0]
                free = [leaf for leaf in free if leaf[0] != hits[0][0]]
    return [taken[i] for i in range(len(slots))] if len(taken) == len(slots) else None


def at(value: Any, paths: Sequence[Path]) -> list[Array]:
    """The arrays at these paths of a structure. Raises LookupError, AttributeError or TypeError if one is missing."""
    found = []
    for path in paths:
        inner = value
        for step in path:
            indexed = isinstance(inner, list | tuple | dict | np.ndarray)
            inner = inner[step] if indexed else getattr(inner, str(step))
        found.append(np.asarray(_plain(inner)))
    return found


def shared(got: Sequence[Array], inputs: Sequence[Array]) -> list[str]:
    """What is one array where there should be two: a later write would change both."""
    said = []
    for i, v in enumerate(got):
        if any(np.may_share_memory(v, u) and np.shares_memory(v, u) for u in got[:i]):
            said.append("two of the arrays that came back are one array: a later write changes both")
        if any(np.may_share_memory(v, u) and np.shares_memory(v, u) for u in inputs):
            said.append("an array that came back is one of the candidate's inputs, not one of its own")
    return list(dict.fromkeys(said))
