"""`conv` and `conv_transpose`: dense products by pixels or by matrix tiles, and depthwise ones."""
