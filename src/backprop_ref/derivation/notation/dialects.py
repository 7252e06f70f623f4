"""What a document's letters mean: the chapter's notation, or another that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from ...errors import UnknownName, ValueRefused
from .signs import GREEK, SAME, UNICODE

KEYS = {
    "cost": "cost",
    "loss": "loss",
    "target": "target",
    "output": "output",
    "activation": "activation",
    "weighted input": "weighted",
    "activations": "activations",
    "error": "error",
    "layers": "layers",
    "weights": "weights",
    "weight": "weight",
    "bias": "bias",
    "weights numbered": "numbered",
    "examples": "examples",
    "first layer": "first_layer",
    "number of examples": "count",
    "example": "example",
}
CHOICES = {
    "layers": ("l", "(l)", "[l]", "_l"),
    "weights numbered": ("enter", "leave"),
    "weights": ("to-from", "from-to"),
    "examples": ("one", "columns", "rows"),
    "first layer": ("0", "1"),
}
NAMED = {name.lower() for name in GREEK}  # letters that have a sign
SPELT = {r"\mathcal{L}": "cal L", r"\ell": "ell", "ℒ": "cal L"}


@dataclass(frozen=True)
class Dialect:
    """The letters of a notation. The chapter's own is the default.

    cost: the letter of the cost; loss: that of one example's where both have one (the cost is then their average). output: what
    stands for a^L besides it. count: letters for the number of examples. layers: "[l]" leaves (i) to the examples. weights:
    w_jk to-from or from-to, numbered by the layer that they enter or leave. weight, bias: letters besides w and b. examples: one
    at a time, as columns, or as rows. units: of global unit numbers, how far each is from
    layer l. shorthand: dW is a derivative of the cost. average: a bare cost is the average over the examples in every line.
    """

    name: str = "nielsen"
    cost: str = "C"
    loss: str = ""
    target: str = "y"
    output: str = ""
    activation: str = "sigma"
    weighted: str = "z"
    activations: str = "a"
    error: str = "delta"
    count: tuple[str, ...] = ("n", "m", "N")
    example: str = "x"
    weight: str = ""
    bias: str = ""
    layers: Literal["l", "(l)", "[l]", "_l"] = "l"
    weights: Literal["to-from", "from-to"] = "to-from"
    numbered: Literal["enter", "leave"] = "enter"
    examples: Literal["one", "columns", "rows"] = "one"
    first_layer: int = 1
    units: tuple[tuple[str, int], ...] = ()
    shorthand: bool = False
    average: bool = False

    @property
    def weights_leave(self) -> int:
        """How far the layer that a weight enters is from its number."""
        return int(self.numbered == "leave")

    @classmethod
    def from_settings(cls, settings: Mapping[str, object] | str | Dialect) -> Dialect:
        """A preset by name, or settings over one ({preset: ng, cost: J}). Raises UnknownName, ValueRefused."""
        if isinstance(settings, Dialect):
            return settings
        if isinstance(settings, str):
            return preset(settings)
        found = preset(str(settings.get("preset", "nielsen")))
        for key, value in settings.items():
            if key == "preset":
                continue
            if key not in KEYS:
                raise UnknownName("notation setting", key, [*KEYS, "preset"])
            text = str(value).strip()
            if key in CHOICES and text not in CHOICES[key]:
                raise ValueRefused(f"{key}: {text!r} was given; it is one of {', '.join(CHOICES[key])}.")
            found = replace(found, **{KEYS[key]: _value(key, text)})  # type: ignore[arg-type]
        if found.loss and found.loss == found.cost:
            raise ValueRefused(f"cost and loss are both {found.cost!r}; the loss is one example's, the cost their average.")
        return found

    def roles(self) -> dict[str, str]:
        """What each letter stands for."""
        found = {"w": "w", "W": "w", "b": "b", "B": "b", "x": "x", "X": "x", "J": "J", "sigma": "sigma"}
        for letter, role in ((self.weighted, "z"), (self.activations, "a"), (self.target, "y")):
            found |= {letter: role, letter.upper(): role}
        found |= {self.error: "delta", "hat y": "output", "hat Y": "output"}
        found |= {letter: role for letter, role in ((self.weight, "w"), (self.bias, "b")) if letter}
        if self.output:
            found |= {self.output: "output", self.output.upper(): "output"}
        found[self.activation] = "sigma"
        if self.loss:
            found |= {self.loss: "C", self.cost: "J"}
        else:
            found[self.cost] = "J" if self.average else "cost"
        return found

    def words(self) -> list[str]:
        """Letters of several characters (net), which tokens must not take apart."""
        return [name for name in self.roles() if len(name) > 1 and name.isalpha() and name.lower() not in NAMED]

    def echo(self) -> list[str]:
        """What was taken, in words."""
        chapter = Dialect()
        said = [f"notation: {self.name}"]
        for f in fields(self):
            value, usual = getattr(self, f.name), getattr(chapter, f.name)
            if value != usual and f.name not in ("name", "units", "shorthand", "average", "count"):
                key = next(k for k, v in KEYS.items() if v == f.name)
                said.append(f"{key}: {value}")
        if self.units:
            said.append("units without a layer: i sends to j, j sends to k; k is an output where y or t stands in the line")
        if self.shorthand:
            said.append(f"d before a letter is a derivative: of {self.cost} by W and b, of one example's cost by Z and A")
        return said


def preset(name: str) -> Dialect:
    """One of the notations with a name. Raises UnknownName."""
    if name not in PRESETS:
        raise UnknownName("notation", name, PRESETS)
    return PRESETS[name]


def _value(key: str, text: str) -> object:
    if key == "first layer":
        return int(text)
    if key == "number of examples":
        return tuple(text.split())
    name = UNICODE.get(text, text.lstrip("\\"))
    return SPELT.get(text, SAME.get(name, name))


PRESETS = {
    "nielsen": Dialect(),
    "ng": Dialect(
        "ng", cost="J", loss="cal L", activation="g", layers="[l]", examples="columns", first_layer=0, shorthand=True, example="i"
    ),
    "rows": Dialect("rows", weights="from-to", examples="rows", shorthand=True),
    "bishop": Dialect(
        "bishop",
        cost="E",
        target="t",
        output="y",
        activation="h",
        weighted="a",
        activations="z",
        example="n",
        count=("N",),
        layers="(l)",
        first_layer=0,
        units=(("i", -1), ("j", 0), ("k", 1)),
        average=True,
    ),
}
