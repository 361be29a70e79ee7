"""Layouts of what the executor works through."""

STAGE_FUNCTION, STAGE_DESCRIPTOR, STAGE_CHUNKS, STAGE_LAST, STAGE_GROUP_CHUNKS, STAGE_SIZE = range(6)
"""A stage: kernel, its descriptor, chunks; index of the last stage of its group and the group's number of chunks.
Stages of a group don't depend on each other; a group starts when the one before has finished."""

STAGES, STAGE_COUNT, COUNTERS, FINISHED, HELPERS, HELPER_COUNT, JOB_SIZE = range(7)
"""A job: stages, their counters, how many helpers have left, addresses of the helpers' mailboxes."""

COUNTER_BYTES = 128
"""Per stage: the next chunk to take at 0, finished chunks of its group at 64, on cache lines of their own."""

MAILBOX_SEMAPHORE = 64
"""A mailbox: the address of a job at 0 (or STOP), a semaphore at 64."""
MAILBOX_BYTES = 128
STOP = -1
