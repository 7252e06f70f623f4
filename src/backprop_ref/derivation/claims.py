"""Claim after claim: each against the head of its chain and the line before, with what the document has defined so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias

from . import conventions, definitions, updates
from .definitions import Definition
from .given import Given
from .judge import Judgement, Witnesses, judge
from .notation import write
from .notation.tree import EXAMPLES, Node, Number, Partial, Product, Quantity, Relation, Size, descendants
from .repairs import Sides, repair
from .report import WRONG, Link
from .verdicts import Proof

SIGNS: dict[Relation, str] = {"=": "=", "≈": r"\approx", ":=": ":=", "<-": r"\leftarrow"}
ONE_NEURON = ("one neuron", "single neuron")  # words that make an index-free line one of plain numbers
THIN = "one neuron a layer: true there; in general write the sums"
BIASES = "true without the bias, or with the bias as a weight from a unit of constant 1"
SUM = "the cost is the sum over the examples here, not their average; it is read so from here on"
ANOTHER_COST = re.compile(  # words that speak of one
    r"entropy|likelihood|quadratic|squared|softmax|\b(?:an)?other (?:cost|loss)|\binstead\b", re.IGNORECASE
)
NO_LINE_BEFORE = "it begins with a relation, and the line that it continues was not understood or is not there"


Unequal: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Head:
    """The chain that is open.

    first, last: its outermost sides so far; None: what it begins with could not be read. line: where last stands.
    last_is: whether first = last. false_since: the line that was the first to be false. thin: read for one neuron a layer.
    """

    first: Node | None = None
    last: Node | None = None
    line: int = 0
    last_is: Literal["true", "false", "unknown"] = "true"
    false_since: int = 0
    thin: bool = False


class Claims:
    """What has been defined so far, the chain that is open, and the verdict on each further link."""

    def __init__(self, witnesses: Witnesses, given: Given, *, without_biases: bool = False) -> None:
        """without_biases: its biases are weights from a unit of constant 1."""
        self.witnesses, self.given = witnesses, given
        self.said: list[str] = []
        self.head = Head()
        self.factors: dict[str, Node] = {}  # of the document's delta and J, in ours
        self.averages = False  # whether it says that its cost is an average
        self.plain_delta = False  # whether it says that delta is dC/dz, without a minus
        self.taken: conventions.Taken | None = None  # for its lines, as it states no cost
        self.linear_output = False  # whether it says that a^L = z^L
        self.without_biases = without_biases
        self.display, self.single = 0, False  # the display, and whether it speaks of one neuron a layer
        self.words = ""
        self.unequal: Unequal = ()

    def begin(self, side: Node, line: int) -> None:
        """A chain begins with this side."""
        self.head = Head(side, side, line)

    def enter(self, display: int, words: str) -> None:
        """A row of this display comes next, after these words."""
        if display != self.display:
            self.display, self.single = display, any(said in words.lower() for said in ONE_NEURON)

    def unread(self, continues: bool) -> None:
        """A row that could not be read: the open chain goes on without it, or is closed."""
        self.head = replace(self.head, last=None, last_is="unknown") if continues else Head()

    def link(self, relation: Relation, right: Node, line: int, words: str, unequal: Unequal = ()) -> Link:
        """The next side of the open chain. words: before it. unequal: the indices that differ in it."""
        self.words, self.unequal = words, unequal
        head, left = self.head, self.head.last
        if head.first is None:
            self.begin(right, line)
            return Link("", SIGNS[relation], write.latex(right), Judgement("not understood", reason=NO_LINE_BEFORE))
        if left is None:
            found = self._judged(head.first, right)
            self.head = replace(self.head, last=right, line=line, last_is="true" if found.true else "unknown")
            return self._link(head.first, relation, right, found)
        judgement = self._special(relation, left, right, words)
        if judgement is not None:
            self.head = replace(head, last=right, line=line, last_is="false" if judgement.verdict in WRONG else "true")
            return self._link(left, relation, right, judgement)
        if relation == "≈":
            return self._first_order(left, right, line)
        return self._claim(left, relation, right, line)

    def _link(
        self,
        left: Node,
        relation: Relation,
        right: Node,
        said: Judgement,
        follows: int | None = None,
        parts: int | None = None,
    ) -> Link:
        sides = definitions.of_one_example(self.ours(left), self.ours(right))
        return Link(write.latex(left), SIGNS[relation], write.latex(right), said, follows, parts, sides, self._given())

    # ------------------------------------------------------------------------------------------------- no plain equation

    def _special(self, relation: Relation, left: Node, right: Node, words: str) -> Judgement | None:
        """A definition or an assignment; None for a claim."""
        if relation == "<-" and updates.is_step(left, right):
            return None
        if relation == "<-" or (relation == "=" and updates.is_update(left, right)):
            said = updates.judge_update(self.ours(left), self.ours(right), self.given, self.witnesses)
            return said if said.verdict not in WRONG else self._mended(left, right, said)
        if relation == "≈":
            return None
        own = conventions.own_delta(left, self.ours(right))
        if own is not None and own[0] != self.factors.get("delta") and not (own[2] and self.plain_delta):
            self.factors["delta"] = own[0]
            return Judgement("another convention", reason=own[1])
        if conventions.is_linear_output(left, right):
            self.linear_output = True
            self.said.append("the output layer is linear")
            return Judgement("definition", reason=self.said[-1])
        if not self.averages and conventions.is_sum_of_costs(left, right, self.given, self.witnesses):
            self.factors["J"] = Size(EXAMPLES)
            return Judgement("another convention", reason=SUM)
        for find in (definitions.sigma_defined, definitions.cost_defined):
            definition = find(left, right, self.given, self.witnesses)
            if definition is not None:
                return self._define(definition, left, right, words)
        return None

    def _define(self, definition: Definition, left: Node, right: Node, words: str) -> Judgement:
        """Take it into account from here on; if the words before it name another function, it is held against that one.

        A second definition, one edit away from what was defined above, is a slip; else it counts from here on.
        """
        anew = self._otherwise(definition)
        if anew and not definition.named:
            u, v = definitions.of_one_example(left, right)
            slip = self._mended(u, v, judge(self.ours(u), self.ours(v), self.given, self.witnesses))
            if slip.verdict == "fails" and slip.suggestion:
                return replace(slip, reason=f"{definition.of} is something else above")
        if isinstance(left, Quantity) and left.letter == "J":
            self.factors.pop("J", None)
            if definitions.sums(left, right):
                self.factors["J"] = Size(EXAMPLES)
        self.given = definition.given
        if anew or definition.said not in self.said:
            self.said.append(definition.said)
        named = list(definitions.named_in(words, definition, self.given))
        if len(named) == 1 and named[0][0] != definition.named:
            ((name, given),) = named
            found = judge(self.ours(left), self.ours(right), given, self.witnesses)
            if found.verdict == "fails" and not (found.counterexample and found.counterexample.ratio):
                self.given = given
                return self._mended(left, right, replace(found, reason=f"the words before it say {name.replace('_', '-')}"))
        notes = (f"{definition.of} was something else above; this counts from here on",) if anew else ()
        return Judgement("definition", reason=definition.said, notes=notes)

    def _otherwise(self, definition: Definition) -> bool:
        """Whether it contradicts what was defined above, or given."""
        if definition.of == "sigma":
            before, after = ((given.sigma, given.formula) for given in (self.given, definition.given))
            return before not in ((None, None), after)
        cost = definition.given.cost
        assert isinstance(cost, Node)
        return self.given.cost is not None and not self.witnesses.quick(Quantity("C"), cost, self.given)

    def _first_order(self, left: Node, right: Node, line: int) -> Link:
        """An approximation: true if it is an equation; else it is left open, and what comes behind it begins anew."""
        found = self._judged(left, right)
        if not found.true:
            reason = "an approximation that is no equation: how good it is depends on what is small, and is not judged"
            found = Judgement("not understood", reason=reason)
            self.begin(right, line)
        else:
            self.head = replace(self.head, last=right, line=line)
        return self._link(left, "≈", right, found)

    # ---------------------------------------------------------------------------------------------------- an equation

    def _claim(self, left: Node, relation: Relation, right: Node, line: int) -> Link:
        head, step = self.head, self._judged(left, right)
        assert head.first is not None
        whole = step if head.first is left else self._whole(head, step, right)
        self.head = replace(self.head, last=right, line=line)
        if whole.true or whole.verdict not in WRONG:
            agreed = whole.true or whole.verdict == "another convention"
            self.head = replace(self.head, last_is="true" if agreed else "unknown")
            parts = head.line if head.last_is == "false" and step.verdict in WRONG else None
            return self._link(head.first if parts else left, relation, right, whole, parts=parts)
        if head.last_is == "false" and (step.true or self._as_ill_formed(left, right, step)):
            return self._link(head.first, relation, right, whole, follows=head.false_since)
        self.head = replace(self.head, last_is="false", false_since=line)
        start = left if head.last_is == "true" else head.first
        return self._link(start, relation, right, self._mended(start, right, whole, fixed_left=head.first is not left))

    def _as_ill_formed(self, left: Node, right: Node, step: Judgement) -> bool:
        """Whether an ill-formed line only carries on what was ill-formed above: for one neuron a layer they are equal."""
        if step.verdict != "ill-formed":
            return False
        return judge(self.ours(left), self.ours(right), replace(self.given, thin=True), self.witnesses).true

    def _whole(self, head: Head, step: Judgement, right: Node) -> Judgement:
        """first = right: by the step, if all before it holds; else judged by itself."""
        assert head.first is not None
        if head.last_is != "true":
            return self._judged(head.first, right)
        if step.verdict == "holds numerically":
            proof = self.witnesses.prove(self.ours(head.first), self.ours(right), self._given())
            if isinstance(proof, Proof):
                return replace(step, verdict="proved", domain=proof.domain, rules=proof.rules, reason="")
        return step

    def _judged(self, left: Node, right: Node) -> Judgement:
        """The two witnesses; then, if they object: for one neuron a layer, and under another convention."""
        given, ours = self._given(), definitions.of_one_example(self.ours(left), self.ours(right))
        found = judge(*ours, given, self.witnesses)
        if not found.true and self.unequal:
            u, v = (conventions.apart(side, self.unequal) for side in ours)
            apart = judge(u, v, given, self.witnesses)
            found = apart.noting(f"for {', '.join(f'{i} ≠ {j}' for i, j in self.unequal)}") if apart.true else found
        if found.true:
            self._stated(left, right)
        if found.true or found.verdict == "contradiction":
            return found.noting(THIN) if given.thin and not self.given.thin else found
        if not given.thin and self._may_be_thin(found, left, right):
            thin = judge(*ours, replace(given, thin=True), self.witnesses)
            if thin.true or found.verdict == "ill-formed":
                self.head, self.single = replace(self.head, thin=True), True
                return thin.noting(THIN) if thin.true else thin
        found = self._elsewhere(ours, given, found) if found.verdict == "fails" else found
        if found.verdict == "another convention":
            self._stated(left, right)
        return found

    def _elsewhere(self, line: Sides, given: Given, found: Judgement) -> Judgement:
        """A false line: is it true without biases, for a linear output layer, for a cost that the document leaves open?"""
        if self.without_biases and conventions.without_biases(*line, given, self.witnesses):
            return Judgement("another convention", reason=BIASES)
        if self.linear_output and conventions.speaks_of_the_output_alone(*line):
            linear = judge(*line, replace(given, sigma="linear"), self.witnesses)
            if linear.true:
                return linear.noting("for the linear output layer")
        return self._taken(line, given, found) if given.cost is None else found

    def _taken(self, line: Sides, given: Given, found: Judgement) -> Judgement:
        """True for a cost that the document does not state? What is taken for one line is so for the next."""
        before = self.taken
        if before and self.witnesses.quick(*line, before.under(given)):
            return Judgement("another convention", reason=before.reason)
        taken = conventions.another_convention(*line, given, self.averages or "J" in self.factors, self.witnesses)
        if taken is None or (taken.opposite and self.plain_delta):
            return found
        if taken.given is None:
            self.factors["J"] = Size(EXAMPLES)
            return Judgement("another convention", reason=taken.reason)
        if before and not ANOTHER_COST.search(self.words):
            against = judge(*line, before.under(given), self.witnesses)
            return replace(against, reason=f"a line above is {before.reason}") if against.verdict == "fails" else found
        self.taken = taken
        if not taken.opposite:
            return Judgement("another convention", reason=taken.reason)
        self.factors["delta"] = Number(Fraction(-1))
        return Judgement("another convention", reason=f"{taken.reason}; {conventions.OPPOSITE}")

    def _stated(self, left: Node, right: Node) -> None:
        """What a true line says of J and delta: that J is an average, and delta the chapter's."""
        if conventions.speaks_of(left, "J") != conventions.speaks_of(right, "J") and "J" not in self.factors:
            self.averages = True
        if conventions.speaks_of(left, "delta") != conventions.speaks_of(right, "delta") and "delta" not in self.factors:
            self.plain_delta = True

    def _may_be_thin(self, found: Judgement, left: Node, right: Node) -> bool:
        """A product of derivatives without indices; or an ill-formed line without any, where one neuron a layer is spoken of."""
        if products_of_bare_partials(left) or products_of_bare_partials(right):
            return True
        bare = not any(isinstance(n, Quantity) and n.indices for side in (left, right) for n in descendants(side))
        return self.single and bare and found.verdict == "ill-formed"

    def _given(self) -> Given:
        return replace(self.given, thin=self.given.thin or self.head.thin)

    def ours(self, node: Node) -> Node:
        """A side with the document's delta and J in terms of ours."""
        return conventions.in_our_terms(node, self.factors)

    def _mended(self, left: Node, right: Node, found: Judgement, *, fixed_left: bool = False) -> Judgement:
        """With a line that holds, one edit away, if there is one; and for which sigma it is true, if only for one."""
        given, ours = self._given(), self._ours_too()
        if found.verdict == "fails" and not found.reason and (name := conventions.only_for(left, right, given, ours)):
            found = replace(found, reason=f"true for {name} only, and the document does not say that sigma is {name}")
        if found.suggestion is None:
            sides = repair(left, right, given, ours, fixed_left=fixed_left)
            if sides is None and given.cost is None and conventions.speaks_of_a_cost(left, right):
                taken = self.taken.under(given) if self.taken else replace(given, cost="quadratic")
                sides = repair(left, right, taken, ours, fixed_left=fixed_left)
            found = replace(found, suggestion=None if sides is None else written(sides, fixed_left))
        return found

    def _ours_too(self) -> Witnesses:
        """The witnesses on lines in the document's terms."""
        if not self.factors:
            return self.witnesses
        prove, numbers, quick = self.witnesses.prove, self.witnesses.numbers, self.witnesses.quick
        return Witnesses(
            lambda left, right, given: prove(self.ours(left), self.ours(right), given),
            lambda left, right, given: numbers(self.ours(left), self.ours(right), given),
            lambda left, right, given: quick(self.ours(left), self.ours(right), given),
        )


def written(sides: Sides, continues: bool) -> str:
    """A line, in the notation; of one that continues another, its own side."""
    return f"{'' if continues else write.latex(sides[0])} = {write.latex(sides[1])}".strip()


def products_of_bare_partials(side: Node) -> bool:
    """dz/dw da/dz dC/da, without an index: its layout is open."""
    return any(isinstance(node, Product) and sum(map(_bare, node.factors)) >= 2 for node in descendants(side))


def _bare(node: Node) -> bool:
    if not isinstance(node, Partial):
        return False
    found = [q for q in descendants(node) if isinstance(q, Quantity) and q.letter not in "CJ"]
    return bool(found) and not any(q.indices for q in found)
