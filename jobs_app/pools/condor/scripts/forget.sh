# forget.sh ROOT NODE ATTEMPT...: removes all that is kept of these attempts, and then what nobody needs any more:
# sendings without an attempt, event logs without a sending, contents without a name, and versions of what runs on
# nodes that no sending names; NODE is the one that the next sendings will name. A DAGMan that is still about to end
# works in its sending's folder: that goes the next time.
cd "$1" || exit 1
newest=$2
shift 2
later=$(mv -f later "later.$$" 2>/dev/null && cat "later.$$" && rm -f "later.$$")
tokens=$({ for each in "$@"; do cat "attempts/$each/batch" 2>/dev/null && echo; done; echo "$later"; } | sort -u)
for each in "$@"; do
    echo "attempts/$each"
done | xargs -r rm -rf || exit 1
for token in $tokens; do
    for attempt in $(cat "batches/$token".*/plan.json 2>/dev/null | grep -o '"[0-9a-f]\{32\}"' | tr -d '"'); do
        [ ! -e "attempts/$attempt" ] || continue 2
    done
    for lock in "batches/$token".*/*.dag.lock; do
        [ ! -e "$lock" ] || { echo "$token" >> later; continue 2; }
    done
    rm -rf "batches/$token".* "sent/$token" || exit 1
done
find segments -type f -mtime +1 2>/dev/null | while read -r segment; do
    grep -qs "/$segment\$" batches/*/*.sub || rm -f "$segment"
done
find node -mindepth 1 -maxdepth 1 -type d -mmin +60 2>/dev/null | while read -r version; do
    [ "$version" = "node/$newest" ] || grep -qrsF "/$version/" batches || {
        mv "$version" "incoming/${version#node/}.$$" && rm -rf "incoming/${version#node/}.$$"
    }
done
find files -type f -links 1 -mmin +60 -delete 2>/dev/null
exit 0
