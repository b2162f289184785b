# look.sh ROOT TOKEN LOOK: LOOK under the sending's lock.
set -eu
cd "$1"
mkdir -p "sent/$2"
flock -w 60 -E 75 "sent/$2/lock" sh -c "$3" roost "$1" "$2"
