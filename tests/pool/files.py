"""What stands in the files of the test pool's hosts."""

from __future__ import annotations

DOMAIN = "pool.roost.test"
USER = "roost"

COMMON = """\
CONDOR_HOST = {access}
NETWORK_INTERFACE = {address}
NETWORK_HOSTNAME = {name}.{domain}
FULL_HOSTNAME = {name}.{domain}
DEFAULT_DOMAIN_NAME = {domain}
UID_DOMAIN = {domain}
TRUST_UID_DOMAIN = True
SOFT_UID_DOMAIN = True
FILESYSTEM_DOMAIN = {name}.{domain}
DAEMON_LIST = {daemons}

SEC_PASSWORD_FILE = /etc/condor/pool_password
SEC_PASSWORD_DIRECTORY = /etc/condor/passwords.d
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, PASSWORD
ALLOW_READ = *
ALLOW_WRITE = *
ALLOW_DAEMON = condor_pool@*, condor@*, root@*
ALLOW_NEGOTIATOR = condor_pool@*, condor@*, root@*
ALLOW_ADMINISTRATOR = condor_pool@*, condor@*, root@*

# A test waits for nothing that a real pool makes it wait for.
NEGOTIATOR_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
NEGOTIATOR_MIN_INTERVAL = 1
SCHEDD_INTERVAL = 1
SCHEDD_MIN_INTERVAL = 1
PERIODIC_EXPR_INTERVAL = 2
UPDATE_INTERVAL = 2
DAGMAN_USER_LOG_SCAN_INTERVAL = 1
MASTER_BACKOFF_CEILING = 5
MASTER_BACKOFF_CONSTANT = 1

# How soon a host that is cut off is given up: first the link is found dead, then the lease has to end.
TCP_KEEPALIVE_INTERVAL = 3
JOB_DEFAULT_LEASE_DURATION = 20
ALIVE_INTERVAL = 3
MAX_CLAIM_ALIVES_MISSED = 3
CLASSAD_LIFETIME = 10

MOUNT_UNDER_SCRATCH =
"""

ACCESS = """\
COLLECTOR_HOST = {access}:9618
SCHEDD_NAME = {name}.{domain}

# What happened to every job, whatever its own log says: the witness of tests.
EVENT_LOG = /var/log/condor/EventLog
EVENT_LOG_MAX_SIZE = 2000000000
"""

EXECUTE = """\
NUM_CPUS = {cpus}
MEMORY = {memory}
START = True
SUSPEND = False
PREEMPT = False
KILL = False
RUNBENCHMARKS = False
STARTER_UPDATE_INTERVAL = 3
use POLICY : HOLD_IF_MEMORY_EXCEEDED
STARTER_ALLOW_RUNAS_OWNER = True
"""

SSHD = """\
ListenAddress 0.0.0.0
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
UsePAM no
UseDNS no
PrintMotd no
LogLevel VERBOSE
MaxStartups 10:30:60
Subsystem sftp /usr/lib/openssh/sftp-server
"""

# The first process of a host: it starts the servers, then buries whatever dies.
INIT = """\
{servers}
condor_master
while :; do sleep 3600 & wait $!; done
"""

SSHD_COMMAND = "/usr/sbin/sshd -E /var/log/sshd.log -f /etc/ssh/sshd_config"


def hosts(addresses: dict[str, str]) -> str:
    lines = [f"{address} {name}.{DOMAIN} {name}" for name, address in addresses.items()]
    return "\n".join(["127.0.0.1 localhost", *lines, ""])
