"""A tree worked through from its leaves up, without recursion: a formula may be thousands of levels deep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from .tree import Node

T = TypeVar("T")


def fold(node: Node, parts: Callable[[Node], Iterable[Node]], combine: Callable[[Node, list[T]], T]) -> T:
    """combine(node, what combine made of each of its parts)."""
    waiting: list[tuple[Node, int | None]] = [(node, None)]
    done: list[T] = []
    while waiting:
        current, start = waiting.pop()
        if start is None:
            waiting.append((current, len(done)))
            waiting.extend((part, None) for part in reversed(list(parts(current))))
        else:
            done[start:] = [combine(current, done[start:])]
    return done[0]
