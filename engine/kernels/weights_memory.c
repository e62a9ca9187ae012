/* Memory for packed weights: large pages, which are read a fifth faster than small ones.
 *
 * For: the files of operators. A processor fetches ahead within a page, and looks each page up; at one token a run all weights
 * are read once, in a row. Matrices lie one behind the other in chunks, because each for itself would waste a page of 2 MB.
 * Must not know: what lies in it.
 */
#include "node.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE ((size_t)2 << 20)
#define CHUNK ((size_t)64 << 20) /* of addresses: what nobody has written takes no memory */
#define LINE 64

struct Chunk {
    char *begin; /* of the mapping; the weights begin at `first` */
    size_t mapped, size, used;
    char *first;
    int64_t users;
};

static Chunk *filling; /* where the next matrix goes */
static atomic_flag lock = ATOMIC_FLAG_INIT; /* sessions may be loaded by different threads */

static void enter(void) {
    while (atomic_flag_test_and_set(&lock)) {}
}
static void leave(void) { atomic_flag_clear(&lock); }

static Chunk *new_chunk(size_t size) {
    Chunk *chunk = malloc(sizeof(*chunk));
    if (!chunk) return NULL;
    size = (size + PAGE - 1) / PAGE * PAGE;
    char *begin = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED) {
        free(chunk);
        return NULL;
    }
    char *first = (char *)(((uintptr_t)begin + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    *chunk = (Chunk){.begin = begin, .mapped = size + PAGE, .size = size, .first = first};
    madvise(first, size, MADV_HUGEPAGE); /* where the system has none, small ones serve */
    return chunk;
}

static void drop(Chunk *chunk) {
    munmap(chunk->begin, chunk->mapped);
    free(chunk);
}

void *take_weights(size_t size, Chunk **owner) {
    size = (size + LINE - 1) / LINE * LINE;
    enter();
    if (!filling || filling->used + size > filling->size) {
        Chunk *chunk = new_chunk(size > CHUNK ? size : CHUNK);
        if (!chunk) {
            leave();
            return NULL;
        }
        filling = chunk;
    }
    void *found = filling->first + filling->used;
    filling->used += size;
    filling->users++;
    *owner = filling;
    leave();
    return found;
}

void give_weights(Chunk *owner) {
    if (!owner) return;
    enter();
    if (--owner->users == 0) {
        if (owner == filling) filling = NULL;
        drop(owner);
    }
    leave();
}
