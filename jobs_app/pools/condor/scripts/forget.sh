# forget.sh ROOT ATTEMPT...: removes all that is kept of these attempts; what another attempt needs stays.
cd "$1" || exit 1
shift
for each in "$@"; do
    rm -rf "attempts/$each" || exit 1
done
find files -type f -links 1 -mmin +60 -delete 2>/dev/null
exit 0
