"""The forms in which people write backpropagation, and how each is called. All of it runs in the child process.

storage.py   how weights and biases are stored: orientation, shape of a bias, a bias inside its matrix
stores.py    where they are kept: arguments of a function, attributes of an object
roles.py     what an argument stands for, by its name
harvest.py   where the gradient comes out: a returned structure, attributes
calls.py     one way of calling one candidate
layers.py    a list of layer objects
guess.py     which of these ways run
"""
