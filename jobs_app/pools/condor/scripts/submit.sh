# submit.sh ROOT TOKEN EPOCH, under the lock: submits what has not been submitted, and says how it stands.
# Exit 70: the schedd could not be asked. 76: an earlier try began and nobody knows how it ended. 78: somebody has
# looked since this sending was composed, and was told that it will never come.
set -u
root=$1
cd "$1/sent/$2" || exit 71
batch=$1/batches/$2.$3
[ "$(cat epoch 2>/dev/null || echo 0)" -eq "$3" ] || exit 78

# HTCondor's own parser reads each new shape of a description before anything of that shape is submitted.
check() { # GROUP
    for each in "$1.check" "$1".*.check; do
        [ -e "$each" ] || continue
        shape=$(head -n 1 "$each" | tr -d '# ')
        [ ! -e "$root/checked/$shape" ] || continue
        condor_submit -dry-run - "$each" > /dev/null && mkdir -p "$root/checked" && : > "$root/checked/$shape" || return 1
    done
}

hand_over() { # GROUP: a cluster, or a DAG whose DAGMan gets what makes it ours
    if [ -e "$1.dag" ]; then
        rm -f "$1.dag".*
        beside=$(sed -n 's|^DAGMAN_CONDOR_SUBMIT_EXE = \(.*\)/.*|\1|p' "$1.config")
        printf '%s\n' "$PATH" > "$1.path" || return 1
        check "$1" && condor_submit_dag -no_submit -dagman "$beside/roost_dagman.sh" \
            -insert_sub_file "$1.lead" "$1.dag" >&2 &&
            condor_submit -terse "$1.dag.condor.sub"
    else
        check "$1" && condor_submit -terse "$1.sub"
    fi
}

submit() { # GROUP
    place=$3.$1
    [ ! -e "$place.done" ] && [ ! -e "$place.refused" ] || return 0
    [ ! -e "$place.tried" ] || exit 76
    : > "$place.tried" || exit 71
    (cd "$batch" && hand_over "$1") > "$place.out" 2> "$place.err"
    code=$?
    if [ "$code" -eq 0 ] && grep -qE '^[0-9]+\.[0-9]+' "$place.out"; then
        sync "$place.out" 2>/dev/null
        mv "$place.out" "$place.done" || exit 76
        return 0
    fi
    # Anybody may give a job our attributes, but not our name: as the schedd knows us, or else as this machine does.
    name=$(timeout 20 condor_ping -type schedd WRITE 2>/dev/null | sed -n 's/.* succeeded as \([^ ]*\).*/\1/p')
    mine="member(Owner, {\"$(id -un)\", \"${name%%@*}\", \"$name\"}) || User =?= \"$name\""
    [ -n "$name" ] || mine=true
    # HTCondor has been seen to report an error for a submit that had gone in. Headings prove that it answered.
    constraint="RoostPlan =?= \"$2.$3\" && (RoostGroup =?= $1 || RoostUnit =?= $1) && ($mine)"
    cluster="ifThenElse(RoostUnit is undefined, ClusterId, DAGManJobId)"
    for ask in "condor_q -allusers" condor_history; do
        $ask -constraint "$constraint" -af:h RoostPlan "$cluster" > "$place.found" 2>> "$place.err" &&
            grep -q "^RoostPlan" "$place.found" || { cat "$place.err" "$place.found" >&2; exit 70; }
        if found=$(awk 'NR == 2 { print $2 }' "$place.found") && [ -n "$found" ]; then
            echo "$found.0" > "$place.out" && mv "$place.out" "$place.done" || exit 76
            return 0
        fi
    done
    if [ "$code" -eq 0 ] || [ "$code" -gt 125 ] || grep -qE "Failed to connect|Can't find address|timed out|No space left|SECMAN" "$place.err"; then
        rm -f "$place.tried"
        cat "$place.err" >&2
        exit 70
    fi
    # HTCondor's own refusals say ERROR. What failed without that word is tried some times more.
    if ! grep -q "ERROR" "$place.out" "$place.err" && [ "$(wc -l 2>/dev/null < "$place.strange" || echo 0)" -lt 5 ]; then
        echo "$code" >> "$place.strange"
        rm -f "$place.tried"
        cat "$place.out" "$place.err" >&2
        exit 70
    fi
    cat "$place.out" "$place.err" | tr '\n' ' ' | head -c 2000 > "$place.words" && mv "$place.words" "$place.refused" || exit 76
}

n=0
while [ -e "$batch/$n.sub" ] || [ -e "$batch/$n.dag" ]; do
    submit "$n" "$2" "$3"
    n=$((n + 1))
done
for each in *.done; do [ ! -e "$each" ] || echo "done ${each%.done} $(cat "$each")"; done
for each in "$3".*.refused; do [ ! -e "$each" ] || echo "refused ${each%.refused} $(cat "$each")"; done
