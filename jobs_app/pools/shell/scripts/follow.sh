# follow.sh FILE OFFSET: first the file's size, in 20 digits; then what stands from OFFSET on, and what is added.
# Ends with the connection. Anything on stderr means that the file is not the one that it was.
set -eu
if [ "$2" -eq 0 ]; then
    mkdir -p "$(dirname "$1")"
    [ -e "$1" ] || : >> "$1"
fi
size=$(wc -c < "$1")
[ "$size" -ge "$2" ] || { echo "it has only $size bytes, and $2 have been read" >&2; exit 1; }
printf '%020d' "$size"
# On an overlay file system, tail cannot be told of changes and looks every so many seconds.
exec tail --pid="$PPID" -s 0.05 -c "+$(($2 + 1))" -F -- "$1"
