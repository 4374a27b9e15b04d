"""The keys that WSL knows: github.com/microsoft/WSL, src/windows/common/WslCoreConfig.{h,cpp} (.wslconfig) and
src/linux/init/WslDistributionConfig.{h,cpp} (wsl.conf).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BOOL, INTEGER, SIZE, PATH, TEXT = "boolean", "whole number", "size", "path", "text"
Keys = Mapping[str, str]


def _keys(section: str, **kinds: str) -> dict[str, str]:
    return {f"{section}.{name}": kind for kind, names in kinds.items() for name in names.split()}


WSLCONFIG: Final[Keys] = {
    **_keys("general", path="distributionInstallPath", integer="instanceIdleTimeout"),
    **_keys(
        "wsl2",
        boolean="autoProxy debugConsole dhcp dnsProxy dnsTunneling earlyBootLogging firewall gpuSupport guiApplications"
        " hardwarePerformanceCounters hostFileSystemAccess ipv6 isolateDistroCgroup loadDefaultKernelModules"
        " localhostForwarding nestedVirtualization pageReporting safeMode telemetry virtio virtio9p virtiofs",
        integer="dhcpTimeout distributionStartTimeout kernelBootTimeout kernelDebugPort maxCrashDumpCount"
        " mountDeviceTimeout processors vmIdleTimeout",
        size="defaultVhdSize memory swap",
        path="crashDumpFolder debugConsoleLogFile kernel kernelModules swapFile systemDistro",
        text="kernelCommandLine loadKernelModules macAddress networkingMode vmSwitch",
    ),
    **_keys(
        "experimental",
        boolean="autoProxy bestEffortDnsParsing dnsTunneling firewall hostAddressLoopback setVersionDebug sparseVhd"
        " virtioFsAggregateShares",
        integer="initialAutoProxyTimeout",
        size="swiotlb",
        text="autoMemoryReclaim dnsTunnelingIpAddress ignoredPorts networkingMode",
    ),
}
"""The keys of .wslconfig, "section.name" -> type."""
WSL_CONF: Final[Keys] = {
    **_keys("automount", boolean="enabled ldconfig mountFsTab", text="cgroups options root"),
    **_keys("boot", boolean="protectBinfmt systemd", integer="initTimeout", text="command"),
    **_keys("fileServer", boolean="enabled logTruncate", integer="logLevel", text="logFile"),
    **_keys("filesystem", text="umask"),
    **_keys("general", boolean="guiApplications"),
    **_keys("gpu", boolean="appendLibPath enabled"),
    **_keys("interop", boolean="appendWindowsPath enabled"),
    **_keys("network", boolean="generateHosts generateResolvConf", text="hostname"),
    **_keys("time", boolean="useWindowsTimezone"),
    **_keys("user", text="default"),
}
"""The keys of /etc/wsl.conf."""
KINDS: Final = {"boolean": BOOL, "integer": INTEGER, "size": SIZE, "path": PATH, "text": TEXT}
CHOICES: Final = {
    "wsl2.networkingmode": ("none", "nat", "bridged", "mirrored", "virtioproxy", "consomme"),
    "experimental.networkingmode": ("none", "nat", "bridged", "mirrored", "virtioproxy", "consomme"),
    "experimental.automemoryreclaim": ("disabled", "gradual", "dropcache"),
    "automount.cgroups": ("v1", "v2"),
}
