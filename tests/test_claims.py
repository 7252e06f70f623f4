"""The verdict on each link of a chain, with witnesses that know what is true."""

from fractions import Fraction

import pytest

from backprop_ref.derivation.claims import NO_LINE_BEFORE, Claims
from backprop_ref.derivation.given import Given
from backprop_ref.derivation.judge import Witnesses, judge
from backprop_ref.derivation.notation.tree import (
    EXAMPLES,
    Add,
    Apply,
    Layer,
    Negative,
    Node,
    Number,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Size,
    Sum,
    Transpose,
    Variable,
)
from backprop_ref.derivation.verdicts import Counterexample, Holds, IllFormed, NoNumbers, Proof, Unproved

L = Layer("L")
PROOF, HOLDS, UNPROVED = Proof("for every network", ("a rule",), 1), Holds(25, False, "l = 2"), Unproved("no rule leads there")
SHOWN = Counterexample(("sizes 1-1",), "j = 1", "1", "2", ())
ILL, NOTHING = IllFormed("j is free on the left", "a_j = 1"), NoNumbers("no such shape")
VALUE = {"A": 1, "B": 1, "C": 1, "D": 1, "X": 2, "Y": 2, "Z": 3}


def v(name: str) -> Variable:
    return Variable(name)


def says(proof, numbers) -> Witnesses:
    return Witnesses(lambda *_: proof, lambda *_: numbers, lambda *_: False)


def equal(left: Node, right: Node, given: Given) -> bool:
    """Letters have values; anything else is an edit, and false."""
    return isinstance(left, Variable) and isinstance(right, Variable) and VALUE[left.name] == VALUE[right.name]


KNOWING = Witnesses(
    lambda *line: PROOF if equal(*line) else UNPROVED,
    lambda *line: HOLDS if equal(*line) else SHOWN,
    equal,
)


def chain(claims: Claims, letters: str) -> list:
    """A = B = ..., a letter a line from line 1 on."""
    claims.begin(v(letters[0]), 1)
    return [claims.link("=", v(letter), n, "") for n, letter in enumerate(letters[1:], start=1)]


@pytest.mark.parametrize(
    ("proof", "numbers", "verdict"),
    [
        (PROOF, HOLDS, "proved"),
        (PROOF, NOTHING, "proved"),
        (UNPROVED, HOLDS, "holds numerically"),
        (UNPROVED, SHOWN, "fails"),
        (UNPROVED, NOTHING, "not understood"),
        (ILL, HOLDS, "ill-formed"),
        (ILL, SHOWN, "ill-formed"),
        (ILL, NOTHING, "ill-formed"),
        (PROOF, SHOWN, "contradiction"),
    ],
)
def test_the_two_witnesses_together(proof, numbers, verdict) -> None:
    said = judge(v("A"), v("B"), Given(), says(proof, numbers))
    assert said.verdict == verdict
    assert said.true == (verdict in ("proved", "holds numerically"))
    assert (said.counterexample is not None) == (numbers is SHOWN)


def test_what_rests_on_what() -> None:
    proved = judge(v("A"), v("B"), Given(), says(PROOF, HOLDS))
    assert (proved.domain, proved.rules, proved.networks) == ("for every network", ("a rule",), 25)
    holds = judge(v("A"), v("B"), Given(), says(UNPROVED, HOLDS))
    assert (holds.domain, holds.reason, holds.rules) == ("l = 2", "no rule leads there", ())
    ill = judge(v("A"), v("B"), Given(), says(ILL, NOTHING))
    assert (ill.reason, ill.suggestion) == ("j is free on the left", "a_j = 1")


def test_a_true_chain() -> None:
    assert [link.judgement.verdict for link in chain(Claims(KNOWING, Given()), "ABCD")] == ["proved"] * 3


def test_what_follows_from_a_false_line_is_false_and_says_so() -> None:
    first, second, third, fourth = chain(Claims(KNOWING, Given()), "ABXYX")
    assert first.judgement.verdict == "proved"
    assert (second.judgement.verdict, second.follows_from) == ("fails", None)
    assert [(link.judgement.verdict, link.follows_from) for link in (third, fourth)] == [("fails", 2), ("fails", 2)]


def test_a_true_line_after_a_false_one_does_not_follow_from_it() -> None:
    *_, false, true, next_true = chain(Claims(KNOWING, Given()), "ABXCD")
    assert (false.judgement.verdict, false.parts_from) == ("fails", None)
    assert (true.judgement.verdict, true.parts_from) == ("proved", 2)
    assert (next_true.judgement.verdict, next_true.parts_from) == ("proved", None)


def test_two_mistakes_in_one_chain_are_two() -> None:
    *_, first, second, third = chain(Claims(KNOWING, Given()), "AXZZ")
    assert (first.follows_from, second.follows_from, third.follows_from) == (None, None, 2)
    assert [link.judgement.verdict for link in (first, second, third)] == ["fails"] * 3


def test_a_row_that_continues_nothing() -> None:
    claims = Claims(KNOWING, Given())
    link = claims.link("=", v("A"), 1, "")
    assert (link.judgement.verdict, link.judgement.reason) == ("not understood", NO_LINE_BEFORE)
    assert claims.link("=", v("B"), 2, "").judgement.verdict == "proved"


def test_a_row_that_could_not_be_read_in_the_middle_of_a_chain() -> None:
    claims = Claims(KNOWING, Given())
    chain(claims, "AB")
    claims.unread(continues=True)
    assert claims.link("=", v("C"), 3, "").judgement.verdict == "proved"
    claims.unread(continues=True)
    assert claims.link("=", v("X"), 5, "").judgement.verdict == "fails"
    claims.unread(continues=False)
    assert claims.link("=", v("A"), 7, "").judgement.verdict == "not understood"


def test_what_follows_from_a_line_that_nobody_could_judge_is_a_mistake_of_its_own() -> None:
    def numbers(left: Node, right: Node, given: Given):
        return NOTHING if v("Y") in (left, right) and v("A") in (left, right) else KNOWING.numbers(left, right, given)

    _, second = chain(Claims(Witnesses(KNOWING.prove, numbers, KNOWING.quick), Given()), "AYX")
    assert (second.judgement.verdict, second.follows_from) == ("fails", None)


def test_a_link_that_only_holds_is_proved_from_the_head_of_its_chain() -> None:
    def prove(left: Node, right: Node, given: Given):
        return PROOF if left == v("A") else UNPROVED

    links = chain(Claims(Witnesses(prove, lambda *_: HOLDS, lambda *_: True), Given()), "ABC")
    assert [link.judgement.verdict for link in links] == ["proved", "proved"]


def test_an_approximation_is_true_if_it_is_an_equation_and_else_left_open() -> None:
    claims = Claims(KNOWING, Given())
    claims.begin(v("A"), 1)
    assert claims.link("≈", v("B"), 1, "").judgement.verdict == "proved"
    assert claims.link("≈", v("X"), 2, "").judgement.verdict == "not understood"


# ------------------------------------------------------------------------------------------------------------ definitions

z, half, two = Variable("z"), Number(Fraction(1, 2)), Number(Fraction(2))
sigma_z = Apply("sigma", z)
logistic = Quotient(Number(Fraction(1)), Add((Number(Fraction(1)), Apply("exp", Negative(z)))))
y_j, a_j = Quantity("y", L, ("j",)), Quantity("a", L, ("j",))
squares = Product((half, Sum("j", Power(Add((y_j, Negative(a_j))), two))))


def only(**wanted) -> Witnesses:
    """Everything holds if this is given, and nothing else does."""

    def true(left: Node, right: Node, given: Given) -> bool:
        return all(getattr(given, key) == value for key, value in wanted.items())

    return Witnesses(lambda *_: UNPROVED, lambda *line: HOLDS if true(*line) else SHOWN, true)


def test_sigma_is_defined() -> None:
    claims = Claims(only(sigma="sigmoid"), Given())
    claims.begin(sigma_z, 1)
    assert claims.link("=", logistic, 1, "").judgement.verdict == "definition"
    assert claims.given.sigma == "sigmoid"
    assert claims.said == ["sigma is sigmoid"]


def test_sigma_is_defined_again() -> None:
    claims = Claims(only(sigma="tanh"), Given(sigma="sigmoid"))
    claims.begin(sigma_z, 1)
    claims.link("=", Apply("tanh", z), 1, "")
    assert claims.given.sigma == "tanh"


def test_a_sigma_that_the_words_name_is_held_against_it() -> None:
    claims = Claims(only(sigma="tanh"), Given())
    claims.begin(sigma_z, 1)
    said = claims.link("=", Apply("tanh", z), 1, "Let sigma be the sigmoid,").judgement
    assert (said.verdict, said.reason) == ("fails", "the words before it say sigmoid")
    assert claims.given.sigma == "sigmoid"
    claims.begin(sigma_z, 2)
    assert claims.link("=", Apply("tanh", z), 2, "Let sigma be tanh,").judgement.verdict == "definition"


def test_a_sigma_that_is_not_known_leaves_lines_open_for_every_sigma() -> None:
    claims = Claims(only(sigma="none of ours"), Given(sigma="sigmoid"))
    claims.begin(sigma_z, 1)
    assert claims.link(":=", Quotient(z, Add((Number(Fraction(1)), Apply("abs", z)))), 1, "").judgement.verdict == "definition"
    assert claims.given.sigma is None


def test_a_claim_about_sigma_is_no_definition() -> None:
    claims = Claims(says(UNPROVED, SHOWN), Given())
    claims.begin(Apply("sigma", z, 1), 1)
    said = claims.link("=", Product((sigma_z, Add((Number(Fraction(1)), Negative(sigma_z))))), 1, "").judgement
    assert said.verdict == "fails"


def test_a_line_true_for_one_sigma_only_says_for_which() -> None:
    claims = Claims(only(sigma="sigmoid"), Given())
    claims.begin(Apply("sigma", z, 1), 1)
    said = claims.link("=", Product((sigma_z, Add((Number(Fraction(1)), Negative(sigma_z))))), 1, "").judgement
    assert (said.verdict, said.reason) == ("fails", "true for sigmoid only, and the document does not say that sigma is sigmoid")


BY_ITS_COST = Witnesses(
    lambda *_: UNPROVED, lambda *_: SHOWN, lambda left, right, given: isinstance(given.cost, Node) or given.cost == "quadratic"
)


def test_that_a_line_is_true_for_the_linear_sigma_is_not_worth_saying() -> None:
    claims = Claims(only(sigma="linear"), Given())
    claims.begin(Apply("sigma", z, 1), 1)
    assert claims.link("=", Number(Fraction(1)), 1, "").judgement.reason == ""


def test_the_cost_of_one_example_is_defined() -> None:
    claims = Claims(BY_ITS_COST, Given())
    claims.begin(Quantity("C", example="x"), 1)
    right = Product((half, Sum("j", Power(Add((Quantity("y", L, ("j",), "x"), Negative(Quantity("a", L, ("j",), "x")))), two))))
    assert claims.link("=", right, 1, "").judgement.verdict == "definition"
    assert claims.given.cost == squares
    assert claims.said == ["the cost of one example is quadratic"]


def over_examples(*factors: Node) -> Node:
    of_x = Sum("j", Power(Add((Quantity("y", L, ("j",), "x"), Negative(Quantity("a", L, ("j",), "x")))), two))
    return Product((*factors, Sum("x", of_x, EXAMPLES)))


def test_the_cost_is_defined_as_an_average() -> None:
    claims = Claims(BY_ITS_COST, Given())
    claims.begin(Quantity("J"), 1)
    claims.link("=", over_examples(Quotient(Number(Fraction(1)), Product((two, Size(EXAMPLES))))), 1, "")
    assert claims.given.cost is not None
    assert claims.ours(Quantity("J")) == Quantity("J")


def test_the_cost_is_defined_as_a_sum() -> None:
    """From then on the document's C is n times ours."""
    claims = Claims(BY_ITS_COST, Given())
    claims.begin(Quantity("J"), 1)
    claims.link("=", over_examples(half), 1, "")
    assert claims.given.cost == squares
    assert claims.ours(Quantity("J")) == Product((Size(EXAMPLES), Quantity("J")))


def test_a_cost_without_an_index_is_summed_over_the_outputs() -> None:
    """C = (y - a)^2 / 2."""
    bare = Power(Add((Quantity("y", L), Negative(Quantity("a", L)))), two)
    indexed = Power(Add((y_j, Negative(a_j))), two)
    seen = Witnesses(lambda *_: ILL, lambda *_: NOTHING, lambda left, right, given: isinstance(right, Sum))
    claims = Claims(seen, Given())
    claims.begin(Quantity("C"), 1)
    said = claims.link("=", Product((half, bare)), 1, "").judgement
    assert (said.verdict, said.reason) == (
        "definition",
        "the cost of one example is quadratic; its formula is read for each output, and summed",
    )
    assert claims.given.cost == Sum("j", Product((half, indexed)))


def test_an_example_that_one_quantity_names_is_that_of_the_line() -> None:
    asked: list[tuple[Node, Node]] = []

    def prove(left: Node, right: Node, given: Given) -> Proof:
        asked.append((left, right))
        return PROOF

    claims = Claims(Witnesses(prove, lambda *_: HOLDS, lambda *_: False), Given())
    b = Quantity("b", L, ("j",))
    claims.begin(Partial(Quantity("C", example="x"), b), 1)
    claims.link("=", Quantity("delta", L, ("j",)), 1, "")
    claims.begin(Partial(Quantity("C", example="x"), b), 2)
    claims.link("=", Quantity("delta", L, ("j",), "x"), 2, "")
    assert asked == [
        (Partial(Quantity("C"), b), Quantity("delta", L, ("j",))),
        (Partial(Quantity("C", example="x"), b), Quantity("delta", L, ("j",), "x")),
    ]


def test_a_cost_of_weights_is_no_definition() -> None:
    claims = Claims(says(UNPROVED, SHOWN), Given(cost="quadratic"))
    claims.begin(Quantity("C"), 1)
    claims.link("=", Power(Add((y_j, Negative(Quantity("w", L, ("j", "k"))))), two), 1, "")
    assert claims.given.cost == "quadratic"


def test_delta_with_a_minus_is_a_convention_and_is_kept() -> None:
    claims = Claims(says(UNPROVED, SHOWN), Given())
    delta, z_j = Quantity("delta", Layer("l"), ("j",)), Quantity("z", Layer("l"), ("j",))
    claims.begin(delta, 1)
    assert claims.link("=", Negative(Partial(Quantity("C"), z_j)), 1, "").judgement.verdict == "another convention"
    assert claims.ours(Transpose(delta)) == Transpose(Product((Product((Number(Fraction(-1)),)), delta)))


def test_delta_of_the_average_is_a_convention_and_is_kept() -> None:
    claims = Claims(says(UNPROVED, SHOWN), Given())
    delta, z_j = Quantity("delta", Layer("l"), ("j",), "x"), Quantity("z", Layer("l"), ("j",), "x")
    claims.begin(delta, 1)
    said = claims.link(":=", Partial(Quantity("J"), z_j), 1, "").judgement
    assert (said.verdict, said.reason) == (
        "another convention",
        "delta is defined as a derivative of the average cost, which contains 1/n here; it is read so from here on",
    )
    assert claims.ours(delta) == Product((Product((Quotient(Number(Fraction(1)), Size(EXAMPLES)),)), delta))


def test_the_chapters_delta_is_a_claim() -> None:
    claims = Claims(says(PROOF, HOLDS), Given())
    claims.begin(Quantity("delta", L, ("j",)), 1)
    assert claims.link(":=", Partial(Quantity("C"), Quantity("z", L, ("j",))), 1, "").judgement.verdict == "proved"


def test_a_lost_1_over_n_fails_once_the_document_averages() -> None:
    """Before that it may be that its C is a sum."""

    def quick(left: Node, right: Node, given: Given) -> bool:
        return isinstance(left, Partial) and left.of == Product((Size(EXAMPLES), Quantity("J")))

    seen = Witnesses(
        lambda *line: PROOF if line[0] == Quantity("J") else UNPROVED,
        lambda *line: HOLDS if line[0] == Quantity("J") else SHOWN,
        quick,
    )
    claims = Claims(seen, Given())
    claims.begin(Partial(Quantity("J"), Quantity("b", L, ("j",))), 1)
    assert claims.link("=", v("X"), 1, "").judgement.verdict == "another convention"
    assert claims.ours(Quantity("J")) == Product((Size(EXAMPLES), Quantity("J")))
    claims = Claims(seen, Given())
    claims.begin(Quantity("J"), 2)
    assert claims.link("=", v("A"), 2, "").judgement.verdict == "proved"
    claims.begin(Partial(Quantity("J"), Quantity("b", L, ("j",))), 3)
    assert claims.link("=", v("X"), 3, "").judgement.verdict == "fails"


# -------------------------------------------------------------------------------------------------- another convention


def test_without_a_stated_cost_a_line_for_the_quadratic_cost_is_another_convention() -> None:
    claims = Claims(only(cost="quadratic"), Given())
    claims.begin(Partial(Quantity("C"), a_j), 1)
    said = claims.link("=", Add((a_j, Negative(y_j))), 1, "").judgement
    assert said.verdict == "another convention"
    assert r"C_x = \frac{1}{2} \sum_j (y_j - a^L_j)^2" in said.reason


def test_without_a_stated_cost_a_factor_is_named() -> None:
    twice = Counterexample((), "", "1", "2", (), ratio="2")
    claims = Claims(says(UNPROVED, twice), Given())
    claims.begin(Partial(Quantity("C"), a_j), 1)
    said = claims.link("=", Product((two, Add((a_j, Negative(y_j))))), 1, "").judgement
    assert said.verdict == "another convention"
    assert said.reason.startswith("true for 2 times C_x")


@pytest.mark.parametrize("given", [Given(cost="quadratic"), Given(cost=squares)], ids=["by name", "by formula"])
def test_a_factor_against_the_stated_cost_fails(given: Given) -> None:
    twice = Counterexample((), "", "1", "2", (), ratio="2")
    claims = Claims(says(UNPROVED, twice), given)
    claims.begin(Partial(Quantity("C"), a_j), 1)
    assert claims.link("=", Product((two, Add((a_j, Negative(y_j))))), 1, "").judgement.verdict == "fails"


def test_a_factor_that_no_cost_could_explain_fails() -> None:
    """dC/db = 2 delta: both sides grow with the cost."""
    twice = Counterexample((), "", "1", "2", (), ratio="2")
    claims = Claims(says(UNPROVED, twice), Given())
    delta, b = Quantity("delta", L, ("j",)), Quantity("b", L, ("j",))
    claims.begin(Partial(Quantity("C"), b), 1)
    assert claims.link("=", Product((two, delta)), 1, "").judgement.verdict == "fails"


# --------------------------------------------------------------------------------------------------------- assignments

w, eta = Quantity("w", Layer("l")), Variable("eta")


def descent(C: str) -> Node:
    return Add((w, Negative(Product((eta, Partial(Quantity(C), w))))))


@pytest.mark.parametrize("relation", ["<-", "="])
def test_an_update_down_the_gradient_is_an_assignment(relation) -> None:
    step = Add((w, Negative(Product((eta, Quantity("delta", Layer("l")), Transpose(Quantity("a", Layer("l", -1))))))))
    down = Witnesses(lambda *_: UNPROVED, lambda *_: SHOWN, lambda left, right, _: (left, right) == (descent("C"), step))
    claims = Claims(down, Given())
    claims.begin(w, 1)
    said = claims.link(relation, step, 1, "").judgement
    assert (said.verdict, said.reason) == ("assignment", "a step down the gradient of one example's cost")


def test_an_update_up_the_gradient_fails() -> None:
    claims = Claims(says(UNPROVED, SHOWN), Given())
    claims.begin(w, 1)
    said = claims.link("<-", Add((w, Product((eta, Quantity("delta", Layer("l")))))), 1, "").judgement
    assert (said.verdict, said.reason) == ("fails", "this is no step down the gradient: w - eta dC/dw")


def test_a_step_of_an_algorithm_is_a_claim_and_what_moves_a_thing_is_none() -> None:
    claims = Claims(says(UNPROVED, SHOWN), Given())
    delta = Quantity("delta", Layer("l"))
    claims.begin(delta, 1)
    assert claims.link("<-", Quantity("z", Layer("l")), 1, "").judgement.verdict == "fails"
    claims.begin(delta, 2)
    assert claims.link("<-", Product((two, delta)), 2, "").judgement.verdict == "assignment"


def test_a_cost_that_is_a_sum_is_a_convention_and_is_kept() -> None:
    mean, every = Quantity("J"), Sum("x", Quantity("C", example="x"), EXAMPLES)
    claims = Claims(Witnesses(lambda *_: UNPROVED, lambda *_: SHOWN, lambda left, right, _: left != mean), Given())
    claims.begin(mean, 1)
    assert claims.link("=", every, 1, "").judgement.verdict == "another convention"
    assert claims.ours(mean) == Product((Size(EXAMPLES), mean))


# --------------------------------------------------------------------------------------------------- one neuron a layer


def bare(of: str, by: str) -> Partial:
    return Partial(Quantity(of, L) if of != "C" else Quantity("C"), Quantity(by, L))


def test_index_free_products_of_partials_are_judged_for_one_neuron_a_layer() -> None:
    def prove(left: Node, right: Node, given: Given):
        return PROOF if given.thin else ILL

    claims = Claims(Witnesses(prove, lambda a, b, given: HOLDS if given.thin else NOTHING, lambda *_: False), Given())
    claims.begin(bare("C", "w"), 1)
    said = claims.link("=", Product((bare("z", "w"), bare("a", "z"), bare("C", "a"))), 1, "").judgement
    assert said.verdict == "proved"
    assert said.notes == ("one neuron a layer: true there; in general write the sums",)
    then = claims.link("=", Product((Quantity("a", L), bare("C", "a"))), 2, "").judgement
    assert (then.verdict, then.notes) == ("proved", said.notes)
    claims.enter(2, "and in general")
    claims.begin(bare("a", "z"), 3)
    assert claims.link("=", Apply("sigma", Quantity("z", L), 1), 3, "").judgement.verdict == "ill-formed"
