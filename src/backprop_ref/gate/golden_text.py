"""Golden vectors for a reader and for C++: the README of the folder, and golden.h with the network and its examples."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network import Network

Array = NDArray[Any]

SIGMA = {
    "sigmoid": "1/(1 + exp(-z))",
    "tanh": "tanh(z)",
    "relu": "max(z, 0)",
    "leaky_relu": "z if z > 0, else z/100",
    "softplus": "ln(1 + exp(z))",
    "silu": "z/(1 + exp(-z))",
    "gelu": "z/(1 + exp(-q)) with q = 2 sqrt(2/pi) (z + 0.044715 z^3), the tanh form, its two constants as float64",
    "gelu_erf": "z (1 + erf(z/sqrt(2)))/2",
    "linear": "z",
    "square": "z^2",
    "cube": "z^3",
    "softmax": "a_j = exp(z_j) / sum_k exp(z_k)",
}
COST = {
    "quadratic": "sum_j (a_j - y_j)^2 / 2",
    "squared_error": "sum_j (a_j - y_j)^2",
    "mean_squared_error": "sum_j (a_j - y_j)^2 / n_L",
    "cross_entropy": "-sum_j (y_j ln a_j + (1 - y_j) ln(1 - a_j))",
    "log_likelihood": "-sum_j y_j ln a_j",
}

README = """\
# Golden vectors: {sizes}

A network, {m}, and everything that backpropagation computes there. Each number is the {dtype} nearest to the true
one, found in ball arithmetic, the derivatives from values of the cost alone, and has a proven bound of its distance.

| | |
|---|---|
| sizes n_1..n_L | {sizes} |
| activations of layers 2..{L} | {activations} |
{formulas}
| cost of one example | {cost}: {cost_formula} |
| cost of the batch | {reduction} over the examples |
| dtype | {dtype} |
| made by | backprop-ref golden{seed} |

- `golden.json`: everything.
- `golden.h`: network and examples as C++17 constants (hexadecimal floats), for programs without a JSON parser.

## golden.json

Layers are numbered as in the book: layer 1 is the input, layer 2 is the first that has weights, layer L = {L} is the
output. `"2"` under `"w"` is w^2. Rows and columns stand in order, the first for neuron 1.

| key | shape of layer l | what it is |
|---|---|---|
| `w` | n_l x n_(l-1) | row j, column k: w^l_jk, from neuron k of layer l-1 to neuron j of layer l |
| `b` | n_l | {biases} |
| `X`, `Y` | {m_} x n_1, {m_} x n_L | a row for each example; a^1 is x |
| `z`, `a` | {m_} x n_l | z^l = w^l a^(l-1) + b^l and a^l = sigma(z^l), a row for each example |
| `delta` | {m_} x n_l | dC_x/dz^l, a row for each example, not divided by {m_} |
| `nabla_w` | n_l x n_(l-1) | dC/dw^l_jk, the {reduction} over the examples |
| `nabla_b` | n_l | dC/db^l_j, likewise |

Each array stands twice, exactly: `hex` (`float.fromhex`, `strtod`, `0x1.8p+1` is 3) and `decimal`. `bound` says by how
much an entry may differ from the truth. An entry that could not be rounded with certainty is `null`; `why` says where, with
indices from 0, and for what reason. `sha256` shows later changes.

## Check a result

Compute the gradient of this network in your language, at these inputs, and write a file such as

```json
{{"dtype": "{dtype}", "nabla_w": {{"2": [["0x1.8p-3", 0.25]]}}, "nabla_b": {{"{L}": [0.5]}}}}
```

and then `backprop-ref gate --golden . --claimed claimed.json`. It exits with 0 if everything claimed is right, 1 if something
is wrong (and says what), 2 if the file is not as described here, 3 if nothing was claimed or something cannot be told.

- `dtype`: in what it was computed: float64, float32 or float16. It decides how far a right result may be off.
- `nabla_w`, `nabla_b`: objects by layer, or lists for layers 2..{L}. What is left out is reported as not checked.
- Numbers: JSON numbers, or strings, decimal or hexadecimal. Print decimals with 17 significant digits (float32: 9).
- Weights stored n_(l-1) x n_l are recognised by their shape; where both widths are the same, say `"orientation":
  "transposed"`.
- A program that only updates its weights gives `"after": {{"w": {{...}}, "b": {{...}}}}` and `"eta"`, the number that this
  gradient (the {reduction}) is multiplied by: after = before - eta gradient. `before` may stand there too; it is the network
  above. A large eta loses less in the difference.
"""


def readme(network: Network, m: int, reduction: str, seed: int | None) -> str:
    """README.md of a golden folder."""
    return README.format(
        sizes="-".join(map(str, network.sizes)),
        m=f"{m} examples" if m > 1 else "one example",
        m_=m,
        L=network.L,
        activations=", ".join(s.name for s in network.sigma.values()),
        formulas="\n".join(f"| {name} | {SIGMA[name]} |" for name in dict.fromkeys(s.name for s in network.sigma.values())),
        cost=network.cost.name,
        cost_formula=COST[network.cost.name],
        reduction=reduction,
        dtype=network.dtype,
        biases="b^l_j" if network.has_biases else "empty: this network has no biases",
        seed="" if seed is None else f", seed {seed}",
    )


def header(network: Network, X: Array, Y: Array, reduction: str) -> str:
    """golden.h: w[l], b[l], n[l] and activation[l] by the book's layer; neurons count from 0."""
    real = {"float64": "double", "float32": "float"}[str(network.dtype)]
    names = ["", "", *(s.name for s in network.sigma.values())]
    w = ["{}", "{}", *(_braced(_rows(v)) for v in network.w.values())]
    b = ["{}", "{}", *(_literals(v) for v in network.b.values())]
    return f"""\
// A network and its examples, written by backprop-ref golden; README.md beside this file says what is what.
#pragma once
#include <string>
#include <vector>

namespace golden {{
using real = {real};
inline const int L = {network.L}, m = {len(X)};
inline const std::vector<int> n = {{0, {", ".join(map(str, network.sizes))}}};  // n[l], l = 1..L
inline const std::vector<std::string> activation = {{{", ".join(f'"{name}"' for name in names)}}};  // of layer l
inline const std::string cost = "{network.cost.name}", reduction = "{reduction}", dtype = "{network.dtype}";
inline const bool has_biases = {str(network.has_biases).lower()};  // without: b is 0, and no parameter

// w[l][j][k] is the weight from neuron k of layer l - 1 to neuron j of layer l; l = 2..L, j and k from 0
inline const std::vector<std::vector<std::vector<real>>> w = {_braced(w)};
inline const std::vector<std::vector<real>> b = {_braced(b)};

// X[x] and Y[x] are the inputs and the desired outputs of example x, from 0
inline const std::vector<std::vector<real>> X = {_braced(_rows(X))};
inline const std::vector<std::vector<real>> Y = {_braced(_rows(Y))};
}}  // namespace golden
"""


def _rows(array: Array) -> list[str]:
    return [_literals(row) for row in array]


def _literals(row: Array) -> str:
    suffix = "f" if row.dtype == np.float32 else ""
    return "{" + ", ".join(v.hex() + suffix for v in row.tolist()) + "}"


def _braced(lines: Iterable[str]) -> str:
    return "{\n" + ",\n".join(lines) + "\n}"
