/* Which objects live, who uses them, and what went wrong last in each thread. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static axrObject *living;
static Link *links;
static pthread_key_t end_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Its address names the thread; the rest is what went wrong with something that belongs to no context. */
static _Thread_local struct {
    axrResult code;
    char text[160];
} stray;

void guard(void) { pthread_mutex_lock(&mutex); }
void unguard(void) { pthread_mutex_unlock(&mutex); }

static void free_link(Link *link)
{
    if (link->socket >= 0)
        close(link->socket);
    free(link);
}

static void remove_links(const axrContext *context, const void *thread)
{
    for (Link **at = &links; *at;) {
        Link *link = *at;
        if (link->context == context || link->thread == thread) {
            *at = link->next;
            free_link(link);
        } else {
            at = &link->next;
        }
    }
}

void forget_links(axrContext *context) { remove_links(context, NULL); }

static void end_of_thread(void *thread)
{
    guard();
    remove_links(NULL, thread);
    unguard();
}

/* A forked child has none of its parent's sessions; if it kept the sockets, their end would tell nothing. */
static void in_child(void)
{
    for (Link *link = links; link; link = link->next) {
        if (link->socket >= 0)
            close(link->socket);
        link->socket = -1;
    }
    for (axrObject *object = living; object; object = object->next) {
        if (object->kind == CONTEXT && ((axrContext *)object)->lifetime >= 0) {
            close(((axrContext *)object)->lifetime);
            ((axrContext *)object)->lifetime = -1;
        }
    }
    unguard();
}

static void set_up(void)
{
    pthread_key_create(&end_key, end_of_thread);
    pthread_atfork(guard, unguard, in_child);
}

static axrObject *find(const void *pointer)
{
    for (axrObject *object = living; object; object = object->next)
        if (object == pointer)
            return object;
    return NULL;
}

static Link *link_of(axrContext *context)
{
    for (Link *link = links; link; link = link->next)
        if (link->context == context && link->thread == &stray)
            return link;
    Link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->context = context;
    link->thread = &stray;
    link->socket = -1;
    link->next = links;
    links = link;
    pthread_setspecific(end_key, &stray);
    return link;
}

static void drop(axrObject *object)
{
    while (object && --object->uses == 0) {
        axrObject *parent = object->parent;
        object->free(object);
        object = parent;
    }
}

static const char *name_of(Kind kind)
{
    static const char *const names[] = {"axrObject", "axrContext", "axrConnection", "axrModel", "axrModelInstance",
                                        "axrProperties"};
    return names[kind];
}

static void refuse(axrResult code, const char *text, const void *object, Kind kind)
{
    stray.code = code;
    snprintf(stray.text, sizeof stray.text, text, object, name_of(kind));
}

void *new_object(size_t size, Kind kind, axrObject *parent, uint64_t id, void (*free_it)(axrObject *object))
{
    pthread_once(&once, set_up);
    axrObject *object = calloc(1, size);
    if (!object)
        return NULL;
    object->kind = kind;
    object->uses = 1;
    object->process = getpid();
    object->context = parent ? parent->context : (axrContext *)object;
    object->parent = parent;
    object->id = id;
    object->free = free_it;
    return object;
}

bool publish(void *made)
{
    axrObject *object = made;
    guard();
    bool possible = !object->parent || object->parent->living;
    if (possible) {
        if (object->parent)
            object->parent->uses++;
        object->living = true;
        object->next = living;
        living = object;
    } else {
        object->free(object);
    }
    unguard();
    return possible;
}

Link *first_link(axrContext *context)
{
    guard();
    Link *link = link_of(context);
    unguard();
    return link;
}

static axrObject *take(const void *pointer, Kind kind)
{
    axrObject *object = find(pointer);
    if (!object || (kind != ANY && object->kind != kind)) {
        refuse(AXR_ERROR_INVALID_ARGUMENT, "%p is no %s, or was destroyed", pointer, kind);
        return NULL;
    }
    if (object->process != getpid()) {
        refuse(AXR_ERROR_CONNECTION_ERROR, "%p (%s) belongs to the process this one was forked from; create a context here",
               pointer, object->kind);
        return NULL;
    }
    object->uses++;
    object->context->object.uses++;
    return object;
}

bool retain(const void *pointer, Kind kind)
{
    guard();
    bool taken = take(pointer, kind) != NULL;
    unguard();
    return taken;
}

void release(const void *pointer)
{
    axrObject *object = (axrObject *)pointer;
    guard();
    axrObject *context = &object->context->object;
    drop(object);
    drop(context);
    unguard();
}

Link *enter(const void *pointer, Kind kind)
{
    guard();
    axrObject *object = take(pointer, kind);
    Link *link = object ? link_of(object->context) : NULL;
    if (object && !link) {
        refuse(AXR_ERROR_RUNTIME_ERROR, "%p (%s): out of memory", pointer, object->kind);
        drop(object);
        drop(&object->context->object);
    }
    unguard();
    if (link) {
        link->code = AXR_SUCCESS;
        link->text[0] = 0;
    }
    return link;
}

void leave(Link *link, const void *object)
{
    (void)link;
    release(object);
}

axrResult fail(Link *link, axrResult code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    link->code = code;
    vsnprintf(link->text, sizeof link->text, format, arguments);
    va_end(arguments);
    return code;
}

static bool belongs(const axrObject *object, const axrObject *to)
{
    for (; object; object = object->parent)
        if (object == to)
            return true;
    return false;
}

void axr_destroy(axrObject *pointer)
{
    guard();
    axrObject *object = pointer ? find(pointer) : NULL;
    if (!object || object->process != getpid()) {
        unguard();
        return;
    }
    axrObject *family = NULL; /* from here nobody finds these */
    Link *link = link_of(object->context);
    axrContext *context = object->context;
    Kind kind = object->kind;
    uint64_t id = object->id;
    context->object.uses++;
    for (axrObject **at = &living; *at;) {
        axrObject *one = *at;
        if (belongs(one, object)) {
            *at = one->next;
            one->living = false;
            one->next = family;
            family = one;
        } else {
            at = &one->next;
        }
    }
    unguard();
    if (link && context->lifetime >= 0 && (kind == CONTEXT || id)) {
        Message request = {0}, reply = {0};
        put_u32(&request, kind == CONTEXT ? OP_END : OP_RELEASE);
        put_u64(&request, id);
        exchange(link, &request, &reply, NULL); /* waits for frames under way */
        clear(&reply);
    }
    guard();
    while (family) {
        axrObject *one = family;
        family = one->next;
        drop(one);
    }
    drop(&context->object);
    unguard();
}

axrContext *axr_get_context(const axrObject *object)
{
    Link *link = enter(object, ANY);
    if (!link)
        return NULL;
    axrContext *context = link->context;
    leave(link, object);
    return context;
}

static Link *look(const axrObject *pointer)
{
    Link *link = NULL;
    guard();
    axrObject *object = pointer ? find(pointer) : NULL;
    if (object && object->process == getpid())
        link = link_of(object->context);
    unguard();
    return link;
}

axrResult axr_last_error(const axrObject *object)
{
    Link *link = look(object);
    return link ? link->code : stray.code;
}

const char *axr_last_error_string(const axrObject *object)
{
    Link *link = look(object);
    return link ? link->text : stray.text;
}
