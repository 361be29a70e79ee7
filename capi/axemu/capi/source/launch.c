/* Finding the process that owns the boards, and starting it where there is none. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#ifndef AXEMU_PYTHON
#define AXEMU_PYTHON "python3"
#endif
#define PATIENCE_MS 120000

extern char **environ;

const char *chosen_address(void)
{
    const char *chosen = getenv("AXEMU_SERVER");
    return chosen && *chosen ? chosen : NULL;
}

static char *default_address(void)
{
    char *address = NULL;
    const char *chosen = getenv("AXEMU_RUNTIME_DIR");
    int length = chosen && *chosen ? asprintf(&address, "%s/server", chosen)
                                   : asprintf(&address, "/tmp/axemu-%u/server", (unsigned)geteuid());
    return length < 0 ? NULL : address;
}

/* A socket's name may have 107 bytes; a longer path is reached through its directory. */
static int name_socket(struct sockaddr_un *name, const char *address, int *directory)
{
    *directory = -1;
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    if (strlen(address) < sizeof name->sun_path) {
        strcpy(name->sun_path, address);
        return 0;
    }
    const char *slash = strrchr(address, '/');
    char *parent = slash ? strndup(address, (size_t)(slash - address)) : NULL;
    if (!parent)
        return ENAMETOOLONG;
    *directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    if (*directory < 0)
        return errno;
    int length = snprintf(name->sun_path, sizeof name->sun_path, "/proc/self/fd/%d%s", *directory, slash);
    return length < (int)sizeof name->sun_path ? 0 : ENAMETOOLONG;
}

static int connect_to(const char *address, int *problem)
{
    struct sockaddr_un name;
    int directory;
    int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    *problem = made < 0 ? errno : name_socket(&name, address, &directory);
    if (made >= 0 && !*problem) {
        while (connect(made, (struct sockaddr *)&name, sizeof name) < 0 && !*problem)
            *problem = errno == EINTR ? 0 : errno;
        if (directory >= 0)
            close(directory);
    }
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!*problem && (getsockopt(made, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != geteuid()))
        *problem = EPERM; /* somebody else's */
    if (!*problem)
        return made;
    if (made >= 0)
        close(made);
    return -1;
}

/* Reads the one line that the launched process says: "ready ADDRESS" or "failed REASON". */
static void read_line(int from, char *line, size_t room)
{
    size_t length = 0;
    struct pollfd watched = {.fd = from, .events = POLLIN};
    while (length + 1 < room) {
        int found = poll(&watched, 1, PATIENCE_MS);
        if (found < 0 && errno == EINTR)
            continue;
        ssize_t count = found > 0 ? read(from, line + length, room - 1 - length) : 0;
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    line[length] = 0;
    line[strcspn(line, "\n")] = 0;
}

static int spawn(const char *python, int out, pid_t *child)
{
    char *arguments[] = {(char *)python, "-P", "-m", "axemu.capi", "launch", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    int problem = posix_spawnp(child, python, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

/* Starts the process, unless another program just does; returns its address or NULL. */
static char *launch(char *reason, size_t room)
{
    char line[MOST_TEXT], text[128];
    int ends[2];
    pid_t child;
    const char *python = getenv("AXEMU_PYTHON");
    if (!python || !*python)
        python = AXEMU_PYTHON;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(reason, room, "cannot start the emulated boards: %s", strerror_r(errno, text, sizeof text));
        return NULL;
    }
    int problem = spawn(python, ends[1], &child);
    close(ends[1]);
    line[0] = 0;
    if (problem) {
        snprintf(reason, room, "cannot start the emulated boards: %s: %s; set AXEMU_PYTHON to a Python that has axemu", python,
                 strerror_r(problem, text, sizeof text));
    } else {
        read_line(ends[0], line, sizeof line);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
        if (strncmp(line, "ready ", 6))
            snprintf(reason, room, "cannot start the emulated boards: %s -m axemu.capi launch %s", python,
                     line[0] ? line : "said nothing; set AXEMU_PYTHON to a Python that has axemu");
    }
    close(ends[0]);
    return strncmp(line, "ready ", 6) ? NULL : strdup(line + 6);
}

/* Connects to `*address`, or if that is NULL to wherever the boards are, which is noted there. Returns a socket, or -1. */
int reach(char **address, char *reason, size_t room)
{
    char text[128];
    int problem, made;
    const char *chosen = chosen_address();
    if (*address || chosen) {
        if (!*address)
            *address = strdup(chosen);
        made = *address ? connect_to(*address, &problem) : -1;
        if (made < 0)
            snprintf(reason, room, "no emulated boards are served at %s: %s", *address ? *address : "?",
                     strerror_r(problem, text, sizeof text));
        return made;
    }
    char *found = default_address();
    made = found ? connect_to(found, &problem) : -1;
    for (int tries = 0; made < 0 && tries < 3; tries++) { /* one that was found may just be ending */
        free(found);
        found = launch(reason, room);
        if (!found)
            return -1;
        made = connect_to(found, &problem);
        if (made < 0)
            snprintf(reason, room, "the emulated boards at %s do not answer: %s", found, strerror_r(problem, text, sizeof text));
    }
    if (made < 0)
        free(found);
    else
        *address = found;
    return made;
}
