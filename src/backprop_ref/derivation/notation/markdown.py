"""The blocks of a Markdown document that can hold formulas, each with the place of every character."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from ...errors import ExtraMissing, TooLarge
from .delimiters import Unclosed, scan
from .macros import Macros

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

PLAIN = ("", "text", "txt", "plain", "plaintext")
MATH = ("math", "{math}")
DEEPEST = 100
OPENERS = ("$$", "\\[", "\\begin{")


class Text(NamedTuple):
    """Some lines of a document. starts, offsets: where each line starts in content, and where that is in the document."""

    content: str
    starts: tuple[int, ...] = (0,)
    offsets: tuple[int, ...] = (0,)

    def at(self, i: int) -> int:
        """Where character i stands in the document."""
        line = bisect.bisect_right(self.starts, i) - 1
        return self.offsets[line] + i - self.starts[line]


class Block(NamedTuple):
    """text: a paragraph, heading or cell, to be searched for formulas; math: the inside of a ```math fence; plain: a fence of
    lines in plain text. row: the number of the table row that a cell stands in, else 0."""

    kind: Literal["text", "math", "plain"]
    text: Text
    row: int = 0


def blocks(source: str) -> Iterator[Block]:
    """Every block of the document that can hold formulas. Fences in a programming language hold none.

    An indented block is read like a paragraph if there is a dollar or a backslash in it, else like a plain fence.
    Raises TooLarge for blocks nested too deep to be told apart, ExtraMissing without markdown-it-py.
    """
    lines = source.split("\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    row, used, cell = 0, 0, False
    for token in _parser().parse(source):
        if token.level >= DEEPEST - 1:
            place = token.map[0] + 1 if token.map else 1
            raise TooLarge(f"Line {place}: quotes and lists nested more than {DEEPEST // 2} deep are not read; write them flat.")
        if token.type == "tr_open":
            row, used = row + 1, 0
        cell = token.type in ("td_open", "th_open") or (cell and token.type == "inline")
        if not token.map or not token.content:
            continue
        if cell:
            text, used = _cell(token, lines, offsets, used)
            yield Block("text", text, row)
        elif token.type in ("inline", "html_block", "display"):
            yield Block("text", _located(token.content, token.map[0], lines, offsets))
        elif token.type == "code_block":
            kind: Literal["text", "plain"] = "text" if "$" in token.content or "\\" in token.content else "plain"
            yield Block(kind, _located(token.content, token.map[0], lines, offsets))
        elif token.type == "fence":
            language = token.info.strip().lower().split(" ")[0]
            if language in MATH or language in PLAIN:
                text = _located(token.content, token.map[0] + 1, lines, offsets)
                yield Block("math" if language in MATH else "plain", text)


def _located(content: str, first: int, lines: list[str], offsets: list[int]) -> Text:
    """The content's lines are the ends of the document's lines from `first` on: quote marks and indents are gone."""
    starts, places, at = [], [], 0
    for number, line in enumerate(content.split("\n"), start=first):
        source = lines[number] if number < len(lines) else ""
        starts.append(at)
        places.append(offsets[min(number, len(lines))] + source.rfind(line.strip()) - (len(line) - len(line.lstrip())))
        at += len(line) + 1
    return Text(content, tuple(starts), tuple(places))


def _cell(token: Token, lines: list[str], offsets: list[int], used: int) -> tuple[Text, int]:
    """A table's cell, looked for in its row behind the cells before it; and where it ends."""
    assert token.map is not None
    number = token.map[0]
    column = max(lines[number].find(token.content, used), used)
    return Text(token.content, (0,), (offsets[number] + column,)), column + len(token.content)


def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError as missing:
        raise ExtraMissing("Markdown", "markdown-it-py", "derivation") from missing
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("table").disable("inline")
    parser.block.ruler.before("lheading", "display", _display, {"alt": ["paragraph"]})
    return parser


def _display(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """Lines from one that opens a display and does not close it to the one that closes the last display on them.

    So that no line of a formula is taken for a list, a heading or code.
    """
    if not any(opener in _line(state, first) for opener in OPENERS):
        return False
    last = _last_line(state, first, end)
    if last is None or last == first:
        return False
    if not silent:
        token = state.push("display", "", 0)
        token.content = "\n".join(_line(state, number) for number in range(first, last + 1))
        token.map = [first, last + 1]
        state.line = last + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.getLines(number, number + 1, min(state.blkIndent, state.sCount[number]), False)


def _last_line(state: StateBlock, first: int, end: int) -> int | None:
    """The line that closes the last display opened on the lines from first on; None if it is not in this block."""
    text, last = _line(state, first), first
    absent: set[tuple[str, int]] = state.env.setdefault("absent", set())  # closers that do not come before a line any more
    while True:
        try:
            deque(scan(text, "md", Macros(), strict=True), maxlen=0)
            return last
        except Unclosed as unclosed:
            lines, closer = [text[unclosed.at :]], unclosed.closer
        while closer not in lines[-1] or len(lines) == 1:
            last += 1
            if last >= end:
                absent.add((closer, end))
            if (closer, end) in absent or not _goes_on(state, first, last, closer):
                return None
            lines.append(_line(state, last))
        text = "\n".join(lines)


def _goes_on(state: StateBlock, first: int, line: int, closer: str) -> bool:
    """A display goes on in lines as far in as its first, after a blank line unless \\] must close it: that may be a plain ]."""
    if state.isEmpty(line):
        return closer[-1] != "]"
    return bool(state.sCount[line] >= min(state.blkIndent, state.sCount[first]))
