from . import blackbox as blackbox
from . import differences as differences
from . import enclosures as enclosures
from . import exact as exact
