"""The cells of a Jupyter notebook, with the place of each of their characters in the file."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from ...errors import ValueRefused

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|[{}\[\]:,]', re.DOTALL)
CHARACTER = re.compile(r"\\r\\n|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[\s\S]")


class Cell(NamedTuple):
    """number: from 1. content: with \\n at the ends of lines. places: where each character of content stands in the file."""

    number: int
    markdown: bool
    content: str
    places: array[int]


def cells(text: str) -> list[Cell]:
    """All cells in order. Raises ValueRefused if this is no notebook of format 4."""
    try:
        notebook = json.loads(text)
        kinds = [str(cell["cell_type"]) for cell in notebook["cells"]]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        reason = (
            f"it is no JSON (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else "it has no cells"
        )
        raise ValueRefused(f"This is no notebook: {reason}; save it again in Jupyter (nbformat 4).") from error
    contents, places = [[""] for _ in kinds], [array("Q") for _ in kinds]
    for number, start, raw in _sources(text):
        contents[number].append(json.loads(f'"{raw}"', strict=False))
        places[number].extend(match.start() + start for match in CHARACTER.finditer(raw))
    return [
        Cell(i + 1, kind == "markdown", "".join(contents[i]).replace("\r\n", "\n"), places[i]) for i, kind in enumerate(kinds)
    ]


def _sources(text: str) -> Iterator[tuple[int, int, str]]:
    """The strings of each cell's source: the cell's number from 0, where the string starts, and what its quotes hold."""
    path: list[str | int] = []
    for match in TOKEN.finditer(text):
        token = match[0]
        if token == "{":
            path.append("")
        elif token == "[":
            path.append(0)
        elif token in "}]":
            path.pop()
        elif token == "," and path:
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else ""
        elif match[1] is not None and path:
            if path[-1] == "":
                path[-1] = match[1]
            elif path[0] == "cells" and len(path) in (3, 4) and path[2] == "source" and isinstance(path[1], int):
                yield path[1], match.start(1), match[1]
