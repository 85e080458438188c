#!/usr/bin/env bash
# A real SLURM on this machine, for tests: one node of 2 CPUs and 2 GPUs (device nodes without
# hardware behind them), partitions cpu and gpu, accounting in MariaDB, all of it on loopback.
# All it writes stands in FOLDER; SLURM comes from install_slurm.sh. Only root can run it.
#
#   cluster.sh start FOLDER            makes FOLDER and starts the cluster; then
#                                      `source FOLDER/environment.sh` and use SLURM as ever
#   cluster.sh status FOLDER           the daemons, the partitions and the queue
#   cluster.sh stop FOLDER             ends jobs and daemons and removes FOLDER
#   cluster.sh start|stop FOLDER DAEMON    only that one: munged, mariadbd, slurmdbd, slurmctld
#                                          or slurmd
set -euo pipefail

DAEMONS=(munged mariadbd slurmdbd slurmctld slurmd)
PATH="$PATH:/usr/sbin:/sbin"

die() {
    echo "cluster.sh: $*" >&2
    exit 1
}

# Tries a command every tenth of a second until it succeeds.
wait_for() {
    local seconds=$1 attempt
    shift
    for ((attempt = 0; attempt < seconds * 10; attempt++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

free_ports() {
    python3 - <<'PYTHON'
import socket

sockets = [socket.socket() for _ in range(3)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
PYTHON
}

write_slurm_conf() {
    cat >"$FOLDER/etc/slurm.conf" <<CONF
ClusterName=mribench
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$2
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$FOLDER/run/munge.socket
# The daemons listen on the address of the node, which is loopback.
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny

StateSaveLocation=$FOLDER/state
SlurmdSpoolDir=$FOLDER/spool
SlurmctldPidFile=$FOLDER/run/slurmctld.pid
SlurmdPidFile=$FOLDER/run/slurmd.pid
SlurmctldLogFile=$FOLDER/log/slurmctld.log
SlurmdLogFile=$FOLDER/log/slurmd.log

SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
# The node below stands as written, whatever the machine has.
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=300
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=5

# Jobs over their memory are killed, as control groups would do it; looked at every second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=$3
AccountingStoragePass=$FOLDER/run/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment

GresTypes=gpu,shard
NodeName=node1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 CPUs=2 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=32000 Gres=gpu:a100:2,shard:4
PartitionName=cpu Nodes=node1 Default=YES
PartitionName=gpu Nodes=node1
CONF
}

write_slurmdbd_conf() {
    cat >"$FOLDER/etc/slurmdbd.conf" <<CONF
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$1
CommunicationParameters=NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$FOLDER/run/munge.socket
PidFile=$FOLDER/run/slurmdbd.pid
LogFile=$FOLDER/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_accounting
CONF
    chmod 600 "$FOLDER/etc/slurmdbd.conf"
}

make_gpus() {
    local number
    for number in 0 1; do
        # The numbers of /dev/null: what opens the device finds nothing behind it.
        mknod "$FOLDER/dev/gpu$number" c 1 3 || die "mknod is not permitted here"
    done
    printf 'NodeName=node1 %s\n' "Name=gpu Type=a100 File=$FOLDER/dev/gpu[0-1]" \
        "Name=shard Count=4" >"$FOLDER/etc/gres.conf"
}

make_database() {
    mariadb-install-db --no-defaults --datadir="$FOLDER/database" --user=root \
        --auth-root-authentication-method=socket --skip-test-db >"$FOLDER/log/install-db.log" 2>&1
}

# The plugin's job steps call srun without the variables of SLURM, SLURM_CONF among them: where the
# configuration does not stand in /etc/slurm, srun has to be told again.
write_environment() {
    printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$SLURM_CONF" "$(command -v srun)" \
        >"$FOLDER/bin/srun"
    chmod +x "$FOLDER/bin/srun"
    printf 'export SLURM_CONF=%q\nexport PATH=%q:"$PATH"\n' "$SLURM_CONF" "$FOLDER/bin" \
        >"$FOLDER/environment.sh"
}

configure() {
    mkdir -p "$FOLDER"/{bin,etc,run,log,state,spool,dev,database}
    chmod 755 "$FOLDER" "$FOLDER/run"
    local controller worker accounting
    read -r controller worker accounting < <(free_ports)
    write_slurm_conf "$controller" "$worker" "$accounting"
    write_slurmdbd_conf "$accounting"
    make_gpus
    head -c 128 /dev/urandom >"$FOLDER/etc/munge.key"
    chmod 600 "$FOLDER/etc/munge.key"
    make_database
}

start_munged() {
    munged --socket="$FOLDER/run/munge.socket" --pid-file="$FOLDER/run/munged.pid" \
        --key-file="$FOLDER/etc/munge.key" --log-file="$FOLDER/log/munged.log" \
        --seed-file="$FOLDER/state/munge.seed" --num-threads=2
    wait_for 10 test -S "$FOLDER/run/munge.socket"
}

start_mariadbd() {
    setsid mariadbd --no-defaults --user=root --datadir="$FOLDER/database" --skip-networking \
        --socket="$FOLDER/run/mariadb.socket" --pid-file="$FOLDER/run/mariadbd.pid" \
        --log-error="$FOLDER/log/mariadbd.log" --innodb-buffer-pool-size=32M \
        --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0 \
        --innodb-lock-wait-timeout=900 >/dev/null 2>&1 &
    wait_for 60 mariadb-admin --no-defaults --socket="$FOLDER/run/mariadb.socket" ping
}

start_slurmdbd() {
    MYSQL_UNIX_PORT="$FOLDER/run/mariadb.socket" slurmdbd
    wait_for 60 sacctmgr --noheader show cluster
}

start_slurmctld() {
    slurmctld -f "$SLURM_CONF"
    wait_for 60 scontrol ping
}

start_slurmd() {
    slurmd -N node1 -f "$SLURM_CONF"
    wait_for 60 sh -c "sinfo --noheader --format=%T | grep -qE '^(idle|mixed|allocated)'"
}

is_running() {
    local file="$FOLDER/run/$1.pid"
    [ -s "$file" ] && kill -0 "$(cat "$file")" 2>/dev/null
}

start_daemon() {
    is_running "$1" && return
    "start_$1" || die "$1 did not start: see $FOLDER/log/$1.log"
}

stop_daemon() {
    is_running "$1" || return 0
    local process
    process=$(cat "$FOLDER/run/$1.pid")
    kill "$process"
    wait_for 20 sh -c "! kill -0 $process" || kill -9 "$process"
}

# Jobs outlive a stopped slurmd: only the daemons can end them.
end_jobs() {
    local daemon
    for daemon in "${DAEMONS[@]}"; do
        start_daemon "$daemon"
    done
    scancel --user=root
    wait_for 20 sh -c '[ -z "$(squeue --noheader)" ]' || true
}

# Without control groups SLURM loses sight of processes whose parent ended before them.
kill_strays() {
    local environment
    for environment in /proc/[0-9]*/environ; do
        if grep -qzxF "SLURM_CONF=$SLURM_CONF" "$environment" 2>/dev/null &&
            grep -qz "^SLURM_JOB_ID=" "$environment" 2>/dev/null; then
            kill -9 "$(basename "$(dirname "$environment")")" 2>/dev/null || true
        fi
    done
}

add_account() {
    wait_for 60 sh -c "sacctmgr --noheader show cluster | grep -q mribench"
    sacctmgr --immediate --quiet add account research >/dev/null
    sacctmgr --immediate --quiet add user root Account=research >/dev/null
}

start() {
    if [ -n "$1" ]; then
        [ -e "$FOLDER/environment.sh" ] || die "no cluster in $FOLDER: start it first"
        start_daemon "$1"
        return
    fi
    [ ! -e "$FOLDER" ] || die "$FOLDER exists already: stop that cluster or name another folder"
    configure
    local daemon
    for daemon in "${DAEMONS[@]}"; do
        start_daemon "$daemon"
        if [ "$daemon" = slurmctld ]; then
            add_account
        fi
    done
    write_environment
}

stop() {
    if [ -n "$1" ]; then
        stop_daemon "$1"
        return
    fi
    [ -e "$FOLDER" ] || return 0
    [ -e "$FOLDER/etc/slurm.conf" ] || die "$FOLDER holds no cluster"
    if [ -e "$FOLDER/environment.sh" ]; then
        end_jobs
    fi
    local position
    for ((position = ${#DAEMONS[@]} - 1; position >= 0; position--)); do
        stop_daemon "${DAEMONS[position]}"
    done
    kill_strays
    rm -rf "$FOLDER"
}

status() {
    local daemon
    for daemon in "${DAEMONS[@]}"; do
        is_running "$daemon" && echo "$daemon: running" || echo "$daemon: stopped"
    done
    sinfo --format="%P %T %c CPUs %m MB %G" || true
    squeue || true
}

action=${1:-}
[ "$#" -ge 2 ] && [[ "$action" =~ ^(start|stop|status)$ ]] || die "usage: start|stop|status FOLDER [DAEMON]"
[ "$(id -u)" -eq 0 ] || die "only root can start SLURM's daemons"
FOLDER=$(realpath -m "$2")
daemon=${3:-}
[ -z "$daemon" ] || [[ " ${DAEMONS[*]} " = *" $daemon "* ]] || die "daemons are: ${DAEMONS[*]}"
[ "${#FOLDER}" -le 80 ] || die "the path of the folder is too long for sockets: $FOLDER"
export SLURM_CONF="$FOLDER/etc/slurm.conf"
"$action" "$daemon"
