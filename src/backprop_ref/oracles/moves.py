"""C after one z^l_j has moved: only what lies above it is recomputed, for many moves at once.

Moving w^l_jk by h moves z^l_j by h a^(l-1)_k, and the next layer's z by one column of w^(l+1); from there on whole
layers are recomputed, as matrix products. There is no derivative in here, only the forward pass (25).

j, k    neurons of layers l and l - 1        x   an example
moved   z^l_j after the move, (J, m, R): J neurons of layer l, m examples, R moves of each
E_z     how far the computed z may be from the exact one; E_a the same of a
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activations import linear
from ..errors import ValueRefused
from ..network import Network
from ..rounding import U, examples_at_once, gamma, magnitude, onward, through

Array = NDArray[Any]
MEMORY = 128 * 2**20  # bytes that the blocks may take, unless the user says otherwise
IN_CACHE = 24_000  # entries of one array of a block: beyond it the processor's cache no longer helps
POOL = 2**21  # numbers; once such an array was freed, glibc keeps what smaller arrays need and maps no page anew
ARRAYS = 12  # arrays of a block that exist at the same time, with the temporaries of sigma
K = 16 * U  # sigma on complex numbers, and C: a few elementary functions and the arithmetic between them


class Base:
    """The unmoved forward pass in float64, with bounds on its rounding errors. Examples in columns, as in the chapter."""

    def __init__(self, network: Network, X: ArrayLike, Y: ArrayLike, memory: int = MEMORY) -> None:
        X, Y = network.batch(X, Y)
        if memory < 2**20:
            raise ValueRefused(f"memory={memory} bytes was given; the oracle's blocks need at least 1 MiB (2**20).")
        np.empty(POOL)
        self.network = network = network.astype(np.float64)
        self.L, self.layers, self.m, self.memory = network.L, network.layers, len(X), memory
        self.w, self.b, self.n = network.w, network.b, network.n
        self.y = Y.T.astype(np.float64)
        self.a: dict[int, Array] = {1: X.T.astype(np.float64)}
        self.z = dict(self.a)  # z^1 is x as well: the inputs may be moved like any z
        self.sigma = {1: linear} | dict(network.sigma)
        with np.errstate(over="ignore", invalid="ignore"):
            for l in self.layers:
                self.z[l] = self.w[l] @ self.a[l - 1] + self.b[l][:, None]  # (25)
                self.a[l] = self.sigma[l].sigma(self.z[l])
            self.E_z, self.E_a = (
                {l: np.zeros_like(z) for l, z in self.z.items()},
                {l: np.zeros_like(a) for l, a in self.a.items()},
            )
            at_once = examples_at_once(network.sizes)
            for x in range(0, self.m, at_once):
                self._errors(slice(x, x + at_once))
            self.pair = network.cost.pair(network.sigma[self.L])
            self.q, self.E_q = (self.z[self.L], self.E_z[self.L]) if self.pair else (self.a[self.L], self.E_a[self.L])
            self.C = (self.pair.C if self.pair else network.cost.C)(self.q, self.y)
        if not np.isfinite(self.C).all():
            x = int(np.argmin(np.isfinite(self.C)))
            raise ValueRefused(
                f"The cost of example {x + 1} is {self.C[x]} ({network.cost.name} behind {network.sigma[self.L].name}): it has "
                "no derivative there. Use smaller weights, or an activation in layer L whose outputs the cost is defined for."
            )

    def _errors(self, xs: slice) -> None:
        """E_z and E_a of some examples. Errors keep their signs on the way up; the slope of sigma is observed over E_z."""
        P: Array | None = None
        for l in self.layers:
            w, sigma, z, a = self.w[l], self.sigma[l], self.z[l][:, xs], self.a[l][:, xs]
            terms = np.abs(w) @ (np.abs(self.a[l - 1][:, xs]) + self.E_a[l - 1][:, xs]) + np.abs(self.b[l])[:, None]
            made = gamma(self.n[l - 1] + 2) * terms
            P = onward(np.ones_like(z), None if P is None else through(w, P), made)
            self.E_z[l][:, xs] = E = magnitude(P)
            if not sigma.elementwise:
                self.E_a[l][:, xs] = spread(sigma.sigma, z, E) + K * np.abs(a)
                return  # it is layer L
            near = np.maximum(2.0**-20 * np.maximum(1, np.abs(z)), E)
            s = (sigma.sigma(z + near) - sigma.sigma(z - near)) / (2 * near)
            bent = np.maximum(np.abs(sigma.sigma(z + E) - a - s * E), np.abs(sigma.sigma(z - E) - a + s * E))
            P = onward(s, P, 2 * bent + 3 * K * np.abs(a))
            self.E_a[l][:, xs] = magnitude(P)

    def blocks(self, l: int) -> Iterator[tuple[slice, slice]]:
        """Neurons j and inputs k of layer l, in blocks that stay in cache and within the memory allowed."""
        rows = max(self.n[i] for i in range(min(l + 1, self.L), self.L + 1)) * self.m
        entries = max(1, min(IN_CACHE, self.memory // (16 * ARRAYS)) // rows)
        inputs = min(self.n[l - 1], entries)
        neurons = max(1, entries // inputs)
        for j in range(0, self.n[l], neurons):
            for k in range(0, self.n[l - 1], inputs):
                yield slice(j, j + neurons), slice(k, k + inputs)

    def neuron_blocks(self, l: int, moves: int) -> Iterator[slice]:
        """Neurons j of layer l in blocks, for a few moves of each."""
        rows = max(self.n[i] for i in range(min(l + 1, self.L), self.L + 1)) * self.m * moves
        neurons = max(1, min(IN_CACHE, self.memory // (16 * ARRAYS)) // rows)
        return (slice(j, j + neurons) for j in range(0, self.n[l], neurons))


class Above:
    """What C becomes when z^l_j moves, on real or on complex numbers, as sigma and the cost are given."""

    def __init__(self, base: Base, sigma: dict[int, Callable[[Array], Array]], C: Callable[[Array, Array], Array]) -> None:
        self.base, self.sigma, self.C = base, sigma, C

    def cost(self, l: int, js: slice, moved: Array, see: Callable[[int, Array], None] | None = None) -> Array:
        """C_x, (J, m, R), with z^l_j at moved[j, x, r]. see(i, z) is shown each layer's z, (n_i, J, m, R), on the way."""
        p = self.base
        if l == p.L:
            z = np.empty((p.n[l], *moved.shape), moved.dtype)
            z[...] = p.z[l][:, None, :, None]
            rows = range(p.n[l])[js]
            z[rows, range(len(rows))] = moved
        else:
            change = self.sigma[l](moved) - p.a[l][js, :, None]
            z = p.w[l + 1][:, js, None, None] * change
            z += p.z[l + 1][:, None, :, None]
        for above in range(l + 1, p.L):
            if see:
                see(above, z)
            z = self._weighted(above + 1, self.sigma[above](z))
        if see and l < p.L:
            see(p.L, z)
        q = z if p.pair else self.sigma[p.L](z)
        return self.C(q, p.y[:, None, :, None])

    def _weighted(self, l: int, a: Array) -> Array:
        """w^l a + b^l for a of shape (n_(l-1), ...): a complex product as a real one of twice the width."""
        columns = np.ascontiguousarray(a).reshape(len(a), -1)
        z = (self.base.w[l] @ columns.view(np.float64)).view(a.dtype)
        z += self.base.b[l][:, None]
        return z.reshape(self.base.n[l], *a.shape[1:])


def summed(B: Array, size: Array) -> Array:
    """B @ size in which infinity times 0 is 0: what is not moved adds nothing, whatever its bound."""
    if np.isfinite(B).all():
        return B @ size
    unbounded = (~np.isfinite(B)).astype(float) @ (size != 0) > 0
    return np.where(unbounded, np.inf, np.where(np.isfinite(B), B, 0) @ size)


def along(q: Array, step: Any) -> Array:
    """q (n, m) moved along each coordinate in turn: (n, n, m), of which [:, j] has q_j moved by step_j."""
    eye = np.eye(len(q))[:, :, None]
    return q[:, None] + eye * step


def observed(f: Callable[[Array], Array], z: Array, E: Array) -> tuple[Array, Array]:
    """A slope of f at z, elementwise, and how far any slope within E may be from it: from values of f alone."""
    h = np.maximum(2.0**-20 * np.maximum(1, np.abs(z)), 2 * E)
    here = f(z)
    above, below = (f(z + h) - here) / h, (here - f(z - h)) / h
    return (above + below) / 2, np.abs(above - below)


def spread(f: Callable[[Array], Array], q: Array, E: Array) -> Array:
    """How far f(q), which mixes its neurons, may move while each q_i moves by at most E_i: from values of f alone."""
    here = f(q)
    up, down = (np.abs(f(along(q, e)) - here[:, None]) for e in (E, -E))
    return 2 * np.maximum(up, down).sum(axis=1)
