"""Descriptor of a linear resize."""

(
    INPUT,
    OUTPUT,
    OUTPUT_ROW,
    OUTPUT_PIXEL,
    ROWS,
    COLUMNS,
    ROW_OFFSETS,  # int32 (rows, 2): byte offsets of the two input rows
    ROW_WEIGHTS,  # float32 (rows, 2)
    COLUMN_OFFSETS,
    COLUMN_WEIGHTS,
    WIDTH,
    SCALARS,  # INPUT_SCALE: s_in / s_out (exact) or f18(s_in); INPUT_ZERO (int32): zero point + 128
    SIZE,
) = range(13)
