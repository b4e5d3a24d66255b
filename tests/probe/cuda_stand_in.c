/* A libcuda.so.1 without cards, for faults that real ones cannot be made to show. Memory is the
   host's, kernels are known by their names and worked out here, time is counted and not spent.
   What goes wrong is told by the environment:

   STAND_IN_CARDS=0000:01:00.0,0000:02:00.0   which cards there are, in CUDA's order
   STAND_IN_MIB=704         memory of each
   STAND_IN_SMS=80          processors that each says it has
   STAND_IN_SMIDS=80        processors that kernels run on
   STAND_IN_DENY=0>1,1>0    pairs without peer access
   STAND_IN_SLOW=0>1:3      GB/s of that pair's copies
   STAND_IN_FAULT=…         several, apart by a semicolon:
     error=CALL:CODE        CALL returns CODE
     error=CALL:CODE:CARD   … where CARD's context is current, or it is asked for CARD
     hang=CALL or hang=CALL:CARD      CALL never returns
     stuck=0>1              a peer copy of that pair is taken and never ends
     corrupt=PLACE:CARD     one bit is wrong in what arrives: to-device, from-device, on-device,
                            fma (what a kernel computed), sum (of an all-reduce)
     corrupt=copy:0>1       … by the copy engine over the peer path
     corrupt=store:0>1      … by 0's kernels in 1's memory
     corrupt=load:0>1       … what 1's kernels read in 0's memory
     lose=CARD:MIB          it falls off the bus after so many MiB were copied to or from it */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, LAUNCH_FAILED = 719,
       PEER_UNSUPPORTED = 217, ALREADY = 704, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL = 700, LOST = 999 };
enum { CARDS = 8, BLOCKS = 512, OPS = 64 };

typedef struct { u64 from, size; int card; u64 changes; } Area;            /* card -1: the host */
typedef struct { int card; double at_s; int is_stuck; } Stream;
typedef struct { double at_s; int is_stuck; } Event;
typedef struct { char name[16]; u64 key[4]; Area *to, *from; u64 to_changes, from_changes; } Op;

static char addresses[CARDS][16];
static int count, current = -1, opened[CARDS], may_reach[CARDS][CARDS];
static u64 used[CARDS], moved[CARDS];
static Area areas[BLOCKS];
static int area_count;
static Op ops[OPS];
static int op_at;

/* what is told */

static const char *told(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value ? value : otherwise;
}

/* Does STAND_IN_FAULT hold KIND=WHAT, alone or with :CARD at its end? `rest` gets what follows. */
static int fault(const char *kind, const char *what, char *rest) {
    char text[1024], key[128];
    char *save = 0;
    snprintf(text, sizeof text, "%s", told("STAND_IN_FAULT", ""));
    snprintf(key, sizeof key, "%s=%s", kind, what);
    for (char *word = strtok_r(text, ";", &save); word; word = strtok_r(0, ";", &save)) {
        size_t length = strlen(key);
        if (strncmp(word, key, length) || (word[length] && word[length] != ':')) continue;
        strcpy(rest, word[length] ? word + length + 1 : "");
        return 1;
    }
    return 0;
}

static int is_pair(const char *name, const char *otherwise, int from, int to) {
    char key[16];
    snprintf(key, sizeof key, "%d>%d", from, to);
    return strstr(told(name, otherwise), key) != 0;
}

static int pair_fault(const char *kind, const char *place, int from, int to) {
    char what[48], rest[64];
    snprintf(what, sizeof what, "%s%s%d>%d", place, *place ? ":" : "", from, to);
    return fault(kind, what, rest);
}

static int card_fault(const char *kind, const char *place, int card) {
    char what[48], rest[64];
    snprintf(what, sizeof what, "%s:%d", place, card);
    return fault(kind, what, rest);
}

static void hang(void) {
    for (;;) pause();
}

/* Every call begins with it: the error that it is to give, or it hangs, or 0. */
static int begin(const char *call, int card) {
    char rest[64];
    int code = 0, of = -1;
    if (fault("hang", call, rest) && (!*rest || atoi(rest) == card)) hang();
    if (fault("error", call, rest) && sscanf(rest, "%d:%d", &code, &of) >= 1 && (of < 0 || of == card)) return code;
    for (int other = 0; other < count; other++) {
        char what[16];
        snprintf(what, sizeof what, "%d", other);
        if (fault("lose", what, rest) && card == other && moved[card] >= (u64)atoi(rest) << 20) return LOST;
    }
    return 0;
}

#define BEGIN(card) do { int code = begin(__func__, card); if (code) return code; } while (0)

/* cards and contexts */

int cuInit(u32 flags) {
    (void)flags;
    char text[256], *save = 0;
    count = 0;
    snprintf(text, sizeof text, "%s", told("STAND_IN_CARDS", "0000:01:00.0"));
    for (char *word = strtok_r(text, ",", &save); word && count < CARDS; word = strtok_r(0, ",", &save))
        snprintf(addresses[count++], sizeof addresses[0], "%s", word);
    BEGIN(-1);
    return count ? 0 : NO_DEVICE;
}
int cuDriverGetVersion(int *version) { *version = 12080; return 0; }
int cuGetErrorName(int code, const char **name) {
    static char text[32];
    snprintf(text, sizeof text, "STAND_IN_%d", code);
    *name = text;
    return 0;
}
int cuDeviceGetCount(int *number) { BEGIN(-1); *number = count; return 0; }
int cuDeviceGet(int *device, int index) { BEGIN(index); *device = index; return index < count ? 0 : INVALID_DEVICE; }
int cuDeviceGetByPCIBusId(int *device, const char *address) {
    for (int card = 0; card < count; card++)
        if (!strcasecmp(addresses[card], address)) { BEGIN(card); *device = card; return 0; }
    return INVALID_DEVICE;
}
int cuDeviceGetPCIBusId(char *text, int size, int card) { BEGIN(card); snprintf(text, size, "%s", addresses[card]); return 0; }
int cuDeviceGetName(char *text, int size, int card) { BEGIN(card); snprintf(text, size, "Stand-in"); return 0; }
int cuDeviceGetUuid(void *uuid, int card) { BEGIN(card); memset(uuid, card + 1, 16); return 0; }
static u64 total(void) { return (u64)atoi(told("STAND_IN_MIB", "704")) << 20; }
int cuDeviceTotalMem_v2(size_t *size, int card) { BEGIN(card); *size = total(); return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int card) {
    BEGIN(card);
    switch (attribute) {
    case 13: *value = 1000000; break;
    case 16: *value = atoi(told("STAND_IN_SMS", "80")); break;
    case 36: *value = 5000000; break;
    case 37: *value = 4096; break;
    case 38: *value = 6 << 20; break;
    case 75: *value = 7; break; /* Volta: it has no tensor kernel, fma alone is computed */
    default: *value = 0;
    }
    return 0;
}
int cuDeviceCanAccessPeer(int *is_granted, int card, int peer) {
    BEGIN(card);
    *is_granted = !is_pair("STAND_IN_DENY", "", card, peer);
    return 0;
}
int cuDeviceGetP2PAttribute(int *value, int attribute, int card, int peer) { (void)attribute, (void)peer; BEGIN(card); *value = 0; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int card) { BEGIN(card); opened[card] = 1; *context = (void *)(size_t)(card + 1); return 0; }
int cuDevicePrimaryCtxRelease_v2(int card) { BEGIN(card); return 0; }
int cuCtxSetCurrent(void *context) { current = (int)(size_t)context - 1; return 0; }
int cuCtxSynchronize(void) { BEGIN(current); return 0; }
int cuCtxEnablePeerAccess(void *context, u32 flags) {
    (void)flags;
    int peer = (int)(size_t)context - 1;
    BEGIN(current);
    if (is_pair("STAND_IN_DENY", "", current, peer)) return PEER_UNSUPPORTED;
    if (may_reach[current][peer]) return ALREADY;
    may_reach[current][peer] = 1;
    return 0;
}
int cuCtxDisablePeerAccess(void *context) { may_reach[current][(int)(size_t)context - 1] = 0; return 0; }

/* memory */

static Area *area(u64 pointer) {
    for (int at = 0; at < area_count; at++)
        if (pointer >= areas[at].from && pointer < areas[at].from + areas[at].size) return &areas[at];
    return 0;
}
static u64 take(u64 size, int card) {
    void *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || area_count == BLOCKS) abort();
    areas[area_count++] = (Area){(u64)memory, size, card, 0};
    return (u64)memory;
}
int cuMemGetInfo_v2(size_t *free_, size_t *all) { BEGIN(current); *all = total(); *free_ = total() - used[current]; return 0; }
int cuMemAlloc_v2(u64 *pointer, size_t size) {
    BEGIN(current);
    if (used[current] + size > total()) return OUT_OF_MEMORY;
    used[current] += size;
    *pointer = take(size, current);
    return 0;
}
int cuMemFree_v2(u64 pointer) {
    BEGIN(current);
    Area *of = area(pointer);
    used[of->card] -= of->size;
    munmap((void *)of->from, of->size);
    *of = areas[--area_count];
    memset(ops, 0, sizeof ops);
    return 0;
}
int cuMemHostAlloc(void **pointer, size_t size, u32 flags) { (void)flags; BEGIN(current); *pointer = (void *)take(size, -1); return 0; }
int cuMemFreeHost(void *pointer) { (void)pointer; return 0; }
int cuMemHostGetDevicePointer_v2(u64 *pointer, void *host, u32 flags) { (void)flags; *pointer = (u64)host; return 0; }

static void spoil(u64 pointer, u64 size) { ((u8 *)pointer)[size / 3] ^= 4; }

/* Is the same done again, to memory that nobody has touched since? Then it need not be done. */
static int done_before(const char *name, u64 to, u64 from, u64 a, u64 b) {
    u64 key[4] = {to, from, a, b};
    Area *target = area(to), *source = from ? area(from) : 0;
    for (int at = 0; at < OPS; at++) {
        Op *op = &ops[at];
        if (!strcmp(op->name, name) && !memcmp(op->key, key, sizeof key) && op->to == target && op->from == source &&
            op->to_changes == target->changes && (!source || op->from_changes == source->changes)) return 1;
    }
    target->changes++;
    Op *op = &ops[op_at++ % OPS];
    snprintf(op->name, sizeof op->name, "%s", name);
    memcpy(op->key, key, sizeof key);
    op->to = target, op->from = source, op->to_changes = target->changes;
    op->from_changes = source ? source->changes : 0;
    return 0;
}

int cuMemsetD32_v2(u64 pointer, u32 word, size_t words) {
    BEGIN(current);
    for (size_t at = 0; at < words; at++) ((u32 *)pointer)[at] = word;
    if (area(pointer)) area(pointer)->changes++;
    return 0;
}

/* streams and time */

static double speed(int from, int to) { /* GB/s */
    char key[16];
    snprintf(key, sizeof key, "%d>%d:", from, to);
    const char *found = strstr(told("STAND_IN_SLOW", ""), key);
    if (found) return atof(found + strlen(key));
    return from < 0 || to < 0 ? 25.0 : from == to ? 800.0 : 50.0;
}
int cuStreamCreate(void **stream, u32 flags) {
    (void)flags;
    BEGIN(current);
    Stream *made = calloc(1, sizeof *made);
    made->card = current;
    *stream = made;
    return 0;
}
static int wait(const char *call, int is_stuck, int card) {
    int code = begin(call, card);
    if (code) return code;
    if (is_stuck) hang();
    return 0;
}
int cuStreamSynchronize(void *stream) { Stream *of = stream; return wait(__func__, of->is_stuck, of->card); }
int cuStreamQuery(void *stream) { Stream *of = stream; BEGIN(of->card); return of->is_stuck ? NOT_READY : 0; }
int cuStreamWaitEvent(void *stream, void *event, u32 flags) {
    (void)flags;
    Stream *of = stream;
    Event *other = event;
    BEGIN(of->card);
    if (other->at_s > of->at_s) of->at_s = other->at_s;
    of->is_stuck |= other->is_stuck;
    return 0;
}
int cuEventCreate(void **event, u32 flags) { (void)flags; BEGIN(current); *event = calloc(1, sizeof(Event)); return 0; }
int cuEventRecord(void *event, void *stream) {
    Event *of = event;
    Stream *on = stream;
    BEGIN(on->card);
    of->at_s = on->at_s, of->is_stuck = on->is_stuck;
    return 0;
}
int cuEventQuery(void *event) { BEGIN(current); return ((Event *)event)->is_stuck ? NOT_READY : 0; }
int cuEventSynchronize(void *event) { return wait(__func__, ((Event *)event)->is_stuck, current); }
int cuEventElapsedTime(float *milliseconds, void *start, void *end) {
    BEGIN(current);
    *milliseconds = (float)((((Event *)end)->at_s - ((Event *)start)->at_s) * 1e3);
    return 0;
}
int cuEventDestroy_v2(void *event) { free(event); return 0; }

/* copies */

static int copy(const char *name, u64 to, u64 from, u64 size, Stream *stream) {
    int target = area(to) ? area(to)->card : -1, source = area(from) ? area(from)->card : -1;
    for (int card = 0; card < count; card++)
        if (card == target || card == source) moved[card] += size;
    if (stream) stream->at_s += 1e-6 + size / speed(source, target) / 1e9;
    if (stream && target >= 0 && source >= 0 && pair_fault("stuck", "", source, target)) stream->is_stuck = 1;
    if (!area(to) || !area(from)) memcpy((void *)to, (void *)from, size); /* a variable of Python's */
    else if (done_before(name, to, from, size, 0)) return 0;
    else memcpy((void *)to, (void *)from, size);
    int is_small = size < 65536;
    if (!is_small && target >= 0 && source < 0 && card_fault("corrupt", "to-device", target)) spoil(to, size);
    if (!is_small && target < 0 && source >= 0 && card_fault("corrupt", "from-device", source)) spoil(to, size);
    if (!is_small && target == source && target >= 0 && card_fault("corrupt", "on-device", target)) spoil(to, size);
    if (!is_small && target != source && target >= 0 && source >= 0 && pair_fault("corrupt", "copy", source, target)) spoil(to, size);
    return 0;
}
#define COPY(to, from, size, stream) do { BEGIN(current); return copy("copy", (u64)(to), (u64)(from), size, stream); } while (0)
int cuMemcpyHtoD_v2(u64 to, const void *from, size_t size) { COPY(to, from, size, 0); }
int cuMemcpyDtoH_v2(void *to, u64 from, size_t size) { COPY(to, from, size, 0); }
int cuMemcpyHtoDAsync_v2(u64 to, const void *from, size_t size, void *stream) { COPY(to, from, size, stream); }
int cuMemcpyDtoHAsync_v2(void *to, u64 from, size_t size, void *stream) { COPY(to, from, size, stream); }
int cuMemcpyDtoDAsync_v2(u64 to, u64 from, size_t size, void *stream) { COPY(to, from, size, stream); }
int cuMemcpyPeerAsync(u64 to, void *into, u64 from, void *out_of, size_t size, void *stream) { (void)into, (void)out_of; COPY(to, from, size, stream); }

/* kernels */

int cuModuleLoadData(void **module, const void *text) { (void)text; BEGIN(current); *module = (void *)1; return 0; }
int cuModuleGetFunction(void **function, void *module, const char *name) { (void)module; BEGIN(current); *function = strdup(name); return 0; }

static u32 pattern(u32 number, u32 seed) {
    u32 word = number * 0x9E3779B1u + seed;
    return word ^ word >> 15;
}
static u32 term(u32 number, u32 rank) { return (number * 0x9E3779B1u + rank * 0x85EBCA6Bu) >> 16; }

/* May this card's kernels touch it? */
static int reaches(int card, u64 pointer) {
    Area *of = area(pointer);
    return of && (of->card < 0 || of->card == card || may_reach[card][of->card]);
}

static void check(u32 *found, const u32 *words, u64 number, u32 seed, int is_spoilt) {
    for (u64 at = 0; at < number; at++) {
        u32 word = words[at] ^ (is_spoilt && at == number / 3 ? 16u : 0u), wrong = word ^ pattern((u32)at, seed);
        if (!wrong) continue;
        u32 place = (u32)-(int)at;
        found[0]++;
        if (place > found[1]) found[1] = place;
        found[2] |= wrong;
    }
}

static void fma_(int card, u64 *records, u32 *sums, u32 rounds, u32 blocks, u32 threads) {
    u32 smids = (u32)atoi(told("STAND_IN_SMIDS", told("STAND_IN_SMS", "80")));
    for (u32 block = 0; block < blocks; block++) {
        u64 cycles = (u64)rounds * threads * 1024 / 128 + 100;
        u64 row[5] = {block % smids, 0, cycles, 0, cycles};
        memcpy(records + 5 * block, row, sizeof row);
        for (u32 thread = 0; thread < threads; thread++) {
            u32 sum = 0;
            for (u32 chain = 0; chain < 8; chain++) {
                float number = (float)(8 * thread + chain);
                u32 bits;
                memcpy(&bits, &number, 4);
                sum = sum * 31 + bits;
            }
            sums[block * threads + thread] = sum;
        }
    }
    if (card_fault("corrupt", "fma", card)) sums[blocks * threads / 2] ^= 1;
}

static void reduce(int card, const u64 *table, u32 first, u32 number) {
    const u64 *from = table + 1, *to = table + 10;
    for (u64 at = (u64)first * 4; at < ((u64)first + number) * 4; at++) {
        float sum = 0;
        for (u64 one = 0; one < table[0]; one++) sum += ((float *)from[one])[at];
        for (u64 one = 0; one < table[9]; one++) ((float *)to[one])[at] = sum;
    }
    if (number && card_fault("corrupt", "sum", card)) ((u32 *)to[0])[(u64)first * 4] ^= 1;
    for (u64 one = 0; one < table[9]; one++) area(to[one])->changes++;
}

int cuLaunchKernel(void *function, u32 blocks, u32 y, u32 z, u32 threads, u32 v, u32 w, u32 shared, void *stream,
                   void **arguments, void **extra) {
    (void)y, (void)z, (void)v, (void)w, (void)shared, (void)extra;
    const char *name = function;
    Stream *on = stream;
    int card = on->card;
    BEGIN(card);
    on->at_s += 2e-6;
    u64 one = *name == 'n' ? 0 : *(u64 *)arguments[0];
    u64 round = (u64)blocks * threads * 64;
    if (!strcmp(name, "nothing")) return 0;
    if (!reaches(card, one)) return ILLEGAL;
    int owner = area(one)->card;
    if (!strcmp(name, "write")) {
        u32 rounds = *(u32 *)arguments[1], seed = *(u32 *)arguments[2];
        on->at_s += rounds * round / speed(card, owner) / 1e9;
        if (done_before(name, one, 0, rounds * round, seed)) return 0;
        for (u64 at = 0; at < rounds * round / 4; at++) ((u32 *)one)[at] = pattern((u32)at, seed);
        if (owner >= 0 && owner != card && pair_fault("corrupt", "store", card, owner)) spoil(one, rounds * round);
    } else if (!strcmp(name, "copy") || !strcmp(name, "read")) {
        u64 from = *(u64 *)arguments[1];
        u32 rounds = *(u32 *)arguments[2];
        if (!reaches(card, from)) return ILLEGAL;
        on->at_s += (*name == 'c' ? 2 : 1) * (rounds * round) / (area(from)->card < 0 || owner < 0 ? 50.0 : 800.0) / 1e9;
        if (*name == 'c' && !done_before("kernel", one, from, rounds * round, 0)) {
            memcpy((void *)one, (void *)from, rounds * round);
            if (area(from)->card == owner && card_fault("corrupt", "on-device", owner)) spoil(one, rounds * round);
        }
    } else if (!strcmp(name, "check")) {
        u64 from = *(u64 *)arguments[1];
        if (!reaches(card, from)) return ILLEGAL;
        int source = area(from)->card;
        int is_spoilt = source >= 0 && source != card && pair_fault("corrupt", "load", source, card);
        check((u32 *)one, (u32 *)from, *(u32 *)arguments[2] * round / 4, *(u32 *)arguments[3], is_spoilt);
    } else if (!strcmp(name, "where")) {
        u32 smids = (u32)atoi(told("STAND_IN_SMIDS", told("STAND_IN_SMS", "80")));
        for (u32 block = 0; block < blocks; block++) ((u32 *)one)[block % smids]++;
    } else if (!strcmp(name, "fma")) {
        u32 rounds = *(u32 *)arguments[2];
        on->at_s += rounds * threads * 4.0 / 1e9;
        fma_(card, (u64 *)one, (u32 *)*(u64 *)arguments[1], rounds, blocks, threads);
    } else if (!strcmp(name, "fill")) {
        u32 rank = *(u32 *)arguments[1], number = *(u32 *)arguments[2];
        for (u32 at = 0; at < number; at++) ((float *)one)[at] = (float)term(at, rank);
        area(one)->changes++;
    } else if (!strcmp(name, "verify")) {
        u64 from = *(u64 *)arguments[1];
        u32 ranks = *(u32 *)arguments[2], number = *(u32 *)arguments[3], *found = (u32 *)one;
        for (u32 at = 0; at < number; at++) {
            u32 sum = 0;
            for (u32 rank = 0; rank < ranks; rank++) sum += term(at, rank);
            if (((float *)from)[at] != (float)sum) {
                found[0]++;
                if (at < found[1]) found[1] = at;
            }
        }
    } else if (!strcmp(name, "reduce")) {
        const u64 *table = (u64 *)one;
        u32 first = *(u32 *)arguments[1], number = *(u32 *)arguments[2];
        for (u64 at = 0; at < table[0]; at++) if (!reaches(card, table[1 + at])) return ILLEGAL;
        for (u64 at = 0; at < table[9]; at++) if (!reaches(card, table[10 + at])) return ILLEGAL;
        on->at_s += number * 16 / 50e9;
        reduce(card, table, first, number);
    } else {
        return NOT_FOUND;
    }
    return 0;
}
