#!/bin/sh
# Starts a slice on a node: finds a Python from 3.9 on and hands over to Roost's wrapper.
for python in "${ROOST_PYTHON:-python3}" python3.13 python3.12 python3.11 python3.10 python3.9 \
    /usr/bin/python3 /usr/libexec/platform-python; do
    if command -v "$python" >/dev/null 2>&1 &&
        "$python" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
        exec "$(command -v "$python")" -I -S roost_node.py "$@"
    fi
done
echo "No Python from 3.9 on was found on $(hostname). Install one, or set ROOST_PYTHON in the job's template." >&2
: > roost_result.tar
echo '{"problem": "no Python from 3.9 on"}' > roost_record.json
exit 127
