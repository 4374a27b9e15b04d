"""Every check, in fixing order: the first one that is broken is the one to mend first. Most are data: check_book."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from provision.doctor.check import DoctorCheck, Look
from provision.doctor.check_book import CheckEntry, check_book
from provision.doctor.checks import colab, crew, cuda, gpu, identity, linker, python, services, storage
from provision.doctor.firmware import nx_steps, virtualization_steps
from provision.doctor.rules import MadeSteps, look_by_rules
from provision.doctor.steps import convert_steps, wddm_steps

LOOKS: Mapping[str, Look] = {
    "vm-services": services.vm_services,
    "network-services": services.network_services,
    "windows-driver": gpu.windows_driver,
    "linker-order": linker.linker_order,
    "cuda-init": gpu.cuda_init,
    "nvml": gpu.nvml,
    "torch-cuda": cuda.torch_cuda,
    "torch-arch": cuda.torch_arch,
    "gpu-kernel": cuda.gpu_kernel,
    "gpu-identity": identity.gpu_identity,
    "disk-space": storage.disk_space,
    "python": python.python,
    "colab-page": colab.colab_page,
    "crew": crew.crew,
}
"""The checks that are code."""
MADE_STEPS: MadeSteps = {
    "set-virtualization": virtualization_steps,
    "set-nx": nx_steps,
    "convert-distribution": convert_steps,
    "to-wddm": wddm_steps,
    "install-torch": cuda.install_torch,
}
"""Steps of the checks that are data, made of the facts of this machine."""


def _to_check(entry: CheckEntry) -> DoctorCheck:
    look = look_by_rules(entry, MADE_STEPS) if entry.rules is not None else LOOKS[entry.name]
    return DoctorCheck(entry.name, entry.asks, look, entry.needs, entry.places)


CHECKS: tuple[DoctorCheck, ...] = tuple(map(_to_check, check_book().checks))
"""Places decide which of them run; needs point to earlier ones only."""

SECTIONS: tuple[tuple[str, tuple[DoctorCheck, ...]], ...] = tuple(
    (title, tuple(check for check, _ in group))
    for title, group in groupby(zip(CHECKS, check_book().checks, strict=True), key=lambda pair: pair[1].section)
)
"""The same checks under headings."""
