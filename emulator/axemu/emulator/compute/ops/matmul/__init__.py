"""`matmul` of two computed tensors."""
