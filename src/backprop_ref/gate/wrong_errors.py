"""Wrong errors: what can be written in the place of BP1 and BP2, as data. The catalogue itself is mistakes.py."""

from typing import Any

from .planting import Mistake

BP1_ERROR, BP2_ERROR = "nabla_a_C(a[L], y)", "(w[l + 1].T @ delta[l + 1])"
DELTA_L, DELTA = r"\delta^L = ", r"\delta^l = "
BACK = r"((w^{l+1})^T \delta^{l+1}) \odot "


# ------------------------------------------------------------------------------------------------------------- sigma'

# slug, title, sigma' as it was written, in LaTeX, a sentence, and what it is about
SLOPES: tuple[tuple[Any, ...], ...] = (
    ("missing", "sigma' missing", "", "", "The factor sigma'(z^l) is missing: the error passes as if every neuron had slope 1."),
    (
        "twice",
        "sigma' applied twice",
        "sigma_prime[l](z[l]) * sigma_prime[l](z[l])",
        r"\sigma'(z^l) \odot \sigma'(z^l)",
        "The factor sigma'(z^l) is applied twice, so the error shrinks twice as fast on its way back.",
    ),
    (
        "of-a",
        "sigma' at a instead of z",
        "sigma_prime[l](a[l])",
        r"\sigma'(a^l)",
        "sigma' is taken at the activation a^l; it belongs at the weighted input z^l. Only a function that computes the slope "
        "from a, as a (1 - a) does, is given a.",
    ),
    (
        "of-z-above",
        "sigma' of z of the layer above",
        "sigma_prime[l](z[l + 1])",
        r"\sigma'(z^{l+1})",
        "sigma' is taken at z of the layer above: the index of z is one too high.",
    ),
    (
        "of-z-below",
        "sigma' of z of the layer below",
        "sigma_prime[l](z[l - 1])",
        r"\sigma'(z^{l-1})",
        "sigma' is taken at z of the layer below: the index of z is one too low.",
    ),
    (
        "of-layer-above",
        "sigma' of the layer above",
        "sigma_prime[l + 1](z[l])",
        r"\sigma'_{l+1}(z^l)",
        "The slope is that of the activation function of the layer above; each layer needs its own.",
    ),
    (
        "of-layer-below",
        "sigma' of the layer below",
        "sigma_prime[l - 1](z[l])",
        r"\sigma'_{l-1}(z^l)",
        "The slope is that of the activation function of the layer below; each layer needs its own.",
    ),
    (
        "sigma",
        "sigma instead of sigma'",
        "sigma[l](z[l])",
        r"\sigma(z^l)",
        "The error is multiplied by sigma(z^l), the activation itself, and not by its derivative.",
    ),
    (
        "plus-c",
        "a constant added to sigma'",
        "(sigma_prime[l](z[l]) + c)",
        r"(\sigma'(z^l) + c)",
        "A constant is added to sigma'. This keeps saturated neurons learning, but it is no longer the gradient of C.",
        {"unknown": "c", "typical": 0.1},
    ),
    (
        "minus",
        "sigma' with the wrong sign",
        "-sigma_prime[l](z[l])",
        r"(-\sigma'(z^l))",
        "sigma' has the wrong sign, as in a (a - 1) for the sigmoid, whose slope is a (1 - a).",
    ),
    (
        "one-plus-a",
        "a (1 + a) as the slope of the sigmoid",
        "a[l] * (1 + a[l])",
        r"a^l \odot (1 + a^l)",
        "The slope of the sigmoid is a (1 - a); here a is added to 1 where it should be subtracted.",
        {"only": ("sigmoid",)},
    ),
    (
        "sum",
        "a + (1 - a) as the slope of the sigmoid",
        "(a[l] + (1 - a[l]))",
        r"(a^l + (1 - a^l))",
        "The slope of the sigmoid is the product a (1 - a); the sum a + (1 - a) is always 1.",
        {"only": ("sigmoid",), "seldom": True},
    ),
    (
        "tanh-unsquared",
        "1 - a as the slope of tanh",
        "(1 - a[l])",
        r"(1 - a^l)",
        "The slope of tanh is 1 - a^2; the square is missing.",
        {"only": ("tanh",)},
    ),
    (
        "tanh-plus",
        "1 + a^2 as the slope of tanh",
        "(1 + a[l] ** 2)",
        r"(1 + a^l \odot a^l)",
        "The slope of tanh is 1 - a^2; here the square is added.",
        {"only": ("tanh",)},
    ),
    (
        "tanh-as-sigmoid",
        "a (1 - a) as the slope of tanh",
        "a[l] * (1 - a[l])",
        r"a^l \odot (1 - a^l)",
        "The slope a (1 - a) belongs to the sigmoid; that of tanh is 1 - a^2.",
        {"only": ("tanh",)},
    ),
    (
        "of-z-as-a",
        "z (1 - z) as the slope of the sigmoid",
        "z[l] * (1 - z[l])",
        r"z^l \odot (1 - z^l)",
        "The slope of the sigmoid is a (1 - a), of its output; here it is given its input z.",
        {"only": ("sigmoid",)},
    ),
    (
        "tanh-of-z-as-a",
        "1 - z^2 as the slope of tanh",
        "(1 - z[l] ** 2)",
        r"(1 - z^l \odot z^l)",
        "The slope of tanh is 1 - a^2, of its output; here it is given its input z.",
        {"only": ("tanh",)},
    ),
    (
        "leaky",
        "another slope left of 0 in leaky relu",
        "(positive(z[l]) + c * (1 - positive(z[l])))",
        r"(1\ \text{if}\ z^l > 0\ \text{else}\ c)",
        "Left of 0 the slope of this leaky relu is 1/100; forward and backward pass must use the same number.",
        {"only": ("leaky_relu",), "unknown": "c", "typical": 0.2},
    ),
    (
        "relu-of-all",
        "relu's slope taken as 1 everywhere",
        "ones(z[l])",
        "1",
        "The slope of relu is 0 left of 0: a neuron that did not fire passes no error back.",
        {"only": ("relu",)},
    ),
)


def _slopes() -> list[Mistake]:
    """Each wrong sigma' in BP1, in BP2, and in both, as a wrong function makes it."""
    made = []
    for slug, title, text, latex, sentence, *more in SLOPES:
        about = more[0] if more else {}
        bp2 = f"{BP2_ERROR} * {text}" if text else BP2_ERROR[1:-1]
        wrong_2 = DELTA + (BACK + latex if latex else r"(w^{l+1})^T \delta^{l+1}")
        common = slug in ("missing", "twice", "of-a")
        made.append(
            Mistake(f"bp2-slope-{slug}", f"{title}, in BP2", "BP2", {"bp2": bp2}, wrong_2, sentence, **about, common=common)
        )
        if "l + 1" in text:
            continue
        bp1 = f"{BP1_ERROR} * {text}" if text else BP1_ERROR
        bp1 = bp1.replace("[l", "[L")
        wrong_1 = (DELTA_L + r"\nabla_a C" + (r" \odot " + latex if latex else "")).replace("^l", "^L").replace("^{l", "^{L")
        wrong_1 = wrong_1.replace("_{l", "_{L")
        at_L = sentence.replace("^l", "^L")
        common = slug == "missing"
        made.append(Mistake(f"bp1-slope-{slug}", f"{title}, in BP1", "BP1", {"bp1": bp1}, wrong_1, at_L, **about, common=common))
        both, wrong = {"bp1": bp1, "bp2": bp2}, rf"{wrong_1} \quad {wrong_2}"
        made.append(Mistake(f"slope-{slug}", f"{title}, in every layer", "BP1, BP2", both, wrong, sentence, **about))
    return made


# ------------------------------------------------------------------------------------------------- each written by hand


def _bp1() -> list[Mistake]:
    return [
        Mistake(
            "bp1-sigma-of-error",
            "sigma' of the error in BP1",
            "BP1",
            {"bp1": "sigma_prime[L](nabla_a_C(a[L], y))"},
            DELTA_L + r"\sigma'(\nabla_a C)",
            "sigma' is applied to the error nabla_a C; the error must be multiplied by sigma'(z^L).",
        ),
        Mistake(
            "bp1-cross-entropy-error",
            "a - y though the cost is another",
            "BP1",
            {"bp1": "a[L] - y"},
            DELTA_L + r"a^L - y",
            "delta^L = a^L - y holds only where cost and activation cancel: cross-entropy behind sigmoid, log-likelihood "
            "behind softmax.",
        ),
        Mistake(
            "bp1-slope-left-in",
            "sigma' left in with cross-entropy",
            "BP1",
            {"bp1": "(a[L] - y) * sigma_prime[L](z[L])"},
            DELTA_L + r"(a^L - y) \odot \sigma'(z^L)",
            "With cross-entropy behind sigmoid the factor sigma'(z^L) cancels; delta^L = a^L - y has no sigma' any more.",
        ),
        Mistake(
            "bp1-softmax-elementwise",
            "softmax taken elementwise",
            "BP1",
            {"bp1": "nabla_a_C(a[L], y) * (a[L] * (1 - a[L]))"},
            DELTA_L + r"\nabla_a C \odot a^L \odot (1 - a^L)",
            "Each output of softmax depends on the whole layer: a (1 - a) is only the diagonal of its Jacobian.",
            only=("softmax",),
        ),
        Mistake(
            "bp1-softmax-slope-left-in",
            "a (1 - a) left in with softmax and log-likelihood",
            "BP1",
            {"bp1": "(a[L] - y) * (a[L] * (1 - a[L]))"},
            DELTA_L + r"(a^L - y) \odot a^L \odot (1 - a^L)",
            "a^L - y is already delta^L of softmax with log-likelihood; no slope is left to multiply by.",
            only=("softmax",),
        ),
        Mistake(
            "bp1-outputs-averaged",
            "the cost averaged over the outputs",
            "BP1",
            {"bp1": "chapter / n[L]"},
            DELTA_L + r"\tfrac{1}{n_L} \, \nabla_a C \odot \sigma'(z^L)",
            "The error is divided by the number of outputs, which this cost does not do.",
        ),
        Mistake(
            "bp1-squared-error",
            "the error squared in BP1",
            "BP1",
            {"bp1": "(a[L] - y) ** 2 * sigma_prime[L](z[L])"},
            DELTA_L + r"(a^L - y)^2 \odot \sigma'(z^L)",
            "delta^L starts from the derivative of the cost, not from the squared error itself.",
        ),
        Mistake(
            "bp1-z-for-a",
            "nabla_a C at z^L",
            "BP1",
            {"bp1": "nabla_a_C(z[L], y) * sigma_prime[L](z[L])"},
            DELTA_L + r"\nabla_a C(z^L) \odot \sigma'(z^L)",
            "The cost compares the activations a^L with y; here it is given the weighted inputs z^L.",
        ),
    ]


def _bp2() -> list[Mistake]:
    slope, formula = "sigma_prime[l](z[l])", r"\sigma'(z^l)"

    def wrong(slug: str, title: str, error: str, latex: str, sentence: str, **more: Any) -> Mistake:
        return Mistake(
            f"bp2-{slug}", title, "BP2", {"bp2": f"({error}) * {slope}"}, rf"{DELTA}({latex}) \odot {formula}", sentence, **more
        )

    return [
        wrong(
            "w-untransposed",
            "w not transposed in BP2",
            "w[l + 1] @ delta[l + 1]",
            r"w^{l+1} \delta^{l+1}",
            "The weights are not transposed: errors go back along w^T, from neuron j of layer l + 1 to neuron k of layer l.",
            common=True,
        ),
        wrong(
            "w-of-layer",
            "weights of layer l instead of l + 1",
            "w[l].T @ delta[l + 1]",
            r"(w^l)^T \delta^{l+1}",
            "The weights are those that lead into layer l; the error comes back through w^{l+1}, which lead out of it.",
            common=True,
        ),
        wrong(
            "w-of-layer-untransposed",
            "weights of layer l, not transposed",
            "w[l] @ delta[l + 1]",
            r"w^l \delta^{l+1}",
            "The weights are those of layer l, and not transposed: both the layer and the direction are wrong.",
        ),
        wrong(
            "w-of-two-above",
            "weights of layer l + 2",
            "w[l + 2].T @ delta[l + 1]",
            r"(w^{l+2})^T \delta^{l+1}",
            "The weights are one layer too high: delta^{l+1} comes back through w^{l+1}.",
        ),
        wrong(
            "delta-of-L",
            "(w^L)^T delta^L at every hidden layer",
            "w[L].T @ delta[L]",
            r"(w^L)^T \delta^L",
            "Every hidden layer uses the error of the output layer; it must use that of the layer just above.",
            common=True,
        ),
        wrong(
            "nabla-at-every-layer",
            "nabla_a C at every hidden layer",
            "nabla_a_C(a[L], y)",
            r"\nabla_a C",
            "Every hidden layer starts from the error at the outputs, as if it were the output layer.",
        ),
        wrong(
            "nabla-passed-down",
            "nabla_a C passed down instead of delta",
            "e[l]",
            r"(w^{l+1})^T e^{l+1}",
            "What goes down is the error before it was multiplied by sigma': e^L = nabla_a C, e^l = (w^{l+1})^T e^{l+1}.",
            where={"e[L]": "nabla_a_C(a[L], y)", "e[l]": "w[l + 1].T @ e[l + 1]"},
            common=True,
        ),
        wrong(
            "overwritten-by-last",
            "incoming errors overwritten",
            "w[l + 1][-1:].T @ delta[l + 1][-1:]",
            r"w^{l+1}_{k j} \delta^{l+1}_k,\ k = n_{l+1}",
            "A neuron feeds every neuron of the layer above, and their errors add up; here each overwrites the one before.",
            common=True,
        ),
        wrong(
            "first-only",
            "only the first incoming error",
            "w[l + 1][:1].T @ delta[l + 1][:1]",
            r"w^{l+1}_{1 j} \delta^{l+1}_1",
            "Only the first neuron of the layer above sends its error back; the sum over all of them is missing.",
        ),
        wrong(
            "averaged",
            "incoming errors averaged",
            "w[l + 1].T @ delta[l + 1] / n[l + 1]",
            r"\tfrac{1}{n_{l+1}} (w^{l+1})^T \delta^{l+1}",
            "The errors of the layer above are averaged; by the chain rule they are summed.",
        ),
        wrong(
            "w-missing",
            "weights missing in BP2",
            "ones(w[l + 1]).T @ delta[l + 1]",
            r"\textstyle\sum_k \delta^{l+1}_k",
            "The errors of the layer above are summed without their weights.",
        ),
        wrong(
            "w-absolute",
            "weights without their sign in BP2",
            "(w[l + 1] * sign(w[l + 1])).T @ delta[l + 1]",
            r"|w^{l+1}|^T \delta^{l+1}",
            "The weights have lost their sign, so inhibiting connections pass the error back as if they excited.",
        ),
        wrong(
            "w-updated",
            "weights already updated in BP2",
            "(w[l + 1] - eta * (delta[l + 1] @ a[l].T) / m).T @ delta[l + 1]",
            r"(w^{l+1} - \eta \, \partial C / \partial w^{l+1})^T \delta^{l+1}",
            "w^{l+1} is updated before its error is passed down; all deltas must be found with the weights of the forward pass.",
            unknown="eta",
            typical=0.5,
        ),
        wrong(
            "bias-as-weight",
            "the bias column taken for a weight",
            "beside(b[l + 1], w[l + 1])[:, :-1].T @ delta[l + 1]",
            r"([b^{l+1}\ w^{l+1}]_{\text{but the last column}})^T \delta^{l+1}",
            "With biases kept as a column beside the weights, the wrong column is left out: error flows back into the bias.",
        ),
        wrong(
            "delta-of-layer-above-reversed",
            "the errors of layer l + 1 in reversed order",
            "w[l + 1].T @ delta[l + 1][::-1]",
            r"(w^{l+1})^T \,\mathrm{reversed}(\delta^{l+1})",
            "The errors of the layer above meet the weights in reversed order.",
        ),
        wrong(
            "delta-clipped",
            "the error clipped in BP2",
            "clip(w[l + 1].T @ delta[l + 1], c)",
            r"\mathrm{clip}((w^{l+1})^T \delta^{l+1}, \pm c)",
            "The error is clipped on its way back; below that layer it is no longer the gradient of C.",
            unknown="c",
            typical=0.01,
        ),
        Mistake(
            "bp2-sigma-of-error",
            "sigma of the error instead of times sigma'",
            "BP2",
            {"bp2": "sigma[l](w[l + 1].T @ delta[l + 1])"},
            DELTA + r"\sigma((w^{l+1})^T \delta^{l+1})",
            "The error is put through sigma; it must be multiplied by sigma'(z^l).",
        ),
        Mistake(
            "bp2-slope-of-error",
            "sigma' of the error instead of times sigma'",
            "BP2",
            {"bp2": "sigma_prime[l](w[l + 1].T @ delta[l + 1])"},
            DELTA + r"\sigma'((w^{l+1})^T \delta^{l+1})",
            "sigma' is applied to the error; the error must be multiplied by sigma'(z^l).",
        ),
        Mistake(
            "bp2-sum-for-product",
            "sigma' added instead of multiplied",
            "BP2",
            {"bp2": "w[l + 1].T @ delta[l + 1] + sigma_prime[l](z[l])"},
            DELTA + r"(w^{l+1})^T \delta^{l+1} + \sigma'(z^l)",
            "sigma'(z^l) is added to the error; it is a factor.",
        ),
        Mistake(
            "bp2-nothing",
            "no error reaches the hidden layers",
            "BP2",
            {"bp2": "0 * z[l]"},
            DELTA + "0",
            "No error is passed back: the hidden layers never learn.",
        ),
        Mistake(
            "bp2-float32",
            "float32 inside BP2",
            "BP2",
            {"bp2": "float32(chapter)"},
            DELTA + r"\mathrm{float32}(((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l))",
            "The error is kept in float32: only about seven digits are right, though the result is float64.",
        ),
    ]


ERRORS: tuple[Mistake, ...] = (*_slopes(), *_bp1(), *_bp2())
