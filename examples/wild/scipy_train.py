"""Fit a small regression network: minimize(cost, theta0, args=(X, Y), jac=grad, method="BFGS")."""

import numpy as np

n_in, n_hidden, n_out = 3, 5, 2
lam = 0.01


def unpack(theta):
    k = n_hidden * n_in
    W1 = theta[:k].reshape(n_hidden, n_in)
    b1 = theta[k : k + n_hidden]
    k += n_hidden
    W2 = theta[k : k + n_out * n_hidden].reshape(n_out, n_hidden)
    b2 = theta[k + n_out * n_hidden :]
    return W1, b1, W2, b2


def pack(W1, b1, W2, b2):
    return np.concatenate([W1.ravel(), b1, W2.ravel(), b2])


def predict(theta, X):
    W1, b1, W2, b2 = unpack(theta)
    return np.tanh(X @ W1.T + b1) @ W2.T + b2


def cost(theta, X, Y):
    return 0.5 * np.sum((predict(theta, X) - Y) ** 2) / len(X)


def grad(theta, X, Y):
    W1, b1, W2, b2 = unpack(theta)
    H = np.tanh(X @ W1.T + b1)
    D2 = (H @ W2.T + b2 - Y) / len(X)
    D1 = (D2 @ W2) * (1 - H**2)
    dW2 = D2.T @ H + lam * W2
    dW1 = D1.T @ X + lam * W1
    return pack(dW1, D1.sum(axis=0), dW2, D2.sum(axis=0))


def initial_theta(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.3, size=n_hidden * n_in + n_hidden + n_out * n_hidden + n_out)


def gradient_descent(X, Y, steps=500, lr=0.1):
    theta = initial_theta()
    for _ in range(steps):
        theta = theta - lr * grad(theta, X, Y)
    return theta, cost(theta, X, Y)
