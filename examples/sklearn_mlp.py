"""scikit-learn's own gradient, at the gate: backprop-ref gate examples/sklearn_mlp.py:mlp"""

import numpy as np
from sklearn.neural_network import MLPClassifier

rng = np.random.default_rng(0)
X, y = rng.standard_normal((12, 4)), np.arange(12) % 3
mlp = MLPClassifier((6, 5), activation="tanh", solver="lbfgs", max_iter=1).fit(X, y)
