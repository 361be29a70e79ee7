"""`resize_linear`."""
