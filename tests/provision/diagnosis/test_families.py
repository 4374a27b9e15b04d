"""Kin of the texts that rules were made for is found, in other names and languages; what only looks alike is not."""

import pytest

from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge

FIRST = 3
KIN = [
    ("wsl --update\nCatastrophic failure\nWindows ® Installer. V 5.0.26100.1", "wsl-package-broken"),
    ("wsl --install\nmsiexec /Option <Erforderlicher Parameter> [Optionaler Parameter]", "wsl-package-broken"),
    ("PS C:\\> bcdedit /set {current} nx AlwaysOn\nThe parameter is incorrect.", "usage-error"),
    ("C:\\> ubuntu2004.exe\nElement nicht gefunden", "windows-update-broke-vm"),
    ("wsl --mount \\\\.\\PHYSICALDRIVE3 --partition 1\nThe request is not supported.", "disk-cannot-be-attached"),
    ("wsl --mount: my USB stick is not attached\nAttachDisk/ERROR_NOT_SUPPORTED", "disk-cannot-be-attached"),
    ("I deleted 80 GB of files in Ubuntu, but the ext4.vhdx does not shrink", "disk-file-does-not-shrink"),
    ("WSL2 vhdx: removed docker images, the file is still 120 GB", "disk-file-does-not-shrink"),
    ("curl: (56) Received HTTP code 407 from proxy\nHTTP/1.1 407 authenticationrequired", "proxy-not-reached"),
    (
        "Get-NetFirewallHyperVRule : The term 'Get-NetFirewallHyperVRule' is not recognized as the name of a cmdlet",
        "mirrored-networking-unsupported",
    ),
    (
        "The command 'docker-compose' could not be found in this WSL 1 distro.\nWe recommend to convert this distro",
        "docker-desktop-needs-wsl2",
    ),
    ("localhost:3000 works in the browser, but with my LAN IP it times out", "server-not-reachable"),
    ("NVRM: Xid (PCI:0000:01:00): 79, pid=1234, GPU has fallen off the bus.", "gpu-off-the-bus"),
    ("Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.", "gpu-off-the-bus"),
    ("zluda.exe -- python main.py\nError loading C:\\zluda\\cublas64_11.dll: WinError 126", "amd-libraries-not-found"),
    (
        "ImportError: /opt/x/ops.so: undefined symbol: _ZN3c105ErrorC1ENS_14SourceLocationE",
        "torch-extension-for-other-torch",
    ),
    ("OSError: libtorch_cuda_cu.so: cannot open shared object file: No such file", "torch-torchvision-mismatch"),
    ("nvcc fatal   : Unsupported gpu architecture 'compute_89'", "cuda-toolkit-missing"),
    (
        "ImportError: cannot import name 'get_installed_distributions' from 'pip._internal.utils.misc'",
        "library-newer-than-code",
    ),
    (
        "cannot import name 'instantiate_from_config' from 'utils' (/usr/lib/python3/dist-packages/utils/__init__.py)",
        "python-module-missing",
    ),
    ("ERROR: No matching distribution found for clip==1.0", "clip-wrong-package"),
    (
        "Can't load feature extractor for 'CompVis/safety'; make sure there is no local directory with the same name",
        "model-hub-refused",
    ),
    (
        "[E NotebookApp] Rejecting connection: Requested version (0.0.7) > Current version (0.0.6).",
        "colab-local-runtime-refused",
    ),
    ("wsl —install\nInvalid command line option: —install", "usage-error"),
    (
        "./tool: cannot execute binary file: Exec format error\ntool: ELF 32-bit LSB executable",
        "program-of-other-architecture",
    ),
    ("OSError: [Errno 8] Exec format error: './aarch64/ffmpeg'", "program-of-other-architecture"),
    ("xterm: Xt error: Can't open display: :0", "wslg-display-missing"),
    ("GUI apps do not show on Ubuntu since the update", "wslg-display-missing"),
    ("VMware Workstation and Device/Credential Guard are not compatible.", "other-hypervisor-disturbed"),
    ("Call to WHvSetupPartition failed: ERROR_SUCCESS (VERR_NEM_VM_CREATE_FAILED)", "other-hypervisor-disturbed"),
    (
        "[ERROR] Failed to start ContainerManager: Following Cgroup subsystem not mounted: [cpuacct]",
        "cgroup-not-mounted",
    ),
    ("fatal error C1189: #error:  -- unsupported Microsoft Visual Studio version!", "compiler-too-new-for-cuda"),
    (
        "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1331, unhandled cuda error",
        "nccl-not-there",
    ),
    ("The operator 'aten::_cdist' is not currently implemented for the MPS device.", "mps-lacks-operation"),
    ("An NVIDIA GPU may be present, but a CUDA-enabled jaxlib is not installed.", "gpu-package-without-cuda"),
    ("AVX = 1 | AVX2 = 1 | BLAS = 0 | SSE3 = 1 | my card is idle", "gpu-package-without-cuda"),
    ("torch._inductor.exc.TritonMissing: Cannot find a working triton installation.", "torch-compile-without-triton"),
    ("[TRT] [E] 4: [runtime.cpp::deserializeCudaEngine::50] Error Code 4", "tensorrt-engine-of-other-version"),
    ("ValueError: mount failed: timeout during initial read of root folder", "colab-drive-not-mounted"),
    ("ValueError: Mountpoint must not already contain files", "colab-drive-not-mounted"),
    ("parameters that were not used in producing loss", "unused-parameters-in-ddp"),
    ('Could not load the Qt platform plugin "xcb" in "/x/site-packages/cv2/qt/plugins"', "opencv-qt-conflict"),
    (
        "Expected 4-dimensional input for 4-dimensional weight [64, 3, 7, 7], but got 3-dimensional",
        "batch-dimension-missing",
    ),
]
ALIKE = [
    ("msiexec /Option <Required Parameter> [Optional Parameter]\n\nInstall Options", "wsl-package-broken"),
    ("bcdedit /set '{current}' hypervisorlaunchtype auto\nThe operation completed successfully.", "usage-error"),
    ("wsl --mount --vhd C:\\disks\\data.vhdx --bare\nThe operation completed successfully.", "disk-cannot-be-attached"),
    ("Optimize-VHD -Path ext4.vhdx -Mode Full: the file went from 118 GB to 64 GB", "disk-file-does-not-shrink"),
    ("proxy: http://localhost:3128\nHTTP/1.1 200 OK", "proxy-not-reached"),
    ("Get-NetFirewallHyperVRule -Name WSL\nEnabled : True", "mirrored-networking-unsupported"),
    ("nvidia-smi\n| 0  NVIDIA GeForce RTX 4070   On | 00000000:01:00.0 On |  N/A |", "gpu-off-the-bus"),
    ("[ZLUDA] using C:\\zluda\nROCm 5.7 found\nDevice 0: AMD Radeon RX 6800", "amd-libraries-not-found"),
    ("python -m pip install --upgrade pip\nSuccessfully installed pip-25.0", "library-newer-than-code"),
    ("ping example.com works now\n64 bytes from 93.184.215.14: icmp_seq=1 ttl=56", "network-unreachable-in-wsl"),
    ("localhost works, and so does the LAN IP", "server-not-reachable"),
    ("Collecting clip @ git+https://github.com/openai/CLIP.git\nSuccessfully installed clip-1.0", "clip-wrong-package"),
    ("curl: (7) Failed to connect: Could not connect to server", "wslg-display-missing"),
    ("ValueError: cannot convert float NaN to integer", "firmware-virtualization-off"),
    ("RuntimeError: some error, library version 2.7.8", "firmware-virtualization-off"),
    ("explorer.exe: cannot execute binary file: Exec format error", "program-of-other-architecture"),
    ("VMware Workstation and WSL 2 both run here", "other-hypervisor-disturbed"),
    ("gcc version 9.4.0 (Ubuntu 9.4.0-1ubuntu1~20.04)", "compiler-too-new-for-cuda"),
    ("NCCL version 2.18.5+cuda11.8", "nccl-not-there"),
    ("Using device: mps", "mps-lacks-operation"),
    ("BLAS = 1 | SSE3 = 1", "gpu-package-without-cuda"),
    ("Mounted at /content/drive", "colab-drive-not-mounted"),
]


def found(text: str) -> list[str]:
    return [one.cause.slug for one in diagnose(text, None, load_knowledge()).diagnoses]


@pytest.mark.parametrize(("text", "slug"), KIN)
def test_kin_is_found(text: str, slug: str) -> None:
    assert slug in found(text)[:FIRST]


@pytest.mark.parametrize(("text", "slug"), ALIKE)
def test_what_only_looks_alike_is_not(text: str, slug: str) -> None:
    assert slug not in found(text)
