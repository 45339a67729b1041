"""What people do with docker-py, telling what came of it. Ids and times are made equal by whoever compares."""
import io, tarfile
import docker
from docker import errors, types

client = docker.from_env()
api = client.api


def tell(*what):
    print(*what, flush=True)


def refused(work):
    try:
        return tell('done', work())
    except errors.DockerException as error:
        return tell(type(error).__name__, getattr(error, 'explanation', error))


tell(client.ping(), sorted(client.version().keys()) > [], client.info()['Containers'])
tell(client.containers.run('busybox', ['echo', 'hello'], remove=True))
tell(sorted(client.containers.run('busybox', 'sh -c "echo out; echo err >&2"', remove=True, stdout=True, stderr=True).splitlines()))
refused(lambda: client.containers.run('busybox', 'sh -c "echo why >&2; exit 3"', remove=True))
refused(lambda: client.containers.run('busybox', 'nosuchprogram', remove=True))
refused(lambda: client.containers.get('nosuch'))
refused(lambda: client.images.get('nosuch'))

network = client.networks.create('net', driver='bridge', labels={'a': 'b'})
volume = client.volumes.create('vol', labels={'c': 'd'})
box = client.containers.run('busybox', 'sh -c "trap \'exit 4\' TERM; while :; do sleep 0.1; done"', name='box', detach=True, network='net',
                            volumes={'vol': {'bind': '/data', 'mode': 'rw'}}, environment={'A': '1'}, labels={'x': 'y'}, working_dir='/tmp', hostname='host',
                            mem_limit='64m', tmpfs={'/t': ''}, init=True, restart_policy={'Name': 'no'}, healthcheck={'test': ['NONE']})
tell(box.name, box.status, box.labels, box.image.tags, box.attrs['Config']['Hostname'], box.attrs['HostConfig']['Memory'])
tell([one.name for one in client.containers.list()], [one.name for one in client.containers.list(all=True, filters={'label': 'x=y'})])
tell(box.exec_run('echo inside'), box.exec_run('sh -c "echo $A; pwd; exit 5"', environment={'A': '2'}, workdir='/'))
tell(box.exec_run('sh -c "echo o; echo e >&2"', demux=True))
tell(b''.join(box.exec_run('sh -c "echo a; echo b"', stream=True).output))
refused(lambda: box.exec_run('nosuchprogram'))
execution = api.exec_create(box.id, 'sh -c "exit 6"')['Id']
api.exec_start(execution, detach=False)
tell(api.exec_inspect(execution)['ExitCode'], api.exec_inspect(execution)['Running'])

archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode='w') as tar:
    info = tarfile.TarInfo('file')
    info.size = 5
    tar.addfile(info, io.BytesIO(b'bytes'))
tell(box.put_archive('/data', archive.getvalue()), box.exec_run('cat /data/file').output)
stream, stat = box.get_archive('/data/file')
with tarfile.open(fileobj=io.BytesIO(b''.join(stream))) as tar:
    tell(stat['name'], stat['size'], tar.getnames())
refused(lambda: box.get_archive('/nosuch'))

box.rename('renamed')
box.reload()
tell(box.name, [row[-1] for row in box.top()['Processes']][:1], sorted(box.stats(stream=False)['networks']))
box.update(mem_limit='128m', memswap_limit='128m')
box.pause(); box.reload(); tell(box.status); box.unpause()
other = client.networks.create('other')
other.connect(box, aliases=['also'])
box.reload()
tell(sorted(box.attrs['NetworkSettings']['Networks']))
other.disconnect(box)
tell([one.name for one in client.networks.list(names=['net'])], client.networks.get('net').attrs['Labels'])
tell([one.name for one in client.volumes.list()], client.volumes.get('vol').attrs['Labels'])
box.kill(signal='TERM'); tell(box.wait()['StatusCode'])
box.start(); box.stop(timeout=1); box.reload(); tell(box.status)
box.restart(timeout=0); box.reload(); tell(box.status, sorted(one['Path'] for one in box.diff()))
box.remove(force=True)
refused(box.remove)

logger = client.containers.create('busybox', 'sh -c "echo 1; echo 2"')
attached = logger.attach(stream=True, logs=True)
logger.start()
tell(b''.join(attached), logger.wait()['StatusCode'], logger.logs(), logger.logs(tail=1), b''.join(logger.logs(stream=True, follow=True)))
logger.remove()

client.images.get('busybox').tag('mine', 'v1')
tell(sorted(tag for one in client.images.list() for tag in one.tags), [row['Size'] > 0 for row in client.images.get('mine:v1').history()])
client.images.remove('mine:v1')
refused(lambda: client.images.remove('mine:v1'))
refused(lambda: client.images.pull('Upper'))
mount = types.Mount('/m', 'vol', type='volume')
tell(client.containers.run('busybox', 'cat /m/file', mounts=[mount], remove=True))
interactive = api.create_container('busybox', 'cat', stdin_open=True, host_config=api.create_host_config())
socket = api.attach_socket(interactive['Id'], params={'stdin': 1, 'stdout': 1, 'stream': 1})
api.start(interactive['Id'])
raw = getattr(socket, '_sock', socket)
raw.sendall(b'through\n')
received = b''
while b'through\n' not in received:
    received += raw.recv(4096)
tell(received[-8:])
socket.close()
api.remove_container(interactive['Id'], force=True)
network.remove(); other.remove(); volume.remove()
tell(client.containers.prune(), client.networks.prune(), client.df().keys() >= {'Images', 'Containers', 'Volumes'})
created = [one['Action'] for one in client.events(since=0, until=1)]
tell(created)
