"""Which equation, which layer, which mistake: from a candidate's answers alone, in the chapter's words.

First its cost and scale: c nabla C for every cost. Then the catalogue: a mistake, or two, that gives every answer to
rounding (reproduce.py). Else how far it can be narrowed from the output down, and nothing is guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from time import perf_counter
from typing import Any

import numpy as np

from ..costs import COSTS
from ..errors import BackpropRefError
from ..gradient import Gradient
from ..network import Network
from .bounds import rounding
from .mistakes import MISTAKES
from .planting import LEFT, RIGHT, Mistake, form_of
from .repair import Form, lists, rewritten
from .reproduce import FAR, Case, Explanation, Key, Plant, Search, over_m, planted

SECONDS = 5.0  # that the search for two mistakes may take


@dataclass(frozen=True)
class Found:
    """One mistake that was found, or several that cannot be told apart here.

    mistakes  their names                       equation  the equation of the first
    layers    where it is                       values    of its unknown letter, as {"c": 2.0}
    wrong     its formula, in LaTeX             right     the chapter's
    yours     its lines, as in Mistake.code     write     the chapter's lines in their place, in the book's letters
    L         the layers of the network
    """

    mistakes: tuple[str, ...]
    titles: tuple[str, ...]
    equation: str
    layers: tuple[int, ...]
    values: Mapping[str, float]
    sentence: str
    wrong: str
    right: str
    yours: tuple[str, ...]
    write: tuple[str, ...]
    everywhere: bool = False
    L: int = 0

    def __str__(self) -> str:
        where = "all layers" if self.everywhere else _layers(self.layers)
        number = "".join(f", {letter} = {value:.9g}" for letter, value in self.values.items())
        titles = self.titles[0] if len(self.titles) == 1 else f"either {' or '.join(self.titles)}"
        return f"{self.equation}, {where}: {titles}{number}. {self.sentence}"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a candidate, as far as its answers tell. str: for a person.

    exact_for   (cost, reduction, factor) under which every answer is right; factor "" where it is 1
    found       the mistakes, if the catalogue explains every answer: one, or two at once
    others      other readings, where two mistakes can be told in more than one way
    evidence    how well it is reproduced, on how many probes
    narrowed    what could be said where nothing explains it, in sentences
    declared    the cost and reduction that were declared
    form        how the candidate writes things down; None: the list form
    """

    exact_for: tuple[tuple[str, str, str], ...] = ()
    found: tuple[Found, ...] = ()
    others: tuple[tuple[Found, ...], ...] = ()
    evidence: str = ""
    narrowed: tuple[str, ...] = ()
    declared: str = ""
    first_wrong: tuple[str, tuple[int, ...]] = ("", ())
    form: Form | None = None

    @property
    def equation(self) -> str:
        """The equation, or the one that goes wrong first from the output down."""
        return ", ".join(dict.fromkeys(f.equation for f in self.found)) or self.first_wrong[0]

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers of the mistake, or the first that goes wrong from the output down."""
        return tuple(sorted({l for f in self.found for l in f.layers})) or self.first_wrong[1]

    @property
    def mistake(self) -> str:
        """The names in the catalogue: "a or b" where they cannot be told apart, "a and b" of two at once; "" if none."""
        return " and ".join(" or ".join(f.mistakes) for f in self.found)

    @property
    def cost(self) -> str:
        """Under which cost it is exact, in words; ""."""
        return " and for ".join(_under(cost, reduction, factor) for cost, reduction, factor in self.exact_for)

    @property
    def exact(self) -> str:
        """What a report says first of a gradient that is right under another cost, with the options that declare it; ""."""
        options = {(c, r, f): "" if f else f" (--cost {c} --reduction {r})" for c, r, f in self.exact_for}
        said = " and for ".join(f"{_under(*under)}{option}" for under, option in options.items())
        return f"exact for {said}" if said else ""

    def write(self, f: Found) -> list[str]:
        """The chapter's lines in the candidate's own form, each for the layer of it that is nearest the output."""
        return rewritten(f.write, f.layers, f.L, lists(f.L) if self.form is None else self.form)

    def lines(self) -> Iterator[tuple[str, str]]:
        """("cause", "evidence", "yours" or "write", a line) for reports."""
        if self.exact_for:
            yield "cause", f"{self.exact}; declared was {self.declared}"
        if self.found:
            yield "cause", (f"if your cost is {self.declared}: " if self.exact_for else "") + _and(self.found)
            yield "evidence", self.evidence
            yield from (("yours", line) for f in self.found for line in f.yours)
            yield from (("write", line) for line in dict.fromkeys(line for f in self.found for line in self.write(f)))
        yield from (("cause", f"or: {_and(reading)}") for reading in self.others)
        yield from (("cause", line) for line in self.narrowed)

    def __str__(self) -> str:
        said = [line for kind, line in self.lines() if kind in ("cause", "evidence")]
        said += [f"Yours: {'; '.join(f.yours)}. Chapter: {'; '.join(f.write)}." for f in self.found]
        return " ".join(line if line.endswith(".") else line + "." for line in said)

    def to_json(self) -> Mapping[str, Any]:
        """The same as plain data."""
        return {
            "text": str(self),
            "exact_for": [{"cost": c, "reduction": r, "factor": factor or None} for c, r, factor in self.exact_for],
            "mistake": self.mistake or None,
            "equation": self.equation or None,
            "layers": list(self.layers),
            "found": [_plain(f) | {"write": self.write(f)} for f in self.found],
            "others": [[_plain(f) | {"write": self.write(f)} for f in reading] for reading in self.others],
            "evidence": self.evidence or None,
            "narrowed": list(self.narrowed),
        }


def _and(found: Sequence[Found]) -> str:
    return "; and ".join(str(f).removesuffix(".") for f in found) + "."


def _plain(f: Found) -> dict[str, Any]:
    return {
        "mistakes": list(f.mistakes),
        "equation": f.equation,
        "layers": list(f.layers),
        "values": dict(f.values),
        "sentence": f.sentence,
        "wrong": f.wrong,
        "right": f.right,
        "yours": list(f.yours),
        "chapter": list(f.write),
    }


def diagnose(cases: Sequence[Case], catalogue: Sequence[Mistake] = MISTAKES, seconds: float = SECONDS) -> Diagnosis | None:
    """What is wrong, from answers on some probes; None if no entry is. seconds: for the search for two mistakes."""
    cases = [case for case in cases if case.keys]
    if all(case.is_right(key) for case in cases for key in case.keys):
        return None
    with np.errstate(all="ignore"):
        return _diagnose(cases, catalogue, seconds)


def _diagnose(cases: Sequence[Case], catalogue: Sequence[Mistake], seconds: float) -> Diagnosis:
    exact = _exact_for(cases)
    search = Search(cases, catalogue, perf_counter() + seconds)
    case = search.first
    declared = f"{case.network.cost.name}, {_reduction(case.reduction)}"
    explanations, readings = search.singles(), list[tuple[Found, ...]]()
    if explanations:
        readings = [(_found(case, [plant for (plant,) in explanations]),)]
    else:
        explanations = search.pairs()
        readings = [tuple(_found(case, [plant]) for plant in pair) for pair in explanations]
    if not readings:
        narrowed, first_wrong = _narrowed(case) if not exact else ((), ("", ()))
        return Diagnosis(exact, declared=declared, narrowed=narrowed, first_wrong=first_wrong)
    return Diagnosis(exact, readings[0], tuple(readings[1:]), _evidence(cases, explanations[0]), declared=declared)


def _evidence(cases: Sequence[Case], explanation: Explanation) -> str:
    ulps, given = 0.0, 0
    for case in cases:
        said = planted(case, explanation)
        if said is not None:
            ulps, given = max(ulps, case.ulps(said)), given + 1
    return f"Reproduces your gradient to {ulps:.0f} ulp on {given} of {len(cases)} probe{'s' * (len(cases) > 1)}."


def _made(case: Case, plant: Plant) -> list[int]:
    """Where a mistake is made here: of BP3 and BP4, where it gives another array than the chapter."""
    made, said = plant.layers(case.network), planted(case, (plant,))
    if said is None or not plant.mistake.parts.keys() <= {"bp3", "bp4"}:
        return made
    return [l for l in made if any(not np.array_equal(v, case.right[key]) for key, v in said.items() if key[1] == l)]


def _found(case: Case, plants: Sequence[Plant]) -> Found:
    """What is said of mistakes that cannot be told apart: the first speaks for all."""
    plant, network, reduction = plants[0], case.network, case.reduction
    m, made = plant.mistake, _made(case, plant)
    write = [f"{LEFT[part]} = {_chapter(part, network, reduction)}" for part in m.parts]
    summed = reduction == "sum" and m.unknown == "eta" and over_m(m)
    values = {letter: v for letter, v in plant.values.items() if isinstance(v, float) and letter != "scale"}
    return Found(
        tuple(p.mistake.name for p in plants),
        tuple(p.mistake.title for p in plants),
        m.equation,
        tuple(made),
        values,
        m.sentence,
        m.wrong,
        m.right,
        tuple(line.replace(" / m", "") if summed else line for line in m.code(network, reduction)),
        tuple(dict.fromkeys(write)),
        everywhere=len(made) > 1 and made == list(network.layers),
        L=network.L,
    )


def _chapter(part: str, network: Network, reduction: str) -> str:
    """What to write in the place of a part: of a mean, and of the gradient as it leaves, the whole line."""
    form = form_of(part, network, reduction)
    if form == "bp1 of a pair" and network.cost.name in COSTS:
        return "a[L] - y"
    if not part.startswith(("average", "finish")):
        return RIGHT[form]
    total = RIGHT["bp4" if part.endswith("w") else "bp3"]
    return total if reduction == "sum" else f"({total}) / m" if "@" in total else f"{total} / m"


# --------------------------------------------------------------------------------------------------- cost and scale


def _exact_for(cases: Sequence[Case]) -> tuple[tuple[str, str, str], ...]:
    """The costs and reductions, and factors c, for which every answer is c nabla C. A registered cost before a bare factor."""
    declared = cases[0].network.cost.name
    under = [(cost, reduction) for cost in COSTS for reduction in ("mean", "sum")]
    others: dict[tuple[str, str], list[Case]] = {}
    for cost, reduction in under:
        tried = [_under_cost(case, cost, reduction) for case in cases]
        if all(tried) and not any(case.decay for case in cases):
            others[cost, reduction] = [case for case in tried if case]
    plain = [(c, r, "") for (c, r), made in others.items() if _all_times(cases, made, [1.0] * len(made))]
    if plain:
        return tuple(plain)
    for cost, reduction in sorted(others, key=lambda one: (one[0] != declared, one[1] != cases[0].reduction)):
        for name in FACTORS:
            made = others[cost, reduction]
            if _all_times(cases, made, [_factor(name, case) for case in made]):
                return ((cost, reduction, name),)
    return ()


SINGLE = ("-1", "m", "1/m", "2", "1/2", "2/n_L", "1/n_L")
FACTORS = (*SINGLE, *(f"{p} * {q}" for p, q in combinations_with_replacement(SINGLE, 2)))


def _factor(name: str, case: Case) -> float:
    m, n_L = len(case.X), case.network.n[case.network.L]
    value = {"-1": -1.0, "m": m, "1/m": 1 / m, "2": 2.0, "1/2": 0.5, "2/n_L": 2 / n_L, "1/n_L": 1 / n_L}
    return float(np.prod([value[one] for one in name.split(" * ")]))


def _all_times(cases: Sequence[Case], under: Sequence[Case], factors: Sequence[float]) -> bool:
    """Whether each case is c times its gradient under another cost, and that far closer than to what was declared.

    Where a cost promises nothing (cross-entropy of outputs beyond 1) its bounds would let anything pass.
    """
    evidence = 0
    for declared, case, c in zip(cases, under, factors, strict=True):
        for key, v in case.right.items():
            if not case.fits(key, c * v):
                return False
            off = np.abs(case.claims[key] - declared.right[key])
            evidence += int(((~(off <= FAR * case.near(key, c * v))) & case.told[key]).sum())
    return evidence > 1


def _under_cost(case: Case, cost: str, reduction: str) -> Case | None:
    """The same answer under another cost; None if that cost does not fit its network and targets."""
    try:
        network: Network = case.network.with_cost(cost)
        X, Y = network.batch(case.X, case.Y)
        E = rounding(network, X, Y, case.dtype, reduction)
        if not all(np.isfinite(v).all() for _, _, v in E.items()):
            E = rounding(network, X, Y, case.dtype, reduction, naive=False)
    except BackpropRefError:
        return None
    if any((np.isinf(v) & np.isfinite(getattr(case.allowed, part)[l])).any() for part, l, v in E.items() if part != "delta"):
        return None
    allowed = Gradient(*({l: _told(case, part, l, v) for l, v in getattr(E, part).items()} for part in ("nabla_w", "nabla_b")))
    return replace(case, network=network, reduction=reduction, allowed=allowed)


def _told(case: Case, part: str, l: int, E: Any) -> Any:
    known = getattr(case.allowed, part).get(l)
    return E if known is None else np.where(np.isfinite(known), E, np.inf)


def _reduction(reduction: str) -> str:
    return "summed" if reduction == "sum" else reduction


def _under(cost: str, reduction: str, factor: str) -> str:
    minus = " (right if it is added, not subtracted)" if factor == "-1" else ""
    return f"{cost}, {_reduction(reduction)}{f', times {factor}' if factor else ''}{minus}"


# ------------------------------------------------------------------------------------------------------- narrowing


def _narrowed(case: Case) -> tuple[tuple[str, ...], tuple[str, tuple[int, ...]]]:
    """What can be said without a guess: what is right, and which equation goes wrong first from the output down."""
    L, wrong = case.network.L, [key for key in case.keys if not case.is_right(key)]
    top = max(l for _, l in wrong)
    parts = {part for part, l in wrong if l == top}
    both = {part for part, l in case.keys if l == top}
    if parts == both and len(both) == 2:
        equation = "BP1" if top == L else "BP2"
        what = f"{equation}, layer {top} goes wrong first, from the output down: both gradients of that layer are off"
        what += "; so may be the forward pass, or the mean" if top == L else ""
    else:
        equation = "BP4" if "nabla_w" in parts else "BP3"
        kept = "dC/db" if equation == "BP4" else "dC/dw"
        what = f"{equation}, layer {top} goes wrong first, from the output down"
        what += f": {kept}^{top} is right, so delta^{top} is" if len(both) == 2 else ""
    right_layers = [l for l in case.network.layers if l not in {l for _, l in wrong}]
    said = ["nothing in the catalogue, nor two mistakes of it at once, gives these answers"]
    said += [f"{_layers(right_layers)} {'is' if len(right_layers) == 1 else 'are'} right"] if right_layers else []
    said += [what, *(_where(case, key) for key in wrong if key[1] == top)]
    return tuple(line for line in said if line), (equation, (top,))


def _where(case: Case, key: Key) -> str:
    """Which rows and columns of an array are wrong, where not all are."""
    part, l = key
    with np.errstate(invalid="ignore"):
        off = ~(np.abs(case.claims[key] - case.right[key]) <= getattr(case.allowed, part)[l]) & case.told[key]
    label = f"dC/d{part[-1]}^{l}"
    if off.all():
        return ""
    rows = np.flatnonzero(off.any(axis=tuple(range(1, off.ndim)))) + 1
    said = [f"row{'s' * (len(rows) > 1)} {_few(rows)} of {off.shape[0]}"]
    if off.ndim == 2:
        columns = np.flatnonzero(off.any(axis=0)) + 1
        said.append(f"column{'s' * (len(columns) > 1)} {_few(columns)} of {off.shape[1]}")
    return f"{label} is off in {', '.join(said)}: {int(off.sum())} of {off.size} entries"


def _few(numbers: Any) -> str:
    listed = [str(n) for n in numbers[:8]]
    return ", ".join(listed) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")


def _layers(layers: Sequence[int]) -> str:
    listed = [str(l) for l in layers]
    return f"layer {listed[0]}" if len(listed) == 1 else f"layers {', '.join(listed[:-1])} and {listed[-1]}"
