"""jax.grad of a cost, at the gate, and a custom_vjp, checked by itself.

backprop-ref gate examples/jax_grad.py:gradient
python examples/jax_grad.py
"""

import jax
import jax.numpy as jnp
import numpy as np

from backprop_ref import check_gradient
from backprop_ref.gate.frameworks import jax_function


def cost(params, X, Y):
    a = X
    for w, b in params:
        a = jax.nn.sigmoid(a @ w.T + b)
    return jnp.sum((a - Y) ** 2) / (2 * len(X))


gradient = jax.grad(cost)  # in float32, unless the environment says JAX_ENABLE_X64=1


@jax.custom_vjp
def softplus(z):
    return jnp.sum(jnp.logaddexp(z, 0.0))


def forward(z):
    return softplus(z), z


def backward(z, v):
    return (v * jax.nn.sigmoid(z),)


softplus.defvjp(forward, backward)

if __name__ == "__main__":
    print(check_gradient(*jax_function(softplus), np.linspace(-3.0, 3.0, 5), target="softplus, a custom_vjp"))
