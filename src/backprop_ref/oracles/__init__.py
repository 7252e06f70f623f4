"""What dC/dw, dC/db and dC/dz are, found without any derivative formula."""

from importlib import import_module
from typing import Any

__all__ = ["blackbox", "differences", "enclosures", "exact"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
