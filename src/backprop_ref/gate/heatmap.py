"""How many bounds each entry is off, drawn: one point for each entry, as an indexed PNG inside an SVG.

A level is a range of excess = |claimed - expected| / bound, by powers of ten. There are fewer than 16 of them, so that a
point takes four bits, and a layer of 784 x 30 some 10 kB. No point is ever drawn smaller than a pixel: where there are
too many, a point shows the worst of its block, and says so.
"""

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..gradient import Verdict
from .report import ORDER, Part

Array = NDArray[Any]
WITHIN, BEYOND = (0.0, 1e-3, 1e-2, 1e-1, 1.0), (1e1, 1e2, 1e3, 1e6, 1e9, 1e12)  # upper ends of the levels, in bounds
UNTOLD = len(WITHIN)  # above every level within: the worst of a block is its largest level
COLOURS = (
    *("eef5fc", "d3e4f5", "a9cbea", "74a9d8", "3f83bf"),  # blue within, so that no kind of colour blindness mixes the two
    "9a9a9a",
    *("ffd24d", "ffab2e", "f97a1f", "dd4a1a", "b01e1e", "7a0a22", "3d0014"),
)
BLANK = len(COLOURS)  # no entry: the rest of a last line
LEGEND = {
    "agrees, off by": ("nothing", "≤ 0.001", "≤ 0.01", "≤ 0.1", "≤ 1 bound"),
    "cannot tell": ("",),
    "wrong, off by": ("≤ 10", "≤ 100", "≤ 1,000", "≤ a million", "≤ 10⁹", "≤ 10¹²", "more"),
}  # in the order of the levels
MOST = 1600  # points in a row, or rows; more are drawn in blocks
WIDE, HIGH = 640, 420  # pixels that a map should not exceed while its points can still shrink
LARGEST = 28  # pixels of a point
RINGS = 5  # the worst entries, ringed where wrong ones are so few that one could be overlooked


def levels(part: Part) -> Array:
    """The level of each entry of a part, in the part's shape: an index of COLOURS."""
    excess = part.excess()
    told = np.where(
        part.verdicts == ORDER.index(Verdict.DISAGREES),
        UNTOLD + 1 + np.searchsorted(BEYOND, excess),
        np.minimum(np.searchsorted(WITHIN, excess), UNTOLD - 1),
    )
    return np.where(part.verdicts == ORDER.index(Verdict.CANNOT_TELL), UNTOLD, told).astype(np.uint8)


def png(indices: Array) -> bytes:
    """A PNG of four bits a point from (rows, columns) of indices of COLOURS."""
    rows, columns = indices.shape
    even = np.pad(indices, ((0, 0), (0, columns % 2)))
    packed = (even[:, ::2] << 4 | even[:, 1::2]).astype(np.uint8)
    scanlines = np.pad(packed, ((0, 0), (1, 0)))  # each begins with its filter: none
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in (
            (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 4, 3, 0, 0, 0)),
            (b"PLTE", bytes.fromhex("".join(COLOURS) + "000000")),
            (b"tRNS", b"\xff" * BLANK + b"\0"),
            (b"IDAT", zlib.compress(scanlines.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


@dataclass(frozen=True, eq=False)
class Grid:
    """A part laid out in rows and columns. block: how many (rows, columns) of entries one point stands for."""

    part: Part
    points: Array
    block: tuple[int, int]

    @classmethod
    def of(cls, part: Part) -> "Grid":
        """A bias stands in a column, as in the chapter; another vector in lines; of more axes, the last one runs right."""
        v = levels(part)
        shape = (v.size, 1) if v.ndim == 1 and part.l else _lines(v.size) if v.ndim < 2 else (-1, v.shape[-1] or 1)
        shape = (v.size // shape[1], shape[1]) if shape[0] < 0 else shape
        block = (-(-shape[0] // MOST), -(-shape[1] // MOST))
        points, filled = (_blocks(entries, shape, block) for entries in (v.ravel(), np.ones(v.size, np.uint8)))
        points[filled == 0] = BLANK
        return cls(part, points, block)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of points."""
        return int(self.points.shape[0]), int(self.points.shape[1])

    def rings(self) -> list[tuple[int, int]]:
        """(row, column) of the worst points that are wrong, if these are few."""
        wrong = (self.points > UNTOLD) & (self.points < BLANK)
        if not 0 < wrong.sum() <= max(1, wrong.size // 10):
            return []
        worst = np.argsort(np.where(wrong, -self.points.astype(int), 0), axis=None, kind="stable")[: min(RINGS, int(wrong.sum()))]
        return [divmod(int(i), self.shape[1]) for i in worst]

    def caption(self) -> str:
        """What the rows and columns are."""
        part, (rows, columns) = self.part, self.shape
        l, shape = part.l, part.claimed.shape
        each = "" if self.block == (1, 1) else f"; a point is the worst of {self.block[0]} × {self.block[1]} entries"
        if part.part == "nabla_w":
            return f"rows j: {shape[0]:,} neurons of layer {l}, columns k: {shape[1]:,} of layer {l - 1}{each}"
        if part.part == "nabla_b":
            return f"rows j: {shape[0]:,} neurons of layer {l}{each}"
        if part.part in ("delta", "nabla_x") and len(shape) == 2:
            return f"rows: {shape[0]:,} examples, columns j: {shape[1]:,} neurons of layer {l}{each}"
        if len(shape) < 2:
            one = "1 entry" if part.size == 1 else f"{part.size:,} entries"
            return f"{one}{', line by line' if rows > 1 and columns > 1 else ''}{each}"
        return f"shape {shape}, the last axis runs right{each}"

    def alternative(self) -> str:
        """The map in words, for those who do not see it."""
        part = self.part
        wrong, untold = part.count(Verdict.DISAGREES), part.count(Verdict.CANNOT_TELL)
        said = (
            f"{wrong:,} of {part.size:,} entries beyond their bound" if wrong else f"no entry of {part.size:,} beyond its bound"
        )
        return f"Heat map of {part.label}, {self.caption()}: {said}{f', {untold:,} that cannot be told' if untold else ''}."


def _blocks(entries: Array, shape: tuple[int, int], block: tuple[int, int]) -> Array:
    """Entries in rows and columns, each block replaced by its largest; where there are none, 0."""
    full = np.zeros(shape, np.uint8)
    full.flat[: entries.size] = entries
    full = np.pad(full, [(0, -n % b) for n, b in zip(shape, block, strict=True)])
    rows, columns = (n // b for n, b in zip(full.shape, block, strict=True))
    return np.asarray(full.reshape(rows, block[0], columns, block[1]).max(axis=(1, 3)))


def _lines(size: int) -> tuple[int, int]:
    """(rows, columns) of a vector written in lines, near the shape of a page."""
    columns = min(size, max(20, int(np.ceil(np.sqrt(2 * size))))) or 1
    return -(-size // columns), columns


def maps(parts: Iterable[Part]) -> Iterator[tuple[Grid, int, str]]:
    """(grid, width in pixels, SVG) of each part that has entries; arrays with equally many rows get rows of one height."""
    grids = [Grid.of(part) for part in parts if part.size]
    cells = [_cell(g.shape[0], max(h.shape[1] for h in grids if h.shape[0] == g.shape[0]), g.shape[1]) for g in grids]
    margin = max([1, *(_radius(*cell) + 3 for g, cell in zip(grids, cells, strict=True) if g.rings())])  # for all: they align
    for g, cell in zip(grids, cells, strict=True):
        yield g, g.shape[1] * cell[0] + 2 * margin, _svg(g, *cell, margin)


def _cell(rows: int, widest: int, columns: int) -> tuple[int, int]:
    """(width, height) in pixels of a point: square, unless that would make it too small to see."""
    wide, high = (min(LARGEST, max(1, room // n)) for room, n in ((WIDE, widest), (HIGH, rows)))
    square = min(wide, high)
    if square >= 6:
        return square, square
    return (min(wide, 8) if columns == widest else 8), min(high, 8)


def _radius(wide: int, high: int) -> int:
    return max(7, wide, high)


def _svg(grid: Grid, wide: int, high: int, margin: int) -> str:
    rows, columns = grid.shape
    width, height = columns * wide, rows * high
    across = width + 2 * margin
    smallest = -(-across // min(wide, high))  # a narrow screen shrinks the map until a point is a pixel, then scrolls
    image = base64.b64encode(png(grid.points)).decode()
    rings = "".join(
        f'<circle class="{halo}" cx="{column * wide + wide / 2:g}" cy="{row * high + high / 2:g}" r="{_radius(wide, high)}"/>'
        for row, column in grid.rings()
        for halo in ("halo", "ring")
    )
    view = f"{-margin} {-margin} {across} {height + 2 * margin}"
    return (
        f'<svg class="map" role="img" aria-label="{escape(grid.alternative())}" viewBox="{view}" '
        f'style="min-width:{smallest}px;max-width:{across}px">'
        f'<image href="data:image/png;base64,{image}" width="{width}" height="{height}" preserveAspectRatio="none"/>'
        f'<rect class="frame" x="-.5" y="-.5" width="{width + 1}" height="{height + 1}"/>{rings}</svg>'
    )
