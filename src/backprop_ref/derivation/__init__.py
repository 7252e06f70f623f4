"""A derivation, line by line: read, typed, proved for every network, and held against numbers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .document import verify
    from .report import DerivationReport

__all__ = ["DerivationReport", "verify"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(f"{__name__}.{'document' if name == 'verify' else 'report'}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
