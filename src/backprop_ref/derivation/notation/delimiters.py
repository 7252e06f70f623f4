"""Where formulas begin and end in running text: $ $$ \\( \\[ \\begin{...}, in LaTeX and in a paragraph of Markdown."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from ...errors import ValueRefused
from .macros import DEFINITION, Macros

LONGEST_INLINE = 5_000  # characters between two dollars
ROWS = "equation|displaymath|math|align|alignat|flalign|gather|multline|eqnarray|IEEEeqnarray|dmath"
BLOCKS = rf"{ROWS}|split|aligned|alignedat|gathered|cases|dcases|rcases|array|[bBpvV]?matrix"
VERBATIM = "verbatim|Verbatim|lstlisting|minted|comment|filecontents"
BEGIN = rf"\\begin\{{(?P<env>(?:{BLOCKS})\*?)\}}"
TEX = re.compile(
    rf"%[^\n]*|\\verb\*?(?P<bar>[^\sa-zA-Z*])[^\n]*?(?P=bar)|\\begin\{{(?P<raw>{VERBATIM})\*?\}}|{BEGIN}"
    r"|(?P<command>\\[a-zA-Z]+)|(?P<round>\\\()|(?P<square>\\\[)|\\.|(?P<two>\$\$)|(?P<one>\$)",
    re.DOTALL,
)
MARKDOWN = re.compile(
    rf"<!--|(?::math:|\{{math\}})?`+|\$(?P<github>`+)|{BEGIN}|(?P<command>\\[a-zA-Z]+)"
    r"|(?P<round>\\\\?\()|(?P<square>\\\\?\[)|\\.|(?P<two>\$\$)|(?P<one>\$)",
    re.DOTALL,
)
INSIDE_DOLLARS = re.compile(r"\\.|[{}$]|\n[ \t]*\n", re.DOTALL)
WITHIN = r"(?:(?!\n[ \t]*\n|\\[\[(]|\\begin)[^`$])*?"  # of one paragraph
FORGOTTEN = re.compile(  # behind a dollar that is no sign of money: a command and a =, in either order
    rf"(?!\s*\d[\d.,]*(?!\s*\\|\d))(?={WITHIN}\\[a-zA-Z]{{2}}){WITHIN}="
)
RUN = re.compile("`+")


class Piece(NamedTuple):
    """What stands from `opened` to `closed`, its inside from start to end; aside: no formula. name: the environment."""

    kind: Literal["inline", "display", "code", "aside"]
    opened: int
    start: int
    end: int
    closed: int
    name: str = ""


class Unclosed(Exception):
    """A display whose end is not in the text. at: where it opens. closer: what would close it."""

    def __init__(self, at: int, opener: str, closer: str) -> None:
        super().__init__(opener)
        self.at, self.opener, self.closer = at, opener, closer

    def refusal(self, where: str) -> ValueRefused:
        """The error for the reader of the document; where: "Line 12"."""
        return ValueRefused(f"{where}: {self.opener.strip()} is never closed; add the {self.closer} that is missing.")


def scan(text: str, form: Literal["md", "tex"], macros: Macros, strict: bool = False) -> Iterator[Piece]:
    """Every formula in order, and in Markdown every code span; definitions of macros are taken in.

    LaTeX: as TeX has it. Markdown: $ opens a formula if the next $ of the paragraph closes it, with no blank inside of either and
    no digit behind, or with a \\, _ or ^ between them; so "$5 or $6" is none.
    Raises Unclosed for $$ and \\begin without their end, if strict for \\[ too, in LaTeX for every delimiter; in Markdown for a $
    with a command and a = behind it, unless strict.
    """
    return _Scanner(text, form, macros, strict).pieces()


class _Scanner:
    def __init__(self, text: str, form: Literal["md", "tex"], macros: Macros, strict: bool) -> None:
        self.text, self.tex, self.macros, self.strict = text, form == "tex", macros, strict
        self.absent: set[str] = set()  # not found from some place on, so not further on either
        self.runs: dict[int, list[int]] | None = None

    def pieces(self) -> Iterator[Piece]:
        at, pattern = 0, TEX if self.tex else MARKDOWN
        while match := pattern.search(self.text, at):
            piece = self.piece(match)
            at = match.end() if piece is None else piece.closed
            if piece is not None and piece.kind != "aside":
                yield piece

    def piece(self, match: re.Match[str]) -> Piece | None:
        """What opens at the match, if anything does."""
        found, start = match.groupdict(), match.end()
        if found["env"]:
            return self.environment(match.start(), start, found["env"])
        if found["command"]:
            return self.command(match)
        if found["two"]:
            return self.until("$$", "display", match, required=True)
        if found["one"]:
            return self.dollars(match.start())
        if found["round"]:
            return self.until(match[0][:-1] + ")", "inline", match, required=self.tex)
        if found["square"]:
            return self.until(match[0][:-1] + "]", "display", match, required=self.tex or self.strict)
        if self.tex:
            return self.verbatim(match, found["raw"]) if found["raw"] else None
        if match[0] == "<!--":
            end = self.find("-->", start)
            return None if end is None else Piece("aside", match.start(), start, end, end + 3)
        return self.code(match, found["github"]) if match[0][-1] == "`" else None

    def find(self, what: str, start: int) -> int | None:
        """Where `what` comes next; each absent thing is looked for once."""
        end = -1 if what in self.absent else self.text.find(what, start)
        if end < 0:
            self.absent.add(what)
            return None
        return end

    def until(self, closer: str, kind: Literal["inline", "display"], match: re.Match[str], required: bool) -> Piece | None:
        end = self.find(closer, match.end())
        if end is None:
            if required:
                raise Unclosed(match.start(), match[0], closer)
            return None
        return Piece(kind, match.start(), match.end(), end, end + len(closer))

    def dollars(self, opened: int) -> Piece | None:
        """$...$: the next dollar outside braces; the next one at all, if the braces do not balance."""
        level, start, within = 0, opened + 1, 0
        for match in INSIDE_DOLLARS.finditer(self.text, start, start + LONGEST_INLINE):
            level += (match[0] == "{") - (match[0] == "}")
            if match[0][0] == "\n":
                break
            if match[0] == "$" and level <= 0:
                return self.inline(opened, match.start())
            within = within or (match.start() if match[0] == "$" else 0)
        if within:
            return self.inline(opened, within)
        if self.tex or (not self.strict and FORGOTTEN.match(self.text, start)):
            raise Unclosed(opened, "$", "$")
        return None

    def inline(self, opened: int, end: int) -> Piece | None:
        """A formula from one dollar to the other, if it is one."""
        start = opened + 1
        return Piece("inline", opened, start, end, end + 1) if self.tex or self.is_math(start, end) else None

    def is_math(self, start: int, end: int) -> bool:
        inside = self.text[start:end]
        tight = inside.strip() == inside and not self.text[end + 1 : end + 2].isdigit()
        return bool(inside) and (tight or any(sign in inside for sign in "\\_^"))

    def environment(self, opened: int, start: int, name: str) -> Piece:
        """\\begin{name} to its \\end{name}, or to a macro that says the same."""
        macros = (re.escape(command) + "(?![a-zA-Z])" for command in self.macros.closers.get(name, ()))
        level, closers = 1, "|".join([rf"\\end\{{{re.escape(name)}\}}", *macros])
        for match in re.compile(rf"(\\begin\{{{re.escape(name)}\}})|{closers}").finditer(self.text, start):
            level += 1 if match[1] else -1
            if not level:
                return Piece("display", opened, start, match.start(), match.end(), name)
        raise Unclosed(opened, rf"\begin{{{name}}}", rf"\end{{{name}}}")

    def command(self, match: re.Match[str]) -> Piece | None:
        """A definition, or a macro that opens an environment."""
        if definition := DEFINITION.match(self.text, match.start()):
            end = self.macros.define(self.text, definition)
            if end is None:
                raise Unclosed(match.start(), definition[0], "}")
            return Piece("aside", match.start(), match.start(), end, end)
        name = self.macros.environment(match[0], "begin")
        return self.environment(match.start(), match.end(), name) if re.fullmatch(rf"(?:{BLOCKS})\*?", name) else None

    def verbatim(self, match: re.Match[str], name: str) -> Piece:
        end = self.find(rf"\end{{{name}", match.end())
        end = len(self.text) if end is None else end
        return Piece("aside", match.start(), match.end(), end, end)

    def code(self, match: re.Match[str], github: str | None) -> Piece | None:
        """A code span, or a formula in one: $`...`$, :math:`...`."""
        length = match[0].count("`")
        if self.runs is None:
            self.runs = {}
            for run in RUN.finditer(self.text):
                self.runs.setdefault(len(run[0]), []).append(run.start())
        places = self.runs.get(length, [])
        i = bisect.bisect_left(places, match.end())
        if i == len(places):
            return None
        end = places[i]
        closed = end + length
        if github:
            return Piece("inline", match.start(), match.end(), end, closed + 1) if self.text[closed : closed + 1] == "$" else None
        kind: Literal["inline", "code"] = "inline" if match[0][0] in ":{" else "code"
        return Piece(kind, match.start(), match.end(), end, closed)
