"""Every dC/dw, dC/db and dC/dz of a network from values of C alone: complex step, and central differences.

Neither sigma' nor nabla_a C, no equation of backpropagation and no automatic differentiation: entries are moved and C
is evaluated. A slope is an observed one, (C moved - C)/move, and so is every quantity that a bound is made of.

complex_step  (C at w + ih).imag / h with h = 2^-60 over the scale of what it moves. Nothing is subtracted, so nothing
              cancels: the bound is that of rounding, and derived. Source: Squire and Trapp, SIAM Review 40 (1998) 110.
central       (C at w + h - C at w - h) / 2h, with an error bar: truncation from a second step, and rounding.

A bias moves every z^l_j of the batch by the same h, so that dC/db and each example's delta are read off one move.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..gradient import PARTS, Estimate, Gradient
from ..network import Network, divisor
from ..rounding import gamma, power_of_two_above
from .moves import MEMORY, Above, Base, K, along, summed
from .tangents import STEP, Slopes, reach

Array = NDArray[Any]
SMALLEST = 2.0**-500  # an input below it is moved by less than the others, so that no step is infinite
H = 2.0**-17  # of central differences: about the cube root of U, where truncation and rounding meet


def complex_step(
    network: Network, X: ArrayLike, Y: ArrayLike, reduction: str = "mean", memory: int = MEMORY, inputs: bool = False
) -> Estimate:
    """nabla_w, nabla_b of the mean cost over the batch, and each example's delta, each entry with a derived bound.

    X: (m, n_1), Y: (m, n_L) or m class labels. memory: bytes that the work arrays may take. inputs: also delta[1], each
    example's dC_x/dx. Computes in float64. Raises NotComplex if an activation or the cost has no complex form, and what
    Network.batch raises.
    """
    scale = divisor(reduction, len(np.asarray(X)))
    p = Base(network, X, Y, memory)
    with np.errstate(over="ignore", invalid="ignore"):
        s = Slopes(p)
        found = _Parts(p, scale)
        delta = B = None
        for l in range(p.L, 0 if inputs else 1, -1):
            s.enter(l, delta, B)
            t = STEP / power_of_two_above(s.reach[l])
            delta, B = np.empty_like(t), np.empty_like(t)
            for js in p.neuron_blocks(l, 1):
                delta[js], B[js] = s.neurons(l, js, t[js])
            s.mark(l, delta, t, B)
            found.neurons(l, delta, B, s.code[l])
            if l == 1:
                break
            bound, code = s.weights(l, delta, B)
            h_j = STEP / power_of_two_above(s.reach[l].max(axis=1))
            h_k = 1 / power_of_two_above(np.clip(np.abs(p.a[l - 1]).max(axis=1), SMALLEST, None))
            nabla_w = np.empty_like(p.w[l])
            for js, ks in p.blocks(l):
                h = h_j[js, None] * h_k[ks]
                moved = np.empty((len(h), p.m, h.shape[1]), np.complex128)
                moved.real = p.z[l][js, :, None]
                moved.imag = h[:, None] * p.a[l - 1][ks].T
                im = s.above.cost(l, js, moved).imag
                nabla_w[js, ks] = im.sum(axis=1) / h
            s.underflowing(l, nabla_w, bound, h_j[:, None] * h_k, code)
            found.weights(l, nabla_w, bound, code)
    return found.estimate(s.reasons, proven=True, source="complex step")


def central(
    network: Network, X: ArrayLike, Y: ArrayLike, reduction: str = "mean", memory: int = MEMORY, inputs: bool = False
) -> Estimate:
    """As complex_step, with an error bar for each entry: an estimate, from a second step and the rounding of C.

    An entry whose step carries a pre-activation across a kink of its activation has a reason instead of a number.
    """
    scale = divisor(reduction, len(np.asarray(X)))
    p = Base(network, X, Y, memory)
    with np.errstate(over="ignore", invalid="ignore"):
        s = _RealSlopes(p)
        found = _Parts(p, scale)
        delta = bar = None
        for l in range(p.L, 0 if inputs else 1, -1):
            s.enter(l, delta, bar)
            t = H / power_of_two_above(s.reach[l])
            delta, bar, code = np.empty_like(t), np.empty_like(t), np.empty(t.shape, int)
            for js in p.neuron_blocks(l, 4):
                delta[js], bar[js], code[js] = s.neurons(l, js, t[js])
            found.neurons(l, delta, bar, code)
            if l == 1:
                break
            size = np.abs(p.a[l - 1])
            h_j = H / power_of_two_above(s.reach[l].max(axis=1))
            h_k = 1 / power_of_two_above(np.clip(size.max(axis=1), SMALLEST, None))
            nabla_w, w_code = np.empty_like(p.w[l]), np.empty(p.w[l].shape, int)
            for js, ks in p.blocks(l):
                h = h_j[js, None] * h_k[ks]
                move = h[:, None] * p.a[l - 1][ks].T
                C, crossed = s.cost(l, js, np.concatenate((move, -move), axis=2))
                n = h.shape[1]
                nabla_w[js, ks] = (C[..., :n] - C[..., n:]).sum(axis=1) / (2 * h)
                w_code[js, ks] = np.maximum(crossed[..., :n], crossed[..., n:]).max(axis=1) if s.crosses else 0
            noise = (s.noise[l].sum(axis=1)[:, None] / h_j[:, None]) / h_k * (size.max(axis=1) > 0)
            total = np.abs(delta) + bar
            w_bar = noise + summed(s.truncation + s.moved_q, size.T) + summed(total, p.E_a[l - 1].T + gamma(p.m + 2) * size.T)
            w_code[(w_code == 0) & ~np.isfinite(nabla_w + w_bar)] = s.TOO_COARSE
            found.weights(l, nabla_w, w_bar, w_code)
    return found.estimate(s.reasons, proven=False, source="central")


def directional(
    network: Network, X: ArrayLike, Y: ArrayLike, direction: Gradient, reduction: str = "mean"
) -> tuple[float, float]:
    """(sum of dC/dw v + dC/db v over all weights and biases, its bound) for a direction v, by one complex step.

    NaN, and a bound of NaN, where a pre-activation stands at a kink or nothing is certain. Raises as complex_step.
    """
    scale = divisor(reduction, len(np.asarray(X)))
    p = Base(network, X, Y)
    with np.errstate(over="ignore", invalid="ignore"):
        s = Slopes(p)
        v = direction.nabla_w
        c = {l: direction.nabla_b[l] if p.network.has_biases else np.zeros(p.n[l]) for l in p.layers}
        pushed = max(float((np.abs(v[l] @ p.a[l - 1] + c[l][:, None]) * s.reach[l]).max()) for l in p.layers)
        h = STEP / power_of_two_above(pushed)
        a, e_a = p.a[1].astype(np.complex128), np.zeros_like(p.a[1])
        for l in p.layers:  # t: tangents, e: their errors
            size, t_a = np.abs(p.w[l]), np.abs(a.imag) / h
            z = (p.w[l] + 1j * h * v[l]) @ a + (p.b[l] + 1j * h * c[l])[:, None]
            terms = size @ t_a + np.abs(v[l]) @ np.abs(p.a[l - 1]) + np.abs(c[l])[:, None]
            e_z = size @ e_a + np.abs(v[l]) @ p.E_a[l - 1] + gamma(2 * p.n[l - 1] + 6) * terms
            t_z = np.abs(z.imag) / h
            if p.pair and l == p.L:
                q, t, e = z, t_z, e_z
                break
            a, e_a = s.passed(l, z, t_z, e_z)
            q, t, e = a, np.abs(a.imag) / h, e_a
        value = float(s.C(q, p.y).imag.sum() / h / scale)
        bound = float((s.G * e + s.V_C * t).sum() / scale) + gamma(p.m + 2) * abs(value)
        bound += 2.0**-110 * pushed * max(1.0, float(np.abs(p.C).sum()))  # truncation, as the step is 2^-60 of every scale
    certain = np.isfinite(value + bound) and not any(code.any() for code in s.code.values())
    return (value, bound) if certain else (np.nan, np.nan)


class _RealSlopes:
    """Observed slopes on real numbers, and what rounding and truncation do to a central difference."""

    TOO_COARSE = 2

    def __init__(self, p: Base) -> None:
        self.p = p
        C = p.pair.C if p.pair else p.network.cost.C
        self.above = Above(p, {l: s.sigma for l, s in p.sigma.items()}, C)
        self.reasons = ["", "", "rounding leaves no certain digit here: the error bar is not finite"]
        self.crosses = {}
        for l in p.layers:
            if p.network.sigma[l].kinks:
                self.crosses[l] = len(self.reasons)
                self.reasons.append(f"not differentiable within the step: it carries a neuron of layer {l} across a kink")
        S = {l: self._slope(l) for l in p.z if not (p.pair and l == p.L)}
        self.reach = reach(p, S, lambda q: np.maximum(1, np.abs(q)))
        self.noise: dict[int, Array] = {}  # of C, (n_l, m), when a z^l_j moves
        self._shared = gamma(p.n[p.L] + 16) * np.abs(p.C)
        if p.pair and not p.sigma[p.L].elementwise:
            self._shared = self._shared + K * np.abs(p.y).sum(axis=0)  # a log of sums that may be close to 1
        self.S_L = np.abs(S[p.L]) if p.L in S else None
        near, y = H * np.maximum(1, np.abs(p.q)) / 2**10, p.y[:, None]  # far inside (0, 1), where logarithms are defined
        bent = self.above.C(along(p.q, near), y) + self.above.C(along(p.q, -near), y) - 2 * p.C
        self.bent = np.nan_to_num(2 * p.E_q * np.abs(bent) / near**2)  # change of dC/dq_j while q_j moves by its rounding

    def _slope(self, l: int) -> Array:
        p, sigma = self.p, self.p.sigma[l]
        t = H * np.maximum(1, np.abs(p.z[l]))
        if sigma.elementwise:
            return (sigma.sigma(p.z[l] + t) - sigma.sigma(p.z[l] - t)) / (2 * t)
        return (sigma.sigma(along(p.z[l], t)) - sigma.sigma(along(p.z[l], -t))) / (2 * t)

    def enter(self, l: int, delta: Array | None, bar: Array | None) -> None:
        """Go down to layer l, given delta^(l+1) and its bar (None for l = L): the rounding of C while a z^l_j moves."""
        p = self.p
        if delta is None or bar is None:
            self._shared = self._shared + self._rounding_of_q().sum(axis=0)
            self.noise[l] = np.broadcast_to(self._shared, p.z[l].shape).copy()
            return
        size = np.abs(p.w[l + 1])
        terms = size @ np.abs(p.a[l]) + np.abs(p.b[l + 1])[:, None]
        self._shared = self._shared + ((np.abs(delta) + bar) * gamma(p.n[l] + 4) * terms).sum(axis=0)
        rounded = K * np.abs(p.a[l]) * (np.abs(p.w[l + 1].T @ delta) + size.T @ bar)
        self.noise[l] = self._shared + rounded
        self._shared = self._shared + rounded.sum(axis=0)

    def _rounding_of_q(self) -> Array:
        """What the rounding of each q_j, a^L_j or z^L_j, does to C: (n_L, m)."""
        q, y, E, C = self.p.q, self.p.y[:, None], K * np.abs(self.p.q), self.p.C
        up, down = (np.abs(self.above.C(along(q, e), y) - C) for e in (E, -E))
        return np.nan_to_num(np.maximum(up, down))  # NaN: beyond the end of the cost's domain, where nothing rounds to

    def _of_q(self, tangents: Array) -> Array:
        """What the rounding of the unmoved q does to a slope, (J, m), from the tangents of z^L, (n_L, J, m)."""
        if self.S_L is not None:
            flat = self.S_L.ndim == 2
            tangents = self.S_L[:, None] * tangents if flat else np.einsum("kix,ijx->kjx", self.S_L, tangents)
        return np.asarray((self.bent[:, None] * tangents).sum(axis=0))

    def cost(self, l: int, js: slice, move: Array, also_see: Callable[[int, Array], None] | None = None) -> tuple[Array, Array]:
        """C_x with z^l_j moved, (J, m, R), and the number of a reason where a move carries a neuron across a kink."""
        p, crossed = self.p, np.zeros(move.shape, int)

        def watch(i: int, z: Array, base: Array) -> None:
            for kink in p.network.sigma[i].kinks:
                across = ((z > kink) != (base > kink)).any(axis=0)
                np.maximum(crossed, across * self.crosses[i], out=crossed)

        def see(i: int, z: Array) -> None:
            if i in self.crosses:
                watch(i, z, p.z[i][:, None, :, None])
            if also_see:
                also_see(i, z)

        moved = p.z[l][js, :, None] + move
        if l in self.crosses:
            watch(l, moved[None], p.z[l][None, js, :, None])
        return self.above.cost(l, js, moved, see if self.crosses or also_see else None), crossed

    def neurons(self, l: int, js: slice, t: Array) -> tuple[Array, Array, Array]:
        """delta^l_j of each example, its error bar and the number of a reason, (J, m), by moving z^l_j by t and 2 t."""
        p, moved_q = self.p, np.zeros(t.shape)

        def see(i: int, z: Array) -> None:
            if i == p.L:
                moved_q[...] = self._of_q(np.abs(z[..., 0] - z[..., 1]) / (2 * t))

        if l == p.L:
            moved_q[...] = self._of_q(np.eye(p.n[l])[:, js, None] * np.ones(p.m))
        C, crossed = self.cost(l, js, t[..., None] * np.array([1.0, -1.0, 2.0, -2.0]), see)
        once, twice = (C[..., 0] - C[..., 1]) / (2 * t), (C[..., 2] - C[..., 3]) / (4 * t)
        if js.start == 0:
            self.truncation, self.moved_q = np.empty_like(self.p.z[l]), np.empty_like(self.p.z[l])
        self.moved_q[js] = moved_q
        self.truncation[js] = np.abs(twice - once)
        self.noise[l][js] += gamma(self.p.n[self.p.L] + 32) * np.abs(C).max(axis=2)  # the moved C may be far larger than C
        bar = self.truncation[js] + self.noise[l][js] / t + moved_q + gamma(sum(p.n.values())) * np.abs(once)
        code = crossed.max(axis=2)
        code[(code == 0) & ~np.isfinite(once + bar)] = self.TOO_COARSE
        return once, bar, code


class _Parts:
    """The parts of an Estimate as they are found, from layer L down."""

    def __init__(self, p: Base, scale: int) -> None:
        self.p, self.scale = p, scale
        self.value: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        self.bound: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        self.why: dict[str, dict[int, Array]] = {part: {} for part in PARTS}

    def neurons(self, l: int, delta: Array, B: Array, code: Array) -> None:
        """delta^l with its bound and its reasons, (n_l, m); the biases of the layer follow."""
        self._keep("delta", l, delta.T, B.T, code.T)
        if l > 1 and self.p.network.has_biases:
            B = B + gamma(self.p.m + 1) * np.abs(delta)
            code = np.where((code == 1).all(axis=1), 1, np.where(code == 1, 0, code).max(axis=1))
            self._keep("nabla_b", l, delta.sum(axis=1) / self.scale, B.sum(axis=1) / self.scale, code)

    def weights(self, l: int, nabla_w: Array, bound: Array, code: Array) -> None:
        """nabla_w^l with its bound, summed over the examples, and its reasons."""
        self._keep("nabla_w", l, nabla_w / self.scale, bound / self.scale, code)

    def _keep(self, part: str, l: int, value: Array, bound: Array, why: Array) -> None:
        if why.any():
            value, bound = np.where(why == 0, value, np.nan), np.where(why == 0, bound, np.nan)
        self.value[part][l], self.bound[part][l], self.why[part][l] = value, bound, why

    def estimate(self, reasons: list[str], proven: bool, source: str) -> Estimate:
        """The Estimate of all layers."""
        bound, why = Gradient(**self.bound), Gradient(**self.why)
        return Estimate(**self.value, bound=bound, proven=proven, why=why, reasons=tuple(reasons), source=source)


# ------------------------------------------------------------------------- plain: slow, and obviously the definition


def plain_complex_step(network: Network, X: ArrayLike, Y: ArrayLike, h: float = STEP) -> Gradient:
    """What complex_step finds, one entry at a time: move it, run the whole forward pass, read the imaginary part."""
    return _plain(network, X, Y, lambda C: C(1j * h).imag / h)


def plain_central(network: Network, X: ArrayLike, Y: ArrayLike, h: float = H) -> Gradient:
    """What central finds, one entry at a time: move it up and down, run the whole forward pass twice."""
    return _plain(network, X, Y, lambda C: (C(h) - C(-h)) / (2 * h))


def _plain(network: Network, X: ArrayLike, Y: ArrayLike, slope: Any) -> Gradient:
    X, Y = network.batch(X, Y)
    network = network.astype(np.float64)

    def entries(shape: tuple[int, ...], part: str, l: int) -> Array:
        return np.array([slope(lambda h, i=i: _moved_cost(network, X, Y, part, l, i, h)) for i in np.ndindex(shape)])

    m = len(X)
    return Gradient(
        {l: entries(w.shape, "w", l).mean(axis=1).reshape(w.shape) for l, w in network.w.items()},
        {l: entries(b.shape, "b", l).mean(axis=1) for l, b in network.b.items() if network.has_biases},
        {l: np.stack([entries((n,), "z", l)[:, x] for x in range(m)]) for l, n in network.n.items() if l > 1},
    )


def _moved_cost(network: Network, X: Array, Y: Array, part: str, l: int, index: tuple[int, ...], h: Any) -> Array:
    """Each example's cost with one entry of w^l, b^l or z^l moved by h."""
    a, y = X.T.astype(type(h)), Y.T
    for i in network.layers:
        w, b = network.w[i].astype(a.dtype), network.b[i].astype(a.dtype)
        if i == l and part in "wb":
            (w if part == "w" else b)[index] += h
        z = w @ a + b[:, None]
        if i == l and part == "z":
            z[index] += h
        sigma = network.sigma[i]
        a = sigma.on_complex()(z) if isinstance(h, complex) else sigma.sigma(z)
    pair = network.cost.pair(network.sigma[network.L])
    if isinstance(h, complex):
        return pair.complex(z, y) if pair else network.cost.on_complex()(a, y)
    return pair.C(z, y) if pair else network.cost.C(a, y)
