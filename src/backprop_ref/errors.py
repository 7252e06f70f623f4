"""What can go wrong: every error says what was given, what was needed, and what to do next.

Each class derives from BackpropRefError and from the fitting builtin, and carries the exit code of the command line:
0 agrees, 1 disagrees, 2 wrong use, 3 cannot tell, 70 internal error, 130 interrupted. An accident is never 1.
"""

from collections.abc import Iterable
from difflib import get_close_matches

AGREES, DISAGREES, WRONG_USE, CANNOT_TELL, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 70, 130


class BackpropRefError(Exception):
    """The base of every error that this package raises on purpose."""

    exit_code = WRONG_USE


class ShapeError(BackpropRefError, ValueError):
    """An array whose shape does not fit the network."""


class ValueRefused(BackpropRefError, ValueError):
    """A value that has no meaning here: NaN, an empty batch, a negative size, a target outside [0, 1]."""


class DtypeError(BackpropRefError, TypeError):
    """Numbers of a kind that the package does not compute with."""


class FormMissing(BackpropRefError, TypeError):
    """An activation or a cost lacks the form (complex, plain numbers, polynomial) that was asked of it."""


class NotComplex(FormMissing):
    """An activation or a cost that does not continue to complex numbers."""


class Diverged(BackpropRefError, ArithmeticError):
    """A training whose weights or biases are no longer finite."""


class TooLarge(BackpropRefError, ValueError):
    """More work or memory than this method is meant for."""


class FileRefused(BackpropRefError, OSError):
    """A file that cannot be read or written as what it should be."""


class ExtraMissing(BackpropRefError, ImportError):
    """An optional dependency that is not installed."""

    def __init__(self, needs: str, package: str, extra: str) -> None:
        super().__init__(f"{needs} needs {package}, which is not installed: pip install 'backprop-ref[{extra}]'")


class UnknownName(BackpropRefError, ValueError):
    """A name that is not in a registry; the nearest one is offered."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        known = sorted(known)
        near = get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"There is no {kind} {name!r}.{hint} Known: {', '.join(known)}.")


class VerdictError(BackpropRefError, AssertionError):
    """A gradient that was not found right, raised by Report.raise_for_verdict."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
