"""Descriptor of a pool: for each output row and column, which input rows and columns its window meets."""

(
    INPUT,
    INPUT_ROW,  # bytes from one row of the input to the next
    INPUT_PIXEL,
    OUTPUT,
    OUTPUT_ROW,
    OUTPUT_PIXEL,
    ROWS,
    COLUMNS,
    ROW_SPANS,  # int32 (rows, 2): byte offset of the first input row, number of rows
    COLUMN_SPANS,  # int32 (columns, 2): byte offset of the first input pixel, number of pixels
    ROW_STEP,  # bytes between the rows of a window
    COLUMN_STEP,
    WIDTH,  # bytes of a pixel, a multiple of 16
    STARTS,  # average: int32 (rows × columns), added to each sum of stored bytes
    FACTORS,  # average: float32 (rows × columns), what a sum is multiplied by
    SCALARS,
    AFTER,
    AFTER_DESCRIPTOR,
    SIZE,
) = range(19)
