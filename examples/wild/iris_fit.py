import numpy as np


class IrisNet:
    def __init__(self, n_features=4, n_hidden=5, n_classes=3, lr=0.1, n_iter=200, random_state=0):
        rng = np.random.RandomState(random_state)
        self.lr = lr
        self.n_iter = n_iter
        self.W1 = rng.randn(n_features, n_hidden) * 0.5
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.randn(n_hidden, n_classes) * 0.5
        self.b2 = np.zeros(n_classes)

    def _softmax(self, z):
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        return e / np.sum(e, axis=1, keepdims=True)

    def predict_proba(self, X):
        hidden = np.tanh(np.dot(X, self.W1) + self.b1)
        return self._softmax(np.dot(hidden, self.W2) + self.b2)

    def predict(self, X):
        return np.argmax(self.predict_proba(X), axis=1)

    def fit(self, X, y):
        """y contains the class of each sample, 0 to n_classes - 1."""
        m = X.shape[0]
        onehot = np.zeros((m, self.W2.shape[1]))
        onehot[np.arange(m), y] = 1

        for _ in range(self.n_iter):
            hidden = np.tanh(np.dot(X, self.W1) + self.b1)
            proba = self._softmax(np.dot(hidden, self.W2) + self.b2)

            d2 = (proba - onehot) / m
            d1 = np.dot(d2, self.W2.T) * (1 - hidden**2)

            self.W2 -= self.lr * np.dot(hidden.T, d2)
            self.b2 -= self.lr * np.sum(d2, axis=0)
            self.W1 -= self.lr * np.dot(X.T, d1)
            self.b1 -= self.lr * np.sum(d1)
        return self

    def accuracy(self, X, y):
        return np.mean(self.predict(X) == y)
