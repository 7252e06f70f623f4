"""Wrong gradients: what can be written in the place of BP3 and BP4, as data. The catalogue itself is mistakes.py."""

from typing import Any

from .planting import Mistake

NABLA_B, NABLA_W = r"\frac{\partial C}{\partial b^l} = ", r"\frac{\partial C}{\partial w^l} = "


def _bp3() -> list[Mistake]:
    def wrong(slug: str, title: str, text: str, latex: str, sentence: str, **more: Any) -> Mistake:
        return Mistake(f"bp3-{slug}", title, "BP3", {"bp3": text}, NABLA_B + latex, sentence, **more)

    return [
        wrong(
            "neurons-summed",
            "biases summed over the neurons",
            "ones(b[l]) * sum_neurons(sum_examples(delta[l]))",
            r"\textstyle\sum_j \delta^l_j",
            "delta^l is summed over the neurons of the layer; every neuron has a bias of its own, with its own delta.",
            common=True,
        ),
        wrong(
            "neurons-averaged",
            "biases averaged over the neurons",
            "ones(b[l]) * sum_neurons(sum_examples(delta[l])) / n[l]",
            r"\textstyle\frac{1}{n_l} \sum_j \delta^l_j",
            "delta^l is averaged over the neurons of the layer; the mean is to be taken over the examples only.",
        ),
        wrong(
            "row-sums-of-w",
            "biases from row sums of nabla_w",
            "row_sums(delta[l] @ a[l - 1].T)",
            r"\textstyle\sum_k \partial C / \partial w^l_{jk}",
            "The gradient of a bias is taken as the sum of those of its neuron's weights; it is delta^l_j alone.",
        ),
        wrong(
            "reversed",
            "biases in reversed order",
            "sum_examples(delta[l])[::-1]",
            r"\mathrm{reversed}(\delta^l)",
            "The gradients of the biases are in reversed order: neuron j gets that of neuron n_l + 1 - j.",
        ),
        wrong(
            "shifted",
            "biases shifted by one neuron",
            "roll(sum_examples(delta[l]))",
            r"\mathrm{shifted}(\delta^l)",
            "The gradients of the biases are shifted by one neuron: an index is off by one.",
        ),
        wrong(
            "zero",
            "biases never updated",
            "0 * b[l]",
            "0",
            "The gradient of the biases is zero: they never learn.",
            common=True,
        ),
        wrong(
            "times-b",
            "multiplied by the bias",
            "sum_examples(delta[l] * b[l])",
            r"\delta^l \odot b^l",
            "delta is multiplied by the bias; dz/db is 1, whatever the bias is.",
        ),
        wrong(
            "times-a",
            "multiplied by the activation",
            "sum_examples(delta[l] * a[l])",
            r"\delta^l \odot a^l",
            "delta is multiplied by the neuron's own activation; dz/db is 1.",
        ),
        wrong(
            "before-slope",
            "biases without sigma'",
            "sum_examples(w[l + 1].T @ delta[l + 1])",
            r"(w^{l+1})^T \delta^{l+1}",
            "The gradient of the biases is taken before the error was multiplied by sigma'(z^l).",
        ),
        wrong(
            "delta-above",
            "delta of the layer above for the biases",
            "sum_examples(delta[l + 1])",
            r"\delta^{l+1}",
            "The biases get delta of the layer above; dC/db^l is delta^l of the same layer.",
        ),
    ]


def _bp4() -> list[Mistake]:
    def wrong(slug: str, title: str, text: str, latex: str, sentence: str, **more: Any) -> Mistake:
        return Mistake(f"bp4-{slug}", title, "BP4", {"bp4": text}, NABLA_W + latex, sentence, **more)

    return [
        wrong(
            "a-of-layer",
            "a^l instead of a^{l-1} in BP4",
            "delta[l] @ a[l].T",
            r"\delta^l (a^l)^T",
            "The activation is that of the weight's own neuron; it must be that of the neuron below, where the weight starts.",
            common=True,
        ),
        wrong(
            "z-below",
            "z^{l-1} instead of a^{l-1} in BP4",
            "delta[l] @ z[l - 1].T",
            r"\delta^l (z^{l-1})^T",
            "A weight multiplies the activation a^{l-1}; here it is paired with the weighted input z^{l-1}, before sigma.",
            common=True,
        ),
        wrong(
            "x",
            "the inputs x in every layer",
            "delta[l] @ x.T",
            r"\delta^l x^T",
            "Every layer is given the inputs of the network; a layer's own inputs are the activations just below it.",
        ),
        wrong(
            "a-two-below",
            "a^{l-2} in BP4",
            "delta[l] @ a[l - 2].T",
            r"\delta^l (a^{l-2})^T",
            "The activation is one layer too low.",
        ),
        wrong(
            "inner",
            "an inner instead of an outer product",
            "ones(w[l]) * sum_neurons(sum_examples(delta[l] * a[l - 1]))",
            r"(\delta^l)^T a^{l-1}",
            "delta and a are multiplied to one number; BP4 needs every delta^l_j with every a^{l-1}_k, an outer product.",
        ),
        wrong(
            "transposed",
            "nabla_w transposed",
            "a[l - 1] @ delta[l].T",
            r"a^{l-1} (\delta^l)^T",
            "The product is the wrong way round: entry j, k belongs to the weight from neuron k to neuron j.",
            common=True,
        ),
        wrong(
            "reshaped",
            "nabla_w reshaped instead of transposed",
            "reshape(a[l - 1] @ delta[l].T, w[l])",
            r"\mathrm{reshape}(a^{l-1} (\delta^l)^T)",
            "The product is the wrong way round, then reshaped to fit: the shape is right, but entries are in wrong places.",
        ),
        wrong(
            "delta-above",
            "delta of the layer above in BP4",
            "delta[l + 1] @ a[l - 1].T",
            r"\delta^{l+1} (a^{l-1})^T",
            "delta is that of the layer above; dC/dw^l needs delta^l.",
        ),
        wrong(
            "before-slope",
            "weights without sigma'",
            "(w[l + 1].T @ delta[l + 1]) @ a[l - 1].T",
            r"((w^{l+1})^T \delta^{l+1}) (a^{l-1})^T",
            "The gradient of the weights is taken before the error was multiplied by sigma'(z^l).",
        ),
        wrong(
            "a-missing",
            "the activation missing in BP4",
            "delta[l] @ ones(a[l - 1]).T",
            r"\delta^l (1, \dots, 1)",
            "The activation a^{l-1} is missing: every weight of a neuron gets the gradient of its bias.",
        ),
        wrong(
            "slope-below",
            "sigma' of the layer below in BP4",
            "delta[l] @ (a[l - 1] * sigma_prime[l - 1](z[l - 1])).T",
            r"\delta^l (a^{l-1} \odot \sigma'(z^{l-1}))^T",
            "sigma' of the layer below is multiplied in too early: it belongs in delta^{l-1}, not in the gradient of w^l.",
        ),
        wrong(
            "times-w",
            "multiplied by the weight",
            "delta[l] @ a[l - 1].T * w[l]",
            r"\delta^l (a^{l-1})^T \odot w^l",
            "The gradient of a weight is multiplied by the weight itself; dz/dw is a^{l-1} alone.",
        ),
        wrong(
            "zero",
            "weights never updated",
            "0 * w[l]",
            "0",
            "The gradient of the weights is zero: they never learn.",
        ),
        wrong(
            "means-multiplied",
            "means multiplied instead of the mean of products",
            "sum_examples(delta[l]) @ sum_examples(a[l - 1]).T / m",
            r"m \, \overline{\delta^l} \, (\overline{a^{l-1}})^T",
            "delta and a are averaged over the examples, then multiplied; the product is to be taken example by example.",
            common=True,
        ),
        wrong(
            "a-recomputed",
            "a recomputed with updated weights",
            "delta[l] @ again[l - 1].T",
            r"\delta^l (a^{l-1}_{\text{after the update below}})^T",
            "The layers below were updated first and a^{l-1} computed again; BP4 needs the activations of the one forward pass.",
            unknown="eta",
            typical=0.5,
            where={
                "again[1]": "x",
                "again[l]": "sigma[l]((w[l] - eta * (delta[l] @ again[l - 1].T) / m) @ again[l - 1]"
                " + b[l] - eta * sum_examples(delta[l]) / m)",
            },
        ),
    ]


GRADIENTS: tuple[Mistake, ...] = (*_bp3(), *_bp4())
