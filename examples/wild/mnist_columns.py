import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


class Net:
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def cost_derivative(self, output, y):
        return output - y

    def backprop(self, x, y):
        """x and y are column vectors. Returns the layer by layer lists (nabla_b, nabla_w)."""
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]

        # feedforward, keep everything
        a = [x]
        z = []
        for b, w in zip(self.biases, self.weights):
            z.append(np.dot(w, a[-1]) + b)
            a.append(sigmoid(z[-1]))

        # output error
        delta = self.cost_derivative(a[-1], y) * sigmoid_prime(z[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, a[-2].transpose())

        # backpropagate the error
        for l in range(2, self.num_layers):
            delta = np.dot(self.weights[-l + 1].transpose(), delta)
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, a[-l - 1].transpose())
        return nabla_b, nabla_w

    def gradient_step(self, batch, eta):
        for x, y in batch:
            nabla_b, nabla_w = self.backprop(x, y)
            self.weights = [w - eta * nw for w, nw in zip(self.weights, nabla_w)]
            self.biases = [b - eta * nb for b, nb in zip(self.biases, nabla_b)]
