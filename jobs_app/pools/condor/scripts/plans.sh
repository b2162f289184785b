# plans.sh ROOT NAME...: the plans of these sendings, a line each.
cd "$1/batches" || exit 1
shift
for name in "$@"; do
    if [ -e "$name/plan.json" ]; then echo "$name $(cat "$name/plan.json")"; else echo "$name -"; fi
done
