"""Observed slopes of sigma and C, and from them the bound on complex step: what rounding does to an imaginary part.

Complex step carries a tangent, the imaginary part of each z and a, from the moved z^l_j up to C. Each operation on the
way rounds; an error made in layer i reaches C multiplied by dC/dz^i or dC/da^i, which the oracle has found already when
it works from layer L down. So the bound on delta^l_j is a sum over the layers above it of

    V[i] . |tangent of z^i|,  V[i] = dC/da^i (K (|S| + cancellation) + change of S) + (matrix product above, or C) |S|

in which S is the observed slope of sigma^i, and its change is what the rounding error E_z of z does to it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..rounding import gamma
from .moves import Above, Base, K, along, summed

Array = NDArray[Any]
STEP = 2.0**-60  # of complex step: a power of two, so that dividing by it is exact; its square is far below U
NEAR = 2.0**-30  # over what a change of slope is observed
BENT = 4 * (STEP / NEAR) ** 2  # of the change of a slope over NEAR: what a slope over STEP differs from the derivative by
LOST = 2.0**-962  # an imaginary part below it may have lost digits to underflow
UNDERFLOW = "the imaginary part underflows: the derivative is too small for complex step; use central() or enclose()"
TOO_COARSE = "rounding leaves no certain digit here: the bound is not finite"


def small_scale(q: Array) -> Array:
    """min(1, |q|) as a power of two, 1 where q is 0: a complex step is a fraction of it."""
    size = np.clip(np.abs(q), 2.0**-200, 1)
    return np.where(q == 0, 1.0, np.ldexp(1.0, np.frexp(size)[1] - 1))


def moved(E: Array, q: Array) -> Array:
    """E in the moved pass: there real parts shift by the square of the step as well, with room for a slope."""
    return E + 2.0**-100 * small_scale(q)


def observe(
    slope: Callable[[Array], Array], q: Array, E: Array, separable: bool, kinks: tuple[float, ...] = ()
) -> tuple[Array, Array, Array]:
    """A slope at q, how much it may change while each q_i moves by at most E_i, and where it does not change at all.

    separable: slope j depends on q_j alone. Beyond a kink nothing is observed: the branch is that of q.
    """
    here = slope(q)
    near = np.maximum(NEAR * np.maximum(1, np.abs(q)), 4 * E)

    def change(by: Array) -> Array:
        moved = q + by
        same_branch = np.ones(q.shape, bool)
        for kink in kinks:
            same_branch &= (q > kink) == (moved > kink)
        return np.where(same_branch, np.abs(slope(moved) - here), 0) if kinks else np.abs(slope(moved) - here)

    def either_side(by: Array) -> Array:
        return np.maximum(change(by), change(-by))

    if separable:
        seen = either_side(near)
        return here, seen * (E / near * (1 + 4 * E / near) + BENT), seen == 0
    unit = np.eye(len(q))[:, :, None]
    total, flat = np.zeros_like(here), np.ones(here.shape, bool)
    for i in range(len(q)):
        seen = either_side(unit[i] * near)
        total += seen * (E[i] / near[i] * (1 + 4 * E[i] / near[i]) + BENT)
        flat &= seen == 0
    return here, total, flat


class Slopes:
    """Observed slopes of one network at one batch, and the bounds that follow, from layer L down."""

    def __init__(self, p: Base) -> None:
        self.p = p
        sigma = {l: p.sigma[l].on_complex() for l in p.z if not (p.pair and l == p.L)}
        self.C = p.pair.complex if p.pair else p.network.cost.on_complex()
        self.above = Above(p, sigma, self.C)
        self.S: dict[int, Array] = {}
        self.dS: dict[int, Array] = {}
        self.V: dict[int, Array] = {}
        self.alive: dict[int, Array] = {l: np.ones(p.z[l].shape, bool) for l in p.z}  # a move reaches C, however faintly
        self.code: dict[int, Array] = {l: np.zeros(p.z[l].shape, int) for l in p.z}  # numbers into reasons
        self.reasons = ["", UNDERFLOW, TOO_COARSE]
        for l in sigma:
            self._observe_sigma(l, sigma[l])
        self._observe_cost()
        self.reach = reach(p, self.S, small_scale)

    def _observe_sigma(self, l: int, sigma: Callable[[Array], Array]) -> None:
        p, kind = self.p, self.p.sigma[l]
        t = STEP * small_scale(p.z[l])

        def slope(z: Array) -> Array:
            return (sigma(z + 1j * t) if kind.elementwise else sigma(along(z, 1j * t))).imag / t

        S, self.dS[l], flat = observe(slope, p.z[l], moved(p.E_z[l], p.z[l]), kind.elementwise, kind.kinks)
        self.S[l] = np.abs(S)
        if kind.elementwise:
            faint = flat & (slope(np.full_like(p.z[l], 0.5)) != 0)  # 0 here and nearby: it underflows, and is not 0
            self.alive[l] = (S != 0) | (faint & (kind.degree is None and not kind.kinks))
        for kink in kind.kinks:
            for j, x in np.argwhere(np.abs(p.z[l] - kink) <= p.E_z[l]):
                example = f" (example {x + 1})" if p.m > 1 else ""
                self.reasons.append(f"not differentiable at neuron {j + 1} of layer {l}{example}")
                self.code[l][j, x] = len(self.reasons) - 1

    def _observe_cost(self) -> None:
        p, cost = self.p, self.p.network.cost
        t = STEP * small_scale(p.q)
        separable = cost.separable and (p.pair is None or p.network.sigma[p.L].elementwise)

        def slope(q: Array, y: Array = p.y) -> Array:
            return self.C(along(q, 1j * t), y[:, None]).imag / t

        G, dG, flat = observe(slope, p.q, moved(p.E_q, p.q), separable)
        size = np.abs(G)  # what the rounding of C's imaginary part is relative to: its terms, before they cancel
        if cost.targets and separable:
            size = (1 - p.y) * np.abs(slope(p.q, np.zeros_like(p.y))) + p.y * np.abs(slope(p.q, np.ones_like(p.y)))
        elif cost.targets:
            size = size + 2 * p.y
        self.G = np.abs(G) + dG
        self.V_C = (K + gamma(p.n[p.L] + 2)) * size + dG
        if separable:
            faint = flat & (slope(np.full_like(p.q, 0.5)) != 0)
            self.alive[p.L] &= (G != 0) | (faint & (cost.degree is None))

    def enter(self, l: int, delta: Array | None, B: Array | None) -> None:
        """Go down to layer l, given delta^(l+1) and its bound (None for l = L): what rounding in layer l does to C."""
        p, kind = self.p, self.p.sigma[l]
        if l == p.L and p.pair:
            self.V[l] = self.own = self.V_C
            return
        S, dS = self.S[l], self.dS[l]
        if delta is None or B is None:
            dC_da, above, one_above = self.G, self.V_C, self.V_C
        else:
            size = np.abs(p.w[l + 1]).T
            dC_da = np.abs(p.w[l + 1].T @ delta) + size @ B
            terms = size @ (np.abs(delta) + B)
            above, one_above = gamma(p.n[l] + 2) * terms, gamma(3) * terms
        if kind.elementwise:
            a = 0 if kind.sharp else np.maximum(1, np.abs(p.a[l]))
            within = dC_da * (K * (S + a) + dS)
            self.V[l], self.own = within + above * S, within + one_above * S
        else:
            within = dC_da[:, None] * (K * (S + np.abs(p.a[l])[:, None]) + dS)
            self.V[l] = self.own = (within + above[:, None] * S).sum(axis=0)

    def passed(self, l: int, z: Array, t: Array, e: Array) -> tuple[Array, Array]:
        """a^l from complex z^l, and how far its tangents are off, given the tangents' size t and their error e."""
        S, dS, kind = self.S[l], self.dS[l], self.p.sigma[l]
        a = self.above.sigma[l](z)
        if kind.elementwise:
            own = 0 if kind.sharp else np.maximum(1, np.abs(a))
            return a, (S + dS) * e + (dS + K * (S + own)) * t
        return a, np.einsum("kjx,jx->kx", S + dS, e) + np.einsum("kjx,jx->kx", dS + K * (S + np.abs(a)[:, None]), t)

    def neurons(self, l: int, js: slice, t: Array) -> tuple[Array, Array]:
        """delta^l_j of each example and its bound, (J, m), by moving z^l_j by it: t is (J, m)."""
        B = self.own[js].copy()

        def carry(i: int, z: Array) -> None:
            nonlocal B
            B += np.einsum("ix,ijx->jx", self.V[i], np.abs(z[..., 0].imag)) / t

        im = self.above.cost(l, js, (self.p.z[l][js] + 1j * t)[..., None], carry).imag[..., 0]
        return im / t, B

    def mark(self, l: int, delta: Array, t: Array, B: Array) -> None:
        """Complete code[l]: why a delta of layer l has no value. Kinks and underflow are inherited from the layers above."""
        p, code = self.p, self.code[l]
        if l < p.L:
            passes = p.w[l + 1] != 0
            self.alive[l] &= passes.T.astype(float) @ self.alive[l + 1] > 0
            inherited = np.zeros_like(code)
            for x in np.flatnonzero(self.code[l + 1].any(axis=0)):
                inherited[:, x] = (passes * self.code[l + 1][:, x, None]).max(axis=0)
            inherited[(self.S[l] == 0) | (inherited == 1)] = 0
            code[code == 0] = inherited[code == 0]
        lost = self.alive[l] & (np.abs(delta) * t < LOST) & (B * t < LOST)  # a small bound: nothing has cancelled
        B[lost] = LOST / t[lost]
        code[(code == 0) & lost] = 1
        code[(code == 0) & ~np.isfinite(delta + B)] = 2

    def weights(self, l: int, delta: Array, B: Array) -> tuple[Array, Array]:
        """The bound on nabla_w^l summed over the examples, and the number of the reason why an entry has no value."""
        p, size, codes = self.p, np.abs(self.p.a[l - 1]).T, self.code[l]
        total = np.abs(delta)
        bound = summed(B, size) + summed(total + B, p.E_a[l - 1].T) + gamma(p.m + 2) * summed(total, size)
        code = np.zeros(bound.shape, int)
        for x in np.flatnonzero(codes.any(axis=0)):
            np.maximum(code, np.where(codes[:, x] == 1, 0, codes[:, x])[:, None] * (size[x] != 0), out=code)
        return bound, code

    def underflowing(self, l: int, nabla_w: Array, bound: Array, h: Array, code: Array) -> None:
        """Mark in code the weights that move something and whose imaginary part underflows, nabla_w h with bound h."""
        lost: Array = (np.abs(nabla_w) < LOST / h) & (bound < LOST / h) & (code == 0)
        if lost.any():
            moves = self.alive[l].astype(float) @ (self.p.a[l - 1] != 0).T > 0  # in one and the same example
            code[lost & moves] = 1


def reach(p: Base, S: dict[int, Array], scale: Callable[[Array], Array]) -> dict[int, Array]:
    """How far a unit move of z^l_j carries the z above it (and the last a), each against its own scale: (n_l, m)."""
    found = {}
    for l in sorted(p.z, reverse=True):
        found[l] = 1 / scale(p.z[l])
        if l < p.L:
            above = (np.abs(p.w[l + 1]) * found[l + 1].max(axis=1)[:, None]).max(axis=0)
            found[l] = np.maximum(found[l], np.abs(S[l]) * above[:, None])
        elif l in S:
            across = np.abs(S[l]) / scale(p.a[l]) if S[l].ndim == 2 else (np.abs(S[l]) / scale(p.a[l])[:, None]).max(axis=0)
            found[l] = np.maximum(found[l], across)
    return found
