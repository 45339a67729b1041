/** Terminals and attached streams. `pty` is the program in pty.py. */
export const terminal = {
  'a container is on a terminal': `
    pty 30x90 'see:/ # ' 'type:stty size\\n' 'see:30 90' 'type:tty; exit 3\\n' -- docker run --rm -it busybox
    pty 30x90 'see:/ # ' 'size:41x71' 'type:until [ "$(stty size)" = "41 71" ]; do sleep 0.1; done; echo resi""zed\\n' 'see:resized' 'type:exit\\n' -- docker run --rm -it busybox
    pty 24x80 'see:/ # ' 'type:\\x10\\x11' -- docker run -it --name detached busybox
    docker inspect -f '{{.State.Running}} {{.Config.Tty}} {{.Config.OpenStdin}}' detached
    pty 24x80 'type:echo o""k\\n' 'see:ok' 'type:\\x10\\x11' -- docker attach detached
    pty 24x80 'type:echo o""k\\n' 'see:ok' 'type:ab' -- docker attach --detach-keys a,b detached
    docker attach detached < /dev/null
    docker exec -t detached tty
    docker exec -it detached tty
    pty 33x77 'see:/ # ' 'type:stty size; exit 4\\n' -- docker exec -it detached sh
    pty 33x77 'see:/ # ' 'type:\\x10\\x11' -- docker exec -it detached sh
    pty 24x80 'type:exit 5\\n' -- docker attach detached
    docker wait detached; docker logs detached | grep -c ok; docker rm detached
    pty 24x80 'see:/ # ' 'type:exit\\n' -- docker start -ai $(docker create -it --name again busybox)
    docker rm again
    pty 24x80 'see:run' 'type:\\x03' -- docker run --rm --init busybox sh -c 'echo run; sleep 1000'
    pty 24x80 'see:run' 'type:\\x03' -- docker run --rm -t busybox sh -c 'trap "echo caught; exit 9" INT; echo run; while :; do sleep 0.1; done'
    docker run --rm -t busybox tty
    docker run -it busybox true
    echo x | docker run --rm -it busybox cat
    docker run -dit --name dit busybox | wc -c; docker exec dit ps -o comm | head -2; docker rm -f dit
  `,
  'streams are attached to': `
    docker run -d --name out busybox sh -c 'until [ -e /go ]; do sleep 0.1; done; echo out; echo err >&2; exit 6' | wc -c
    (docker attach --no-stdin out > attached 2>&1; echo $? >> attached) & eventually docker exec out true; sleep 1; docker exec out touch /go; wait; sort attached
    docker logs out 2>&1 | sort; docker rm out
    docker create -i --name in busybox sh -c 'cat; echo end' >/dev/null; echo typed | docker start -ai in
    docker rm in
    docker run -d --init --name sig busybox sh -c 'trap "exit 8" USR1; echo run; while :; do sleep 0.1; done' | wc -c; eventually sh -c 'docker logs sig | grep run'
    docker attach sig > /dev/null 2>&1 & P=$!; eventually sh -c "docker inspect -f {{.State.Status}} sig | grep running && kill -USR1 $P && sleep 1 && docker inspect -f {{.State.Status}} sig | grep exited"; docker wait sig; docker rm -f sig
    docker run --rm --init busybox sh -c 'trap "exit 8" TERM; echo run; while :; do sleep 0.1; done' > o & P=$!; eventually grep run o; kill -TERM $P; wait $P; echo $?
    docker attach nosuch
    docker create --name new busybox true >/dev/null; docker attach new; docker rm new
    docker run -d --init --name paused busybox sleep 1000 >/dev/null; docker pause paused >/dev/null; docker attach paused; docker rm -f paused
    head -c 2000000 /dev/zero | docker run --rm -i busybox sh -c 'wc -c; head -c 2000000 /dev/zero' | wc -c
    docker run --rm -i busybox sh -c 'cat >/dev/null; echo a; echo b >&2' < /dev/null
  `,
}
