"""A claimed gradient against an oracle: how far a right one may be off, the verdict, and what caused a wrong one."""

from importlib import import_module
from typing import Any

__all__ = ["bounds", "check", "check_network", "mistakes", "report"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "check_network":
        return import_module(f"{__name__}.check").check_network
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
