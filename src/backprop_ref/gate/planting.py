"""A wrong equation put in the place of the right one, and whether anyone could see it on a given probe.

A Mistake is data: lines of text for parts of matrix.CHAPTER. What the chapter itself has in those places stands in
RIGHT, in the same language; equations() puts the wrong lines in, in every layer or in one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..costs import COSTS
from ..errors import ValueRefused
from ..gradient import Gradient
from ..matrix import CHAPTER, Equations, Pass
from ..network import Network, divisor
from .expressions import DoesNotRun, Letters, NoSuchLayer, evaluate, letters_of

Array = NDArray[Any]

RIGHT: Mapping[str, str] = {
    "z": "w[l] @ a[l - 1] + b[l]",
    "a": "sigma[l](z[l])",
    "bp1": "nabla_a_C(a[L], y) * sigma_prime[L](z[L])",
    "bp1 of a pair": "delta_L(z[L], y)",  # a - y, where sigma and cost are a pair
    "bp1 of softmax": "through(sigma_prime[L](z[L]), nabla_a_C(a[L], y))",
    "bp2": "(w[l + 1].T @ delta[l + 1]) * sigma_prime[l](z[l])",
    "bp3": "sum_examples(delta[l])",
    "bp4": "delta[l] @ a[l - 1].T",
    "average_w": "total / m",
    "average_b": "total / m",
    "average of a sum": "total",
    "finish_w": "nabla_w[l]",
    "finish_b": "nabla_b[l]",
}
"""The chapter's own line for each part."""

LEFT = {"z": "z[l]", "a": "a[l]", "bp1": "delta[L]", "bp2": "delta[l]", "bp3": "nabla_b[l]", "bp4": "nabla_w[l]"} | {
    f"{step}_{v}": f"nabla_{v}[l]" for step in ("average", "finish") for v in "wb"
}
FORWARD, BACKWARD = frozenset({"z", "a"}), frozenset({"bp1", "bp2"})
FORMULAS: Mapping[str, str] = {
    "z": r"z^l = w^l a^{l-1} + b^l",
    "a": r"a^l = \sigma(z^l)",
    "bp1": r"\delta^L = \nabla_a C \odot \sigma'(z^L)",
    "bp2": r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
    "bp3": r"\frac{\partial C}{\partial b^l} = \delta^l",
    "bp4": r"\frac{\partial C}{\partial w^l} = \delta^l (a^{l-1})^T",
    "average_w": r"\frac{\partial C}{\partial w^l} = \frac{1}{m} \sum_x \frac{\partial C_x}{\partial w^l}",
    "average_b": r"\frac{\partial C}{\partial b^l} = \frac{1}{m} \sum_x \frac{\partial C_x}{\partial b^l}",
    "finish_w": r"\nabla_{w^l} = \frac{\partial C}{\partial w^l}",
    "finish_b": r"\nabla_{b^l} = \frac{\partial C}{\partial b^l}",
}
"""The chapter's formula for each part, in LaTeX."""


@dataclass(frozen=True)
class Mistake:
    """A wrong equation, as data.

    name      a short slug
    title     what a list shows
    equation  "BP1" ... "BP4", "forward", "average", "finish"; or several, as in "BP1, BP2"
    parts     the wrong line for each part of RIGHT that is wrong, in the language of expressions.py
    wrong     the wrong formula, in LaTeX
    sentence  what went wrong, for a student
    only      the activations that it is about; empty: any
    unknown   the letter of a factor that only its author knows (c, eta, lmbda, mask), or ""
    typical   a value of it, where none is given
    where     lines for letters of its own, by layer: {"e[L]": "...", "e[l]": "..."}
    common    it is among those that every check plants
    seldom    it is not told where another one gives the same
    beside_decay  its title and sentence in the place of a weight decay that was declared; ? stands for that one's lambda
    """

    name: str
    title: str
    equation: str
    parts: Mapping[str, str]
    wrong: str
    sentence: str
    only: tuple[str, ...] = ()
    unknown: str = ""
    typical: float = 0.0
    where: Mapping[str, str] = field(default_factory=dict)
    common: bool = False
    seldom: bool = False
    beside_decay: tuple[str, str] = ("", "")

    __hash__ = object.__hash__  # its mappings have none

    @property
    def right(self) -> str:
        """The chapter's formulas in the places of the wrong ones, in LaTeX."""
        return r" \quad ".join(dict.fromkeys(FORMULAS[part] for part in self.parts))

    @property
    def gives_zero(self) -> bool:
        """True if its line is zero, whatever the numbers are."""
        return any(text.startswith("0 * ") for text in self.parts.values())

    def layers(self, network: Network) -> list[int]:
        """The layers of a network in which this mistake can be made at all."""
        L = network.L
        at = {"bp1": range(L, L + 1), "bp2": range(2, L)} | ({"a": range(2, L)} if self.unknown == "mask" else {})
        made = sorted({l for part in self.parts for l in at.get(part, network.layers)})
        return [l for l in made if not self.only or network.sigma[l].name in self.only]

    def code(self, network: Network | None = None, reduction: str = "mean") -> list[str]:
        """The wrong lines as assignments, `chapter` written out; on a given network in the form that it has there."""
        lines = [f"{letter} = {text}" for letter, text in self.where.items()]
        for part, text in self.parts.items():
            form = form_of(part, network, reduction)
            right = "a[L] - y" if form == "bp1 of a pair" and network and network.cost.name in COSTS else RIGHT[form]
            lines.append(f"{LEFT[part]} = {_written_out(text, right)}")
        return lines

    def equations(self, layer: int | None = None, **values: Any) -> Equations:
        """CHAPTER with this mistake in it, in every layer where it can be made, or in one.

        values: of the unknown letter, as in eta=0.1; without it, the typical one. The parts raise DoesNotRun where shapes
        do not fit or a layer is missing. In every layer means: a layer whose line names a missing layer stays right.
        """
        for letter in values.keys() - {self.unknown}:
            raise ValueRefused(f"{letter}={values[letter]!r} was given, but {self.name} has no unknown {letter!r}.")
        if self.unknown not in ("", "mask"):
            values = {self.unknown: float(values.get(self.unknown, self.typical))}
        return replace(CHAPTER, **_Planted(self, layer, values).parts())


@dataclass(frozen=True)
class _Planted:
    mistake: Mistake
    layer: int | None
    values: Mapping[str, Any]

    def parts(self) -> dict[str, Callable[..., Any]]:
        wrong: dict[str, Callable[..., Any]] = {}
        mine = self.mistake.parts.keys()
        if mine & FORWARD:
            wrong["forward"] = self.forward
        if "bp1" in mine:
            wrong["bp1"] = lambda p: self.line("bp1", p, p.L, lambda: CHAPTER.bp1(p), p.y.shape)
        if "bp2" in mine:
            wrong["bp2"] = lambda p, l: self.line("bp2", p, l, lambda: CHAPTER.bp2(p, l), p.z[l].shape)
        averages = bool(mine & {"average_w", "average_b"})
        if averages or "bp3" in mine:
            wrong["bp3"] = self.bp3_averaged if averages else self.bp3
        if averages or "bp4" in mine:
            wrong["bp4"] = self.bp4_averaged if averages else self.bp4
        if averages:  # it knows no layer: it is done with bp3 and bp4
            wrong["average"] = lambda p, total: total
        if mine & {"finish_w", "finish_b"}:
            wrong["finish"] = self.finish
        return wrong

    def forward(self, p: Pass) -> None:
        for l in p.layers:
            shape = (p.network.n[l], p.m)
            p.z[l] = self.line("z", p, l, partial(evaluate, RIGHT["z"], letters(p, l), shape), shape)
            p.a[l] = self.line("a", p, l, partial(p.sigma[l], p.z[l]), shape)

    def bp3(self, p: Pass, l: int) -> Array:
        return self.line("bp3", p, l, lambda: CHAPTER.bp3(p, l)[:, None], (p.network.n[l], 1))[:, 0]

    def bp4(self, p: Pass, l: int) -> Array:
        return self.line("bp4", p, l, lambda: CHAPTER.bp4(p, l), p.w[l].shape)

    def bp3_averaged(self, p: Pass, l: int) -> Array:
        total = self.bp3(p, l)
        return self.line("average_b", p, l, lambda: CHAPTER.average(p, total), total.shape, total=total)

    def bp4_averaged(self, p: Pass, l: int) -> Array:
        total = self.bp4(p, l)
        return self.line("average_w", p, l, lambda: CHAPTER.average(p, total), total.shape, total=total)

    def finish(self, p: Pass, g: Gradient) -> Gradient:
        nabla_b = {l: v[:, None] for l, v in g.nabla_b.items()}
        done = {"nabla_w": g.nabla_w, "nabla_b": nabla_b}
        b = {l: self.line("finish_b", p, l, partial(nabla_b.get, l), v.shape, **done)[:, 0] for l, v in nabla_b.items()}
        w = {l: self.line("finish_w", p, l, partial(g.nabla_w.get, l), v.shape, **done) for l, v in g.nabla_w.items()}
        return Gradient(w, b, g.delta)

    def made(self, part: str, p: Pass, l: int) -> bool:
        """Whether the line of a part is wrong in a layer."""
        here = part in self.mistake.parts and self.layer in (None, l)
        return here and (not self.mistake.only or p.network.sigma[l].name in self.mistake.only)

    def line(self, part: str, p: Pass, l: int, chapter: Callable[[], Any], shape: tuple[int, ...], **more: Any) -> Array:
        """The wrong line of one layer; the chapter's where the mistake is not in this layer."""
        if not self.made(part, p, l):
            return np.asarray(chapter())
        if self.mistake.unknown == "mask" and not self.values:
            more["mask"] = _every_other(p)
        known = letters(p, l, self.mistake.where, {**self.values, **more, "chapter": chapter})
        try:
            return evaluate(self.mistake.parts[part], known, shape)
        except NoSuchLayer:
            if self.layer is None:
                return np.asarray(chapter())
            raise


@dataclass(frozen=True)
class _Together(_Planted):
    """Several mistakes at once: where two change one line, `chapter` in the later one stands for the earlier one."""

    each: tuple[_Planted, ...] = ()

    def line(self, part: str, p: Pass, l: int, chapter: Callable[[], Any], shape: tuple[int, ...], **more: Any) -> Array:
        made = [one for one in self.each if one.made(part, p, l)]
        try:
            return self._after(_joined(part, l, made), part, p, l, chapter, shape, **more)
        except NoSuchLayer:
            return self._after(made, part, p, l, chapter, shape, **more)

    def _after(
        self, made: list[_Planted], part: str, p: Pass, l: int, chapter: Callable[[], Any], *shape: Any, **more: Any
    ) -> Array:
        for one in made:
            chapter = partial(one.line, part, p, l, chapter, *shape, **more)
        return np.asarray(chapter())


def _joined(part: str, l: int, made: list[_Planted]) -> list[_Planted]:
    """Two that are wrong in different halves of one line, as one that is wrong in both."""
    if len(made) != 2:
        return made
    p, q = (one.mistake for one in made)
    text = both(part, p.parts[part], q.parts[part])
    if text is None or (p.unknown and p.unknown == q.unknown):
        return made
    one = replace(p, parts={part: text}, where={**p.where, **q.where}, only=())
    return [_Planted(one, l, {**made[0].values, **made[1].values})]


HALVES = {  # of a line: what stands before, and what follows it
    "bp1": ("nabla_a_C(a[L], y)", " * sigma_prime[L](z[L])"),
    "bp2": ("(w[l + 1].T @ delta[l + 1])", " * sigma_prime[l](z[l])"),
    "bp4": ("delta[l]", " @ a[l - 1].T"),
}


def inside(part: str, text: str) -> str:
    """A line with `chapter` where all of the chapter's line stands in it."""
    return text.replace(RIGHT[part], "chapter") if part in ("bp2", "bp3", "bp4", "finish_w", "finish_b") else text


def half(part: str, text: str) -> tuple[bool, bool]:
    """Whether a wrong line keeps the first half of the chapter's, and the second."""
    before, after = HALVES.get(part, (RIGHT[part],) * 2)
    return before.strip("()") in text if part == "bp2" else before in text, text.endswith(after)


def both(part: str, p: str, q: str) -> str | None:
    """Two wrong lines in one, where one is wrong in the first half of the chapter's line and the other in the second."""
    if part not in HALVES or any("chapter" in inside(part, text) for text in (p, q)):
        return None
    before, after = HALVES[part]
    for first, second in ((p, q), (q, p)):
        if first.endswith(after) and second.count(bare := before.strip("()") if part == "bp2" else before) == 1:
            return second.replace(bare, first.removesuffix(after))
    return None


def together(*planted: tuple[Mistake, int | None, Mapping[str, Any]]) -> Equations:
    """CHAPTER with several mistakes in it, each with its layer (None: every one) and the values of its unknown letter.

    Of two that change one line, the one that keeps `chapter` in it comes second; of two that do, the second one given.
    Raises in use as Mistake.equations.
    """
    kept = [(_with_chapter(m), l, v) for m, l, v in planted]
    later = sorted(kept, key=lambda one: any("chapter" in text for text in one[0].parts.values()))
    each = tuple(
        _Planted(m, l, values if m.unknown in ("", "mask") else {m.unknown: float(values.get(m.unknown, m.typical))})
        for m, l, values in later
    )
    parts = {part: text for one in each for part, text in one.mistake.parts.items()}
    return replace(CHAPTER, **_Together(Mistake("together", "", "", parts, "", ""), None, {}, each).parts())


@cache
def _with_chapter(m: Mistake) -> Mistake:
    return replace(m, parts={part: inside(part, text) for part, text in m.parts.items()})


def letters(p: Pass, l: int, where: Mapping[str, str] | None = None, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The letters of expressions.py as they stand in a pass, at layer l; those of `where` follow their own lines."""
    known: dict[str, Any] = {
        "w": p.w,
        "b": {i: v[:, None] for i, v in p.b.items()},
        "z": p.z,
        "a": p.a,
        "delta": p.delta,
        "y": p.y,
        "x": p.a[1],
        "sigma": p.sigma,
        "sigma_prime": p.sigma_prime,
        "nabla_a_C": p.nabla_a_C,
        "n": p.network.n,
        "l": l,
        "L": p.L,
        "m": p.m,
    }
    if p.pair:
        known["delta_L"] = p.pair.delta_L
    known |= more or {}
    for line in where or {}:
        name = line.partition("[")[0]
        known.setdefault(name, _ByLayer(name, where or {}, known, p))
    return known


def _every_other(p: Pass) -> dict[int, Array]:
    """A dropout mask that leaves out every second neuron of the hidden layers."""
    return {l: (np.arange(p.network.n[l]) % 2 == 0).astype(p.network.dtype)[:, None] for l in range(2, p.L)}


class _ByLayer:
    """A letter that a mistake defines layer by layer, each from its neighbours."""

    def __init__(self, name: str, where: Mapping[str, str], known: Letters, p: Pass) -> None:
        self.name, self.where, self.known, self.p = name, where, known, p
        self.done: dict[int, Array] = {}

    def __getitem__(self, l: int) -> Array:
        if l not in self.p.network.n:
            raise KeyError(l)
        if l not in self.done:
            own = "L" if l == self.p.L and f"{self.name}[L]" in self.where else str(l)
            text = self.where.get(f"{self.name}[{own}]") or self.where[f"{self.name}[l]"]
            self.done[l] = evaluate(text, {**self.known, "l": l}, (self.p.network.n[l], self.p.m))
        return self.done[l]


def form_of(part: str, network: Network | None, reduction: str) -> str:
    """The key in RIGHT of a part, as it stands for a network and a reduction."""
    if part == "bp1" and network:
        sigma = network.sigma[network.L]
        return "bp1 of a pair" if network.cost.pair(sigma) else part if sigma.elementwise else "bp1 of softmax"
    return "average of a sum" if part.startswith("average") and reduction == "sum" else part


def _written_out(text: str, right: str) -> str:
    alone = text == "chapter" or " " not in right
    return text.replace("chapter", right if alone else f"({right})")


def chapter_in_text(network: Network, reduction: str = "mean") -> Equations:
    """The chapter's own equations, each read from its line in RIGHT: CHAPTER bit for bit."""
    parts = {part: RIGHT[form_of(part, network, reduction)] for part in LEFT}
    return Mistake("chapter", "", "", parts, "", "").equations()


# ------------------------------------------------------------------------------------------------ what a probe can show


@dataclass(frozen=True)
class Unseen:
    """A mistake that a probe could not have shown. runs: False if it cannot even be computed there (shapes, layers)."""

    mistake: Mistake
    why: str
    runs: bool = True


def unseen(
    mistakes: Iterable[Mistake],
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    reduction: str,
    allowed: Gradient,
    right: Gradient | None = None,
) -> list[Unseen]:
    """Which mistakes leave every entry of nabla_w and nabla_b within `allowed` of the right gradient, on this probe.

    allowed: a bound for each entry (infinite where nothing can be told); right: the chapter's gradient if None. A mistake
    that is about biases or an activation which this network does not have is not listed. Raises as network.batch.
    """
    found = []
    with np.errstate(all="ignore"):  # a mistake may divide by m - 1 = 0
        probe = Probe(network, X, Y, reduction, allowed, right)
        for mistake in mistakes:
            if about_others(mistake, network):
                continue
            try:
                if not probe.shows(mistake):
                    found.append(Unseen(mistake, probe.why_hidden(mistake)))
            except DoesNotRun as reason:
                sizes = "-".join(map(str, network.sizes))
                why = str(reason) if isinstance(reason, NoSuchLayer) else f"its shapes do not fit {sizes}; equal widths show it"
                found.append(Unseen(mistake, why, runs=False))
    return found


def _by_example(part: str, text: str) -> bool:
    return part in ("bp3", "bp4") and any(cut in text for cut in ("[:, ", "sum_examples(a"))


def about_others(mistake: Mistake, network: Network) -> bool:
    """True if it is about biases or an activation which this network does not have."""
    if mistake.only and not any(s.name in mistake.only for s in network.sigma.values()):
        return True
    return not network.has_biases and mistake.parts.keys() <= {"bp3", "average_b", "finish_b"}


class Probe:
    """The chapter's pass, kept: a mistake is followed only through what it changes, the cheapest entries first."""

    def __init__(
        self, network: Network, X: ArrayLike, Y: ArrayLike, reduction: str, allowed: Gradient, right: Gradient | None = None
    ) -> None:
        X, Y = network.batch(X, Y)
        divisor(reduction, 1)
        p = Pass(network, Y.T.astype(network.dtype), {1: X.T.astype(network.dtype)}, reduction)
        self.p, self.allowed = p, allowed
        CHAPTER.forward(p)
        p.delta[p.L] = CHAPTER.bp1(p)
        for l in reversed(range(2, p.L)):
            p.delta[l] = CHAPTER.bp2(p, l)
        self.layers_b = p.layers if p.network.has_biases else range(0)
        self.chapter = Gradient(
            {l: CHAPTER.average(p, CHAPTER.bp4(p, l)) for l in p.layers},
            {l: CHAPTER.average(p, CHAPTER.bp3(p, l)) for l in self.layers_b},
        )
        self.right = right or self.chapter

    def shows(self, mistake: Mistake) -> bool:
        """True if an entry leaves its bound. Raises DoesNotRun."""
        e, mine = mistake.equations(), mistake.parts.keys()
        p, moved = self.p, set(self.p.layers)
        if mine & (FORWARD | BACKWARD):
            p = self.deltas(e, bool(mine & FORWARD))
        if not mine & FORWARD:  # where delta is the chapter's, bit for bit, so is all that follows from it
            moved = {l for l in p.layers if p is not self.p and not np.array_equal(p.delta[l], self.p.delta[l])}
        in_b = p.layers if mine & {"bp3", "average_b"} else moved
        in_w = p.layers if mine & {"bp4", "average_w"} else moved
        if mine & {"finish_w", "finish_b"}:
            nabla_w = {**self.chapter.nabla_w, **{l: e.average(p, e.bp4(p, l)) for l in in_w}}
            nabla_b = {**self.chapter.nabla_b, **{l: e.average(p, e.bp3(p, l)) for l in in_b if l in self.layers_b}}
            done = e.finish(p, Gradient(nabla_w, nabla_b))
            return any(self._leaves(part, l, v) for part, l, v in done.items())
        return any(self._leaves("nabla_b", l, e.average(p, e.bp3(p, l))) for l in in_b if l in self.layers_b) or any(
            self._leaves("nabla_w", l, e.average(p, e.bp4(p, l))) for l in reversed(p.layers) if l in in_w
        )

    def deltas(self, e: Equations, forward: bool, lowest: int = 2) -> Pass:
        """The pass up to delta^lowest with other equations; forward: False if they leave the forward pass alone.

        Raises DoesNotRun.
        """
        p = replace(self.p, z={} if forward else self.p.z, a={1: self.p.a[1]} if forward else self.p.a, delta={})
        if forward:
            e.forward(p)
        p.delta[p.L] = e.bp1(p)
        for l in reversed(range(lowest, p.L)):
            p.delta[l] = e.bp2(p, l)
        return p

    def _leaves(self, part: str, l: int, claimed: Array) -> bool:
        right, bound = getattr(self.right, part)[l], getattr(self.allowed, part)[l]
        off = np.abs(claimed - right) > bound
        if off.any():
            return True
        return bool((np.isnan(claimed) & np.isfinite(right) & np.isfinite(bound)).any())

    def why_hidden(self, mistake: Mistake) -> str:
        """The reason, where it is cheap to say, why a mistake that runs does not show here."""
        p, parts = self.p, mistake.parts
        made = mistake.layers(p.network)
        if not made:
            return "this network has no hidden layer"
        if any(part.startswith("average") for part in parts) and p.reduction == "sum":
            return "the cost is declared as a sum: nothing is divided"
        if p.m == 1 and any(part.startswith("average") or _by_example(part, text) for part, text in parts.items()):
            return "the batch has one example"
        if not any(p.delta[l].any() for l in made):
            return "every delta is zero: the neurons are dead, or the targets met"
        if BACKWARD & parts.keys() and all(p.network.sigma[l].name == "linear" for l in made):
            return "sigma' is 1 in every layer"
        if p.L == 3 and "L" in letters_of(parts.get("bp2", "l")):
            return "this network has one hidden layer"
        return "its effect is zero, or below what rounding may do here"
