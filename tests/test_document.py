"""Documents as people write them, the prover as the only witness that matters: places, chains over rows, what is declared."""

import pytest

from backprop_ref.derivation.document import verify
from backprop_ref.derivation.given import Given
from backprop_ref.derivation.judge import Witnesses
from backprop_ref.derivation.prover import prove
from backprop_ref.derivation.quick import quick
from backprop_ref.derivation.verdicts import Counterexample, Holds, IllFormed, NoNumbers, Proof

SHOWN = Counterexample(("sizes 1-1",), "", "1", "2", ())


def numbers(left, right, given):
    """As the prover: what is not proved is shown to be false."""
    match prove(left, right, given):
        case Proof():
            return Holds(25, False, "")
        case IllFormed():
            return NoNumbers("its shapes do not fit")
    return SHOWN


WITNESSES = Witnesses(prove, numbers, lambda *line: isinstance(prove(*line), Proof))


def read(text, form="md", **more):
    return verify(text, form, witnesses=WITNESSES, **more)


def verdicts(report):
    return [(f.line, f.verdict) for f in report.formulas]


def test_every_formula_has_its_line_and_column():
    report = read("# BP3\n\nSince $\\partial C / \\partial b^l_j = \\delta^l_j$, we have\n\n$$\nb^l_j = \\delta^l_j\n$$\n")
    assert [(f.line, f.column, f.verdict) for f in report.formulas] == [(3, 8, "proved"), (6, 1, "fails")]
    assert report.formulas[0].latex == r"\frac{\partial C}{\partial b^l_j} = \delta^l_j"


CHAIN = r"""
\begin{align}
\delta^L_j &= \frac{\partial C}{\partial z^L_j} \\
 &= \sum_k \frac{\partial C}{\partial a^L_k} \frac{\partial a^L_k}{\partial z^L_j} \\
 &= \frac{\partial C}{\partial a^L_j} \sigma(z^L_j) \\
 &= \sigma(z^L_j) \frac{\partial C}{\partial a^L_j} \\
 &= \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)
\end{align}
"""


def test_a_chain_over_rows_is_held_against_its_head_and_the_line_before():
    report = read(CHAIN)
    assert verdicts(report) == [(3, "proved"), (4, "proved"), (5, "fails"), (6, "fails"), (7, "proved")]
    assert [f.follows_from for f in report.formulas] == [None, None, None, 5, None]
    assert report.formulas[4].links[0].parts_from == 6
    assert str(report).startswith("FAILS  document: first false line 5; line 6 follows from it\n")
    assert report.formulas[2].links[0].judgement.suggestion.endswith(r"= \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)")


def test_a_display_that_begins_with_a_relation_goes_on_with_the_last_chain():
    report = read(
        "$$\\frac{\\partial C}{\\partial b^l_j}$$\nwhich is, as $z^l = w^l a^{l-1} + b^l$,\n\n"
        "$$= \\frac{\\partial C}{\\partial z^l_j}$$\n\n$$= \\delta^l_j$$\n"
    )
    assert verdicts(report) == [(1, "mention"), (2, "proved"), (4, "proved"), (6, "proved")]
    assert report.formulas[2].links[0].left == r"\frac{\partial C}{\partial b^l_j}"


def test_a_row_that_continues_nothing_is_not_understood():
    report = read("$$= \\delta^l_j$$\n")
    assert verdicts(report) == [(1, "not understood")]
    assert report.exit_code == 3


def test_rows_that_are_one_chain_are_read_together():
    """C is the average, which only the second row shows."""
    report = read(
        "\\begin{align}\n\\frac{\\partial C}{\\partial b^l_j} &= \\frac{\\partial C}{\\partial b^l_j} \\\\\n"
        " &= \\frac{1}{n} \\sum_x \\delta^{x,l}_j\n\\end{align}\n"
    )
    assert verdicts(report) == [(2, "proved"), (3, "proved")]
    assert report.formulas[0].latex.startswith(r"\frac{\partial J}{\partial b^l_j}")


def test_a_row_that_cannot_be_read_does_not_spoil_the_rest():
    report = read(
        "\\begin{align}\n\\delta^L_j &= \\frac{\\partial C}{\\partial z^L_j} \\\\\n &= \\oint \\heartsuit \\\\\n"
        " &= \\frac{\\partial C}{\\partial a^L_j} \\sigma'(z^L_j)\n\\end{align}\n"
    )
    assert verdicts(report) == [(2, "proved"), (3, "not understood"), (4, "proved")]
    assert report.formulas[1].reason
    assert report.formulas[1].caret is not None


def test_conditions_and_mentions_claim_nothing_and_break_no_chain():
    report = read(
        "\\begin{align}\n\\delta^l &= ((w^{l+1})^T \\delta^{l+1}) \\odot \\sigma'(z^l), \\quad l = L-1, \\ldots, 2 \\\\\n"
        " &= \\Sigma'(z^l) (w^{l+1})^T \\delta^{l+1}\n\\end{align}\n"
    )
    assert [kind for _, kind in verdicts(report) if kind != "mention"] == ["proved", "proved"]
    assert report.exit_code == 0


def test_a_stated_cost_holds_from_there_on():
    gradient = "$$\\frac{\\partial C}{\\partial a^L_j} = a^L_j - y_j$$\n"
    cost = "$$C = \\frac{1}{2} \\sum_j (y_j - a^L_j)^2$$\n"
    assert verdicts(read(gradient + cost + gradient)) == [(1, "another convention"), (2, "definition"), (3, "proved")]
    assert read(cost).given == ("the cost of one example is quadratic",)
    double = "$$\\frac{\\partial C}{\\partial a^L_j} = 2 (a^L_j - y_j)$$\n"
    assert verdicts(read(cost + double)) == [(1, "definition"), (2, "fails")]


def test_a_second_definition_of_another_known_function_counts_from_there_on():
    cost = "$$C = \\frac{1}{2} \\sum_j (y_j - a^L_j)^2$$\n"
    mean = "$$J = \\frac{1}{2 n} \\sum_x \\sum_j (y_j - a^L_j)^2$$\n"
    other = "$$C = -\\sum_j (y_j \\ln a^L_j + (1 - y_j) \\ln(1 - a^L_j))$$\n"
    report = verify(cost + mean + other)
    assert verdicts(report) == [(1, "definition"), (2, "definition"), (3, "definition")]
    assert [f.deciding.judgement.notes for f in report.formulas[:2]] == [(), ()]
    assert report.formulas[2].deciding.judgement.notes == ("cost was something else above; this counts from here on",)
    assert report.given == ("the cost of one example is quadratic", "the cost of one example is cross-entropy")


def test_the_front_matter_states_notation_and_what_is_given():
    text = (
        "---\nnotation: {cost: E, target: t}\ngiven: {cost: quadratic}\n---\n"
        "$$\\frac{\\partial E}{\\partial a^L_j} = a^L_j - t_j$$\n"
    )
    report = read(text)
    assert verdicts(report) == [(5, "proved")]
    assert "cost: E" in report.notation
    assert report.given == ("the cost of one example is quadratic",)


@pytest.mark.parametrize("given", ["{output: softmax}", "\n  output: softmax"])
def test_softmax_keeps_the_sum(given):
    text = (
        f"---\ngiven: {given}\n---\n"
        + "$$\\delta^L_j = \\frac{\\partial C}{\\partial a^L_j} \\frac{\\partial a^L_j}{\\partial z^L_j}$$\n"
    )
    assert verdicts(read(text))[0][1] == "fails"
    assert verdicts(read(text.partition("---\n$$")[2].join(["$$", ""])))[0][1] == "proved"


def test_single_neurons_by_words():
    """a sigma'(z) dC/da has no layout; for one neuron a layer it is a number."""
    line = "$$\\frac{\\partial C}{\\partial w^L} = a^{L-1} \\sigma'(z^L) \\frac{\\partial C}{\\partial a^L}$$\n"
    assert verdicts(read(line)) == [(1, "ill-formed")]
    report = read("With one neuron in each layer:\n\n" + line)
    assert verdicts(report) == [(3, "proved")]
    assert report.formulas[0].links[0].judgement.notes == ("one neuron a layer: true there; in general write the sums",)


def test_progress_is_told():
    told = []
    read("$a = b$ and $b = c$\n\n$$\\delta^l = \\delta^l$$\n", progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_plain_text():
    report = read("delta[l,j] = sum(k, w[l+1,k,j] * delta[l+1,k]) * sigma'(z[l,j])\n", "plain")
    assert verdicts(report) == [(1, "proved")]


EQUAL = r"$$ \sigma'(z) = \sigma(z) (1 - \sigma(z)) $$"


@pytest.mark.parametrize(("given", "holds"), [(Given(sigma="sigmoid"), True), (Given(sigma="tanh"), False), (Given(), False)])
def test_a_first_look_sees_for_which_sigma_a_line_holds(given, holds):
    sides = read(EQUAL).formulas[0].links[0].sides
    assert quick(*sides, given) == holds


@pytest.mark.parametrize("line", ["z^l = a^{l-1}", r"\frac{1}{z^l_j - z^l_j} = a^l_j"], ids=["shapes", "1 / 0"])
def test_a_first_look_at_what_has_no_value_is_false(line):
    sides = read(f"$$ {line} $$").formulas[0].links[0].sides
    assert not quick(*sides, Given())


def test_two_costs_may_be_spoken_of_and_one_factor_may_be_taken():
    two = r"$\delta^L_j = (a^L_j - y_j) \sigma'(z^L_j)$ for one cost. With the cross-entropy, $\delta^L_j = a^L_j - y_j$"
    double = r"$\delta^L_j = 2 (a^L_j - y_j) \sigma'(z^L_j)$ and $\frac{\partial C}{\partial a^L_j} = 2 (a^L_j - y_j)$"
    mean = r"$\frac{\partial C}{\partial a^L_j} = \frac{2}{n_L} (a^L_j - y_j)$"
    opposite = r"$\delta^L_j = (y_j - a^L_j) \sigma'(z^L_j)$ and $\frac{\partial C}{\partial b^l_j} = -\delta^l_j$"
    for text, verdict in ((two, "another convention"), (double, "another convention"), (opposite, "proved")):
        report = verify(text)
        assert [f.verdict for f in report.formulas] == ["another convention", verdict], str(report)
    assert verify(mean).formulas[0].deciding.judgement.reason.startswith("true for 2/n_L times C_x = ")


TWO_LAYERS = """$$Z^{[1]} = W^{[1]} X + b^{[1]}, \\quad A^{[1]} = g(Z^{[1]})$$
$$Z^{[2]} = W^{[2]} A^{[1]} + b^{[2]}$$
\\begin{align*}
dZ^{[2]} &= A^{[2]} - Y & dZ^{[1]} &= W^{[2]T} dZ^{[2]} * g'(Z^{[1]}) \\\\
dW^{[2]} &= \\frac1m dZ^{[2]} A^{[1]T} & dW^{[1]} &= \\frac1m dZ^{[1]} X^T
\\end{align*}
"""


def test_a_network_of_numbered_layers_has_a_last_one():
    """As on the slides of every course: dZ^[2] = A^[2] - Y says that there is no layer [3]."""
    report = verify(TWO_LAYERS, notation="ng")
    assert "last layer: 2, L here" in report.notation
    assert [f.verdict for f in report.formulas] == [*["proved"] * 3, "another convention", *["proved"] * 3]
    wrong = verify(TWO_LAYERS.replace("W^{[2]T}", "W^{[2]}"), notation="ng")
    assert wrong.exit_code == 1
    assert [f.line for f in wrong.formulas if f.verdict in ("fails", "ill-formed")] == [4]


def test_of_more_layers_than_stand_beside_y_none_is_the_last():
    assert not [said for said in read("$$a^2 - y = b^2$$\n$$z^3 = w^3 a^2 + b^3$$").notation if said.startswith("last")]
    general = read("$$\\delta^3 = a^3 - y$$\n$$\\delta^l_j = \\frac{\\partial C}{\\partial z^l_j}$$")
    assert general.formulas[1].latex == r"\delta^l_j = \frac{\partial C}{\partial z^l_j}"


@pytest.mark.parametrize(
    "text",
    [
        r"$$\sigma'(z) = \frac{d}{dz} \frac{1}{1 + e^{-z}} = \sigma(z) (1 - \sigma(z))$$",
        r"$\sigma(z) = \frac{z}{1 + e^{-z}}$, $\sigma'(z) = \sigma(z) + \frac{1 - \sigma(z)}{1 + e^{-z}}$",
        r"$\sigma(z) = z^3 + z$ and $\sigma'(z^l_j) = 3 (z^l_j)^2 + 1$",
    ],
)
def test_a_sigma_that_is_only_in_the_document_counts(text):
    report = verify(text)
    assert report.verdict == "holds", str(report)
    assert report.formulas[0].links[0].judgement.verdict == "definition"


def test_a_false_line_about_the_documents_own_sigma_fails():
    report = verify(r"$\sigma(z) = \frac{z}{1 + e^{-z}}$, $\sigma'(z) = \sigma(z) (1 - \sigma(z))$")
    assert [f.verdict for f in report.formulas] == ["definition", "fails"]
    assert "sigma is as defined" in report.formulas[1].deciding.judgement.counterexample.network[0]


def test_softmax_is_refuted_by_softmax():
    softmax = r"$a^L_j = \frac{e^{z^L_j}}{\sum_k e^{z^L_k}}$. "
    report = verify(softmax + r"$\frac{\partial a^L_i}{\partial z^L_j} = a^L_i (1 - a^L_j)$")
    assert "softmax" in report.formulas[1].deciding.judgement.counterexample.network[0]
    report = verify(softmax + r"$\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)$")
    assert "softmax is a function of all of z^L" in report.formulas[1].deciding.judgement.reason
