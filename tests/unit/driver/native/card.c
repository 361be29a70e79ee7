/* A card that misbehaves on purpose, for the tests of the binding: MISBEHAVE says how, in words with spaces between.
 *
 * Without a word it is two well-behaved boards on which a model negates the first 64 bytes of its input.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axruntime/axruntime.h"

typedef struct Thing {
    char kind[16];
    axrProperties *properties;
    char text[512];
    const char *keys[64];
} Thing;

typedef struct OldDeviceInfo { /* as the first releases laid it out */
    char name[256];
    size_t subdevice_count, max_memory;
    int in_use;
    char in_use_by[256];
    axrBoardType board_type;
    char firmware_version[256];
    int board_revision;
} OldDeviceInfo;

static _Thread_local axrResult last_code;
static _Thread_local char last_text[512];
static char trace[4096];
static pthread_mutex_t trace_mutex = PTHREAD_MUTEX_INITIALIZER;
static axrLogger logger;
static void *logger_argument;
static axrLogLevel logger_level;
static int polls;

static int does(const char *word)
{
    const char *all = getenv("MISBEHAVE");
    size_t length = strlen(word);
    for (const char *at = all; at && (at = strstr(at, word)); at++)
        if ((at == all || at[-1] == ' ') && (at[length] == 0 || at[length] == ' ' || at[length - 1] == ':'))
            return at[length - 1] == ':' ? atoi(at + length) : 1;
    return 0;
}

static void note(const char *what)
{
    pthread_mutex_lock(&trace_mutex);
    if (strlen(trace) + strlen(what) + 2 < sizeof trace) {
        strcat(trace, what);
        strcat(trace, " ");
    }
    pthread_mutex_unlock(&trace_mutex);
}

static void *fail(int code, const char *text)
{
    last_code = (axrResult)code;
    snprintf(last_text, sizeof last_text, "%s", text);
    return NULL;
}

static void *make(const char *kind)
{
    Thing *thing = calloc(1, sizeof *thing);
    last_code = AXR_SUCCESS;
    snprintf(thing->kind, sizeof thing->kind, "%s", kind);
    note(kind);
    return thing;
}

const char *misbehave_trace(void) { return trace; }
void misbehave_forget(void) { trace[0] = 0; }

axrContext *axr_create_context(void) { return does("no-context") ? NULL : make("+context"); }

void axr_destroy(axrObject *object)
{
    if (!object)
        return;
    Thing *thing = (Thing *)object;
    thing->kind[0] = '-';
    note(thing->kind);
    last_code = AXR_SUCCESS; /* a call like any other */
    last_text[0] = 0;
    if (strcmp(thing->kind, "-context"))
        free(thing);
}

axrContext *axr_get_context(const axrObject *object) { return (axrContext *)object; }
axrResult axr_last_error(const axrObject *object) { return object ? last_code : AXR_ERROR_INVALID_ARGUMENT; }
const char *axr_last_error_string(const axrObject *object) { return does("no-text") ? NULL : object ? last_text : ""; }

const char *axr_error_string(axrResult code)
{
    static const char *const names[] = {"Success", "Runtime error", "Value error", "Invalid argument", "Connection error",
                                        "Device in use", "Incompatible device", "Invalid configuration", "Not implemented",
                                        "Internal error", "Pending error", "Unknown error"};
    static const char *const shuffled[] = {"AXR_SUCCESS", "AXR_ERROR_DEVICE_IN_USE", "AXR_ERROR_VALUE_ERROR"};
    if (does("no-names"))
        return NULL;
    if (does("other-numbers"))
        return code < 3 ? shuffled[code] : "?";
    return (unsigned)code < 12 ? names[code] : "what?";
}

const char *axr_api_version(void)
{
    if (does("version-2"))
        return "2.0.1";
    if (does("version-number"))
        return (const char *)(size_t)7;
    if (does("version-wild"))
        return (const char *)0x7000dead0000;
    return "1.6.0";
}

const char *axr_board_type_string(axrBoardType type) { return type == AXR_BOARD_TYPE_OMEGA_PCIE ? "pcie" : "?"; }

void axr_set_logger(axrContext *context, axrLogLevel level, axrLogger function, void *argument)
{
    (void)context;
    logger = function;
    logger_level = level;
    logger_argument = argument;
    for (int said = AXR_LOG_TRACE; said <= AXR_LOG_ERROR && does("talkative"); said++)
        if (said >= (int)level)
            logger(argument, (axrLogLevel)said, "said by the library\n");
}

size_t axr_list_devices(axrContext *context, axrDeviceInfo **devices)
{
    static axrDeviceInfo found[2];
    static OldDeviceInfo old[2];
    (void)context;
    last_code = AXR_SUCCESS;
    if (does("list-null") || does("list-endless")) {
        *devices = does("list-null") ? NULL : found;
        return does("list-null") ? 3 : (size_t)1 << 40;
    }
    if (does("list-error")) {
        fail(AXR_ERROR_RUNTIME_ERROR, "No target device found in lspci");
        return 0;
    }
    if (does("list-empty"))
        return 0;
    for (int index = 0; index < 2; index++) {
        axrDeviceInfo info = {.subdevice_count = 4, .max_memory = (size_t)1 << 32, .board_type = AXR_BOARD_TYPE_OMEGA_M2};
        snprintf(info.name, sizeof info.name, "metis-0:%d:0", 2 * index + 1);
        strcpy(info.firmware_version, "v1.6.0");
        strcpy(info.flashed_firmware_version, "v1.5.9");
        info.board_revision = 7;
        if (does("list-garbage"))
            memset(&info, 0xA5, sizeof info);
        found[index] = info;
        memcpy(&old[index], &info, sizeof old[index]);
    }
    *devices = does("old-layout") ? (axrDeviceInfo *)old : does("list-stray") ? (axrDeviceInfo *)0x7000dead0000 : found;
    return 2;
}

axrConnection *axr_device_connect(axrContext *context, const axrDeviceInfo *device, size_t count, const axrProperties *with)
{
    char said[1024];
    (void)context;
    snprintf(said, sizeof said, "%s: %zu sub-devices, %s", device->name, count, with ? ((const Thing *)with)->text : "none");
    if (does("connect-null"))
        return last_code = AXR_SUCCESS, NULL;
    return does("connect-fails") ? fail(AXR_ERROR_DEVICE_IN_USE, said) : make("+connection");
}

axrResult axr_configure_device(axrContext *context, const axrDeviceInfo *device, const axrProperties *properties)
{
    (void)context;
    if (does("configure:"))
        fail(does("configure:"), device->name);
    else
        note(((const Thing *)properties)->text);
    if (does("pending"))
        polls = 2;
    return does("pending") ? AXR_ERROR_PENDING_ERROR : does("configure:");
}

axrResult axr_device_ready(axrContext *context, const axrDeviceInfo *device)
{
    (void)context;
    (void)device;
    int ready = polls == 0;
    polls -= !ready;
    if (does("ready:"))
        fail(does("ready:"), "board lost");
    if (does("ready-is-true"))
        return (axrResult)ready;
    return does("ready:") ? does("ready:") : ready ? AXR_SUCCESS : AXR_ERROR_PENDING_ERROR;
}

axrProperties *axr_read_device_configuration(axrContext *context, const axrDeviceInfo *device)
{
    (void)device;
    return does("read-fails") ? fail(AXR_ERROR_NOT_IMPLEMENTED, "not on this board")
                              : axr_create_properties(context, "clock_profile=800;label=");
}

axrProperties *axr_create_properties(axrContext *context, const char *initial)
{
    (void)context;
    if (does("properties-fail"))
        return fail(AXR_ERROR_INVALID_ARGUMENT, "Invalid properties: no");
    Thing *made = make("+properties");
    snprintf(made->text, sizeof made->text, "%s", initial ? initial : "");
    return (axrProperties *)made;
}

axrResult axr_set_property(axrProperties *properties, const char *key, const char *value)
{
    (void)properties, (void)key, (void)value;
    return AXR_ERROR_NOT_IMPLEMENTED;
}

const char *axr_get_property(const axrProperties *properties, const char *key)
{
    (void)properties;
    return strcmp(key, "clock_profile") ? NULL : "800";
}

axrResult axr_del_property(axrProperties *properties, const char *key)
{
    (void)properties, (void)key;
    return AXR_ERROR_NOT_IMPLEMENTED;
}

size_t axr_list_properties(const axrProperties *properties, const char ***keys)
{
    Thing *thing = (Thing *)properties;
    thing->keys[0] = "clock_profile";
    thing->keys[1] = does("keys-short") ? NULL : "label";
    *keys = does("keys-null") ? NULL : thing->keys;
    return does("keys-endless") ? (size_t)-1 : 2;
}

axrModel *axr_load_model(axrContext *context, const char *path)
{
    (void)context;
    return does("model:") ? fail(does("model:"), path) : make("+model");
}

size_t axr_num_model_inputs(const axrModel *model) { return model && !does("no-inputs"); }
size_t axr_num_model_outputs(const axrModel *model) { return model != NULL; }

static axrTensorInfo info(const char *name, size_t height, size_t width, size_t channels)
{
    axrTensorInfo made = {.dims = {1, height, width, channels}, .ndims = 4, .bits = 8, .type = AXR_TENSOR_TYPE_SIGNED};
    snprintf(made.name, sizeof made.name, "%s", name);
    made.scale = does("other-scale") ? 0.25 : 1;
    made.zero_point = does("other-scale") ? -3 : 0;
    return made;
}

axrTensorInfo axr_get_model_input(const axrModel *model, size_t index)
{
    (void)model, (void)index;
    axrTensorInfo made = info("image", 10, 16, does("small-input") ? 3 : 4);
    made.ndims = does("many-dims") ? 99 : made.ndims;
    return made;
}

axrTensorInfo axr_get_model_output(const axrModel *model, size_t index)
{
    (void)model, (void)index;
    return info("result", 1, 1, 64);
}

axrProperties *axr_get_model_properties(const axrModel *model) { return axr_create_properties((axrContext *)model, ""); }

size_t axr_tensor_size(const axrTensorInfo *tensor)
{
    size_t size = tensor->bits / 8;
    for (size_t axis = 0; axis < tensor->ndims && axis < AXR_MAX_TENSOR_DIMS; axis++)
        size *= tensor->dims[axis];
    return does("other-tensors") ? tensor->dims[1] : size;
}

axrModelInstance *axr_load_model_instance(axrConnection *connection, const axrModel *model, const axrProperties *with)
{
    (void)connection, (void)model;
    if (with)
        note(((const Thing *)with)->text);
    return does("instance:") ? fail(does("instance:"), "Failed to create executor for model: kernel_function")
                             : make("+instance");
}

static void *speak(void *text)
{
    logger(logger_argument, AXR_LOG_WARNING, text);
    return NULL;
}

static void *crash(void *nothing)
{
    raise(SIGSEGV);
    return nothing;
}

static void in_a_thread(void *(*act)(void *), void *argument)
{
    pthread_t thread;
    pthread_create(&thread, NULL, act, argument);
    pthread_join(thread, NULL);
}

axrResult axr_run_model_instance(axrModelInstance *instance, const axrArgument *inputs, size_t given,
                                 const axrArgument *outputs, size_t taken)
{
    (void)given, (void)taken;
    if (does("slow"))
        usleep(200000);
    if (does("speaks"))
        in_a_thread(speak, "from a thread of the library");
    if (does("crashes"))
        in_a_thread(crash, instance);
    if (does("run:")) {
        fail(does("run:"), "device lost (0x70000001)");
        return does("run:");
    }
    unsigned char bytes[64];
    if (inputs->ptr)
        memcpy(bytes, inputs->ptr, sizeof bytes);
    else if (pread(inputs->fd, bytes, sizeof bytes, 0) != sizeof bytes)
        return AXR_ERROR_INVALID_ARGUMENT;
    for (size_t index = 0; index < sizeof bytes; index++)
        bytes[index] = (unsigned char)~bytes[index];
    if (outputs->ptr)
        memcpy(outputs->ptr, bytes, sizeof bytes);
    else if (pwrite(outputs->fd, bytes, sizeof bytes, 0) != sizeof bytes)
        return AXR_ERROR_INVALID_ARGUMENT;
    return AXR_SUCCESS;
}
