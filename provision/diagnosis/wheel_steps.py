"""Steps that install PyTorch, fitted to the GPU, the driver and the Python that are known.

In causes.json such a step names INDEX and says what it may be; here it becomes one index, in the sentence and in the
command alike.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provision.cards.gpus import find_gpu
from provision.cards.wheels import choose_wheel, overview
from provision.diagnosis.diagnose import Diagnosis, Report
from provision.diagnosis.predicate import FactReader

PLACEHOLDER = "INDEX"


def fit_wheels(report: Report, read: FactReader) -> Report:
    """The report with every step that installs PyTorch made for the machine that `read` tells about."""
    return replace(report, diagnoses=tuple(_fit(diagnosis, read) for diagnosis in report.diagnoses))


def _fit(diagnosis: Diagnosis, read: FactReader) -> Diagnosis:
    steps = diagnosis.cause.document.get("fix") or ()
    if not any(PLACEHOLDER in (step.get("command") or "") for step in steps):
        return diagnosis
    document = {**diagnosis.cause.document, "fix": [fit_step(step, read) for step in steps]}
    return replace(diagnosis, cause=replace(diagnosis.cause, document=document))


def fit_step(step: Mapping[str, Any], read: FactReader) -> Mapping[str, Any]:
    """A step with its INDEX chosen; any other as it is."""
    command = step.get("command") or ""
    if PLACEHOLDER not in command:
        return step
    capability, driver = capability_of(read), read("cuda.driver_cuda")
    if capability is None and driver is None:
        return step
    wheel = choose_wheel(capability, driver, read("python.version"))
    if wheel is None:
        what = f"sm_{capability.replace('.', '')}" if capability else f"a driver for CUDA {driver}"
        text = f"No build of PyTorch 2 serves {what}: what is left is a newer driver, another card, or the CPU."
        return {**step, "text": text, "command": None}
    lead = str(step["text"]).replace(overview(), "").strip()
    return {
        **step,
        "text": f"{lead} {wheel.sentence(capability)}",
        "command": command.replace(PLACEHOLDER, wheel.index),
    }


def capability_of(read: FactReader) -> str | None:
    """The capability of the GPU, by itself or by its name; None where neither is known."""
    told = read("cuda.capability")
    entry = find_gpu(str(read("cuda.gpu_name") or "")) or {}
    return told or entry.get("capability")
