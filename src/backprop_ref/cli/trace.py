"""backprop-ref trace: a worked example, the numbers plugged into each equation, one step at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click
import numpy as np

from ..activations import ACTIVATIONS
from ..costs import COSTS
from ..gradient import subscript
from ..network import Network
from ..trace import Trace, classic, cost_equation, name
from ..trace import trace as work_out
from .common import SIZES, WIDTH, data_for, emit, fits_digits, output_options

T = TypeVar("T")
LONG, FIRST, LAST = 8, 4, 2  # of more than LONG alike, the FIRST and the LAST are shown

SIGMA = {  # sigma(z) and sigma'(z), as the legend has them
    "sigmoid": ("1/(1 + e^-z)", "sigma(z)*(1 - sigma(z))"),
    "tanh": ("tanh z", "1 - sigma(z)^2"),
    "relu": ("z if z > 0, else 0", "1 if z > 0, else 0"),
    "leaky_relu": ("z if z > 0, else z/100", "1 if z > 0, else 1/100"),
    "softplus": ("ln(1 + e^z)", "1/(1 + e^-z)"),
    "silu": ("z*s, where s = 1/(1 + e^-z)", "s*(1 + z*(1 - s))"),
    "gelu": ("z*s, where s = 1/(1 + e^-q), q = sqrt(8/pi)*(z + 0.044715*z^3)", "s*(1 + z*(1 - s)*q'(z))"),
    "gelu_erf": ("z*P, where P = (1 + erf(z/sqrt(2)))/2", "P + z*e^(-z^2/2)/sqrt(2*pi)"),
    "linear": ("z", "1"),
    "square": ("z^2", "2*z"),
    "cube": ("z^3", "3*z^2"),
    "softmax": ("exp(z_j) / sum_k exp(z_k)", "a_k*([k = j] - a_j), where [k = j] is 1 or 0"),
}
# The same, where they can be done on a pocket calculator; -z is written out by the caller.
SIGMA_OF = {"sigmoid": "1/(1 + e^{minus_z})", "square": "{z}^2", "cube": "{z}^3"}
SIGMA_PRIME_OF = {"sigmoid": "{a}*(1 - {a})", "tanh": "1 - {a}^2", "square": "2*{z}", "cube": "3*{z}^2"}
COST = {  # C, the part of one output in it, and dC/da
    "quadratic": ("1/2 sum_j (y_j - a^L_j)^2", "1/2 ({y} - {a})^2", "{a} - {y}"),
    "squared_error": ("sum_j (y_j - a^L_j)^2", "({y} - {a})^2", "2*({a} - {y})"),
    "mean_squared_error": ("1/n_L sum_j (y_j - a^L_j)^2", "1/{n} ({y} - {a})^2", "2/{n}*({a} - {y})"),
    "cross_entropy": (
        "- sum_j (y_j ln a^L_j + (1 - y_j) ln(1 - a^L_j))",
        "-({y} ln {a} + (1 - {y}) ln(1 - {a}))",
        "({a} - {y})/({a}*(1 - {a}))",
    ),
    "log_likelihood": ("- sum_j y_j ln a^L_j", "-{y} ln {a}", "-{y}/{a}"),
}
PAIR = {  # why delta^L is so simple
    "sigmoid": (
        "delta^L_j = dC/da^L_j * sigma'(z^L_j); here dC/da = (a - y)/(a*(1 - a)),",
        "sigma' = a*(1 - a), and the two a*(1 - a) cancel,",
    ),
    "softmax": (
        "delta^L_j = sum_k dC/da^L_k da^L_k/dz^L_j by (37); here dC/da_k = -y_k/a_k,",
        "da_k/dz_j = a_k*([k = j] - a_j), and the two a_k cancel,",
    ),
}


@click.command("trace")
@click.option("--sizes", type=SIZES, help="Neurons of each layer, such as 3,4,2.  [default: 3,4,2]")
@click.option("--example", type=click.Choice(["classic"]), help="The well-known 2-2-2 example instead; its biases are kept.")
@click.option(
    "--activation", help="One for all layers, or a,b,... for layers 2..L; softmax stands in L only.  [default: sigmoid]"
)
@click.option("--cost", default="quadratic", show_default=True)
@click.option("--eta", default=0.5, show_default=True, help="The learning rate of the step at the end.")
@click.option("--seed", default=0, show_default=True, help="Of the random weights, and of the data that are no digits.")
@click.option(
    "--full", is_flag=True, help=f"Show everything; else, of more than {LONG} alike, the first {FIRST} and last {LAST}."
)
@output_options
def trace(
    sizes: tuple[int, ...] | None,
    example: str | None,
    activation: str | None,
    cost: str,
    eta: float,
    seed: int,
    full: bool,
    format: str,
    output: str | None,
) -> None:
    """A worked example: every number, step by step.

    One example goes through the network (23), its cost is found, the error comes back (BP1, BP2), the gradient is read
    off (BP3, BP4), and each weight takes one step. Sizes 64,...,10 take a real digit.
    """
    if example and sizes:
        raise click.UsageError(f"--example {example} has sizes of its own; leave out --sizes, or --example.")
    if example:
        network, x, y = classic()
        network = Network.from_arrays(
            list(network.w.values()), list(network.b.values()), _activations(activation, network.L), cost
        )
        note = "the well-known example with inputs 0.05 and 0.10"
    else:
        network, x, y, note = _drawn(sizes or (3, 4, 2), activation, cost, seed)
    found = work_out(network, x, y, eta, update_biases=example is None)
    emit(render(found, note, full), as_json(found, note), format, output)


def _activations(names: str | None, L: int) -> str | list[str]:
    given = [part.strip() for part in (names or "sigmoid").split(",")]
    if given == ["softmax"]:
        return ["sigmoid"] * (L - 2) + given
    return given[0] if len(given) == 1 else given


def _drawn(sizes: tuple[int, ...], activation: str | None, cost: str, seed: int) -> tuple[Network, list[float], list[float], str]:
    """A random network and one example, with two decimals each, so that a reader can follow on a pocket calculator."""
    drawn = Network.random(sizes, _activations(activation, len(sizes)), cost, seed)
    weights, biases = ([v.round(2) for v in part.values()] for part in (drawn.w, drawn.b))
    network = Network.from_arrays(weights, biases, list(drawn.sigma.values()), cost)
    X, Y, note = data_for(sizes, 1, seed)
    x = X[0] if fits_digits(sizes) else np.round(X[0], 2)  # pixels are sixteenths
    return network, x.tolist(), Y[0].tolist(), f"{note}; weights random, seed {seed}"


def as_json(t: Trace, note: str) -> dict[str, Any]:
    """The same facts for programs: every number with all its digits, in the order of the text."""
    network = t.net.network
    return {
        "schema": "backprop-ref/trace/1",
        "verdict": "done",
        "sizes": network.sizes,
        "activations": [s.name for s in network.sigma.values()],
        "cost": network.cost.name,
        "data": note,
        "eta": t.eta,
        "update_biases": t.update_biases,
        "given": dict(t.given()),
        "steps": [{"equation": equation, "name": name, "value": value} for equation, name, value in t.steps()],
    }


# ------------------------------------------------------------------------------------------------------------- rendering


def render(t: Trace, note: str = "", full: bool = False) -> str:
    """The whole example as text, at most 80 columns wide. full=False: of more than 8 alike, the first 4 and the last 2."""
    page = Page(t, full)
    _given(page, note)
    for part in (_forward, _cost, _output_error, _backpropagate, _gradient, _update):
        part(page)
    return "\n".join(page.lines) + "\n"


class Page:
    """Lines of at most 80 columns, as they are written."""

    def __init__(self, t: Trace, full: bool) -> None:
        self.t, self.net, self.network, self.full = t, t.net, t.net.network, full
        self.L, self.layers = t.net.L, t.net.layers
        self.lines: list[str] = []

    def part(self, title: str, *equations: str) -> None:
        """The head of a part: what is done, and by which equations."""
        self.lines += ["", title, "-" * len(title)]
        for equation in equations:
            self.text(equation)

    def text(self, text: str) -> None:
        """A paragraph, indented by two."""
        self.wrap("  ", text.split(" "), "  ")

    def equals(self, left: str, *rights: str | list[str]) -> None:
        """left = right = right ..., on one line if it fits, else with each = on a line of its own."""
        sides = [[r] if isinstance(r, str) else r for r in rights]
        line = f"  {left} = " + " = ".join(" ".join(terms) for terms in sides)
        if len(line) <= WIDTH:
            self.lines.append(line)
            return
        margin = " " * (len(left) + 3)
        for i, terms in enumerate(sides):
            self.wrap(f"{margin}= " if i else f"  {left} = ", terms, margin + "    ")

    def wrap(self, start: str, terms: Iterable[str], margin: str) -> None:
        """Terms one after another, on the next line where one would pass the last column."""
        line, gap = start, ""
        for term in terms:
            if gap and len(line) + len(gap) + len(term) > WIDTH:
                self.lines.append(line)
                line, gap = margin, ""
            line, gap = line + gap + term, " "
        self.lines.append(line)

    def elide(self, items: Sequence[T], gap: Callable[[int], T]) -> list[T]:
        """The items; of more than 8, the first 4, a gap that says how many are left out, and the last 2."""
        if self.full or len(items) <= LONG:
            return list(items)
        return [*items[:FIRST], gap(len(items) - FIRST - LAST), *items[-LAST:]]

    def listed(self, what: str, items: list[str], *last: str) -> None:
        """what  item, item, item, and what is never left out."""
        shown_items = [*self.elide(items, "... {} more ...".format), *last]
        self.wrap(f"  {what:9}", [f"{item}," for item in shown_items[:-1]] + shown_items[-1:], " " * 11)

    def sum(self, terms: Iterable[str], *last: str) -> list[str]:
        """Terms with the signs between them, a, + b, - c, a long sum elided in its middle; last is never left out."""
        first, *others = [*self.elide([*terms], "... {} more terms ...".format), *last]
        return [first] + [f"- {term[1:]}" if term.startswith("-") else f"+ {term}" for term in others]

    def some(self, numbers: range, what: str, apart: bool = False) -> Iterator[int]:
        """The numbers of neurons, elided as above; apart=True puts a blank line before each."""
        for n in self.elide([*numbers], lambda left_out: -left_out):
            self.lines += [""] * apart
            if n > 0:
                yield n
            else:
                self.lines.append(f"  ... {-n} more {what} ...")


def shown(value: float) -> str:
    """A number to 9 digits, and 0 without a minus."""
    return f"{value + 0.0:.9g}"


def factor(value: float) -> str:
    """A number behind an operator."""
    return f"({shown(value)})" if value < 0 else shown(value)


def product(p: float, q: float) -> str:
    """p*q, in numbers."""
    return f"{shown(p)}*{factor(q)}"


def _given(page: Page, note: str) -> None:
    t, network = page.t, page.network
    page.lines.append(f"Backpropagation worked out: one example, one step of a {'-'.join(map(str, network.sizes))} network")
    page.part("Given")
    if note:
        page.text(f"{note[0].upper()}{note[1:]}.")
    kept = "" if t.update_biases else "; the biases keep their values" if network.has_biases else "; there are no biases"
    page.text(f"Learning rate eta = {shown(t.eta)}{kept}. Numbers are shown to 9 digits and computed with 16.")
    if not page.full and max(network.sizes) > LONG:
        page.text(f"Of more than {LONG} alike, the first {FIRST} and the last {LAST} are shown; --full shows them all.")
    page.lines.append("")
    page.text("w^l_jk     the weight from neuron k of layer l - 1 to neuron j of layer l")
    page.text("delta^l_j  the error of neuron j of layer l: dC/dz^l_j")
    for sigma in dict.fromkeys(network.sigma.values()):
        page.lines.append("")
        where = [str(l) for l in page.layers if network.sigma[l] is sigma]
        page.text(f"{sigma.name}, in layer{'s' * (len(where) > 1)} {' and '.join(where)}")
        if ACTIVATIONS.get(sigma.name) is sigma:
            names = ("sigma(z) ", "sigma'(z)") if sigma.elementwise else ("a_j      ", "da_k/dz_j")
            for left, right in zip(names, SIGMA[sigma.name], strict=True):
                page.equals(f"  {left}", right.split(" "))
    page.lines.append("")
    page.listed("inputs", [f"{name('a', 1, k)} = {shown(v)}" for k, v in t.a[1].items()])
    page.listed("targets", [f"y_{subscript(j)} = {shown(v)}" for j, v in t.y.items()])
    for l, j in _neurons(page, apart=False):
        weights = [f"{name('w', l, j, k)} = {shown(page.net.w[l][j, k])}" for k in page.net.neurons(l - 1)]
        page.listed(f"layer {l}", weights, *[f"{name('b', l, j)} = {shown(page.net.b[l][j])}"] * page.net.has_biases)


def _forward(page: Page) -> None:
    for l in page.layers:
        elementwise, neurons = page.net.elementwise[l], page.net.neurons(l)
        page.part(
            f"Forward to layer {l}: (23)",
            "z^l_j = sum_k w^l_jk a^(l-1)_k" + (" + b^l_j" if page.net.has_biases else ""),
            "a^l_j = sigma(z^l_j)" if elementwise else f"a^{l}_j is made of all the z^{l}_k of the layer",
        )
        for j in page.some(neurons, f"neurons of layer {l}", apart=True):
            _weighted_input(page, l, j)
            if elementwise:
                z, a = page.t.z[l][j], page.t.a[l][j]
                worked = _worked(SIGMA_OF, page, l, j)
                page.equals(name("a", l, j), f"sigma({name('z', l, j)})", f"sigma({shown(z)})", *worked, shown(a))
        if not elementwise:
            for j in page.some(neurons, f"neurons of layer {l}", apart=True):
                page.equals(name("a", l, j), *_softmax(page, l, j), shown(page.t.a[l][j]))


def _weighted_input(page: Page, l: int, j: int) -> None:
    w, a, b = page.net.w[l], page.t.a[l - 1], page.net.b[l][j]
    bias = page.net.has_biases
    symbols = page.sum([f"{name('w', l, j, k)} {name('a', l - 1, k)}" for k in a], *[name("b", l, j)] * bias)
    numbers = page.sum([product(w[j, k], a_k) for k, a_k in a.items()], *[shown(b)] * bias)
    page.equals(name("z", l, j), symbols, numbers, shown(page.t.z[l][j]))


def _worked(forms: Mapping[str, str], page: Page, l: int, j: int) -> list[str]:
    """The formula of sigma or sigma' with the numbers of neuron j of layer l in it, where there is one to show."""
    sigma, z, a = page.network.sigma[l], page.t.z[l][j], page.t.a[l][j]
    if ACTIVATIONS.get(sigma.name) is not sigma or sigma.name not in forms:
        return []
    return [forms[sigma.name].format(z=factor(z), a=factor(a), minus_z=shown(-z))]


def _softmax(page: Page, l: int, j: int) -> list[list[str]]:
    z = page.t.z[l]
    if page.network.sigma[l] is not ACTIVATIONS["softmax"]:
        return []
    by_name, by_value = {k: f"exp({name('z', l, k)})" for k in z}, {k: f"exp({shown(v)})" for k, v in z.items()}
    return [_bracketed(f"{exps[j]} / (", page.sum(exps.values())) for exps in (by_name, by_value)]


def _bracketed(before: str, terms: list[str], behind: str = "") -> list[str]:
    """A sum in brackets, with what stands before and behind them."""
    before_all = [before + terms[0], *terms[1:]]
    return [*before_all[:-1], f"{before_all[-1]}){behind}"]


def _cost(page: Page) -> None:
    t, cost, L = page.t, page.network.cost, page.L
    formula = [f"C = {COST[cost.name][0]}"] if COSTS.get(cost.name) is cost else []
    convention = ["where 0 ln x counts as 0, whatever x is"] if formula and " ln " in formula[0] else []
    page.part(f"Cost: {cost_equation(page.network)}", *formula, *convention)
    page.lines.append("")
    if not t.terms:
        page.equals("C", f"C(a^{L}, y)", shown(t.C))
        return
    part, n = COST[cost.name][1], len(t.y)
    symbols = [part.format(y=f"y_{subscript(j)}", a=name("a", L, j), n=n) for j in t.y]
    numbers = [part.format(y=factor(t.y[j]), a=factor(t.a[L][j]), n=n) for j in t.y]
    values = [page.sum([shown(v) for v in t.terms.values()])] if n > 1 else []
    page.equals("C", page.sum(symbols), page.sum(numbers), *values, shown(t.C))


def _output_error(page: Page) -> None:
    t, net, L = page.t, page.net, page.L
    neurons, last = net.neurons(L), f"neurons of layer {L}"
    if net.pair:
        page.part("Error of the output layer: BP1", *_why_the_pair(page))
        page.lines.append("")
        for j in page.some(neurons, last):
            page.equals(name("delta", L, j), *_paired(page, j), shown(t.delta[L][j]))
    elif net.elementwise[L]:
        page.part("Error of the output layer: BP1", "delta^L_j = dC/da^L_j * sigma'(z^L_j)")
        for j in page.some(neurons, last, apart=True):
            _dC_da(page, j)
            _sigma_prime(page, L, j)
            factors = product(t.dC_da[j], t.sigma_prime[L][j])
            symbols = f"dC/d{name('a', L, j)} * sigma'({name('z', L, j)})"
            page.equals(name("delta", L, j), symbols, factors, shown(t.delta[L][j]))
    else:
        _softmax_error(page)


def _softmax_error(page: Page) -> None:
    t, L, neurons = page.t, page.L, page.net.neurons(page.L)
    page.part(
        "Error of the output layer: (37)",
        "delta^L_j = sum_k dC/da^L_k da^L_k/dz^L_j, where the sum stays: each z^L_j moves every a^L_k",
    )
    page.lines.append("")
    for k in page.some(neurons, f"neurons of layer {L}"):
        _dC_da(page, k)
    for j in page.some(neurons, f"neurons of layer {L}", apart=True):
        for k in page.some(neurons, f"neurons of layer {L}"):
            page.equals(f"d{name('a', L, k)}/d{name('z', L, j)}", *_softmax_slope(page, k, j), shown(t.da_dz[k, j]))
        symbols = page.sum(f"dC/d{name('a', L, k)} d{name('a', L, k)}/d{name('z', L, j)}" for k in neurons)
        numbers = page.sum(product(t.dC_da[k], t.da_dz[k, j]) for k in neurons)
        page.equals(name("delta", L, j), symbols, numbers, shown(t.delta[L][j]))


def _why_the_pair(page: Page) -> list[str]:
    """Why delta^L is a - y, and that it is; of a pair of the user's own, that it is one."""
    sigma, cost = page.network.sigma[page.L], page.network.cost
    if _is_own_pair(page):
        return [f"{sigma.name} and {cost.name} give delta^L at once, as a pair."]
    whole = "a^L_j - y_j" if sigma.elementwise or sum(page.t.y.values()) == 1 else "a^L_j sum_k y_k - y_j"
    return [*PAIR[sigma.name], f"so that delta^L_j = {whole}"]


def _is_own_pair(page: Page) -> bool:
    sigma, cost = page.network.sigma[page.L], page.network.cost
    return COSTS.get(cost.name) is not cost or ACTIVATIONS.get(sigma.name) is not sigma


def _paired(page: Page, j: int) -> list[str]:
    t, L = page.t, page.L
    if _is_own_pair(page):
        return []
    scale = "" if page.net.elementwise[L] or sum(t.y.values()) == 1 else f"*{factor(sum(t.y.values()))}"
    return [f"{name('a', L, j)}{scale} - y_{subscript(j)}", f"{shown(t.a[L][j])}{scale} - {factor(t.y[j])}"]


def _dC_da(page: Page, j: int) -> None:
    t, cost, L = page.t, page.network.cost, page.L
    worked = []
    if COSTS.get(cost.name) is cost:
        form, n = COST[cost.name][2], len(t.y)
        worked = [
            form.format(y=f"y_{subscript(j)}", a=name("a", L, j), n=n),
            form.format(y=factor(t.y[j]), a=factor(t.a[L][j]), n=n),
        ]
    page.equals(f"dC/d{name('a', L, j)}", *worked, shown(t.dC_da[j]))


def _sigma_prime(page: Page, l: int, j: int) -> None:
    z, slope = page.t.z[l][j], page.t.sigma_prime[l][j]
    page.equals(f"sigma'({name('z', l, j)})", f"sigma'({shown(z)})", *_worked(SIGMA_PRIME_OF, page, l, j), shown(slope))


def _softmax_slope(page: Page, k: int, j: int) -> list[str]:
    a, L = page.t.a[page.L], page.L
    if page.network.sigma[L] is not ACTIVATIONS["softmax"]:
        return []
    if k == j:
        return [f"{name('a', L, j)}*(1 - {name('a', L, j)})", f"{shown(a[j])}*(1 - {shown(a[j])})"]
    return [f"-{name('a', L, k)}*{name('a', L, j)}", f"-{shown(a[k])}*{shown(a[j])}"]


def _backpropagate(page: Page) -> None:
    t, net = page.t, page.net
    for l in reversed(range(2, page.L)):
        page.part(f"Error of layer {l}: BP2", "delta^l_j = (sum_k w^(l+1)_kj delta^(l+1)_k) * sigma'(z^l_j)")
        for j in page.some(net.neurons(l), f"neurons of layer {l}", apart=True):
            _sigma_prime(page, l, j)
            above, slope = net.neurons(l + 1), t.sigma_prime[l][j]
            symbols = page.sum(f"{name('w', l + 1, k, j)} {name('delta', l + 1, k)}" for k in above)
            numbers = page.sum(product(net.w[l + 1][k, j], t.delta[l + 1][k]) for k in above)
            page.equals(
                name("delta", l, j),
                _bracketed("(", symbols, f" * sigma'({name('z', l, j)})"),
                _bracketed("(", numbers, f" * {factor(slope)}"),
                f"{shown(t.sums[l][j])} * {factor(slope)}",
                shown(t.delta[l][j]),
            )


def _gradient(page: Page) -> None:
    t, net = page.t, page.net
    if net.has_biases:
        page.part("Gradient by the biases: BP3", "dC/db^l_j = delta^l_j")
        for l in page.layers:
            page.lines.append("")
            for j in page.some(net.neurons(l), f"biases of layer {l}"):
                page.equals(name("dC/db", l, j), name("delta", l, j), shown(t.nabla_b[l][j]))
    page.part("Gradient by the weights: BP4", "dC/dw^l_jk = a^(l-1)_k delta^l_j")
    for l, j in _neurons(page):
        for k in page.some(net.neurons(l - 1), f"weights into neuron {j} of layer {l}"):
            symbols = f"{name('a', l - 1, k)} {name('delta', l, j)}"
            numbers = product(t.a[l - 1][k], t.delta[l][j])
            page.equals(name("dC/dw", l, j, k), symbols, numbers, shown(t.nabla_w[l][j, k]))


def _update(page: Page) -> None:
    t, net = page.t, page.net
    rules = ["new w^l_jk = w^l_jk - eta dC/dw^l_jk"] + ["new b^l_j  = b^l_j - eta dC/db^l_j"] * t.update_biases
    page.part("One step of gradient descent, downhill", *rules)
    for l, j in _neurons(page):
        for k in page.some(net.neurons(l - 1), f"weights into neuron {j} of layer {l}"):
            step = product(t.eta, t.nabla_w[l][j, k])
            page.equals(f"new {name('w', l, j, k)}", f"{shown(net.w[l][j, k])} - {step}", shown(t.new_w[l][j, k]))
        if t.update_biases:
            step = product(t.eta, t.nabla_b[l][j])
            page.equals(f"new {name('b', l, j)}", f"{shown(net.b[l][j])} - {step}", shown(t.new_b[l][j]))
    page.lines.append("")
    page.text(f"Forward again, with the new parameters: C was {shown(t.C)} and is {shown(t.new_C)}.")
    if not t.new_C <= t.C:
        page.text("The step was too long: the gradient says where downhill is, not how far. Try a smaller --eta.")


def _neurons(page: Page, apart: bool = True) -> Iterator[tuple[int, int]]:
    """(l, j) for the neurons that are shown."""
    for l in page.layers:
        for j in page.some(page.net.neurons(l), f"neurons of layer {l}", apart):
            yield l, j
