import type { Step } from './requests.ts'

const json = (parameter: unknown) => encodeURIComponent(JSON.stringify(parameter))
const linux = { os: 'linux', architecture: 'amd64' }
const windows = { os: 'windows', architecture: 'amd64' }
const idOf = (answer: any): string => String(answer?.Id ?? '')
const create = (body: object): Step => ({ send: 'POST /containers/create', body: { Image: 'busybox', Cmd: ['sleep', '1000'], ...body }, show: ({ message }) => message ?? 'created' })

/** Requests as clients' own test suites (docker-py, moby's integration tests, dockerode) and raw HTTP clients send them. */
export const sequences: Readonly<Record<string, readonly Step[]>> = {
  'a swarm is left to be sure that there is none': [{ send: 'POST /swarm/leave?force=True' }, { send: 'POST /swarm/leave' }],

  'bodies that are no JSON are complained of before anything is looked for': ['/containers/create', '/networks/create', '/volumes/create', '/containers/foobar/exec',
    '/containers/foobar/update', '/exec/foobar/start', '/networks/bridge/connect', '/networks/bridge/disconnect'].flatMap((path) => [
    ...['{invalid json', '{} trailing', '{"a":}', '{"a":1,}', '{"a"', '{"Cmd":"x" "y"}', '{"a":tru}', '[]', '"a"'].map((body) => ({ send: `POST ${path}`, body })),
    { send: `POST ${path}`, body: '{}', type: 'text/plain' }, { send: `POST ${path}`, body: '{}', type: null },
  ]).filter(({ send, body }) => !(/containers\/create|networks\/create|update/.test(send) && /^["[]/.test(body))),

  'requests without a body': [
    { send: 'POST /volumes/create', keep: { volume: ({ Name }) => Name }, show: ({ Driver }) => Driver }, { send: 'DELETE /volumes/{volume}' },
    { send: 'POST /containers/create' }, { send: 'POST /networks/create' }, { send: 'POST /containers/foobar/exec' }, { send: 'POST /containers/foobar/update' },
    { send: 'POST /exec/foobar/start' }, { send: 'POST /networks/bridge/connect' }, { send: 'POST /networks/bridge/disconnect' },
  ],

  'sizes of terminals out of range': ['-100', '4294967296', '99999999999999999999999', '+1', '', 'a', '1.5', '-0'].flatMap((size) => [
    { send: `POST /exec/foobar/resize?h=${encodeURIComponent(size)}&w=10` }, { send: `POST /containers/foobar/resize?h=10&w=${encodeURIComponent(size)}` },
  ]),

  'networks have any name': ['test 01', 'a/b', ' x ', '_x', 'nät', "it's", 'a:b'].flatMap((name) => [
    { send: 'POST /networks/create', body: { Name: name }, show: ({ message }: any) => message ?? 'created' },
    { send: `GET /networks?filters=${json({ name: [name] })}`, show: (all: any) => all.map((network: any) => network.Name) },
    { send: `GET /networks/${encodeURIComponent(name)}`, show: ({ Name }: any) => Name }, { send: `DELETE /networks/${encodeURIComponent(name)}` },
  ]).concat(['', ' '].map((name) => ({ send: 'POST /networks/create', body: { Name: name }, show: ({ message }: any) => message }))),

  'an image for another platform': [
    { send: `GET /images/busybox/json?platform=${json(windows)}` }, { send: `GET /images/busybox/json?platform=${json(linux)}`, show: ({ Os }) => Os },
    { send: `GET /images/busybox/history?platform=${json(windows)}` }, { send: 'GET /images/busybox/json?platform=bad' },
    { send: `GET /images/get?names=busybox&platform=${json(linux)}&platform=${json(windows)}` },
    { send: 'POST /images/create?fromSrc=-&repo=x&platform=%20%20', type: 'application/x-tar' },
    { send: 'POST /images/create?fromSrc=-&repo=x&platform=nintendo64', type: 'application/x-tar' }, { send: 'POST /images/create?fromSrc=-&repo=x&platform=linux/a/b/c', type: 'application/x-tar' },
  ],

  'names that images cannot have': [{ send: 'POST /images/busybox/tag?repo=sha256&tag=sometag' }],

  'an image is there when its import has answered': [
    { send: 'POST /images/create?fromSrc=-&repo=imported&tag=one', body: new Uint8Array(1024), type: 'application/x-tar', show: false },
    { send: 'GET /images/imported:one/json', show: ({ RepoTags }) => RepoTags }, { send: 'DELETE /images/imported:one', show: false },
  ],

  'archives that are none are told in the stream': [
    { send: 'POST /images/load', body: 'abc', type: 'application/x-tar', show: ({ errorDetail }) => typeof errorDetail?.message },
    { send: 'POST /images/load?quiet=1', body: 'x'.repeat(2000), type: 'application/x-tar', show: ({ errorDetail }) => typeof errorDetail?.message },
  ],

  'sessions without the protocol': [{ send: 'POST /session' }, { send: 'POST /session', headers: { Upgrade: 'foo' } }],

  'options of containers': [
    create({ Runtime: 'runc' }), create({ HostConfig: { UTSMode: 'invalid' } }),
    create({ HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-file': '100' } } } }), create({ HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '1k', 'max-file': '50' } } } }),
  ],

  'variables of the container in a commit': [
    { ...create({ Env: ['A=1'] }), keep: { container: idOf } }, { send: 'POST /commit?container={container}&repo=committed&changes=ENV%20B=%24A%242', show: ({ Id }) => typeof Id },
    { send: 'GET /images/committed/json', show: ({ Config }) => [Config.Env, Config.Cmd] },
    { send: 'POST /commit?container={container}&repo=committed&changes=ENV%20B=%24A', body: { Env: ['A=2'], Labels: { a: 'b' } }, show: ({ Id }) => typeof Id },
    { send: 'GET /images/committed/json', show: ({ Config }) => [Config.Env, Config.Cmd] }, { send: 'DELETE /images/committed', show: false },
  ],

  'a container made like another, as watchtower and Portainer make it': [
    { send: 'POST /networks/create', body: { Name: 'recreated' }, show: false },
    { ...create({
      Volumes: { '/data': {} }, ExposedPorts: { '80/tcp': {} },
      HostConfig: { NetworkMode: 'recreated', Binds: ['kept:/kept'], Mounts: [{ Type: 'tmpfs', Target: '/t' }], RestartPolicy: { Name: 'on-failure' }, LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } } },
    }), keep: { first: idOf } },
    { send: 'POST /containers/{first}/start' },
    { send: 'GET /containers/{first}/json', show: false, keep: { like: ({ Config, HostConfig, NetworkSettings }) => JSON.stringify({ ...Config, HostConfig, NetworkingConfig: { EndpointsConfig: NetworkSettings.Networks } }) } },
    { send: 'DELETE /containers/{first}?force=1' },
    { send: 'POST /containers/create', body: '{like}', keep: { second: idOf }, show: ({ message }) => message ?? 'created' }, { send: 'POST /containers/{second}/start' },
    { send: 'GET /containers/{second}/json', show: ({ HostConfig, Mounts }) => [HostConfig.MaskedPaths, HostConfig.ReadonlyPaths, HostConfig.Runtime, HostConfig.Binds, HostConfig.LogConfig, Mounts.length] },
    { send: 'DELETE /containers/{second}?force=1&v=1' }, { send: 'DELETE /networks/recreated' }, { send: 'DELETE /volumes/kept' },
  ],

  'bodies of older and other clients': [
    create({ Dns: ['8.8.8.8'], VolumesFrom: [], CpuShares: 512, PortSpecs: ['80'] }), { send: 'POST /volumes/create', body: { Name: 'tardis', Driver: 'local', Mountpoint: '/x' }, show: ({ Name }) => Name },
    { send: 'DELETE /volumes/tardis' },
  ],

  'links before there is anything behind them': [
    { send: 'POST /networks/create', body: { Name: 'linked' }, show: false },
    { ...create({ NetworkingConfig: { EndpointsConfig: { linked: { Links: ['upstream:bar'] } } }, HostConfig: { NetworkMode: 'linked' } }), keep: { container: idOf } },
    { send: 'GET /containers/{container}/json', show: ({ NetworkSettings }) => NetworkSettings.Networks.linked.Links }, create({ HostConfig: { Links: ['upstream:bar'] } }),
    { send: 'POST /networks/linked/disconnect', body: { Container: '{container}' } },
    { send: 'POST /networks/linked/connect', body: { Container: '{container}', EndpointConfig: { Links: ['upstream:baz'] } } },
    { send: 'GET /containers/{container}/json', show: ({ NetworkSettings }) => NetworkSettings.Networks.linked.Links },
    { send: 'DELETE /containers/{container}', show: false }, { send: 'DELETE /networks/linked' },
  ],
}
