"""backprop-ref verify: what it prints and writes, its exit codes; the fixture `derivation`; the hook; the documentation."""

import io
import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import backprop_ref as bp
from backprop_ref import cli
from backprop_ref.derivation import kernel, prover

pytest_plugins = "pytester"

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "derivations.md").read_text(encoding="utf-8")
RIGHT = "$$ \\delta^L_j = \\frac{\\partial C}{\\partial a^L_j} \\sigma'(z^L_j) $$\n"
WRONG = "Errors:\n\n$$ \\delta^L_j = \\frac{\\partial C}{\\partial a^L_j} \\sigma(z^L_j) $$\n"
STRANGE = "$$ \\delta^L_j = \\oint_\\Gamma \\frac{\\heartsuit}{2} $$\n"


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Writes notes.md in an empty folder, and is there."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="notes.md"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


@pytest.mark.parametrize(
    ("text", "code", "first"),
    [
        (RIGHT, 0, "HOLDS  notes.md"),
        (WRONG, 1, "FAILS  notes.md: first false line 3"),
        (RIGHT + STRANGE, 3, "CANNOT TELL  notes.md"),
        (WRONG + STRANGE, 1, "FAILS  notes.md: first false line 3"),
        ("No formula at all.\n", 3, "CANNOT TELL  notes.md: no formula was found"),
    ],
    ids=["right", "wrong", "strange", "wrong and strange", "empty"],
)
def test_the_exit_code_and_the_first_line(text, code, first, notes, capsys):
    assert cli.run(["verify", notes(text)]) == code
    assert capsys.readouterr().out.splitlines()[0] == first


def test_a_wrong_line_comes_with_a_counterexample_and_its_repair(notes, capsys):
    cli.run(["verify", notes(WRONG)])
    said = capsys.readouterr().out
    assert "line 3     FAILS" in said
    assert "    with       " in said
    assert r"    write      \delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)" in said


def test_json_to_a_file(notes, capsys):
    assert cli.run(["verify", notes(RIGHT + WRONG), "--format", "json", "--output", "report.json"]) == 1
    assert capsys.readouterr().out == ""
    made = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert (made["schema"], made["verdict"]) == ("backprop-ref/derivation/1", "fails")
    assert [(f["line"], f["verdict"]) for f in made["formulas"]] == [(1, "proved"), (4, "fails")]
    assert made["formulas"][1]["counterexample"]["network"]
    assert made["summary"]["formulas"] == 2


def test_a_page(notes, capsys):
    assert cli.run(["verify", notes(WRONG), "--format", "html"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("<!doctype html>")
    assert "<title>FAILS: notes.md</title>" in said


def test_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RIGHT.encode())))
    assert cli.run(["verify", "-"]) == 0
    assert capsys.readouterr().out.startswith("HOLDS  standard input\n")


DIVISION = r"""$$ \sigma(z) = \frac{1}{1 + e^{-z}} $$

$$ \sigma'(z) = \frac{e^{-z}}{(1 + e^{-z})^2} $$
"""


def test_strict_wants_a_proof(notes):
    assert cli.run(["verify", notes(DIVISION)]) == 0
    assert cli.run(["verify", notes(DIVISION), "--strict"]) == 1


def test_the_notation_of_the_command_line(notes, capsys):
    text = "$$ dW^{[l]} = \\frac{1}{m} dZ^{[l]} A^{[l-1]T} $$\n"
    assert cli.run(["verify", notes(text), "--notation", "ng"]) == 0
    assert cli.run(["verify", notes("$$ \\frac{\\partial E}{\\partial b^l_j} = \\delta^l_j $$\n"), "--notation", "cost: E"]) == 0


def test_what_is_given_on_the_command_line(notes, capsys):
    text = "$$ \\delta^L_j = (a^L_j - y_j) \\sigma'(z^L_j) $$\n"
    assert cli.run(["verify", notes(text), "--given", "cost: quadratic"]) == 0
    assert "proved" in capsys.readouterr().out
    assert cli.run(["verify", notes(text), "--given", "cost: cross_entropy"]) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.md"], "error: missing.md could not be read: No such file or directory."),
        (
            ["notes.doc"],
            "error: notes.doc ends in .doc; verify reads .md, .markdown, .tex, .latex, .ipynb, .txt, and - for standard input.",
        ),
        (["binary.md"], "error: binary.md is no UTF-8 text (byte 0); pass Markdown, LaTeX, a notebook or plain text."),
        (["notes.md", "--output", "no/such.txt"], "error: There is no folder no to write such.txt to; make it first."),
        (
            ["notes.md", "--given", "sigma"],
            "error: 'sigma' is no setting; write name: value, with commas between them, as in cost: J, activation: g.",
        ),
        (
            ["notes.md", "--given", "activation: sigmiod"],
            "error: There is no activation 'sigmiod'. Did you mean 'sigmoid'? Known: linear, relu, sigmoid, softplus, tanh.",
        ),
        (
            ["notes.md", "--given", "cots: quadratic"],
            "error: There is no switch 'cots'. Did you mean 'cost'? Known: activation, cost, neurons, output.",
        ),
    ],
)
def test_wrong_use_is_one_sentence(arguments, sentence, notes, capsys):
    notes(RIGHT)
    notes(RIGHT, "notes.doc")
    Path("binary.md").write_bytes(b"\xff\xfe\x00")
    assert cli.run(["verify", *arguments]) == 2
    assert capsys.readouterr().err == sentence + "\n"


def test_the_seed_is_printed_and_gives_the_same_report(notes, capsys):
    def said(seed):
        cli.run(["verify", notes(WRONG), "--seed", seed])
        return re.sub(r"[\d.e-]+ s, ", "", capsys.readouterr().out)

    assert said("7") == said("7")
    assert said("7").splitlines()[-1].endswith("seed 7")


def test_in_python():
    report = bp.derivation.verify(RIGHT)
    assert (report.verdict, report.exit_code) == ("holds", 0)
    assert isinstance(report, bp.derivation.DerivationReport)


MISSING = """
import sys
sys.modules[{name!r}] = None
from backprop_ref import cli
sys.exit(cli.run(["verify", "notes.md"]))
"""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("lark", "Reading a derivation needs lark, which"),
        ("markdown_it", "Markdown needs markdown-it-py, which"),
        ("mpmath", "Judging a derivation needs mpmath, which"),
    ],
)
def test_without_the_extra_it_says_how_to_install_it(name, sentence, notes):
    notes(RIGHT)
    done = subprocess.run([sys.executable, "-c", MISSING.format(name=name)], capture_output=True, text=True, check=False)
    assert done.stderr == f"error: {sentence} is not installed: pip install 'backprop-ref[derivation]'\n"
    assert done.returncode == 2


# ---------------------------------------------------------------------------------------------------------- the fixture

INSTALLED = any(e.value == "backprop_ref.pytest_plugin" for e in entry_points(group="pytest11"))
LOADED = () if INSTALLED else ("-p", "backprop_ref.pytest_plugin")


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs a test file beside right.md, wrong.md and strange.md."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    for name, text in (("right", RIGHT), ("wrong", WRONG), ("strange", RIGHT + STRANGE)):
        (pytester.path / f"{name}.md").write_text(text, encoding="utf-8")

    def run(body):
        pytester.makepyfile(test_it=body)
        return pytester.runpytest_inprocess(*LOADED, "-p", "no:randomly")

    return run


def test_right_notes_pass(run):
    result = run(
        """
    def test_notes(derivation):
        assert derivation("right.md").verdict == "holds"
    """
    )
    result.assert_outcomes(passed=1)


def test_wrong_notes_fail_with_the_report_and_no_traceback_of_ours(run):
    result = run(
        """
    def test_notes(derivation):
        derivation("wrong.md")
    """
    )
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "VerdictError: FAILS  " in text
    assert "first false line 3" in text
    assert "pytest_plugin.py" not in text


def test_what_is_not_understood_fails_unless_it_is_allowed(run):
    result = run(
        """
    import pytest

    def test_notes(derivation):
        derivation("strange.md")

    def test_allowed(derivation):
        assert derivation("strange.md", allow="cannot tell").exit_code == 3

    def test_false_lines_are_not_allowed(derivation):
        with pytest.raises(ValueError, match="a false line fails"):
            derivation("strange.md", allow="fails")
    """
    )
    result.assert_outcomes(passed=2, failed=1)


# -------------------------------------------------------------------------------------------- the hook and the documents


def test_the_hook_runs_the_command():
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    block = hooks.partition("- id: backprop-ref-verify\n")[2].partition("\n- id:")[0]
    assert "  entry: backprop-ref verify\n" in block
    extra = re.search(r"derivation = \[(.*)\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    needed = re.findall(r'"([\w-]+)', extra)
    assert re.search(r"additional_dependencies: \[(.*)\]", block)[1].split(", ") == needed


def test_the_documentation_lists_the_rules_of_the_kernel():
    source = Path(kernel.__file__).read_text(encoding="utf-8")
    tables = PAGE.partition("### The rules")[2].partition("## The chapter's proofs")[0]
    listed = [name for name in re.findall(r"^\| ([^|]+?) \|", tables, re.MULTILINE) if name not in ("rule", "step", "---")]
    assert len(listed) > 15
    assert [name for name in listed if f'"{name}"' not in source] == []
    steps = re.findall(r'op == "([^"]+)"', source)
    assert steps
    assert [name for name in [*prover.ORDER, *steps] if name not in listed] == []


def test_the_worked_session_in_the_documentation_is_what_is_printed(notes, capsys):
    section = PAGE.partition("## From a wrong line")[2].partition("\n## The notation")[0]
    texts = re.findall(r"```markdown\n(.*?)```", section, re.DOTALL)
    sessions = re.findall(r"```console\n\$ backprop-ref (.*?)\n(.*?)```", section, re.DOTALL)
    assert len(texts) == len(sessions) >= 2
    for text, (command, shown) in zip(texts, sessions, strict=True):
        notes(text)
        cli.run(command.split())
        printed = re.sub(r"[\d.e-]+ s, seed", "0.1 s, seed", capsys.readouterr().out)
        assert re.sub(r"[\d.e-]+ s, seed", "0.1 s, seed", shown) == printed
