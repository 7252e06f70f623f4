"""One way of calling one candidate: how the examples are handed over, where the gradient comes out."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .harvest import OF_A_GRADIENT, Leaf, Path, at, leaves, match, name_of, shared
from .roles import Signature, is_role
from .stores import Arguments, Attributes, put_at

Array = NDArray[Any]
ETAS = (1.0, 256.0)  # powers of two: w - (w - eta g) over eta rounds once less
ROUNDINGS = 8  # of an update and its difference, in units of u max(|w|, |w'|)
TIMES = {"rows": "", "columns": "examples in columns", "vector": "one example at a time, as vectors"}
TIMES |= {"column": "one example at a time, as columns", "row": "one example at a time, as rows"}
ALL_AT_ONCE, ONE_BY_ONE = ("rows", "columns"), ("vector", "column", "row")
LABELS = {"vectors": "", "labels": "integer class labels from 0", "labels from 1": "integer class labels from 1"}
LABELS |= {"flat": "the desired outputs as one vector (m,)"}


SURELY_ETA = re.compile(r"_?(eta|lr|l_?rate|learning_?rate)_?", re.I)


class Unfit(Exception):
    """This way of calling does not fit the candidate."""


class EtaUnknown(Unfit):
    """An update whose learning rate is neither an argument nor an attribute."""


@dataclass
class Claimed:
    """A gradient in the book's storage, and what was seen on the way. extra: what each entry may be off by, beyond rounding."""

    w: list[Array]
    b: list[Array]
    extra_w: list[Array] = field(default_factory=list)
    extra_b: list[Array] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Data:
    """A mini-batch: X (m, n_1), Y (m, n_L), integer labels (m,) where Y is one-hot; the activations of layers 2..L by name."""

    X: Array
    Y: Array
    labels: Array | None
    sigmas: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.X)

    def handed(self, layout: str, targets: str, i: int | None) -> tuple[Any, Any]:
        """(x, y) of example i, or of all, as this layout wants them; fresh arrays."""
        rows = slice(None) if i is None else slice(i, i + 1)
        X, Y = self.X[rows].copy(), self.Y[rows].copy()
        x = {"rows": X, "columns": np.ascontiguousarray(X.T), "vector": X[0], "column": X.T.copy(), "row": X}[layout]
        if targets.startswith("labels"):
            if self.labels is None:
                raise Unfit("there are no labels for these targets")
            t = self.labels[rows] + (targets == "labels from 1")
            return x, t if i is None or layout != "vector" else int(t[0])
        y = {"rows": Y, "columns": np.ascontiguousarray(Y.T), "vector": Y[0], "column": Y.T.copy(), "row": Y}[layout]
        return x, y.reshape(-1) if targets == "flat" else y


@dataclass
class Call:
    """A function or method that is called with parameters and examples.

    layout     "rows" or "columns": all examples at once; "vector", "column", "row": one at a time
    targets    "vectors", "labels", "labels from 1", "flat"
    outlet     "returned", "left" (on the object) or "update" (the parameters have changed)
    forward    what must be called before, with its signature
    paths      where the gradient of each parameter was, once it has been seen
    """

    f: Callable[..., Any]
    name: str
    signature: Signature
    store: Arguments | Attributes
    layout: str = "rows"
    targets: str = "vectors"
    outlet: str = "returned"
    owner: Any = None
    forward: tuple[Callable[..., Any], Signature] | None = None
    eta_at: tuple[Any, Path] | None = None
    eta_fixed: float | None = None
    mean: bool = True
    paths: list[Path] | None = None
    from_left: bool = False
    sigmas: Sequence[str] = ()

    @property
    def roles(self) -> list[str]:
        """What its arguments stand for."""
        return self.signature.roles

    @property
    def form(self) -> str:
        """The name of this form, as --form takes it."""
        if self.outlet == "update":
            return "update"
        if self.store.storage.folded:
            return "folded"
        if isinstance(self.store, Arguments):
            return {"lists": "list", "pairs": "list", "interleaved": "list"}.get(self.store.kind, self.store.kind)
        return "book" if self.layout == "column" else "object"

    def __call__(self, w: Sequence[Array], b: Sequence[Array], data: Data) -> Claimed:
        """The claimed gradient at these parameters, in the book's storage."""
        self.sigmas = data.sigmas
        if self.outlet == "update":
            return self._updates(w, b, data)
        if self.layout in ALL_AT_ONCE:
            return self._once(w, b, data, None)
        parts = [self._once(w, b, data, i) for i in range(len(data))]
        return summed(parts, len(data) if self.mean else 1)

    def rebuilt(self, new: Any) -> None:
        """Go on with an object that was built with other sizes: the old one takes over all that it holds."""
        vars(self.owner).clear()
        vars(self.owner).update(vars(new))
        if isinstance(self.store, Attributes):
            self.store.resize(self.owner)

    # ------------------------------------------------------------------------------------------------ a gradient

    def _once(self, w: Sequence[Array], b: Sequence[Array], data: Data, i: int | None) -> Claimed:
        self.store.put(w, b)
        before = self.store.take() if isinstance(self.store, Attributes) else self.store.storage.book(*self._copies())
        x, y = data.handed(self.layout, self.targets, i)
        kept = [np.array(v) for v in (x, y)]
        answer = self._called(x, y, None, 1 if i is not None else len(data))
        claim = self._harvested(answer)
        if isinstance(self.store, Arguments):
            claim.wrong += _changed(kept, (x, y), before, self.store.take())
        return claim

    def _copies(self) -> tuple[list[Array], list[Array]]:
        assert isinstance(self.store, Arguments)
        return [v.copy() for v in self.store.weights], [v.copy() for v in self.store.biases]

    def _harvested(self, answer: Any) -> Claimed:
        store = self.store
        if isinstance(store, Arguments) and store.kind == "flat":
            vectors = [v for _, v in leaves(answer) if v.size == store.flat_size]
            if not vectors:
                raise Unfit(f"{self.name} returned {described(answer)}; a vector of {store.flat_size} entries is needed")
            return Claimed(*store.storage.book(*store.split(vectors[-1])))
        arrays, slots = store.arrays(), store.slots()
        is_bias = [False] * (len(slots) - self._biases()) + [True] * self._biases()
        for left in (self.from_left,) if self.paths else (False, True):
            found = [] if self.paths else self._left() if left else list(leaves(answer))
            paths = self.paths or match(found, slots, arrays, is_bias)
            if paths:
                self.paths, self.from_left = paths, left
                got = at(self.owner if left else answer, paths)
                n, wrong = len(slots) - self._biases(), shared(got, arrays)
                got = [np.array(v) for v in got]  # the next call may write into the same ones
                return Claimed(*store.storage.book(got[:n], got[n:]), wrong=wrong)
        raise Unfit(f"{self.name} returned {described(answer)}, in which not every parameter has a gradient")

    def _biases(self) -> int:
        return len(self.store.biases)

    def _left(self) -> list[Leaf]:
        """Arrays on the object whose names say that they are gradients."""
        if not isinstance(self.store, Attributes):
            return []
        taken = {*self.store.weights, *self.store.biases}
        found = [leaf for leaf in leaves(self.owner) if leaf[0] not in taken]
        return [leaf for leaf in found if any(isinstance(p, str) and OF_A_GRADIENT.search(p) for p in leaf[0])]

    # ------------------------------------------------------------------------------------------------- an update

    def _updates(self, w: Sequence[Array], b: Sequence[Array], data: Data) -> Claimed:
        """(before - after)/eta, for a small eta and for a large one where it can be set."""
        etas: Sequence[float | None] = ETAS if self.eta_at or "eta" in self.signature.roles else [None]
        claims = []
        for eta in etas:
            if self.layout in ALL_AT_ONCE or "batch" in self.signature.roles:
                claims.append(self._stepped(w, b, data, eta, None))
            else:
                parts = [self._stepped(w, b, data, eta, i) for i in range(len(data))]
                claims.append(summed(parts, len(data) if self.mean else 1))
        if len(claims) == 1:
            return claims[0]
        return agreed(*claims)

    def _stepped(self, w: Sequence[Array], b: Sequence[Array], data: Data, eta: float | None, i: int | None) -> Claimed:
        self.store.put(w, b)
        before = [[v.copy() for v in part] for part in self.store.take()]
        x, y = data.handed(self.layout, self.targets, i) if "batch" not in self.signature.roles else (None, None)
        used = self.eta_fixed if eta is None else eta
        if self.eta_at and eta is not None:
            put_at(*self.eta_at, eta)
        pairs = [data.handed(self.layout, self.targets, k) for k in range(len(data))]
        m = len(data) if i is None else 1
        self._called(x, y, eta, m, pairs)
        after = self.store.take()
        if all(np.array_equal(v, u) for p, q in zip(before, after, strict=True) for v, u in zip(p, q, strict=True)):
            raise Unfit(f"calling {self.name} changed no parameter")
        if not used:
            raise EtaUnknown(
                f"calling {self.name} changed the parameters, but by which eta is not known: --eta says it, 1 where there is none"
            )
        times = m if self.mean else 1
        return recovered(before, after, used, times)

    # ---------------------------------------------------------------------------------------------------- calling

    def _called(self, x: Any, y: Any, eta: float | None, m: int, pairs: Any = None) -> Any:
        values: dict[str, Any] = {"X": x, "Y": y, "epochs": 1, "batch_size": m, "quiet": False, "decay": 0.0, "batch": pairs}
        values["sigmas"] = list(self.sigmas)
        values["eta"] = eta if eta is not None else 1.0
        if isinstance(self.store, Arguments):
            values |= self.store.given
            shapes = self.store.storage.book(self.store.weights, self.store.biases)[0]
            sizes = [shapes[0].shape[1], *(v.shape[0] for v in shapes)]
        else:
            sizes = list(self.store.sizes)
        values["sizes"] = sizes
        counted = [name for name, role in self.signature.arguments if role == "size"]
        if len(counted) not in (0, len(sizes)):
            raise Unfit(f"{self.name} takes {len(counted)} sizes, the network has {len(sizes)} layers")
        values |= dict(zip(counted, sizes, strict=False))
        if self.forward:
            f, signature = self.forward
            positional, named = signature.bound(values)
            answer = f(*positional, **named)
            values |= _passed_on(answer, np.shape(y)) | dict(zip(returned_names(f), listed(answer), strict=False))
        positional, named = self.signature.bound(values)
        return self.f(*positional, **named)

    # ------------------------------------------------------------------------------------------------------ words

    def evidence(self) -> str:
        """One line: what was called and what came of it."""
        arguments = ", ".join(f"{n}=1" if role == "epochs" else n for n, role in self.signature.arguments)
        shown = f"{self.name}({arguments})"
        before = f" after {self.forward[0].__name__}" if self.forward else ""
        held = _listed(self.store.slots(), [v.shape for v in self.store.arrays()])
        if self.outlet == "update":
            eta = ", with an eta that we set" if "eta" in self.signature.roles else f", eta = {self.eta_fixed:g}"
            if self.eta_at:
                eta = f", with a {name_of(self.eta_at[1])} that we set"
            return f"{self.form} form: calling {shown} changed {held or 'its lists'}{eta}"
        if self.from_left and self.paths:
            return f"{self.form} form: calling {shown}{before} left {_and(list(dict.fromkeys(name_of(p) for p in self.paths)))}"
        return f"{self.form} form: {shown}{before} returned the gradient of {held or 'every parameter'}"

    def notes(self) -> list[str]:
        """What is not as in the book: storage, examples, targets."""
        said = [*self.store.notes()]
        if "batch" in self.signature.roles:
            said.append("examples as a list of pairs (x, y)")
        elif TIMES[self.layout]:
            said.append(TIMES[self.layout])
        return said + ([LABELS[self.targets]] if LABELS[self.targets] else [])


def summed(parts: Sequence[Claimed], m: int) -> Claimed:
    """The gradients of single examples as one, divided by m."""

    def total(pick: Callable[[Claimed], list[Array]]) -> list[Array]:
        return [sum(vs[1:], start=vs[0]) / m for vs in zip(*(pick(p) for p in parts), strict=True)]

    wrong = list(dict.fromkeys(text for p in parts for text in p.wrong))
    return Claimed(total(lambda p: p.w), total(lambda p: p.b), total(lambda p: p.extra_w), total(lambda p: p.extra_b), wrong)


Parameters = Sequence[Sequence[Array]]  # weights and biases


def recovered(before: Parameters, after: Parameters, eta: float, times: int) -> Claimed:
    """(before - after)/eta, and what that may be off by; times m where eta is divided by m."""
    pairs = list(zip(before, after, strict=True))
    w, b = ([(v - u) / eta for v, u in zip(p, q, strict=True)] for p, q in pairs)
    off_w, off_b = ([times * rounding(v, u) / eta for v, u in zip(p, q, strict=True)] for p, q in pairs)
    return Claimed(w, b, off_w, off_b)


def agreed(small: Claimed, large: Claimed) -> Claimed:
    """The gradient from a large eta, which is the sharper one; the other and a complaint, if they differ."""
    if (seen := _apart(small, large)) is None:
        return large
    small.wrong.append(
        f"the recovered gradient depends on eta: {seen} for eta = {ETAS[0]:g} and {ETAS[1]:g}; weights that are already "
        "updated, momentum, clipping or a second step do that"
    )
    return small


def rounding(before: Array, after: Array) -> Array:
    """What an update and the difference that recovers it may be off by, before the division by eta."""
    dtype = np.result_type(before, after)
    u = float(np.finfo(dtype).eps) / 2 if dtype.kind == "f" else 2.0**-53
    return np.asarray(ROUNDINGS * u * np.maximum(np.abs(before), np.abs(after)), np.float64)


def _apart(small: Claimed, large: Claimed) -> str | None:
    """Where two recovered gradients differ by more than both may be off, in words."""
    for p, q, e, f, letter in (
        (small.w, large.w, small.extra_w, large.extra_w, "w"),
        (small.b, large.b, small.extra_b, large.extra_b, "b"),
    ):
        for l, (g, h, of_g, of_h) in enumerate(zip(p, q, e, f, strict=True), start=2):
            over = np.abs(g - h) - of_g - of_h - 16 * np.finfo(g.dtype).eps * np.maximum(np.abs(g), np.abs(h))
            if not (over <= 0).all():
                i = np.unravel_index(int(np.nan_to_num(over, nan=np.inf).argmax()), over.shape)
                index = "".join(str(int(k) + 1) if max(over.shape) < 10 else f"_{int(k) + 1}" for k in i)
                return f"dC/d{letter}^{l}_{index} is {g[i]:.6g} and {h[i]:.6g}"
    return None


def _changed(kept: Sequence[Array], data: Sequence[Any], before: Any, after: Any) -> list[str]:
    names = [n for n, old, new in zip(("X", "Y"), kept, data, strict=True) if not np.array_equal(old, new)]
    for letter, p, q in zip("wb", before, after, strict=True):
        names += [f"{letter}[{l}]" for l, (v, u) in enumerate(zip(p, q, strict=True), start=2) if not np.array_equal(v, u)]
    return [f"the candidate changed its inputs: {', '.join(names)}; it must leave them as they are"] if names else []


def listed(answer: Any) -> list[Any]:
    """What was returned, one by one."""
    return list(answer) if isinstance(answer, tuple | list) else [answer]


def returned_names(f: Callable[..., Any]) -> list[str]:
    """The names in the last return statement of a function: Z1, A1, Z2, A2. None if it has no source, or no such names."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    except (OSError, TypeError, SyntaxError):
        return []
    returns = [n.value for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value is not None]
    names = returns[-1].elts if returns and isinstance(returns[-1], ast.Tuple | ast.List) else returns[-1:]
    return [n.id for n in names if isinstance(n, ast.Name)] if all(isinstance(n, ast.Name) for n in names) else []


def _passed_on(answer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """What a forward function returned, as the output and the cache."""
    if not isinstance(answer, tuple | list):
        return {"output": answer, "cache": answer}
    outputs = [v for v in answer if isinstance(v, np.ndarray) and v.ndim == 2]
    rest = [v for v in answer if not isinstance(v, np.ndarray)]
    output = next((v for v in outputs if v.shape == shape), outputs[-1] if outputs else None)
    return {"output": output, "cache": rest[0] if len(rest) == 1 else answer}


def described(answer: Any) -> str:
    """What came back, for an error."""
    found = [f"{name_of(p)} {v.shape}".strip() for p, v in leaves(answer)][:6]
    kind = "nothing" if answer is None else f"a {type(answer).__name__}"
    return kind + (f" with arrays {', '.join(found)}" if found else "")


def _listed(slots: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> str:
    """The parameters by name with their shapes, the members of a list together: weights (5, 3) (4, 5)."""
    by_name: dict[str, list[str]] = {}
    for slot, shape in zip(slots, shapes, strict=True):
        by_name.setdefault(slot.partition("[")[0], []).append(str(shape))
    return _and([f"{name} {' '.join(found)}" for name, found in by_name.items()]) if all(slots) else ""


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def learning_rate(owner: Any, module: Any) -> tuple[tuple[Any, Path] | None, float | None]:
    """(where eta can be set, its value): an attribute of the object, or a global of the module."""
    for holder in (owner, module):
        named = [
            (name, value)
            for name, value in list(getattr(holder, "__dict__", {}).items())
            if isinstance(value, int | float) and not isinstance(value, bool) and is_role(name, "eta")
        ]
        for name, value in sorted(named, key=lambda n: not SURELY_ETA.fullmatch(n[0])):  # alpha may be the slope of a relu
            return (holder, (name,)), float(value)
    return None, None


def one_step(owner: Any) -> list[str]:
    """Set the numbers of epochs that stand on an object to 1, and say which."""
    said = []
    for name, value in list(getattr(owner, "__dict__", {}).items()):
        if isinstance(value, int) and not isinstance(value, bool) and value > 1 and is_role(name, "epochs"):
            setattr(owner, name, 1)
            said.append(f"{name} was {value}; it is called with {name} = 1")
    return said
