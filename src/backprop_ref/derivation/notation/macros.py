"""A document's own commands: \\newcommand, \\def, \\let, \\DeclareMathOperator, and what a formula says without them.

Nothing is run: a macro is a list of symbols with places for its arguments, put in place of its use; their number is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...errors import TooLarge

MOST_SYMBOLS = 1_000_000  # that the macros of a document may make
COMMAND = r"\\(?:[a-zA-Z@]+|[^a-zA-Z])"
DEFINITION = re.compile(
    rf"""\\(?:new|renew|provide)command\*?\s*\{{?\s*(?P<new>{COMMAND})\s*\}}?\s*(?:\[(?P<count>\d)\]\s*)?(?:\[(?P<default>[^\]]*)\]\s*)?
    |\\(?:[gex]|long\\)?def\s*(?P<def>{COMMAND})(?P<parameters>[^{{\n]*)
    |\\DeclareMathOperator(?P<star>\*?)\s*\{{?\s*(?P<operator>{COMMAND})\s*\}}?\s*
    |\\let\s*(?P<let>{COMMAND})\s*=?\s*(?P<old>{COMMAND}|[^\s\\])""",
    re.VERBOSE,
)
SYMBOL = re.compile(r"(\\[a-zA-Z@]+)|(\\[\s\S])|(%[^\n]*(?:\n[ \t]*)?)|(\s+)|([\s\S])")


class Symbol(NamedTuple):
    """A command or a character. at: where it stands in the document. spread: its characters stand there one after the other
    (from a macro's body: all where the macro is used). final: a macro of its name leaves it alone."""

    text: str
    at: int
    spread: bool = True
    final: bool = False


class Macro(NamedTuple):
    """arguments: how many; the first may be left out if there is a default for it."""

    arguments: int
    default: tuple[Symbol, ...] | None
    body: tuple[Symbol, ...]


def symbols(text: str, at: Callable[[int], int] = lambda i: i, start: int = 0, end: int | None = None) -> Iterator[Symbol]:
    """LaTeX from start to end, symbol by symbol: comments gone, white space one blank each."""
    for match in SYMBOL.finditer(text, start, len(text) if end is None else end):
        command, escaped, comment, blank, character = match.groups()
        if not comment:
            yield Symbol(" " if blank else command or escaped or character, at(match.start()))


class Macros:
    """The macros defined so far in a document."""

    def __init__(self) -> None:
        self.table: dict[str, Macro] = {}
        self.closers: dict[str, set[str]] = {}  # of each environment, the macros that have closed it
        self.left = MOST_SYMBOLS

    def define(self, text: str, match: re.Match[str]) -> int | None:
        """Take in the definition that DEFINITION found; where it ends, or None if its braces never close."""
        if name := match["let"]:
            old = match["old"]
            self.table[name] = self.table.get(old, Macro(0, None, (Symbol(old, 0, final=True),)))
            return match.end()
        start = match.end()
        end = _argument_end(text, start)
        if end is None:
            return None
        braced = text[start : start + 1] == "{"
        body = tuple(symbols(text, start=start + braced, end=end - braced))
        if name := match["operator"]:
            limits = "*" if match["star"] else ""
            body = (Symbol(r"\operatorname", 0), *symbols(limits), Symbol("{", 0), *body, Symbol("}", 0))
            self.table[name] = Macro(0, None, body)
        elif name := match["new"]:
            default = match["default"]
            self.table[name] = Macro(int(match["count"] or 0), None if default is None else tuple(symbols(default)), body)
        elif re.fullmatch(r"(?:#\d)*\s*", match["parameters"]):
            self.table[name := match["def"]] = Macro(match["parameters"].count("#"), None, body)
        else:
            self.table.pop(match["def"], None)  # arguments between other delimiters: the reader will not know the command
            return end
        if closed := self.environment(name, "end"):
            self.closers.setdefault(closed, set()).add(name)
        return end

    def expand(self, given: Sequence[Symbol], where: Callable[[int], str]) -> list[Symbol]:
        """The symbols with every macro replaced. Raises TooLarge where that has no end; where: offset -> "Line 12"."""
        done, waiting = list[Symbol](), list(reversed(given))
        while waiting:
            symbol = waiting.pop()
            macro = None if symbol.final else self.table.get(symbol.text)
            arguments = _arguments(macro, waiting) if macro else None
            if macro is None or arguments is None:
                done.append(symbol)
                continue
            made = _filled(macro.body, arguments, symbol.at)
            self.left -= len(made) + 1
            if self.left < 0:
                raise TooLarge(
                    f"{where(symbol.at)}: the macro {symbol.text} makes more than {MOST_SYMBOLS:,} symbols; "
                    "define it without itself, or write the formula out."
                )
            waiting.extend(reversed(made))
        return done

    def environment(self, command: str, side: str) -> str:
        """The environment that a macro opens (side: begin) or closes (end), as \\be in \\def\\be{\\begin{equation}}; or ""."""
        macro = self.table.get(command)
        if macro is None or macro.arguments or not macro.body or macro.body[0].text != "\\" + side:
            return ""
        found = re.match(rf"\\{side}\{{([a-zA-Z]+\*?)\}}", "".join(symbol.text for symbol in macro.body))
        return found[1] if found else ""


def _filled(body: tuple[Symbol, ...], arguments: list[list[Symbol]], at: int) -> list[Symbol]:
    """The body with its arguments, which keep their own places; all else stands where the macro is used."""
    made, places = list[Symbol](), iter(body)
    for symbol in places:
        if symbol.text != "#":
            made.append(Symbol(symbol.text, at, False, symbol.final))
            continue
        number = next(places, symbol).text
        if number.isdecimal() and 1 <= int(number) <= len(arguments):
            made += arguments[int(number) - 1]
    return made


def _arguments(macro: Macro, waiting: list[Symbol]) -> list[list[Symbol]] | None:
    """The arguments, taken off the end of waiting; None, and nothing taken, if there are not enough."""
    depth, found = len(waiting), list[list[Symbol]]()
    for number in range(macro.arguments):
        while depth and waiting[depth - 1].text == " ":
            depth -= 1
        if number == 0 and macro.default is not None:
            end = _closing(waiting, depth, "[", "]") if depth and waiting[depth - 1].text == "[" else None
            found.append(list(macro.default) if end is None else waiting[end + 1 : depth - 1][::-1])
            depth = depth if end is None else end
        elif not depth or waiting[depth - 1].text == "}":
            return None
        elif waiting[depth - 1].text != "{":
            depth -= 1
            found.append([waiting[depth]])
        else:
            end = _closing(waiting, depth, "{", "}")
            if end is None:
                return None
            found.append(waiting[end + 1 : depth - 1][::-1])
            depth = end
    del waiting[depth:]
    return found


def _closing(waiting: list[Symbol], depth: int, opening: str, closing: str) -> int | None:
    """Where the bracket that opens at waiting[depth - 1] closes, further down."""
    level = 0
    for i in range(depth - 1, -1, -1):
        level += (waiting[i].text == opening) - (waiting[i].text == closing)
        if not level:
            return i
    return None


def _argument_end(text: str, start: int) -> int | None:
    """Where the group or the one symbol at start ends, if it does."""
    level = 0
    for match in re.compile(rf"{COMMAND}|%[^\n]*|[{{}}]|[\s\S]").finditer(text, start):
        level += (match[0] == "{") - (match[0] == "}")
        if level <= 0:
            return match.end()
    return None
