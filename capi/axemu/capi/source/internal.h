/* What the parts of the library share.
 *
 * The library computes nothing. A context is a session with a process that owns the emulated boards; each thread has a
 * connection of its own to it, a Link, because a thread's calls follow each other in the time of the boards. Requests and
 * replies are Messages; tensors lie in memory that both sides map.
 */
#ifndef AXEMU_INTERNAL_H
#define AXEMU_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "axruntime/axruntime.h"

#define PROTOCOL 1u /* also in _protocol.py */
#define MOST_TEXT 8192

typedef enum Operation {
    OP_GREET = 1,
    OP_ATTACH,
    OP_LIST,
    OP_CONNECT,
    OP_CONFIGURE,
    OP_READY,
    OP_READ_CONFIGURATION,
    OP_LOAD_MODEL,
    OP_LOAD_INSTANCE,
    OP_RUN,
    OP_RELEASE,
    OP_END,
    OP_COUNTERS,
    OP_WAIT_UNTIL
} Operation;

typedef enum Kind { ANY, CONTEXT, CONNECTION, MODEL, INSTANCE, PROPERTIES } Kind;

/* The beginning of every object. `uses` counts its life as one, each call under way and each child; who takes it to 0 frees
 * it. `living` ends with axr_destroy. */
struct axrObject {
    Kind kind;
    unsigned uses;
    bool living;
    pid_t process;
    struct axrContext *context;
    struct axrObject *parent;
    uint64_t id; /* the name of it on the other side */
    struct axrObject *next;
    void (*free)(struct axrObject *object);
};

typedef struct DeviceList {
    axrDeviceInfo *devices;
    size_t count;
} DeviceList;

#define KEPT_LISTS 64

struct axrContext {
    axrObject object;
    uint64_t session;
    int lifetime; /* a socket whose end tells the other side that this process has gone; -1: no session */
    char *reason; /* why there is no session */
    char *address;
    axrLogLevel level;
    axrLogger logger;
    void *argument;
    DeviceList lists[KEPT_LISTS];
    unsigned listed;
};

/* One thread's part of a context: its connection and its last error. */
typedef struct Link {
    axrContext *context;
    const void *thread;
    int socket;
    axrResult code;
    char text[MOST_TEXT];
    struct Link *next;
} Link;

/* Bytes on their way; reading beyond the end gives zeros and sets `broken`. */
typedef struct Message {
    uint8_t *data;
    size_t size, capacity, at;
    bool broken;
} Message;

/* objects.c: which objects live, and who uses them */
void guard(void);
void unguard(void);
/* An object is made, filled, and then published: until then no other thread can meet it, not even by a pointer to an
 * earlier one at the same address. Publishing fails where the parent was destroyed meanwhile; then the object is gone. */
void *new_object(size_t size, Kind kind, axrObject *parent, uint64_t id, void (*free)(axrObject *object));
bool publish(void *object);
Link *first_link(axrContext *context);
bool retain(const void *object, Kind kind);
void release(const void *object);
Link *enter(const void *object, Kind kind); /* NULL: not alive; refused with a text for the thread */
void leave(Link *link, const void *object);
void forget_links(axrContext *context);
axrResult fail(Link *link, axrResult code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* wire.c: messages */
void put_u32(Message *message, uint32_t value);
void put_u64(Message *message, uint64_t value);
void put_double(Message *message, double value);
void put_text(Message *message, const char *text);
uint32_t get_u32(Message *message);
uint64_t get_u64(Message *message);
double get_double(Message *message);
void get_text(Message *message, char *into, size_t capacity); /* cut off where there is no room */
char *get_new_text(Message *message);
void clear(Message *message);
int send_message(int socket, const Message *message);
int receive_message(int socket, Message *message, int *descriptor);

/* session.c: the process that owns the boards */
void discard(Link *link, uint64_t id);
void begin_session(axrContext *context, Link *link);
axrResult exchange(Link *link, Message *request, Message *reply, int *descriptor);

/* launch.c: finding and starting it */
const char *chosen_address(void); /* NULL: none was chosen */
int reach(char **address, char *reason, size_t room);

/* properties.c */
bool put_properties(Link *link, Message *message, const axrProperties *properties);
axrProperties *get_properties(Link *link, axrObject *parent, Message *message); /* published */

/* models.c */
typedef struct Tensors {
    size_t inputs, outputs;
    axrTensorInfo *infos; /* inputs, then outputs */
    char name[AXR_MAX_TEXT];
} Tensors;
bool copy_tensors(const axrModel *model, Tensors *into);

/* memory.c: descriptors that are not ours */
bool check_descriptor(int descriptor, size_t size, bool writable, char *reason, size_t room);
bool read_descriptor(int descriptor, void *into, size_t size, char *reason, size_t room);
bool write_descriptor(int descriptor, const void *from, size_t size, char *reason, size_t room);

#endif
