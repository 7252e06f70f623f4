import numpy as np


class neuralNetwork:
    def __init__(self, inputnodes, hiddennodes, outputnodes, learningrate):
        self.inodes, self.hnodes, self.onodes = inputnodes, hiddennodes, outputnodes
        self.lr = learningrate
        # rows are the sending nodes, columns the receiving ones
        self.wih = np.random.rand(self.inodes, self.hnodes) - 0.5
        self.who = np.random.rand(self.hnodes, self.onodes) - 0.5

    def sigmoid(self, x):
        return 1 / (1 + np.exp(-x))

    def train(self, inputs_list, targets_list):
        inputs = np.array(inputs_list, ndmin=2)
        targets = np.array(targets_list, ndmin=2)

        # signals into and out of the hidden layer
        hidden_outputs = self.sigmoid(inputs @ self.wih)
        # signals into and out of the final layer
        final_outputs = self.sigmoid(hidden_outputs @ self.who)

        # output layer error is the (target - actual)
        output_errors = targets - final_outputs
        # hidden layer error is the output_errors, split by weights
        hidden_errors = output_errors @ self.who.T

        # update the weights between hidden and output
        self.who += self.lr * hidden_outputs.T @ (output_errors * final_outputs * (1 - final_outputs))
        # update the weights between input and hidden
        self.wih += self.lr * inputs.T @ (hidden_errors * hidden_outputs * (1 - hidden_outputs))

    def query(self, inputs_list):
        inputs = np.array(inputs_list, ndmin=2)
        return self.sigmoid(self.sigmoid(inputs @ self.wih) @ self.who)


def scale(pixels):
    return np.asarray(pixels, dtype=float) / 255 * 0.99 + 0.01


def one_hot(label, outputs=10):
    targets = np.zeros(outputs) + 0.01
    targets[int(label)] = 0.99
    return targets
