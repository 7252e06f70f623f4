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
