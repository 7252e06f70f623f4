from . import bounds as bounds
from . import check as check
from . import gradients as gradients
from . import mistakes as mistakes
from . import report as report
from .check import check_network as check_network
from .gradients import check_gradient as check_gradient
from .report import Report as Report
