import numpy as np


def add_ones(A):
    """Append a column of ones, so that the last column of each weight matrix is the bias."""
    return np.c_[A, np.ones(len(A))]


class MLP:
    def __init__(self, sizes, seed=None):
        rng = np.random.RandomState(seed)
        self.W = [rng.uniform(-1, 1, (n, k + 1)) for k, n in zip(sizes, sizes[1:])]

    def forward(self, X):
        outputs = [X]
        for W in self.W:
            outputs.append(np.tanh(add_ones(outputs[-1]) @ W.T))
        return outputs

    def predict(self, X):
        return self.forward(X)[-1]

    def sse(self, X, Y):
        return np.sum((self.predict(X) - Y) ** 2)

    def gradient(self, X, Y):
        """Gradient of the sum of squared errors, one array per weight matrix."""
        outputs = self.forward(X)
        grads = [None] * len(self.W)
        delta = 2 * (outputs[-1] - Y) * (1 - outputs[-1] ** 2)
        for i in range(len(self.W) - 1, -1, -1):
            grads[i] = delta.T @ add_ones(outputs[i])
            # the bias has no neuron below it, so its column is cut off
            delta = (delta @ self.W[i][:, :-1]) * (1 - outputs[i] ** 2)
        return grads

    def fit(self, X, Y, lr=0.01, epochs=500):
        for _ in range(epochs):
            for W, dW in zip(self.W, self.gradient(X, Y)):
                W -= lr * dW
        return self
