# fetch_rest.sh ATTEMPT: the results of an attempt as a tar stream, without the files that stay here.
# Those come on stdin, a line each: PART, a tab, NAME.
set -eu
tab=$(printf '\t')
work=$(mktemp -d "$1/rest.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/rest"
: > "$work/without"
while IFS="$tab" read -r part name; do
    printf '%s\n' "$name" >> "$work/$part.list"
done
for list in "$work"/*.list; do
    part=$(basename "$list" .list)
    mkdir "$work/files"
    tar -xf "$1/out/$part.tar" -C "$work/files" --anchored --no-wildcards -X "$list"
    (cd "$work/files" && find . -type f -printf '%P\n' | tar -cf "$work/rest/$part.tar" --verbatim-files-from -T -)
    rm -rf "$work/files"
    printf 'out/%s.tar\n' "$part" >> "$work/without"
done
tar -cf - -C "$1" --anchored --no-wildcards -X "$work/without" out -C "$work" rest
