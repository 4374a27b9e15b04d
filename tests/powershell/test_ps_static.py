"""What can be said of the scripts without running them; and the linter, which reads them for Windows PowerShell 5.1.

The first half runs everywhere: it needs tree-sitter-powershell and no PowerShell.
"""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tree_sitter
import tree_sitter_powershell
from simulated_pc import ROOT, require_powershell, run_powershell
from stubs import COMMANDS, render_stubs

from dreamrig import __version__

POWERSHELL = ROOT / "powershell"
MODULE = POWERSHELL / "DreamRig"
SCRIPTS = sorted([*POWERSHELL.glob("*.ps1"), *MODULE.rglob("*.ps1"), *MODULE.glob("*.psm1"), *MODULE.glob("*.psd1")])
IDS = [str(path.relative_to(ROOT)) for path in SCRIPTS]
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
WRAPPER = "Invoke-Native.ps1"


class Function(NamedTuple):
    """A function or a whole script: its name, its help and its parameters."""

    name: str
    help: str
    parameters: tuple[str, ...]


def tree(path: Path) -> Any:
    return PARSER.parse(path.read_bytes()).root_node


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in node.children:
        yield from walk(child)


def functions(path: Path) -> list[Function]:
    """The functions of a file, and the file itself where it is an entry script."""
    root = tree(path)
    found = [
        _function(_text(_first(node, "function_name")), node)
        for node in walk(root)
        if node.type == "function_statement"
    ]
    return [*found, _function(path.name, root)] if path.parent == POWERSHELL else found


def _function(name: str, node: Any) -> Function:
    block = next((each for each in walk(node) if each.type == "param_block"), None)
    named = [] if block is None else [each for each in walk(block) if each.type == "script_parameter"]
    parameters = [
        _text(next(child for child in each.children if child.type == "variable")).lstrip("$") for each in named
    ]
    comments = (_text(each) for each in walk(node) if each.type == "comment")
    return Function(name, next((text for text in comments if text.startswith("<#")), ""), tuple(parameters))


def _first(node: Any, kind: str) -> Any:
    return next(child for child in node.children if child.type == kind)


def _text(node: Any) -> str:
    return str(node.text.decode("ascii"))


def sections(help_text: str) -> dict[str, list[str]]:
    """ ".PARAMETER name" and the like in lower case -> the texts under them."""
    parts = re.split(r"(?m)^[ \t]*\.([A-Z]+(?:[ \t]+\w+)?)[ \t]*\r?$", help_text.strip("<#> \t\r\n"))
    found: dict[str, list[str]] = {}
    for head, body in zip(parts[1::2], parts[2::2], strict=True):
        found.setdefault(" ".join(head.lower().split()), []).append(body.strip())
    return found


def code_of(path: Path) -> str:
    """The text of a script without its comments and strings: names in them are no calls."""
    data = bytearray(path.read_bytes())
    for node in walk(tree(path)):
        if node.type in ("comment", "string_literal") or node.type.endswith("string_characters"):
            data[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
    return data.decode("ascii")


# ---- everywhere ----------------------------------------------------------------------------------------------------


def test_there_are_scripts() -> None:
    assert {"doctor.ps1", "setup.ps1", "DreamRig.psm1", "DreamRig.psd1"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_it_parses_and_is_ascii(path: Path) -> None:
    data = path.read_bytes()
    assert data.isascii(), "5.1 reads a script without BOM in the ANSI code page"
    assert b"\t" not in data
    broken = [node.start_point for node in walk(tree(path)) if node.type == "ERROR" or node.is_missing]
    assert broken == [], "line and column, counted from 0"
    too_long = [number for number, line in enumerate(data.splitlines(), 1) if len(line) > 170]
    assert too_long == []


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_everything_has_help(path: Path) -> None:
    for function in functions(path):
        told = sections(function.help)
        assert told.get("synopsis", [""])[0], f"{function.name} has no synopsis"
        described = {head.split()[1] for head in told if head.startswith("parameter ") and told[head][0]}
        assert described == {name.lower() for name in function.parameters}, function.name
        if path.parent.name == "Public" or path.parent == POWERSHELL:
            assert told.get("description", [""])[0], f"{function.name} has no description"
            assert all(told.get("example", [""])), f"{function.name} has no example"


def test_public_functions_are_the_exported_ones() -> None:
    public = [path for path in SCRIPTS if path.parent.name == "Public"]
    assert all([function.name for function in functions(path)] == [path.stem] for path in public)
    manifest = (MODULE / "DreamRig.psd1").read_text("ascii")
    exported = re.findall(r"'([A-Z]\w+-Rig\w+)'", manifest.split("FunctionsToExport")[1].split(")")[0])
    assert sorted(exported) == sorted(path.stem for path in public)


def test_the_doctors_part_of_the_module_stands_alone() -> None:
    """Doctor.psm1 leaves setup's files out: nothing that it loads may call them or read their variables."""
    loader = (MODULE / "Doctor.psm1").read_text("ascii")
    folders, public = (re.findall(r"'([^']+)'", line) for line in re.findall(r"foreach \(\$\w+ in ('.*)\) \{", loader))
    scripts = [path for path in SCRIPTS if path.suffix == ".ps1" and path.parent != POWERSHELL]
    inside = [path for path in scripts if path.parent.name in folders or path.stem in public]
    outside = [path for path in scripts if path not in inside]
    assert min(len(inside), len(outside)) > 30
    words = {f"(?<![\\w-]){function.name}(?![\\w-])" for path in outside for function in functions(path)}
    words |= {
        rf"\$script:{name}\b"
        for path in outside
        for name in re.findall(r"(?m)^\$script:(\w+) *=", path.read_text("ascii"))
    }
    any_of_them = re.compile("|".join(sorted(words)))
    missing = [(path.name, found) for path in inside if (found := any_of_them.findall(code_of(path)))]
    assert missing == []


def test_a_file_has_the_function_whose_name_it_bears() -> None:
    """One with a noun alone has several on one subject."""
    named = [path for path in SCRIPTS if "-" in path.stem and path.suffix == ".ps1"]
    wrong = [path.name for path in named if path.stem not in {function.name for function in functions(path)}]
    assert len(named) > 60
    assert wrong == []


def test_the_version_is_the_one_of_dreamrig() -> None:
    told = re.search(r"ModuleVersion += '([^']+)'", (MODULE / "DreamRig.psd1").read_text("ascii"))
    assert told is not None
    assert told.group(1) == __version__


def test_no_name_is_taken_twice() -> None:
    """All files of the module share one scope: the second definition would win in silence."""
    in_module = [path for path in SCRIPTS if path.parent.parent == MODULE]
    names = Counter(function.name.lower() for path in in_module for function in functions(path))
    variables = Counter(
        name.lower()
        for path in in_module
        for name in set(re.findall(r"(?m)^\$script:(\w+) *=", path.read_text("ascii")))
    )
    assert [name for name, count in (names + variables).items() if count > 1] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_what_must_not_be_there(path: Path) -> None:
    code = code_of(path)
    for word in (
        "Get-WmiObject",
        "Invoke-Expression",
        r"\biex\b",
        "Set-ExecutionPolicy",
        "DownloadString",
        r"\bsysteminfo\b",
    ):
        assert re.search(word, code, re.IGNORECASE) is None, word
    if path.name != WRAPPER:
        assert not re.search(r"Diagnostics\.Process\]::Start|&\s*[\w-]+\.exe", code), (
            "only Invoke-Native starts programs"
        )


HARMLESS = re.compile(r"'(dism|shutdown|powershell)\.exe'")
"""They take their words from a list, and need no console window."""
INSTALLS = re.compile(r"--(install|update|import|set-version|web-download)\b|\bmsiexec|'install'|\$words")


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_nothing_that_installs_runs_captured(path: Path) -> None:
    """It needs a console window (microsoft/WindowsDeveloperConfig PR 75): only Invoke-Installer may start it."""
    if path.stem == "Invoke-Installer":
        return
    for node in walk(tree(path)):
        name = next((_text(child) for child in node.children if child.type == "command_name"), "")
        text = _text(node)
        if node.type == "command" and name in ("Invoke-Native", "Invoke-Wsl") and not HARMLESS.search(text):
            assert not INSTALLS.search(text), text


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_wsl_is_asked_only_where_it_is_installed(path: Path) -> None:
    """Any other question makes the stub of 24H2 install it (oomol-lab/ovm-win PR 87)."""
    calls = [_text(node) for node in walk(tree(path)) if node.type == "command"]
    asked = [text for text in calls if text.startswith("Invoke-Native") and "wsl.exe" in text]
    assert asked == []


@pytest.mark.parametrize("path", SCRIPTS, ids=IDS)
def test_no_variable_in_a_string_swallows_a_colon(path: Path) -> None:
    """`"$script:Build: update"` is a variable named `Build:`, which strict mode throws for when the line is reached."""
    assert re.findall(r"\$(?:script|global|local|private|env):\w+:", path.read_text("ascii"), re.IGNORECASE) == []


def test_no_hint_names_a_function_that_is_not_imported() -> None:
    """A person who reads it has scripts, not the module: `Restart-RigToFirmware` is unknown at their prompt."""
    exported = "|".join(path.stem for path in SCRIPTS if path.parent.name == "Public")
    for path in SCRIPTS:
        for node in walk(tree(path)):
            if "string" in node.type and path.suffix == ".ps1":
                assert not re.search(exported, _text(node)), f"{path.name}: {_text(node)}"


def test_strict_and_stopping() -> None:
    for path in (MODULE / "DreamRig.psm1", *POWERSHELL.glob("*.ps1")):
        text = path.read_text("ascii")
        assert "Set-StrictMode -Version Latest" in text, path.name
        assert "$ErrorActionPreference = 'Stop'" in text, path.name


def test_changing_functions_support_whatif() -> None:
    changing = ("Enable", "Install", "Reset", "Register", "Unregister", "Restart")
    for path in SCRIPTS:
        if path.parent.name == "Public" and path.stem.split("-")[0] in changing:
            assert "SupportsShouldProcess" in path.read_text("ascii"), path.name


def test_line_ends_are_those_of_windows() -> None:
    names = [str(path.relative_to(ROOT)) for path in SCRIPTS]
    told = subprocess.run(
        ["git", "check-attr", "eol", "--", *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if told.returncode != 0:
        pytest.skip("no git checkout: line ends are git's business")
    assert told.stdout.count("eol: crlf") == len(names)


def test_suppressions_carry_their_reason() -> None:
    for path in SCRIPTS:
        text = path.read_text("ascii")
        for found in re.finditer(r"SuppressMessageAttribute\((.*?)\)\]", text, re.DOTALL):
            assert re.search(r"Justification = '[^']{10,}", found.group(1)), f"{path.name}: {found.group(0)}"


def test_simulated_commands_have_the_real_parameters() -> None:
    """Every parameter that the module gives to a Windows command is one that 5.1's command has."""
    names = "|".join(sorted(COMMANDS, key=len, reverse=True))
    for path in SCRIPTS:
        code = re.sub(r"`\r?\n", " ", code_of(path))
        for call in re.finditer(rf"(?<![\w-])({names})\b([^|;\n(){{}}]*)", code):
            known = {name.lower() for name in COMMANDS[call.group(1)]["parameters"]}
            given = {word.lower() for word in re.findall(r"(?<=\s)-([A-Za-z]+)", call.group(2))}
            common = {"erroraction", "warningaction", "errorvariable", "verbose", "eq", "ne", "and", "or",
                "not", "whatif", "confirm",
                      "match", "notmatch", "in", "like"}  # fmt: skip
            assert given - common <= known, f"{path.name}: {call.group(0)}"


# ---- with a PowerShell ----------------------------------------------------------------------------------------------


def test_lint() -> None:
    lint = Path(require_powershell()).resolve().parent / "lint.ps1"
    if not lint.is_file():
        pytest.skip("no lint.ps1 beside this pwsh")
    folders = [str(POWERSHELL), str(ROOT / "tests" / "powershell"), str(ROOT / "tests" / "pester")]
    ran = run_powershell("pwsh", ["-File", str(lint), *folders, "-Json"], patience_seconds=600)
    findings = [json.loads(line) for line in ran.out.splitlines() if line.startswith("{")]
    bad = [
        f"{Path(one['path']).name}:{one['line']}: {one['rule']}: {one['message']}"
        for one in findings
        if one["severity"] != "Information"
    ]
    assert bad == []
    assert ran.code == 0, ran.out + ran.err


BINDING = """
$all = [ordered]@{}
foreach ($name in $args) {
    $command = Get-Command -Name $name -CommandType Function
    $mandatory = foreach ($set in $command.ParameterSets) {
        $set.Parameters | Where-Object IsMandatory | ForEach-Object { "$($set.Name) $($_.Name)" }
    }
    $all[$name] = @{ names = @($command.Parameters.Keys); mandatory = @($mandatory) }
}
ConvertTo-Json -Depth 5 -InputObject $all
"""


def test_simulated_commands_bind_as_the_real_ones(edition: str, tmp_path: Path) -> None:
    """What the engine makes of the generated blocks: every parameter, and the mandatory ones of each set."""
    script = tmp_path / "stubs.ps1"
    script.write_text(render_stubs() + BINDING, "ascii")
    seen = run_powershell(edition, ["-File", str(script), *COMMANDS]).json
    for name, command in COMMANDS.items():
        wanted = command["parameters"]
        assert set(wanted) <= set(seen[name]["names"]), name
        uses = [
            (place, parameter, use)
            for parameter, about in wanted.items()
            for place, use in about.get("sets", {}).items()
        ]
        mandatory = {f"{place} {parameter}" for place, parameter, use in uses if use.get("mandatory")}
        assert mandatory <= set(seen[name]["mandatory"]), name
