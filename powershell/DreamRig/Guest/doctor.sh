# dreamrig guest step: doctor
# The whole chain from the kernel to a computed number; prints the doctor's JSON document, ends with its exit code.
set -eu
cd -- "$HOME/dreamrig"
case $1 in
ask) ./rig doctor --json </dev/null ;;
esac
