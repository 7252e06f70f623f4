"""A list of layer objects with forward(x) and backward(grad): run one after another, and back."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...activations import activation
from ...costs import cost
from .calls import ETAS, TIMES, Claimed, Data, Unfit, agreed, described, recovered
from .harvest import OF_A_GRADIENT, Leaf, Path, leaves, match, name_of, shared
from .roles import is_role, parameters
from .stores import Attributes

Array = NDArray[Any]
FORWARD = ("forward", "forward_propagation", "forward_pass", "forward_prop", "feed_forward", "feedforward")
BACKWARD = ("backward", "backward_propagation", "backward_pass", "backward_prop", "backprop", "back_propagation")


@dataclass
class LayerCall:
    """backward is fed nabla_a C of the declared cost, divided by m for the mean; delta^L, if the last layer gives out z^L.

    layers    the objects, in order
    """

    layers: Sequence[Any]
    store: Attributes
    cost: str
    mean: bool
    name: str = "layer"
    layout: str = "rows"
    targets: str = "vectors"
    paths: list[Path] | None = None
    returned: bool = False
    from_z: bool = False
    form: str = "layers"
    outlet: str = "left"
    roles: Sequence[str] = ()

    @property
    def updates(self) -> bool:
        """True if backward takes a learning rate, and changes the weights itself."""
        taken = parameters(method(self.layers[0], BACKWARD))
        return len(taken) > 1 and is_role(taken[1].name, "eta") and taken[1].default is inspect.Parameter.empty

    def __call__(self, w: Sequence[Array], b: Sequence[Array], data: Data) -> Claimed:
        """The claimed gradient at these parameters, in the book's storage."""
        if not self.updates:
            return self._run(w, b, data, 1.0)
        return agreed(*(self._run(w, b, data, eta) for eta in ETAS))

    def _run(self, w: Sequence[Array], b: Sequence[Array], data: Data, eta: float) -> Claimed:
        self.store.put(w, b)
        columns = self.layout == "columns"
        a: Any = data.X.T.copy() if columns else data.X.copy()
        for layer in self.layers:
            a = method(layer, FORWARD)(a)
        a = np.asarray(a)
        if a.shape != (data.Y.T if columns else data.Y).shape:
            raise Unfit(f"forward gave out shape {a.shape}, the desired outputs have {data.Y.shape}")
        grad = self._fed(w, b, a if columns else a.T, data) / (len(data) if self.mean else 1)
        grad = grad if columns else np.ascontiguousarray(grad.T)
        found: list[Leaf] = []
        for i, layer in reversed(list(enumerate(self.layers))):
            answer = method(layer, BACKWARD)(*((grad, eta) if self.updates else (grad,)))
            if isinstance(answer, tuple | list):
                found += list(leaves(answer[1:], (i, "returned")))
                answer = answer[0]
            grad = answer
        if self.updates:
            return recovered((w, b), self.store.take(), eta, len(data) if self.mean else 1)
        return self._harvested(found)

    def rebuilt(self, new: Any) -> None:
        """Go on with layers that were built with other sizes."""
        self.layers = list(layers_of(new))
        self.store.resize(self.layers)

    def _fed(self, w: Sequence[Array], b: Sequence[Array], a: Array, data: Data) -> Array:
        """nabla_a C in columns, or delta^L where a is z^L."""
        c, sigma, y = cost(self.cost), activation(data.sigmas[-1]), data.Y.T
        v = data.X.T
        for l, (wl, bl) in enumerate(zip(w, b or [np.zeros(len(v)) for v in w], strict=True)):
            z = wl @ v + bl[:, None]
            v = activation(data.sigmas[l]).sigma(z)
        self.from_z = sigma.name != "linear" and np.abs(a - z).max() < np.abs(a - v).max()
        if not self.from_z:
            return np.asarray(c.nabla_a_C(a, y))
        if pair := c.pair(sigma):
            return np.asarray(pair.delta_L(z, y))
        return np.asarray(c.nabla_a_C(v, y) * sigma.sigma_prime(z))

    def _harvested(self, returned: list[Leaf]) -> Claimed:
        store, n = self.store, len(self.store.weights)
        is_bias = [False] * n + [True] * len(store.biases)
        taken = {*store.weights, *store.biases}
        left = [f for f in leaves(self.layers) if f[0] not in taken]
        left = [f for f in left if any(isinstance(p, str) and OF_A_GRADIENT.search(p) for p in f[0])]
        for found in (returned, left) if not self.paths else (returned if self.returned else left,):
            paths = self.paths or match(sorted(found, key=lambda f: f[0][0]), store.slots(), store.arrays(), is_bias)
            if paths:
                self.paths, self.returned = paths, found is returned
                got = [np.array(v) for v in (dict(found)[p] for p in paths)]
                return Claimed(*store.storage.book(got[:n], got[n:]), wrong=shared([dict(found)[p] for p in paths], []))
        raise Unfit(f"after backward, not every parameter has a gradient: the layers hold {described(dict(left))}")

    def evidence(self) -> str:
        """One line: what was called and what came of it."""
        kinds = " ".join(dict.fromkeys(type(layer).__name__ for layer in self.layers))
        names = list(dict.fromkeys(name_of(p) for p in self.paths or []))
        how = "returned" if self.returned else "left"
        what = "changed their weights, with an eta that we set" if self.updates else f"{how} {', '.join(names)}"
        two = " and ".join(method(self.layers[0], known).__name__ for known in (FORWARD, BACKWARD))
        return f"layers form: {len(self.layers)} objects ({kinds}) with {two}, which {what}"

    def notes(self) -> list[str]:
        """What is not as in the book."""
        fed = "delta^L, since the last layer gives out z^L" if self.from_z else "nabla_a C of the declared cost"
        said = [*self.store.notes(), *([TIMES[self.layout]] if TIMES[self.layout] else [])]
        return [*said, f"backward is fed {fed}" + (", divided by m" if self.mean else "")]


def method(layer: Any, known: Sequence[str]) -> Any:
    """The first of these methods that a layer has, or None."""
    return next((f for name in known if callable(f := getattr(layer, name, None))), None)


def layers_of(value: Any) -> Sequence[Any]:
    """The layer objects of a list, or of an object that holds such a list; none if it is something else."""
    holders = [value, *(getattr(value, "__dict__", {}).values())]
    for held in holders:
        if isinstance(held, list | tuple) and held and all(method(v, FORWARD) and method(v, BACKWARD) for v in held):
            return held
    return ()
