# dreamrig guest step: environment
# The virtual environment with dreamrig in it; the launcher makes it.
set -eu

ask() { # prints ready or absent
    made=$HOME/dreamrig/.venv/.dreamrig
    if [ -f "$made/project" ] && [ ! -e "$made/installing" ] &&
        "$HOME/dreamrig/.venv/bin/dreamrig" --help >/dev/null 2>&1; then
        echo ready
    else
        echo absent
    fi
}

case $1 in
ask) ask </dev/null ;;
do) cd -- "$HOME/dreamrig" && ./rig --help >/dev/null </dev/null && ask ;;
esac
