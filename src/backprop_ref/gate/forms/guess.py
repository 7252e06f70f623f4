"""Which ways of calling a candidate run, and give back a gradient of the right shapes. The gate then picks one of them."""

import contextlib
import inspect
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calls import ALL_AT_ONCE, ONE_BY_ONE, Call, Claimed, Data, EtaUnknown, Unfit, learning_rate
from .layers import LayerCall, layers_of
from .roles import STORES, Signature, is_role, parameters, signatures
from .storage import storages
from .stores import Arguments, Attributes, on_object

Array = NDArray[Any]
GRADIENTS = re.compile(r"back|grad|nabla|loss|cost|deriv", re.I)
UPDATES = re.compile(r"train|fit|update|step|learn|sgd|optimi|adjust|epoch", re.I)
FORWARDS = re.compile(r"forward|feed|propagat|predict|evaluate|output|run|activate", re.I)
PREFIXES = (("W", "b", 1), ("w", "b", 1), ("W", "b", 0), ("W", "b", 2), ("theta", "b", 1), ("Theta", "b", 1))
FLAT_ORDERS = ("layers", "parts", "biases first")
ENOUGH, LONGEST = 32, 20.0  # ways that run; seconds of looking for them


@dataclass(frozen=True)
class Limits:
    """What the user says about the candidate: None where nothing is said.

    declared   True if it was said whether there are biases
    """

    form: str | None = None
    biases: bool | None = None
    declared: bool = True
    batch: int | None = None
    eta: float | None = None
    cost: str = "quadratic"
    mean: bool = True


@dataclass
class Found:
    """The ways that ran, each with its gradient at the probe; and why the others did not."""

    ways: list[tuple[Call | LayerCall, Claimed]] = field(default_factory=list)
    failed: list[tuple[str, BaseException]] = field(default_factory=list)

    def nearest(self) -> tuple[str, BaseException] | None:
        """(the form, what happened) of the try that came furthest: what ran and did not fit, before what raised."""

        def far(failed: tuple[str, BaseException]) -> tuple[bool, bool, bool]:
            error = failed[1]
            return isinstance(error, EtaUnknown), isinstance(error, Unfit), not isinstance(error, TypeError)

        return max(self.failed, key=far, default=None)


def guess(
    target: Any, module: Any, limits: Limits, w: Sequence[Array], b: Sequence[Array], data: Data, protect: Callable[..., Any]
) -> Found:
    """Try the ways of calling the target, likeliest first. protect(f, ...) runs f as a candidate's code must be run."""
    found, start = Found(), time.monotonic()
    best: list[int] = []
    for rank, way in _ways(target, module, limits, w, data):
        if best and rank > best[0]:
            break  # an update is called for only where no gradient comes out
        if len(found.ways) >= ENOUGH or time.monotonic() - start > LONGEST:
            break
        if limits.form not in (None, way.form) or (limits.form is None and _repeats(found, way)):
            continue
        try:
            claim = protect(way, w, b, data)
            _require_shapes(claim, w, b)
        except BaseException as error:  # SystemExit too
            found.failed.append((way.form, error))
            continue
        best.append(rank)
        if not any(_same(claim, other) for _, other in found.ways):
            found.ways.append((way, claim))
    return found


def _repeats(found: Found, way: Call | LayerCall) -> bool:
    """True for another method than the one that ran, and for one that would run forward first without need."""
    return any(
        isinstance(other, Call)
        and isinstance(way, Call)
        and (other.name != way.name or (way.forward is not None and other.forward is None))
        for other, _ in found.ways
    )


def _same(p: Claimed, q: Claimed) -> bool:
    return all(np.array_equal(v, u, equal_nan=True) for v, u in zip([*p.w, *p.b], [*q.w, *q.b], strict=True))


def _require_shapes(claim: Claimed, w: Sequence[Array], b: Sequence[Array]) -> None:
    for letter, got, wanted in (("w", claim.w, w), ("b", claim.b, b)):
        if [v.shape for v in got] != [v.shape for v in wanted]:
            raise Unfit(f"nabla_{letter} has shapes {[v.shape for v in got]}; the network has {[v.shape for v in wanted]}")


def _ways(target: Any, module: Any, limits: Limits, w: Sequence[Array], data: Data) -> Iterator[tuple[int, Call | LayerCall]]:
    layers = layers_of(target)
    if layers:
        for store in on_object(list(layers), limits.biases):
            for layout in ("rows", "columns"):
                yield 0, LayerCall(layers, store, limits.cost, limits.mean, layout=layout)
    if inspect.isroutine(target) and not inspect.ismethod(target):
        yield from _of_function(target, module, limits, w, data)
    else:
        yield from _of_object(target, module, limits, w, data)


# ------------------------------------------------------------------------------------------------------------ functions


def _of_function(f: Any, module: Any, limits: Limits, w: Sequence[Array], data: Data) -> Iterator[tuple[int, Call]]:
    eta_at, eta = learning_rate(None, module)
    for rank, (outlet, layouts) in enumerate(_kinds(limits)):
        for signature, forward in _with_forward(f, _functions(module), limits):
            holder = max([signature, *([forward[1]] if forward else [])], key=lambda s: sum(r in STORES for r in s.roles))
            for store in _arguments(holder, limits, len(w)):
                for layout, targets in _data_ways(signature, layouts, w, data):
                    yield rank, Call(
                        f, f.__name__, signature, store, layout, targets, outlet, None, forward,
                        None if limits.eta or "eta" in signature.roles else eta_at, limits.eta or eta, limits.mean,
                    )  # fmt: skip


def _with_forward(
    f: Any, others: Sequence[Any], limits: Limits, own: bool = False
) -> Iterator[tuple[Signature, tuple[Any, Signature] | None]]:
    """The readings of f, each with the forward pass whose results it is given, where it needs one."""
    for signature in signatures(f):
        needs = bool({"output", "cache", "passed"} & set(signature.roles))
        has_store = own or bool(set(signature.roles) & set(STORES))
        if not needs and has_store and ("X" in signature.roles or "batch" in signature.roles):
            yield signature, None
        if not needs and not own:
            continue
        for g in others:
            if g is f or not FORWARDS.search(g.__name__) or GRADIENTS.search(g.__name__):
                continue
            for before in signatures(g):
                known = "X" in before.roles and not {"output", "cache", "passed", "Y"} & set(before.roles)
                if known and (own or has_store or set(before.roles) & set(STORES)):
                    yield signature, (g, before)


def _functions(module: Any) -> list[Any]:
    return [v for v in vars(module).values() if inspect.isfunction(v)]


def _arguments(signature: Signature, limits: Limits, n: int) -> Iterator[Arguments]:
    biases = limits.biases is not False
    roles = signature.roles
    if "biases" in roles and not biases and not limits.declared:
        return
    if ("weights" in roles or "params" in roles) and "biases" in roles:
        yield from (Arguments("lists", s) for s in storages(biases, False))
        return
    if "params" in roles:
        for (letter, of_b, start), storage in product(PREFIXES, storages(biases, False)):
            yield Arguments("dict", storage, prefix=(letter, of_b), start=start)
        if biases:
            kinds = ("pairs", "interleaved") if n > 1 else ("pairs",)  # [w, b] of one layer would run as two layers
            yield from (Arguments(kind, s) for kind in kinds for s in storages(True, False))
    if "weights" in roles or "params" in roles:
        without = storages(biases, True, separate=False) if biases else storages(False, False)
        yield from (Arguments("lists", s) for s in without)
    if "flat" in roles:
        for storage in storages(biases, True):
            if storage.bias in ("column", "row"):
                continue  # the same numbers in one vector
            for order in FLAT_ORDERS if storage.bias == "flat" else FLAT_ORDERS[:1]:
                yield Arguments("flat", storage, flat_order=order)
    names = [name for name, role in signature.arguments if role == "array"]
    if len(names) == 2 * n:
        yield from (Arguments("arrays", s, names) for s in storages(True, False))
    elif len(names) == n:
        yield from (Arguments("arrays", s, names) for s in [*storages(False, False), *storages(True, True, separate=False)])


def _kinds(limits: Limits) -> list[tuple[str, Sequence[str]]]:
    """(outlet, layouts), the likeliest first: what takes a whole batch is judged by whole batches."""
    together = [ALL_AT_ONCE, ONE_BY_ONE] if limits.batch != 1 else [ONE_BY_ONE, ALL_AT_ONCE]
    return [(outlet, layouts) for outlet in ("returned", "update") for layouts in together]


def _data_ways(signature: Signature, layouts: Sequence[str], w: Sequence[Array], data: Data) -> list[tuple[str, str]]:
    """(layout, targets) to try, the likeliest first."""
    if "batch" in signature.roles:
        layouts = ("column", "vector", "row")
    targets = ["vectors"]
    if len(w[-1]) == 1:
        targets.append("flat")
    if data.labels is not None:
        targets += ["labels", "labels from 1"]
    return [(layout, t) for t in targets for layout in layouts]


# -------------------------------------------------------------------------------------------------------------- objects


def _of_object(target: Any, module: Any, limits: Limits, w: Sequence[Array], data: Data) -> Iterator[tuple[int, Call]]:
    owner, methods = target, _methods(target)
    if inspect.ismethod(target):
        owner, methods = target.__self__, [target]
    stores = [s for s in on_object(owner, limits.biases) if _fits(s, w)]
    eta_at, eta = learning_rate(owner, module)
    for rank, (outlet, layouts) in enumerate(_kinds(limits)):
        for f in methods:
            if not inspect.ismethod(target) and not (UPDATES if outlet == "update" else GRADIENTS).search(f.__name__):
                continue
            for signature, forward in _with_forward(f, _methods(owner), limits, own=True):
                for store in stores:
                    for layout, targets in _data_ways(signature, layouts, w, data):
                        yield rank, Call(
                            f, f.__name__, signature, store, layout, targets, outlet, owner, forward,
                            None if limits.eta or "eta" in signature.roles else eta_at, limits.eta or eta, limits.mean,
                        )  # fmt: skip


def _fits(store: Attributes, w: Sequence[Array]) -> bool:
    return store.sizes == (w[0].shape[1], *(len(v) for v in w))


def _methods(owner: Any) -> list[Any]:
    """The methods of an object that may be asked for a gradient, or may change its weights, or run it forward."""
    found = []
    for name in dir(type(owner)):
        if name.startswith("__") or not (GRADIENTS.search(name) or UPDATES.search(name) or FORWARDS.search(name)):
            continue
        f = getattr(owner, name, None)
        if inspect.ismethod(f) and parameters(f):
            found.append(f)
    return sorted(found, key=_order)


def _order(f: Any) -> tuple[int, int]:
    """A method's place: backprop and gradient before loss; update_mini_batch and train_step before train and fit."""
    name = f.__name__.lower()
    words = (
        "backprop",
        "backward",
        "back",
        "gradient",
        "grad",
        "loss",
        "cost",
        "step",
        "update",
        "batch",
        "train",
        "learn",
        "fit",
    )
    return next((i for i, word in enumerate(words) if word in name), len(words)), len(name)


def give(owner: Any, w: Sequence[Array], b: Sequence[Array]) -> None:
    """An object without arrays is given the book's: weights, biases as columns, sizes and num_layers."""
    sizes = [w[0].shape[1], *(len(v) for v in w)]
    values = {"sizes": sizes, "num_layers": len(sizes), "weights": [v.copy() for v in w]}
    values |= {"biases": [v.reshape(-1, 1).copy() for v in b]} if b else {}
    for name, value in values.items():
        with contextlib.suppress(AttributeError, TypeError):  # __slots__, a property
            setattr(owner, name, value)


def is_list_form(target: Any) -> bool:
    """True for a function of weights, biases, X and Y, in this order."""
    if not inspect.isroutine(target) or inspect.ismethod(target):
        return False
    return any(s.roles == ["weights", "biases", "X", "Y"] for s in signatures(target))


def sizes_of(target: Any, biases: bool | None) -> list[tuple[tuple[int, ...], bool, str]]:
    """(sizes, has biases, dtype) that an object's arrays can be; none for a function."""
    if inspect.isroutine(target) and not inspect.ismethod(target):
        return []
    layers = layers_of(target)
    owner = list(layers) if layers else target.__self__ if inspect.ismethod(target) else target
    found = {(s.sizes, bool(s.biases) or s.storage.folded, s.dtype): None for s in on_object(owner, biases)}
    return list(found)


__all__ = ["Found", "Limits", "guess", "is_role", "sizes_of"]
