"""The documented C interface for cffi, and the layouts of its structures that are known.

Nothing here was compiled against the library, so sizes are compared with what is known before anything is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cffi import FFI

MOST_DIMS = 8
ROOM = 2048
"""Bytes behind a tensor info that the library returns: one with more fields than are known overwrites nothing else."""

_DECLARATIONS = f"""
typedef struct {{ void *ptr; int fd; size_t offset; size_t size; }} axrArgument;
typedef struct {{
    size_t dims[8]; size_t ndims; size_t bits; int type; char name[256]; size_t padding[8][2]; double scale; int zero_point;
}} axrTensorInfo;
typedef struct {{ axrTensorInfo info; char room[{ROOM}]; }} axrReturnedTensorInfo;
typedef struct {{
    char name[256]; size_t subdevice_count, max_memory; int in_use; char in_use_by[256]; int board_type;
    char firmware_version[256]; int board_revision;
}} axrDeviceInfo8;
typedef struct {{
    char name[256]; size_t subdevice_count, max_memory; int in_use; char in_use_by[256]; int board_type;
    char firmware_version[256]; int board_revision; char flashed_firmware_version[256];
    char board_controller_firmware_version[256]; char board_controller_board_type[256];
}} axrDeviceInfo11;

void *axr_create_context(void);
void axr_destroy(void *object);
int axr_last_error(const void *object);
const char *axr_last_error_string(const void *object);
const char *axr_error_string(int code);
uintptr_t axr_api_version(void);
void axr_set_logger(void *context, int level, void (*logger)(void *, int, const char *), void *arg);
size_t axr_list_devices(void *context, void **devices);
void *axr_device_connect(void *context, const void *device, size_t num_sub_devices, const void *properties);
int axr_configure_device(void *context, const void *device, const void *properties);
int axr_device_ready(void *context, const void *device);
void *axr_read_device_configuration(void *context, const void *device);
void *axr_create_properties(void *context, const char *initial);
const char *axr_get_property(const void *properties, const char *key);
size_t axr_list_properties(const void *properties, const char ***keys);
void *axr_load_model(void *context, const char *path);
size_t axr_num_model_inputs(const void *model);
size_t axr_num_model_outputs(const void *model);
axrReturnedTensorInfo axr_get_model_input(const void *model, size_t index);
axrReturnedTensorInfo axr_get_model_output(const void *model, size_t index);
size_t axr_tensor_size(const axrTensorInfo *info);
void *axr_load_model_instance(void *connection, const void *model, const void *properties);
int axr_run_model_instance(void *instance, const axrArgument *inputs, size_t num_inputs, const axrArgument *outputs,
                           size_t num_outputs);
int axemu_counters(void *instance, char *text, size_t room);
int axemu_wait_until(void *context, double seconds);
"""

OURS = "axemu_counters"
"""What only a library of this SDK has."""
NEEDED = tuple(re.findall(r"\b(axr_\w+)\(", _DECLARATIONS))


@dataclass(frozen=True, slots=True)
class Layout:
    """A structure as one generation of libraries lays it out."""

    structure: str
    size: int


ARGUMENT = Layout("axrArgument", 32)
TENSOR = Layout("axrTensorInfo", 488)
DEVICES = (Layout("axrDeviceInfo11", 1568), Layout("axrDeviceInfo8", 800))
"""Of current libraries, and of the first ones (SDK 1.2)."""


def _ffi() -> Any:
    ffi = FFI()
    ffi.cdef(_DECLARATIONS)
    for layout in (ARGUMENT, TENSOR, *DEVICES):
        if ffi.sizeof(layout.structure) != layout.size:
            raise OSError(
                f"{layout.structure} takes {ffi.sizeof(layout.structure)} B on this machine and {layout.size} B in the known "
                "libraries; the native driver needs a 64-bit Linux"
            )
    return ffi


ffi = _ffi()
