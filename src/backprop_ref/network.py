"""The network: weights, biases, an activation function for each layer, one cost. Layers are numbered 1..L.

w[l]      (n_l, n_(l-1)): w[l][j - 1, k - 1] is w^l_jk, from neuron k of layer l - 1 to neuron j of layer l; l = 2..L
b[l]      (n_l,)
sigma[l]  the Activation of layer l
n[l]      the number of neurons of layer l = 1..L
"""

import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import activations, costs
from .activations import ACTIVATIONS, Activation
from .costs import COSTS, Cost, Pair
from .errors import BackpropRefError, DtypeError, FileRefused, ShapeError, UnknownName, ValueRefused
from .gradient import frozen

Array = NDArray[Any]
FORMAT = "backprop_ref network 1"


@dataclass(frozen=True, eq=False)
class Network:
    """A fully connected network, frozen; its arrays are read-only copies of what it was made from.

    Make one with Network.random, Network.from_arrays or Network.load. All arrays are float64, or all float32; a
    float32 network stands for its exact values. A network without biases has has_biases = False and zeros in b.
    """

    w: Mapping[int, Array]
    b: Mapping[int, Array]
    sigma: Mapping[int, Activation]
    cost: Cost
    has_biases: bool = True
    n: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        n = {1: self.w[2].shape[1]} | {l: len(v) for l, v in self.w.items()}
        for name, value in {"w": self.w, "b": self.b, "sigma": self.sigma, "n": n}.items():
            object.__setattr__(self, name, MappingProxyType(dict(value)))

    @classmethod
    def random(
        cls,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "sigmoid",
        cost: str | Cost = "quadratic",
        seed: int = 0,
    ) -> "Network":
        """Gaussian weights of standard deviation 1/sqrt(n_(l-1)), Gaussian biases of standard deviation 1.

        sizes: n_1, ..., n_L. activation: one for all layers, or one each for layers 2..L. Raises ShapeError, ValueRefused.

        >>> Network.random([3, 4, 2], seed=7).w[3].shape
        (2, 4)
        """
        sizes = _sizes(sizes)
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueRefused(f"seed={seed!r} was given; pass a whole number, at least 0.")
        rng = np.random.default_rng(seed)
        w = [rng.standard_normal((n, k)) / np.sqrt(k) for k, n in pairwise(sizes)]
        return cls.from_arrays(w, [rng.standard_normal(n) for n in sizes[1:]], activation, cost)

    @classmethod
    def from_arrays(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike] | None,
        activations: str | Activation | Sequence[str | Activation] = "sigmoid",
        cost: str | Cost = "quadratic",
    ) -> "Network":
        """From lists for layers 2..L: weights (n_l, n_(l-1)), biases (n_l,). They are copied.

        biases=None: a network without biases, which then are no parameters. activations: one for all layers, or one
        each. Raises ShapeError, DtypeError (anything but float64 or float32), ValueRefused (NaN, infinity), UnknownName.
        """
        if len(weights) == 0:
            raise ShapeError("No weights were given: a network needs at least two layers. Pass weights for layers 2..L.")
        w = {l: _parameter(f"w[{l}]", v, 2) for l, v in enumerate(weights, start=2)}
        dtypes = {v.dtype for v in w.values()}
        if biases is None:
            b = {l: np.zeros(len(v), v.dtype) for l, v in w.items()}
        elif len(biases) != len(weights):
            raise ShapeError(
                f"{len(weights)} weight arrays but {len(biases)} bias arrays were given; pass one of each for layers "
                f"2..{len(weights) + 1}, or biases=None for a network without biases."
            )
        else:
            b = {l: _parameter(f"b[{l}]", v, 1) for l, v in enumerate(biases, start=2)}
            dtypes |= {v.dtype for v in b.values()}
        if len(dtypes) > 1:
            raise DtypeError(
                "Weights and biases mix float64 and float32; convert them all with .astype(np.float64) or .astype(np.float32)."
            )
        for l, v in w.items():
            if l > 2 and v.shape[1] != len(w[l - 1]):
                raise ShapeError(
                    f"w[{l}] has shape {v.shape}, but layer {l - 1} has {len(w[l - 1])} neurons (w[{l - 1}] has shape "
                    f"{w[l - 1].shape}). w[{l}] must have shape (n_{l}, {len(w[l - 1])}): one row for each neuron of layer {l}."
                )
            if b[l].shape != (len(v),):
                raise ShapeError(f"b[{l}] has shape {b[l].shape}, but layer {l} has {len(v)} neurons: pass shape ({len(v)},).")
        return cls(w, b, _sigmas(activations, len(w) + 1), costs.cost(cost), biases is not None)

    @property
    def L(self) -> int:
        """The number of layers, the input layer included."""
        return len(self.n)

    @property
    def layers(self) -> range:
        """2..L, the layers that have weights."""
        return range(2, self.L + 1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """(n_1, ..., n_L)."""
        return tuple(self.n.values())

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32."""
        return self.w[2].dtype

    @property
    def parameters(self) -> int:
        """How many weights and biases there are."""
        return sum(v.size + (len(v) if self.has_biases else 0) for v in self.w.values())

    def with_cost(self, cost: str | Cost) -> "Network":
        """The same network with another cost."""
        return replace(self, cost=costs.cost(cost))

    def astype(self, dtype: Any) -> "Network":
        """The same network with its parameters rounded to float64 or float32."""
        with np.errstate(over="ignore"):  # from_arrays refuses what became infinite
            w = [v.astype(dtype) for v in self.w.values()]
            b = [v.astype(dtype) for v in self.b.values()] if self.has_biases else None
        return Network.from_arrays(w, b, list(self.sigma.values()), self.cost)

    def __repr__(self) -> str:
        names = [s.name for s in self.sigma.values()]
        named = names[0] if len(set(names)) == 1 else " ".join(names)
        biases = "" if self.has_biases else ", no biases"
        return f"Network({'-'.join(map(str, self.sizes))}, {named}, {self.cost.name}, {self.dtype}{biases})"

    # ------------------------------------------------------------------------------------------------- examples

    def example(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """One example as read-only arrays (n_1,) and (n_L,); y may be an integer class label. Raises as batch does."""
        x = self.input(x)
        if _are_labels(y, 0):
            y = self._one_hot("y", np.asarray(y)[None])[0]
        y = self._fitting("y", y)
        if y.shape != (self.n[self.L],):
            raise ShapeError(
                f"y has shape {y.shape}, but layer {self.L} of this network has {self.n[self.L]} neurons (sizes "
                f"{self.sizes}). Pass the desired outputs of one example as shape ({self.n[self.L]},)."
            )
        self._require_targets("y", y)
        return frozen(x), frozen(y)

    def batch(self, X: ArrayLike, Y: ArrayLike) -> tuple[Array, Array]:
        """A mini-batch as read-only arrays (m, n_1) and (m, n_L); Y may be integer class labels of shape (m,).

        Raises ShapeError, DtypeError (integers, objects), ValueRefused (NaN, infinity, no examples, a target that the
        cost has no meaning for).
        """
        X, n_L = self.inputs(X), self.n[self.L]
        if _are_labels(Y, 1):
            Y = self._one_hot("Y", np.asarray(Y))
        Y = self._fitting("Y", Y)
        if Y.shape != (len(X), n_L):
            turned = " It looks like outputs x examples: pass Y.T." if Y.shape == (n_L, len(X)) else ""
            labels = f", or as {len(X)} integer class labels" if n_L > 1 else ""
            raise ShapeError(
                f"Y has shape {Y.shape}, but X has {len(X)} examples and layer {self.L} of this network has {n_L} "
                f"neurons (sizes {self.sizes}). Pass Y as shape ({len(X)}, {n_L}){labels}.{turned}"
            )
        self._require_targets("Y", Y)
        return X, frozen(Y)

    def input(self, x: ArrayLike) -> Array:
        """The inputs of one example as a read-only array (n_1,). Raises as batch does."""
        x = self._fitting("x", x)
        if x.shape != (self.n[1],):
            raise ShapeError(
                f"x has shape {x.shape}, but layer 1 of this network has {self.n[1]} neurons (sizes {self.sizes}). "
                f"Pass one example as shape ({self.n[1]},), or a mini-batch as (m, {self.n[1]}) to matrix.backprop_batch."
            )
        return frozen(x)

    def inputs(self, X: ArrayLike) -> Array:
        """The inputs of a mini-batch as a read-only array (m, n_1). Raises as batch does."""
        X, n_1 = self._fitting("X", X), self.n[1]
        if X.ndim != 2 or X.shape[1] != n_1:
            turned = " It looks like features x examples: pass X.T." if X.ndim == 2 and X.shape[0] == n_1 else ""
            raise ShapeError(
                f"X has shape {X.shape}, but layer 1 of this network has {n_1} neurons (sizes {self.sizes}). "
                f"Pass a mini-batch of m examples as shape (m, {n_1}).{turned}"
            )
        if len(X) == 0:
            raise ValueRefused(f"X has shape {X.shape}: a mini-batch needs at least one example.")
        return frozen(X)

    def _fitting(self, name: str, value: ArrayLike) -> Array:
        v = _floating(name, value)
        if v.size and np.abs(v).max() > np.finfo(self.dtype).max:
            raise ValueRefused(
                f"{name} reaches {np.abs(v).max():g}, which is infinite in {self.dtype}, the dtype of this network. "
                f"Rescale {name}, or use network.astype(np.float64)."
            )
        return v

    def _one_hot(self, name: str, labels: Array) -> Array:
        n_L = self.n[self.L]
        if n_L == 1:
            raise ValueRefused(
                f"{name} holds integers, but layer {self.L} has 1 neuron: a class label, or a desired output? Pass desired "
                f"outputs as floats{' of shape (m, 1)' if name == 'Y' else ' of shape (1,)'}; class labels need two classes."
            )
        if labels.min() < 0 or labels.max() >= n_L:
            raise ValueRefused(
                f"{name} holds class labels from {labels.min()} to {labels.max()}, but layer {self.L} has {n_L} neurons: "
                f"labels must lie in 0..{n_L - 1}. Desired outputs must be floats."
            )
        return np.eye(n_L)[labels.astype(np.intp)]

    def _require_targets(self, name: str, y: Array) -> None:
        if self.cost.targets and not (self.cost.targets[0] <= y.min() and y.max() <= self.cost.targets[1]):
            low, high = self.cost.targets
            raise ValueRefused(
                f"{name} ranges from {y.min():g} to {y.max():g}, but {self.cost.name} is defined for targets in "
                f"[{low:g}, {high:g}] only. Rescale {name}, or choose another cost, such as quadratic."
            )

    # -------------------------------------------------------------------------------------------- plain numbers

    def over(self, kind: Callable[[float], Any] = float) -> "Numbered":
        """The numbered view: dicts keyed by the book's numbers, holding plain numbers of one kind (Fraction, complex ...)."""
        w = {l: {(j + 1, k + 1): kind(float(v)) for (j, k), v in np.ndenumerate(self.w[l])} for l in self.layers}
        b = {l: {j + 1: kind(float(v)) for (j,), v in np.ndenumerate(self.b[l])} for l in self.layers}
        return Numbered(self, kind, w, b)

    # ---------------------------------------------------------------------------------------------------- files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a .npz file. Either the whole file is there afterwards, or nothing has changed.

        Activations and costs are stored by name; give your own again to load(). Raises FileRefused, and ValueRefused if
        one of your own bears the name of one of ours.
        """
        mine = [s.name for s in self.sigma.values() if ACTIVATIONS.get(s.name, s) is not s]
        mine += [self.cost.name] if COSTS.get(self.cost.name, self.cost) is not self.cost else []
        if mine:
            raise ValueRefused(
                f"Your own function bears the name of one of ours, {mine[0]!r}, and a file keeps only its name: load() would "
                "take the wrong one. Give yours another name."
            )
        path = Path(path)
        arrays = {f"w{l}": v for l, v in self.w.items()} | ({f"b{l}": v for l, v in self.b.items()} if self.has_biases else {})
        data = io.BytesIO()
        np.savez(
            data,
            format=np.array(FORMAT),
            activations=np.array([s.name for s in self.sigma.values()]),
            cost=np.array(self.cost.name),
            **arrays,  # type: ignore[arg-type]
        )
        scratch = None
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
                scratch = file.name
                file.write(data.getvalue())
                file.flush()
                os.fsync(file.fileno())
            os.chmod(scratch, 0o666 & ~_umask())
            os.replace(scratch, path)
            scratch = None
        except OSError as error:
            raise FileRefused(f"The network could not be written to {path}: {error.strerror or error}.") from error
        finally:
            if scratch:
                Path(scratch).unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str], own: Iterable[Activation | Cost] = ()) -> "Network":
        """Read a network that save() wrote; never unpickles. own: your Activation and Cost objects that it names.

        Raises FileRefused if the file is missing, damaged or of another kind, UnknownName for a function of yours.
        """
        own = tuple(own)
        sigmas = dict(ACTIVATIONS) | {s.name: s for s in own if isinstance(s, Activation)}
        known_costs = dict(COSTS) | {c.name: c for c in own if isinstance(c, Cost)}
        try:
            with open(path, "rb") as stream:
                names, cost, w, b = _read(stream)
        except OSError as error:
            raise FileRefused(f"{path} could not be read: {error.strerror or error}.") from error
        except Exception as error:  # a damaged archive can make zipfile raise anything
            raise FileRefused(
                f"{path} is not a network file, or is damaged ({error}). Network.load reads files that Network.save wrote."
            ) from error
        for name in names:
            if name not in sigmas:
                raise UnknownName("activation", name, sigmas)
        if cost not in known_costs:
            raise UnknownName("cost", cost, known_costs)
        try:
            return cls.from_arrays(w, b, [sigmas[name] for name in names], known_costs[cost])
        except BackpropRefError as error:
            raise FileRefused(f"{path} does not hold a network: {error}") from error


@dataclass(frozen=True, eq=False)
class Numbered:
    """A network as dicts keyed by the book's numbers: w[l][j, k] is w^l_jk, b[l][j] is b^l_j, plain numbers of one kind.

    sigma[l], sigma_prime[l]  on one such number; of softmax, on the list of them (sigma_prime: the Jacobian, as lists)
    cost                      (C_x, nabla_a C_x) on lists (a, y)
    pair                      the Pair of costs.py for the last layer, or None
    """

    network: Network
    kind: Callable[[float], Any]
    w: Mapping[int, Mapping[tuple[int, int], Any]]
    b: Mapping[int, Mapping[int, Any]]
    L: int = field(init=False)
    layers: range = field(init=False)
    sizes: tuple[int, ...] = field(init=False)
    has_biases: bool = field(init=False)
    elementwise: Mapping[int, bool] = field(init=False)
    pair: Pair | None = field(init=False)

    def __post_init__(self) -> None:
        network = self.network
        for name in ("L", "layers", "sizes", "has_biases"):
            object.__setattr__(self, name, getattr(network, name))
        object.__setattr__(self, "elementwise", {l: s.elementwise for l, s in network.sigma.items()})
        object.__setattr__(self, "pair", network.cost.pair(network.sigma[network.L]))

    def neurons(self, l: int) -> range:
        """1..n_l."""
        return range(1, self.network.n[l] + 1)

    @property
    def sigma(self) -> dict[int, Callable[[Any], Any]]:
        """sigma[l] on plain numbers. Raises FormMissing."""
        return {l: s.on_plain(self._type)[0] for l, s in self.network.sigma.items()}

    @property
    def sigma_prime(self) -> dict[int, Callable[[Any], Any]]:
        """sigma_prime[l] on plain numbers. Raises FormMissing."""
        return {l: s.on_plain(self._type)[1] for l, s in self.network.sigma.items()}

    @property
    def cost(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """(C_x, nabla_a C_x) on lists of plain numbers. Raises FormMissing."""
        return self.network.cost.on_plain(self._type)

    @property
    def _type(self) -> type:
        return self.kind if isinstance(self.kind, type) else type(self.kind(0.0))

    def numbered(self, values: Iterable[Any]) -> dict[int, Any]:
        """A sequence as a dict keyed 1, 2, ...; floats become numbers of this kind."""
        return {j: self.kind(float(v)) if isinstance(v, float | np.floating) else v for j, v in enumerate(values, start=1)}


def divisor(reduction: str, m: int) -> int:
    """What a sum over m examples is divided by: m for "mean" (the chapter), 1 for "sum". Raises ValueRefused."""
    if reduction not in ("mean", "sum"):
        raise ValueRefused(f"reduction={reduction!r} was given; pass 'mean', as in the chapter, or 'sum'.")
    return m if reduction == "mean" else 1


def _read(stream: BinaryIO) -> tuple[list[str], str, list[Array], list[Array] | None]:
    """(activations, cost, weights, biases) of a network file. Raises whatever a damaged one makes zipfile raise."""
    if not zipfile.is_zipfile(stream):
        raise ValueError("it is not a .npz archive")
    stream.seek(0)
    with np.load(stream, allow_pickle=False) as file:
        data = dict(file)
    if str(data.get("format")) != FORMAT:
        raise ValueError(f"it does not say {FORMAT!r}")
    names = [str(s) for s in data["activations"]]
    layers = range(2, len(names) + 2)
    b = [data[f"b{l}"] for l in layers] if "b2" in data else None
    return names, str(data["cost"]), [data[f"w{l}"] for l in layers], b


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _are_labels(y: ArrayLike, ndim: int) -> bool:
    try:
        array = np.asarray(y)
    except ValueError:  # rows of unequal length
        return False
    return array.ndim == ndim and array.size > 0 and bool(np.issubdtype(array.dtype, np.integer))


def _sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        sizes = tuple(sizes)
    except TypeError:
        raise ValueRefused(f"sizes={sizes!r} was given; pass the neurons of each layer, such as [64, 30, 10].") from None
    if not all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 1 for n in sizes):
        raise ValueRefused(f"sizes {list(sizes)} were given; each layer needs a whole number of neurons, at least 1.")
    if len(sizes) < 2:
        raise ShapeError(f"sizes {list(sizes)} were given; a network needs at least two layers, an input and an output.")
    return tuple(int(n) for n in sizes)


def _sigmas(given: str | Activation | Sequence[str | Activation], L: int) -> dict[int, Activation]:
    layers = range(2, L + 1)
    if isinstance(given, str) or not isinstance(given, Sequence):
        given = [given] * len(layers)
    if len(given) != len(layers):
        raise ShapeError(f"{len(given)} activations were given for layers 2..{L}; pass one name, or {len(layers)} of them.")
    sigma = {l: activations.activation(s) for l, s in zip(layers, given, strict=True)}
    for l in layers[:-1]:
        if not sigma[l].elementwise:
            raise ValueRefused(
                f"{sigma[l].name} stands in layer {l}, but each of its outputs depends on the whole layer: it is for layer "
                f"L = {L} only. Pass one activation for each layer, such as {['sigmoid'] * (L - 2) + [sigma[l].name]}."
            )
    return sigma


def _floating(name: str, value: ArrayLike) -> Array:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ShapeError(f"{name} is not an array of numbers: {error}. Pass rows of equal length.") from error
    if array.dtype not in (np.float64, np.float32):
        kind = "integers" if np.issubdtype(array.dtype, np.integer) else "values"
        raise DtypeError(
            f"{name} holds {kind} of dtype {array.dtype}, and float64 or float32 are needed; convert with "
            f"np.asarray({name.split('[')[0]}, dtype=np.float64) if that is what you mean."
        )
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueRefused(f"{name} holds {array[where]} at position {where}; every number must be finite.")
    return array


def _parameter(name: str, value: ArrayLike, ndim: int) -> Array:
    array = _floating(name, value)
    if array.ndim != ndim or array.size == 0:
        shape = "(n_l, n_(l-1))" if ndim == 2 else "(n_l,)"
        raise ShapeError(f"{name} has shape {array.shape}; an array of shape {shape} is needed, with no empty axis.")
    return frozen(array.copy())
