# dreamrig guest step: picture
# The first picture. `ask` prints the path of a finished one that is there, or none; `do PROMPT` makes one.
set -eu
cd -- "$HOME/dreamrig"

ask() {
    ./rig history --json | .venv/bin/python -c '
import json, os, sys
for run in json.load(sys.stdin)["data"]["runs"]:
    picture = run["picture"]
    if picture and os.path.isfile(os.path.expanduser(picture)) and os.path.getsize(os.path.expanduser(picture)):
        print(os.path.expanduser(picture))
        break
else:
    print("none")
'
}

case $1 in
ask) ask </dev/null ;;
do) ./rig generate "$2" --seed 3 --no-preview </dev/null && ask ;;
esac
