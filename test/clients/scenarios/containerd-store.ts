/** What differs with containerd's image store, by the CLI of the engine's version. $REGISTRY is a registry of the world's own. */
export const containerdStore = {
  'a build is tagged, pushed, pulled, saved, loaded and removed': `
    docker info -f '{{json .DriverStatus}}'
    printf 'FROM busybox\\nRUN echo one > /one\\nLABEL made=here\\n' > Dockerfile
    docker build -q -t app . | wc -c
    docker run --rm app cat /one
    docker image inspect app -f '{{.RepoTags}} {{.Os}}/{{.Architecture}} {{json .Config.Labels}} {{len .RootFS.Layers}} {{json .Config.Cmd}}'
    test "$(docker image inspect app -f '{{.Id}}')" = "$(docker images -q --no-trunc app)" && echo same
    docker history app --format '{{.CreatedBy}} {{.Comment}}'
    docker tag app $REGISTRY/team/app:1
    docker push -q $REGISTRY/team/app:1
    docker image inspect $REGISTRY/team/app:1 -f '{{.RepoTags}} {{.RepoDigests}}' | grep -o "$REGISTRY/team/app@"
    docker rmi $REGISTRY/team/app:1 | grep -c app:1
    docker pull -q $REGISTRY/team/app:1
    docker pull -q $REGISTRY/team/app:nosuch
    docker images --format '{{.Repository}}:{{.Tag}}' | sort
    test "$(docker images -q app)" = "$(docker images -q $REGISTRY/team/app)" && echo same
    docker save app $REGISTRY/team/app:1 -o both.tar
    tar -xOf both.tar manifest.json | tr , '\\n' | grep -A1 RepoTags
    docker rmi -f $(docker images -q app) | grep -c Untagged.*app:
    docker images app
    docker run --pull never --rm app
    docker load -q -i both.tar | sort
    docker run --rm $REGISTRY/team/app:1 cat /one
    docker rmi app $REGISTRY/team/app:1 | grep -c app:
    docker rmi nosuch`,

  'an image is pushed by its build': `
    printf 'FROM busybox\\nRUN echo pushed > /pushed\\n' > Dockerfile
    docker buildx build -q --push -t $REGISTRY/ci/app:1 -t $REGISTRY/ci/app:latest . | wc -c
    docker images --format '{{.Repository}}:{{.Tag}}' | sort
    docker rmi $REGISTRY/ci/app:1 $REGISTRY/ci/app:latest | grep -c app:
    docker run --rm $REGISTRY/ci/app:1 cat /pushed 2>/dev/null
    docker image inspect $REGISTRY/ci/app:1 -f '{{.RepoTags}}'
    docker buildx build --push -q .
    docker buildx build --progress plain --metadata-file told --output type=image,name=$REGISTRY/ci/other,push=true . 2>&1 | grep -oE 'pushing (layers|manifest for)' | sort -u
    docker pull -q $REGISTRY/ci/other@$(grep -o '"containerimage.digest": "sha256:[0-9a-f]*"' told | cut -d '"' -f 4) | cut -d @ -f 1
    grep -o '"image.name": ".*"' told
    docker buildx build --push -t 127.0.0.1:1/nobody/app . 2>&1 | grep -o 'failed to push 127.0.0.1:1/nobody/app' | sort -u
    docker buildx build -q --push --provenance=mode=max -t $REGISTRY/ci/proven . | wc -c
    docker rmi -f $(docker images -q) > /dev/null
    docker pull -q $REGISTRY/ci/proven && docker run --rm $REGISTRY/ci/proven cat /pushed`,

  'platforms are built, pulled and saved beside each other': `
    printf 'FROM scratch\\nARG TARGETARCH\\nCOPY file-$TARGETARCH /file\\n' > Dockerfile
    echo amd > file-amd64; echo arm > file-arm64
    docker buildx build -q --platform linux/amd64,linux/arm64 --provenance=false -t multi . | wc -c
    docker image inspect multi -f '{{.RepoTags}} {{.Architecture}}'
    docker image inspect --platform linux/arm64 multi -f '{{.Architecture}}'
    docker image inspect --platform linux/s390x multi -f '{{.Architecture}}'
    docker images --tree --format json
    docker create --platform linux/arm64 --name arm multi x > /dev/null; docker cp arm:/file - | tar -xO; docker rm arm
    docker create --name amd multi x > /dev/null; docker cp amd:/file - | tar -xO; docker rm amd
    docker tag multi $REGISTRY/multi
    docker push -q $REGISTRY/multi
    docker push -q --platform linux/arm64 $REGISTRY/multi
    docker save --platform linux/arm64 multi -o arm.tar
    docker rmi multi $REGISTRY/multi | grep -c multi:
    docker load -q -i arm.tar
    docker image inspect --platform linux/arm64 multi -f '{{.Architecture}}'
    docker image inspect --platform linux/amd64 multi -f '{{.Architecture}}'
    docker buildx build --platform linux/amd64,linux/arm64 --output type=oci,dest=oci.tar . 2> /dev/null; tar -tf oci.tar | grep -c blobs/sha256/.
    docker rmi -f multi | grep -c multi:`,

  'caches, exports and the history of builds': `
    printf 'FROM busybox\\nRUN echo cached > /cached\\n' > Dockerfile
    docker buildx build -q --cache-to type=local,dest=cache,mode=max -t cached . | wc -c
    test -s cache/index.json && echo kept
    docker buildx build --progress plain --cache-from type=local,src=cache . 2>&1 | grep -c CACHED
    docker buildx build -q --cache-to type=registry,ref=$REGISTRY/cache,mode=max -t cached . | wc -c
    docker buildx build --progress plain --cache-from type=registry,ref=$REGISTRY/cache . 2>&1 | grep -c CACHED
    docker buildx build -q --output type=docker,dest=docker.tar,name=archived . > /dev/null; tar -xOf docker.tar manifest.json | grep -o archived:latest
    docker load -q -i docker.tar
    docker run --rm archived cat /cached
    docker buildx history ls --format '{{.Status}}' | sort | uniq -c
    docker buildx history inspect --format '{{.Status}} {{.Context}}' ^0
    docker buildx history inspect attachment --type https://slsa.dev/provenance/v0.2 ^0 | grep -c predicateType
    docker buildx history rm --all
    docker buildx history ls --format '{{.Status}}' | wc -l
    docker rmi cached archived | grep -c Untagged
    docker image prune -af | grep -c untagged:.*:latest$
    docker images -aq | wc -l`,

  'containers are committed, exported and pruned': `
    docker run --name made busybox sh -c 'echo changed > /changed'
    docker commit -q -c 'CMD ["cat", "/changed"]' made kept | wc -c
    docker run --rm kept
    docker export made | docker import -q - flat | wc -c
    docker run --rm flat cat /changed
    docker rm made
    echo 'FROM busybox' | docker build -q -t derived - | wc -c
    docker rmi kept | grep -c Untagged.*:latest
    docker images --filter dangling=true -q | wc -l
    docker image prune -f | grep -c deleted
    docker system df --format '{{.Type}} {{.TotalCount}}' | head -3
    docker rmi -f derived flat | grep -c Untagged.*:latest`,
}
