/** Work inside a running container: exec, logs, copies. */
export const inside = {
  'exec in its forms': `
    docker run -d --init --name c1 -e A=1 busybox sleep 1000 | wc -c
    docker exec c1 echo hello
    docker exec c1 sh -c 'echo out; echo err >&2; exit 3'
    echo in | docker exec -i c1 cat
    printf 'a\\nb\\n' | docker exec -i c1 wc -l
    head -c 300000 /dev/zero | docker exec -i c1 wc -c
    docker exec c1 head -c 300000 /dev/zero | wc -c
    docker exec -e B=2 -w /tmp -u nobody c1 sh -c 'echo $A $B; pwd; id -un'
    docker exec -d c1 sh -c 'touch /made'; eventually docker exec c1 test -e /made; echo made
    docker exec c1 nosuchprogram
    docker exec -w /nosuch c1 true
    docker exec -u nosuch c1 true
    docker exec c1
    docker exec
    docker exec -i c1 cat < /dev/null
    docker exec c1 sh -c 'kill -9 $$'
    docker exec --env-file /dev/null c1 true
    docker exec c1 sh -c 'cat /proc/1/cmdline | tr "\\0" " "'
    docker inspect -f '{{json .ExecIDs}}' c1
    docker rm -f c1
  `,
  'logs in their forms': `
    docker run --name l1 busybox sh -c 'for i in 1 2 3; do echo out $i; done'
    docker run --name e1 busybox sh -c 'echo err >&2'
    docker logs l1
    docker logs e1
    docker logs e1 2>/dev/null
    docker logs --tail 1 l1
    docker logs --tail 0 l1
    docker logs --tail all l1
    docker logs --tail x l1
    docker logs -n 2 l1
    docker logs -t l1
    docker logs --since 1h l1
    docker logs --until 1h l1
    docker logs --since 2020-01-01T00:00:00 --until 2020-01-02 l1
    docker logs --since x l1
    docker logs --details l1
    docker logs -f l1
    docker run -d --name f1 busybox sh -c 'for i in 1 2 3; do echo $i; sleep 0.2; done' | wc -c
    docker logs -f f1
    docker logs -f --tail 1 f1
    docker run --name n1 --log-driver none busybox echo x; docker logs n1
    docker run --name m1 --log-opt max-size=1m --log-opt max-file=2 busybox echo x; docker logs m1; docker inspect -f '{{json .HostConfig.LogConfig}}' m1
    docker run --name o1 --log-driver local busybox echo x; docker logs o1
    docker run --name p1 -l a=b --log-opt labels=a --log-opt env=B -e B=1 busybox echo x; docker logs --details p1
    docker rm l1 e1 f1 n1 m1 o1 p1
  `,
  'files go in and out': `
    docker run -d --init --name c1 busybox sh -c 'mkdir -p /d/e; echo one > /d/one; ln -s one /d/link; ln -s /d /dlink; sleep 1000' | wc -c
    eventually docker exec c1 test -L /dlink
    echo local > file; docker cp file c1:/tmp/; docker exec c1 cat /tmp/file
    docker cp file c1:/tmp/renamed; docker exec c1 cat /tmp/renamed
    docker cp file c1:/nosuch/; docker cp file c1:/nosuch/x
    docker cp c1:/d/one out; cat out
    docker cp c1:/d/one - | tar tv | awk '{print $1, $2, $3, $6}'
    docker cp c1:/d out-d; find out-d | sort; readlink out-d/link
    docker cp c1:/d/. out-dot; find out-dot | sort
    docker cp c1:/d/link out-link; readlink out-link
    docker cp -L c1:/d/link out-followed; cat out-followed
    docker cp c1:/dlink out-dlink; readlink out-dlink
    docker cp -L c1:/dlink out-dl; find out-dl | sort
    docker cp c1:/nosuch .
    docker cp c1:/d/one /nosuchdir/x
    docker cp nosuchfile c1:/
    docker cp out-d c1:/copied; docker exec c1 find /copied
    docker cp out-d/. c1:/tmp; docker exec c1 ls /tmp
    tar c1 file out | docker cp - c1:/tmp; docker exec c1 ls /tmp
    echo notar | docker cp - c1:/tmp
    tar c1 file | docker cp - c1:/tmp/file
    docker cp -a file c1:/tmp/owned; docker exec c1 stat -c %u /tmp/owned
    chmod 751 file; docker cp file c1:/tmp/mode; docker exec c1 stat -c %a /tmp/mode
    docker cp file c1:/dlink; docker exec c1 cat /d/file
    docker cp c1:/proc/version - | wc -c
    docker cp c1:/etc/hostname - | tar xO | wc -c
    head -c 3000000 /dev/urandom > big; docker cp big c1:/big; docker cp c1:/big back; cmp big back; docker exec c1 stat -c %s /big
    docker stop c1; docker cp c1:/d/one stopped; cat stopped; docker cp file c1:/later; docker start c1; docker exec c1 cat /later
    docker cp c1:/ / 2>&1 | head -0; docker cp c1:x
    docker create --name n1 -v vv:/v busybox true >/dev/null; docker cp file n1:/v/; docker run --rm -v vv:/v busybox cat /v/file
    docker diff c1 | sort
    rm -rf file out* big back stopped
    docker rm -fv c1 n1
  `,
}
