# records.sh ROOT: reads names of records, "<attempt>/out/<part>.json", a line each; says "name:record" for each that
# is there and not empty.
cd "$1/attempts" || exit 1
xargs -r grep -Hs "" || [ $? -eq 123 ]
