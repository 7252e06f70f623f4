import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def init_params(n_inputs, n_hidden, n_classes):
    return {
        "W1": np.random.randn(n_inputs, n_hidden) * 0.1,
        "b1": np.zeros((1, n_hidden)),
        "W2": np.random.randn(n_hidden, n_classes) * 0.1,
        "b2": np.zeros((1, n_classes)),
    }


def forward(params, X):
    A1 = sigmoid(X @ params["W1"] + params["b1"])
    A2 = softmax(A1 @ params["W2"] + params["b2"])
    return A1, A2


def compute_loss(A2, Y):
    return 0.5 * np.sum((A2 - Y) ** 2) / len(Y)


def backward(params, X, Y):
    """Gradients of the mean squared error of the class probabilities, Y is one-hot."""
    m = X.shape[0]
    A1, A2 = forward(params, X)
    grads = {}

    dZ2 = (A2 - Y) * A2 * (1 - A2)
    grads["dW2"] = A1.T @ dZ2 / m
    grads["db2"] = dZ2.sum(axis=0, keepdims=True) / m

    dZ1 = (dZ2 @ params["W2"].T) * A1 * (1 - A1)
    grads["dW1"] = X.T @ dZ1 / m
    grads["db1"] = dZ1.sum(axis=0, keepdims=True) / m
    return grads


def train(X, Y, n_hidden=10, lr=0.5, epochs=500):
    params = init_params(X.shape[1], n_hidden, Y.shape[1])
    for epoch in range(epochs):
        grads = backward(params, X, Y)
        for k in params:
            params[k] -= lr * grads["d" + k]
        if epoch % 50 == 0:
            print(epoch, compute_loss(forward(params, X)[1], Y))
    return params
