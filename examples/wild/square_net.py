import numpy as np


def sig(t):
    return 1 / (1 + np.exp(-t))


class Net:
    """n_in inputs and a stack of layers with n units each. No thresholds, the inputs are centred anyway."""

    def __init__(self, n_in, n, depth=2):
        self.W = [np.random.randn(n, n_in)] + [np.random.randn(n, n) for _ in range(depth - 1)]

    def forward(self, x):
        acts = [x]
        for W in self.W:
            acts.append(sig(W.dot(acts[-1])))
        return acts

    def gradient(self, x, y):
        """x is (n_in, N), y is (n, N): every column a sample. Gradient of 1/2 |out - y|^2 averaged over the samples."""
        N = x.shape[1]
        acts = self.forward(x)
        grads = []
        delta = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
        for k in range(len(self.W) - 1, -1, -1):
            grads.insert(0, delta.dot(acts[k].T) / N)
            if k > 0:
                delta = self.W[k].dot(delta) * acts[k] * (1 - acts[k])
        return grads

    def learn(self, x, y, rate=0.5, rounds=100):
        for _ in range(rounds):
            for W, dW in zip(self.W, self.gradient(x, y)):
                W -= rate * dW


def autoencode(samples, n_in):
    net = Net(n_in, n_in, depth=3)
    net.learn(samples, samples, rounds=2000)
    return net
