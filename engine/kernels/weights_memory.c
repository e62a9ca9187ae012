/* Memory for packed weights: large pages, which are read a fifth faster than small ones.
 *
 * For: the files of operators. A processor fetches ahead within a page, and looks each page up; at one token a run all weights
 * are read once, in a row. Matrices lie one behind the other in chunks, because each for itself would waste a page of 2 MB;
 * a chunk lasts as long as any of them, so two models that were loaded one after the other may keep 64 MB for each other.
 * Must not know: what lies in it.
 */
#include "node.h"

#include <pthread.h>
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
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* sessions may be loaded by different threads */

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
    pthread_mutex_lock(&lock);
    if (!filling || filling->used + size > filling->size) {
        Chunk *chunk = new_chunk(size > CHUNK ? size : CHUNK);
        if (!chunk) {
            pthread_mutex_unlock(&lock);
            return NULL;
        }
        filling = chunk;
    }
    void *found = filling->first + filling->used;
    filling->used += size;
    filling->users++;
    *owner = filling;
    pthread_mutex_unlock(&lock);
    return found;
}

void give_weights(Chunk *owner) {
    if (!owner) return;
    pthread_mutex_lock(&lock);
    const int is_last = --owner->users == 0;
    if (is_last && owner == filling) filling = NULL;
    pthread_mutex_unlock(&lock);
    if (is_last) drop(owner);
}
