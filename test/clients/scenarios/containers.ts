/** A container's life, and what is asked about it. */
export const containers = {
  'a container lives': `
    docker create --name c1 --init busybox sleep 1000 | wc -c
    docker ps -a --format '{{.Names}} {{.State}} {{.Status}}'
    docker start c1
    docker start c1
    docker ps --format '{{.Names}} {{.State}}'
    docker pause c1
    docker pause c1
    docker exec c1 true
    docker ps --format '{{.Names}} {{.State}} {{.Status}}' --filter status=paused
    docker unpause c1
    docker unpause c1
    docker rm c1
    docker restart -t 1 c1
    docker kill -s USR1 c1
    docker stop c1
    docker stop c1
    docker kill c1
    docker pause c1
    docker exec c1 true
    docker top c1
    docker wait c1
    docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Running}} {{.State.OOMKilled}}' c1
    docker rename c1 d1
    docker rename d1 d1
    docker rename nosuch x1
    docker rename d1 'b d1'
    docker ps -a --format '{{.Names}}'
    docker start d1
    docker update --restart on-failure:3 -m 64m --memory-swap 128m --cpus 0.5 d1
    docker inspect -f '{{.HostConfig.RestartPolicy}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}}' d1
    docker update -m 1k d1
    docker update nosuch
    docker rm -f d1 nosuch
    docker rm -f nosuch
    docker start nosuch
    docker stop nosuch
    docker restart nosuch
    docker kill nosuch
    docker pause nosuch
    docker wait nosuch
    docker logs nosuch
    docker attach nosuch
    docker top nosuch
    docker stats --no-stream nosuch
    docker port nosuch
    docker diff nosuch
    docker export nosuch
    docker cp nosuch:/x .
    docker exec nosuch true
    docker inspect nosuch
    docker container inspect nosuch
    docker kill -s NOSUCH nosuch
  `,
  'signals, waiting and exit codes': `
    docker run -d --name w1 busybox sh -c 'trap "exit 7" TERM; while :; do sleep 0.1; done' | wc -c
    docker kill -s TERM w1; docker wait w1
    docker inspect -f '{{.State.ExitCode}}' w1
    docker start w1; docker kill w1; docker wait w1
    docker run -d --name x1 busybox sh -c 'exit 5' >/dev/null; docker wait x1
    docker rm w1 x1
    docker run -d --name r1 --restart on-failure:1 busybox false >/dev/null; docker wait r1 >/dev/null; docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' r1
    docker run -d --name z1 --stop-signal USR1 busybox sh -c 'trap "exit 9" USR1; while :; do sleep 0.1; done' >/dev/null; docker stop z1; docker wait z1
    docker kill -s BOGUS z1
    docker start z1 >/dev/null; docker kill -s BOGUS z1; docker kill -s 9 z1; docker wait z1
    docker run --name t1 busybox sh -c 'exit 4'; docker start -a t1; echo $?
    docker start -ai t1 < /dev/null
    docker start t1 nosuch
    docker wait t1 z1
  `,
  'what is asked about one': `
    docker run -d --init --name q1 -e E=1 -l l=m -w /tmp -v data:/data -v /anon --tmpfs /t:size=1m --health-cmd true --health-interval 1h --memory 64m --expose 80 busybox sleep 1000 | wc -c
    docker inspect q1 | grep -vE '"(StartedAt|Pid|Id|Image)"|volumes/[0-9a-f]{64}|"Name": "[0-9a-f]{64}"|/(containers|overlay2|netns)/|Address|EndpointID|NetworkID|SandboxID|Gateway|PidsLimit|size=1m|Cgroup|DNSNames' | sort | uniq -c | grep -v '[0-9] *[][{},]*$' | sed 's/,$//'
    docker inspect -f '{{.Name}} {{.Path}} {{.Args}} {{.Platform}} {{.Driver}} {{.RestartCount}} {{.AppArmorProfile}}' q1
    docker inspect -f '{{json .Config}}' q1
    docker inspect -f '{{json .State.Health.Status}} {{len .State.Health.Log}}' q1
    docker inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Driver}} {{.Mode}} {{.RW}} {{.Propagation}}{{println}}{{end}}' q1 | sort
    docker inspect -f '{{range .Mounts}}{{if eq .Destination "/data"}}{{.Name}} {{.Source}}{{end}}{{end}}' q1
    docker inspect -f '{{json .HostConfig.Binds}} {{json .HostConfig.PortBindings}} {{json .NetworkSettings.Ports}} {{.HostConfig.NetworkMode}}' q1
    docker inspect -f '{{.NetworkSettings.IPAddress}} {{.NetworkSettings.IPPrefixLen}} {{.NetworkSettings.Gateway}}' q1
    docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}} {{json $v.Aliases}} {{json $v.Links}}{{end}}' q1
    docker inspect -f '{{.ResolvConfPath}} {{.HostnamePath}} {{.LogPath}}' q1
    docker inspect -f '{{.GraphDriver.Name}} {{.HostConfig.LogConfig}} {{.HostConfig.IpcMode}} {{.HostConfig.ShmSize}} {{.HostConfig.Runtime}} {{.HostConfig.MaskedPaths}}' q1
    docker inspect -s -f '{{.SizeRw}}' q1
    docker inspect -f '{{.NoSuchField}}' q1 2>&1 | tail -1
    docker inspect --type container q1 | head -2
    docker inspect --type network q1
    docker inspect q1 nosuch | grep -c '"Name": "/q1"'
    docker inspect $(docker ps -q | cut -c1-3) | grep -c '"Name": "/q1"'
    docker inspect $(docker ps -q --no-trunc) | grep -c '"Name": "/q1"'
    docker inspect /q1 | grep -c '"Name": "/q1"'
    docker inspect Q1
    docker top q1 -o pid,comm,args | awk '{print $2, $3, $4}'
    docker top q1 -ef | awk '{print $8}'
    docker top q1 | head -1
    docker stats --no-stream --format '{{.Name}} {{.Container}} {{.PIDs}}' q1
    docker stats --no-stream --format '{{.Name}}'
    docker stats -a --no-stream --no-trunc --format '{{.ID}}'
    docker port q1
    docker port q1 80
    docker exec q1 sh -c 'touch /new /etc/passwd; rm /bin/yes'; docker diff q1 | sort
    docker ps -s --format '{{.Names}} {{.Networks}} {{.LocalVolumes}} {{.Labels}} {{.Ports}}' | sed -E 's/[0-9a-f]{10,}…?/<volume>/g'
    docker export q1 | tar t1 | grep -cE '^(bin/busybox|etc/passwd|new)$'
    docker export -o q.tar q1; tar tf q.tar | grep -c new; rm q.tar
    docker rm -fv q1; docker volume ls -q
  `,
  'a healthcheck tells': `
    docker run -d --name h1 --health-cmd 'test -e /ok' --health-interval 500ms --health-retries 1 busybox sleep 1000 | wc -c
    eventually sh -c '[ "$(docker inspect -f {{.State.Health.Status}} h1)" = unhealthy ]'; docker ps --filter health=unhealthy --format '{{.Names}}'
    docker exec h1 touch /ok; eventually sh -c '[ "$(docker inspect -f {{.State.Health.Status}} h1)" = healthy ]'; docker ps --filter health=healthy --format '{{.Names}} {{.Status}}'
    docker ps --filter health=starting -q
    docker inspect -f '{{json .Config.Healthcheck}}' h1
    docker run -d --name n1 --no-healthcheck busybox sleep 1000 | wc -c; docker inspect -f '{{json .Config.Healthcheck}}' n1
    docker ps --filter health=none --format '{{.Names}}'
    docker rm -f h1 n1
  `,
}
