"""Which networks and batches a candidate is tried on: inside what it accepts, chosen so that mistakes can show.

All widths and the batch size different: what is transposed cannot run, or shows. All widths equal: a missing transpose
runs. Batches of 1, 2 and 3: a division by m, by m - 1 or by 1 differ.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import digits
from ..errors import ValueRefused
from ..network import Network

Array = NDArray[Any]
Sizes = tuple[int, ...]
Pattern = tuple[int | None, ...]
DIFFERENT = {2: (4, 3), 3: (3, 4, 2), 4: (3, 5, 4, 2), 5: (3, 6, 5, 4, 2)}
TRIED = (4, 3, 2)  # numbers of layers, where the candidate's is not known
EQUAL = 4
MIXED = ("tanh", "sigmoid")  # of neighbouring hidden layers, for a candidate that takes activations by name
ONE_HOT = ("log_likelihood", "cross_entropy")  # costs whose targets are classes, or bits


@dataclass(frozen=True)
class Accepts:
    """What the candidate takes, as far as the user says: None where it is found out by trying.

    sizes     patterns such as (4, None, 3): None stands for any width
    layers    L, the input layer included         outputs   n_L
    batch     the only size of a batch
    """

    sizes: Sequence[Pattern] = ()
    layers: int | None = None
    outputs: int | None = None
    batch: int | None = None

    def different(self, activations: int) -> list[Sizes]:
        """Networks whose widths all differ, the likeliest first. activations: how many are named, 0 for one for all."""
        if self.sizes:
            return list(dict.fromkeys(_filled(p, None) for p in self.sizes))
        L = self.layers or (activations + 1 if activations else None)
        if self.layers and activations and self.layers != activations + 1:
            raise ValueRefused(
                f"{activations} activations were given for layers 2..{self.layers}; give one name, or {self.layers - 1} of them."
            )
        return [_filled((*(None,) * (n - 1), self.outputs), None) for n in ((L,) if L else TRIED)]

    def equal(self, sizes: Sizes) -> Sizes | None:
        """As many layers, all of one width; None if the user's sizes leave no room for that."""
        for pattern in self.sizes or [(*(None,) * (len(sizes) - 1), self.outputs)]:
            if len(pattern) == len(sizes) and None in pattern:
                return _filled(pattern, next((n for n in reversed(pattern) if n and n > 1), EQUAL))
        return None

    def batches(self, sizes: Sizes) -> list[int]:
        """The batch sizes to try: first one that is no width of the network."""
        if self.batch:
            return [self.batch]
        m = next(n for n in range(6, 99) if n not in sizes)
        return [m, 1, 2, 3]


def _filled(pattern: Pattern, width: int | None) -> Sizes:
    """A pattern with its open widths filled: all alike, or each different from the others."""
    free = [n for n in (*DIFFERENT.get(len(pattern), ()), *range(3, 99)) if n not in pattern]
    made: list[int] = []
    for i, n in enumerate(pattern):
        default = DIFFERENT.get(len(pattern), ())[i : i + 1]
        choice = width or next(k for k in (*default, *free) if k not in made and k not in pattern)
        made.append(n or choice)
    return tuple(made)


@dataclass(frozen=True)
class Probe:
    """A network and a batch. Y is one-hot, and labels are its classes, where classes are handed over."""

    network: Network
    X: Array
    Y: Array
    labels: Array | None
    seed: int

    @property
    def sigmas(self) -> list[str]:
        """The names of the activations of layers 2..L."""
        return [sigma.name for sigma in self.network.sigma.values()]

    def __str__(self) -> str:
        mixed = f" ({' '.join(self.sigmas)})" if len(set(self.sigmas)) > 1 else ""
        return f"{'-'.join(map(str, self.network.sizes))}{mixed}, m = {len(self.X)}, seed {self.seed}"


def probe(
    sizes: Sizes, m: int, seed: int, activations: str | Sequence[str], cost: str, biases: bool, dtype: str, classes: bool
) -> Probe:
    """A random network and m examples: digits where the sizes fit them. classes: the desired outputs are one-hot."""
    network = Network.random(sizes, activations, cost, seed)
    if not biases:
        w = list(network.w.values())
        network = Network.from_arrays(w, None, list(network.sigma.values()), network.cost)
    network = network.astype(np.dtype(dtype))
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])  # not the stream of Network.random
    n_1, n_L = sizes[0], sizes[-1]
    X, labels = rng.standard_normal((m, n_1)), None
    if (n_1, n_L) == (digits.INPUTS, digits.OUTPUTS):
        X, Y = digits.train(m)
        labels = Y.argmax(axis=1)
    elif n_L > 1 and (classes or cost == "log_likelihood"):
        labels = rng.permutation(np.arange(max(m, n_L)) % n_L)[:m]
        Y = np.eye(n_L)[labels]
    elif cost in ONE_HOT:
        Y = rng.integers(0, 2, (m, n_L)).astype(np.float64)
    else:
        Y = rng.uniform(0.05, 0.95, (m, n_L))
    return Probe(network, X.astype(dtype), Y.astype(dtype), labels, seed)


def parse_pattern(text: str) -> Pattern:
    """'4,*,3' -> (4, None, 3). Raises ValueRefused."""
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if part != "*" and not (part.isascii() and part.isdigit() and len(part) < 7 and int(part) >= 1):
            raise ValueRefused(
                f"sizes {text!r} hold {part!r}; each layer needs a whole number of neurons, at least 1, or * for any. "
                "Separate them by commas, as in 4,*,3."
            )
    if len(parts) < 2:
        raise ValueRefused(f"sizes {text!r} are one layer; a network needs at least two, an input and an output.")
    return tuple(None if part == "*" else int(part) for part in parts)


def rebuilt(init: str, old: Sizes, new: Sizes) -> Iterator[str]:
    """--init with other sizes in it: a list or a row of arguments that spells the old ones."""
    tree = ast.parse(init, mode="eval")
    for node in ast.walk(tree):
        held = node.elts if isinstance(node, ast.List | ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        values = [n.value if isinstance(n, ast.Constant) else None for n in held]
        for i in range(len(values) - len(old) + 1):
            if tuple(values[i : i + len(old)]) == old:
                for n, width in zip(held[i : i + len(old)], new, strict=True):
                    if isinstance(n, ast.Constant):
                        n.value = width
                yield ast.unparse(tree)
                return
