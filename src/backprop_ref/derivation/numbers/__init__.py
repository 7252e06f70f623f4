"""The second witness: both sides of a line on random networks, in numbers. It knows no rule of differentiation."""
