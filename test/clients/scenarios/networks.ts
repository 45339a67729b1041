/** Networks and volumes. */
export const networks = {
  'networks are made, shown and removed': `
    docker network inspect bridge -f '{{len .IPAM.Config}} {{ne (index .IPAM.Config 0).Subnet ""}} {{.Driver}} {{len .Containers}}'
    docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
    docker network create n1 | wc -c
    docker network create n1
    docker network create -d bridge --internal --label a=b -o com.docker.network.driver.mtu=1400 i1 | wc -c
    docker network create --subnet 10.77.0.0/24 --gateway 10.77.0.1 --ip-range 10.77.0.128/25 s1 | wc -c
    docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.IPv6}} {{.Labels}}'
    docker network ls -q | wc -l
    docker network ls --no-trunc | awk '{print NF}'
    docker network ls --filter name=n --format '{{.Name}}'
    docker network ls --filter name=^n1$ --format '{{.Name}}'
    docker network ls --filter driver=bridge --format '{{.Name}}'
    docker network ls --filter driver=null --format '{{.Name}}'
    docker network ls --filter type=custom --format '{{.Name}}'
    docker network ls --filter type=builtin --format '{{.Name}}'
    docker network ls --filter type=x
    docker network ls --filter scope=local --format '{{.Name}}'
    docker network ls --filter scope=swarm --format '{{.Name}}'
    docker network ls --filter label=a=b --format '{{.Name}}'
    docker network ls --filter dangling=true --format '{{.Name}}'
    docker network ls --filter dangling=false --format '{{.Name}}'
    docker network ls --filter id=$(docker network inspect -f '{{.Id}}' n1) --format '{{.Name}}'
    docker network ls --filter nosuch=1
    docker network inspect i1 -f '{{json .Options}} {{json .Labels}} {{.Internal}} {{.Attachable}} {{.Ingress}} {{.EnableIPv6}}'
    docker network inspect s1 -f '{{json .IPAM}}'
    docker network inspect n1 | grep -vE 'Created|Subnet|Gateway|"Id"'
    docker network inspect host none -f '{{.Name}} {{.Driver}} {{json .IPAM}} {{json .Options}} {{json .Labels}}'
    docker network inspect bridge -f '{{.Name}} {{.Driver}} {{json .Options}} {{json .Labels}}'
    docker network inspect nosuch
    docker network inspect $(docker network inspect -f '{{slice .Id 0 6}}' n1) -f '{{.Name}}'
    docker network create bridge
    docker network create host
    docker network create none
    docker network create default
    docker network create --subnet 10.77.0.0/24 t1
    docker network create --subnet 10.78.0.0/33 t1
    docker network create --subnet bad t1
    docker network rm nosuch
    docker network rm bridge
    docker network rm host none
    docker network rm n1 i1
    docker network prune -f --filter label=nosuch
    docker network prune -f
    docker network prune -f
    docker network ls --format '{{.Name}}'
  `,
  'containers find each other by name': `
    docker network create n1 >/dev/null; docker network create m1 >/dev/null
    docker run -d --init --name db --network n1 --network-alias database --network-alias d2 busybox sleep 1000 | wc -c
    docker run --rm --network n1 busybox sh -c 'for h in db database d2; do ping -c 1 -W 5 $h | grep -c "1 packets received"; done'
    docker run --rm --network m1 busybox ping -c 1 -W 1 db
    docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}} {{json $v.Links}} {{$v.IPPrefixLen}}{{println}}{{end}}' db
    docker network connect --alias other m1 db
    docker run --rm --network m1 busybox sh -c 'for h in db other; do ping -c 1 -W 5 $h | grep -c "1 packets received"; done'
    docker network connect m1 db
    docker network connect nosuch db
    docker network connect n1 nosuch
    docker network connect host db
    docker network connect none db
    docker network inspect n1 -f '{{range .Containers}}{{.Name}}{{end}}'
    docker network rm n1
    docker network prune -f
    docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' db
    docker network disconnect m1 db
    docker network disconnect m1 db
    docker network disconnect m1 nosuch
    docker network disconnect -f m1 nosuch
    docker network disconnect nosuch db
    docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' db
    docker run --rm --network container:db busybox hostname | wc -c
    docker run --rm --network container:db busybox ping -c 1 127.0.0.1 | grep -c '1 packets received'
    docker run --rm --network n1 --link db:linked busybox ping -c 1 -W 5 linked | grep -c '1 packets received'
    docker create --name linker --network n1 --link db:linked busybox true | wc -c; docker inspect -f '{{json .HostConfig.Links}} {{json .NetworkSettings.Networks.n1.Links}}' linker; docker rm linker
    docker network create --subnet 10.77.0.0/24 s1 >/dev/null; docker run --rm --network s1 --ip 10.77.0.9 busybox ip -o -4 addr show eth0 | awk '{print $4}'
    docker run --rm --network n1 --ip 1.2.3.4 busybox true
    docker run --rm --ip 10.200.0.9 busybox true
    docker run --rm --network n1 --mac-address 02:42:00:00:00:07 busybox cat /sys/class/net/eth0/address
    docker run -d --init --name late busybox sleep 1000 | wc -c
    docker network disconnect bridge late; docker network connect n1 late; docker exec late ping -c 1 -W 5 db | grep -c '1 packets received'
    docker network connect bridge late; docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' late
    docker run --rm --network n1 busybox cat /etc/resolv.conf | grep nameserver
    docker run --rm --network n1 --dns-search x.y --dns-option ndots:2 busybox grep -E '^(search|options)' /etc/resolv.conf
    docker rename db db2; docker network inspect n1 -f '{{range .Containers}}{{.Name}} {{end}}' | tr ' ' '\\n' | sort
    docker stop late; docker rename late later; docker start later; docker run --rm --network n1 busybox ping -c 1 -W 5 later | grep -c '1 packets received'
    docker rm -f db2 later; docker network rm n1 m1 s1
  `,
  'volumes are made, shared and removed': `
    docker volume create v1
    docker volume create v1
    docker volume create --label a=b --name w1 2>&1 | tail -1
    docker volume create --label a=b w2
    docker volume create | wc -c
    docker volume create a
    docker volume create 'b d'
    docker volume create .x
    docker volume create -d nosuch x1 2>&1 | head -0
    docker volume inspect v1 | grep -v CreatedAt
    docker volume inspect w2 -f '{{.Name}} {{.Driver}} {{.Mountpoint}} {{json .Labels}} {{json .Options}} {{.Scope}}'
    docker volume inspect nosuch
    docker volume ls -q | grep -v '.\\{64\\}'
    docker volume ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels}} {{.Mountpoint}}' | grep -v '[0-9a-f]\\{64\\}'
    docker volume ls -q --filter name=v
    docker volume ls -q --filter 'name=^w'
    docker volume ls -q --filter label=a
    docker volume ls -q --filter label=a=c
    docker volume ls -q --filter driver=local --filter name=v
    docker volume ls -q --filter dangling=true --filter name=v
    docker volume ls -q --filter dangling=false
    docker volume ls -q --filter dangling=x
    docker volume ls --filter nosuch=1
    docker run --rm -v v1:/d busybox sh -c 'echo kept > /d/f'
    docker run --rm -v v1:/d:ro busybox sh -c 'cat /d/f; touch /d/g'
    docker run --rm --mount type=volume,src=v1,dst=/d busybox cat /d/f
    docker run --rm --mount type=volume,src=made,dst=/d,volume-label=x=y busybox true; docker volume inspect made -f '{{json .Labels}}'
    docker run --rm --mount type=tmpfs,dst=/d,tmpfs-size=1m busybox df -k /d | tail -1
    docker run --rm --mount type=volume,dst=/d busybox sh -c 'touch /d/x && ls /d'
    docker run --rm --mount type=nosuch,src=v1,dst=/d busybox true
    docker run --rm --mount type=volume,src=v busybox true
    docker run --rm -v v1:relative busybox true
    docker run --rm -v v1:/ busybox true
    docker run --rm -v v1:/d:badmode busybox true
    docker run --rm -v v1:/d -v v1:/d busybox true
    docker run --rm -v bin:/bin2 -v v1:/v busybox ls /v
    docker run --rm -v fromimage:/etc busybox cat /etc/group; docker run --rm -v fromimage:/x busybox ls /x
    docker run --rm -v nocopy:/etc:nocopy busybox sh -c 'ls /etc | wc -l'
    docker run -d --init --name donor -v v1:/d -v /anon busybox sleep 1000 | wc -c
    docker run --rm --volumes-from donor busybox sh -c 'cat /d/f; touch /anon/x'; docker exec donor ls /anon
    docker run --rm --volumes-from donor:ro busybox touch /d/x
    docker volume rm v1
    docker volume ls -q --filter dangling=false --filter name=v
    docker rm -fv donor
    docker volume rm v1 w2
    docker volume rm nosuch
    docker volume rm -f nosuch
    docker volume prune -f | tail -1 | cut -d: -f1
    docker volume ls -q
    docker volume prune -f --filter label=nosuch
  `,
}
