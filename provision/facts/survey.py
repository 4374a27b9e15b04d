"""Facts as they are asked for: each collector runs at most once, when the first of its facts is wanted."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provision.facts.collectors import colab, crew, driver, linux, storage, windows
from provision.facts.facts import Facts, Part, look_up, make_facts, merge
from provision.machine.machine import Machine

Read = Callable[[str], Any]


@dataclass(frozen=True)
class Collector:
    """A function that finds some facts, and the dotted paths (or heads of them) that it finds."""

    name: str
    owns: tuple[str, ...]
    collect: Callable[[Machine, Read], Part]
    """Gets the machine, and a way to read other facts."""
    wanted: bool = True
    """False: only `dreamrig facts` asks for it."""
    slow: bool = False
    """It waits for a program, and no other collector has to come before it: see Survey.prefetch."""


def _plain(
    name: str, owns: Sequence[str], collect: Callable[[Machine], Part], wanted: bool = True, slow: bool = False
) -> Collector:
    return Collector(name, tuple(owns), lambda machine, _: collect(machine), wanted, slow)


def _torch(machine: Machine, read: Read) -> Part:
    return driver.collect_torch(machine, read("cuda.capability"))


def _names(half: str, *names: str) -> list[str]:
    return [f"{half}.{name}" for name in names]


COLLECTORS: tuple[Collector, ...] = (
    _plain(
        "linux",
        _names("linux", "kernel", "is_wsl", "is_colab", "is_container", "wsl_version", "distribution", "init")
        + _names("linux", "memory_mib", "swap_mib"),
        linux.collect_system,
    ),
    _plain(
        "gpu",
        _names("linux", "has_dxg", "wsl_lib_has_libcuda", "wsl_lib_mounted", "ld_wsl_conf", "libcuda_paths")
        + _names("linux", "libcuda_shadowed", "nvidia_smi_path", "apt_nvidia_packages", "nvidia_pci_count")
        + _names("linux", "kernel_driver"),
        linux.collect_gpu,
        slow=True,
    ),
    _plain(
        "wsl.conf",
        _names("linux", "wsl_conf_problems", "wsl_gpu_enabled", "wsl_systemd", "windows_interop"),
        linux.collect_wsl_conf,
    ),
    _plain(
        "storage",
        _names("linux", "data_folder", "data_folder_on_windows_drive", "data_free_mib"),
        storage.collect_storage,
    ),
    _plain(
        ".wslconfig",
        _names("wsl", "wslconfig_encoding", "wslconfig_problems", "wslconfig_gpu_support", "wslconfig_custom_kernel")
        + _names("wsl", "wslconfig_memory_mib", "wslconfig_networking_mode", "wslconfig_localhost_forwarding"),
        windows.collect_wslconfig,
    ),
    _plain("windows", ("windows", "wsl"), windows.collect_windows, slow=True),
    _plain("CUDA_VISIBLE_DEVICES", ("cuda.visible_devices",), driver.collect_visible),
    _plain("cuda", _names("cuda", *driver.CUDA_KEYS), driver.collect_cuda, slow=True),
    _plain("nvml", _names("cuda", *driver.NVML_KEYS, "gpu_names"), driver.collect_nvml, slow=True),
    _plain(
        "torch files", _names("torch", "is_installed", "version", "cuda", "is_cpu_build"), driver.collect_torch_files
    ),
    Collector("torch", tuple(_names("torch", *driver.RUN_KEYS, "has_kernels_for_gpu")), _torch),
    _plain("colab", ("python.has_colab_packages", "linux.ports_taken"), colab.collect_colab),
    _plain(
        "crew",
        ("python.has_ray", "python.ray_version", "linux.crew_ports_taken", "linux.address_kinds"),
        crew.collect_crew,
    ),
    _plain("crew's head", _names("linux", "crew_role", "crew_hindrances"), crew.collect_head, slow=True),
    _plain("python", ("python",), driver.collect_python),
    _plain("extras", ("linux.resolves_names", "cuda.docker_has_nvidia"), driver.collect_extras, wanted=False),
)
"""Where two own one fact, the earlier is asked first and the later fills in."""


class Survey:
    """Facts of one machine that are read when they are asked for; safe to ask from several threads.

    given: facts that are known already, and win over what is read here.
    """

    def __init__(self, machine: Machine, given: Facts | None = None) -> None:
        self._machine, self._given = machine, given
        self._parts: dict[str, Part] = {}
        self._asked: set[str] = set()
        self._locks = {collector.name: threading.Lock() for collector in COLLECTORS}
        self.place = linux.find_place(machine)

    def get(self, path: str) -> Any:
        """The fact under a dotted path; None where it cannot be known. Raises what a collector raises."""
        if self._given is not None and (known := self._given.get(path)) is not None:
            return known
        for collector in _owners(path):
            self._asked.add(collector.name)
            value = look_up(make_facts(self.place, iter([self._collect(collector)])).document, path)
            if value is not None:
                return value
        return None

    def _collect(self, collector: Collector) -> Part:
        with self._locks[collector.name]:
            if collector.name not in self._parts:
                self._parts[collector.name] = collector.collect(self._machine, self.get)
            return self._parts[collector.name]

    def prefetch(self) -> None:
        """Start all slow collectors at once, so that the checks that wait for one another do not add up.

        What nobody asks for stays out of `seen`, as if it had never been read; one that breaks, breaks when asked.
        """

        def collect(collector: Collector) -> None:
            with contextlib.suppress(Exception):
                self._collect(collector)

        for collector in COLLECTORS:
            if collector.slow:
                threading.Thread(target=collect, args=(collector,), daemon=True).start()

    def reason(self, path: str) -> str:
        """Why a fact is not known."""
        self.get(path)
        return self.seen().reason(path)

    def seen(self) -> Facts:
        """The facts that were asked for so far, as one document."""
        names = self._asked & self._parts.keys()
        parts = [self._parts[collector.name] for collector in COLLECTORS if collector.name in names]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        own = make_facts(self.place, iter(parts), now)
        return own if self._given is None else merge(self._given, own)


def _owners(path: str) -> list[Collector]:
    """Collectors of a fact, the first to ask first."""
    return [
        collector
        for collector in COLLECTORS
        if any(path == own or path.startswith(f"{own}.") for own in collector.owns)
    ]


def probe_facts(machine: Machine, given: Facts | None = None) -> Facts:
    """Every fact that can be read here, also those that no check needs. A collector that breaks leaves its reason."""
    survey = Survey(machine, given)
    failures: dict[str, str] = {}

    def ask(collector: Collector) -> None:
        try:
            survey.get(collector.owns[0])
        except Exception as error:  # noqa: BLE001 - one broken collector must not hide what the others found
            failures.update({own: f"failed: {type(error).__name__}: {error}" for own in collector.owns})

    threads = [threading.Thread(target=ask, args=(collector,), daemon=True) for collector in COLLECTORS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = survey.seen()
    return Facts({**seen.document, "unknown": {**seen.document["unknown"], **failures}})
