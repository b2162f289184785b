# have.sh ROOT: reads names of contents, a line each; says those that are not there.
cd "$1/files" || exit 1
while read -r name; do
    [ -e "$name" ] || echo "$name"
done
