"""The formulas of a document, row by row, with the place of every character: Markdown, LaTeX, notebooks, plain text."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ...errors import TooLarge, ValueRefused
from . import front_matter, layout, plain_lines
from .delimiters import Piece, Unclosed, scan
from .macros import DEFINITION, Macros, Symbol, symbols
from .markdown import Text, blocks
from .notebook import Cell, cells

MOST_CHARACTERS = 10_000_000
MOST_LINES = 200_000
MOST_FORMULAS = 20_000
LONGEST = 100_000  # characters of one display
WORDS_BEFORE = 300  # characters
WORDS_BEHIND = 100
PREAMBLE = re.compile(r"%[^\n]*|\\[a-zA-Z]+|\\[\s\S]")


@dataclass(frozen=True)
class Source:
    """One row of a display, or one formula in a sentence, ready for the reader.

    text: macros expanded, layout gone (layout.py says what). syntax: what grammar it is for. display: the number of its display,
    which all rows of one share. places: line and column in the file, from 1, of each character of text (what a macro made stands
    where the macro is used). before: the words before it in the paragraph, or the paragraph before.
    after: of a formula in a sentence, the text behind it. cell: in a notebook, the
    number of the cell and of the line in it, from 1.
    """

    text: str
    syntax: Literal["latex", "plain"]
    display: int
    inline: bool
    places: tuple[tuple[int, int], ...]
    before: str = ""
    after: str = ""
    cell: tuple[int, int] | None = None


@dataclass(frozen=True)
class Sources:
    """What is in a document.

    front_matter: its settings (notation, given), or None. formulas: every row of every display, and what has a relation sign in a
    sentence. delimiters: how many pieces were found, formulas or not: pairs of $, $$, \\( \\), \\[ \\], outermost environments,
    math fences, and formulas in plain text. mentions: those in a sentence without a relation ($l$, $\\sigma$, $x < 1$), which
    claim nothing. other: lines of plain-text fences and code spans that have a relation sign and were taken for words or code.
    """

    front_matter: dict[str, object] | None
    formulas: tuple[Source, ...]
    delimiters: int
    mentions: int = 0
    other: int = 0


def find(text: str, form: Literal["md", "tex", "ipynb", "plain"]) -> Sources:
    """Every formula of a document in order.

    In a sentence a formula is what has a =, ≈, ≡, := or an arrow outside of every bracket; displays are taken whole. In plain
    text plain_lines.is_formula says what is one.
    Raises ValueRefused for a text that is binary, not closed somewhere or no notebook; TooLarge over 10 million characters,
    200,000 lines, 20,000 formulas or 100,000 characters of one, and where macros have no end.
    """
    found = _Finder(_checked(text))
    if form == "ipynb":
        settings = found.notebook()
    elif form == "tex":
        settings = front_matter.comments(found.file)
        found.latex(found.file)
    else:
        settings, content = front_matter.block(found.file)
        if form == "md":
            found.markdown(content)
        else:
            found.plain_document(content)
    return Sources(settings, tuple(found.formulas), found.delimiters, found.mentions, found.other)


def _checked(text: str) -> str:
    """The text with one kind of line end."""
    if len(text) > MOST_CHARACTERS:
        raise TooLarge(f"The document has {len(text):,} characters; up to {MOST_CHARACTERS:,} are read. Split it.")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > MOST_LINES:
        raise TooLarge(f"The document has {text.count(chr(10)):,} lines; up to {MOST_LINES:,} are read. Split it.")
    if strange := re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text):
        raise ValueRefused(
            f"Character {strange.start() + 1} is U+{ord(strange[0]):04X}: this is no text. Pass a text file in UTF-8."
        )
    if half := re.search(r"[\ud800-\udfff]", text):
        raise ValueRefused(f"Character {half.start() + 1} is half of a surrogate pair: this is no UTF-8. Save the file as UTF-8.")
    return text


class _Finder:
    """What was found so far; places are offsets in the file, or in the notebook's cell, until a formula is added."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines = _line_starts(file)
        self.cell: Cell | None = None
        self.macros = Macros()
        self.suspect = ""  # where the first $$ opens that has a blank line before its end
        self.formulas: list[Source] = []
        self.delimiters = self.mentions = self.other = self.display = 0

    def notebook(self) -> front_matter.Settings | None:
        settings = None
        for cell in cells(self.file):
            content, self.cell = _checked(cell.content), cell
            if cell.number == 1:
                settings, content = front_matter.block(content)
            if cell.markdown:
                self.markdown(content)
        return settings

    def markdown(self, source: str) -> None:
        context, row = "", 0
        try:
            for block in blocks(source):
                context = "" if block.row and block.row != row else context
                row = block.row
                if block.kind == "plain":
                    self.plain(block.text, context)
                    context = ""
                elif block.kind == "math":
                    self.piece(block.text, Piece("display", 0, 0, len(block.text.content), 0), context)
                    context = ""
                else:
                    words = self.text(block.text, "md", context)
                    context = f"{context} {words}" if row else words
        except Unclosed as unclosed:
            raise unclosed.refusal(self.where(unclosed.at)) from None

    def latex(self, file: str) -> None:
        start = file.find(r"\begin{document}") + 1
        self.preamble(file[:start])
        end = file.find(r"\end{document}", start)
        self.text(Text(file[start : None if end < 0 else end], (0,), (start,)), "tex", "")

    def preamble(self, text: str) -> None:
        at = 0
        while match := PREAMBLE.search(text, at):
            definition = DEFINITION.match(text, match.start())
            end = self.macros.define(text, definition) if definition else match.end()
            if end is None:
                raise Unclosed(match.start(), match[0], "}").refusal(self.where(match.start()))
            at = end

    def plain_document(self, content: str) -> None:
        """Plain text; formulas between LaTeX's delimiters too, if there are any."""
        text = Text(content, _line_starts(content), _line_starts(content))
        words, at = list[str](), 0
        for piece in self.scanned(text, "md"):
            if piece.kind != "code":
                self.piece(text, piece, "")
                words += [content[at : piece.opened], re.sub(r"[^\n]", " ", content[piece.opened : piece.closed])]
                at = piece.closed
        self.plain(text._replace(content="".join([*words, content[at:]])), "")
        self.formulas.sort(key=lambda source: source.places[0])

    def plain(self, text: Text, context: str) -> None:
        """The formulas of a fence or a document in plain text; lines without a blank line between them are one display."""
        for run in plain_lines.formulas(text):
            if run is None:
                self.other += 1
                continue
            self.display += 1
            for line in run:
                self.count()
                self.add(line.text, "plain", False, line.places, _words(context))
                context = ""

    def text(self, text: Text, form: Literal["md", "tex"], context: str) -> str:
        """The formulas in running text. context: the words before it; what it returns: those for the text after it."""
        spoken = 0
        for piece in self.scanned(text, form):
            paragraph = text.content[max(spoken, piece.opened - WORDS_BEFORE) : piece.opened]
            before = _words(paragraph) or _words("" if spoken else context)
            if piece.kind == "code":
                self.code(text, piece, before)
            else:
                self.piece(text, piece, before)
            spoken = piece.closed if piece.kind == "display" else spoken
        return text.content[max(spoken, len(text.content) - WORDS_BEFORE) :]

    def code(self, text: Text, piece: Piece, before: str) -> None:
        """A code span, which may be a formula in plain text."""
        code = text.content[piece.start : piece.end]
        if plain_lines.is_formula(code):
            self.count()
            self.display += 1
            line = plain_lines.clean(code, text.at(piece.start))
            self.add(line.text, "plain", True, line.places, before)
        else:
            self.other += plain_lines.relation(code) is not None

    def scanned(self, text: Text, form: Literal["md", "tex"]) -> Iterator[Piece]:
        try:
            yield from scan(text.content, form, self.macros)
        except Unclosed as unclosed:
            where = self.suspect if unclosed.opener == "$$" else ""
            raise unclosed.refusal(where or self.where(text.at(unclosed.at))) from None

    def piece(self, text: Text, piece: Piece, before: str) -> None:
        """The rows of what stands between two delimiters."""
        self.count()
        if piece.end - piece.start > LONGEST:
            raise TooLarge(
                f"{self.where(text.at(piece.opened))}: a formula of {piece.end - piece.start:,} characters; "
                f"up to {LONGEST:,} are read. Is a delimiter missing?"
            )
        rows = layout.rows(self.expanded(text, piece), piece.name)
        inside = text.content[piece.start : piece.end]
        if not self.suspect and text.content.startswith("$$", piece.opened) and "\n\n" in inside:
            self.suspect = self.where(text.at(piece.opened))
        escaped = text.content.startswith("\\[", piece.opened) and "\\" not in inside  # a \[link\] is no formula
        if (piece.kind == "inline" or escaped) and not any(layout.is_claim(row.symbols) for row in rows):
            self.mentions += 1
            return
        self.display += 1
        for row in rows:
            written, places = layout.written(row.symbols)
            after = text.content[piece.closed : piece.closed + WORDS_BEHIND] if piece.kind == "inline" else ""
            self.add(written, "latex", piece.kind == "inline", places, row.words or before, after)
            before = ""

    def expanded(self, text: Text, piece: Piece) -> list[Symbol]:
        """The inside with the macros defined so far, and those defined in it."""
        made, at = list[Symbol](), piece.start
        for definition in DEFINITION.finditer(text.content, piece.start, piece.end):
            if definition.start() >= at:
                made += self.macros.expand([*symbols(text.content, text.at, at, definition.start())], self.where)
                end = self.macros.define(text.content, definition)
                if end is None:
                    raise Unclosed(definition.start(), definition[0], "}").refusal(self.where(text.at(definition.start())))
                at = end
        return made + self.macros.expand([*symbols(text.content, text.at, at, piece.end)], self.where)

    def count(self) -> None:
        self.delimiters += 1
        if max(self.delimiters, len(self.formulas)) > MOST_FORMULAS:
            raise TooLarge(f"The document has more than {MOST_FORMULAS:,} formulas; split it.")

    def add(
        self, text: str, syntax: Literal["latex", "plain"], inline: bool, offsets: Sequence[int], before: str, after: str = ""
    ) -> None:
        if not text:
            return
        places = tuple(self.place(offset) for offset in offsets)
        cell = None if self.cell is None else (self.cell.number, self.cell.content.count("\n", 0, offsets[0]) + 1)
        self.formulas.append(Source(text, syntax, self.display, inline, places, before, after, cell))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column in the file."""
        if self.cell is not None:
            offset = self.cell.places[min(offset, len(self.cell.places) - 1)]
        line = bisect.bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def where(self, offset: int) -> str:
        """For a message: "Line 12", or "Cell 4, line 3"."""
        if self.cell is None:
            return f"Line {self.place(offset)[0]}"
        return f"Cell {self.cell.number}, line {self.cell.content.count(chr(10), 0, offset) + 1}"


def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(match.end() for match in re.finditer("\n", text)))


def _words(text: str) -> str:
    """The end of a text, of one paragraph of it, without line breaks."""
    return " ".join(re.split(r"\n[ \t]*\n", text.strip())[-1].split())[-WORDS_BEFORE:]
