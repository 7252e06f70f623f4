import numpy as np


class NeuralNetRegressor:
    """One tanh hidden layer, linear output, full batch gradient descent on the MSE."""

    def __init__(self, n_inputs, n_hidden, n_outputs=1):
        self.W_hidden = np.random.normal(0, 1 / np.sqrt(n_inputs), (n_inputs, n_hidden))
        self.b_hidden = np.zeros(n_hidden)
        self.W_out = np.random.normal(0, 1 / np.sqrt(n_hidden), (n_hidden, n_outputs))
        self.b_out = np.zeros(n_outputs)
        self.losses = []

    def predict(self, X):
        return np.tanh(X @ self.W_hidden + self.b_hidden) @ self.W_out + self.b_out

    def fit(self, X, y, epochs=1000, lr=0.01, verbose=False):
        for epoch in range(epochs):
            # forward
            h = np.tanh(X @ self.W_hidden + self.b_hidden)
            pred = h @ self.W_out + self.b_out
            error = pred - y
            self.losses.append(np.mean(error**2))

            # backward
            d_pred = 2 * error / error.size
            d_hidden = (d_pred @ self.W_out.T) * (1 - h**2)

            # update
            self.W_out -= lr * (h.T @ d_pred)
            self.b_out -= lr * d_pred.sum(axis=0)
            self.W_hidden -= lr * (X.T @ d_hidden)
            self.b_hidden -= lr * d_hidden.sum(axis=0)

            if verbose and epoch % 100 == 0:
                print(f"epoch {epoch}: mse {self.losses[-1]:.5f}")
        return self

    def score(self, X, y):
        residual = np.sum((y - self.predict(X)) ** 2)
        return 1 - residual / np.sum((y - y.mean(axis=0)) ** 2)


if __name__ == "__main__":
    x = np.linspace(-3, 3, 200).reshape(-1, 1)
    model = NeuralNetRegressor(1, 16).fit(x, np.sin(x), epochs=5000, lr=0.1, verbose=True)
    print("R2:", model.score(x, np.sin(x)))
