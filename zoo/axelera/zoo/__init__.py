"""Builders of well-known networks as ONNX with seeded weights."""
