/** `docker run` in the forms that need no terminal. */
export const run = {
  'a container runs to its end': `
    docker run --rm busybox echo hello
    docker run --rm busybox sh -c 'echo out; echo err >&2; exit 3'
    echo in | docker run --rm -i busybox cat
    printf 'a\\nb\\n' | docker run --rm -i busybox wc -l
    docker run --rm busybox nosuchprogram
    docker run --rm busybox /etc
    docker run --rm nosuchimage:1 true 2>&1 | head -1
    docker run --name once busybox echo once
    docker run --name once busybox echo twice 2>&1 | sed 's/ by container.*//'
    docker ps -a --format '{{.Names}} {{.Image}} {{.Command}} {{.Status}}'
    docker logs once
    docker start -a once
    docker logs once
    docker rm once
    docker rm once
    docker run
    docker run --nosuchflag busybox
    docker run --rm -d --name gone busybox true
    docker run --name 'bad name' busybox true
    docker run --name x1 busybox true
    docker run --rm busybox sh -c 'kill -9 $$'
    docker run -a stderr --rm busybox sh -c 'echo out; echo err >&2'
    docker run --rm -i busybox sh -c 'cat; echo then' < /dev/null
    docker run --rm --cidfile cid busybox true; wc -c < cid; rm cid
    docker run --rm --pull never busybox echo here
    docker run --rm --sig-proxy=false busybox echo signals
  `,
  'what a container is given': `
    docker run --rm -e A=1 --env B=2 -w /tmp -u nobody -h here busybox sh -c 'echo $A $B; pwd; id; hostname; echo $PATH'
    docker run --rm --entrypoint echo busybox entry
    printf 'C=3\\n' > env; docker run --rm --env-file env busybox sh -c 'echo $C'
    docker run --rm --read-only --tmpfs /t busybox sh -c 'touch /x; touch /t/x && echo written'
    docker run --rm --init busybox cat /proc/1/comm
    docker run --rm -m 64m --cpus 0.5 --pids-limit 50 --shm-size 8m busybox sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/pids/pids.max; df -k /dev/shm | tail -1'
    docker run --rm --memory 64m --memory-swap 64m --memory-reservation 32m --cpu-shares 512 busybox sh -c 'cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes /sys/fs/cgroup/cpu/cpu.shares'
    docker run --rm --cap-drop ALL busybox sh -c 'grep Cap /proc/self/status; chown nobody /tmp'
    docker run --rm --cap-drop chown --cap-add NET_RAW busybox grep Cap /proc/self/status
    docker run --rm busybox grep -E 'Cap|Seccomp:|NoNewPrivs' /proc/self/status
    docker run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
    docker run --rm --ulimit nofile=77:99 busybox sh -c 'ulimit -n; ulimit -Hn'
    docker run --rm --add-host other.host:1.2.3.4 busybox grep -F other.host /etc/hosts
    docker run --rm --network none busybox ip -o addr
    docker run --rm --sysctl net.ipv4.ip_forward=0 busybox cat /proc/sys/net/ipv4/ip_forward
    docker run --rm --group-add 55 busybox id
    docker run --rm --hostname h --domainname d.e busybox hostname -f
    docker run --rm --stop-signal USR1 --stop-timeout 3 --oom-score-adj 100 busybox cat /proc/self/oom_score_adj
    docker run --rm --mac-address 02:42:ac:11:00:09 busybox cat /sys/class/net/eth0/address
    docker run --rm busybox sh -c 'ls /; ls -ld /tmp; mount | grep -c proc'
    docker run --rm busybox ls /proc/kcore /proc/sys /sys/firmware
    docker run --rm --expose 80 -P busybox true
    docker run --rm -l a=b --label-file /dev/null busybox true
    docker run --rm --platform linux/amd64 busybox true
    docker run --rm --platform linux/arm64 busybox true 2>&1 | grep -v digest | head -3
    docker run --rm --restart always busybox true
    docker run --rm -m 1m busybox true
    docker run --rm -w relative busybox true
    docker run --rm -u nosuchuser busybox true
    docker run --rm -e =x busybox true
    docker run --rm --ulimit nofile=9:5 busybox true
    docker run --rm --network nosuchnetwork busybox true
    docker run --rm --volumes-from nosuchcontainer busybox true
    docker run --rm --link nosuchcontainer:x busybox true
    docker run --rm --pid container:nosuchcontainer busybox true
    docker run --rm --network container:nosuchcontainer busybox true
    docker run --rm --memory 64m --memory-swap 32m busybox true
  `,
}
