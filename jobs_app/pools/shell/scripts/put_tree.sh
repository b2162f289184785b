# put_tree.sh FOLDER: the folder from a tar stream on stdin, complete or not at all. One that is there stays.
set -eu
trap "" PIPE HUP  # a broken link must not keep us from tidying up
part=$1.$$.part
trap 'rm -rf "$part"' EXIT
mkdir -p "$part"
tar -xf - -C "$part"
[ -e "$part/.complete" ] || { echo "the upload was cut off" >&2; exit 1; }
rm "$part/.complete"
[ -e "$1" ] || mv -T "$part" "$1"
