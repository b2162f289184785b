# get.sh FILE FIRST [BYTES]: the file from its FIRST byte (counted from 1) on. Exit 44: there is no such file.
[ -e "$1" ] || exit 44
if [ -n "$3" ]; then
    tail -c "+$2" -- "$1" | head -c "$3"
else
    exec tail -c "+$2" -- "$1"
fi
