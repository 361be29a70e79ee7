"""`add`, `sub` and `mul` of two tensors."""
