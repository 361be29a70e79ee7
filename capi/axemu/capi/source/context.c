/* Contexts, loggers and the texts of numbers. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#ifndef AXEMU_VERSION
#define AXEMU_VERSION "0"
#endif

static void free_context(axrObject *object)
{
    axrContext *context = (axrContext *)object;
    forget_links(context);
    if (context->lifetime >= 0)
        close(context->lifetime);
    for (size_t index = 0; index < KEPT_LISTS; index++)
        free(context->lists[index].devices);
    free(context->reason);
    free(context->address);
    free(context);
}

axrContext *axr_create_context(void)
{
    axrContext *context = new_object(sizeof *context, CONTEXT, NULL, 0, free_context);
    if (!context)
        abort(); /* it is documented to be never NULL */
    context->lifetime = -1;
    context->level = AXR_LOG_WARNING;
    Link *link = first_link(context);
    if (link)
        begin_session(context, link);
    publish(context);
    return context;
}

void axr_set_logger(axrContext *context, axrLogLevel level, axrLogger logger, void *arg)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return;
    guard();
    context->level = level;
    context->logger = logger;
    context->argument = arg;
    unguard();
    leave(link, context);
}

const char *axr_error_string(axrResult code)
{
    static const char *const names[] = {
        "AXR_SUCCESS",
        "AXR_ERROR_RUNTIME_ERROR",
        "AXR_ERROR_VALUE_ERROR",
        "AXR_ERROR_INVALID_ARGUMENT",
        "AXR_ERROR_CONNECTION_ERROR",
        "AXR_ERROR_DEVICE_IN_USE",
        "AXR_ERROR_INCOMPATIBLE_DEVICE",
        "AXR_ERROR_INVALID_CONFIGURATION",
        "AXR_ERROR_NOT_IMPLEMENTED",
        "AXR_ERROR_INTERNAL_ERROR",
        "AXR_ERROR_PENDING_ERROR",
        "AXR_ERROR_UNKNOWN_ERROR",
    };
    return (unsigned)code < sizeof names / sizeof *names ? names[code] : "unknown result";
}

const char *axr_api_version(void) { return "1.6 (axemu " AXEMU_VERSION ", emulated)"; }

const char *axr_board_type_string(axrBoardType type)
{
    static const char *const names[] = {"alpha_pcie", "alpha_m2", "pcie", "m2", "devboard", "sbc"};
    return (unsigned)type < sizeof names / sizeof *names ? names[type] : "unknown";
}

/* Beyond the documented interface: the calling thread's next frame arrives no earlier, in the time of the boards. */
AXR_API axrResult axemu_wait_until(axrContext *context, double seconds);
axrResult axemu_wait_until(axrContext *context, double seconds)
{
    Link *link = enter(context, CONTEXT);
    if (!link)
        return axr_last_error(NULL);
    Message request = {0}, reply = {0};
    put_u32(&request, OP_WAIT_UNTIL);
    put_double(&request, seconds);
    axrResult code = exchange(link, &request, &reply, NULL);
    clear(&reply);
    leave(link, context);
    return code;
}
