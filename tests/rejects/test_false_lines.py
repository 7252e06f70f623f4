"""False lines, written by people who have not seen the checker: each is rejected, and a false one comes with a network."""

import random
from pathlib import Path

import pytest

import backprop_ref as bp
from backprop_ref.derivation.given import Given

LINES = Path(__file__).parents[1] / "notes" / "lines_false.txt"
OPEN = {  # false, and not called so; neither is called right
    r"\Delta C \approx \delta^l_j \Delta a^l_j",  # first order: how good it is, is not judged
    r"\delta^L = \Sigma(z^L) \nabla_a C",  # a Sigma that is no sum, and no Sigma'
}


def false_lines() -> list[tuple[str, Given]]:
    """Each line with what its section takes for granted."""
    found, given = [], Given()
    for line in LINES.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            given = Given(cost="quadratic", sigma="sigmoid" if "sigmoid" in line else None)
        elif line.strip():
            found.append((line.split("  ##")[0].strip(), given))
    return found


EVERY = false_lines()


def reject(lines: list[tuple[str, Given]]) -> None:
    for line, given in lines:
        latex = "\\" in line or "_{" in line
        report = bp.derivation.verify(f"$${line}$$" if latex else line, "md" if latex else "plain", given=given)
        told = f"{line}: {report}"
        kinds = {f.verdict for f in report.formulas}
        assert kinds, told
        assert kinds & {"fails", "ill-formed"} or (line in OPEN and kinds == {"not understood"}), told
        for formula in report.formulas:
            if formula.verdict == "fails":
                assert formula.deciding.judgement.counterexample.network, told


def test_there_are_enough() -> None:
    assert len(EVERY) > 150


def test_some_false_lines_are_rejected() -> None:
    reject(random.Random(random.randrange(10**6)).sample(EVERY, len(EVERY) // 20))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(8))
def test_every_false_line_is_rejected(part: int) -> None:
    reject(EVERY[part::8])


@pytest.mark.parametrize(
    "line",
    [
        "y_j = 2 y_j",
        "a^L_j - y_j = 3 (a^L_j - y_j)",
        r"(a^L_j - y_j) \sigma'(z^L_j) = 0",
        r"\delta^L_j y_j = 2 \frac{\partial C}{\partial z^L_j} y_j",
        r"J y_j = n J y_j",
        r"y_j \sigma'(z^L_j) = y_j a^L_j (1 - a^L_j)",
        r"\delta^L_j = 0 (a^L_j - y_j)",
    ],
)
def test_a_line_that_no_cost_makes_true_is_no_convention(line: str) -> None:
    report = bp.derivation.verify(f"$${line}$$")
    assert [f.verdict for f in report.formulas] == ["fails"], str(report)
    assert report.exit_code == 1


SUMMED = r"$\frac{\partial C}{\partial b^l_j} = \sum_x \delta^{x,l}_j$"
AVERAGED = r"$\frac{\partial C}{\partial w^l_{jk}} = \frac{1}{n} \sum_x a^{x,l-1}_k \delta^{x,l}_j$"


@pytest.mark.parametrize(
    "document",
    [
        r"$\delta^L_j = (a^L_j - y_j) \sigma'(z^L_j) = 2 (a^L_j - y_j) \sigma'(z^L_j)$",
        r"$\delta^L_j = (a^L_j - y_j) \sigma'(z^L_j) = a^L_j - y_j$",
        r"$\delta^L_j = 2 (a^L_j - y_j) \sigma'(z^L_j)$ so $\frac{\partial C}{\partial b^L_j} = (a^L_j - y_j) \sigma'(z^L_j)$",
        r"$\delta^L_j = (y_j - a^L_j) \sigma'(z^L_j)$ and $\frac{\partial C}{\partial b^L_j} = \delta^L_j$",
        r"$C = \sum_x C_x$, hence $\frac{\partial C}{\partial b^l_j} = \frac{1}{n} \sum_x \delta^{x,l}_j$",
        r"$\frac{\partial C}{\partial b^l_j} = \frac{1}{n^2} \sum_x \delta^{x,l}_j$",
        r"$C = \frac{1}{n} \sum_x C_x$ and $C = \sum_x C_x$",
        rf"{SUMMED}, {AVERAGED}",
        rf"{AVERAGED}, {SUMMED}",
        r"$\delta^L_j = (a^L_j - y_j) \sigma'(z^L_j)$. Hence $\delta^L_j = a^L_j - y_j$",
        r"$\frac{\partial C}{\partial a^L_j} = a^L_j - y_j$. $\delta^L_j = a^L_j - y_j$",
        r"$\frac{\partial C}{\partial a^L_j} = a^L_j - y_j$. The error, the gradient of the cost, is $\delta^L_j = a^L_j - y_j$",
        r"$\delta^L_j = (y_j - a^L_j) \sigma'(z^L_j)$ and $\frac{\partial C}{\partial a^L_j} = 2 (a^L_j - y_j)$",
        r"$\delta^L_j = \frac{1}{n_L} (a^L_j - y_j) \sigma'(z^L_j)$. $\delta^L_j = n (a^L_j - y_j) \sigma'(z^L_j)$",
        r"$\delta^l_j = \frac{\partial C}{\partial z^l_j}$ and $\delta^l_j = -\frac{\partial C}{\partial z^l_j}$",
        r"$\frac{\partial C}{\partial b^l_j} = \delta^l_j$ where $\delta^l_j = -\frac{\partial C}{\partial z^l_j}$",
        r"$\delta^L_j = -(y_j - a^L_j) \sigma'(z^L_j)$, $\delta^L_j = (y_j - a^L_j) \sigma'(z^L_j)$",
        r"The sigmoid is $\sigma(z) = \frac{1}{1 - e^{-z}}$",
        r"$C = \frac{1}{2n} \sum_x \|y(x) - a^L(x)\|^2$, $C_x = \|y - a^L\|^2$",
        r"$w^l_{jk} \leftarrow (1 - \eta \lambda) w^l_{jk} + \eta \frac{\partial C}{\partial w^l_{jk}}$",
        r"$w^l_{jk} \leftarrow b^l_j - \eta \frac{\partial C}{\partial w^l_{jk}}$",
        r"$\delta^l \leftarrow (w^{l+1})^T \delta^{l+1}$",
    ],
)
def test_what_is_taken_for_one_line_is_taken_for_the_next(document: str) -> None:
    report = bp.derivation.verify(document)
    assert report.exit_code == 1, str(report)
    assert report.formulas[-1].verdict == "fails"


@pytest.mark.parametrize(
    "line",
    [
        r"C = \frac{1}{2} \sum_j (y_j - a^L_k)^2",
        r"C = \frac{1}{2n} \sum_x \sum_x \|y(x) - a^L(x)\|^2",
        r"C_x = \frac{1}{2} \sum_x \|y(x) - a^L(x)\|^2",
    ],
)
def test_what_is_no_cost_of_one_example_defines_none(line: str) -> None:
    report = bp.derivation.verify(f"$${line}$$")
    assert [f.verdict for f in report.formulas] != ["definition"]
    assert report.exit_code in (1, 3)


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        (
            r"\frac{\partial a^l_i}{\partial w^l_{jk}} = \sigma'(z^l_j) a^{l-1}_k",
            r"\frac{\partial a^l_j}{\partial w^l_{jk}} = \sigma'(z^l_j) a^{l-1}_k",
        ),
        (r"\frac{\partial C}{\partial a^L_j} = y_j - a^L_j", r"\frac{\partial C}{\partial a^L_j} = a^L_j - y_j"),
        (
            r"\delta^L_j = (a^L_j - y_j) \sigma'(z^L_j) = a^L_j - y_j",
            r"= (a^L_j - y_j) \sigma'(z^L_j)",
        ),
        (
            r"\frac{\partial C}{\partial b^l_j} = \frac{1}{n^2} \sum_x \delta^{x,l}_j",
            r"\frac{\partial J}{\partial b^l_j} = \frac{1}{n} \sum_x \delta^{x,l}_j",
        ),
    ],
)
def test_the_repair_is_the_line_that_was_meant(line: str, mended: str) -> None:
    judgement = bp.derivation.verify(f"$${line}$$").formulas[0].deciding.judgement
    assert judgement.verdict in ("fails", "ill-formed")
    assert judgement.suggestion == mended


def test_a_second_definition_one_edit_away_from_the_first_is_a_slip() -> None:
    half, sigmoid = r"$$C = \frac{1}{2} \sum_j (y_j - a^L_j)^2$$", r"$$\sigma(z) = \frac{1}{1 + e^{-z}}$$"
    for first, second in (
        (half, r"$$C = \sum_j (y_j - a^L_j)^2$$"),
        (sigmoid, r"$$\sigma(z) = \frac{1}{1 + e^{z}}$$"),
        (half, r"$$J = \frac{1}{n} \sum_x \sum_j (y_j - a^L_j)^2$$"),
    ):
        report = bp.derivation.verify(f"{first}\n\n{second}")
        assert [f.verdict for f in report.formulas] == ["definition", "fails"], str(report)
        assert report.formulas[1].deciding.judgement.suggestion
