# live.sh FOLDER: says what running procs print, as it comes. Orders come on stdin, a line each:
#   watch KEY ATTEMPT SLICE STEP STARTS OFFSET     from OFFSET on, if the proc started at STARTS; else from 0
#   drop KEY
# Says "KEY begin STARTS OFFSET" and "KEY data BYTES", each data followed by the bytes; "KEY end" when no more comes.
set -u
mkdir -p "$1" && work=$(mktemp -d "$1/live.XXXXXX") && cd "$work" || exit 71
: > lock
trap 'kill $(cat ./*.pid 2>/dev/null) 2>/dev/null; cd / && rm -rf "$work"' EXIT
trap 'exit 0' TERM HUP INT PIPE

say() { flock lock sh -c 'echo "$1"; [ -z "$2" ] || cat "$2"' roost "$1" "${2-}"; }

find_proc() { # ATTEMPT SLICE STEP: its number and when it started; a proc that runs a whole script is slice 0 of all
    condor_q -allusers -constraint "RoostAttempt == \"$1\" && RoostSlice == $2 && JobStatus == 2" \
        -af:j JobCurrentStartDate Arguments Args 2>/dev/null |
        awk -v step="$3" '{ for (n = 3; n <= NF; n++) if ($n == step) { print $1, $2; exit } }'
}

tail_proc() { # KEY PROC BYTES-TO-SKIP
    condor_tail -f -maxbytes 1000000000000 "$2" 2>/dev/null & echo $! > "$1.pid"
    wait $!
}

watch() { # KEY ATTEMPT SLICE STEP STARTS OFFSET
    found=$(find_proc "$2" "$3" "$4")
    starts=${found#* } offset=$6
    if [ -n "$found" ]; then
        [ "$starts" = "$5" ] || offset=0
        say "$1 begin $starts $offset"
        tail_proc "$1" "${found% *}" | {
            head -c "$offset" > /dev/null
            while dd bs=65536 count=1 of="$1.piece" 2>/dev/null && [ -s "$1.piece" ]; do
                say "$1 data $(wc -c < "$1.piece")" "$1.piece"
            done
        }
    fi
    say "$1 end"
}

while read -r order key rest; do
    case $order in
        watch) watch "$key" $rest & ;;
        drop) kill "$(cat "$key.pid" 2>/dev/null)" 2>/dev/null ;;
    esac
done
