# What DAGMan's log lacks; see roost_mend.sh. `which` says of what kind a file is.
function is_head(line) {
    return line ~ /^[0-9][0-9][0-9] \(-?[0-9]+\.-?[0-9]+\.-?[0-9]+\) [0-9]+[-\/][-0-9\/]*[ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9][^0-9]/
}
function has_another_head(line) { # what was cut off has the next event in its last line
    return substr(line, 5) ~ /[0-9][0-9][0-9] \(-?[0-9]+\.-?[0-9]+\.-?[0-9]+\) [0-9]+[-\/]/
}
function proc_of(line, part) { split(line, part, /[(.)]/); return (part[2] + 0) "." (part[3] + 0) }
function cluster_of(proc) { return substr(proc, 1, index(proc, ".") - 1) }

function know(proc) { if (!(proc in known)) { known[proc] = 1; order[++count] = proc } }

function identify(proc, text, part, number, line, at) { # by the notes of its submit event
    number = split(text, line, "\n")
    for (at = 2; at <= number; at++) {
        split(line[at], part, " ")
        if (part[1] == "roost" && part[2] == plan && part[3] in groups) {
            attempt[proc] = part[4]
            slice[proc] = part[5]
            return 1
        }
    }
    return 0
}

function step_and_node(proc, text) {
    if (match(text, /DAG Node: [^\n]*/)) node[proc] = substr(text, RSTART + 10, RLENGTH - 10)
}

function event(text, kind, proc) {
    kind = substr(text, 1, 3)
    proc = proc_of(text)
    if (kind == "005" && text !~ /\n\t\([01]\) (Normal|Abnormal) termination \(/) return
    if (which == "log") {
        printf "%s\n...\n", text > clean
        kept++
        if (kind == "000") { know(proc); begun[proc] = 1; identify(proc, text); step_and_node(proc, text) }
        if (kind == "005" || kind == "009") ended[proc] = 1
        return
    }
    if (kind == "000" && identify(proc, text)) { know(proc); submit[proc] = text; step_and_node(proc, text) }
    if ((kind == "005" || kind == "009") && proc in known) end[proc] = text
}

which == "before" { before[$0] = 1; next }
which == "dag" {
    if ($1 == "VARS" && match($0, / group="[0-9]+" rows=/)) groups[substr($0, RSTART + 8, RLENGTH - 15)] = 1
    next
}
which == "queue" || which == "history" {
    if ($1 != plan) next
    proc = $2 "." $3
    there[proc] = which
    group[proc] = $4; attempt[proc] = $5; slice[proc] = $6; node[proc] = $8
    if (which == "history") { status[proc] = $9; by_signal[proc] = $10; exit_code[proc] = $11; exit_signal[proc] = $12 }
    know(proc)
    next
}
{
    if (has_another_head($0)) inside = 0
    else if (is_head($0)) { text = $0; inside = 1 }
    else if ($0 == "...") { if (inside) event(text); inside = 0 }
    else if (inside) text = text "\n" $0
}

function head(kind, proc, part) {
    split(proc, part, ".")
    return sprintf("%s (%03d.%03d.000) %s", kind, part[1], part[2], now)
}

function made_submit(proc) {
    return head("000", proc) " Job submitted from host: <0.0.0.0:0>\n    DAG Node: " node[proc] "\n    roost " plan " " \
        group[proc] " " attempt[proc] " " slice[proc]
}

function made_end(proc, how, part, usage) {
    if (how == "removed") return head("009", proc) " Job was aborted.\n\tIt was removed."
    if (how == "lost") return head("009", proc) " Job was aborted.\n\tHTCondor knows nothing of it any more."
    usage = "\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  "
    return head("005", proc) " Job terminated.\n" how "\n" usage "Run Remote Usage\n" usage "Run Local Usage\n" \
        usage "Total Remote Usage\n" usage "Total Local Usage\n\t0  -  Run Bytes Sent By Job\n" \
        "\t0  -  Run Bytes Received By Job\n\t0  -  Total Bytes Sent By Job\n\t0  -  Total Bytes Received By Job"
}

function how_it_ended(proc) { # as the history has it
    if (status[proc] == 3) return "removed"
    if (by_signal[proc] == "true") return "\t(0) Abnormal termination (signal " exit_signal[proc] ")\n\t(0) No core file"
    return "\t(1) Normal termination (return value " exit_code[proc] ")"
}

function left_a_record(proc, path, line, found) { # what a runner writes when it ends
    step = node[proc]
    sub(/_[0-9]+$/, "", step)
    path = home "/" attempt[proc] "/out/" (step == "analysis" ? slice[proc] : step) ".json"
    while ((getline line < path) > 0) if (index(line, "\"well\": ")) found = 1
    close(path)
    return found
}

function add(proc, what, text) { # while DAGMan runs, only what was missing before
    print what, proc > list
    if (mode != "running" || (what " " proc) in before) printf "%s\n...\n", text
}

END {
    for (at = 1; at <= count; at++) {
        proc = order[at]
        if (proc in begun) continue
        if (proc in submit) add(proc, "begin", submit[proc])
        else if (proc in there) add(proc, "begin", made_submit(proc))
    }
    for (at = 1; at <= count; at++) {
        proc = order[at]
        if (proc in ended || there[proc] == "queue") continue
        if (proc in end) add(proc, "end", end[proc])
        else if (there[proc] == "history") add(proc, "end", made_end(proc, how_it_ended(proc)))
        else if (left_a_record(proc)) add(proc, "end", made_end(proc, "\t(1) Normal termination (return value 0)"))
        else if (asked == "queue") print "gone", proc > list
        else if (asked == "history") {
            print "lost", proc > list
            if (("lost " proc) in before) printf "%s\n...\n", made_end(proc, "lost")
        }
    }
    print "kept", kept + 0 > list
    printf "" > clean
}
