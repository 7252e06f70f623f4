"""Backprop as one pure function: parameters in, gradients out. Nothing is stored."""

import numpy as np


def tanh_prime(z):
    return 1.0 / np.cosh(z) ** 2


def feedforward(weights, biases, X):
    zs, acts = [], [X]
    for W, b in zip(weights, biases):
        zs.append(acts[-1] @ W.T + b)
        acts.append(np.tanh(zs[-1]))
    return zs, acts


def loss(weights, biases, X, Y):
    _, acts = feedforward(weights, biases, X)
    return 0.5 * np.mean(np.sum((acts[-1] - Y) ** 2, axis=1))


def gradient(weights, biases, X, Y):
    """X: one example per row. Returns (dW, db), two lists in the order of the layers."""
    zs, acts = feedforward(weights, biases, X)
    n = X.shape[0]
    dW, db = [], []
    err = (acts[-1] - Y) * tanh_prime(zs[-1])
    for i in reversed(range(len(weights))):
        dW.append(np.einsum("ni,nj->ij", err, acts[i]) / n)
        db.append(err.mean(axis=0))
        if i:
            err = (err @ weights[i]) * tanh_prime(zs[i - 1])
    return dW[::-1], db[::-1]


def train(weights, biases, X, Y, lr=0.1, steps=1000):
    for _ in range(steps):
        dW, db = gradient(weights, biases, X, Y)
        weights = [w - lr * g for w, g in zip(weights, dW)]
        biases = [b - lr * g for b, g in zip(biases, db)]
    return weights, biases
