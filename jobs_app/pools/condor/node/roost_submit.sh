#!/bin/sh
# roost_submit.sh [ARGUMENT...]: DAGMan calls this in place of condor_submit, with its arguments, in the sending's folder.
# Each try of a node is submitted once. A DAGMan that lost its memory, or did not hear the answer, asks again, and is told
# of the cluster that is there, whose events it then finds in its log.
# <unit>.<group>.<try>.tried: it began; .submitted: what condor_submit said.
set -u
here=$(dirname "$0")
group='' try='' attempt=''
for word in "$@"; do
    case $word in
    RETRY=*) [ -n "$try" ] || try=${word#*=} ;;
    group=*) group=${word#*=} ;;
    attempt=*) attempt=${word#*=} ;;
    esac
done
unit=${word%%.*} place=${word%%.*}.$group.$try
plan=$(sed -n 's/^MY.RoostPlan = "\(.*\)"$/\1/p' "$word")
exec 9> "$unit.submitting" && flock -w 170 9 || { echo "An earlier submit of this DAG is still under way."; exit 1; }

keep() { printf '%s\n' "$1" > "$place.answer" && mv "$place.answer" "$place.submitted"; }

look() { # 0: it is known now whether it was submitted. Headings prove that HTCondor answered.
    constraint="RoostPlan =?= \"$plan\" && RoostGroup =?= $group && RoostTry =?= $try"
    begun=$(stat -c %Y "$unit.dag")
    : > "$place.found" || return 1
    answer=$(condor_q -allusers -constraint "$constraint" -af:h RoostPlan ClusterId) &&
        echo "$answer" | grep -q "^RoostPlan" || return 1
    older=$(condor_history -since "EnteredCurrentStatus < $((begun - 86400))" -constraint "$constraint" -af:h RoostPlan ClusterId) &&
        echo "$older" | grep -q "^RoostPlan" || return 1
    cluster=$(printf '%s\n%s\n' "$answer" "$older" | awk '$2 ~ /^[0-9]+$/ { print $2; exit }')
    if [ -z "$cluster" ]; then rm -f "$place.tried"; else keep "$(wc -l < "$(rows)") job(s) submitted to cluster $cluster."; fi
}

rows() { sed -n "s/^VARS .* group=\"$group\" rows=\"\([^\"]*\)\".*/\1/p" "$unit.dag"; }

ask() { # for as long as DAGMan waits
    for pause in 2 5 10 20 30 40 0; do
        look 2> "$place.err" && return
        sleep "$pause"
    done
    echo "Nobody knows whether this node was submitted before: $(cat "$place.err")"
    exit 1
}

[ -e "$place.submitted" ] || [ ! -e "$place.tried" ] || ask
if [ -e "$place.submitted" ]; then
    sh "$here/roost_mend.sh" "$unit" waiting 9>&-
    cat "$place.submitted"
    exit 0
fi
: > "$place.tried" || exit 1
if [ -s "../../attempts/$attempt/limits" ]; then # what was asked for since the DAG was sent
    while read -r line; do set -- -a "$line" "$@"; done <<END
$(tac "../../attempts/$attempt/limits")
END
fi
said=$(condor_submit -a "MY.RoostTry=$try" "$@" 2>&1)
code=$?
printf '%s\n' "$said"
case $said in
*" job(s) submitted to cluster "*) keep "$said" ;;
*) ask && [ -e "$place.submitted" ] && cat "$place.submitted" || exit "$((code ? code : 1))" ;;
esac
exit 0
