"""backprop-ref: the reference for backpropagation that does not trust itself.

Importing this package imports nothing else: every name below loads when it is first used.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = [
    "activations", "assumptions", "costs", "derivation", "digits", "errors", "gate", "gradient", "matrix", "network", "neuron",
    "oracles", "rounding", "sgd", "strategies", "trace",
]  # fmt: skip
_NAMES = {
    "Activation": "activations",
    "Cost": "costs",
    "Estimate": "gradient",
    "Gradient": "gradient",
    "Network": "network",
    "Report": "gate.report",
    "Verdict": "gradient",
    "check_gradient": "gate.gradients",
    "check_network": "gate.check",
}
__all__ = sorted([*_MODULES, *_NAMES])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return list(__all__)
