# act.sh CONSTRAINT ATTRIBUTES COMMAND...: runs COMMAND, unless CONSTRAINT names a cluster that is made little by
# little: then nothing is done, its ad is said (JSON) and the exit code is 3. 70: the schedd could not be asked.
found=$(condor_q -allusers -factory -json -constraint "$1" -attributes "$2") || exit 70
if [ -n "$found" ]; then
    printf '%s' "$found"
    exit 3
fi
shift 2
exec "$@"
