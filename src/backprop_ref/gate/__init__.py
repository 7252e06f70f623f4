"""A claimed gradient against an oracle: how far a right one may be off, the verdict, and what caused a wrong one."""

from importlib import import_module
from typing import Any

_ROOMS = ["bounds", "check", "gradients", "mistakes", "report"]
_NAMES = {"check_gradient": "gradients", "check_network": "check", "Report": "report"}
__all__ = sorted([*_ROOMS, *_NAMES])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
