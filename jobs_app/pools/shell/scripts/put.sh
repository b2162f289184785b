# put.sh FILE BYTES: the file from stdin, complete or not at all.
set -eu
trap "" PIPE HUP  # a broken link must not keep us from tidying up
part=$1.$$.part
trap 'rm -f "$part"' EXIT
cat > "$part"
[ "$(wc -c < "$part")" -eq "$2" ] || { echo "the upload was cut off" >&2; exit 1; }
mv -f "$part" "$1"
