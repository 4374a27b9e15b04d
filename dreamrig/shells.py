"""A table of commands and flags as the completion script of a shell. Standard library only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

MARK = "The words of dreamrig"
"""In the head of each script: what does not have it is somebody else's."""


@dataclass(frozen=True)
class Words:
    """What may follow some words of a command line."""

    commands: tuple[str, ...]
    flags: tuple[str, ...]


Table = Mapping[str, Words]
"""Commands so far, "" or "bench" or "bench run" -> what may follow."""

BASH = """\
# {mark} for bash; from: dreamrig complete bash
_dreamrig() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} at='' each follow='' flags=''
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "${{at:+$at }}$each" in
        {known}) at="${{at:+$at }}$each" ;;
        esac
    done
    case "$at" in
{cases}
    esac
    case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$follow" -- "$word")) ;;
    esac
}}
complete -o default -F _dreamrig dreamrig
"""
ZSH = """\
#compdef dreamrig
# {mark} for zsh; from: dreamrig complete zsh
local at='' each
local -a follow flags
for each in "${{words[@]:1:$((CURRENT - 2))}}"; do
    case "${{at:+$at }}$each" in
    {known}) at="${{at:+$at }}$each" ;;
    esac
done
case "$at" in
{cases}
esac
if [[ "${{words[CURRENT]}}" == -* ]]; then
    compadd -- $flags
elif (( $#follow )); then
    compadd -- $follow
else
    _files
fi
"""
FISH = """\
# {mark} for fish; from: dreamrig complete fish
function __dreamrig_words
    set -l at ''
    set -l follow
    set -l flags
    for each in (commandline -opc)[2..-1]
        switch (string trim -- "$at $each")
            case {known}
                set at (string trim -- "$at $each")
        end
    end
    switch "$at"
{cases}
    end
    if string match -q -- '-*' (commandline -ct)
        set follow $flags
    end
    for each in $follow
        echo -- $each
    end
end
complete -c dreamrig -f -n 'count (__dreamrig_words) >/dev/null' -a '(__dreamrig_words)'
"""
POWERSHELL = """\
# {mark} for PowerShell; from: dreamrig complete powershell
Register-ArgumentCompleter -Native -CommandName dreamrig -ScriptBlock {{
    param($word, $line, $cursor)
    $words = @{{
{cases}
    }}
    $at = ''
    foreach ($each in @($line.CommandElements | Select-Object -Skip 1)) {{
        $next = "$at $each".Trim()
        if ($each.Extent.EndOffset -lt $cursor -and $words.ContainsKey($next)) {{ $at = $next }}
    }}
    $kind = if ("$word".StartsWith('-')) {{ 1 }} else {{ 0 }}
    $words[$at][$kind].Split(' ', [StringSplitOptions]::RemoveEmptyEntries) |
        Where-Object {{ $_.StartsWith("$word") }} |
        ForEach-Object {{ [Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }}
}}
"""


def for_bash(table: Table) -> str:
    """For bash-completion's folder, or to be sourced; bash from 3.2 on."""
    known = "|".join(f"'{at}'" for at in table if at)
    return BASH.format(mark=MARK, known=known, cases=_cases(table, "'{}'"))


def for_zsh(table: Table) -> str:
    """For a folder of fpath, as _dreamrig."""
    known = "|".join(f"'{at}'" for at in table if at)
    return ZSH.format(mark=MARK, known=known, cases=_cases(table, "({})"))


def for_fish(table: Table) -> str:
    """For fish's folder of completions."""
    known = " ".join(f"'{at}'" for at in table if at)
    cases = "\n".join(
        f"        case '{at}'\n            set follow {' '.join(words.commands)}\n"
        f"            set flags {' '.join(words.flags)}"
        for at, words in table.items()
    )
    return FISH.format(mark=MARK, known=known, cases=cases)


def for_powershell(table: Table) -> str:
    """To be dot-sourced by a profile; Windows PowerShell 5.1 as well."""
    cases = "\n".join(
        f"        '{at}' = @('{' '.join(words.commands)}', '{' '.join(words.flags)}')" for at, words in table.items()
    )
    return POWERSHELL.format(mark=MARK, cases=cases)


def _cases(table: Table, quoted: str) -> str:
    def listed(words: tuple[str, ...]) -> str:
        return quoted.format(" ".join(words))

    rows = table.items()
    return "\n".join(f"    '{at}') follow={listed(each.commands)} flags={listed(each.flags)} ;;" for at, each in rows)


SHELLS: Mapping[str, Callable[[Table], str]] = {
    "bash": for_bash,
    "zsh": for_zsh,
    "fish": for_fish,
    "powershell": for_powershell,
}
