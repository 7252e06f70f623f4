"""Does the chapter, with a mistake in it, give a candidate's gradient? Its answers are compared; its source is never read.

An explanation is one mistake, or two at once, each in every layer or in one, with a number for its unknown letter.
It holds if it gives every entry on every probe, to rounding, in places where the chapter itself does not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..gradient import Gradient
from ..matrix import Equations
from ..network import Network
from .expressions import DoesNotRun
from .planting import FORWARD, Mistake, Probe, about_others, together

Array = NDArray[Any]
Key = tuple[str, int]  # nabla_w or nabla_b, and the layer
Arrays = dict[Key, Array]
SLACK = 4  # a mistaken gradient is no farther from ours than this many bounds of a right one, measured by its own size
FAR = 100  # what is explained must be this many times beyond that
STEPS = 8  # of a secant iteration for an unknown number


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
        """The chapter's arrays."""
        return self.arrays(self.probe.chapter)

    def arrays(self, g: Gradient) -> Arrays:
        """Those of a gradient that are compared, with the declared weight decay."""
        found = {(part, l): np.asarray(getattr(g, part)[l], dtype=np.float64) for part, l in self.keys}
        if self.decay:
            found |= {key: v + self.decay * self.network.w[key[1]] for key, v in found.items() if key[0] == "nabla_w"}
        return found

    @cached_property
    def relative(self) -> float:
        """What a right gradient may be off by, relative to the largest entry of an array: the middle of all arrays."""
        sizes = []
        for part, l in self.keys:
            told, right = self.told[part, l], np.abs(self.right[part, l])
            if told.any() and right[told].max() > 0:
                sizes.append(float(getattr(self.allowed, part)[l][told].max() / right[told].max()))
        return float(np.median(sizes)) if sizes else 0.0

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

    def predict(self, equations: Equations, forward: bool = True) -> Arrays:
        """What the chapter gives with other equations. forward: False if they leave the forward pass alone. Raises DoesNotRun."""
        probe, e = self.probe, equations
        p = probe.deltas(e, forward)
        nabla_w = {l: e.average(p, e.bp4(p, l)) for l in p.layers}
        nabla_b = {l: e.average(p, e.bp3(p, l)) for l in probe.layers_b}
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


def planted(case: Case, explanation: Explanation) -> Arrays | None:
    """What the chapter gives with an explanation in it; None where that cannot be run."""
    each = []
    for plant in explanation:
        if plant.layer is not None and plant.layer not in plant.mistake.layers(case.network):
            return None
        values = plant.values
        if plant.mistake.unknown == "mask":
            values = {"mask": _mask(case, float(values.get("scale", 1.0)))}
        elif plant.mistake.unknown == "eta" and case.reduction == "sum" and values and over_m(plant.mistake):
            values = {"eta": values["eta"] * len(case.X)}  # its line divides by m, as the mean does
        each.append((plant.mistake, plant.layer, values))
    forward = any(FORWARD & plant.mistake.parts.keys() for plant in explanation)
    try:
        with np.errstate(all="ignore"):
            return case.predict(together(*each), forward)
    except DoesNotRun:
        return None


def over_m(mistake: Mistake) -> bool:
    """True if a line of it takes a step along the mean over the examples."""
    return any("/ m)" in line for line in (*mistake.parts.values(), *mistake.where.values()))


def _mask(case: Case, scale: float) -> dict[int, Array]:
    """Which hidden neurons send nothing up, as the claim has it: their columns of nabla_w are zero."""
    masks: dict[int, Array] = {}
    for l in range(2, case.network.L):
        above = case.claims.get(("nabla_w", l + 1))
        sends = np.ones(case.network.n[l]) if above is None else (above != 0).any(axis=0).astype(np.float64)
        masks[l] = scale * sends[:, None]
    return masks


def holds(cases: Sequence[Case], explanation: Explanation) -> bool:
    """True if it gives every entry of every case, and enough of them where the chapter does not."""
    evidence = 0
    for case in cases:
        said = planted(case, explanation)
        if said is None:
            return False
        if not all(case.fits(key, v) for key, v in said.items()):
            return False
        evidence += case.explained(said)
    unknowns = sum(bool(plant.mistake.unknown) for plant in explanation)
    return evidence >= 1 + 2 * unknowns + (len(explanation) - 1)


# ------------------------------------------------------------------------------------------------------ the unknown


def solved(case: Case, keys: Sequence[Key], plant: Plant, beside: Explanation = ()) -> Iterator[Plant]:
    """The mistake with values of its unknown that may give some arrays of a case: by least squares, from a few starts."""
    mistake = plant.mistake
    if mistake.unknown == "mask":
        for scale in _scales(case):
            yield replace(plant, values={"scale": scale})
        return
    target = _row(case, case.claims, keys)
    if not np.isfinite(target).all():
        return

    def f(c: float) -> Array | None:
        said = planted(case, (*beside, replace(plant, values={mistake.unknown: c})))
        return None if said is None else _row(case, said, keys)

    found: list[float] = []
    for start in _starts(case, keys, mistake):
        c = _secant(f, target, start)
        if c is None:
            continue
        if not any(abs(c - old) <= 1e-9 * abs(c) for old in found):
            found.append(c)
            short = float(f"{c:.9g}")  # what a person wrote has few digits
            yield replace(plant, values={mistake.unknown: short if abs(short - c) <= 1e-9 * abs(c) else c})
            if short != c:
                yield replace(plant, values={mistake.unknown: c})
        if "clip" not in mistake.name:
            return


def _row(case: Case, arrays: Arrays, keys: Sequence[Key]) -> Array:
    return np.concatenate([np.where(case.told[key], arrays[key], 0.0).ravel() for key in keys])


def _starts(case: Case, keys: Sequence[Key], mistake: Mistake) -> list[float]:
    if mistake.name == "clipped":
        return [max(float(np.abs(case.claims[key]).max()) for key in keys)]
    if mistake.name == "norm-clipped":
        return [float(np.linalg.norm(case.claims[key])) for key in keys if key[0] == "nabla_w"]
    return [mistake.typical] if "clip" not in mistake.name else [mistake.typical, 0.1, 0.001]


def _scales(case: Case) -> list[float]:
    kept = np.concatenate([(v != 0).ravel() for v in _mask(case, 1.0).values()] or [np.ones(1)]).mean()
    return list(dict.fromkeys([1.0, 2.0, 1.25, float(f"{1 / kept:.12g}") if kept else 1.0]))


def _secant(f: Callable[[float], Array | None], target: Array, start: float) -> float | None:
    """c with f(c) = target in the sense of least squares, where f is smooth; exact in one step where it is affine."""
    old, c = start, 1.5 * start
    v_old, v = f(old), f(c)
    for _ in range(STEPS):
        if v is None or v_old is None or not np.isfinite(v).all() or not np.isfinite(v_old).all() or c == old:
            return None
        slope = (v - v_old) / (c - old)
        size = float(slope @ slope)
        if size == 0:
            return old if np.array_equal(v_old, target) else None
        step = float(slope @ (target - v)) / size
        if abs(step) <= 2.0**-50 * abs(c):
            return c + step
        before = float(np.abs(target - v).max())
        old, v_old, c, v = c, v, c + step, f(c + step)
        if v is not None and np.isfinite(v).all():
            after = float(np.abs(target - v).max())
            if after <= 2.0**-46 * float(np.abs(target).max()):
                return c
            if after > 0.95 * before:
                return None
    return c


# ------------------------------------------------------------------------------------------------------- the search


@dataclass
class Search:
    """Explanations of some cases of one candidate by one mistake, or by two. The first case is the smallest that is wrong."""

    cases: Sequence[Case]
    catalogue: Sequence[Mistake]
    until: float

    def __post_init__(self) -> None:
        wrong = [c for c in self.cases if not all(c.is_right(key) for key in c.keys)]
        self.first = min(wrong, key=lambda c: (-c.network.L, len(c.X) == 1, c.network.parameters))
        off = [l for _, l in (key for key in self.first.keys if not self.first.is_right(key))]
        self.top = max(off)
        self.top_keys = [key for key in self.first.keys if key[1] == self.top]
        self.wrong_keys = [key for key in self.top_keys if not self.first.is_right(key)]

    def plants(self) -> Iterator[Plant]:
        """Every mistake that can be made in this network, in every layer and in each; unknowns unsolved."""
        network = self.first.network
        for mistake in self.catalogue:
            made = mistake.layers(network)
            if not made or about_others(mistake, network):
                continue
            yield Plant(mistake)
            if len(made) > 1 and not {"bp1", "bp2"} <= mistake.parts.keys():  # in one layer, that is a mistake of its own
                yield from (Plant(mistake, l) for l in made)

    def singles(self) -> list[Explanation]:
        """The single mistakes that hold; those with an unknown number only where none without it does."""
        found: list[Explanation] = []
        for free in (False, True):
            for plant in self.plants():
                if bool(plant.mistake.unknown) != free or any(p.mistake is plant.mistake for (p,) in found):
                    continue
                tried = solved(self.first, self.wrong_keys, plant) if free else [plant]
                found += [(one,) for one in tried if self.fits_first((one,)) and holds(self.cases, (one,))][:1]
            if found:
                break
        return found

    def fits_first(self, explanation: Explanation) -> bool:
        """Whether it gives the first case."""
        said = planted(self.first, explanation)
        return said is not None and all(self.first.fits(key, v) for key, v in said.items())

    def pairs(self) -> list[Explanation]:
        """Pairs that hold, found from the output down.

        Above the highest wrong layer both leave everything right. There, one gives what was claimed and the other nothing
        new, or both are needed: those that do the same there are tried once.
        """
        first, keys = self.first, self.top_keys
        if sum(case.explained(case.claims) for case in self.cases) < 2:  # holds() asks that much evidence of a pair
            return []
        idle: list[Plant] = []
        busy: dict[bytes, list[tuple[Plant, Arrays]]] = {}
        giving: list[Plant] = []
        unknown: list[Plant] = []
        for plant in self.plants():
            if plant.mistake.unknown:
                unknown.append(plant)
                continue
            said = planted(first, (plant,))
            if said is None or not self._right_above(said):
                continue
            if all((np.abs(said[key] - v) <= first.near(key, v)).all() for key, v in first.right.items()):
                continue  # it does nothing here
            if all(np.array_equal(said[key], first.right[key]) for key in keys):
                idle.append(plant)
            else:
                if all(first.fits(key, said[key]) for key in keys):
                    giving.append(plant)
                group = b"".join(np.round(said[key], 14).tobytes() for key in keys) + repr(sorted(plant.mistake.parts)).encode()
                busy.setdefault(group, []).append((plant, said))
        return self._one_gives(giving, idle, unknown) or self._both(busy, idle, unknown)

    def _right_above(self, said: Arrays) -> bool:
        return all(self.first.fits(key, v) for key, v in said.items() if key[1] > self.top)

    def _late(self) -> bool:
        return perf_counter() > self.until

    def _one_gives(self, giving: list[Plant], idle: list[Plant], unknown: list[Plant]) -> list[Explanation]:
        given = [one for plant in unknown for one in solved(self.first, self.wrong_keys, plant) if self._gives((one,))]
        found: list[Explanation] = []
        for free in (False, True):
            for plant in (*giving, *given):
                for other in unknown if free else idle:
                    if self._late():
                        return found
                    if free:
                        rest = self._rest((plant,))
                        found += [(plant, one) for one in solved(self.first, rest, other, (plant,)) if self._hold((plant, one))][
                            :1
                        ]
                    elif self._hold((plant, other)):
                        found.append((plant, other))
            if found:
                return _plainest(found)
        return found

    def _rest(self, explanation: Explanation) -> list[Key]:
        """The arrays of the highest layer that an explanation does not give."""
        said = planted(self.first, explanation) or {}
        off = [key for key, v in said.items() if not self.first.fits(key, v)]
        return [key for key in off if key[1] == max(l for _, l in off)] or self.wrong_keys

    def _gives(self, explanation: Explanation) -> bool:
        said = planted(self.first, explanation)
        return said is not None and self._right_above(said) and all(self.first.fits(key, said[key]) for key in self.top_keys)

    def _hold(self, explanation: Explanation) -> bool:
        return (
            not any(_hides(p, q, self.first.network) for p, q in permutations(explanation, 2))
            and self.fits_first(explanation)
            and holds(self.cases, explanation)
        )

    def _both(
        self, busy: Mapping[bytes, list[tuple[Plant, Arrays]]], idle: list[Plant], unknown: list[Plant]
    ) -> list[Explanation]:
        groups, found = [[plant for plant, _ in group] for group in busy.values()], list[Explanation]()
        for i, group in enumerate(groups):
            for other in groups[i + 1 :]:
                if self._late():
                    return _plainest(found)
                if self._gives((group[0], other[0])):
                    every = ((p, q) for p in group for q in other)
                    found += [pair for pair in every if self._hold(pair)]
        if found:
            return _plainest(found)
        for plant in unknown:
            for group in groups:
                if self._late():
                    return _plainest(found)
                for one in solved(self.first, self.wrong_keys, plant, (group[0],)):
                    if self._gives((group[0], one)):
                        found += [(p, one) for p in group if self._hold((p, one))]
        return _plainest(found)


def _hides(first: Plant, second: Plant, network: Network) -> bool:
    """True if the second writes over a line of the first: what is left of that is another mistake."""
    shared = [part for part in first.mistake.parts if part in second.mistake.parts]
    kept = all("chapter" in first.mistake.parts[part] or "chapter" in second.mistake.parts[part] for part in shared)
    return bool(shared) and not kept and bool(set(first.layers(network)) & set(second.layers(network)))


def _plainest(found: list[Explanation]) -> list[Explanation]:
    """Those with the fewest unknown numbers; of each pair of mistakes, the first."""
    if not found:
        return []
    least = min(sum(bool(p.mistake.unknown) for p in one) for one in found)
    kept: dict[frozenset[str], Explanation] = {}
    for one in found:
        if sum(bool(p.mistake.unknown) for p in one) == least:
            kept.setdefault(frozenset(p.mistake.name for p in one), one)
    return list(kept.values())
