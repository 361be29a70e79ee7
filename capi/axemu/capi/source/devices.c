/* Boards: which there are, their configuration, and connections to them. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void get_device(Message *reply, axrDeviceInfo *device)
{
    get_text(reply, device->name, sizeof device->name);
    device->subdevice_count = get_u64(reply);
    device->max_memory = get_u64(reply);
    device->in_use = (int)get_u32(reply);
    get_text(reply, device->in_use_by, sizeof device->in_use_by);
    device->board_type = (axrBoardType)get_u32(reply);
    get_text(reply, device->firmware_version, sizeof device->firmware_version);
    device->board_revision = (int)get_u32(reply);
    get_text(reply, device->flashed_firmware_version, sizeof device->flashed_firmware_version);
    get_text(reply, device->board_controller_firmware_version, sizeof device->board_controller_firmware_version);
    get_text(reply, device->board_controller_board_type, sizeof device->board_controller_board_type);
}

/* Keeps a list in the context, or finds the equal one that was made before. Takes `devices` over. */
static axrDeviceInfo *keep(axrContext *context, axrDeviceInfo *devices, size_t count)
{
    guard();
    DeviceList *last = &context->lists[(context->listed + KEPT_LISTS - 1) % KEPT_LISTS];
    if (last->devices && last->count == count && !memcmp(last->devices, devices, count * sizeof *devices)) {
        free(devices);
        devices = last->devices;
    } else {
        DeviceList *next = &context->lists[context->listed % KEPT_LISTS];
        free(next->devices);
        *next = (DeviceList){devices, count};
        context->listed = (context->listed + 1) % KEPT_LISTS;
    }
    unguard();
    return devices;
}

size_t axr_list_devices(axrContext *context, axrDeviceInfo **devices)
{
    Link *link = enter(context, CONTEXT);
    if (devices)
        *devices = NULL;
    if (!link)
        return 0;
    Message request = {0}, reply = {0};
    size_t count = 0;
    put_u32(&request, OP_LIST);
    if (exchange(link, &request, &reply, NULL) == AXR_SUCCESS) {
        count = get_u32(&reply);
        axrDeviceInfo *found = calloc(count + 1, sizeof *found);
        for (size_t index = 0; found && index < count; index++)
            get_device(&reply, found + index);
        if (!found || reply.broken) {
            fail(link, AXR_ERROR_INTERNAL_ERROR, "the list of devices could not be read");
            free(found);
            count = 0;
        } else {
            found = keep(context, found, count);
            if (devices)
                *devices = found;
        }
    }
    clear(&reply);
    leave(link, context);
    return count;
}

/* Puts the name of a device, which may be NULL where `optional`. */
static bool put_device(Link *link, Message *request, const axrDeviceInfo *device, bool optional)
{
    if (device ? memchr(device->name, 0, sizeof device->name) && device->name[0] : optional) {
        put_text(request, device ? device->name : "");
        return true;
    }
    fail(link, AXR_ERROR_INVALID_ARGUMENT, "the device has no name: give an element of what axr_list_devices returned");
    clear(request);
    return false;
}

static void free_plain(axrObject *object) { free(object); }

axrConnection *axr_device_connect(axrContext *context, const axrDeviceInfo *device, size_t num_sub_devices,
                                  const axrProperties *properties)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return NULL;
    Message request = {0}, reply = {0};
    axrObject *connection = NULL;
    put_u32(&request, OP_CONNECT);
    if (put_device(link, &request, device, true)) {
        put_u64(&request, num_sub_devices);
        if (put_properties(link, &request, properties) && exchange(link, &request, &reply, NULL) == AXR_SUCCESS) {
            uint64_t id = get_u64(&reply);
            connection = new_object(sizeof *connection, CONNECTION, &context->object, id, free_plain);
            if (connection && !publish(connection))
                connection = NULL;
            if (!connection) {
                discard(link, id);
                fail(link, AXR_ERROR_RUNTIME_ERROR, "no connection: out of memory, or the context was destroyed meanwhile");
            }
        }
    }
    clear(&reply);
    leave(link, context);
    return (axrConnection *)connection;
}

axrResult axr_configure_device(axrContext *context, const axrDeviceInfo *device, const axrProperties *properties)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return axr_last_error(NULL);
    Message request = {0}, reply = {0};
    axrResult code = AXR_ERROR_INVALID_ARGUMENT;
    put_u32(&request, OP_CONFIGURE);
    if (put_device(link, &request, device, false) && put_properties(link, &request, properties))
        code = exchange(link, &request, &reply, NULL);
    clear(&reply);
    leave(link, context);
    return code;
}

axrResult axr_device_ready(axrContext *context, const axrDeviceInfo *device)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return axr_last_error(NULL);
    Message request = {0}, reply = {0};
    axrResult code = AXR_ERROR_INVALID_ARGUMENT;
    put_u32(&request, OP_READY);
    if (put_device(link, &request, device, false))
        code = exchange(link, &request, &reply, NULL);
    clear(&reply);
    leave(link, context);
    return code;
}

axrProperties *axr_read_device_configuration(axrContext *context, const axrDeviceInfo *device)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return NULL;
    Message request = {0}, reply = {0};
    axrProperties *properties = NULL;
    put_u32(&request, OP_READ_CONFIGURATION);
    if (put_device(link, &request, device, false) && exchange(link, &request, &reply, NULL) == AXR_SUCCESS)
        properties = get_properties(link, &context->object, &reply);
    clear(&reply);
    leave(link, context);
    return properties;
}
