"""A torch network and its loss, at the gate: torch's autograd against the reference, or an activation of your own.

backprop-ref gate examples/torch_sequential.py:model    right
backprop-ref gate examples/torch_sequential.py:wrong    its activation has a wrong backward
"""

import torch
from torch import nn


class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        a = torch.tanh(z)
        ctx.save_for_backward(a)
        return a

    @staticmethod
    def backward(ctx, grad):
        (a,) = ctx.saved_tensors
        return grad * (1 - a * a)


class WrongTanh(Tanh):
    @staticmethod
    def backward(ctx, grad):
        (a,) = ctx.saved_tensors
        return grad * (1 - a)


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, z):
        return self.function.apply(z)


model = (nn.Sequential(nn.Linear(3, 5), Apply(Tanh), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)).double(), nn.CrossEntropyLoss())
wrong = (nn.Sequential(nn.Linear(3, 5), Apply(WrongTanh), nn.Linear(5, 2)).double(), nn.CrossEntropyLoss())
