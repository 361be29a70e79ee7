/* Messages: numbers as this machine writes them, texts with their length before them. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"

static void put(Message *message, const void *bytes, size_t count)
{
    if (message->broken)
        return;
    if (message->size + count > message->capacity) {
        size_t capacity = 2 * (message->size + count) + 64;
        uint8_t *data = realloc(message->data, capacity);
        if (!data) {
            message->broken = true;
            return;
        }
        message->data = data;
        message->capacity = capacity;
    }
    memcpy(message->data + message->size, bytes, count);
    message->size += count;
}

static void get(Message *message, void *into, size_t count)
{
    if (message->broken || message->size - message->at < count) {
        message->broken = true;
        memset(into, 0, count);
        return;
    }
    memcpy(into, message->data + message->at, count);
    message->at += count;
}

void put_u32(Message *message, uint32_t value) { put(message, &value, sizeof value); }
void put_u64(Message *message, uint64_t value) { put(message, &value, sizeof value); }
void put_double(Message *message, double value) { put(message, &value, sizeof value); }

void put_text(Message *message, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    put_u32(message, (uint32_t)length);
    if (length)
        put(message, text, length);
}

uint32_t get_u32(Message *message)
{
    uint32_t value;
    get(message, &value, sizeof value);
    return value;
}

uint64_t get_u64(Message *message)
{
    uint64_t value;
    get(message, &value, sizeof value);
    return value;
}

double get_double(Message *message)
{
    double value;
    get(message, &value, sizeof value);
    return value;
}

static size_t text_length(Message *message)
{
    size_t length = get_u32(message);
    if (message->broken || message->size - message->at < length) {
        message->broken = true;
        return 0;
    }
    return length;
}

void get_text(Message *message, char *into, size_t capacity)
{
    size_t length = text_length(message);
    size_t kept = length < capacity ? length : capacity - 1;
    if (kept)
        memcpy(into, message->data + message->at, kept);
    memset(into + kept, 0, capacity - kept);
    message->at += length;
}

char *get_new_text(Message *message)
{
    size_t length = text_length(message);
    char *text = malloc(length + 1);
    if (!text) {
        message->broken = true;
        return NULL;
    }
    if (length)
        memcpy(text, message->data + message->at, length);
    text[length] = 0;
    message->at += length;
    return text;
}

void clear(Message *message)
{
    free(message->data);
    *message = (Message){0};
}

/* Returns 0, or the number of an error. */
int send_message(int socket, const Message *message)
{
    if (message->broken)
        return ENOMEM;
    for (;;) {
        if (send(socket, message->data, message->size, MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

static ssize_t receive(int socket, void *into, size_t room, int flags, int *descriptor)
{
    struct iovec part = {into, room};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor) {
        header.msg_control = &control;
        header.msg_controllen = sizeof control;
    }
    ssize_t count;
    do
        count = recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count >= 0 && descriptor) {
        struct cmsghdr *passed = CMSG_FIRSTHDR(&header);
        if (passed && passed->cmsg_level == SOL_SOCKET && passed->cmsg_type == SCM_RIGHTS)
            memcpy(descriptor, CMSG_DATA(passed), sizeof(int));
    }
    return count;
}

/* Replaces what `message` held. Returns 0, or the number of an error; the other end has gone: ECONNRESET. */
int receive_message(int socket, Message *message, int *descriptor)
{
    char probe;
    clear(message);
    ssize_t size = receive(socket, &probe, sizeof probe, MSG_PEEK | MSG_TRUNC, NULL);
    if (size <= 0)
        return size ? errno : ECONNRESET;
    message->data = malloc((size_t)size);
    if (!message->data)
        return ENOMEM;
    message->capacity = (size_t)size;
    ssize_t count = receive(socket, message->data, message->capacity, 0, descriptor);
    if (count <= 0)
        return count ? errno : ECONNRESET;
    message->size = (size_t)count;
    return 0;
}
