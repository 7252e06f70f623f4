"""The settings at the top of a document: the corner of YAML that they are written in, read by a few lines of our own."""

from __future__ import annotations

import re
from typing import TypeAlias

from ...errors import ValueRefused

Settings: TypeAlias = dict[str, object]  # values: text, or a mapping again
KEYS = ("notation", "given")
BLOCK = re.compile(r"\A---[ \t]*\n(.{0,10000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
COMMENT = re.compile(r"%+ ?(.*)")
PAIR = re.compile(r"""\s*(?P<key>"[^"]*"|'[^']*'|[^\s:{}\[\],#"'][^:{}\[\],#]*?)\s*:(?:\s+(?P<value>.*?))?\s*\Z""")
ITEM = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s{}\[\],:"'][^{}\[\],:]*?|\[[^\]]*\]|\([^)]*\)))\s*(?=[,:}])""")


def block(text: str) -> tuple[Settings | None, str]:
    """The settings of a --- block at the top, and the text with blanks in its place."""
    found = BLOCK.match(text)
    if found is None:
        return None, text
    return parse(found[1].split("\n"), 2) or None, re.sub(r"[^\n]", " ", found[0]) + text[found.end() :]


def comments(text: str) -> Settings | None:
    """The settings of % notation: and % given: lines of LaTeX, before the text proper; indented % lines below go on with them."""
    lines = list[str]()
    for line in text.split(r"\begin{document}")[0].split("\n"):
        comment = COMMENT.fullmatch(line.strip())
        said = comment[1] if comment else ""
        goes_on = bool(lines) and bool(lines[-1]) and said[:1].isspace()
        lines.append(said if goes_on or (PAIR.match(said) and said.startswith(KEYS)) else "")
    return parse(lines) or None


def parse(lines: list[str], first: int = 1) -> Settings:
    """key: text, key: {key: text, ...}, or a key with indented lines of the same below it. Other keys than ours are passed over.

    first: the number of the first line in the document. Raises ValueRefused where one of ours cannot be read.
    """
    found: Settings = {}
    number = 0
    while number < len(lines):
        line, pair = first + number, PAIR.match(_without_comment(lines[number]))
        indented = lines[number][:1].isspace()
        number += 1
        if pair is None or _unquoted(pair["key"]) not in KEYS or indented:
            continue
        below = list[str]()
        while number < len(lines) and lines[number][:1].isspace():
            below.append(_without_comment(lines[number]).strip())
            number += 1
        key = _unquoted(pair["key"])
        found[key] = _value(key, pair["value"] or "", below, line)
    return found


def _value(key: str, value: str, below: list[str], line: int) -> object:
    text = " ".join([value, *below]).strip()
    if text.startswith("{"):
        return _flow(key, text, line)
    below = [entry for entry in below if entry]
    if not below:
        return _unquoted(value)
    pairs = [PAIR.match(entry) for entry in below]
    if value or not all(pair and pair["value"] for pair in pairs):
        raise _refusal(key, line, text)
    return {_unquoted(pair["key"]): _unquoted(pair["value"]) for pair in pairs if pair}


def _flow(key: str, text: str, line: int) -> Settings:
    found: Settings = {}
    at = 1
    while text[at:].strip() != "}":
        name = ITEM.match(text, at)
        value = ITEM.match(text, name.end() + 1) if name and text[name.end()] == ":" else None
        if name is None or value is None or text[value.end()] == ":":
            raise _refusal(key, line, text)
        found["".join(filter(None, name.groups()))] = "".join(filter(None, value.groups()))
        at = value.end() + (text[value.end()] == ",")
    return found


def _refusal(key: str, line: int, text: str) -> ValueRefused:
    return ValueRefused(
        f"Line {line}: {key}: {text[:60]} cannot be read; write the name of a preset, or names and values as in "
        f"{key}: {{cost: J, activation: g}}, or the same below it, one a line."
    )


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _without_comment(line: str) -> str:
    return re.sub(r"""(?:^|\s)#(?=[^"']*$).*""", "", line)
