# plans.sh ROOT TOKEN...: the plans of these sendings, a line each.
cd "$1/batches" || exit 1
shift
for token in "$@"; do
    if [ -e "$token/plan.json" ]; then echo "$token $(cat "$token/plan.json")"; else echo "$token -"; fi
done
