"""Which mistake of a catalogue, or which two, reproduce a candidate: the search, and the unknown numbers that it solves for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations, product
from time import thread_time

import numpy as np

from ..network import Network
from .planting import Mistake, about_others, both, half, inside
from .reproduce import IN_B, IN_W, Array, Arrays, Case, Explanation, Key, Plant, dropped, holds, planted

STEPS = 8  # of a secant iteration for an unknown number

# ------------------------------------------------------------------------------------------------------ the unknown


def solved(case: Case, keys: Sequence[Key], plant: Plant, before: Explanation = (), after: Explanation = ()) -> Iterator[Plant]:
    """The mistake with values of its unknown that may give some arrays of a case: by least squares, from a few starts."""
    mistake = plant.mistake
    if mistake.unknown == "mask":
        yield from (replace(plant, values={"scale": scale}) for scale in _scales(case))
    letter = "scale" if mistake.unknown == "mask" else mistake.unknown
    target = _row(case, case.claims, keys)
    if not np.isfinite(target).all():
        return

    lowest = 2 if any(_from_below(p) for p in (*before, plant, *after)) else min(l for _, l in keys)

    def f(c: float) -> Array | None:
        said = planted(case, (*before, replace(plant, values={letter: c}), *after), lowest)
        return None if said is None else _row(case, said, keys)

    found: list[float] = []
    for start in _starts(case, keys, mistake):
        c = _secant(f, target, start)
        if c is None:
            continue
        if not any(abs(c - old) <= 1e-9 * abs(c) for old in found):
            found.append(c)
            nothing = abs(c) <= 1e-9 * abs(start)
            for value in [0.0] if nothing else dict.fromkeys([float(f"{c:.9g}"), c]):  # what a person wrote has few digits
                if value or mistake.unknown != "lmbda" or mistake.name == "regularised":  # of no decay there is one kind
                    yield replace(plant, values={letter: value})
        if "clip" not in mistake.name:
            return


def _row(case: Case, arrays: Arrays, keys: Sequence[Key]) -> Array:
    return np.concatenate([np.where(case.told[key], arrays[key], 0.0).ravel() for key in keys])


def _starts(case: Case, keys: Sequence[Key], mistake: Mistake) -> list[float]:
    if mistake.name == "clipped":
        return [max(float(np.abs(case.claims[key]).max()) for key in keys)]
    if mistake.name == "norm-clipped":
        return [float(np.linalg.norm(case.claims[key])) for key in keys if key[0] == "nabla_w"]
    if mistake.unknown == "mask":
        return _scales(case)
    return [mistake.typical] if "clip" not in mistake.name else [mistake.typical, 0.1, 0.001]


def _scales(case: Case) -> list[float]:
    kept = np.concatenate([(v != 0).ravel() for v in dropped(case, 1.0).values()] or [np.ones(1)]).mean()
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
    """Explanations of some cases of one candidate by one mistake, or by two.

    The first case is the smallest of those that are wrong nearest the output.
    """

    cases: Sequence[Case]
    catalogue: Sequence[Mistake]
    until: float

    def __post_init__(self) -> None:
        wrong = [c for c in self.cases if not all(c.is_right(key) for key in c.keys)]
        top = {id(c): max(l for part, l in c.keys if not c.is_right((part, l))) for c in wrong}
        self.first = min(wrong, key=lambda c: (-c.network.L, -top[id(c)], len(c.X) == 1, c.network.parameters))
        self.top = top[id(self.first)]
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
                group = b"".join(np.round(said[key], 14).tobytes() for key in keys) + _way(plant.mistake).encode()
                busy.setdefault(group, []).append((plant, said))
        found = self._one_gives(giving, idle, unknown) or self._moved(busy, idle)
        return found or self._both([_Alike(*zip(*group, strict=True)) for group in busy.values()], unknown)

    def _right_above(self, said: Arrays) -> bool:
        return all(self.first.fits(key, v) for key, v in said.items() if key[1] > self.top)

    def _late(self) -> bool:
        return thread_time() > self.until

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
                    else:
                        found += [pair for pair in _orders(plant, other) if self._hold(pair)]
            if found:
                return _plainest(found)
        return found

    def _rest(self, explanation: Explanation) -> list[Key]:
        """The arrays of the highest layer that an explanation does not give."""
        said = planted(self.first, explanation) or {}
        off = [key for key, v in said.items() if not self.first.fits(key, v)]
        return [key for key in off if key[1] == max(l for _, l in off)] or self.wrong_keys

    def _gives(self, explanation: Explanation) -> bool:
        said = planted(self.first, explanation, 2 if any(_from_below(p) for p in explanation) else self.top)
        return said is not None and self._right_above(said) and all(self.first.fits(key, said[key]) for key in self.top_keys)

    def _hold(self, explanation: Explanation) -> bool:
        return (
            not any(_hides(p, q, self.first.network) for p, q in permutations(explanation, 2))
            and self.fits_first(explanation)
            and holds(self.cases, explanation)
        )

    def _moved(self, busy: Mapping[bytes, list[tuple[Plant, Arrays]]], idle: list[Plant]) -> list[Explanation]:
        """Pairs of one that hands over other layers' gradients, and one that is wrong below."""
        movers = [p for group in busy.values() for p, _ in group if _moves(p)]
        return _plainest([(p, q) for p in movers for q in idle if not self._late() and self._hold((p, q))])

    def _both(self, groups: Sequence["_Alike"], unknown: list[Plant]) -> list[Explanation]:
        return self._both_known(groups) or self._one_gives_half(groups, unknown) or self._one_unknown(groups, unknown)

    def _both_known(self, groups: Sequence["_Alike"]) -> list[Explanation]:
        found: list[Explanation] = []
        for group, other in combinations(groups, 2):
            if self._late():
                break
            if not (self._left_by(group, other) and self._left_by(other, group)):
                continue
            if any(self._gives(pair) for pair in _orders(group.plants[0], other.plants[0])):
                found += [pair for p, q in product(group.plants, other.plants) for pair in _orders(p, q) if self._hold(pair)]
        return _plainest(found)

    def _left_by(self, group: "_Alike", other: "_Alike") -> bool:
        """Whether what a mistake in nabla_w alone, or in nabla_b alone, leaves of the highest wrong layer is as claimed."""
        left = _leaves(group.plants[0].mistake)
        keys = [key for key in self.top_keys if key[0] == left]
        reads = any("nabla_w" in text for part, text in other.plants[0].mistake.parts.items() if part == "finish_b")
        return reads or all(self.first.fits(key, other.said[0][key]) for key in keys)

    def _one_gives_half(self, groups: Sequence["_Alike"], unknown: list[Plant]) -> list[Explanation]:
        found: list[Explanation] = []
        for one in self._halves(unknown):
            for group in groups:
                if any(self._gives(pair) for pair in _orders(group.plants[0], one)):
                    found += [pair for p in group.plants for pair in _orders(p, one) if self._hold(pair)]
            for other in () if found else unknown:
                if self._late():
                    return found
                second = solved(self.first, self._rest((one,)), other, (one,))
                found += [(one, last) for last in second if self._hold((one, last))][:1]
        return _plainest(found)

    def _one_unknown(self, groups: Sequence["_Alike"], unknown: list[Plant]) -> list[Explanation]:
        """Both are needed, and one has a number: first those that are wrong in the same line.

        A mistake in one of the two gradients alone leaves the other to its partner, whose number was found from that.
        """
        found: list[Explanation] = []
        groups = [group for group in groups if not _leaves(group.plants[0].mistake)]
        every = [(plant, group) for plant, group in product(unknown, groups) if self._left_to(plant, group)]
        for plant, group in sorted(
            every, key=lambda one: not one[0].mistake.parts.keys() & one[1].plants[0].mistake.parts.keys()
        ):
            for first, second in _orders(group.plants[0], plant):
                if self._late():
                    return _plainest(found)
                last = second is plant
                for one in solved(self.first, self.wrong_keys, plant, (first,) if last else (), () if last else (second,)):
                    if self._gives((first, one) if last else (one, second)):
                        pairs = [(p, one) if last else (one, p) for p in group.plants]
                        found += [pair for pair in pairs if self._hold(pair)]
        return _plainest(found)

    def _left_to(self, plant: Plant, group: "_Alike") -> bool:
        left = _leaves(plant.mistake)
        return all(self.first.fits(key, group.said[0][key]) for key in self.top_keys if key[0] == left)

    def _halves(self, unknown: list[Plant]) -> list[Plant]:
        """Those with an unknown number that give one of the two gradients of the highest wrong layer."""
        tried = [(key, one) for plant in unknown for key in self.wrong_keys for one in solved(self.first, [key], plant)]
        said = [(key, one, planted(self.first, (one,))) for key, one in tried]
        return [one for key, one, v in said if v is not None and self._right_above(v) and self.first.fits(key, v[key])]


@dataclass(frozen=True)
class _Alike:
    """Mistakes that do the same in the highest wrong layer, and what each says there."""

    plants: tuple[Plant, ...]
    said: tuple[Arrays, ...]


def _moves(plant: Plant) -> bool:
    """True if it gives a layer the gradient of another one."""
    return plant.mistake.name.startswith("layers-")


def _from_below(plant: Plant) -> bool:
    """True if the gradient of a layer takes something from lower ones, as letters of a mistake's own do."""
    return _moves(plant) or bool(plant.mistake.where)


def _leaves(mistake: Mistake) -> str:
    """Which of the two gradients a mistake leaves alone in every layer; ""."""
    return "nabla_b" if mistake.parts.keys() <= IN_W else "nabla_w" if mistake.parts.keys() <= IN_B else ""


def _hides(first: Plant, second: Plant, network: Network) -> bool:
    """True if the second writes over a line of the first, or is the same in the same layer: the two are another mistake."""
    if first.mistake is second.mistake:
        return bool(set(first.layers(network)) & set(second.layers(network)))
    shared = [(part, text, q) for part, text in first.mistake.parts.items() if (q := second.mistake.parts.get(part))]
    one_letter = first.mistake.unknown and first.mistake.unknown == second.mistake.unknown  # then no line can have both
    kept = all("chapter" in inside(part, p) + inside(part, q) or (both(part, p, q) and not one_letter) for part, p, q in shared)
    return bool(shared) and not kept and bool(set(first.layers(network)) & set(second.layers(network)))


def _orders(first: Plant, second: Plant) -> Iterator[Explanation]:
    """The two ways in which a line can be wrong twice; once where it is no matter which came first."""
    yield first, second
    shared = [(part, text, q) for part, text in first.mistake.parts.items() if (q := second.mistake.parts.get(part))]
    if any(all("chapter" in inside(part, t) for t in (p, q)) or both(part, p, q) != both(part, q, p) for part, p, q in shared):
        yield second, first


def _way(mistake: Mistake) -> str:
    """How its lines stand to another in their place: two of one way are tried once."""
    texts = [(part, inside(part, text)) for part, text in sorted(mistake.parts.items())]
    return repr([(part, "chapter" in text, half(part, text)) for part, text in texts])


def _plainest(found: list[Explanation]) -> list[Explanation]:
    """Those with the fewest unknown numbers, one mistake in two layers before two; of each pair of mistakes, the first."""
    if not found:
        return []
    least = min(sum(bool(p.mistake.unknown) for p in one) for one in found)
    kept: dict[frozenset[str], Explanation] = {}
    for one in found:
        if sum(bool(p.mistake.unknown) for p in one) == least:
            kept.setdefault(frozenset(p.mistake.name for p in one), one)
    return [kept[names] for names in sorted(kept, key=len)]
