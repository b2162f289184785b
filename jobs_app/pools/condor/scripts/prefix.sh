# prefix.sh SEGMENT BYTES: what stands in the first BYTES of an event log, in short:
# "P cluster notes" for each cluster, "E cluster.proc how" for each proc that has ended: good, bad or
# removed, "bad:3" with its exit code; "X cluster" for each that is gone as a whole; "O cluster said" for what was said of a DAG's part.
head -c "$2" -- "$1" | awk '
function close_event() { if (ended != "") print "E", ended, how; ended = "" }
/^[0-9][0-9][0-9] \(/ {
    close_event()
    code = $1; split(substr($2, 2), id, "."); cluster = id[1] + 0; proc = id[2] + 0
    if (code == "005") { ended = cluster "." proc; how = "bad" }
    if (code == "009") { ended = cluster "." proc; how = "removed" }
    if (code == "036") print "X", cluster
    if (code == "008" && $5 == "roost" && $6 == "over") print "O", cluster, $6 " " $7 " " $8
    if (code == "008" && $5 == "roost" && $6 ~ /^(pre|post)$/) print "O", cluster, $6 " " $7 " " $8 " " $9 " " $10
    next
}
code == "000" && /roost [0-9a-f]/ && !(cluster in seen) { seen[cluster] = 1; print "P", cluster, $0; next }
code == "005" && /\(return value 0\)/ { how = "good" }
code == "005" && how == "bad" && match($0, /\(return value [0-9]+\)/) { how = "bad:" substr($0, RSTART + 14, RLENGTH - 15) }
END { close_event() }'
