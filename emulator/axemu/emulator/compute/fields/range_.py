"""Descriptor of a range kernel run over a whole tensor."""

FUNCTION, DESCRIPTOR, PIXELS, WIDTH, SIZE = range(5)
