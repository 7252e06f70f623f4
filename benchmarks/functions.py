"""Thirty-three standard test functions, each with its gradient written by hand.

Sources: Moré, Garbow and Hillstrom, Testing unconstrained optimization software, ACM TOMS 7 (1981) 17-41 (Rosenbrock to Meyer);
the global optimization test sets in common use (Griewank, Styblinski-Tang, Rastrigin, Ackley, Levy, Zakharov, Dixon-Price);
and some that are hard to differentiate (offset, narrow, fast).
Every function and gradient works in the dtype of x, so that the gradient can be had in more digits than f.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

exp, cos, sin, pi = np.exp, np.cos, np.sin, np.pi


@dataclass(frozen=True)
class Standard:
    """f, its gradient and a usual starting point."""

    f: Callable[[Any], Any]
    gradient: Callable[[Any], Any]
    start: tuple[float, ...]
    any_length: bool = False

    @property
    def name(self) -> str:
        return self.f.__name__


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x):
    g = np.zeros_like(x)
    r = x[1:] - x[:-1] ** 2
    g[1:] += 200 * r
    g[:-1] -= 400 * x[:-1] * r + 2 * (1 - x[:-1])
    return g


BEALE = np.array([1.5, 2.25, 2.625])


def beale(x):
    return sum((BEALE[i] - x[0] * (1 - x[1] ** (i + 1))) ** 2 for i in range(3))


def beale_gradient(x):
    r = [BEALE[i] - x[0] * (1 - x[1] ** (i + 1)) for i in range(3)]
    g0 = sum(-2 * r[i] * (1 - x[1] ** (i + 1)) for i in range(3))
    g1 = sum(2 * r[i] * x[0] * (i + 1) * x[1] ** i for i in range(3))
    return np.array([g0, g1])


def powell_singular(x):
    return (x[0] + 10 * x[1]) ** 2 + 5 * (x[2] - x[3]) ** 2 + (x[1] - 2 * x[2]) ** 4 + 10 * (x[0] - x[3]) ** 4


def powell_singular_gradient(x):
    p, q, r, s = x[0] + 10 * x[1], x[2] - x[3], x[1] - 2 * x[2], x[0] - x[3]
    return np.array([2 * p + 40 * s**3, 20 * p + 4 * r**3, 10 * q - 8 * r**3, -10 * q - 40 * s**3])


def powell_badly_scaled(x):
    return (1e4 * x[0] * x[1] - 1) ** 2 + (exp(-x[0]) + exp(-x[1]) - 1.0001) ** 2


def powell_badly_scaled_gradient(x):
    p, q = 1e4 * x[0] * x[1] - 1, exp(-x[0]) + exp(-x[1]) - 1.0001
    return np.array([2e4 * p * x[1] - 2 * q * exp(-x[0]), 2e4 * p * x[0] - 2 * q * exp(-x[1])])


def brown_badly_scaled(x):
    return (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2) ** 2


def brown_badly_scaled_gradient(x):
    r = x[0] * x[1] - 2
    return np.array([2 * (x[0] - 1e6) + 2 * r * x[1], 2 * (x[1] - 2e-6) + 2 * r * x[0]])


def freudenstein_roth(x):
    return (-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1]) ** 2 + (-29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]) ** 2


def freudenstein_roth_gradient(x):
    p = -13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1]
    q = -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]
    return np.array([2 * p + 2 * q, 2 * p * (10 * x[1] - 3 * x[1] ** 2 - 2) + 2 * q * (3 * x[1] ** 2 + 2 * x[1] - 14)])


TEN = np.arange(1, 11)


def jennrich_sampson(x):
    return np.sum((2 + 2 * TEN - (exp(TEN * x[0]) + exp(TEN * x[1]))) ** 2)


def jennrich_sampson_gradient(x):
    p, q = exp(TEN * x[0]), exp(TEN * x[1])
    r = 2 + 2 * TEN - (p + q)
    return np.array([np.sum(-2 * r * TEN * p), np.sum(-2 * r * TEN * q)])


TENTHS = 0.1 * TEN
BOX = exp(-TENTHS) - exp(-10 * TENTHS)


def box(x):
    return np.sum((exp(-TENTHS * x[0]) - exp(-TENTHS * x[1]) - x[2] * BOX) ** 2)


def box_gradient(x):
    p, q = exp(-TENTHS * x[0]), exp(-TENTHS * x[1])
    r = 2 * (p - q - x[2] * BOX)
    return np.array([np.sum(-r * TENTHS * p), np.sum(r * TENTHS * q), np.sum(-r * BOX)])


def wood(x):
    return (
        100 * (x[1] - x[0] ** 2) ** 2
        + (1 - x[0]) ** 2
        + 90 * (x[3] - x[2] ** 2) ** 2
        + (1 - x[2]) ** 2
        + 10 * (x[1] + x[3] - 2) ** 2
        + 0.1 * (x[1] - x[3]) ** 2
    )


def wood_gradient(x):
    p, q, s, d = x[1] - x[0] ** 2, x[3] - x[2] ** 2, 20 * (x[1] + x[3] - 2), 2 * 0.1 * (x[1] - x[3])
    return np.array([-400 * x[0] * p - 2 * (1 - x[0]), 200 * p + s + d, -360 * x[2] * q - 2 * (1 - x[2]), 180 * q + s - d])


BIGGS_T = 0.1 * np.arange(1, 14)
BIGGS_Y = exp(-BIGGS_T) - 5 * exp(-10 * BIGGS_T) + 3 * exp(-4 * BIGGS_T)


def biggs(x):
    t = BIGGS_T
    return np.sum((x[2] * exp(-t * x[0]) - x[3] * exp(-t * x[1]) + x[5] * exp(-t * x[4]) - BIGGS_Y) ** 2)


def biggs_gradient(x):
    t = BIGGS_T
    p, q, s = exp(-t * x[0]), exp(-t * x[1]), exp(-t * x[4])
    r = 2 * (x[2] * p - x[3] * q + x[5] * s - BIGGS_Y)
    parts = [-r * x[2] * t * p, r * x[3] * t * q, r * p, -r * q, -r * x[5] * t * s, r * s]
    return np.array([np.sum(part) for part in parts])


def trigonometric(x):
    i = np.arange(1, len(x) + 1)
    return np.sum((len(x) - np.sum(cos(x)) + i * (1 - cos(x)) - sin(x)) ** 2)


def trigonometric_gradient(x):
    i = np.arange(1, len(x) + 1)
    r = 2 * (len(x) - np.sum(cos(x)) + i * (1 - cos(x)) - sin(x))
    return np.sum(r) * sin(x) + r * (i * sin(x) - cos(x))


def broyden_tridiagonal(x):
    return np.sum(_broyden(x) ** 2)


def _broyden(x):
    r = (3 - 2 * x) * x + 1
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r


def broyden_tridiagonal_gradient(x):
    r = 2 * _broyden(x)
    g = r * (3 - 4 * x)
    g[:-1] -= r[1:]
    g[1:] -= 2 * r[:-1]
    return g


def brown_almost_linear(x):
    return np.sum((x[:-1] + np.sum(x) - (len(x) + 1)) ** 2) + (np.prod(x) - 1) ** 2


def brown_almost_linear_gradient(x):
    r = 2 * (x[:-1] + np.sum(x) - (len(x) + 1))
    others = np.array([np.prod(np.delete(x, i)) for i in range(len(x))])
    g = np.sum(r) + 2 * (np.prod(x) - 1) * others
    g[:-1] += r
    return g


def penalty(x):
    return 1e-5 * np.sum((x - 1) ** 2) + (np.sum(x * x) - 0.25) ** 2


def penalty_gradient(x):
    return 2 * 1e-5 * (x - 1) + 4 * (np.sum(x * x) - 0.25) * x


def variably_dimensioned(x):
    q = np.sum(np.arange(1, len(x) + 1) * (x - 1))
    return np.sum((x - 1) ** 2) + q**2 + q**4


def variably_dimensioned_gradient(x):
    i = np.arange(1, len(x) + 1)
    q = np.sum(i * (x - 1))
    return 2 * (x - 1) + (2 * q + 4 * q**3) * i


WATSON_T = np.arange(1, 30)[:, None] / 29


def watson(x):
    j = np.arange(len(x))
    r = (WATSON_T ** (j[1:] - 1) * j[1:]) @ x[1:] - (WATSON_T**j @ x) ** 2 - 1
    return np.sum(r**2) + x[0] ** 2 + (x[1] - x[0] ** 2 - 1) ** 2


def watson_gradient(x):
    j = np.arange(len(x))
    p, q = WATSON_T ** (j[1:] - 1) * j[1:], WATSON_T**j
    r = 2 * (p @ x[1:] - (q @ x) ** 2 - 1)
    g = -2 * ((q @ x) * r) @ q
    g[1:] += r @ p
    s = 2 * (x[1] - x[0] ** 2 - 1)
    g[0] += 2 * x[0] - 2 * x[0] * s
    g[1] += s
    return g


KOWALIK_Y = np.array([0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_U = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik_osborne(x):
    u = KOWALIK_U
    return np.sum((KOWALIK_Y - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3])) ** 2)


def kowalik_osborne_gradient(x):
    u = KOWALIK_U
    top, bottom = u * u + u * x[1], u * u + u * x[2] + x[3]
    r = -2 * (KOWALIK_Y - x[0] * top / bottom)
    parts = [r * top / bottom, r * x[0] * u / bottom, -r * x[0] * top * u / bottom**2, -r * x[0] * top / bottom**2]
    return np.array([np.sum(part) for part in parts])


GAUSS_HALF = [0.0009, 0.0044, 0.0175, 0.054, 0.1295, 0.242, 0.3521]
GAUSS_Y = np.array([*GAUSS_HALF, 0.3989, *GAUSS_HALF[::-1]])
GAUSS_T = (8 - np.arange(1, 16)) / 2


def gaussian(x):
    return np.sum((x[0] * exp(-x[1] * (GAUSS_T - x[2]) ** 2 / 2) - GAUSS_Y) ** 2)


def gaussian_gradient(x):
    d = GAUSS_T - x[2]
    e = exp(-x[1] * d**2 / 2)
    r = 2 * (x[0] * e - GAUSS_Y)
    return np.array([np.sum(r * e), np.sum(-r * x[0] * e * d**2 / 2), np.sum(r * x[0] * e * x[1] * d)])


MEYER_Y = np.array([34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872.0])
MEYER_T = 45.0 + 5 * np.arange(1, 17)


def meyer(x):
    return np.sum((x[0] * exp(x[1] / (MEYER_T + x[2])) - MEYER_Y) ** 2)


def meyer_gradient(x):
    d = MEYER_T + x[2]
    e = exp(x[1] / d)
    r = 2 * (x[0] * e - MEYER_Y)
    return np.array([np.sum(r * e), np.sum(r * x[0] * e / d), np.sum(-r * x[0] * e * x[1] / d**2)])


def chebyquad(x):
    y, n = 2 * x - 1, len(x)
    before, T, total = np.ones_like(y), y, 0
    for i in range(1, n + 1):
        total = total + (np.sum(T) / n - (0 if i % 2 else -1 / (i * i - 1))) ** 2
        before, T = T, 2 * y * T - before
    return total


def chebyquad_gradient(x):
    y, n = 2 * x - 1, len(x)
    before, T, before_prime, T_prime = np.ones_like(y), y, np.zeros_like(y), np.ones_like(y)
    g = np.zeros_like(x)
    for i in range(1, n + 1):
        g += 2 * (np.sum(T) / n - (0 if i % 2 else -1 / (i * i - 1))) * T_prime * 2 / n
        before_prime, T_prime = T_prime, 2 * T + 2 * y * T_prime - before_prime
        before, T = T, 2 * y * T - before
    return g


def log_sum_exp(x):
    return np.log(np.sum(exp(x)))


def log_sum_exp_gradient(x):
    return exp(x) / np.sum(exp(x))


def runge(x):
    return np.sum(1 / (1 + 25 * x * x))


def runge_gradient(x):
    return -50 * x / (1 + 25 * x * x) ** 2


def fast(x):
    return np.sum(sin(50 * x))


def fast_gradient(x):
    return 50 * cos(50 * x)


def narrow(x):
    return np.sum(exp(-x * x * 1e4)) + np.sum(x * x)


def narrow_gradient(x):
    return -2e4 * x * exp(-x * x * 1e4) + 2 * x


def griewank(x):
    i = np.arange(1, len(x) + 1)
    return 1 + np.sum(x * x) / 4000 - np.prod(cos(x / np.sqrt(i)))


def griewank_gradient(x):
    root = np.sqrt(np.arange(1, len(x) + 1))
    c = cos(x / root)
    others = np.array([np.prod(np.delete(c, i)) for i in range(len(x))])
    return x / 2000 + others * sin(x / root) / root


def styblinski_tang(x):
    return np.sum(x**4 - 16 * x * x + 5 * x) / 2


def styblinski_tang_gradient(x):
    return 2 * x**3 - 16 * x + 2.5


def rastrigin(x):
    return 10 * len(x) + np.sum(x * x - 10 * cos(2 * pi * x))


def rastrigin_gradient(x):
    return 2 * x + 10 * (2 * pi) * sin(2 * pi * x)


def ackley(x):
    n = len(x)
    return -20 * exp(-0.2 * np.sqrt(np.sum(x * x) / n)) - exp(np.sum(cos(2 * pi * x)) / n)


def ackley_gradient(x):
    n = len(x)
    r = np.sqrt(np.sum(x * x) / n)
    return 20 * exp(-0.2 * r) * 0.2 * x / (n * r) + exp(np.sum(cos(2 * pi * x)) / n) * (2 * pi) * sin(2 * pi * x) / n


def levy(x):
    w = 1 + (x - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * sin(pi * w[:-1] + 1) ** 2)
    return sin(pi * w[0]) ** 2 + np.sum(middle) + (w[-1] - 1) ** 2 * (1 + sin(2 * pi * w[-1]) ** 2)


def levy_gradient(x):
    w = 1 + (x - 1) / 4
    g = np.zeros_like(x)
    g[0] = 2 * pi * sin(pi * w[0]) * cos(pi * w[0])
    m, s, c = w[:-1] - 1, sin(pi * w[:-1] + 1), cos(pi * w[:-1] + 1)
    g[:-1] += 2 * m * (1 + 10 * s**2) + m**2 * 20 * pi * s * c
    m, s, c = w[-1] - 1, sin(2 * pi * w[-1]), cos(2 * pi * w[-1])
    g[-1] += 2 * m * (1 + s**2) + m**2 * 4 * pi * s * c
    return g / 4


def zakharov(x):
    s = np.sum(0.5 * np.arange(1, len(x) + 1) * x)
    return np.sum(x * x) + s**2 + s**4


def zakharov_gradient(x):
    i = 0.5 * np.arange(1, len(x) + 1)
    s = np.sum(i * x)
    return 2 * x + (2 * s + 4 * s**3) * i


def dixon_price(x):
    i = np.arange(2, len(x) + 1)
    return (x[0] - 1) ** 2 + np.sum(i * (2 * x[1:] ** 2 - x[:-1]) ** 2)


def dixon_price_gradient(x):
    r = 2 * np.arange(2, len(x) + 1) * (2 * x[1:] ** 2 - x[:-1])
    g = np.zeros_like(x)
    g[0] = 2 * (x[0] - 1)
    g[1:] += 4 * x[1:] * r
    g[:-1] -= r
    return g


def offset(x):
    return 1e6 + np.sum(sin(x))


def offset_gradient(x):
    return cos(x)


def tiny(x):
    return 1e-12 * np.sum(np.tanh(x))


def tiny_gradient(x):
    return 1e-12 / np.cosh(x) ** 2


def logistic(x):
    i = np.arange(1, len(x) + 1)
    return np.sum(np.log(1 + exp(-x * sin(i)))) + 0.005 * np.sum(x * x)


def logistic_gradient(x):
    s = sin(np.arange(1, len(x) + 1))
    return -s / (1 + exp(x * s)) + 2 * 0.005 * x


PERCEPTRON_X, PERCEPTRON_Y = np.array([0.3, -0.8]), np.array([0.1, 0.9])


def perceptron(x):
    w2, w3 = x[6:12].reshape(3, 2), x[:6].reshape(2, 3)
    a = 1 / (1 + exp(-(w3 @ np.tanh(w2 @ PERCEPTRON_X))))
    return 0.5 * np.sum((a - PERCEPTRON_Y) ** 2)


def perceptron_gradient(x):
    w2, w3 = x[6:12].reshape(3, 2), x[:6].reshape(2, 3)
    hidden = np.tanh(w2 @ PERCEPTRON_X)
    a = 1 / (1 + exp(-(w3 @ hidden)))
    delta3 = (a - PERCEPTRON_Y) * a * (1 - a)
    delta2 = (w3.T @ delta3) * (1 - hidden**2)
    return np.concatenate([np.outer(delta3, hidden).ravel(), np.outer(delta2, PERCEPTRON_X).ravel()])


FUNCTIONS = (
    Standard(rosenbrock, rosenbrock_gradient, (-1.2, 1, -1.2, 1, 0.5), any_length=True),
    Standard(beale, beale_gradient, (1, 1)),
    Standard(powell_singular, powell_singular_gradient, (3, -1, 0.1, 1)),
    Standard(powell_badly_scaled, powell_badly_scaled_gradient, (0.1, 1)),
    Standard(brown_badly_scaled, brown_badly_scaled_gradient, (1, 1)),
    Standard(freudenstein_roth, freudenstein_roth_gradient, (0.5, -2)),
    Standard(jennrich_sampson, jennrich_sampson_gradient, (0.3, 0.4)),
    Standard(box, box_gradient, (0.1, 10, 20)),
    Standard(wood, wood_gradient, (-3, -1, -3, -1)),
    Standard(biggs, biggs_gradient, (1, 2, 1, 1, 1, 1)),
    Standard(trigonometric, trigonometric_gradient, (0.125,) * 8, any_length=True),
    Standard(broyden_tridiagonal, broyden_tridiagonal_gradient, (-1,) * 10, any_length=True),
    Standard(brown_almost_linear, brown_almost_linear_gradient, (0.5,) * 6),
    Standard(penalty, penalty_gradient, (1, 2, 3, 4, 5), any_length=True),
    Standard(variably_dimensioned, variably_dimensioned_gradient, (0.8, 0.7, 0.5, 0.3, 0.2, 0.1)),
    Standard(watson, watson_gradient, (0.1,) * 6),
    Standard(kowalik_osborne, kowalik_osborne_gradient, (0.25, 0.39, 0.415, 0.39)),
    Standard(gaussian, gaussian_gradient, (0.4, 1, 0.1)),
    Standard(meyer, meyer_gradient, (0.02, 4000, 250)),
    Standard(chebyquad, chebyquad_gradient, (0.12, 0.25, 0.37, 0.5, 0.62, 0.75, 0.87)),
    Standard(log_sum_exp, log_sum_exp_gradient, (0.5,) * 7, any_length=True),
    Standard(runge, runge_gradient, (0.2,) * 5, any_length=True),
    Standard(fast, fast_gradient, (0.2,) * 5, any_length=True),
    Standard(narrow, narrow_gradient, (0.01,) * 5),
    Standard(griewank, griewank_gradient, (1,) * 6),
    Standard(styblinski_tang, styblinski_tang_gradient, (1,) * 5, any_length=True),
    Standard(rastrigin, rastrigin_gradient, (0.7,) * 5, any_length=True),
    Standard(ackley, ackley_gradient, (0.7,) * 5, any_length=True),
    Standard(levy, levy_gradient, (2,) * 5, any_length=True),
    Standard(zakharov, zakharov_gradient, (0.3,) * 5),
    Standard(dixon_price, dixon_price_gradient, (0.6,) * 5, any_length=True),
    Standard(offset, offset_gradient, (1,) * 6, any_length=True),
    Standard(tiny, tiny_gradient, (1,) * 6, any_length=True),
    Standard(logistic, logistic_gradient, (1,) * 6, any_length=True),
    Standard(perceptron, perceptron_gradient, (0.3,) * 12),
)
