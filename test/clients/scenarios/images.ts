/** Images, without a registry; those are tested apart. */
export const images = {
  'images are listed, tagged and removed': `
    docker images
    docker images -q | wc -l
    docker images --format '{{.Repository}} {{.Tag}} {{.Size}}'
    docker tag busybox app
    docker tag busybox app:v1
    docker tag busybox registry.example:5000/team/app:v2
    docker tag busybox Upper
    docker tag nosuch x
    docker tag busybox app:bad:tag
    docker tag $(docker images -q busybox:latest) byid
    docker images --format '{{.Repository}}:{{.Tag}}' | sort
    docker images app --format '{{.Repository}}:{{.Tag}}' | sort
    docker images app:v1 --format '{{.Repository}}:{{.Tag}}'
    docker images nosuch
    docker images 'registry.example:5000/*/*' --format '{{.Repository}}:{{.Tag}}'
    docker images --filter reference='app*' --format '{{.Repository}}:{{.Tag}}' | sort
    docker images --filter reference='*:v1' --format '{{.Repository}}:{{.Tag}}'
    docker images --filter dangling=true -q
    docker images --filter dangling=x
    docker images --filter label=a
    docker images --filter before=app:v1 -q
    docker images --filter since=nosuch
    docker images --filter nosuch=1
    docker images --no-trunc -q | wc -c
    docker images --digests --format '{{.Repository}} {{.Digest}}' | sort
    docker images -a --format '{{.Repository}}:{{.Tag}}' | sort
    docker inspect -f '{{json .RepoTags}}' busybox | tr ',' '\\n' | tr -d '[]' | sort
    docker inspect -f '{{json .RepoDigests}} {{.Os}} {{.Architecture}} {{json .Config.Cmd}} {{json .Config.Env}} {{.RootFS.Type}} {{len .RootFS.Layers}}' app
    docker inspect -f '{{.Id}}' app | wc -c
    docker image inspect nosuch
    docker image inspect app nosuch -f '{{.Os}}'
    docker image inspect $(docker images -q app:v1 | cut -c1-5) -f '{{.Os}}'
    docker history busybox --format '{{.CreatedBy}} {{.Size}} {{.Comment}}'
    docker history -q busybox
    docker history nosuch
    docker rmi app:v1
    docker rmi app:v1
    docker rmi nosuch
    docker rmi byid app | grep -c Untagged
    docker run --name user busybox true; docker rmi registry.example:5000/team/app:v2 | grep -c Untagged
    docker tag busybox keep; docker rmi $(docker images -q busybox) 2>&1 | sed 's/image [0-9a-f]*//g'
    docker rmi keep
    docker rmi busybox 2>&1 | sed -E 's/container [0-9a-f]+/container/; s/image [0-9a-f]+/image/'
    docker rm user
    docker image prune -f
    docker image prune -af --filter until=24h
    docker images --format '{{.Repository}}:{{.Tag}}'
  `,
  'images travel as archives': `
    docker run --name made busybox sh -c 'echo made > /made'; docker export made | docker import -c 'LABEL a=b' -c 'ENV X=y' -m 'a message' - made:1 | cut -c1-7
    docker rm made; docker run --rm made:1 sh -c 'cat /made; echo $X' 2>&1 | tail -2
    docker history made:1 --format '{{.Comment}} {{.CreatedBy}}'
    docker images --filter label=a=b --format '{{.Repository}}:{{.Tag}}'
    docker images --filter since=busybox --format '{{.Repository}}:{{.Tag}}'
    docker images --filter before=made:1 --format '{{.Repository}}:{{.Tag}}'
    echo bad | docker import - bad 2>&1 | cut -c1-60
    docker import nosuchfile x
    docker import -c 'RUN x' - x < /dev/null
    tar c --files-from /dev/null | docker import - empty | cut -c1-7
    docker images empty --format '{{.Size}}'
    tar c --files-from /dev/null | docker import - | cut -c1-7
    docker images --filter dangling=true --format '{{.Repository}}:{{.Tag}}'
    docker image prune -f | sed -E 's/sha256:[0-9a-f]+/<id>/' | head -3
    docker rmi made:1 empty | grep -c Untagged
    docker run --rm made:1 true 2>&1 | head -1
    docker search nosuchterm 2>&1 | head -0
    docker pull Upper
    docker pull nosuch.invalid/x 2>&1 | cut -c1-60
    docker logout
  `,
}
