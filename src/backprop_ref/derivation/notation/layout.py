"""From the inside of a display to its rows: what only lays out is gone, what separates formulas stays.

Gone: & \\tag \\label \\nonumber \\displaystyle \\limits \\left \\right \\big, the dot of \\right., \\color{...}, \\phantom{...};
of \\boxed{X} X stays, of \\underbrace{X}_{...} {X}, of \\overset{!}{=} the =; \\, \\; \\! \\: and ~ become a blank.
Kept: \\quad, \\qquad, \\text{...} and commas. \\mbox, \\textrm, ... are \\text; \\hspace and each second & of an align
are \\quad; \\intertext gives the words before the next row. Fonts, and cases and matrices inside a formula, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

from . import lookalikes
from .macros import Symbol

DROPPED = {
    r"\nonumber", r"\notag", r"\displaystyle", r"\textstyle", r"\scriptstyle", r"\limits", r"\nolimits", r"\allowbreak",
    r"\nobreak", r"\hline", r"\centering", r"\noindent", r"\hfill", r"\strut", r"\mathstrut", r"\relax", r"\null", r"\protect",
    r"\small", r"\normalsize", r"\/",
}  # fmt: skip
WITH_ARGUMENT = {
    r"\tag", r"\label", r"\vspace", r"\phantom", r"\hphantom", r"\vphantom", r"\color", r"\footnote", r"\cite", r"\eqno",
    r"\leqno", r"\setlength", r"\addtocounter",
}  # fmt: skip
UNWRAPPED = {r"\boxed", r"\fbox", r"\ensuremath", r"\smash", r"\mathrel", r"\mathbin", r"\mathop", r"\mathord"}
OF_TWO = {r"\underset", r"\overset", r"\stackrel", r"\textcolor", r"\colorbox"}
BRACES = {r"\underbrace": "_", r"\overbrace": "^", r"\underbracket": "_", r"\overbracket": "^"}
BLANKS = {
    " ", r"\,", r"\;", r"\!", r"\:", r"\>", "~", "\\ ", "\\\n", "\\\t", r"\enspace", r"\enskip", r"\thinspace", r"\medspace",
    r"\thickspace", r"\negthinspace",
}  # fmt: skip
LENGTHS = {r"\hspace": r"\quad", r"\hskip": r"\quad", r"\mspace": " ", r"\kern": " ", r"\mkern": " "}
WORDS = {r"\text", r"\mbox", r"\hbox", r"\textrm", r"\textnormal", r"\textit", r"\textsf", r"\texttt", r"\textbf", r"\emph"}
SIZES = re.compile(r"\\(?:left|right|middle|[bB]igg?[lrm]?)")
NEW_ROW = {"\\\\", r"\cr", r"\newline", r"\tabularnewline"}
CASES = {"cases", "dcases", "rcases"}
STAY = {*CASES, "array", "matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix"}
ONE_FORMULA = {"eqnarray", "IEEEeqnarray", "array"}  # whatever its columns
LENGTH = r"\s*-?[\d.]+\s*(?:[a-z]{2}|\\[a-z]+)\s*"
OPERATORS = {"+", "*", "/", r"\cdot", r"\times", r"\odot", r"\circ", r"\bigodot", r"\pm", r"\otimes"}
RELATIONS = {
    "=", "≈", r"\approx", r"\equiv", r"\leftarrow", r"\gets", r"\to", r"\rightarrow", r"\longrightarrow", r"\longleftarrow",
    r"\simeq", r"\cong", r"\doteq", r"\coloneqq", r"\triangleq", r"\Leftarrow", r"\mapsto", r"\propto", r"\sim", r"\eqqcolon",
}  # fmt: skip
EDGES = {" ", r"\quad", r"\qquad", ",", ";", "."}


Cell: TypeAlias = list[Symbol]


class Row(NamedTuple):
    """One row of a display; words: from an \\intertext or a row of words just before it."""

    symbols: list[Symbol]
    words: str


def rows(symbols: Sequence[Symbol], environment: str = "") -> list[Row]:
    """The rows of a display, split at the \\\\ that stand in no brace and no inner environment.

    A row that goes on with the formula above (it begins with + or *, or the one above ends so, or all are rows of a multline) is
    joined to it. environment: the display's own, where it was opened by \\begin.
    """
    layout = _Layout(symbols, environment)
    found, words = list[Row](), ""
    for row, between in _by_columns(layout.rows()):
        row, words = _stripped(row), f"{words} {between}".strip()
        if not any(_is_mathematics(row)):
            words = f"{words} {_spoken(row)}".strip()
        elif found and not between and (layout.broken or _goes_on(found[-1].symbols, row)):
            found[-1] = Row([*found[-1].symbols, Symbol(" ", row[0].at), *row], found[-1].words)
        else:
            found.append(Row(row, words))
            words = ""
    return found


def _by_columns(found: Sequence[tuple[list[Cell], str]]) -> list[tuple[Cell, str]]:
    """Each row as a whole; column after column, where a formula beside the first one goes on in a row below: & = ..."""
    if not any(_begins(cell) in RELATIONS for cells, _ in found for cell in cells[1:]):
        return [(list(chain.from_iterable(cells)), words) for cells, words in found]
    widest = max(len(cells) for cells, _ in found)
    return [(cells[n], words if n == 0 else "") for n in range(widest) for cells, words in found if n < len(cells)]


def _begins(cell: Cell) -> str:
    return next((symbol.text for symbol in cell if symbol.text not in EDGES), "")


def written(row: Sequence[Symbol]) -> tuple[str, tuple[int, ...]]:
    """A row as text, and where each of its characters stands in the document."""
    made, places = list[str](), list[int]()
    for i, symbol in enumerate(row):
        text = symbol.text
        if text[0] == "\\" and text[-1].isalpha() and i + 1 < len(row) and row[i + 1].text[0].isalpha():
            text += " "
        made.append(text)
        places += (symbol.at + n if symbol.spread else symbol.at for n in range(len(text)))
    return "".join(made), tuple(places)


def has_relation(row: Sequence[Symbol]) -> bool:
    """Is there a =, ≈, :=, <- or \\to outside of every bracket?"""
    level = 0
    for symbol in row:
        level += (symbol.text in "{([") - (symbol.text in "})]")
        if level <= 0 and symbol.text in RELATIONS:
            return True
    return False


def is_claim(row: Sequence[Symbol]) -> bool:
    """Is it more than a mention: has it a relation, or any within brackets that do not balance?"""
    texts = [symbol.text for symbol in row]
    open_ = any(texts.count(left) != texts.count(right) for left, right in ("{}", "()", "[]"))
    return has_relation(row) or (open_ and not RELATIONS.isdisjoint(texts))


def _goes_on(above: list[Symbol], row: list[Symbol]) -> bool:
    first, last = row[0].text, above[-1].text
    if first == "-" and not has_relation(row) and has_relation(above):
        return True
    return first in OPERATORS or last in OPERATORS or last == "-"


def _is_mathematics(row: Sequence[Symbol]) -> Iterator[bool]:
    level, words = 0, False
    for symbol in row:
        words = words or symbol.text == r"\text"
        if not words and symbol.text not in EDGES:
            yield True
        level += (symbol.text == "{") - (symbol.text == "}")
        words = words and not (symbol.text == "}" and level == 0)


def _spoken(row: Sequence[Symbol]) -> str:
    return "".join(symbol.text for symbol in row if symbol.text not in (r"\text", "{", "}"))


def _stripped(row: Sequence[Symbol]) -> list[Symbol]:
    """Without blanks, separators and a full stop around it, and with one blank where there are several."""
    start, end = 0, len(row)
    while start < end and row[start].text in (" ", r"\quad", r"\qquad"):
        start += 1
    while start < end and row[end - 1].text in EDGES:
        end -= 1
    kept = row[start:end]
    return [symbol for i, symbol in enumerate(kept) if symbol.text != " " or kept[i - 1].text != " "]


class _Layout:
    """One walk over the symbols of a display."""

    def __init__(self, symbols: Sequence[Symbol], environment: str) -> None:
        self.given, self.i = symbols, 0
        self.closing = _closings(symbols)
        self.dropped: set[int] = set()  # closing braces of what was unwrapped
        self.after: dict[int, str] = {}  # closing brace of an \underbrace -> the sign of its words
        self.broken = False  # a multline: one formula over several rows
        self.open = [environment] if environment else []  # environments whose rows are rows of the display
        self.inner = 0  # braces and other environments around
        self.columns = 0
        self.row: Cell = []
        self.cells: list[Cell] = []  # to the left of it
        self.done: list[tuple[list[Cell], str]] = []
        self.words = ""

    def rows(self) -> list[tuple[list[Cell], str]]:
        if self.open:
            self.skip_arguments(self.open[0])
        while self.i < len(self.given):
            self.step()
        self.end_row()
        return self.done

    def step(self) -> None:
        i, symbol = self.i, self.given[self.i]
        text = symbol.text
        self.i += 1
        if text in DROPPED or i in self.dropped:
            return
        if text in ("{", "}"):
            self.brace(i, symbol)
        elif text in BLANKS or text in LENGTHS:
            self.blank(symbol)
        elif text in WITH_ARGUMENT:
            self.argument()
        elif text in UNWRAPPED:
            self.unwrap()
        elif text in OF_TWO:
            self.argument()
            self.unwrap()
        elif text in BRACES:
            self.after[self.closing.get(self.next(), -1)] = BRACES[text]
        elif text in WORDS:
            self.text(symbol)
        elif text in (r"\intertext", r"\shortintertext"):
            self.end_row()
            self.words = "".join(s.text for s in self.argument()).strip("{}")
        elif SIZES.fullmatch(text):
            self.delimiter()
        elif text in (r"\begin", r"\end"):
            self.environment(symbol)
        elif text == "&" and not self.inner:
            self.column(symbol)
        elif text in NEW_ROW and not self.inner:
            self.skip_option()
            self.end_row()
        else:
            self.emit(symbol)

    def emit(self, symbol: Symbol) -> None:
        text = {r"\_": "_", r"\*": "*", r"\lbrack": "[", r"\rbrack": "]"}.get(symbol.text) or lookalikes.latex(symbol.text)
        if text:
            self.row.append(symbol._replace(text=text, spread=symbol.spread and text == symbol.text))

    def end_row(self) -> None:
        self.done.append(([*self.cells, self.row], self.words))
        self.row, self.cells, self.words, self.columns = [], [], "", 0

    def brace(self, i: int, symbol: Symbol) -> None:
        self.inner = max(self.inner + (1 if symbol.text == "{" else -1), 0)
        self.row.append(symbol)
        if self.after.get(i) == self.ahead() != "":
            self.i = self.next() + 1
            self.argument()

    def blank(self, symbol: Symbol) -> None:
        if symbol.text in LENGTHS:
            self.skip_length()
        self.row.append(symbol._replace(text=LENGTHS.get(symbol.text, " "), spread=False))

    def column(self, symbol: Symbol) -> None:
        """The second, fourth, ... & of an align stand between two formulas."""
        self.columns += 1
        name = self.open[-1].rstrip("*") if self.open else ""
        apart = name in CASES or (self.columns % 2 == 0 and name not in ONE_FORMULA)
        if apart and name not in CASES:
            self.cells.append(self.row)
            self.row = []
        self.row.append(symbol._replace(text=r"\quad" if apart else " ", spread=False))

    def next(self) -> int:
        """The place of the next symbol that is no blank."""
        i = self.i
        while i < len(self.given) and self.given[i].text == " ":
            i += 1
        return i

    def ahead(self) -> str:
        """The next symbol that is no blank, or nothing."""
        i = self.next()
        return self.given[i].text if i < len(self.given) else ""

    def argument(self) -> Sequence[Symbol]:
        """The argument that follows, passed over, with its braces."""
        if self.ahead() == "*":
            self.i = self.next() + 1
        start = self.next()
        self.i = min(self.closing.get(start, start) + 1, len(self.given))
        return self.given[start : self.i]

    def unwrap(self) -> None:
        """The argument stays, without its braces."""
        start = self.next()
        if start in self.closing:
            self.dropped.add(self.closing[start])
            self.i = start + 1

    def text(self, symbol: Symbol) -> None:
        """Words, as they are; the bold W of \\textbf{W} is \\mathbf{W}."""
        argument = self.argument()
        name = r"\mathbf" if symbol.text == r"\textbf" and len(argument) == 3 else r"\text"
        self.row.append(symbol._replace(text=name, spread=symbol.spread and name == symbol.text))
        self.row += [s._replace(text=" ") if s.text in BLANKS else s for s in argument]

    def delimiter(self) -> None:
        """The sign after \\left is kept, but for a dot."""
        self.i = self.next() + (self.ahead() == ".")

    def environment(self, symbol: Symbol) -> None:
        """Rows of an aligned are rows of the display, and of cases too where nothing stands before them: they are equations."""
        start = self.i
        name = "".join(s.text for s in self.argument()).strip("{} ")
        begins = symbol.text == r"\begin"
        bare = name.rstrip("*")
        system = not any(s.text not in (" ", r"\{") for s in self.row)
        if begins and not self.inner and (bare not in STAY or (system and "matrix" not in bare)):
            self.open.append(name)
            self.row = [] if system else self.row
            self.columns = 0
            self.skip_arguments(name)
        elif not begins and not self.inner and name in self.open:
            while self.open.pop() != name:
                pass
        else:
            self.inner = max(self.inner + (1 if begins else -1), 0)
            self.row += [symbol, *self.given[start : self.i]]

    def skip_arguments(self, name: str) -> None:
        """[t] of aligned, {2} of alignat, {rcl} of array."""
        self.broken = self.broken or name.startswith("multline")
        if self.ahead() == "[" and name in ("aligned", "gathered", "alignedat"):
            while self.i < len(self.given) and self.given[self.i].text != "]":
                self.i += 1
            self.i += 1
        if name.rstrip("*") in ("alignat", "alignedat", "array", "IEEEeqnarray"):
            self.argument()

    def skip_option(self) -> None:
        """* and [2pt] after \\\\."""
        if self.i < len(self.given) and self.given[self.i].text == "*":
            self.i += 1
        if option := re.match(rf"\[{LENGTH}\]", self.coming()):
            self.skip(option.end())

    def skip_length(self) -> None:
        """{1cm} or 1cm after \\hspace or \\kern."""
        if self.ahead() in ("{", "*"):
            self.argument()
        elif length := re.match(LENGTH, self.coming()):
            self.skip(length.end())

    def coming(self) -> str:
        return "".join(symbol.text for symbol in self.given[self.i : self.i + 20])

    def skip(self, characters: int) -> None:
        while characters > 0:
            characters -= len(self.given[self.i].text)
            self.i += 1


def _closings(symbols: Sequence[Symbol]) -> dict[int, int]:
    """Where each brace that opens closes."""
    found, waiting = dict[int, int](), list[int]()
    for i, symbol in enumerate(symbols):
        if symbol.text == "{":
            waiting.append(i)
        elif symbol.text == "}" and waiting:
            found[waiting.pop()] = i
    return found
