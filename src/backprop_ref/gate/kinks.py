"""Where exactly one neuron stands at a kink: the gradient on each of its two sides, and what a right claim may be there.

The kink is moved a little out of the way, first below z, then above: each branch is continued as the straight line that it
is, so that nothing else changes. Of an activation whose branches are not straight near the kink nothing is said.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..activations import Activation
from ..gradient import Estimate
from ..network import Network
from ..oracles import differences
from ..oracles.moves import Base
from ..rounding import unit_roundoff
from .bounds import Bounds, rounding

Array = NDArray[Any]
FAR = 0.375  # a kink is moved by u to this power at most, beside max(1, |kink|): well beyond the rounding of z


@dataclass(frozen=True, eq=False)
class Side:
    """The gradient with the kink on one side of z, and how far a right candidate may be from it."""

    expected: Estimate
    allowed: Bounds


def sides(
    network: Network, X: Array, Y: Array, expected: Estimate, dtype: Any, reduction: str, inputs: bool
) -> tuple[Side, Side] | None:
    """The two sides, or None if not exactly one neuron of one example stands at a kink."""
    if not expected.proven or not any(why.any() for _, _, why in expected.why.items()):
        return None
    base = Base(network, X, Y)
    at = [
        (l, kink, int(j), int(x))
        for l in network.layers
        for kink in network.sigma[l].kinks
        for j, x in np.argwhere(np.abs(base.z[l] - kink) <= base.E_z[l])
    ]
    if len(at) != 1:
        return None
    [(l, kink, j, x)] = at
    z, sigma = base.z[l], network.sigma[l]
    others = np.delete(z.ravel(), j * z.shape[1] + x)
    nearest = min(float(np.abs(others - k).min(initial=np.inf)) for k in sigma.kinks)
    t = 2.0 ** np.floor(np.log2(min(unit_roundoff(dtype) ** FAR * max(1.0, abs(kink)), nearest / 4 or 1.0)))
    if np.abs(others - kink).min(initial=np.inf) <= 2 * t or not _straight(sigma, kink, t):
        return None

    def side(by: float) -> Side:
        other = replace(network, sigma=dict(network.sigma) | {l: _continued(sigma, kink, by)})
        options: dict[str, Any] = {"inputs": True} if inputs else {}
        return Side(
            differences.complex_step(other, X, Y, reduction, **options), rounding(other, X, Y, dtype, reduction, naive=False)
        )

    return side(t), side(-t)


def _straight(sigma: Activation, kink: float, t: float) -> bool:
    near = sigma.sigma_prime(kink + t * np.array([2.0, 4.0, -2.0, -4.0]))
    return bool(near[0] == near[1] and near[2] == near[3])


def _continued(sigma: Activation, kink: float, t: float) -> Activation:
    """Sigma with the kink at kink - t: between there and its own, the branch of t's sign goes on as a straight line."""

    straight = np.subtract(*sigma.sigma(kink + t * np.array([2.0, 4.0])))  # -2 t times the slope of the branch

    def on(f: Callable[[Array], Array], lift: float) -> Callable[[Array], Array]:
        def g(z: Array) -> Array:
            between = np.abs(z.real - kink) < abs(t)
            return np.where(between, f(np.where(between, z + 2 * t, z)) + lift, f(z))

        return g

    moved = tuple(k - t if k == kink else k for k in sigma.kinks)
    return replace(
        sigma,
        sigma=on(sigma.sigma, straight),
        sigma_prime=on(sigma.sigma_prime, 0.0),
        complex=sigma.complex and on(sigma.complex, straight),
        plain=None,
        kinks=moved,
    )
