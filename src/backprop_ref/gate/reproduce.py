"""Does the chapter, with a mistake in it, give a candidate's gradient? Its answers are compared; its source is never read.

An explanation is one mistake, or two at once, each in every layer or in one, with a number for its unknown letter.
It holds if it gives every entry on every probe, to rounding, in places where the chapter itself does not.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..gradient import Gradient
from ..matrix import Equations
from ..network import Network
from ..rounding import unit_roundoff
from .expressions import DoesNotRun
from .planting import FORWARD, Mistake, Probe, together

Array = NDArray[Any]
Key = tuple[str, int]  # nabla_w or nabla_b, and the layer
Arrays = dict[Key, Array]
SLACK = 4  # a mistaken gradient is no farther from ours than this many bounds of a right one, measured by its own size
FAR = 100  # what is explained must be this many times beyond that
IN_B, IN_W = frozenset({"bp3", "average_b", "finish_b"}), frozenset({"bp4", "average_w", "finish_w"})


@dataclass(frozen=True, eq=False)
class Case:
    """What a candidate answered on one probe.

    claimed   its gradient                      allowed  for each entry, how far a right gradient may be from the chapter's;
    dtype     that in which it came back                 infinite where nothing can be told
    decay     lambda of a declared weight decay left_out parts that are not compared, as ("nabla_w", 2)
    """

    network: Network
    X: Array
    Y: Array
    claimed: Gradient
    allowed: Gradient
    reduction: str = "mean"
    decay: float = 0.0
    left_out: frozenset[Key] = frozenset()
    dtype: Any = np.float64

    @cached_property
    def probe(self) -> Probe:
        """The chapter's pass, in float64."""
        return Probe(self.network.astype(np.float64), self.X, self.Y, self.reduction, self.allowed)

    @cached_property
    def keys(self) -> list[Key]:
        """The arrays that are compared, from the output down, nabla_b before nabla_w."""
        g, layers = self.claimed, reversed(self.network.layers)
        every = [(part, l) for l in layers for part in ("nabla_b", "nabla_w") if l in getattr(g, part)]
        return [key for key in every if key not in self.left_out]

    @cached_property
    def claims(self) -> Arrays:
        """The claimed arrays."""
        return {(part, l): getattr(self.claimed, part)[l].astype(np.float64) for part, l in self.keys}

    @cached_property
    def told(self) -> Arrays:
        """Where an entry can be told at all."""
        return {(part, l): np.isfinite(getattr(self.allowed, part)[l]) for part, l in self.keys}

    @cached_property
    def right(self) -> Arrays:
        """The chapter's arrays, with the declared weight decay."""
        g = self.probe.chapter
        return self.arrays(Gradient(self.decayed(g.nabla_w), g.nabla_b))

    def arrays(self, g: Gradient) -> Arrays:
        """Those of a gradient that are compared."""
        keys = [(part, l) for part, l in self.keys if l in g.nabla_w]
        return {(part, l): np.asarray(getattr(g, part)[l], dtype=np.float64) for part, l in keys}

    def decayed(self, nabla_w: Mapping[int, Array], but: Collection[int] = ()) -> dict[int, Array]:
        """nabla_w with the declared weight decay, in every layer but some."""
        decay, w = self.decay, self.network.w
        return {l: v + decay * w[l].astype(np.float64) if decay and l not in but else v for l, v in nabla_w.items()}

    def undecayed(self, key: Key) -> Array:
        """A chapter's array without the declared weight decay."""
        return np.asarray(getattr(self.probe.chapter, key[0])[key[1]], dtype=np.float64)

    @cached_property
    def relative(self) -> float:
        """What a right gradient may be off by, relative to the largest entry of an array: the middle of all arrays."""
        sizes = []
        for part, l in self.keys:
            told, right = self.told[part, l], np.abs(self.right[part, l])
            if told.any() and right[told].max() > 0:
                sizes.append(float(getattr(self.allowed, part)[l][told].max() / right[told].max()))
        return max(float(np.median(sizes)), 4 * unit_roundoff(self.dtype)) if sizes else 0.0

    def near(self, key: Key, said: Array) -> Array:
        """How far an entry may be from `said`, a mistaken array: the bounds of the chapter's, measured by its own size too."""
        allowed = getattr(self.allowed, key[0])[key[1]]
        known = np.abs(said[np.isfinite(said) & self.told[key]])
        return np.asarray(SLACK * (allowed + self.relative * known.max(initial=0.0)))

    def fits(self, key: Key, said: Array) -> bool:
        """True if a mistaken array is the claimed one to rounding."""
        with np.errstate(invalid="ignore"):
            close = np.abs(self.claims[key] - said) <= self.near(key, said)
        return bool((close | (~np.isfinite(said) & ~np.isfinite(self.claims[key])) | ~self.told[key]).all())

    def is_right(self, key: Key) -> bool:
        """True if a claimed array is the chapter's, within what is allowed."""
        with np.errstate(invalid="ignore"):
            close = np.abs(self.claims[key] - self.right[key]) <= getattr(self.allowed, key[0])[key[1]]
        return bool((close | ~self.told[key]).all())

    def explained(self, said: Arrays) -> int:
        """How many entries leave the chapter far beyond rounding where `said` does not: the evidence."""
        count = 0
        with np.errstate(invalid="ignore"):
            for key, v in said.items():
                off = np.abs(self.claims[key] - self.right[key])
                count += int(((~(off <= FAR * self.near(key, v))) & self.told[key]).sum())
        return count

    def ulps(self, said: Arrays) -> float:
        """The largest difference, in units in the last place of the largest entry of its array."""
        worst = 0.0
        for key, v in said.items():
            known = np.isfinite(v) & np.isfinite(self.claims[key]) & self.told[key]
            if known.any() and np.abs(v[known]).max() > 0:
                unit = np.spacing(np.abs(v[known]).max().astype(self.dtype)).astype(np.float64)
                worst = max(worst, float(np.abs(self.claims[key] - v)[known].max() / unit))
        return worst

    def predict(self, equations: Equations, forward: bool = True, lowest: int = 2, own_decay: Collection[int] = ()) -> Arrays:
        """What the chapter gives with other equations, down to a layer. forward: False if they leave that pass alone.

        own_decay: the layers in which they have a weight decay of their own, in the place of the declared one.
        Raises DoesNotRun.
        """
        probe, e = self.probe, equations
        p = probe.deltas(e, forward, lowest)
        layers = range(lowest, p.L + 1)
        nabla_w = self.decayed({l: e.average(p, e.bp4(p, l)) for l in layers}, own_decay)
        nabla_b = {l: e.average(p, e.bp3(p, l)) for l in layers if l in probe.layers_b}
        return self.arrays(e.finish(p, Gradient(nabla_w, nabla_b)))


@dataclass(frozen=True)
class Plant:
    """A mistake, in every layer (None) or in one, with the value of its unknown letter."""

    mistake: Mistake
    layer: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    __hash__ = object.__hash__

    def layers(self, network: Network) -> list[int]:
        """Where it is planted in a network."""
        return self.mistake.layers(network) if self.layer is None else [self.layer]


Explanation = tuple[Plant, ...]


def planted(case: Case, explanation: Explanation, lowest: int = 2) -> Arrays | None:
    """What the chapter gives with an explanation in it, down to a layer; None where that cannot be run."""
    each = []
    for plant in explanation:
        if plant.layer is not None and plant.layer not in plant.mistake.layers(case.network):
            return None
        values = plant.values
        if plant.mistake.unknown == "mask":
            values = {"mask": dropped(case, float(values.get("scale", 1.0)))}
        elif plant.mistake.unknown == "eta" and case.reduction == "sum" and values and over_m(plant.mistake):
            values = {"eta": values["eta"] * len(case.X)}  # its line divides by m, as the mean does
        each.append((plant.mistake, plant.layer, values))
    forward = any(FORWARD & plant.mistake.parts.keys() for plant in explanation)
    own_decay = [l for plant in explanation if plant.mistake.unknown == "lmbda" for l in plant.layers(case.network)]
    try:
        with np.errstate(all="ignore"):
            return case.predict(together(*each), forward, lowest, own_decay)
    except DoesNotRun:
        return None


def over_m(mistake: Mistake) -> bool:
    """True if a line of it takes a step along the mean over the examples."""
    return any("/ m)" in line for line in (*mistake.parts.values(), *mistake.where.values()))


def dropped(case: Case, scale: float) -> dict[int, Array]:
    """Which hidden neurons send nothing up, as the claim has it: their columns of nabla_w are zero."""
    masks: dict[int, Array] = {}
    for l in range(2, case.network.L):
        above = case.claims.get(("nabla_w", l + 1))
        sends = np.ones(case.network.n[l]) if above is None else (above != 0).any(axis=0).astype(np.float64)
        masks[l] = scale * sends[:, None]
    return masks


def holds(cases: Sequence[Case], explanation: Explanation) -> bool:
    """True if it gives every entry of every case, and enough of them where the chapter does not."""
    evidence, alive = 0, {plant: plant.mistake.gives_zero for plant in explanation}
    for case in cases:
        said = planted(case, explanation)
        if said is None:
            return False
        if not all(case.fits(key, v) for key, v in said.items()):
            return False
        evidence += case.explained(said)
        alive = {plant: known or _gives_something(case, plant, said) for plant, known in alive.items()}
    unknowns = sum(bool(plant.mistake.unknown) for plant in explanation)
    return all(alive.values()) and evidence >= 1 + 2 * unknowns + (len(explanation) - 1)


def _gives_something(case: Case, plant: Plant, said: Arrays) -> bool:
    """Whether it leaves anything where it is made: of dead neurons every wrong line gives 0, and no answer tells which."""
    made, parts = plant.layers(case.network), plant.mistake.parts.keys()
    mine = {"nabla_b"} if parts <= IN_B else {"nabla_w"} if parts <= IN_W else {"nabla_b", "nabla_w"}
    with np.errstate(invalid="ignore"):
        return any(not (np.abs(v) <= case.near(key, v)).all() for key, v in said.items() if key[0] in mine and key[1] in made)
