# Neural network from scratch in 60 lines, no libraries except numpy
import numpy as np

np.random.seed(1)

# XOR with a redundant third input
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
y = np.array([[0], [1], [1], [0]], dtype=float)

hidden_size = 4
learning_rate = 0.5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(out):
    # out has already been through the sigmoid
    return out * (1 - out)


def forward(X, W1, b1, W2, b2):
    hidden = sigmoid(np.dot(X, W1) + b1)
    output = sigmoid(np.dot(hidden, W2) + b2)
    return hidden, output


def backward(X, y, W1, b1, W2, b2):
    hidden, output = forward(X, W1, b1, W2, b2)

    output_delta = (output - y) * sigmoid_derivative(output)
    hidden_delta = output_delta.dot(W2.T) * sigmoid_derivative(hidden)

    dW2 = hidden.T.dot(output_delta)
    db2 = np.sum(output_delta, axis=0, keepdims=True)
    dW1 = X.T.dot(hidden_delta)
    db1 = np.sum(hidden_delta, axis=0, keepdims=True)
    return dW1, db1, dW2, db2


W1 = np.random.uniform(-1, 1, (X.shape[1], hidden_size))
b1 = np.zeros((1, hidden_size))
W2 = np.random.uniform(-1, 1, (hidden_size, y.shape[1]))
b2 = np.zeros((1, y.shape[1]))

for epoch in range(10000):
    dW1, db1, dW2, db2 = backward(X, y, W1, b1, W2, b2)
    W1 -= learning_rate * dW1
    b1 -= learning_rate * db1
    W2 -= learning_rate * dW2
    b2 -= learning_rate * db2
    if epoch % 1000 == 0:
        print("Error:", np.mean(np.abs(y - forward(X, W1, b1, W2, b2)[1])))

print("Output after training:")
print(forward(X, W1, b1, W2, b2)[1])
