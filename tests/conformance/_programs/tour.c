/* Goes once through the whole interface in C; says "ok" if everything was as documented. Argument: a model.json. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "axruntime/axruntime.h"

#define CHECK(condition)                                                                                                     \
    do {                                                                                                                     \
        if (!(condition)) {                                                                                                  \
            printf("%s:%d: %s\n  last error %d: %s\n", __FILE__, __LINE__, #condition, axr_last_error(AXR_OBJECT(context)), \
                   axr_last_error_string(AXR_OBJECT(context)));                                                              \
            exit(1);                                                                                                         \
        }                                                                                                                    \
    } while (0)
#define FAILED(code, text)                                                                                                   \
    (axr_last_error(AXR_OBJECT(context)) == (code) && strstr(axr_last_error_string(AXR_OBJECT(context)), (text)))

static axrContext *context;
static axrDeviceInfo *device;

static void texts(void)
{
    CHECK(!strcmp(axr_error_string(AXR_SUCCESS), "AXR_SUCCESS"));
    CHECK(!strcmp(axr_error_string(AXR_ERROR_DEVICE_IN_USE), "AXR_ERROR_DEVICE_IN_USE"));
    CHECK(!strcmp(axr_error_string((axrResult)99), "unknown result"));
    CHECK(axr_api_version()[0] == '1');
    CHECK(!strcmp(axr_board_type_string(AXR_BOARD_TYPE_OMEGA_PCIE), "pcie"));
    CHECK(!strcmp(axr_board_type_string((axrBoardType)-1), "unknown"));
    CHECK(sizeof(axrArgument) == 32 && sizeof(axrTensorInfo) == 488 && sizeof(axrDeviceInfo) == 1568);
}

static void properties(void)
{
    axrProperties *some = axr_create_properties(context, " double_buffer = 1 ;aipu_cores=4;;");
    CHECK(some && axr_get_context(AXR_OBJECT(some)) == context);
    CHECK(!strcmp(axr_get_property(some, "double_buffer"), "1"));
    CHECK(axr_set_property(some, "double_buffer", "0") == AXR_SUCCESS);
    CHECK(axr_set_property(some, "elf_in_ddr", "1") == AXR_SUCCESS);
    CHECK(axr_del_property(some, "aipu_cores") == AXR_SUCCESS);
    CHECK(axr_del_property(some, "aipu_cores") == AXR_ERROR_INVALID_ARGUMENT);
    CHECK(!axr_get_property(some, "aipu_cores") && FAILED(AXR_ERROR_INVALID_ARGUMENT, "no property aipu_cores"));
    const char **keys;
    CHECK(axr_list_properties(some, &keys) == 2);
    CHECK(!strcmp(keys[0], "double_buffer") && !strcmp(keys[1], "elf_in_ddr"));
    CHECK(!axr_create_properties(context, "double_buffer") && FAILED(AXR_ERROR_INVALID_ARGUMENT, "form key=value"));
    axr_destroy(AXR_OBJECT(some));
    CHECK(!axr_get_property(some, "double_buffer"));
    CHECK(axr_last_error(AXR_OBJECT(some)) == AXR_ERROR_INVALID_ARGUMENT);
    CHECK(strstr(axr_last_error_string(AXR_OBJECT(some)), "is no axrProperties, or was destroyed"));
}

static void boards(void)
{
    size_t count = axr_list_devices(context, &device);
    CHECK(count == 1 && device && !strcmp(device->name, "metis-0:1:0") && device->subdevice_count == 4);
    axrDeviceInfo *again;
    CHECK(axr_list_devices(context, &again) == 1 && again == device);
    axrProperties *slow = axr_create_properties(context, "clock_profile=600");
    CHECK(axr_configure_device(context, device, slow) == AXR_SUCCESS);
    CHECK(axr_device_ready(context, device) == AXR_SUCCESS);
    axrProperties *read = axr_read_device_configuration(context, device);
    CHECK(read && !strcmp(axr_get_property(read, "clock_profile_core_3"), "600"));
    axrProperties *bad = axr_create_properties(context, "clock_profile=601");
    CHECK(axr_configure_device(context, device, bad) == AXR_ERROR_INVALID_CONFIGURATION);
    CHECK(FAILED(AXR_ERROR_INVALID_CONFIGURATION, "valid clocks are"));
    CHECK(axr_configure_device(context, NULL, slow) == AXR_ERROR_INVALID_ARGUMENT);
    axrDeviceInfo other = *device;
    strcpy(other.name, "metis-9:9:9");
    CHECK(axr_configure_device(context, &other, slow) == AXR_ERROR_INVALID_ARGUMENT && FAILED(3, "metis-9:9:9"));
}

static void models(const char *path)
{
    CHECK(!axr_load_model(context, "/nowhere/model.json") && FAILED(AXR_ERROR_INVALID_ARGUMENT, "/nowhere/model.json"));
    CHECK(!axr_load_model(context, NULL) && FAILED(AXR_ERROR_INVALID_ARGUMENT, "give the path"));
    axrModel *model = axr_load_model(context, path);
    CHECK(model && axr_num_model_inputs(model) == 1 && axr_num_model_outputs(model) == 1);
    axrTensorInfo info = axr_get_model_input(model, 0);
    CHECK(info.ndims == 4 && info.dims[1] == 10 && info.dims[2] == 16 && info.dims[3] == 4);
    CHECK(info.padding[2][0] == 1 && info.padding[2][1] == 7 && info.bits == 8 && info.type == AXR_TENSOR_TYPE_SIGNED);
    CHECK(!strcmp(info.name, "var_input_ifd0") && info.scale == 1.0 / 255 && info.zero_point == -130);
    CHECK(axr_tensor_size(&info) == 640);
    info = axr_get_model_output(model, 7);
    CHECK(info.ndims == 0 && FAILED(AXR_ERROR_INVALID_ARGUMENT, "there is no output 7; it has 1"));
    axrProperties *about = axr_get_model_properties(model);
    CHECK(about && !strcmp(axr_get_property(about, "input_tensor_layout"), "NHWC"));
    axr_destroy(AXR_OBJECT(model));
    CHECK(axr_num_model_inputs(model) == 0 && !axr_get_property(about, "name"));
}

static void frames(const char *path)
{
    int8_t in[640], out[64];
    for (int index = 0; index < 640; index++)
        in[index] = (int8_t)(index * 7);
    axrArgument input = {in, 0, 0, 640}, output = {out, -1, 0, 0};
    axrModel *model = axr_load_model(context, path);
    CHECK(!axr_device_connect(context, device, 5, NULL) && FAILED(AXR_ERROR_INVALID_ARGUMENT, "give 1 to 4"));
    axrConnection *connection = axr_device_connect(context, device, 3, NULL);
    CHECK(connection);
    CHECK(!axr_device_connect(context, NULL, 2, NULL) && FAILED(AXR_ERROR_DEVICE_IN_USE, "holds cores 0, 1, 2"));
    char holder[40];
    snprintf(holder, sizeof holder, "process %d (", getpid());
    axrDeviceInfo *now;
    CHECK(axr_list_devices(context, &now) == 1 && now->in_use && strstr(now->in_use_by, holder));
    axrProperties *unknown = axr_create_properties(context, "depth=4");
    CHECK(!axr_load_model_instance(connection, model, unknown));
    CHECK(FAILED(AXR_ERROR_INVALID_ARGUMENT, "Invalid properties: Unknown property key: depth"));
    axrModelInstance *instance = axr_load_model_instance(connection, model, NULL);
    CHECK(instance && axr_get_context(AXR_OBJECT(instance)) == context);
    axr_destroy(AXR_OBJECT(model)); /* an instance goes on without its model */
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_SUCCESS);
    CHECK(axr_last_error(AXR_OBJECT(instance)) == AXR_SUCCESS && !*axr_last_error_string(AXR_OBJECT(instance)));
    for (int index = 0; index < 10; index++) /* the first ten values within the padding, negated */
        CHECK(out[index] == (int8_t)~in[64 + 4 + index / 3 * 4 + index % 3]);
    CHECK(axr_run_model_instance(instance, &input, 0, &output, 1) == AXR_ERROR_INVALID_ARGUMENT);
    CHECK(FAILED(AXR_ERROR_INVALID_ARGUMENT, "0 inputs given, the model has 1"));
    input.size = 639;
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_ERROR_INVALID_ARGUMENT);
    CHECK(FAILED(AXR_ERROR_INVALID_ARGUMENT, "input 0 (var_input_ifd0): size is 639; expected 640"));
    input.size = 0;
    input.offset = 64;
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_ERROR_INVALID_ARGUMENT && FAILED(3, "offset is 64"));
    input.offset = 0;
    output.ptr = NULL;
    output.fd = 5;
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_ERROR_INVALID_ARGUMENT);
    CHECK(FAILED(AXR_ERROR_INVALID_ARGUMENT, "descriptors need the instance loaded with output_dmabuf=1"));
    axr_destroy(AXR_OBJECT(connection)); /* and its instances */
    axr_destroy(AXR_OBJECT(connection));
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_ERROR_INVALID_ARGUMENT);
    CHECK(axr_list_devices(context, &now) == 1 && !now->in_use);
}

static void descriptors(const char *path)
{
    axrModel *model = axr_load_model(context, path);
    axrConnection *connection = axr_device_connect(context, device, 1, NULL);
    axrProperties *both = axr_create_properties(context, "input_dmabuf=1;output_dmabuf=true");
    axrModelInstance *instance = axr_load_model_instance(connection, model, both);
    CHECK(instance);
    int in = memfd_create("in", 0), out = memfd_create("out", 0), small = memfd_create("small", 0);
    CHECK(ftruncate(in, 4096) == 0 && ftruncate(out, 4096) == 0 && ftruncate(small, 63) == 0);
    axrArgument input = {NULL, in, 0, 640}, output = {NULL, out, 0, 0};
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_SUCCESS);
    int8_t result[64];
    CHECK(pread(out, result, 64, 0) == 64 && result[0] == -1);
    output.fd = small;
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_ERROR_INVALID_ARGUMENT);
    CHECK(FAILED(AXR_ERROR_INVALID_ARGUMENT, "has 63 B behind it, 64 B are needed"));
    output.fd = 999;
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_ERROR_INVALID_ARGUMENT && FAILED(3, "descriptor 999"));
    int8_t memory[640];
    input.ptr = memory;
    CHECK(axr_run_model_instance(instance, &input, 1, &output, 1) == AXR_ERROR_INVALID_ARGUMENT && FAILED(3, "ptr of NULL"));
    close(in);
    close(out);
    close(small);
    axr_destroy(AXR_OBJECT(connection));
}

static void *fail_elsewhere(void *nothing)
{
    CHECK(axr_last_error(AXR_OBJECT(context)) == AXR_SUCCESS);
    CHECK(!axr_load_model(context, "/elsewhere") && FAILED(AXR_ERROR_INVALID_ARGUMENT, "/elsewhere"));
    return nothing;
}

static void threads(void)
{
    pthread_t thread;
    CHECK(!axr_load_model(context, "/here"));
    pthread_create(&thread, NULL, fail_elsewhere, NULL);
    pthread_join(thread, NULL);
    CHECK(FAILED(AXR_ERROR_INVALID_ARGUMENT, "/here"));
}

static void fork_away(void)
{
    pid_t child = fork();
    if (child == 0) {
        axrDeviceInfo *none = device;
        int refused = axr_list_devices(context, &none) == 0 && !none;
        refused = refused && axr_last_error(AXR_OBJECT(context)) == AXR_ERROR_CONNECTION_ERROR;
        axr_destroy(AXR_OBJECT(context)); /* which is the parent's, and stays */
        _exit(refused ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(axr_list_devices(context, &device) == 1);
}

int main(int count, char **arguments)
{
    context = axr_create_context();
    CHECK(count == 2 && axr_last_error(AXR_OBJECT(context)) == AXR_SUCCESS);
    axr_set_logger(context, AXR_LOG_WARNING, NULL, NULL);
    texts();
    properties();
    boards();
    models(arguments[1]);
    frames(arguments[1]);
    descriptors(arguments[1]);
    threads();
    fork_away();
    axr_destroy(NULL);
    axr_destroy(AXR_OBJECT(context));
    axr_destroy(AXR_OBJECT(context));
    puts("ok");
    return 0;
}
