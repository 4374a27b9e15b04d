"""What `dreamrig weights` says: tables, terms and facts as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from dreamrig.words import MIB, memory
from generator.weights import registry
from generator.weights.registry import Entry, Installed
from generator.weights.store import Status

KINDS = {
    "vqgan": "VQGAN, which paints",
    "clip": "CLIP, which looks",
    "tokenizer": "Tokenizer, which reads for SigLIP 2",
    "upscaler": "Upscaler, which enlarges",
    "head": "Aesthetic head, which judges",
}
USUAL_CLIP, USUAL_VQGAN = "ViT-B/32", "imagenet-f16-16384"


def describe(one: Status) -> dict[str, Any]:
    """A model as `list --json` tells it."""
    return {
        "name": one.entry.name,
        "kind": one.entry.kind,
        "state": one.state,
        "licence": one.entry.licence,
        "trained_on": one.entry.trained_on,
        "terms": one.entry.terms,
        "download_mib": one.entry.approximate_mib,
        "part_bytes": one.part_bytes,
        "original_bytes": one.original_bytes,
        "sources": one.entry.sources,
        "installed": one.installed,
    }


def render_list(found: Sequence[Status], base: Path) -> str:
    """A table by kind, then how to go on."""
    width = max(len(one.entry.name) for one in found)
    lines = []
    for kind, title in KINDS.items():
        rows = [one for one in found if one.entry.kind == kind]
        lines += [f"{title}:"] if rows else []
        for one in rows:
            trained_on = one.entry.trained_on if kind != "clip" else ""
            lines.append(f"  {one.entry.name:<{width}}  {_state_words(one):<22}  {trained_on}".rstrip())
    lines += ["", f"folder: {base}", "fetch one: dreamrig weights fetch NAME"]
    if any(one.state == "import only" for one in found):
        why = "no address of it is known to answer, or nobody tells its SHA-256; fetch NAME says which"
        lines += ["import only: dreamrig weights import FILE --as NAME", f"  ({why})"]
    return "\n".join(lines)


def _state_words(one: Status) -> str:
    if one.installed is not None:
        kept = f" + {one.original_bytes / MIB:.0f} original" if one.original_bytes else ""
        return f"ready, {memory(one.installed.bytes / MIB)}{kept}"
    if one.state == "part":
        return f"{max(one.part_bytes, one.original_bytes) / MIB:.0f} of ~{one.entry.approximate_mib} MiB"
    if one.state == "import only":
        return "import only"
    return f"~{memory(one.entry.approximate_mib)} to fetch"


def render_terms(entry: Entry) -> str:
    """What somebody should know before downloading."""
    rows = {
        "size": f"about {memory(entry.approximate_mib)}, of which only what drawing needs is kept",
        "from": ", then ".join(dict.fromkeys(source.host for source in entry.sources)),
        "licence": entry.licence,
        "trained on": entry.trained_on,
        "terms": entry.terms,
    }
    return "\n".join([entry.name, *(f"  {title:<11} {words}" for title, words in rows.items())])


def render_ready(
    facts: Installed,
    base: Path,
    how: Literal["fetched and converted", "imported", "already here"],
    *,
    needs: Sequence[str] = (),
) -> str:
    """What is here now, how it came here, how to use it, and what of its needs is not here yet."""
    known = "as published" if facts.is_published else "not one the registry lists"
    lines = [
        f"{facts.name}: {how}, {memory(facts.bytes / MIB)}",
        f"  file      {registry.folder_of(facts.name, base) / registry.MODEL}",
        f"  SHA-256   {facts.sha256}",
        f"  original  {facts.original_sha256} ({known})",
        f"  use it    {_use(facts)}",
    ]
    if facts.kind == "vqgan" and not registry.is_ready(USUAL_CLIP, base):
        lines.append(f"  needs     a CLIP too: dreamrig weights fetch {USUAL_CLIP}")
    absent = [name for name in needs if not registry.is_ready(name, base)]
    lines += [f"  needs     {name} too: dreamrig weights fetch {name}" for name in absent]
    return "\n".join(lines)


def _use(facts: Installed) -> str:
    if facts.kind == "tokenizer":
        return "with a guide that reads by it: dreamrig weights list"
    if facts.kind == "head":
        return f'dreamrig generate "sunset over the sea" --model {USUAL_VQGAN} --aesthetic 1'
    if facts.kind == "upscaler":
        return f'dreamrig generate "sunset over the sea" --upscale-with {facts.name}'
    model = facts.name if facts.kind == "vqgan" else USUAL_VQGAN
    guides = f" --guides {facts.name}" if facts.kind == "clip" and facts.name != USUAL_CLIP else ""
    return f'dreamrig generate "sunset over the sea" --model {model}{guides}'
