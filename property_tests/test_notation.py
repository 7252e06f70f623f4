"""Written and read again, a formula is the same; and no text at all breaks the reader."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_ref.derivation.notation import write
from backprop_ref.derivation.notation.dialects import PRESETS, Dialect
from backprop_ref.derivation.notation.fold import fold
from backprop_ref.derivation.notation.reader import Part, read
from backprop_ref.derivation.notation.tree import (
    Add,
    Apply,
    Identity,
    Kronecker,
    Layer,
    Negative,
    Norm,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Size,
    Sum,
    Transpose,
    Variable,
    children,
    with_children,
)

TWO = Number(Fraction(2))
layers = st.builds(Layer, st.sampled_from(["l", "L"]), st.integers(-2, 2)) | st.builds(Layer, st.just(""), st.integers(1, 4))
names = st.sampled_from(["i", "j", "k", "m", "p", "q", "m1", "k'"])
indices = names | st.integers(1, 12)


@st.composite
def entries(draw, example):
    """One number of a network."""
    letter = draw(st.sampled_from("wbza") | st.just("delta") | st.just("y"))
    layer = Layer("L") if letter == "y" else draw(layers)
    over = (draw(indices), draw(indices)) if letter == "w" else (draw(indices),)
    return Quantity(letter, layer, over, example if letter not in "wb" else None)


@st.composite
def arrays(draw, example):
    """A vector or a matrix of a network, or the product of two."""
    letter = draw(st.sampled_from("wbza") | st.just("delta") | st.just("y"))
    layer = Layer("L") if letter == "y" else draw(layers)
    whole = Quantity(letter, layer, (), example if letter not in "wb" else None)
    return draw(
        st.sampled_from([whole, whole, Transpose(whole), Apply("sigma", whole, 1), Apply("diag", Apply("sigma", whole, 1))])
    )


def partials(example):
    by = entries(example).filter(lambda q: q.letter not in ("delta", "y"))
    cost = Quantity("C", example=example)
    return st.builds(Partial, st.just(cost) | entries(example), by)


def no_abs(tree):
    """||z|| is a norm."""
    return not isinstance(tree, Apply) or tree.function != "abs"


def larger(example):
    """Numbers from smaller ones."""

    def grow(trees):
        several = st.lists(trees, min_size=2, max_size=3).map(tuple)
        return st.one_of(
            several.map(Add),
            several.map(Product),
            trees.map(Negative),
            trees.map(lambda base: Power(base, TWO)),
            st.builds(Quotient, trees, trees).filter(lambda q: not (isinstance(q.above, Number) and isinstance(q.below, Number))),
            st.builds(Sum, names, trees),
            st.builds(lambda name, body, layer: Sum(name, body, layer), names, trees, layers),
            st.builds(Apply, st.sampled_from(["exp", "log", "tanh", "sqrt", "max0"]), trees),
            st.builds(
                Apply, st.just("abs"), trees.filter(lambda t: not isinstance(t, Apply) or t.function != "abs")
            ),  # ||z|| is a norm
            st.builds(Apply, st.just("sigma"), trees, st.integers(0, 3)),
            st.builds(Partial, trees, entries(example).filter(lambda q: q.letter in "wbza")),
        )

    return grow


def numbers(example):
    leaves = st.one_of(
        entries(example),
        entries(example),
        partials(example),
        st.fractions(0, 9, max_denominator=5).map(Number),
        st.sampled_from(["eta", "lambda", "epsilon"]).map(Variable),
        layers.map(Size),
        st.builds(Kronecker, indices, indices),
        arrays(example).map(Norm),
    )
    return st.recursive(leaves, larger(example), max_leaves=10)


@st.composite
def products(draw, example):
    """Arrays side by side, entry by entry, or with a number before them."""
    kind = draw(st.sampled_from(["plain", "plain", "hadamard", "dot"]))
    factors = draw(st.lists(arrays(example), min_size=2, max_size=3))
    product = Product(tuple(factors), kind)
    again = Product((product, draw(arrays(example))), "plain" if kind == "hadamard" else "hadamard")
    return draw(st.sampled_from([product, again, Product((TWO, factors[0])), Add((product, factors[0]))]))


def trees(example):
    return numbers(example) | products(example) | st.sampled_from([Identity(), Ones(Layer("l"))])


def sides(text, syntax):
    (part,) = read(text, syntax, Dialect())
    assert part.problem is None, f"{part.problem}: {text}"
    return part.chain.sides


any_tree = trees(None) | trees("x")


@given(any_tree)
@settings(max_examples=150)
def test_a_formula_that_is_written_is_read_as_it_was(tree):
    assert sides(write.latex(tree), "latex") == (tree,)


@given(any_tree)
@settings(max_examples=150)
def test_in_plain_text_too(tree):
    assert sides(write.plain(tree), "plain") == (tree,)


def mapped(tree, change):
    """The tree with every quantity changed."""

    def moved(node, new):
        node = with_children(node, iter(new))
        return change(node) if isinstance(node, Quantity) else node

    return fold(tree, children, moved)


def turned(q):
    """w_jk from j to k."""
    return replace(q, indices=q.indices[::-1]) if q.letter == "w" else q


def entered(q):
    """w and b of the layer after their number."""
    return replace(q, layer=q.layer + 1) if q.letter in ("w", "b") else q


def from_zero(q):
    """Layers whose numbers begin at 0; y is of the last, whatever its number."""
    return replace(q, layer=q.layer + 1) if q.layer and not q.layer.base else q


OTHER_ORDERS = [("weights", "from-to", turned), ("weights numbered", "leave", entered), ("first layer", "0", from_zero)]


@given(entries(None) | partials(None) | st.builds(Sum, names, entries(None)))
@settings(max_examples=100)
def test_a_notation_changes_what_it_says_and_nothing_else(tree):
    text = write.latex(tree)
    for notation, change in (
        ({"weights": "from-to"}, turned),
        ({"weights numbered": "leave"}, entered),
        ({"first layer": "0"}, from_zero),
    ):
        (part,) = read(text, "latex", Dialect.from_settings(notation))
        assert part.chain.sides == (mapped(tree, change),)


OTHER_LETTERS = {"cost": "E", "target": "t", "activation": "f", "weighted input": "u", "activations": "v", "error": "g"}
RENAMED = str.maketrans({"C": "E", "y": "t", "z": "u", "a": "v"})


@given(entries(None) | partials(None))
@settings(max_examples=100)
def test_other_letters_are_read_as_the_chapters(tree):
    text = write.latex(tree)
    commands = {r"\partial": r"\p@rti@l", r"\frac": r"\fr@c", r"\delta": "g"}
    for command, kept in commands.items():
        text = text.replace(command, kept)
    text = text.translate(RENAMED).replace("@", "a")
    (part,) = read(text, "latex", Dialect.from_settings(OTHER_LETTERS))
    assert part.chain.sides == (tree,)


SCRAPS = r"""
\frac \partial \sum \sigma \delta \nabla \odot \cdot \left( \right) \text{if} \begin{cases} \end{cases} \\ \ldots \Delta \Sigma
^ _ { } ( ) [ ] | || ' , . = := ≈ \to + - * / @ & ~ % $ # < \neq \hat \mathbf \mathcal \quad \prime ^T ² ᵀ ˡ ⱼ ⊙ ∂ ∑
a z w b C J x y d e L l j k i n m 0 1 2 12 0.5 sum( sum_k norm( exp np.sum axis max( diag sigma' delta[ O( epsilon
"""
SIGNS = SCRAPS.split()
scraps = st.lists(st.sampled_from(SIGNS), max_size=25).map(" ".join) | st.lists(st.sampled_from(SIGNS), max_size=25).map("".join)
dialects = st.sampled_from(sorted(PRESETS)).map(Dialect.from_settings)


def answered(text, syntax, dialect):
    """Each part is a formula or says what it is not, and where; each node knows its place."""
    for part in read(text, syntax, dialect):
        assert isinstance(part, Part)
        assert 0 <= part.start <= part.end <= len(text)
        if part.chain is None:
            assert part.problem
            assert part.at is not None
            assert 0 <= part.at <= len(text)
        else:
            assert len(part.chain.sides) == len(part.chain.relations) + (not part.continues)


@given(st.text(max_size=60) | scraps, st.sampled_from(["latex", "plain"]), dialects)
@settings(max_examples=300)
def test_any_text_gets_an_answer(text, syntax, dialect):
    answered(text, syntax, dialect)
