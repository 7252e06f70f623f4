"""Which equation, which layer, which mistake: from a candidate's answers alone, in the chapter's words.

First its cost and scale: c nabla C for every cost. Then the catalogue: a mistake, or two, that gives every answer to
rounding (reproduce.py, search.py). Else how far it can be narrowed from the output down, and nothing is guessed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from time import thread_time
from typing import Any

import numpy as np

from ..costs import COSTS
from ..errors import BackpropRefError
from ..gradient import Gradient
from ..network import Network
from .bounds import rounding
from .mistakes import MISTAKES
from .planting import FORMULAS, LEFT, RIGHT, Mistake, form_of
from .repair import Form, lists, rewritten
from .reproduce import FAR, Case, Explanation, Key, Plant, over_m, planted
from .search import Search

SECONDS = 5.0  # of CPU time, that the search for two mistakes may take


@dataclass(frozen=True)
class Found:
    """One mistake that was found, or several that cannot be told apart here.

    mistakes  their names                       equation  the equation of the first
    layers    where it is                       values    of its unknown letter, as {"c": 2.0}
    wrong     its formula, in LaTeX             right     the chapter's
    yours     its lines, as in Mistake.code     chapter   the chapter's lines in their place
    write     the lines to write, whole: with the mean over the examples and the declared weight decay, in the book's letters
    L         the layers of the network         places    where each of the mistakes would be
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
    chapter: tuple[str, ...]
    write: tuple[str, ...]
    everywhere: bool = False
    L: int = 0
    places: tuple[tuple[int, ...], ...] = ()

    @property
    def heading(self) -> str:
        """Where it is, and what it is called."""
        where = "all layers" if self.everywhere else _layers(self.layers)
        number = "".join(f", {letter} = {value:.9g}" for letter, value in self.values.items())
        places = self.places or (self.layers,) * len(self.titles)
        each = [
            title + ("" if place == self.layers else f" ({_layers(place)})")
            for title, place in zip(self.titles, places, strict=False)  # a title is left out where it is seldom meant
        ]
        titles = each[0] if len(each) == 1 else f"either {' or '.join(each)}"
        return f"{self.equation}, {where}: {titles}{number}"

    def __str__(self) -> str:
        return f"{self.heading}. {self.sentence}"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a candidate, as far as its answers tell. str: for a person.

    exact_for   (cost, reduction, factor) under which every answer is right; factor "" where it is 1
    decay       lambda of its weight decay, where exact_for needs another one than was declared; 0 is none
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
    decay: float | None = None

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
        return " and for ".join(_under(cost, reduction, factor, self.decay) for cost, reduction, factor in self.exact_for)

    @property
    def exact(self) -> str:
        """What a report says first of a gradient that is right under another cost, with the options that declare it; ""."""
        more = f" --weight-decay {self.decay:.9g}" if self.decay and self.decay > 0 else ""
        options = {(c, r, f): "" if f else f" (--cost {c} --reduction {r}{more})" for c, r, f in self.exact_for}
        said = " and for ".join(f"{_under(*under, self.decay)}{option}" for under, option in options.items())
        return f"exact for {said}" if said else ""

    def write(self, f: Found) -> list[str]:
        """The chapter's lines in the candidate's own form, each for the layer of it that is nearest the output."""
        return rewritten(f.write, f.layers, f.L, lists(f.L) if self.form is None else self.form)

    def lines(self) -> Iterator[tuple[str, str]]:
        """("cause", "evidence", "yours" or "write", a line) for reports."""
        said: dict[str, Found] = {}
        if self.exact_for:
            yield "cause", f"{self.exact}; declared was {self.declared}"
        if self.found:
            yield "cause", (f"if your cost is {self.declared}: " if self.exact_for else "") + _and(self.found, said)
            yield "evidence", self.evidence
            yield from (("yours", line) for f in self.found for line in f.yours)
            yield from (("write", line) for line in dict.fromkeys(line for f in self.found for line in self.write(f)))
        yield from (("cause", f"or: {_and(reading, said)}") for reading in self.others)
        yield from (("cause", line) for line in self.narrowed)

    def __str__(self) -> str:
        said = [line for kind, line in self.lines() if kind in ("cause", "evidence")]
        said += [f"Yours: {'; '.join(f.yours)}. Chapter: {'; '.join(f.chapter)}." for f in self.found]
        return " ".join(line if line.endswith(".") else line + "." for line in said)

    def to_json(self) -> Mapping[str, Any]:
        """The same as plain data."""
        return {
            "text": str(self),
            "exact_for": [{"cost": c, "reduction": r, "factor": factor or None} for c, r, factor in self.exact_for],
            "decay": self.decay,
            "mistake": self.mistake or None,
            "equation": self.equation or None,
            "layers": list(self.layers),
            "found": [_plain(f) | {"write": self.write(f)} for f in self.found],
            "others": [[_plain(f) | {"write": self.write(f)} for f in reading] for reading in self.others],
            "evidence": self.evidence or None,
            "narrowed": list(self.narrowed),
        }


def _and(found: Sequence[Found], said: dict[str, Found]) -> str:
    """Findings in one line. said: by their sentences those that were told already; no sentence is told again."""
    each = [f.heading if said.setdefault(f.sentence.replace("^L", "^l"), f) is not f else str(f) for f in found]
    return "; and ".join(text.removesuffix(".") for text in each) + "."


def _merged(found: Sequence[Found]) -> tuple[Found, ...]:
    """Two findings of one mistake, in two layers, as one."""
    first, *others = found
    if not others or any((f.mistakes, f.values, f.titles) != (first.mistakes, first.values, first.titles) for f in others):
        return tuple(found)
    places = tuple(tuple(sorted({l for p in each for l in p})) for each in zip(*(f.places for f in found), strict=True))
    everywhere = list(places[0]) == list(range(2, first.L + 1))
    return (replace(first, layers=places[0], places=places, everywhere=everywhere),)


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
        "chapter": list(f.chapter),
    }


def diagnose(cases: Sequence[Case], catalogue: Sequence[Mistake] = MISTAKES, seconds: float = SECONDS) -> Diagnosis | None:
    """What is wrong, from answers on some probes; None if no entry is. seconds: for the search for two mistakes."""
    cases = [case for case in cases if case.keys]
    if all(case.is_right(key) for case in cases for key in case.keys):
        return None
    with np.errstate(all="ignore"):
        return _diagnose(cases, catalogue, seconds)


def explained(case: Case) -> bool:
    """Whether another cost, or one mistake of the catalogue, gives an answer."""
    with np.errstate(all="ignore"):
        wrong = any(not case.is_right(key) for key in case.keys)
        return wrong and bool(_exact_for([case])[0] or Search([case], MISTAKES, 0.0).singles())


def _diagnose(cases: Sequence[Case], catalogue: Sequence[Mistake], seconds: float) -> Diagnosis:
    exact, decay = _exact_for(cases)
    search = Search(cases, catalogue, thread_time() + seconds)
    case = search.first
    cases = [case, *(other for other in cases if other is not case)]
    declared = f"{case.network.cost.name}, {_reduction(case.reduction)}"
    explanations, readings = search.singles(), list[tuple[Found, ...]]()
    if explanations:
        by_value: dict[str, list[Plant]] = {}
        for (plant,) in explanations:
            by_value.setdefault(repr(sorted(plant.values.items())), []).append(plant)
        readings = [(_found(cases, alike),) for alike in by_value.values()]
    else:
        pairs = search.pairs()
        explanations = [pair for pair in pairs if not any(plant.mistake.seldom for plant in pair)] or pairs
        readings = [_merged([_found(cases, [plant]) for plant in pair]) for pair in explanations]
    if not readings:
        narrowed, first_wrong = _narrowed(case) if not exact else ((), ("", ()))
        return Diagnosis(exact, declared=declared, narrowed=narrowed, first_wrong=first_wrong, decay=decay)
    evidence = _evidence(cases, explanations[0])
    return Diagnosis(exact, readings[0], tuple(readings[1:]), evidence, declared=declared, decay=decay)


def _evidence(cases: Sequence[Case], explanation: Explanation) -> str:
    ulps, given = 0.0, 0
    for case in cases:
        said = planted(case, explanation)
        if said is not None:
            ulps, given = max(ulps, case.ulps(said)), given + 1
    return f"Reproduces your gradient to {ulps:.0f} ulp on {given} of {len(cases)} probe{'s' * (len(cases) > 1)}."


def _made(cases: Sequence[Case], plant: Plant) -> list[int]:
    """Where a mistake is made: of BP3 and BP4, where it gives another array than the chapter, on one of the probes."""
    network = cases[0].network
    made = plant.layers(network)
    if not plant.mistake.parts.keys() <= {"bp3", "bp4"}:
        return made
    every = [(case, planted(case, (plant,)) or {}) for case in cases if case.network.L == network.L]
    off = {key[1] for case, said in every for key, v in said.items() if not np.array_equal(v, case.right[key])}
    return [l for l in made if l in off] if off else made


def _found(cases: Sequence[Case], plants: Sequence[Plant]) -> Found:
    """What is said of mistakes that cannot be told apart: the first speaks for all."""
    plants = sorted(plants, key=lambda p: p.mistake.seldom)
    told = [p.mistake.title for p in plants if not p.mistake.seldom] or [p.mistake.title for p in plants]
    plant, network, reduction = plants[0], cases[0].network, cases[0].reduction
    m, places, decay = plant.mistake, tuple(tuple(_made(cases, p)) for p in plants), _declared_decay(cases)
    made = list(places[0])
    summed = reduction == "sum" and m.unknown == "eta" and over_m(m)
    values = {letter: v for letter, v in plant.values.items() if isinstance(v, float) and (letter, v) != ("scale", 1.0)}
    found = Found(
        tuple(p.mistake.name for p in plants),
        tuple(told),
        m.equation,
        tuple(made),
        values,
        m.sentence,
        m.wrong,
        m.right,
        tuple(line.replace(" / m", "") if summed else line for line in m.code(network, reduction)),
        _assigned(m, lambda part: _chapter(part, network, reduction, decay)),
        _assigned(m, lambda part: _whole(part, network, reduction, decay)),
        everywhere=len(made) > 1 and made == list(network.layers),
        L=network.L,
        places=places,
    )
    return _beside_decay(found, plants, cases, decay) if decay and m.unknown == "lmbda" else found


def _assigned(m: Mistake, line: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{LEFT[part]} = {line(part)}" for part in m.parts))


def _beside_decay(found: Found, plants: Sequence[Plant], cases: Sequence[Case], decay: str) -> Found:
    """A regularisation in the place of the weight decay that was declared."""
    network, reduction, right = cases[0].network, cases[0].reduction, rf"{FORMULAS['finish_w']} + \lambda w^l"
    if any(found.values.values()):
        titles, sentences = zip(*(p.mistake.beside_decay for p in plants), strict=True)
        return replace(found, titles=titles, sentence=sentences[0].replace("?", decay), right=right)
    missing = f"The cost that was declared has weight decay, lambda = {decay}; its gradient, lambda w^l, is missing."
    yours = _assigned(plants[0].mistake, lambda part: _whole(part, network, reduction, ""))
    titles = ("the declared weight decay missing",)
    return replace(found, titles=titles, values={}, sentence=missing, wrong=FORMULAS["finish_w"], right=right, yours=yours)


def _declared_decay(cases: Sequence[Case]) -> str:
    """lambda of the declared weight decay as it is written; its letter where it depends on the probe, "" without one."""
    declared = {case.decay for case in cases}
    return "" if declared == {0.0} else f"{declared.pop():.9g}" if len(declared) == 1 else "lmbda"


def _chapter(part: str, network: Network, reduction: str, decay: str) -> str:
    """The chapter's line for a part: of a mean, and of the gradient as it leaves, the whole line."""
    form = form_of(part, network, reduction)
    if form == "bp1 of a pair" and network.cost.name in COSTS:
        return "a[L] - y"
    return _whole(part, network, reduction, decay) if part.startswith(("average", "finish")) else RIGHT[form]


def _whole(part: str, network: Network, reduction: str, decay: str) -> str:
    """What to write in the place of a part: of a gradient, with its mean and its weight decay."""
    if part in ("z", "a", "bp1", "bp2"):
        return _chapter(part, network, reduction, decay)
    of_w = part == "bp4" or part.endswith("w")
    total = RIGHT["bp4" if of_w else "bp3"]
    mean = total if reduction == "sum" else f"({total}) / m" if of_w else f"{total} / m"
    return f"{mean} + {decay} * w[l]" if of_w and decay else mean


# --------------------------------------------------------------------------------------------------- cost and scale


Under = tuple[str, str, str]  # cost, reduction, factor


def _exact_for(cases: Sequence[Case]) -> tuple[tuple[Under, ...], float | None]:
    """The costs and reductions, and factors c, for which every answer is c nabla C; lambda of its weight decay, if it is another.

    A registered cost before a bare factor, and both before a weight decay that was not declared.
    """
    declared = cases[0].network.cost.name, cases[0].reduction
    others: dict[tuple[str, str], list[Case]] = {}
    for under in ((cost, reduction) for cost in COSTS for reduction in ("mean", "sum")):
        tried = [_under_cost(case, *under) for case in cases]
        if all(tried):
            others[under] = [case for case in tried if case]
    plain = tuple((*under, "") for under, made in others.items() if _all_times(cases, made, ""))
    if plain:
        return plain, None
    nearest = sorted(others, key=lambda one: (one[0] != declared[0], one[1] != declared[1]))
    for under in nearest:
        for name in FACTORS:
            if _all_times(cases, others[under], name):
                return ((*under, name),), None
    for name in ("", *FACTORS):
        for under in nearest if name else (one for one in others if one != declared):
            decay = _decay_beside(cases, others[under], name)
            if decay is not None:
                return ((*under, name),), decay
    return (), None


def _decay_beside(cases: Sequence[Case], under: Sequence[Case], name: str) -> float | None:
    """lambda of a weight decay, another than the declared one, beside which every answer is c times a gradient; or None.

    Another gradient than the declared: else it is a mistake in the decay alone.
    """
    declared, case, c = cases[0], under[0], _factor(name, under[0])
    if any(not case.fits(key, c * v) for key, v in case.right.items() if key[0] == "nabla_b"):
        return None
    apart = ((v, c * case.undecayed(key), key) for key in case.keys for v in [declared.undecayed(key)])
    if all((np.abs(v - u) <= case.near(key, u)).all() for v, u, key in apart):
        return None
    solved = _decay(case, c)
    for decay in dict.fromkeys([_short(solved), solved]):
        if any(case.decay != decay for case in cases) and _all_times(cases, under, name, decay, least=3):
            return decay
    return None


def _decay(case: Case, c: float) -> float:
    """lambda of the weight decay that an answer is nearest to having beside c nabla C, by least squares; 0."""
    along = size = 0.0
    for part, l in case.keys:
        if part == "nabla_w":
            w = np.where(case.told[part, l], case.network.w[l], 0.0)
            along += float(((case.claims[part, l] - c * case.undecayed((part, l))) * w).sum())
            size += float((w * w).sum())
    return along / size if size and np.isfinite(along) else 0.0


def _short(c: float) -> float:
    """c as a person writes it: nine digits, and no more than 0 where nothing of it could be seen."""
    return 0.0 if abs(c) < 1e-12 else float(f"{c:.9g}")


SINGLE = ("-1", "m", "1/m", "2", "1/2", "2/n_L", "1/n_L")
FACTORS = (*SINGLE, *(f"{p} * {q}" for p, q in combinations_with_replacement(SINGLE, 2)))


def _factor(name: str, case: Case) -> float:
    m, n_L = len(case.X), case.network.n[case.network.L]
    value = {"-1": -1.0, "m": m, "1/m": 1 / m, "2": 2.0, "1/2": 0.5, "2/n_L": 2 / n_L, "1/n_L": 1 / n_L}
    return float(np.prod([value[one] for one in name.split(" * ") if one]))


def _all_times(cases: Sequence[Case], under: Sequence[Case], name: str, decay: float | None = None, least: int = 2) -> bool:
    """Whether each case is c times its gradient under another cost, and that far closer than to what was declared.

    decay: lambda of its weight decay, which is not multiplied by c; None: as declared. Where a cost promises nothing
    (cross-entropy of outputs beyond 1) its bounds would let anything pass. least: how many entries must speak for it.
    """
    evidence = 0
    for declared, case in zip(cases, under, strict=True):
        c = _factor(name, case)
        for key in case.keys:
            w = case.network.w[key[1]] if key[0] == "nabla_w" else 0.0
            said = c * case.undecayed(key) + (case.decay if decay is None else decay) * w
            if not case.fits(key, said):
                return False
            off = np.abs(case.claims[key] - declared.right[key])
            evidence += int(((~(off <= FAR * case.near(key, said))) & case.told[key]).sum())
    return evidence >= least


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


def _under(cost: str, reduction: str, factor: str, decay: float | None) -> str:
    minus = " (right if it is added, not subtracted)" if factor == "-1" else ""
    more = f", with weight decay, lambda = {decay:.9g}" if decay else "" if decay is None else ", without weight decay"
    return f"{cost}, {_reduction(reduction)}{f', times {factor}' if factor else ''}{minus}{more}"


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
