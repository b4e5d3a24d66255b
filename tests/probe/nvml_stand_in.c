/* A libnvidia-ml.so.1 with three cards. What goes wrong is told by the environment:
   STAND_IN_INIT=9          nvmlInit returns that error
   STAND_IN_LOST=1          card 1 gives no handle
   STAND_IN_HANG=1          card 1 hangs at its serial number
   STAND_IN_HANG=handle     card 1 hangs when it is asked for its handle, card 2 at its serial
   STAND_IN_HANG=init       nvmlInit hangs
   STAND_IN_IN_USE=all      somebody computes on every card, not only on the first */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned int uint;
typedef unsigned long long ull;
enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15 };

static int told(const char *name, const char *value) {
    const char *found = getenv(name);
    return found && !strcmp(found, value);
}

static void hang(void) {
    for (;;) pause();
}

static int card(void *handle) { return (int)(size_t)handle - 1; }

int nvmlInitWithFlags(uint flags) {
    printf("noise of the library on stdout\n");
    fflush(stdout);
    if (told("STAND_IN_HANG", "init")) hang();
    return getenv("STAND_IN_INIT") ? atoi(getenv("STAND_IN_INIT")) : SUCCESS;
}

int nvmlSystemGetDriverVersion(char *text, uint size) {
    strncpy(text, "570.00", size);
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(uint *count) {
    *count = 3;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(uint index, void **handle) {
    if (index == 1 && told("STAND_IN_LOST", "1")) return GPU_IS_LOST;
    if (index == 1 && told("STAND_IN_HANG", "handle")) hang();
    *handle = (void *)(size_t)(index + 1);
    return SUCCESS;
}

int nvmlDeviceGetName(void *handle, char *text, uint size) {
    snprintf(text, size, "Card %d \xff", card(handle));
    return SUCCESS;
}

int nvmlDeviceGetSerial(void *handle, char *text, uint size) {
    if (card(handle) == 1 && told("STAND_IN_HANG", "1")) hang();
    if (card(handle) == 2 && told("STAND_IN_HANG", "handle")) hang();
    return NOT_SUPPORTED;
}

struct pci { char legacy[16]; uint domain, bus, device, id, subsystem; char bus_id[32]; };

int nvmlDeviceGetPciInfo_v3(void *handle, struct pci *pci) {
    memset(pci, 0, sizeof *pci);
    pci->bus = card(handle) + 1;
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", pci->bus);
    return SUCCESS;
}

struct memory { uint version; ull total, reserved, free, used; };

int nvmlDeviceGetMemoryInfo_v2(void *handle, struct memory *memory) {
    if (memory->version != 0x02000028) return INVALID_ARGUMENT;
    memory->total = 80ULL << 30;
    memory->reserved = 1 << 20;
    return SUCCESS;
}

int nvmlDeviceGetRemappedRows(void *handle, uint *corrected, uint *uncorrected, uint *pending, uint *failure) {
    *corrected = 1; *uncorrected = 2; *pending = 0; *failure = 1;
    return SUCCESS;
}

int nvmlDeviceGetTemperatureThreshold(void *handle, uint threshold, uint *celsius) {
    *celsius = 90 + threshold;
    return SUCCESS;
}

struct field { uint id, scope; long long timestamp, latency; uint type; int result; union { double d; uint u; ull ull; int s; } value; };

int nvmlDeviceGetFieldValues(void *handle, int count, struct field *fields) {
    for (int i = 0; i < count; i++) {
        fields[i].result = SUCCESS;
        if (fields[i].id == 82) { fields[i].type = 1; fields[i].value.u = 37; }
        else if (fields[i].id == 91) { fields[i].type = 1; fields[i].value.u = card(handle) == 0 ? 2 : 0; }
        else if (fields[i].id == 193) { fields[i].type = 5; fields[i].value.s = -8; }
        else fields[i].result = NOT_SUPPORTED;
    }
    return SUCCESS;
}

int nvmlDeviceGetNvLinkState(void *handle, uint link, uint *state) {
    *state = 1;
    return card(handle) == 0 ? SUCCESS : NOT_SUPPORTED;
}

struct process { uint pid; ull memory; uint gpu_instance, compute_instance; };

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, uint *count, struct process *processes) {
    uint held = *count;
    *count = card(handle) == 0 || told("STAND_IN_IN_USE", "all") ? 1 : 0;
    if (held < *count) return INSUFFICIENT_SIZE;
    if (*count) processes[0] = (struct process){4242, 1 << 30, -1, -1};
    return SUCCESS;
}

int nvmlDeviceGetTopologyCommonAncestor(void *one, void *two, uint *level) {
    *level = 30;
    return SUCCESS;
}

int nvmlDeviceGetP2PStatus(void *one, void *two, int index, uint *status) {
    *status = card(one) * 100 + card(two) * 10 + index;
    return SUCCESS;
}

/* What is asked while cards are measured: STAND_IN_HEAT=1:90 makes card 1 that hot. */

int nvmlDeviceGetHandleByPciBusId_v2(const char *address, void **handle) {
    uint domain, bus;
    if (sscanf(address, "%x:%x:", &domain, &bus) != 2 || bus < 1 || bus > 3) return INVALID_ARGUMENT;
    *handle = (void *)(size_t)bus;
    return SUCCESS;
}

int nvmlDeviceGetCurrPcieLinkGeneration(void *handle, uint *gen) {
    *gen = 4;
    return SUCCESS;
}

int nvmlDeviceGetCurrPcieLinkWidth(void *handle, uint *width) {
    *width = card(handle) == 1 ? 8 : 16;
    return SUCCESS;
}

int nvmlDeviceGetTemperature(void *handle, uint sensor, uint *celsius) {
    const char *heat = getenv("STAND_IN_HEAT");
    *celsius = heat && atoi(heat) == card(handle) ? (uint)atoi(strchr(heat, ':') + 1) : 40;
    return SUCCESS;
}

int nvmlDeviceGetPowerUsage(void *handle, uint *milliwatts) {
    *milliwatts = 61500;
    return SUCCESS;
}

struct utilization { uint gpu, memory; };

int nvmlDeviceGetUtilizationRates(void *handle, struct utilization *rates) {
    rates->gpu = 3;
    rates->memory = 1;
    return SUCCESS;
}

int nvmlDeviceGetPerformanceState(void *handle, uint *state) {
    *state = 8;
    return SUCCESS;
}

int nvmlDeviceGetCurrentClocksEventReasons(void *handle, ull *bits) {
    *bits = 4;
    return SUCCESS;
}
