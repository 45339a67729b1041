/** Lists and their filters. */
export const ps = {
  'containers are found by every filter': `
    docker create --name a1 -l role=db -l x busybox true >/dev/null
    docker run -d --name b1 -l role=web -v data:/data --expose 90 busybox sleep 1000 >/dev/null
    docker run --name ab -l role=web busybox sh -c 'exit 3'
    docker network create n1 >/dev/null; docker run -d --name c1 --network n1 --volumes-from b1 busybox sleep 1000 >/dev/null
    docker ps --format '{{.Names}}'
    docker ps -a --format '{{.Names}}'
    docker ps -aq | wc -l
    docker ps -a | sed 1q
    docker ps -l --format '{{.Names}}'
    docker ps -n 2 --format '{{.Names}}'
    docker ps -n -1 --format '{{.Names}}'
    docker ps -a --filter name=a --format '{{.Names}}'
    docker ps -a --filter name=^a1$ --format '{{.Names}}'
    docker ps -a --filter name=^/a1$ --format '{{.Names}}'
    docker ps -a --filter 'name=^/?a(b|1)?$' --format '{{.Names}}'
    docker ps -a --filter name='[' --format '{{.Names}}'
    docker ps -a --filter name=a --filter name=c --format '{{.Names}}'
    docker ps -a --filter id=$(docker inspect -f '{{.Id}}' ab) --format '{{.Names}}'
    docker ps -a --filter id=$(docker inspect -f '{{slice .Id 0 5}}' ab) --format '{{.Names}}'
    docker ps -a --filter id=zzz --format '{{.Names}}'
    docker ps -a --filter label=x --format '{{.Names}}'
    docker ps -a --filter label=role=web --format '{{.Names}}'
    docker ps -a --filter label=role=web --filter label=x --format '{{.Names}}'
    docker ps -a --filter status=exited --format '{{.Names}}'
    docker ps --filter status=created --filter status=running --format '{{.Names}}'
    docker ps --filter status=nosuch
    docker ps -a --filter exited=3 --format '{{.Names}}'
    docker ps -a --filter exited=x
    docker ps -a --filter ancestor=busybox --format '{{.Names}}'
    docker ps -a --filter ancestor=busybox:latest --filter status=running --format '{{.Names}}'
    docker ps -a --filter ancestor=$(docker images -q busybox) --format '{{.Names}}'
    docker ps -a --filter ancestor=nosuch --format '{{.Names}}'
    docker ps -a --filter before=ab --format '{{.Names}}'
    docker ps -a --filter since=ab --format '{{.Names}}'
    docker ps -a --filter since=nosuch
    docker ps -a --filter before=nosuch
    docker ps -a --filter volume=data --format '{{.Names}}'
    docker ps -a --filter volume=/data --format '{{.Names}}'
    docker ps -a --filter volume=nosuch --format '{{.Names}}'
    docker ps -a --filter network=n1 --format '{{.Names}}'
    docker ps -a --filter network=$(docker network inspect -f '{{.Id}}' n1) --format '{{.Names}}'
    docker ps -a --filter network=bridge --format '{{.Names}}'
    docker ps -a --filter network=nosuch --format '{{.Names}}'
    docker ps -a --filter expose=90 --format '{{.Names}}'
    docker ps -a --filter expose=80-100/tcp --format '{{.Names}}'
    docker ps -a --filter publish=90 --format '{{.Names}}'
    docker ps -a --filter publish=x
    docker ps -a --filter is-task=true --format '{{.Names}}'
    docker ps -a --filter is-task=false --format '{{.Names}}'
    docker ps -a --filter health=none --format '{{.Names}}'
    docker ps -a --filter isolation=default --format '{{.Names}}'
    docker ps -a --filter nosuch=1
    docker ps -a --filter nosuch
    # CLI 20.10 tells labels in any order.
    docker ps -a --format '{{json .}}' | sed -E -e 's/"(CreatedAt|RunningFor|Status|Size|ID)":"[^"]*"/"\\1"/g' -e 's/x=,role=db/role=db,x=/'
    docker ps -a --format 'table {{.Names}}\\t{{.Image}}\\t{{.Networks}}\\t{{.Mounts}}\\t{{.LocalVolumes}}'
    docker container ls -aq --filter name=b | wc -l
    docker container prune -f --filter label=x | sed 's/^Total.*//'
    docker container prune -f --filter label!=role=web
    docker container prune -f --filter until=1h
    docker container prune -f --filter nosuch=1
    docker container prune -f
    docker container prune -f
    docker ps -a --format '{{.Names}} {{.State}}'
  `,
}
