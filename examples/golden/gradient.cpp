// The gradient of a golden network, from the four equations of the chapter, as a claim for backprop-ref gate.
#include "golden.h"  // L, m, n[l], w[l][j][k], b[l][j], X[x], Y[x]: layers as in the book, the rest from 0
#include <cmath>
#include <cstdio>
using namespace golden;

real sigma(real z) { return 1 / (1 + std::exp(-z)); }
real sigma_prime(real z) { return sigma(z) * (1 - sigma(z)); }

void print(real v) { std::printf("\"%a\"", double(v)); }  // hexadecimal: every digit
template <class T> void print(const std::vector<T>& v, size_t from = 0) {
    for (size_t i = from; i < v.size(); ++i) std::printf(i > from ? ", " : "["), print(v[i]);
    std::printf("]");
}

int main() {
    auto nabla_w = w;
    auto nabla_b = b;
    for (auto& layer : nabla_b) for (auto& v : layer) v = 0;
    for (auto& layer : nabla_w) for (auto& row : layer) for (auto& v : row) v = 0;
    for (int x = 0; x < m; ++x) {
        auto z = b, a = b, delta = b;
        a[1] = X[x];
        for (int l = 2; l <= L; ++l)
            for (int j = 0; j < n[l]; ++j) {
                for (int k = 0; k < n[l - 1]; ++k) z[l][j] += w[l][j][k] * a[l - 1][k];  // (25), from b on
                a[l][j] = sigma(z[l][j]);  // (23)
            }
        for (int l = L; l >= 2; --l)
            for (int j = 0; j < n[l]; ++j) {
                real dC_da = l == L ? a[L][j] - Y[x][j] : 0;  // nabla_a C of the quadratic cost
                if (l < L) for (int k = 0; k < n[l + 1]; ++k) dC_da += w[l + 1][k][j] * delta[l + 1][k];
                delta[l][j] = dC_da * sigma_prime(z[l][j]);  // BP1 in layer L, BP2 below
                nabla_b[l][j] += delta[l][j] / m;  // BP3
                for (int k = 0; k < n[l - 1]; ++k) nabla_w[l][j][k] += a[l - 1][k] * delta[l][j] / m;  // BP4
            }
    }
    std::printf("{\"dtype\": \"%s\", \"nabla_w\": ", dtype.c_str()), print(nabla_w, 2);
    std::printf(", \"nabla_b\": "), print(nabla_b, 2), std::puts("}");
}
