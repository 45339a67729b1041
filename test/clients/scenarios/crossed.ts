/** A little of everything, for clients of another version than the engine's. */
export const crossed = {
  'a client of another version': `
    docker version --format '{{.Client.APIVersion}} {{.Server.Version}}'
    docker run --rm busybox sh -c 'echo out; echo err >&2; exit 3'
    echo in | docker run --rm -i busybox cat
    pty 30x90 'see:/ # ' 'type:stty size; exit 4\\n' -- docker run --rm -it busybox
    docker network create net | wc -c
    docker volume create vol; docker volume inspect vol -f '{{json .Labels}} {{json .Options}}'
    docker run -d --init --name box --network net -v vol:/data -p 80 --health-cmd true -l a=b -m 64m busybox sleep 1000 | wc -c
    docker ps --format '{{.Names}} {{.Image}} {{.Command}} {{.Networks}} {{.Mounts}} {{.Label "a"}}'
    docker inspect -f '{{.Name}} {{.Config.Image}} {{.HostConfig.NetworkMode}} {{.HostConfig.Memory}} {{json .HostConfig.Binds}} {{json .HostConfig.LogConfig}}' box
    docker inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{$net.IPAddress}}{{end}}' box
    docker exec box echo hello; echo in | docker exec -i box cat; docker exec box nosuchprogram
    docker cp box:/etc/group - | tar t; echo x > file; docker cp file box:/data; docker exec box cat /data/file
    docker logs box; docker top box -o pid,comm | awk '{print $2}'; docker stats --no-stream --format '{{.Name}}' box
    docker run --rm --network net busybox ping -c 1 -W 5 box | grep -c '1 packets received'
    docker pause box; docker unpause box; docker rename box crate; docker update -m 32m --memory-swap 64m crate; docker restart -t 1 crate
    docker stop crate; docker start crate; docker kill crate; docker wait crate; docker diff crate | sort
    docker tag busybox mine:v1; docker images --format '{{.Repository}}:{{.Tag}}' | sort; docker rmi mine:v1
    docker info --format '{{.Containers}} {{.Images}}'; docker system df --format '{{.Type}} {{.TotalCount}}'
    docker rm -v crate; docker network rm net; docker volume rm vol
    docker inspect nosuch; docker rm nosuch; docker rmi nosuch; docker network rm nosuch; docker volume rm nosuch; docker kill nosuch; docker exec nosuch true
    docker ps --filter nosuch=1; docker ps --filter status=nosuch
    docker system prune -f | tail -1
  `,
}
