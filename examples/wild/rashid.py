import numpy


# neural network class definition
class NeuralNetwork:

    # initialise the neural network
    def __init__(self, input_nodes, hidden_nodes, output_nodes, learning_rate):
        self.inodes = input_nodes
        self.hnodes = hidden_nodes
        self.onodes = output_nodes

        # link weights, w_ij goes from node j to node i of the next layer
        self.wih = numpy.random.normal(0.0, self.inodes**-0.5, (self.hnodes, self.inodes))
        self.who = numpy.random.normal(0.0, self.hnodes**-0.5, (self.onodes, self.hnodes))

        self.lr = learning_rate
        self.activation_function = lambda x: 1 / (1 + numpy.exp(-x))

    # train the neural network on one record
    def train(self, inputs_list, targets_list):
        inputs = numpy.array(inputs_list, ndmin=2).T
        targets = numpy.array(targets_list, ndmin=2).T

        hidden_outputs = self.activation_function(numpy.dot(self.wih, inputs))
        final_outputs = self.activation_function(numpy.dot(self.who, hidden_outputs))

        # errors at the output, with the slope of the sigmoid
        output_errors = (targets - final_outputs) * final_outputs * (1.0 - final_outputs)
        # hidden errors are the output errors, split by weights, recombined at the hidden nodes
        hidden_errors = numpy.dot(self.who.T, output_errors) * hidden_outputs * (1.0 - hidden_outputs)

        self.who += self.lr * numpy.dot(output_errors, hidden_outputs.T)
        self.wih += self.lr * numpy.dot(hidden_errors, inputs.T)

    # query the neural network
    def query(self, inputs_list):
        inputs = numpy.array(inputs_list, ndmin=2).T
        hidden_outputs = self.activation_function(numpy.dot(self.wih, inputs))
        return self.activation_function(numpy.dot(self.who, hidden_outputs))


if __name__ == "__main__":
    n = NeuralNetwork(2, 3, 1, 0.5)
    records = [([0.01, 0.01], [0.01]), ([0.01, 0.99], [0.99]), ([0.99, 0.01], [0.99]), ([0.99, 0.99], [0.01])]
    for epoch in range(5000):
        for inputs, targets in records:
            n.train(inputs, targets)
    for inputs, targets in records:
        print(inputs, targets, n.query(inputs))
