# roost_mend.sh UNIT ended|waiting|running: makes the log whole that DAGMan reads, in the sending's folder.
# HTCondor writes what happens to the procs of a DAG twice: into our segment, and into DAGMan's log. Where a write failed
# (a full disk, no power), DAGMan waits for an end that it cannot read, or gives up. So we add how a proc began and how it
# ended: as the segment says, else HTCondor's queue and history, else the record that it left. One that is in none of them,
# twice, was lost.
# ended: DAGMan does not run; what is no event goes. waiting: it waits for us. running: only what was missing the last time
# too is added, since HTCondor may be about to write it.
set -u
unit=$1 mode=$2 log=$1.dag.nodes.log
LC_ALL=C
export LC_ALL
exec 8> "$unit.mending" && flock -w 100 8 || exit 1

first=$(find . -maxdepth 1 -name "$unit.*.sub" ! -name '*.condor.sub' | head -n 1)
plan=$(sed -n 's/^MY.RoostPlan = "\(.*\)"$/\1/p' "$first")
segment=$(sed -n 's/^log = //p' "$first")
home=../../attempts
said="RoostPlan ClusterId ProcId RoostGroup RoostAttempt RoostSlice RoostStep DAGNodeName JobStatus ExitBySignal ExitCode ExitSignal"
constraint="RoostPlan =?= \"$plan\" && RoostUnit =?= $unit"

ask() { # FILE COMMAND...: only an answer with its headings is one
    file=$1
    shift
    "$@" -constraint "$constraint" -af:h $said > "$unit.$file.part" 2> "$unit.mend.err" &&
        grep -q "^RoostPlan" "$unit.$file.part" && mv "$unit.$file.part" "$unit.$file"
}

missing() { # prints the events to be added; in $unit.now stands what is missing, and "gone" if HTCondor must be asked
    awk -v plan="$plan" -v mode="$mode" -v home="$home" -v asked="$1" -v now="$(date '+%Y-%m-%d %H:%M:%S')" \
        -v list="$unit.now" -v clean="$unit.clean" -f "$(dirname "$0")/roost_mend.awk" \
        which=before "$unit.before" which=queue "$unit.queue" which=history "$unit.history" \
        which=dag "$unit.dag" which=log "$log" which=segment "$segment"
}

for each in before queue history; do [ -e "$unit.$each" ] || : > "$unit.$each"; done
: > "$unit.history"
[ -e "$segment" ] || segment=/dev/null
[ -e "$log" ] || : > "$log"
asked=''
for pause in 1 3 10 0; do
    ask queue condor_q -allusers && asked=queue && break
    [ "$mode" = ended ] || break
    sleep "$pause"
done
missing "$asked" > "$unit.events" || exit 1
old=$(($(stat -c %Y "$unit.dag") - 86400))
if [ "$mode" = waiting ] || grep -q "^gone" "$unit.now"; then
    ask history condor_history -since "EnteredCurrentStatus < $old" && asked=history
    missing "$asked" > "$unit.events" || exit 1
fi
if [ "$mode" = ended ] && grep -q "^lost" "$unit.now"; then # a proc may be between its queue and its history
    sleep 5
    ask queue condor_q -allusers && ask history condor_history -since "EnteredCurrentStatus < $old" || asked=''
    cp "$unit.now" "$unit.before"
    missing "$asked" > "$unit.events" || exit 1
fi
if [ "$mode" = ended ] && ! cmp -s "$unit.clean" "$log"; then # in place: others hold it open
    [ "$(grep -c '^\.\.\.$' "$unit.clean")" = "$(sed -n 's/^kept //p' "$unit.now")" ] || exit 1 # the disk is full
    cat "$unit.clean" > "$log"
fi
[ ! -s "$unit.events" ] || cat "$unit.events" >> "$log"
mv "$unit.now" "$unit.before"
