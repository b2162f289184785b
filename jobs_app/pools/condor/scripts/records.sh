# records.sh ROOT ATTEMPT...: what the first proc of each attempt wrote down of itself, a line each.
cd "$1/attempts" || exit 1
shift
for each in "$@"; do
    echo "$each $(cat "$each/out/0.json" 2>/dev/null)"
done
