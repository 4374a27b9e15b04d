# dreamrig guest step: checkout
# A copy of the checkout in the Linux home folder: on /mnt/c everything that touches many files is slow.
# `ask SOURCE` and `do SOURCE`; SOURCE is a Windows path.
set -eu
there=$HOME/dreamrig
mark=$there/.copied-from-windows # the checksum of what was copied; without it the folder is the user's own

files() { # FOLDER: what belongs to the checkout
    (cd -- "$1" && find . \( -name .git -o -name .venv -o -name __pycache__ -o -name '.*_cache' -o -name .hypothesis \
        -o -name .benchmarks \) -prune -o -type f -print | LC_ALL=C sort)
}

checksum() { # FOLDER
    (files "$1" | (cd -- "$1" && xargs -d '\n' cksum --) | cksum)
}

ask() { # SOURCE; prints current, old, absent, foreign or unreachable
    if [ ! -e "$there" ]; then echo absent && return; fi
    if [ ! -f "$mark" ]; then echo foreign && return; fi
    source=$(wslpath -u "$1") || source=
    if [ ! -f "$source/rig" ]; then echo unreachable && return; fi
    if [ "$(cat -- "$mark")" = "$(checksum "$source")" ]; then echo current; else echo old; fi
}

copy() { # SOURCE; what else is in the folder, .venv for one, stays
    source=$(wslpath -u "$1")
    if [ ! -f "$source/rig" ]; then
        echo "$source has no file rig that can be read from inside Linux" >&2
        exit 1
    fi
    bundle=$(mktemp)
    trap 'rm -f -- "$bundle"' EXIT
    files "$source" | (cd -- "$source" && tar -cf "$bundle" -T -)
    mkdir -p -- "$there"
    tar -C "$there" -xf "$bundle"
    sed -i 's/\r$//' "$there/rig" # by a program that rewrote the line ends
    chmod +x "$there/rig"
    checksum "$source" >"$mark"
    echo current
}

case $1 in
ask) ask "$2" </dev/null ;;
do) copy "$2" </dev/null ;;
esac
