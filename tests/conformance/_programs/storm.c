/* Threads that make, use and destroy each other's objects in no order; says "ok" if every call ended as documented.
 * Arguments: model.json, number of threads, calls per thread.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axruntime/axruntime.h"

#define SLOTS 4
#define MOST_THREADS 16

static axrContext *context;
static const char *path;
static axrProperties *shared;
static long calls;
static _Atomic(axrConnection *) connections[SLOTS];
static _Atomic(axrModel *) models[SLOTS];
static _Atomic(axrModelInstance *) instances[SLOTS];
static atomic_long frames, messages, wrong;

static unsigned next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void count_message(void *arg, axrLogLevel level, const char *text)
{
    (void)level, (void)text;
    atomic_fetch_add((atomic_long *)arg, 1);
}

/* Accepts the result of a call on objects that somebody may just have destroyed. */
static void check(axrResult result, const char *what)
{
    switch (result) {
    case AXR_SUCCESS:
    case AXR_ERROR_INVALID_ARGUMENT:
    case AXR_ERROR_DEVICE_IN_USE:
    case AXR_ERROR_CONNECTION_ERROR:
        return;
    default:
        printf("%s: %s: %s\n", what, axr_error_string(result), axr_last_error_string(AXR_OBJECT(context)));
        atomic_fetch_add(&wrong, 1);
    }
}

static void run(unsigned slot)
{
    signed char in[640], out[64];
    memset(in, (int)slot, sizeof in);
    memset(out, 99, sizeof out);
    axrArgument input = {in, 0, 0, sizeof in}, output = {out, 0, 0, sizeof out};
    axrResult result = axr_run_model_instance(atomic_load(&instances[slot]), &input, 1, &output, 1);
    check(result, "run");
    if (result != AXR_SUCCESS)
        return;
    atomic_fetch_add(&frames, 1);
    if (out[0] != ~(signed char)slot || out[10] != 5) { /* negated, and the padding */
        printf("slot %u: %d, %d\n", slot, out[0], out[10]);
        atomic_fetch_add(&wrong, 1);
    }
}

static void act(unsigned kind, unsigned slot)
{
    axrDeviceInfo *devices;
    axrProperties *own;
    switch (kind) {
    case 0:
        axr_destroy(AXR_OBJECT(atomic_exchange(&connections[slot], axr_device_connect(context, NULL, 1, NULL))));
        break;
    case 1:
        axr_destroy(AXR_OBJECT(atomic_exchange(&models[slot], axr_load_model(context, path))));
        break;
    case 2:
        axr_destroy(AXR_OBJECT(atomic_load(&instances[slot])));
        break;
    case 3:
        if (axr_list_devices(context, &devices) == 1 && strcmp(devices->name, "metis-0:1:0"))
            atomic_fetch_add(&wrong, 1);
        break;
    case 4:
        own = axr_create_properties(context, "double_buffer=0;aipu_cores=1");
        check(axr_set_property(shared, "aipu_cores", "1"), "set");
        if (!own || strcmp(axr_get_property(own, "aipu_cores"), "1"))
            atomic_fetch_add(&wrong, 1);
        axr_destroy(AXR_OBJECT(own));
        break;
    case 5:
        axr_set_logger(context, AXR_LOG_WARNING, count_message, &messages);
        break;
    case 6:
    case 7:
        atomic_store(&instances[slot], axr_load_model_instance(atomic_load(&connections[slot]), atomic_load(&models[slot]), shared));
        break;
    default:
        run(slot);
    }
}

static void *work(void *seed)
{
    unsigned state = *(unsigned *)seed;
    for (long left = calls; left > 0; left--) {
        unsigned kind = next(&state) % 20;
        act(kind, next(&state) % SLOTS);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_t threads[MOST_THREADS];
    unsigned seeds[MOST_THREADS];
    if (count != 4)
        return 2;
    path = arguments[1];
    int number = atoi(arguments[2]);
    calls = atol(arguments[3]);
    context = axr_create_context();
    shared = axr_create_properties(context, "double_buffer=0");
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned kind = 0; kind < 8; kind++)
            act(kind, slot);
    for (int index = 0; index < number && index < MOST_THREADS; index++) {
        seeds[index] = (unsigned)index + 1;
        pthread_create(&threads[index], NULL, work, &seeds[index]);
    }
    for (int index = 0; index < number && index < MOST_THREADS; index++)
        pthread_join(threads[index], NULL);
    axr_destroy(AXR_OBJECT(context));
    if (!wrong && frames > number * calls / 50)
        puts("ok");
    else
        printf("%ld wrong, %ld frames of %ld calls\n", wrong, frames, number * calls);
    return 0;
}
