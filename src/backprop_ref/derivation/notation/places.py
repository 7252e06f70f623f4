"""Where each node stands: what was made of another one stands where that one does."""

from __future__ import annotations

from dataclasses import replace

from .fold import fold
from .tree import Node, Span, children, with_children

NOWHERE = (0, 0)


def placed(side: Node, whole: Span) -> Node:
    """A side with a place for each node: its own, that of its parts, or that of what it is part of."""
    node = fold(side, children, _around)
    return node if node.span != NOWHERE else _within(node, whole)


def _around(node: Node, parts: list[Node]) -> Node:
    """With the span of its parts, if it has none; and then these with its own."""
    known = [part.span for part in parts if part.span != NOWHERE]
    span = node.span
    if span == NOWHERE and known:
        span = (min(start for start, _ in known), max(end for _, end in known))
    if span == node.span and len(known) == len(parts) and all(a is b for a, b in zip(children(node), parts, strict=True)):
        return node
    if span != NOWHERE:
        parts = [part if part.span != NOWHERE else _within(part, span) for part in parts]
    return replace(with_children(node, iter(parts)), span=span)


def _within(node: Node, span: Span) -> Node:
    """With that span on it and on all below it; nothing below has one."""
    return fold(node, children, lambda n, parts: replace(with_children(n, iter(parts)), span=span))
