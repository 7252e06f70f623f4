"""A tiny layer library: every layer has forward(x) and backward(grad)."""
import numpy as np

rng = np.random.RandomState(42)


class Dense:
    def __init__(self, n_in, n_out):
        self.W = rng.randn(n_in, n_out) * np.sqrt(1 / n_in)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, grad):
        return grad * (1 - self.out**2)


def mse(pred, target):
    return ((pred - target) ** 2).mean()


def mse_grad(pred, target):
    return 2 * (pred - target) / pred.size


net = [Dense(3, 5), Tanh(), Dense(5, 4), Tanh(), Dense(4, 2)]


def forward(x):
    for layer in net:
        x = layer.forward(x)
    return x


def backward(grad):
    for layer in reversed(net):
        grad = layer.backward(grad)
    return grad


def sgd(lr):
    for layer in net:
        if hasattr(layer, "W"):
            layer.W -= lr * layer.dW
            layer.b -= lr * layer.db


if __name__ == "__main__":
    X = rng.randn(64, 3)
    Y = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
    for step in range(2000):
        pred = forward(X)
        backward(mse_grad(pred, Y))
        sgd(0.05)
        if step % 200 == 0:
            print(step, mse(pred, Y))
