"""What an error number says by itself: who raised it (its facility), and, where the knowledge base names it, what.

HRESULT, NTSTATUS and facility numbers: [MS-ERREF], learn.microsoft.com/openspecs/windows_protocols/ms-erref, and
winerror.h of the Windows SDK.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from provision.diagnosis.cause import Code, Knowledge
from provision.diagnosis.text import FoundCode

FACILITIES: Mapping[int, str] = {
    0: "general",
    1: "RPC",
    2: "COM dispatch",
    3: "structured storage",
    4: "interface (the component's own codes; WSL uses 0x80040300 and on)",
    7: "Win32",
    8: "Windows",
    9: "security (SSPI)",
    10: "control",
    11: "certificates",
    12: "Internet",
    13: "media server",
    15: "Windows setup (CBS, SetupAPI)",
    16: "smart cards",
    17: "COM+",
    19: ".NET runtime",
    23: "side-by-side assemblies",
    25: "HTTP",
    27: "Windows Error Reporting",
    36: "Windows Update",
    38: "graphics",
    39: "shell",
    48: "Windows setup or performance logs",
    49: "BitLocker",
    50: "Windows Filtering Platform",
    51: "WinRM",
    52: "network drivers (NDIS)",
    53: "hypervisor",
    55: "virtual machines (Host Compute Service)",
    56: "volume manager",
    57: "boot configuration (BCD)",
    58: "virtual hard disks",
    59: "virtual networks (Host Network Service)",
    63: "Microsoft Store",
    80: "Windows Defender",
    208: "Delivery Optimization",
    2170: "graphics (DXGI)",
}
NT_FACILITIES: Mapping[int, str] = {
    0: "general",
    2: "RPC",
    7: "Win32",
    53: "hypervisor",
    55: "virtual machines (Host Compute Service)",
    58: "virtual hard disks",
}


@dataclass(frozen=True)
class DecodedCode:
    """A code of the text. in_knowledge_base: some cause carries it."""

    shown: str
    hex: str | None
    name: str | None
    facility: str | None
    kind: str | None
    meaning: str | None
    in_knowledge_base: bool

    def to_dict(self) -> dict[str, Any]:
        """The code as it stands in a `--json` document."""
        return asdict(self)


def decode_code(found: FoundCode, knowledge: Knowledge) -> DecodedCode:
    """All that can be said about one code of a text."""
    id_ = knowledge.name_ids.get(found.id, found.id)
    number = int(id_, 16) if id_.startswith("0x") else None
    known = _known_code(id_, knowledge)
    is_name = not found.id.startswith(("0x", "#"))
    name = known.name if known and known.name else (found.shown if is_name else None)
    kind, facility = classify(number) if number is not None else (None, None)
    return DecodedCode(
        shown=found.shown,
        hex=None if number is None else f"0x{number:08x}",
        name=name,
        facility=facility,
        kind=known.kind if known and known.kind else kind,
        meaning=known.meaning if known and known.meaning else describe(number),
        in_knowledge_base=id_ in knowledge.carried,
    )


def _known_code(id_: str, knowledge: Knowledge) -> Code | None:
    """What the knowledge base says of a code: its list of codes first, else a cause that carries it."""
    carried = (code for cause in knowledge.causes for code in cause.codes)
    return next((code for code in (*knowledge.codes, *carried) if id_ in code.ids), None)


def classify(number: int) -> tuple[str, str]:
    """(kind, facility) of a 32-bit number: HRESULT, Win32 or NTSTATUS."""
    if number >> 28 == 0xC and (number >> 16 & 0xFFF) in NT_FACILITIES:
        return "NTSTATUS", NT_FACILITIES[number >> 16 & 0xFFF]
    facility = number >> 16 & 0x1FFF
    kind = "Win32" if number >> 16 == 0x8007 else "HRESULT"
    return kind, FACILITIES.get(facility, f"number {facility}")


def describe(number: int | None) -> str | None:
    """A sentence about a number that the knowledge base does not explain."""
    if number is None:
        return None
    kind, facility = classify(number)
    if kind == "Win32":
        return f"Windows error {number & 0xFFFF} (on Windows: net helpmsg {number & 0xFFFF} says what it is)."
    outcome = "A failure" if number >= 0x80000000 else "Not a failure"
    return f"{outcome} ({kind}), facility {facility}, code {number & 0xFFFF}."
