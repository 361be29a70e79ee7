"""`lut`, `requantize` and `affine`: operators of one tensor that look at one value at a time."""
