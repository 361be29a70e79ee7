"""Descriptors of kernels that only move bytes."""

(
    SOURCE,
    SOURCE_ROW,
    SOURCE_PIXEL,
    SOURCE_CHANNEL,
    TARGET,
    TARGET_ROW,
    TARGET_PIXEL,
    ROWS,
    COLUMNS,
    CHANNELS,
    FLIP,  # 0x80 where signed bytes outside meet stored bytes inside, else 0
    COPY_SIZE,
) = range(12)
"""Copy: target[h, w, c] = source[h, w, c] with any strides (target channels are adjacent)."""

(
    FILL_TARGET,
    FILL_ROW,  # bytes from row to row
    FILL_PIXEL,
    FILL_ROWS,
    FILL_COLUMNS,
    FILL_TOP,
    FILL_LEFT,
    FILL_BOTTOM,
    FILL_RIGHT,
    FILL_VALUE,
    FILL_SIZE,
) = range(11)
"""Border: the outer `top`, `bottom` rows and `left`, `right` columns of rows × columns pixels."""

(
    FLAT_SOURCE,
    FLAT_SOURCE_COLUMNS,
    FLAT_SOURCE_CHANNELS,
    FLAT_SOURCE_ROW,
    FLAT_SOURCE_PIXEL,
    FLAT_TARGET,
    FLAT_TARGET_COLUMNS,
    FLAT_TARGET_CHANNELS,
    FLAT_TARGET_ROW,
    FLAT_TARGET_PIXEL,
    FLAT_COUNT,  # bytes in all
    FLAT_SIZE,
) = range(12)
"""Reshape: both tensors in row-major order."""

(
    NEAREST_SOURCE,
    NEAREST_TARGET,
    NEAREST_TARGET_ROW,
    NEAREST_TARGET_PIXEL,
    NEAREST_ROWS,
    NEAREST_COLUMNS,
    NEAREST_ROW_OFFSETS,  # int32, bytes from SOURCE
    NEAREST_COLUMN_OFFSETS,
    NEAREST_WIDTH,  # bytes per pixel, a multiple of 16
    NEAREST_SIZE,
) = range(10)
