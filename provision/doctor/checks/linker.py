"""Whether the linker finds the driver's libraries of WSL before any other: paths, and what shadows them."""

from __future__ import annotations

from provision.doctor.check import FactReader, Finding, FixStep, evidence, failed, passed, unknown, warned
from provision.doctor.steps import SHUTDOWN_WSL

SHADOWS = "linux.libcuda_shadowed"


def linker_order(facts: FactReader) -> Finding:
    """The first libcuda.so.1 must be the one of WSL: any other belongs to a Linux driver, which cannot work here."""
    paths, packages = facts.get("linux.libcuda_paths"), facts.get("linux.apt_nvidia_packages") or []
    proof = evidence(facts, "linux.libcuda_paths", "linux.apt_nvidia_packages", "linux.ld_wsl_conf")
    if facts.get(SHADOWS):
        sentence = f"The linker finds {paths[0] if paths else 'another one'} before the driver's libcuda."
        return failed(sentence, proof, *_unshadow(paths or [""], packages))
    if paths is None:
        return unknown(facts, "linux.libcuda_paths")
    if not paths:
        sentence = "The linker does not know /usr/lib/wsl/lib (ldconfig = false in /etc/wsl.conf does that)."
        return failed(sentence, proof, TELL_LINKER)
    if packages:
        return warned("A Linux NVIDIA driver is installed in WSL; it does no good here.", proof, _purge(packages))
    return passed("The linker finds the driver's libraries first.", *proof)


TELL_LINKER = FixStep(
    "Tell the linker about the folder.",
    "echo /usr/lib/wsl/lib | sudo tee /etc/ld.so.conf.d/ld.wsl.conf && sudo ldconfig",
    "wsl",
    needs_admin=True,
)


def _unshadow(paths: list[str], packages: list[str]) -> tuple[FixStep, ...]:
    if packages:
        return _purge(packages), FixStep("Renew the linker's cache.", "sudo ldconfig", "wsl", True), SHUTDOWN_WSL
    if "/stubs/" in paths[0] or "LD_LIBRARY_PATH" in paths[0]:
        folder = paths[0].rpartition("/")[0]
        return (
            FixStep(
                f"Take {folder} out of LD_LIBRARY_PATH (see ~/.bashrc): it serves to link, not to run.", None, "wsl"
            ),
        )
    move = FixStep(
        "Move that file away.",
        f"sudo mv {paths[0]} {paths[0]}.away",
        "wsl",
        True,
        undo=f"sudo mv {paths[0]}.away {paths[0]}",
    )
    return move, FixStep("Renew the linker's cache.", "sudo ldconfig", "wsl", True)


def _purge(packages: list[str]) -> FixStep:
    return FixStep(
        "Remove the Linux driver; the toolkit may stay.",
        f"sudo apt-get purge -y {' '.join(packages)}",
        "wsl",
        needs_admin=True,
        risk="packages that depend on it go too: read the list",
    )
