"""`softmax` over the channels."""
