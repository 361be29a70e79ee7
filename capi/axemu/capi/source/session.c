/* Requests to the process that owns the boards. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static void tell(axrContext *context, axrLogLevel level, const char *text)
{
    guard();
    axrLogLevel least = context->level;
    axrLogger logger = context->logger;
    void *argument = context->argument;
    unguard();
    if (level < least)
        return;
    if (logger)
        logger(argument, level, text);
    else
        fprintf(stderr, "axruntime: %s\n", text);
}

/* Sends a request, which is cleared, and waits for the reply. `descriptor` takes one that comes with it. */
static axrResult ask(Link *link, int socket, Message *request, Message *reply, int *descriptor)
{
    int passed = -1;
    int problem = send_message(socket, request);
    size_t size = request->size;
    clear(request);
    if (!problem)
        problem = receive_message(socket, reply, &passed);
    else if (size > 1 << 16)
        return fail(link, AXR_ERROR_INVALID_ARGUMENT, "a request of %zu bytes is too long: shorten paths and properties", size);
    if (problem) {
        char text[128];
        return fail(link, AXR_ERROR_CONNECTION_ERROR,
                    "the process of the emulated boards has gone (%s): destroy this context and create another",
                    strerror_r(problem, text, sizeof text));
    }
    axrResult code = (axrResult)get_u32(reply);
    char text[MOST_TEXT];
    get_text(reply, text, sizeof text);
    for (uint32_t left = get_u32(reply); left && !reply->broken; left--) {
        char said[MOST_TEXT];
        axrLogLevel level = (axrLogLevel)get_u32(reply);
        get_text(reply, said, sizeof said);
        if (!reply->broken)
            tell(link->context, level, said);
    }
    if (reply->broken)
        code = fail(link, AXR_ERROR_INTERNAL_ERROR, "the process of the emulated boards sent a reply without sense");
    else if (code != AXR_SUCCESS)
        fail(link, code, "%s", text);
    if (descriptor && code == AXR_SUCCESS)
        *descriptor = passed;
    else if (passed >= 0)
        close(passed);
    return code;
}

/* Opens a context's session, or notes why there is none. */
void begin_session(axrContext *context, Link *link)
{
    bool chosen = chosen_address() != NULL;
    axrResult code = AXR_ERROR_CONNECTION_ERROR;
    for (int tries = 0; code == AXR_ERROR_CONNECTION_ERROR && tries < 3; tries++) { /* it may just be ending */
        char reason[MOST_TEXT];
        free(context->address);
        context->address = NULL;
        int socket = reach(&context->address, reason, sizeof reason);
        if (socket < 0) {
            fail(link, code, "%s", reason);
            break;
        }
        Message request = {0}, reply = {0};
        put_u32(&request, OP_GREET);
        put_u32(&request, PROTOCOL);
        put_text(&request, program_invocation_short_name);
        put_u32(&request, !chosen);
        put_text(&request, getenv("AXEMU_EMULATOR"));
        put_text(&request, getenv("AXEMU_CONFIG"));
        code = ask(link, socket, &request, &reply, NULL);
        if (code == AXR_SUCCESS) {
            context->session = get_u64(&reply);
            context->lifetime = socket;
            link->code = AXR_SUCCESS; /* whatever an earlier try met */
            link->text[0] = 0;
        } else {
            close(socket);
        }
        clear(&reply);
    }
    if (code != AXR_SUCCESS)
        context->reason = strdup(link->text);
}

static axrResult attach(Link *link)
{
    char reason[MOST_TEXT];
    char *address = link->context->address;
    Message request = {0}, reply = {0};
    int socket = reach(&address, reason, sizeof reason);
    if (socket < 0)
        return fail(link, AXR_ERROR_CONNECTION_ERROR, "%s", reason);
    put_u32(&request, OP_ATTACH);
    put_u64(&request, link->context->session);
    axrResult code = ask(link, socket, &request, &reply, NULL);
    clear(&reply);
    if (code == AXR_SUCCESS)
        link->socket = socket;
    else
        close(socket);
    return code;
}

/* Lets go of something on the other side that has no object here. */
void discard(Link *link, uint64_t id)
{
    Message request = {0}, reply = {0};
    put_u32(&request, OP_RELEASE);
    put_u64(&request, id);
    exchange(link, &request, &reply, NULL);
    clear(&reply);
}

/* Asks over the thread's own connection. Clears `request`; the caller clears `reply`. */
axrResult exchange(Link *link, Message *request, Message *reply, int *descriptor)
{
    axrResult code = AXR_SUCCESS;
    if (link->context->lifetime < 0)
        code = fail(link, AXR_ERROR_CONNECTION_ERROR, "%s",
                    link->context->reason ? link->context->reason : "the context has no session");
    else if (link->socket < 0)
        code = attach(link);
    if (code == AXR_SUCCESS)
        return ask(link, link->socket, request, reply, descriptor);
    clear(request);
    return code;
}
