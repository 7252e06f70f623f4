r"""Characters to tokens: LaTeX and plain text end in the same ones, so that one grammar reads both.

LETTER sigma delta w y ..., NUMBER, WORD (exp, log, sum( ... in plain text), and the marks of the grammar. What separates formulas
(\quad, \text{...}, a comma or a word outside of every bracket) is a SPLIT, a relation outside of every bracket a RELATION.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from .signs import (
    FONTS,
    GREEK,
    HATS,
    MARKS,
    NO_FUNCTIONS,
    NP,
    OTHER,
    RELATIONS,
    SAME,
    SCRIPT,
    SKIPPED,
    SPLITS,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    TEXTS,
    UNICODE,
    WORDS,
)

LATEX = re.compile(
    r"(?<![A-Za-z\\])(?:np\.[a-z]+|exp|log|ln|tanh|diag|axis|keepdims|True|False)(?![A-Za-z])"
    r"|\\[a-zA-Z]+\*?|\\.|\d+(?:\.\d+)?|\|\||:=|\.\.\.|\.\*|\*\*|\.T(?![A-Za-z])|<-|->|-=|\+=|\S"
)
PLAIN = re.compile(
    r"np\.[a-z]+|[A-Za-z]+(?:_prime|_a(?=\s*[CJE]))?|\d+(?:\.\d+)?|\.\.\.|\.\.|\.\*|\*\*|\.T(?![A-Za-z])|:=|<-|->|-=|\+=|~=|\|\|"
    rf"|[{''.join(SUPERSCRIPTS)}]+|[{''.join(SUBSCRIPTS)}]+|\S"
)
DIFFERENTIAL = re.compile(r"d[CJELwWbBzZaAxXy]")
OPERANDS = {"LETTER", "NUMBER", "RP", "RB", "RC", "PRIME", "TRANSPOSE", "SQUARE", "CUBE", "HALF", "BARCLOSE", "NORMCLOSE", "TOP"}
SIZE = re.compile(r"\\(?:[bB]igg?[lrm]?|tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge)")
CONDITION = re.compile(r"((?:for|if|when)(?: all)?) *\$([^$,=]*(?:=|\\neq?|≠)[^$,=]*)\$")  # in \text
MOST_LEVELS = 100


class Unreadable(Exception):
    """What is not understood, and where in the text it stands."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.at = at


@dataclass(frozen=True)
class Token:
    """type: the grammar's; value: the letter, number, word or relation; start, end: its place in the text."""

    type: str
    value: str
    start: int
    end: int


def tokens(text: str, syntax: str, names: Collection[str] = ()) -> list[Token]:
    """The tokens of a row. names: words that are one letter (net). Raises Unreadable at what is no sign of ours."""
    found = _named(_latex(text, names) if syntax == "latex" else _plain(text, names), names)
    found = [_capital_sigma(found, i) for i in range(len(found))]
    return _bars(_marked(found))


def _named(found: list[Token], names: Collection[str]) -> list[Token]:
    """n, e, t without a gap is net, where that is a letter of the notation."""
    out: list[Token] = []
    for t in found:
        out.append(t)
        for name in names:
            last = out[-len(name) :]
            whole = "".join(u.value for u in last) == name and all(u.end - u.start == 1 for u in last)
            if whole and last[-1].end - last[0].start == len(name):
                out[-len(name) :] = [Token("LETTER", name, last[0].start, t.end)]
    return out


def _capital_sigma(found: list[Token], i: int) -> Token:
    """Sigma is a matrix where it has a prime, a layer's or a bracket follows; else the sign of a sum."""
    token = found[i]
    if token.value != "Sigma":
        return token
    after = "".join(t.type for t in found[i + 1 : i + 4])
    matrix = re.match(r"PRIME(?!SIGN)|CARETPRIMESIGN|CARETLCPRIMESIGN", after)
    return replace(token, type="LETTER") if matrix else replace(token, type="SUM")


def _marked(found: list[Token]) -> list[Token]:
    """Brackets counted; commas and words inside of them separate no formulas, and a relation there is no link."""
    level, out = 0, []
    for t in found:
        if t.type in ("LP", "LB", "LC"):
            level += 1
        elif t.type in ("RP", "RB", "RC"):
            level -= 1
        if level > MOST_LEVELS:
            raise Unreadable(f"brackets nest deeper than {MOST_LEVELS} levels", t.start)
        if level < 0:
            raise Unreadable(f"a {t.value} closes nothing", t.start)
        if t.type == "RELATION" and level:
            t = replace(t, type="INNER")
        elif t.type == "COMMA" and not level:
            t = replace(t, type="SPLIT")
        elif t.type == "SPLIT" and level:
            t = replace(t, type="COMMA") if t.value == ";" else replace(t, type="TEXT")
        out.append(t)
    if level:
        opened = _last_open(out)
        raise Unreadable(f"the {opened.value} is not closed", opened.start)
    return [t for t in _without_empty(out) if t.type != "TEXT" or not t.value.startswith("\\q")]


def _without_empty(found: list[Token]) -> list[Token]:
    """a^l_j{}^2 is a^l_j^2."""
    empty = {n for n in range(len(found) - 1) if found[n].type == "LC" and found[n + 1].type == "RC"}
    return [t for n, t in enumerate(found) if n not in empty and n - 1 not in empty]


def _last_open(found: list[Token]) -> Token:
    stack = []
    for t in found:
        if t.type in ("LP", "LB", "LC"):
            stack.append(t)
        elif t.type in ("RP", "RB", "RC"):
            stack.pop()
    return stack[-1]


def _bars(found: list[Token]) -> list[Token]:
    """A bar of a norm closes what is open behind a letter, a number or a bracket; || behind a single bar is two of these."""
    opened: list[str] = []
    out: list[Token] = []
    for t in found:
        if t.type in ("LP", "LB", "LC"):
            opened.append("(")
        elif t.type in ("RP", "RB", "RC"):
            if opened[-1] != "(":
                raise Unreadable("a bar before this bracket is not closed", t.start)
            opened.pop()
        if t.type == "NORM" and t.value == "||" and opened and opened[-1] == "BAR":
            out.append(_bar(replace(t, type="BAR", value="|", end=t.end - 1), out, opened))
            t = replace(t, type="BAR", value="|", start=t.end - 1)
        out.append(_bar(t, out, opened) if t.type in ("NORM", "BAR") else t)
    if opened:
        raise Unreadable("a bar of a norm is not closed", found[-1].start)
    return out


def _bar(t: Token, before: list[Token], opened: list[str]) -> Token:
    close = bool(opened) and opened[-1] == t.type and before[-1].type in OPERANDS
    opened.pop() if close else opened.append(t.type)
    return replace(t, type=f"{t.type}{'CLOSE' if close else 'OPEN'}")


def _latex(text: str, names: Collection[str]) -> list[Token]:
    found: list[Token] = []
    at = 0
    while match := LATEX.search(text, at):
        word, start = match[0], match.start()
        at = match.end()
        if word == r"\begin":
            name, at = _block(text, start, at)
            found.append(Token("BLOCK", name, start, at))
            continue
        if word in TEXTS or word in SCRIPT or word in HATS or word in (r"\mathbb", r"\mathbbm"):
            token, at = _argument(text, word, start, at, names)
            if token.type == "SPLIT" and (condition := CONDITION.fullmatch(token.value)):
                shift = text.index("$", start) + 1
                inside = (replace(t, start=t.start + shift, end=t.end + shift) for t in _latex(condition[2], names))
                found += [replace(token, value=condition[1]), *inside]
            else:
                found += [token] if token.value else []
            continue
        if word in FONTS and (one := re.compile(r"\s*\{?\s*1\s*\}?(?![\d}])").match(text, at)):
            found.append(Token("LETTER", "one", start, one.end()))
            at = one.end()
            continue
        if word in FONTS or word in SKIPPED or SIZE.fullmatch(word):
            continue
        if found and found[-1].type == "FRAC" and word.isdigit() and len(word) > 1:  # \frac12
            found += [Token("NUMBER", word[0], start, start + 1), Token("NUMBER", word[1:], start + 1, at)]
            continue
        after_script = found and found[-1].type in ("CARET", "UNDER")
        if after_script and word.isdigit() and len(word) > 1:  # ^12 is ^1 2
            word, at = word[0], start + 1
        found.append(_token(word, start, at))
    return found


def _block(text: str, start: int, at: int) -> tuple[str, int]:
    r"""The name of what \begin opens, and where it is closed."""
    name = re.compile(r"\s*\{(\w+\*?)\}").match(text, at)
    if name is None:
        raise Unreadable("\\begin of what?", start)
    level = 0
    for edge in re.compile(rf"\\(begin|end)\{{{re.escape(name[1])}\}}").finditer(text, start):
        level += 1 if edge[1] == "begin" else -1
        if not level:
            return name[1], edge.end()
    raise Unreadable(f"the {name[1]} is not closed", start)


def _argument(text: str, word: str, start: int, at: int, names: Collection[str]) -> tuple[Token, int]:
    r"""\text{...}, \mathcal{L}, \hat{y}: the command with what it holds."""
    braced = re.compile(r"\s*(?:\{([^{}]*)\}|(\\[a-zA-Z]+|[^\s{}\\]))").match(text, at)
    if word in (r"\rm", r"\cal"):
        braced = re.compile(r"\s*([A-Za-z ]+)()").match(text, at)
    if braced is None:
        raise Unreadable(f"{word} holds nothing that can be read", start)
    inside = (braced[1] if braced[1] is not None else braced[2]).strip()
    end = braced.end()
    bare = re.sub(r"\\(?:mathbf|bm|boldsymbol|vec)\s*|[{}]", "", inside).strip().lstrip("\\")
    if word in SCRIPT:
        return Token("LETTER", f"cal {bare}", start, end), end
    if word in HATS:
        return Token("LETTER", f"{word.lstrip(chr(92)).removeprefix('wide')} {bare}", start, end), end
    if word in (r"\mathbb", r"\mathbbm"):
        return Token("LETTER", "one" if bare == "1" else f"bb {bare}", start, end), end
    if bare in names:
        return Token("LETTER", bare, start, end), end
    if bare in WORDS:
        return Token("WORD", WORDS[bare], start, end), end
    if bare in NP:
        return Token("LETTER", bare, start, end), end
    if bare in ("T", "t") or (word in (r"\mathrm", r"\operatorname") and len(bare) == 1):
        return Token("LETTER", bare, start, end), end
    if bare in NO_FUNCTIONS or (word == r"\operatorname" and bare):
        raise Unreadable(f"{bare} is no function that is read; write what it is", start)
    return Token("SPLIT", inside, start, end), end


def _token(word: str, start: int, end: int) -> Token:
    """One token of LaTeX, or of the signs that both spellings share."""
    name = word.lstrip("\\") if len(word) > 1 else word
    if word in RELATIONS:
        return Token("RELATION", RELATIONS[word], start, end)
    if word in OTHER:
        return Token("OTHER", word, start, end)
    if word in MARKS:
        return Token(MARKS[word], word, start, end)
    if word in SPLITS:
        return Token("SPLIT", word, start, end)
    if name in WORDS and len(word) > 1:
        return Token("WORD", WORDS[name], start, end)
    if word in NP:
        return Token("LETTER", word, start, end)
    if name == "Sigma" or word == "Σ":
        return Token("SIGMA", "Sigma", start, end)
    if name in GREEK and len(word) > 1:
        return Token("LETTER", SAME.get(name, name), start, end)
    if word in UNICODE or name == "ell":
        return Token("LETTER", UNICODE.get(word, "ell"), start, end)
    if re.fullmatch(r"\d+(?:\.\d+)?", word):
        return Token("NUMBER", word, start, end)
    if re.fullmatch(r"[A-Za-z]", word):
        return Token("LETTER", word, start, end)
    raise Unreadable(f"{word} is not known here", start)


def _plain(text: str, names: Collection[str]) -> list[Token]:
    found: list[Token] = []
    for match in PLAIN.finditer(text):
        word, start, end = match[0], match.start(), match.end()
        script = found[-1].type if found and found[-1].end == start and found[-1].type in ("CARET", "UNDER") else ""
        if word[0] in SUPERSCRIPTS or word[0] in SUBSCRIPTS:
            found += _small(word, start)
        elif word == "..":
            found.append(Token("RANGE", word, start, end))
        elif not re.match(r"[A-Za-z]|np\.", word) or word in WORDS:
            if word not in SKIPPED:
                found.append(Token("WORD", WORDS[word], start, end) if word in WORDS else _token(word, start, end))
        elif word in names:
            found.append(Token("LETTER", word, start, end))
        elif script:
            found += _in_script(word, script, start)
        else:
            found += _word(word, start, end, text)
    return found


def _small(word: str, start: int) -> list[Token]:
    """ˡ⁺¹ is ^{l+1}, ⱼₖ is _{jk}; a ² or ³ that ends what is no number is a power."""
    over = word[0] in SUPERSCRIPTS
    plain = [(SUPERSCRIPTS if over else SUBSCRIPTS)[c] for c in word]
    power: list[Token] = []
    if over and word[-1] in "²³" and (len(word) == 1 or plain[-2].isalpha()):
        at = start + len(word) - 1
        power, plain = [Token("SQUARE" if word[-1] == "²" else "CUBE", word[-1], at, at + 1)], plain[:-1]
    if not plain:
        return power
    inside = [_token(c, start + i, start + i + 1) for i, c in enumerate(plain)]
    end = start + len(plain)
    mark = Token("CARET", "^", start, start) if over else Token("UNDER", "_", start, start)
    return [mark, Token("LC", "{", start, start), *inside, Token("RC", "}", end, end), *power]


def _in_script(word: str, script: str, start: int) -> list[Token]:
    """_jk is both; ^l and ^T one letter."""
    if word in ("x", "l", "L", "T") or len(word) == 1:
        return [Token("LETTER", word, start, start + len(word))]
    letters = [Token("LETTER", c, start + i, start + i + 1) for i, c in enumerate(word)]
    if script == "CARET":
        raise Unreadable(f"{word} stands in an exponent; write it in braces, as in ^{{...}}", start)
    return [Token("LC", "{", start, start), *letters, Token("RC", "}", start + len(word), start + len(word))]


def _word(word: str, start: int, end: int, text: str) -> list[Token]:
    """A word of plain text: a letter's name, d before a quantity, or words."""
    if word == "sum" and text[end : end + 1] in ("(", "_"):
        return [Token("WORD" if text[end] == "(" else "SUM", "sum", start, end)]
    if word in ("nabla_a", "grad_a"):
        return [
            Token("NABLA", "nabla", start, start + 5),
            Token("UNDER", "_", start + 5, start + 6),
            Token("LETTER", "a", end - 1, end),
        ]
    if word.endswith("_prime"):
        return [*_word(word[:-6], start, end - 6, text), Token("PRIME", "'", end - 6, end)]
    if word in ("nabla", "partial", "Sigma", "I"):
        return [Token({"nabla": "NABLA", "partial": "PARTIAL", "Sigma": "SIGMA", "I": "LETTER"}[word], word, start, end)]
    if word in ("eps", "epsilon"):
        return [Token("LETTER", "epsilon", start, end)]
    if word in GREEK or word == "ones" or word in NP or len(word) == 1:
        return [Token("LETTER", SAME.get(word, word), start, end)]
    if DIFFERENTIAL.fullmatch(word) or (word[0] == "d" and word[1:] in GREEK):
        return [Token("LETTER", "d", start, start + 1), Token("LETTER", word[1:], start + 1, end)]
    if word in NO_FUNCTIONS and text[end : end + 1] == "(":
        raise Unreadable(f"{word} is no function that is read; write what it is", start)
    if re.fullmatch(r"Delta[A-Z]?|[a-zA-Z]{1,2}", word) and not re.fullmatch(r"of|is|as|in|to|or|so|if|by|we|at|on|it", word):
        return [Token("LETTER", c, start + i, start + i + 1) for i, c in enumerate(word)]
    return [Token("SPLIT", word, start, end)]
