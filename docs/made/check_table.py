"""powershell/DreamRig/Private/Checks/CheckTable.ps1 from provision/knowledge/checks.json: what holds on Windows.

`python -m docs.made.check_table` writes it anew; a test keeps it current. The doctor of Windows works without the
knowledge base, and a script that is parsed anyway costs less than JSON that is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from provision.doctor.check_book import CheckEntry, CheckRule, check_book

FILE = Path(__file__).parents[2] / "powershell" / "DreamRig" / "Private" / "Checks" / "CheckTable.ps1"
PLACE = "windows"
WIDTH = 140
HEAD = """# Made of provision/knowledge/checks.json by docs/made/check_table.py: change it there, then run
# python -m docs.made.check_table. What the fields mean stands in provision/doctor/check_book.py.
"""
FUNCTION = """
function {name} {{
    <#
    .SYNOPSIS
    {synopsis}
    #>
    [OutputType([hashtable])]
    param()
    {body}
}}
"""
FLAGS = {"stops": "Stops", "general": "General"}


def render() -> str:
    """The content of the file."""
    book = check_book()
    checks = [_check(entry) for entry in book.checks if PLACE in entry.places and not entry.needs_python]
    table = FUNCTION.format(
        name="Get-CheckTable",
        synopsis="Returns every check of Windows in fixing order; one without rules is code.",
        body=_literal(checks, 4),
    )
    steps = FUNCTION.format(
        name="Get-CheckStepTable",
        synopsis="Returns name -> step, with the words still to be filled in.",
        body=_literal(dict(book.steps), 4),
    )
    return HEAD + table + steps


def _check(entry: CheckEntry) -> dict[str, Any]:
    needs = [name for place, _, name in (need.rpartition(":") for need in entry.needs) if place in ("", PLACE)]
    rules = [dict(_rule(rule)) for rule in (entry.rules or {}).get(PLACE, ())]
    about = {"Name": entry.name, "Asks": entry.asks, "Needs": needs, "Causes": list(entry.causes), "Rules": rules}
    findings = {name: dict(_rule(rule)) for name, rule in entry.findings.items()}
    return {**about, "Findings": findings} if findings else about


def _rule(rule: CheckRule) -> Iterator[tuple[str, Any]]:
    if rule.unused:
        raise ValueError(f"PowerShell knows no `unused`: {rule.sentence}")
    for name, predicate in (("When", rule.when), ("Unless", rule.unless)):
        if predicate is not None:
            yield name, _predicate(predicate)
    if rule.unknown is not None:
        yield "Unknown", rule.unknown
        return
    yield from (("Verdict", str(rule.verdict)), ("Sentence", rule.sentence), ("Evidence", list(rule.evidence)))
    if rule.fix:
        yield "Fix", list(rule.fix)
    if rule.blocked_by is not None:
        yield "BlockedBy", rule.blocked_by
    yield from ((told, True) for flag, told in FLAGS.items() if getattr(rule, flag))


def _predicate(predicate: Mapping[str, Any]) -> dict[str, Any]:
    """As ConvertTo-Predicate makes it of causes.json."""
    if "fact" in predicate:
        kind = next(key for key in predicate if key != "fact")
        return {"Kind": kind, "Fact": predicate["fact"], "Value": predicate[kind]}
    kind, inner = next(iter(predicate.items()))
    return {"Kind": kind, "Fact": "", "Parts": [_predicate(part) for part in ([inner] if kind == "not" else inner)]}


def _literal(value: Any, indent: int, lead: int = 0) -> str:
    """A value as PowerShell writes it: on one line where it fits behind `lead` more characters."""
    plain = _one_line(value)
    if indent + lead + len(plain) <= WIDTH:
        return plain
    inner = " " * (indent + 4)
    if isinstance(value, str):
        return _long_text(value, inner, indent)
    lines = [*_pairs(value, indent + 4)] if isinstance(value, dict) else [_literal(item, indent + 4) for item in value]
    opening, closing = ("@{", "}") if isinstance(value, dict) else ("@(", ")")
    return "\n".join([opening, *(inner + line for line in lines), " " * indent + closing])


def _pairs(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Lines of `key = value`, as many on one as fit."""
    line = ""
    for key, item in value.items():
        pair = f"{_key(key)} = {_literal(item, indent, len(_key(key)) + 3)}"
        is_short = "\n" not in line + pair and indent + len(line) + len(pair) + 2 <= WIDTH
        if line and not is_short:
            yield line
            line = ""
        line = f"{line}; {pair}" if line else pair
    yield line


def _one_line(value: Any) -> str:
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, dict):
        return "@{ " + "; ".join(f"{_key(key)} = {_one_line(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "@(" + ", ".join(map(_one_line, value)) + ")"
    return _quoted(value) if isinstance(value, str) else str(value)


def _key(name: str) -> str:
    return name if name.isidentifier() else _quoted(name)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _long_text(text: str, inner: str, indent: int) -> str:
    size = WIDTH - len(inner) - 8
    parts = [_quoted(text[start : start + size]) for start in range(0, len(text), size)]
    return "(\n" + " +\n".join(inner + part for part in parts) + "\n" + " " * indent + ")"


def main() -> None:
    """Write the file."""
    FILE.write_text(render(), encoding="ascii", newline="\r\n")


if __name__ == "__main__":
    main()
