import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class XorNet:
    def __init__(self, n_input, n_hidden, n_output):
        self.weights_input_hidden = np.random.uniform(size=(n_input, n_hidden))
        self.bias_hidden = np.random.uniform(size=(1, n_hidden))
        self.weights_hidden_output = np.random.uniform(size=(n_hidden, n_output))
        self.bias_output = np.random.uniform(size=(1, n_output))

    def forward(self, X):
        self.hidden = sigmoid(np.dot(X, self.weights_input_hidden) + self.bias_hidden)
        self.output = sigmoid(np.dot(self.hidden, self.weights_hidden_output) + self.bias_output)
        return self.output

    def train(self, X, y, learning_rate=0.5):
        self.forward(X)

        # output layer
        output_delta = (y - self.output) * self.output * (1 - self.output)
        self.weights_hidden_output += learning_rate * np.dot(self.hidden.T, output_delta)
        self.bias_output += learning_rate * np.sum(output_delta, axis=0, keepdims=True)

        # hidden layer
        hidden_error = np.dot(output_delta, self.weights_hidden_output.T)
        hidden_delta = hidden_error * self.hidden * (1 - self.hidden)
        self.weights_input_hidden += learning_rate * np.dot(X.T, hidden_delta)
        self.bias_hidden += learning_rate * np.sum(hidden_delta, axis=0, keepdims=True)

        return 0.5 * np.sum((y - self.output) ** 2)


if __name__ == "__main__":
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0], [1], [1], [0]])
    net = XorNet(2, 2, 1)
    for epoch in range(10000):
        loss = net.train(X, y)
    print("loss:", loss)
    print(net.forward(X).round(3))
