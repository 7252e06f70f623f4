"""Any x as one vector and back: an array, a number, or a tuple, list or dict of them, nested; each entry with its name.

A leaf that is float32 (float16) stays so: what f is shown is rounded to it, and `seen` says to what.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DtypeError, ShapeError, ValueRefused
from ..rounding import U, unit_roundoff

Vector = NDArray[np.float64]

COMPLEX_OF = {np.dtype(np.float16): np.complex64, np.dtype(np.float32): np.complex64, np.dtype(np.float64): np.complex128}


class Leaf(NamedTuple):
    """One array or number inside x, and where its entries lie in the vector."""

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    plain: bool  # a Python number, given back as one
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Layout:
    """The shape of x: how a vector becomes such a container again, and what each entry is called."""

    template: Any
    leaves: tuple[Leaf, ...]

    @property
    def size(self) -> int:
        """n, the number of entries."""
        return self.leaves[-1].stop

    def unflatten(self, v: NDArray[Any]) -> Any:
        """The container of a vector of shape (n,), real or complex: new arrays each time, which f may spoil."""
        if isinstance(self.template, np.ndarray):  # as below, only faster
            return next(self._values(v))
        return _build(self.template, self._values(v))

    def _values(self, v: NDArray[Any]) -> Iterator[Any]:
        for leaf in self.leaves:
            part = v[leaf.start : leaf.stop]
            if leaf.plain:
                yield part[0].item()
            else:
                dtype = COMPLEX_OF[leaf.dtype] if np.iscomplexobj(v) else leaf.dtype
                yield part.astype(dtype).reshape(leaf.shape)

    def seen(self, v: Vector) -> Vector:
        """The vector that f really sees: v, rounded where a leaf is narrower than float64."""
        if self.wide:
            return v
        return np.concatenate([v[leaf.start : leaf.stop].astype(leaf.dtype).astype(np.float64) for leaf in self.leaves])

    @cached_property
    def unit_roundoff(self) -> Vector:
        """u of each entry's leaf, shape (n,)."""
        return np.repeat([unit_roundoff(leaf.dtype) for leaf in self.leaves], [leaf.stop - leaf.start for leaf in self.leaves])

    @cached_property
    def wide(self) -> bool:
        """Whether every leaf is float64."""
        return all(leaf.dtype == np.float64 for leaf in self.leaves)

    def scale(self, v: Vector) -> Vector:
        """s_i > 0, shape (n,): |x_i|, or the median nonzero |x| of its leaf where x_i is below 1e-3 of that.

        A leaf of zeros takes the median of the whole x, and x = 0 takes 1.
        """
        size = np.abs(v)
        s = np.empty_like(size)
        everywhere = _median_nonzero(size, 1.0)
        for leaf in self.leaves:
            part = size[leaf.start : leaf.stop]
            median = _median_nonzero(part, everywhere)
            s[leaf.start : leaf.stop] = np.where(part >= 1e-3 * median, part, median)
        return s

    def name(self, i: int) -> str:
        """What entry i of the vector is called: x[2,3], x['W1'][0,2]."""
        leaf = next(leaf for leaf in self.leaves if leaf.start <= i < leaf.stop)
        if not leaf.shape:
            return leaf.path
        return f"{leaf.path}[{','.join(str(k) for k in np.unravel_index(i - leaf.start, leaf.shape))}]"

    def read(self, value: Any, what: str = "the gradient") -> tuple[Vector, Vector]:
        """(vector, u): a second container of this layout, such as the gradient at x, with the unit roundoff of each entry.

        Lists and tuples may stand for each other; the keys of a dict may come in any order. Both have shape (n,).
        Raises ShapeError where a container or a shape differs from x's, DtypeError for what is not real numbers.
        """
        arrays = list(_parallel(self.template, value, what))
        for (path, a), leaf in zip(arrays, self.leaves, strict=True):
            if a.shape != leaf.shape:
                raise ShapeError(f"{path} has shape {a.shape}, but {leaf.path} has shape {leaf.shape}: give one slope per entry.")
        vector = np.concatenate([a.astype(np.float64).ravel() for _, a in arrays])
        u = np.concatenate([np.full(a.size, unit_roundoff(a.dtype) if a.dtype in COMPLEX_OF else U) for _, a in arrays])
        return vector, u


def flatten(x: Any, root: str = "x") -> tuple[Vector, Layout]:
    """(vector of shape (n,), layout): the entries of x in order, and the way back; root is what x is called in names.

    Raises DtypeError for what holds no real numbers, ValueRefused for NaN, infinity or no entry at all.

    >>> v, layout = flatten({"W": np.array([[1.0, 2.0]]), "b": 3.0})
    >>> v.tolist(), layout.name(1), layout.unflatten(v)["b"]
    ([1.0, 2.0, 3.0], "x['W'][0,1]", 3.0)
    """
    found = list(_leaves(x, root))
    stops = np.cumsum([0, *(a.size for _, a, _ in found)]).tolist()
    if stops[-1] == 0:
        raise ValueRefused(f"{root} holds no number, so there is no slope to measure: give at least one.")
    layout = Layout(
        x,
        tuple(Leaf(path, a.shape, a.dtype, plain, *ends) for (path, a, plain), ends in zip(found, pairwise(stops), strict=True)),
    )
    v = np.concatenate([a.astype(np.float64).ravel() for _, a, _ in found])
    if not np.isfinite(v).all():
        i = int(np.argmax(~np.isfinite(v)))
        raise ValueRefused(f"{layout.name(i)} is {v[i]}: a slope needs a finite point.")
    return v, layout


def _leaves(x: Any, path: str) -> Iterator[tuple[str, NDArray[Any], bool]]:
    if isinstance(x, dict):
        for key, value in x.items():
            yield from _leaves(value, f"{path}[{key!r}]")
    elif isinstance(x, list | tuple):
        for k, value in enumerate(x):
            yield from _leaves(value, f"{path}[{k}]")
    else:
        a = _real(x, path)
        yield path, a if a.dtype in COMPLEX_OF else a.astype(np.float64), not isinstance(x, np.ndarray | np.generic)


def _real(x: Any, path: str) -> NDArray[Any]:
    a = np.asarray(x)
    if a.dtype.kind not in "fiu":
        given = f"{a.dtype} numbers" if isinstance(x, np.ndarray) else type(x).__name__
        raise DtypeError(f"{path} is {given}, but real numbers are needed: floats, or arrays of them.")
    return a


def _build(template: Any, values: Iterator[Any]) -> Any:
    if isinstance(template, dict):
        return {key: _build(part, values) for key, part in template.items()}
    if isinstance(template, list):
        return [_build(part, values) for part in template]
    if isinstance(template, tuple):
        parts = [_build(part, values) for part in template]
        return type(template)(*parts) if hasattr(template, "_fields") else tuple(parts)
    return next(values)


def _parallel(template: Any, value: Any, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(template, dict):
        if not isinstance(value, dict) or value.keys() != template.keys():
            given = f"keys {sorted(map(str, value))}" if isinstance(value, dict) else type(value).__name__
            raise ShapeError(f"{path} is {given}, but x has a dict there with the keys {sorted(map(str, template))}.")
        for key, part in template.items():
            yield from _parallel(part, value[key], f"{path}[{key!r}]")
    elif isinstance(template, list | tuple):
        if isinstance(value, np.ndarray) and value.ndim:
            value = list(value)
        if not isinstance(value, list | tuple) or len(value) != len(template):
            given = f"has {len(value)} parts" if isinstance(value, list | tuple) else f"is {type(value).__name__}"
            raise ShapeError(f"{path} {given}, but x has {len(template)} parts there: give one for each.")
        for k, part in enumerate(template):
            yield from _parallel(part, value[k], f"{path}[{k}]")
    else:
        yield path, _real(value, path)


def _median_nonzero(size: Vector, otherwise: float) -> float:
    nonzero = size[size > 0]
    return float(np.median(nonzero)) if nonzero.size else otherwise
