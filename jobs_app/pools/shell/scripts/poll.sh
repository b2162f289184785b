# poll.sh FILE OFFSET BYTES: what stands in the file from OFFSET on, so many bytes at most.
# Anything on stderr means that the file is not the one that it was.
set -eu
if [ "$2" -eq 0 ] && [ ! -e "$1" ]; then exit 0; fi
size=$(wc -c < "$1")
[ "$size" -ge "$2" ] || { echo "it has only $size bytes, and $2 have been read" >&2; exit 1; }
tail -c "+$(($2 + 1))" -- "$1" | head -c "$3"
