"""The activations: by hand, in both tails, and against the same functions at 400 bits."""

import math
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from backprop_ref import activations
from backprop_ref.activations import ACTIVATIONS, GELU_C, GELU_K, Activation, activation
from backprop_ref.errors import FormMissing, NotComplex, UnknownName
from backprop_ref.network import Network
from backprop_ref.rounding import ELEMENTARY, TINY, U

H = 2.0**-60
ELEMENTWISE = [s for s in ACTIVATIONS.values() if s.elementwise]
COMPLEX = [s for s in ACTIVATIONS.values() if s.complex]


def names(activation):
    return activation.name


# --------------------------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(
    ("name", "z", "sigma", "sigma_prime"),
    [
        ("sigmoid", 0.0, 0.5, 0.25),
        ("tanh", 0.0, 0.0, 1.0),
        ("relu", -3.0, 0.0, 0.0),
        ("relu", 3.0, 3.0, 1.0),
        ("leaky_relu", -200.0, -2.0, 0.01),
        ("leaky_relu", 3.0, 3.0, 1.0),
        ("softplus", 1000.0, 1000.0, 1.0),
        ("silu", 0.0, 0.0, 0.5),
        ("gelu", 0.0, 0.0, 0.5),
        ("gelu_erf", 0.0, 0.0, 0.5),
        ("linear", 7.0, 7.0, 1.0),
        ("square", -3.0, 9.0, -6.0),
        ("cube", -2.0, -8.0, 12.0),
    ],
)
def test_hand_worked_values_in_every_form(name, z, sigma, sigma_prime):
    s = activation(name)
    assert s.sigma(np.array([z])).tolist() == [sigma]
    assert s.sigma_prime(np.array([z])).tolist() == [sigma_prime]
    plain, plain_prime = s.on_plain(float)
    assert (plain(z), plain_prime(z)) == (sigma, sigma_prime)
    if s.complex:
        assert s.on_complex()(np.array([complex(z)])).tolist() == [sigma]


def test_sigmoid_neither_overflows_nor_loses_its_tails():
    z = np.array([-1000.0, -745.0, -700.0, 700.0, 1000.0])
    a = activations.sigmoid.sigma(z)
    assert a[0] == 0.0
    assert a[1] == 5e-324  # exp(-745), the last one that is not 0
    assert a[2] == math.exp(-700)
    assert a[3:].tolist() == [1.0, 1.0]
    assert activations.sigmoid.sigma_prime(z)[[0, 4]].tolist() == [0.0, 0.0]
    assert activations.sigmoid.sigma_prime(z)[3] == math.exp(-700)  # by 1 - a it would be 0
    assert np.isfinite(activations.sigmoid.on_complex()(z + 1j * H)).all()


@pytest.mark.parametrize("s", ELEMENTWISE, ids=names)
def test_no_activation_overflows_at_a_thousand(s):
    z = np.array([-1000.0, 1000.0])
    for f in (s.sigma, s.sigma_prime, *([s.complex] if s.complex else [])):
        assert np.isfinite(f(z)).all()
    for f in s.on_plain(float):
        assert all(math.isfinite(f(v)) for v in z.tolist())


def test_tanh_has_a_slope_in_both_tails():
    """4 exp(-2|z|) to rounding: 1 - a^2 is 0 from z = 19 on, and so was an imaginary part that was made of 1 + expm1(-2|z|)."""
    for z in (-300.0, 300.0):
        slope = 4 * math.exp(-600)
        assert activations.tanh.sigma_prime(np.array([z]))[0] == slope
        assert activations.tanh.on_complex()(np.array([complex(z, H)]))[0].imag == slope * H


def test_a_piecewise_sigma_takes_its_branch_from_the_real_part():
    z = np.array([complex(-1, 9), complex(2, -9)])
    assert activations.relu.on_complex()(z).tolist() == [0, 2 - 9j]
    assert activations.leaky_relu.on_complex()(100 * z).tolist() == [-1 + 9j, 200 - 900j]


def test_relu_passes_a_nan_on():
    assert np.isnan(activations.relu.sigma(np.array([np.nan]))).all()
    assert np.isnan(activations.relu.on_complex()(np.array([complex(np.nan, 0)]))).all()


def test_softmax_and_its_jacobian_by_hand():
    z = np.array([[0.0], [0.0]])
    assert activations.softmax.sigma(z).tolist() == [[0.5], [0.5]]
    assert activations.softmax.sigma_prime(z)[..., 0].tolist() == [[0.25, -0.25], [-0.25, 0.25]]  # a_k (delta_kj - a_j)
    sigma, jacobian = activations.softmax.on_plain(float)
    assert sigma([0.0, 0.0]) == [0.5, 0.5]
    assert jacobian([0.0, 0.0]) == [[0.25, -0.25], [-0.25, 0.25]]
    assert activations.softmax.sigma(np.array([1000.0, 0.0])).tolist() == [1.0, 0.0]
    assert activations.softmax.on_complex()(np.array([1000.0 + 0j, 0])).tolist() == [1, 0]


def test_the_jacobian_of_a_batch_holds_one_for_each_example():
    z = np.array([[0.0, 3.0], [1.0, -2.0], [0.5, 0.25]])
    J = activations.softmax.sigma_prime(z)
    assert J.shape == (3, 3, 2)
    assert all(np.array_equal(J[..., x], activations.softmax.sigma_prime(z[:, x])) for x in (0, 1))


@pytest.mark.parametrize("s", ACTIVATIONS.values(), ids=names)
@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_float32_in_is_float32_out(s, shape):
    z = np.linspace(-2, 2, math.prod(shape), dtype=np.float32).reshape(shape)
    assert s.sigma(z).dtype == s.sigma_prime(z).dtype == np.float32
    assert s.sigma(z).shape == shape
    assert s.sigma_prime(z).shape == (shape if s.elementwise else (3, *shape))


@pytest.mark.parametrize("s", ACTIVATIONS.values(), ids=names)
def test_no_form_changes_its_argument(s):
    z = np.array([-1.5, 0.25, 2.0])
    z.flags.writeable = False
    s.sigma(z)
    s.sigma_prime(z)
    if s.complex:
        w = z + 1j * H
        w.flags.writeable = False
        s.complex(w)


@pytest.mark.parametrize(
    ("name", "value", "slope"), [("linear", "3/7", 1), ("square", "9/49", "6/7"), ("cube", "27/343", "27/49")]
)
def test_polynomials_run_on_fractions(name, value, slope):
    sigma, sigma_prime = activation(name).on_plain(Fraction)
    assert sigma(Fraction(3, 7)) == Fraction(value)
    assert sigma_prime(Fraction(3, 7)) == Fraction(slope)


# ---------------------------------------------------------------------------------------- the same at 400 bits, in u

mpmath.mp.prec = 400


def _sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


def _q(z):
    return mpmath.mpf(GELU_K) * (z + mpmath.mpf(GELU_C) * z**3)


EXACT = {
    "sigmoid": _sigmoid,
    "tanh": mpmath.tanh,
    "relu": lambda z: z if mpmath.re(z) > 0 else 0 * z,
    "leaky_relu": lambda z: z if mpmath.re(z) > 0 else z / 100,
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)) if mpmath.re(z) < 0 else z + mpmath.log1p(mpmath.exp(-z)),
    "silu": lambda z: z * _sigmoid(z),
    "gelu": lambda z: z * _sigmoid(_q(z)),
    "gelu_erf": lambda z: z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2,
    "linear": lambda z: z,
    "square": lambda z: z * z,
    "cube": lambda z: z**3,
}


def _slope_and_scale(name, z):
    """sigma'(z), and the size of the terms that it is the sum of: where they cancel, no form can be better than that.

    gelu rounds q(z) before its exponential, and gelu_erf z^2: a relative error of u there is |q| u, or z^2 u, in sigma.
    """
    slope = mpmath.im(EXACT[name](mpmath.mpc(z, mpmath.mpf(2) ** -3000))) * mpmath.mpf(2) ** 3000
    if name == "silu":
        return slope, _sigmoid(z) * (1 + abs(z) * _sigmoid(-z))
    if name == "gelu":
        q_prime = mpmath.mpf(GELU_K) * (1 + 3 * mpmath.mpf(GELU_C) * z * z)
        return slope, _sigmoid(_q(z)) * (1 + abs(z) * q_prime * _sigmoid(-_q(z))) * (1 + abs(_q(z)))
    if name == "gelu_erf":
        cdf, density = mpmath.erfc(-z / mpmath.sqrt(2)) / 2, mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpmath.pi)
        return cdf + z * density, (cdf + abs(z) * density) * (1 + z * z)
    return slope, abs(slope)


def _condition(name, z):
    return {"gelu": 1 + abs(_q(z)), "gelu_erf": 1 + z * z}.get(name, 1)


def _grid():
    rng = np.random.default_rng(0)
    parts = [np.arange(-700.0, 701.0, 50), rng.uniform(-700, 700, 60), rng.uniform(-40, 40, 120), rng.uniform(-3, 3, 160)]
    tiny = 10.0 ** rng.uniform(-290, 0, 40)
    z = np.concatenate([*parts, rng.uniform(-1.3, -1.25, 40), rng.uniform(-0.77, -0.73, 40), tiny, -tiny])
    return z[z != 0]


@pytest.mark.parametrize("s", ELEMENTWISE, ids=names)
def test_sigma_and_sigma_prime_are_right_to_eight_units(s):
    """In units u of the value, or, where terms cancel (silu, gelu), of the terms. Below TINY digits end, and so does this."""
    z = _grid()
    for i, (a, a_prime) in enumerate(zip(s.sigma(z).tolist(), s.sigma_prime(z).tolist(), strict=True)):
        x = mpmath.mpf(z[i])
        slope, scale = _slope_and_scale(s.name, x)
        assert abs(a - EXACT[s.name](x)) <= ELEMENTARY * U * _condition(s.name, x) * abs(EXACT[s.name](x)) + TINY * (
            1 + abs(x)
        ), x
        assert abs(a_prime - slope) <= ELEMENTARY * U * scale + TINY * (1 + abs(x)) ** 3, x


@pytest.mark.parametrize("s", [s for s in COMPLEX if s.elementwise], ids=names)
def test_an_imaginary_part_of_any_size_keeps_its_digits(s):
    """Within 16 u, real and imaginary part; cube by the sum of its terms 3 x^2 h and h^3. What is subnormal, to the last bit."""
    z = _grid()
    for h in (H, 2.0**-200, 1e-9):
        out = s.on_complex()(z + 1j * h)
        for x, real, imag in zip(z, out.real.tolist(), out.imag.tolist(), strict=True):
            exact = EXACT[s.name](mpmath.mpc(x, h))
            _, scale = _slope_and_scale(s.name, mpmath.mpf(x))
            scale += h * h if s.name in ("cube", "silu", "gelu") else 0  # terms of order h^3
            last_bit = 2.0**-1074 * 8 * (1 + abs(x)) ** 2
            assert abs(imag - mpmath.im(exact)) <= 16 * U * scale * h + last_bit, (x, h)
            terms = abs(mpmath.re(exact)) + h * h * (1 + 3 * abs(x))
            assert abs(real - mpmath.re(exact)) <= 16 * U * _condition(s.name, mpmath.mpf(x)) * terms + last_bit, (x, h)


@pytest.mark.parametrize("s", [s for s in COMPLEX if s.elementwise], ids=names)
def test_plain_complex_numbers_keep_their_digits_too(s):
    """neuron.py over complex is a complex step of its own. Within 32 u: of Python's quotient of complex numbers, too."""
    sigma, _ = s.on_plain(complex)
    for x in (-300.0, -40.0, -1.5, -1e-9, 1e-9, 0.5, 20.0, 40.0, 300.0):
        got, exact = complex(sigma(complex(x, H))), EXACT[s.name](mpmath.mpc(x, H))
        _, scale = _slope_and_scale(s.name, mpmath.mpf(x))
        assert abs(got.imag - mpmath.im(exact)) <= 32 * U * (scale + H * H) * H + 2.0**-1074, x
        assert abs(got.real - mpmath.re(exact)) <= 32 * U * _condition(s.name, mpmath.mpf(x)) * (abs(mpmath.re(exact)) + H * H), x


def test_the_units_catch_what_a_tolerance_would_not():
    """The same measure, on forms that lose their tail: 1 - a, and NumPy's complex log1p(exp(z))."""
    z = np.array([20.0, -40.0])
    a = activations.sigmoid.sigma(z)
    slope, scale = _slope_and_scale("sigmoid", mpmath.mpf(20))
    assert abs(float(a[0] * (1 - a[0])) - slope) > 1e6 * U * scale
    imag = np.log(1 + np.exp(z[1:] + 1j * H)).imag[0]
    slope, scale = _slope_and_scale("softplus", mpmath.mpf(-40))
    assert abs(float(np.log(1 + np.exp(z[1:] + 1j * H)).real[0]) - EXACT["softplus"](mpmath.mpf(-40))) > 1e6 * U * scale
    assert abs(imag - slope * H) <= 16 * U * scale * H  # its angle is right: only the real part is lost


# -------------------------------------------------------------------------------------------------- your own, errors


def test_your_own_activation_works_where_a_name_does():
    mine = Activation("mine", lambda z: z / 2, lambda z: np.full_like(z, 0.5))
    assert activation(mine) is mine
    network = Network.from_arrays([[[1.0]]], None, activations=mine)
    assert network.sigma[2] is mine


def test_without_a_plain_form_floats_go_through_the_array_form():
    mine = Activation("mine", lambda z: 3 * z, lambda z: np.full_like(z, 3.0), complex=lambda z: 3 * z)
    sigma, sigma_prime = mine.on_plain(float)
    assert (sigma(2.0), sigma_prime(2.0)) == (6.0, 3.0)
    assert type(sigma(2.0)) is float
    sigma, sigma_prime = mine.on_plain(complex)
    assert sigma(2 + 1j) == 6 + 3j
    with pytest.raises(FormMissing) as error:
        sigma_prime(2 + 1j)
    assert str(error.value) == (
        "activation 'mine' has no sigma_prime for plain numbers of kind complex; "
        "pass Activation(..., plain=(sigma, sigma_prime))."
    )


def test_a_vector_valued_activation_of_your_own_gets_lists():
    mine = Activation("mine", lambda z: z[::-1], lambda z: np.eye(len(z))[::-1], elementwise=False)
    sigma, jacobian = mine.on_plain(float)
    assert sigma([1.0, 2.0]) == [2.0, 1.0]
    assert jacobian([1.0, 2.0]) == [[0.0, 1.0], [1.0, 0.0]]


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName) as error:
        activation("sigmoyd")
    assert str(error.value) == (
        "There is no activation 'sigmoyd'. Did you mean 'sigmoid'? Known: cube, gelu, gelu_erf, leaky_relu, linear, relu, "
        "sigmoid, silu, softmax, softplus, square, tanh."
    )
    with pytest.raises(UnknownName, match=re.escape("There is no activation ['tanh']. Did you mean 'tanh'? Known: ")):
        activation(["tanh"])


def test_a_missing_complex_form_says_what_to_do():
    with pytest.raises(NotComplex) as error:
        activations.gelu_erf.on_complex()
    assert str(error.value) == (
        "activation 'gelu_erf' has no complex form, which complex numbers need. Use the central oracle, "
        "or pass Activation(..., complex=f) with f exact in a tiny imaginary part."
    )
    assert not activations.gelu_erf.continues_to_complex
    assert activations.gelu.continues_to_complex


def test_a_missing_plain_form_says_what_to_do():
    with pytest.raises(FormMissing) as error:
        Activation("mine", np.sin, np.cos).on_plain(Fraction)
    assert str(error.value) == (
        "activation 'mine' has no form for plain numbers of kind Fraction. "
        "Pass Activation(..., plain=(sigma, sigma_prime)) with functions of one Fraction."
    )


def test_a_fraction_has_no_exponential():
    sigma, _ = activations.sigmoid.on_plain(Fraction)
    with pytest.raises(FormMissing) as error:
        sigma(Fraction(1, 2))
    assert str(error.value) == (
        "exp of a Fraction is not a Fraction. Use an activation that is a polynomial (linear, square, cube), or floats."
    )
    sigma, _ = activations.gelu_erf.on_plain(Fraction)
    with pytest.raises(FormMissing) as error:
        sigma(Fraction(1, 2))
    assert str(error.value) == "gelu_erf is computed by math.erfc, on floats only, and was given a Fraction; use gelu."


def test_the_registry_cannot_be_written_to():
    with pytest.raises(TypeError, match="does not support item assignment"):
        ACTIVATIONS["mine"] = activations.relu
