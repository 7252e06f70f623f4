"""A gradient of nested arrays, [(W, b), ...] in and out. At the gate: backprop-ref gate examples/nested_arrays.py:gradient"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cost(params, X, Y):
    a = X
    for W, b in params:
        a = sigmoid(a @ W + b)
    return np.sum((a - Y) ** 2) / (2 * len(X))


def gradient(params, X, Y):
    activations = [X]
    for W, b in params:
        activations.append(sigmoid(activations[-1] @ W + b))
    delta = (activations[-1] - Y) * activations[-1] * (1 - activations[-1]) / len(X)
    grads = []
    for (W, _), a in zip(reversed(params), reversed(activations[:-1]), strict=True):
        grads.append((a.T @ delta, delta.sum(axis=0)))
        delta = (delta @ W.T) * a * (1 - a)
    return grads[::-1]
