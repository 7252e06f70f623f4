"""Wrong ends: what can be written in the place of the forward pass, the mean and the last line, as data.

The catalogue itself is mistakes.py.
"""

from typing import Any

from .planting import Mistake

GRAD_B, GRAD_W = r"\nabla_{b^l} = ", r"\nabla_{w^l} = "


def _averages() -> list[Mistake]:
    def both(slug: str, title: str, text: str, latex: str, sentence: str, **more: Any) -> Mistake:
        parts = {"average_w": text, "average_b": text}
        return Mistake(slug, title, "average", parts, rf"\nabla C = {latex}", sentence, **more)

    def one(v: str, text: str, latex: str, slug: str, title: str, sentence: str) -> Mistake:
        letter, equation = ("biases", "BP3") if v == "b" else ("weights", "BP4")
        wrong = rf"\frac{{\partial C}}{{\partial {v}^l}} = " + latex.replace("?", rf"\frac{{\partial C_x}}{{\partial {v}^l}}")
        sentence = sentence.replace("?", letter)
        return Mistake(
            f"{equation.lower()}-{slug}", f"{title} in {equation} only", equation, {f"average_{v}": text}, wrong, sentence
        )

    return [
        both(
            "mean-missing",
            "1/m missing",
            "total",
            r"\textstyle\sum_x \nabla C_x",
            "The gradients of the examples are summed and not divided by their number: 1/m is missing.",
            common=True,
        ),
        *(
            one(
                v,
                "total",
                r"\textstyle\sum_x ?",
                "mean-missing",
                "1/m missing",
                "The gradient of the ? is summed over the examples and not divided by m; the other one is.",
            )
            for v in "bw"
        ),
        both(
            "mean-twice",
            "divided by m twice",
            "total / m ** 2",
            r"\textstyle\frac{1}{m^2} \sum_x \nabla C_x",
            "The sum over the examples is divided by m twice: once in the cost, and once more at the end.",
            common=True,
        ),
        *(
            one(
                v,
                "total / m ** 2",
                r"\textstyle\frac{1}{m^2} \sum_x ?",
                "mean-twice",
                "divided by m twice",
                "The gradient of the ? is divided by m twice; the other one is divided once.",
            )
            for v in "bw"
        ),
        both(
            "mean-m-minus-1",
            "divided by m - 1",
            "total / (m - 1)",
            r"\textstyle\frac{1}{m - 1} \sum_x \nabla C_x",
            "The sum over the examples is divided by m - 1, as for a variance; the mean of m gradients is divided by m.",
            common=True,
        ),
        both(
            "mean-over-outputs",
            "divided by n_L instead of m",
            "total / n[L]",
            r"\textstyle\frac{1}{n_L} \sum_x \nabla C_x",
            "The sum over the examples is divided by the number of outputs; it must be divided by the number of examples.",
        ),
        Mistake(
            "last-example-dropped",
            "the last example dropped",
            "BP3, BP4",
            {"bp3": "sum_examples(delta[l][:, :-1])", "bp4": "delta[l][:, :-1] @ a[l - 1][:, :-1].T"},
            r"\nabla C = \textstyle\frac{1}{m} \sum_{x < m} \nabla C_x",
            "The loop over the examples ends one too early: the last example is never used, though the sum is divided by m.",
            common=True,
        ),
        Mistake(
            "first-example-only",
            "the first example only",
            "BP3, BP4, average",
            {
                "bp3": "sum_examples(delta[l][:, :1])",
                "bp4": "delta[l][:, :1] @ a[l - 1][:, :1].T",
                "average_w": "total",
                "average_b": "total",
            },
            r"\nabla C = \nabla C_1",
            "Only the first example of the batch is used.",
        ),
        Mistake(
            "examples-overwritten",
            "each example overwrites the one before",
            "BP3, BP4",
            {"bp3": "sum_examples(delta[l][:, -1:])", "bp4": "delta[l][:, -1:] @ a[l - 1][:, -1:].T"},
            r"\nabla C = \tfrac{1}{m} \nabla C_m",
            "The gradients of the examples are assigned and not added up: what is left is that of the last one, divided by m.",
            common=True,
        ),
        Mistake(
            "examples-mismatched",
            "delta and a of different examples",
            "BP4",
            {"bp4": "delta[l] @ a[l - 1][:, ::-1].T"},
            r"\frac{\partial C}{\partial w^l} = \textstyle\frac{1}{m} \sum_x \delta^{x,l} (a^{m+1-x,l-1})^T",
            "delta of one example is multiplied by the activations of another: one of the two was put in another order.",
        ),
    ]


def _finish() -> list[Mistake]:
    def wrong(slug: str, title: str, latex: str, sentence: str, w: str = "", b: str = "", **more: Any) -> Mistake:
        parts = ({"finish_w": w} if w else {}) | ({"finish_b": b} if b else {})
        return Mistake(slug, title, "finish", parts, latex, sentence, **more)

    def both(slug: str, title: str, text: str, latex: str, sentence: str, **more: Any) -> Mistake:
        b = text.replace("nabla_w", "nabla_b").replace("w[", "b[").replace("[::-1, ::-1]", "[::-1]")
        return wrong(slug, title, rf"\nabla = {latex}", sentence, text, b, **more)

    return [
        both("sign", "the whole gradient with the wrong sign", "-chapter", r"-\nabla C", "The gradient has the wrong sign."),
        both(
            "factor",
            "the whole gradient times c",
            "c * chapter",
            r"c \, \nabla C",
            "The gradient is right up to one constant factor c, the same in every layer.",
            unknown="c",
            typical=3.0,
        ),
        both(
            "step-returned",
            "the updated parameters returned",
            "w[l] - eta * nabla_w[l]",
            r"w - \eta \nabla C",
            "What is returned are the parameters after a step of gradient descent, and not the gradient.",
            unknown="eta",
            typical=0.5,
        ),
        both(
            "clipped",
            "the gradient clipped",
            "clip(chapter, c)",
            r"\mathrm{clip}(\nabla C, \pm c)",
            "Entries beyond c are cut to c: the gradient of C is clipped in the optimizer, not in backpropagation.",
            unknown="c",
            typical=0.001,
        ),
        wrong(
            "norm-clipped",
            "the norm of each nabla_w clipped",
            GRAD_W + r"\min\left(1, \frac{c}{\|\nabla_{w^l}\|}\right) \frac{\partial C}{\partial w^l}",
            "The gradient of each layer's weights is scaled down to norm c where it is larger.",
            "chapter * smaller(1, c / norm(chapter))",
            unknown="c",
            typical=0.001,
        ),
        both(
            "rounded",
            "the gradient rounded",
            "round(chapter, 4)",
            r"\mathrm{round}(\nabla C)",
            "The gradient is rounded to four decimals, as for printing.",
        ),
        both(
            "float32",
            "float32 inside",
            "float32(chapter)",
            r"\mathrm{float32}(\nabla C)",
            "The gradient went through float32 and back: about seven of its sixteen digits are left.",
        ),
        wrong(
            "regularised",
            "regularisation left in",
            GRAD_W + r"\frac{\partial C}{\partial w^l} + \lambda w^l",
            "The gradient of a regularisation term is added, but the cost that was declared has none.",
            "chapter + lmbda * w[l]",
            unknown="lmbda",
            typical=0.1,
            common=True,
            beside_decay=(
                "weight decay with another lambda",
                "The weight decay that was declared has lambda = ?; here it has another lambda.",
            ),
        ),
        both(
            "regularised-biases",
            "regularisation left in, biases too",
            "chapter + lmbda * w[l]",
            r"\nabla C + \lambda (w, b)",
            "The gradient of a regularisation term is added, for the biases too, but the cost that was declared has none.",
            unknown="lmbda",
            typical=0.1,
            beside_decay=(
                "weight decay on the biases too",
                "The weight decay that was declared, lambda = ?, is that of the weights; here the biases have one too.",
            ),
        ),
        wrong(
            "regularised-l1",
            "L1 regularisation left in",
            GRAD_W + r"\frac{\partial C}{\partial w^l} + \lambda \, \mathrm{sgn}(w^l)",
            "The gradient of an L1 term is added, but the cost that was declared has none.",
            "chapter + lmbda * sign(w[l])",
            unknown="lmbda",
            typical=0.1,
            beside_decay=(
                "L1 instead of weight decay",
                "The weight decay that was declared, lambda = ?, adds lambda w^l; L1 adds only the sign of w^l, times lambda.",
            ),
        ),
        both(
            "layers-reversed",
            "the layers in reversed order",
            "nabla_w[L + 2 - l]",
            r"(\nabla_L, \dots, \nabla_2)",
            "The gradients stand in the order in which they were found, from layer L down; it must be from layer 2 up.",
            common=True,
        ),
        both(
            "layers-shifted",
            "the layers shifted by one",
            "nabla_w[l + 1]",
            r"(\nabla_3, \dots, \nabla_L, \nabla_L)",
            "Each layer is given the gradient of the layer above it: an index is off by one.",
        ),
        wrong(
            "rows-reversed",
            "the rows of nabla_w in reversed order",
            GRAD_W + r"\text{rows of } \frac{\partial C}{\partial w^l} \text{ reversed}",
            "The rows of nabla_w are in reversed order: neuron j gets the weights of neuron n_l + 1 - j.",
            "nabla_w[l][::-1]",
        ),
        wrong(
            "columns-reversed",
            "the columns of nabla_w in reversed order",
            GRAD_W + r"\text{columns of } \frac{\partial C}{\partial w^l} \text{ reversed}",
            "The columns of nabla_w are in reversed order: input k gets the gradient of input n_{l-1} + 1 - k.",
            "nabla_w[l][:, ::-1]",
        ),
        wrong(
            "rows-shifted",
            "the rows of nabla_w shifted by one",
            GRAD_W + r"\text{rows of } \frac{\partial C}{\partial w^l} \text{ shifted}",
            "The rows of nabla_w are shifted by one neuron: an index is off by one.",
            "roll(nabla_w[l])",
        ),
        wrong(
            "biases-from-w",
            "nabla_b taken from the first column of nabla_w",
            GRAD_B + r"\frac{\partial C}{\partial w^l_{\cdot 1}}",
            "The gradient of the biases is read from the first column of nabla_w, where this network has a weight.",
            b="nabla_w[l][:, :1]",
        ),
    ]


def _forward() -> list[Mistake]:
    def wrong(slug: str, title: str, parts: dict[str, str], latex: str, sentence: str, **more: Any) -> Mistake:
        return Mistake(f"forward-{slug}", title, "forward", parts, latex, sentence, **more)

    return [
        wrong(
            "bias-missing",
            "the bias left out of z",
            {"z": "w[l] @ a[l - 1]"},
            "z^l = w^l a^{l-1}",
            "The bias is left out of the weighted input, though its gradient is returned.",
            common=True,
        ),
        wrong(
            "bias-subtracted",
            "the bias subtracted",
            {"z": "w[l] @ a[l - 1] - b[l]"},
            "z^l = w^l a^{l-1} - b^l",
            "The bias is subtracted, as a threshold is; in the book b^l is added.",
        ),
        wrong(
            "w-transposed",
            "w transposed in the forward pass",
            {"z": "w[l].T @ a[l - 1] + b[l]"},
            "z^l = (w^l)^T a^{l-1} + b^l",
            "The weights are transposed in the forward pass; row j of w^l holds the weights into neuron j.",
        ),
        wrong(
            "sigma-twice",
            "sigma applied twice",
            {"a": "sigma[l](sigma[l](z[l]))"},
            r"a^l = \sigma(\sigma(z^l))",
            "sigma is applied twice in the forward pass: once in the layer, and once more when its output is read.",
        ),
        wrong(
            "sigma-missing",
            "sigma left out of the forward pass",
            {"a": "z[l]"},
            "a^l = z^l",
            "sigma is left out of the forward pass: the activation is the weighted input itself.",
        ),
        wrong(
            "float32",
            "float32 inside the forward pass",
            {"a": "float32(chapter)"},
            r"a^l = \mathrm{float32}(\sigma(z^l))",
            "The activations are kept in float32: only about seven digits of the gradient are right.",
        ),
        wrong(
            "mask-missing",
            "a dropout mask left out of BP2",
            {"a": "mask[l] * sigma[l](z[l])"},
            r"a^l = r^l \odot \sigma(z^l)",
            "Neurons are dropped in the forward pass, but errors still flow back through them: BP2 lacks the mask r^l.",
            unknown="mask",
        ),
        Mistake(
            "dropout-left-on",
            "dropout left on",
            "forward, BP2",
            {"a": "mask[l] * sigma[l](z[l])", "bp2": "mask[l] * chapter"},
            r"a^l = r^l \odot \sigma(z^l) \quad \delta^l = r^l \odot ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
            "Neurons are dropped in both passes: this is the gradient of a thinned network, not of the one that was declared.",
            unknown="mask",
        ),
    ]


ENDS: tuple[Mistake, ...] = (*_averages(), *_finish(), *_forward())
