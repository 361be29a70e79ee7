/* The C interface of Axelera Metis boards, declared anew from its documentation; here it reaches emulated boards.
 *
 * Independent of Axelera AI. Every function may be called from any thread; an instance is meant for one thread at a time.
 * A call that fails returns NULL, 0 or a code other than AXR_SUCCESS, and leaves code and text for the calling thread:
 * axr_last_error, axr_last_error_string.
 *
 * What the documentation leaves open (types of some results, names of some enumerators) is listed in
 * docs/reference/c-api.md of the package `axemu`.
 */
#ifndef AXRUNTIME_AXRUNTIME_H
#define AXRUNTIME_AXRUNTIME_H

#include <stddef.h>

#if defined(__GNUC__)
#define AXR_API __attribute__((visibility("default")))
#else
#define AXR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define AXR_MAX_TENSOR_DIMS 8
#define AXR_MAX_TEXT 256

typedef enum axrResult {
    AXR_SUCCESS = 0,
    AXR_ERROR_RUNTIME_ERROR = 1,
    AXR_ERROR_VALUE_ERROR = 2,
    AXR_ERROR_INVALID_ARGUMENT = 3,
    AXR_ERROR_CONNECTION_ERROR = 4,
    AXR_ERROR_DEVICE_IN_USE = 5,
    AXR_ERROR_INCOMPATIBLE_DEVICE = 6,
    AXR_ERROR_INVALID_CONFIGURATION = 7,
    AXR_ERROR_NOT_IMPLEMENTED = 8,
    AXR_ERROR_INTERNAL_ERROR = 9,
    AXR_ERROR_PENDING_ERROR = 10,
    AXR_ERROR_UNKNOWN_ERROR = 11
} axrResult;

typedef enum axrLogLevel {
    AXR_LOG_TRACE = 0,
    AXR_LOG_LOG = 1,
    AXR_LOG_DEBUG = 2,
    AXR_LOG_INFO = 3,
    AXR_LOG_FIXME = 4,
    AXR_LOG_WARNING = 5,
    AXR_LOG_ERROR = 6
} axrLogLevel;

typedef enum axrBoardType {
    AXR_BOARD_TYPE_UNUSED1 = 0,
    AXR_BOARD_TYPE_UNUSED2 = 1,
    AXR_BOARD_TYPE_OMEGA_PCIE = 2,
    AXR_BOARD_TYPE_OMEGA_M2 = 3,
    AXR_BOARD_TYPE_OMEGA_DEVBOARD = 4,
    AXR_BOARD_TYPE_OMEGA_SBC = 5,
    AXR_BOARD_TYPE_UNKNOWN = 6
} axrBoardType;

typedef enum axrTensorType {
    AXR_TENSOR_TYPE_UNSIGNED = 0,
    AXR_TENSOR_TYPE_SIGNED = 1,
    AXR_TENSOR_TYPE_FLOAT = 2
} axrTensorType;

typedef struct axrObject axrObject;
typedef struct axrContext axrContext;
typedef struct axrConnection axrConnection;
typedef struct axrModel axrModel;
typedef struct axrModelInstance axrModelInstance;
typedef struct axrProperties axrProperties;

/* Every object is an axrObject. */
#define AXR_OBJECT(object) ((axrObject *)(object))

/* One tensor of a frame: `ptr` to host memory, or `fd` of a dma-buf with `ptr` NULL. */
typedef struct axrArgument {
    void *ptr;
    int fd;        /* 0 or -1: host memory */
    size_t offset; /* must be 0 */
    size_t size;   /* bytes behind `ptr` or `fd`; 0: unchecked */
} axrArgument;

typedef struct axrTensorInfo {
    size_t dims[AXR_MAX_TENSOR_DIMS]; /* with padding, NHWC */
    size_t ndims;
    size_t bits;
    axrTensorType type;
    char name[AXR_MAX_TEXT];
    size_t padding[AXR_MAX_TENSOR_DIMS][2]; /* before, after */
    double scale;                           /* real = (code - zero_point) * scale */
    int zero_point;
} axrTensorInfo;

typedef struct axrDeviceInfo {
    char name[AXR_MAX_TEXT];
    size_t subdevice_count;
    size_t max_memory; /* bytes */
    int in_use;
    char in_use_by[AXR_MAX_TEXT];
    axrBoardType board_type;
    char firmware_version[AXR_MAX_TEXT];
    int board_revision;
    char flashed_firmware_version[AXR_MAX_TEXT];
    char board_controller_firmware_version[AXR_MAX_TEXT];
    char board_controller_board_type[AXR_MAX_TEXT];
} axrDeviceInfo;

/* Contexts and objects. A context owns all that is made from it; destroying the context alone is enough.
 * Destroying NULL, or what was destroyed before, does nothing. */
AXR_API axrContext *axr_create_context(void); /* never NULL: whether it works, axr_last_error tells */
AXR_API void axr_destroy(axrObject *object);
AXR_API axrContext *axr_get_context(const axrObject *object);

/* The last call of this thread on objects of the same context. A text stays valid until the thread's next call. */
AXR_API axrResult axr_last_error(const axrObject *object);
AXR_API const char *axr_last_error_string(const axrObject *object);
AXR_API const char *axr_error_string(axrResult code);
AXR_API const char *axr_api_version(void);
AXR_API const char *axr_board_type_string(axrBoardType type);

/* Messages of `level` and above go to `logger`, called in the thread whose call they belong to; NULL: to stderr. */
typedef void (*axrLogger)(void *arg, axrLogLevel level, const char *message);
AXR_API void axr_set_logger(axrContext *context, axrLogLevel level, axrLogger logger, void *arg);

/* Boards. The array belongs to the context and stays valid until it is destroyed or 64 other lists were made. */
AXR_API size_t axr_list_devices(axrContext *context, axrDeviceInfo **devices);
AXR_API axrConnection *axr_device_connect(axrContext *context, const axrDeviceInfo *device, size_t num_sub_devices,
                                          const axrProperties *properties);
AXR_API axrResult axr_configure_device(axrContext *context, const axrDeviceInfo *device,
                                       const axrProperties *properties); /* AXR_ERROR_PENDING_ERROR: in progress */
AXR_API axrResult axr_device_ready(axrContext *context, const axrDeviceInfo *device); /* likewise */
AXR_API axrProperties *axr_read_device_configuration(axrContext *context, const axrDeviceInfo *device);

/* Properties: `initial` is "key=value;key=value", or NULL. A text stays valid until its property is changed. */
AXR_API axrProperties *axr_create_properties(axrContext *context, const char *initial);
AXR_API axrResult axr_set_property(axrProperties *properties, const char *key, const char *value);
AXR_API const char *axr_get_property(const axrProperties *properties, const char *key); /* NULL: not there */
AXR_API axrResult axr_del_property(axrProperties *properties, const char *key);
AXR_API size_t axr_list_properties(const axrProperties *properties, const char ***keys);

/* Compiled models. An index out of range is AXR_ERROR_INVALID_ARGUMENT and gives `ndims` 0. */
AXR_API axrModel *axr_load_model(axrContext *context, const char *path);
AXR_API size_t axr_num_model_inputs(const axrModel *model);
AXR_API size_t axr_num_model_outputs(const axrModel *model);
AXR_API axrTensorInfo axr_get_model_input(const axrModel *model, size_t index);
AXR_API axrTensorInfo axr_get_model_output(const axrModel *model, size_t index);
AXR_API axrProperties *axr_get_model_properties(const axrModel *model);
AXR_API size_t axr_tensor_size(const axrTensorInfo *info); /* bytes, padding included */

/* Running. Blocks until the results are there; inputs may be overwritten from then on. */
AXR_API axrModelInstance *axr_load_model_instance(axrConnection *connection, const axrModel *model,
                                                  const axrProperties *properties);
AXR_API axrResult axr_run_model_instance(axrModelInstance *instance, const axrArgument *inputs, size_t num_inputs,
                                         const axrArgument *outputs, size_t num_outputs);

#ifdef __cplusplus
}
#endif

#endif
