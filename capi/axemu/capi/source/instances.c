/* Models on cores, and their frames. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

struct axrModelInstance {
    axrObject object;
    pthread_mutex_t turn;
    Tensors tensors;
    uint64_t *offsets; /* of each tensor in `memory`, inputs first */
    uint8_t *memory;
    size_t bytes;
    bool descriptors[2]; /* inputs, outputs: are dma-bufs */
};

static void free_instance(axrObject *object)
{
    axrModelInstance *instance = (axrModelInstance *)object;
    if (instance->memory)
        munmap(instance->memory, instance->bytes);
    free(instance->tensors.infos);
    free(instance->offsets);
    pthread_mutex_destroy(&instance->turn);
    free(instance);
}

static bool read_instance(axrModelInstance *instance, const axrModel *model, Message *reply, int memory)
{
    if (!copy_tensors(model, &instance->tensors))
        return false;
    size_t count = instance->tensors.inputs + instance->tensors.outputs;
    instance->descriptors[0] = get_u32(reply) != 0;
    instance->descriptors[1] = get_u32(reply) != 0;
    instance->bytes = get_u64(reply);
    instance->offsets = calloc(count + 1, sizeof *instance->offsets);
    for (size_t index = 0; instance->offsets && index < count; index++) {
        instance->offsets[index] = get_u64(reply);
        if (instance->offsets[index] + axr_tensor_size(instance->tensors.infos + index) > instance->bytes)
            return false;
    }
    void *mapped = mmap(NULL, instance->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (mapped != MAP_FAILED)
        instance->memory = mapped;
    return instance->offsets && instance->memory && !reply->broken;
}

static axrModelInstance *make_instance(Link *link, axrObject *connection, uint64_t id, const axrModel *model, Message *reply,
                                       int memory)
{
    axrModelInstance *instance = new_object(sizeof *instance, INSTANCE, connection, id, free_instance);
    if (!instance) {
        fail(link, AXR_ERROR_RUNTIME_ERROR, "out of memory for an instance");
        return NULL;
    }
    pthread_mutex_init(&instance->turn, NULL);
    if (!read_instance(instance, model, reply, memory)) {
        free_instance(&instance->object);
        fail(link, AXR_ERROR_INTERNAL_ERROR, "the memory shared with the emulated boards cannot be used");
        return NULL;
    }
    if (publish(instance))
        return instance;
    fail(link, AXR_ERROR_CONNECTION_ERROR, "the connection was destroyed while a model was loaded onto it");
    return NULL;
}

axrModelInstance *axr_load_model_instance(axrConnection *connection, const axrModel *model, const axrProperties *properties)
{
    Link *link = enter(connection, CONNECTION);
    if (!link)
        return NULL;
    Message request = {0}, reply = {0};
    axrModelInstance *instance = NULL;
    int memory = -1;
    axrObject *parent = (axrObject *)connection;
    if (!retain(model, MODEL)) {
        fail(link, AXR_ERROR_INVALID_ARGUMENT, "%s", axr_last_error_string(NULL));
        leave(link, connection);
        return NULL;
    }
    put_u32(&request, OP_LOAD_INSTANCE);
    put_u64(&request, parent->id);
    put_u64(&request, AXR_OBJECT(model)->context == link->context ? AXR_OBJECT(model)->id : 0);
    if (put_properties(link, &request, properties) && exchange(link, &request, &reply, &memory) == AXR_SUCCESS) {
        uint64_t id = get_u64(&reply);
        instance = make_instance(link, parent, id, model, &reply, memory);
        if (!instance) {
            axrResult code = link->code;
            discard(link, id);
            link->code = code;
        }
    }
    if (memory >= 0)
        close(memory);
    clear(&reply);
    release(model);
    leave(link, connection);
    return instance;
}

static axrResult refuse(Link *link, const axrModelInstance *instance, size_t index, bool output, const char *reason)
{
    const Tensors *tensors = &instance->tensors;
    return fail(link, AXR_ERROR_INVALID_ARGUMENT, "%s: %s %zu (%s): %s", tensors->name, output ? "output" : "input", index,
                tensors->infos[output ? tensors->inputs + index : index].name, reason);
}

static axrResult check(Link *link, const axrModelInstance *instance, const axrArgument *arguments, size_t given, bool output)
{
    const Tensors *tensors = &instance->tensors;
    const char *side = output ? "outputs" : "inputs";
    size_t count = output ? tensors->outputs : tensors->inputs;
    if (given != count)
        return fail(link, AXR_ERROR_INVALID_ARGUMENT, "%s: %zu %s given, the model has %zu; give one for each", tensors->name,
                    given, side, count);
    if (!arguments)
        return fail(link, AXR_ERROR_INVALID_ARGUMENT, "%s: the %s are NULL", tensors->name, side);
    for (size_t index = 0; index < count; index++) {
        const axrArgument *argument = arguments + index;
        size_t size = axr_tensor_size(tensors->infos + (output ? tensors->inputs + index : index));
        char reason[256];
        if (argument->offset) {
            snprintf(reason, sizeof reason, "offset is %zu; it has to be 0", argument->offset);
            return refuse(link, instance, index, output, reason);
        }
        if (argument->size && argument->size != size) {
            snprintf(reason, sizeof reason, "size is %zu; expected %zu, or 0 to leave it unchecked", argument->size, size);
            return refuse(link, instance, index, output, reason);
        }
        if (!instance->descriptors[output]) {
            if (argument->ptr)
                continue;
            snprintf(reason, sizeof reason, "ptr is NULL; descriptors need the instance loaded with %s_dmabuf=1",
                     output ? "output" : "input");
            return refuse(link, instance, index, output, reason);
        }
        if (argument->ptr || argument->fd <= 0)
            return refuse(link, instance, index, output,
                          "give fd and a ptr of NULL, since the instance was loaded to take descriptors");
        if (!check_descriptor(argument->fd, size, output, reason, sizeof reason))
            return refuse(link, instance, index, output, reason);
    }
    return AXR_SUCCESS;
}

static axrResult move(Link *link, const axrModelInstance *instance, const axrArgument *arguments, bool output)
{
    const Tensors *tensors = &instance->tensors;
    size_t first = output ? tensors->inputs : 0, count = output ? tensors->outputs : tensors->inputs;
    for (size_t index = 0; index < count; index++) {
        const axrArgument *argument = arguments + index;
        uint8_t *memory = instance->memory + instance->offsets[first + index];
        size_t size = axr_tensor_size(tensors->infos + first + index);
        char reason[256];
        if (!instance->descriptors[output]) {
            if (output)
                memcpy(argument->ptr, memory, size);
            else
                memcpy(memory, argument->ptr, size);
        } else if (!(output ? write_descriptor(argument->fd, memory, size, reason, sizeof reason)
                            : read_descriptor(argument->fd, memory, size, reason, sizeof reason))) {
            return refuse(link, instance, index, output, reason);
        }
    }
    return AXR_SUCCESS;
}

axrResult axr_run_model_instance(axrModelInstance *instance, const axrArgument *inputs, size_t num_inputs,
                                 const axrArgument *outputs, size_t num_outputs)
{
    Link *link = enter(instance, INSTANCE);
    if (!link)
        return axr_last_error(NULL);
    axrResult code = check(link, instance, inputs, num_inputs, false);
    if (code == AXR_SUCCESS)
        code = check(link, instance, outputs, num_outputs, true);
    if (code == AXR_SUCCESS) {
        Message request = {0}, reply = {0};
        put_u32(&request, OP_RUN);
        put_u64(&request, instance->object.id);
        pthread_mutex_lock(&instance->turn);
        code = move(link, instance, inputs, false);
        if (code == AXR_SUCCESS)
            code = exchange(link, &request, &reply, NULL);
        if (code == AXR_SUCCESS)
            code = move(link, instance, outputs, true);
        pthread_mutex_unlock(&instance->turn);
        clear(&request);
        clear(&reply);
    }
    leave(link, instance);
    return code;
}

/* Beyond the documented interface: writes what the emulated board measured of an instance into `text`, as JSON. */
AXR_API axrResult axemu_counters(axrModelInstance *instance, char *text, size_t room);
axrResult axemu_counters(axrModelInstance *instance, char *text, size_t room)
{
    Link *link = enter(instance, INSTANCE);
    if (!link)
        return axr_last_error(NULL);
    Message request = {0}, reply = {0};
    put_u32(&request, OP_COUNTERS);
    put_u64(&request, instance->object.id);
    axrResult code = exchange(link, &request, &reply, NULL);
    if (code == AXR_SUCCESS && room)
        get_text(&reply, text, room);
    clear(&reply);
    leave(link, instance);
    return code;
}
