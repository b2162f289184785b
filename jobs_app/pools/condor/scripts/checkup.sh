# checkup.sh ROOT: what there is to say of this access point, a line each: NAME VALUE.
cd
mkdir -p "$1" 2>/dev/null
timed() { # NAME COMMAND...: how long it took (milliseconds), its exit code, the last it said
    name=$1; shift
    begin=$(date +%s%N)
    said=$("$@" 2>&1 < /dev/null); code=$?
    echo "$name $(( ($(date +%s%N) - begin) / 1000000 )) $code $(echo "$said" | tail -n 1)"
}
echo "now $(date +%s.%N)"
echo "user $(id -un)"
echo "umask $(umask)"
echo "root $(cd "$1" 2>/dev/null && pwd -P)"
echo "rights $(stat -c '%a %U' "$1" 2>/dev/null)"
echo "space $(df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4, $2 }')"
touch "$1/.checkup" 2>/dev/null && rm -f "$1/.checkup" && echo "writable yes"
echo "condor $(condor_version 2>/dev/null | head -n 1)"
for each in condor_submit condor_q condor_history condor_rm condor_hold condor_release condor_qedit \
    condor_submit_dag condor_status flock tar sha256sum find xargs; do
    command -v "$each" > /dev/null 2>&1 || echo "missing $each"
done
timed name getent hosts "$(hostname)"
timed schedd condor_q -totals
timed collector condor_status -total
echo "slots $(condor_status -constraint 'SlotType =!= "Dynamic"' -af TotalSlotCpus TotalSlotMemory 2>/dev/null |
    awk '{ cpus += $1; if ($2 > most) most = $2 } END { print NR, cpus + 0, most + 0 }')"
