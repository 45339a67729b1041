import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect as connectNet, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { loadAuthority } from '../../infra/certificates.ts'
import { startEngine, type OwnEngine } from '../setup/engine.ts'
import { startGateway, type Gateway, type Namespace } from '../setup/gateway.ts'
import { importBusybox } from '../setup/images.ts'
import { nextLink } from '../setup/link.ts'
import { asker, type Answer, type Ask } from './wire.ts'

/** One way to an engine's API: direct or through a gateway, by unix socket or by TCP with mTLS. */
export interface Side {
  readonly gateway: boolean
  connect(): Promise<Socket>
  /** For the Docker CLI. */
  readonly env: Record<string, string>
  /** One request on a connection of its own. Throws when the answer is an error. */
  ask(ask: Ask): Promise<Answer>
}

export type Transport = 'unix' | 'tls'
export type Sides = Record<Transport, { direct: Side; gateway: Side }>

/** An engine that also speaks mTLS itself, a gateway in front of it, and a namespace. */
export interface World {
  readonly engine: OwnEngine
  readonly gateway: Gateway
  readonly sides: Sides
  readonly directory: string
  /** Another engine and gateway of the same kind, for what must be alone or leaves much behind. They end with this world. */
  another(): Promise<World>
  /** This world's gateway and those of the others it has made. */
  gateways(): Gateway[]
  stop(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-bench-'))
  const link = nextLink()
  const { far } = link
  const certificates = await engineCertificates(directory, far)
  const engine = await startEngine({
    listen: ['tcp://0.0.0.0:2376'],
    daemon: { tlsverify: true, tlscacert: certificates.ca, tlscert: certificates.cert, tlskey: certificates.key },
  })
  link.up(engine)
  await importBusybox(engine)
  const gateway = await startGateway({ engineSocket: engine.socket, flags: ['--shared-image', 'busybox:latest', '--port-reach', far] })
  const namespace = await gateway.open()
  const socket = join(directory, 'namespace.sock')
  await serve(gateway, namespace, socket)
  const more: World[] = []
  return {
    engine, gateway, directory,
    sides: {
      unix: { direct: unixSide(engine.socket, false), gateway: unixSide(socket, true) },
      tls: { direct: tlsSide(certificates.env(far), false), gateway: tlsSide(namespace.env, true) },
    },
    async another() {
      const world = await startWorld()
      more.push(world)
      return world
    },
    gateways: () => [gateway, ...more.flatMap((world) => world.gateways())],
    async stop() {
      for (const world of more) await world.stop()
      await gateway.stop()
      engine.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Certificates of the same kind as the gateway's, so that a handshake costs the same. */
async function engineCertificates(directory: string, address: string) {
  const authority = await loadAuthority(directory)
  await authority.server([address, '127.0.0.1'])
  const client = await authority.namespace('abenchmarkclient', new Date(Date.now() + 24 * 3600 * 1000))
  const at = (name: string) => join(directory, name)
  writeFileSync(at('cert.pem'), client.cert)
  writeFileSync(at('key.pem'), client.key)
  return {
    ca: at('ca.pem'), cert: at('server.pem'), key: at('server-key.pem'),
    env: (host: string) => ({ DOCKER_HOST: `tcp://${host}:2376`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: directory }),
  }
}

/** Serves a namespace on a unix socket too, as `moorage open --unix` does. */
function serve(gateway: Gateway, { id }: Namespace, path: string): Promise<void> {
  const token = readFileSync(join(gateway.stateDir, 'operator-token'), 'utf8').trim()
  const ca = readFileSync(join(gateway.stateDir, 'ca.pem'))
  return new Promise((resolve, reject) => {
    request(`${gateway.url}/namespaces/${id}/socket`, { method: 'POST', ca, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } },
      (answer) => answer.resume().on('end', () => answer.statusCode === 201 ? resolve() : reject(new Error(`socket: ${answer.statusCode}`))))
      .on('error', reject).end(JSON.stringify({ path }))
  })
}

function unixSide(path: string, gateway: boolean): Side {
  return side(gateway, { DOCKER_HOST: `unix://${path}` }, (done) => connectNet({ path, allowHalfOpen: true }, done))
}

function tlsSide(env: Record<string, string>, gateway: boolean): Side {
  const { hostname: host, port } = new URL(env['DOCKER_HOST']!)
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFileSync(join(env['DOCKER_CERT_PATH']!, name)))
  const target = { host, port: Number(port), ca, cert, key, allowHalfOpen: true, ALPNProtocols: ['http/1.1'] }
  return side(gateway, env, (done) => connectTls(target, done).setNoDelay())
}

function side(gateway: boolean, env: Record<string, string>, open: (done: () => void) => Socket): Side {
  const connect = () => new Promise<Socket>((resolve, reject) => {
    const socket: Socket = open(() => { socket.off('error', reject); resolve(socket) })
    socket.once('error', reject)
  })
  return {
    gateway, env, connect,
    async ask(ask) {
      const connection = asker(await connect())
      try {
        const answer = await connection.ask(ask)
        if (answer.status >= 400) throw new Error(`${ask.method} ${ask.path}: ${answer.status} ${answer.body}`)
        return answer
      } finally {
        connection.close()
      }
    },
  }
}
