"""A torch.autograd.Function with a hand-written backward, checked by itself: python examples/torch_function.py"""

import numpy as np
import torch

from backprop_ref import check_gradient
from backprop_ref.gate.frameworks import torch_function


class Swish(torch.autograd.Function):
    """z sigma(z)."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * torch.sigmoid(z)

    @staticmethod
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        a = torch.sigmoid(z)
        return grad * (a + z * a * (1 - a))


class WrongSwish(Swish):
    @staticmethod
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        a = torch.sigmoid(z)
        return grad * (a + z * a)  # (1 - a) is left out


if __name__ == "__main__":
    x = np.linspace(-2.0, 2.0, 6).reshape(2, 3)
    for function in (Swish, WrongSwish):
        print(check_gradient(*torch_function(function.apply, products=True), x, target=function.__name__))
