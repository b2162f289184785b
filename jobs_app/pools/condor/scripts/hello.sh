# hello.sh ROOT: makes the remote root and says where it is, what time and zone it is there, and what is there already.
# A relative ROOT lies below the account's home.
set -eu
cd
mkdir -p "$1"
cd "$1"
chmod 700 .
mkdir -p node files attempts batches sent segments incoming
find incoming -mindepth 1 -maxdepth 1 -mmin +1440 -exec rm -rf {} + 2>/dev/null || :
echo "root $(pwd -P)"
echo "now $(date +%s)"
echo "offset $(date +%z)"
echo "zone $(readlink -f /etc/localtime 2>/dev/null | sed -n 's|.*/zoneinfo/||p')"
echo "condor $(condor_version 2>/dev/null | head -n 1)"
account=$(timeout 10 condor_ping -type schedd WRITE 2>/dev/null | sed -n 's/.* succeeded as \([^ @]*\).*/\1/p' || :)
echo "account ${account:-$(id -un)}"
for each in node/*; do echo "node ${each#node/}"; done
