"""Whether a result can be what it says: every reader asks, because a file may come from anybody.

Looked at are the number of its work, torch's flags, its date, its memory, and its pace against what its device can do.
Nothing here proves a result true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench.result.pins import hash_of, known_names, least_flops, name_of, pins_of
from bench.result.result import BenchResult
from dreamrig.words import TERA, plural, short
from generator import stats
from provision.cards.datasheets import PRECISIONS, datasheets, find_datasheet

OVERCLOCKED = 1.25
"""GeForce cards clock above their datasheet, by up to a fifth with overclocking; unknown cards may as well."""
CEILING_ALLOWANCE = 1.5
"""A device's own products are measured in a moment, and something may have disturbed them."""
HIGHEST_CLOCK = 6.5e9
FP32_PER_CLOCK = 2 * 2 * 16
"""Of a processor's core: two units of sixteen lanes, a multiplication and an addition each."""
MATRIX_PER_CLOCK = 2 * 1024
"""Of a core with tiles for bf16."""
MOST_THREADS = 1024
MOST_FP32_TFLOPS, MOST_MATRIX_TFLOPS = 100.0, 1000.0
"""Of a whole machine: two sockets of 192 cores at their clock under load; with tiles, of 128."""
FEW_THREADS = (
    (r"\bN\d{2,3}\b", 8),
    (r"Celeron|Pentium|Atom", 24),
    (r"Threadripper", 192),
    (r"Ryzen|Core\(TM\)|Core i\d|Core Ultra|Apple M\d", 40),
)
"""Words in a processor's name -> the most threads of its kind; the first that fits."""
KEPT_VERSION = 1
"""Of the workloads whose arithmetic is kept: a later one of the same name is other work."""
MEASURED_FLAGS = ("precision", "tf32_matmul", "tf32_convolutions")


def why_impossible(result: BenchResult, now: datetime | None = None) -> str | None:
    """The first reason why a result cannot be what it says, as the end of a sentence; None where none is known."""
    return next(reasons(result, now or datetime.now(UTC)), None)


def reasons(result: BenchResult, now: datetime) -> Iterator[str]:
    """All of them."""
    yield from _work_reasons(result)
    yield from _flag_reasons(result)
    if datetime.fromisoformat(result.created).astimezone(UTC) > now + timedelta(days=1):
        yield f"it was measured on {result.created[:10]}, which is yet to come"
    peak, memory = result.memory.peak_allocated_mib, result.device.memory_mib
    if peak is not None and memory and peak > 1.01 * memory:
        yield "it used more memory than its card has"
    yield from _pace_reasons(result)


def is_unknown_work(result: BenchResult) -> bool:
    """Whether its work is none of this version, so that no pace of it can be checked."""
    return least_flops(result.workload.hash) is None


def _work_reasons(result: BenchResult) -> Iterator[str]:
    used = result.workload
    pins = pins_of(
        version=used.version,
        profile=used.profile,
        params=used.params,
        batch=used.batch,
        step_files=used.step_files,
    )
    if hash_of(pins) != used.hash:
        yield "its values are not those of the workload that it names"
    known = name_of(used.hash)
    if known is not None and known != used.name:
        yield f"its work is that of {known}, and it is called {used.name}"
    if known is None and used.version == KEPT_VERSION and used.name in known_names():
        yield f"it is called {used.name}, whose work is another"


def _flag_reasons(result: BenchResult) -> Iterator[str]:
    """Strict is fp32 everywhere, which on a processor no flag of TF32 changes."""
    flags = result.software.flags
    if result.workload.profile != "strict":
        return
    if flags.get("precision", "fp32") != "fp32":
        yield f"it is strict and was computed in {flags['precision']}"
    tf32 = flags.get("tf32_matmul") or flags.get("tf32_convolutions")
    if result.device.kind == "cuda" and tf32:
        yield "it is strict and TF32 was allowed"
    missing = [name for name in MEASURED_FLAGS if flags.get(name) is None]
    if result.device.kind == "cuda" and missing:
        yield f"it is strict and does not say its {missing[0]}"


def _pace_reasons(result: BenchResult) -> Iterator[str]:
    least = least_flops(result.workload.hash)
    if least is None:
        return
    tflops = least / stats.median(result.samples) / TERA
    most, whose = most_tflops(result)
    if tflops > most:
        yield f"{short(tflops / most)} times what {whose} allows"
    picture = result.timing.picture
    if picture is not None and least * picture.steps / picture.seconds / TERA > most:
        times = short(least * picture.steps / picture.seconds / TERA / most)
        yield f"its picture of {plural(picture.steps, 'step')} was drawn at {times} times what {whose} allows"
    own = _own_ceiling(result)
    if own is not None and tflops > CEILING_ALLOWANCE * own:
        yield f"{short(tflops / own)} times what its own products reached"


def most_tflops(result: BenchResult) -> tuple[float, str]:
    """What the device can do at most in the precisions of the profile, and whose figure that is."""
    precisions = ("fp32",) if result.workload.profile == "strict" else PRECISIONS
    if result.device.kind == "cpu":
        return _most_processor_tflops(result), "any processor with as many threads"
    sheet = find_datasheet(result.device.name)
    if sheet is not None:
        allowance = 1.0 if sheet.boost_is_limit else OVERCLOCKED
        return allowance * max(map(sheet.peak_tflops, precisions)), "the datasheet of this device"
    fastest = max(max(map(known.peak_tflops, precisions)) for known in datasheets())
    return OVERCLOCKED * fastest, "the datasheet of the fastest card that is known"


def _most_processor_tflops(result: BenchResult) -> float:
    """By its lanes; tiles only where it says that it computed in halves, which strict does not."""
    is_fp32 = result.workload.profile == "strict" or result.software.flags.get("precision", "fp32") == "fp32"
    per_clock, most = (FP32_PER_CLOCK, MOST_FP32_TFLOPS) if is_fp32 else (MATRIX_PER_CLOCK, MOST_MATRIX_TFLOPS)
    return min(_most_threads(result) * per_clock * HIGHEST_CLOCK / TERA, most)


def _most_threads(result: BenchResult) -> int:
    """Threads that computed, at most: by what was set, what the machine has, and what its kind can have."""
    name = f"{result.device.name} {result.host.cpu or ''}"
    kind = next((most for words, most in FEW_THREADS if re.search(words, name)), MOST_THREADS)
    told = (result.software.threads, result.host.cpu_threads, kind)
    return min(threads for threads in told if threads is not None)


def _own_ceiling(result: BenchResult) -> float | None:
    """TFLOP/s of the device's own products in the fastest precision of the profile; None where not measured."""
    products = (result.ceilings or {}).get("matmul_tflops")
    if not isinstance(products, dict):
        return None
    allowed = ("fp32",) if result.workload.profile == "strict" else tuple(products)
    found = [products.get(name) for name in allowed]
    rates = [value for value in found if isinstance(value, int | float) and not isinstance(value, bool) and value > 0]
    return max(rates, default=None)
