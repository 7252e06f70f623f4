import numpy as np


class Linear:
    def __init__(self, n_in, n_out):
        self.weights = np.random.randn(n_out, n_in) / np.sqrt(n_in)
        self.bias = np.zeros(n_out)
        self.grads = None

    def forward(self, x):
        self.input = x
        return x @ self.weights.T + self.bias

    def backward(self, grad_output):
        self.grads = (grad_output.T @ self.input, grad_output.sum(axis=0))
        return grad_output @ self.weights


class Sigmoid:
    def _prime(self, s):
        return s * (1 - s)

    def forward(self, x):
        self.input = x
        return 1 / (1 + np.exp(-x))

    def backward(self, grad_output):
        return grad_output * self._prime(self.input)


class SquaredError:
    def forward(self, pred, target):
        self.diff = pred - target
        return np.sum(self.diff**2)

    def backward(self):
        return 2 * self.diff


class Sequential:
    def __init__(self, sizes):
        self.layers = []
        for n_in, n_out in zip(sizes, sizes[1:]):
            self.layers += [Linear(n_in, n_out), Sigmoid()]
        self.loss = SquaredError()

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in self.layers[::-1]:
            grad = layer.backward(grad)
        return grad

    def step(self, x, y, lr=0.1):
        value = self.loss.forward(self.forward(x), y)
        self.backward(self.loss.backward())
        for layer in self.layers:
            if isinstance(layer, Linear):
                dw, db = layer.grads
                layer.weights -= lr * dw
                layer.bias -= lr * db
        return value
