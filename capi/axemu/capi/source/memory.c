/* Memory behind descriptors that the program gave: dma-bufs, memfds, files.
 *
 * A file is read and written by calls, not through a mapping: somebody may cut it off meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static bool is_file(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

static bool say(char *reason, size_t room, int descriptor, const char *what)
{
    char text[128];
    snprintf(reason, room, "descriptor %d cannot be %s: %s", descriptor, what, strerror_r(errno, text, sizeof text));
    return false;
}

bool check_descriptor(int descriptor, size_t size, bool writable, char *reason, size_t room)
{
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return say(reason, room, descriptor, "used");
    off_t available = S_ISREG(status.st_mode) ? status.st_size : lseek(descriptor, 0, SEEK_END);
    if (available < 0 || (size_t)available < size) {
        snprintf(reason, room, "descriptor %d has %lld B behind it, %zu B are needed", descriptor,
                 available < 0 ? 0LL : (long long)available, size);
        return false;
    }
    void *mapped = mmap(NULL, size ? size : 1, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED)
        return say(reason, room, descriptor, writable ? "read and written" : "read");
    munmap(mapped, size ? size : 1);
    return true;
}

static void synchronise(int descriptor, unsigned long long flags)
{
    struct dma_buf_sync sync = {.flags = flags};
    while (ioctl(descriptor, DMA_BUF_IOCTL_SYNC, &sync) < 0 && errno == EINTR)
        ;
}

/* Copies through a mapping, for what is no file. */
static bool copy_mapped(int descriptor, void *memory, size_t size, bool into, char *reason, size_t room)
{
    void *mapped = mmap(NULL, size, into ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapped == MAP_FAILED)
        return say(reason, room, descriptor, "mapped");
    unsigned long long way = into ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE;
    synchronise(descriptor, DMA_BUF_SYNC_START | way);
    if (into)
        memcpy(memory, mapped, size);
    else
        memcpy(mapped, memory, size);
    synchronise(descriptor, DMA_BUF_SYNC_END | way);
    munmap(mapped, size);
    return true;
}

bool read_descriptor(int descriptor, void *into, size_t size, char *reason, size_t room)
{
    if (!is_file(descriptor))
        return copy_mapped(descriptor, into, size, true, reason, room);
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(descriptor, (char *)into + done, size - done, (off_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            errno = count ? errno : ENODATA;
            return say(reason, room, descriptor, "read");
        }
        done += (size_t)count;
    }
    return true;
}

bool write_descriptor(int descriptor, const void *from, size_t size, char *reason, size_t room)
{
    if (!is_file(descriptor))
        return copy_mapped(descriptor, (void *)from, size, false, reason, room);
    for (size_t done = 0; done < size;) {
        ssize_t count = pwrite(descriptor, (const char *)from + done, size - done, (off_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return say(reason, room, descriptor, "written");
        done += (size_t)count;
    }
    return true;
}
