from . import activations as activations
from . import assumptions as assumptions
from . import costs as costs
from . import derivation as derivation
from . import digits as digits
from . import errors as errors
from . import gate as gate
from . import gradient as gradient
from . import matrix as matrix
from . import network as network
from . import neuron as neuron
from . import oracles as oracles
from . import rounding as rounding
from . import sgd as sgd
from . import strategies as strategies
from . import trace as trace
from .activations import Activation as Activation
from .costs import Cost as Cost
from .gate.check import check_network as check_network
from .gate.gradients import check_gradient as check_gradient
from .gate.report import Report as Report
from .gradient import Estimate as Estimate
from .gradient import Gradient as Gradient
from .gradient import Verdict as Verdict
from .network import Network as Network

__version__: str
