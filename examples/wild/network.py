"""Chapter 2 with my own words: a network of sigmoid neurons, trained by stochastic gradient descent."""

import random

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    s = sigmoid(z)
    return s * (1 - s)


class Network:
    def __init__(self, sizes):
        self.sizes = sizes
        self.weights = [np.random.randn(n, k) / np.sqrt(k) for k, n in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def SGD(self, training_data, epochs, batch_size, eta):
        for epoch in range(epochs):
            random.shuffle(training_data)
            for k in range(0, len(training_data), batch_size):
                self.update_mini_batch(training_data[k : k + batch_size], eta)
            print("epoch", epoch, "done")

    def update_mini_batch(self, mini_batch, eta):
        sum_w = [np.zeros_like(w) for w in self.weights]
        sum_b = [np.zeros_like(b) for b in self.biases]
        for x, y in mini_batch:
            nabla_b, nabla_w = self.backprop(x, y)
            sum_w = [s + g for s, g in zip(sum_w, nabla_w)]
            sum_b = [s + g for s, g in zip(sum_b, nabla_b)]
        step = eta / len(mini_batch)
        self.weights = [w - step * s for w, s in zip(self.weights, sum_w)]
        self.biases = [b - step * s for b, s in zip(self.biases, sum_b)]

    def backprop(self, x, y):
        activations, zs = [x], []
        for w, b in zip(self.weights, self.biases):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))

        nabla_w, nabla_b = [], []
        delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
        for i in range(len(self.weights) - 1, -1, -1):
            nabla_b.insert(0, delta)
            nabla_w.insert(0, np.dot(delta, activations[i].T))
            if i > 0:
                delta = np.dot(self.weights[i].T, delta) * sigmoid_prime(zs[i - 1])
        return nabla_b, nabla_w

    def evaluate(self, test_data):
        return sum(int(np.argmax(self.feedforward(x)) == y) for x, y in test_data)
