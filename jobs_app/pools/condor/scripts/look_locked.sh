# look_locked.sh ROOT TOKEN: how a sending stands. Exit 70: the schedd could not be asked.
# What the schedd has or had is written down as done; a node of a DAG proves that its DAGMan was there. If something
# is missing, the epoch ends: a sending composed before this look can never submit any more.
set -u
cd "$1/sent/$2" || exit 70
epoch=$(cat epoch 2>/dev/null || echo 0)
batch=$1/batches/$2.$epoch

is_done() { grep -qsE '^[0-9]+\.[0-9]+' "$1.done" || { rm -f "$1.done"; false; }; }

all_settled() {
    n=0
    [ -e "$batch/0.sub" ] || [ -e "$batch/0.dag" ] || return 1
    while [ -e "$batch/$n.sub" ] || [ -e "$batch/$n.dag" ]; do
        is_done "$epoch.$n" || [ -e "$epoch.$n.refused" ] || return 1
        n=$((n + 1))
    done
}

if ! all_settled; then
    # Anybody may give a job our attributes, but not our name: as the schedd knows us, or else as this machine does.
    name=$(timeout 20 condor_ping -type schedd WRITE 2>/dev/null | sed -n 's/.* succeeded as \([^ ]*\).*/\1/p')
    mine="member(Owner, {\"$(id -un)\", \"${name%%@*}\", \"$name\"}) || User =?= \"$name\""
    [ -n "$name" ] || mine=true
    : > found
    for ask in "condor_q -allusers" condor_history; do
        # Its headings prove that it answered: nothing at all may be anything.
        $ask -constraint "RoostBatch =?= \"$2\" && ($mine)" \
            -af:h RoostPlan "ifThenElse(RoostUnit is undefined, ClusterId, DAGManJobId)" \
            "ifThenElse(RoostUnit is undefined, RoostGroup, RoostUnit)" > answer 2> look.err &&
            grep -q "^RoostPlan" answer || { cat look.err answer >&2; exit 70; }
        sed 1d answer >> found
    done
    # What has left the history as well stands in its event log.
    cat "$batch"/*.sub "$batch"/*.lead 2> /dev/null | sed -n 's/^log = //p' | sort -u | while read -r segment; do
        awk -v "plan=$2.$epoch" '/^[0-9]+ \(/ { split($2, id, /[(.]/) }
            $1 == "roost" && $2 == plan { print plan, id[2] + 0, $3 }' "$segment" 2> /dev/null
    done | sort -u | while read -r plan cluster group; do
        [ ! -e "$batch/$group.sub" ] && [ ! -e "$batch/$group.dag" ] || echo "$plan $cluster $group"
    done >> found
    sort -u found | while read -r plan cluster group; do
        place=${plan#"$2".}.$group
        case "$place$cluster" in *[!0-9.]*) continue ;; esac
        [ -e "$place.done" ] || { echo "$cluster.0" > "$place.out" && mv "$place.out" "$place.done"; }
    done
fi
if ! all_settled; then
    epoch=$((epoch + 1))
    echo "$epoch" > epoch.part && mv epoch.part epoch || exit 70
    rm -f ./*.tried
    echo "missing"
fi
echo "epoch $epoch"
for each in *.done; do [ ! -e "$each" ] || echo "done ${each%.done} $(cat "$each")"; done
for each in "$epoch".*.refused; do [ ! -e "$each" ] || echo "refused ${each%.refused} $(cat "$each")"; done
exit 0
