#!/bin/sh
# roost_rm.sh [ARGUMENT...]: DAGMan calls this in place of condor_rm, with its arguments, in the sending's folder.
# It removes all of a DAG when it gives up, which it also does for what is wrong with its log alone; roost_dagman.sh then
# starts it again, and it shall find its nodes as they were. So all is removed only if somebody removed the DAG, or if a
# node's end says so. However else a DAG ends, HTCondor removes its nodes once DAGMan has left the queue.
set -u
aborts() { tail -c "+$((ROOST_FROM + 1))" "$ROOST_UNIT.dag.dagman.out" | grep -q "ABORT exit value"; }
case $1 in
-const*) [ -e "$ROOST_UNIT.removed" ] || aborts || exit 0 ;;
esac
exec condor_rm "$@"
