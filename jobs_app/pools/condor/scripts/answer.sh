# answer.sh ROOT ATTEMPT INCOMING: a tar stream with an answer, and with the files of the job that was built; then the
# part that waits for it goes on. Exit 71: nothing was done. 70: it could not be released.
set -eu
trap "" PIPE HUP
root=$1 attempt=$2 incoming=$3
cd "$root"
trap 'cd "$root" && rm -rf "$incoming"' EXIT
mkdir -p "$incoming"
tar -xf - || exit 71
[ -e "$incoming/complete" ] || { echo "the upload was cut off" >&2; exit 71; }
if [ -s "$incoming/sums" ]; then
    (cd "$incoming/files" && sha256sum -c --quiet ../sums >&2) || exit 71
fi
home=attempts/$attempt
[ -d "$home/in" ] || exit 0
# A proc that runs a whole script goes on where it stopped, beside what it left.
if grep -qs '"requests"' "$home/out/0.json" && [ -s "$home/out/0.tar" ]; then
    cp -f "$home/out/0.json" "$home/in/roost_kept.json"
    mv -f "$home/out/0.tar" "$home/in/roost_kept.tar"
fi
cp -alf "$incoming/in/." "$home/in/"
find "$incoming/files" -type f -exec mv -f -t files {} +
waiting="RoostAttempt =?= \"$attempt\" && JobStatus == 5 && HoldReasonCode == 3 && HoldReasonSubCode == 75"
said=$(condor_release -constraint "$waiting" 2>&1) || case $said in
    *"Couldn't find"* | *"o jobs matching"* | *"not found"*) ;;
    *) echo "$said" >&2; exit 70 ;;
esac
