"""JUnit, GitHub's annotations and the page, of reports made by hand: bound 1, expected 0, so that an entry is its own excess."""

import base64
import functools
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from backprop_ref.errors import ValueRefused
from backprop_ref.gate import heatmap, page
from backprop_ref.gate.formats import github, html, junit, source_of
from backprop_ref.gate.report import Finding, Part, Report
from backprop_ref.gradient import Verdict
from backprop_ref.mathml import mathml

inf, nan = np.inf, np.nan


def part(claimed, name="nabla_w", l=2, why=None, equation="BP4"):
    claimed = np.array(claimed, float)
    why = np.zeros(claimed.shape, int) if why is None else np.array(why)
    expected = np.where(why == 0, 0.0, nan)
    return Part(name, l, equation, claimed, expected, np.ones(claimed.shape), why)


def report(*parts, target="mine, network 2-2", **more):
    more = {"reasons": ("", "not differentiable: a kink"), "source": "complex step", "seed": 7, "seconds": 0.5} | more
    return Report(target, parts, **more)


def big(claimed, expected, bound=1e-9):
    """An array whose entries are resolved: the bound is far below what is expected."""
    claimed, expected = np.array(claimed, float), np.array(expected, float)
    return Part("nabla_w", 2, "BP4", claimed, expected, np.full(claimed.shape, bound), np.zeros(claimed.shape, int))


AGREES = report(big([[1, 2], [3, 4]], [[1, 2], [3, 4]]), target="right")
DISAGREES = report(big([[1, 2], [3, 4]], [[1, 2], [3, 5]]), part([0.5, 0.25], "nabla_b", equation="BP3"), target="wrong")
CANNOT_TELL = report(part([[1, 2], [3, 4]], why=[[0, 1], [1, 1]]), target="at a kink")
NOTHING = report(target="raised", findings=(Finding(Verdict.CANNOT_TELL, "the candidate raised ValueError: <no> \x1b[0m"),))


def test_the_reports_of_this_file_are_what_they_are_called():
    assert [r.verdict for r in (AGREES, DISAGREES, CANNOT_TELL, NOTHING)] == ["agrees", "disagrees", "cannot tell", "cannot tell"]


# ------------------------------------------------------------------------------------------------------ the heat map


def test_a_level_is_a_range_of_bounds():
    rows = [[0, 0.001, 0.01, 0.1, 1], [1.5, 10, 11, 100, 101], [1e3, 1e6, 1e9, 1e12, 1e13], [inf, nan, -5, -0.5, 1e-9]]
    assert heatmap.levels(part(rows)).tolist() == [[0, 1, 2, 3, 4], [6, 6, 7, 7, 8], [8, 9, 10, 11, 12], [12, 12, 6, 4, 1]]


def test_an_entry_that_cannot_be_told_has_its_own_level():
    assert heatmap.levels(part([5.0, 5.0], why=[0, 1])).tolist() == [6, heatmap.UNTOLD]


def test_every_level_has_a_colour_and_a_meaning():
    meanings = [end for ends in heatmap.LEGEND.values() for end in ends]
    assert len(heatmap.COLOURS) == len(meanings) == len(heatmap.WITHIN) + 1 + len(heatmap.BEYOND) + 1 <= 16
    assert len(set(heatmap.COLOURS)) == len(heatmap.COLOURS)


def decoded(data: bytes) -> np.ndarray:
    """A reader of PNG of its own: (rows, columns, 3) colours of a four-bit indexed picture."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        [size] = struct.unpack(">I", data[at : at + 4])
        name, body, crc = data[at + 4 : at + 8], data[at + 8 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        assert struct.unpack(">I", crc) == (zlib.crc32(name + body),)
        chunks[name], at = body, at + 12 + size
    columns, rows, depth, kind, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, kind, rest) == (4, 3, [0, 0, 0])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, -1)
    assert not lines[:, 0].any()
    both = np.stack([lines[:, 1:] >> 4, lines[:, 1:] & 15], axis=2).reshape(rows, -1)[:, :columns]
    return np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[both]


@pytest.mark.parametrize("columns", [1, 2, 5, 8])
def test_the_png_holds_the_colours_of_the_levels(columns):
    indices = np.random.default_rng(columns).integers(0, len(heatmap.COLOURS), (3, columns)).astype(np.uint8)
    expected = [[[int(heatmap.COLOURS[i][c : c + 2], 16) for c in (0, 2, 4)] for i in row] for row in indices]
    assert decoded(heatmap.png(indices)).tolist() == expected


def test_a_large_layer_stays_small_and_one_wrong_entry_is_ringed():
    claimed = np.random.default_rng(0).uniform(0, 1, (30, 784)) ** 4
    claimed[11, 500] = 1e5
    [(grid, width, svg)] = heatmap.maps([part(claimed)])
    assert grid.rings() == [(11, 500)]
    assert svg.count("<circle") == 2  # a ring and its halo
    assert width >= 784  # no point is smaller than a pixel
    assert len(svg) < 16_000


def test_more_points_than_pixels_are_drawn_as_the_worst_of_a_block():
    claimed = np.zeros((2, 4000))
    claimed[1, 3001] = 5e6
    grid = heatmap.Grid.of(part(claimed))
    assert (grid.block, grid.shape) == ((1, 3), (2, 1334))
    assert np.argwhere(grid.points == 10).tolist() == [[1, 1000]]
    assert grid.caption() == "rows j: 2 neurons of layer 2, columns k: 4,000 of layer 1; a point is the worst of 1 × 3 entries"


def test_the_rest_of_a_last_line_is_no_entry():
    claimed = np.zeros(45)
    claimed[44] = 5.0
    grid = heatmap.Grid.of(part(claimed, "x", 0))
    assert grid.points[2].tolist() == [0] * 4 + [6] + [heatmap.BLANK] * 15
    assert grid.rings() == [(2, 4)]
    alpha = heatmap.png(grid.points).partition(b"tRNS")[2][: heatmap.BLANK + 1]
    assert list(alpha) == [255] * heatmap.BLANK + [0]


def test_rings_are_left_out_where_many_entries_are_wrong():
    assert heatmap.Grid.of(part([[5.0, 5.0], [0, 0]])).rings() == []
    assert heatmap.Grid.of(part([[5.0, 0.0], [0, 0]])).rings() == [(0, 0)]


@pytest.mark.parametrize(
    ("shape", "name", "l", "rows_columns", "caption"),
    [
        ((3,), "nabla_b", 2, (3, 1), "rows j: 3 neurons of layer 2"),
        ((4, 3), "delta", 2, (4, 3), "rows: 4 examples, columns j: 3 neurons of layer 2"),
        ((), "x", 0, (1, 1), "1 entry"),
        ((5,), "x", 0, (1, 5), "5 entries"),
        ((45,), "x", 0, (3, 20), "45 entries, line by line"),
        ((2, 3, 4), "x", 0, (6, 4), "shape (2, 3, 4), the last axis runs right"),
    ],
)
def test_an_array_of_any_shape_can_be_drawn(shape, name, l, rows_columns, caption):
    grid = heatmap.Grid.of(part(np.zeros(shape), name, l))
    assert (grid.shape, grid.caption()) == (rows_columns, caption)


def test_the_map_is_told_in_words_too():
    assert heatmap.Grid.of(part([[5.0, 0.0]], why=[[0, 1]])).alternative() == (
        "Heat map of dC/dw^2, rows j: 1 neurons of layer 2, columns k: 2 of layer 1: 1 of 2 entries beyond their bound, "
        "1 that cannot be told."
    )


# -------------------------------------------------------------------------------------------------------------- JUnit


def suites(reports, **place):
    root = ElementTree.fromstring(junit(reports, **place).encode())
    assert root.tag == "testsuites"
    for element in [root, *root]:  # the numbers that consumers add up
        cases = element.findall(".//testcase")
        counted = [len(cases), *(len(element.findall(f".//testcase/{tag}")) for tag in ("failure", "error", "skipped"))]
        assert [int(element.get(name)) for name in ("tests", "failures", "errors", "skipped")] == counted
        assert float(element.get("time")) == pytest.approx(sum(float(c.get("time")) for c in cases), abs=1e-5)
    for suite in root:
        assert [child.tag for child in suite] == ["testcase"] * int(suite.get("tests")) + ["system-out"]
    return list(root)


def outcome(case):
    return (case.get("name"), *((child.tag, child.get("type")) for child in case))


def test_junit_has_a_case_for_each_array_and_a_suite_for_each_report():
    right, wrong = suites([AGREES, DISAGREES])
    assert [outcome(c) for c in right.findall("testcase")] == [("dC/dw^2",)]
    assert [outcome(c) for c in wrong.findall("testcase")] == [("dC/dw^2", ("failure", "disagrees")), ("dC/db^2",)]
    assert wrong.find("testcase/failure").get("message") == (
        "1 of 4 entries wrong; worst dC/dw^2_22: claimed 4, is 5, off by 1, allowed 1e-09"
    )
    assert wrong.find("system-out").text == str(DISAGREES)


def test_junit_cannot_tell_is_an_error_and_no_report_passes_silently():
    [kink] = suites(report(part([0, 0], why=[0, 1], name="nabla_b")))
    assert [outcome(c) for c in kink.findall("testcase")] == [("dC/db^2", ("error", "cannot tell"))]
    assert kink.find("testcase/error").get("message") == "1 of 2 entries cannot be told: not differentiable: a kink"
    [unresolved] = suites(report(part([0.5, 0.5])))  # every entry agrees, but the bound is larger than all of them
    assert [outcome(c) for c in unresolved.findall("testcase")] == [("dC/dw^2",), ("verdict", ("error", "cannot tell"))]
    [nothing] = suites(report())
    assert [outcome(c) for c in nothing.findall("testcase")] == [("verdict", ("error", "cannot tell"))]


def test_junit_points_at_the_file_and_survives_any_text():
    [suite] = suites(NOTHING, file='a "b" & <c>.py', line=12)
    case = suite.find("testcase")
    assert (case.get("file"), case.get("line")) == ('a "b" & <c>.py', "12")
    assert case.find("error").get("message") == "the candidate raised ValueError: <no> \ufffd[0m"


# ------------------------------------------------------------------------------------------------------------- GitHub


def parsed(command):
    """A workflow command as GitHub's runner reads it (actions/runner, ActionCommand.cs): properties and message, unescaped."""
    match = re.fullmatch(r"::(\w+) ([^\n]*?)::([^\n]*)", command)
    properties = dict(p.split("=", 1) for p in match[2].split(","))
    found = [match[1], *properties.values(), match[3]]
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        found = [f.replace(code, character) for f in found]
    return found[0], dict(zip(properties, found[1:-1], strict=True)), found[-1]


def test_github_annotates_the_candidate_and_leaves_what_agrees_alone():
    odd = report(big([[1.0]], [[2.0]]), target="50%3A: a,b::c")
    first, second = github([AGREES, odd], "src/a,b:c.py", 12).splitlines()
    kind, properties, message = parsed(first)
    assert (kind, properties) == ("error", {"file": "src/a,b:c.py", "line": "12", "title": "DISAGREES 50%3A: a,b::c"})
    assert message == str(odd).partition("\n\n")[2]
    assert second == "AGREES right"


def test_github_cannot_tell_is_an_error_and_comes_after_what_disagrees():
    lines = github([NOTHING, DISAGREES]).splitlines()
    assert [parsed(line)[:2] for line in lines] == [
        ("error", {"title": "DISAGREES wrong"}),
        ("error", {"title": "CANNOT TELL raised"}),
    ]


def test_github_says_how_many_it_cannot_show():
    lines = github([DISAGREES] * 11).splitlines()
    assert (len(lines), lines[-1]) == (12, "11 reports do not agree; GitHub annotates 10 of them.")


def test_no_report_is_refused():
    for form in (junit, github, html):
        with pytest.raises(ValueRefused) as refused:
            form([])
        assert str(refused.value) == f"{form.__name__} was given no report; pass one Report, or a list of at least one."


class Candidate:
    def backprop(self):
        return 1

    def __call__(self):
        return 2


def decorated(f):
    @functools.wraps(f)
    def inner():
        return f()

    return inner


@decorated
def candidate():
    return 3


def test_source_of_finds_where_a_candidate_is_written(tmp_path):
    lines = Path(__file__).read_text().splitlines()
    for what, text in (
        (candidate, "@decorated"),
        (functools.partial(candidate), "@decorated"),
        (Candidate, "class Candidate:"),
        (Candidate(), "class Candidate:"),
        (Candidate().backprop, "    def backprop(self):"),
    ):
        file, line = source_of(what, root=Path(__file__).parent)
        assert (file, lines[line - 1]) == ("test_formats.py", text)
    assert source_of(candidate, root=tmp_path)[0] == Path(__file__).as_posix()
    assert source_of(len) == source_of(3) == ("", None)


# --------------------------------------------------------------------------------------------------------- the page


class Page(HTMLParser):
    """Checks that what is opened is closed, and gathers what a test asks for."""

    VOID = ("meta", "image", "rect", "circle")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.words).split())

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("reports", [AGREES, DISAGREES, CANNOT_TELL, NOTHING, [AGREES, DISAGREES, CANNOT_TELL, NOTHING]])
def test_the_page_is_well_formed_fetches_nothing_and_runs_nothing(reports):
    text = html(reports, "backprop-ref gate a.py:f")
    found = Page(text)
    assert not {"script", "link", "iframe", "object", "img"} & {tag for tag, _ in found.tags}
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert all(image["href"].startswith("data:image/png;base64,") for image in found.of("image"))
    assert all(not name.startswith("on") for _, attributes in found.tags for name in attributes)
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(set(ids)) == len(ids)
    assert all(a["href"].removeprefix("#") in ids for a in found.of("a"))
    assert len(found.of("h1")) == 1


def test_a_parenthesis_of_a_formula_is_as_large_as_its_other_half():
    """A browser would stretch the first one to the height of what follows, and not the one that bears the exponent."""
    assert mathml(r"(w^{l+1})^T").count('<mo stretchy="false">') == 2


def test_the_page_begins_with_the_verdict():
    for one in (AGREES, DISAGREES, NOTHING):
        said = Page(html(one)).said
        title = f"{one.verdict.upper()}: {one.target}"
        assert re.match(rf"{re.escape(title)} [✓✗?] {re.escape(f'{one.verdict.upper()} {one.target}')}", said)
    assert "✗ DISAGREES 3 probes: 1 agrees, 1 disagrees, 1 cannot tell." in Page(html([AGREES, DISAGREES, NOTHING])).said
    assert "✗ DISAGREES 5 probes: 2 agree, 3 disagree." in Page(html([AGREES] * 2 + [DISAGREES] * 3)).said
    assert "? CANNOT TELL 2 probes: 2 cannot tell." in Page(html([NOTHING] * 2)).said


def test_the_page_shows_the_worst_what_was_not_seen_and_how_to_reproduce():
    unseen = (("sigma' missing, in BP2", "its effect is zero"),)
    full = report(*DISAGREES.parts, total=9, unseen=unseen, notes=("averaging is untested",), proven=False)
    said = Page(html(full, "backprop-ref gate a.py:f --seed 7")).said
    for sentence in (
        "6 of 9 entries compared with complex step: 1 wrong. The bounds are error bars, which are estimates.",
        "Worst entries entry claimed is off by allowed in bounds dC/dw 2 22 4 5 1 1e-09 1e+09",
        "Resolution an error above",
        "Mistakes that could not have shown its effect is zero: sigma' missing, in BP2",
        "Note averaging is untested",
        "How to reproduce backprop-ref gate a.py:f --seed 7 Seed 7 With backprop-ref",
    ):
        assert sentence in said
    assert "Cannot tell 3 entries not differentiable: a kink" in Page(html(CANNOT_TELL)).said


def test_what_a_candidate_says_is_text_on_the_page():
    said = Page(html(NOTHING)).said
    assert "cannot tell : the candidate raised ValueError: <no> \ufffd[0m" in said
    assert Page(html(report(target="<script>alert(1)</script>"))).of("script") == []


def test_every_map_has_a_text_and_shows_its_part():
    found = Page(html(DISAGREES))
    maps = found.of("svg")
    assert [m["role"] for m in maps] == ["img", "img"]
    assert maps[0]["aria-label"].startswith("Heat map of dC/dw^2, rows j: 2 neurons of layer 2, columns k: 2 of layer 1: 1 of 4")
    pictures = [decoded(base64.b64decode(image["href"].partition(",")[2])) for image in found.of("image")]
    red = [int(heatmap.COLOURS[10][c : c + 2], 16) for c in (0, 2, 4)]  # off by 1e9 bounds: 1 of 1e-9
    assert [p.shape[:2] for p in pictures] == [(2, 2), (2, 1)]
    assert (pictures[0] == red).all(axis=2).tolist() == [[False, False], [False, True]]


def test_a_name_is_set_as_in_the_book():
    assert page.book("dC/dw^3_24") == "dC/dw<sup>3</sup><sub>24</sub>"
    assert page.book("delta^2_{12} of example 3") == "δ<sup>2</sup><sub>12</sub> of example 3"
    assert page.book("dC/db^2") == "dC/db<sup>2</sup>"
    assert page.book("x['<W1>'][0,2]") == "x[&#x27;&lt;W1&gt;&#x27;][0,2]"


def test_one_report_is_never_larger_than_its_entries_ask_for():
    layer = part(np.random.default_rng(0).uniform(0, 1, (30, 784)) ** 4)
    assert len(html(report(layer))) < 30_000
