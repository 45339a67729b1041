/** What is asked about the engine as a whole. */
export const system = {
  'the engine tells of itself': `
    docker version --format '{{.Server.Version}} {{.Server.APIVersion}} {{.Server.Os}} {{.Server.Arch}} {{.Server.GoVersion}} {{.Server.Experimental}}'
    docker version | grep -vE 'Built|minimum'
    docker info --format '{{.Containers}} {{.ContainersRunning}} {{.Images}} {{.Driver}} {{.CgroupVersion}} {{.CgroupDriver}} {{.OSType}} {{.Architecture}} {{.OperatingSystem}} {{.KernelVersion}} {{.ServerVersion}}'
    docker info --format '{{.LoggingDriver}} {{.IndexServerAddress}} {{.Swarm.LocalNodeState}} {{.DefaultRuntime}} {{.ExperimentalBuild}} {{.LiveRestoreEnabled}} {{.Isolation}}'
    docker info --format '{{.MemoryLimit}} {{.SwapLimit}} {{.PidsLimit}} {{.CPUShares}} {{.CPUSet}} {{.IPv4Forwarding}} {{.OomKillDisable}} {{.Debug}} {{.DockerRootDir}} {{json .SecurityOptions}}'
    docker run -d --init --name one -v vol:/v busybox sh -c 'echo x > /v/f; sleep 1000' | wc -c; docker create --name two busybox true | wc -c; docker run -d --init --name three busybox sleep 1000 | wc -c; docker pause three
    docker info --format '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}'
    docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'
    docker system df -v --format '{{range .Containers}}{{.Names}} {{.Image}} {{.LocalVolumes}} {{end}}{{range .Images}}{{.Repository}} {{.Containers}} {{end}}{{range .Volumes}}{{.Name}} {{.Links}} {{end}}'
    docker system df -v | grep -E 'vol|one|busybox' | awk '{print $1, $2}'
    docker unpause three; docker rm -f one three
    docker system prune -f | grep -vE '^[0-9a-f]{64}$|^Total'
    docker ps -aq | wc -l; docker volume ls -q
    docker tag busybox tagged; docker system prune -af --volumes | grep -vE '^(deleted|untagged): sha256|^[0-9a-f]{64}$|^Total' | sort
    docker images -q | wc -l; docker volume ls -q | grep -v vol
    docker system prune -af
    docker login -u x -p y nosuch.invalid 2>&1 | tail -1 | cut -c1-40
    docker plugin ls
    docker node ls
    docker service ls
    docker secret ls
    docker stack ls
    docker plugin install -D --grant-all-permissions nosuch.invalid/x 2>&1 | head -0
    docker checkpoint ls x 2>&1 | head -0
    docker builder prune -f
    docker context ls --format '{{.Name}}' | head -1
  `,
  'events tell what happens': `
    S=$(date +%s); docker create --name ev -l a=b busybox sh -c 'exit 2' >/dev/null; docker start -a ev; docker rename ev ev2; docker rm ev2 >/dev/null; docker events --since $S --until $(date +%s).999999999 --filter type=container --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.image}} {{.Actor.Attributes.exitCode}} {{.Actor.Attributes.a}}'
    S=$(date +%s); docker network create evn >/dev/null; docker run --rm --name ev --network evn busybox true; docker network rm evn; docker events --since $S --until $(date +%s).999999999 --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}' --filter type=network
    S=$(date +%s); docker run --rm --name ev -v evv:/d busybox true; docker volume rm evv; docker events --since $S --until $(date +%s).999999999 --filter type=volume --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.driver}} {{.Actor.Attributes.destination}}'
    S=$(date +%s); docker tag busybox evi; docker rmi evi >/dev/null; docker events --since $S --until $(date +%s).999999999 --filter type=image --format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'
    S=$(date +%s); docker run --rm --name ev1 busybox true; docker run --rm --name ev2 -l c=d busybox true; docker events --since $S --until $(date +%s).999999999 --filter container=ev1 --filter event=create --format '{{.Action}} {{.Actor.Attributes.name}}'; docker events --since $S --until $(date +%s).999999999 --filter label=c=d --filter event=die --format '{{.Action}} {{.Actor.Attributes.name}}'; docker events --since $S --until $(date +%s).999999999 --filter image=busybox --filter event=start --format '{{.Action}} {{.Actor.Attributes.name}}'
    S=$(date +%s); docker run -d --init --name ev busybox sleep 1000 >/dev/null; docker exec ev true; docker pause ev >/dev/null; docker unpause ev >/dev/null; docker stop ev >/dev/null; docker rm ev >/dev/null; docker events --since $S --until $(date +%s).999999999 --filter container=ev --format '{{.Type}} {{.Action}}' | grep -v '^network'
    docker events --since x
    docker events --since 2020-01-01 --until 2020-01-02 --filter nosuch=1
    docker events --since 2020-01-01 --until 2020-01-02
    docker events --since 1h --until 1h
    (docker events --filter type=container --filter event=create --format '{{.Actor.Attributes.name}}' > live & echo $! > pid); eventually sh -c 'docker rm -f ev9; docker create --name ev9 busybox && grep ev9 live'; sort -u live; kill $(cat pid); docker rm ev9
  `,
}
