/* Runs kernels for a process on another kind of machine, which sends memory and calls through a pipe.

   Each request is four 64-bit words: what, address, size or argument, argument.
     M  make SIZE bytes of pages at ADDRESS, where nothing may be yet
     W  write SIZE bytes that follow to ADDRESS
     R  answer with SIZE bytes at ADDRESS
     C  call the function at ADDRESS with the two arguments and 0, then answer with one byte
     T  as C with one argument, in a thread of its own, and answer at once
     J  wait for all threads, then answer with one byte */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_THREADS 16

typedef void kernel(int64_t, int64_t, int64_t);

/* What generated code may call has to be in this program. */
void *const called[] = {memmove, memset, memcpy, sem_post, sem_wait, sched_yield};

struct call { kernel *function; int64_t argument; };

static void fail(const char *what)
{
    perror(what);
    exit(3);
}

static void all(ssize_t (*transfer)(int, void *, size_t), int file, void *memory, size_t size)
{
    for (char *place = memory; size > 0;) {
        ssize_t done = transfer(file, place, size);
        if (done <= 0)
            exit(done < 0 ? 4 : 0);
        place += done;
        size -= (size_t)done;
    }
}

static ssize_t give(int file, void *memory, size_t size) { return write(file, memory, size); }

static void make_pages(void *address, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap(address, size, PROT_READ | PROT_WRITE, flags, -1, 0) != address)
        fail("no memory at this address");
}

static void *start(void *given)
{
    struct call *call = given;
    call->function(call->argument, 0, 0);
    return NULL;
}

int main(void)
{
    int64_t request[4];
    pthread_t threads[MOST_THREADS];
    struct call calls[MOST_THREADS];
    int started = 0;
    char done = 1;
    for (;;) {
        all(read, 0, request, sizeof request);
        uint64_t address = (uint64_t)request[1], size = (uint64_t)request[2];
        switch (request[0]) {
        case 'M':
            make_pages((void *)address, size);
            continue;
        case 'W':
            all(read, 0, (void *)address, size);
            continue;
        case 'R':
            all(give, 1, (void *)address, size);
            continue;
        case 'C':
            ((kernel *)address)(request[2], request[3], 0);
            break;
        case 'T':
            if (started == MOST_THREADS)
                fail("too many threads");
            calls[started] = (struct call){(kernel *)address, request[2]};
            if (pthread_create(&threads[started], NULL, start, &calls[started]))
                fail("pthread_create");
            started++;
            break;
        case 'J':
            while (started > 0)
                pthread_join(threads[--started], NULL);
            break;
        default:
            fail("unknown request");
        }
        all(give, 1, &done, 1);
    }
}
