# look_locked.sh ROOT TOKEN: which clusters of this sending the schedd has or had. Exit 70: it could not be asked.
# What is found is written down as done. If something is missing, the epoch ends: a sending composed before this
# look can never submit any more.
set -u
cd "$1/sent/$2" || exit 70
constraint="RoostBatch =?= \"$2\""
plan=$1/batches/$2/plan.json
groups=$(ls "$1/batches/$2" 2>/dev/null | grep -c '\.sub$')
found=$(for each in *.done; do [ -e "$each" ] && echo "$each"; done | wc -l)
if [ "$groups" -gt 0 ] && [ "$found" -eq "$groups" ]; then
    :
else
    condor_q -allusers -constraint "$constraint" -af ClusterId RoostGroup > queue.txt 2> look.err || { cat look.err >&2; exit 70; }
    condor_history -constraint "$constraint" -af ClusterId RoostGroup > history.txt 2> look.err || { cat look.err >&2; exit 70; }
    sort -u queue.txt history.txt | while read -r cluster group; do
        [ -e "$group.done" ] || { echo "$cluster.0" > "$group.found" && mv "$group.found" "$group.done"; }
    done
    found=$(for each in *.done; do [ -e "$each" ] && echo "$each"; done | wc -l)
fi
if [ "$groups" -eq 0 ] || [ "$found" -lt "$groups" ]; then
    epoch=$(($(cat epoch 2>/dev/null || echo 0) + 1))
    echo "$epoch" > epoch.part && mv epoch.part epoch || exit 70
    rm -f ./*.tried
    echo "missing $epoch"
fi
for each in *.done; do
    [ -e "$each" ] && echo "${each%.done} $(cat "$each")"
done
exit 0
