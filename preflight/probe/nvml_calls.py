"""Which NVML getters the probe calls, and the constants that name their variants.

Values are those of nvml.h; a test holds them to the pinned binding.
"""

from __future__ import annotations

# No argument but the card.
DEVICE = (
    "nvmlDeviceGetName",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetSerial",
    "nvmlDeviceGetPciInfo_v3",
    "nvmlDeviceGetMinorNumber",
    "nvmlDeviceGetBoardId",
    "nvmlDeviceGetBoardPartNumber",
    "nvmlDeviceGetMultiGpuBoard",
    "nvmlDeviceGetModuleId",
    "nvmlDeviceGetBrand",
    "nvmlDeviceGetArchitecture",
    "nvmlDeviceGetCudaComputeCapability",
    "nvmlDeviceGetNumGpuCores",
    "nvmlDeviceGetMemoryBusWidth",
    "nvmlDeviceGetVbiosVersion",
    "nvmlDeviceGetInforomImageVersion",
    "nvmlDeviceGetGspFirmwareVersion",
    "nvmlDeviceGetGspFirmwareMode",
    "nvmlDeviceGetCurrPcieLinkGeneration",
    "nvmlDeviceGetMaxPcieLinkGeneration",
    "nvmlDeviceGetGpuMaxPcieLinkGeneration",
    "nvmlDeviceGetCurrPcieLinkWidth",
    "nvmlDeviceGetMaxPcieLinkWidth",
    "nvmlDeviceGetPcieLinkMaxSpeed",
    "nvmlDeviceGetPcieSpeed",
    "nvmlDeviceGetPcieReplayCounter",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetBAR1MemoryInfo",
    "nvmlDeviceGetEccMode",
    "nvmlDeviceGetDefaultEccMode",
    "nvmlDeviceGetRemappedRows",
    "nvmlDeviceGetRowRemapperHistogram",
    "nvmlDeviceGetRetiredPagesPendingStatus",
    "nvmlDeviceGetRepairStatus",
    "nvmlDeviceGetUnrepairableMemoryFlag_v1",
    "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetPowerManagementLimit",
    "nvmlDeviceGetPowerManagementDefaultLimit",
    "nvmlDeviceGetPowerManagementLimitConstraints",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetPowerSource",
    "nvmlDeviceGetTotalEnergyConsumption",
    "nvmlDeviceGetMarginTemperature",
    "nvmlDeviceGetNumFans",
    "nvmlDeviceGetFanSpeed",
    "nvmlDeviceGetFanSpeedRPM",
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetCurrentClocksThrottleReasons",
    "nvmlDeviceGetSupportedClocksEventReasons",
    "nvmlDeviceGetPerformanceState",
    "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceGetPersistenceMode",
    "nvmlDeviceGetComputeMode",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetVirtualizationMode",
    "nvmlDeviceGetHostVgpuMode",
    "nvmlDeviceGetDisplayActive",
    "nvmlDeviceGetDisplayMode",
    "nvmlDeviceGetAddressingMode",
    "nvmlDeviceGetNumaNodeId",
    "nvmlDeviceGetC2cModeInfoV1",
    "nvmlDeviceGetComputeRunningProcesses_v3",
    "nvmlDeviceGetGraphicsRunningProcesses_v3",
    "nvmlDeviceGetMPSComputeRunningProcesses_v3",
)
SYSTEM = (
    "nvmlSystemGetDriverVersion",
    "nvmlSystemGetNVMLVersion",
    "nvmlSystemGetCudaDriverVersion_v2",
    "nvmlDeviceGetCount",
)

ECC_TYPE = {"CORRECTED": 0, "UNCORRECTED": 1}
ECC_COUNTER = {"VOLATILE": 0, "AGGREGATE": 1}
ECC_LOCATION = {"DRAM": 2, "SRAM": 7}
CLOCK = {"GRAPHICS": 0, "SM": 1, "MEM": 2, "VIDEO": 3}
THRESHOLD = {
    "SHUTDOWN": 0,
    "SLOWDOWN": 1,
    "MEM_MAX": 2,
    "GPU_MAX": 3,
    "ACOUSTIC_MIN": 4,
    "ACOUSTIC_CURR": 5,
    "ACOUSTIC_MAX": 6,
}
SENSOR = {"GPU": 0}
RETIREMENT = {"MULTIPLE_SINGLE_BIT_ECC_ERRORS": 0, "DOUBLE_BIT_ECC_ERROR": 1}
LINK_ERROR = {
    "DL_REPLAY": 0,
    "DL_RECOVERY": 1,
    "DL_CRC_FLIT": 2,
    "DL_CRC_DATA": 3,
    "DL_ECC_DATA": 4,
}
P2P_CAPS = {"READ": 0, "WRITE": 1, "NVLINK": 2, "ATOMICS": 3, "PCI": 4}
FIELD = {
    "MEMORY_TEMP": 82,
    "NVLINK_LINK_COUNT": 91,
    "PCIE_REPLAY_COUNTER": 94,
    "PCIE_REPLAY_ROLLOVER_COUNTER": 95,
    "PCIE_L0_TO_RECOVERY_COUNTER": 169,
    "PCIE_COUNT_CORRECTABLE_ERRORS": 173,
    "PCIE_COUNT_NAKS_RECEIVED": 174,
    "PCIE_COUNT_RECEIVER_ERROR": 175,
    "PCIE_COUNT_BAD_TLP": 176,
    "PCIE_COUNT_NAKS_SENT": 177,
    "PCIE_COUNT_BAD_DLLP": 178,
    "PCIE_COUNT_NON_FATAL_ERROR": 179,
    "PCIE_COUNT_FATAL_ERROR": 180,
    "PCIE_COUNT_UNSUPPORTED_REQ": 181,
    "PCIE_COUNT_LCRC_ERROR": 182,
    "PCIE_COUNT_LANE_ERROR": 183,
    "POWER_AVERAGE": 185,
    "POWER_INSTANT": 186,
    "TEMPERATURE_SHUTDOWN_TLIMIT": 193,
    "TEMPERATURE_SLOWDOWN_TLIMIT": 194,
    "TEMPERATURE_MEM_MAX_TLIMIT": 195,
    "TEMPERATURE_GPU_MAX_TLIMIT": 196,
    "GET_GPU_RECOVERY_ACTION": 230,
    "CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN": 269,
    "CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN": 270,
    "CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN": 271,
}

# One argument: function -> its constants.
DEVICE_BY_CONSTANT = {
    "nvmlDeviceGetTemperature": SENSOR,
    "nvmlDeviceGetTemperatureThreshold": THRESHOLD,
    "nvmlDeviceGetClockInfo": CLOCK,
    "nvmlDeviceGetMaxClockInfo": CLOCK,
    "nvmlDeviceGetApplicationsClock": {"GRAPHICS": 0, "MEM": 2},
    "nvmlDeviceGetDefaultApplicationsClock": {"GRAPHICS": 0, "MEM": 2},
    "nvmlDeviceGetRetiredPages_v2": RETIREMENT,
}
# Of one link of NVLink, beside its error counters.
LINK = (
    "nvmlDeviceGetNvLinkState",
    "nvmlDeviceGetNvLinkVersion",
    "nvmlDeviceGetNvLinkRemoteDeviceType",
    "nvmlDeviceGetNvLinkRemotePciInfo",
)
MAX_LINKS = 36  # NVML_NVLINK_MAX_LINKS
# nvmlFieldValue_t.valueType -> the member of its union
FIELD_MEMBER = {
    0: "dVal",
    1: "uiVal",
    2: "ulVal",
    3: "ullVal",
    4: "sllVal",
    5: "siVal",
    6: "usVal",
}
