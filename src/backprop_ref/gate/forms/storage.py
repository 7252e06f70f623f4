"""How weights and biases are stored. The book's way is (n_l, n_(l-1)) and (n_l,); this is the way there and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SHAPES = {"flat": "(n_l,)", "column": "(n_l, 1)", "row": "(1, n_l)"}
FOLDED = ("first", "last")


@dataclass(frozen=True)
class Storage:
    """One way to store the parameters of a layer.

    transposed   weights are (n_(l-1), n_l)
    bias         "flat" (n_l,), "column" (n_l, 1), "row" (1, n_l), "none"; "first" or "last": inside the weights, as their
                 first or last column (transposed: row), which a constant input of 1 multiplies
    """

    transposed: bool = False
    bias: str = "flat"

    @property
    def folded(self) -> bool:
        """True if the biases stand inside the weights."""
        return self.bias in FOLDED

    def stored(self, w: Sequence[Array], b: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """(weights, biases) as they are stored, from the book's; fresh arrays."""
        if self.folded:
            order = 1 if self.bias == "first" else -1
            w = [np.concatenate([bl[:, None], wl][::order], axis=1) for wl, bl in zip(w, b, strict=True)]
        weights = [np.ascontiguousarray(wl.T) if self.transposed else wl.copy() for wl in w]
        if self.folded or self.bias == "none":
            return weights, []
        shape = {"flat": (-1,), "column": (-1, 1), "row": (1, -1)}[self.bias]
        return weights, [bl.reshape(shape).copy() for bl in b]

    def book(self, weights: Sequence[Array], biases: Sequence[Array]) -> tuple[list[Array], list[Array]]:
        """(w, b) as in the book, from the stored ones."""
        w = [np.asarray(v).T if self.transposed else np.asarray(v) for v in weights]
        if self.folded:
            b = [v[:, 0] if self.bias == "first" else v[:, -1] for v in w]
            w = [v[:, 1:] if self.bias == "first" else v[:, :-1] for v in w]
            return w, b
        return w, [np.asarray(v).reshape(-1) for v in biases]

    def sizes(self, weights: Sequence[Array]) -> tuple[int, ...] | None:
        """n_1..n_L, if these matrices chain when they are stored in this way."""
        shapes = [v.shape[::-1] if self.transposed else v.shape for v in weights]
        inputs, outputs = [k - self.folded for _, k in shapes], [n for n, _ in shapes]
        if min(inputs, default=0) < 1 or inputs[1:] != outputs[:-1]:
            return None
        return (inputs[0], *outputs)

    def notes(self) -> list[str]:
        """What differs from the book, as a reader is told."""
        said = ["weights are stored transposed, (n_in, n_out)"] if self.transposed else []
        if self.folded:
            line = "row" if self.transposed else "column"
            said.append(f"biases are the {self.bias} {line} of each weight matrix")
        elif self.bias in ("column", "row"):
            said.append(f"biases are {self.bias}s, {SHAPES[self.bias]}")
        return said


def storages(biases: bool, folded: bool, separate: bool = True) -> list[Storage]:
    """The ways to try, the book's first."""
    shapes = (["flat", "column", "row"] if separate else []) if biases else ["none"]
    shapes += list(FOLDED[::-1]) if biases and folded else []
    return [Storage(t, shape) for shape, t in product(shapes, (False, True))]
