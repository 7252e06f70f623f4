import math

import numpy as np


def sigmoid(v):
    return 1.0 / (1.0 + np.exp(-v))


def make_network(sizes):
    weights = [np.random.randn(n, k) / math.sqrt(k) for k, n in zip(sizes, sizes[1:])]
    biases = [np.random.randn(n) for n in sizes[1:]]
    return weights, biases


def outputs_of(weights, biases, x):
    outputs = [np.asarray(x, dtype=float)]
    for w, b in zip(weights, biases):
        outputs.append(sigmoid(w.dot(outputs[-1]) + b))
    return outputs


def train_step(weights, biases, x, y, lr=0.25):
    """Present one pattern and correct the lists of weights and biases in place. Returns the squared error before."""
    outputs = outputs_of(weights, biases, x)
    error = y - outputs[-1]
    delta = error * outputs[-1] * (1 - outputs[-1])

    deltas = [delta]
    for i in range(len(weights) - 1, 0, -1):
        delta = weights[i].T.dot(delta) * outputs[i] * (1 - outputs[i])
        deltas.insert(0, delta)

    for i in range(len(weights)):
        weights[i] += lr * np.outer(deltas[i], outputs[i])
        biases[i] -= lr * deltas[i]
    return 0.5 * float(error.dot(error))


def train(sizes, patterns, epochs=1000, lr=0.25):
    weights, biases = make_network(sizes)
    for epoch in range(epochs):
        total = 0.0
        for x, y in patterns:
            total += train_step(weights, biases, x, y, lr)
        if total < 1e-3:
            break
    return weights, biases
