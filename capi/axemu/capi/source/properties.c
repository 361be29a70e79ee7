/* Properties: keys and values, both text. */
#define _GNU_SOURCE
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct axrProperties {
    axrObject object;
    pthread_mutex_t mutex;
    char **keys, **values;
    const char **listed;
    size_t count;
};

static void free_properties(axrObject *object)
{
    axrProperties *properties = (axrProperties *)object;
    for (size_t index = 0; index < properties->count; index++) {
        free(properties->keys[index]);
        free(properties->values[index]);
    }
    free(properties->keys);
    free(properties->values);
    free(properties->listed);
    pthread_mutex_destroy(&properties->mutex);
    free(properties);
}

static axrProperties *new_properties(axrObject *parent)
{
    axrProperties *properties = new_object(sizeof *properties, PROPERTIES, parent, 0, free_properties);
    if (properties)
        pthread_mutex_init(&properties->mutex, NULL);
    return properties;
}

static size_t place_of(const axrProperties *properties, const char *key)
{
    size_t index = 0;
    while (index < properties->count && strcmp(properties->keys[index], key))
        index++;
    return index;
}

/* Takes both texts over. */
static bool set(axrProperties *properties, char *key, char *value)
{
    bool done = key && value;
    pthread_mutex_lock(&properties->mutex);
    size_t index = done ? place_of(properties, key) : 0, more = properties->count + 1;
    if (done && index == properties->count) {
        char **keys = realloc(properties->keys, more * sizeof *keys);
        properties->keys = keys ? keys : properties->keys;
        char **values = realloc(properties->values, more * sizeof *values);
        properties->values = values ? values : properties->values;
        done = keys && values;
        if (done) {
            keys[index] = key;
            values[index] = value;
            properties->count = more;
            key = value = NULL;
        }
    } else if (done) {
        free(properties->values[index]);
        properties->values[index] = value;
        value = NULL;
    }
    pthread_mutex_unlock(&properties->mutex);
    free(key);
    free(value);
    return done;
}

static char *trimmed(const char *start, const char *end)
{
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (start < end && isspace((unsigned char)end[-1]))
        end--;
    return strndup(start, (size_t)(end - start));
}

/* Reads "key=value;key=value". */
static axrResult parse(Link *link, axrProperties *properties, const char *text)
{
    while (text && *text) {
        size_t length = strcspn(text, ";");
        const char *end = text + length, *equals = memchr(text, '=', length);
        if (equals && equals > text) {
            if (!set(properties, trimmed(text, equals), trimmed(equals + 1, end)))
                return fail(link, AXR_ERROR_RUNTIME_ERROR, "out of memory for properties");
        } else if (strspn(text, " \t\n") < length) {
            return fail(link, AXR_ERROR_INVALID_ARGUMENT, "Invalid properties: \"%.*s\" is not of the form key=value",
                        (int)length, text);
        }
        text = end + (*end == ';');
    }
    return AXR_SUCCESS;
}

axrProperties *axr_create_properties(axrContext *context, const char *initial)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return NULL;
    axrProperties *properties = new_properties(&context->object);
    if (!properties) {
        fail(link, AXR_ERROR_RUNTIME_ERROR, "out of memory for properties");
    } else if (parse(link, properties, initial) != AXR_SUCCESS) {
        free_properties(&properties->object);
        properties = NULL;
    } else if (!publish(properties)) {
        fail(link, AXR_ERROR_CONNECTION_ERROR, "the context was destroyed while properties were made");
        properties = NULL;
    }
    leave(link, context);
    return properties;
}

axrResult axr_set_property(axrProperties *properties, const char *key, const char *value)
{
    Link *link = enter(properties, PROPERTIES);
    if (!link)
        return axr_last_error(NULL);
    axrResult code = AXR_SUCCESS;
    if (!key || !*key || !value)
        code = fail(link, AXR_ERROR_INVALID_ARGUMENT, "axr_set_property: give a key and a value");
    else if (!set(properties, strdup(key), strdup(value)))
        code = fail(link, AXR_ERROR_RUNTIME_ERROR, "out of memory for properties");
    leave(link, properties);
    return code;
}

const char *axr_get_property(const axrProperties *properties, const char *key)
{
    Link *link = enter(properties, PROPERTIES);
    if (!link)
        return NULL;
    const char *value = NULL;
    pthread_mutex_t *mutex = &((axrProperties *)properties)->mutex;
    pthread_mutex_lock(mutex);
    size_t index = key ? place_of(properties, key) : properties->count;
    if (index < properties->count)
        value = properties->values[index];
    pthread_mutex_unlock(mutex);
    if (!value)
        fail(link, AXR_ERROR_INVALID_ARGUMENT, "there is no property %s", key ? key : "NULL");
    leave(link, properties);
    return value;
}

axrResult axr_del_property(axrProperties *properties, const char *key)
{
    Link *link = enter(properties, PROPERTIES);
    if (!link)
        return axr_last_error(NULL);
    axrResult code = AXR_SUCCESS;
    pthread_mutex_lock(&properties->mutex);
    size_t index = key ? place_of(properties, key) : properties->count;
    if (index == properties->count) {
        code = fail(link, AXR_ERROR_INVALID_ARGUMENT, "there is no property %s", key ? key : "NULL");
    } else {
        free(properties->keys[index]);
        free(properties->values[index]);
        size_t after = --properties->count - index;
        memmove(properties->keys + index, properties->keys + index + 1, after * sizeof *properties->keys);
        memmove(properties->values + index, properties->values + index + 1, after * sizeof *properties->values);
    }
    pthread_mutex_unlock(&properties->mutex);
    leave(link, properties);
    return code;
}

size_t axr_list_properties(const axrProperties *constant, const char ***keys)
{
    axrProperties *properties = (axrProperties *)constant;
    Link *link = enter(properties, PROPERTIES);
    if (!link)
        return 0;
    pthread_mutex_lock(&properties->mutex);
    size_t count = properties->count;
    const char **listed = realloc(properties->listed, (count + 1) * sizeof *listed);
    if (listed) {
        for (size_t index = 0; index < count; index++)
            listed[index] = properties->keys[index];
        listed[count] = NULL;
        properties->listed = listed;
    } else {
        count = 0;
        fail(link, AXR_ERROR_RUNTIME_ERROR, "out of memory for properties");
    }
    if (keys)
        *keys = listed;
    pthread_mutex_unlock(&properties->mutex);
    leave(link, properties);
    return count;
}

bool put_properties(Link *link, Message *message, const axrProperties *properties)
{
    if (!properties) {
        put_u32(message, 0);
        return true;
    }
    if (!retain(properties, PROPERTIES)) {
        fail(link, AXR_ERROR_INVALID_ARGUMENT, "%s", axr_last_error_string(NULL));
        clear(message);
        return false;
    }
    pthread_mutex_t *mutex = &((axrProperties *)properties)->mutex;
    pthread_mutex_lock(mutex);
    put_u32(message, (uint32_t)properties->count);
    for (size_t index = 0; index < properties->count; index++) {
        put_text(message, properties->keys[index]);
        put_text(message, properties->values[index]);
    }
    pthread_mutex_unlock(mutex);
    release(properties);
    return true;
}

axrProperties *get_properties(Link *link, axrObject *parent, Message *message)
{
    axrProperties *properties = new_properties(parent);
    for (uint32_t left = get_u32(message); properties && left && !message->broken; left--) {
        char *key = get_new_text(message);
        set(properties, key, get_new_text(message));
    }
    if (properties && message->broken) {
        free_properties(&properties->object);
        properties = NULL;
    } else if (properties && !publish(properties)) {
        properties = NULL;
    }
    if (!properties)
        fail(link, AXR_ERROR_INTERNAL_ERROR, "the properties could not be read, or belong to something destroyed meanwhile");
    return properties;
}
