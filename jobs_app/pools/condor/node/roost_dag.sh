# roost_dag.sh pre|post STEP ATTEMPT SEGMENT PARTS SHARED [RETURN]: started by DAGMan in the sending's folder.
# pre: 0 the step may be submitted; 1 it never will be: the attempt was removed; 2 it has nothing to do;
#      3 it is held back for now, ask again. PARTS is how many parts have to end well before synthesis.
# post: as the step ended. SHARED: the DAG holds other attempts too, so the end of this one is said here.
set -u
moment=$1 step=$2 token=$3 segment=../../segments/$4 parts=$5 shared=$6
cd_root=../../attempts/$token

say() { # VERB [WORD...]: into the event log, in one write, as DAGMan's own event
    printf '008 (%03d.%03d.000) %s roost %s\n...\n' "${CONDOR_ID%%.*}" "${CONDOR_ID##*.}" \
        "$(date '+%Y-%m-%d %H:%M:%S')" "$*" > "$cd_root/.said.$$"
    cat "$cd_root/.said.$$" >> "$segment"
    rm -f "$cd_root/.said.$$"
}

over() { [ "$shared" = 0 ] || say over "$token" "$1"; }

skip() { # it was not wanted any more; synthesis is the last step
    [ "$step" != synthesis ] || over well
    exit 2
}

good_ones() { find "$cd_root/out" -name '*.json' -exec grep -l '"well": true' {} + 2>/dev/null | wc -l; }

if [ "$moment" = post ]; then
    rm -rf "${cd_root:?}/$step"
    if [ "$7" != 0 ]; then over badly; elif [ "$step" = synthesis ]; then over well; fi
    exit "$7"
fi

[ -d "$cd_root/out" ] || exit 1
if [ -e "$cd_root/in/.roost_stop/all" ]; then
    over badly
    exit 1
fi
if [ -e "$cd_root/in/.roost_stop/held" ]; then
    if [ ! -e "$cd_root/held.said" ]; then
        echo "${CONDOR_ID%%.*} $4" > "$cd_root/held.said"
        say held "$token" "$(cat "$cd_root/in/.roost_stop/held")"
    fi
    exit 3
fi
[ "$step" != prepare ] || exit 0
if [ -e "$cd_root/out/prepare.json" ]; then
    grep -q '"well": true' "$cd_root/out/prepare.json" || skip
    ! grep -q '"early": true' "$cd_root/out/prepare.json" || skip
fi
if [ "$step" = synthesis ]; then
    [ "$(good_ones)" -eq "$parts" ] || skip
fi
# All that earlier steps left, in one file: the records first, then what they tell of.
mkdir -p "$cd_root/$step" || exit 1
(cd "$cd_root/out" && find . -name '*.json' | sort > "../$step/names" && find . -name '*.tar' | sort >> "../$step/names" &&
    tar -cf "../$step/roost_parts.tar" -T "../$step/names") || exit 1
exit 0
