#!/bin/sh
# roost_dagman.sh [ARGUMENT...]: HTCondor starts this in place of condor_dagman, with its arguments, in the sending's
# folder. Whatever happens to the schedd, the host or the disk, a DAG goes on where it was:
# - a DAGMan that outlived its schedd is ended first: two of them would both submit, and HTCondor lets the second fail;
# - the log that DAGMan reads is made whole (roost_mend.sh), before it starts and whenever it has been quiet for long;
# - a DAGMan that gave up for what was wrong with its log, and not with the DAG, starts again.
set -u
here=$(dirname "$0")
unit=$(echo " $*" | sed -n 's/.* -Dag \([0-9]*\)\.dag .*/\1/p')
dag=$unit.dag log=$unit.dag.nodes.log
PATH=$(cat "$unit.path") || exit 4
ROOST_UNIT=$unit # for roost_rm.sh
export PATH ROOST_UNIT ROOST_FROM
dagman='' ended='' tries=0

pass_on() { # SIGNAL CODE: to DAGMan; between two of them there is nobody to pass it to
    passed=1
    [ -n "$dagman" ] && kill -s "$1" "$dagman" 2>/dev/null || ended=$2
}
trap ': > "$unit.removed"; pass_on USR1 2' USR1
trap 'pass_on TERM 3' TERM # the schedd ends, and starts it again; 3 keeps it in the queue
trap 'pass_on QUIT 3' QUIT
trap '' HUP

is_ours() { # PID
    [ "$1" != $$ ] && [ "$(readlink "/proc/$1/cwd")" = "$PWD" ] && tr '\0' ' ' < "/proc/$1/cmdline" | grep -qF " $dag "
} 2>/dev/null

end_former() {
    for each in $(cat "$unit.pids" 2>/dev/null); do
        while is_ours "$each"; do
            kill -KILL "$each"
            sleep 0.1
        done
    done
}

watch_over() { # what HTCondor could not write, DAGMan would wait for without end
    pause=30
    while sleep 30 && kill -0 "$dagman" 2>/dev/null; do
        quiet=$(($(date +%s) - $(stat -c %Y "$log" 2>/dev/null || date +%s)))
        [ "$quiet" -ge 30 ] || pause=30
        [ "$quiet" -ge "$pause" ] || continue
        sh "$here/roost_mend.sh" "$unit" running
        [ "$pause" -ge 1800 ] || pause=$((pause * 2))
    done
}

gave_up() { # for its log's sake, as far as it has said since it began
    tail -c "+$((ROOST_FROM + 1))" "$dag.dagman.out" | grep "DAG status: " | tail -n 1 | grep -q DAG_STATUS_ERROR
}

end_former
while [ -z "$ended" ]; do
    rm -f "$dag".rescue*
    if [ -e "$log" ]; then
        [ -e "$dag.lock" ] || : > "$dag.lock" # so it reads its log instead of emptying it
        sh "$here/roost_mend.sh" "$unit" ended
    fi
    ROOST_FROM=$(stat -c %s "$dag.dagman.out" 2>/dev/null || echo 0)
    condor_dagman "$@" &
    dagman=$!
    echo "$$ $dagman" > "$unit.pids"
    watch_over &
    watcher=$!
    passed=1
    while [ -n "$passed" ]; do
        passed=''
        wait "$dagman"
        code=$?
    done
    dagman=''
    kill "$watcher" 2>/dev/null
    [ "$code" -ne 139 ] || code=1 # it has crashed, and would again
    [ "$code" -eq 1 ] && [ "$tries" -lt 60 ] && gave_up || exit "$code"
    tries=$((tries + 1))
    sleep 10 &
    wait $!
done
exit "$ended"
