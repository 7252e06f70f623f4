"""The second witness of a line: its two sides in numbers, on networks drawn at random."""

from .numbers.judge import judge

__all__ = ["judge"]
