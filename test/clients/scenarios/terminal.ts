/** Terminals and attached streams. `pty` is the program on-terminal.py. */
export const terminal = {
  'a container is on a terminal': `
    pty 30x90 'see:/ # ' 'type:stty size\\n' 'see:30 90' 'type:tty; exit 3\\n' 'see:/dev/pts/0' -- docker run --rm -it busybox
    pty 30x90 'see:/ # ' 'size:41x71' 'type:until [ "$(stty size)" = "41 71" ]; do sleep 0.1; done; echo resi""zed\\n' 'see:resized' 'type:exit\\n' -- docker run --rm -it busybox
    pty 24x80 'see:/ # ' 'type:\\x10\\x11' -- docker run -it --name detached busybox
    docker inspect -f '{{.State.Running}} {{.Config.Tty}} {{.Config.OpenStdin}}' detached
    pty 24x80 'type:echo o""k\\n' 'see:ok' 'type:\\x10\\x11' 'see:read escape sequence' -- docker attach detached
    pty 24x80 'type:echo o""k\\n' 'see:ok' 'type:ab' 'see:read escape sequence' -- docker attach --detach-keys a,b detached
    docker attach detached < /dev/null
    docker exec -t detached sh -c 'tty | cut -c1-8'
    docker exec -it detached tty
    pty 33x77 'see:/ # ' 'type:until [ "$(stty size)" = "33 77" ]; do sleep 0.1; done; exit 4\\n' -- docker exec -it detached sh
    pty 33x77 'see:/ # ' 'type:\\x10\\x11' 'see:read escape sequence' -- docker exec -it detached sh
    pty 24x80 'type:exit 5\\n' -- docker attach detached
    docker wait detached; docker logs detached | grep -c '^ok'; docker rm detached
    pty 24x80 'see:/ # ' 'type:exit\\n' -- docker start -ai $(docker create -it --name again busybox)
    docker rm again
    pty 24x80 'see:run' 'type:\\x03' -- docker run --rm --init busybox sh -c 'echo run; sleep 1000'
    pty 24x80 'see:run' 'type:\\x03' 'see:caught' -- docker run --rm -t busybox sh -c 'trap "echo caught; exit 9" INT; echo run; while :; do sleep 0.1; done'
    docker run --rm -t busybox tty
    docker run -it busybox true
    echo x | docker run --rm -it busybox cat
    docker run -dit --name dit busybox | wc -c; docker exec dit ps -o comm | head -2; docker rm -f dit
  `,
  'streams are attached to': `
    docker run -d --name out busybox sh -c 'until [ -e /go ]; do echo tick; sleep 0.1; done; echo out; echo err >&2; exit 6' | wc -c
    (docker attach --no-stdin out > attached 2>&1; echo $? >> attached) & eventually grep tick attached; docker exec out touch /go; wait; grep -v tick attached | sort
    docker logs out 2>&1 | sort -u; docker rm out
    docker create -i --name in busybox sh -c 'cat; echo end' >/dev/null; echo typed | docker start -ai in
    docker rm in
    docker run -d --init --name sig busybox sh -c 'trap "exit 8" USR1; while :; do echo run; sleep 0.1; done' | wc -c
    docker attach sig > said 2>/dev/null & P=$!; eventually grep run said; kill -USR1 $P; wait $P; echo $?; docker wait sig; docker rm -f sig
    docker run --rm --init busybox sh -c 'trap "exit 8" TERM; while :; do echo run; sleep 0.1; done' > said & P=$!; eventually grep run said; kill -TERM $P; wait $P; echo $?
    docker attach nosuch
    docker create --name new busybox true >/dev/null; docker attach new; docker rm new
    docker run -d --init --name paused busybox sleep 1000 >/dev/null; docker pause paused >/dev/null; docker attach paused; docker rm -f paused
    head -c 2000000 /dev/zero | docker run --rm -i busybox sh -c 'wc -c; head -c 2000000 /dev/zero' | wc -c
    docker run --rm -i busybox sh -c 'cat >/dev/null; echo a; echo b >&2' < /dev/null
  `,
}
