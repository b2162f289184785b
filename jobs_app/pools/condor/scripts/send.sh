# send.sh ROOT TOKEN EPOCH INCOMING TAR SUBMIT NODE: a tar stream with one sending; then SUBMIT under the sending's
# lock. Exit 71: nothing was begun. 77: likewise, because what runs on nodes (of the version NODE) is not here.
# All other codes are SUBMIT's.
set -eu
trap "" PIPE HUP  # a broken link must not keep us from tidying up
root=$1 token=$2 epoch=$3 incoming=$4 tar=$5 submit=$6 node=$7
cd "$root"
touch -c "node/$node"  # forget.sh lets it be for an hour
trap 'cd "$root" && rm -rf "$incoming"' EXIT
mkdir -p "$incoming"
tar "$tar" - || exit 71
[ -e "$incoming/complete" ] || { echo "the upload was cut off" >&2; exit 71; }
if [ -s "$incoming/sums" ]; then
    (cd "$incoming/files" && sha256sum -c --quiet ../sums >&2) || exit 71
    mv -f "$incoming"/files/* files/ || exit 71
fi
# What is there already came complete from an earlier try at the same sending.
find "$incoming/attempts" -mindepth 1 -maxdepth 1 -exec mv -n -t attempts {} + 2>/dev/null || :
mv -nT "$incoming/batch" "batches/$token.$epoch" 2>/dev/null || :
[ -e "batches/$token.$epoch/plan.json" ] || exit 71
[ -d "node/$node" ] || { echo "node/$node was removed meanwhile" >&2; exit 77; }
mkdir -p "sent/$token"
flock -w 30 -E 75 "sent/$token/lock" sh -c "$submit" roost "$root" "$token" "$epoch"
