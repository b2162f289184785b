# traces.sh ROOT ATTEMPT...: the sendings that each attempt went with, "<attempt> <token>.<epoch>" a line.
cd "$1" || exit 1
shift
for attempt in "$@"; do
    token=$(cat "attempts/$attempt/batch" 2>/dev/null) || continue
    for plan in "batches/$token".*/plan.json; do
        grep -qs "\"$attempt\"" "$plan" && echo "$attempt $(basename "$(dirname "$plan")")"
    done
done
exit 0
