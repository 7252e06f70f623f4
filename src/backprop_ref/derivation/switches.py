"""What is given, as a document's front matter or the command line states it: `activation: sigmoid, cost: quadratic`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..errors import UnknownName, ValueRefused
from .given import COSTS, SIGMAS, Given

VALUES = {"activation": SIGMAS, "cost": COSTS, "output": ("softmax",), "neurons": ("one",)}


def parse(text: str) -> dict[str, str]:
    """'cost: J, activation: g' -> {"cost": "J", "activation": "g"}; = may stand for the colon. Raises ValueRefused."""
    settings = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = (item.replace("=", ":", 1) if ":" not in item else item).partition(":")
        if not (sign and key.strip() and value.strip()):
            raise ValueRefused(
                f"{item!r} is no setting; write name: value, with commas between them, as in cost: J, activation: g."
            )
        settings[key.strip()] = value.strip()
    return settings


def given(settings: Mapping[str, object] | str) -> Given:
    """What the settings switch on. Raises UnknownName, or ValueRefused for a text that holds no settings."""
    settings, found = parse(settings) if isinstance(settings, str) else settings, Given()
    for key, value in settings.items():
        if key not in VALUES:
            raise UnknownName("switch", key, VALUES)
        name = str(value).replace("-", "_")
        if name not in VALUES[key]:
            raise UnknownName(key, value, VALUES[key])
        match key:
            case "activation":
                found = replace(found, sigma=name)  # type: ignore[arg-type]  # one of SIGMAS
            case "cost":
                found = replace(found, cost=name)
            case "output":
                found = replace(found, softmax=True)
            case _:
                found = replace(found, thin=True)
    return found


def echo(given: Given) -> Iterator[str]:
    """The switches that are on, in words."""
    if given.sigma:
        yield f"sigma is {given.sigma}"
    if isinstance(given.cost, str):
        yield f"the cost of one example is {given.cost.replace('_', '-')}"
    if given.softmax:
        yield "the output layer's activation is vector-valued, as softmax is: a^L_j depends on all of z^L"
    if given.thin:
        yield "every layer has one neuron"
