# submit.sh ROOT TOKEN EPOCH GROUPS, under the lock: submits what has not been submitted.
# Exit 76: an earlier try began and nobody knows how it ended. 77: condor_submit said no. 78: somebody has looked
# since this sending was composed and was told that it will never come.
set -u
cd "$1/sent/$2" || exit 71
batch=$1/batches/$2
[ "$(cat epoch 2>/dev/null || echo 0)" -eq "$3" ] || exit 78
n=0
while [ "$n" -lt "$4" ]; do
    if [ ! -e "$n.done" ]; then
        [ ! -e "$n.tried" ] || exit 76
        : > "$n.tried" || exit 71
        (cd "$batch" && condor_submit -terse "$n.sub") > "$n.out" 2> "$n.err" || { cat "$n.out" "$n.err" >&2; exit 77; }
        sync "$n.out" 2>/dev/null
        mv "$n.out" "$n.done" || exit 76
    fi
    n=$((n + 1))
done
n=0
while [ "$n" -lt "$4" ]; do
    echo "$n $(cat "$n.done")"
    n=$((n + 1))
done
