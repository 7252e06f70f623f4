import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def with_bias(A):
    return np.hstack((np.ones((A.shape[0], 1)), A))


class SpamClassifier:
    """Multi label classifier, binary cross-entropy on every output. Row 0 of each weight matrix is the bias."""

    def __init__(self, sizes):
        self.thetas = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            limit = np.sqrt(6 / (n_in + n_out))
            self.thetas.append(np.random.uniform(-limit, limit, (n_in + 1, n_out)))

    def forward(self, X):
        activations = [X]
        for theta in self.thetas:
            activations.append(sigmoid(with_bias(activations[-1]) @ theta))
        return activations

    def log_loss(self, X, Y):
        P = np.clip(self.forward(X)[-1], 1e-12, 1 - 1e-12)
        return -np.mean(np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P), axis=1))

    def gradient(self, X, Y):
        m = len(X)
        activations = self.forward(X)
        out = activations[-1]
        delta = (out - Y) * out * (1 - out)
        grads = []
        for i in reversed(range(len(self.thetas))):
            a = activations[i]
            grads.append(with_bias(a).T @ delta / m)
            delta = (delta @ self.thetas[i][1:].T) * a * (1 - a)
        return grads[::-1]

    def train(self, X, Y, lr=0.3, epochs=1000):
        for epoch in range(epochs):
            for theta, g in zip(self.thetas, self.gradient(X, Y)):
                theta -= lr * g
        return self.log_loss(X, Y)

    def predict(self, X):
        return (self.forward(X)[-1] > 0.5).astype(int)
