import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


class CrossEntropyNetwork:
    """Sigmoid neurons, cross-entropy cost: the output error is just a - y."""

    def __init__(self, layers):
        self.layers = layers
        self.biases = [np.random.randn(n, 1) for n in layers[1:]]
        self.weights = [np.random.randn(n, k) / np.sqrt(k) for k, n in zip(layers, layers[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(w @ a + b)
        return a

    def update_mini_batch(self, mini_batch, eta):
        """One step of gradient descent. mini_batch is a list of (x, y) columns, all handled in one go."""
        m = len(mini_batch)
        acts = [np.hstack([x for x, _ in mini_batch])]
        y = np.hstack([y for _, y in mini_batch])
        for b, w in zip(self.biases, self.weights):
            acts.append(sigmoid(w @ acts[-1] + b))

        deltas = [acts[-1] - y]
        for w, a in zip(self.weights[:0:-1], acts[-2:0:-1]):
            deltas.append((w.T @ deltas[-1]) * a * (1 - a))
        deltas.reverse()

        for i, delta in enumerate(deltas):
            self.weights[i] = self.weights[i] - (eta / m) * (delta @ acts[i].T)
            self.biases[i] = self.biases[i] - (eta / m) * delta.sum(axis=1, keepdims=True)

    def SGD(self, data, epochs, batch_size, eta):
        for _ in range(epochs):
            np.random.shuffle(data)
            for k in range(0, len(data), batch_size):
                self.update_mini_batch(data[k : k + batch_size], eta)

    def total_cost(self, data):
        cost = 0.0
        for x, y in data:
            a = self.feedforward(x)
            cost += np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))
        return cost / len(data)
