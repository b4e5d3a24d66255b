/* A libnccl.so.2 that sums over processes through a file of shared memory. What goes wrong is told
   by the environment, several with commas between them:
   STAND_IN_NCCL=init:1     rank 1 cannot join
   STAND_IN_NCCL=hang:1     rank 1 never joins
   STAND_IN_NCCL=wrong:1    rank 1 gets one word wrong
   STAND_IN_NCCL=die:1      rank 1 ends at its first sum of many bytes */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fcntl.h>

enum { MOST = 1 << 20 };
typedef struct { char bytes[128]; } Id;
typedef struct {
    int arrived, generation;
    char words[8][MOST];
} Shared;
typedef struct { int rank, ranks; Shared *shared; } Communicator;

static int told(const char *what, int rank) {
    char text[32];
    const char *value = getenv("STAND_IN_NCCL");
    snprintf(text, sizeof text, "%s:%d", what, rank);
    return value && strstr(value, text);
}

static void meet(Communicator *of) {
    Shared *shared = of->shared;
    int now = __atomic_load_n(&shared->generation, __ATOMIC_SEQ_CST);
    if (__atomic_add_fetch(&shared->arrived, 1, __ATOMIC_SEQ_CST) == of->ranks) {
        shared->arrived = 0;
        __atomic_add_fetch(&shared->generation, 1, __ATOMIC_SEQ_CST);
        return;
    }
    while (__atomic_load_n(&shared->generation, __ATOMIC_SEQ_CST) == now) usleep(50);
}

const char *ncclGetErrorString(int code) { return code == 2 ? "unhandled system error" : "no error"; }
int ncclGetVersion(int *version) { *version = 22803; return 0; }
int ncclGetUniqueId(Id *id) {
    snprintf(id->bytes, sizeof id->bytes, "%s/nccl-XXXXXX", getenv("STAND_IN_FOLDER"));
    int file = mkstemp(id->bytes);
    return file < 0 || ftruncate(file, sizeof(Shared)) ? 2 : 0;
}
int ncclCommInitRank(Communicator **communicator, int ranks, Id id, int rank) {
    printf("NCCL INFO rank %d Channel 00/0 : 0[0] -> 1[1] via SHM/direct/direct\n", rank);
    printf("NCCL INFO P2P_DISABLE=%s NVLS_ENABLE=%s\n", getenv("NCCL_P2P_DISABLE") ? "1" : "0", getenv("NCCL_NVLS_ENABLE"));
    printf("NCCL INFO RAS_ENABLE=%s\n", getenv("NCCL_RAS_ENABLE") ? getenv("NCCL_RAS_ENABLE") : "1");
    fflush(stdout);
    if (told("init", rank)) return 2;
    while (told("hang", rank)) pause();
    Communicator *made = calloc(1, sizeof *made);
    made->rank = rank, made->ranks = ranks;
    made->shared = mmap(0, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, open(id.bytes, O_RDWR), 0);
    *communicator = made;
    meet(made);
    return 0;
}
int ncclAllReduce(unsigned long long from, unsigned long long to, size_t count, int type, int operation, Communicator *of, void *stream) {
    (void)stream;
    if (count > 1024 && told("die", of->rank)) _exit(3);
    memcpy(of->shared->words[of->rank], (void *)from, count * 4);
    meet(of);
    for (size_t at = 0; at < count; at++) {
        float sum = 0;
        unsigned least = ~0u;
        for (int rank = 0; rank < of->ranks; rank++) {
            sum += ((float *)of->shared->words[rank])[at];
            unsigned word = ((unsigned *)of->shared->words[rank])[at];
            if (word < least) least = word;
        }
        if (type == 7 && operation == 0) ((float *)to)[at] = sum;
        else ((unsigned *)to)[at] = least;
    }
    if (type == 7 && told("wrong", of->rank)) ((unsigned *)to)[count / 2] ^= 1;
    meet(of);
    return 0;
}
