"""Where somebody's weights and biases are kept: in the arguments of a function, or on an object."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .harvest import Leaf, Path, leaves, name_of
from .storage import Storage, storages

Array = NDArray[Any]
NOT_PARAMETERS = re.compile(r"^_?(d|grad|nabla|delta|vel|momentum|m_|v_|cache|prev|last|z\d|a\d|adam|best|sum)", re.I)
BIASES = re.compile(r"^_?b\d*(\[\d+\])?$|^_?b_|_b$|bias|intercept|threshold|^b[a-z]{1,2}$", re.I)


@dataclass
class Arguments:
    """Parameters that a function takes.

    kind   "lists" of weights and of biases, "pairs" [(w, b), ...], "interleaved" [w, b, w, b, ...], a "dict", "arrays" one by
           one, or one "flat" vector
    """

    kind: str
    storage: Storage
    names: Sequence[str] = ()
    flat_order: str = "layers"
    prefix: tuple[str, str] = ("W", "b")
    start: int = 1
    weights: list[Array] = field(default_factory=list)
    biases: list[Array] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)

    def put(self, w: Sequence[Array], b: Sequence[Array]) -> None:
        """Make what the function is given."""
        self.weights, self.biases = self.storage.stored(w, b)
        slots = self.slots()
        if self.kind == "lists":
            self.given = {"weights": list(self.weights), "biases": list(self.biases), "params": list(self.weights)}
        elif self.kind in ("pairs", "interleaved"):
            pairs = list(zip(self.weights, self.biases, strict=True))
            self.given = {"params": pairs if self.kind == "pairs" else [v for pair in pairs for v in pair]}
        elif self.kind == "dict":
            self.given = {"params": dict(zip(slots, self._in_order(), strict=True))}
        elif self.kind == "arrays":
            self.given = dict(zip(self.names, self._for_names(), strict=True))
        else:
            self.given = {"flat": np.concatenate([v.ravel() for v in self._flat_parts()])}

    def take(self) -> tuple[list[Array], list[Array]]:
        """The parameters as they are now, in the book's way: a call may have changed them in place."""
        if self.kind == "lists":
            return self.storage.book(self.given["weights"], self.given["biases"])
        if self.kind == "pairs":
            return self.storage.book(*(list(part) for part in zip(*self.given["params"], strict=True)))
        if self.kind == "interleaved":
            return self.storage.book(self.given["params"][::2], self.given["params"][1::2])
        if self.kind == "dict":
            found = [self.given["params"][s] for s in self.slots()]
        elif self.kind == "arrays":
            found = self._from_names(list(self.given.values()))
        else:
            return self.storage.book(*self.split(self.given["flat"]))
        return self.storage.book(found[: len(self.weights)], found[len(self.weights) :])

    def slots(self) -> list[str]:
        """The names of the parameters, weights first."""
        n, numbers = len(self.weights), range(self.start, self.start + len(self.weights))
        if self.kind == "arrays":
            w = [name for name in self.names if not BIASES.search(name)]
            return w + [name for name in self.names if BIASES.search(name)]
        if self.kind != "dict":
            return [""] * (n + len(self.biases))
        return [f"{self.prefix[0]}{i}" for i in numbers] + [f"{self.prefix[1]}{i}" for i in numbers if self.biases]

    def arrays(self) -> list[Array]:
        """What put() made, weights first."""
        return [*self.weights, *self.biases]

    def _in_order(self) -> list[Array]:
        return self.arrays()

    def _for_names(self) -> list[Array]:
        w, b = iter(self.weights), iter(self.biases)
        return [next(b) if BIASES.search(name) else next(w) for name in self.names]

    def _from_names(self, values: list[Array]) -> list[Array]:
        pairs = list(zip(self.names, values, strict=True))
        return [v for n, v in pairs if not BIASES.search(n)] + [v for n, v in pairs if BIASES.search(n)]

    def _flat_parts(self) -> list[Array]:
        if self.flat_order == "layers" and self.biases:
            return [v for pair in zip(self.weights, self.biases, strict=True) for v in pair]
        if self.flat_order == "biases first" and self.biases:
            return [v for pair in zip(self.biases, self.weights, strict=True) for v in pair]
        return self.arrays()

    def split(self, flat: Array) -> tuple[list[Array], list[Array]]:
        """(weights, biases) as stored, cut out of one vector."""
        flat, made, start = np.asarray(flat).reshape(-1), {}, 0
        for v in self._flat_parts():
            made[id(v)] = flat[start : start + v.size].reshape(v.shape)
            start += v.size
        return [made[id(v)] for v in self.weights], [made[id(v)] for v in self.biases]

    @property
    def flat_size(self) -> int:
        """How many numbers the flat vector holds."""
        return sum(v.size for v in self.arrays())

    def notes(self) -> list[str]:
        """How the arguments differ from the list form."""
        said = list(self.storage.notes())
        if self.kind == "flat":
            order = {
                "layers": "w^2, b^2, w^3, ...",
                "parts": "all weights, then all biases",
                "biases first": "b^2, w^2, b^3, ...",
            }
            said.insert(0, "one flat vector: " + (order[self.flat_order] if self.biases else "the weight matrices in order"))
        return said


@dataclass
class Attributes:
    """Parameters that stand on an object, each found by its path."""

    owner: Any
    weights: list[Path]
    biases: list[Path]
    storage: Storage
    sizes: tuple[int, ...]

    def put(self, w: Sequence[Array], b: Sequence[Array]) -> None:
        """Write the parameters into the object, in place where that is possible: others may hold the same arrays."""
        weights, biases = self.storage.stored(w, b)
        for path, v in zip([*self.weights, *self.biases], [*weights, *biases], strict=True):
            old = look(self.owner, path)
            if isinstance(old, np.ndarray) and old.shape == v.shape and old.dtype == v.dtype and old.flags.writeable:
                old[...] = v
            else:
                put_at(self.owner, path, v.astype(old.dtype) if getattr(old, "dtype", None) in (np.float32,) else v)

    def take(self) -> tuple[list[Array], list[Array]]:
        """The parameters as they are now, in the book's way; copies."""
        w, b = ([np.array(look(self.owner, path)) for path in paths] for paths in (self.weights, self.biases))
        return self.storage.book(w, b)

    def slots(self) -> list[str]:
        """The names of the parameters, weights first."""
        return [name_of(path) for path in (*self.weights, *self.biases)]

    def arrays(self) -> list[Array]:
        """The arrays themselves, weights first."""
        return [np.asarray(look(self.owner, path)) for path in (*self.weights, *self.biases)]

    def resize(self, owner: Any) -> None:
        """Go on with an owner whose arrays have other sizes."""
        self.owner = owner
        sizes = self.storage.sizes([np.asarray(look(owner, path)) for path in self.weights])
        if sizes is None:
            raise LookupError("the object that was built with other sizes holds other arrays")
        self.sizes = sizes

    @property
    def dtype(self) -> str:
        """The dtype of the weights: float32 only if all are."""
        return "float32" if all(v.dtype == np.float32 for v in self.arrays()) else "float64"

    def notes(self) -> list[str]:
        """How the storage differs from the book's."""
        return self.storage.notes()


def look(owner: Any, path: Path) -> Any:
    """What stands at a path of attributes and items."""
    for step in path:
        indexed: Any = owner
        owner = indexed[step] if isinstance(owner, list | tuple | dict | np.ndarray) else getattr(owner, str(step))
    return owner


def put_at(owner: Any, path: Path, value: Any) -> None:
    """Replace what stands at a path; a tuple on the way is replaced whole."""
    *way, last = path
    holder: Any = look(owner, tuple(way))
    if isinstance(holder, tuple):
        put_at(owner, tuple(way), tuple(value if i == last else v for i, v in enumerate(holder)))
    elif isinstance(holder, list | dict):
        items: Any = holder
        items[last] = value
    else:
        setattr(holder, str(last), value)


def on_object(owner: Any, biases: bool | None) -> list[Attributes]:
    """The ways in which an object's arrays can be the parameters of a network; none if they cannot."""
    found = [
        (path, v) for path, v in leaves(owner) if v.dtype.kind == "f" and v.ndim <= 2 and not NOT_PARAMETERS.search(first(path))
    ]
    ways: list[Attributes] = []
    groups: dict[Path, list[Leaf]] = {(): found}
    for path, v in found:
        for n in range(1, len(path)):
            groups.setdefault(path[:n], []).append((path, v))
    for group in groups.values():
        for w, b in _split(group):
            if (biases is False and b) or (biases is True and not b and not _folds(w)):
                continue
            ways += list(_ways(owner, w, b))
        if ways:
            break
    return ways


def first(path: Path) -> str:
    """The last name on a path, which tells what an array is."""
    return next((str(p) for p in reversed(path) if isinstance(p, str)), "")


def _split(group: Sequence[Leaf]) -> Iterator[tuple[list[Leaf], list[Leaf]]]:
    """(weights, biases) by name, and by shape."""
    for named in (True, False):
        b = [
            (path, v)
            for path, v in group
            if v.ndim == 1 or (named and BIASES.search(first(path))) or (not named and v.ndim == 2 and v.shape[0] == 1)
        ]
        chosen = {path for path, _ in b}
        yield [leaf for leaf in group if leaf[0] not in chosen], b


def _folds(w: Sequence[Leaf]) -> bool:
    arrays = [v for _, v in w]
    return any(s.sizes(arrays) for s in storages(True, True, separate=False))


def _ways(owner: Any, w: Sequence[Leaf], b: Sequence[Leaf]) -> Iterator[Attributes]:
    if not w or (b and len(b) != len(w)) or any(v.ndim != 2 for _, v in w):
        return
    arrays, paths = [v for _, v in w], [path for path, _ in w]
    kinds = [Storage(t, "none") for t in (False, True)] + storages(True, True, separate=False)
    if b:
        shapes = {"flat" if v.ndim == 1 else "column" if v.shape[1] == 1 else "row" for _, v in b}
        kinds = [Storage(t, shape) for t in (False, True) for shape in sorted(shapes)[:1]]
    for storage in kinds:
        sizes = storage.sizes(arrays)
        if sizes and (not b or tuple(v.size for _, v in b) == sizes[1:]):
            yield Attributes(owner, paths, [path for path, _ in b], storage, sizes)
