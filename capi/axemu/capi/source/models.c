/* Compiled models: what they say about themselves. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

struct axrModel {
    axrObject object;
    Tensors tensors;
    Message properties;
};

static void free_model(axrObject *object)
{
    axrModel *model = (axrModel *)object;
    free(model->tensors.infos);
    clear(&model->properties);
    free(model);
}

static void get_tensor(Message *reply, axrTensorInfo *info)
{
    info->ndims = get_u32(reply);
    if (info->ndims > AXR_MAX_TENSOR_DIMS) {
        reply->broken = true;
        info->ndims = 0;
    }
    for (size_t axis = 0; axis < info->ndims; axis++) {
        info->dims[axis] = get_u64(reply);
        info->padding[axis][0] = get_u64(reply);
        info->padding[axis][1] = get_u64(reply);
    }
    info->bits = get_u32(reply);
    info->type = (axrTensorType)get_u32(reply);
    get_text(reply, info->name, sizeof info->name);
    info->scale = get_double(reply);
    info->zero_point = (int)get_u32(reply);
}

static axrModel *read_model(Link *link, axrContext *context, Message *reply)
{
    axrModel *model = new_object(sizeof *model, MODEL, &context->object, get_u64(reply), free_model);
    if (!model) {
        fail(link, AXR_ERROR_RUNTIME_ERROR, "out of memory for a model");
        return NULL;
    }
    Tensors *tensors = &model->tensors;
    get_text(reply, tensors->name, sizeof tensors->name);
    tensors->inputs = get_u32(reply);
    tensors->outputs = get_u32(reply);
    tensors->infos = calloc(tensors->inputs + tensors->outputs + 1, sizeof *tensors->infos);
    for (size_t index = 0; tensors->infos && index < tensors->inputs + tensors->outputs; index++)
        get_tensor(reply, tensors->infos + index);
    if (!tensors->infos || reply->broken) {
        free_model(&model->object);
        fail(link, AXR_ERROR_INTERNAL_ERROR, "the model's description could not be read");
        return NULL;
    }
    model->properties = *reply; /* what is left of it, to be read when somebody asks */
    *reply = (Message){0};
    if (publish(model))
        return model;
    fail(link, AXR_ERROR_CONNECTION_ERROR, "the context was destroyed while a model was loaded");
    return NULL;
}

axrModel *axr_load_model(axrContext *context, const char *path)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return NULL;
    Message request = {0}, reply = {0};
    axrModel *model = NULL;
    char here[PATH_MAX] = "";
    put_u32(&request, OP_LOAD_MODEL);
    if (!path || !*path) {
        fail(link, AXR_ERROR_INVALID_ARGUMENT, "axr_load_model: give the path of a model.json");
        clear(&request);
    } else if (path[0] != '/' && !getcwd(here, sizeof here)) {
        fail(link, AXR_ERROR_INVALID_ARGUMENT, "%s: the current directory has no name; give an absolute path", path);
        clear(&request);
    } else {
        put_text(&request, here);
        put_text(&request, path);
        if (exchange(link, &request, &reply, NULL) == AXR_SUCCESS)
            model = read_model(link, context, &reply);
    }
    clear(&reply);
    leave(link, context);
    return model;
}

size_t axr_num_model_inputs(const axrModel *model)
{
    Link *link = enter(model, MODEL);
    if (!link)
        return 0;
    size_t count = model->tensors.inputs;
    leave(link, model);
    return count;
}

size_t axr_num_model_outputs(const axrModel *model)
{
    Link *link = enter(model, MODEL);
    if (!link)
        return 0;
    size_t count = model->tensors.outputs;
    leave(link, model);
    return count;
}

static axrTensorInfo tensor(const axrModel *model, size_t index, bool output)
{
    axrTensorInfo info = {0};
    Link *link = enter(model, MODEL);
    if (!link)
        return info;
    const Tensors *tensors = &model->tensors;
    size_t count = output ? tensors->outputs : tensors->inputs;
    if (index < count)
        info = tensors->infos[output ? tensors->inputs + index : index];
    else
        fail(link, AXR_ERROR_INVALID_ARGUMENT, "%s: there is no %s %zu; it has %zu", tensors->name,
             output ? "output" : "input", index, count);
    leave(link, model);
    return info;
}

axrTensorInfo axr_get_model_input(const axrModel *model, size_t index) { return tensor(model, index, false); }
axrTensorInfo axr_get_model_output(const axrModel *model, size_t index) { return tensor(model, index, true); }

axrProperties *axr_get_model_properties(const axrModel *model)
{
    Link *link = enter(model, MODEL);
    if (!link)
        return NULL;
    Message view = model->properties; /* with a position of its own */
    axrProperties *properties = get_properties(link, (axrObject *)&model->object, &view);
    leave(link, model);
    return properties;
}

size_t axr_tensor_size(const axrTensorInfo *info)
{
    if (!info || !info->ndims || info->ndims > AXR_MAX_TENSOR_DIMS)
        return 0;
    size_t bits = info->bits;
    for (size_t axis = 0; axis < info->ndims; axis++)
        bits *= info->dims[axis];
    return (bits + 7) / 8;
}

/* Copies what an instance needs to know after its model was destroyed; the caller keeps the model alive. */
bool copy_tensors(const axrModel *model, Tensors *into)
{
    size_t count = model->tensors.inputs + model->tensors.outputs;
    *into = model->tensors;
    into->infos = calloc(count + 1, sizeof *into->infos);
    if (into->infos)
        memcpy(into->infos, model->tensors.infos, count * sizeof *into->infos);
    return into->infos != NULL;
}
