# dag_act.sh ROOT ATTEMPT VERB REASON: hold, release, remove or limit a job script that runs as nodes of a DAG, or slices
# of it, whose numbers are on standard input. 4: it does not run so, and nothing was done. 70: HTCondor did not do it.
# What is not submitted yet is reached by marks among the attempt's inputs: roost_dag.sh and the nodes look for them.
# DAGMan itself is never held. A slice that is removed ends as if it had done nothing: DAGMan takes a removed one for a
# failure of all its siblings.
set -u
cd "$1" || exit 1
token=$2 verb=$3 reason=$4
set -- $(cat)
home=attempts/$token marks=attempts/$token/in/.roost_stop
batch=$(cat "$home/batch" 2>/dev/null) || exit 4
grep -qsE "roost_dag.sh pre [a-z]+ $token " batches/"$batch".*/*.dag || exit 4

procs="RoostAttempt =?= \"$token\" && RoostLead =!= true"
if [ $# -gt 0 ]; then
    procs="$procs && RoostStep =?= \"analysis\" && member(RoostSlice, {$(echo "$*" | tr ' ' ',')})"
fi

condor() { # what names nothing that is there needs nothing
    said=$("$@" 2>&1) && return
    case $said in *"Couldn't find"* | *"o jobs matching"* | *"not found"* | *"no matching"*) return ;; esac
    echo "$said" >&2
    exit 70
}

say_released() { # as the DAGMan that said "held"
    [ -e "$home/held.said" ] || return 0
    read -r lead segment < "$home/held.said"
    printf '008 (%03d.000.000) %s roost released %s\n...\n' "$lead" "$(date '+%Y-%m-%d %H:%M:%S')" "$token" > "$home/.said"
    cat "$home/.said" >> "segments/$segment"
    rm -f "$home/held.said" "$home/.said"
}

mark() { mkdir -p "$marks" && printf '%s\n' "$reason" > "$marks/$1" || exit 1; }

case $verb in
limit) # REASON: lines of a description, which roost_submit.sh adds to those of later nodes; the last of a name counts
    printf '%s\n' "$reason" | tr ';' '\n' >> "$home/limits" || exit 1
    ;;
hold)
    [ $# -gt 0 ] || mark held
    condor condor_hold -constraint "$procs && JobStatus != 5" -reason "$reason"
    ;;
release)
    [ $# -gt 0 ] || { rm -f "$marks/held"; say_released; }
    condor condor_release -constraint "$procs && JobStatus == 5"
    ;;
remove)
    if [ $# -eq 0 ]; then
        mark all
        condor condor_rm -constraint "RoostAttempt =?= \"$token\"" -reason "$reason"
    else
        for slice in "$@"; do
            mark "$slice"
            echo '{"removed": true}' > "$home/out/.removed" && mv "$home/out/.removed" "$home/out/$slice.json" || exit 1
        done
        condor condor_hold -constraint "$procs && JobStatus != 5" -reason "$reason"
        condor condor_qedit -constraint "$procs" IsNoopJob True
        condor condor_release -constraint "$procs && JobStatus == 5"
    fi
    ;;
esac
exit 0
